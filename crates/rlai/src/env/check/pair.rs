//! Two instances of a task side by side.

use super::action::RandomActions;
use super::play::{Notes, Player};
use super::{Finding, Outcome};
use crate::env::{Environment, EpisodeState, StepError};
use crate::random::Key;

/// Steps after which two instances are taken to go on in the same way.
const ENOUGH: usize = 200;
/// Snapshots that are tried, and steps played after each.
const SNAPSHOTS: usize = 8;
const AFTER_SNAPSHOT: usize = 50;

pub(super) struct Pair<E> {
    pub(super) one: Player<E>,
    other: Player<E>,
}

/// The first number that differs in any bit.
fn differing(one: &[f64], other: &[f64]) -> Option<String> {
    let differ = |(a, b): (&f64, &f64)| a.to_bits() != b.to_bits();
    let i = one.iter().zip(other).position(differ)?;
    Some(format!("number {i} of the observation is {} and {}", one[i], other[i]))
}

impl<E: Environment> Pair<E> {
    pub(super) fn new(one: E, other: E) -> Self {
        // Replaced before anything is drawn.
        let unused = || Key::from_seed(0).stream("unused");
        Self { one: Player::new(one, unused()), other: Player::new(other, unused()) }
    }

    fn seed(&mut self, key: &Key, one: &str, other: &str) {
        (self.one.random, self.other.random) = (key.stream(one), key.stream(other));
    }

    /// Plays both under equal seeds and actions, the first one to the end, and notes what it does. Returns
    /// where the second one first differs.
    pub(super) fn play(
        &mut self,
        key: &Key,
        steps: usize,
        actions: &mut RandomActions,
        notes: &mut Notes,
    ) -> Option<String> {
        self.seed(key, "environment", "environment");
        let mut difference = None;
        let mut t = 0;
        while t < steps {
            let starts = self.one.over;
            let at = if starts { format!("reset before step {t}") } else { format!("step {t}") };
            let compares = difference.is_none();
            let mut reward = 0.0;
            let told = if starts {
                self.one.reset().map(|()| compares.then(|| self.reset_other()).flatten())
            } else {
                let limit = self.one.env.time_limit();
                self.step(actions, compares).map(|(step, told)| {
                    notes.step(&at, &step, self.one.length, limit);
                    reward = step.reward;
                    t += 1;
                    told
                })
            };
            match told {
                Ok(told) => difference = difference.or(told.map(|what| format!("{at}: {what}"))),
                Err(error) => {
                    notes.play_problem = Some(format!("{at}: {error}"));
                    return difference;
                }
            }
            if !notes.has_first_episode {
                notes.first_episode.push((self.one.observation.clone(), reward));
                notes.has_first_episode = self.one.over || t >= ENOUGH;
            }
            notes.look(&at, &self.one.observation, self.one.env.observation_space());
        }
        difference
    }

    /// Resets the second instance as the first one was; tells a difference.
    fn reset_other(&mut self) -> Option<String> {
        match self.other.reset() {
            Ok(()) => differing(&self.one.observation, &self.other.observation),
            Err(error) => Some(format!("only one of two fails: {error}")),
        }
    }

    /// One step of the first and, if asked for, of the second instance; tells a difference.
    fn step(
        &mut self,
        actions: &mut RandomActions,
        compares: bool,
    ) -> Result<(crate::env::Step, Option<String>), StepError> {
        let action = actions.draw();
        let step = self.one.step(action)?;
        if !compares {
            return Ok((step, None));
        }
        let told = match self.other.step(action) {
            Err(error) => Some(format!("only one of two fails: {error}")),
            Ok(other) if step.reward.to_bits() != other.reward.to_bits() => {
                Some(format!("the reward is {} and {}", step.reward, other.reward))
            }
            Ok(other)
                if (step.terminated, step.truncated) != (other.terminated, other.truncated) =>
            {
                Some("only one of two ends, or for another reason".to_owned())
            }
            Ok(_) => differing(&self.one.observation, &self.other.observation),
        };
        Ok((step, told))
    }

    /// Plays both under equal actions until an episode ends, for so many steps at most.
    fn go_on(&mut self, most: usize, actions: &mut RandomActions) -> Option<String> {
        for t in 0..most {
            if self.one.over {
                break;
            }
            match self.step(actions, true) {
                Ok((_, None)) => (),
                Ok((_, Some(what))) => return Some(format!("{t} steps later: {what}")),
                Err(error) => return Some(format!("{t} steps later: {error}")),
            }
        }
        None
    }

