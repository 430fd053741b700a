use serde::{Deserialize, Serialize};

use super::{Environment, StepError};
use crate::random::{Key, StreamState};

/// An episode in progress, to be gone on with in another process: exactly as if nothing had happened.
///
/// It is a task's [`snapshot`](Environment::snapshot) with the random numbers that the task draws by itself
/// ([`random_state`](Environment::random_state)). The stream that resets are drawn from is its owner's to
/// keep. JSON keeps every bit.
///
/// ```
/// use rlai::env::{Action, Environment, EpisodeState, Pendulum};
/// use rlai::random::Key;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut task, mut seen) = (Pendulum::new(), [0.0; 3]);
/// task.reset(&mut Key::from_seed(1).stream("environment"), &mut seen)?;
/// let text = serde_json::to_string(&EpisodeState::of(&task).expect("Pendulum has snapshots"))?;
///
/// let (mut other, mut seen_there) = (Pendulum::new(), [0.0; 3]);
/// serde_json::from_str::<EpisodeState>(&text)?.resume(&mut other, &mut seen_there)?;
/// assert_eq!(seen_there, seen);
/// let push = Action::F32(&[0.7]);
/// assert_eq!(other.step(push, &mut seen_there)?, task.step(push, &mut seen)?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpisodeState {
    /// What [`Environment::snapshot`] gave.
    pub snapshot: Vec<f64>,
    /// What [`Environment::random_state`] gave.
    pub random: Option<StreamState>,
}

impl EpisodeState {
    /// The episode that `task` is in; none if the task has no snapshots.
    pub fn of<E: Environment + ?Sized>(task: &E) -> Option<Self> {
        let random = task.random_state();
        task.snapshot().map(|snapshot| Self { snapshot, random })
    }

    /// Puts `task`, an instance made in the same way, into this episode; writes its observation.
    ///
    /// # Errors
    /// When it is no state of this task.
    pub fn resume<E: Environment + ?Sized>(
        &self,
        task: &mut E,
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        // Whatever a task takes from it is overwritten by the numbers of its own.
        let mut replaced = Key::from_seed(0).stream("resumed episode");
        task.restore(&self.snapshot, &mut replaced, observation)?;
        match (&self.random, task.random_state()) {
            (Some(random), _) => task.set_random_state(random),
            (None, None) => Ok(()),
            (None, Some(_)) => Err(StepError::State(format!(
                "{} draws random numbers of its own, and the state of the episode lacks them",
                task.id()
            ))),
        }
    }
}
