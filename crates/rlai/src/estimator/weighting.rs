use super::weights::effective_sample_size;
use super::{Particles, self_normalised_weights};
use crate::nn::Scalar;

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
        *weight = weight.min(cut);
        total += *weight;
    }
    for weight in weights {
        *weight = *weight / total;
    }
}
