//! What an agent remembers besides its parameters, so that it goes on bit for bit.

use super::Agent;
use super::normaliser::Normaliser;
use crate::checkpoint::{CheckpointError, Count, State};
use crate::nn::Adam;
use crate::random::Stream;

const POLICY: &str = "agent.policy";
const CRITICS: [&str; 2] = ["agent.critic_0", "agent.critic_1"];
const SHARDS: [&str; 2] = ["agent.noise_0", "agent.noise_1"];
const OLD_POLICY: &str = "agent.old_policy";
const DEFAULT_POLICY: &str = "agent.default_policy";
const EXPLORATION: &str = "agent.exploration";
const EXPLORER: &str = "agent.explorer";
const DUALS: &str = "agent.duals";
const NORMALISER: &str = "agent.normaliser";
const REPEATS: &str = "agent.repeats_left";

impl Agent<f32> {
    /// Writes everything but networks and their targets, which [`Agent::save`] keeps.
    pub(crate) fn write_state(&self, state: &mut State) {
        write_adam(POLICY, self.actor.adam(), state);
        for (index, name) in CRITICS.into_iter().enumerate() {
            write_adam(name, self.critic.adam(index), state);
        }
        for (name, shard) in SHARDS.into_iter().zip(&self.shards) {
            state.set(name, shard.noise_state());
        }
        state.set(DUALS, self.duals.states());
        state.set(EXPLORATION, self.exploration.state());
        state.set(EXPLORER, self.explorer.memory());
        state.set(REPEATS, self.actor.repeats_left());
        if let Some((parameters, age)) = &self.old_policy {
            state.set_numbers(OLD_POLICY, parameters);
            state.set(OLD_POLICY, age);
        }
        if let Some((parameters, age)) = self.default_policy.following() {
            state.set_numbers(DEFAULT_POLICY, parameters);
            state.set(DEFAULT_POLICY, age);
        }
        if let Some(normaliser) = &self.normaliser {
            state.set(NORMALISER, normaliser);
        }
    }

    /// Takes over what [`Agent::write_state`] wrote, after [`Agent::load`] has read the networks.
    ///
    /// # Errors
    /// Something is missing, or of another shape than this agent's. The agent is then of no use.
    pub(crate) fn read_state(&mut self, state: &State) -> Result<(), CheckpointError> {
        read_adam(POLICY, self.actor.adam_mut(), state)?;
        for (index, name) in CRITICS.into_iter().enumerate() {
            read_adam(name, self.critic.adam_mut(index), state)?;
        }
        for (name, shard) in SHARDS.into_iter().zip(&mut self.shards) {
            *shard.noise() = Stream::from_state(&state.get(name)?);
        }
        let duals = state.get(DUALS)?;
        self.duals
            .set_states(&duals)
            .map_err(|error| CheckpointError::Inconsistent(format!("state {DUALS}: {error}")))?;
        self.exploration = Stream::from_state(&state.get(EXPLORATION)?);
        let (memory, fresh): (Vec<f64>, bool) = state.get(EXPLORER)?;
        self.explorer.set_memory(&memory, fresh).ok_or_else(|| {
            let count = memory.len();
            CheckpointError::Inconsistent(format!("state {EXPLORER}: {count} numbers do not fit"))
        })?;
        self.actor.set_repeats_left(state.get(REPEATS)?);
        if let Some((parameters, age)) = &mut self.old_policy {
            state.read_numbers(OLD_POLICY, parameters)?;
            *age = state.get::<Count>(OLD_POLICY)?.0;
        }
        if let Some((parameters, age)) = self.default_policy.following_mut() {
            state.read_numbers(DEFAULT_POLICY, parameters)?;
            let Count(stored) = state.get(DEFAULT_POLICY)?;
            if let Some(age) = age {
                *age = stored;
            }
        }
        if let Some(normaliser) = &mut self.normaliser {
            let stored: Normaliser = state.get(NORMALISER)?;
            if stored.dimensions() != normaliser.dimensions() {
                let reason = format!("state {NORMALISER}: another number of coordinates");
                return Err(CheckpointError::Inconsistent(reason));
            }
            *normaliser = stored;
        }
        Ok(())
    }
}

/// An optimiser's moments and steps.
pub(in crate::agent) fn write_adam(name: &str, adam: &Adam<f32>, state: &mut State) {
    state.set_numbers(&format!("{name}.first_moment"), adam.first_moment());
    state.set_numbers(&format!("{name}.second_moment"), adam.second_moment());
    state.set(&format!("{name}.steps"), adam.steps());
}

/// Takes over what [`write_adam`] wrote.
pub(in crate::agent) fn read_adam(
    name: &str,
    adam: &mut Adam<f32>,
    state: &State,
) -> Result<(), CheckpointError> {
    let moment = |which: &str| {
        let mut numbers = vec![0.0; adam.first_moment().len()];
        state.read_numbers(&format!("{name}.{which}_moment"), &mut numbers)?;
        Ok::<_, CheckpointError>(numbers)
    };
    let steps = state.get(&format!("{name}.steps"))?;
    *adam = Adam::from_state(moment("first")?, moment("second")?, steps)
        .map_err(|error| CheckpointError::Inconsistent(format!("state {name}: {error}")))?;
    Ok(())
}
