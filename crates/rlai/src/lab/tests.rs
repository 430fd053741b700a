//! Two derivations against each other, gradients against finite differences, and the algebra that
//! exact values must obey.

use proptest::prelude::*;

use super::*;
use crate::random::Key;

/// Equal within `tolerance`, relative above 1.
fn assert_close(got: &[f64], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (got, want) in got.iter().zip(want) {
        let error = (got - want).abs() / want.abs().max(1.0);
        assert!(error < tolerance, "{what}: {got} against {want}");
    }
}

/// Processes of 2 or 3 states and actions and 1 to 5 steps, half of which end early now and then.
fn processes(seed: u64, count: usize) -> impl Iterator<Item = Process> {
    (0..count).map(move |i| {
        let mut stream = Key::from_seed(seed).indexed_stream("lab", i as u64);
        let options = RandomOptions {
            alpha: stream.uniform(0.2, 2.0),
            z0: if i % 3 == 0 { 1.0 } else { stream.uniform(0.3, 3.0) },
            termination: if i % 2 == 0 { 0.0 } else { 0.8 },
            deterministic: i % 7 == 6,
        };
        let (states, actions) = (2 + stream.below(2), 2 + stream.below(2));
        random_process(&mut stream, states, actions, 1 + i % 5, &options)
    })
}

fn changed(process: &Process, change: impl FnOnce(&mut ProcessSpec)) -> Process {
    let mut spec = process.spec().clone();
    change(&mut spec);
    Process::new(spec).unwrap()
}

#[test]
fn dynamic_programming_agrees_with_every_trajectory() {
    let mut early = 0;
    for process in processes(1, 100) {
        let exact = Exact::new(&process);
        let all = Enumeration::new(&process).unwrap();
        early += usize::from(process.may_terminate());
        let scalars = [
            (exact.log_evidence, all.log_evidence, "log p(O)"),
            (exact.soft_return, all.soft_return, "J"),
            (exact.reverse_kl, all.reverse_kl, "reverse KL"),
            (exact.forward_kl, all.forward_kl, "forward KL"),
        ];
        for (got, want, what) in scalars {
            assert_close(&[got], &[want], 1e-10, what);
        }
        let tables = [
            (&exact.reverse_gradient, &all.reverse_gradient, "reverse gradient"),
            (&exact.forward_gradient, &all.forward_gradient, "forward gradient"),
            (&exact.state_marginals, &all.state_marginals, "q(s_t)"),
            (&exact.posterior_state_marginals, &all.posterior_state_marginals, "p(s_t|O)"),
        ];
        for (got, want, what) in tables {
            assert_close(got.values(), want.values(), 1e-10, what);
        }
        for t in 0..process.horizon() {
            for s in 0..process.states() {
                if let Some(policy) = all.posterior_policy(t, s) {
                    let got = exact.posterior_policy.row([t, s]);
                    assert_close(got, &policy, 1e-10, "posterior policy");
                }
            }
        }
    }
    assert_eq!(early, 40, "half of all but those of one step");
}

/// Both divergences in terms of J, p(O) and the expected number of steps.
#[test]
fn the_reverse_divergence_is_the_soft_return_in_other_words() {
    for process in processes(2, 60) {
        let exact = Exact::new(&process);
        let steps: f64 = exact.state_marginals.values().iter().sum();
        let log_z0 = process.spec().z0.ln();
        let identity = exact.log_evidence + steps * log_z0 - exact.soft_return / process.alpha();
        assert_close(&[exact.reverse_kl], &[identity], 1e-12, "identity");
        assert!(exact.reverse_kl > 0.0 && exact.forward_kl > 0.0);
    }
}

/// Central differences of a function of the logits.
fn numeric_gradient(process: &Process, f: impl Fn(&Exact) -> f64) -> Vec<f64> {
    let h = 1e-5;
    let at = |cell: usize, step: f64| {
        f(&Exact::new(&changed(process, |spec| spec.logits[cell] += step)))
    };
    let cells = 0..process.states() * process.actions();
    cells.map(|cell| (at(cell, h) - at(cell, -h)) / (2.0 * h)).collect()
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for process in processes(3, 30) {
        let process = changed(&process, |spec| spec.gamma = Some(0.9));
        let exact = Exact::new(&process);
        let discounted = exact.discounted.as_ref().unwrap();
        let discounted_return = |e: &Exact| e.discounted.as_ref().unwrap().soft_return;
        let reverse = numeric_gradient(&process, |e| e.reverse_kl);
        assert_close(exact.reverse_gradient.values(), &reverse, 1e-7, "reverse");
        let forward = numeric_gradient(&process, |e| e.forward_kl);
        assert_close(exact.forward_gradient.values(), &forward, 1e-7, "forward");
        let gain = numeric_gradient(&process, discounted_return);
        assert_close(discounted.gradient.values(), &gain, 1e-7, "discounted");
    }
}

