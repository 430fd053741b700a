use crate::checkpoint::Manifest;
use crate::distribution::{Draws, TanhNormal};
use crate::nn::Mlp;
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
    head: TanhNormal,
    parameters: Vec<f32>,
}

impl Policy {
    pub(super) fn new(manifest: Manifest, net: Mlp, parameters: Vec<f32>) -> Self {
        let Manifest { action_dimension, log_std_min, log_std_max, .. } = manifest;
        let head = TanhNormal::new(action_dimension, log_std_min, log_std_max);
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

    /// The deterministic action (the mode before the squashing) in the task's own units.
    ///
    /// # Panics
    /// When the observation does not have [`Policy::observation_dimension`] numbers.
    pub fn act(&self, observation: &[f64]) -> Vec<f32> {
        let mut action = vec![0.0f32; self.head.action_dimension()];
        self.head.mode(&self.distribution(observation), &mut action);
        self.in_task_units(action)
    }

    /// A random action of the policy in the task's own units.
    ///
    /// # Panics
    /// When the observation does not have [`Policy::observation_dimension`] numbers.
    pub fn sample(&self, observation: &[f64], random: &mut Stream) -> Vec<f32> {
        let mut draws = Draws::new(1, 1, self.head.action_dimension());
        random.fill_normal(&mut draws.noise);
        self.head.sample(&self.distribution(observation), &mut draws);
        self.in_task_units(draws.action)
    }

    /// Parameters of the action's distribution.
    fn distribution(&self, observation: &[f64]) -> Vec<f32> {
        let input: Vec<f32> = observation.iter().map(|&x| x as f32).collect();
        let mut room = self.net.activations(1);
        self.net.forward(&self.parameters, &input, &mut room);
        room.output().to_vec()
    }

    fn in_task_units(&self, mut action: Vec<f32>) -> Vec<f32> {
        let bounds = self.manifest.action_low.iter().zip(&self.manifest.action_high);
        for (a, (&low, &high)) in action.iter_mut().zip(bounds) {
            *a = crate::env::to_box(*a, low as f32, high as f32);
        }
        action
    }
}