    /// Plays the first instance's first episode once more, with the same seed and actions. Returns a
    /// difference.
    pub(super) fn repeats(
        &mut self,
        key: &Key,
        actions: &mut RandomActions,
        first: &[(Vec<f64>, f64)],
    ) -> Option<String> {
        self.one.random = key.stream("environment");
        for (t, (observation, reward)) in first.iter().enumerate() {
            let played = if t == 0 {
                self.one.reset().map(|()| 0.0)
            } else if self.one.over {
                return Some(format!("the first episode ends after {} steps now", t - 1));
            } else {
                self.one.step(actions.draw()).map(|step| step.reward)
            };
            let told = match played {
                Err(error) => Some(error.to_string()),
                Ok(now) if now.to_bits() != reward.to_bits() => {
                    Some(format!("the reward is {reward} and {now}"))
                }
                Ok(_) => differing(observation, &self.one.observation),
            };
            if let Some(what) = told {
                return Some(format!("the first episode again, step {t}: {what}"));
            }
        }
        None
    }

    /// Gives both different histories, resets both in the same way, and plays on. Returns a difference.
    pub(super) fn restarts(
        &mut self,
        key: &Key,
        steps: usize,
        actions: &mut RandomActions,
    ) -> Option<String> {
        self.seed(key, "one history", "another history");
        let histories = [(&mut self.one, 11), (&mut self.other, 23)];
        for (player, length) in histories {
            if let Err(error) = wander(player, length, actions) {
                return Some(format!("before it: {error}"));
            }
        }
        self.seed(key, "again", "again");
        if let Err(error) = self.one.reset() {
            return Some(error.to_string());
        }
        self.reset_other().or_else(|| self.go_on(steps.min(ENOUGH), actions))
    }

    /// The second instance takes up the episode of the first, which goes on. Returns a difference.
    fn resumes(&mut self, state: &EpisodeState, actions: &mut RandomActions) -> Option<String> {
        (self.other.length, self.other.over) = (self.one.length, false);
        self.other.observation.fill(f64::NAN);
        if let Err(error) = state.resume(&mut self.other.env, &mut self.other.observation) {
            return Some(format!("it cannot be resumed: {error}"));
        }
        if let Some(what) = differing(&self.one.observation, &self.other.observation) {
            return Some(format!("before it and resumed: {what}"));
        }
        self.go_on(AFTER_SNAPSHOT, actions).map(|what| format!("gone on and resumed, {what}"))
    }

    /// Both instances go on from a snapshot with equal random numbers, and show first what was seen
    /// `before`. Returns a difference.
    fn forks(
        &mut self,
        snapshot: &[f64],
        before: &[f64],
        key: &Key,
        actions: &mut RandomActions,
    ) -> Option<String> {
        self.seed(key, "after the snapshot", "after the snapshot");
        for player in [&mut self.one, &mut self.other] {
            player.observation.fill(f64::NAN);
            player.over = false;
            let restored =
                player.env.restore(snapshot, &mut player.random, &mut player.observation);
            if let Err(error) = restored {
                return Some(format!("it cannot be restored: {error}"));
            }
            if let Some(what) = differing(before, &player.observation) {
                return Some(format!("before it and restored: {what}"));
            }
        }
        self.go_on(AFTER_SNAPSHOT, actions)
    }
}

/// Plays one instance alone, across episodes.
fn wander<E: Environment>(
    player: &mut Player<E>,
    steps: usize,
    actions: &mut RandomActions,
) -> Result<(), StepError> {
    player.reset()?;
    for _ in 0..steps {
        if player.over {
            player.reset()?;
        }
        player.step(actions.draw())?;
    }
    Ok(())
}

/// Goes on from snapshots of the first instance in both, of which the second has another history.
pub(super) fn snapshots_hold<E: Environment>(
    pair: &mut Pair<E>,
    key: &Key,
    steps: usize,
    actions: &mut RandomActions,
) -> Finding {
    pair.seed(key, "to the snapshots", "another way");
    let mut taken = 0;
    for round in 0..SNAPSHOTS {
        let ways = [(&mut pair.one, 3 * round), (&mut pair.other, 5 * round + 1)];
        for (player, length) in ways {
            if let Err(error) = wander(player, length.min(steps), actions) {
                return Finding::new("snapshot", Outcome::Fail, format!("before it: {error}"));
            }
        }
        if pair.one.over {
            continue;
        }
        let Some(state) = EpisodeState::of(&pair.one.env) else {
            return Finding::new("snapshot", Outcome::Skip, "not offered by this task");
        };
        taken += 1;
        let before = pair.one.observation.clone();
        let problem = pair.resumes(&state, actions);
        let problem = problem.or_else(|| pair.forks(&state.snapshot, &before, key, actions));
        if let Some(problem) = problem {
            return Finding::new("snapshot", Outcome::Fail, problem);
        }
    }
    let passed = format!("{taken} snapshots, the same from there in two instances");
    Finding::new("snapshot", Outcome::Pass, passed)
}
