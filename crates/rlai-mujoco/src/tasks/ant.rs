//! Ant: four legs in space.

use rlai::env::Action;

use super::{Outcome, ResetNoise, Revision, Rules, Shape, concatenate};
use crate::ffi::Data;
use crate::sum::{control_cost, numpy_sum};

/// The torso is the first body after the world.
const TORSO: usize = 1;

/// Ant of a revision. `-v5` observes the contact forces and charges for them.
pub(crate) struct Ant(pub(crate) Revision);

impl Rules for Ant {
    fn shape(&self) -> Shape {
        Shape {
            model: "ant.xml",
            frame_skip: 5,
            observation: match self.0 {
                Revision::V4 => 27,
                Revision::V5 => 105,
            },
            action: 8,
            action_limit: 1.0,
            noise: ResetNoise::NormalVelocity(0.1),
        }
    }

    fn position(&self, data: &Data) -> f64 {
        data.xpos()[3 * TORSO]
    }

    fn observe(&self, data: &Data, observation: &mut [f64]) {
        let (state, forces) = observation.split_at_mut(27);
        concatenate(&[&data.qpos()[2..], data.qvel()], state);
        // `-v4` leaves no room for forces. The world body's are left out.
        for (out, force) in forces.iter_mut().zip(&data.cfrc_ext()[6..]) {
            *out = force.clamp(-1.0, 1.0);
        }
    }

    fn judge(&self, data: &Data, velocity: f64, action: Action<'_>) -> Outcome {
        let healthy = is_healthy(data.qpos(), data.qvel());
        let mut costs = control_cost(0.5, action);
        if self.0 == Revision::V5 {
            costs += 5e-4 * numpy_sum(data.cfrc_ext(), |force| force.clamp(-1.0, 1.0).powi(2));
        }
        Outcome { reward: (velocity + self.0.alive(healthy)) - costs, terminated: !healthy }
    }
}

/// All numbers finite and the torso's height in a closed range.
fn is_healthy(qpos: &[f64], qvel: &[f64]) -> bool {
    let finite = qpos.iter().chain(qvel).all(|value| value.is_finite());
    finite && (0.2..=1.0).contains(&qpos[2])
}

#[cfg(test)]
mod tests {
    use super::is_healthy;

    #[test]
    fn health_ends_beyond_closed_bounds() {
        assert!(is_healthy(&[0.0, 0.0, 0.2], &[0.0]) && is_healthy(&[0.0, 0.0, 1.0], &[0.0]));
        assert!(!is_healthy(&[0.0, 0.0, 0.19999], &[0.0]));
        assert!(!is_healthy(&[0.0, 0.0, 1.00001], &[0.0]));
        assert!(!is_healthy(&[0.0, 0.0, 0.5], &[f64::NAN]));
    }
}
