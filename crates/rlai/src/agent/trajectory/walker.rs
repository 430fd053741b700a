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
}

struct Walker<'a> {
    agent: &'a mut TrajectoryAgent,
    task: &'a mut dyn Environment,
    exact: Option<&'a ExactValues>,
    observation: Vec<f64>,
    steps: u64,
}

impl Walker<'_> {
    fn place(&self) -> Result<Place, StepError> {
        let unable = || StepError::State(format!("{} cannot go back", self.task.id()));
        Ok(Place {
            snapshot: self.task.snapshot().ok_or_else(unable)?,
            observation: self.observation.iter().map(|&x| x as f32).collect(),
            log_default: self.task.log_default_policy().map(<[f64]>::to_vec),
            cell: self.task.tabular().map(|task| task.cell()),
        })
    }
}

impl Simulator for Walker<'_> {
    type State = Place;
    type Action = ();

    fn start(&mut self, random: &mut Stream) -> Result<Place, StepError> {
        self.task.reset(random, &mut self.observation)?;
        self.place()
    }

    fn value(&mut self, place: &Place) -> f64 {
        match (self.exact, place.cell, &self.agent.value) {
            (Some(exact), Some(cell), _) => exact.v_hat(cell),
            (_, _, Some(value)) => value.predict(&place.observation)[0],
            _ => 0.0,
        }
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
        if !step.ended() {
            *place = self.place()?;
        }
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
