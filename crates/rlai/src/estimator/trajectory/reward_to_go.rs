use super::{Baseline, Trajectories, TrajectoryEstimator, TrajectoryNeeds, TrajectorySignal};
use crate::estimator::Duals;
use crate::nn::Scalar;

/// Reverse KL by the score of each step and the soft rewards from it on (paper 3.0.2 with the current
/// action's own -alpha l inside): weight `-(G_t - b_t)/M`,
/// `G_t = sum_{t' >= t} gamma^{t'-t} (r - alpha l)_{t'}`.
///
/// Unbiased for gamma = 1, and for the discounted return with [`discount_states`](Self::discount_states),
/// which multiplies by gamma^t. Without it every state counts alike, as is usual. The leave-one-out
/// baseline is the other trajectories' mean `G_t`, zero for those that ended before t.
#[derive(Clone, Copy, Debug)]
pub struct ReverseKlRewardToGo {
    /// Discount of later soft rewards.
    pub gamma: f64,
    /// Multiply step t by gamma^t: the true gradient of the discounted return.
    pub discount_states: bool,
    /// What is subtracted from `G_t`.
    pub baseline: Baseline,
}

impl Default for ReverseKlRewardToGo {
    /// Undiscounted, with the leave-one-out baseline.
    fn default() -> Self {
        Self { gamma: 1.0, discount_states: false, baseline: Baseline::default() }
    }
}

impl<T: Scalar> TrajectoryEstimator<T> for ReverseKlRewardToGo {
    fn name(&self) -> &'static str {
        "reverse-kl-reward-to-go"
    }

    fn needs(&self) -> TrajectoryNeeds {
        TrajectoryNeeds {
            trajectories: self.baseline.fewest_trajectories(),
            values: self.baseline == Baseline::Value,
            ..TrajectoryNeeds::default()
        }
    }

    /// # Panics
    /// When the baseline is V and the trajectories carry none.
    fn signal(
        &self,
        trajectories: &Trajectories<'_, T>,
        duals: &Duals<T>,
        signal: &mut TrajectorySignal<T>,
    ) {
        signal.start(trajectories);
        let gamma = T::from_f64(self.gamma);
        let mut to_go = std::mem::take(&mut signal.scratch);
        trajectories.rewards_to_go(duals.alpha, gamma, &mut to_go);
        let totals = totals(trajectories, &to_go);
        let count = T::from_f64(trajectories.count() as f64);
        for i in 0..trajectories.count() {
            let mut front = T::one() / count;
            for (t, step) in trajectories.of(i).enumerate() {
                let baseline = match self.baseline {
                    Baseline::None => T::zero(),
                    Baseline::LeaveOneOut => (totals[t] - to_go[step]) / (count - T::one()),
                    Baseline::Value => trajectories.value.expect("V(s_t) is the baseline")[step],
                };
                signal.score[step] = -front * (to_go[step] - baseline);
                if self.discount_states {
                    front *= gamma;
                }
            }
            signal.loss[i] = -trajectories.of(i).next().map_or(T::zero(), |first| to_go[first]);
        }
        signal.scratch = to_go;
        signal.scratch = signal.observe_trajectories(trajectories, duals.alpha);
    }
}

/// Sum over trajectories of `G_t`, `[T]`.
fn totals<T: Scalar>(trajectories: &Trajectories<'_, T>, to_go: &[T]) -> Vec<T> {
    let mut totals = vec![T::zero(); trajectories.horizon()];
    for i in 0..trajectories.count() {
        for (total, step) in totals.iter_mut().zip(trajectories.of(i)) {
            *total += to_go[step];
        }
    }
    totals
}
