//! Replays of finished runs that are not kept.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::Room;
use serde_json::Value;

/// Folders of replays beneath a run's.
fn replays(run: &Path) -> Vec<PathBuf> {
    common::listing(run)
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| path.to_string_lossy().contains("replay") && path.is_dir())
        .collect()
}

#[test]
fn a_finished_run_may_leave_its_replay_out() {
    let room = Room::new();
    let kept = room.train(&["--out=kept"]);
    let left = room.train(&["--out=left", "--keep-replay=false"]);
    assert_eq!(kept["parameters_blake3"], left["parameters_blake3"]);
    assert_eq!((&kept["replay_kept"], &left["replay_kept"]), (&true.into(), &false.into()));
    assert_eq!(replays(&room.path("kept")).len(), 1);
    assert_eq!(replays(&room.path("left")), Vec::<PathBuf>::new());

    // Everything else is whole, and told so.
    let inspected: Value = serde_json::from_str(&room.ok(&["inspect", "left", "--json"])).unwrap();
    let checkpoint = &inspected["attempts"][0]["checkpoints"][0];
    assert_eq!(checkpoint["replay_kept"], false);
    assert_eq!((&checkpoint["damage"], &checkpoint["replay_rows"]), (&Value::Null, &Value::Null));
    let told = room.ok(&["inspect", "left"]);
    assert!(told.contains("whole") && told.contains("replay not kept"), "{told}");
    assert!(told.ends_with("keep_replay = false): it cannot go on further\n"), "{told}");
    let of_checkpoint = ["inspect", "left/attempt-1/checkpoints/000000000400"];
    assert!(room.ok(&of_checkpoint).contains("replay not kept"));
    room.ok(&["evaluate", "left", "--episodes=1"]);

    // What is damaged is still found.
    let moments = "left/attempt-1/checkpoints/000000000400/moments.safetensors";
    let whole = fs::read(room.path(moments)).unwrap();
    fs::write(room.path(moments), &whole[..whole.len() - 1]).unwrap();
    let damaged = room.rlai(&["inspect", "left"]);
    assert_eq!(damaged.status.code(), Some(1));
    fs::write(room.path(moments), whole).unwrap();

    // It is finished for good; the other goes on.
    let told = room.refused(&["resume", "left", "--steps=500"]);
    assert!(told.contains("its replay was not kept (keep_replay = false)"), "{told}");
    room.ok(&["resume", "left"]);
    room.ok(&["resume", "kept", "--steps=500"]);
}

#[test]
fn a_run_that_has_not_finished_keeps_its_replay() {
    let room = Room::new();
    let run = room.path("run");
    let long = ["--keep-replay=false", "--checkpoint-every=100", "--out=run", "--steps=30_000_000"];
    let mut command = room.command(&[&["train"], common::TINY, &long].concat());
    let mut child = command.stderr(std::process::Stdio::null()).spawn().unwrap();
    common::wait_until(|| run.join("attempt-1/checkpoints/000000000300").exists());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(replays(&run).len(), 1);
    let told = room.ok(&["inspect", "run"]);
    assert!(told.contains("replay: ") && told.contains("go on from step"), "{told}");
}

#[test]
fn what_has_no_replay_loses_nothing() {
    let room = Room::new();
    let run = [
        "train",
        "--env=CartPole-v1",
        "--objective=reverse-kl-reward-to-go",
        "--steps=400",
        "--trajectories=2",
        "--hidden=8",
        "--evaluation-episodes=1",
        "--keep-replay=false",
        "--out=run",
        "--json",
    ];
    let result: Value = serde_json::from_str(&room.ok(&run)).unwrap();
    assert_eq!(result["replay_kept"], true);
    room.ok(&["resume", "run", "--steps=800"]);
}
