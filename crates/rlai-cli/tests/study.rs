//! `rlai study run` with tiny runs.

mod common;

use std::fs;

use common::{Room, complaint, listing};
use serde_json::Value;

const BASE: &str = "
[base]
env = \"Pendulum-v1\"
steps = 300
learning_starts = 100
hidden = [16]
batch = 16
evaluate_every = 100
evaluation_episodes = 1
";

fn study(seeds: &str, variants: &str) -> String {
    format!("name = \"tiny\"\ntitle = \"Tiny runs\"\nseeds = {seeds}\n{BASE}\n{variants}")
}

const TWO: &str = "
[[variant]]
name = \"reverse\"
label = \"reverse KL\"

[[variant]]
name = \"forward\"
label = \"forward KL\"
objective = \"forward-kl\"
samples = 4
";

#[test]
fn a_study_ends_in_a_table_figures_and_data() {
    let room = Room::new();
    room.write("s.toml", &study("2", TWO));
    let report: Value =
        serde_json::from_str(&room.ok(&["study", "run", "s.toml", "--json"])).unwrap();
    assert_eq!(report["status"], "finished");
    assert_eq!(report, room.json("runs/tiny/study.json"));
    for variant in report["variants"].as_array().unwrap() {
        let returns: Vec<f64> = variant["runs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| run["final_return"].as_f64().unwrap())
            .collect();
        let mean = (returns[0] + returns[1]) / 2.0;
        assert!((variant["final_return_mean"].as_f64().unwrap() - mean).abs() < 1e-9);
        let sd = (returns[0] - returns[1]).abs() / 2f64.sqrt();
        assert!((variant["final_return_sd"].as_f64().unwrap() - sd).abs() < 1e-9);
    }
    assert!(room.path("runs/tiny/forward/seed1/result.json").exists());

    let svg = fs::read_to_string(room.path("runs/tiny/learning-curves.svg")).unwrap();
    for text in ["Tiny runs", "reverse KL", "forward KL", "environment steps", "2 seeds"] {
        assert!(svg.contains(text), "{text}");
    }
    let png = fs::read(room.path("runs/tiny/learning-curves.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG") && png.len() > 10_000);
    let csv = fs::read_to_string(room.path("runs/tiny/learning-curves.csv")).unwrap();
    // A header; per variant three points of the mean and three of each seed.
    assert_eq!(csv.lines().count(), 1 + 2 * (3 + 2 * 3));
    assert!(csv.contains("Pendulum-v1,forward,300,all,"));
}

#[test]
fn a_run_of_a_study_is_the_run_that_train_makes() {
    let room = Room::new();
    room.write("s.toml", &study("[3]", "[[variant]]\nname = \"only\"\n"));
    room.ok(&["study", "run", "s.toml"]);
    let of_study = room.json("runs/tiny/only/seed3/result.json");
    let alone = ["train", "--config=runs/tiny/only/seed3/run.toml", "--out=alone", "--json"];
    let alone: Value = serde_json::from_str(&room.ok(&alone)).unwrap();
    assert_eq!(of_study["parameters_blake3"], alone["parameters_blake3"]);
    assert_eq!(of_study["evaluations"], alone["evaluations"]);
}

#[test]
fn started_again_it_runs_only_what_has_not_finished() {
    let room = Room::new();
    // With its replay a run whose result is gone can go on.
    room.write("s.toml", &study("2", TWO).replace("batch", "keep_replay = true\nbatch"));
    room.ok(&["study", "run", "s.toml"]);
    let finished = listing(&room.path("runs/tiny/forward"));
    let interrupted = room.path("runs/tiny/reverse/seed1");
    fs::remove_file(interrupted.join("result.json")).unwrap();
    let output = room.rlai(&["study", "run", "s.toml"]);
    let told = complaint(&output);
    assert!(output.status.success(), "{told}");
    assert_eq!(told.matches("3 runs already finished").count(), 1, "{told}");
    assert_eq!(listing(&room.path("runs/tiny/forward")), finished);
    assert!(interrupted.join("result.json").exists());
    // It went on from its last checkpoint, which left nothing to do.
    assert!(interrupted.join("attempt-2/metrics.jsonl").exists());
    assert!(!interrupted.join("attempt-3").exists());
}

#[test]
fn a_failing_run_is_told_with_its_reason_and_stops_no_other() {
    let room = Room::new();
    let wild = "[[variant]]\nname = \"wild\"\nlearning_rate = 1e30\n[[variant]]\nname = \"tame\"\n";
    room.write("s.toml", &study("2", wild));
    let output = room.rlai(&["study", "run", "s.toml", "--json"]);
    let told = complaint(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("2 runs failed") && told.contains("wild, seed 1: step "), "{told}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["status"], "failed");
    let seeds = |i: usize| report["variants"][i]["seeds"].as_u64();
    assert_eq!((seeds(0), seeds(1)), (Some(0), Some(2)));
    assert_eq!(report["variants"][0]["runs"][0]["status"], "failed");
    assert!(room.path("runs/tiny/learning-curves.png").exists());
}

fn many_numbers(count: usize) -> String {
    (1..=count).map(|i| format!("{i}, ")).collect()
}

#[test]
fn a_study_is_checked_whole_before_anything_starts() {
    let many: String = (0..11).map(|i| format!("[[variant]]\nname = \"v{i}\"\n")).collect();
    let cases = [
        (study("1000", &many), "11 variants of 1000 seeds are 11000 runs: at most 10000"),
        (
            study("2", "[[variant]]\nname = \"a\"\nstepz = 1\n"),
            "unknown key \"stepz\" (did you mean steps?)",
        ),
        (
            study("2", "[[variant]]\nname = \"a\"\n[[variant]]\nname = \"b\"\nsamples = 0\n"),
            "s.toml:18:1: samples = 0: at least 1",
        ),
        (study("2", "[[variant]]\nname = \"a\"\nseed = 1\n"), "seed has no place here"),
        (
            study("2", "[[variant]]\nname = \"a\"\n[[variant]]\nname = \"A\"\n"),
            "another variant has this name",
        ),
        (study("2", "[[variant]]\nname = \"../a\"\n"), "name = \"../a\""),
        (study("2", "[[variant]]\nlabel = \"a\"\n"), "missing field `name`"),
        (study("2", ""), "no [[variant]]"),
        (
            study("10", TWO)
                + "[grid]\ngamma = [0.1, 0.2, 0.3]\nbuffer = [1, 2, 3, 4]\nsteps = ["
                + &many_numbers(100)
                + "]",
            "2 variants x 1200 combinations of 10 seeds are 24000 runs: at most 10000",
        ),
        (
            study("1", TWO) + "[grid]\nupdates_per_step = [" + &many_numbers(600) + "]",
            "s.toml:24:2: 2 variants x 600 combinations: at most 1000",
        ),
        (study("2", TWO) + "[grid]\ngamma = [0.9, 2]", "s.toml:25:15: gamma = 2"),
        (
            study("2", TWO) + "[grid]\nsamples = [4, 8]",
            "s.toml:23:1: samples: without effect, [grid] sets it too",
        ),
        (
            study("2", TWO) + "[reference.\"Hopper-v5\"]\nlow = 0\nhigh = 1",
            "no run of the study is on this task",
        ),
        (study("2", TWO) + "[engine]\nthreads = 4", "s.toml:25:1: threads = 4: from 1 to 2"),
        (study("0", TWO), "seeds = 0: from 1 to 1000"),
        (study("[1, 1]", TWO), "seeds: 1: distinct"),
        (study("\"two\"", TWO), "seeds: a number of seeds or a list of seeds"),
        (
            study("2", TWO).replace("[base]", "[basis]"),
            "unknown key \"basis\" (did you mean base?)",
        ),
        (
            study("2", TWO).replace("hidden", "hiden"),
            "s.toml:9:1: unknown key \"hiden\" (did you mean hidden?)",
        ),
    ];
    for (text, message) in cases {
        let room = Room::new();
        room.write("s.toml", &text);
        let told = room.refused(&["study", "run", "s.toml"]);
        assert!(told.contains(message), "{message}: {told}");
    }
    let room = Room::new();
    room.write("s.toml", &study("2", TWO));
    fs::create_dir(room.path("mine")).unwrap();
    room.write("mine/notes.txt", "mine");
    assert!(room.refused(&["study", "run", "s.toml", "--out=mine"]).contains("not a study"));
    assert!(room.refused(&["study", "run", "s.toml", "--jobs=0"]).contains("jobs = 0"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_the_runs_cleanly() {
    let room = Room::new();
    let long = study("2", TWO).replace("steps = 300", "steps = 20_000_000");
    room.write("s.toml", &long);
    let mut command = room.command(&["study", "run", "s.toml", "--jobs=2"]);
    let child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let runs = ["reverse", "forward"].map(|name| room.path("runs/tiny").join(name).join("seed0"));
    let trained = |run: &std::path::PathBuf| {
        fs::metadata(run.join("attempt-1/metrics.jsonl")).is_ok_and(|file| file.len() > 0)
    };
    common::wait_until(|| runs.iter().all(trained));
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(75), "{}", complaint(&output));
    for run in &runs {
        let run = run.to_str().unwrap();
        let played = room.ok(&["evaluate", run, "--json", "--episodes=1"]);
        let played: Value = serde_json::from_str(&played).unwrap();
        // Saved at the moment of the stop, not at the last evaluation.
        assert!(played["step"].as_u64().unwrap() >= 100);
    }
}

#[test]
fn another_study_keeps_its_folder() {
    let room = Room::new();
    room.write("s.toml", &study("1", TWO));
    room.ok(&["study", "run", "s.toml"]);
    room.write("s.toml", &study("1", "[[variant]]\nname = \"third\"\n"));
    let told = room.refused(&["study", "run", "s.toml"]);
    assert!(told.contains("another study, with a variant \"reverse\""), "{told}");
    room.write("s.toml", &study("1", "[[variant]]\nname = \"study.toml\"\n"));
    let told = room.refused(&["study", "run", "s.toml", "--out=other"]);
    assert!(told.contains("a study's own files"), "{told}");
}
