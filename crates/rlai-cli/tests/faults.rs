//! Faults that are really caused, through the program itself. Each ends in one clear error, which
//! `docs/faults.md` quotes, and in a state from which the run goes on to what it would have come to
//! undisturbed, unless the table there says why not. Faults that need root are in `tools/faults.py`.
#![cfg(unix)]

mod common;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use common::{Room, complaint, wait_until};

const RUN: &[&str] = &[
    "train",
    "--env=Pendulum-v1",
    "--steps=3000",
    "--learning-starts=100",
    "--hidden=16,16",
    "--batch=16",
    "--evaluate-every=1000",
    "--evaluation-episodes=1",
    "--log-every=100",
    "--checkpoint-every=250",
    "--quiet",
];

/// Asserts that a message is in the table of faults as it was told.
fn documented(told: &str, message: &str) {
    assert!(told.contains(message), "{message:?} is not in: {told}");
    let table = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/faults.md"));
    assert!(table.unwrap().contains(message), "docs/faults.md does not quote {message:?}");
}

/// A room with the undisturbed run in `whole`, and the same one in `run`, which `disturb` disturbs once
/// it has saved itself a few times. What it told, and its exit code.
fn disturbed(disturb: impl Fn(&Path)) -> (Room, Option<i32>, String) {
    let room = Room::new();
    room.ok(&[RUN, &["--out=whole"]].concat());
    let child = room.start(&[RUN, &["--out=run"]].concat());
    wait_until(|| room.newest_step("run") >= Some(500));
    disturb(&room.path("run"));
    let output = child.end();
    let told = complaint(&output);
    (room, output.status.code(), told)
}

/// As [`disturbed`], by a kill, with two checkpoints.
fn killed() -> Room {
    let room = Room::new();
    room.ok(&[RUN, &["--out=whole"]].concat());
    let child = room.start(&[RUN, &["--out=run"]].concat());
    wait_until(|| room.newest_step("run") >= Some(750));
    child.signal("-KILL");
    child.end();
    room
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    common::listing(folder)
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| path.is_file())
        .collect()
}

/// Goes on with a copy of `run` that `damage` has been done to; what was told. It must come to the same as
/// the undisturbed run.
fn goes_on(room: &Room, what: &str, damage: impl FnOnce(&Path)) -> String {
    copy(&room.path("run"), &room.path("copy"));
    damage(&room.path("copy"));
    let output = room.rlai(&["resume", "copy"]);
    let told = complaint(&output);
    assert!(output.status.success(), "{what}: {told}");
    room.same("copy", "whole", what);
    fs::remove_dir_all(room.path("copy")).unwrap();
    told
}

#[test]
fn a_run_that_is_removed_stops_and_can_be_started_anew() {
    let (room, code, told) = disturbed(|run| {
        // The writer may be putting something there.
        while fs::remove_dir_all(run).is_err() && run.exists() {}
    });
    assert_eq!(code, Some(1), "{told}");
    documented(&told, "was removed while the run was writing to it");
    assert_eq!(told.matches("error").count(), 1, "{told}");
    let left = room.path("run");
    assert!(!left.join("run.toml").exists());
    let _ = fs::remove_dir_all(left);
    // Nothing is left of it: it can only begin again.
    assert!(room.refused(&["resume", "run"]).contains("is not a run's folder"));
    room.ok(&[RUN, &["--out=run"]].concat());
    room.same("run", "whole", "begun again");
}

#[test]
fn a_run_whose_attempt_is_removed_stops_and_goes_on_from_its_beginning() {
    let (room, code, told) = disturbed(|run| {
        let attempt = run.join("attempt-1");
        while fs::remove_dir_all(&attempt).is_err() && attempt.exists() {}
    });
    assert_eq!(code, Some(1), "{told}");
    documented(&told, "was removed while the run was writing to it");
    // What the writer may have been in the middle of putting there.
    let _ = fs::remove_dir_all(room.path("run/attempt-1"));
    room.ok(&["resume", "run", "--quiet"]);
    room.same("run", "whole", "from its beginning");
}

