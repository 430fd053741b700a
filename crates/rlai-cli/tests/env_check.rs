//! `rlai env check`: what it prints and with which code it exits.

use std::process::{Command, Output};

fn check(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rlai"));
    command.args(["env", "check"]).args(arguments).output().unwrap()
}

#[test]
fn a_task_that_keeps_the_contract_exits_with_0() {
    let output = check(&["CartPole-v1", "--steps", "500", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = told["checks"].as_array().unwrap();
    assert_eq!((told["env"].as_str(), checks.len()), (Some("CartPole-v1"), 9));
    let results: Vec<_> = checks.iter().map(|check| check["result"].as_str().unwrap()).collect();
    assert!(!results.contains(&"fail") && results.contains(&"skip"), "{results:?}");
    let output = check(&["probe:both:hybrid", "--seed", "3"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().contains("snapshot"));
}

#[test]
fn bad_input_exits_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let map = folder.path().join("bad.txt");
    std::fs::write(&map, "S?").unwrap();
    let grid = format!("grid:{}", map.display());
    for (arguments, told) in [
        (&["CartPol-v1"][..], "did you mean CartPole-v1?"),
        (&["probe:none:box"], "KIND one of constant"),
        (&[grid.as_str()], "bad.txt:1: column 2: '?'"),
        (&["CartPole-v1", "--steps", "0"], "steps = 0: from 1 to 1000000"),
        (&["CartPole-v1", "--seed", "-1"], "seed = -1: at least 0"),
    ] {
        let output = check(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(told), "{error}");
        assert!(output.stdout.is_empty());
    }
}
