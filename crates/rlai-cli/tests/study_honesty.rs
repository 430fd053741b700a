//! What a report must not do: destroy another's, promise what it cannot know, or hide what it left out.

mod common;
#[path = "common/made.rs"]
mod made;

use std::fs;

use common::{Room, listing};

const TWO_TASKS: &str = "
name = \"made\"
title = \"Two\"
[base]
steps = 100
learning_starts = 50
hidden = [4]
batch = 4
evaluate_every = 100
evaluation_episodes = 1
[grid]
env = [\"Pendulum-v1\", \"MountainCarContinuous-v0\"]
[[variant]]
name = \"reverse\"
label = \"reverse KL\"
[[variant]]
name = \"forward\"
label = \"forward KL, N = 2\"
objective = \"forward-kl\"
samples = 2
";

fn one_task() -> String {
    TWO_TASKS.replace(", \"MountainCarContinuous-v0\"", "")
}

/// From 0 to 10 and 20, each seed another.
fn returns(variant: &str, seed: u64) -> made::Points {
    let end = if variant.starts_with("reverse") { 10.0 } else { 20.0 };
    (1..=4).map(|i| (25 * i, (end + seed as f64) * i as f64 / 4.0)).collect()
}

#[test]
fn the_report_of_another_study_is_left_alone() {
    let room = Room::new();
    made::study(&room, &one_task(), 3, returns);
    room.ok(&["study", "report", "made.toml"]);
    let file = fs::read_to_string(room.path("made.toml")).unwrap();
    let before = listing(&room.path("runs"));
    let refused = |text: &str, parts: &[&str]| {
        room.write("other.toml", text);
        let told = room.refused(&["study", "report", "other.toml"]);
        assert!(parts.iter().all(|part| told.contains(part)), "{parts:?}: {told}");
        assert!(listing(&room.path("runs")) == before, "{parts:?}");
    };
    let others = file.replace("\"reverse\"", "\"first\"").replace("\"forward\"", "\"second\"");
    let another = "the folder holds another study, with a variant \"reverse/env=Pendulum-v1\"";
    refused(&others, &[another]);
    assert!(room.refused(&["study", "status", "other.toml"]).contains(another));
    let edited = file.replace("batch = 4", "batch = 8");
    refused(
        &edited,
        &["/seed0 is refused: out = ", "differs in", "batch", "5 more runs are refused"],
    );
    // `status` tells what differs, each on its line.
    let told = room.ok(&["study", "status", "other.toml"]);
    assert_eq!(told.matches(" refused: out = ").count(), 6, "{told}");
    assert!(told.lines().filter(|line| line.contains(" refused: ")).all(|it| it.contains("batch")));
    // Other steps: the runs of a study have no replay to go on with.
    refused(&file.replace("steps = 100", "steps = 200"), &["differs in", "steps"]);
    let told = room.refused(&["study", "run", "other.toml"]);
    assert!(told.contains("steps") && !told.contains("rlai resume"), "{told}");
    room.ok(&["study", "report", "made.toml"]);
}

#[test]
fn seeds_that_were_taken_out_of_the_file_are_told() {
    let room = Room::new();
    let out = made::study(&room, &one_task(), 5, returns);
    room.write("made.toml", &format!("seeds = 4\n{}", one_task()));
    let told = room.ok(&["study", "report", "made.toml"]);
    let warning = "2 finished runs in the study's folder are not in its file, and in no number here: \
                   forward/env=Pendulum-v1/seed4, reverse/env=Pendulum-v1/seed4.";
    assert!(told.contains(warning), "{told}");
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("2 finished runs in the study"), "{told}");
    assert!(!room.ok(&["study", "report", "runs/made"]).contains("not in its file"));
}

#[test]
fn curves_of_several_tasks_are_read_by_stats() {
    let room = Room::new();
    let out = made::study(&room, TWO_TASKS, 3, returns);
    room.ok(&["study", "report", "runs/made"]);
    let csv = out.join("learning-curves.csv");
    let told = room.ok(&["stats", csv.to_str().unwrap(), "--baseline=reverse KL"]);
    assert!(told.contains("2 algorithms, 2 tasks, 3 runs of each"), "{told}");
    // Two tasks of three runs: 2 of 400 labellings.
    let answer = "forward KL, N = 2 is better than reverse KL: a run of it scores higher with probability 1.00 \
                  (exact permutation test, p = 0.0050).";
    assert!(told.contains(answer), "{told}");
    let told = room.refused(&["stats", csv.to_str().unwrap(), "--baseline=mine"]);
    assert!(told.contains("an algorithm of the file: reverse KL, forward KL, N = 2"), "{told}");
}

