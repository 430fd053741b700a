//! Values of drawn actions under the agent's critics, whatever an action is made of.

use crate::critic::{ChoiceRoom, Networks, TwinCritic, ValueRoom};
use crate::distribution::Draws;
use crate::env::ActionShape;
use crate::nn::{Scalar, Team};

/// Room to value N draws in each of B states.
pub(super) struct Valuing<T> {
    shape: ActionShape,
    samples: usize,
    room: Room<T>,
}

enum Room<T> {
    /// Coordinates alone: they are the features.
    Coordinates(ValueRoom<T>),
    /// One-hot choices beside coordinates, `[B, N, F]`, and the values' gradient in them.
    Features { room: ValueRoom<T>, features: Vec<T>, gradient: Vec<T> },
    /// Choices alone, each with an output of its own, `[B, K]`.
    Choices { room: ChoiceRoom<T>, all: Vec<T> },
}

impl<T: Scalar> Valuing<T> {
    pub(super) fn new(
        critic: &TwinCritic<T>,
        shape: &ActionShape,
        states: usize,
        samples: usize,
    ) -> Self {
        let draws = states * samples;
        let features = || vec![T::zero(); draws * shape.feature_width()];
        let room = if let Some(choices) = critic.choices() {
            Room::Choices {
                room: critic.choice_room(states),
                all: vec![T::zero(); states * choices],
            }
        } else if shape.factors.is_empty() {
            Room::Coordinates(critic.value_room(states, samples))
        } else {
            let room = critic.value_room(states, samples);
            Room::Features { room, features: features(), gradient: features() }
        };
        Self { shape: shape.clone(), samples, room }
    }

    /// The smaller critic's value of every draw, `[B, N]`, and, if wanted, its gradient in the action's
    /// coordinates, `[B, N, A]`.
    #[expect(clippy::too_many_arguments, reason = "what is asked, of whom, and where it goes")]
    pub(super) fn value(
        &mut self,
        team: &Team,
        critic: &TwinCritic<T>,
        networks: Networks,
        states: &[T],
        draws: &Draws<T>,
        q: &mut [T],
        dq_da: Option<&mut [T]>,
    ) {
        let dimension = self.shape.coordinates;
        match &mut self.room {
            Room::Coordinates(room) => {
                critic.values(team, networks, states, &draws.action, room, q, dq_da);
            }
            Room::Features { room, features, gradient } => {
                write_features(&self.shape, draws, features);
                let wanted = dq_da.is_some().then_some(&mut gradient[..]);
                critic.values(team, networks, states, features, room, q, wanted);
                let Some(dq_da) = dq_da.filter(|_| dimension > 0) else { return };
                let rows = gradient.chunks_exact(self.shape.feature_width());
                for (out, row) in dq_da.chunks_exact_mut(dimension).zip(rows) {
                    out.copy_from_slice(&row[row.len() - dimension..]);
                }
            }
            Room::Choices { room, all } => {
                critic.choice_values(team, networks, states, room, all);
                let choices = all.len() / (q.len() / self.samples);
                for (i, (q, &choice)) in q.iter_mut().zip(&draws.choices).enumerate() {
                    *q = all[i / self.samples * choices + choice];
                }
            }
        }
    }
}

/// The features of every draw, `[B, N, F]`.
fn write_features<T: Scalar>(shape: &ActionShape, draws: &Draws<T>, features: &mut [T]) {
    let (factors, dimension) = (shape.factors.len(), shape.coordinates);
    for (i, row) in features.chunks_exact_mut(shape.feature_width()).enumerate() {
        let choices = &draws.choices[i * factors..(i + 1) * factors];
        shape.write_features(choices, &draws.action[i * dimension..(i + 1) * dimension], row);
    }
}
