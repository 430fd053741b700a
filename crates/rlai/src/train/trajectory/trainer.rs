use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{TrajectoryConfig, ValueSource};
use crate::agent::trajectory::{
    Chosen, ExactValues, MOST_CELLS, Played, Rollouts, TrajectoryAgent, smoothed_states,
};
use crate::agent::{NonFinite, Policy};
use crate::checkpoint::{CheckpointError, State};
use crate::env::{Action, Environment, Rescaled, Space};
use crate::estimator::trajectory::StateWeights;
use crate::lab::{Process, ProcessError};
use crate::random::{Key, Stream};
use crate::replay::ReplayBuffer;
use crate::train::checkpoints::StoredReplay;
use crate::train::metrics::Accumulator;
use crate::train::{
    ConfigError, Learner, Observer, Progress, RecentReturns, StopReason, TrainError,
    TrainingMetrics, evaluate,
};

/// A run on trajectories: agent, environment, the batch being played and counters.
pub struct TrajectoryTrainer {
    pub(super) config: TrajectoryConfig,
    pub(super) agent: TrajectoryAgent,
    /// Takes actions in `[-1, 1]^A`, or choices.
    pub(super) env: Box<dyn Environment>,
    pub(super) evaluation_env: Box<dyn Environment>,
    pub(super) batch: Rollouts,
    pub(super) key: Key,
    pub(super) env_stream: Stream,
    pub(super) smoothing_stream: Stream,
    pub(super) observation: Vec<f64>,
    pub(super) seen: Vec<f32>,
    /// Return and length of the episode being played; none is: the next step starts one.
    pub(super) episode: Option<(f64, u64)>,
    pub(super) step: u64,
    pub(super) updates: u64,
    pub(super) episodes: u64,
    pub(super) recent_returns: RecentReturns,
    pub(super) since_last_line: Accumulator,
    /// The step was done, and its evaluation was not, or not to its end.
    pub(super) evaluation_due: bool,
}

impl TrajectoryTrainer {
    /// A run that has not started. Both environments take actions in their own units; `evaluation_env`
    /// is used for evaluations alone, so that they do not disturb training.
    ///
    /// # Errors
    /// A refused setting, exact values that cannot be computed, or an action space without bounds.
    pub fn new(
        config: TrajectoryConfig,
        env: Box<dyn Environment>,
        evaluation_env: Box<dyn Environment>,
    ) -> Result<Self, TrainError> {
        config.check(env.as_ref())?;
        let env: Box<dyn Environment> = match env.action_space() {
            Space::Box(_) => Box::new(Rescaled::new(env)?),
            _ => env,
        };
        let width = env.observation_space().dimension();
        let key = Key::from_seed(config.seed);
        let agent = TrajectoryAgent::new(&config, width, env.action_space());
        if config.values == ValueSource::Exact {
            exact_values(&agent, env.as_ref())
                .map_err(|error| no_exact_values(env.id(), &error))?;
        }
        Ok(Self {
            agent,
            batch: Rollouts::new(width),
            env_stream: key.stream("environment"),
            smoothing_stream: key.stream("particle smoothing"),
            observation: vec![0.0; width],
            seen: vec![0.0; width],
            episode: None,
            recent_returns: RecentReturns::default(),
            since_last_line: Accumulator::default(),
            env,
            evaluation_env,
            key,
            config,
            step: 0,
            updates: 0,
            episodes: 0,
            evaluation_due: false,
        })
    }

    /// Starts from the networks and duals of another run.
    ///
    /// # Errors
    /// When they cannot be read or have other shapes.
    pub fn initialise_from(&mut self, dir: &Path) -> Result<(), CheckpointError> {
        self.agent.load(dir)
    }

    /// What learns.
    pub fn agent(&self) -> &TrajectoryAgent {
        &self.agent
    }

    /// Updates done.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The policy as it stands, for its task.
    pub fn policy(&self) -> Policy {
        self.agent.policy(self.env.id(), self.evaluation_env.action_space())
    }

