use super::classic::count_of;
use super::{Action, BoxSpace, Environment, Space, Step, StepError};
use crate::random::{Stream, StreamState};

/// Truncates the episodes of a task after a number of steps.
///
/// A step that terminates the task is never also truncated: there is no future left to cut off.
/// (Gymnasium's wrapper sets both flags when a task terminates in the last step.)
#[derive(Clone, Debug)]
pub struct TimeLimit<E> {
    inner: E,
    limit: usize,
    steps: usize,
}

impl<E: Environment> TimeLimit<E> {
    /// `inner` with episodes of at most `limit` steps. An episode has at least one step, so 0 acts as 1.
    pub fn new(inner: E, limit: usize) -> Self {
        Self { inner, limit: limit.max(1), steps: 0 }
    }
}

impl<E: Environment> Environment for TimeLimit<E> {
    fn id(&self) -> &str {
        self.inner.id()
    }

    fn observation_space(&self) -> &BoxSpace {
        self.inner.observation_space()
    }

    fn action_space(&self) -> &Space {
        self.inner.action_space()
    }

    fn time_limit(&self) -> Option<usize> {
        Some(self.inner.time_limit().map_or(self.limit, |inner| inner.min(self.limit)))
    }

    fn reset(&mut self, random: &mut Stream, observation: &mut [f64]) -> Result<(), StepError> {
        self.steps = 0;
        self.inner.reset(random, observation)
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        let step = self.inner.step(action, observation)?;
        self.steps += 1;
        let cut = self.steps >= self.limit;
        Ok(Step { truncated: !step.terminated && (step.truncated || cut), ..step })
    }

    fn set_state(
        &mut self,
        qpos: &[f64],
        qvel: &[f64],
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        self.steps = 0;
        self.inner.set_state(qpos, qvel, observation)
    }

    fn temperature(&self) -> Option<f64> {
        self.inner.temperature()
    }

    fn log_default_policy(&self) -> Option<&[f64]> {
        self.inner.log_default_policy()
    }

    /// The task's own state, then the steps played.
    fn snapshot(&self) -> Option<Vec<f64>> {
        let mut snapshot = self.inner.snapshot()?;
        snapshot.push(self.steps as f64);
        Some(snapshot)
    }

    fn restore(
        &mut self,
        snapshot: &[f64],
        random: &mut Stream,
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        let Some((&steps, inner)) = snapshot.split_last() else {
            let message = format!("{}: an empty snapshot, without the steps played", self.id());
            return Err(StepError::State(message));
        };
        let steps = count_of(self.id(), "steps", steps)?;
        if steps > self.limit {
            let (id, limit) = (self.id(), self.limit);
            return Err(StepError::State(format!("{id}: {steps} steps played of {limit}")));
        }
        self.inner.restore(inner, random, observation)?;
        self.steps = steps;
        Ok(())
    }

    fn random_state(&self) -> Option<StreamState> {
        self.inner.random_state()
    }

    fn set_random_state(&mut self, state: &StreamState) -> Result<(), StepError> {
        self.inner.set_random_state(state)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Countdown;
    use super::*;
    use crate::random::Key;

    fn play(limit: usize, terminates_at: usize) -> Vec<(bool, bool)> {
        let mut task = TimeLimit::new(Countdown::new(terminates_at), limit);
        let mut observation = [0.0];
        let mut flags = Vec::new();
        task.reset(&mut Key::from_seed(0).stream("environment"), &mut observation).unwrap();
        loop {
            let step = task.step(Action::F32(&[0.0]), &mut observation).unwrap();
            flags.push((step.terminated, step.truncated));
            if step.ended() {
                return flags;
            }
        }
    }

    #[test]
    fn an_episode_is_truncated_at_the_limit() {
        assert_eq!(play(3, 10), [(false, false), (false, false), (false, true)]);
    }

    #[test]
    fn a_termination_is_never_a_truncation() {
        assert_eq!(play(3, 2), [(false, false), (true, false)]);
        assert_eq!(play(2, 2), [(false, false), (true, false)]);
    }

    #[test]
    fn a_snapshot_holds_the_steps_played() {
        let mut task = TimeLimit::new(crate::env::Pendulum::new(), 3);
        let (mut observation, mut again) = ([0.0; 3], [0.0; 3]);
        task.reset(&mut Key::from_seed(0).stream("environment"), &mut observation).unwrap();
        task.step(Action::F64(&[1.0]), &mut observation).unwrap();
        let snapshot = task.snapshot().unwrap();
        let mut random = Key::from_seed(1).stream("environment");
        let mut rest = || {
            task.restore(&snapshot, &mut random, &mut again).unwrap();
            assert_eq!(again, observation);
            let second = task.step(Action::F64(&[2.0]), &mut again).unwrap();
            (second, task.step(Action::F64(&[-2.0]), &mut again).unwrap(), again)
        };
        let first = rest();
        assert!(!first.0.truncated && first.1.truncated);
        assert_eq!(rest(), first);
        for steps in [-1.0, 0.5, 4.0, 1e300, f64::NAN] {
            let [angle, speed, _] = snapshot[..] else { panic!("two numbers and the steps") };
            let error = task.restore(&[angle, speed, steps], &mut random, &mut again).unwrap_err();
            assert!(error.to_string().contains("steps"), "{error}");
        }
    }

    #[test]
    fn every_episode_is_counted_from_its_start() {
        let mut task = TimeLimit::new(Countdown::new(10), 2);
        let mut observation = [0.0];
        let mut random = Key::from_seed(0).stream("environment");
        for _ in 0..3 {
            task.reset(&mut random, &mut observation).unwrap();
            assert!(!task.step(Action::F32(&[0.0]), &mut observation).unwrap().truncated);
        }
        task.set_state(&[5.0], &[], &mut observation).unwrap();
        assert!(!task.step(Action::F32(&[0.0]), &mut observation).unwrap().truncated);
        assert!(task.step(Action::F32(&[0.0]), &mut observation).unwrap().truncated);
        assert_eq!(task.time_limit(), Some(2));
    }
}
