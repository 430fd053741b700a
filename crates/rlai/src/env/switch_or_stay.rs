use super::classic::snapshot_of;
use super::{Action, BoxSpace, Environment, Space, Step, StepError};
use crate::lab::{Process, ProcessError, ProcessSpec};
use crate::random::Stream;

/// `r(s,a)`: stay, switch.
const REWARDS: [[f64; 2]; 2] = [[1.0, -1.0], [2.0, 0.0]];

/// `SwitchOrStay-v0`: two states, of which the better one costs a step to reach.
///
/// The choices are stay (0) and switch (1). In state 0 staying is rewarded by 1 and switching by -1; in
/// state 1 staying by 2 and switching by 0. An episode begins in state 0, never terminates and is cut
/// off after 100 steps by [`super::TimeLimit`]; the observation is the state, a 1 in one of two places.
///
/// The best policy switches once and then stays, for a return of `-1 + 99 2 = 197`. Staying at once,
/// which the next reward favours, gives 100, and the uniform policy 49.5 in the mean.
///
/// In the spirit of the switch-stay task of Chan, Silva, Lim, Kozuno, Mahmood and White, "Greedification
/// operators for policy optimization: investigating forward and reverse KL divergences" (JMLR 2022).
/// [`SwitchOrStay::process`] is the same task as a process whose truth is computed exactly.
#[derive(Clone, Debug)]
pub struct SwitchOrStay {
    state: usize,
    observation_space: BoxSpace,
    action_space: Space,
}

impl SwitchOrStay {
    /// The task's name.
    pub const ID: &'static str = "SwitchOrStay-v0";
    /// Steps of an episode.
    pub const TIME_LIMIT: usize = 100;

    /// The task in state 0.
    pub fn new() -> Self {
        let observation_space = BoxSpace::uniform(2, 0.0, 1.0);
        Self { state: 0, observation_space, action_space: Space::Discrete(2) }
    }

    /// The task of this many steps as a decision process of this temperature, with a uniform default
    /// policy and a uniform policy: `examples/switch-or-stay.json` is the one of 10 steps and alpha 1.
    ///
    /// # Errors
    /// When there is no process of this horizon or this temperature.
    pub fn process(horizon: usize, alpha: f64) -> Result<Process, ProcessError> {
        let next = |state: usize, action: usize| if action == 0 { state } else { 1 - state };
        let cells = [(0, 0), (0, 1), (1, 0), (1, 1)];
        let row = |(state, action)| [0, 1].map(|s| f64::from(u8::from(s == next(state, action))));
        Process::new(ProcessSpec {
            states: 2,
            actions: 2,
            horizon,
            alpha,
            z0: 1.0,
            rho0: vec![1.0, 0.0],
            transitions: cells.into_iter().flat_map(row).collect(),
            rewards: REWARDS.concat(),
            default_policy: vec![0.5; 4],
            logits: vec![0.0; 4],
            gamma: None,
        })
    }

    fn observe(&self, observation: &mut [f64]) {
        observation.fill(0.0);
        observation[self.state] = 1.0;
    }
}

impl Default for SwitchOrStay {
    fn default() -> Self {
        Self::new()
    }
}

impl Environment for SwitchOrStay {
    fn id(&self) -> &str {
        Self::ID
    }

    fn observation_space(&self) -> &BoxSpace {
        &self.observation_space
    }

    fn action_space(&self) -> &Space {
        &self.action_space
    }

    fn reset(&mut self, _: &mut Stream, observation: &mut [f64]) -> Result<(), StepError> {
        self.state = 0;
        self.observe(observation);
        Ok(())
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        let Action::Discrete(action @ 0..2) = action else {
            let message = format!("{} takes the choice 0 or 1, not {action:?}", Self::ID);
            return Err(StepError::State(message));
        };
        let reward = REWARDS[self.state][action];
        self.state = (self.state + action) % 2;
        self.observe(observation);
        Ok(Step { reward, terminated: false, truncated: false })
    }

    fn snapshot(&self) -> Option<Vec<f64>> {
        Some(vec![self.state as f64])
    }

    fn restore(
        &mut self,
        snapshot: &[f64],
        _random: &mut Stream,
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        let [state] = snapshot_of(Self::ID, snapshot)?;
        if state != 0.0 && state != 1.0 {
            return Err(StepError::State(format!("{} has no state {state}", Self::ID)));
        }
        self.state = state as usize;
        self.observe(observation);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::TimeLimit;
    use crate::random::Key;

    fn total(mut choose: impl FnMut(&[f64]) -> usize) -> f64 {
        let mut task = TimeLimit::new(SwitchOrStay::new(), SwitchOrStay::TIME_LIMIT);
        let mut observation = [0.0; 2];
        task.reset(&mut Key::from_seed(0).stream("environment"), &mut observation).unwrap();
        let mut total = 0.0;
        loop {
            let action = Action::Discrete(choose(&observation));
            let step = task.step(action, &mut observation).unwrap();
            total += step.reward;
            assert!(!step.terminated);
            if step.truncated {
                return total;
            }
        }
    }

    #[test]
    fn the_returns_are_those_of_the_docs() {
        assert_eq!(total(|seen| usize::from(seen[0] == 1.0)), 197.0);
        assert_eq!(total(|_| 0), 100.0);
        assert_eq!(total(|_| 1), -50.0);
    }

    /// The process and the task agree on every state and action, and the file is the process.
    #[test]
    fn the_process_is_the_task() {
        let process = SwitchOrStay::process(10, 1.0).unwrap();
        let mut random = Key::from_seed(0).stream("environment");
        for (state, action) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let (mut task, mut observation) = (SwitchOrStay::new(), [0.0; 2]);
            task.restore(&[state as f64], &mut random, &mut observation).unwrap();
            let step = task.step(Action::Discrete(action), &mut observation).unwrap();
            assert_eq!(step.reward, process.reward(state, action));
            assert_eq!(observation, process.transition(state, action));
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/switch-or-stay.json");
        assert_eq!(Process::read(std::path::Path::new(path)).unwrap(), process);
        assert!(SwitchOrStay::process(0, 1.0).is_err() && SwitchOrStay::process(1, -1.0).is_err());
    }

    #[test]
    fn unfit_states_and_actions_are_refused() {
        let mut task = SwitchOrStay::new();
        let mut random = Key::from_seed(0).stream("environment");
        for snapshot in [&[0.5][..], &[2.0], &[]] {
            assert!(task.restore(snapshot, &mut random, &mut [0.0; 2]).is_err());
        }
        for action in [Action::Discrete(2), Action::F32(&[0.0])] {
            assert!(task.step(action, &mut [0.0; 2]).is_err());
        }
        let refusal = task.set_state(&[0.0], &[], &mut [0.0; 2]).unwrap_err().to_string();
        assert!(refusal.contains("cannot be put into a state of positions"), "{refusal}");
    }
}