/// "Make all rewards negative" is innocent where every trajectory has H steps, and nowhere else.
#[test]
fn a_constant_added_to_all_rewards_matters_only_under_early_termination() {
    let mut ending = 0;
    for process in processes(4, 40).filter(|process| process.horizon() > 1) {
        let raised = changed(&process, |spec| spec.rewards.iter_mut().for_each(|r| *r += 3.0));
        // The same as Z0 divided by exp(3/alpha).
        let scale = (3.0 / process.alpha()).exp();
        let rescaled = changed(&process, |spec| spec.z0 /= scale);
        let [before, after, scaled] = [&process, &raised, &rescaled].map(Exact::new);
        let gradients = |e: &Exact| {
            [e.reverse_gradient.values(), e.forward_gradient.values()].map(<[f64]>::to_vec)
        };
        for (a, b) in gradients(&after).iter().zip(gradients(&scaled)) {
            assert_close(a, &b, 1e-10, "Z0 and a constant are one");
        }
        if process.may_terminate() {
            for (a, b) in gradients(&before).iter().zip(gradients(&after)) {
                let moved = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(moved > 1e-3, "{moved}");
            }
            ending += 1;
        } else {
            for (a, b) in gradients(&before).iter().zip(gradients(&after)) {
                assert_close(a, &b, 1e-11, "fixed number of steps");
            }
        }
    }
    assert_eq!(ending, 16);
}

#[test]
fn deterministic_dynamics_make_soft_optimal_values_alpha_q_hat() {
    let options = RandomOptions { deterministic: true, ..RandomOptions::default() };
    for seed in 0..20 {
        let process = random_process(&mut Key::from_seed(seed).stream("d"), 3, 2, 5, &options);
        let scaled: Vec<f64> =
            Values::exact(&process).q.values().iter().map(|q| process.alpha() * q).collect();
        let optimal = Values::soft_optimal(&process).q;
        assert_close(optimal.values(), &scaled, 1e-12, "Q_soft* = alpha Qhat");
    }
}

/// Jensen: the soft Q of any policy, in units of alpha, is at most Qhat (Z0 = 1).
#[test]
fn soft_values_are_at_most_q_hat() {
    let mut strict = 0;
    for process in processes(5, 60) {
        let process = changed(&process, |spec| spec.z0 = 1.0);
        let (soft, q_hat) = (Values::soft(&process).q, Values::exact(&process).q);
        for (soft, q_hat) in soft.values().iter().zip(q_hat.values()) {
            assert!(soft / process.alpha() <= q_hat + 1e-12, "{soft} {q_hat}");
            strict += usize::from(soft / process.alpha() < q_hat - 0.1);
        }
    }
    assert!(strict > 500, "{strict}");
}

/// Discounting is an end after each step with probability 1 - gamma, here written into P itself.
#[test]
fn discounting_is_survival() {
    for process in processes(6, 40) {
        let gamma = 0.9;
        let ending = changed(&process, |spec| {
            spec.transitions.iter_mut().for_each(|p| *p *= gamma);
        });
        let exact = Values::exact_discounted(&process, gamma);
        let by_hand = Values::exact(&ending);
        assert_close(exact.q.values(), by_hand.q.values(), 1e-12, "Qhat");
        assert_close(exact.v.values(), by_hand.v.values(), 1e-12, "Vhat");
        let soft = Values::soft_discounted(&process, gamma);
        assert_close(soft.q.values(), Values::soft(&ending).q.values(), 1e-12, "soft Q");
        for (t, s, a) in bellman_places(&process) {
            let (mut mean_exp, mut mean) = (process.termination(s, a), 0.0);
            for (next, p) in process.transition(s, a).iter().enumerate() {
                mean_exp += p * exact.v[[t + 1, next]].exp();
                mean += p * soft.v[[t + 1, next]];
            }
            let q_hat = process.log_optimality(s, a) + (1.0 - gamma + gamma * mean_exp).ln();
            assert_close(&[exact.q[[t, s, a]]], &[q_hat], 1e-12, "log((1-gamma) + gamma E exp V)");
            let q = process.reward(s, a) + gamma * mean;
            assert_close(&[soft.q[[t, s, a]]], &[q], 1e-12, "r + gamma E V");
        }
        let gone = Values::exact_discounted(&process, 0.0);
        let last = Values::exact(&process);
        let end = process.horizon() - 1;
        assert_eq!(gone.q.row([0]), last.q.row([end]), "gamma = 0 leaves one step");
    }
}

