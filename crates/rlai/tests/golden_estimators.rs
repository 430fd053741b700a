//! Estimators and the tanh-normal against vectors made apart from this code, in double precision.

use rlai::distribution::{Draws, TanhNormal};
use rlai::estimator::{
    ActionEstimator, Duals, ForwardKl, Origin, Particles, ReverseKlReparameterised, ReverseKlScore,
    Signal, TemperatureLoss, Tempering, Weighting, effective_sample_size, temperature_residual,
};
use serde_json::Value;

const TOLERANCE: f64 = 1e-10;

fn golden(block: &str) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/estimators.json");
    let text = std::fs::read_to_string(path).expect("golden/estimators.json is committed");
    let mut all: Value = serde_json::from_str(&text).expect("it is JSON");
    all[block].take()
}

/// All numbers in a value, row-major.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(rows) => rows.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().expect("a number")],
    }
}

fn assert_close(got: &[f64], want: &Value, what: &str) {
    let want = numbers(want);
    assert_eq!(got.len(), want.len(), "{what}");
    for (got, want) in got.iter().zip(&want) {
        let error = (got - want).abs() / want.abs().max(1.0);
        assert!(error < TOLERANCE, "{what}: {got} against {want}");
    }
}

const HEAD_BOUNDS: (f64, f64) = (-20.0, 2.0);

fn head() -> TanhNormal {
    TanhNormal::new(2, HEAD_BOUNDS.0, HEAD_BOUNDS.1)
}

/// One state, five draws from the block's noise.
fn draws(block: &Value) -> (Vec<f64>, Draws<f64>) {
    let parameters = [numbers(&block["mean"]), numbers(&block["log_std"])].concat();
    let mut draws = Draws::new(1, 5, 2);
    draws.noise = numbers(&block["eps"]);
    head().sample(&parameters, &mut draws);
    (parameters, draws)
}

fn particles<'a>(draws: &'a Draws<f64>, q: &'a [f64], log_base: &'a [f64]) -> Particles<'a, f64> {
    Particles {
        samples: 5,
        origins: &[Origin::Policy; 5],
        log_pi: &draws.log_pi,
        log_pi_0: None,
        log_base,
        q,
        dq_du: None,
        dl_du: Some(&draws.dlog_pi_du),
        value: None,
    }
}

fn uniform_base() -> [f64; 5] {
    [-(5.0f64.ln()); 5]
}

#[test]
fn forward_kl_weights_ess_loss_and_gradients() {
    let block = golden("gaussian_tanh_snis");
    let (parameters, draws) = draws(&block);
    assert_close(&draws.u, &block["u"], "u");
    assert_close(&draws.action, &block["action"], "action");
    assert_close(&draws.log_pi, &block["log_pi"], "log pi");

    let (q, base) = (numbers(&block["q"]), uniform_base());
    let alpha = block["alpha"].as_f64().unwrap();
    let mut signal = Signal::new(1, 5, 2);
    ForwardKl::default().signal(
        &particles(&draws, &q, &base),
        &Duals::temperature(alpha),
        &mut signal,
    );
    let weights: Vec<f64> = signal.score.iter().map(|score| -score).collect();
    assert_close(&weights, &block["weights_correct"], "weights");
    let ess = &signal.diagnostics.effective_sample_size;
    assert_close(ess, &block["ess_correct"], "effective sample size");
    assert_close(&signal.loss, &block["loss"], "loss");
    let mut gradient = [0.0; 4];
    head().backward(&parameters, &draws, &signal, &mut gradient);
    assert_close(&gradient[..2], &block["grad_mean"], "gradient of the mean");
    assert_close(&gradient[2..], &block["grad_log_std"], "gradient of log std");
}

