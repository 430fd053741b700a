//! Measurements of tabular estimators against exact moments: `golden/estimators.json`, every trajectory
//! enumerated, and the asymptotic constants of self-normalised weights.

mod tabular;

use std::collections::BTreeMap;

use rlai::estimator::trajectory::{Baseline, ReverseKlTrajectory};
use rlai::lab::measure::{
    Critic, Measurement, Plan, StateSource, Tabular, TabularSettings, TabularStateWeights,
    TabularSubject, measure,
};
use rlai::lab::{Process, ProcessSpec};
use serde::Deserialize;

use tabular::{Case, Moments, case, moments};

fn process(case: &Case, horizon: usize) -> Process {
    let flat = |rows: &[Vec<f64>]| rows.concat();
    let spec = ProcessSpec {
        states: case.S,
        actions: case.A,
        horizon,
        alpha: case.alpha,
        z0: 1.0,
        rho0: case.rho0.clone(),
        transitions: case.P.iter().flatten().flatten().copied().collect(),
        rewards: flat(&case.r),
        default_policy: flat(&case.pi0),
        logits: flat(&case.pi).iter().map(|pi| pi.ln()).collect(),
        gamma: None,
    };
    Process::new(spec).unwrap()
}

fn run(process: &Process, settings: &TabularSettings, repetitions: usize) -> Measurement {
    let subject = TabularSubject::new(process, settings).unwrap();
    let plan = Plan { repetitions, seed: 3, stream: "golden".to_owned(), threads: 2 };
    measure(&subject, &plan, &|_| {}).unwrap()
}

fn settings(estimator: Tabular, samples: usize, count: usize) -> TabularSettings {
    let new = TabularSettings::new(estimator);
    TabularSettings { samples, count, allow_degenerate: true, ..new }
}

/// Mean and variance within five standard errors of exact ones.
fn assert_moments(measured: &Measurement, mean: &[f64], variance: f64, what: &str) {
    let cells = measured.mean.values().iter().zip(mean);
    for ((got, want), error) in cells.zip(measured.standard_error.values()) {
        assert!((got - want).abs() < 5.0 * error + 1e-12, "{what}: {got} {want} {error}");
    }
    assert_variance(measured, variance, what);
}

fn assert_variance(measured: &Measurement, variance: f64, what: &str) {
    let (got, error) = (measured.variance, measured.variance_standard_error);
    assert!((got - variance).abs() < 5.0 * error, "{what}: variance {got} {variance} {error}");
}

#[test]
fn weighted_trajectories_have_their_exact_moments() {
    for name in ["A2_H1", "A2_H4", "A2_H6", "A3_H4"] {
        let case = case(name);
        for (count, exact) in &case.traj_snis_exact {
            let count: usize = count.parse().unwrap();
            let settings = settings(Tabular::ForwardKlTrajectory, 1, count);
            let measured = run(&process(&case, case.H), &settings, 4_000);
            let what = format!("{name} M = {count}");
            assert_moments(&measured, &exact.mean.concat(), exact.trace_var, &what);
            if count == 1 {
                let error = measured.bias_noise();
                assert!(measured.mean.values().iter().all(|mean| mean.abs() < 5.0 * error));
            }
        }
    }
}

#[derive(Deserialize)]
struct ActionMoments {
    mean: Vec<f64>,
    trace_var: f64,
}

/// Self-normalised weights of actions in one state: proposal, log weights and exact moments.
#[derive(Deserialize)]
struct ActionCase {
    proposal: Vec<f64>,
    log_weight: Vec<f64>,
    exact_grad: Vec<f64>,
    snis: BTreeMap<String, ActionMoments>,
}

