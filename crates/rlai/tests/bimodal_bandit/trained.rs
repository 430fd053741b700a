//! The agent, whose critic is learned and whose gradients are sampled, against the exact minimisers.
//!
//! The critic learns 300 times as fast as the policy, so that it knows both peaks before the policy has
//! left its start.

use std::sync::atomic::AtomicBool;

use rlai::Policy;
use rlai::distribution::PolicyKind;
use rlai::env::make_builtin;
use rlai::train::{Objective, Silent, Temperature, TrainConfig, Trainer};

use super::exact::{
    ALPHA, Bandit, forward_minimum, mixture, mixture_minimum, near, reverse_minimum, tanh_normal,
};

fn config(objective: Objective, start: (f64, f64), seed: u64) -> TrainConfig {
    let mut config = TrainConfig::defaults(objective, 1);
    config.hidden = vec![32, 32];
    config.batch = 32;
    config.learning_starts = 5_000;
    config.steps = 17_000;
    config.evaluate_every = config.steps;
    config.critic_learning_rate = 1e-2;
    config.policy_learning_rate = 3e-5;
    config.temperature = Temperature::Fixed(ALPHA);
    config.initial_policy = Some(start);
    config.seed = seed;
    config
}

/// Where a policy ends that starts narrow, on the right.
fn narrow(objective: Objective, seed: u64) -> TrainConfig {
    config(objective, (0.3, -1.0), seed)
}

/// Parameters of the policy in the end.
fn trained(config: TrainConfig) -> Vec<f64> {
    let task = || make_builtin("BimodalBandit-v0").expect("a built-in task");
    let mut trainer = Trainer::new(config, task(), task()).expect("a valid configuration");
    trainer.run(&mut Silent, &AtomicBool::new(false)).expect("finite numbers");
    let policy: Policy = trainer.policy();
    let parameters = policy.distribution_parameters(&[1.0]).expect("finite numbers");
    println!("{parameters:.3?}");
    parameters.into_iter().map(f64::from).collect()
}

#[track_caller]
fn assert_near(row: &[f64], exact: &[f64], of_mean: f64, of_log_std: f64) {
    near(row[0], exact[0], of_mean);
    near(row[1], exact[1], of_log_std);
}

#[test]
fn reverse_kl_ends_at_the_peak_on_whose_side_it_started() {
    let bandit = Bandit::new();
    for (side, seed) in [(1.0, 0), (-1.0, 1), (1.0, 2), (-1.0, 3)] {
        let start = (0.3 * side, -1.0);
        let row = trained(config(Objective::ReverseKl, start, seed));
        assert_near(&row, &reverse_minimum(&bandit, start.0, start.1), 0.02, 0.05);
        near(bandit.measure(&tanh_normal(), &row).reverse, 0.6995, 0.05);
    }
}

#[test]
fn reverse_kl_stays_broad_where_it_starts_broad() {
    let bandit = Bandit::new();
    for seed in 0..2 {
        let row = trained(config(Objective::ReverseKl, (0.3, 0.0), seed));
        assert_near(&row, &reverse_minimum(&bandit, 0.3, 0.0), 0.1, 0.1);
        near(bandit.measure(&tanh_normal(), &row).reverse, 3.777, 0.1);
    }
}

/// While the critic is flat, entropy is all there is to win: a policy as fast as that widens first, and
/// then finds the minimum of broad starts.
#[test]
fn a_fast_policy_forgets_its_start_before_the_critic_knows_the_peaks() {
    let bandit = Bandit::new();
    for seed in 0..2 {
        let mut config = narrow(Objective::ReverseKl, seed);
        config.policy_learning_rate = 3e-4;
        config.steps = 13_000;
        let row = trained(config);
        assert_near(&row, &reverse_minimum(&bandit, 0.3, 0.0), 0.2, 0.1);
    }
}

#[test]
fn forward_kl_covers_both_peaks() {
    let bandit = Bandit::new();
    for seed in 0..2 {
        let row = trained(narrow(Objective::ForwardKl, seed));
        assert_near(&row, &forward_minimum(&bandit), 0.05, 0.05);
        let of = bandit.measure(&tanh_normal(), &row);
        near(of.forward, 1.378, 0.02);
        assert!(of.peaks.iter().all(|&mass| (mass - 0.2295).abs() < 0.03), "{of:?}");
    }
}

/// Self-normalised weights know the target where the policy draws. From one peak alone its own draws never
/// see the other, and it stays, though the exact gradient would lead away; draws from all over the box
/// show the way.
#[test]
fn forward_kl_by_own_draws_does_not_leave_a_peak_it_holds() {
    let bandit = Bandit::new();
    let held = |uniform: f64| {
        let mut config = config(Objective::ForwardKl, (0.55, -2.68), 0);
        config.policy_learning_rate = 3e-4;
        config.steps = 11_000;
        config.estimation.proposal.uniform = uniform;
        trained(config)
    };
    let peak = reverse_minimum(&bandit, 0.3, -1.0);
    let away = bandit.forward_gradient(&tanh_normal(), &[0.55, -2.68]);
    assert!(
        away[0] > 100.0 && away[1] < -100.0,
        "downhill lie the middle and a wide policy: {away:?}"
    );
    assert_near(&held(0.0), &peak, 0.02, 0.05);
    assert_near(&held(0.5), &forward_minimum(&bandit), 0.1, 0.1);
}

#[test]
fn a_mixture_of_two_finds_both_peaks_under_every_objective() {
    let bandit = Bandit::new();
    for objective in [
        Objective::ForwardKl,
        Objective::ReverseKlBranches,
        Objective::ReverseKl,
        Objective::ReverseKlScore,
    ] {
        let mut config = config(objective, (0.0, 0.0), 0);
        config.policy.kind = PolicyKind::Mixture;
        config.samples = 8;
        config.policy_learning_rate = 3e-4;
        config.steps = 11_000;
        let row = trained(config);
        let exact = mixture_minimum(&bandit, objective == Objective::ForwardKl);
        near(row[0] - row[1], 0.0, 0.2);
        assert_near(&row[2..], &exact[2..], 0.03, 0.1);
        assert_near(&row[4..], &exact[4..], 0.03, 0.1);
        let of = bandit.measure(&mixture(), &row);
        near(of.reverse, 0.0063, 0.03);
        assert!(of.peaks.iter().all(|&mass| (mass - 0.5).abs() < 0.05), "{of:?}");
    }
}
