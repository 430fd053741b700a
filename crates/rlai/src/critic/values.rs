//! Values of many actions a state, and their gradient in the action, as the policy's update needs them.

use super::TwinCritic;
use crate::nn::{
    Activations, Finish, Fused, Layer, MatRef, Scalar, Start, gated_rows, input_gradient, multiply,
    smaller,
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
    /// First layer's contribution of the states alone, per critic, `[B, H]`.
    state_part: [Vec<T>; 2],
    rooms: [Activations<T>; 2],
    backward: BackwardRoom<T>,
}

/// Room for the gradient in the action of those rows of a pass in which one critic is the smaller.
struct BackwardRoom<T> {
    rows: Vec<usize>,
    delta: [Vec<T>; 2],
    d_action: Vec<T>,
}

impl<T: Scalar> TwinCritic<T> {
    /// Room to value `samples` actions in each of `states` states.
    pub fn value_room(&self, states: usize, samples: usize) -> ValueRoom<T> {
        let block = (BLOCK_ROWS / samples).clamp(1, states.max(1));
        let rows = block * samples;
        let layers = self.net.layers();
        let widest = layers.iter().map(|layer| layer.inputs).skip(1).max().unwrap_or(0);
        let action_dimension = self.net.inputs() - self.observation_dimension;
        let state_part = || vec![T::zero(); states * layers[0].outputs];
        ValueRoom {
            samples,
            block,
            state_part: [state_part(), state_part()],
            rooms: [self.net.activations(rows), self.net.activations(rows)],
            backward: BackwardRoom {
                rows: Vec::with_capacity(rows),
                delta: [vec![T::zero(); rows * widest], vec![T::zero(); rows * widest]],
                d_action: vec![T::zero(); rows * action_dimension],
            },
        }
    }

    /// The smaller of both critics at every action: `states` `[B, O]`, `actions` `[B, N, A]`, `q`
    /// `[B, N]`; its gradient in the action into `dq_da`, `[B, N, A]`, if wanted.
    ///
    /// The first layer's state part is computed once a state, not once an action. Only the smaller
    /// critic of each action is differentiated.
    pub fn values(
        &self,
        networks: Networks,
        states: &[T],
        actions: &[T],
        room: &mut ValueRoom<T>,
        q: &mut [T],
        mut dq_da: Option<&mut [T]>,
    ) {
        let count = states.len() / self.observation_dimension;
        let action_dimension = self.net.inputs() - self.observation_dimension;
        for critic in 0..2 {
            let parameters = self.parameters_of(networks, critic);
            self.state_part(parameters, states, count, &mut room.state_part[critic]);
        }
        let (samples, block) = (room.samples, room.block);
        for first in (0..count).step_by(block) {
            let block = first..(first + block).min(count);
            let rows = block.start * samples..block.end * samples;
            let coordinates = rows.start * action_dimension..rows.end * action_dimension;
            for critic in 0..2 {
                let actions = &actions[coordinates.clone()];
                let keep = dq_da.is_some();
                self.forward_block(networks, critic, block.clone(), actions, room, keep);
            }
            let [first, second] = &room.rooms;
            let q = &mut q[rows];
            for ((q, &a), &b) in q.iter_mut().zip(first.output()).zip(second.output()) {
                *q = smaller(a, b);
            }
            if let Some(dq_da) = dq_da.as_deref_mut() {
                self.action_gradient(networks, room, q.len(), &mut dq_da[coordinates]);
            }
        }
    }

    pub(super) fn parameters_of(&self, networks: Networks, critic: usize) -> &[T] {
        match networks {
            Networks::Current => self.parameters(critic),
            Networks::Target => self.target_parameters(critic),
        }
    }

    /// `s W_s + b` of the first layer, once a state.
    fn state_part(&self, parameters: &[T], states: &[T], count: usize, part: &mut [T]) {
        let first = &self.net.layers()[0];
        let weights = &parameters[first.weights.clone()];
        let job = Fused {
            left: MatRef::new(states, count, self.observation_dimension),
            right: MatRef::new(weights, self.observation_dimension, first.outputs),
            start: Start::Row(&parameters[first.bias.clone()]),
            finish: Finish::Keep,
        };
        job.run(part);
    }

    /// One critic's values of a block's actions, into its room.
    fn forward_block(
        &self,
        networks: Networks,
        critic: usize,
        block: std::ops::Range<usize>,
        actions: &[T],
        room: &mut ValueRoom<T>,
        keep: bool,
    ) {
        let first = &self.net.layers()[0];
        let parameters = self.parameters_of(networks, critic);
        let width = first.outputs;
        let rows = block.len() * room.samples;
        let activations = &mut room.rooms[critic];
        let hidden = &mut activations.hidden[0][..rows * width];
        let part = &room.state_part[critic][block.start * width..block.end * width];
        let job = Fused {
            left: self.actions(actions, rows),
            right: self.action_weights(first, parameters),
            start: Start::Grouped { rows: part, size: room.samples },
            finish: Finish::Relu,
        };
        job.run(hidden);
        self.net.forward_from_first_hidden(parameters, rows, activations, keep);
    }

