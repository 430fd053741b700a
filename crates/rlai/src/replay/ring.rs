use std::collections::TryReserveError;
use std::ops::Range;

use super::Batch;
use crate::checkpoint::CheckpointError;
use crate::memory;
use crate::nn::{Team, fetch};
use crate::random::Stream;

/// How many rows ahead of the one being copied memory is asked for.
const AHEAD: usize = 4;

/// A buffer that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// Nothing could ever be stored.
    #[error("a replay buffer of 0 transitions: at least 1")]
    Empty,
    /// More than the machine can address, or has left.
    #[error(
        "no memory for a replay buffer of {capacity} transitions \
         ({observation} numbers an observation, {action} an action): {}; choose a smaller buffer",
        told(*bytes, available)
    )]
    Memory {
        /// Transitions asked for.
        capacity: usize,
        /// O, numbers in an observation.
        observation: usize,
        /// A, numbers in an action.
        action: usize,
        /// What it would take.
        bytes: u128,
        /// What is left, in bytes, and of what; none if that is not known.
        available: Option<(u64, String)>,
    },
}

/// What is needed, and what there is.
fn told(bytes: u128, available: &Option<(u64, String)>) -> String {
    let megabytes = |bytes: u128| bytes.div_ceil(1_000_000);
    let needed = megabytes(bytes);
    match available {
        Some((left, of)) => {
            format!("it takes {needed} MB, and {} MB are left of {of}", left / 1_000_000)
        }
        None => format!("it takes {needed} MB"),
    }
}

/// Buffers that are smaller, in bytes, are not compared with the memory that is left.
const SMALL: u128 = 16 << 20;

/// What a row holds besides its observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// Nothing: the last observation of a truncated episode, or the newest of the one being played.
    Observation,
    /// A transition to the observation in the next row.
    Continues,
    /// A transition into a terminal state, whose observation is not kept.
    Terminated,
}

/// One step of an episode, as it is stored.
#[derive(Clone, Copy, Debug)]
pub struct Transition<'a> {
    /// The action taken, `[A]`.
    pub action: &'a [f32],
    /// Log density of the action under the policy that took it.
    pub log_density: f32,
    /// The reward.
    pub reward: f32,
    /// The task reached a terminal state. Wins over `truncated`.
    pub terminated: bool,
    /// Time ran out.
    pub truncated: bool,
    /// What was seen afterwards, `[O]`.
    pub next_observation: &'a [f32],
}

/// The newest transitions, up to a capacity, in a ring of rows.
///
/// A row is `[observation, action, log density, reward, kind]`. Memory is reserved when the buffer is made and
/// touched only as it fills; [`push`](Self::push) and [`sample`](Self::sample) never allocate.
#[derive(Debug)]
pub struct ReplayBuffer {
    pub(super) capacity: usize,
    pub(super) observation_dimension: usize,
    pub(super) action_dimension: usize,
    /// Rows of the ring. The vectors below grow to this many rows and are overwritten from then on.
    pub(super) rows: usize,
    pub(super) observations: Vec<f32>,
    pub(super) actions: Vec<f32>,
    pub(super) log_densities: Vec<f32>,
    pub(super) rewards: Vec<f32>,
    pub(super) kinds: Vec<Kind>,
    /// Oldest row held.
    pub(super) start: usize,
    /// Rows held, from `start` on.
    pub(super) held: usize,
    /// Transitions among them.
    pub(super) len: usize,
    /// Whether an episode is being played: the newest row waits for its action.
    pub(super) open: bool,
    /// Rows ever appended, less those taken back: the sequence number that the next row gets.
    pub(super) appended: u64,
}

impl ReplayBuffer {
    /// A buffer of up to `capacity` transitions.
    ///
    /// The last observations of truncated episodes take rows of their own. With a `time_limit` there is
    /// room for all of those that `capacity` transitions can bring, if only the limit truncates;
    /// further truncations make room by dropping transitions early.
    ///
    /// # Errors
    /// A capacity of 0, or more memory than there is.
    pub fn new(
        capacity: usize,
        observation_dimension: usize,
        action_dimension: usize,
        time_limit: Option<usize>,
    ) -> Result<Self, ReplayError> {
        if capacity == 0 {
            return Err(ReplayError::Empty);
        }
        let truncations = time_limit.map_or(0, |limit| capacity / limit.max(1));
        let numbers = [observation_dimension, action_dimension, 2].map(|width| width as u128);
        let row = 4 * numbers.into_iter().sum::<u128>() + 1;
        let bytes = (capacity as u128 + truncations as u128 + 2).saturating_mul(row);
        let left = (bytes >= SMALL).then(memory::left).flatten();
        let too_much = left.as_ref().is_some_and(|left| bytes > u128::from(left.bytes));
        let refused = ReplayError::Memory {
            capacity,
            observation: observation_dimension,
            action: action_dimension,
            bytes,
            available: left.map(|left| (left.bytes, left.limit)),
        };
        let rows = capacity.checked_add(truncations).and_then(|rows| rows.checked_add(2));
        let Some(rows) = rows.filter(|_| !too_much) else { return Err(refused) };
        let buffer = || -> Result<Self, TryReserveError> {
            Ok(Self {
                capacity,
                observation_dimension,
                action_dimension,
                rows,
                observations: reserve(rows.saturating_mul(observation_dimension))?,
                actions: reserve(rows.saturating_mul(action_dimension))?,
                log_densities: reserve(rows)?,
                rewards: reserve(rows)?,
                kinds: reserve(rows)?,
                start: 0,
                held: 0,
                len: 0,
                open: false,
                appended: 0,
            })
        };
        buffer().map_err(|_| refused)
    }

