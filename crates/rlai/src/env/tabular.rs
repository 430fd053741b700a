use super::classic::{flag_of, snapshot_of};
use super::{Action, BoxSpace, Environment, Space, Step, StepError};
use crate::lab::Process;
use crate::random::{Key, Stream, StreamState};

/// A tabular decision process as a task: `tabular:FILE.json` and `tabular-stationary:FILE.json`.
///
/// The observation is the state, one number in S that is 1, followed by the time t, one in H, unless
/// the task is the stationary one, which shows the state alone: the best policy of a finite horizon
/// depends on t. After H steps, or where a row of `P` lacks to 1, the task terminates; what is played
/// beyond that has no reward.
///
/// The file's default policy `pi0` and its `Z0` enter every soft reward and weight as
/// `log pi_0 - log Z0`, so that `r - alpha l` charges `alpha log Z0` for every step taken: where
/// trajectories may end early the objective depends on Z0, and it is the one that the
/// [`lab`](crate::lab) computes; elsewhere Z0 cancels. The file's `alpha` is the temperature unless another
/// one is asked for. Its own policy, `phi`, is not used.
#[derive(Debug)]
pub struct Tabular {
    id: String,
    process: Process,
    shows_time: bool,
    observation_space: BoxSpace,
    action_space: Space,
    /// log pi_0(a|s) - log Z0, `[S, A]`.
    log_default_policy: Vec<f64>,
    time: usize,
    state: usize,
    /// The episode is over: what is played beyond that has no reward.
    ended: bool,
    random: Stream,
}

impl Tabular {
    /// The task of this name; `shows_time` adds the time to its observations.
    pub fn new(id: String, process: Process, shows_time: bool) -> Self {
        let (states, actions) = (process.states(), process.actions());
        let width = states + if shows_time { process.horizon() } else { 0 };
        let cells = (0..states).flat_map(|s| (0..actions).map(move |a| (s, a)));
        let log_z0 = process.spec().z0.ln();
        Self {
            id,
            shows_time,
            observation_space: BoxSpace::uniform(width, 0.0, 1.0),
            action_space: Space::Discrete(actions),
            log_default_policy: cells.map(|(s, a)| process.log_pi_0(s, a) - log_z0).collect(),
            process,
            time: 0,
            state: 0,
            ended: false,
            random: Key::from_seed(0).stream("tabular"),
        }
    }

    /// The process that it plays.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Whether observations show the time.
    pub fn shows_time(&self) -> bool {
        self.shows_time
    }

    /// The time and the state that the task is in.
    pub fn cell(&self) -> (usize, usize) {
        (self.time, self.state)
    }

    /// What is seen in every state at every time, `[H, S, O]`.
    pub fn every_observation(&self) -> Vec<f32> {
        let (states, width) = (self.process.states(), self.observation_space.dimension());
        let mut all = vec![0.0; self.process.horizon() * states * width];
        for (cell, row) in all.chunks_exact_mut(width).enumerate() {
            row[cell % states] = 1.0;
            if self.shows_time {
                row[states + cell / states] = 1.0;
            }
        }
        all
    }

    fn observe(&self, observation: &mut [f64]) {
        observation.fill(0.0);
        observation[self.state] = 1.0;
        if self.shows_time && self.time < self.process.horizon() {
            observation[self.process.states() + self.time] = 1.0;
        }
    }

    /// Goes to a state; at the horizon only an episode that is over can be.
    fn put(
        &mut self,
        (time, state, ended): (f64, f64, bool),
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        let is_below =
            |value: f64, bound: usize| value.fract() == 0.0 && (0.0..bound as f64).contains(&value);
        let times = self.process.horizon() + usize::from(ended);
        if !is_below(time, times) || !is_below(state, self.process.states()) {
            return Err(StepError::State(format!("{} has no state {state} at {time}", self.id)));
        }
        (self.time, self.state, self.ended) = (time as usize, state as usize, ended);
        self.observe(observation);
        Ok(())
    }

    /// What happens after a step: a state, or the end.
    fn next(&mut self, action: usize) -> Option<usize> {
        if self.time >= self.process.horizon() {
            return None;
        }
        self.process.sample_next(self.state, action, &mut self.random)
    }
}

/// A stream of the episode's own, found by a number of the caller's.
fn episode_stream(random: &mut Stream) -> Stream {
    Key::from_seed(random.below(usize::MAX) as u64).stream("tabular")
}

