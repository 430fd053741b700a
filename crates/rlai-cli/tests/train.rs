//! `rlai train` and `rlai evaluate` on a real task.

mod common;

use std::fs;
use std::process::Stdio;

use common::{Room, TINY, listing};
use serde_json::Value;

fn metrics(room: &Room, run: &str) -> Vec<Value> {
    let text = fs::read_to_string(room.path(run).join("metrics.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_run_leaves_its_configuration_metrics_networks_and_result() {
    let room = Room::new();
    let printed = room.train(&["--out=run", "--objective=forward-kl", "--samples=4"]);
    let result = room.json("run/result.json");
    assert_eq!(printed, result);
    assert_eq!(result["status"], "finished");
    assert_eq!(result["steps"], 400);
    assert_eq!(result["parameters_blake3"].as_str().unwrap().len(), 64);
    let evaluations = result["evaluations"].as_array().unwrap();
    let steps: Vec<_> = evaluations.iter().map(|e| e["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, [200, 400]);
    assert_eq!(result["final_return"], evaluations[1]["return_mean"]);
    let final_return = result["final_return"].as_f64().unwrap();
    assert!((-2_000.0..0.0).contains(&final_return), "{final_return}");

    let lines = metrics(&room, "run");
    let of_kind = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).count();
    assert_eq!((of_kind("train"), of_kind("evaluation")), (4, 2));
    let last = lines.iter().rfind(|line| line["kind"] == "train").unwrap();
    assert_eq!((last["step"].as_u64(), last["updates"].as_u64()), (Some(400), Some(300)));
    let size = last["effective_sample_size"].as_f64().unwrap();
    assert!((1.0..=4.0).contains(&size), "{size}");
    let run: toml::Table = fs::read_to_string(room.path("run/run.toml")).unwrap().parse().unwrap();
    assert_eq!(run["samples"].as_integer(), Some(4));
    assert!(run["versions"].get("rlai").is_some());
    assert!(!room.path("run/result.json.partial").exists());
}

#[test]
fn every_field_of_the_metrics_is_documented() {
    let room = Room::new();
    room.train(&["--out=run"]);
    let documented =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md")).unwrap();
    let result = room.json("run/result.json");
    let lines = metrics(&room, "run");
    let fields = lines.iter().chain([&result]).flat_map(|line| line.as_object().unwrap().keys());
    for field in fields {
        assert!(documented.contains(&format!("`{field}`")), "{field}");
    }
}

/// Without what may depend on the machine.
fn comparable(room: &Room, run: &str) -> Vec<Value> {
    let mut lines = metrics(room, run);
    for line in &mut lines {
        let line = line.as_object_mut().unwrap();
        line.retain(|field, _| !field.contains("time") && !field.contains("second"));
    }
    lines
}

#[test]
fn a_seed_determines_every_bit_whatever_the_threads() {
    for objective in ["reverse-kl", "reverse-kl-score", "forward-kl"] {
        let room = Room::new();
        let objective = format!("--objective={objective}");
        let hash = |out: &str, more: &[&str]| {
            let out = format!("--out={out}");
            let result = room.train(&[&[out.as_str(), objective.as_str()], more].concat());
            result["parameters_blake3"].clone()
        };
        let first = hash("a", &[]);
        assert_eq!(hash("b", &[]), first);
        assert_eq!(hash("two-threads", &["--threads=2"]), first);
        assert_ne!(hash("other", &["--seed=1"]), first);
        assert_eq!(comparable(&room, "a"), comparable(&room, "b"));
        assert_eq!(comparable(&room, "a"), comparable(&room, "two-threads"));
    }
}

#[test]
fn a_finished_run_is_not_run_again_and_another_one_is_not_overwritten() {
    let room = Room::new();
    let first = room.train(&["--out=run"]);
    let before = listing(&room.path("run"));
    assert_eq!(room.train(&["--out=run"]), first);
    assert_eq!(listing(&room.path("run")), before);
    let other = [&["train"], TINY, &["--out=run", "--gamma=0.9"]].concat();
    let told = room.refused(&other);
    assert!(told.contains("another run") && told.contains("gamma: 0.99 there, 0.9 here"), "{told}");
    fs::create_dir(room.path("mine")).unwrap();
    room.write("mine/notes.txt", "mine");
    let mine = [&["train"], TINY, &["--out=mine"]].concat();
    assert!(room.refused(&mine).contains("something that is not a run"));
}

#[test]
fn a_trained_policy_can_be_played() {
    let room = Room::new();
    room.train(&["--out=run"]);
    let play = |more: &[&str]| -> Value {
        let arguments = [&["evaluate", "run", "--json", "--episodes=4"], more].concat();
        serde_json::from_str(&room.ok(&arguments)).unwrap()
    };
    let report = play(&[]);
    assert_eq!(report["returns"].as_array().unwrap().len(), 4);
    assert_eq!(report["step"], 400);
    assert_eq!(report["length_mean"], 200.0);
    assert_eq!(play(&[]), report);
    assert_ne!(play(&["--seed=1"])["returns"], report["returns"]);
    assert!(room.ok(&["evaluate", "run"]).contains("of 10 episodes"));
}

#[test]
fn a_run_starts_from_the_networks_of_another() {
    let room = Room::new();
    let first = room.train(&["--out=first"]);
    // No update is made: the networks must be those that it started from.
    let second = room.train(&["--out=second", "--init-from=first", "--learning-starts=400"]);
    assert_eq!(second["parameters_blake3"], first["parameters_blake3"]);
    let fresh = room.train(&["--out=third", "--learning-starts=400"]);
    assert_ne!(fresh["parameters_blake3"], first["parameters_blake3"]);
}

#[test]
fn progress_goes_to_standard_error_and_quiet_is_quiet() {
    let room = Room::new();
    let output = room.rlai(&[&["train", "--out=a"], TINY].concat());
    assert!(output.stdout.is_empty());
    let told = common::complaint(&output);
    assert!(told.contains("step 200: return") && told.contains("rlai evaluate a"), "{told}");
    let output = room.rlai(&[&["train", "--out=b", "--quiet"], TINY].concat());
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty());
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_the_networks_and_says_so() {
    for signal in ["-INT", "-TERM"] {
        let room = Room::new();
        let long = ["--steps=30000000", "--out=run", "--json"];
        let mut command = room.command(&[&["train"], TINY, &long].concat());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let metrics = room.path("run/attempt-1/metrics.jsonl");
        common::wait_until(|| fs::metadata(&metrics).is_ok_and(|file| file.len() > 0));
        let id = child.id().to_string();
        assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(75));
        let told = common::complaint(&output);
        assert!(told.contains("stopped after") && told.contains("networks in run"), "{told}");
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(printed["status"], "stopped");
        assert!(!room.path("run/result.json").exists());
        let played = room.ok(&["evaluate", "run", "--json", "--episodes=1"]);
        let played: Value = serde_json::from_str(&played).unwrap();
        assert_eq!(played["step"], printed["steps"]);
    }
}

#[test]
fn a_number_that_is_none_stops_the_run_and_keeps_the_last_good_networks() {
    let room = Room::new();
    let wild = ["--learning-rate=1e30", "--out=run"];
    let output = room.rlai(&[&["train"], TINY, &wild].concat());
    let told = common::complaint(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let kept =
        "the last good networks, of step 0, are kept in run/attempt-1/checkpoints/000000000000";
    assert!(told.contains("step ") && told.contains(kept), "{told}");
    assert!(!room.path("run/result.json").exists());
    room.ok(&["evaluate", "run", "--episodes=1"]);
    let manifest = room.json("run/attempt-1/checkpoints/000000000000/run.json");
    assert_eq!(manifest["step"], 0);
}

/// Numbers that say nothing are not written: a single weight is one whatever the policy, a tail that was
/// not fitted is not light, and an objective without a temperature has none.
#[test]
fn metrics_hold_nothing_where_there_is_nothing_to_tell() {
    let room = Room::new();
    let line = |flags: &[&str], out: &str| -> Value {
        let out_flag = format!("--out={out}");
        room.train(&[flags, &[&out_flag]].concat());
        let lines = metrics(&room, out);
        lines.into_iter().rfind(|line| line["kind"] == "train").unwrap()
    };
    let one = line(&["--objective=reverse-kl"], "one");
    assert!(one["effective_sample_size"].is_null() && one["forward_kl"].is_null(), "{one}");
    assert!(one["alpha"].is_f64() && one.get("pareto_k").is_none());
    let many = line(&["--objective=forward-kl", "--samples=4"], "many");
    assert!(many["effective_sample_size"].as_f64().is_some_and(|size| (1.0..=4.0).contains(&size)));
    let mpo = line(&["--objective=mpo"], "mpo");
    assert!(mpo["alpha"].is_null() && mpo["eta"].is_f64(), "{mpo}");
    let awac = line(&["--objective=awac"], "awac");
    assert!(awac["alpha"].is_null() && awac["largest_weight"].is_null(), "{awac}");
}
