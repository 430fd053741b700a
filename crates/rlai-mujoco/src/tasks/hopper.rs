//! Hopper: one leg in a plane, paid for speed and for staying upright.

use rlai::env::Action;

use super::{Outcome, ResetNoise, Revision, Rules, Shape, observe_planar};
use crate::ffi::Data;
use crate::sum::control_cost;

/// Hopper of a revision.
pub(crate) struct Hopper(pub(crate) Revision);

impl Rules for Hopper {
    fn shape(&self) -> Shape {
        Shape {
            model: "hopper.xml",
            frame_skip: 4,
            observation: 11,
            action: 3,
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
        let healthy = is_healthy(data.qpos(), data.qvel());
        let reward = velocity + self.0.alive(healthy) - control_cost(1e-3, action);
        Outcome { reward, terminated: !healthy }
    }
}

/// Upright, off the ground, and no position or velocity (not clipped here) out of hand.
fn is_healthy(qpos: &[f64], qvel: &[f64]) -> bool {
    let (height, angle) = (qpos[1], qpos[2]);
    let in_hand = qpos[2..].iter().chain(qvel).all(|value| -100.0 < *value && *value < 100.0);
    in_hand && height > 0.7 && -0.2 < angle && angle < 0.2
}

#[cfg(test)]
mod tests {
    use super::is_healthy;

    #[test]
    fn health_ends_at_open_bounds() {
        let upright = [0.0, 1.25, 0.0, 0.0, 0.0, 0.0];
        let still = [0.0; 6];
        assert!(is_healthy(&upright, &still));
        let with = |i: usize, value: f64| {
            let mut qpos = upright;
            qpos[i] = value;
            is_healthy(&qpos, &still)
        };
        assert!(!with(1, 0.7) && with(1, 0.700001));
        assert!(!with(2, 0.2) && !with(2, -0.2) && with(2, 0.199));
        assert!(!with(3, 100.0) && with(3, 99.0));
        assert!(is_healthy(&[1e6, 1.25, 0.0, 0.0, 0.0, 0.0], &still), "the distance is free");
        assert!(!is_healthy(&upright, &[-100.0, 0.0, 0.0, 0.0, 0.0, 0.0]));
    }
}
