//! How each run of a study stands, told from files alone.

use std::path::{Path, PathBuf};

use rlai::checkpoint::attempts;
use serde::Serialize;

use super::plan::{Plan, PlannedRun};
use crate::metrics::{self, Fields, Line};
use crate::run_folder::{self, FolderState, Life, Owner, RunFailure, RunResult};
use crate::training;

/// What has become of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nothing is there.
    Missing,
    /// It was begun, and nobody is at it.
    Unfinished,
    /// Its owner lives.
    Running,
    /// Its owner is, or was, on another machine and has not said that it ended.
    Elsewhere,
    /// Its last attempt failed.
    Failed,
    /// It has a valid result.
    Finished,
    /// Its folder holds something else.
    Refused,
}

impl State {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unfinished => "unfinished",
            Self::Running => "running",
            Self::Elsewhere => "elsewhere",
            Self::Failed => "failed",
            Self::Finished => "finished",
            Self::Refused => "refused",
        }
    }
}

/// How a run stands.
#[derive(Debug, Serialize)]
pub struct RunStanding {
    /// Its folder in the study's: `VARIANT/seedK`.
    pub name: String,
    /// Its variant.
    pub variant: String,
    /// Its seed.
    pub seed: u64,
    /// Its folder.
    pub out: PathBuf,
    /// What has become of it.
    pub state: State,
    /// Why it failed, or is refused; none if that is not so, or nobody could say.
    pub reason: Option<String>,
    /// Environment steps done, as far as metrics tell.
    pub step: u64,
    /// Environment steps of the whole run.
    pub steps: u64,
    /// Mean return of the last evaluation.
    pub last_return: Option<f64>,
    /// Processes that have worked on it.
    pub attempts: usize,
    /// How many of those failed, or ended without a word.
    pub failures: usize,
    /// The machine of its last owner.
    pub host: Option<String>,
    /// Seconds of training so far, over all attempts.
    pub time_seconds: Option<f64>,
    /// Environment steps a second, lately.
    pub steps_per_second: Option<f64>,
    /// Seconds of training left at that speed; none before it is known.
    pub seconds_left: Option<f64>,
    /// Its result, if it has finished.
    #[serde(skip)]
    pub result: Option<Box<RunResult>>,
}

impl RunStanding {
    /// Looks at a run; nothing is changed.
    pub fn of(plan: &Plan, run: &PlannedRun) -> Self {
        let spec = plan.spec(run);
        let mut standing = Self {
            name: plan.run_name(run),
            variant: plan.variants[run.variant].name.clone(),
            seed: run.seed,
            out: spec.out.clone(),
            state: State::Missing,
            reason: None,
            step: 0,
            steps: spec.method.steps(),
            last_return: None,
            attempts: 0,
            failures: 0,
            host: None,
            time_seconds: None,
            steps_per_second: None,
            seconds_left: None,
            result: None,
        };
        match run_folder::inspect(&spec.out, &spec) {
            Ok(FolderState::Free) => {}
            Ok(FolderState::Finished(result)) => {
                standing.look_at_attempts(&spec.out);
                standing.finish(result);
            }
            Ok(FolderState::Unfinished) => {
                standing.state = State::Unfinished;
                standing.look_at_attempts(&spec.out);
                standing.look_at_metrics(&spec.out);
            }
            Ok(held) => standing.refuse(training::refused_in_study(&spec.out, &held).to_string()),
            Err(failure) => standing.refuse(failure.to_string()),
        }
        standing
    }

    /// Whether it shall be started again: it has no valid result, and nobody is at it.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Missing | State::Unfinished | State::Failed)
    }

    /// Whether it has failed too often to be started again.
    pub fn is_held(&self, max_attempts: usize) -> bool {
        self.is_open() && self.failures >= max_attempts
    }

    fn refuse(&mut self, reason: String) {
        self.state = State::Refused;
        self.reason = Some(reason);
    }

    fn finish(&mut self, result: Box<RunResult>) {
        self.state = State::Finished;
        self.reason = None;
        self.step = result.steps;
        self.last_return = result.final_return;
        self.time_seconds = Some(result.wall_time_seconds);
        self.seconds_left = Some(0.0);
        self.result = Some(result);
    }

    fn look_at_attempts(&mut self, run: &Path) {
        for (place, (_, folder)) in attempts(run).into_iter().enumerate() {
            self.attempts += 1;
            let owner = Owner::read(&folder);
            let life = owner.as_ref().map(|owner| owner.life(&folder));
            let failure = RunFailure::read(&folder);
            let silent = match life {
                Some(Life::Dead) | None => true,
                // One that was taken over has ended, wherever it was.
                Some(Life::Elsewhere) => place > 0,
                Some(Life::Alive | Life::Released) => false,
            };
            self.failures += usize::from(failure.is_some() || silent);
            if place > 0 {
                continue;
            }
            self.host = owner.map(|owner| owner.host);
            self.state = match (life, &failure) {
                (Some(Life::Alive), _) => State::Running,
                (_, Some(_)) => State::Failed,
                (Some(Life::Elsewhere), None) => State::Elsewhere,
                _ => State::Unfinished,
            };
            self.reason = failure.map(|failure| failure.reason);
        }
    }

    /// Read from the end: a long run has many megabytes of them. Damaged ones tell nothing.
    fn look_at_metrics(&mut self, run: &Path) {
        let Some(latest) = metrics::metrics_of(run).and_then(|path| metrics::latest_of(&path).ok())
        else {
            return;
        };
        self.step = latest.step().unwrap_or(0);
        self.last_return = latest.evaluation.as_ref().and_then(|line| line.return_mean);
        let number = |fields: &Fields, name: &str| fields.get(name).copied().flatten();
        let fields = match &latest.line {
            Some(Line::Train(line)) => Some(&line.fields),
            Some(Line::Evaluation(line)) => Some(&line.fields),
            _ => None,
        };
        self.time_seconds = fields.and_then(|fields| number(fields, "time_seconds"));
        let training = latest.training.as_ref();
        let rate = training.and_then(|line| number(&line.fields, "steps_per_second"));
        self.steps_per_second = rate.filter(|&rate| rate > 0.0);
        let left = self.steps.saturating_sub(self.step) as f64;
        self.seconds_left = self.steps_per_second.map(|rate| left / rate);
    }
}

/// How all runs of a study stand, in the plan's order.
pub fn of_all(plan: &Plan) -> Vec<RunStanding> {
    plan.runs.iter().map(|run| RunStanding::of(plan, run)).collect()
}