    fn actions<'a>(&self, actions: &'a [T], rows: usize) -> MatRef<'a, T> {
        MatRef::new(actions, rows, self.net.inputs() - self.observation_dimension)
    }

    fn action_weights<'a>(&self, first: &Layer, parameters: &'a [T]) -> MatRef<'a, T> {
        let from = first.weights.start + self.observation_dimension * first.outputs;
        let weights = &parameters[from..first.weights.end];
        MatRef::new(weights, first.inputs - self.observation_dimension, first.outputs)
    }

    /// Gradient in the action of the smaller critic, for the block whose activations are in `room`.
    fn action_gradient(
        &self,
        networks: Networks,
        room: &mut ValueRoom<T>,
        rows: usize,
        dq_da: &mut [T],
    ) {
        for critic in 0..2 {
            let (mine, other) = (room.rooms[critic].output(), room.rooms[1 - critic].output());
            // The first critic takes the ties.
            let is_smaller =
                |i: usize| if critic == 0 { mine[i] <= other[i] } else { mine[i] < other[i] };
            room.backward.rows.clear();
            room.backward.rows.extend((0..rows).filter(|&i| is_smaller(i)));
            let parameters = self.parameters_of(networks, critic);
            let activations = &room.rooms[critic];
            self.action_gradient_of(parameters, activations, &mut room.backward, dq_da);
        }
    }

    fn action_gradient_of(
        &self,
        parameters: &[T],
        activations: &Activations<T>,
        room: &mut BackwardRoom<T>,
        dq_da: &mut [T],
    ) {
        let (layers, count) = (self.net.layers(), room.rows.len());
        let [current, next] = &mut room.delta;
        let (mut current, mut next) = (current, next);
        for (i, layer) in layers.iter().enumerate().skip(1).rev() {
            let width = layer.inputs;
            let below = &activations.hidden[i - 1];
            let d_below = &mut next[..count * width];
            if i + 1 == layers.len() {
                gated_rows(&parameters[layer.weights.clone()], below, &room.rows, d_below);
            } else {
                let delta = &current[..count * layer.outputs];
                let rows = Some(&room.rows[..]);
                input_gradient(layer, parameters, delta, below, rows, None).run(d_below);
            }
            std::mem::swap(&mut current, &mut next);
        }
        let first = &layers[0];
        let dimension = first.inputs - self.observation_dimension;
        let d_action = &mut room.d_action[..count * dimension];
        let weights = self.action_weights(first, parameters).transposed();
        multiply(d_action, MatRef::new(current, count, first.outputs), weights);
        for (row, &to) in d_action.chunks_exact(dimension).zip(&room.rows) {
            dq_da[to * dimension..(to + 1) * dimension].copy_from_slice(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    /// Values by the plain forward pass, one critic at a time.
    fn plain(
        critic: &TwinCritic<f64>,
        states: &[f64],
        actions: &[f64],
        samples: usize,
    ) -> Vec<f64> {
        let rows = actions.len() / 3;
        let input: Vec<f64> = (0..rows)
            .flat_map(|i| {
                let s = i / samples;
                let (state, action) = (&states[s * 4..s * 4 + 4], &actions[i * 3..i * 3 + 3]);
                state.iter().chain(action).copied().collect::<Vec<_>>()
            })
            .collect();
        let mut room = critic.net().activations(rows);
        let mut values = |k: usize| {
            critic.net().forward(critic.parameters(k), &input, &mut room);
            room.output().to_vec()
        };
        let (a, b) = (values(0), values(1));
        a.iter().zip(&b).map(|(a, b)| a.min(*b)).collect()
    }

    fn check(hidden: &[usize], states_count: usize, samples: usize) {
        let key = Key::from_seed(4);
        let critic = TwinCritic::<f64>::new(4, 3, hidden, 8, &key);
        let mut states = vec![0.0; states_count * 4];
        let mut actions = vec![0.0; states_count * samples * 3];
        let mut stream = key.stream("data");
        stream.fill_normal(&mut states);
        stream.fill_normal(&mut actions);
        let mut room = critic.value_room(states_count, samples);
        let mut q = vec![f64::NAN; states_count * samples];
        let mut gradient = vec![f64::NAN; actions.len()];
        critic.values(Networks::Current, &states, &actions, &mut room, &mut q, Some(&mut gradient));
        for (got, want) in q.iter().zip(plain(&critic, &states, &actions, samples)) {
            assert!((got - want).abs() < 1e-12);
        }
        let h = 1e-6;
        for i in 0..actions.len() {
            let at = |shift: f64| {
                let mut moved = actions.clone();
                moved[i] += shift;
                plain(&critic, &states, &moved, samples)[i / 3]
            };
            let numeric = (at(h) - at(-h)) / (2.0 * h);
            assert!((gradient[i] - numeric).abs() < 1e-7, "{} against {numeric}", gradient[i]);
        }
    }

    #[test]
    fn split_and_blocked_values_equal_the_plain_pass_and_their_gradient_finite_differences() {
        check(&[16, 12], 5, 1);
        check(&[16, 12], 6, 5);
        check(&[9], 3, 4);
        check(&[8, 8, 8], 4, 3);
        check(&[8, 8], 3, 130); // several blocks, the last one partial
    }
}
