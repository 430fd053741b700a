//! What is seen while a task is played.

use super::{Finding, Outcome};
use crate::env::{Action, BoxSpace, Environment, Step, StepError};
use crate::random::Stream;

/// An instance with the episode that it plays.
pub(super) struct Player<E> {
    pub(super) env: E,
    pub(super) random: Stream,
    pub(super) observation: Vec<f64>,
    /// Steps of the episode so far.
    pub(super) length: usize,
    /// No episode is being played.
    pub(super) over: bool,
}

impl<E: Environment> Player<E> {
    pub(super) fn new(env: E, random: Stream) -> Self {
        let observation = vec![f64::NAN; env.observation_space().dimension()];
        Self { env, random, observation, length: 0, over: true }
    }

    /// Starts an episode.
    pub(super) fn reset(&mut self) -> Result<(), StepError> {
        // What is not written stays NaN.
        self.observation.fill(f64::NAN);
        (self.length, self.over) = (0, false);
        self.env.reset(&mut self.random, &mut self.observation)
    }

    /// Plays a step.
    pub(super) fn step(&mut self, action: Action<'_>) -> Result<Step, StepError> {
        self.observation.fill(f64::NAN);
        let step = self.env.step(action, &mut self.observation)?;
        self.length += 1;
        self.over = step.ended();
        Ok(step)
    }
}

/// The first problem of each kind, and what was counted.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) play_problem: Option<String>,
    observation: Option<String>,
    reward: Option<String>,
    ends: Option<String>,
    limit: Option<String>,
    terminated: usize,
    truncated: usize,
    longest: usize,
    /// Observation and reward after the first reset and each step of the first episode.
    pub(super) first_episode: Vec<(Vec<f64>, f64)>,
    /// It is over, or long enough.
    pub(super) has_first_episode: bool,
}

/// Keeps the first problem.
fn keep(place: &mut Option<String>, problem: impl FnOnce() -> Option<String>) {
    if place.is_none() {
        *place = problem();
    }
}

impl Notes {
    /// Looks at an observation; `at` says where it was seen.
    pub(super) fn look(&mut self, at: &str, observation: &[f64], space: &BoxSpace) {
        keep(&mut self.observation, || {
            let mut bounds = observation.iter().zip(space.low.iter().zip(&space.high)).enumerate();
            bounds.find_map(|(i, (&x, (&low, &high)))| {
                if x.is_nan() {
                    Some(format!("{at}: number {i} is NaN, or was not written"))
                } else if !x.is_finite() {
                    Some(format!("{at}: number {i} is {x}"))
                } else if x < low || x > high {
                    Some(format!("{at}: number {i} is {x}, outside of [{low}, {high}]"))
                } else {
                    None
                }
            })
        });
    }

    /// Looks at a step, the `length`th of its episode.
    pub(super) fn step(&mut self, at: &str, step: &Step, length: usize, limit: Option<usize>) {
        let Step { reward, terminated, truncated } = *step;
        keep(&mut self.reward, || {
            (!reward.is_finite()).then(|| format!("{at}: the reward is {reward}"))
        });
        keep(&mut self.ends, || {
            (terminated && truncated).then(|| format!("{at}: both terminated and truncated"))
        });
        keep(&mut self.limit, || match limit {
            None if truncated => Some(format!("{at}: truncated, and there is no time limit")),
            Some(limit) if truncated && length != limit => {
                Some(format!("{at}: truncated after {length} steps, the limit is {limit}"))
            }
            Some(limit) if !step.ended() && length >= limit => {
                Some(format!("{at}: goes on after {length} steps, the limit is {limit}"))
            }
            _ => None,
        });
        self.terminated += usize::from(terminated);
        self.truncated += usize::from(truncated);
        self.longest = self.longest.max(length);
    }

    pub(super) fn findings(self, steps: usize, limit: Option<usize>) -> Vec<Finding> {
        let played = format!(
            "{steps} steps, {} episodes terminated, {} truncated",
            self.terminated, self.truncated
        );
        let in_time = match limit {
            Some(limit) if self.longest < limit => {
                let detail =
                    format!("no episode lasted {limit} steps, the longest {}", self.longest);
                Finding::new("time limit", Outcome::Skip, detail)
            }
            Some(limit) => Finding::new(
                "time limit",
                Outcome::Pass,
                format!("no episode beyond {limit} steps"),
            ),
            None => Finding::new("time limit", Outcome::Pass, "none, and no episode was truncated"),
        };
        let time = match self.limit {
            Some(problem) => Finding::new("time limit", Outcome::Fail, problem),
            None => in_time,
        };
        vec![
            Finding::of("play", self.play_problem, played),
            Finding::of("observations", self.observation, "finite and inside their space"),
            Finding::of("rewards", self.reward, "finite"),
            Finding::of("ends", self.ends, "never both terminated and truncated"),
            time,
        ]
    }
}
