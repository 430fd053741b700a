use super::drawing::Known;
use super::normaliser::Normaliser;
use crate::env::ActionShape;
use crate::nn::{Scalar, Team};
use crate::proposal::Replayed;
use crate::replay::Batch;
use crate::train::TrainConfig;

/// One batch on its way through an update.
pub(super) struct Scratch<T> {
    /// Observations and next observations as the networks see them.
    pub(super) observations: Vec<T>,
    pub(super) next_observations: Vec<T>,
    /// The same as the task gave them; empty where networks see those.
    pub(super) raw: [Vec<T>; 2],
    /// Observation and the action's features side by side, `[B, O + F]`; over choices the observation
    /// alone.
    pub(super) input: Vec<T>,
    pub(super) next_input: Vec<T>,
    pub(super) next_log_ratio: Vec<T>,
    pub(super) next_values: [Vec<T>; 2],
    pub(super) rewards: Vec<T>,
    pub(super) discounts: Vec<T>,
    pub(super) targets: Vec<T>,
    /// Actions as they are stored, `[B, W]`.
    pub(super) actions: Vec<T>,
    /// The numbers chosen, `[B, C]`.
    pub(super) choices: Vec<usize>,
    pub(super) log_densities: Vec<T>,
}

impl<T: Scalar> Scratch<T> {
    pub(super) fn new(config: &TrainConfig, observation: usize, shape: &ActionShape) -> Self {
        let room = |width: usize| vec![T::zero(); config.batch * width];
        let features = shape.critic_inputs();
        let raw = if config.normalise_observations { observation } else { 0 };
        Self {
            observations: room(observation),
            next_observations: room(observation),
            raw: [room(raw), room(raw)],
            input: room(observation + features),
            next_input: room(observation + features),
            next_log_ratio: room(1),
            next_values: [room(1), room(1)],
            rewards: room(1),
            discounts: room(1),
            targets: room(1),
            actions: room(shape.stored_width()),
            choices: vec![0; config.batch * shape.factors.len()],
            log_densities: room(1),
        }
    }

    /// What is known of the states of each half of the batch.
    pub(super) fn known(&self, first: usize, second: usize) -> [Known<'_, T>; 2] {
        let of_half = |states, raw_states, actions, log_density| Known {
            states,
            raw_states,
            replayed: Replayed { actions, log_density },
            old_policy: None,
            alpha: T::one(),
        };
        let (states, raw) = halves(&self.observations, &self.raw[0], (first, second));
        let actions = split(&self.actions, first, second);
        let log_density = split(&self.log_densities, first, second);
        [
            of_half(states.0, raw.0, actions.0, log_density.0),
            of_half(states.1, raw.1, actions.1, log_density.1),
        ]
    }

    /// Copies a batch in, widening it to this precision. The next actions are still to be written.
    pub(super) fn load(
        &mut self,
        batch: &Batch,
        shape: &ActionShape,
        normaliser: Option<&Normaliser>,
        team: &Team,
    ) {
        convert(&batch.rewards, &mut self.rewards);
        convert(&batch.discounts, &mut self.discounts);
        convert(&batch.actions, &mut self.actions);
        convert(&batch.log_densities, &mut self.log_densities);
        let half = batch.len().div_ceil(2);
        let sizes = (half, batch.len() - half);
        let [raw, next_raw] = &mut self.raw;
        let raw = split_mut(raw, sizes.0, sizes.1);
        let next_raw = split_mut(next_raw, sizes.0, sizes.1);
        let seen = split_mut(&mut self.observations, sizes.0, sizes.1);
        let next_seen = split_mut(&mut self.next_observations, sizes.0, sizes.1);
        let input = split_mut(&mut self.input, sizes.0, sizes.1);
        let next_input = split_mut(&mut self.next_input, sizes.0, sizes.1);
        let choices = split_mut(&mut self.choices, sizes.0, sizes.1);
        let given = split(&batch.observations, sizes.0, sizes.1);
        let next_given = split(&batch.next_observations, sizes.0, sizes.1);
        let actions = split(&self.actions, sizes.0, sizes.1);
        team.both(
            || {
                see(given.0, normaliser, seen.0, raw.0, input.0, sizes.0);
                see(next_given.0, normaliser, next_seen.0, next_raw.0, next_input.0, sizes.0);
                fill_features(actions.0, shape, sizes.0, choices.0, input.0);
            },
            || {
                see(given.1, normaliser, seen.1, raw.1, input.1, sizes.1);
                see(next_given.1, normaliser, next_seen.1, next_raw.1, next_input.1, sizes.1);
                fill_features(actions.1, shape, sizes.1, choices.1, input.1);
            },
        );
    }
}

/// One half of the states, and the other.
pub(super) type Halves<'a, T> = (&'a [T], &'a [T]);

/// Both halves of observations as the networks see them, and as the task gave them: the same, unless those are kept
/// apart.
pub(super) fn halves<'a, T>(
    seen: &'a [T],
    raw: &'a [T],
    (first, second): (usize, usize),
) -> (Halves<'a, T>, Halves<'a, T>) {
    let given = if raw.is_empty() { seen } else { raw };
    (split(seen, first, second), split(given, first, second))
}

/// Observations of `size` states as the networks see them, and in the first columns of the rows that a critic looks
/// at.
fn see<T: Scalar>(
    given: &[f32],
    normaliser: Option<&Normaliser>,
    seen: &mut [T],
    raw: &mut [T],
    input: &mut [T],
    size: usize,
) {
    convert(given, seen);
    if let Some(normaliser) = normaliser {
        raw.copy_from_slice(seen);
        normaliser.normalise(seen);
    }
    if size == 0 {
        return;
    }
    let (observation, width) = (seen.len() / size, input.len() / size);
    for (row, seen) in input.chunks_exact_mut(width).zip(seen.chunks_exact(observation)) {
        row[..observation].copy_from_slice(seen);
    }
}

/// Puts the features of the actions taken in the last columns, and their choices in `choices`.
fn fill_features<T: Scalar>(
    actions: &[T],
    shape: &ActionShape,
    size: usize,
    choices: &mut [usize],
    input: &mut [T],
) {
    let (stored, factors) = (shape.stored_width(), shape.factors.len());
    let width = input.len().checked_div(size).unwrap_or(1);
    let features = shape.critic_inputs();
    for (i, row) in input.chunks_exact_mut(width).enumerate() {
        let choices = &mut choices[i * factors..(i + 1) * factors];
        let coordinates = shape.read_stored(&actions[i * stored..(i + 1) * stored], choices);
        if features > 0 {
            shape.write_features(choices, coordinates, &mut row[width - features..]);
        }
    }
}

fn convert<T: Scalar>(from: &[f32], to: &mut [T]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = T::from_f64(f64::from(from));
    }
}

fn split<T>(values: &[T], first: usize, second: usize) -> (&[T], &[T]) {
    values.split_at(values.len() / (first + second) * first)
}

pub(super) fn split_mut<T>(values: &mut [T], first: usize, second: usize) -> (&mut [T], &mut [T]) {
    values.split_at_mut(values.len() / (first + second) * first)
}