#[test]
fn tempering_by_alpha_gives_the_damped_weights_of_the_published_code() {
    let block = golden("gaussian_tanh_snis");
    let (_, draws) = draws(&block);
    let alpha = block["alpha"].as_f64().unwrap();
    let (q, base) = (numbers(&block["q"]), uniform_base());
    let weighting = Weighting { tempering: Tempering::Alpha, truncate: false };
    let estimator = ForwardKl { weighting, ..ForwardKl::default() };
    let mut signal = Signal::new(1, 5, 2);
    estimator.signal(&particles(&draws, &q, &base), &Duals::temperature(alpha), &mut signal);
    let weights: Vec<f64> = signal.score.iter().map(|score| -score).collect();
    assert_close(&weights, &block["weights_released_code"], "weights");
    assert_close(&[effective_sample_size(&weights)], &block["ess_released"], "ess");
    // The diagnostics are of the weights before tempering.
    let ess = &signal.diagnostics.effective_sample_size;
    assert_close(ess, &block["ess_correct"], "effective sample size");
}

#[test]
fn reparameterised_reverse_kl() {
    let block = golden("rkl_reparam_tanh_gaussian");
    let (parameters, draws) = draws(&block);
    let (c, alpha) = (numbers(&block["c"]), block["alpha"].as_f64().unwrap());
    let offset = |i: usize| draws.action[i] - c[i % 2];
    let q: Vec<f64> = (0..5).map(|k| -offset(2 * k).powi(2) - offset(2 * k + 1).powi(2)).collect();
    let mut dq_du: Vec<f64> = (0..10).map(|i| -2.0 * offset(i)).collect();
    draws.through_tanh(&mut dq_du);
    let base = uniform_base();
    let known = Particles { dq_du: Some(&dq_du), ..particles(&draws, &q, &base) };
    let mut signal = Signal::new(1, 5, 2);
    ReverseKlReparameterised.signal(&known, &Duals::temperature(alpha), &mut signal);
    assert_close(&signal.loss, &block["loss"], "loss");
    let mut gradient = [0.0; 4];
    head().backward(&parameters, &draws, &signal, &mut gradient);
    assert_close(&gradient[..2], &block["grad_mean"], "gradient of the mean");
    assert_close(&gradient[2..], &block["grad_log_std"], "gradient of log std");
}

#[test]
fn temperature_gradients() {
    let block = golden("alpha_tuning");
    let number = |key: &str| block[key].as_f64().unwrap();
    let log_pi = numbers(&block["log_pi"]);
    let mean = log_pi.iter().sum::<f64>() / log_pi.len() as f64;
    let alpha = number("log_alpha").exp();
    for (loss, key) in [
        (TemperatureLoss::LogAlpha, "sb3_dloss_dlog_alpha"),
        (TemperatureLoss::Alpha, "dJ_dlog_alpha_exact"),
    ] {
        let residual = temperature_residual(loss, alpha, mean, number("target_entropy"));
        assert_close(&[residual], &block[key], key);
    }
}

/// Log density of the frozen `u` under other parameters: noise that leads to the same `u`.
fn log_pi_of_frozen(parameters: &[f64], u: &[f64]) -> Vec<f64> {
    let mut draws = Draws::new(1, 5, 2);
    for (i, (noise, u)) in draws.noise.iter_mut().zip(u).enumerate() {
        *noise = (u - parameters[i % 2]) / parameters[2 + i % 2].exp();
    }
    head().sample(parameters, &mut draws);
    draws.log_pi
}

