use super::*;
use crate::estimator::trajectory::Baseline;
use crate::lab::measure::{Measurement, Plan, Subject, measure};
use crate::lab::{Exact, Process, ProcessSpec, RandomOptions, random_process};
use crate::random::Key;

fn process(termination: f64) -> Process {
    let options = RandomOptions { z0: 0.7, termination, ..RandomOptions::default() };
    random_process(&mut Key::from_seed(21).stream("measure"), 3, 3, 3, &options)
}

fn run(process: &Process, settings: &TabularSettings, repetitions: usize) -> Measurement {
    let subject = TabularSubject::new(process, settings).unwrap();
    let plan = Plan { repetitions, seed: 5, stream: "test".to_owned(), threads: 2 };
    measure(&subject, &plan, &|_| {}).unwrap()
}

/// Every unbiased estimator, with every setting that leaves it unbiased.
fn unbiased() -> Vec<TabularSettings> {
    let mut all = Vec::new();
    for estimator in [
        Tabular::ReverseKlTrajectory,
        Tabular::ReverseKlRewardToGo,
        Tabular::ReverseKlScore,
        Tabular::ReverseKlValueBaseline,
        Tabular::ReverseKlAllActions,
        Tabular::ForwardKlKnownEvidence,
        Tabular::ForwardKlExact,
    ] {
        let plain = TabularSettings { samples: 3, count: 2, ..TabularSettings::new(estimator) };
        let baselines =
            if estimator.has_baseline() { &Baseline::ALL[..] } else { &[Baseline::None] };
        let every = &StateSource::ALL;
        let sources = if estimator.is_marginal_reverse() { &every[..] } else { &every[..1] };
        for &baseline in baselines {
            for &states in sources {
                all.push(TabularSettings { baseline, states, ..plain });
            }
        }
    }
    all.push(TabularSettings {
        state_weights: TabularStateWeights::Posterior,
        ..TabularSettings::new(Tabular::ForwardKlAllActions)
    });
    all
}

/// Also where trajectories end early and Z0 is not 1.
#[test]
fn unbiased_estimators_have_the_exact_mean() {
    for termination in [0.0, 0.6] {
        let process = process(termination);
        let exact = Exact::new(&process);
        for settings in unbiased() {
            let measured = run(&process, &settings, 3_000);
            let forward = settings.estimator.is_forward();
            let want = if forward { &exact.forward_gradient } else { &exact.reverse_gradient };
            let cells = measured.mean.values().iter().zip(want.values());
            for ((mean, want), error) in cells.zip(measured.standard_error.values()) {
                let off = (mean - want).abs();
                assert!(off < 5.0 * error + 1e-12, "{settings:?}: {mean} {want} {error}");
            }
        }
    }
}

#[test]
fn what_draws_nothing_has_no_variance() {
    let measured = run(&process(0.6), &TabularSettings::new(Tabular::ForwardKlExact), 10);
    assert!(measured.variance < 1e-28 && measured.mean_squared_error < 1e-26);
    assert_eq!(measured.effective_sample_size, None);
}

/// Consistent weights come to the exact gradient; uniform ones do not.
#[test]
fn state_weights_take_away_the_bias_of_the_policys_states() {
    let process = process(0.3);
    let bias = |state_weights| {
        let new = TabularSettings::new(Tabular::ForwardKlAllActions);
        let measured = run(&process, &TabularSettings { count: 400, state_weights, ..new }, 300);
        (
            measured.bias_norm() / measured.exact_norm(),
            measured.bias_noise() / measured.exact_norm(),
        )
    };
    let (uniform, _) = bias(TabularStateWeights::Uniform);
    assert!(uniform > 0.05, "{uniform}");
    for weights in [
        TabularStateWeights::FullTrajectory,
        TabularStateWeights::Twisted,
        TabularStateWeights::ParticleSmoothing,
        TabularStateWeights::Posterior,
    ] {
        let (bias, noise) = bias(weights);
        assert!(bias < 5.0 * noise + 0.02, "{weights:?}: {bias} {noise} against {uniform}");
    }
}

/// The exact gradients of divergences between actions are derivatives of their sum over states.
#[test]
fn exact_gradients_of_action_divergences_are_derivatives() {
    let process = process(0.3);
    for estimator in [Tabular::JensenShannon, Tabular::AlphaDivergence, Tabular::MixedKl] {
        for state_weights in [TabularStateWeights::Uniform, TabularStateWeights::Posterior] {
            let new = TabularSettings::new(estimator);
            let settings = TabularSettings { state_weights, share: 0.3, order: 0.4, ..new };
            let subject = TabularSubject::new(&process, &settings).unwrap();
            let value = |cell: usize, step: f64| {
                let mut spec = process.spec().clone();
                spec.logits[cell] += step;
                divergence(&subject, &Process::new(spec).unwrap())
            };
            for (cell, exact) in subject.exact().iter().enumerate() {
                let numeric = (value(cell, 1e-5) - value(cell, -1e-5)) / 2e-5;
                assert!((exact - numeric).abs() < 1e-8, "{estimator:?}: {exact} {numeric}");
            }
        }
    }
}