/// One by hand while the study's own is written.
#[test]
fn reports_at_the_same_time_do_not_disturb_each_other() {
    let room = Room::new();
    let out = made::study(&room, &one_task(), 4, returns);
    let all: Vec<common::Running> =
        (0..6).map(|_| room.start(&["study", "report", "runs/made"])).collect();
    for running in all {
        let output = running.end();
        assert!(output.status.success(), "{}", common::complaint(&output));
    }
    let files = listing(&out);
    let partial = |path: &std::path::Path| path.to_string_lossy().contains("partial");
    assert!(!files.iter().any(|(path, _)| partial(path)));
    room.ok(&["study", "report", "runs/made"]);
    assert!(listing(&out) == files);
}

#[test]
fn the_terminal_tells_how_much_weight_a_verdict_bears() {
    let room = Room::new();
    let twins = one_task().replace("forward KL, N = 2", "reverse KL");
    made::study(&room, &twins, 5, returns);
    let told = room.ok(&["study", "report", "runs/made"]);
    assert!(told.contains("note: With 5 seeds bootstrap intervals are too narrow"), "{told}");
    let rows: Vec<&str> =
        told.lines().filter(|line| line.contains(" Pendulum-v1 ")).map(str::trim).collect();
    assert!(rows[0].starts_with("reverse KL (reverse/env=Pendulum-v1)"), "{told}");
    assert!(rows[1].starts_with("reverse KL (forward/env=Pendulum-v1)"), "{told}");
}

/// Of three runs one has a quarter of its steps left, one is whole, one has failed too often.
#[test]
fn a_dry_run_is_of_what_is_left() {
    let room = Room::new();
    let cache = tempfile::tempdir().unwrap();
    let out = made::study(&room, &one_task(), 3, returns);
    for variant in ["reverse", "forward"] {
        let run = |seed: u64| out.join(format!("{variant}/env=Pendulum-v1/seed{seed}"));
        fs::remove_file(run(0).join("result.json")).unwrap();
        let metrics = fs::read_to_string(run(0).join("metrics.jsonl")).unwrap();
        let some: Vec<&str> = metrics.lines().take(6).collect();
        fs::write(run(0).join("metrics.jsonl"), some.join("\n") + "\n").unwrap();
        fs::remove_file(run(1).join("result.json")).unwrap();
        for attempt in 1..=5 {
            let folder = run(1).join(format!("attempt-{attempt}"));
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("failure.json"), "{\"reason\": \"no\"}").unwrap();
        }
    }
    let dry = |file: &str| {
        let arguments = ["study", "run", file, "--dry-run", "--json", "--jobs=9"];
        let output = room.command(&arguments).env("RLAI_CACHE", cache.path()).output().unwrap();
        assert!(output.status.success(), "{}", common::complaint(&output));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let told = dry("made.toml");
    assert_eq!(told["runs"], 2, "{told}");
    let seconds = |variant: usize| told["variants"][variant]["run_seconds"].as_f64().unwrap();
    // Both at the same time: a quarter of the slower one.
    let expected = 0.25 * seconds(0).max(seconds(1));
    assert!((told["seconds"].as_f64().unwrap() / expected - 1.0).abs() < 1e-9, "{told}");

    // One that diverges at once does not keep the others from being estimated.
    let text = one_task().replace("samples = 2\n", "samples = 2\nlearning_rate = 1e30\n");
    room.write("wild.toml", &format!("seeds = 2\n{}", text.replace("\"made\"", "\"wild\"")));
    let told = dry("wild.toml");
    assert_eq!((&told["runs"], told["variants"].as_array().unwrap().len()), (&4.into(), 1));
    assert_eq!(told["unmeasured"][0]["name"], "forward/env=Pendulum-v1");
    let arguments = ["study", "run", "wild.toml", "--dry-run"];
    let output = room.command(&arguments).env("RLAI_CACHE", cache.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("forward/env=Pendulum-v1 cannot be measured, and is in no sum: "),
        "{text}"
    );
    assert!(text.contains("4 of 4 runs to do, ") && text.contains(": more than "), "{text}");
    assert!(!room.path("runs/wild").exists());
}

#[test]
fn a_run_that_is_named_twice_is_written_once() {
    let room = Room::new();
    made::study(&room, &one_task(), 2, returns);
    let one = "runs/made/reverse/env=Pendulum-v1/seed0";
    let lines = |folders: &[&str]| {
        room.ok(&[&["export", "--format=csv", "--out=all.csv"], folders].concat());
        let text = fs::read_to_string(room.path("all.csv")).unwrap();
        fs::remove_file(room.path("all.csv")).unwrap();
        text.lines().count()
    };
    let all = lines(&["runs/made"]);
    assert_eq!(lines(&[one, "runs/made"]), all);
    assert_eq!(lines(&["runs/made", one]), all);
    assert!(lines(&[one]) < all);
}
