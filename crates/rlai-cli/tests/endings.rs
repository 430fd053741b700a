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

#[test]
fn a_run_that_shall_outlive_its_terminal_does() {
    for (before, outlives) in [("trap '' HUP", true), (":", false)] {
        let room = Room::new();
        let endless = ["train", "--quiet", "--out=run", "--steps=100000000", "--env=Pendulum-v1"];
        let mut child = after(&room, before, &endless).spawn().unwrap();
        let process = child.id().to_string();
        while !room.path("run/attempt-1/metrics.jsonl").exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let signal =
            |name| assert!(Command::new("kill").args([name, &process]).status().unwrap().success());
        signal("-HUP");
        if outlives {
            std::thread::sleep(std::time::Duration::from_millis(500));
            assert!(child.try_wait().unwrap().is_none(), "the closed terminal ended it");
            signal("-TERM");
        }
        assert_eq!(child.wait().unwrap().code(), Some(75));
    }
}
