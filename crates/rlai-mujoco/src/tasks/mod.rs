//! The rules of the tasks: what is observed, what is rewarded, when an episode ends.
//!
//! One file a family. Rules read a simulation and know nothing of how it is stepped; the order of
//! every sum and product is Gymnasium's, because results agree with it to the last bit.

mod ant;
mod half_cheetah;
mod hopper;
mod humanoid;
mod walker2d;

use rlai::env::Action;
use rlai::random::Stream;

pub(crate) use ant::Ant;
pub(crate) use half_cheetah::HalfCheetah;
pub(crate) use hopper::Hopper;
pub(crate) use humanoid::Humanoid;
pub(crate) use walker2d::Walker2d;

use crate::ffi::Data;

/// The revision of a task, the number in its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revision {
    V4,
    V5,
}

impl Revision {
    /// 1 when the bonus for being healthy is paid. `-v4` pays it on the terminating step too.
    fn alive(self, healthy: bool) -> f64 {
        if healthy || self == Revision::V4 { 1.0 } else { 0.0 }
    }
}

/// The noise that is added to the default state at a reset.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ResetNoise {
    /// Positions and velocities uniform in plus or minus the scale.
    Uniform(f64),
    /// Positions uniform in plus or minus the scale, velocities normal with it as deviation.
    NormalVelocity(f64),
}

impl ResetNoise {
    /// Noise for a position.
    pub(crate) fn position(self, random: &mut Stream) -> f64 {
        let (Self::Uniform(scale) | Self::NormalVelocity(scale)) = self;
        random.uniform(-scale, scale)
    }

    /// Noise for a velocity.
    pub(crate) fn velocity(self, random: &mut Stream) -> f64 {
        match self {
            Self::Uniform(scale) => random.uniform(-scale, scale),
            Self::NormalVelocity(scale) => scale * random.normal(),
        }
    }
}

/// What a step is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) reward: f64,
    pub(crate) terminated: bool,
}

/// The fixed numbers of a task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Name of the model file.
    pub(crate) model: &'static str,
    /// Simulation steps for each action.
    pub(crate) frame_skip: usize,
    /// Coordinates of the observation.
    pub(crate) observation: usize,
    /// Coordinates of the action.
    pub(crate) action: usize,
    /// Actions lie in plus or minus this.
    pub(crate) action_limit: f64,
    /// Noise at a reset.
    pub(crate) noise: ResetNoise,
}

/// The rules of one task.
pub(crate) trait Rules: Sync {
    /// The fixed numbers.
    fn shape(&self) -> Shape;

    /// The coordinate whose velocity is rewarded, in metres.
    fn position(&self, data: &Data) -> f64;

    /// Writes the observation.
    fn observe(&self, data: &Data, observation: &mut [f64]);

    /// Judges a step that moved [`position`](Self::position) with this velocity.
    fn judge(&self, data: &Data, velocity: f64, action: Action<'_>) -> Outcome;
}

/// Writes `parts` one after another.
fn concatenate(parts: &[&[f64]], out: &mut [f64]) {
    let mut start = 0;
    for part in parts {
        out[start..start + part.len()].copy_from_slice(part);
        start += part.len();
    }
    debug_assert_eq!(start, out.len(), "the observation is filled");
}

/// The observation of Hopper and Walker2d: all positions but the first, velocities within 10 m/s.
fn observe_planar(data: &Data, observation: &mut [f64]) {
    concatenate(&[&data.qpos()[1..], data.qvel()], observation);
    for velocity in &mut observation[data.qpos().len() - 1..] {
        *velocity = velocity.clamp(-10.0, 10.0);
    }
}
