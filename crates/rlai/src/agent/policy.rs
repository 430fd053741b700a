use super::NonFinite;
use crate::checkpoint::Manifest;
use crate::distribution::{Categorical, Draws, TanhNormal};
use crate::env::Action;
use crate::nn::{Mlp, all_finite};
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
    head: Head,
    parameters: Vec<f32>,
}

#[derive(Clone, Debug)]
enum Head {
    Box(TanhNormal),
    Choices(Categorical),
}

/// An action that a [`Policy`] decided on.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Coordinates in the task's own box.
    Box(Vec<f32>),
    /// The number of a choice.
    Choice(usize),
}

impl Decision {
    /// As an environment takes it.
    pub fn action(&self) -> Action<'_> {
        match self {
            Self::Box(coordinates) => Action::F32(coordinates),
            Self::Choice(choice) => Action::Discrete(*choice),
        }
    }
}

impl Policy {
    pub(super) fn new(manifest: Manifest, net: Mlp, parameters: Vec<f32>) -> Self {
        let Manifest { action_dimension, log_std_min, log_std_max, choices, .. } = manifest;
        let head = match choices {
            Some(choices) => Head::Choices(Categorical::new(choices)),
            None => Head::Box(TanhNormal::new(action_dimension, log_std_min, log_std_max)),
        };
        Self { manifest, net, head, parameters }
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

    /// The deterministic action in the task's own units: the mode before the squashing. Of a policy over
    /// choices, the most likely one's number, alone. NaN where [`Policy::decide`] fails.
    ///
    /// # Panics
    /// When the observation does not have [`Policy::observation_dimension`] numbers.
    pub fn act(&self, observation: &[f64]) -> Vec<f32> {
        match self.decide(observation) {
            Ok(Decision::Box(action)) => action,
            Ok(Decision::Choice(choice)) => vec![choice as f32],
            Err(NonFinite { .. }) => vec![f32::NAN; self.manifest.action_dimension.max(1)],
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
        let parameters = self.distribution(observation)?;
        match &self.head {
            Head::Choices(head) => {
                head.mode(&parameters).map(Decision::Choice).ok_or(NonFinite::ACTION)
            }
            Head::Box(head) => {
                let mut action = vec![0.0f32; head.action_dimension()];
                head.mode(&parameters, &mut action);
                self.in_task_units(action)
            }
        }
    }

    /// A random action of the policy, as what the task takes.
    ///
    /// # Errors
    /// As [`Policy::decide`].
    ///
    /// # Panics
    /// As [`Policy::act`].
    pub fn sample(&self, observation: &[f64], random: &mut Stream) -> Result<Decision, NonFinite> {
        let parameters = self.distribution(observation)?;
        match &self.head {
            Head::Choices(head) => {
                let mut log_pi = vec![0.0; head.choices()];
                head.log_probabilities(&parameters, &mut log_pi);
                head.sample(&log_pi, random).map(Decision::Choice).ok_or(NonFinite::ACTION)
            }
            Head::Box(head) => {
                let mut draws = Draws::new(1, 1, head.action_dimension());
                random.fill_normal(&mut draws.noise);
                head.sample(&parameters, &mut draws);
                self.in_task_units(draws.action)
            }
        }
    }

    /// Parameters of the action's distribution.
    fn distribution(&self, observation: &[f64]) -> Result<Vec<f32>, NonFinite> {
        let input: Vec<f32> = observation.iter().map(|&x| x as f32).collect();
        // Minus infinity vanishes in a rectifier: the answer alone might not show it.
        if !all_finite(&input) {
            return Err(NonFinite { what: "an observation" });
        }
        let mut room = self.net.activations(1);
        self.net.forward(&self.parameters, &input, &mut room);
        Ok(room.output().to_vec())
    }

    fn in_task_units(&self, mut action: Vec<f32>) -> Result<Decision, NonFinite> {
        let bounds = self.manifest.action_low.iter().zip(&self.manifest.action_high);
        for (a, (&low, &high)) in action.iter_mut().zip(bounds) {
            *a = crate::env::to_box(*a, low as f32, high as f32);
        }
        if all_finite(&action) { Ok(Decision::Box(action)) } else { Err(NonFinite::ACTION) }
    }
}
