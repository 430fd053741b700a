use super::reparameterised::write_path;
use super::score::baseline;
use crate::estimator::{ActionEstimator, Duals, Needs, Particles, Signal};
use crate::nn::Scalar;

/// Reverse KL of a policy with branches from its own draws: the score function for the branch, a path
/// within it for the rest.
///
/// With `f = alpha l - Q`, l that of the whole policy, each of N draws weighs
/// `(f - mean of f over the others)/N` on the log-probability of its branch, `df/du / N` on its path, and
/// `alpha/N` on its log density. This last term has mean zero, and sticking the landing (Roeder, Wu and
/// Duvenaud 2017) leaves it out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReverseKlChoiceAndPath {
    /// Stick the landing.
    pub stl: bool,
}

impl<T: Scalar> ActionEstimator<T> for ReverseKlChoiceAndPath {
    fn name(&self) -> &'static str {
        if self.stl { "reverse-kl-choice-and-path-stl" } else { "reverse-kl-choice-and-path" }
    }

    fn needs(&self) -> Needs {
        Needs { action_gradients: true, own_samples: true, samples: 2, ..Needs::default() }
    }

    /// # Panics
    /// When the particles carry no action gradients; [`ActionEstimator::needs`] says so.
    fn signal(&self, particles: &Particles<'_, T>, duals: &Duals<T>, signal: &mut Signal<T>) {
        let alpha = duals.alpha;
        let share = T::one() / T::from_f64(particles.samples as f64);
        signal.restart();
        signal.has_choice = true;
        signal.score.fill(if self.stl { T::zero() } else { alpha * share });
        write_path(particles, alpha, signal);
        for state in 0..particles.states() {
            let baseline = baseline(particles, state, alpha);
            for i in particles.of_state(state) {
                let f = particles.soft_loss(i, alpha);
                signal.choice[i] = share * (f - baseline(f));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimator::testing::{Kind, Made, assert_close};
    use crate::estimator::{ReverseKlReparameterised, ReverseKlScore, ReverseKlStl};

    /// What is known from the policies without branches, beside each other.
    #[test]
    fn the_choice_is_the_score_form_and_the_rest_the_pathwise_one() {
        let (made, duals) = (Made::<f64>::new(Kind::Draws, 2, 5, 8), Duals::temperature(0.4));
        let score = made.signal(&ReverseKlScore, &duals).score;
        let pathwise: [&dyn ActionEstimator<f64>; 2] = [&ReverseKlReparameterised, &ReverseKlStl];
        for (stl, path) in [false, true].into_iter().zip(pathwise) {
            let (signal, path) =
                (made.signal(&ReverseKlChoiceAndPath { stl }, &duals), made.signal(path, &duals));
            assert!(signal.has_choice && signal.has_action);
            assert_close(&signal.choice, &score, 1e-13, "choice");
            assert_close(&signal.score, &path.score, 1e-13, "score");
            assert_close(&signal.action, &path.action, 1e-13, "action");
            assert_close(&signal.loss, &path.loss, 1e-13, "loss");
        }
    }
}
