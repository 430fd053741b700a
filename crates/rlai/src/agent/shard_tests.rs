//! The gradient of the policy's weights, for every objective, distribution and default policy, against
//! finite differences of what the signal asks for.

use super::*;
use crate::agent::actor::Actor;
use crate::distribution::{PolicyKind, SharedHead};
use crate::env::ActionShape;
use crate::proposal::{Noise, Proposal, Replayed, Source};
use crate::train::{self, CriticTarget, Objective};

const STATES: usize = 6;

struct Setting {
    actor: Actor<f64>,
    critic: TwinCritic<f64>,
    default_policy: DefaultPolicy<f64>,
    shard: Shard<f64>,
    estimator: Box<dyn ActionEstimator<f64>>,
    observations: Vec<f64>,
    /// Actions taken, as they are stored.
    taken: Vec<f64>,
}

fn setting(objective: Objective, samples: usize) -> Setting {
    setting_with(objective, samples, |_| {})
}

fn setting_with(
    objective: Objective,
    samples: usize,
    change: impl FnOnce(&mut TrainConfig),
) -> Setting {
    setting_of(objective, &ActionShape::of_box(2), |config| {
        config.samples = samples;
        change(config);
    })
}

fn setting_of(
    objective: Objective,
    shape: &ActionShape,
    change: impl FnOnce(&mut TrainConfig),
) -> Setting {
    let mut config = TrainConfig::for_actions(objective, shape);
    (config.batch, config.hidden) = (STATES, vec![10, 8]);
    change(&mut config);
    let key = Key::from_seed(9);
    let head: SharedHead<f64> = config.policy.head(shape).unwrap();
    config.check_head(&*head).unwrap();
    let estimator = config.estimation.estimator_for(objective, head.abilities());
    let actor = Actor::new(3, head, &config.hidden, None, &key);
    let critic = match shape.only_choices() {
        Some(choices) => TwinCritic::over_choices(3, choices, &config.hidden, STATES, &key),
        None => TwinCritic::new(3, shape.feature_width(), &config.hidden, STATES, &key),
    };
    // A default policy of other parameters than the policy's own.
    let other: Vec<f64> = actor.parameters().iter().map(|weight| 0.8 * weight + 0.02).collect();
    let own = (&actor.net, &actor.head, &other[..]);
    let default_policy = DefaultPolicy::new(&config.default_policy, own, None);
    let networks = Networked { actor: &actor, critic: &critic, default_policy: &default_policy };
    let shard = Shard::new(0, STATES, &config, &*estimator, networks, &key);
    let mut observations = vec![0.0; STATES * 3];
    key.stream("observations").fill_normal(&mut observations);
    let mut taken = vec![0.0; STATES * shape.stored_width()];
    for row in taken.chunks_exact_mut(shape.stored_width()) {
        let choices: Vec<usize> = shape.factors.iter().map(|count| count - 1).collect();
        shape.write_stored(&choices, &[0.3, -0.6][..shape.coordinates], row);
    }
    Setting { actor, critic, default_policy, shard, estimator, observations, taken }
}

fn duals() -> Duals<f64> {
    let trust_region = TrustRegion { mean: 0.4, scale: 0.8, choice: 0.6 };
    Duals { trust_region, ..Duals::temperature(0.3) }
}

fn take_gradient(setting: &mut Setting) -> Vec<f64> {
    let Setting { actor, critic, default_policy, shard, estimator, observations, taken } = setting;
    let old_policy: Vec<f64> = actor.parameters().iter().map(|weight| 0.9 * weight).collect();
    let known = Known {
        states: observations,
        raw_states: observations,
        // The same action was taken in every state, by a uniform policy.
        replayed: Replayed {
            actions: taken,
            log_density: &[-2.0 * std::f64::consts::LN_2; STATES],
        },
        old_policy: Some(&old_policy),
        alpha: 0.3,
    };
    let networks = Networked { actor, critic, default_policy };
    shard.draw(networks, &known);
    shard.value(networks, &known, &Team::default());
    shard.learn(networks, &**estimator, &duals(), &known);
    shard.gradient().to_vec()
}

/// Compares the gradient of the weights with central differences of `loss`, which is given the
/// setting as the gradient left it and other weights.
fn check(setting: Setting, loss: impl Fn(&Setting, &[f64]) -> f64) {
    check_with(setting, (1e-6, 1e-8), loss);
}

