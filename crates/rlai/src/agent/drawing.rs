//! Drawing the actions that a policy's update looks at.

use super::actor::Actor;
use crate::critic::{Networks, TwinCritic, ValueRoom};
use crate::distribution::{Draws, TanhNormal};
use crate::estimator::Origin;
use crate::nn::{Activations, Scalar};
use crate::proposal::{
    MixtureSampler, Proposal, Replayed, Segments, Source, before_tanh, shifted_means,
};
use crate::random::Stream;
use crate::train::{Objective, TrainConfig};

/// What is known of the states of half a batch.
#[derive(Clone, Copy)]
pub(super) struct Known<'a, T> {
    /// Observations, `[B, O]`.
    pub(super) states: &'a [T],
    /// What was done there.
    pub(super) replayed: Replayed<'a, T>,
    /// Parameters of the target policy's network, if there is one.
    pub(super) old_policy: Option<&'a [T]>,
    /// The temperature.
    pub(super) alpha: T,
}

/// Draws N actions in each state, with the log weights with which they stand for the policy.
pub(super) struct Drawing<T> {
    kind: Kind<T>,
    origins: Vec<Origin>,
    log_base: Vec<T>,
}

enum Kind<T> {
    /// Independent draws of the policy.
    Policy,
    /// Independent draws of the old policy, for which they stand.
    OldPolicy(Activations<T>),
    /// The action taken, which does not stand for the policy, then draws of the policy, which do.
    ReplayBesides,
    /// Anything else.
    Mixture(Box<Mixture<T>>),
}

struct Mixture<T> {
    source: Source,
    sampler: MixtureSampler<T>,
    /// Parameters of the second Gaussian, `[B, 2 A]`.
    other: Vec<T>,
    old_room: Option<Activations<T>>,
    shift: Option<Shift<T>>,
}

/// Room for the critic's gradient at the policy's mode.
struct Shift<T> {
    values: ValueRoom<T>,
    mode: Draws<T>,
    q: Vec<T>,
    dq_du: Vec<T>,
}

impl<T: Scalar> Drawing<T> {
    pub(super) fn new(
        states: usize,
        config: &TrainConfig,
        actor: &Actor<T>,
        critic: &TwinCritic<T>,
    ) -> Self {
        let (samples, particles) = (config.samples, config.particles());
        let proposal = &config.estimation.proposal;
        let mut origins = vec![Origin::Policy; particles];
        let mut base = vec![T::from_f64(-(samples as f64).ln()); particles];
        let kind = if config.objective == Objective::Mpo {
            origins.fill(Origin::Proposal);
            Kind::OldPolicy(actor.net.activations(states))
        } else if config.objective.adds_replay_action() {
            origins[0] = Origin::Replay;
            base[0] = T::neg_infinity();
            Kind::ReplayBesides
        } else if proposal.is_policy() {
            Kind::Policy
        } else {
            let segments = Segments::new(proposal, samples).expect("the configuration was checked");
            origins = segments.origins(proposal);
            Kind::Mixture(Box::new(Mixture::new(states, samples, proposal, actor, critic)))
        };
        Self { kind, origins, log_base: base.repeat(states) }
    }

    pub(super) fn origins(&self) -> &[Origin] {
        &self.origins
    }

    pub(super) fn log_base(&self) -> &[T] {
        &self.log_base
    }

    /// Parameters of the old policy in each state, `[B, 2 A]`, if the actions are drawn from it.
    pub(super) fn old_parameters(&self) -> Option<&[T]> {
        match &self.kind {
            Kind::OldPolicy(room) => Some(room.output()),
            _ => None,
        }
    }

    /// Fills `draws`, given the policy's parameters in each state, `[B, 2 A]`.
    pub(super) fn draw(
        &mut self,
        actor: &Actor<T>,
        critic: &TwinCritic<T>,
        known: &Known<'_, T>,
        policy: &[T],
        noise: &mut Stream,
        draws: &mut Draws<T>,
    ) {
        match &mut self.kind {
            Kind::Policy => {
                noise.fill_normal(&mut draws.noise);
                actor.head.sample(policy, draws);
            }
            Kind::OldPolicy(room) => {
                actor.net.forward(old_policy(known), known.states, room);
                noise.fill_normal(&mut draws.noise);
                actor.head.sample(room.output(), draws);
                actor.head.evaluate(policy, draws);
            }
            Kind::ReplayBesides => {
                noise.fill_normal(&mut draws.noise);
                let (taken, dimension) = (known.replayed.actions, actor.head.action_dimension());
                take_in(&actor.head, policy, taken, dimension, draws);
                actor.head.sample(policy, draws);
            }
            Kind::Mixture(mixture) => {
                mixture.write_other(actor, critic, known, policy);
                let other = (mixture.source != Source::Policy).then_some(&mixture.other[..]);
                let (sampler, log_base) = (&mut mixture.sampler, &mut self.log_base);
                let replayed = Some(known.replayed);
                sampler.draw(&actor.head, policy, other, replayed, noise, draws, log_base);
            }
        }
    }
}

impl<T: Scalar> Mixture<T> {
    fn new(
        states: usize,
        samples: usize,
        proposal: &Proposal,
        actor: &Actor<T>,
        critic: &TwinCritic<T>,
    ) -> Self {
        let dimension = actor.head.action_dimension();
        let shift = || Shift {
            values: critic.value_room(states, 1),
            mode: Draws::new(states, 1, dimension),
            q: vec![T::zero(); states],
            dq_du: vec![T::zero(); states * dimension],
        };
        let source = proposal.source;
        Self {
            source,
            sampler: MixtureSampler::new(proposal, samples, dimension)
                .expect("the configuration was checked"),
            other: vec![T::zero(); states * actor.head.parameters_per_state()],
            old_room: (source == Source::TargetPolicy).then(|| actor.net.activations(states)),
            shift: (source == Source::Shifted).then(shift),
        }
    }

    /// Parameters of the second Gaussian in each state.
    fn write_other(
        &mut self,
        actor: &Actor<T>,
        critic: &TwinCritic<T>,
        known: &Known<'_, T>,
        policy: &[T],
    ) {
        if let Some(room) = &mut self.old_room {
            actor.net.forward(old_policy(known), known.states, room);
            self.other.copy_from_slice(room.output());
        }
        if let Some(Shift { values, mode, q, dq_du }) = &mut self.shift {
            actor.head.mode(policy, &mut mode.action);
            let slopes = Some(&mut dq_du[..]);
            critic.values(Networks::Current, known.states, &mode.action, values, q, slopes);
            mode.through_tanh(dq_du);
            shifted_means(&actor.head, policy, dq_du, known.alpha, &mut self.other);
        }
    }
}

fn old_policy<'a, T>(known: &Known<'a, T>) -> &'a [T] {
    known.old_policy.expect("an agent that draws from the target policy keeps it")
}

/// Puts the noise that would have led the policy to the action taken in each state, `[B, A]`, in the first
/// particle's place.
fn take_in<T: Scalar>(
    head: &TanhNormal,
    policy: &[T],
    actions: &[T],
    dimension: usize,
    draws: &mut Draws<T>,
) {
    let states = actions.len() / dimension;
    let width = draws.noise.len() / states;
    let rows = policy.chunks_exact(2 * dimension).zip(actions.chunks_exact(dimension));
    for (noise, (row, action)) in draws.noise.chunks_exact_mut(width).zip(rows) {
        let deviations = head.standard_deviations(row);
        for (((noise, &action), &mean), sd) in noise.iter_mut().zip(action).zip(row).zip(deviations)
        {
            *noise = (before_tanh(action) - mean) / sd;
        }
    }
}