    /// Transitions held: what [`sample`](Self::sample) draws from.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no transition is held.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The most transitions it holds.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes it takes when full.
    pub fn bytes(&self) -> usize {
        let vectors = [&self.observations, &self.actions, &self.log_densities, &self.rewards];
        let numbers: usize = vectors.iter().map(|numbers| numbers.capacity()).sum();
        numbers * size_of::<f32>() + self.kinds.capacity() * size_of::<Kind>()
    }

    /// Starts an episode at its first `observation` `[O]`.
    ///
    /// An episode that was still being played counts as truncated where it stood.
    ///
    /// # Panics
    /// When the observation has another length.
    pub fn begin(&mut self, observation: &[f32]) {
        // An episode of no transitions left nothing but its first observation: take its row.
        if self.open && !self.newest_row_is_bootstrapped_from() {
            self.held -= 1;
            self.appended -= 1;
        }
        self.append(observation);
        self.open = true;
    }

    /// Whether an episode is being played: the newest observation waits for its action.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// Refuses actions of which one of the first numbers is none of the `factors`' choices.
    pub(crate) fn check_choices(&self, factors: &[usize]) -> Result<(), CheckpointError> {
        for (row, kind) in self.kinds.iter().enumerate().filter(|(_, k)| **k != Kind::Observation) {
            let numbers = self.actions[self.action_range(row)].iter().zip(factors);
            let is_choice =
                |&(x, &k): &(&f32, &usize)| x.fract() == 0.0 && (0.0..k as f32).contains(x);
            if let Some((number, choices)) = numbers.into_iter().find(|pair| !is_choice(pair)) {
                return Err(CheckpointError::Inconsistent(format!(
                    "replay: {number} in a row of kind {kind:?}, none of {choices} choices"
                )));
            }
        }
        Ok(())
    }

    /// Stores one transition of the episode being played. After one that ended it the next call is
    /// [`begin`](Self::begin).
    ///
    /// # Panics
    /// When no episode was begun, or a length is wrong.
    pub fn push(&mut self, transition: &Transition<'_>) {
        assert!(self.open, "a transition belongs to an episode: call begin first");
        let Transition { terminated, next_observation, .. } = *transition;
        assert_eq!(next_observation.len(), self.observation_dimension, "length of an observation");
        let row = self.newest_row();
        let actions = self.action_range(row);
        self.actions[actions].copy_from_slice(transition.action);
        self.log_densities[row] = transition.log_density;
        self.rewards[row] = transition.reward;
        self.kinds[row] = if terminated { Kind::Terminated } else { Kind::Continues };
        self.len += 1;
        while self.len > self.capacity {
            self.drop_oldest_row();
        }
        if !terminated {
            self.append(next_observation);
        }
        self.open = !terminated && !transition.truncated;
    }

    /// Fills `out` with `batch` transitions, drawn uniformly and independently from those held.
    ///
    /// A transition spans the next `n_step` rewards of its episode, or fewer where the episode, or
    /// what is known of it, ends before. Only termination sets the discount to 0.
    ///
    /// # Panics
    /// When the buffer is empty or `n_step` is 0.
    pub fn sample(
        &self,
        stream: &mut Stream,
        batch: usize,
        n_step: usize,
        gamma: f32,
        out: &mut Batch,
    ) {
        let mut rows = vec![[0; 2]; batch];
        self.sample_by(&Team::default(), stream, &mut rows, (n_step, gamma), out);
    }

    /// [`sample`](Self::sample) of as many transitions as `rows` has places, by two threads if the team has
    /// them; both rows of each are left there.
    ///
    /// # Panics
    /// As [`sample`](Self::sample).
    pub(crate) fn sample_by(
        &self,
        team: &Team,
        stream: &mut Stream,
        rows: &mut [[usize; 2]],
        (n_step, gamma): (usize, f32),
        out: &mut Batch,
    ) {
        assert!(!self.is_empty(), "there is nothing to sample from an empty replay buffer");
        assert!(n_step > 0, "a transition spans at least one reward");
        out.resize(rows.len(), self.observation_dimension, self.action_dimension);
        for (i, rows) in rows.iter_mut().enumerate() {
            let first = self.draw_transition(stream);
            let span = self.span(first, n_step, gamma);
            out.rewards[i] = span.reward;
            out.discounts[i] = span.discount;
            out.log_densities[i] = self.log_densities[first];
            *rows = [first, span.next_row];
        }
        // What costs time is memory that nobody has looked at for long. The halves are those of the policy's update:
        // each thread goes on with what it has brought.
        let half = rows.len().div_ceil(2);
        let (first, second) = rows.split_at(half);
        let (width, action) = (self.observation_dimension, self.action_dimension);
        let seen = out.observations.split_at_mut(half * width);
        let next = out.next_observations.split_at_mut(half * width);
        let actions = out.actions.split_at_mut(half * action);
        team.both(
            || self.gather(first, seen.0, actions.0, next.0),
            || self.gather(second, seen.1, actions.1, next.1),
        );
    }