/// The same with this step of the differences and this tolerance.
fn check_with(
    mut setting: Setting,
    (step, tolerance): (f64, f64),
    loss: impl Fn(&Setting, &[f64]) -> f64,
) {
    let gradient = take_gradient(&mut setting);
    let parameters = setting.actor.parameters().to_vec();
    assert!(gradient.iter().filter(|g| g.abs() > 1e-6).count() > parameters.len() / 10);
    for i in 0..parameters.len() {
        let at = |h: f64| {
            let mut moved = parameters.clone();
            moved[i] += h;
            loss(&setting, &moved)
        };
        let numeric = (at(step) - at(-step)) / (2.0 * step);
        let allowed = tolerance * (1.0 + numeric.abs() * 10.0);
        assert!((gradient[i] - numeric).abs() < allowed, "{i}: {} {numeric}", gradient[i]);
    }
}

/// The policy's parameters in every state, under other weights.
fn outputs(setting: &Setting, weights: &[f64]) -> Vec<f64> {
    let mut room = setting.actor.net.activations(STATES);
    setting.actor.net.forward(weights, &setting.observations, &mut room);
    room.output().to_vec()
}

/// The same noise and choices under other weights: coordinates move.
fn moved_draws(setting: &Setting, weights: &[f64]) -> Draws<f64> {
    let mut draws = setting.shard.draws.clone();
    // What noise would have led there: not every sampler starts from it.
    setting.actor.head.evaluate(&outputs(setting, setting.actor.parameters()), &mut draws);
    setting.actor.head.place(&outputs(setting, weights), &mut draws);
    draws
}

/// The same samples under other weights.
fn frozen_log_pi(setting: &Setting, weights: &[f64]) -> Vec<f64> {
    let mut draws = setting.shard.draws.clone();
    setting.actor.head.evaluate(&outputs(setting, weights), &mut draws);
    draws.log_pi
}

/// The log-probability of the branch of every draw, under other weights.
fn log_branches(setting: &Setting, weights: &[f64]) -> Vec<f64> {
    let head = &setting.actor.head;
    let branches = head.abilities().branches.unwrap();
    let draws = &setting.shard.draws;
    let samples = draws.log_pi.len() / STATES;
    let rows = outputs(setting, weights);
    let of_state = |(state, row): (usize, &[f64])| {
        let mut all = vec![0.0; branches];
        head.log_branches(row, &mut all);
        let choices = &draws.choices[state * samples..(state + 1) * samples];
        choices.iter().map(|&choice| all[choice]).collect::<Vec<_>>()
    };
    rows.chunks_exact(head.parameters_per_state()).enumerate().flat_map(of_state).collect()
}

#[test]
fn reverse_kl_differentiates_its_loss_through_samples_and_critic() {
    for samples in [1, 3] {
        check(setting(Objective::ReverseKl, samples), |setting, weights| {
            let draws = moved_draws(setting, weights);
            let mut q = vec![0.0; draws.log_pi.len()];
            let mut room = setting.critic.value_room(STATES, samples);
            let (states, actions) = (&setting.observations, &draws.action);
            let (team, current) = (Team::default(), Networks::Current);
            setting.critic.values(&team, current, states, actions, &mut room, &mut q, None);
            let total: f64 = draws.log_pi.iter().zip(&q).map(|(l, q)| 0.3 * l - q).sum();
            total / q.len() as f64
        });
    }
}

/// What a signal asks for, as a function of other weights: scores times log densities of the same
/// samples, choices' weights times their log-probabilities, action gradients times samples of the same
/// noise, and the trust region.
fn surrogate(setting: &Setting, weights: &[f64]) -> f64 {
    let signal = &setting.shard.signal;
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut total = dot(&signal.score, &frozen_log_pi(setting, weights));
    if signal.has_choice {
        total += dot(&signal.choice, &log_branches(setting, weights));
    }
    if signal.has_action {
        total += dot(&signal.action, &moved_draws(setting, weights).u);
    }
    if let Some(region) = signal.trust_region {
        let head = &setting.actor.head;
        let width = head.parameters_per_state();
        let (old, new) = (setting.shard.drawing.old_parameters(), outputs(setting, weights));
        for (old, new) in old.unwrap().chunks_exact(width).zip(new.chunks_exact(width)) {
            let kl = head.kl_from(old, new);
            total += region.mean * kl.mean + region.scale * kl.scale + region.choice * kl.choice;
        }
    }
    total / STATES as f64
}

