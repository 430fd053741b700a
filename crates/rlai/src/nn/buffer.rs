//! Room for numbers that kernels read and write.

use aligned_vec::{AVec, ConstAlign};

use super::Scalar;

/// Numbers that begin where a line of the cache does. Rows of as many numbers as the widest vectors hold, or a
/// multiple of that, then never straddle two lines, which costs a training step up to a tenth of its time.
pub(crate) type Buffer<T> = AVec<T, ConstAlign<LINE>>;

/// Bytes in a line of the cache, and in the widest vectors.
const LINE: usize = 64;

/// So many zeros.
pub(crate) fn zeros<T: Scalar>(count: usize) -> Buffer<T> {
    let mut zeros = AVec::with_capacity(LINE, count);
    zeros.resize(count, T::zero());
    zeros
}

/// A copy of these numbers.
pub(crate) fn buffer<T: Scalar>(numbers: &[T]) -> Buffer<T> {
    AVec::from_slice(LINE, numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_begin_with_a_line() {
        for count in [1, 3, 16, 70_000] {
            let numbers: Vec<f32> = (0..count).map(|i| i as f32).collect();
            for made in [zeros(count), buffer(&numbers)] {
                assert_eq!((made.len(), made.as_ptr() as usize % LINE), (count, 0));
            }
            assert_eq!(buffer(&numbers)[..], numbers[..]);
        }
    }
}
