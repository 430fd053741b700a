use crate::estimator::{
    ActionEstimator, Duals, Needs, Origin, Particles, Signal, self_normalised_weights,
};
use crate::nn::Scalar;

/// Largest weight of a state in advantage-weighted regression (Peng et al. 2019).
const LARGEST_WEIGHT: f64 = 20.0;

/// How an advantage becomes the weight of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdvantageWeighting {
    /// `B softmax_s(A/lambda)`, normalised over the B states of one call (Nair et al. 2020, "awac").
    Softmax,
    /// `exp(A/lambda)`, at most 20 (Peng et al. 2019, advantage-weighted regression, "awr").
    ClippedExponential,
}

/// Weighted likelihood of the replay's own actions: forward KL to `exp(A/lambda)` times the policy that
/// filled the replay.
///
/// The first particle of each state is the action taken there, with base minus infinity; the others stand
/// for the policy and give the value, `V = sum_k exp(b_k) Q_k`, `A = Q_replay - V`. With the default
/// state weight 1/B the loss is the mean over states of `-weight log pi(a_replay|s)`. The diagnostics are
/// of the policy's particles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Awac {
    /// Lambda, reward units: the smaller, the greedier.
    pub temperature: f64,
    /// How an advantage becomes a weight.
    pub weighting: AdvantageWeighting,
}

impl<T: Scalar> ActionEstimator<T> for Awac {
    fn name(&self) -> &'static str {
        match self.weighting {
            AdvantageWeighting::Softmax => "awac",
            AdvantageWeighting::ClippedExponential => "awr",
        }
    }

    fn needs(&self) -> Needs {
        Needs { replay_action: true, ..Needs::default() }
    }

    /// # Panics
    /// When the first particle is not the replay's; [`ActionEstimator::needs`] says so.
    fn signal(&self, particles: &Particles<'_, T>, duals: &Duals<T>, signal: &mut Signal<T>) {
        assert_eq!(particles.origins[0], Origin::Replay, "the first particle is the replay's");
        signal.restart();
        signal.score.fill(T::zero());
        let states = particles.states();
        // The loss holds the advantages, then the weights, until it is known.
        for state in 0..states {
            signal.loss[state] = self.scaled_advantage(particles, state);
            signal.diagnostics.observe(particles, state, duals.alpha);
        }
        self.weigh(&mut signal.loss);
        for state in 0..states {
            let (taken, weight) = (particles.of_state(state).start, signal.loss[state]);
            signal.score[taken] = -weight;
            signal.loss[state] = -weight * particles.log_pi[taken];
        }
    }
}

impl Awac {
    /// `A/lambda` of the action that was taken in this state.
    fn scaled_advantage<T: Scalar>(&self, particles: &Particles<'_, T>, state: usize) -> T {
        let range = particles.of_state(state);
        let q_taken = particles.q[range.start];
        let value: T = range.skip(1).map(|i| particles.log_base[i].exp() * particles.q[i]).sum();
        (q_taken - value) / T::from_f64(self.temperature)
    }

    /// Turns the scaled advantages of all states into their weights, in place.
    fn weigh<T: Scalar>(&self, advantages: &mut [T]) {
        match self.weighting {
            AdvantageWeighting::Softmax => {
                self_normalised_weights(advantages);
                let states = T::from_f64(advantages.len() as f64);
                advantages.iter_mut().for_each(|weight| *weight *= states);
            }
            AdvantageWeighting::ClippedExponential => {
                let largest = T::from_f64(LARGEST_WEIGHT);
                // Not clipped after exp: minimum would hide a NaN, but not an infinite exponential.
                let clip = |a: T| if a > largest.ln() { largest } else { a.exp() };
                advantages.iter_mut().for_each(|advantage| *advantage = clip(*advantage));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimator::testing::{Kind, Made, assert_close};

    /// Two states whose advantages are 1 and -2 whatever the shift of the state.
    fn made() -> Made<f64> {
        let mut made = Made::new(Kind::Replay, 2, 3, 1);
        made.q = vec![3.0, 1.0, 3.0, -2.0, 1.0, -1.0];
        made.log_pi = vec![-0.5, 9.0, 9.0, -1.5, 9.0, 9.0];
        made
    }

    fn signal(temperature: f64, weighting: AdvantageWeighting) -> Signal<f64> {
        made().signal(&Awac { temperature, weighting }, &Duals::temperature(0.3))
    }

    #[test]
    fn weights_of_states_by_hand() {
        let exponentials = [(1.0f64 / 0.5).exp(), (-2.0f64 / 0.5).exp()];
        let of = |weights: [f64; 2]| [-weights[0], 0.0, 0.0, -weights[1], 0.0, 0.0];
        let total = exponentials[0] + exponentials[1];
        let softmax = exponentials.map(|e| 2.0 * e / total);
        let awac = signal(0.5, AdvantageWeighting::Softmax);
        assert_close(&awac.score, &of(softmax), 1e-12, "awac");
        assert_close(&awac.loss, &[0.5 * softmax[0], 1.5 * softmax[1]], 1e-12, "loss");
        let awr = signal(0.5, AdvantageWeighting::ClippedExponential);
        assert_close(&awr.score, &of(exponentials), 1e-12, "awr");
        let clipped = signal(0.1, AdvantageWeighting::ClippedExponential);
        assert_close(&clipped.score, &of([20.0, (-20.0f64).exp()]), 1e-12, "clipped");
    }

    /// The loss as a distribution reduces it: the mean over states of -weight log pi.
    #[test]
    fn the_default_state_weight_makes_a_mean_over_states() {
        let signal = signal(1e9, AdvantageWeighting::Softmax);
        let mean: f64 = signal.loss.iter().zip(&signal.state_weight).map(|(l, w)| l * w).sum();
        assert!((mean - 0.5 * (0.5 + 1.5)).abs() < 1e-8, "equal weights: plain imitation");
    }
}
