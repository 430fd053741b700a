use super::weights::effective_sample_size;
use super::{Particles, self_normalised_weights};
use crate::nn::{Scalar, smaller};

/// To which power beta the ratio of the target to the policy is raised before it becomes a weight:
/// `w = softmax(b + beta (Q/alpha - l))`. The base stays as it is, so the target of the weights is
/// `pi^(1-beta) (exp(Q/alpha) pi_0)^beta`, a damped step towards the untempered one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Tempering {
    /// Beta is 1.
    #[default]
    None,
    /// This beta; 0 gives every particle its base weight.
    Fixed(f64),
    /// Beta is alpha, which gives `softmax(Q - alpha l)` for draws from the policy: the weights of the
    /// code published with Lavington et al. 2021. A policy that can represent every target has the same
    /// fixed point for alpha below 2.
    Alpha,
    /// In each state the largest beta up to 1 that leaves an effective sample size of this share of N,
    /// to one part in a thousand (adaptive tempering, as in sequential Monte Carlo). With unequal bases
    /// a share that even the bases do not reach gives 0.
    EffectiveSampleSize(f64),
}

/// How importance weights are made from particles.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weighting {
    /// The power of the ratio.
    pub tempering: Tempering,
    /// Cut every weight at sqrt(N) times their mean, then normalise again (Ionides 2008, truncated
    /// importance sampling): less variance for some bias.
    pub truncate: bool,
}

impl Weighting {
    /// Whether the weights are the plain `softmax(b + Q/alpha - l)`.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Writes the weights of one state, which sum to one, into `weights`, `[N]`; returns beta.
    pub fn write<T: Scalar>(
        &self,
        particles: &Particles<'_, T>,
        state: usize,
        alpha: T,
        weights: &mut [T],
    ) -> T {
        let temper = |beta: T, weights: &mut [T]| {
            for (weight, i) in weights.iter_mut().zip(particles.of_state(state)) {
                *weight = particles.log_base[i] + beta * particles.log_target_ratio(i, alpha);
            }
            self_normalised_weights(weights);
        };
        let beta = match self.tempering {
            Tempering::None => T::one(),
            Tempering::Fixed(beta) => T::from_f64(beta),
            Tempering::Alpha => alpha,
            Tempering::EffectiveSampleSize(share) => {
                let wanted = T::from_f64(share * particles.standing(state) as f64);
                largest_beta(wanted, |beta| {
                    temper(beta, weights);
                    effective_sample_size(weights)
                })
            }
        };
        temper(beta, weights);
        if self.truncate {
            truncate(weights, particles.standing(state));
        }
        beta
    }
}

/// The largest beta in [0, 1] at which the effective sample size is `wanted`, by bisection. For equal
/// bases the size only falls with beta, so there is one crossing.
fn largest_beta<T: Scalar>(wanted: T, mut size_at: impl FnMut(T) -> T) -> T {
    if size_at(T::one()) >= wanted {
        return T::one();
    }
    let (half, enough) = (T::from_f64(0.5), wanted * T::from_f64(1.001));
    let (mut low, mut high) = (T::zero(), T::one());
    for _ in 0..30 {
        let middle = half * (low + high);
        let size = size_at(middle);
        if size < wanted {
            high = middle;
            continue;
        }
        low = middle;
        if size <= enough {
            break;
        }
    }
    low
}

