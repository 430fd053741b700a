use super::{Trajectories, TrajectoryEstimator, TrajectoryNeeds, TrajectorySignal};
use crate::estimator::Duals;
use crate::nn::Scalar;

/// Forward KL by self-normalised importance weights of whole trajectories (paper eqs. 8 and 9 with their
/// sign and temperature put right): weight `-w_i` on every step, `w = softmax_i sum_t (r/alpha - l)`.
///
/// Its bias falls like 1/M; with M = 1 the weight is always one and the expected gradient zero, so
/// M >= 2 is asked for. The weights collapse exponentially with the number of steps.
#[derive(Clone, Copy, Debug, Default)]
pub struct ForwardKlTrajectory;

impl<T: Scalar> TrajectoryEstimator<T> for ForwardKlTrajectory {
    fn name(&self) -> &'static str {
        "forward-kl-trajectory"
    }

    fn needs(&self) -> TrajectoryNeeds {
        TrajectoryNeeds { trajectories: 2, ..TrajectoryNeeds::default() }
    }

    fn signal(
        &self,
        trajectories: &Trajectories<'_, T>,
        duals: &Duals<T>,
        signal: &mut TrajectorySignal<T>,
    ) {
        signal.start(trajectories);
        let weights = signal.observe_trajectories(trajectories, duals.alpha);
        for (i, &weight) in weights.iter().enumerate() {
            for step in trajectories.of(i) {
                signal.score[step] = -weight;
                signal.loss[i] -= weight * trajectories.log_pi[step];
            }
        }
        signal.scratch = weights;
    }
}