fn shapes() -> [ActionShape; 4] {
    [
        ActionShape::of_box(2),
        ActionShape::of_choices(4),
        ActionShape { factors: vec![2, 3], coordinates: 0 },
        ActionShape { factors: vec![3], coordinates: 2 },
    ]
}

/// Every pair of a distribution and an objective that is not refused.
#[test]
fn every_objective_differentiates_what_its_signal_asks_for_and_nothing_else() {
    let mut pairs = 0;
    for shape in shapes() {
        for kind in PolicyKind::ALL {
            for objective in Objective::ALL {
                let mut config = TrainConfig::for_actions(objective, &shape);
                config.policy.kind = kind;
                let Ok(head) = config.policy.head::<f64>(&shape) else { continue };
                if train::reason_against(objective, &*head).is_some() {
                    continue;
                }
                let setting = setting_of(objective, &shape, |config| {
                    config.policy.kind = kind;
                    if !objective.lists_actions() {
                        config.samples = config.samples.clamp(2, 6);
                    }
                });
                println!("{} on {shape:?} by {}", kind.name(), objective.name());
                // A quantile of a beta distribution is found by iteration, to fewer digits.
                let rough = kind == PolicyKind::Beta;
                let precision = if rough { (1e-5, 1e-5) } else { (1e-6, 1e-8) };
                check_with(setting, precision, surrogate);
                pairs += 1;
            }
        }
    }
    assert!(pairs > 60, "{pairs}");
}

/// Weights and path gradients under a default policy, by their formulas from log densities worked out
/// here.
#[test]
fn a_default_policy_enters_the_log_ratio_and_its_derivative() {
    let gaussian = train::DefaultPolicy::Gaussian { mean: 0.2, sd: 0.6 };
    for default in [gaussian, train::DefaultPolicy::Average { rate: 0.5 }] {
        for shape in [ActionShape::of_box(2), ActionShape { factors: vec![3], coordinates: 2 }] {
            for objective in [Objective::ForwardKl, Objective::ReverseKl] {
                let mut setting = setting_of(objective, &shape, |config| {
                    (config.default_policy, config.samples) = (default.clone(), 5);
                });
                take_gradient(&mut setting);
                check_log_ratios(&setting, &default);
                check(setting, surrogate);
            }
        }
    }
}

fn check_log_ratios(setting: &Setting, default: &train::DefaultPolicy) {
    let (shard, draws) = (&setting.shard, &setting.shard.draws);
    let log_pi_0 = |u: &[f64]| -> Vec<f64> {
        let mut copy = draws.clone();
        copy.u.copy_from_slice(u);
        match *default {
            train::DefaultPolicy::Gaussian { mean, sd } => {
                let of = |u: &f64| {
                    let z = (u.tanh() - mean) / sd;
                    -0.5 * z * z - sd.ln() - 0.5 * (2.0 * std::f64::consts::PI).ln()
                };
                // Choices are alike.
                let factors = &setting.actor.head.shape().factors;
                let choices: f64 = factors.iter().map(|&count| (count as f64).ln()).sum();
                u.chunks_exact(2).map(|u| u.iter().map(of).sum::<f64>() - choices).collect()
            }
            _ => {
                let weights = setting.actor.parameters().iter().map(|weight| 0.8 * weight + 0.02);
                let parameters = outputs(setting, &weights.collect::<Vec<_>>());
                setting.actor.head.evaluate(&parameters, &mut copy);
                copy.log_pi
            }
        }
    };
    let expected = log_pi_0(&draws.u);
    let seen = &shard.default_room.as_ref().unwrap().log_pi_0;
    for (i, (seen, expected)) in seen.iter().zip(&expected).enumerate() {
        assert!((seen - expected).abs() < 1e-12, "{i}");
    }
    for i in 0..shard.dl_du.len() {
        let at = |h: f64| {
            let mut moved = draws.u.clone();
            moved[i] += h;
            log_pi_0(&moved)[i / 2]
        };
        let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
        assert!((shard.dl_du[i] - (draws.dlog_pi_du[i] - slope)).abs() < 1e-7, "{i}");
    }
    let mean_ratio: f64 =
        draws.log_pi.iter().zip(&expected).map(|(a, b)| a - b).sum::<f64>() / expected.len() as f64;
    let mut metrics = UpdateMetrics::default();
    shard.report(&mut metrics);
    assert!((metrics.log_ratio / STATES as f64 - mean_ratio).abs() < 1e-10);
}