impl Environment for Tabular {
    fn id(&self) -> &str {
        &self.id
    }

    fn observation_space(&self) -> &BoxSpace {
        &self.observation_space
    }

    fn action_space(&self) -> &Space {
        &self.action_space
    }

    fn time_limit(&self) -> Option<usize> {
        Some(self.process.horizon())
    }

    fn reset(&mut self, random: &mut Stream, observation: &mut [f64]) -> Result<(), StepError> {
        self.random = episode_stream(random);
        let mut left = self.random.unit();
        let reached = self.process.rho0().iter().position(|probability| {
            left -= probability;
            left < 0.0
        });
        // Rounding may leave a little behind the last state that has a probability.
        let last = self.process.rho0().iter().rposition(|&probability| probability > 0.0);
        self.state = reached.or(last).unwrap_or(0);
        (self.time, self.ended) = (0, false);
        self.observe(observation);
        Ok(())
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        let action = match action {
            Action::Discrete(action) if action < self.process.actions() => action,
            other => {
                let (id, actions) = (&self.id, self.process.actions());
                let message = format!("{id} takes a choice below {actions}, not {other:?}");
                return Err(StepError::State(message));
            }
        };
        if self.ended {
            self.observe(observation);
            return Ok(Step { reward: 0.0, terminated: true, truncated: false });
        }
        let reward = self.process.reward(self.state, action);
        self.time += 1;
        let next = self.next(action);
        self.state = next.unwrap_or(self.state);
        self.ended = next.is_none();
        self.observe(observation);
        Ok(Step { reward, terminated: self.ended, truncated: false })
    }

    /// The position is the time and the state's number; there is no velocity.
    fn set_state(
        &mut self,
        qpos: &[f64],
        qvel: &[f64],
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        match (qpos, qvel) {
            (&[time, state], []) => self.put((time, state, false), observation),
            _ => Err(StepError::State(format!("{}: qpos = [time, state], qvel = []", self.id))),
        }
    }

    fn temperature(&self) -> Option<f64> {
        Some(self.process.alpha())
    }

    fn tabular(&self) -> Option<&Tabular> {
        Some(self)
    }

    fn log_default_policy(&self) -> Option<&[f64]> {
        let actions = self.process.actions();
        Some(&self.log_default_policy[self.state * actions..(self.state + 1) * actions])
    }

    /// The time, the state's number, and 1 after the end.
    fn snapshot(&self) -> Option<Vec<f64>> {
        let ended = if self.ended { 1.0 } else { 0.0 };
        Some(vec![self.time as f64, self.state as f64, ended])
    }

    fn restore(
        &mut self,
        snapshot: &[f64],
        random: &mut Stream,
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        let [time, state, ended] = snapshot_of(&self.id, snapshot)?;
        let ended = flag_of(&self.id, "ended", ended)?;
        self.put((time, state, ended), observation)?;
        self.random = episode_stream(random);
        Ok(())
    }

    /// Of the next states.
    fn random_state(&self) -> Option<StreamState> {
        Some(self.random.state())
    }

    fn set_random_state(&mut self, state: &StreamState) -> Result<(), StepError> {
        self.random = Stream::from_state(state);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = br#"{"S": 2, "A": 2, "H": 3, "alpha": 0.5, "Z0": 1, "rho0": [0.25, 0.75],
        "P": [[[0.5, 0.5], [0, 0.8]], [[1, 0], [0, 1]]], "r": [[0, -1], [2, -3]],
        "pi0": [[0.5, 0.5], [0.9, 0.1]], "phi": [[0, 0], [0, 0]]}"#;

    fn task(shows_time: bool) -> Tabular {
        Tabular::new("tabular:f.json".to_owned(), Process::from_json(FILE).unwrap(), shows_time)
    }

    #[test]
    fn observations_show_state_and_time_and_the_horizon_terminates() {
        let mut task = task(true);
        let mut observation = [0.0; 5];
        let mut random = Key::from_seed(0).stream("environment");
        task.reset(&mut random, &mut observation).unwrap();
        task.set_state(&[0.0, 1.0], &[], &mut observation).unwrap();
        assert_eq!(observation, [0.0, 1.0, 1.0, 0.0, 0.0]);
        assert_eq!(task.log_default_policy().unwrap(), [0.9f64.ln(), 0.1f64.ln()]);
        let step = task.step(Action::Discrete(0), &mut observation).unwrap();
        assert_eq!(step, Step { reward: 2.0, terminated: false, truncated: false });
        assert_eq!(observation, [1.0, 0.0, 0.0, 1.0, 0.0]);
        task.set_state(&[2.0, 1.0], &[], &mut observation).unwrap();
        assert!(task.step(Action::Discrete(1), &mut observation).unwrap().terminated);
        assert!(task.step(Action::Discrete(2), &mut observation).is_err());
        assert!(task.set_state(&[3.0, 1.0], &[], &mut observation).is_err());
        assert_eq!(self::task(false).observation_space().dimension(), 2);
    }

