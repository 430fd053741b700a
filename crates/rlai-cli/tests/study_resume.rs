//! Studies that are killed, whole or in part, and go on: what they come to is what they would have come to.

#![cfg(unix)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use common::{Room, complaint, wait_until};
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

const RUNS: [&str; 8] = [
    "reverse/buffer=300/seed0",
    "reverse/buffer=2000/seed0",
    "forward/buffer=300/seed0",
    "forward/buffer=2000/seed0",
    "reverse/buffer=300/seed1",
    "reverse/buffer=2000/seed1",
    "forward/buffer=300/seed1",
    "forward/buffer=2000/seed1",
];

fn hashes(room: &Room, study: &str) -> BTreeMap<String, (String, Value)> {
    let of_run = |name: &&str| {
        let result = room.json(&format!("{study}/{name}/result.json"));
        let hash = result["parameters_blake3"].as_str().unwrap().to_owned();
        (name.to_string(), (hash, result["evaluations"].clone()))
    };
    RUNS.iter().map(of_run).collect()
}

fn start(room: &Room, arguments: &[&str]) -> Child {
    let mut command = room.command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn kill(pid: u64, signal: &str) -> bool {
    Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success()
}

/// The run's process, once it has saved what it has learned.
fn at_work(room: &Room, run: &Path) -> Option<u64> {
    let owner = fs::read_to_string(room.path("").join(run).join("owner.json")).ok()?;
    let owner: Value = serde_json::from_str(&owner).ok()?;
    let attempt = format!("attempt-{}/checkpoints", owner["attempt"]);
    let checkpoints = fs::read_dir(room.path("").join(run).join(attempt)).ok()?.flatten();
    let learned = checkpoints
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u64>().ok())
        .any(|step| step > 300);
    (learned && owner["released"] == false).then(|| owner["pid"].as_u64())?
}

fn status(room: &Room, study: &str) -> Value {
    serde_json::from_str(&room.ok(&["study", "status", study, "--json"])).unwrap()
}

#[test]
fn a_study_that_was_killed_ends_as_one_that_was_not() {
    let room = Room::new();
    room.write("s.toml", STUDY);
    room.ok(&["study", "run", "s.toml", "--out=whole", "--jobs=2"]);
    let whole = hashes(&room, "whole");
    assert_eq!(
        whole.values().map(|(hash, _)| hash).collect::<std::collections::BTreeSet<_>>().len(),
        8
    );

    // Whoever runs the study is killed while two runs are at work: they save themselves and end.
    let mut study = start(&room, &["study", "run", "s.toml", "--out=killed", "--jobs=2"]);
    let first: Vec<PathBuf> = RUNS[..2].iter().map(|run| Path::new("killed").join(run)).collect();
    wait_until(|| first.iter().all(|run| at_work(&room, run).is_some()));
    let refused = room.rlai(&["study", "resume", "killed"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(complaint(&refused).contains("is running this study"), "{}", complaint(&refused));
    study.kill().unwrap();
    study.wait().unwrap();
    let released = |run: &PathBuf| {
        let owner = fs::read_to_string(room.path("").join(run).join("owner.json")).unwrap();
        serde_json::from_str::<Value>(&owner).unwrap()["released"] == true
    };
    wait_until(|| first.iter().all(released));
    let stood = status(&room, "killed");
    assert_eq!(stood["coordinator"]["life"], "dead");
    assert_eq!(
        (&stood["states"]["unfinished"], &stood["states"]["missing"]),
        (&2.into(), &6.into())
    );
    let step = stood["runs"][0]["step"].as_u64().unwrap();
    assert!((300..3000).contains(&step), "{step}");
    assert_eq!(stood["runs"][0]["failures"], 0, "they ended as they were asked to");

    // It goes on; now one run is killed, which is its own failure alone.
    let mut study = start(&room, &["study", "resume", "killed", "--jobs=2"]);
    let victim = Path::new("killed").join(RUNS[3]);
    wait_until(|| at_work(&room, &victim).is_some());
    assert!(kill(at_work(&room, &victim).unwrap(), "-KILL"));
    assert_eq!(study.wait().unwrap().code(), Some(1));
    let stood = status(&room, "killed");
    assert_eq!((&stood["states"]["finished"], &stood["states"]["failed"]), (&7.into(), &1.into()));
    let failed = &stood["runs"][3];
    assert!(failed["reason"].as_str().unwrap().contains("signal: 9"), "{failed}");
    assert_eq!((&failed["attempts"], &failed["failures"]), (&1.into(), &1.into()));

    // From another folder its own is enough.
    let elsewhere = tempfile::tempdir().unwrap();
    let mut again = room.command(&["study", "resume", room.path("killed").to_str().unwrap()]);
    let output = again.current_dir(elsewhere.path()).output().unwrap();
    assert!(output.status.success(), "{}", complaint(&output));
    assert!(complaint(&output).contains("7 runs already finished"), "{}", complaint(&output));
    assert_eq!(hashes(&room, "killed"), whole);
    assert_eq!(status(&room, "killed")["states"]["finished"], 8);
    assert_eq!(common::listing(elsewhere.path()).len(), 0);
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
    assert_eq!(curves[1]["label"], "reverse, buffer = 2000");
}
