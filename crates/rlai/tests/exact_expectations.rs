//! Expected signals of a categorical policy, by adding up every possible set of draws: no randomness.

use rlai::estimator::{
    ActionEstimator, Divergence, Duals, FDivergence, ForwardKl, ForwardKlAllActions, MixedKl,
    Origin, Particles, ReverseKlAllActions, ReverseKlScore, ReverseKlValueBaseline, Signal,
};

const ACTIONS: usize = 3;
const ALPHA: f64 = 0.4;
const Q: [f64; ACTIONS] = [0.3, -0.2, 0.5];
const LOG_PI_0: [f64; ACTIONS] = [-0.7, -1.4, -1.0];

fn softmax(logits: [f64; ACTIONS]) -> [f64; ACTIONS] {
    let total: f64 = logits.iter().map(|x| x.exp()).sum();
    logits.map(|x| x.exp() / total)
}

fn policy() -> [f64; ACTIONS] {
    softmax([0.5, -0.3, 0.1])
}

/// exp(Q/alpha) pi_0, normalised.
fn target() -> [f64; ACTIONS] {
    softmax(std::array::from_fn(|a| Q[a] / ALPHA + LOG_PI_0[a]))
}

/// Gradient with respect to the logits of weights on the log probabilities of these actions.
fn logit_gradient(actions: &[usize], score: &[f64]) -> [f64; ACTIONS] {
    let pi = policy();
    let mut gradient = [0.0; ACTIONS];
    for (&action, &score) in actions.iter().zip(score) {
        for (a, gradient) in gradient.iter_mut().enumerate() {
            *gradient += score * (f64::from(u8::from(a == action)) - pi[a]);
        }
    }
    gradient
}

fn signal_gradient(
    estimator: &dyn ActionEstimator<f64>,
    actions: &[usize],
    origin: Origin,
    log_base: &[f64],
    value: f64,
) -> [f64; ACTIONS] {
    let of = |table: [f64; ACTIONS]| actions.iter().map(|&a| table[a]).collect::<Vec<_>>();
    let (log_pi, log_pi_0, q) = (of(policy().map(f64::ln)), of(LOG_PI_0), of(Q));
    let known = Particles {
        samples: actions.len(),
        origins: &vec![origin; actions.len()],
        log_pi: &log_pi,
        log_pi_0: Some(&log_pi_0),
        log_base,
        q: &q,
        dq_du: None,
        dl_du: None,
        value: Some(&[value]),
    };
    let mut signal = Signal::new(1, actions.len(), 1);
    estimator.signal(&known, &Duals::temperature(ALPHA), &mut signal);
    logit_gradient(actions, &signal.score)
}

/// The gradient's expectation over `samples` independent draws from `proposal`.
fn expected(
    estimator: &dyn ActionEstimator<f64>,
    proposal: [f64; ACTIONS],
    samples: usize,
    value: f64,
) -> [f64; ACTIONS] {
    let pi = policy();
    let mut total = [0.0; ACTIONS];
    for index in 0..ACTIONS.pow(samples as u32) {
        let actions: Vec<usize> =
            (0..samples).map(|k| index / ACTIONS.pow(k as u32) % ACTIONS).collect();
        let probability: f64 = actions.iter().map(|&a| proposal[a]).product();
        let base: Vec<f64> =
            actions.iter().map(|&a| (pi[a] / proposal[a] / samples as f64).ln()).collect();
        let gradient = signal_gradient(estimator, &actions, Origin::Proposal, &base, value);
        for (total, gradient) in total.iter_mut().zip(gradient) {
            *total += probability * gradient;
        }
    }
    total
}

fn over_all_actions(estimator: &dyn ActionEstimator<f64>) -> [f64; ACTIONS] {
    signal_gradient(estimator, &[0, 1, 2], Origin::Enumerated, &policy().map(f64::ln), 0.0)
}

/// The gradient of alpha KL(pi || target) in the logits: pi_a (f_a - mean f).
fn reverse_gradient() -> [f64; ACTIONS] {
    let pi = policy();
    let f: [f64; ACTIONS] = std::array::from_fn(|a| ALPHA * (pi[a].ln() - LOG_PI_0[a]) - Q[a]);
    let mean: f64 = (0..ACTIONS).map(|a| pi[a] * f[a]).sum();
    std::array::from_fn(|a| pi[a] * (f[a] - mean))
}

