//! A task: its rules, played on a simulation.

use std::sync::Arc;

use rlai::env::{Action, BoxSpace, Environment, Space, Step, StepError};
use rlai::random::Stream;

use crate::ffi::Model;
use crate::simulation::Simulation;
use crate::tasks::{Rules, Shape};

/// A MuJoCo task without a time limit.
pub(crate) struct MujocoTask {
    id: &'static str,
    rules: &'static dyn Rules,
    simulation: Simulation,
    observation_space: BoxSpace,
    action_space: Space,
}

/// The observation and action boxes of a task.
pub(crate) fn spaces(shape: &Shape) -> (BoxSpace, BoxSpace) {
    let limit = shape.action_limit;
    (BoxSpace::unbounded(shape.observation), BoxSpace::uniform(shape.action, -limit, limit))
}

impl MujocoTask {
    pub(crate) fn new(id: &'static str, rules: &'static dyn Rules, model: Arc<Model>) -> Self {
        let shape = rules.shape();
        let (observation_space, action_space) = spaces(&shape);
        let simulation = Simulation::new(model, shape.frame_skip);
        let action_space = action_space.into();
        Self { id, rules, simulation, observation_space, action_space }
    }

    fn observe(&self, observation: &mut [f64]) {
        self.rules.observe(self.simulation.data(), observation);
    }
}

impl Environment for MujocoTask {
    fn id(&self) -> &str {
        self.id
    }

    fn observation_space(&self) -> &BoxSpace {
        &self.observation_space
    }

    fn action_space(&self) -> &Space {
        &self.action_space
    }

    fn time_limit(&self) -> Option<usize> {
        None
    }

    fn reset(&mut self, random: &mut Stream, observation: &mut [f64]) -> Result<(), StepError> {
        let noise = self.rules.shape().noise;
        let model = self.simulation.data().model();
        let velocities = model.sizes().nv;
        let qpos: Vec<f64> =
            model.default_positions().iter().map(|start| start + noise.position(random)).collect();
        let qvel: Vec<f64> = (0..velocities).map(|_| noise.velocity(random)).collect();
        self.set_state(&qpos, &qvel, observation)
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        let before = self.rules.position(self.simulation.data());
        self.simulation.advance(action)?;
        let data = self.simulation.data();
        let velocity = (self.rules.position(data) - before) / self.simulation.dt();
        let outcome = self.rules.judge(data, velocity, action);
        self.observe(observation);
        Ok(Step { reward: outcome.reward, terminated: outcome.terminated, truncated: false })
    }

    fn set_state(
        &mut self,
        qpos: &[f64],
        qvel: &[f64],
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        self.simulation.set_state(qpos, qvel)?;
        self.observe(observation);
        Ok(())
    }

    /// MuJoCo's whole state and what was computed in the last step.
    fn snapshot(&self) -> Option<Vec<f64>> {
        self.simulation.snapshot()
    }

    fn restore(
        &mut self,
        snapshot: &[f64],
        _random: &mut Stream,
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        self.simulation.restore(snapshot)?;
        self.observe(observation);
        Ok(())
    }
}
