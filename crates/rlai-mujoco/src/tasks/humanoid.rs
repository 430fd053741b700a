//! Humanoid: a body of 17 joints that is paid for speed and, above all, for staying up.

use rlai::env::Action;

use super::{Outcome, ResetNoise, Revision, Rules, Shape, concatenate};
use crate::ffi::Data;
use crate::sum::{numpy_sum, sum_of_squares};

/// Humanoid of a revision. `-v5` charges for contact forces and leaves rows that are always zero
/// (the world body, the joints without actuator) out of the observation.
pub(crate) struct Humanoid(pub(crate) Revision);

impl Rules for Humanoid {
    fn shape(&self) -> Shape {
        Shape {
            model: "humanoid.xml",
            frame_skip: 5,
            observation: match self.0 {
                Revision::V4 => 376,
                Revision::V5 => 348,
            },
            action: 17,
            action_limit: 0.4,
            noise: ResetNoise::Uniform(1e-2),
        }
    }

    /// The centre of mass.
    fn position(&self, data: &Data) -> f64 {
        let masses = data.model().masses();
        let moment = masses.iter().zip(data.xipos().as_chunks::<3>().0);
        let moment = moment.fold(0.0, |sum, (mass, centre)| sum + mass * centre[0]);
        moment / numpy_sum(masses, |mass| mass)
    }

    fn observe(&self, data: &Data, observation: &mut [f64]) {
        let (first_body, first_actuated) = match self.0 {
            Revision::V4 => (0, 0),
            Revision::V5 => (1, 6),
        };
        let parts = [
            &data.qpos()[2..],
            data.qvel(),
            &data.cinert()[10 * first_body..],
            &data.cvel()[6 * first_body..],
            &data.qfrc_actuator()[first_actuated..],
            &data.cfrc_ext()[6 * first_body..],
        ];
        concatenate(&parts, observation);
    }

    /// The control cost is taken from the controls as MuJoCo holds them: double precision, whatever
    /// the action's.
    fn judge(&self, data: &Data, velocity: f64, _action: Action<'_>) -> Outcome {
        let healthy = is_healthy(data.qpos()[2]);
        let mut costs = 0.1 * sum_of_squares(data.ctrl());
        if self.0 == Revision::V5 {
            costs += (5e-7 * sum_of_squares(data.cfrc_ext())).min(10.0);
        }
        let reward = (1.25 * velocity + 5.0 * self.0.alive(healthy)) - costs;
        Outcome { reward, terminated: !healthy }
    }
}

fn is_healthy(height: f64) -> bool {
    1.0 < height && height < 2.0
}

#[cfg(test)]
mod tests {
    use super::is_healthy;

    #[test]
    fn health_ends_at_open_bounds() {
        assert!(is_healthy(1.4) && !is_healthy(1.0) && !is_healthy(2.0));
    }
}
