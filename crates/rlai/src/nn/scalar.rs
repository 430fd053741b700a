use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{AddAssign, MulAssign, SubAssign};

mod sealed {
    use super::super::fused::{self, Fused};
    use super::super::{kernel, squash};

    pub trait Sealed: Sized {
        /// Does a job whose shapes have been checked.
        fn fused(job: Fused<'_, Self>, result: &mut [Self]);

        /// `to[i, j] = from[j, i]`: rows of `from` are `apart` numbers apart, those of `to` `width` long.
        fn transpose(from: &[Self], apart: usize, to: &mut [Self], width: usize);

        /// `tanh` and the logarithm of its derivative, of slices of one length.
        fn squash_all(u: &[Self], actions: &mut [Self], log_jacobians: &mut [Self]);
    }

    impl Sealed for f32 {
        fn fused(mut job: Fused<'_, f32>, result: &mut [f32]) {
            if !kernel::run(&mut job, result) {
                fused::plain(job, result);
            }
        }

        fn transpose(from: &[f32], apart: usize, to: &mut [f32], width: usize) {
            kernel::transpose(from, apart, to, width);
        }

        fn squash_all(u: &[f32], actions: &mut [f32], log_jacobians: &mut [f32]) {
            squash::fast(u, actions, log_jacobians);
        }
    }

    impl Sealed for f64 {
        fn fused(job: Fused<'_, f64>, result: &mut [f64]) {
            fused::plain(job, result);
        }

        fn transpose(from: &[f64], apart: usize, to: &mut [f64], width: usize) {
            for (i, row) in to.chunks_exact_mut(width).enumerate() {
                for (j, to) in row.iter_mut().enumerate() {
                    *to = from[j * apart + i];
                }
            }
        }

        fn squash_all(u: &[f64], actions: &mut [f64], log_jacobians: &mut [f64]) {
            squash::plain(u, actions, log_jacobians);
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