/// Steps but the last, with every state and action.
fn bellman_places(process: &Process) -> impl Iterator<Item = (usize, usize, usize)> {
    let cells: Vec<_> = process.cells().collect();
    (0..process.horizon() - 1)
        .flat_map(move |t| cells.clone().into_iter().map(move |(s, a)| (t, s, a)))
}

/// Rewards of ten thousand temperatures overflow every exponential; results stay exact.
#[test]
fn extreme_rewards_give_numbers() {
    for (process, scale) in processes(7, 40).zip([1e4, -1e4].into_iter().cycle()) {
        let alpha = process.alpha();
        let extreme = changed(&process, |spec| {
            spec.rewards.iter_mut().for_each(|r| *r *= scale * alpha);
        });
        let (exact, all) = (Exact::new(&extreme), Enumeration::new(&extreme).unwrap());
        assert!(all_finite(&exact));
        // Enumeration subtracts log-probabilities of size 1e5, which have 11 digits after the point.
        let got = [exact.log_evidence, exact.reverse_kl, exact.forward_kl];
        let want = [all.log_evidence, all.reverse_kl, all.forward_kl];
        assert_close(&got, &want, 1e-9, "log p(O) and both divergences");
        let gradients = (&exact.forward_gradient, &all.forward_gradient);
        assert_close(gradients.0.values(), gradients.1.values(), 1e-9, "forward gradient");
        for row in exact.posterior_policy.values().chunks(process.actions()) {
            assert_close(&[row.iter().sum()], &[1.0], 1e-9, "p*");
        }
    }
}

/// The largest rewards, the smallest and largest temperatures: finite numbers.
#[test]
fn the_ends_of_what_is_allowed_give_numbers() {
    for (process, alpha) in processes(9, 20).zip([1e-50, 1e50].into_iter().cycle()) {
        for z0 in [f64::MIN_POSITIVE, f64::MAX] {
            let edge = changed(&process, |spec| {
                (spec.alpha, spec.z0) = (alpha, z0);
                spec.rewards.iter_mut().for_each(|r| *r = r.signum() * 1e9 * alpha);
                spec.logits.iter_mut().for_each(|phi| *phi = phi.signum() * 1e9);
                spec.gamma = Some(0.9);
                spec.transitions[0] = f64::MIN_POSITIVE / 4.0;
            });
            assert!(all_finite(&Exact::new(&edge)));
        }
    }
}

fn all_finite(exact: &Exact) -> bool {
    // JSON has no other numbers than finite ones: they become null.
    !serde_json::to_string(exact).unwrap().contains("null")
}

/// The best state is all but impossible to reach: neither it nor the others may be lost.
#[test]
fn a_tiny_probability_of_a_large_value_counts() {
    for (tiny, reward) in [(1e-320, 737.0), (1e-320, 5.0), (1e-280, 600.0), (1e-30, 69.0)] {
        let text = format!(
            r#"{{"S": 2, "A": 1, "H": 2, "alpha": 1, "Z0": 1, "rho0": [1, 0],
            "P": [[[1, {tiny:e}]], [[0, 1]]], "r": [[0], [{reward}]],
            "pi0": [[1], [1]], "phi": [[0], [0]]}}"#
        );
        let process = Process::from_json(text.as_bytes()).unwrap();
        let tiny: f64 = tiny;
        // log(1 + tiny exp(reward)), term by term in logs.
        let want = (tiny.ln() + reward).exp().ln_1p();
        let exact = Exact::new(&process);
        assert_close(&[exact.log_evidence], &[want], 1e-12, "log p(O)");
        let share = want.exp_m1() / want.exp();
        assert_close(&[exact.posterior_state_marginals[[1, 1]]], &[share], 1e-12, "p(s_1|O)");
    }
}

