//! Studies whose runs have finished with numbers that a test chose.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Room;

/// An evaluation: step and mean return.
pub type Points = Vec<(u64, f64)>;

/// Runs a study with one seed, each run a moment long, and makes of every run as many as there are `seeds`,
/// with the returns that `returns` gives for a variant's name and a seed.
///
/// The study's file is `text` with `seeds = ...` before it. The study is named `made`, and its runs have
/// lines of training with an effective sample size of 2 and an entropy of the seed.
pub fn study(
    room: &Room,
    text: &str,
    seeds: u64,
    returns: impl Fn(&str, u64) -> Points,
) -> PathBuf {
    let with = |seeds: u64| format!("seeds = {seeds}\n{text}");
    room.write("made.toml", &with(1));
    room.ok(&["study", "run", "made.toml"]);
    let out = room.path("runs/made");
    for source in runs(&out) {
        let variant = source.parent().unwrap();
        let name = variant.strip_prefix(&out).unwrap().to_str().unwrap().to_owned();
        for seed in (0..seeds).rev() {
            run(&source, &variant.join(format!("seed{seed}")), &name, seed, &returns(&name, seed));
        }
    }
    room.write("made.toml", &with(seeds));
    fs::write(out.join("study.toml"), with(seeds)).unwrap();
    out
}

/// Folders below one that hold a result.
fn runs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.join("result.json").exists() {
            found.push(path);
        } else if path.is_dir() {
            found.extend(runs(&path));
        }
    }
    found.sort();
    found
}

/// Makes a run in `folder` after the one in `source`.
fn run(source: &Path, folder: &Path, variant: &str, seed: u64, points: &Points) {
    let out = format!("runs/made/{variant}/seed{seed}");
    let written = fs::read_to_string(source.join("run.toml")).unwrap();
    let line = |line: &str| match line {
        line if line.starts_with("seed = ") => format!("seed = {seed}\n"),
        line if line.starts_with("out = ") => format!("out = \"{out}\"\n"),
        line => format!("{line}\n"),
    };
    let run_toml: String = written.lines().map(line).collect();
    let mut result: Value =
        serde_json::from_str(&fs::read_to_string(source.join("result.json")).unwrap()).unwrap();
    let evaluation =
        |(step, value): &(u64, f64)| json!({"step": step, "return_mean": value, "return_sd": 0.0});
    result["seed"] = json!(seed);
    result["out"] = json!(out);
    result["evaluations"] = points.iter().map(evaluation).collect();
    let (steps, last) = points.last().unwrap();
    result["steps"] = json!(steps);
    result["final_return"] = json!(last);
    result["wall_time_seconds"] = json!(100.0 + seed as f64);
    let mut metrics = String::new();
    for (step, value) in points {
        let train =
            json!({"kind": "train", "step": step, "entropy": seed, "effective_sample_size": 2.0});
        let evaluation = json!({
            "kind": "evaluation", "step": step, "return_mean": value, "return_sd": 0.0, "length_mean": 200.0,
            "returns": [value], "time_seconds": *step as f64 / 10.0,
        });
        metrics.push_str(&format!("{train}\n{evaluation}\n"));
    }
    fs::create_dir_all(folder).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }
    fs::write(folder.join("run.toml"), run_toml).unwrap();
    fs::write(folder.join("metrics.jsonl"), metrics).unwrap();
    fs::write(folder.join("result.json"), result.to_string()).unwrap();
}
