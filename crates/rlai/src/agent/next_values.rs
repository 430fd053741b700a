//! What comes after: actions and values at the next states, for the critics' targets.

use super::actor::{Actor, room_for};
use super::default_policy::DefaultRoom;
use super::drawing::list_choices;
use super::shard::Networked;
use super::valuing::Valuing;
use crate::critic::Networks;
use crate::distribution::Draws;
use crate::estimator::{Origin, Particles, soft_optimal_values};
use crate::nn::{Activations, Scalar, Team};
use crate::random::Stream;
use crate::train::{CriticTarget, TrainConfig};

/// Draws at the next states: one, or as many as a soft-optimal value is estimated from, or all choices.
pub(super) struct NextValues<T> {
    target: CriticTarget,
    origins: Vec<Origin>,
    draws: Draws<T>,
    default_room: Option<DefaultRoom<T>>,
    /// Where states are valued, not single actions.
    valued: Option<Valued<T>>,
}

/// Values of the draws, and the weights with which they stand for the policy.
struct Valued<T> {
    values: Valuing<T>,
    q: Vec<T>,
    log_base: Vec<T>,
}

/// Whether the value of a next state is known from many actions there; otherwise from one, which both
/// critics value each for itself.
pub(super) fn values_states(config: &TrainConfig, choices: Option<usize>) -> bool {
    choices.is_some() || config.critic_target == CriticTarget::SoftOptimal
}

impl<T: Scalar> NextValues<T> {
    pub(super) fn new(states: usize, config: &TrainConfig, networks: Networked<'_, T>) -> Self {
        let Networked { actor, critic, default_policy } = networks;
        let (samples, origin) = match critic.choices() {
            Some(choices) => (choices, Origin::Enumerated),
            None if config.critic_target == CriticTarget::SoftOptimal => {
                (config.samples, Origin::Policy)
            }
            None => (1, Origin::Policy),
        };
        let valued = values_states(config, critic.choices()).then(|| Valued {
            values: Valuing::new(critic, actor.head.shape(), states, samples),
            q: vec![T::zero(); states * samples],
            log_base: vec![T::from_f64(-(samples as f64).ln()); states * samples],
        });
        Self {
            target: config.critic_target,
            origins: vec![origin; samples],
            draws: room_for(&actor.head, states, samples),
            default_room: default_policy.room(states, samples),
            valued,
        }
    }

    #[cfg(test)]
    pub(super) fn draws(&self) -> &Draws<T> {
        &self.draws
    }

    #[cfg(test)]
    pub(super) fn log_pi_0(&self) -> Option<&[T]> {
        self.default_room.as_ref().map(|room| &room.log_pi_0[..])
    }

    /// An action at each next state into the last columns of `input`, its l into `log_ratio`.
    pub(super) fn actions(
        &mut self,
        networks: Networked<'_, T>,
        observations: (&[T], &[T]),
        room: &mut Activations<T>,
        noise: &mut Stream,
        input: &mut [T],
        log_ratio: &mut [T],
    ) {
        self.draw(networks, observations, room, noise);
        let shape = networks.actor.head.shape();
        let (features, dimension) = (shape.feature_width(), shape.coordinates);
        let factors = shape.factors.len();
        let width = input.len() / log_ratio.len();
        for (i, row) in input.chunks_exact_mut(width).enumerate() {
            let choices = &self.draws.choices[i * factors..(i + 1) * factors];
            let coordinates = &self.draws.action[i * dimension..(i + 1) * dimension];
            shape.write_features(choices, coordinates, &mut row[width - features..]);
        }
        log_ratio.copy_from_slice(&self.draws.log_pi);
        if let Some(room) = &self.default_room {
            for (l, &log_pi_0) in log_ratio.iter_mut().zip(&room.log_pi_0) {
                *l -= log_pi_0;
            }
        }
    }

    /// The value of each next state under the target critics, `[B]`: over choices the mean of
    /// `min Q - alpha l` (soft) or `min Q` (classic) under the policy, exactly; soft-optimal values from
    /// the weights of the draws.
    pub(super) fn values(
        &mut self,
        networks: Networked<'_, T>,
        alpha: T,
        observations: (&[T], &[T]),
        room: &mut Activations<T>,
        noise: &mut Stream,
        out: &mut [T],
    ) {
        self.draw(networks, observations, room, noise);
        let Valued { values, q, log_base } = self.valued.as_mut().expect("made to value states");
        let (alone, critic) = (Team::default(), networks.critic);
        values.value(&alone, critic, Networks::Target, observations.0, &self.draws, q, None);
        if networks.critic.choices().is_some() {
            log_base.copy_from_slice(&self.draws.log_pi);
        }
        let particles = Particles {
            samples: self.origins.len(),
            origins: &self.origins,
            log_pi: &self.draws.log_pi,
            log_pi_0: self.default_room.as_ref().map(|room| &room.log_pi_0[..]),
            log_base,
            q,
            dq_du: None,
            dl_du: None,
            value: None,
        };
        let bonus = match self.target {
            CriticTarget::SoftOptimal => return soft_optimal_values(&particles, alpha, out),
            CriticTarget::Soft => alpha,
            CriticTarget::Classic => T::zero(),
        };
        for (state, value) in out.iter_mut().enumerate() {
            let term = |i: usize| {
                let share = particles.log_base[i].exp();
                // A choice that is never made counts nothing, however unlikely it is.
                if share == T::zero() { share } else { -share * particles.soft_loss(i, bonus) }
            };
            *value = particles.of_state(state).map(term).sum();
        }
    }

    fn draw(
        &mut self,
        networks: Networked<'_, T>,
        (states, raw_states): (&[T], &[T]),
        room: &mut Activations<T>,
        noise: &mut Stream,
    ) {
        let Networked { actor, critic, default_policy } = networks;
        forward(actor, states, room);
        let (head, draws) = (&*actor.head, &mut self.draws);
        if critic.choices().is_some() {
            list_choices(draws, self.origins.len());
            head.evaluate(room.output(), draws);
        } else {
            head.draw(room.output(), noise, draws);
        }
        if let Some(default_room) = &mut self.default_room {
            // Of the same rounded u as log pi_0.
            head.evaluate(room.output(), draws);
            let squashed = head.is_squashed();
            let states = (states, raw_states);
            default_policy.evaluate(default_room, states, draws, squashed, &mut []);
        }
    }
}

fn forward<T: Scalar>(actor: &Actor<T>, states: &[T], room: &mut Activations<T>) {
    actor.net.forward(actor.parameters(), states, room);
}