    fn run_steps(
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
            let before = self.step;
            self.advance()?;
            observer.progress(&self.progress());
            // A particle smoother takes many steps at once.
            let step = self.step;
            let passed = |every: u64| step / every > before / every;
            if passed(self.config.log_every) {
                observer.training(&self.training_line())?;
            }
            let over = step >= self.config.steps;
            self.evaluation_due = over || passed(self.config.evaluate_every);
            save = over || passed(self.config.checkpoint_every);
            if self.evaluation_due || save {
                self.agent.check_parameters().map_err(|source| self.non_finite(source))?;
            }
        }
    }

    /// One environment step, and the update once M trajectories are whole.
    ///
    /// # Errors
    /// As [`Learner::run`].
    pub fn advance(&mut self) -> Result<(), TrainError> {
        self.play_step()?;
        self.step += 1;
        if self.batch.count() == self.config.trajectories {
            self.update()?;
            self.batch.clear();
        }
        Ok(())
    }

    fn play_step(&mut self) -> Result<(), TrainError> {
        let failed = |source| TrainError::Step { step: self.step, source };
        if self.episode.is_none() {
            self.env.reset(&mut self.env_stream, &mut self.observation).map_err(failed)?;
            self.episode = Some((0.0, 0));
            self.look(0.0)?;
        }
        let (chosen, log_pi) =
            self.agent.act(&self.seen).map_err(|source| self.non_finite(source))?;
        let cell = self.env.tabular().map(|task| task.cell());
        let log_default = self.env.log_default_policy().map(<[f64]>::to_vec);
        let before = self.seen.clone();
        let step = match &chosen {
            Chosen::Choice(choice) => {
                self.env.step(Action::Discrete(*choice), &mut self.observation)
            }
            Chosen::Box(u) => {
                let action: Vec<f32> = u.iter().map(|u| u.tanh() as f32).collect();
                self.env.step(Action::F32(&action), &mut self.observation)
            }
        }
        .map_err(|source| TrainError::Step { step: self.step, source })?;
        self.look(step.reward)?;
        self.batch.push(&Played {
            observation: &before,
            chosen: &chosen,
            log_pi,
            log_default: log_default.as_deref(),
            cell,
            reward: step.reward,
        });
        let (total, length) = self.episode.get_or_insert((0.0, 0));
        *total += step.reward;
        *length += 1;
        if step.ended() {
            self.batch.end(step.terminated, &self.seen);
            self.end_episode();
        }
        Ok(())
    }

    fn end_episode(&mut self) {
        let Some((total, length)) = self.episode.take() else { return };
        self.episodes += 1;
        self.since_last_line.episode(total, length);
        self.recent_returns.push(total);
    }

    /// Brings the observation to the networks' precision; refuses what is not finite.
    fn look(&mut self, reward: f64) -> Result<(), TrainError> {
        let step = self.step;
        let bad = |what: String, value: f64| Err(TrainError::BadNumber { step, what, value });
        if !reward.is_finite() {
            return bad("the reward".to_owned(), reward);
        }
        for (i, (seen, &value)) in self.seen.iter_mut().zip(&self.observation).enumerate() {
            *seen = value as f32;
            if !seen.is_finite() {
                return bad(format!("observation[{i}]"), value);
            }
        }
        Ok(())
    }

    fn update(&mut self) -> Result<(), TrainError> {
        let exact = match self.config.values {
            ValueSource::Exact => exact_values(&self.agent, self.env.as_ref())
                .map_err(|source| TrainError::Exact { step: self.step, source })?,
            ValueSource::Learned => None,
        };
        let smoothing = self.config.state_weights == StateWeights::ParticleSmoothing;
        let smoothed = if smoothing { Some(self.smooth(exact.as_ref())?) } else { None };
        let rate = self.config.learning_rate_schedule.factor(self.step - 1, self.config.steps);
        let metrics = self
            .agent
            .update(&self.batch, smoothed.as_ref(), exact.as_ref(), rate)
            .map_err(|source| TrainError::NonFinite { step: self.step, source })?;
        self.updates += 1;
        self.since_last_line.update(&metrics);
        Ok(())
    }

    /// A particle smoother's sweep; its environment steps count.
    fn smooth(
        &mut self,
        exact: Option<&ExactValues>,
    ) -> Result<crate::agent::trajectory::VisitedStates, TrainError> {
        let count = self.config.trajectories;
        let random = &mut self.smoothing_stream;
        let (states, steps) =
            smoothed_states(&mut self.agent, self.env.as_mut(), exact, count, random)
                .map_err(|source| TrainError::Step { step: self.step, source })?;
        self.step += steps;
        Ok(states)
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
        // Nothing is learned from it: where it cannot be computed it is absent.
        let exact = exact_values(&self.agent, self.env.as_ref()).ok().flatten();
        let mut line = TrainingMetrics {
            step: self.step,
            updates: self.updates,
            episodes: self.episodes,
            alpha: Some(self.agent.alpha()),
            eta: self.agent.eta(),
            exact_forward_kl: exact.as_ref().map(ExactValues::forward_kl),
            exact_reverse_kl: exact.as_ref().map(ExactValues::reverse_kl),
            ..TrainingMetrics::default()
        };
        self.since_last_line.drain_into(&mut line);
        let learned = self.config.values == ValueSource::Learned;
        let marginal = self.config.objective.is_marginal();
        // What this run does not have is nothing, not zero.
        line.q = line.q.filter(|_| marginal);
        let has_critic = marginal && learned;
        line.critic_loss = line.critic_loss.filter(|_| has_critic);
        // V-MPO counts the divergence of choices as the mean's.
        (line.default_policy_kl, line.old_policy_kl_choice) = (None, None);
        line.critic_gradient_norm = line.critic_gradient_norm.filter(|_| has_critic);
        line.value_loss = line.value_loss.filter(|_| learned && self.config.uses_values());
        line
    }
}

/// What exact inference says of the policy, on a tabular task that is small enough.
fn exact_values(
    agent: &TrajectoryAgent,
    env: &dyn Environment,
) -> Result<Option<ExactValues>, ProcessError> {
    let small = |process: &Process| process.states() * process.horizon() <= MOST_CELLS;
    env.tabular().filter(|task| small(task.process())).map(|task| agent.exact(task)).transpose()
}

fn no_exact_values(task: &str, error: &ProcessError) -> ConfigError {
    let allowed = format!(
        "\"learned\": exact inference on {task}, whose states are then pairs of time and state, is refused: {error}"
    );
    ConfigError::new("values", "\"exact\"", allowed)
}

impl Learner for TrajectoryTrainer {
    fn run(
        &mut self,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<StopReason, TrainError> {
        self.run_steps(observer, stop)
    }

    fn save(&self, dir: &Path) -> Result<(), CheckpointError> {
        self.agent.save(dir, self.env.id(), self.evaluation_env.action_space(), self.step)
    }

    fn step(&self) -> u64 {
        self.step
    }

    fn parameters_blake3(&self) -> String {
        self.agent.parameters_blake3()
    }

    fn policy(&self) -> Policy {
        Self::policy(self)
    }

    fn write_state(&self, state: &mut State) {
        Self::write_state(self, state);
    }

    fn replay(&self) -> Option<&ReplayBuffer> {
        None
    }

    fn restore(
        &mut self,
        networks: &Path,
        state: &State,
        _replay: Option<StoredReplay<'_>>,
    ) -> Result<(), TrainError> {
        Self::restore(self, networks, state)
    }
}
