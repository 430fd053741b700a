//! What `rlai study status`, `list`, `report` and `run --dry-run` tell.

mod common;

use std::fs;
use std::path::Path;

use common::{Room, listing};
use serde_json::{Value, json};

const STUDY: &str = "
name = \"made\"
seeds = 10
[base]
env = \"Pendulum-v1\"
steps = 10000
hidden = [8]
[grid]
gamma = [0.9, 0.95, 0.98, 0.99, 0.995]
buffer = [1000, 2000]
[[variant]]
name = \"reverse\"
[[variant]]
name = \"forward\"
objective = \"forward-kl\"
[reference.\"Pendulum-v1\"]
low = -1200
high = -200
";

fn status(room: &Room, arguments: &[&str]) -> Value {
    let all = [&["study", "status", "--json"], arguments].concat();
    serde_json::from_str(&room.ok(&all)).unwrap()
}

/// `run.toml` of a run, as `rlai train` would write it.
fn configuration(room: &Room, buffer: &str, objective: &str, gamma: &str, seed: usize) -> String {
    let flags = [
        format!("--buffer={buffer}"),
        format!("--objective={objective}"),
        format!("--gamma={gamma}"),
        format!("--seed={seed}"),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let fixed = ["train", "--env=Pendulum-v1", "--steps=10000", "--hidden=8", "--print-config"];
    let printed = room.ok(&[&fixed[..], &flags].concat());
    // A run records what follows from its task.
    printed.replace("target_entropy = \"auto\"", "target_entropy = -1.0")
}

fn owner(attempt: u64, released: bool, host: &str) -> String {
    // A process id that no system gives.
    let owner = json!({
        "host": host, "boot_id": null, "pid_namespace": null, "pid": 4_000_000_000u32,
        "start_time": null, "attempt": attempt, "released": released,
    });
    owner.to_string()
}

/// Lines of metrics up to a step.
fn metrics(steps: u64) -> String {
    let mut text = String::new();
    for step in (100..=steps).step_by(100) {
        let time = step as f64 / 50.0;
        let train =
            json!({"kind": "train", "step": step, "time_seconds": time, "steps_per_second": 50.0});
        text += &format!("{train}\n");
        if step % 1000 == 0 {
            let mean = -(step as f64);
            let evaluation = json!({
                "kind": "evaluation", "step": step, "return_mean": mean, "return_sd": 0.0,
                "length_mean": 200.0, "returns": [mean], "time_seconds": time,
            });
            text += &format!("{evaluation}\n");
        }
    }
    text
}

fn result(objective: &str, seed: usize) -> String {
    let points = json!([{"step": 10000, "return_mean": -300.0 - seed as f64, "return_sd": 1.0}]);
    json!({
        "status": "finished", "env": "Pendulum-v1", "objective": objective, "seed": seed, "out": "x",
        "steps": 10000, "final_return": -300.0 - seed as f64, "evaluations": points,
        "parameters_blake3": "0", "wall_time_seconds": 250.0, "versions": {},
    })
    .to_string()
}

/// Puts a run where it stands in one of ten ways.
fn make(room: &Room, folder: &Path, configuration: &str, objective: &str, seed: usize) {
    let attempt = folder.join("attempt-1");
    let put = |path: &Path, text: &str| fs::write(path, text).unwrap();
    if seed == 9 {
        return;
    }
    fs::create_dir_all(&attempt).unwrap();
    put(&folder.join("run.toml"), configuration);
    let host = if seed == 7 { "another" } else { &host() };
    put(&attempt.join("owner.json"), &owner(1, seed < 6, host));
    put(&attempt.join("metrics.jsonl"), &metrics(5_050));
    match seed {
        0..6 => put(&folder.join("result.json"), &result(objective, seed)),
        6 => put(&attempt.join("failure.json"), "{\"reason\": \"step 7: not finite\\nmore\"}"),
        _ => {}
    }
    let _ = room;
}

fn host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

/// Two hundred runs: of each ten seeds six have finished, one failed, one is elsewhere, one ended without a word
/// and one is missing.
fn two_hundred(room: &Room) {
    room.write("s.toml", STUDY);
    for (variant, objective) in [("reverse", "reverse-kl"), ("forward", "forward-kl")] {
        for gamma in ["0.9", "0.95", "0.98", "0.99", "0.995"] {
            for buffer in ["1000", "2000"] {
                let of_zero = configuration(room, buffer, objective, gamma, 0);
                assert!(of_zero.contains("\nseed = 0\n"), "{of_zero}");
                for seed in 0..10 {
                    let configuration =
                        of_zero.replace("\nseed = 0\n", &format!("\nseed = {seed}\n"));
                    let folder = room
                        .path("runs/made")
                        .join(format!("{variant}/gamma={gamma},buffer={buffer}/seed{seed}"));
                    make(room, &folder, &configuration, objective, seed);
                }
            }
        }
    }
    room.write("runs/made/study.toml", STUDY);
}

#[cfg(target_os = "linux")]
#[test]
fn the_states_of_two_hundred_runs_are_told_from_files_alone() {
    let room = Room::new();
    two_hundred(&room);
    let before = listing(&room.path("runs"));
    let started = std::time::Instant::now();
    let told = status(&room, &["runs/made"]);
    // For whoever looks with --nocapture: a test of speed would only fail on a busy machine.
    println!("200 runs in {:?}", started.elapsed());
    let states =
        json!({"failed": 20, "elsewhere": 20, "unfinished": 20, "missing": 20, "finished": 120});
    assert_eq!(told["states"], states);
    assert_eq!(told["coordinator"], Value::Null);
    let runs = told["runs"].as_array().unwrap();
    let run = |name: &str| runs.iter().find(|run| run["name"] == name).unwrap();
    let at = "forward/gamma=0.98,buffer=2000/seed";
    let finished = run(&format!("{at}3"));
    assert_eq!(finished["last_return"], -303.0);
    assert_eq!((&finished["step"], &finished["time_seconds"]), (&10000.into(), &250.0.into()));
    let failed = run(&format!("{at}6"));
    assert_eq!((&failed["state"], &failed["failures"]), (&"failed".into(), &1.into()));
    assert_eq!(failed["reason"], "step 7: not finite\nmore");
    let elsewhere = run(&format!("{at}7"));
    assert_eq!((&elsewhere["state"], &elsewhere["host"]), (&"elsewhere".into(), &"another".into()));
    let silent = run(&format!("{at}8"));
    assert_eq!((&silent["state"], &silent["failures"]), (&"unfinished".into(), &1.into()));
    // Half way, 50 steps a second.
    assert_eq!((&silent["step"], &silent["last_return"]), (&5000.into(), &(-5000.0).into()));
    assert_eq!(silent["seconds_left"], 100.0);
    assert_eq!(run(&format!("{at}9"))["state"], "missing");
    assert_eq!(listing(&room.path("runs")), before, "looking changes nothing");

    // For people: a line a run, reasons, and a summary.
    let text = room.ok(&["study", "status", "runs/made", "--seeds=6", "--only=reverse*"]);
    assert_eq!(text.matches("failed: step 7: not finite\n").count(), 10, "{text}");
    assert!(text.contains("made: 10 failed"), "{text}");
    let held = status(&room, &["runs/made", "--seeds=6", "--only=*0.98,buffer=2000"]);
    assert_eq!(held["runs"].as_array().unwrap().len(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn studies_are_listed_and_reported_without_running_anything() {
    let room = Room::new();
    two_hundred(&room);
    fs::create_dir_all(room.path("runs/deeper/down")).unwrap();
    room.write("runs/deeper/down/study.toml", "name = 5");
    let listed: Value = serde_json::from_str(&room.ok(&["study", "list", "--json"])).unwrap();
    let studies = listed["studies"].as_array().unwrap();
    assert_eq!(studies.len(), 2);
    assert!(studies[0]["damage"].as_str().unwrap().contains("name: invalid type"));
    assert_eq!((&studies[1]["name"], &studies[1]["runs"]), (&"made".into(), &200.into()));
    assert_eq!((&studies[1]["finished"], &studies[1]["running"]), (&120.into(), &false.into()));
    assert!(room.ok(&["study", "list"]).contains("120 of 200"));
    assert!(room.refused(&["study", "list", "nowhere"]).contains("no such folder"));

    let output = room.rlai(&["study", "report", "runs/made", "--json"]);
    assert_eq!(output.status.code(), Some(1), "runs have failed");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["status"], "failed");
    let variant = &report["variants"][0];
    assert_eq!((&variant["seeds"], &variant["final_return_mean"]), (&6.into(), &(-302.5).into()));
    assert_eq!(variant["normalised_return_mean"], (-302.5 + 1200.0) / 1000.0);
    assert_eq!(variant["grid"], json!({"gamma": "0.9", "buffer": "1000"}));
    assert!(room.path("runs/made/learning-curves.png").exists());
    room.write("t.toml", &STUDY.replace("\"made\"", "\"other\""));
    for command in ["report", "resume"] {
        let told = room.refused(&["study", command, "t.toml"]);
        assert!(told.contains("the study was never started"), "{told}");
        let told = room.refused(&["study", command, "runs/deeper"]);
        assert!(told.contains("is not a study's folder"), "{told}");
    }
}

#[test]
fn a_dry_run_estimates_and_leaves_nothing() {
    let room = Room::new();
    let study =
        STUDY.replace("seeds = 10", "seeds = 3").replace("0.9, 0.95, 0.98, 0.99, 0.995", "0.9");
    room.write("s.toml", &study);
    let before = listing(&room.path(""));
    let cache = tempfile::tempdir().unwrap();
    let dry = |more: &[&str]| -> Value {
        let arguments =
            [&["study", "run", "s.toml", "--dry-run", "--json", "--jobs=2"], more].concat();
        let output = room.command(&arguments).env("RLAI_CACHE", cache.path()).output().unwrap();
        assert!(output.status.success(), "{}", common::complaint(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let all = dry(&[]);
    assert_eq!((&all["runs"], &all["jobs"]), (&12.into(), &2.into()));
    let variants = all["variants"].as_array().unwrap();
    assert_eq!(variants.len(), 4);
    let number = |value: &Value, key: &str| value[key].as_f64().unwrap();
    for variant in variants {
        let measure = &variant["measure"];
        // 1,000 random steps, 9,000 with an update, one evaluation of 10 episodes of 200 steps.
        let seconds = 1e3 * number(measure, "random_step_seconds")
            + 9e3 * number(measure, "step_seconds")
            + 2e3 * number(measure, "evaluation_step_seconds");
        assert!((number(variant, "run_seconds") / seconds - 1.0).abs() < 1e-9, "{variant}");
        assert!(number(variant, "kept_bytes") < number(variant, "run_disk_bytes"));
    }
    let sum: f64 = variants.iter().map(|variant| 3.0 * number(variant, "run_seconds")).sum();
    assert!((number(&all, "seconds") / (sum / 2.0) - 1.0).abs() < 1e-9);
    // Two configurations that differ in the replay alone are one measure, and measured once.
    let measure = |index: usize| &variants[index]["measure"];
    assert_eq!(measure(0), measure(1));
    assert_ne!(measure(0), measure(2));
    assert_eq!(fs::read_dir(cache.path().join("measures")).unwrap().count(), 2);
    let part = dry(&["--only=reverse*", "--seeds=0..2"]);
    assert_eq!(part["runs"], 4);
    assert_eq!(part["variants"][0]["measure"], *measure(0));
    assert_eq!(listing(&room.path("")), before);
}