/// The value of each next state under the target critics at the actions drawn, by its formula: soft-
/// optimal from samples, all three exactly over choices; with and without a default policy.
#[test]
fn next_values_by_their_formulas() {
    let average = train::DefaultPolicy::Average { rate: 0.5 };
    for default in [train::DefaultPolicy::Uniform, average] {
        for (shape, target) in [
            (ActionShape::of_box(2), CriticTarget::SoftOptimal),
            (ActionShape { factors: vec![3], coordinates: 2 }, CriticTarget::SoftOptimal),
            (ActionShape::of_choices(3), CriticTarget::SoftOptimal),
            (ActionShape::of_choices(3), CriticTarget::Soft),
            (ActionShape::of_choices(3), CriticTarget::Classic),
        ] {
            let mut setting = setting_of(Objective::ForwardKl, &shape, |config| {
                (config.critic_target, config.samples) = (target, 3);
                config.default_policy = default.clone();
            });
            // Targets that are not the critics themselves.
            for index in 0..2 {
                let parameters = setting.critic.parameters(index).to_vec();
                let target: Vec<f64> =
                    parameters.iter().map(|weight| 0.7 * weight + 0.01).collect();
                setting.critic.set_parameters(index, &parameters, &target);
            }
            let mut values = [f64::NAN; STATES];
            let Setting { actor, critic, default_policy, shard, observations, .. } = &mut setting;
            let networks = Networked { actor, critic, default_policy };
            let seen = (&observations[..], &observations[..]);
            shard.next_values(networks, 0.3, seen, &mut values);
            let expected = expected_next_values(&setting, &shape, target);
            for (value, expected) in values.iter().zip(expected) {
                assert!((value - expected).abs() < 1e-12, "{shape:?} {target:?}: {value}");
            }
        }
    }
}

fn expected_next_values(setting: &Setting, shape: &ActionShape, target: CriticTarget) -> Vec<f64> {
    let next = &setting.shard.next;
    let (draws, critic) = (next.draws(), &setting.critic);
    let mut plain = critic.net().activations(1);
    let mut q = |state: usize, i: usize| {
        let mut input = setting.observations[3 * state..][..3].to_vec();
        let mut features = vec![0.0; shape.feature_width()];
        let (factors, coordinates) = (shape.factors.len(), shape.coordinates);
        shape.write_features(
            &draws.choices[i * factors..(i + 1) * factors],
            &draws.action[i * coordinates..(i + 1) * coordinates],
            &mut features,
        );
        if critic.choices().is_none() {
            input.extend(&features);
        }
        let output = if critic.choices().is_some() { draws.choices[i] } else { 0 };
        let mut of = |index: usize| {
            critic.net().forward(critic.target_parameters(index), &input, &mut plain);
            plain.output()[output]
        };
        of(0).min(of(1))
    };
    let ratio = |i: usize| draws.log_pi[i] - next.log_pi_0().map_or(0.0, |log_pi_0| log_pi_0[i]);
    let base =
        |i: usize| if critic.choices().is_some() { draws.log_pi[i].exp() } else { 1.0 / 3.0 };
    let of_state = |state: usize| {
        let particles = 3 * state..3 * state + 3;
        let mut sum = |term: &dyn Fn(f64, usize) -> f64| -> f64 {
            particles.clone().map(|i| base(i) * term(q(state, i), i)).sum()
        };
        match target {
            CriticTarget::SoftOptimal => 0.3 * sum(&|q, i| (q / 0.3 - ratio(i)).exp()).ln(),
            CriticTarget::Soft => sum(&|q, i| q - 0.3 * ratio(i)),
            CriticTarget::Classic => sum(&|q, _| q),
        }
    };
    (0..STATES).map(of_state).collect()
}

#[test]
fn samples_of_every_proposal_are_constants() {
    for source in Source::ALL {
        for noise in Noise::ALL {
            let proposal = Proposal { source, noise, uniform: 0.2, replay: true };
            let change = |config: &mut TrainConfig| config.estimation.proposal = proposal;
            check(setting_with(Objective::ForwardKl, 6, change), surrogate);
        }
    }
}
