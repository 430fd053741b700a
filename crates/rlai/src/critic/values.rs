//! Values of many actions a state, and their gradient in the action, as the policy's update needs them.

use std::ops::Range;

use super::TwinCritic;
use crate::nn::{
    Activations, Buffer, Finish, Fused, Layer, MatRef, Scalar, Start, Team, gated_rows,
    input_gradient, multiply, smaller, zeros,
};

/// Rows of one pass: enough to keep the product kernels busy, few enough to stay in the cache.
const BLOCK_ROWS: usize = 256;

/// Which networks of a pair of critics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Networks {
    /// Those that learn.
    Current,
    /// Those that follow them.
    Target,
}

/// Working room for [`TwinCritic::values`].
pub struct ValueRoom<T> {
    samples: usize,
    /// States of one pass.
    block: usize,
    /// Observation and action side by side, `[B, O + A]`, where a state has one action.
    joined: Buffer<T>,
    critics: [CriticRoom<T>; 2],
}

/// One critic's part of the room: all that one thread writes.
struct CriticRoom<T> {
    /// First layer's contribution of the states alone, `[B, H]`, where actions share it.
    state_part: Buffer<T>,
    /// Of the last block.
    activations: Activations<T>,
    /// `[B, N]`.
    q: Buffer<T>,
    backward: BackwardRoom<T>,
}

/// Room for the gradient in the action of those rows of a pass in which one critic is the smaller.
struct BackwardRoom<T> {
    rows: Vec<usize>,
    delta: [Buffer<T>; 2],
    d_action: Buffer<T>,
}

/// What is to be valued.
#[derive(Clone, Copy)]
enum Inputs<'a, T> {
    /// One action a state, beside it, `[B, O + A]`.
    Joined(&'a [T]),
    /// States `[B, O]` and `samples` actions of each, `[B, N, A]`.
    Shared { states: &'a [T], actions: &'a [T], samples: usize },
}

/// A pass forwards.
struct Pass {
    /// Of which states the actions are valued.
    states: Range<usize>,
    /// States at a time.
    block: usize,
    /// What is left of the last block is good for gradients.
    keep: bool,
}

impl<T> Inputs<'_, T> {
    fn samples(&self) -> usize {
        match self {
            Inputs::Joined(_) => 1,
            Inputs::Shared { samples, .. } => *samples,
        }
    }
}

impl<T: Scalar> TwinCritic<T> {
    /// Room to value `samples` actions in each of `states` states.
    pub fn value_room(&self, states: usize, samples: usize) -> ValueRoom<T> {
        let block = (BLOCK_ROWS / samples).clamp(1, states.max(1));
        let rows = block * samples;
        let layers = self.net.layers();
        let widest = layers.iter().map(|layer| layer.inputs).skip(1).max().unwrap_or(0);
        let shared = if samples > 1 { states } else { 0 };
        let critic = || CriticRoom {
            state_part: zeros(shared * layers[0].outputs),
            activations: self.net.activations(rows),
            q: zeros(states * samples),
            backward: BackwardRoom {
                rows: Vec::with_capacity(rows),
                delta: [zeros(rows * widest), zeros(rows * widest)],
                d_action: zeros(rows * self.action_dimension()),
            },
        };
        let joined = zeros((states - shared) * self.net.inputs());
        ValueRoom { samples, block, joined, critics: [critic(), critic()] }
    }