/// With reverse KL alone the target's normaliser cancels: `pi_a (sum_b pi_b l_b - l_a)`, l the log ratio.
#[test]
fn exact_gradients_stay_finite_where_the_target_underflows() {
    let spec = process(0.3).spec().clone();
    let process = Process::new(ProcessSpec { alpha: 1e-4, ..spec }).unwrap();
    let exact = |share| {
        let settings = TabularSettings { share, ..TabularSettings::new(Tabular::MixedKl) };
        TabularSubject::new(&process, &settings).unwrap()
    };
    let subject = exact(0.0);
    let (moved, actions) = (&subject.process, process.actions());
    let mut want = vec![0.0; subject.exact().len()];
    let mut least = 0.0f64;
    for (t, s) in (0..process.horizon()).flat_map(|t| (0..process.states()).map(move |s| (t, s))) {
        let log_ratio =
            |a: usize| moved.log_pi_0(s, a) + subject.critic[[t, s, a]] / 1e-4 - moved.log_pi(s, a);
        let mean: f64 = (0..actions).map(|a| moved.pi(s, a) * log_ratio(a)).sum();
        let largest = (0..actions).map(log_ratio).fold(f64::NEG_INFINITY, f64::max);
        for a in 0..actions {
            least = least.min(log_ratio(a) - largest);
            let weight = subject.marginals[[t, s]] * moved.pi(s, a);
            want[s * actions + a] += weight * (mean - log_ratio(a));
        }
    }
    assert!(least < -800.0, "some target underflows: {least}");
    let size = want.iter().fold(0.0f64, |size, cell| size.max(cell.abs()));
    for (got, want) in subject.exact().iter().zip(&want) {
        assert!((got - want).abs() < 1e-9 * size, "{got} {want}");
    }
    assert!(exact(0.5).exact().iter().all(|cell| cell.is_finite()));
}

/// By the textbook, for the policy of `moved` in the states and with the target of `subject`.
fn divergence(subject: &TabularSubject, moved: &Process) -> f64 {
    let settings = &subject.settings;
    let uniform = settings.state_weights == TabularStateWeights::Uniform;
    let states = if uniform { &subject.marginals } else { &subject.posterior };
    let posterior = Exact::new(&subject.process).posterior_policy;
    let kl = |p: &[f64], q: &[f64]| p.iter().zip(q).map(|(p, q)| p * (p / q).ln()).sum::<f64>();
    let mut total = 0.0;
    for t in 0..moved.horizon() {
        for s in 0..moved.states() {
            let p = posterior.row([t, s]);
            let pi: Vec<f64> = (0..moved.actions()).map(|a| moved.pi(s, a)).collect();
            let middle: Vec<f64> = p.iter().zip(&pi).map(|(p, q)| 0.5 * (p + q)).collect();
            total += states[[t, s]]
                * match settings.estimator {
                    Tabular::JensenShannon => 0.5 * (kl(p, &middle) + kl(&pi, &middle)),
                    Tabular::MixedKl => {
                        settings.share * kl(p, &pi) + (1.0 - settings.share) * kl(&pi, p)
                    }
                    _ => {
                        let a = settings.order;
                        let affinity = p.iter().zip(&pi).map(|(p, q)| p.powf(1.0 - a) * q.powf(a));
                        (affinity.sum::<f64>() - 1.0) / (a * (a - 1.0))
                    }
                };
        }
    }
    total
}

#[test]
fn action_divergences_come_to_their_exact_gradients() {
    let process = process(0.3);
    for estimator in [Tabular::JensenShannon, Tabular::AlphaDivergence, Tabular::MixedKl] {
        for state_weights in [TabularStateWeights::Uniform, TabularStateWeights::Twisted] {
            let new = TabularSettings::new(estimator);
            let settings = TabularSettings { samples: 128, count: 64, state_weights, ..new };
            let measured = run(&process, &settings, 300);
            let (bias, noise) = (measured.bias_norm(), measured.bias_noise());
            let size = measured.exact_norm();
            assert!(bias < 5.0 * noise + 0.03 * size, "{estimator:?}: {bias} {noise} {size}");
            assert!(measured.cosine.unwrap() > 0.99);
        }
    }
}

#[test]
fn what_says_nothing_is_refused_with_its_reason() {
    let new = TabularSettings::new;
    let one = |estimator| TabularSettings { samples: 1, count: 1, ..new(estimator) };
    let weighted = TabularSettings {
        samples: 4,
        state_weights: TabularStateWeights::Twisted,
        ..one(Tabular::ForwardKl)
    };
    let cases = [
        (one(Tabular::ForwardKl), "samples = 1: forward-kl divides weights by their sum"),
        (one(Tabular::JensenShannon), "samples = 1: jensen-shannon divides"),
        (one(Tabular::MixedKl), "samples = 1: mixed-kl subtracts the mean of the other"),
        (one(Tabular::ReverseKlScore), "samples = 1: reverse-kl-score subtracts"),
        (one(Tabular::ForwardKlTrajectory), "trajectories = 1: forward-kl-trajectory divides"),
        (one(Tabular::ReverseKlTrajectory), "trajectories = 1: reverse-kl-trajectory subtracts"),
        (weighted, "trajectories = 1: twisted divides"),
        (
            TabularSettings { share: -0.5, ..new(Tabular::MixedKl) },
            "mixed-share = -0.5: from 0 to 1",
        ),
        (TabularSettings { count: 0, ..new(Tabular::ForwardKl) }, "trajectories = 0: at least 1"),
    ];
    for (settings, message) in cases {
        let refused = TabularSubject::new(&process(0.0), &settings).err().unwrap();
        assert!(refused.to_string().starts_with(message), "{refused}");
    }
    for estimator in [Tabular::ForwardKl, Tabular::ForwardKlTrajectory] {
        let settings = TabularSettings { allow_degenerate: true, ..one(estimator) };
        let measured = run(&process(0.0), &settings, 2_000);
        for (mean, error) in measured.mean.values().iter().zip(measured.standard_error.values()) {
            assert!(mean.abs() < 5.0 * error, "expectation zero: {mean} {error}");
        }
    }
}
