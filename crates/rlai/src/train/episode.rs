use serde::{Deserialize, Serialize};

use super::TrainError;
use crate::checkpoint::Count;
use crate::env::{Action, ActionShape, Environment, Step, StepError};

/// The episode being played.
pub(super) struct Episode {
    shape: ActionShape,
    pub(super) observation: Vec<f64>,
    /// The same in the agent's precision.
    pub(super) seen: Vec<f32>,
    /// The last action as it is stored.
    pub(super) action: Vec<f32>,
    /// Its choices.
    choices: Vec<usize>,
    pub(super) total: f64,
    pub(super) length: u64,
    /// No episode is being played: the next step starts one.
    pub(super) over: bool,
}

/// An [`Episode`] as a checkpoint holds it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Played {
    observation: Vec<f64>,
    action: Vec<f32>,
    total: f64,
    #[serde(deserialize_with = "Count::read")]
    length: u64,
    over: bool,
}

impl Episode {
    pub(super) fn state(&self) -> Played {
        Played {
            observation: self.observation.clone(),
            action: self.action.clone(),
            total: self.total,
            length: self.length,
            over: self.over,
        }
    }

    /// Goes on from a state of the same task; otherwise none.
    pub(super) fn set_state(&mut self, state: Played) -> Option<()> {
        let fits = state.observation.len() == self.observation.len()
            && state.action.len() == self.action.len();
        fits.then(|| {
            self.observation = state.observation;
            self.action = state.action;
            (self.total, self.length, self.over) = (state.total, state.length, state.over);
            self.look();
        })
    }

    pub(super) fn new(observation: usize, shape: ActionShape) -> Self {
        Self {
            observation: vec![0.0; observation],
            seen: vec![0.0; observation],
            action: vec![0.0; shape.stored_width()],
            choices: vec![0; shape.factors.len()],
            total: 0.0,
            length: 0,
            over: true,
            shape,
        }
    }

    pub(super) fn start(&mut self) {
        self.look();
        self.total = 0.0;
        self.length = 0;
        self.over = false;
    }

    /// Plays the action; the observation after it is still to be looked at.
    pub(super) fn play(&mut self, env: &mut dyn Environment) -> Result<Step, StepError> {
        let coordinates = self.shape.read_stored(&self.action, &mut self.choices);
        let action = match (&self.choices[..], self.shape.coordinates) {
            ([], _) => Action::F32(coordinates),
            (&[choice], 0) => Action::Discrete(choice),
            (choices, 0) => Action::Factored(choices),
            (choices, _) => Action::Hybrid { choice: choices[0], coordinates },
        };
        env.step(action, &mut self.observation)
    }

    /// Refuses what is not finite in the agent's precision.
    pub(super) fn check(&self, step: u64, reward: f64) -> Result<(), TrainError> {
        if !(reward as f32).is_finite() {
            return Err(TrainError::BadNumber {
                step,
                what: "the reward".to_owned(),
                value: reward,
            });
        }
        match self.seen.iter().position(|value| !value.is_finite()) {
            Some(i) => {
                let (what, value) = (format!("observation[{i}]"), self.observation[i]);
                Err(TrainError::BadNumber { step, what, value })
            }
            None => Ok(()),
        }
    }

    /// Brings the observation to the agent's precision.
    pub(super) fn look(&mut self) {
        for (seen, &value) in self.seen.iter_mut().zip(&self.observation) {
            *seen = value as f32;
        }
    }
}
