//! NumPy's scalars, where a task of Gymnasium mixes precisions: NumPy 2 computes in single precision
//! until a double one enters, and a plain number of Python's takes the precision of its partner
//! (NumPy Enhancement Proposal 50).

use std::cmp::Ordering;
use std::ops::{Add, Mul, Sub};

/// A number with its precision.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    /// A number of Python's, in double precision until it meets one of NumPy's.
    Plain(f64),
    /// `numpy.float32`.
    Single(f32),
    /// `numpy.float64`.
    Double(f64),
}

use Number::{Double, Plain, Single};

impl Number {
    /// Its value, widened.
    pub(super) fn value(self) -> f64 {
        match self {
            Single(x) => f64::from(x),
            Plain(x) | Double(x) => x,
        }
    }

    /// Joins two numbers in the precision that NumPy would join them in.
    fn join(
        self,
        other: Self,
        single: impl Fn(f32, f32) -> f32,
        double: impl Fn(f64, f64) -> f64,
    ) -> Self {
        match (self, other) {
            (Plain(x), Plain(y)) => Plain(double(x, y)),
            (Single(x), Single(y)) => Single(single(x, y)),
            (Single(x), Plain(y)) => Single(single(x, y as f32)),
            (Plain(x), Single(y)) => Single(single(x as f32, y)),
            (x, y) => Double(double(x.value(), y.value())),
        }
    }
}

impl Add for Number {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.join(other, |x, y| x + y, |x, y| x + y)
    }
}

impl Sub for Number {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.join(other, |x, y| x - y, |x, y| x - y)
    }
}

impl Mul for Number {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        self.join(other, |x, y| x * y, |x, y| x * y)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (*self, *other) {
            (Single(x), Plain(y)) => x.partial_cmp(&(y as f32)),
            (Plain(x), Single(y)) => (x as f32).partial_cmp(&y),
            (x, y) => x.value().partial_cmp(&y.value()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Reference values: NumPy 2.4, e.g. numpy.float32(0.1) + 0.2 and numpy.float32(0.1) == 0.1.
    #[test]
    fn precision_is_that_of_numpy() {
        let (tenth, fifth) = (Single(0.1), Plain(0.2));
        assert!(matches!(tenth + fifth, Single(x) if x == 0.1f32 + 0.2f32));
        assert!(matches!(fifth * tenth, Single(x) if x == 0.2f32 * 0.1f32));
        assert!(matches!(tenth - Double(0.2), Double(x) if x == f64::from(0.1f32) - 0.2));
        assert!(matches!(fifth + Plain(0.1), Plain(x) if x == 0.2 + 0.1));
        assert!(matches!(fifth + Double(0.1), Double(_)));
        assert!(tenth == Plain(0.1) && Plain(0.1) == tenth && tenth != Double(0.1));
        assert!(tenth > Double(0.1) && Plain(0.1) <= tenth);
    }
}