fn distance(a: [f64; ACTIONS], b: [f64; ACTIONS]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// The policy itself, and two proposals that are not.
fn proposals() -> [[f64; ACTIONS]; 3] {
    [policy(), [0.2, 0.5, 0.3], [0.6, 0.1, 0.3]]
}

#[test]
fn sums_over_all_actions_are_exact() {
    let forward: [f64; ACTIONS] = std::array::from_fn(|a| policy()[a] - target()[a]);
    let estimators: [&dyn ActionEstimator<f64>; 3] = [
        &ForwardKlAllActions,
        &ForwardKl { control_variate: true, ..ForwardKl::default() },
        &FDivergence::new(Divergence::ForwardKl),
    ];
    for estimator in estimators {
        assert!(distance(over_all_actions(estimator), forward) < 1e-14, "{}", estimator.name());
    }
    let estimators: [&dyn ActionEstimator<f64>; 3] =
        [&ReverseKlAllActions, &ReverseKlScore, &ReverseKlValueBaseline];
    for estimator in estimators {
        let error = distance(over_all_actions(estimator), reverse_gradient());
        assert!(error < 1e-14, "{}", estimator.name());
    }
    let mixed: [f64; ACTIONS] =
        std::array::from_fn(|a| 0.3 * ALPHA * forward[a] + 0.7 * reverse_gradient()[a]);
    assert!(distance(over_all_actions(&MixedKl { share: 0.3 }), mixed) < 1e-14);
}

#[test]
fn a_leave_one_out_baseline_adds_no_bias_under_any_proposal() {
    for proposal in proposals() {
        for samples in [2, 3, 4] {
            let mean = expected(&ReverseKlScore, proposal, samples, 0.0);
            assert!(distance(mean, reverse_gradient()) < 1e-14, "{samples} {mean:?}");
        }
    }
}

#[test]
fn a_given_value_adds_no_bias_however_wrong_and_one_draw_is_enough() {
    for value in [0.0, 0.9, -40.0] {
        for samples in [1, 3] {
            let mean = expected(&ReverseKlValueBaseline, policy(), samples, value);
            assert!(distance(mean, reverse_gradient()) < 1e-13, "{value} {mean:?}");
        }
    }
}

/// The true value makes less variance than none: the second moment of the gradient, by enumeration.
#[test]
fn the_true_value_is_a_good_baseline() {
    let pi = policy();
    let f: [f64; ACTIONS] = std::array::from_fn(|a| ALPHA * (pi[a].ln() - LOG_PI_0[a]) - Q[a]);
    let value: f64 = -(0..ACTIONS).map(|a| pi[a] * f[a]).sum::<f64>();
    let second_moment = |value: f64| -> f64 {
        (0..ACTIONS)
            .map(|a| {
                let estimator = &ReverseKlValueBaseline;
                let gradient = signal_gradient(estimator, &[a], Origin::Policy, &[0.0], value);
                pi[a] * gradient.iter().map(|g| g * g).sum::<f64>()
            })
            .sum()
    };
    assert!(second_moment(value) < 0.7 * second_moment(value + 0.3));
    assert!(second_moment(value) < 0.7 * second_moment(value - 0.3));
}

/// Subtracting a constant times the base weight changes no expectation, for draws from anything.
#[test]
fn control_variates_add_no_bias_under_any_proposal() {
    let families = [
        Divergence::ForwardKl,
        Divergence::ReverseKl,
        Divergence::JensenShannon,
        Divergence::Alpha(0.6),
    ];
    for proposal in proposals() {
        for samples in [1, 3] {
            let plain = expected(&ForwardKl::default(), proposal, samples, 0.0);
            let with = ForwardKl { control_variate: true, ..ForwardKl::default() };
            assert!(distance(expected(&with, proposal, samples, 0.0), plain) < 1e-14);
            for family in families {
                let plain = expected(&FDivergence::new(family), proposal, samples, 0.0);
                let with = FDivergence { family, control_variate: true };
                assert!(distance(expected(&with, proposal, samples, 0.0), plain) < 1e-14);
            }
        }
    }
}

#[test]
fn self_normalisation_says_nothing_with_one_draw_and_is_biased_like_one_over_n() {
    let exact: [f64; ACTIONS] = std::array::from_fn(|a| policy()[a] - target()[a]);
    let bias = |samples: usize| {
        let mean = expected(&ForwardKl::default(), policy(), samples, 0.0);
        distance(mean, exact)
    };
    let alone = expected(&ForwardKl::default(), policy(), 1, 0.0);
    assert!(distance(alone, [0.0; ACTIONS]) < 1e-15);
    let rate = (bias(5) / bias(10)).log2();
    assert!((0.8..1.3).contains(&rate), "{rate}");
}
