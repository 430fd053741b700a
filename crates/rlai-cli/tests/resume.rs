//! Runs that are interrupted, through the program itself: what they go on to is what they would have come
//! to undisturbed, and whatever is in the way is told in clear words.
#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Room, TINY, complaint, listing, wait_until};
use serde_json::Value;

/// Settings that save often, so that interruptions meet a save.
const BUSY: &[&str] = &["--checkpoint-every=50", "--quiet"];

/// Lines of metrics without what may depend on the machine.
fn comparable(room: &Room, run: &str) -> Vec<Value> {
    let text = fs::read_to_string(room.path(run).join("metrics.jsonl")).unwrap();
    let comparable = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let fields = line.as_object_mut().unwrap();
        fields.retain(|field, _| !field.contains("time") && !field.contains("second"));
        line
    };
    text.lines().map(comparable).collect()
}

fn start(room: &Room, arguments: &[&str]) -> Child {
    let mut command = room.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
}

/// The checkpoints of a run, the newest first.
fn checkpoints(room: &Room, run: &str) -> Vec<PathBuf> {
    rlai::checkpoint::candidates_of_run(&room.path(run))
}

fn newest_step(room: &Room, run: &str) -> Option<u64> {
    let newest = checkpoints(room, run).into_iter().next()?;
    newest.file_name()?.to_str()?.parse().ok()
}

/// Kills a run at some moment: after a delay at first, then at or soon after its next checkpoint.
fn kill_some_time(room: &Room, run: &str, arguments: &[&str], turn: u64) {
    let before = newest_step(room, run);
    let mut child = start(room, arguments);
    if turn > 2 {
        while newest_step(room, run) == before && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    std::thread::sleep(Duration::from_millis(7 * turn));
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    let ended = output.status.success() || output.status.signal() == Some(9);
    assert!(ended, "{turn}: {}", complaint(&output));
}

/// Kills a run several times and lets it go on; compares it with the same run undisturbed.
fn check(name: &str, settings: &[&str]) {
    let room = Room::new();
    let arguments = |out: &'static str, threads: &'static str| {
        [&["train", out, threads], settings, BUSY].concat()
    };
    room.ok(&arguments("--out=whole", "--threads=1"));
    let threads = ["--threads=1", "--threads=2"];
    for turn in 0..8 {
        let broken = arguments("--out=broken", threads[turn % 2]);
        if turn == 0 || !room.path("broken/run.toml").exists() || turn % 2 == 0 {
            kill_some_time(&room, "broken", &broken, turn as u64);
        } else {
            kill_some_time(&room, "broken", &["resume", "broken", "--quiet"], turn as u64);
        }
    }
    room.ok(&["resume", "broken", "--quiet"]);
    let hash = |run: &str| room.json(&format!("{run}/result.json"))["parameters_blake3"].clone();
    assert_eq!(hash("broken"), hash("whole"), "{name}");
    assert_eq!(comparable(&room, "broken"), comparable(&room, "whole"), "{name}");
    let [whole, broken] = ["whole", "broken"].map(|run| room.json(&format!("{run}/result.json")));
    assert_eq!(broken["evaluations"], whole["evaluations"], "{name}");
    assert!(room.path("broken/attempt-2").exists(), "{name}: it was never interrupted");
    assert!(room.ok(&["inspect", "broken"]).contains("finished"), "{name}");
}

const SMALL: &[&str] = &[
    "--steps=1200",
    "--hidden=16,16",
    "--evaluate-every=300",
    "--evaluation-episodes=1",
    "--log-every=100",
];

fn with_replay<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [SMALL, &["--learning-starts=60", "--batch=16", "--buffer=700"], more].concat()
}

#[test]
fn a_killed_run_of_reverse_kl_is_the_undisturbed_one() {
    check("reverse KL", &with_replay(&["--env=Pendulum-v1"]));
}

#[test]
fn a_killed_run_of_forward_kl_is_the_undisturbed_one() {
    let more = ["--env=Pendulum-v1", "--objective=forward-kl", "--samples=4"];
    check("forward KL", &with_replay(&more));
}

#[test]
fn a_killed_run_on_choices_is_the_undisturbed_one() {
    check("CartPole", &with_replay(&["--env=CartPole-v1"]));
}

#[test]
fn a_killed_run_on_hybrid_actions_is_the_undisturbed_one() {
    check("hybrid", &with_replay(&["--env=MoveAndStrength-v0"]));
}

