//! `rlai policy`: what a trained policy does in one state.

mod common;

use std::fs;

use common::Room;
use serde_json::Value;

const BANDIT: [&str; 3] = ["--env=BimodalBandit-v0", "--initial-mean=0.4", "--initial-log-std=-2"];

fn policy(room: &Room, arguments: &[&str]) -> Value {
    serde_json::from_str(&room.ok(&[&["policy", "--json"], arguments].concat())).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// Trained so little that the policy is still the one that it started with.
fn bandit(room: &Room, out: &str, more: &[&str]) {
    let out = format!("--out={out}");
    let slow = ["--policy-learning-rate=1e-12", out.as_str()];
    room.train(&[&BANDIT[..], &slow, more].concat());
}

#[test]
fn a_density_is_that_of_the_parameters_in_the_units_of_the_task() {
    let room = Room::new();
    bandit(&room, "one", &[]);
    let shown = policy(&room, &["one", "--optimal=0.1"]);
    assert_eq!(shown["observation"], serde_json::json!([1.0]), "an episode's start");
    let one = &shown["policies"][0];
    let parameters = numbers(&one["parameters"]);
    // The last layer's weights are small, not zero.
    assert!((parameters[0] - 0.4).abs() < 0.05 && (parameters[1] + 2.0).abs() < 0.05);
    let mode = numbers(&one["mode"])[0];
    assert!((mode - 2.0 * parameters[0].tanh()).abs() < 1e-5);
    let (actions, density) =
        (numbers(&one["density"]["action"]), numbers(&one["density"]["density"]));
    let mass: f64 = density.iter().sum::<f64>() * (actions[1] - actions[0]);
    assert!((mass - 1.0).abs() < 1e-4, "{mass}");
    let sd = parameters[1].exp();
    for (action, density) in actions.iter().zip(&density) {
        let u = (action / 2.0).atanh();
        let normal = (-0.5 * ((u - parameters[0]) / sd).powi(2)).exp() / (sd * 2.506_628_274_631);
        let expected = normal / (1.0 - action * action / 4.0) / 2.0;
        assert!((density - expected).abs() < 1e-4 * (1.0 + expected), "{action}");
    }
    // Of the action in [-1, 1], whose densities are twice those of the task's box.
    let surprise =
        |density: &f64| if *density > 0.0 { -density * (2.0 * density).ln() } else { 0.0 };
    let entropy: f64 = density.iter().map(surprise).sum::<f64>() * (actions[1] - actions[0]);
    let error = one["entropy_se"].as_f64().unwrap();
    assert!((one["entropy"].as_f64().unwrap() - entropy).abs() < 5.0 * error && error < 0.01);
}

#[test]
fn the_optimal_policy_is_the_reward_over_the_temperature() {
    let room = Room::new();
    bandit(&room, "one", &[]);
    let optimal = &policy(&room, &["one", "--optimal=0.1"])["optimal"];
    let (actions, density, reward) =
        (numbers(&optimal["action"]), numbers(&optimal["density"]), numbers(&optimal["reward"]));
    let peak = |action: f64| (-0.5 * (action / 0.3f64).powi(2)).exp();
    for (action, reward) in actions.iter().zip(&reward) {
        assert!((reward - peak(action - 1.0) - peak(action + 1.0)).abs() < 1e-12);
    }
    let (highest, middle) = (300, 200);
    let odds = ((reward[highest] - reward[middle]) / 0.1).exp();
    assert!((density[highest] / density[middle] / odds - 1.0).abs() < 1e-9);
}

#[test]
fn several_policies_are_drawn_together() {
    let room = Room::new();
    bandit(&room, "one", &[]);
    bandit(&room, "two", &["--policy=mixture"]);
    let names = ["one", "two", "--labels=first,second", "--optimal=0.1", "--title=Two of them"];
    let text = room.ok(&[&["policy", "--figure=both.svg"], &names[..]].concat());
    assert!(text.contains("first, trained for 400 steps\n  tanh-normal  0."), "{text}");
    assert!(text.contains("second, trained for 400 steps\n  mixture  "), "{text}");
    let svg = fs::read_to_string(room.path("both.svg")).unwrap();
    for text in ["first", "second", "optimal at 0.1", "reward", "Two of them"] {
        assert!(svg.contains(text), "{text}");
    }
    room.ok(&[&["policy", "--figure=both.png"], &names[..]].concat());
    assert!(fs::read(room.path("both.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn choices_have_probabilities() {
    let room = Room::new();
    room.train(&["--env=CartPole-v1", "--out=pole"]);
    let shown = policy(&room, &["pole", "--observation=0.01,-0.5,0,0"]);
    let one = &shown["policies"][0];
    let probabilities = numbers(&one["probabilities"][0]);
    assert_eq!(probabilities.len(), 2);
    assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-6);
    let surprise: f64 = probabilities.iter().map(|p| -p * p.ln()).sum();
    assert!((one["entropy"].as_f64().unwrap() - surprise).abs() < 1e-5);
    assert!(one["entropy_se"].is_null() && one["density"].is_null());
}

#[test]
fn choices_beside_coordinates_and_branches_have_probabilities() {
    let room = Room::new();
    room.train(&["--env=MoveAndStrength-v0", "--out=move"]);
    room.train(&["--env=probe:both:factored", "--out=factored"]);
    room.train(&["--policy=mixture", "--branches=3", "--out=mixture"]);
    let sums_to_one = |value: &Value, count: usize| {
        let probabilities = numbers(value);
        assert_eq!(probabilities.len(), count);
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-6);
        probabilities
    };
    let moves = policy(&room, &["move"])["policies"][0].clone();
    let logits = &numbers(&moves["parameters"])[..3];
    let total: f64 = logits.iter().map(|x| x.exp()).sum();
    for (p, logit) in sums_to_one(&moves["probabilities"][0], 3).iter().zip(logits) {
        assert!((p - logit.exp() / total).abs() < 1e-6);
    }
    let factored = policy(&room, &["factored"])["policies"][0].clone();
    sums_to_one(&factored["probabilities"][0], 2);
    sums_to_one(&factored["probabilities"][1], 3);
    let mixture = policy(&room, &["mixture"])["policies"][0].clone();
    sums_to_one(&mixture["branches"], 3);
    assert!(mixture["probabilities"].is_null());
}

#[test]
fn what_cannot_be_shown_is_refused_by_name() {
    let room = Room::new();
    bandit(&room, "one", &[]);
    room.train(&["--out=pendulum"]);
    room.train(&["--env=CartPole-v1", "--out=pole"]);
    for (arguments, complaint) in [
        (&["one", "--observation=1,2"][..], "observation = 1,2: 1 finite numbers"),
        (&["one", "--observation=inf"], "observation = inf: 1 finite numbers"),
        (&["one", "--optimal=0"], "optimal = 0: a temperature, a positive number"),
        (&["one", "--optimal=0.1", "--observation=0.5"], "leave --observation out"),
        (&["one", "--figure=one.pdf"], "figure = \"one.pdf\": a file that ends in .svg or .png"),
        (&["one", "--labels=a,b"], "labels = \"a,b\": 1, one for each run"),
        (&["one", "--seed=-1"], "seed = -1: at least 0"),
        (&["one", "pole"], "pole was trained on CartPole-v1, one on BimodalBandit-v0"),
        (&["pole", "--figure=pole.svg"], "figure: only a box of one coordinate"),
        (&["pole", "--optimal=1"], "optimal = 1: only where actions are a box of one coordinate"),
        (&["pendulum", "--optimal=1"], "optimal = 1: only where an episode is one action"),
        (&["nothing"], "nothing"),
    ] {
        let told = room.refused(&[&["policy"], arguments].concat());
        assert!(told.contains(complaint), "{told}");
    }
}
