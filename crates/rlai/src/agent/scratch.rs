use super::drawing::Known;
use super::normaliser::Normaliser;
use crate::env::ActionShape;
use crate::nn::{Scalar, Team};
use crate::proposal::Replayed;
use crate::replay::Batch;
use crate::train::TrainConfig;

/// One batch on its way through an update.
pub(super) struct Scratch<T> {
    /// Before the action, with the action taken.
    pub(super) now: Seen<T>,
    /// After it, with the next action.
    pub(super) next: Seen<T>,
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

/// Observations at one time, in every form in which they are looked at.
pub(super) struct Seen<T> {
    /// As the networks see them, `[B, O]`.
    pub(super) observations: Vec<T>,
    /// As the task gave them; empty where networks see those.
    pub(super) raw: Vec<T>,
    /// Observation and the action's features side by side, `[B, O + F]`; over choices the observation alone.
    pub(super) input: Vec<T>,
}

impl<T: Scalar> Scratch<T> {
    pub(super) fn new(config: &TrainConfig, observation: usize, shape: &ActionShape) -> Self {
        let room = |width: usize| vec![T::zero(); config.batch * width];
        let features = shape.critic_inputs();
        let raw = if config.normalise_observations { observation } else { 0 };
        let seen = || Seen {
            observations: room(observation),
            raw: room(raw),
            input: room(observation + features),
        };
        Self {
            now: seen(),
            next: seen(),
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
        let (states, raw) = halves(&self.now.observations, &self.now.raw, (first, second));
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
        let [now, later_now] = self.now.parts(&batch.observations, sizes);
        let [next, later_next] = self.next.parts(&batch.next_observations, sizes);
        let choices = split_mut(&mut self.choices, sizes.0, sizes.1);
        let actions = split(&self.actions, sizes.0, sizes.1);
        let fill = |mut now: Part<'_, T>, mut next: Part<'_, T>, actions, choices| {
            now.fill(normaliser);
            next.fill(normaliser);
            now.fill_features(actions, shape, choices);
        };
        team.both(
            || fill(now, next, actions.0, choices.0),
            || fill(later_now, later_next, actions.1, choices.1),
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

/// Some of the observations, as a batch gives them and where they go.
struct Part<'a, T> {
    given: &'a [f32],
    observations: &'a mut [T],
    raw: &'a mut [T],
    input: &'a mut [T],
    /// O, and numbers in a row of `input`.
    widths: (usize, usize),
}

impl<T: Scalar> Seen<T> {
    /// Both halves, to be filled with what a batch gives.
    fn parts<'a>(
        &'a mut self,
        given: &'a [f32],
        (first, second): (usize, usize),
    ) -> [Part<'a, T>; 2] {
        let states = first + second;
        let widths = (self.observations.len() / states, self.input.len() / states);
        let given = split(given, first, second);
        let observations = split_mut(&mut self.observations, first, second);
        let raw = split_mut(&mut self.raw, first, second);
        let input = split_mut(&mut self.input, first, second);
        let part =
            |given, observations, raw, input| Part { given, observations, raw, input, widths };
        [
            part(given.0, observations.0, raw.0, input.0),
            part(given.1, observations.1, raw.1, input.1),
        ]
    }
}

impl<T: Scalar> Part<'_, T> {
    /// Observations as the networks see them, and in the first columns of the rows that a critic looks at.
    fn fill(&mut self, normaliser: Option<&Normaliser>) {
        convert(self.given, self.observations);
        if let Some(normaliser) = normaliser {
            self.raw.copy_from_slice(self.observations);
            normaliser.normalise(self.observations);
        }
        let (width, row) = self.widths;
        let rows = self.input.chunks_exact_mut(row).zip(self.observations.chunks_exact(width));
        for (row, seen) in rows {
            row[..width].copy_from_slice(seen);
        }
    }

    /// The features of the actions taken in the last columns, and their choices in `choices`.
    fn fill_features(&mut self, actions: &[T], shape: &ActionShape, choices: &mut [usize]) {
        let (stored, factors) = (shape.stored_width(), shape.factors.len());
        let (width, row) = self.widths;
        for (i, row) in self.input.chunks_exact_mut(row).enumerate() {
            let choices = &mut choices[i * factors..(i + 1) * factors];
            let coordinates = shape.read_stored(&actions[i * stored..(i + 1) * stored], choices);
            if row.len() > width {
                shape.write_features(choices, coordinates, &mut row[width..]);
            }
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
