//! Drawing the actions that a policy's update looks at.

use super::actor::{Actor, take};
use crate::critic::{Networks, TwinCritic, ValueRoom};
use crate::distribution::{Draws, Head, TanhNormal};
use crate::estimator::Origin;
use crate::nn::{Activations, Scalar, Team};
use crate::proposal::{MixtureSampler, Proposal, Replayed, Segments, Source, shifted_means};
use crate::random::Stream;
use crate::train::{Objective, TrainConfig};

/// What is known of the states of half a batch.
#[derive(Clone, Copy)]
pub(super) struct Known<'a, T> {
    /// Observations as the policy sees them, `[B, O]`.
    pub(super) states: &'a [T],
    /// The same as the task gave them.
    pub(super) raw_states: &'a [T],
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
    /// Every choice once.
    AllActions,
    /// So many draws of each branch; room for the log-probabilities of the branches, `[K]`.
    Branches { counts: Vec<usize>, log_branches: Vec<T> },
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
        let branches = actor.head.abilities().branches;
        let mut origins = vec![Origin::Policy; particles];
        let mut base = vec![T::from_f64(-(samples as f64).ln()); particles];
        let kind = if config.objective == Objective::Mpo {
            origins.fill(Origin::Proposal);
            Kind::OldPolicy(actor.net.activations(states))
        } else if config.objective.adds_replay_action() {
            origins[0] = Origin::Replay;
            base[0] = T::neg_infinity();
            Kind::ReplayBesides
        } else if config.objective.lists_actions() {
            origins.fill(Origin::Enumerated);
            Kind::AllActions
        } else if config.objective == Objective::ReverseKlBranches {
            let branches = branches.expect("the configuration was checked");
            origins.fill(Origin::Proposal);
            let of_branch = |branch| (samples + branches - 1 - branch) / branches;
            let counts = (0..branches).map(of_branch).collect();
            Kind::Branches { counts, log_branches: vec![T::zero(); branches] }
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

    /// Parameters of the old policy in each state, `[B, P]`, if the actions are drawn from it.
    pub(super) fn old_parameters(&self) -> Option<&[T]> {
        match &self.kind {
            Kind::OldPolicy(room) => Some(room.output()),
            _ => None,
        }
    }

    /// Fills `draws`, given the policy's parameters in each state, `[B, P]`.
    pub(super) fn draw(
        &mut self,
        actor: &Actor<T>,
        critic: &TwinCritic<T>,
        known: &Known<'_, T>,
        policy: &[T],
        noise: &mut Stream,
        draws: &mut Draws<T>,
    ) {
        let head = &*actor.head;
        match &mut self.kind {
            Kind::Policy => head.draw(policy, noise, draws),
            Kind::OldPolicy(room) => {
                actor.net.forward(old_policy(known), known.states, room);
                head.draw(room.output(), noise, draws);
                head.evaluate(policy, draws);
            }
            Kind::ReplayBesides => {
                head.draw(policy, noise, draws);
                take_in(head, known.replayed.actions, draws);
                head.evaluate(policy, draws);
            }
            Kind::AllActions => {
                list_choices(draws, self.origins.len());
                head.evaluate(policy, draws);
                self.log_base.copy_from_slice(&draws.log_pi);
            }
            Kind::Branches { counts, log_branches } => {
                draw_branches(head, counts, policy, noise, draws);
                weigh_branches(head, counts, policy, log_branches, &mut self.log_base);
            }
            Kind::Mixture(mixture) => {
                mixture.write_other(actor, critic, known, policy);
                let other = (mixture.source != Source::Policy).then_some(&mixture.other[..]);
                let (sampler, log_base) = (&mut mixture.sampler, &mut self.log_base);
                let (replayed, head) = (Some(known.replayed), tanh_normal(actor));
                sampler.draw(head, policy, other, replayed, noise, draws, log_base);
            }
        }
    }
}

/// Every choice once in each state.
pub(super) fn list_choices<T>(draws: &mut Draws<T>, choices: usize) {
    for (i, choice) in draws.choices.iter_mut().enumerate() {
        *choice = i % choices;
    }
}

/// So many draws of each branch in each state, one branch after the other.
fn draw_branches<T: Scalar>(
    head: &dyn Head<T>,
    counts: &[usize],
    policy: &[T],
    noise: &mut Stream,
    draws: &mut Draws<T>,
) {
    let samples: usize = counts.iter().sum();
    for choices in draws.choices.chunks_exact_mut(samples) {
        let mut rest = &mut choices[..];
        for (branch, &count) in counts.iter().enumerate() {
            let (mine, after) = rest.split_at_mut(count);
            mine.fill(branch);
            rest = after;
        }
    }
    noise.fill_normal(&mut draws.noise);
    head.place(policy, draws);
}

/// `log p_k - log N_k` of each draw of branch k, `[B, N]`.
fn weigh_branches<T: Scalar>(
    head: &dyn Head<T>,
    counts: &[usize],
    policy: &[T],
    log_branches: &mut [T],
    log_base: &mut [T],
) {
    let samples: usize = counts.iter().sum();
    let rows = policy.chunks_exact(head.parameters_per_state());
    for (row, log_base) in rows.zip(log_base.chunks_exact_mut(samples)) {
        head.log_branches(row, log_branches);
        let mut rest = log_base;
        for (&count, &log_branch) in counts.iter().zip(&*log_branches) {
            let (mine, after) = rest.split_at_mut(count);
            mine.fill(log_branch - T::from_f64((count as f64).ln()));
            rest = after;
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
        let dimension = actor.head.shape().coordinates;
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
            let head = tanh_normal(actor);
            head.mode(policy, &mut mode.action);
            let slopes = Some(&mut dq_du[..]);
            let (alone, current) = (Team::default(), Networks::Current);
            critic.values(&alone, current, known.states, &mode.action, values, q, slopes);
            mode.through_tanh(dq_du);
            shifted_means(head, policy, dq_du, known.alpha, &mut self.other);
        }
    }
}

fn old_policy<'a, T>(known: &Known<'a, T>) -> &'a [T] {
    known.old_policy.expect("an agent that draws from the target policy keeps it")
}

/// Other proposals than the policy itself are made of this.
fn tanh_normal<T: Scalar>(actor: &Actor<T>) -> &TanhNormal {
    actor.head.as_tanh_normal().expect("the configuration was checked")
}

/// Puts the action taken in each state, `[B, W]` as it is stored, in the first particle's place.
fn take_in<T: Scalar>(head: &dyn Head<T>, taken: &[T], draws: &mut Draws<T>) {
    let width = head.shape().stored_width();
    let samples = draws.log_pi.len() / (taken.len() / width);
    for (state, stored) in taken.chunks_exact(width).enumerate() {
        take(head, stored, draws, state * samples);
    }
}
