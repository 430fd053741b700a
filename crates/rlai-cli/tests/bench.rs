//! `rlai bench`: what it prints. How fast anything is, no test asks.

use std::process::{Command, Output};

use serde_json::Value;

const SMALL: [&str; 4] = ["--env=Pendulum-v1", "--hidden=8", "--batch=8", "--json"];

fn bench(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rlai"));
    command.arg("bench").args(SMALL).args(arguments).output().unwrap()
}

fn told(arguments: &[&str]) -> Value {
    let output = bench(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn number(told: &Value, key: &str) -> f64 {
    told[key].as_f64().unwrap_or_else(|| panic!("{key} in {told}"))
}

/// The median lies between the least and the most.
fn check_spread(told: &Value, key: &str) {
    let (median, spread) = (number(told, key), &told["spread"][key]);
    let (least, most) = (number(spread, "least"), number(spread, "most"));
    assert!(0.0 < least && least <= median && median <= most, "{key} in {told}");
}

#[test]
fn rates_have_a_spread_and_phases_make_up_a_step() {
    let told = told(&["--seconds=1", "--runs=3", "--profile"]);
    for key in
        ["env_steps_per_second", "updates_per_second", "gemm_gflops", "fraction_of_gemm_limit"]
    {
        check_spread(&told, key);
    }
    assert_eq!((number(&told, "runs"), number(&told, "batch")), (3.0, 8.0));
    assert_eq!(told["hidden"], serde_json::json!([8]));
    let phases = told["profile"].as_array().unwrap();
    let names: Vec<_> = phases.iter().map(|phase| phase["phase"].as_str().unwrap()).collect();
    assert_eq!((names.len(), names[0], names[5]), (9, "environment", "critics"));
    let share: f64 = phases.iter().map(|phase| number(phase, "share")).sum();
    assert!((share - 1.0).abs() < 1e-9, "{share}");
    // The clock of the phases and that of the rates see the same time, but for the loop around a step.
    let milliseconds: f64 = phases.iter().map(|phase| number(phase, "milliseconds")).sum();
    assert!(milliseconds * 1e-3 < 1.0 / number(&told["spread"]["env_steps_per_second"], "least"));
}

#[test]
fn processes_at_once_are_compared_with_one_alone() {
    let told = told(&["--at-once=2", "--seconds=2", "--runs=1"]);
    for key in ["updates_per_second_alone", "updates_per_second_together", "ratio"] {
        check_spread(&told, key);
    }
    let rate = |of| number(&told, &format!("updates_per_second_{of}"));
    assert!((number(&told, "ratio") - rate("together") / rate("alone")).abs() < 1e-9);
}

#[test]
fn bad_input_exits_with_2() {
    for (arguments, reason) in [
        (&["--runs=0"][..], "runs = 0: from 1 to 100"),
        (&["--seconds=0.5"], "seconds = 0.5: from 1 to 3600"),
        (&["--at-once=1"], "at_once = 1: from 2 to 256"),
        (&["--at-once=2", "--seconds=4"], "seconds = 4: at least 10"),
        (&["--objective=v-mpo"], "an objective over actions"),
        (&["--threads=3"], "threads = 3"),
        (&["--scaling", "--profile"], "cannot be used with"),
    ] {
        let output = bench(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(reason) && output.stdout.is_empty(), "{error}");
    }
}
