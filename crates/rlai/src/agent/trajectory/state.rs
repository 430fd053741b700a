//! What a trajectory agent remembers besides its parameters, so that it goes on bit for bit.

use super::TrajectoryAgent;
use crate::agent::state::{read_adam, write_adam};
use crate::checkpoint::{CheckpointError, State};
use crate::estimator::DualState;
use crate::random::Stream;

const POLICY: &str = "agent.policy";
const VALUE: &str = "agent.value";
const CRITIC: &str = "agent.critic";
const DUALS: &str = "agent.duals";
const EXPLORATION: &str = "agent.exploration";
const NOISE: &str = "agent.noise";

impl TrajectoryAgent {
    /// Writes everything but networks, which [`TrajectoryAgent::save`] keeps.
    pub(crate) fn write_state(&self, state: &mut State) {
        write_adam(POLICY, &self.adam, state);
        for (name, regressor) in [(VALUE, &self.value), (CRITIC, &self.critic)] {
            if let Some(regressor) = regressor {
                write_adam(name, regressor.adam(), state);
            }
        }
        state.set(DUALS, self.duals.states());
        state.set(EXPLORATION, self.exploration.state());
        state.set(NOISE, self.noise.state());
    }

    /// Takes over what [`TrajectoryAgent::write_state`] wrote, after [`TrajectoryAgent::load`] has read the
    /// networks.
    ///
    /// # Errors
    /// Something is missing, or of another shape than this agent's. The agent is then of no use.
    pub(crate) fn read_state(&mut self, state: &State) -> Result<(), CheckpointError> {
        read_adam(POLICY, &mut self.adam, state)?;
        for (name, regressor) in [(VALUE, &mut self.value), (CRITIC, &mut self.critic)] {
            if let Some(regressor) = regressor {
                read_adam(name, regressor.adam_mut(), state)?;
            }
        }
        let duals: Vec<DualState> = state.get(DUALS)?;
        self.duals
            .set_states(&duals)
            .map_err(|error| CheckpointError::Inconsistent(format!("state {DUALS}: {error}")))?;
        self.exploration = Stream::from_state(&state.get(EXPLORATION)?);
        self.noise = Stream::from_state(&state.get(NOISE)?);
        Ok(())
    }
}
