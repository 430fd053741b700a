//! `rlai train --tensorboard`: an event file that grows with the run, and is what `rlai export` writes.

mod common;

use std::fs;
use std::path::PathBuf;

use common::{Room, TINY, wait_until};

const FILE: &str = "events.out.tfevents.0.rlai";

/// The event files of a run's attempts, by the name of the attempt.
fn event_files(room: &Room, run: &str) -> Vec<(String, PathBuf)> {
    let mut files: Vec<_> = fs::read_dir(room.path(run))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join(FILE).exists())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path.join(FILE)))
        .collect();
    files.sort();
    files
}

/// What `rlai export` writes of a run.
fn exported(room: &Room, run: &str) -> Vec<u8> {
    let out = format!("board-of-{}", run.replace('/', "-"));
    room.ok(&["export", run, "--format=tensorboard", &format!("--out={out}")]);
    let name = PathBuf::from(run).file_name().unwrap().to_str().unwrap().to_owned();
    fs::read(room.path(&out).join(name).join(FILE)).unwrap()
}

/// How many records a file holds that may be being written.
fn records(path: &std::path::Path) -> usize {
    let bytes = fs::read(path).unwrap_or_default();
    let (mut at, mut count) = (0, 0);
    while let Some(length) = bytes.get(at..at + 8) {
        at += u64::from_le_bytes(length.try_into().unwrap()) as usize + 16;
        count += usize::from(at <= bytes.len());
    }
    count
}

#[test]
fn the_file_is_that_of_an_export_and_changes_no_bit_of_the_run() {
    let room = Room::new();
    room.train(&["--out=watched", "--tensorboard"]);
    room.train(&["--out=plain"]);
    room.same("watched", "plain", "with an event file");
    let files = event_files(&room, "watched");
    assert_eq!(files.len(), 1);
    assert!(fs::read(&files[0].1).unwrap() == exported(&room, "watched"));
    assert!(event_files(&room, "plain").is_empty());
    assert!(
        fs::read_to_string(room.path("watched/run.toml")).unwrap().contains("tensorboard = true")
    );
    assert!(!fs::read_to_string(room.path("plain/run.toml")).unwrap().contains("tensorboard"));
    // Whether somebody watches makes no other run.
    let further = room.rlai(&[&["train"], TINY, &["--out=plain", "--tensorboard"]].concat());
    assert!(further.status.success());
    assert!(event_files(&room, "plain").is_empty(), "it had finished");
}

#[cfg(unix)]
#[test]
fn it_grows_line_by_line_and_goes_on_where_a_killed_run_goes_on() {
    let room = Room::new();
    let settings = [
        &TINY[..1],
        &TINY[2..5],
        &["--steps=6000", "--evaluate-every=500", "--evaluation-episodes=1", "--log-every=20"],
        &["--checkpoint-every=300"],
    ]
    .concat();
    room.ok(&[&["train", "--out=whole"][..], &settings].concat());
    let mut run = room.start(&[&["train", "--out=run", "--tensorboard"][..], &settings].concat());
    let first = room.path("run/attempt-1").join(FILE);
    // The file is there while the run is: its version, its settings, and one record a line.
    wait_until(|| records(&first) > 2 + 30 && room.newest_step("run").is_some());
    assert!(!run.has_ended(), "the run was too short");
    run.signal("-KILL");
    run.end();
    let lines = fs::read_to_string(room.path("run/attempt-1/metrics.jsonl")).unwrap();
    let lines = lines.lines().count();
    // A line may have been written, and its event not.
    assert!((lines + 1..=lines + 2).contains(&records(&first)), "{lines}");

    room.ok(&["resume", "run"]);
    room.same("run", "whole", "killed while it was watched");
    let files = event_files(&room, "run");
    let names: Vec<&str> = files.iter().map(|(name, _)| &name[..]).collect();
    assert_eq!(names, ["attempt-2"], "one file tells all of it");
    assert!(fs::read(&files[0].1).unwrap() == exported(&room, "run"));
}

#[test]
fn a_study_may_ask_for_it() {
    let room = Room::new();
    room.write(
        "s.toml",
        "name = \"s\"\nseeds = 2\n[base]\nenv = \"Pendulum-v1\"\ntensorboard = true\n\
         steps = 800\nlearning_starts = 100\nbatch = 8\nhidden = [8]\nevaluate_every = 400\nevaluation_episodes = 1\n\
         log_every = 200\n[[variant]]\nname = \"a\"\n[[variant]]\nname = \"b\"\ntensorboard = false\n",
    );
    room.ok(&["study", "run", "s.toml"]);
    for seed in ["seed0", "seed1"] {
        let run = format!("runs/s/a/{seed}");
        let files = event_files(&room, &run);
        assert_eq!(files.len(), 1);
        assert!(fs::read(&files[0].1).unwrap() == exported(&room, &run));
        assert!(event_files(&room, &format!("runs/s/b/{seed}")).is_empty());
    }
}