/// Samples are constants: the gradient is that of `sum_k score_k log pi(a_k)` with every `a_k` and
/// every score frozen, and it is not the derivative that also moves the samples.
#[test]
fn no_gradient_leaks_through_the_samples() {
    let block = golden("gaussian_tanh_snis");
    let (parameters, draws) = draws(&block);
    let (q, base, alpha) = (numbers(&block["q"]), uniform_base(), 0.2);
    let estimators: [&dyn ActionEstimator<f64>; 3] = [
        &ForwardKl::default(),
        &ForwardKl { control_variate: true, ..ForwardKl::default() },
        &ReverseKlScore,
    ];
    for estimator in estimators {
        let mut signal = Signal::new(1, 5, 2);
        estimator.signal(&particles(&draws, &q, &base), &Duals::temperature(alpha), &mut signal);
        let mut gradient = [0.0; 4];
        head().backward(&parameters, &draws, &signal, &mut gradient);
        let surrogate = |log_pi: &[f64]| -> f64 {
            signal.score.iter().zip(log_pi).map(|(score, log_pi)| score * log_pi).sum()
        };
        let frozen = |parameters: &[f64]| surrogate(&log_pi_of_frozen(parameters, &draws.u));
        let moving = |parameters: &[f64]| {
            let mut moved = draws.clone();
            head().sample(parameters, &mut moved);
            surrogate(&moved.log_pi)
        };
        let mut leak = 0.0f64;
        for i in 0..4 {
            let difference = |loss: &dyn Fn(&[f64]) -> f64| {
                let shifted = |h: f64| {
                    let mut shifted = parameters.clone();
                    shifted[i] += h;
                    loss(&shifted)
                };
                (shifted(1e-5) - shifted(-1e-5)) / 2e-5
            };
            let numeric = difference(&frozen);
            assert!((gradient[i] - numeric).abs() < 1e-8, "{}: {i}", estimator.name());
            leak = leak.max((gradient[i] - difference(&moving)).abs());
        }
        assert!(leak > 0.05, "{}: moving the samples must make a difference", estimator.name());
    }
}

/// A baseline of the wrong sign stays unbiased but lets a constant in Q through.
#[test]
fn signals_ignore_a_constant_added_to_q_and_follow_a_permutation() {
    let block = golden("gaussian_tanh_snis");
    let (_, draws) = draws(&block);
    let (q, base) = (numbers(&block["q"]), uniform_base());
    let estimators: [&dyn ActionEstimator<f64>; 2] = [&ForwardKl::default(), &ReverseKlScore];
    for estimator in estimators {
        let signal_of = |log_pi: &[f64], q: &[f64]| {
            let mut signal = Signal::new(1, 5, 2);
            let known = Particles { log_pi, ..particles(&draws, q, &base) };
            estimator.signal(&known, &Duals::temperature(0.2), &mut signal);
            signal.score
        };
        let score = signal_of(&draws.log_pi, &q);
        let raised: Vec<f64> = q.iter().map(|q| q + 123.0).collect();
        for (a, b) in score.iter().zip(signal_of(&draws.log_pi, &raised)) {
            assert!((a - b).abs() < 1e-11, "{}", estimator.name());
        }
        let turned = |values: &[f64]| {
            let mut values = values.to_vec();
            values.rotate_left(2);
            values
        };
        let rotated = signal_of(&turned(&draws.log_pi), &turned(&q));
        for (a, b) in turned(&score).iter().zip(rotated) {
            assert!((a - b).abs() < 1e-12, "{}", estimator.name());
        }
    }
}

#[test]
fn leave_one_out_by_hand() {
    let (log_pi, q, base) = ([-1.0, -0.5], [2.0, 1.0], [-(2.0f64.ln()); 2]);
    let known = Particles {
        samples: 2,
        origins: &[Origin::Policy; 2],
        log_pi: &log_pi,
        log_pi_0: None,
        log_base: &base,
        q: &q,
        dq_du: None,
        dl_du: None,
        value: None,
    };
    let mut signal = Signal::new(1, 2, 1);
    ReverseKlScore.signal(&known, &Duals::temperature(0.5), &mut signal);
    // f = alpha l - Q: -2.5 and -1.25.
    for (got, want) in signal.score.iter().zip([0.5 * (-2.5 + 1.25), 0.5 * (-1.25 + 2.5)]) {
        assert!((got - want).abs() < 1e-12);
    }
}

