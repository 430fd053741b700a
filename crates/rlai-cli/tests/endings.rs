//! How runs end: what is published, and what ends them besides the signals that a user sends.
#![cfg(unix)]

mod common;

use std::fs;
use std::process::Command;

use common::{Room, TINY, complaint};
use serde_json::Value;

fn state_of_checkpoint(room: &Room, run: &str) -> Value {
    let text = fs::read_to_string(room.path(run).join("checkpoint/state.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn an_evaluation_that_was_due_is_saved_with_its_step() {
    let room = Room::new();
    let long = ["--evaluate-every=100000", "--evaluation-episodes=4000"];
    let arguments = [&["train", "--quiet", "--out=run"], TINY, &long].concat();
    let child = room.start(&arguments);
    // The last line of training is written right before the only evaluation.
    let metrics = room.path("run/attempt-1/metrics.jsonl");
    let at_the_end =
        || fs::read_to_string(&metrics).is_ok_and(|text| text.contains("\"step\":400,"));
    while !at_the_end() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.signal("-TERM");
    let output = child.end();
    assert_eq!(output.status.code(), Some(75), "{}", complaint(&output));
    let saved = room.path("run/attempt-1/checkpoints/000000000400/state.json");
    assert!(fs::read_to_string(saved).unwrap().contains("evaluation_due"), "it was over too soon");
    room.ok(&["resume", "run", "--quiet"]);
    assert!(!state_of_checkpoint(&room, "run").to_string().contains("evaluation_due"));
    // What is published names all of the metrics.
    let manifest = fs::read_to_string(room.path("run/checkpoint/run.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let bytes = fs::metadata(room.path("run/metrics.jsonl")).unwrap().len();
    assert_eq!(manifest["extra"]["metrics_bytes"], bytes, "{manifest}");
}

#[test]
fn a_damaged_result_is_named_with_the_way_on() {
    let room = Room::new();
    let whole = room.train(&["--out=run"]);
    let path = room.path("run/result.json");
    let result = fs::read(&path).unwrap();
    for damaged in [&result[..100], b"\xff\xfe", b""] {
        fs::write(&path, damaged).unwrap();
        for arguments in [&["resume", "run"][..], &["resume", "run", "--steps=800"]] {
            let output = room.rlai(arguments);
            let told = complaint(&output);
            assert_eq!(output.status.code(), Some(2), "{told}");
            assert!(
                told.contains("result.json is damaged") && told.contains("remove it"),
                "{told}"
            );
            assert_eq!(fs::read(&path).unwrap(), damaged);
        }
    }
    fs::remove_file(&path).unwrap();
    room.ok(&["resume", "run", "--quiet"]);
    let again: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(again["parameters_blake3"], whole["parameters_blake3"]);
}

#[test]
fn a_result_of_another_seed_is_not_this_run_s() {
    let room = Room::new();
    for seed in ["0", "1"] {
        room.train(&[&format!("--out=run{seed}"), "--seed", seed]);
    }
    fs::copy(room.path("run0/result.json"), room.path("run1/result.json")).unwrap();
    let output = room.rlai(&["resume", "run1"]);
    let told = complaint(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("that of reverse-kl, seed 0, not of reverse-kl, seed 1"), "{told}");
}

/// A run of [`TINY`] settings that was stopped after step 200.
fn stopped() -> Room {
    let room = Room::new();
    let long = ["--steps=100000", "--checkpoint-every=100"];
    let child = room.start(&[&["train", "--quiet", "--out=run"], TINY, &long].concat());
    while room.newest_step("run").is_none_or(|step| step < 200) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.signal("-TERM");
    assert_eq!(child.end().status.code(), Some(75));
    room
}

fn change(room: &Room, file: &str, from: &str, to: &str) {
    let text = fs::read_to_string(room.path(file)).unwrap();
    assert!(text.contains(from), "{text}");
    room.write(file, &text.replacen(from, to, 1));
}

#[test]
fn a_run_does_not_go_on_with_other_settings() {
    let room = stopped();
    change(&room, "run/run.toml", "gamma = 0.99", "gamma = 0.5");
    let output = room.rlai(&["resume", "run"]);
    let told = complaint(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("gamma: 0.99 there, 0.5 here"), "{told}");
}

#[test]
fn metrics_of_other_content_are_not_counted_on() {
    let room = stopped();
    let metrics = "run/attempt-1/metrics.jsonl";
    change(&room, metrics, "\"step\":200,\"return_mean\":-", "\"step\":200,\"return_mean\":+");
    let output = room.rlai(&["resume", "run", "--quiet"]);
    let told = complaint(&output);
    assert!(told.contains("are not what was written"), "{told}");
}

#[test]
fn metrics_that_are_cut_while_a_run_writes_them_end_it() {
    let room = Room::new();
    let long = ["--steps=10000000", "--checkpoint-every=100"];
    let child = room.start(&[&["train", "--quiet", "--out=run"], TINY, &long].concat());
    while room.newest_step("run").is_none_or(|step| step < 200) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    room.write("run/attempt-1/metrics.jsonl", "");
    let output = child.end();
    let told = complaint(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("something else has changed it"), "{told}");
}

#[test]
fn a_run_that_lost_its_checkpoints_says_that_it_begins_again() {
    let room = stopped();
    fs::remove_dir_all(room.path("run/attempt-1/checkpoints")).unwrap();
    change(&room, "run/run.toml", "steps = 100000", "steps = 400");
    let output = room.rlai(&["resume", "run", "--quiet"]);
    let told = complaint(&output);
    assert!(
        output.status.success() && told.contains("it begins again from its first step"),
        "{told}"
    );
}

/// `rlai` with these arguments, started by a shell after `before`.
fn after(room: &Room, before: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    let script = format!("{before}; exec \"$0\" \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_rlai")]).args(arguments);
    command.current_dir(room.path("."));
    command
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_and_the_run_goes_on_without_it() {
    let room = Room::new();
    let arguments = [&["train", "--quiet", "--out=run", "--checkpoint-every=100"], TINY].concat();
    // Blocks of 512 bytes in some shells, of 1024 in others: enough to begin, not for a checkpoint.
    let output = after(&room, "ulimit -f 8", &arguments).output().unwrap();
    let told = complaint(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert_eq!(told.matches("error:").count(), 1, "{told}");
    assert!(told.contains("File too large"), "{told}");
    room.ok(&["resume", "run", "--quiet"]);
    let undisturbed = room.train(&["--out=whole"]);
    let result = fs::read_to_string(room.path("run/result.json")).unwrap();
    let result: Value = serde_json::from_str(&result).unwrap();
    assert_eq!(result["parameters_blake3"], undisturbed["parameters_blake3"]);
}

/// Sends SIGHUP to an endless run; whether it lived on. It is ended in any case.
fn outlives_its_terminal(room: &Room, mut command: Command) -> bool {
    let mut child = command.spawn().unwrap();
    let process = child.id().to_string();
    while !room.path("run/attempt-1/metrics.jsonl").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let signal =
        |name: &str| Command::new("kill").args([name, &process]).status().unwrap().success();
    assert!(signal("-HUP"));
    let started = std::time::Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed().as_secs() >= 3 {
            assert!(signal("-TERM"));
            assert_eq!(child.wait().unwrap().code(), Some(75));
            return true;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(child.wait().unwrap().code(), Some(75));
    false
}

/// Whoever started these tests may have them outlive a terminal: what a run inherits is said.
#[cfg(target_os = "linux")]
#[test]
fn a_run_that_shall_outlive_its_terminal_does() {
    let endless = ["train", "--quiet", "--out=run", "--steps=30000000", "--env=Pendulum-v1"];
    for (inherited, outlives) in [("--ignore-signal=HUP", true), ("--default-signal=HUP", false)] {
        let room = Room::new();
        let mut command = Command::new("env");
        command.args([inherited, env!("CARGO_BIN_EXE_rlai")]).args(endless);
        command.current_dir(room.path("."));
        assert_eq!(outlives_its_terminal(&room, command), outlives, "{inherited}");
    }
}
