use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::metrics::Accumulator;
use super::{
    ConfigError, Evaluation, Observer, Progress, RecentReturns, TrainConfig, TrainingMetrics,
    evaluate,
};
use crate::agent::{Agent, NonFinite, Policy};
use crate::checkpoint::CheckpointError;
use crate::env::{Action, EnvError, Environment, Rescaled, Space, StepError};
use crate::random::{Key, Stream};
use crate::replay::{Batch, Dataset, DatasetError, ReplayBuffer, ReplayError, Transition};

/// Why a run ended without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// All steps were done.
    Finished,
    /// It was told to stop.
    Stopped,
}

/// Why a run could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The configuration cannot work.
    #[error(transparent)]
    Config(#[from] super::ConfigError),
    /// The environment does not suit the agent.
    #[error(transparent)]
    Environment(#[from] EnvError),
    /// Replay cannot be held.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The data set cannot be learned from.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// Parameters could not be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The simulator failed.
    #[error("step {step}: {source}")]
    Step {
        /// Environment steps done before it.
        step: u64,
        /// What the simulator said.
        source: StepError,
    },
    /// A number stopped being one.
    #[error("step {step}: {source}; try a smaller learning_rate or a max_gradient_norm")]
    NonFinite {
        /// Environment steps done before it.
        step: u64,
        /// What it was.
        source: NonFinite,
    },
    /// Exact values of the policy as it is now cannot be computed.
    #[error("step {step}: values = \"exact\": {source}")]
    Exact {
        /// Environment steps done before it.
        step: u64,
        /// What exact inference refuses.
        source: crate::lab::ProcessError,
    },
    /// The environment gave a number that is not finite.
    #[error("step {step}: {what} of the environment is {value}, not a finite number")]
    BadNumber {
        /// Environment steps done before it.
        step: u64,
        /// Which number: the reward, or a coordinate of the observation.
        what: String,
        /// What it was.
        value: f64,
    },
    /// An observer could not keep what it was told, or threads could not be started.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl TrainError {
    /// Whether the input is to blame: nothing has happened yet.
    pub fn is_input(&self) -> bool {
        matches!(self, Self::Config(_) | Self::Environment(_) | Self::Replay(_) | Self::Dataset(_))
    }
}

/// A run: agent, environment, replay and counters.
pub struct Trainer {
    config: TrainConfig,
    agent: Agent<f32>,
    env: Rescaled<Box<dyn Environment>>,
    evaluation_env: Box<dyn Environment>,
    replay: ReplayBuffer,
    /// Replay is a data set: nothing is played but evaluations.
    offline: bool,
    batch: Batch,
    key: Key,
    env_stream: Stream,
    replay_stream: Stream,
    episode: Episode,
    step: u64,
    updates: u64,
    episodes: u64,
    recent_returns: RecentReturns,
    since_last_line: Accumulator,
}

/// The episode being played.
struct Episode {
    observation: Vec<f64>,
    /// The same in the agent's precision.
    seen: Vec<f32>,
    action: Vec<f32>,
    total: f64,
    length: u64,
    /// No episode is being played: the next step starts one.
    over: bool,
}

/// The task with its actions in `[-1, 1]^A`.
fn boxed(env: Box<dyn Environment>) -> Result<Rescaled<Box<dyn Environment>>, EnvError> {
    match env.action_space() {
        Space::Box(_) => Rescaled::new(env),
        space => Err(EnvError::Choices { id: env.id().to_owned(), space: space.clone() }),
    }
}

impl Trainer {
    /// A run that has not started. Both environments take actions in their own units; `evaluation_env`
    /// is used for evaluations alone, so that they do not disturb training.
    ///
    /// # Errors
    /// A refused setting, an action space without bounds, or more replay than memory.
    pub fn new(
        config: TrainConfig,
        env: Box<dyn Environment>,
        evaluation_env: Box<dyn Environment>,
    ) -> Result<Self, TrainError> {
        config.check()?;
        let env = boxed(env)?;
        let observation = env.observation_space().dimension();
        let action = env.task_box().dimension();
        // A run shorter than its replay needs no room for more transitions than it has steps.
        let capacity = config.buffer.min(usize::try_from(config.steps).unwrap_or(usize::MAX));
        let replay =
            ReplayBuffer::new(capacity.max(config.n_step), observation, action, env.time_limit())?;
        Self::with_replay(config, env, evaluation_env, replay, false)
    }

    /// A run that learns from a data set alone: a step is its updates, nothing is played. `env` takes
    /// actions in its own units and is played in evaluations only.
    ///
    /// # Errors
    /// A refused setting, an action space without bounds, or data that do not fit the task.
    pub fn from_dataset(
        config: TrainConfig,
        dataset: &Dataset,
        env: Box<dyn Environment>,
        evaluation_env: Box<dyn Environment>,
    ) -> Result<Self, TrainError> {
        config.check()?;
        let env = boxed(env)?;
        if config.estimation.proposal.replay {
            let allowed = "not with a data set, which knows no densities of its actions";
            return Err(ConfigError::new("proposal_replay", true, allowed).into());
        }
        let replay = dataset.replay(env.observation_space().dimension(), env.task_box())?;
        if replay.len() < config.n_step {
            let allowed = "at most the transitions of the data set";
            return Err(ConfigError::new("n_step", config.n_step, allowed).into());
        }
        Self::with_replay(config, env, evaluation_env, replay, true)
    }

    fn with_replay(
        config: TrainConfig,
        env: Rescaled<Box<dyn Environment>>,
        evaluation_env: Box<dyn Environment>,
        replay: ReplayBuffer,
        offline: bool,
    ) -> Result<Self, TrainError> {
        let (observation, action) =
            (env.observation_space().dimension(), env.task_box().dimension());
        config.estimation.check_dimension(action)?;
        let key = Key::from_seed(config.seed);
        Ok(Self {
            agent: Agent::new(&config, observation, action)?,
            batch: Batch::new(config.batch, observation, action),
            env_stream: key.stream("environment"),
            replay_stream: key.stream("replay"),
            episode: Episode::new(observation, action),
            recent_returns: RecentReturns::default(),
            since_last_line: Accumulator::default(),
            env,
            evaluation_env,
            replay,
            offline,
            key,
            config,
            step: 0,
            updates: 0,
            episodes: 0,
        })
    }

    /// Starts from the parameters and the temperature of another run.
    ///
    /// # Errors
    /// When they cannot be read or have other shapes.
    pub fn initialise_from(&mut self, dir: &Path) -> Result<(), CheckpointError> {
        self.agent.load(dir)
    }

    /// What learns.
    pub fn agent(&self) -> &Agent<f32> {
        &self.agent
    }

    /// Environment steps done.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Updates done.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The policy as it stands, for its task.
    pub fn policy(&self) -> Policy {
        self.agent.policy(self.env.id(), self.env.task_box())
    }

    /// Saves parameters and temperature to `dir`, replacing what was saved there before.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), CheckpointError> {
        self.agent.save(dir, self.env.id(), self.env.task_box(), self.step)
    }

    /// Hash of all parameters: equal runs have equal ones.
    pub fn parameters_blake3(&self) -> String {
        self.agent.parameters_blake3()
    }

    /// Trains until all steps are done or `stop` is set.
    ///
    /// # Errors
    /// A simulator that fails, a number that is not finite, an observer that could not keep a line.
    /// After a number that is not finite the networks may have diverged: the last good state is what
    /// the observer was last given to keep.
    pub fn run(
        &mut self,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<StopReason, TrainError> {
        self.agent.team().run(|| self.run_steps(observer, stop))
    }

    fn run_steps(
        &mut self,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<StopReason, TrainError> {
        if self.step == 0 {
            observer.checkpoint(self)?;
        }
        while self.step < self.config.steps {
            if stop.load(Ordering::Relaxed) {
                return Ok(StopReason::Stopped);
            }
            self.advance()?;
            observer.progress(&self.progress());
            if self.step.is_multiple_of(self.config.log_every) {
                observer.training(&self.training_line())?;
            }
            let last = self.step == self.config.steps;
            if last || self.step.is_multiple_of(self.config.evaluate_every) {
                self.agent.check_parameters().map_err(|source| self.non_finite(source))?;
                observer.evaluation(&self.evaluate()?)?;
                observer.checkpoint(self)?;
            }
        }
        Ok(StopReason::Finished)
    }

    /// One environment step, unless a data set takes its place, and the updates that belong to it.
    ///
    /// # Errors
    /// As [`Trainer::run`].
    pub fn advance(&mut self) -> Result<(), TrainError> {
        if !self.offline {
            self.play_step()?;
        }
        self.step += 1;
        let started = self.offline || self.step > self.config.learning_starts;
        if started && self.replay.len() >= self.config.n_step {
            let rate = self.config.learning_rate_schedule.factor(self.step - 1, self.config.steps);
            for _ in 0..self.config.updates_per_step {
                self.update(rate)?;
            }
        }
        Ok(())
    }

    /// One update from a fresh batch.
    fn update(&mut self, rate: f64) -> Result<(), TrainError> {
        let (size, n) = (self.config.batch, self.config.n_step);
        let gamma = self.config.gamma as f32;
        self.replay.sample(&mut self.replay_stream, size, n, gamma, &mut self.batch);
        let metrics =
            self.agent.update(&self.batch, rate).map_err(|source| self.non_finite(source))?;
        self.updates += 1;
        self.since_last_line.update(&metrics);
        Ok(())
    }

    fn play_step(&mut self) -> Result<(), TrainError> {
        let episode = &mut self.episode;
        let failed = |source| TrainError::Step { step: self.step, source };
        if episode.over {
            self.env.reset(&mut self.env_stream, &mut episode.observation).map_err(failed)?;
            episode.start();
            episode.check(self.step, 0.0)?;
            self.replay.begin(&episode.seen);
        }
        let log_density = if self.step < self.config.learning_starts {
            self.agent.act_randomly(&mut episode.action)
        } else {
            self.agent.act(&episode.seen, &mut episode.action)
        };
        if !crate::nn::all_finite(&episode.action) {
            return Err(TrainError::NonFinite { step: self.step, source: NonFinite::ACTION });
        }
        let action = Action::F32(&episode.action);
        let step = self.env.step(action, &mut episode.observation).map_err(failed)?;
        episode.look();
        episode.check(self.step, step.reward)?;
        self.replay.push(&Transition {
            action: &episode.action,
            log_density,
            reward: step.reward as f32,
            terminated: step.terminated,
            truncated: step.truncated,
            next_observation: &episode.seen,
        });
        episode.total += step.reward;
        episode.length += 1;
        if step.ended() {
            episode.over = true;
            self.episodes += 1;
            self.since_last_line.episode(episode.total, episode.length);
            self.recent_returns.push(episode.total);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<Evaluation, TrainError> {
        let (policy, episodes) = (self.policy(), self.config.evaluation_episodes);
        evaluate(&policy, &mut *self.evaluation_env, episodes, &self.key, self.step)
    }

    fn non_finite(&self, source: NonFinite) -> TrainError {
        TrainError::NonFinite { step: self.step, source }
    }

    fn progress(&self) -> Progress {
        self.recent_returns.progress(self.step, self.config.steps)
    }

    fn training_line(&mut self) -> TrainingMetrics {
        let mut line = TrainingMetrics {
            step: self.step,
            updates: self.updates,
            episodes: self.episodes,
            buffer: self.replay.len(),
            alpha: self.config.uses_temperature().then(|| self.agent.alpha()),
            eta: self.agent.eta(),
            ..TrainingMetrics::default()
        };
        self.since_last_line.drain_into(&mut line);
        line.value_loss = None;
        // A single weight is one whatever the policy, and advantage weights are not these ones.
        if self.config.samples < 2 || self.config.objective.adds_replay_action() {
            line.effective_sample_size = None;
            line.largest_weight = None;
            line.forward_kl = None;
            line.reverse_kl = None;
        }
        line
    }
}

impl Episode {
    fn new(observation: usize, action: usize) -> Self {
        Self {
            observation: vec![0.0; observation],
            seen: vec![0.0; observation],
            action: vec![0.0; action],
            total: 0.0,
            length: 0,
            over: true,
        }
    }

    fn start(&mut self) {
        self.look();
        self.total = 0.0;
        self.length = 0;
        self.over = false;
    }

    /// Refuses what is not finite in the agent's precision.
    fn check(&self, step: u64, reward: f64) -> Result<(), TrainError> {
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
    fn look(&mut self) {
        for (seen, &value) in self.seen.iter_mut().zip(&self.observation) {
            *seen = value as f32;
        }
    }
}
