//! Studies that go on: what is started again, and what is not.

#![cfg(unix)]

mod common;

use common::{Room, complaint};
use serde_json::Value;

/// Eight runs of some seconds, saved several times a second.
const STUDY: &str = "
name = \"kills\"
seeds = 2
[base]
env = \"Pendulum-v1\"
steps = 3000
learning_starts = 200
hidden = [24]
batch = 24
evaluate_every = 500
evaluation_episodes = 1
log_every = 100
checkpoint_every = 100
[grid]
buffer = [300, 2000]
[[variant]]
name = \"reverse\"
[[variant]]
name = \"forward\"
objective = \"forward-kl\"
samples = 8
";

fn status(room: &Room, study: &str) -> Value {
    serde_json::from_str(&room.ok(&["study", "status", study, "--json"])).unwrap()
}

#[test]
fn a_run_that_fails_again_and_again_is_held() {
    let room = Room::new();
    let study = STUDY.replace("samples = 8", "samples = 8\nlearning_rate = 1e30")
        + "[engine]\nmax_attempts = 2\n";
    room.write("s.toml", &study.replace("seeds = 2", "seeds = 1"));
    for _ in 0..2 {
        let output = room.rlai(&["study", "run", "s.toml"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(complaint(&output).contains("2 runs failed"), "{}", complaint(&output));
    }
    let stood = status(&room, "runs/kills");
    assert_eq!((&stood["states"]["held"], &stood["states"]["finished"]), (&2.into(), &2.into()));
    let held = &stood["runs"][2];
    assert_eq!((&held["held"], &held["failures"]), (&true.into(), &2.into()));
    let folder = room.path("runs/kills/forward");
    let before = common::listing(&folder);
    let output = room.rlai(&["study", "resume", "runs/kills"]);
    let told = complaint(&output);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        told.matches("failed 2 times, not started again (--max-attempts)").count(),
        2,
        "{told}"
    );
    assert_eq!(common::listing(&folder), before);
    // Whoever wants it may still try.
    let more = ["study", "resume", "runs/kills", "--max-attempts=3", "--only=*=300"];
    assert_eq!(room.rlai(&more).status.code(), Some(1));
    assert_eq!(status(&room, "runs/kills")["runs"][2]["failures"], 3);
    assert_eq!(status(&room, "runs/kills")["runs"][3]["failures"], 2);
}

#[test]
fn an_engine_starts_runs_one_by_one() {
    let room = Room::new();
    room.write("s.toml", &STUDY.replace("steps = 3000", "steps = 400"));
    // A run by its place and one by its name, as a cluster's jobs do; then everything else.
    let one = |name: &str| {
        let run = format!("--run={name}");
        room.ok(&["study", "run", "runs/kills", &run, "--take-over", "--on-signal=wait"]);
    };
    room.ok(&["study", "run", "s.toml", "--only=reverse/buffer=300", "--seeds=0"]);
    assert_eq!(status(&room, "runs/kills")["states"]["finished"], 1);
    one("2");
    one("forward/buffer=2000/seed1");
    let stood = status(&room, "runs/kills");
    assert_eq!((&stood["states"]["finished"], &stood["states"]["missing"]), (&3.into(), &5.into()));
    let finished = |index: usize| stood["runs"][index]["state"] == "finished";
    assert!(finished(0) && finished(2) && finished(7));
    for run in ["8", "forward/buffer=9/seed1"] {
        let told = room.refused(&["study", "run", "runs/kills", "--run", run]);
        assert!(told.contains("its place from 0 to 7"), "{told}");
    }
    let output = room.rlai(&["study", "resume", "runs/kills"]);
    assert!(complaint(&output).contains("3 runs already finished"));
    assert!(output.status.success());

    // Curves know the grid's combinations.
    let drawn: Value = serde_json::from_str(&room.ok(&["plot", "runs/kills", "--json"])).unwrap();
    let curves = drawn["curves"].as_array().unwrap();
    assert_eq!(curves.len(), 4);
    assert!(curves.iter().all(|curve| curve["runs"] == 2));
    assert_eq!(curves[1]["label"], "reverse, buffer = 2,000");
}
