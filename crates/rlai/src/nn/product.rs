//! Matrix products: a safe, strided face in front of the `gemm` crate.
//!
//! This is how double precision and CPUs without vectors multiply; single precision has kernels of its own. `gemm`
//! chooses kernel and blocking from shape, CPU features and cache sizes, never by timing, and runs on the calling
//! thread: who wants two cores gives each its own product. So equal inputs give equal bits.

use super::Scalar;

/// A borrowed matrix: `rows x cols`, element `(i, j)` at `i * row_stride + j * col_stride`.
#[derive(Clone, Copy)]
pub struct MatRef<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a, T> MatRef<'a, T> {
    /// A row-major matrix over the first `rows * cols` elements of `data`.
    ///
    /// # Panics
    /// When `data` is shorter.
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Self {
        let data = &data[..rows.checked_mul(cols).expect("a matrix that fits into memory")];
        Self { data, rows, cols, row_stride: cols, col_stride: 1 }
    }

    /// Rows.
    pub fn rows(self) -> usize {
        self.rows
    }

    /// Columns.
    pub fn cols(self) -> usize {
        self.cols
    }

    /// Numbers from an element to the one below it, and to the one beside it.
    pub(super) fn strides(self) -> (usize, usize) {
        (self.row_stride, self.col_stride)
    }

    /// All elements, as they lie.
    pub(super) fn data(self) -> &'a [T] {
        self.data
    }

    /// The transpose, without moving an element.
    pub fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }
}

/// `c = a b`, or `c += a b` when `accumulate`. `c` is row-major, `a.rows x b.cols`.
///
/// # Panics
/// When the shapes do not fit.
pub fn product<T: Scalar>(c: &mut [T], a: MatRef<'_, T>, b: MatRef<'_, T>, accumulate: bool) {
    assert_eq!(a.cols, b.rows, "inner dimensions of a product must agree");
    let c = &mut c[..a.rows * b.cols];
    if c.is_empty() {
        return;
    }
    let stride = |s: usize| s as isize;
    // SAFETY: `MatRef::new` checked that every element reachable through the strides lies inside its
    // slice, `c` was cut to exactly rows x cols, and `&mut c` cannot overlap the shared borrows.
    unsafe {
        gemm::gemm(
            a.rows,
            b.cols,
            a.cols,
            c.as_mut_ptr(),
            1,
            stride(b.cols),
            accumulate,
            a.data.as_ptr(),
            stride(a.col_stride),
            stride(a.row_stride),
            b.data.as_ptr(),
            stride(b.col_stride),
            stride(b.row_stride),
            T::one(),
            T::one(),
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;
    use proptest::prelude::*;

    fn naive(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Vec<f64> {
        let at =
            |m: &MatRef<'_, f64>, i: usize, j: usize| m.data[i * m.row_stride + j * m.col_stride];
        let mut c = vec![0.0; a.rows * b.cols];
        for i in 0..a.rows {
            for j in 0..b.cols {
                c[i * b.cols + j] = (0..a.cols).map(|k| at(&a, i, k) * at(&b, k, j)).sum();
            }
        }
        c
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(
            m in 1usize..20, n in 1usize..20, k in 1usize..20, seed: u64,
            transpose_a: bool, transpose_b: bool, accumulate: bool,
        ) {
            let mut stream = Key::from_seed(seed).stream("product");
            let (mut a, mut b, mut c) = (vec![0.0; m * k], vec![0.0; k * n], vec![0.0; m * n]);
            for data in [&mut a, &mut b, &mut c] {
                stream.fill_normal(data);
            }
            let left = if transpose_a { MatRef::new(&a, k, m).transposed() } else { MatRef::new(&a, m, k) };
            let right = if transpose_b { MatRef::new(&b, n, k).transposed() } else { MatRef::new(&b, k, n) };
            let mut expected = naive(left, right);
            if accumulate {
                for (e, c) in expected.iter_mut().zip(&c) {
                    *e += c;
                }
            }
            product(&mut c, left, right, accumulate);
            for (got, want) in c.iter().zip(&expected) {
                prop_assert!((got - want).abs() < 1e-12 * (1.0 + want.abs()) * k as f64);
            }
        }
    }
}
