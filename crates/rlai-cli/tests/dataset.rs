//! Data sets: recorded by one command, learned from by another.

mod common;

use common::Room;

/// A room with a few steps of an untrained policy on Pendulum, in `played.npz`.
fn recorded() -> Room {
    let room = Room::new();
    room.train(&["--out=untrained"]);
    room.ok(&["evaluate", "untrained", "--sample", "--episodes=20", "--record=played.npz"]);
    room
}

fn offline(room: &Room, out: &str, more: &[&str]) -> serde_json::Value {
    let out = format!("--out={out}");
    let head = ["train", "--env=Pendulum-v1", "--dataset=played.npz", "--json", "--quiet", &out];
    let small = ["--hidden=32", "--batch=32", "--evaluation-episodes=1"];
    serde_json::from_str(&room.ok(&[&head[..], &small, more].concat())).unwrap()
}

#[test]
fn a_recording_is_learned_from_without_playing() {
    let room = recorded();
    let result = offline(&room, "awac", &["--objective=awac", "--steps=200", "--log-every=100"]);
    assert_eq!(result["status"], "finished");
    let metrics = std::fs::read_to_string(room.path("awac/metrics.jsonl")).unwrap();
    let line: serde_json::Value = serde_json::from_str(metrics.lines().next().unwrap()).unwrap();
    // 20 episodes of 200 steps, each with its next observation; no episode of training.
    assert_eq!((&line["buffer"], &line["episodes"]), (&4000.into(), &0.into()), "{line}");
    assert_eq!(line["updates"], 100, "a step is an update from the first one on");
    let again = offline(&room, "again", &["--objective=awac", "--steps=200", "--log-every=100"]);
    assert_eq!(result["parameters_blake3"], again["parameters_blake3"]);
    let other = offline(&room, "other", &["--objective=awr", "--steps=200"]);
    assert_ne!(result["parameters_blake3"], other["parameters_blake3"]);
}

#[test]
fn a_sampled_recording_differs_from_the_mode_and_repeats_itself() {
    let room = recorded();
    let played = |flags: &[&str]| {
        room.ok(&[&["evaluate", "untrained", "--episodes=2", "--json"], flags].concat())
    };
    assert_ne!(played(&["--sample"]), played(&[]));
    assert_eq!(played(&["--sample"]), played(&["--sample"]));
}

#[test]
fn data_that_cannot_be_learned_from_are_refused() {
    let room = recorded();
    let refused = |arguments: &[&str]| {
        room.refused(&[&["train", "--env=Pendulum-v1", "--objective=awac"], arguments].concat())
    };
    assert!(refused(&["--dataset=absent.npz"]).contains("dataset = \"absent.npz\""));
    room.write("text.npz", "not an archive");
    assert!(refused(&["--dataset=text.npz"]).contains("not a NumPy archive"));
    let whole = std::fs::read(room.path("played.npz")).unwrap();
    std::fs::write(room.path("half.npz"), &whole[..whole.len() / 2]).unwrap();
    assert!(refused(&["--dataset=half.npz"]).contains("not a NumPy archive"));
    let complaint = refused(&["--dataset=played.npz", "--learning-starts=10"]);
    assert!(complaint.contains("learning_starts = 10: without effect"), "{complaint}");
    assert!(refused(&["--dataset=played.npz", "--buffer=10"]).contains("buffer = 10: without"));
    let complaint = room.refused(&[
        "train",
        "--env=Pendulum-v1",
        "--objective=forward-kl",
        "--dataset=played.npz",
        "--proposal-replay",
    ]);
    assert!(complaint.contains("proposal_replay = true: not with a data set"), "{complaint}");
    let complaint = room.refused(&[
        "train",
        "--env=HalfCheetah-v5",
        "--objective=awac",
        "--dataset=played.npz",
    ]);
    assert!(complaint.contains("observations holds 12000 numbers"), "{complaint}");
    assert!(
        room.refused(&["evaluate", "untrained", "--record=no/x.npz"]).contains("does not exist")
    );
    std::fs::create_dir(room.path("folder.npz")).unwrap();
    let record = |path: &str| room.refused(&["evaluate", "untrained", &format!("--record={path}")]);
    assert!(record("folder.npz").contains("something of this name"));
    assert!(record("played.npz").contains("something of this name"));
    assert!(record("untrained/run.toml").contains("a name that ends in .npz"));
}

/// What is learned depends on what is in the file: another content is another run.
#[test]
fn another_content_under_the_same_name_is_another_run() {
    let room = recorded();
    let train = ["train", "--env=Pendulum-v1", "--objective=awac", "--dataset=played.npz"];
    let small = ["--steps=20", "--hidden=8", "--batch=8", "--evaluation-episodes=1", "--out=run"];
    let arguments = [&train[..], &small].concat();
    room.ok(&arguments);
    let again = room.rlai(&arguments);
    assert!(common::complaint(&again).contains("already finished"));
    std::fs::remove_file(room.path("played.npz")).unwrap();
    room.ok(&["evaluate", "untrained", "--sample", "--seed=5", "--record=played.npz"]);
    assert!(room.refused(&arguments).contains("input_blake3 (the files that it learns"));
}
