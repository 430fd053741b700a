use serde::{Deserialize, Serialize};

use crate::agent::NonFinite;
use crate::distribution::{Categorical, Draws, TanhNormal};
use crate::env::Space;
use crate::estimator::{Signal, TrustRegion};
use crate::random::Stream;

/// The distribution at the end of a policy network: over a box, or over choices. Everything is in
/// double precision; a row of parameters is a state.
#[derive(Clone, Debug)]
pub(super) enum Head {
    Box(TanhNormal),
    Choices(Categorical),
}

/// What was done, step by step: pre-tanh actions `[steps, A]`, or choices `[steps]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Taken {
    pub(super) u: Vec<f64>,
    pub(super) choices: Vec<usize>,
}

/// One action.
#[derive(Clone, Debug)]
pub(crate) enum Chosen {
    /// Pre-tanh coordinates.
    Box(Vec<f64>),
    /// The number of the choice.
    Choice(usize),
}

impl Taken {
    pub(super) fn push(&mut self, chosen: &Chosen) {
        match chosen {
            Chosen::Box(u) => self.u.extend(u),
            Chosen::Choice(choice) => self.choices.push(*choice),
        }
    }

    pub(super) fn clear(&mut self) {
        self.u.clear();
        self.choices.clear();
    }
}

impl Head {
    pub(super) fn new(space: &Space, log_std_min: f64, log_std_max: f64) -> Self {
        match space {
            Space::Box(space) => {
                Self::Box(TanhNormal::new(space.dimension(), log_std_min, log_std_max))
            }
            Space::Discrete(choices) => Self::Choices(Categorical::new(*choices)),
            other => unreachable!("{other}: refused by the check of the configuration"),
        }
    }

    pub(super) fn parameters_per_state(&self) -> usize {
        match self {
            Self::Box(head) => head.parameters_per_state(),
            Self::Choices(head) => head.choices(),
        }
    }

    /// Draws an action in one state; returns it with its log-probability, which is finite.
    pub(super) fn draw(
        &self,
        row: &[f64],
        random: &mut Stream,
    ) -> Result<(Chosen, f64), NonFinite> {
        let (chosen, log_pi) = match self {
            Self::Box(head) => {
                let mut draws = Draws::new(1, 1, head.action_dimension());
                random.fill_normal(&mut draws.noise);
                head.sample(row, &mut draws);
                (Chosen::Box(draws.u), draws.log_pi[0])
            }
            Self::Choices(head) => {
                let mut log_pi = vec![0.0; row.len()];
                head.log_probabilities(row, &mut log_pi);
                let choice = head.sample(&log_pi, random).ok_or(NonFinite::ACTION)?;
                (Chosen::Choice(choice), log_pi[choice])
            }
        };
        if log_pi.is_finite() { Ok((chosen, log_pi)) } else { Err(NonFinite::ACTION) }
    }

    /// Mean entropy over states, nats: exact for choices, of the given draws for a box.
    pub(super) fn entropy(&self, parameters: &[f64], log_pi: &[f64]) -> f64 {
        match self {
            Self::Box(_) => -log_pi.iter().sum::<f64>() / log_pi.len() as f64,
            Self::Choices(head) => {
                let all = self.log_probabilities(parameters);
                let rows = all.chunks_exact(head.choices());
                let states = rows.len() as f64;
                rows.map(|row| head.entropy(row)).sum::<f64>() / states
            }
        }
    }

    /// log pi of every choice, `[B, K]`.
    ///
    /// # Panics
    /// Over a box.
    pub(super) fn log_probabilities(&self, parameters: &[f64]) -> Vec<f64> {
        let Self::Choices(head) = self else { panic!("a box has no list of actions") };
        let mut log_pi = vec![0.0; parameters.len()];
        head.log_probabilities(parameters, &mut log_pi);
        log_pi
    }

    /// The gradient of the parameters, `[steps, P]`, that a weight on each step's log pi asks for.
    pub(super) fn score_gradient(
        &self,
        parameters: &[f64],
        taken: &Taken,
        score: &[f64],
    ) -> Vec<f64> {
        let mut gradient = vec![0.0; parameters.len()];
        match self {
            Self::Box(head) => {
                let mut draws = Draws::new(score.len(), 1, head.action_dimension());
                draws.u.copy_from_slice(&taken.u);
                head.evaluate(parameters, &mut draws);
                let mut signal = Signal::new(score.len(), 1, head.action_dimension());
                signal.score.copy_from_slice(score);
                signal.state_weight.fill(1.0);
                head.backward(parameters, &draws, &signal, &mut gradient);
            }
            Self::Choices(head) => {
                let width = head.choices();
                let log_pi = self.log_probabilities(parameters);
                let rows = gradient.chunks_exact_mut(width).zip(log_pi.chunks_exact(width));
                for ((row, log_pi), (&choice, &score)) in rows.zip(taken.choices.iter().zip(score))
                {
                    head.add_score(log_pi, choice, score, row);
                }
            }
        }
        gradient
    }

