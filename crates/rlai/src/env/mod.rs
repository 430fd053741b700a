//! Environments: what an agent acts on.
//!
//! Observations are written as `f64` into a buffer of the caller; a task whose original keeps them in
//! `f32` rounds them before writing. `terminated` (the task ended) and `truncated` (time ran out) are
//! never mixed.

mod acrobot;
mod action_shape;
mod bimodal_bandit;
mod cart_pole;
mod check;
mod classic;
mod episode_state;
mod grid;
mod mountain_car;
mod mountain_car_continuous;
mod move_and_strength;
mod numpy;
mod pendulum;
mod probe;
mod registry;
mod rescale;
mod space;
mod switch_or_stay;
mod tabular;
#[cfg(test)]
mod testing;
mod time_limit;

pub use acrobot::Acrobot;
pub use action_shape::ActionShape;
pub use bimodal_bandit::BimodalBandit;
pub use cart_pole::CartPole;
pub use check::{CheckOptions, Finding, Outcome, check};
pub use episode_state::EpisodeState;
pub use grid::{GridError, read_grid};
pub use mountain_car::MountainCar;
pub use mountain_car_continuous::MountainCarContinuous;
pub use move_and_strength::MoveAndStrength;
pub use pendulum::Pendulum;
pub use probe::{Probe, ProbeKind, ProbeSpace};
pub use registry::{
    EnvError, TaskInfo, builtin_tasks, make_builtin, make_named, make_probe, make_tabular,
};
pub use rescale::Rescaled;
pub(crate) use rescale::to_box;
pub use space::{BoxSpace, Space};
pub use switch_or_stay::SwitchOrStay;
pub use tabular::Tabular;
pub use time_limit::TimeLimit;

use crate::random::{Stream, StreamState};

/// An action as the caller holds it, in the task's own units (its box).
///
/// The precision is part of the action: Gymnasium's MuJoCo tasks compute the control cost in the
/// precision of the action they are given.
#[derive(Clone, Copy, Debug)]
pub enum Action<'a> {
    /// Continuous, single precision: what policies give.
    F32(&'a [f32]),
    /// Continuous, double precision.
    F64(&'a [f64]),
    /// One of K choices, counted from 0.
    Discrete(usize),
    /// One choice of each of several sets, each counted from 0.
    Factored(&'a [usize]),
    /// One of K choices, counted from 0, and coordinates in single precision.
    Hybrid {
        /// The choice.
        choice: usize,
        /// The coordinates, whatever the choice.
        coordinates: &'a [f32],
    },
}

impl Action<'_> {
    /// Number of coordinates; choices are none.
    pub fn len(&self) -> usize {
        match self {
            Action::F32(values) => values.len(),
            Action::F64(values) => values.len(),
            Action::Hybrid { coordinates, .. } => coordinates.len(),
            Action::Discrete(_) | Action::Factored(_) => 0,
        }
    }

    /// Whether the action has no coordinates.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Coordinate `i`, widened.
    ///
    /// # Panics
    /// When there is no such coordinate; choices are none.
    pub fn get(&self, i: usize) -> f64 {
        match self {
            Action::F32(values) => f64::from(values[i]),
            Action::F64(values) => values[i],
            Action::Hybrid { coordinates, .. } => f64::from(coordinates[i]),
            Action::Discrete(_) | Action::Factored(_) => panic!("{self:?} has no coordinate {i}"),
        }
    }
}

/// What a step returns besides the observation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Reward of the transition.
    pub reward: f64,
    /// The task reached a terminal state: there is no future to bootstrap from.
    pub terminated: bool,
    /// Time ran out: the future exists but is not played.
    pub truncated: bool,
}

impl Step {
    /// Whether the episode is over, for either reason.
    pub fn ended(&self) -> bool {
        self.terminated || self.truncated
    }
}

/// A failure inside an environment.
#[derive(Debug, thiserror::Error, Clone, PartialEq)]
pub enum StepError {
    /// The simulator left the range of numbers it can handle.
    #[error("the simulator became unstable: {0}")]
    Unstable(String),
    /// What was to be played: what it is.
    #[error("{0} is not finite")]
    NonFinite(&'static str),
    /// The caller handed over a state that does not fit the task.
    #[error("{0}")]
    State(String),
}

/// A task that an agent acts on.
///
/// A task of one's own needs `id`, `observation_space`, `action_space`, `reset` and `step`; everything
/// else has a default that says what it lacks.
pub trait Environment: Send {
    /// The task's name with its version, `HalfCheetah-v5`.
    fn id(&self) -> &str;

    /// Bounds and size of the observation.
    fn observation_space(&self) -> &BoxSpace;

    /// The actions: a box, choices, or both.
    fn action_space(&self) -> &Space;

    /// Steps after which an episode is truncated, if it is. A task need not count its own steps:
    /// [`TimeLimit`] does.
    fn time_limit(&self) -> Option<usize> {
        None
    }

