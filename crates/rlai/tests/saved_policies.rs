//! Runs with every kind of policy: the same bits whatever the threads, and saved policies that decide as
//! the trainer's own.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rlai::distribution::{Distribution, Number, PolicyKind, Scored};
use rlai::env::{Environment, make_builtin, make_probe};
use rlai::random::{Key, Stream};
use rlai::train::{DefaultPolicy, ExplorationNoise, Objective, Silent, Temperature, TrainConfig};
use rlai::{Policy, Trainer};

/// A policy, a task for it and an objective that it can be trained by.
const KINDS: [(PolicyKind, &str, Objective); 9] = [
    (PolicyKind::TanhNormal, "Pendulum-v1", Objective::ReverseKl),
    (PolicyKind::Normal, "Pendulum-v1", Objective::ForwardKl),
    (PolicyKind::Beta, "Pendulum-v1", Objective::ReverseKl),
    (PolicyKind::Mixture, "Pendulum-v1", Objective::ReverseKlBranches),
    (PolicyKind::Histogram, "Pendulum-v1", Objective::ForwardKl),
    (PolicyKind::Categorical, "CartPole-v1", Objective::ReverseKlAllActions),
    (PolicyKind::Categorical, "probe:both:factored", Objective::ForwardKl),
    (PolicyKind::Hybrid, "probe:both:hybrid", Objective::ReverseKlBranches),
    (PolicyKind::Hybrid, "MoveAndStrength-v0", Objective::Mpo),
];

fn make(task: &str) -> Box<dyn Environment> {
    make_builtin(task).or_else(|| make_probe(task).map(Result::unwrap)).expect(task)
}

fn config(task: &str, kind: PolicyKind, objective: Objective) -> TrainConfig {
    let env = make(task);
    let mut config = TrainConfig::for_actions(objective, &env.action_space().into());
    config.policy.kind = kind;
    (config.hidden, config.batch) = (vec![16], 9);
    (config.steps, config.learning_starts) = (60, 20);
    (config.evaluate_every, config.evaluation_episodes) = (60, 1);
    config
}

fn trained(config: TrainConfig, task: &str) -> Trainer {
    let mut trainer = Trainer::new(config, make(task), make(task)).unwrap();
    trainer.run(&mut Silent, &AtomicBool::new(false)).unwrap();
    trainer
}

/// Mode and draws in states of which some are far from those of training.
fn check_same(one: &Policy, other: &Policy, pair: &str) {
    let mut states = Key::from_seed(7).stream("states");
    let (mut first, mut second) =
        (Key::from_seed(8).stream("actions"), Key::from_seed(8).stream("actions"));
    for _ in 0..40 {
        let of_state = |_| 3.0 * states.normal();
        let observation: Vec<f64> = (0..one.observation_dimension()).map(of_state).collect();
        assert_eq!(one.decide(&observation), other.decide(&observation), "{pair}");
        let drawn = one.sample(&observation, &mut first);
        assert_eq!(drawn, other.sample(&observation, &mut second), "{pair}");
    }
}

#[test]
fn threads_change_no_bit_and_saved_policies_decide_as_the_trainers_own() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, task, objective) in KINDS {
        for normalise in [false, true] {
            let pair = format!("{} on {task}, normalised: {normalise}", kind.name());
            let mut config = config(task, kind, objective);
            config.normalise_observations = normalise;
            let one = trained(config.clone(), task);
            let two = trained(TrainConfig { threads: 2, ..config.clone() }, task);
            assert_eq!(one.parameters_blake3(), two.parameters_blake3(), "{pair}");
            let other = trained(TrainConfig { seed: 1, ..config.clone() }, task);
            assert_ne!(one.parameters_blake3(), other.parameters_blake3(), "{pair}");

            let dir = folder.path().join(&pair);
            one.save(&dir).unwrap();
            let loaded = Policy::load(&dir).unwrap();
            assert_eq!(loaded.distribution_name(), one.policy().distribution_name());
            check_same(&one.policy(), &loaded, &pair);
            // Going on from it starts there.
            let mut next = Trainer::new(config, make(task), make(task)).unwrap();
            next.initialise_from(&dir).unwrap();
            assert_eq!(next.parameters_blake3(), one.parameters_blake3(), "{pair}");
            check_same(&one.policy(), &next.policy(), &pair);
        }
    }
}

