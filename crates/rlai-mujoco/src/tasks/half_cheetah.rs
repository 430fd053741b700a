//! HalfCheetah: a two-legged runner in a plane that is paid for its speed and never falls over.

use rlai::env::Action;

use super::{Outcome, ResetNoise, Rules, Shape, concatenate};
use crate::ffi::Data;
use crate::sum::control_cost;

/// HalfCheetah; `-v4` and `-v5` are the same.
pub(crate) struct HalfCheetah;

impl Rules for HalfCheetah {
    fn shape(&self) -> Shape {
        Shape {
            model: "half_cheetah.xml",
            frame_skip: 5,
            observation: 17,
            action: 6,
            action_limit: 1.0,
            noise: ResetNoise::NormalVelocity(0.1),
        }
    }

    fn position(&self, data: &Data) -> f64 {
        data.qpos()[0]
    }

    fn observe(&self, data: &Data, observation: &mut [f64]) {
        concatenate(&[&data.qpos()[1..], data.qvel()], observation);
    }

    fn judge(&self, _data: &Data, velocity: f64, action: Action<'_>) -> Outcome {
        Outcome { reward: velocity - control_cost(0.1, action), terminated: false }
    }
}
