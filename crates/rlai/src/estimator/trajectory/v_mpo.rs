use super::{Trajectories, TrajectoryEstimator, TrajectoryNeeds, TrajectorySignal};
use crate::estimator::{Duals, self_normalised_weights};
use crate::nn::Scalar;

/// V-MPO (Song et al. 2019, "V-MPO: on-policy maximum a posteriori policy optimization"): the better
/// half of all steps by advantage is imitated with weights `softmax(A/eta)`, within a trust region
/// around the policy that drew them.
///
/// `A = G_t - V(s_t)`, `G` the discounted soft rewards from t on; with alpha = 0 that is the paper's
/// advantage. Weights are normalised over the chosen half of the whole batch. eta's dual has the
/// gradient `eps - weight_divergence` ([`TrajectorySignal::weight_divergence`], the KL of the weights
/// from uniform ones over that half), the trust region's multipliers are [`Duals::trust_region`].
#[derive(Clone, Copy, Debug)]
pub struct VMpo {
    /// Discount of later soft rewards.
    pub gamma: f64,
}

impl<T: Scalar> TrajectoryEstimator<T> for VMpo {
    fn name(&self) -> &'static str {
        "v-mpo"
    }

    fn needs(&self) -> TrajectoryNeeds {
        TrajectoryNeeds { values: true, old_policy: true, ..TrajectoryNeeds::default() }
    }

    /// # Panics
    /// When the trajectories carry no V(s_t).
    fn signal(
        &self,
        trajectories: &Trajectories<'_, T>,
        duals: &Duals<T>,
        signal: &mut TrajectorySignal<T>,
    ) {
        signal.start(trajectories);
        let value = trajectories.value.expect("v-mpo needs V(s_t)");
        let mut advantages = std::mem::take(&mut signal.scratch);
        trajectories.rewards_to_go(duals.alpha, T::from_f64(self.gamma), &mut advantages);
        for (advantage, &value) in advantages.iter_mut().zip(value) {
            *advantage -= value;
        }
        let best = better_half(&advantages);
        let mut weights: Vec<T> = best.iter().map(|&step| advantages[step] / duals.eta).collect();
        self_normalised_weights(&mut weights);
        let chosen = T::from_f64(best.len() as f64);
        for (&step, &weight) in best.iter().zip(&weights) {
            signal.score[step] = -weight;
            // Written so that NaN counts.
            if weight != T::zero() {
                signal.weight_divergence += weight * (weight * chosen).ln();
            }
        }
        for i in 0..trajectories.count() {
            let of_step = |step: usize| signal.score[step] * trajectories.log_pi[step];
            signal.loss[i] = trajectories.of(i).map(of_step).sum();
        }
        signal.trust_region = Some(duals.trust_region);
        signal.observe(&weights);
        signal.scratch = advantages;
    }
}

/// The steps with the larger advantages: half of them, rounded up; of equals the earlier ones. What is
/// no number comes first, so that it shows in every weight.
fn better_half<T: Scalar>(advantages: &[T]) -> Vec<usize> {
    let rank = |step: usize| {
        let advantage = advantages[step].widen();
        // A positive NaN is above all numbers, a negative one below them.
        if advantage.is_nan() { advantage.abs() } else { advantage }
    };
    let mut order: Vec<usize> = (0..advantages.len()).collect();
    order.sort_by(|&a, &b| rank(b).total_cmp(&rank(a)));
    order.truncate(advantages.len().div_ceil(2));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimator::TrustRegion;

    fn signal_of(reward: &[f64], value: &[f64], eta: f64) -> TrajectorySignal<f64> {
        let offsets: Vec<usize> = (0..=reward.len()).collect();
        let trajectories = Trajectories {
            offsets: &offsets,
            log_pi: &vec![-0.7; reward.len()],
            log_pi_0: Some(&vec![-0.7; reward.len()]),
            reward,
            value: Some(value),
            final_value: None,
            terminated: &vec![true; reward.len()],
        };
        let trust_region = TrustRegion { mean: 2.0, scale: 3.0, choice: 0.0 };
        let duals = Duals { alpha: 0.3, eta, trust_region };
        let mut signal = TrajectorySignal::default();
        VMpo { gamma: 0.9 }.signal(&trajectories, &duals, &mut signal);
        signal
    }

    #[test]
    fn the_better_half_is_weighted_by_the_softmax_of_its_advantages() {
        let signal = signal_of(&[1.0, 5.0, 2.0, 0.0, 9.0], &[0.0, 1.0, 2.0, -3.0, 8.5], 2.0);
        // Advantages 1, 4, 0, 3, 0.5: the best three are steps 1, 3 and 0.
        let total = (2.0f64).exp() + (1.5f64).exp() + (0.5f64).exp();
        let expected = [(0.5f64).exp(), (2.0f64).exp(), 0.0, (1.5f64).exp(), 0.0];
        for (score, weight) in signal.score.iter().zip(expected) {
            assert!((score + weight / total).abs() < 1e-15);
        }
        assert_eq!(signal.trust_region, Some(TrustRegion { mean: 2.0, scale: 3.0, choice: 0.0 }));
        assert!(signal.effective_sample_size > 1.0 && signal.effective_sample_size < 3.0);
    }

    /// eta's dual is `eta eps + eta log mean exp(A/eta)` over the better half.
    #[test]
    fn the_divergence_is_what_the_derivative_of_the_dual_says() {
        let (reward, value) = ([1.0, 5.0, 2.0, 0.0, 9.0, 1.5], [0.0; 6]);
        let dual = |eta: f64| {
            let mean = [9.0, 5.0, 2.0].iter().map(|a: &f64| (a / eta).exp()).sum::<f64>() / 3.0;
            0.1 * eta + eta * mean.ln()
        };
        let (eta, h) = (1.7, 1e-6);
        let numeric = (dual(eta + h) - dual(eta - h)) / (2.0 * h);
        let residual = 0.1 - signal_of(&reward, &value, eta).weight_divergence;
        assert!((residual - numeric).abs() < 1e-8, "{residual} against {numeric}");
    }

    /// inf - inf is a negative NaN, which sorts behind all numbers: it must not count as a bad step.
    #[test]
    fn an_advantage_that_is_no_number_is_not_left_out() {
        let nan = f64::INFINITY - f64::INFINITY;
        for at in 0..4 {
            let mut value = [0.0; 4];
            value[at] = nan;
            let signal = signal_of(&[1.0, 0.5, 0.2, 0.7], &value, 2.0);
            assert!(signal.loss.iter().sum::<f64>().is_nan(), "step {at}: {:?}", signal.loss);
            assert!(signal.score[at].is_nan(), "step {at}: {:?}", signal.score);
            assert!(signal.weight_divergence.is_nan() && signal.largest_weight.is_nan());
        }
    }
}
