use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{AddAssign, MulAssign, SubAssign};

mod sealed {
    use super::super::fused::{self, Fused};
    use super::super::kernel;

    pub trait Sealed: Sized {
        /// Does a job whose shapes have been checked.
        fn fused(job: Fused<'_, Self>, result: &mut [Self]);
    }

    impl Sealed for f32 {
        fn fused(mut job: Fused<'_, f32>, result: &mut [f32]) {
            if !kernel::run(&mut job, result) {
                fused::plain(job, result);
            }
        }
    }

    impl Sealed for f64 {
        fn fused(job: Fused<'_, f64>, result: &mut [f64]) {
            fused::plain(job, result);
        }
    }
}

/// The precision of a computation: `f32` for training, `f64` for checks. Implemented for these two only.
pub trait Scalar:
    num_traits::Float
    + Default
    + Debug
    + Display
    + Send
    + Sync
    + Sum
    + AddAssign
    + SubAssign
    + MulAssign
    + sealed::Sealed
    + 'static
{
    /// The nearest number of this precision.
    fn from_f64(value: f64) -> Self;

    /// The same number in double precision.
    fn widen(self) -> f64;
}

impl Scalar for f32 {
    fn from_f64(value: f64) -> Self {
        value as f32
    }

    fn widen(self) -> f64 {
        f64::from(self)
    }
}

impl Scalar for f64 {
    fn from_f64(value: f64) -> Self {
        value
    }

    fn widen(self) -> f64 {
        self
    }
}