fn action_cases() -> Vec<ActionCase> {
    #[derive(Deserialize)]
    #[expect(non_snake_case, reason = "names of the file")]
    struct Golden {
        action_snis_A3_H4: Vec<ActionCase>,
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/estimators.json");
    let golden: Golden = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    golden.action_snis_A3_H4
}

impl ActionCase {
    /// One state and one step, in which an action's weight is its reward.
    fn process(&self) -> Process {
        let actions = self.proposal.len();
        let spec = ProcessSpec {
            states: 1,
            actions,
            horizon: 1,
            alpha: 1.0,
            z0: 1.0,
            rho0: vec![1.0],
            transitions: vec![1.0; actions],
            rewards: self.log_weight.clone(),
            default_policy: self.proposal.clone(),
            logits: self.proposal.iter().map(|pi| pi.ln()).collect(),
            gamma: None,
        };
        Process::new(spec).unwrap()
    }

    /// `-(1/N) E[w^2 (h - g)]` and `(1/N) E[w^2 |h - g|^2]` without 1/N, w of mean 1: |bias|, variance.
    fn asymptotics(&self) -> (f64, f64) {
        let weights: Vec<f64> = self.log_weight.iter().map(|w| w.exp()).collect();
        let mean: f64 = self.proposal.iter().zip(&weights).map(|(p, w)| p * w).sum();
        let (mut bias, mut variance) = (vec![0.0; weights.len()], 0.0);
        for (a, weight) in weights.iter().enumerate() {
            let square = self.proposal[a] * (weight / mean).powi(2);
            for (b, bias) in bias.iter_mut().enumerate() {
                let hit = if a == b { 1.0 } else { 0.0 };
                let distance = -(hit - self.proposal[b]) - self.exact_grad[b];
                *bias -= square * distance;
                variance += square * distance * distance;
            }
        }
        (norm(&bias), variance)
    }
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

#[test]
fn weighted_actions_have_their_exact_moments() {
    for (state, case) in action_cases().iter().enumerate() {
        for (samples, exact) in &case.snis {
            let samples: usize = samples.parse().unwrap();
            let measured = run(&case.process(), &settings(Tabular::ForwardKl, samples, 1), 4_000);
            let what = format!("state {state}, N = {samples}");
            assert_moments(&measured, &exact.mean, exact.trace_var, &what);
        }
    }
}

/// N times bias and N times variance tend to constants, which the exact values at finite N approach.
#[test]
fn weighted_actions_approach_their_asymptotic_constants() {
    let known = [(0.79483, 0.26268), (0.840, 0.487), (0.0689, 0.609)];
    for (case, (bias, variance)) in action_cases().iter().zip(known) {
        let (got_bias, got_variance) = case.asymptotics();
        assert!((got_bias - bias).abs() < 6e-4 && (got_variance - variance).abs() < 6e-4);
        let at = |samples: &str| {
            let exact = &case.snis[samples];
            let gaps = exact.mean.iter().zip(&case.exact_grad).map(|(mean, g)| mean - g);
            let n: f64 = samples.parse().unwrap();
            (n * norm(&gaps.collect::<Vec<_>>()), n * exact.trace_var)
        };
        // What is missing is of the next order: it falls like 1/N.
        for pick in [|pair: (f64, f64)| pair.0, |pair: (f64, f64)| pair.1] {
            let limit = pick((got_bias, got_variance));
            let (half, whole) = ((pick(at("16")) - limit).abs(), (pick(at("32")) - limit).abs());
            assert!(whole < 0.75 * half, "{half} {whole} {limit}");
        }
        // Far out the measured variance is the constant.
        let measured = run(&case.process(), &settings(Tabular::ForwardKl, 512, 1), 4_000);
        let off = (512.0 * measured.variance - got_variance).abs();
        let allowed = 5.0 * 512.0 * measured.variance_standard_error + 0.02 * got_variance;
        assert!(off < allowed, "{off} of {allowed}");
    }
}

/// The same of whole trajectories, all of them enumerated.
#[test]
fn weighted_trajectories_approach_their_asymptotic_constants() {
    let case = case("A2_H4");
    let gradient = case.g_fkl.concat();
    let (mut bias, mut variance) = (vec![0.0; gradient.len()], 0.0);
    for path in case.paths() {
        let log_weight: f64 = path
            .steps
            .iter()
            .map(|&(s, a)| case.r[s][a] / case.alpha - (case.pi[s][a] / case.pi0[s][a]).ln())
            .sum();
        let square = path.probability * (2.0 * (log_weight - case.log_pO)).exp();
        let mut distance: Vec<f64> = gradient.iter().map(|g| -g).collect();
        for &(s, a) in &path.steps {
            for b in 0..case.A {
                let hit = if a == b { 1.0 } else { 0.0 };
                distance[s * case.A + b] -= hit - case.pi[s][b];
            }
        }
        bias.iter_mut().zip(&distance).for_each(|(bias, d)| *bias -= square * d);
        variance += square * norm(&distance).powi(2);
    }
    let bias = norm(&bias);
    assert!((bias - 3.9310).abs() < 6e-5 && (variance - 11.5396).abs() < 6e-5);
    let at = |exact: &Moments, m: f64| {
        let mean = exact.mean.concat();
        let gaps: Vec<f64> = mean.iter().zip(&gradient).map(|(mean, g)| mean - g).collect();
        (m * norm(&gaps), m * exact.trace_var)
    };
    // N times bias is 4.42 and N times variance 12.54 at 64 trajectories: still on their way.
    let (bias_64, variance_64) = at(&case.traj_snis_exact["64"], 64.0);
    assert!((bias_64 / bias - 1.0).abs() < 0.15 && (variance_64 / variance - 1.0).abs() < 0.1);
    let measured = run(&process(&case, 4), &settings(Tabular::ForwardKlTrajectory, 1, 512), 6_000);
    let off = (512.0 * measured.variance - variance).abs();
    let allowed = 512.0 * 5.0 * measured.variance_standard_error + 0.03 * variance;
    assert!(off < allowed, "{off} of {allowed}");
    let off = (512.0 * measured.bias_norm() - bias).abs();
    let allowed = 512.0 * 5.0 * measured.bias_noise() + 0.03 * bias;
    assert!(off < allowed, "{off} of {allowed}");
}

/// Variances of one trajectory's gradient of J = -alpha KL grow with T: every trajectory enumerated,
/// and measured.
#[test]
fn the_variance_of_reinforce_grows_with_the_horizon() {
    let known = [0.19, 2.2, 7.4, 17.1, 32.7, 55.6];
    let mut case = case("A2_H6");
    let no_values = case.v_soft_pi.clone();
    for (t, known) in known.into_iter().enumerate() {
        case.H = t + 1;
        let none = ReverseKlTrajectory { baseline: Baseline::None };
        let (_, exact) = moments(&case, &none, 1, &no_values);
        assert!((exact / known - 1.0).abs() < 0.03, "T = {}: {exact} against {known}", t + 1);
        let new = settings(Tabular::ReverseKlTrajectory, 1, 1);
        let settings = TabularSettings { baseline: Baseline::None, ..new };
        let measured = run(&process(&case, case.H), &settings, 20_000);
        let in_nats = exact / (case.alpha * case.alpha);
        assert_variance(&measured, in_nats, &format!("T = {}", t + 1));
    }
}

/// At T = 6: the baseline, not the marginalisation, does most of the work.
#[test]
fn variances_of_the_marginalised_forms_are_the_known_ones() {
    let case = case("A2_H6");
    let golden = &case.grad_J_single_sample_trace_var;
    let plain = |estimator, samples| TabularSettings {
        baseline: Baseline::None,
        ..settings(estimator, samples, 1)
    };
    let on_trajectories =
        |settings| TabularSettings { states: StateSource::Trajectories, ..settings };
    let score = |samples| plain(Tabular::ReverseKlScore, samples);
    let value = plain(Tabular::ReverseKlValueBaseline, 1);
    let all_actions = plain(Tabular::ReverseKlAllActions, 1);
    let cases = [
        (plain(Tabular::ReverseKlRewardToGo, 1), golden["reward_to_go"], 22.3, 0.05),
        (on_trajectories(score(1)), golden["trajectory_exact_Q"], 20.0, 0.05),
        (on_trajectories(value), golden["trajectory_advantage"], 0.70, 0.005),
        (on_trajectories(all_actions), f64::NAN, 0.58, 0.005),
        (score(1), f64::NAN, 19.9, 0.05),
        (score(16), f64::NAN, 1.6, 0.05),
        (value, f64::NAN, 0.737, 0.0005),
    ];
    for (settings, exact, printed, rounding) in cases {
        let measured = run(&process(&case, 6), &settings, 20_000);
        let scale = case.alpha * case.alpha;
        let (got, error) = (scale * measured.variance, scale * measured.variance_standard_error);
        let off = (got - printed).abs();
        assert!(off < 5.0 * error + rounding, "{settings:?}: {got} against {printed}, {error}");
        if !exact.is_nan() {
            assert!((exact - printed).abs() < rounding + 1e-9, "{exact} {printed}");
            assert_variance(&measured, exact / scale, &format!("{settings:?}"));
        }
    }
}

#[derive(Deserialize)]
struct Variants {
    fkl_qhat_onpolicy_states: Vec<Vec<f64>>,
    fkl_qsoft_over_alpha_onpolicy_states: Vec<Vec<f64>>,
    fkl_qclassic_over_alpha_onpolicy_states: Vec<Vec<f64>>,
    fkl_qsoft_posterior_states: Vec<Vec<f64>>,
}

fn variants(name: &str) -> Variants {
    #[derive(Deserialize)]
    struct Named {
        name: String,
        variants: Variants,
    }
    #[derive(Deserialize)]
    struct Golden {
        cases: Vec<Named>,
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/estimators.json");
    let golden: Golden = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    golden.cases.into_iter().find(|case| case.name == name).unwrap().variants
}

/// What forward KL with uniform states or another critic converges to: the known, biased gradients.
#[test]
fn practical_forms_have_their_known_limits() {
    for name in ["A2_H4", "A3_H4"] {
        let (case, limits) = (case(name), variants(name));
        let uniform = TabularStateWeights::Uniform;
        let cases = [
            (Critic::QHat, uniform, &limits.fkl_qhat_onpolicy_states),
            (Critic::Soft, uniform, &limits.fkl_qsoft_over_alpha_onpolicy_states),
            (Critic::Classic, uniform, &limits.fkl_qclassic_over_alpha_onpolicy_states),
            (Critic::Soft, TabularStateWeights::Posterior, &limits.fkl_qsoft_posterior_states),
        ];
        for (critic, state_weights, limit) in cases {
            let new = settings(Tabular::ForwardKlAllActions, 1, 4);
            let settings = TabularSettings { critic, state_weights, ..new };
            let measured = run(&process(&case, case.H), &settings, 4_000);
            let cells = measured.mean.values().iter().zip(limit.iter().flatten());
            for ((mean, want), error) in cells.zip(measured.standard_error.values()) {
                assert!((mean - want).abs() < 5.0 * error, "{name} {settings:?}: {mean} {want}");
            }
        }
    }
}