    /// The smaller of both critics at every action: `states` `[B, O]`, `actions` `[B, N, A]`, `q`
    /// `[B, N]`; its gradient in the action into `dq_da`, `[B, N, A]`, if wanted.
    ///
    /// Each critic is a task of its own for `team`: its weights stay with one thread, at the price that the critic
    /// which is the smaller more often has the longer way back. Where actions share a state, its part of the first
    /// layer is computed once. Only the smaller critic of each action is differentiated.
    ///
    /// # Panics
    /// When there are more states than the room is for, the lengths do not fit each other, or a gradient of
    /// [`Networks::Target`] is wanted.
    #[expect(clippy::too_many_arguments, reason = "what is asked, of whom, and where it goes")]
    pub fn values(
        &self,
        team: &Team,
        networks: Networks,
        states: &[T],
        actions: &[T],
        room: &mut ValueRoom<T>,
        q: &mut [T],
        mut dq_da: Option<&mut [T]>,
    ) {
        let ValueRoom { samples, block, joined, critics: [one, two] } = room;
        let (samples, count) = (*samples, states.len() / self.observation_dimension);
        assert!(networks == Networks::Current || dq_da.is_none(), "targets have no gradient");
        assert!(count * samples <= one.q.len(), "more states than there is room for");
        assert_eq!(q.len(), count * samples, "a value for every action");
        assert_eq!(actions.len(), q.len() * self.action_dimension(), "actions of another shape");
        let inputs = if samples == 1 {
            let joined = &mut joined[..count * self.net.inputs()];
            self.join(states, actions, joined);
            Inputs::Joined(joined)
        } else {
            Inputs::Shared { states, actions, samples }
        };
        // Without gradients nothing of a block is needed after it.
        let span = if dq_da.is_some() { *block } else { count.max(1) };
        for first in (0..count).step_by(span) {
            let states = first..(first + span).min(count);
            let rows = states.start * samples..states.end * samples;
            let pass = Pass { states, block: *block, keep: dq_da.is_some() };
            team.both(
                || self.forward(self.parameters_of(networks, 0), inputs, &pass, one),
                || self.forward(self.parameters_of(networks, 1), inputs, &pass, two),
            );
            let of_both = one.q[rows.clone()].iter().zip(&two.q[rows.clone()]);
            for (q, (&a, &b)) in q[rows.clone()].iter_mut().zip(of_both) {
                *q = smaller(a, b);
            }
            if let Some(dq_da) = dq_da.as_deref_mut() {
                let width = self.action_dimension();
                let dq_da = &mut dq_da[rows.start * width..rows.end * width];
                self.smaller_gradient(team, [one, two], rows, dq_da);
            }
        }
    }

    /// Gradient in the action of the smaller critic, for these rows, those of the last block.
    fn smaller_gradient(
        &self,
        team: &Team,
        [one, two]: [&mut CriticRoom<T>; 2],
        rows: Range<usize>,
        dq_da: &mut [T],
    ) {
        let (mine, other) = (&one.q[rows.clone()], &two.q[rows]);
        // The first critic takes the ties.
        keep_rows(&mut one.backward.rows, mine, other, |mine, other| mine <= other);
        keep_rows(&mut two.backward.rows, other, mine, |mine, other| mine < other);
        team.both(|| self.action_gradient(0, one), || self.action_gradient(1, two));
        for room in [one, two] {
            room.backward.scatter(self.action_dimension(), dq_da);
        }
    }

    fn action_dimension(&self) -> usize {
        self.net.inputs() - self.observation_dimension
    }

    pub(super) fn parameters_of(&self, networks: Networks, critic: usize) -> &[T] {
        match networks {
            Networks::Current => self.parameters(critic),
            Networks::Target => self.target_parameters(critic),
        }
    }

    /// Puts each state and its only action side by side.
    fn join(&self, states: &[T], actions: &[T], joined: &mut [T]) {
        let (seen, width) = (self.observation_dimension, self.action_dimension());
        for (i, row) in joined.chunks_exact_mut(seen + width).enumerate() {
            row[..seen].copy_from_slice(&states[i * seen..(i + 1) * seen]);
            row[seen..].copy_from_slice(&actions[i * width..(i + 1) * width]);
        }
    }

    /// The values of one critic, of these parameters.
    fn forward(
        &self,
        parameters: &[T],
        inputs: Inputs<'_, T>,
        pass: &Pass,
        room: &mut CriticRoom<T>,
    ) {
        let Pass { states, block, keep } = pass;
        if let Inputs::Shared { states: seen, .. } = inputs {
            let width = self.net.layers()[0].outputs;
            let part = &mut room.state_part[states.start * width..states.end * width];
            let seen = &seen[states.start * self.observation_dimension..];
            self.state_part(parameters, &seen[..states.len() * self.observation_dimension], part);
        }
        for first in states.clone().step_by(*block) {
            let states = first..(first + block).min(states.end);
            let rows = states.start * inputs.samples()..states.end * inputs.samples();
            self.first_layer(parameters, inputs, states, room);
            let activations = &mut room.activations;
            self.net.forward_from_first_hidden(parameters, rows.len(), activations, *keep);
            room.q[rows.clone()].copy_from_slice(&activations.output()[..rows.len()]);
        }
    }

