//! Importance weights, in log space.

use crate::nn::Scalar;

/// Turns log weights into weights that sum to one, in place. No log weight is too large or too small:
/// the largest is subtracted first. Returns the log of the sum of what they were.
pub fn self_normalised_weights<T: Scalar>(log_weights: &mut [T]) -> T {
    let largest = log_weights.iter().copied().fold(T::neg_infinity(), T::max);
    let mut total = T::zero();
    for weight in log_weights.iter_mut() {
        *weight = (*weight - largest).exp();
        total += *weight;
    }
    for weight in log_weights {
        *weight = *weight / total;
    }
    largest + total.ln()
}

/// `1 / sum w^2` of weights that sum to one: from 1 (one particle has it all) to N (all alike).
pub fn effective_sample_size<T: Scalar>(weights: &[T]) -> T {
    T::one() / weights.iter().map(|&w| w * w).sum::<T>()
}

/// The largest weight; NaN if there is one.
pub fn largest_weight<T: Scalar>(weights: &[T]) -> T {
    weights.iter().fold(
        T::zero(),
        |largest, &w| {
            if w <= largest || largest.is_nan() { largest } else { w }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn weights_sum_to_one_and_ignore_a_constant(
            log_weights in proptest::collection::vec(-1e4f64..1e4, 1..40),
            shift in -1e3f64..1e3,
        ) {
            let mut weights = log_weights.clone();
            self_normalised_weights(&mut weights);
            prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let mut shifted: Vec<_> = log_weights.iter().map(|x| x + shift).collect();
            self_normalised_weights(&mut shifted);
            for (a, b) in weights.iter().zip(&shifted) {
                prop_assert!(a.is_finite() && (a - b).abs() < 1e-10);
            }
            let ess = effective_sample_size(&weights);
            prop_assert!(ess >= 1.0 - 1e-12 && ess <= weights.len() as f64 + 1e-9);
        }
    }

    #[test]
    fn equal_weights_count_fully_and_extreme_ones_do_not_break() {
        let mut equal = [3.0f32; 8];
        self_normalised_weights(&mut equal);
        assert_eq!(equal, [0.125; 8]);
        assert_eq!(effective_sample_size(&equal), 8.0);
        let mut extreme = [1e4f32, -1e4, 0.0];
        self_normalised_weights(&mut extreme);
        assert_eq!(extreme, [1.0, 0.0, 0.0]);
        assert_eq!(largest_weight(&[0.2, 0.5, 0.3]), 0.5);
        assert!(largest_weight(&[0.2, f32::NAN, 0.3]).is_nan());
    }
}
