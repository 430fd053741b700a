use super::{Baseline, Trajectories, TrajectoryEstimator, TrajectoryNeeds, TrajectorySignal};
use crate::estimator::Duals;
use crate::nn::Scalar;

/// Reverse KL by the score of the whole trajectory (REINFORCE, Williams 1992; paper 3.0.1 with its sign
/// and temperature put right): weight `-(R_i - b)/M` on every step, `R = sum_t (r - alpha l)`.
///
/// Unbiased; the score's own term, `alpha sum_t grad log pi`, has mean zero and is left out. What lies
/// beyond a cut-off does not count.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReverseKlTrajectory {
    /// What is subtracted from a trajectory's return.
    pub baseline: Baseline,
}

impl<T: Scalar> TrajectoryEstimator<T> for ReverseKlTrajectory {
    fn name(&self) -> &'static str {
        "reverse-kl-trajectory"
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
        let alpha = duals.alpha;
        let count = T::from_f64(trajectories.count() as f64);
        for i in 0..trajectories.count() {
            signal.loss[i] = -alpha * trajectories.log_weight(i, alpha);
        }
        let total: T = signal.loss.iter().copied().sum();
        for i in 0..trajectories.count() {
            let loss = signal.loss[i];
            for step in trajectories.of(i) {
                let baseline = match self.baseline {
                    Baseline::None => T::zero(),
                    Baseline::LeaveOneOut => (total - loss) / (count - T::one()),
                    Baseline::Value => -trajectories.value.expect("V(s_t) is the baseline")[step],
                };
                signal.score[step] = (loss - baseline) / count;
            }
        }
        signal.scratch = signal.observe_trajectories(trajectories, alpha);
    }
}
