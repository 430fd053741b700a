//! Tasks whose values are known: every distribution, trained by every objective that it can be trained by,
//! must learn them, and what to do.

use std::sync::atomic::AtomicBool;

use rlai::distribution::PolicyKind;
use rlai::env::{Action, ActionShape, Environment, Probe, ProbeKind, ProbeSpace};
use rlai::train::{
    CriticTarget, Objective, Silent, Temperature, TrainConfig, Trainer, play, reason_against,
};

const GAMMA: f64 = 0.9;

/// Small networks, a temperature that leaves little to the entropy, and targets without it: then the
/// critic learns the probe's plain Q.
fn config(objective: Objective, kind: PolicyKind, space: ProbeSpace) -> TrainConfig {
    let shape = ActionShape::from(&space.space());
    let mut config = TrainConfig::for_actions(objective, &shape);
    config.policy.kind = kind;
    if !objective.lists_actions() {
        config.samples = objective.default_samples_of(kind);
    }
    // MPO's trust region takes its time.
    config.steps = if objective == Objective::Mpo { 1_500 } else { 1_000 };
    (config.learning_starts, config.buffer) = (100, 1_500);
    (config.hidden, config.batch, config.gamma) = (vec![24, 24], 32, GAMMA);
    (config.critic_learning_rate, config.policy_learning_rate) = (5e-3, 5e-3);
    (config.polyak, config.critic_target) = (0.05, CriticTarget::Classic);
    config.temperature = Temperature::Fixed(0.1);
    match objective {
        Objective::Awac | Objective::Awr => config.estimation.advantage_temperature = 0.1,
        Objective::Mpo => {
            let bounds = &mut config.estimation.mpo;
            (bounds.mean, bounds.scale, bounds.choice) = (0.1, 0.1, 0.1);
        }
        _ => {}
    }
    (config.evaluate_every, config.evaluation_episodes) = (config.steps, 1);
    config
}

/// Whether a distribution is made for the actions, and the objective for the distribution.
fn fits(objective: Objective, kind: PolicyKind, space: ProbeSpace) -> bool {
    let config = config(objective, kind, space);
    let head = config.policy.head::<f32>(&ActionShape::from(&space.space()));
    head.is_ok_and(|head| reason_against(objective, &*head).is_none())
}

/// What is looked at: three actions of each space, as they are stored.
fn actions(space: ProbeSpace) -> Vec<Vec<f32>> {
    match space {
        ProbeSpace::Box => vec![vec![-0.5], vec![0.0], vec![0.5]],
        ProbeSpace::Discrete => vec![vec![0.0], vec![1.0]],
        ProbeSpace::Factored => vec![vec![0.0, 0.0], vec![1.0, 1.0], vec![1.0, 2.0]],
        ProbeSpace::Hybrid => vec![vec![0.0, -0.5], vec![1.0, 0.0], vec![1.0, 0.5]],
    }
}

fn observations(kind: ProbeKind) -> &'static [f64] {
    match kind {
        ProbeKind::Observation | ProbeKind::Both => &[-1.0, 1.0],
        ProbeKind::Delay => &[0.0, 1.0],
        ProbeKind::Constant | ProbeKind::Action => &[1.0],
    }
}

fn exact_q(probe: &Probe, space: ProbeSpace, observation: f64, stored: &[f32]) -> f64 {
    let choices: Vec<usize> = stored.iter().map(|&number| number.max(0.0) as usize).collect();
    let action = match space {
        ProbeSpace::Box => Action::F32(stored),
        ProbeSpace::Discrete => Action::Discrete(choices[0]),
        ProbeSpace::Factored => Action::Factored(&choices),
        ProbeSpace::Hybrid => Action::Hybrid { choice: choices[0], coordinates: &stored[1..] },
    };
    probe.q(observation, action, GAMMA).unwrap()
}

/// Trains, then compares returns with the best one and, where actions of all kinds stay in replay, the
/// critic with Q.
fn solve(config: TrainConfig, kind: ProbeKind, space: ProbeSpace) {
    let name = format!(
        "{}:{} with {} by {}",
        kind.name(),
        space.name(),
        config.policy.kind.name(),
        config.objective.name()
    );
    let task = || -> Box<dyn Environment> { Box::new(Probe::new(kind, space)) };
    let mut trainer = Trainer::new(config, task(), task()).unwrap();
    trainer.run(&mut Silent, &AtomicBool::new(false)).unwrap();
    let probe = Probe::new(kind, space);
    for &observation in observations(kind) {
        for action in actions(space) {
            let learned = trainer.agent().q(&[observation as f32], &action);
            let exact = exact_q(&probe, space, observation, &action);
            let error = (f64::from(learned) - exact).abs();
            assert!(error < 0.2, "{name}: Q({observation}, {action:?}) = {learned}, not {exact}");
        }
    }
    let mut random = rlai::random::Key::from_seed(5).stream("play");
    let played = play(&trainer.policy(), &mut *task(), 40, &mut random).unwrap();
    let best = match kind {
        // The observation is a coin.
        ProbeKind::Observation => return,
        ProbeKind::Both => 1.0,
        _ => probe.best_return(0.0),
    };
    assert!(played.return_mean > best - 0.2, "{name}: {} of {best}", played.return_mean);
}

#[test]
fn every_probe_is_solved_by_either_divergence_in_every_space() {
    for kind in ProbeKind::ALL {
        for space in ProbeSpace::ALL {
            let policy = PolicyKind::default_for(&ActionShape::from(&space.space()));
            for objective in [Objective::ReverseKlScore, Objective::ForwardKl] {
                solve(config(objective, policy, space), kind, space);
            }
        }
    }
}

#[test]
fn every_distribution_solves_the_hardest_probe_by_every_objective_it_can_serve() {
    let mut pairs = 0;
    for space in ProbeSpace::ALL {
        for policy in PolicyKind::ALL {
            for objective in Objective::ALL {
                if fits(objective, policy, space) {
                    solve(config(objective, policy, space), ProbeKind::Both, space);
                    pairs += 1;
                }
            }
        }
    }
    assert!(pairs > 60, "{pairs}");
}