#[test]
fn a_killed_run_on_trajectories_is_the_undisturbed_one() {
    let more = ["--env=CartPole-v1", "--objective=reverse-kl-reward-to-go", "--trajectories=4"];
    let room = Room::new();
    let settings = [SMALL, &more, BUSY, &["--steps=6000"]].concat();
    room.ok(&[&["train", "--out=whole"], settings.as_slice()].concat());
    let broken = [&["train", "--out=broken"], settings.as_slice()].concat();
    for turn in 0..6 {
        kill_some_time(&room, "broken", &broken, turn);
    }
    room.ok(&["resume", "broken", "--quiet"]);
    assert!(room.path("broken/attempt-2").exists(), "it was never interrupted");
    let hash = |run: &str| room.json(&format!("{run}/result.json"))["parameters_blake3"].clone();
    assert_eq!(hash("broken"), hash("whole"));
    assert_eq!(comparable(&room, "broken"), comparable(&room, "whole"));
}

/// A run that goes on until it is told to stop, and has been saved a few times.
fn endless(room: &Room, more: &[&str]) -> Child {
    let long = ["--steps=30000000", "--out=run"];
    let child = start(room, &[&["train"], TINY, BUSY, &long, more].concat());
    wait_until(|| newest_step(room, "run") >= Some(150));
    child
}

#[test]
fn signals_save_and_the_run_goes_on_from_that_step() {
    let room = Room::new();
    for name in ["-TERM", "-INT", "-USR1"] {
        let child = endless(&room, &["--json"]);
        let before = newest_step(&room, "run");
        wait_until(|| newest_step(&room, "run") > before);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(75), "{}", complaint(&output));
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(printed["status"], "stopped");
        assert_eq!(newest_step(&room, "run"), printed["steps"].as_u64());
        let inspected: Value =
            serde_json::from_str(&room.ok(&["inspect", "run", "--json"])).unwrap();
        assert_eq!(inspected["step"], printed["steps"]);
        assert_eq!(inspected["attempts"][0]["life"], "released");
    }
}

