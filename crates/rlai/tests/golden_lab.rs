//! The lab against tables made apart from this code: every exact key of the golden decision processes.

use rlai::lab::{Discounted, Enumeration, Exact, Process, Values};
use serde_json::Value;

const TOLERANCE: f64 = 1e-10;

/// Keys of a case that the lab computes.
const KEYS: [&str; 17] = [
    "pi",
    "log_pO",
    "J_soft",
    "kl_reverse",
    "kl_forward",
    "g_rkl",
    "g_fkl",
    "qhat",
    "vhat",
    "q_soft_pi",
    "v_soft_pi",
    "q_classic_pi",
    "q_soft_opt",
    "v_soft_opt",
    "q_state_marginals",
    "posterior_state_marginals",
    "posterior_policy",
];

fn cases() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/estimators.json");
    let text = std::fs::read_to_string(path).expect("golden/estimators.json is committed");
    let mut all: Value = serde_json::from_str(&text).expect("it is JSON");
    match all["cases"].take() {
        Value::Array(cases) => cases,
        _ => panic!("cases are an array"),
    }
}

fn case(name: &str) -> Process {
    let case = cases().into_iter().find(|case| case["name"] == name).expect("a golden case");
    process(&case)
}

fn process(case: &Value) -> Process {
    Process::from_json(case.to_string().as_bytes()).expect("a golden process")
}

/// The same shape, and every number within 1e-10 (relative above 1).
fn assert_close(got: &Value, want: &Value, what: &str) {
    match (got, want) {
        (Value::Array(got), Value::Array(want)) => {
            assert_eq!(got.len(), want.len(), "{what}");
            for (i, (got, want)) in got.iter().zip(want).enumerate() {
                assert_close(got, want, &format!("{what}[{i}]"));
            }
        }
        _ => {
            let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{what}"));
            let (got, want) = (number(got), number(want));
            let error = (got - want).abs() / want.abs().max(1.0);
            assert!(error < TOLERANCE, "{what}: {got} against {want}");
        }
    }
}

#[test]
fn every_key_of_every_case() {
    let cases = cases();
    assert_eq!(cases.len(), 4);
    for case in &cases {
        let exact = serde_json::to_value(Exact::new(&process(case))).unwrap();
        assert_eq!(exact.as_object().unwrap().len(), KEYS.len(), "no other keys");
        for key in KEYS {
            assert_close(&exact[key], &case[key], &format!("{} {key}", case["name"]));
        }
    }
}

#[test]
fn discounted_forms_of_every_case() {
    for case in cases() {
        let discounts = case["discounted"].as_object().unwrap();
        assert_eq!(discounts.len(), 2);
        for (gamma, want) in discounts {
            let mut file = case.clone();
            file["gamma"] = gamma.parse::<f64>().unwrap().into();
            let exact = serde_json::to_value(Exact::new(&process(&file))).unwrap();
            for key in ["J", "grad_J", "q_soft"] {
                assert_close(&exact["discounted"][key], &want[key], &format!("{gamma} {key}"));
            }
            assert_close(&exact["log_pO"], &case["log_pO"], "the rest is not discounted");
        }
    }
}

#[test]
fn enumeration_of_every_case() {
    for case in cases() {
        let all = Enumeration::new(&process(&case)).unwrap();
        let number = |value: f64| serde_json::to_value(value).unwrap();
        assert_close(&number(all.log_evidence), &case["log_pO"], "log_pO");
        assert_close(&number(all.soft_return), &case["J_soft"], "J_soft");
        assert_close(&number(all.reverse_kl), &case["kl_reverse"], "kl_reverse");
        assert_close(&number(all.forward_kl), &case["kl_forward"], "kl_forward");
        let tables = [
            (&all.reverse_gradient, "g_rkl"),
            (&all.forward_gradient, "g_fkl"),
            (&all.state_marginals, "q_state_marginals"),
            (&all.posterior_state_marginals, "posterior_state_marginals"),
        ];
        for (table, key) in tables {
            assert_close(&serde_json::to_value(table).unwrap(), &case[key], key);
        }
    }
}

/// Largest `a - b`.
fn largest_excess(a: &[f64], b: impl Iterator<Item = f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| a - b).fold(f64::NEG_INFINITY, f64::max)
}

/// The classic Q was taken for a lower bound of Qhat; it is not where pi_0 is normalised.
#[test]
fn the_classic_q_may_exceed_q_hat() {
    let excess = |process: &Process| {
        let classic = Values::classic(process).q;
        let q_hat = Values::exact(process).q;
        largest_excess(classic.values(), q_hat.values().iter().map(|q| process.alpha() * q))
            / process.alpha()
    };
    let golden = excess(&case("A3_H4"));
    assert!((golden - 0.146).abs() < 5e-4, "{golden}");
    // A policy that nearly always takes the action of the largest classic value earns what pi_0, and so
    // Qhat, does not.
    let mut spec = case("A2_H4").spec().clone();
    spec.logits = vec![-8.0, 8.0, 8.0, -8.0, 8.0, -8.0];
    let greedy = excess(&Process::new(spec).unwrap());
    assert!(greedy > 1.0, "{greedy}");
}

/// Where dynamics are stochastic the soft-optimal policy is not that of exact inference.
#[test]
fn soft_optimal_values_differ_from_q_hat_under_stochastic_dynamics() {
    for (name, difference) in [("A2_H4", 0.65), ("A2_H6", 1.06)] {
        let process = case(name);
        let (q_hat, optimal) = (Values::exact(&process).q, Values::soft_optimal(&process).q);
        let scaled: Vec<f64> = q_hat.values().iter().map(|q| process.alpha() * q).collect();
        let excess = largest_excess(&scaled, optimal.values().iter().copied());
        let lack = largest_excess(optimal.values(), scaled.iter().copied());
        assert!(lack < 1e-12, "soft-optimal values are never larger");
        assert!((excess / process.alpha() - difference).abs() < 5e-3, "{name}: {excess}");
    }
}

#[test]
fn a_case_survives_its_json_to_the_last_bit() {
    for case in cases() {
        let process = process(&case);
        assert_eq!(Process::from_json(process.to_json().as_bytes()).unwrap(), process);
        let discounted = Discounted::new(&process, 1.0);
        let exact = Exact::new(&process);
        assert_eq!(discounted.q_soft, exact.q_soft, "gamma = 1 discounts nothing");
    }
}
