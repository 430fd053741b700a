//! One simulation, stepped as Gymnasium steps it.

use std::sync::Arc;

use rlai::env::{Action, StepError};

use crate::ffi::{Data, Instability, Model};

/// A simulation that plays each action for several simulation steps.
pub(crate) struct Simulation {
    data: Data,
    frame_skip: usize,
}

impl Simulation {
    pub(crate) fn new(model: Arc<Model>, frame_skip: usize) -> Self {
        Self { data: Data::new(model), frame_skip }
    }

    pub(crate) fn data(&self) -> &Data {
        &self.data
    }

    /// Seconds that one action is played for.
    pub(crate) fn dt(&self) -> f64 {
        self.data.model().timestep() * self.frame_skip as f64
    }

    /// Starts in the given state. Forces on the bodies stay zero, as in Gymnasium's first
    /// observation.
    pub(crate) fn set_state(&mut self, qpos: &[f64], qvel: &[f64]) -> Result<(), StepError> {
        let sizes = self.data.model().sizes();
        check_state("qpos", qpos, sizes.nq)?;
        check_state("qvel", qvel, sizes.nv)?;
        self.data.reset();
        self.data.qpos_mut().copy_from_slice(qpos);
        self.data.qvel_mut().copy_from_slice(qvel);
        self.data.forward();
        Ok(())
    }

    /// Everything that the simulation goes on from; none after an error, from which it does not.
    pub(crate) fn snapshot(&self) -> Option<Vec<f64>> {
        self.check_stability().is_ok().then(|| self.data.snapshot())
    }

    /// Goes on from a [`snapshot`](Self::snapshot).
    pub(crate) fn restore(&mut self, snapshot: &[f64]) -> Result<(), StepError> {
        check_state("snapshot", snapshot, self.data.snapshot_size())?;
        self.data.restore(snapshot);
        Ok(())
    }

    /// Plays one action. It is not clipped: MuJoCo limits the force, not the control.
    pub(crate) fn advance(&mut self, action: Action<'_>) -> Result<(), StepError> {
        let expected = self.data.model().sizes().nu;
        if action.len() != expected {
            let given = action.len();
            let message = format!("the action has {given} coordinates: {expected} expected");
            return Err(StepError::State(message));
        }
        for (i, control) in self.data.ctrl_mut().iter_mut().enumerate() {
            *control = action.get(i);
        }
        for _ in 0..self.frame_skip {
            self.data.step();
        }
        self.data.compute_body_forces();
        self.check_stability()
    }

    /// MuJoCo does not stop at a bad number, it silently starts over from the default state.
    fn check_stability(&self) -> Result<(), StepError> {
        let unstable = |message: String| Err(StepError::Unstable(message));
        match self.data.instability() {
            Some(Instability::Reset(what)) => unstable(format!(
                "MuJoCo met a {what} that is not finite or too large and reset the state"
            )),
            Some(Instability::Control) => {
                unstable("the action has a coordinate that is not finite or too large".to_owned())
            }
            None if self.is_finite() => Ok(()),
            None => unstable("the state after the step is not finite".to_owned()),
        }
    }

    fn is_finite(&self) -> bool {
        self.data.qpos().iter().chain(self.data.qvel()).all(|value| value.is_finite())
    }
}

fn check_state(name: &str, values: &[f64], expected: usize) -> Result<(), StepError> {
    if values.len() != expected {
        let given = values.len();
        return Err(StepError::State(format!("{name} has {given} values: {expected} expected")));
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(i) => {
            let value = values[i];
            Err(StepError::State(format!("{name}[{i}] = {value}: a finite number expected")))
        }
        None => Ok(()),
    }
}