    #[test]
    fn first_states_next_states_and_ends_come_as_often_as_the_file_says() {
        let mut task = task(false);
        let mut observation = [0.0; 2];
        let mut random = Key::from_seed(3).stream("environment");
        let (mut first, mut next, mut ends) = (0.0, 0.0, 0.0);
        let count = 20_000;
        for _ in 0..count {
            task.reset(&mut random, &mut observation).unwrap();
            first += observation[1];
            task.restore(&[0.0, 0.0, 0.0], &mut random, &mut observation).unwrap();
            task.step(Action::Discrete(0), &mut observation).unwrap();
            next += observation[1];
            task.restore(&[0.0, 0.0, 0.0], &mut random, &mut observation).unwrap();
            let step = task.step(Action::Discrete(1), &mut observation).unwrap();
            ends += if step.terminated { 1.0 } else { 0.0 };
        }
        for (seen, p) in [(first, 0.75), (next, 0.5), (ends, 0.2)] {
            let n = f64::from(count);
            let allowed = 5.0 * (p * (1.0 - p) / n).sqrt();
            assert!((seen / n - p).abs() < allowed, "{} against {p}", seen / n);
        }
    }

    /// What is played beyond an end has no reward, and no copy of the state forgets the end.
    #[test]
    fn an_end_is_an_end() {
        let mut task = task(true);
        let mut observation = [0.0; 5];
        let mut random = Key::from_seed(5).stream("environment");
        let play = |task: &mut Tabular, observation: &mut [f64]| {
            task.step(Action::Discrete(1), observation).unwrap()
        };
        let dead = Step { reward: 0.0, terminated: true, truncated: false };
        let mut lengths = [0; 4];
        for _ in 0..100 {
            task.reset(&mut random, &mut observation).unwrap();
            task.set_state(&[0.0, 0.0], &[], &mut observation).unwrap();
            let mut length = 1;
            while !play(&mut task, &mut observation).terminated {
                length += 1;
            }
            lengths[length] += 1;
            let snapshot = task.snapshot().unwrap();
            let last = observation;
            for _ in 0..3 {
                assert_eq!(play(&mut task, &mut observation), dead, "after {length} steps");
                assert_eq!(observation, last);
            }
            task.reset(&mut random, &mut observation).unwrap();
            task.restore(&snapshot, &mut random, &mut observation).unwrap();
            assert_eq!(observation, last);
            assert_eq!(play(&mut task, &mut observation), dead, "a copy, after {length} steps");
        }
        assert!(lengths[1] > 0 && lengths[3] > 0, "early ends and the horizon: {lengths:?}");
        task.reset(&mut random, &mut observation).unwrap();
        task.set_state(&[2.0, 0.0], &[], &mut observation).unwrap();
        let step = task.step(Action::Discrete(1), &mut observation).unwrap();
        assert_eq!((step.reward, step.terminated), (-1.0, true), "alive again");
    }

    /// l = log pi - log(pi_0/Z0) charges alpha log Z0 for every step alive: the mean of soft rewards
    /// and the log weight of a trajectory are those of exact inference, whatever Z0.
    #[test]
    fn the_normaliser_of_optimality_counts_for_every_step() {
        let mut task = task(false);
        let mut spec = task.process().spec().clone();
        spec.z0 = 1.7;
        let process = Process::new(spec).unwrap();
        task = Tabular::new("tabular:f.json".to_owned(), process.clone(), false);
        let mut observation = [0.0; 2];
        for (s, a) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            task.set_state(&[0.0, s as f64], &[], &mut observation).unwrap();
            let log_ratio = process.log_pi(s, a) - task.log_default_policy().unwrap()[a];
            let log_weight = process.reward(s, a) / process.alpha() - log_ratio;
            let wanted = process.log_optimality(s, a) - process.log_ratio(s, a);
            assert!((log_weight - wanted).abs() < 1e-14, "{log_weight} against {wanted}");
        }
    }
}
