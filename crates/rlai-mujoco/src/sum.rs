//! Sums in the order in which NumPy adds, so that rewards agree to the last bit.

use std::ops::{Add, Mul};

use rlai::env::Action;

/// The sum of `f(value)` over the values, in NumPy's order: eight running sums, joined pairwise, and
/// the rest in order; fewer than eight values are added one after another.
///
/// Holds for up to 128 values, which is where NumPy starts to split.
pub(crate) fn numpy_sum<T>(values: &[T], f: impl Fn(T) -> T) -> T
where
    T: Copy + Default + Add<Output = T>,
{
    debug_assert!(values.len() <= 128, "NumPy sums longer arrays in halves");
    let (blocks, rest) = values.as_chunks::<8>();
    let mut total = T::default();
    if let Some((first, others)) = blocks.split_first() {
        let mut sums = first.map(&f);
        for block in others {
            for (sum, value) in sums.iter_mut().zip(block) {
                *sum = *sum + f(*value);
            }
        }
        let [a, b, c, d, e, g, h, i] = sums;
        total = ((a + b) + (c + d)) + ((e + g) + (h + i));
    }
    rest.iter().fold(total, |total, value| total + f(*value))
}

/// The sum of squares in NumPy's order.
pub(crate) fn sum_of_squares<T>(values: &[T]) -> T
where
    T: Copy + Default + Add<Output = T> + Mul<Output = T>,
{
    numpy_sum(values, |value| value * value)
}

/// `weight` times the sum of squares, all of it in the precision of the action.
pub(crate) fn control_cost(weight: f64, action: Action<'_>) -> f64 {
    match action {
        Action::F32(values) => f64::from(weight as f32 * sum_of_squares(values)),
        Action::F64(values) => weight * sum_of_squares(values),
        // No task here takes choices; a simulation refuses them before any cost is asked for.
        Action::Discrete(_) | Action::Factored(_) | Action::Hybrid { .. } => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Reference values: float(numpy.sum(numpy.square(x))) for x = [0.1, 0.2, ...] in NumPy 2.4.
    #[test]
    fn sums_add_in_numpys_order() {
        let values: Vec<f64> = (1..=17).map(|i| f64::from(i) / 10.0).collect();
        assert_eq!(sum_of_squares(&values[..7]), 1.4);
        assert_eq!(sum_of_squares(&values[..8]), 2.04);
        assert_eq!(sum_of_squares(&values), 17.85);
    }

    #[test]
    fn the_cost_of_a_single_precision_action_is_single_precision() {
        let values: Vec<f32> = (1..=6).map(|i| i as f32 / 10.0).collect();
        assert_eq!(control_cost(0.1, Action::F32(&values)), 0.09100000560283661);
    }
}
