use std::sync::Arc;

use super::NonFinite;
use super::actor::room_for;
use super::normaliser::Normaliser;
use crate::checkpoint::Manifest;
use crate::distribution::{Draws, SharedHead};
use crate::env::{Action, ActionShape, BoxSpace};
use crate::nn::{Mlp, Scalar, all_finite};
use crate::random::Stream;

/// A trained policy: observation in, action out, nothing else needed.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = rlai::Policy::load("runs/pendulum")?;
/// let action = policy.act(&[1.0, 0.0, 0.0]);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    manifest: Manifest,
    net: Mlp,
    head: SharedHead<f32>,
    parameters: Arc<[f32]>,
    normaliser: Option<Normaliser>,
}

/// An action that a [`Policy`] decided on.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Coordinates in the task's own box.
    Box(Vec<f32>),
    /// The number of a choice.
    Choice(usize),
    /// The number chosen of each factor.
    Factored(Vec<usize>),
    /// The number of a choice, and coordinates in the task's own box.
    Hybrid(usize, Vec<f32>),
}

impl Decision {
    /// As an environment takes it.
    pub fn action(&self) -> Action<'_> {
        match self {
            Self::Box(coordinates) => Action::F32(coordinates),
            Self::Choice(choice) => Action::Discrete(*choice),
            Self::Factored(choices) => Action::Factored(choices),
            Self::Hybrid(choice, coordinates) => Action::Hybrid { choice: *choice, coordinates },
        }
    }

    /// Choices, then coordinates, as plain numbers.
    pub fn numbers(&self) -> Vec<f32> {
        match self {
            Self::Box(coordinates) => coordinates.clone(),
            Self::Choice(choice) => vec![*choice as f32],
            Self::Factored(choices) => choices.iter().map(|&choice| choice as f32).collect(),
            Self::Hybrid(choice, coordinates) => [&[*choice as f32], &coordinates[..]].concat(),
        }
    }
}

impl Policy {
    pub(super) fn new(
        manifest: Manifest,
        net: Mlp,
        head: SharedHead<f32>,
        parameters: Vec<f32>,
        normaliser: Option<Normaliser>,
    ) -> Self {
        Self { manifest, net, head, parameters: parameters.into(), normaliser }
    }

    /// Its distribution in another precision.
    pub(super) fn head_of_precision<T: Scalar>(&self) -> Result<SharedHead<T>, String> {
        if let Some(name) = &self.manifest.own_distribution {
            return Err(format!("{name} is a distribution that this program does not know"));
        }
        self.manifest.policy.head(self.head.shape())
    }

    pub(super) fn net(&self) -> &Mlp {
        &self.net
    }

    pub(super) fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    pub(super) fn normaliser(&self) -> Option<&Normaliser> {
        self.normaliser.as_ref()
    }

    /// What its actions are made of.
    pub fn action_shape(&self) -> &ActionShape {
        self.head.shape()
    }

    /// The name of its distribution.
    pub fn distribution_name(&self) -> &str {
        self.head.name()
    }

    /// The task it was trained on.
    pub fn env(&self) -> &str {
        &self.manifest.env
    }

    /// Environment steps of training behind it; 0 if it was not loaded from a checkpoint.
    pub fn step(&self) -> u64 {
        self.manifest.step
    }

    /// O, numbers in an observation.
    pub fn observation_dimension(&self) -> usize {
        self.manifest.observation_dimension
    }

    /// The deterministic action in the task's own units: the mode before the squashing; choices as
    /// numbers, before the coordinates. NaN where [`Policy::decide`] fails.
    ///
    /// # Panics
    /// When the observation does not have [`Policy::observation_dimension`] numbers.
    pub fn act(&self, observation: &[f64]) -> Vec<f32> {
        match self.decide(observation) {
            Ok(decision) => decision.numbers(),
            Err(NonFinite { .. }) => vec![f32::NAN; self.action_shape().stored_width()],
        }
    }

    /// [`Policy::act`], as what the task takes.
    ///
    /// # Errors
    /// When the policy has no finite answer, as to an observation that is not finite.
    ///
    /// # Panics
    /// As [`Policy::act`].
    pub fn decide(&self, observation: &[f64]) -> Result<Decision, NonFinite> {
        let parameters = self.distribution_parameters(observation)?;
        let mut draws = room_for(&self.head, 1, 1);
        self.head.mode(&parameters, &mut draws);
        self.decision(draws)
    }

    /// A random action of the policy, as what the task takes.
    ///
    /// # Errors
    /// As [`Policy::decide`].
    ///
    /// # Panics
    /// As [`Policy::act`].
    pub fn sample(&self, observation: &[f64], random: &mut Stream) -> Result<Decision, NonFinite> {
        let parameters = self.distribution_parameters(observation)?;
        let mut draws = room_for(&self.head, 1, 1);
        self.head.draw(&parameters, random, &mut draws);
        self.decision(draws)
    }

    /// Its distribution over actions: with [`Policy::distribution_parameters`] all that there is to know
    /// of what it does in a state.
    pub fn distribution(&self) -> &SharedHead<f32> {
        &self.head
    }

    /// The task's own box of action coordinates, which `[-1, 1]^A` stands for.
    pub fn action_box(&self) -> BoxSpace {
        let Manifest { action_low, action_high, .. } = &self.manifest;
        BoxSpace { low: action_low.clone(), high: action_high.clone() }
    }

    /// Parameters of the action's distribution at an observation, `[P]`, in the order that the
    /// distribution gives them: of a tanh-normal means before the tanh, then log standard deviations.
    ///
    /// # Errors
    /// As [`Policy::decide`].
    ///
    /// # Panics
    /// As [`Policy::act`].
    pub fn distribution_parameters(&self, observation: &[f64]) -> Result<Vec<f32>, NonFinite> {
        let mut input: Vec<f32> = observation.iter().map(|&x| x as f32).collect();
        // Minus infinity vanishes in a rectifier: the answer alone might not show it.
        if !all_finite(&input) {
            return Err(NonFinite { what: "an observation" });
        }
        if let Some(normaliser) = &self.normaliser {
            normaliser.normalise(&mut input);
        }
        let mut room = self.net.activations(1);
        self.net.forward(&self.parameters, &input, &mut room);
        if all_finite(room.output()) { Ok(room.output().to_vec()) } else { Err(NonFinite::ACTION) }
    }

    /// The only draw, in the task's units.
    fn decision(&self, draws: Draws<f32>) -> Result<Decision, NonFinite> {
        let mut coordinates = draws.action;
        let bounds = self.manifest.action_low.iter().zip(&self.manifest.action_high);
        for (a, (&low, &high)) in coordinates.iter_mut().zip(bounds) {
            *a = crate::env::to_box(*a, low as f32, high as f32);
        }
        if !all_finite(&coordinates) {
            return Err(NonFinite::ACTION);
        }
        let shape = self.head.shape();
        Ok(match (&shape.factors[..], shape.coordinates) {
            ([], _) => Decision::Box(coordinates),
            ([_], 0) => Decision::Choice(draws.choices[0]),
            (_, 0) => Decision::Factored(draws.choices),
            _ => Decision::Hybrid(draws.choices[0], coordinates),
        })
    }
}
