//! Walker2d: two legs in a plane, paid for speed and for staying upright.

use rlai::env::Action;

use super::{Outcome, ResetNoise, Revision, Rules, Shape, observe_planar};
use crate::ffi::Data;
use crate::sum::control_cost;

/// Walker2d of a revision. `-v5` corrects the left foot's friction, so it has a model of its own.
pub(crate) struct Walker2d(pub(crate) Revision);

impl Rules for Walker2d {
    fn shape(&self) -> Shape {
        Shape {
            model: match self.0 {
                Revision::V4 => "walker2d.xml",
                Revision::V5 => "walker2d_v5.xml",
            },
            frame_skip: 4,
            observation: 17,
            action: 6,
            action_limit: 1.0,
            noise: ResetNoise::Uniform(5e-3),
        }
    }

    fn position(&self, data: &Data) -> f64 {
        data.qpos()[0]
    }

    fn observe(&self, data: &Data, observation: &mut [f64]) {
        observe_planar(data, observation);
    }

    fn judge(&self, data: &Data, velocity: f64, action: Action<'_>) -> Outcome {
        let healthy = is_healthy(data.qpos()[1], data.qpos()[2]);
        let reward = velocity + self.0.alive(healthy) - control_cost(1e-3, action);
        Outcome { reward, terminated: !healthy }
    }
}

fn is_healthy(height: f64, angle: f64) -> bool {
    0.8 < height && height < 2.0 && -1.0 < angle && angle < 1.0
}

#[cfg(test)]
mod tests {
    use super::is_healthy;

    #[test]
    fn health_ends_at_open_bounds() {
        assert!(is_healthy(1.25, 0.0));
        assert!(!is_healthy(0.8, 0.0) && !is_healthy(2.0, 0.0));
        assert!(!is_healthy(1.25, 1.0) && !is_healthy(1.25, -1.0));
    }
}