/// A row that is 1 up to rounding must not end a trajectory: under very bad rewards an end of
/// probability 1e-16 would be the whole posterior.
#[test]
fn rounding_is_no_end() {
    let text = br#"{"S": 3, "A": 1, "H": 2, "alpha": 1, "Z0": 1, "rho0": [1, 0, 0],
        "P": [[[0.7, 0.2, 0.1]], [[0.7, 0.2, 0.1]], [[0.7, 0.2, 0.1]]],
        "r": [[-1e4], [-1e4], [-1e4]], "pi0": [[1], [1], [1]], "phi": [[0], [0], [0]]}"#;
    let process = Process::from_json(text).unwrap();
    assert!(!process.may_terminate());
    assert_close(&[Exact::new(&process).log_evidence], &[-2e4], 1e-12, "log p(O)");
}

#[test]
fn too_many_trajectories_are_not_enumerated() {
    let mut stream = Key::from_seed(8).stream("lab");
    let process = random_process(&mut stream, 3, 3, 7, &RandomOptions::default());
    let refused = Enumeration::new(&process).unwrap_err();
    assert_eq!(refused, TooMany { horizon: 7, trajectories: 9u64.pow(7) });
    let long = random_process(&mut stream, 1, 1, 1_001, &RandomOptions::default());
    assert_eq!(Enumeration::new(&long).unwrap_err().trajectories, 1);
    assert!(Exact::new(&long).log_evidence.is_finite());
}

const SMALL: &str = r#"{"S": 2, "A": 2, "H": 3, "alpha": 0.5, "Z0": 1.0, "rho0": [0.5, 0.5],
"P": [[[0.7, 0.2], [0.1, 0.9]], [[0.3, 0.4], [0.25, 0.75]]], "r": [[-1.0, -0.2], [-0.5, -1.5]],
"pi0": [[0.5, 0.5], [0.3, 0.7]], "phi": [[0.4, -0.3], [-0.2, 0.7]], "gamma": 0.9, "note": "free"}"#;

#[test]
fn what_is_refused_is_named_with_index_value_and_what_is_allowed() {
    let cases = [
        ("\"H\": 3", "\"H\": 0", "H = 0: from 1 to 1000000"),
        ("\"H\": 3", "\"H\": 999999", "H * S * A = 3999996: at most 1000000"),
        ("\"H\": 3", "\"H\": 18446744073709551615", "H = 18446744073709551615: from 1"),
        ("\"H\": 3", "\"H\": -3", "H: invalid value: integer `-3`, expected a whole number"),
        ("\"H\": 3", "\"H\": 3.5", "H: invalid type: floating point `3.5`, expected a whole"),
        ("\"H\": 3, ", "", "missing field `H`"),
        ("\"S\": 2", "\"S\": 3", "rho0 has length 2: 3 (S) expected"),
        ("\"A\": 2", "\"A\": 1", "P[0] has length 2: 1 (A) expected"),
        ("[0.25, 0.75]", "[0.25]", "P[1][1] has length 1: 2 (S) expected"),
        ("[-0.5, -1.5]]", "[-0.5, -1.5], []]", "r has length 3: 2 (S) expected"),
        ("[-0.5, -1.5]", "[-0.5]", "r[1] has length 1: 2 (A) expected"),
        ("\"alpha\": 0.5", "\"alpha\": 0", "alpha = 0: a positive number"),
        ("\"alpha\": 0.5", "\"alpha\": -0.5", "alpha = -0.5: a positive number"),
        ("\"Z0\": 1.0", "\"Z0\": 0", "Z0 = 0: a positive number"),
        ("\"gamma\": 0.9", "\"gamma\": 1.5", "gamma = 1.5: from 0 to 1"),
        ("[0.25, 0.75]", "[-0.25, 0.75]", "P[1][1][0] = -0.25: a probability, from 0 to 1"),
        ("[0.25, 0.75]", "[0.5, 0.75]", "sum of P[1][1] = 1.25: at most 1"),
        ("[0.5, 0.5],\n\"P\"", "[0.5, 0.4],\n\"P\"", "sum of rho0 = 0.9: 1 (within"),
        ("[0.3, 0.7]", "[0.3, 0.6]", "sum of pi0[1] = 0.8999999999999999: 1 (within"),
        ("[0.3, 0.7]", "[0, 1]", "pi0[1][0] = 0: a positive probability"),
        ("-1.5", "-1e9", "r[1][1] = -1000000000: finite, and at most 1e9 alpha in size"),
        ("-1.5", "-1e999", "r[1][1]: number out of range"),
        ("-1.5", "\"low\"", "r[1][1]: invalid type: string \"low\", expected a number"),
        ("-1.5", "NaN", "line 2, column"),
        ("\"free\"}", "\"free\"} 1", "trailing characters"),
        ("\"free\"}", "\"free\"", "EOF while parsing an object"),
    ];
    for (from, to, message) in cases {
        assert!(SMALL.contains(from), "{from}");
        let error = Process::from_json(SMALL.replacen(from, to, 1).as_bytes()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(message), "{from} -> {to}: {text}");
    }
    let not_finite = |change: fn(&mut ProcessSpec)| {
        let mut spec = Process::from_json(SMALL.as_bytes()).unwrap().spec().clone();
        change(&mut spec);
        Process::new(spec).unwrap_err().to_string()
    };
    assert!(not_finite(|spec| spec.logits[3] = f64::NAN).starts_with("phi[1][1] = NaN"));
    assert!(not_finite(|spec| spec.rewards[1] = f64::INFINITY).starts_with("r[0][1] = inf"));
    assert!(not_finite(|spec| spec.transitions[5] = f64::NAN).starts_with("P[1][0][1] = NaN"));
    assert!(not_finite(|spec| spec.z0 = f64::NAN).starts_with("Z0 = NaN"));
    let lacking = not_finite(|spec| spec.transitions.truncate(7));
    assert_eq!(lacking, "P has length 7: 8 expected");
}