    /// Copies the observations and actions of these transitions.
    fn gather(&self, rows: &[[usize; 2]], seen: &mut [f32], actions: &mut [f32], next: &mut [f32]) {
        let observation = |row| &self.observations[self.observation_range(row)];
        let (width, action) = (self.observation_dimension, self.action_dimension);
        for (i, &[row, next_row]) in rows.iter().enumerate() {
            if let Some(&[row, next_row]) = rows.get(i + AHEAD) {
                fetch(observation(row));
                fetch(observation(next_row));
            }
            seen[i * width..(i + 1) * width].copy_from_slice(observation(row));
            next[i * width..(i + 1) * width].copy_from_slice(observation(next_row));
            actions[i * action..(i + 1) * action]
                .copy_from_slice(&self.actions[self.action_range(row)]);
        }
    }

    /// The row of a transition, uniform over all of them.
    fn draw_transition(&self, stream: &mut Stream) -> usize {
        // Rows without a transition are drawn again; at most every second row is one, and one or two
        // more at the ends.
        loop {
            let row = self.row_after(self.start, stream.below(self.held));
            if self.kinds[row] != Kind::Observation {
                return row;
            }
        }
    }

    /// Sums up to `n_step` discounted rewards from `row` on.
    fn span(&self, mut row: usize, n_step: usize, gamma: f32) -> Span {
        let (mut reward, mut discount) = (0.0, 1.0);
        for _ in 0..n_step {
            reward += discount * self.rewards[row];
            discount *= gamma;
            if self.kinds[row] == Kind::Terminated {
                return Span { reward, discount: 0.0, next_row: row };
            }
            row = self.row_after(row, 1);
            if self.kinds[row] == Kind::Observation {
                break;
            }
        }
        Span { reward, discount, next_row: row }
    }

    /// Appends a row that holds an observation alone.
    pub(super) fn append(&mut self, observation: &[f32]) {
        assert_eq!(observation.len(), self.observation_dimension, "length of an observation");
        if self.held == self.rows {
            self.drop_oldest_row();
        }
        self.held += 1;
        self.appended += 1;
        let row = self.newest_row();
        if row == self.kinds.len() {
            self.observations.extend_from_slice(observation);
            self.actions.resize(self.actions.len() + self.action_dimension, 0.0);
            self.log_densities.push(0.0);
            self.rewards.push(0.0);
            self.kinds.push(Kind::Observation);
        } else {
            let range = self.observation_range(row);
            self.observations[range].copy_from_slice(observation);
            // Nothing is left of the row that was here: equal histories are equal bytes on disk,
            // wherever in the ring a row lies.
            let range = self.action_range(row);
            self.actions[range].fill(0.0);
            self.log_densities[row] = 0.0;
            self.rewards[row] = 0.0;
            self.kinds[row] = Kind::Observation;
        }
    }

    fn drop_oldest_row(&mut self) {
        if self.kinds[self.start] != Kind::Observation {
            self.len -= 1;
        }
        self.start = self.row_after(self.start, 1);
        self.held -= 1;
    }

    /// Whether the transition before the newest row leads to it.
    fn newest_row_is_bootstrapped_from(&self) -> bool {
        self.held >= 2 && self.kinds[self.row_after(self.start, self.held - 2)] == Kind::Continues
    }

    pub(super) fn newest_row(&self) -> usize {
        self.row_after(self.start, self.held - 1)
    }

    /// The row `distance` (less than the ring's size) after `row`.
    pub(super) fn row_after(&self, row: usize, distance: usize) -> usize {
        // Not `%`: a division of integers is slow, and both terms are below `rows`.
        let sum = row + distance;
        if sum >= self.rows { sum - self.rows } else { sum }
    }

    pub(super) fn observation_range(&self, row: usize) -> Range<usize> {
        row * self.observation_dimension..(row + 1) * self.observation_dimension
    }

    fn action_range(&self, row: usize) -> Range<usize> {
        row * self.action_dimension..(row + 1) * self.action_dimension
    }
}

/// What n-step learning needs of consecutive transitions.
struct Span {
    reward: f32,
    discount: f32,
    next_row: usize,
}

/// Memory for `length` items, untouched until they come.
fn reserve<T>(length: usize) -> Result<Vec<T>, TryReserveError> {
    let mut items = Vec::new();
    items.try_reserve_exact(length)?;
    Ok(items)
}