    /// KL(old || new), mean over states; all of it is the mean's part for choices.
    pub(super) fn kl(&self, old: &[f64], new: &[f64]) -> TrustRegion<f64> {
        let width = self.parameters_per_state();
        let states = (old.len() / width) as f64;
        let mut kl = TrustRegion::zero();
        match self {
            Self::Box(head) => {
                for (old, new) in old.chunks_exact(width).zip(new.chunks_exact(width)) {
                    let state = head.kl_from(old, new);
                    kl.mean += state.mean / states;
                    kl.scale += state.scale / states;
                }
            }
            Self::Choices(head) => {
                let (old, new) = (self.log_probabilities(old), self.log_probabilities(new));
                for (old, new) in old.chunks_exact(width).zip(new.chunks_exact(width)) {
                    kl.mean += head.kl(old, new) / states;
                }
            }
        }
        kl
    }

    /// Adds the gradient of `weights . kl(old, new)` with respect to the new parameters.
    pub(super) fn add_kl_gradient(
        &self,
        old: &[f64],
        new: &[f64],
        weights: TrustRegion<f64>,
        gradient: &mut [f64],
    ) {
        let width = self.parameters_per_state();
        let states = old.len() / width;
        let share = 1.0 / states as f64;
        match self {
            Self::Box(head) => {
                head.add_kl_gradient(old, new, weights, &vec![share; states], gradient);
            }
            Self::Choices(head) => {
                let (old, new) = (self.log_probabilities(old), self.log_probabilities(new));
                let rows = old.chunks_exact(width).zip(new.chunks_exact(width));
                for ((old, new), row) in rows.zip(gradient.chunks_exact_mut(width)) {
                    head.add_kl_gradient(old, new, share * weights.mean, row);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::BoxSpace;
    use crate::random::Key;

    const STEPS: usize = 3;

    fn log_pi(head: &Head, parameters: &[f64], taken: &Taken) -> Vec<f64> {
        let width = head.parameters_per_state();
        let rows = parameters.chunks_exact(width).enumerate();
        rows.map(|(i, row)| match head {
            Head::Box(head) => {
                let width = head.action_dimension();
                head.log_density(row, &taken.u[i * width..(i + 1) * width])
            }
            Head::Choices(_) => head.log_probabilities(row)[taken.choices[i]],
        })
        .collect()
    }

    #[test]
    fn gradients_equal_finite_differences_on_boxes_and_choices() {
        let key = Key::from_seed(3);
        for space in [Space::Box(BoxSpace::uniform(2, -1.0, 1.0)), Space::Discrete(4)] {
            let head = Head::new(&space, -5.0, 2.0);
            let mut random = key.stream("head");
            let mut room = || {
                let mut numbers = vec![0.0; STEPS * head.parameters_per_state()];
                random.fill_normal(&mut numbers);
                numbers.iter_mut().for_each(|x| *x *= 0.4);
                numbers
            };
            let (old, new) = (room(), room());
            let mut taken = Taken::default();
            for row in old.chunks_exact(head.parameters_per_state()) {
                let (chosen, _) = head.draw(row, &mut random).unwrap();
                taken.push(&chosen);
                let broken = vec![f64::NAN; row.len()];
                assert_eq!(head.draw(&broken, &mut random).unwrap_err(), NonFinite::ACTION);
            }
            let score = [0.7, -1.1, 0.4];
            let weights = TrustRegion { mean: 0.8, scale: 1.7, choice: 0.0 };
            let loss = |parameters: &[f64]| {
                let scores =
                    log_pi(&head, parameters, &taken).into_iter().zip(score).map(|(l, s)| s * l);
                let kl = head.kl(&old, parameters);
                scores.sum::<f64>() + weights.mean * kl.mean + weights.scale * kl.scale
            };
            let mut gradient = head.score_gradient(&new, &taken, &score);
            head.add_kl_gradient(&old, &new, weights, &mut gradient);
            for (i, exact) in gradient.iter().enumerate() {
                let at = |h: f64| {
                    let mut moved = new.clone();
                    moved[i] += h;
                    loss(&moved)
                };
                let numeric = (at(1e-6) - at(-1e-6)) / 2e-6;
                assert!((exact - numeric).abs() < 1e-7, "{space} {i}: {exact} {numeric}");
            }
        }
    }
}
