use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::episode::Episode;
use super::metrics::Accumulator;
use super::{
    ConfigError, DefaultPolicy, Observer, Phase, Profile, Progress, RecentReturns, TrainConfig,
    TrainingMetrics, evaluate,
};
use crate::agent::{Agent, NonFinite, Policy};
use crate::checkpoint::CheckpointError;
use crate::distribution::SharedHead;
use crate::env::{ActionShape, EnvError, Environment, Rescaled, StepError};
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
    /// The simulator, or the policy, failed in an evaluation.
    #[error("evaluation after step {step}: {source}")]
    Evaluation {
        /// Environment steps done before it.
        step: u64,
        /// What was said.
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
    #[error("step {step}: {what} of the environment is {value:?}, not a finite number")]
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

/// A task with its action coordinates in [-1,1].
type Task = Rescaled<Box<dyn Environment>>;

fn shape_of(env: &Task) -> ActionShape {
    env.inner().action_space().into()
}

/// A run: agent, environment, replay and counters.
pub struct Trainer {
    pub(super) config: TrainConfig,
    pub(super) agent: Agent<f32>,
    pub(super) env: Task,
    pub(super) evaluation_env: Box<dyn Environment>,
    pub(super) replay: ReplayBuffer,
    /// Replay is a data set: nothing is played but evaluations.
    pub(super) offline: bool,
    pub(super) batch: Batch,
    /// Where in replay it comes from.
    rows: Vec<[usize; 2]>,
    pub(super) key: Key,
    pub(super) env_stream: Stream,
    pub(super) replay_stream: Stream,
    pub(super) episode: Episode,
    pub(super) step: u64,
    pub(super) updates: u64,
    pub(super) episodes: u64,
    pub(super) recent_returns: RecentReturns,
    pub(super) since_last_line: Accumulator,
    /// The step was done, and its evaluation was not, or not to its end.
    pub(super) evaluation_due: bool,
}

impl Trainer {
    /// A run that has not started. Both environments take actions in their own units; `evaluation_env`
    /// is used for evaluations alone, so that they do not disturb training.
    ///
    /// # Errors
    /// A refused setting, an action space without bounds, a distribution that does not fit it, or more
    /// replay than memory.
    pub fn new(
        config: TrainConfig,
        env: Box<dyn Environment>,
        evaluation_env: Box<dyn Environment>,
    ) -> Result<Self, TrainError> {
        let (env, replay) = Self::prepare(&config, env)?;
        let agent = Agent::new(&config, env.observation_space().dimension(), &shape_of(&env))?;
        Ok(Self::assemble(config, agent, env, evaluation_env, replay, false))
    }

    /// As [`Trainer::new`], with any distribution as policy; what the configuration says of the policy's
    /// distribution is not read.
    ///
    /// # Errors
    /// As [`Trainer::new`].
    pub fn with_distribution(
        config: TrainConfig,
        head: SharedHead<f32>,
        env: Box<dyn Environment>,
        evaluation_env: Box<dyn Environment>,
    ) -> Result<Self, TrainError> {
        let (env, replay) = Self::prepare(&config, env)?;
        if *head.shape() != shape_of(&env) {
            let (name, space) = (format!("{:?}", head.name()), env.inner().action_space());
            let allowed = format!("a distribution over the task's actions, {space}");
            return Err(ConfigError::new("policy", name, allowed).into());
        }
        let agent = Agent::with_head(&config, env.observation_space().dimension(), head)?;
        Ok(Self::assemble(config, agent, env, evaluation_env, replay, false))
    }

    /// The checked configuration's environment with its actions rescaled, and room for its replay.
    fn prepare(
        config: &TrainConfig,
        env: Box<dyn Environment>,
    ) -> Result<(Task, ReplayBuffer), TrainError> {
        config.check()?;
        let env = Rescaled::new(env)?;
        let observation = env.observation_space().dimension();
        let action = shape_of(&env).stored_width();
        // A run shorter than its replay needs no room for more transitions than it has steps.
        let capacity = config.buffer.min(usize::try_from(config.steps).unwrap_or(usize::MAX));
        let capacity = capacity.max(config.n_step);
        let replay = ReplayBuffer::new(capacity, observation, action, env.time_limit())?;
        Ok((env, replay))
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
        let env = Rescaled::new(env)?;
        if config.estimation.proposal.replay {
            let allowed = "not with a data set, which knows no densities of its actions";
            return Err(ConfigError::new("proposal_replay", true, allowed).into());
        }
        if config.normalise_observations {
            let allowed = "not with a data set: nothing is observed while it is learned from";
            return Err(ConfigError::new("normalise_observations", true, allowed).into());
        }
        let observation = env.observation_space().dimension();
        let replay = dataset.replay(observation, &shape_of(&env), env.task_box())?;
        if replay.len() < config.n_step {
            let allowed = "at most the transitions of the data set";
            return Err(ConfigError::new("n_step", config.n_step, allowed).into());
        }
        let agent = Agent::new(&config, observation, &shape_of(&env))?;
        Ok(Self::assemble(config, agent, env, evaluation_env, replay, true))
    }

    fn assemble(
        config: TrainConfig,
        agent: Agent<f32>,
        env: Task,
        evaluation_env: Box<dyn Environment>,
        replay: ReplayBuffer,
        offline: bool,
    ) -> Self {
        let (observation, shape) = (env.observation_space().dimension(), shape_of(&env));
        let key = Key::from_seed(config.seed);
        Self {
            rows: vec![[0; 2]; config.batch],
            batch: Batch::new(config.batch, observation, shape.stored_width()),
            env_stream: key.stream("environment"),
            replay_stream: key.stream("replay"),
            episode: Episode::new(observation, shape),
            recent_returns: RecentReturns::default(),
            since_last_line: Accumulator::default(),
            agent,
            env,
            evaluation_env,
            replay,
            offline,
            key,
            config,
            step: 0,
            updates: 0,
            episodes: 0,
            evaluation_due: false,
        }
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

    /// Where the time of its steps goes, to be started and read; off by itself.
    pub fn profile(&mut self) -> &mut Profile {
        &mut self.agent.profile
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

    /// Trains until all steps are done or `stop` is set, also in the middle of an evaluation: that one is
    /// then due in the run's state, and is played again, the same to the last bit, when the run goes on.
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
        // Also where an evaluation was broken off: what was due after it was not done.
        let mut save = self.step == 0 || self.evaluation_due;
        loop {
            if !self.evaluate(observer, stop)? {
                return Ok(StopReason::Stopped);
            }
            if save {
                observer.checkpoint(self)?;
            }
            if self.step >= self.config.steps {
                return Ok(StopReason::Finished);
            }
            if stop.load(Ordering::Relaxed) {
                return Ok(StopReason::Stopped);
            }
            self.advance()?;
            observer.progress(&self.progress());
            if self.step.is_multiple_of(self.config.log_every) {
                observer.training(&self.training_line())?;
            }
            let due =
                |every: u64| self.step == self.config.steps || self.step.is_multiple_of(every);
            self.evaluation_due = due(self.config.evaluate_every);
            save = due(self.config.checkpoint_every);
            if self.evaluation_due || save {
                self.agent.check_parameters().map_err(|source| self.non_finite(source))?;
            }
        }
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
        self.agent.profile.end(Phase::Other);
        Ok(())
    }

    /// One update from a fresh batch.
    fn update(&mut self, rate: f64) -> Result<(), TrainError> {
        self.agent.profile.end(Phase::Other);
        let span = (self.config.n_step, self.config.gamma as f32);
        let (stream, team) = (&mut self.replay_stream, self.agent.team());
        self.replay.sample_by(team, stream, &mut self.rows, span, &mut self.batch);
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
            self.agent.start_episode();
            self.agent.observe(&episode.seen);
            self.agent.profile.end(Phase::Environment);
        }
        let log_density = if self.step < self.config.learning_starts {
            self.agent.act_randomly(&mut episode.action)
        } else {
            self.agent.act(&episode.seen, &mut episode.action)
        };
        self.agent.profile.end(Phase::Acting);
        if !crate::nn::all_finite(&episode.action) {
            return Err(TrainError::NonFinite { step: self.step, source: NonFinite::ACTION });
        }
        let step = episode.play(&mut self.env).map_err(failed)?;
        self.agent.profile.end(Phase::Environment);
        episode.look();
        episode.check(self.step, step.reward)?;
        self.agent.observe(&episode.seen);
        self.replay.push(&Transition {
            action: &episode.action,
            log_density,
            reward: step.reward as f32,
            terminated: step.terminated,
            truncated: step.truncated,
            next_observation: &episode.seen,
        });
        self.agent.profile.end(Phase::Replay);
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

    /// The evaluation that is due, if one is. False if `stop` was set before its end: it stays due.
    fn evaluate(
        &mut self,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<bool, TrainError> {
        if !self.evaluation_due {
            return Ok(true);
        }
        let (policy, episodes) = (self.policy(), self.config.evaluation_episodes);
        let env = &mut *self.evaluation_env;
        let Some(played) = evaluate(&policy, env, episodes, &self.key, self.step, stop)? else {
            return Ok(false);
        };
        self.evaluation_due = false;
        observer.evaluation(&played)?;
        Ok(true)
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
        if self.config.default_policy == DefaultPolicy::Uniform {
            line.default_policy_kl = None;
        }
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