/// With a default policy the target is exp(Q/alpha) pi_0: where pi_0 is exp(Q/alpha) away, it moves the
/// weights just as Q does.
#[test]
fn a_default_policy_enters_as_q_over_alpha_does() {
    let block = golden("gaussian_tanh_snis");
    let (_, draws) = draws(&block);
    let (q, base, alpha) = (numbers(&block["q"]), uniform_base(), 0.2);
    let log_pi_0 = [-0.3, 0.7, -1.1, 0.2, -2.0];
    let moved: Vec<f64> = q.iter().zip(&log_pi_0).map(|(q, l)| q + alpha * l).collect();
    let estimators: [&dyn ActionEstimator<f64>; 2] = [&ForwardKl::default(), &ReverseKlScore];
    for estimator in estimators {
        let (mut with, mut without) = (Signal::new(1, 5, 2), Signal::new(1, 5, 2));
        let known = Particles { log_pi_0: Some(&log_pi_0), ..particles(&draws, &q, &base) };
        estimator.signal(&known, &Duals::temperature(alpha), &mut with);
        estimator.signal(
            &particles(&draws, &moved, &base),
            &Duals::temperature(alpha),
            &mut without,
        );
        for (a, b) in with.score.iter().zip(&without.score) {
            assert!((a - b).abs() < 1e-12, "{}", estimator.name());
        }
    }
}

/// Gradient of forward KL in the logits of `pi`, from draws of these actions.
fn forward_kl_in_logits(pi: &[f64], log_weight: &[f64], actions: &[usize]) -> Vec<f64> {
    let samples = actions.len();
    let of = |values: &[f64]| actions.iter().map(|&a| values[a]).collect::<Vec<_>>();
    let log_pi = of(&pi.iter().map(|p| p.ln()).collect::<Vec<_>>());
    let known = Particles {
        samples,
        origins: &vec![Origin::Policy; samples],
        log_pi: &log_pi,
        // The vector's weights are given whole: with pi_0 = pi they are Q/alpha.
        log_pi_0: Some(&log_pi),
        log_base: &vec![-(samples as f64).ln(); samples],
        q: &of(log_weight),
        dq_du: None,
        dl_du: None,
        value: None,
    };
    let mut signal = Signal::new(1, samples, 1);
    ForwardKl::default().signal(&known, &Duals::temperature(1.0), &mut signal);
    let total: f64 = signal.score.iter().sum();
    let mut gradient: Vec<f64> = pi.iter().map(|p| -p * total).collect();
    for (&action, score) in actions.iter().zip(&signal.score) {
        gradient[action] += score;
    }
    gradient
}

/// Mean and trace of the covariance of self-normalised forward KL over every set of N draws, against
/// values found by another way (an integral for 1/x).
#[test]
fn exact_mean_and_variance_of_self_normalised_forward_kl() {
    for case in golden("action_snis_A3_H4").as_array().expect("a list") {
        let (pi, log_weight) = (numbers(&case["proposal"]), numbers(&case["log_weight"]));
        for samples in [1usize, 2, 4, 8] {
            let (mut mean, mut square) = (vec![0.0; 3], 0.0);
            for index in 0..3usize.pow(samples as u32) {
                let actions: Vec<usize> =
                    (0..samples).map(|k| index / 3usize.pow(k as u32) % 3).collect();
                let probability: f64 = actions.iter().map(|&a| pi[a]).product();
                let gradient = forward_kl_in_logits(&pi, &log_weight, &actions);
                for (mean, g) in mean.iter_mut().zip(&gradient) {
                    *mean += probability * g;
                    square += probability * g * g;
                }
            }
            let want = &case["snis"][samples.to_string()];
            assert_close(&mean, &want["mean"], "mean");
            let variance = square - mean.iter().map(|m| m * m).sum::<f64>();
            assert_close(&[variance], &want["trace_var"], "trace of the covariance");
        }
    }
}