/// With a default policy of every kind, and coloured exploration; the run's own is normalised otherwise
/// than the policy that is trained.
#[test]
fn threads_change_no_bit_with_a_default_policy() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, task, objective) in KINDS {
        if objective == Objective::Mpo {
            continue;
        }
        let mut plain = config(task, kind, objective);
        plain.normalise_observations = true;
        let dir = folder.path().join(format!("{}-{task}", kind.name()));
        trained(plain.clone(), task).save(&dir).unwrap();
        for default_policy in [
            DefaultPolicy::Gaussian { mean: 0.1, sd: 0.5 },
            DefaultPolicy::Average { rate: 0.1 },
            DefaultPolicy::LastUpdate { period: 3 },
            DefaultPolicy::Run(dir.clone()),
        ] {
            let choices = make(task).action_space().coordinates().is_none();
            if choices && matches!(default_policy, DefaultPolicy::Gaussian { .. }) {
                continue;
            }
            let pair = format!("{} with {}", kind.name(), default_policy.name());
            let coloured = if choices { ExplorationNoise::White } else { ExplorationNoise::Pink };
            let config = TrainConfig {
                normalise_observations: false,
                temperature: Temperature::Fixed(0.2),
                exploration: coloured,
                default_policy,
                ..plain.clone()
            };
            let one = trained(config.clone(), task);
            let two = trained(TrainConfig { threads: 2, ..config.clone() }, task);
            assert_eq!(one.parameters_blake3(), two.parameters_blake3(), "{pair}");
            let uniform = TrainConfig { default_policy: DefaultPolicy::Uniform, ..config };
            assert_ne!(trained(uniform, task).parameters_blake3(), one.parameters_blake3());
        }
    }
}

/// A distribution of a user's own.
#[derive(Debug)]
struct Laplace;

impl Distribution for Laplace {
    fn name(&self) -> &str {
        "laplace"
    }

    fn parameters(&self) -> usize {
        2
    }

    fn coordinates(&self) -> usize {
        1
    }

    fn sample(&self, row: &[f64], random: &mut Stream, _: &mut [usize], action: &mut [f64]) {
        let sign = if random.unit() < 0.5 { -1.0 } else { 1.0 };
        action[0] = row[0] + sign * row[1].exp() * random.gamma(1.0);
    }

    fn log_density<S: Number>(&self, row: &[S], _: &[usize], action: &[S]) -> S {
        -(action[0] - row[0]).abs() / row[1].exp() - row[1] - 2.0f64.ln()
    }

    fn mode(&self, row: &[f64], _: &mut [usize], action: &mut [f64]) {
        action[0] = row[0];
    }
}

#[test]
fn so_does_a_distribution_of_a_users_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config("Pendulum-v1", PolicyKind::TanhNormal, Objective::ForwardKl);
    config.normalise_observations = true;
    let trained = |threads: usize| {
        let config = TrainConfig { threads, ..config.clone() };
        let (env, head) = (|| make("Pendulum-v1"), Arc::new(Scored::new(Laplace)));
        let mut trainer = Trainer::with_distribution(config, head, env(), env()).unwrap();
        trainer.run(&mut Silent, &AtomicBool::new(false)).unwrap();
        trainer
    };
    let (one, two) = (trained(1), trained(2));
    assert_eq!(one.parameters_blake3(), two.parameters_blake3());
    one.save(folder.path()).unwrap();
    let error = Policy::load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("of the distribution laplace") && error.contains("load_with"));
    let loaded = Policy::load_with(folder.path(), Arc::new(Scored::new(Laplace))).unwrap();
    check_same(&one.policy(), &loaded, "laplace");
    // Nor can another program hold a policy to it.
    let default_policy = DefaultPolicy::Run(folder.path().to_owned());
    let temperature = Temperature::Fixed(0.2);
    let config =
        TrainConfig { default_policy, temperature, normalise_observations: false, ..config };
    let refused = Trainer::new(config, make("Pendulum-v1"), make("Pendulum-v1"));
    let error = refused.err().expect("it must be refused").to_string();
    assert!(error.starts_with("default_policy = ") && error.contains("laplace"), "{error}");
}