    /// `s W_s + b` of the first layer, once a state.
    fn state_part(&self, parameters: &[T], states: &[T], part: &mut [T]) {
        let first = &self.net.layers()[0];
        let weights = &parameters[first.weights.clone()];
        let seen = self.observation_dimension;
        let job = Fused {
            left: MatRef::new(states, states.len() / seen, seen),
            right: MatRef::new(weights, seen, first.outputs),
            start: Start::Row(&parameters[first.bias.clone()]),
            finish: Finish::Keep,
        };
        job.run(part);
    }

    /// The first hidden layer's activations for the actions of these states.
    fn first_layer(
        &self,
        parameters: &[T],
        inputs: Inputs<'_, T>,
        states: Range<usize>,
        room: &mut CriticRoom<T>,
    ) {
        let first = &self.net.layers()[0];
        let (width, finish) = (first.outputs, Finish::Relu);
        let rows = states.start * inputs.samples()..states.end * inputs.samples();
        let hidden = &mut room.activations.hidden[0][..rows.len() * width];
        let job = match inputs {
            Inputs::Joined(joined) => Fused {
                left: some_rows(joined, rows, first.inputs),
                right: MatRef::new(&parameters[first.weights.clone()], first.inputs, width),
                start: Start::Row(&parameters[first.bias.clone()]),
                finish,
            },
            Inputs::Shared { actions, samples, .. } => Fused {
                left: some_rows(actions, rows, self.action_dimension()),
                right: self.action_weights(first, parameters),
                start: Start::Grouped {
                    rows: &room.state_part[states.start * width..states.end * width],
                    size: samples,
                },
                finish,
            },
        };
        job.run(hidden);
    }

    fn action_weights<'a>(&self, first: &Layer, parameters: &'a [T]) -> MatRef<'a, T> {
        let from = first.weights.start + self.observation_dimension * first.outputs;
        let weights = &parameters[from..first.weights.end];
        MatRef::new(weights, self.action_dimension(), first.outputs)
    }

    /// Gradient in the action of one critic, for the rows chosen of the last pass.
    fn action_gradient(&self, critic: usize, room: &mut CriticRoom<T>) {
        let weights = self.weights(critic);
        let CriticRoom { activations, backward, .. } = room;
        let BackwardRoom { rows, delta: [current, next], d_action } = backward;
        let (layers, count) = (self.net.layers(), rows.len());
        let (mut current, mut next) = (current, next);
        for (i, layer) in layers.iter().enumerate().skip(1).rev() {
            let below = &activations.hidden[i - 1];
            let d_below = &mut next[..count * layer.inputs];
            if i + 1 == layers.len() {
                let parameters = &weights.parameters()[layer.weights.clone()];
                gated_rows(parameters, below, rows, d_below);
            } else {
                let delta = &current[..count * layer.outputs];
                let finish = Finish::Gate { activations: below, rows };
                input_gradient(layer, weights, delta, finish).run(d_below);
            }
            std::mem::swap(&mut current, &mut next);
        }
        let first = &layers[0];
        let d_action = &mut d_action[..count * self.action_dimension()];
        let action_weights = self.action_weights(first, weights.parameters()).transposed();
        multiply(d_action, MatRef::new(current, count, first.outputs), action_weights);
    }
}

impl<T: Scalar> BackwardRoom<T> {
    /// Puts the rows that were differentiated in their places.
    fn scatter(&self, width: usize, dq_da: &mut [T]) {
        for (row, &to) in self.d_action.chunks_exact(width).zip(&self.rows) {
            dq_da[to * width..(to + 1) * width].copy_from_slice(row);
        }
    }
}

fn some_rows<T: Scalar>(values: &[T], rows: Range<usize>, width: usize) -> MatRef<'_, T> {
    MatRef::new(&values[rows.start * width..rows.end * width], rows.len(), width)
}

/// The rows in which `mine` is chosen.
fn keep_rows<T: Copy>(
    rows: &mut Vec<usize>,
    mine: &[T],
    other: &[T],
    is_chosen: impl Fn(T, T) -> bool,
) {
    rows.clear();
    rows.extend((0..mine.len()).filter(|&i| is_chosen(mine[i], other[i])));
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;