#[test]
fn a_run_that_shall_wait_to_be_ended_saves_and_waits() {
    let room = Room::new();
    let mut child = endless(&room, &["--on-signal=wait"]);
    signal(&child, "-USR1");
    let released = || {
        let text = fs::read_to_string(room.path("run/owner.json")).unwrap_or_default();
        text.contains("\"released\": true")
    };
    wait_until(released);
    let saved = newest_step(&room, "run");
    signal(&child, "-TERM");
    std::thread::sleep(Duration::from_millis(200));
    assert!(child.try_wait().unwrap().is_none(), "it did not wait");
    assert_eq!(newest_step(&room, "run"), saved);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_second_process_is_refused_while_the_first_lives() {
    let room = Room::new();
    let mut child = endless(&room, &[]);
    for second in [&["resume", "run"] as &[&str], &["resume", "run", "--take-over"]] {
        let output = room.rlai(second);
        let told = complaint(&output);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(&format!("process {} is writing", child.id())), "{told}");
    }
    assert!(room.ok(&["inspect", "run"]).contains("it is being trained"));
    assert!(!room.path("run/attempt-2").exists());
    child.kill().unwrap();
    child.wait().unwrap();
    // As if it had run on another machine: whether it lives cannot be told.
    let path = room.path("run/attempt-1/owner.json");
    let mut owner = room.json("run/attempt-1/owner.json");
    owner["host"] = "another".into();
    fs::write(&path, owner.to_string()).unwrap();
    let told = room.refused(&["resume", "run"]);
    assert!(told.contains("on another") && told.contains("--take-over"), "{told}");
    let mut child = start(&room, &["resume", "run", "--take-over"]);
    wait_until(|| room.path("run/attempt-2/checkpoints").exists());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_writer_that_was_taken_over_stops() {
    let room = Room::new();
    let child = endless(&room, &[]);
    fs::create_dir(room.path("run/attempt-2")).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = complaint(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("taken this run over (attempt-2)"), "{told}");
    assert_eq!(told.matches("error").count(), 1, "{told}");
}

#[test]
fn a_run_whose_folder_is_removed_stops() {
    let room = Room::new();
    let child = endless(&room, &[]);
    fs::rename(room.path("run"), room.path("away")).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = complaint(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("was removed while the run was writing"), "{told}");
    // A run whose folder was moved goes on there.
    let mut child = start(&room, &["resume", "away", "--quiet"]);
    wait_until(|| room.path("away/attempt-2/checkpoints").exists());
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A run that was stopped, with two checkpoints.
fn stopped(room: &Room) -> Vec<PathBuf> {
    let mut child = endless(room, &[]);
    child.kill().unwrap();
    child.wait().unwrap();
    let mut found = checkpoints(room, "run");
    // It may have been killed before it removed the oldest.
    for more in found.split_off(2) {
        fs::remove_dir_all(more).unwrap();
    }
    found
}

fn flip_a_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// The newest checkpoint from which the run goes on, as the program says before it is killed.
fn goes_on_from(room: &Room) -> String {
    let before = room.path("run/attempt-2");
    // It shall not get as far as a checkpoint of its own, after which those before it are removed.
    let rarely = ["--steps=30000000", "--out=run", "--checkpoint-every=100000000"];
    let mut child = start(room, &[&["train"], TINY, &rarely].concat());
    wait_until(|| before.join("checkpoints").exists());
    child.kill().unwrap();
    let told = complaint(&child.wait_with_output().unwrap());
    fs::remove_dir_all(before).unwrap();
    told
}

#[test]
fn a_damaged_checkpoint_is_named_and_the_older_one_used() {
    let room = Room::new();
    let found = stopped(&room);
    let [newest, older] = found.as_slice() else { panic!("two are kept, there are {found:?}") };
    let older_step: u64 = older.file_name().unwrap().to_str().unwrap().parse().unwrap();
    let shown = newest.strip_prefix(room.path("")).unwrap().display().to_string();
    let files: Vec<PathBuf> = listing(newest).into_iter().map(|(path, _)| path).collect();
    assert_eq!(files.len(), 5, "{files:?}");
    for file in files {
        let good = fs::read(&file).unwrap();
        flip_a_byte(&file);
        let told = goes_on_from(&room);
        assert!(told.contains(&format!("the checkpoint {shown} cannot be used")), "{told}");
        assert!(told.contains(&format!("going on from step {older_step}")), "{told}");
        let inspected = room.rlai(&["inspect", "run"]);
        assert_eq!(inspected.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&inspected.stdout).contains("DAMAGED"));
        fs::write(&file, good).unwrap();
        room.ok(&["inspect", "run"]);
    }
    for path in &found {
        flip_a_byte(&path.join("state.json"));
    }
    let before = listing(&room.path("run"));
    let output = room.rlai(&["resume", "run"]);
    let told = complaint(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("none of its 2 checkpoints can be used"), "{told}");
    assert_eq!(listing(&room.path("run")), before);
    let inspected = room.rlai(&["inspect", "run"]);
    assert_eq!(inspected.status.code(), Some(1));
    let text = String::from_utf8_lossy(&inspected.stdout).into_owned();
    assert!(text.contains("none of its checkpoints can be used"), "{text}");
}

#[test]
fn a_damaged_segment_of_the_replay_is_found() {
    let room = Room::new();
    stopped(&room);
    let segments = listing(&room.path("run/attempt-1/replay"));
    // Which checkpoint needs which of them depends on when they were saved: all are damaged.
    for (segment, _) in &segments {
        flip_a_byte(segment);
    }
    let output = room.rlai(&["resume", "run"]);
    assert_eq!(output.status.code(), Some(1), "{}", complaint(&output));
    let named = |(segment, _): &(std::path::PathBuf, _)| {
        complaint(&output).contains(segment.file_name().unwrap().to_str().unwrap())
    };
    assert!(segments.iter().any(named), "{}", complaint(&output));
}

#[test]
fn metrics_are_cut_back_to_the_checkpoint() {
    let room = Room::new();
    let newest = stopped(&room).remove(0);
    let manifest: Value =
        serde_json::from_slice(&fs::read(newest.join("run.json")).unwrap()).unwrap();
    let bytes = manifest["extra"]["metrics_bytes"].as_u64().unwrap() as usize;
    let path = room.path("run/attempt-1/metrics.jsonl");
    let mut lines = fs::read(&path).unwrap();
    lines.truncate(bytes);
    let expected = lines.clone();
    lines.extend(b"{\"kind\": \"train\", \"step\": 1000");
    fs::write(&path, lines).unwrap();
    let mut child = start(&room, &["resume", "run"]);
    let continued = room.path("run/attempt-2/metrics.jsonl");
    wait_until(|| continued.exists());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(fs::read(&continued).unwrap().starts_with(&expected));
    let text = fs::read_to_string(&continued).unwrap();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    assert!(whole.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
}

#[test]
fn another_configuration_is_refused_with_the_keys() {
    let room = Room::new();
    stopped(&room);
    let other = [&["train"], TINY, &["--out=run", "--gamma=0.9", "--seed=3"]].concat();
    let told = room.refused(&other);
    for part in ["gamma: 0.99 there, 0.9 here", "seed: 0 there, 3 here", "steps: 30000000 there"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let longer = [&["train"], TINY, &["--out=run", "--steps=5"]].concat();
    assert!(room.refused(&longer).contains("rlai resume run --steps"));
    // How often it is saved makes it no other run.
    let more = ["--steps=30000000", "--out=run", "--checkpoint-every=20", "--keep-checkpoints=3"];
    let mut child = start(&room, &[&["train"], TINY, &more].concat());
    wait_until(|| rlai::checkpoint::candidates(&room.path("run/attempt-2/checkpoints")).len() == 3);
    child.kill().unwrap();
    child.wait().unwrap();
    let run: toml::Table = fs::read_to_string(room.path("run/run.toml")).unwrap().parse().unwrap();
    assert_eq!(run["keep_checkpoints"].as_integer(), Some(3));
    for (flag, allowed) in [
        ("--checkpoint-every=0", "checkpoint_every = 0: at least 1"),
        ("--keep-checkpoints=0", "keep_checkpoints = 0: at least 1"),
    ] {
        let refused = room.refused(&[&["train"], TINY, &["--out=other", flag]].concat());
        assert!(refused.contains(allowed), "{refused}");
    }
}

#[test]
fn a_finished_run_goes_on_further_as_if_it_had_been_planned_so() {
    let room = Room::new();
    room.train(&["--out=whole", "--steps=600"]);
    let short = room.train(&["--out=run"]);
    assert_eq!(short["steps"], 400);
    let printed = room.ok(&["resume", "run", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), short);
    assert!(room.refused(&["resume", "run", "--steps=300"]).contains("steps = 300: at least"));
    let further = room.ok(&["resume", "run", "--steps=600", "--json", "--threads=2"]);
    let further: Value = serde_json::from_str(&further).unwrap();
    assert_eq!(further["parameters_blake3"], room.json("whole/result.json")["parameters_blake3"]);
    assert_eq!(further["evaluations"].as_array().unwrap().len(), 3);
    assert_eq!(comparable(&room, "run"), comparable(&room, "whole"));
    let run: toml::Table = fs::read_to_string(room.path("run/run.toml")).unwrap().parse().unwrap();
    assert_eq!(run["steps"].as_integer(), Some(600));
    room.train(&["--out=falling", "--learning-rate-schedule=linear"]);
    let told = room.refused(&["resume", "falling", "--steps=600"]);
    assert!(told.contains("learning_rate_schedule = \"linear\""), "{told}");
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_named_and_earlier_ones_stay() {
    let room = Room::new();
    let child = endless(&room, &[]);
    // Nothing can be made in what is a file.
    let (folder, away) = (room.path("run/attempt-1/checkpoints"), room.path("away"));
    fs::rename(&folder, &away).unwrap();
    fs::write(&folder, "").unwrap();
    let output = child.wait_with_output().unwrap();
    let told = complaint(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("cannot") && told.contains("run/attempt-1/checkpoints/0"), "{told}");
    assert!(told.contains("rlai resume run"), "{told}");
    fs::remove_file(&folder).unwrap();
    fs::rename(&away, &folder).unwrap();
    let mut child = start(&room, &["resume", "run", "--quiet"]);
    wait_until(|| room.path("run/attempt-2/checkpoints").exists());
    // (The oldest one may miss a segment: while its folder was away the writer took it for removed.)
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_is_no_run_is_refused() {
    let room = Room::new();
    fs::create_dir(room.path("empty")).unwrap();
    assert!(room.refused(&["resume", "empty"]).contains("is not a run's folder"));
    assert!(room.refused(&["resume", "nowhere"]).contains("is not a run's folder"));
    assert!(room.refused(&["inspect", "empty"]).contains("neither a run nor a checkpoint"));
    room.train(&["--out=run"]);
    let checkpoint = "run/checkpoint";
    let told = room.ok(&["inspect", checkpoint]);
    assert!(told.contains("step 400  whole"), "{told}");
    fs::remove_file(room.path("run/metrics.jsonl")).unwrap();
    assert_eq!(room.rlai(&["inspect", "run"]).status.code(), Some(1));
}
