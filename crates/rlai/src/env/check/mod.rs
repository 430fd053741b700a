//! Does a task keep the contract of [`Environment`]? Plays it with random actions and tells.

mod action;
mod pair;
mod play;
#[cfg(test)]
mod tests;

use super::Environment;
use crate::random::Key;
use action::RandomActions;
use pair::{Pair, snapshots_hold};
use play::Notes;

/// How a task is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckOptions {
    /// Of all random numbers: the task's and the actions.
    pub seed: u64,
    /// Steps that are played; at least 1.
    pub steps: usize,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self { seed: 0, steps: 2000 }
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The contract is kept, as far as was seen.
    Pass,
    /// It is broken.
    Fail,
    /// There was nothing to check.
    Skip,
}

/// One check of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is checked, in a word or two.
    pub check: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// What was seen; where it failed, the first time only.
    pub detail: String,
}

impl Finding {
    fn new(check: &'static str, outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { check, outcome, detail: detail.into() }
    }

    /// A failure if there is a problem.
    fn of(check: &'static str, problem: Option<String>, passed: impl Into<String>) -> Self {
        match problem {
            Some(problem) => Self::new(check, Outcome::Fail, problem),
            None => Self::new(check, Outcome::Pass, passed),
        }
    }
}

/// Checks the contract of [`Environment`] on two instances of a task that were made in the same way,
/// with random actions. The findings come always in the same order:
///
/// | check | passes when |
/// |---|---|
/// | `spaces` | observations and actions have numbers, lower bounds lie below upper ones, action coordinates are bounded |
/// | `play` | every reset and every step returns without an error |
/// | `observations` | every number is written, finite and inside the observation space |
/// | `rewards` | every reward is finite |
/// | `ends` | no step is both terminated and truncated |
/// | `time limit` | episodes are truncated after as many steps as `time_limit` says, never otherwise |
/// | `determinism` | both instances do the same, to the last bit, under equal seeds and actions |
/// | `reset` | after different histories both start again in the same way |
/// | `snapshot` | an [`EpisodeState`](super::EpisodeState) is resumed as if nothing had happened, and both go on in the same way from a snapshot with equal random numbers; skipped where none is offered |
///
/// ```
/// use rlai::env::{CheckOptions, Outcome, Pendulum, check};
///
/// let findings = check(Pendulum::new(), Pendulum::new(), &CheckOptions::default());
/// assert!(findings.iter().all(|finding| finding.outcome != Outcome::Fail));
/// ```
pub fn check<E: Environment>(one: E, other: E, options: &CheckOptions) -> Vec<Finding> {
    let key = Key::from_seed(options.seed);
    let spaces = space_problem(&one);
    if spaces.is_some() {
        // Nothing can be drawn from such spaces.
        return vec![Finding::of("spaces", spaces, "")];
    }
    let action_space = one.action_space().clone();
    let passed = format!("observation {}, action {action_space}", one.observation_space());
    let mut findings = vec![Finding::of("spaces", None, passed)];
    let mut actions = RandomActions::new(action_space, key.stream("actions"));
    let mut pair = Pair::new(one, other);
    let mut notes = Notes::default();
    let difference = pair.play(&key, options.steps, &mut actions, &mut notes);
    let limit = pair.one.env.time_limit();
    let plays = notes.play_problem.is_none();
    let first_episode = std::mem::take(&mut notes.first_episode);
    findings.extend(notes.findings(options.steps, limit));
    let same = format!("{} steps are the same in two instances", options.steps);
    findings.push(match (plays, difference) {
        (_, Some(difference)) => Finding::new("determinism", Outcome::Fail, difference),
        (true, None) => Finding::new("determinism", Outcome::Pass, same),
        (false, None) => Finding::new("determinism", Outcome::Skip, "it could not be played"),
    });
    if plays {
        // After a long history the first episode once more, then two different short ones.
        let space = pair.one.env.action_space().clone();
        let mut same_actions = RandomActions::new(space, key.stream("actions"));
        let restart = pair
            .repeats(&key, &mut same_actions, &first_episode)
            .or_else(|| pair.restarts(&key, options.steps, &mut actions));
        let passed = "different histories, the same start and what follows it";
        findings.push(Finding::of("reset", restart, passed));
        findings.push(snapshots_hold(&mut pair, &key, options.steps, &mut actions));
    } else {
        for check in ["reset", "snapshot"] {
            findings.push(Finding::new(check, Outcome::Skip, "it could not be played"));
        }
    }
    findings
}

/// What is wrong with a task's spaces.
fn space_problem(env: &dyn Environment) -> Option<String> {
    let (seen, action) = (env.observation_space(), env.action_space());
    let is_ordered = |low: &[f64], high: &[f64]| {
        low.len() == high.len() && low.iter().zip(high).all(|(low, high)| low <= high)
    };
    if seen.dimension() == 0 || !is_ordered(&seen.low, &seen.high) {
        return Some("observation: at least one number, each lower bound at most the upper".into());
    }
    if let Some(space) = action.coordinates() {
        if !is_ordered(&space.low, &space.high) {
            return Some("action: each lower bound must be at most the upper one".into());
        }
        if !space.is_bounded() {
            return Some(format!("action: {space} is unbounded, and cannot be rescaled"));
        }
    }
    action.problem().map(|problem| format!("action: {action} {problem}"))
}