    /// Starts an episode; writes its first observation. All randomness comes from `random`.
    fn reset(&mut self, random: &mut Stream, observation: &mut [f64]) -> Result<(), StepError>;

    /// Plays one action; writes the observation after it.
    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError>;

    /// Starts an episode in a state given by position and velocity; writes its first observation.
    ///
    /// # Errors
    /// When the task has no such states, or the numbers are none.
    fn set_state(
        &mut self,
        _qpos: &[f64],
        _qvel: &[f64],
        _observation: &mut [f64],
    ) -> Result<(), StepError> {
        let id = self.id();
        Err(StepError::State(format!(
            "{id} cannot be put into a state of positions and velocities"
        )))
    }

    /// The temperature alpha that belongs to the task itself, if one does.
    fn temperature(&self) -> Option<f64> {
        None
    }

    /// The task itself, if it is a tabular one, about which everything can be known exactly.
    fn tabular(&self) -> Option<&Tabular> {
        None
    }

    /// log pi_0(a|s) of every choice in the state that the task is in, `[K]`, where the task has a
    /// default policy of its own; otherwise it is 0 everywhere (maximum entropy). It need not be
    /// normalised: a constant in it is a reward of alpha times as much for every step taken.
    fn log_default_policy(&self) -> Option<&[f64]> {
        None
    }

    /// Everything of the episode in progress, if a task can be put back into it.
    ///
    /// Equal snapshots with equal random numbers have equal futures, to the last bit: every observation,
    /// reward and end of what is played from there, the default policy, and every later episode. That holds
    /// in any instance made in the same way, whatever it has played before, at any time: before the first
    /// reset, right after one, in the middle, and after an end (also for what is played beyond it). Steps
    /// counted by a [`TimeLimit`] are part of it. Taking a snapshot changes nothing.
    ///
    /// Its numbers are finite and mean something to the task alone. What the task was made from (its name,
    /// its file) is not in it, nor are random numbers: those of a reset are the caller's, and those that a
    /// task draws by itself are its [`random_state`](Environment::random_state). [`EpisodeState`] is both
    /// together.
    fn snapshot(&self) -> Option<Vec<f64>> {
        None
    }

    /// Goes on from a [`snapshot`](Environment::snapshot) of this task; writes the observation that the task
    /// showed there. All randomness of what follows comes from `random`: copies of a state go different ways.
    /// ([`EpisodeState::resume`] goes the way of the original.)
    ///
    /// # Errors
    /// [`StepError::State`] when the task cannot be put back, or the numbers are not a state of it: too few,
    /// too many, not finite, or impossible.
    fn restore(
        &mut self,
        _snapshot: &[f64],
        _random: &mut Stream,
        _observation: &mut [f64],
    ) -> Result<(), StepError> {
        Err(StepError::State(format!("{} cannot go back to an earlier state", self.id())))
    }

    /// Where the random numbers stand that the task draws by itself between two resets; none if its steps
    /// draw none. A task whose steps do draw some takes them at a reset, or in
    /// [`restore`](Environment::restore), from the stream that it is given there.
    fn random_state(&self) -> Option<StreamState> {
        None
    }

    /// Puts the random numbers that the task draws by itself to where they
    /// [stood](Environment::random_state).
    ///
    /// # Errors
    /// [`StepError::State`] when its steps draw none.
    fn set_random_state(&mut self, _state: &StreamState) -> Result<(), StepError> {
        Err(StepError::State(format!("{} draws no random numbers of its own", self.id())))
    }
}

impl<E: Environment + ?Sized> Environment for Box<E> {
    fn id(&self) -> &str {
        (**self).id()
    }

    fn observation_space(&self) -> &BoxSpace {
        (**self).observation_space()
    }

    fn action_space(&self) -> &Space {
        (**self).action_space()
    }

    fn time_limit(&self) -> Option<usize> {
        (**self).time_limit()
    }

    fn reset(&mut self, random: &mut Stream, observation: &mut [f64]) -> Result<(), StepError> {
        (**self).reset(random, observation)
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        (**self).step(action, observation)
    }

    fn set_state(
        &mut self,
        qpos: &[f64],
        qvel: &[f64],
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        (**self).set_state(qpos, qvel, observation)
    }

    fn temperature(&self) -> Option<f64> {
        (**self).temperature()
    }

    fn tabular(&self) -> Option<&Tabular> {
        (**self).tabular()
    }

    fn log_default_policy(&self) -> Option<&[f64]> {
        (**self).log_default_policy()
    }

    fn snapshot(&self) -> Option<Vec<f64>> {
        (**self).snapshot()
    }

    fn restore(
        &mut self,
        snapshot: &[f64],
        random: &mut Stream,
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        (**self).restore(snapshot, random, observation)
    }

    fn random_state(&self) -> Option<StreamState> {
        (**self).random_state()
    }

    fn set_random_state(&mut self, state: &StreamState) -> Result<(), StepError> {
        (**self).set_random_state(state)
    }
}
