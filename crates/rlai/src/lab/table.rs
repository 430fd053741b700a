//! Arrays of numbers with a shape.

use std::ops::{Index, IndexMut};

use serde::{Serialize, Serializer};

/// A row-major array of `f64` of one to three dimensions; written as nested JSON arrays.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Table {
    /// A table of zeros.
    pub fn zeros(shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), values: vec![0.0; shape.iter().product()] }
    }

    /// A table of given numbers, the last index running fastest.
    ///
    /// # Panics
    /// When `values` does not hold one number for every cell.
    pub fn new(shape: &[usize], values: Vec<f64>) -> Self {
        let cells: usize = shape.iter().product();
        assert_eq!(values.len(), cells, "a number for every cell of {shape:?}");
        Self { shape: shape.to_vec(), values }
    }

    /// Length of every dimension.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// All numbers, the last index running fastest.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The numbers whose first indices are `index`, which may leave out any number of last ones.
    pub fn row<const N: usize>(&self, index: [usize; N]) -> &[f64] {
        &self.values[self.range(index)]
    }

    /// As [`Table::row`], to write.
    pub fn row_mut<const N: usize>(&mut self, index: [usize; N]) -> &mut [f64] {
        let range = self.range(index);
        &mut self.values[range]
    }

    fn range<const N: usize>(&self, index: [usize; N]) -> std::ops::Range<usize> {
        let width: usize = self.shape[N..].iter().product();
        let row = index.iter().zip(&self.shape).fold(0, |row, (&i, &length)| {
            assert!(i < length, "index {index:?} of a table of shape {:?}", self.shape);
            row * length + i
        });
        row * width..(row + 1) * width
    }
}

impl<const N: usize> Index<[usize; N]> for Table {
    type Output = f64;

    fn index(&self, index: [usize; N]) -> &f64 {
        &self.row(index)[0]
    }
}

impl<const N: usize> IndexMut<[usize; N]> for Table {
    fn index_mut(&mut self, index: [usize; N]) -> &mut f64 {
        &mut self.row_mut(index)[0]
    }
}

impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Nested { shape: &self.shape, values: &self.values }.serialize(serializer)
    }
}

/// A part of a table, whose first dimension becomes a JSON array.
struct Nested<'a> {
    shape: &'a [usize],
    values: &'a [f64],
}

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.shape {
            [] | [_] => serializer.collect_seq(self.values),
            [_, rest @ ..] => {
                let width = rest.iter().product::<usize>().max(1);
                let parts = self.values.chunks(width);
                serializer.collect_seq(parts.map(|values| Nested { shape: rest, values }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_rows_and_json_agree() {
        let mut table = Table::new(&[2, 1, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(table[[1, 0, 2]], 5.0);
        assert_eq!(table.row([1]), [3.0, 4.0, 5.0]);
        table[[0, 0, 1]] = 0.1;
        assert_eq!(serde_json::to_string(&table).unwrap(), "[[[0.0,0.1,2.0]],[[3.0,4.0,5.0]]]");
    }

    #[test]
    #[should_panic(expected = "index [0, 3]")]
    fn a_cell_outside_is_refused() {
        let _ = Table::zeros(&[2, 3])[[0, 3]];
    }
}