#[test]
fn every_file_of_a_checkpoint_may_be_damaged() {
    let room = killed();
    let newest = rlai::checkpoint::candidates_of_run(&room.path("run")).remove(0);
    let newest = newest.strip_prefix(room.path("run")).unwrap();
    let names = files(&room.path("run").join(newest));
    assert_eq!(names.len(), 5, "{names:?}");
    for name in names {
        let name = newest.join(name.file_name().unwrap());
        let bytes = fs::read(room.path("run").join(&name)).unwrap();
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 3] ^= 16;
        for (how, damaged) in [
            ("flipped", Some(flipped)),
            ("half", Some(bytes[..bytes.len() / 2].to_vec())),
            ("empty", Some(Vec::new())),
            ("removed", None),
        ] {
            let what = format!("{} {how}", name.display());
            let told = goes_on(&room, &what, |run| match damaged {
                Some(damaged) => fs::write(run.join(&name), damaged).unwrap(),
                None => fs::remove_file(run.join(&name)).unwrap(),
            });
            // Without its manifest a folder is no checkpoint.
            if how != "removed" || !name.ends_with("run.json") {
                documented(&told, "cannot be used: ");
            }
            assert!(told.contains("going on from step"), "{what}: {told}");
        }
    }
}

#[test]
fn the_newest_segment_may_be_damaged() {
    let room = killed();
    let newest = rlai::checkpoint::candidates_of_run(&room.path("run")).remove(0);
    let manifest = fs::read(newest.join("run.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let segment = manifest["replay"]["segments"].as_array().unwrap().last().unwrap();
    let number = |field: &str| segment[field].as_u64().unwrap();
    let (first, end) = (number("first"), number("first") + number("rows"));
    let newest = format!("attempt-1/replay/replay-{first}-{end}.segment");
    let told = goes_on(&room, "segment cut", |run| {
        let file = File::options().write(true).open(run.join(&newest)).unwrap();
        file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    });
    documented(&told, "cannot be used: ");
    assert!(told.contains("the manifest says") || told.contains("the checkpoint says"), "{told}");
    // One more line that was begun, and lines that a checkpoint counts on and that are gone.
    let metrics = "attempt-1/metrics.jsonl";
    goes_on(&room, "metrics torn", |run| {
        let mut lines = fs::read(run.join(metrics)).unwrap();
        lines.extend(b"{\"kind\":\"train\",\"st");
        fs::write(run.join(metrics), lines).unwrap();
    });
    let told = goes_on(&room, "the last line of metrics lost", |run| {
        let lines = fs::read_to_string(run.join(metrics)).unwrap();
        // The newest checkpoint counts on at least the line of its step; the older one does not.
        let newest = room.newest_step("run").unwrap();
        let kept = lines.lines().take_while(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["step"].as_u64().unwrap() + 100 <= newest
        });
        let kept: String = kept.map(|line| format!("{line}\n")).collect();
        fs::write(run.join(metrics), kept).unwrap();
    });
    documented(&told, "bytes, the checkpoint says");
}

/// Clocks jump, also backwards: when something was written is never asked.
#[test]
fn times_of_files_mean_nothing() {
    let room = killed();
    for time in ["1971-01-01", "2099-12-31"] {
        goes_on(&room, time, |run| {
            let mut touch = Command::new("find");
            touch.arg(run).args(["-exec", "touch", "-h", "-d", time, "{}", "+"]);
            assert!(touch.status().unwrap().success());
        });
    }
}

#[test]
fn no_source_asks_what_time_it_is() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut seen = 0;
    for name in ["rlai", "rlai-mujoco", "rlai-cli"] {
        for path in files(&crates.join(name).join("src")) {
            let text = fs::read_to_string(&path).unwrap_or_default();
            for asked in
                ["SystemTime", "UNIX_EPOCH", ".modified()", ".accessed()", "CLOCK_REALTIME"]
            {
                assert!(!text.contains(asked), "{}: {asked}", path.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

/// A state that is rarely begun in gives a reward that is infinite in single precision.
#[test]
fn a_reward_that_is_no_number_is_told_with_its_step() {
    let room = Room::new();
    let process = r#"{"S": 3, "A": 2, "H": 4, "alpha": 1e31, "Z0": 1, "rho0": [0.995, 0, 0.005],
        "P": [[[1,0,0],[1,0,0]], [[1,0,0],[1,0,0]], [[1,0,0],[1,0,0]]],
        "r": [[-1, -0.2], [-0.5, -1.5], [1e39, 1e39]],
        "pi0": [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]], "phi": [[0, 0], [0, 0], [0, 0]]}"#;
    room.write("p.json", process);
    let train = ["train", "--env=tabular:p.json", "--objective=reverse-kl-all-actions"];
    let small = ["--temperature=0.2", "--steps=10000", "--learning-starts=200", "--hidden=8"];
    let rest = ["--batch=8", "--checkpoint-every=500", "--quiet", "--out=run"];
    let output = room.rlai(&[&train[..], &small, &rest].concat());
    let told = complaint(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    documented(&told, "the reward of the environment is 1e39, not a finite number");
    documented(&told, "the last good networks, of step ");
    let step: u64 = told.split(' ').nth(2).unwrap().trim_end_matches(':').parse().unwrap();
    let saved = room.newest_step("run").unwrap();
    assert!(saved > 0 && saved <= step && step < saved + 500, "{told}");
    room.ok(&["inspect", "run"]);
    // It is the same run each time, and comes to the same.
    let again = room.rlai(&["resume", "run", "--quiet"]);
    assert_eq!(again.status.code(), Some(1));
    let first_line = |told: &str| told.lines().next().unwrap().to_owned();
    assert_eq!(first_line(&complaint(&again)), first_line(&told));
    // Another run starts from what was kept, on a task that gives numbers.
    room.write("good.json", &process.replace("1e39", "1"));
    let good = ["train", "--env=tabular:good.json", "--objective=reverse-kl-all-actions"];
    let from = ["--steps=300", "--init-from=run", "--hidden=8", "--batch=8", "--out=good"];
    room.ok(&[&good[..], &["--temperature=0.2", "--quiet"], &from].concat());
}

#[cfg(target_os = "linux")]
#[test]
fn a_replay_beyond_the_memory_is_refused_before_anything_is_made() {
    let room = Room::new();
    let large = ["--buffer=200000000", "--steps=200000000", "--out=big"];
    let arguments = [RUN, &large].concat().join(" ");
    let shell = format!("ulimit -v 2000000; exec {} {arguments}", env!("CARGO_BIN_EXE_rlai"));
    let output =
        Command::new("sh").arg("-c").arg(shell).current_dir(room.path("")).output().unwrap();
    let told = complaint(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    documented(&told, "MB are left of ");
    assert!(told.contains("it takes 5026 MB") && told.contains("(ulimit -v)"), "{told}");
    assert_eq!(told.matches("error").count(), 1, "{told}");
    assert!(!room.path("big").exists());
    // Nor where nothing limits it but the machine: two thousand million Humanoid steps are terabytes.
    if rlai_mujoco::make("Humanoid-v5").is_some_and(|task| task.is_ok()) {
        let absurd = ["--buffer=2e9", "--steps=2e9", "--out=big"];
        let told = room.refused(&[&["train", "--env=Humanoid-v5"], &absurd[..]].concat());
        assert!(told.contains("MB are left of "), "{told}");
    }
}

/// Stops a run in the middle of a long evaluation, twice, and lets it go on.
fn signal_in_an_evaluation(settings: &[&str]) {
    let room = Room::new();
    let long = [&["train", "--quiet"], settings].concat();
    room.ok(&[&long[..], &["--out=whole"]].concat());
    let arguments = [&long[..], &["--out=run", "--json"]].concat();
    for (turn, name) in ["-TERM", "-INT", "-USR1"].into_iter().enumerate() {
        let child = room.start(&arguments);
        // The line of step 300 is written right before its evaluation.
        let metrics = room.path(&format!("run/attempt-{}/metrics.jsonl", turn + 1));
        let says = |part: &str| fs::read_to_string(&metrics).unwrap_or_default().contains(part);
        wait_until(|| says("\"kind\":\"train\",\"step\":300,"));
        std::thread::sleep(std::time::Duration::from_millis(50));
        let started = Instant::now();
        child.signal(name);
        let output = child.end();
        let seconds = started.elapsed().as_secs_f64();
        println!("{name}: stopped {seconds:.3} s after the signal");
        let told = complaint(&output);
        assert_eq!(output.status.code(), Some(75), "{told}");
        assert!(seconds < 10.0, "{seconds} s");
        let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(printed["steps"], 300);
        assert!(!says("\"kind\":\"evaluation\""), "the evaluation was over: it must be longer");
        room.ok(&["inspect", "run"]);
    }
    room.ok(&["resume", "run", "--quiet"]);
    room.same("run", "whole", "stopped in an evaluation");
}

#[test]
fn a_signal_in_an_evaluation_saves_at_once() {
    let evaluation = ["--evaluate-every=300", "--evaluation-episodes=3000", "--log-every=100"];
    let small = ["--steps=600", "--hidden=32,32", "--env=Pendulum-v1"];
    let more = ["--learning-starts=100", "--batch=16"];
    signal_in_an_evaluation(&[&evaluation[..], &small, &more].concat());
}

#[test]
fn a_signal_in_an_evaluation_of_a_run_on_trajectories_saves_at_once() {
    let evaluation = ["--evaluate-every=300", "--evaluation-episodes=3000", "--log-every=100"];
    let small = ["--steps=600", "--hidden=32,32", "--env=Pendulum-v1"];
    let more = ["--objective=reverse-kl-reward-to-go", "--trajectories=2"];
    signal_in_an_evaluation(&[&evaluation[..], &small, &more].concat());
}

/// A terabyte of nothing: a hole takes no space on the disk.
fn hole(path: &Path) {
    let _ = fs::remove_file(path);
    File::create(path).unwrap().set_len(1 << 40).unwrap();
}

fn pipe(path: &Path) {
    let _ = fs::remove_file(path);
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn files_without_an_end_are_refused_at_once() {
    let room = killed();
    let refused = |run: &str, code: i32| -> String {
        let output = room.start(&["resume", run]).end();
        let told = complaint(&output);
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert_eq!(told.matches("error").count(), 1, "{told}");
        told
    };
    let damaged = |file: &str, damage: fn(&Path), code: i32| -> String {
        copy(&room.path("run"), &room.path("copy"));
        damage(&room.path("copy").join(file));
        let told = refused("copy", code);
        assert!(room.start(&["inspect", "copy"]).end().status.code().is_some());
        fs::remove_dir_all(room.path("copy")).unwrap();
        told
    };
    documented(&damaged("run.toml", hole, 2), "larger than 1048576 bytes");
    assert!(damaged("run.toml", pipe, 2).contains("is not a run's folder"));
    assert!(damaged("result.json", hole, 2).contains("result.json: larger than 67108864 bytes"));
    documented(&damaged("result.json", pipe, 2), "no ordinary file");
    for damage in [hole, pipe] {
        let told = damaged("attempt-1/owner.json", damage, 2);
        documented(&told, "who writes there cannot be told");
        let told = damaged("attempt-1/metrics.jsonl", damage, 1);
        documented(&told, "checkpoints can be used, as told above; nothing was changed");
    }
    // One file of a checkpoint: the older one is used.
    let newest = rlai::checkpoint::candidates_of_run(&room.path("run")).remove(0);
    let newest = newest.strip_prefix(room.path("run")).unwrap().to_owned();
    for (name, damage) in [("run.json", hole as fn(&Path)), ("state.json", pipe)] {
        goes_on(&room, name, |run| damage(&run.join(&newest).join(name)));
    }
    // Settings and studies.
    hole(&room.path("large.toml"));
    let told = complaint(&room.start(&["train", "--config=large.toml"]).end());
    assert!(told.contains("large.toml: larger than 1048576 bytes"), "{told}");
    let told = complaint(&room.start(&["study", "run", "large.toml"]).end());
    assert!(told.contains("large.toml: larger than 1048576 bytes"), "{told}");
    let study =
        "name = \"s\"\nseeds = [0]\n[base]\nenv = \"Pendulum-v1\"\n[[variant]]\nname = \"a\"\n";
    room.write("study.toml", study);
    fs::create_dir(room.path("study")).unwrap();
    for (damage, reason) in
        [(hole as fn(&Path), "larger than 1048576 bytes"), (pipe, "no ordinary file")]
    {
        damage(&room.path("study/study.toml"));
        let told = complaint(&room.start(&["study", "run", "study.toml", "--out=study"]).end());
        assert!(told.contains("study.toml: ") && told.contains(reason), "{told}");
    }
}

/// Replaces a manifest's text, and puts its own hash right.
fn reseal(manifest: &Path, change: impl FnOnce(&mut String)) {
    let mut text = fs::read_to_string(manifest).unwrap();
    change(&mut text);
    let start = text.rfind("\"blake3\": \"").unwrap() + "\"blake3\": \"".len();
    let end = start + text[start..].find('"').unwrap();
    text.replace_range(start..end, "");
    let hash = blake3::hash(text.as_bytes()).to_hex();
    text.insert_str(start, &hash);
    fs::write(manifest, text).unwrap();
}

/// Adds to the bits of the first number that the policy answered.
fn answer_differently(text: &mut String, bits: u32) {
    let start = text.find("\"answer\": [").unwrap() + "\"answer\": [".len();
    let start = start + text[start..].find(|c: char| c.is_ascii_digit()).unwrap();
    let end = start + text[start..].find(|c: char| !c.is_ascii_digit()).unwrap();
    let answer: u32 = text[start..end].parse().unwrap();
    text.replace_range(start..end, &(answer ^ bits).to_string());
}

#[test]
fn a_machine_that_rounds_otherwise_is_told() {
    let room = killed();
    let newest = rlai::checkpoint::candidates_of_run(&room.path("run")).remove(0);
    let manifest = newest.strip_prefix(room.path("run")).unwrap().join("run.json");
    let told = goes_on(&room, "one bit of rounding", |run| {
        reseal(&run.join(&manifest), |text| answer_differently(text, 1));
    });
    documented(&told, "rounds otherwise than the one that wrote the checkpoint");
    assert!(told.contains(std::env::consts::ARCH), "{told}");
    assert!(!told.contains("cannot be used"), "{told}");
    // More than rounding: it is not that policy.
    let told = goes_on(&room, "another policy", |run| {
        reseal(&run.join(&manifest), |text| answer_differently(text, 1 << 29));
    });
    documented(&told, "the policy does not answer as it did when it was saved");
    let told = goes_on(&room, "nothing changed", |run| reseal(&run.join(&manifest), |_| {}));
    assert!(!told.contains("warning"), "{told}");
}

/// What a run learns from is found from anywhere, and is the same however it is spelled.
#[test]
fn a_run_goes_on_from_any_folder() {
    let room = Room::new();
    fs::create_dir_all(room.path("here/data")).unwrap();
    fs::create_dir(room.path("elsewhere")).unwrap();
    let in_folder = |folder: &str, arguments: &[&str]| {
        let mut command = room.command(arguments);
        let output = command.current_dir(room.path(folder)).output().unwrap();
        (output.status.code(), complaint(&output))
    };
    let small = ["--hidden=16", "--batch=16", "--evaluation-episodes=1", "--quiet", "--steps=400"];
    let train = |folder: &str, env: &str, more: &[&str]| {
        let env = format!("--env={env}");
        in_folder(folder, &[&["train", &env][..], &small, more].concat())
    };
    let process = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/process.json");
    fs::copy(process, room.path("here/data/p.json")).unwrap();
    assert_eq!(train("here", "Pendulum-v1", &["--out=default"]), (Some(0), String::new()));
    let record = ["evaluate", "default", "--sample", "--record=data/d.npz", "--episodes=3"];
    assert_eq!(in_folder("here", &record).0, Some(0));
    let all_actions = "--objective=reverse-kl-all-actions";
    for (out, env, given, respelled) in [
        (
            "held",
            ["Pendulum-v1", "Pendulum-v1"],
            vec!["--default-policy=default", "--temperature=0.2"],
            vec!["--default-policy=../here/./default", "--temperature=0.2"],
        ),
        (
            "offline",
            ["Pendulum-v1", "Pendulum-v1"],
            vec!["--objective=awac", "--dataset=data/d.npz"],
            vec!["--objective=awac", "--dataset=../here/data/d.npz"],
        ),
        (
            "started",
            ["Pendulum-v1", "Pendulum-v1"],
            vec!["--init-from=default"],
            vec!["--init-from=data/../default"],
        ),
        (
            "tabular",
            ["tabular:data/p.json", "tabular:./data/../data/p.json"],
            vec![all_actions],
            vec![all_actions],
        ),
    ] {
        let out_flag = format!("--out={out}");
        let given = [&given[..], &[&out_flag]].concat();
        let (code, told) = train("here", env[0], &given);
        assert_eq!(code, Some(0), "{out}: {told}");
        let (code, told) = train("here", env[1], &[&respelled[..], &[&out_flag]].concat());
        assert_eq!(code, Some(0), "{out}: {told}");
        assert!(told.contains("already finished"), "{out}: {told}");
        // As if it had not finished: it goes on from elsewhere, and comes to the same.
        let run = room.path("here").join(out);
        copy(&run, &room.path("whole"));
        fs::remove_file(run.join("result.json")).unwrap();
        fs::remove_dir_all(run.join("attempt-1")).unwrap();
        let (code, told) =
            in_folder("elsewhere", &["resume", &format!("../here/{out}"), "--quiet"]);
        assert_eq!(code, Some(0), "{out}: {told}");
        room.same(&format!("here/{out}"), "whole", out);
        let again = ["evaluate", &format!("../here/{out}"), "--episodes=1"];
        assert_eq!(in_folder("elsewhere", &again).0, Some(0), "{out}");
        fs::remove_dir_all(room.path("whole")).unwrap();
    }
}