#[test]
fn a_position_is_told() {
    let error = Process::from_json(SMALL.replace("-1.5", "x").as_bytes()).unwrap_err();
    let ProcessError::Json { line, column, .. } = error else { panic!("{error}") };
    assert_eq!((line, column), (2, 89));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Process::from_json(&bytes);
    }

    /// A damaged file is refused or is a process about which everything can be told.
    #[test]
    fn no_damage_breaks_the_reader(
        edits in proptest::collection::vec((0..SMALL.len(), "[0-9eE+.,\\[\\]{}\": -]{0,3}"), 1..4),
    ) {
        let mut text = SMALL.as_bytes().to_vec();
        for (at, new) in edits {
            let end = (at + 1).min(text.len());
            text.splice(at.min(end)..end, new.bytes());
        }
        if let Ok(process) = Process::from_json(&text) {
            prop_assert!(all_finite(&Exact::new(&process)));
        }
    }

    /// Any process, ends and all: probabilities sum to one, divergences are not negative, gradients
    /// move no mass in total.
    #[test]
    fn conditional_probabilities_and_scores_sum_as_they_must(
        seed in any::<u64>(),
        (states, actions, horizon) in (1usize..5, 1usize..5, 1usize..8),
        termination in 0.0f64..0.9,
    ) {
        let options = RandomOptions { termination, z0: 1.7, ..RandomOptions::default() };
        let mut stream = Key::from_seed(seed).stream("lab");
        let process = random_process(&mut stream, states, actions, horizon, &options);
        prop_assert_eq!(&Process::from_json(process.to_json().as_bytes()).unwrap(), &process);
        let exact = Exact::new(&process);
        prop_assert!(exact.reverse_kl > -1e-12 && exact.forward_kl > -1e-12);
        for marginals in [&exact.state_marginals, &exact.posterior_state_marginals] {
            let alive: Vec<f64> =
                (0..horizon).map(|t| marginals.row([t]).iter().sum::<f64>()).collect();
            prop_assert!((alive[0] - 1.0).abs() < 1e-12);
            prop_assert!(alive.windows(2).all(|pair| pair[1] <= pair[0] + 1e-12));
        }
        for gradient in [&exact.reverse_gradient, &exact.forward_gradient] {
            for s in 0..states {
                prop_assert!(gradient.row([s]).iter().sum::<f64>().abs() < 1e-10);
            }
        }
    }
}
