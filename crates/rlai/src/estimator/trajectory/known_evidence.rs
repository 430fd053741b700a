use super::{Trajectories, TrajectoryEstimator, TrajectoryNeeds, TrajectorySignal};
use crate::estimator::Duals;
use crate::nn::Scalar;

/// Forward KL where the probability of optimality is known, so that the weights need no normalising:
/// weight `-exp(sum_t (r/alpha - l - log Z_0)) / (M p(O))` on every step (paper 4.0.2 with its sign, its
/// mean over trajectories and Z_0 put right). Unbiased for every M.
#[derive(Clone, Copy, Debug)]
pub struct ForwardKlKnownEvidence {
    /// log p(O), the evidence, with the same Z_0.
    pub log_evidence: f64,
    /// log Z_0, with which `p(O_t|s,a) = exp(r/alpha)/Z_0` is a probability; 0 where log pi_0 is already
    /// less by it.
    pub log_z0: f64,
}

impl<T: Scalar> TrajectoryEstimator<T> for ForwardKlKnownEvidence {
    fn name(&self) -> &'static str {
        "forward-kl-trajectory-known-evidence"
    }

    fn needs(&self) -> TrajectoryNeeds {
        TrajectoryNeeds::default()
    }

    fn signal(
        &self,
        trajectories: &Trajectories<'_, T>,
        duals: &Duals<T>,
        signal: &mut TrajectorySignal<T>,
    ) {
        signal.start(trajectories);
        let log_count = (trajectories.count() as f64).ln();
        for i in 0..trajectories.count() {
            let length = trajectories.of(i).len() as f64;
            let constant = length * self.log_z0 + log_count + self.log_evidence;
            let log_weight = trajectories.log_weight(i, duals.alpha);
            let weight = (log_weight - T::from_f64(constant)).exp();
            for step in trajectories.of(i) {
                signal.score[step] = -weight;
                signal.loss[i] -= weight * trajectories.log_pi[step];
            }
        }
        signal.scratch = signal.observe_trajectories(trajectories, duals.alpha);
    }
}
