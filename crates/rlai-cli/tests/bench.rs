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

/// The children of a process.
#[cfg(target_os = "linux")]
fn children(of: u32) -> Vec<u32> {
    let told =
        std::fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap_or_default();
    told.split_whitespace().map(|id| id.parse().unwrap()).collect()
}

/// Waits until something holds.
#[cfg(target_os = "linux")]
fn wait_for(what: impl Fn() -> bool) -> bool {
    (0..600).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        what()
    })
}

#[cfg(target_os = "linux")]
#[test]
fn processes_at_once_end_with_who_started_them() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rlai"));
    command.arg("bench").args(SMALL).args(["--at-once=3", "--seconds=600", "--runs=1"]);
    let mut parent = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    assert!(wait_for(|| !children(parent.id()).is_empty()));
    let started = children(parent.id());
    parent.kill().unwrap();
    parent.wait().unwrap();
    let is_gone = |id: &u32| {
        let told = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        told.is_empty() || told.contains(") Z ")
    };
    assert!(wait_for(|| started.iter().all(is_gone)), "{started:?}");
}

/// Which share of the cores' time it had is told, as a number that can be.
#[cfg(target_os = "linux")]
#[test]
fn the_share_of_the_cores_is_told() {
    let share = number(&told(&["--seconds=2", "--runs=1"]), "share_of_cores");
    assert!(0.0 < share && share <= 1.0, "{share}");
}

#[test]
fn the_objective_is_the_one_of_the_task() {
    let output = Command::new(env!("CARGO_BIN_EXE_rlai"))
        .args(["bench", "--env=CartPole-v1", "--hidden=8", "--batch=8", "--json", "--seconds=1"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["objective"], "reverse-kl-all-actions");
}

#[test]
fn bad_input_exits_with_2() {
    for (arguments, reason) in [
        (&["--runs=0"][..], "runs = 0: from 1 to 100"),
        (&["--seconds=0.5"], "seconds = 0.5: from 1 to 3600"),
        (&["--at-once=1"], "at_once = 1: from 2 to 256"),
        (&["--at-once=2", "--seconds=4"], "seconds = 4: at least 10 for 10 runs of 1 s or more"),
        (&["--runs=100", "--seconds=1"], "seconds = 1: at least 5 for 100 runs of 0.05 s or more"),
        (&["--hidden=8x8"], "widths are whole numbers with commas between them"),
        (&["--seconds=soon"], "a number from 1 to 3600 is needed"),
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