/// Weights that sum to one have the mean 1/N, so the cut is 1/sqrt(N).
fn truncate<T: Scalar>(weights: &mut [T], standing: usize) {
    let cut = T::from_f64(1.0 / (standing as f64).sqrt());
    let mut total = T::zero();
    for weight in weights.iter_mut() {
        *weight = smaller(*weight, cut);
        total += *weight;
    }
    for weight in weights {
        *weight = *weight / total;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimator::testing::{Kind, Made, assert_close};
    use proptest::prelude::*;

    fn weights(tempering: Tempering, truncate: bool, made: &Made<f64>) -> (f64, Vec<f64>) {
        let mut weights = vec![0.0; made.origins.len()];
        let weighting = Weighting { tempering, truncate };
        let beta = weighting.write(&made.particles(), 0, 0.2, &mut weights);
        (beta, weights)
    }

    proptest! {
        #[test]
        fn the_effective_sample_size_asked_for_is_met(
            seed: u64, samples in 4usize..40, share in 0.3f64..0.99,
        ) {
            let made = Made::new(Kind::Draws, 1, samples, seed);
            let (beta, found) = weights(Tempering::EffectiveSampleSize(share), false, &made);
            let (size, wanted) = (effective_sample_size(&found), share * samples as f64);
            prop_assert!((0.0..=1.0).contains(&beta));
            prop_assert!(size >= wanted * (1.0 - 1e-9));
            prop_assert!(beta == 1.0 || size <= wanted * 1.0011, "{size} {wanted} {beta}");
        }

        #[test]
        fn truncated_weights_sum_to_one_and_keep_their_order(seed: u64, samples in 4usize..40) {
            let made = Made::new(Kind::Draws, 1, samples, seed);
            let (_, whole) = weights(Tempering::None, false, &made);
            let (_, cut) = weights(Tempering::None, true, &made);
            prop_assert!((cut.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert!(effective_sample_size(&cut) >= effective_sample_size(&whole) - 1e-9);
            for i in 1..samples {
                prop_assert!((whole[i] - whole[0]) * (cut[i] - cut[0]) >= 0.0);
            }
        }
    }

    #[test]
    fn the_least_share_tempers_nothing_and_the_whole_everything() {
        let made = Made::new(Kind::Draws, 1, 10, 4);
        assert_eq!(weights(Tempering::EffectiveSampleSize(0.1), false, &made).0, 1.0);
        let (beta, even) = weights(Tempering::EffectiveSampleSize(1.0), false, &made);
        assert!(beta < 1e-6);
        assert_close(&even, &[0.1; 10], 1e-5, "weights");
    }

    /// The base is the proposal's and is never tempered: at beta 0 it is what remains.
    #[test]
    fn a_power_of_zero_leaves_the_base() {
        let made = Made::<f64>::new(Kind::Enumerated, 1, 5, 6);
        let base: Vec<f64> = made.log_base.iter().map(|b| b.exp()).collect();
        assert_close(&weights(Tempering::Fixed(0.0), false, &made).1, &base, 1e-12, "weights");
    }

    /// w = (e^3, 1, 1, 1) / (e^3 + 3): only the first is above sqrt(4) times the mean, 1/2.
    #[test]
    fn truncation_by_hand() {
        let mut made = Made::<f64>::new(Kind::Draws, 1, 4, 6);
        made.log_pi.fill(0.0);
        made.q = vec![0.6, 0.0, 0.0, 0.0];
        let small = 1.0 / (3.0f64.exp() + 3.0);
        let total = 0.5 + 3.0 * small;
        let want = [0.5, small, small, small].map(|w| w / total);
        assert_close(&weights(Tempering::None, true, &made).1, &want, 1e-12, "weights");
    }

    /// Where the policy can be anything, taking the weights as the next policy contracts its log ratio to
    /// softmax(Q/alpha) by 1 - beta a step; with beta = alpha as in the published code.
    #[test]
    fn damped_weights_contract_to_the_target_of_the_plain_ones() {
        let mut made = Made::<f64>::new(Kind::Enumerated, 1, 5, 8);
        let alpha = 0.2;
        let mut target: Vec<f64> = made.q.iter().map(|q| q / alpha).collect();
        self_normalised_weights(&mut target);
        let centred = |made: &Made<f64>| -> Vec<f64> {
            let error: Vec<f64> =
                made.log_pi.iter().zip(&target).map(|(l, t)| l - t.ln()).collect();
            let mean = error.iter().sum::<f64>() / 5.0;
            error.iter().map(|e| e - mean).collect()
        };
        for _ in 0..30 {
            let before = centred(&made);
            let (beta, next) = weights(Tempering::Alpha, false, &made);
            assert_eq!(beta, alpha);
            made.log_pi = next.iter().map(|w| w.ln()).collect();
            made.log_base.clone_from(&made.log_pi);
            let shrunk: Vec<f64> = before.iter().map(|e| (1.0 - alpha) * e).collect();
            assert_close(&centred(&made), &shrunk, 1e-11, "log ratio");
        }
    }
}
