//! The policy in a task whose state can be restored, as a particle filter sees them.

use super::{Chosen, ExactValues, TrajectoryAgent, VisitedStates};
use crate::env::{Action, Environment, StepError};
use crate::estimator::trajectory::{Moved, Simulator, smooth};
use crate::random::Stream;

/// A state with what the policy sees of it.
#[derive(Clone)]
struct Place {
    snapshot: Vec<f64>,
    observation: Vec<f32>,
    log_default: Option<Vec<f64>>,
    cell: Option<(usize, usize)>,
    /// Time ran out here.
    cut_off: bool,
}

struct Walker<'a> {
    agent: &'a mut TrajectoryAgent,
    task: &'a mut dyn Environment,
    exact: Option<&'a ExactValues>,
    observation: Vec<f64>,
    steps: u64,
}

impl Walker<'_> {
    fn place(&self, cut_off: bool) -> Result<Place, StepError> {
        let unable = || StepError::State(format!("{} cannot go back", self.task.id()));
        Ok(Place {
            snapshot: self.task.snapshot().ok_or_else(unable)?,
            observation: self.observation.iter().map(|&x| x as f32).collect(),
            log_default: self.task.log_default_policy().map(<[f64]>::to_vec),
            cell: self.task.tabular().map(|task| task.cell()),
            cut_off,
        })
    }
}

impl Simulator for Walker<'_> {
    type State = Place;
    type Action = ();

    fn start(&mut self, random: &mut Stream) -> Result<Place, StepError> {
        self.task.reset(random, &mut self.observation)?;
        self.place(false)
    }

    fn value(&mut self, place: &Place) -> f64 {
        match (self.exact, place.cell, &self.agent.value) {
            (Some(exact), Some(cell), _) => exact.v_hat(cell),
            (_, _, Some(value)) => value.predict(&place.observation)[0],
            _ => 0.0,
        }
    }

    fn value_at_end(&mut self, place: &Place) -> f64 {
        if place.cut_off { self.value(place) } else { 0.0 }
    }

    fn step(&mut self, place: &mut Place, random: &mut Stream) -> Result<Moved<()>, StepError> {
        self.task.restore(&place.snapshot, random, &mut self.observation)?;
        let (chosen, log_pi) = self.agent.act(&place.observation)?;
        let (step, log_pi_0) = match &chosen {
            Chosen::Box(u) => {
                let action: Vec<f32> = u.iter().map(|u| u.tanh() as f32).collect();
                (self.task.step(Action::F32(&action), &mut self.observation)?, 0.0)
            }
            Chosen::Choice(choice) => {
                let log_pi_0 = place.log_default.as_ref().map_or(0.0, |row| row[*choice]);
                (self.task.step(Action::Discrete(*choice), &mut self.observation)?, log_pi_0)
            }
        };
        self.steps += 1;
        *place = self.place(step.truncated && !step.terminated)?;
        let log_ratio = log_pi - log_pi_0;
        Ok(Moved { action: (), reward: step.reward, log_ratio, ended: step.ended() })
    }
}

/// States and weights of a particle smoother with `count` particles, and the environment steps it took.
///
/// # Errors
/// When the task fails.
pub(crate) fn smoothed_states(
    agent: &mut TrajectoryAgent,
    task: &mut dyn Environment,
    exact: Option<&ExactValues>,
    count: usize,
    random: &mut Stream,
) -> Result<(VisitedStates, u64), StepError> {
    let (alpha, horizon) = (agent.alpha(), task.time_limit().unwrap_or(usize::MAX));
    let observation = vec![0.0; task.observation_space().dimension()];
    let mut walker = Walker { agent, task, exact, observation, steps: 0 };
    let found = smooth(&mut walker, count, horizon, alpha, random)?;
    let mut states = VisitedStates::default();
    for step in found.steps {
        let Place { observation, log_default, cell, .. } = step.state;
        states.observations.extend(observation);
        states.log_default.extend(log_default.into_iter().flatten());
        states.cells.extend(cell);
        states.weights.push(step.weight);
    }
    Ok((states, walker.steps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::{CartPole, TimeLimit};
    use crate::estimator::trajectory::StateWeights;
    use crate::random::Key;
    use crate::train::{TrajectoryConfig, TrajectoryObjective};

    #[test]
    fn the_last_state_has_a_value_if_time_ran_out_and_none_if_the_pole_fell() {
        // A policy that has learned nothing does not keep the pole up for 500 steps.
        for (limit, value) in [(2, 3.0), (500, 0.0)] {
            let mut task = TimeLimit::new(CartPole::new(), limit);
            let objective = TrajectoryObjective::ForwardKlMarginal;
            let mut config = TrajectoryConfig::defaults(objective, task.action_space(), None);
            config.state_weights = StateWeights::ParticleSmoothing;
            let mut agent = TrajectoryAgent::new(&config, 4, task.action_space());
            // V is 3 everywhere.
            agent.value.as_mut().unwrap().standard = [3.0, 0.0];
            let random = &mut Key::from_seed(4).stream("walk");
            let (agent, task) = (&mut agent, &mut task);
            let mut walker =
                Walker { agent, task, exact: None, observation: vec![0.0; 4], steps: 0 };
            let mut place = walker.start(random).unwrap();
            while !walker.step(&mut place, random).unwrap().ended {}
            assert_eq!(walker.steps == 2, limit == 2);
            assert_eq!((walker.value(&place), walker.value_at_end(&place)), (3.0, value));
        }
    }
}
