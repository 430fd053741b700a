//! Studies under the engine `slurm` where there is no cluster: Slurm's programs are scripts of the test,
//! and a shell plays the tasks. A real cluster is disturbed by `tools/slurm_faults.py`.
#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use common::{Room, complaint};
use serde_json::Value;

const STUDY: &str = "
name = \"s\"
seeds = 2
[base]
env = \"Pendulum-v1\"
steps = 300
learning_starts = 100
hidden = [16]
batch = 16
evaluate_every = 100
evaluation_episodes = 1
[[variant]]
name = \"a\"
[[variant]]
name = \"b\"
[engine]
kind = \"slurm\"
max_attempts = 2
";

/// A room whose Slurm answers what the test says.
fn cluster() -> Room {
    let room = Room::new();
    room.write("s.toml", STUDY);
    fs::create_dir(room.path("bin")).unwrap();
    program(&room, "sbatch", "[ \"$1\" = --version ] && exit; echo \"$@\" >> calls; wc -l < calls");
    program(&room, "squeue", "[ \"$1\" = --version ] || cat queue.json");
    program(&room, "sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1");
    program(&room, "sinfo", "echo 'n1|idle|none'");
    program(&room, "scontrol", "echo 'MaxArraySize = 3'");
    room.write("queue.json", "{\"jobs\": [], \"errors\": []}");
    room
}

/// A program that does this in the room, whoever calls it.
fn program(room: &Room, name: &str, does: &str) {
    let path = room.path("bin").join(name);
    let at = room.path("").display().to_string();
    fs::write(&path, format!("#!/bin/sh\ncd '{at}'\n{does}\n")).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
}

fn path_variable(room: &Room) -> String {
    format!("{}:{}", room.path("bin").display(), std::env::var("PATH").unwrap())
}

fn rlai(room: &Room, arguments: &[&str]) -> Output {
    room.command(arguments).env("PATH", path_variable(room)).output().unwrap()
}

/// What a command that ends well says to people.
fn told(room: &Room, arguments: &[&str]) -> String {
    let output = rlai(room, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", complaint(&output));
    complaint(&output)
}

/// Plays a task of a submission as Slurm would.
fn play(room: &Room, submission: u64, task: u64) {
    let script = room.path(&format!("runs/s/slurm/submission-{submission}.sh"));
    let ran = Command::new("bash")
        .arg(script)
        .env("SLURM_ARRAY_TASK_ID", task.to_string())
        .current_dir(room.path("runs/s"))
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", complaint(&ran));
}

fn status(room: &Room) -> Value {
    let output = rlai(room, &["study", "status", "runs/s", "--json"]);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn calls(room: &Room) -> Vec<String> {
    let text = fs::read_to_string(room.path("calls")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn job_name(call: &str) -> &str {
    call.split_whitespace().find_map(|word| word.strip_prefix("--job-name=")).unwrap()
}

#[test]
fn what_has_neither_result_nor_task_is_submitted() {
    let room = cluster();
    assert!(told(&room, &["study", "run", "s.toml"]).contains("submitted 3 runs as array 1"));
    // Indices of an array are below MaxArraySize.
    let first = calls(&room);
    assert_eq!(first.len(), 2);
    assert!(first[0].contains("--array=0-2 ") && first[1].contains("--array=0 "), "{first:?}");
    play(&room, 1, 1);
    assert!(room.path("runs/s/b/seed0/result.json").is_file());
    let queue = format!(
        "{{\"jobs\": [{{\"name\": \"{}\", \"array_job_id\": 2, \"array_task_id\": null, \
         \"array_task_string\": \"0\", \"job_state\": \"PENDING\", \"state_reason\": \"JobHeldUser\"}}]}}",
        job_name(&first[1])
    );
    room.write("queue.json", &queue);
    program(&room, "sinfo", "echo 'n3|drained|bad disk'");
    let said = told(&room, &["study", "resume", "runs/s"]);
    assert!(said.contains("submitted 2 runs as array 3"), "{said}");
    assert!(said.contains(
        "array 2: 1 task is held (JobHeldUser); once that is mended: scontrol release 2"
    ));
    assert!(said.contains("node n3 is drained (bad disk)"), "{said}");
    assert!(calls(&room)[2].contains("--array=0,2 "));
    let status = status(&room);
    assert_eq!(status["states"], serde_json::json!({"finished": 1, "held": 2, "missing": 1}));
    assert_eq!(status["runs"][3]["slurm"], "held (2_0, JobHeldUser)");
    assert_eq!(status["runs"][0]["slurm"], "no task any more (3_0)");
    assert_eq!(status["slurm"].as_array().unwrap().len(), 2);
}

#[test]
fn a_run_whose_tasks_never_begin_is_held_in_the_end() {
    let room = cluster();
    let only = ["--only", "a", "--seeds", "0"];
    told(&room, &[&["study", "run", "s.toml"][..], &only].concat());
    told(&room, &[&["study", "resume", "runs/s"][..], &only].concat());
    let said = told(&room, &[&["study", "resume", "runs/s"][..], &only].concat());
    assert!(said.contains("held: a, seed 0 failed 2 times"), "{said}");
    assert_eq!(calls(&room).len(), 2);
    told(&room, &[&["study", "resume", "runs/s", "--max-attempts", "3"][..], &only].concat());
    assert_eq!(calls(&room).len(), 3);
}

#[test]
fn status_counts_what_was_submitted_in_vain_as_resume_does() {
    let room = cluster();
    told(&room, &["study", "run", "s.toml"]);
    assert_eq!(status(&room)["states"], serde_json::json!({"missing": 4}));
    // One begins and ends; the others are lost, and so is the second submission of all of them.
    play(&room, 1, 1);
    told(&room, &["study", "resume", "runs/s"]);
    let stood = status(&room);
    assert_eq!(stood["states"], serde_json::json!({"finished": 1, "held": 3}));
    assert_eq!(
        (&stood["runs"][0]["held"], &stood["runs"][1]["held"]),
        (&true.into(), &false.into())
    );
    let said = told(&room, &["study", "resume", "runs/s"]);
    assert!(said.contains("4 runs: 1 finished, 3 held"), "{said}");
    // What is queued is not held, however often it was submitted before.
    let name = job_name(&calls(&room)[2]).to_owned();
    let job = format!(
        "{{\"jobs\": [{{\"name\": \"{name}\", \"array_job_id\": 3, \"array_task_id\": 0, \
         \"job_state\": \"PENDING\", \"state_reason\": \"Priority\"}}]}}"
    );
    room.write("queue.json", &job);
    assert_eq!(
        status(&room)["states"],
        serde_json::json!({"finished": 1, "held": 2, "missing": 1})
    );
}

#[test]
fn what_was_typed_at_run_is_remembered() {
    let room = cluster();
    // The file says nothing of Slurm.
    room.write("s.toml", STUDY.split("[engine]").next().unwrap());
    let typed = ["--engine=slurm", "--jobs=2", "--max-attempts=3"];
    told(&room, &[&["study", "run", "s.toml"], &typed[..]].concat());
    assert!(calls(&room)[0].contains("--array=0-2%2 "), "{:?}", calls(&room));
    let origin = room.json("runs/s/origin.json");
    assert_eq!(
        origin["typed"],
        serde_json::json!({"engine": "slurm", "jobs": 2, "max_attempts": 3})
    );
    // By its folder or by its file: nothing is typed any more.
    assert!(told(&room, &["study", "resume", "runs/s"]).contains("submitted 3 runs as array 3"));
    assert!(calls(&room)[2].contains("--array=0-2%2 "));
    assert_eq!(status(&room)["states"], serde_json::json!({"missing": 4}));
    told(&room, &["study", "resume", "s.toml"]);
    assert_eq!(calls(&room).len(), 6);
    assert_eq!(status(&room)["states"], serde_json::json!({"held": 4}));
    assert!(told(&room, &["study", "resume", "runs/s"]).contains("4 runs: 4 held"));
    // What resume is told holds once.
    told(&room, &["study", "resume", "runs/s", "--max-attempts=4", "--only=a"]);
    assert_eq!(calls(&room).len(), 7);
    assert_eq!(status(&room)["states"], serde_json::json!({"held": 4}));
    assert_eq!(room.json("runs/s/origin.json"), origin);
    // The file alone says anew: here, on this machine.
    let output = rlai(&room, &["study", "run", "s.toml", "--only=a", "--seeds=0"]);
    assert!(output.status.success(), "{}", complaint(&output));
    assert_eq!(calls(&room).len(), 7);
    assert!(room.path("runs/s/a/seed0/result.json").exists());
    assert!(room.json("runs/s/origin.json")["typed"].is_null());
    room.write("runs/s/origin.json", "{\"working_directory\": \"/\", \"typed\": {\"jobs\": 0}}");
    let refused = rlai(&room, &["study", "status", room.path("runs/s").to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2));
    let why = complaint(&refused);
    assert!(why.contains("origin.json: jobs = 0: from 1 to 1024"), "{why}");
}

#[test]
fn text_is_asked_where_the_queue_has_no_json() {
    let room = cluster();
    told(&room, &["study", "run", "s.toml"]);
    let names = calls(&room).iter().map(|call| job_name(call).to_owned()).collect::<Vec<_>>();
    let lines = format!(
        "{0}|1|0|RUNNING|n1|None\n{0}|1|1|PENDING||Priority\n{0}|1|2|PENDING||Priority\n{1}|2|0|PENDING||Priority",
        names[0], names[1]
    );
    room.write("lines", &lines);
    program(
        &room,
        "squeue",
        "[ \"$1\" = --json ] && { echo 'no such option' >&2; exit 1; }; cat lines",
    );
    let said = told(&room, &["study", "resume", "runs/s"]);
    assert!(said.contains("4 runs: 1 running, 3 queued"), "{said}");
    assert_eq!(calls(&room).len(), 2);
}

#[test]
fn a_queue_that_cannot_be_asked_stops_resume_but_not_status() {
    let room = cluster();
    told(&room, &["study", "run", "s.toml"]);
    program(
        &room,
        "squeue",
        "[ \"$1\" = --version ] || { echo 'squeue: error: gone' >&2; exit 1; }",
    );
    let refused = rlai(&room, &["study", "resume", "runs/s"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(complaint(&refused).contains("nothing is submitted: squeue: error: gone"));
    assert_eq!(calls(&room).len(), 2);
    let status = status(&room);
    assert_eq!(status["states"], serde_json::json!({"missing": 4}));
    assert_eq!(status["slurm"][0], "Slurm cannot be asked: squeue: error: gone");
}

#[test]
fn what_slurm_refuses_is_told_and_not_counted() {
    let room = cluster();
    program(
        &room,
        "sbatch",
        "[ \"$1\" = --version ] || { echo 'sbatch: error: invalid partition' >&2; exit 1; }",
    );
    let refused = rlai(&room, &["study", "run", "s.toml"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(complaint(&refused).contains("sbatch: error: invalid partition"));
    assert_eq!(fs::read_dir(room.path("runs/s/slurm")).unwrap().count(), 0);
}

#[test]
fn without_slurm_nothing_is_created() {
    let room = Room::new();
    room.write("s.toml", STUDY);
    let empty = room.path("").display().to_string();
    let output = room.command(&["study", "run", "s.toml"]).env("PATH", empty).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let why = complaint(&output);
    assert!(
        why.contains("engine = \"slurm\": Slurm's programs cannot be called here: sbatch"),
        "{why}"
    );
    assert!(!room.path("runs").exists());
}

#[test]
fn a_dry_run_prints_the_scripts_and_creates_nothing() {
    let room = cluster();
    let output = rlai(&room, &["study", "run", "s.toml", "--dry-run"]);
    assert!(output.status.success(), "{}", complaint(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("# sbatch --parsable --job-name=rlai.s.") && text.contains("\n# 1 b/seed0\n")
    );
    assert_eq!(text.matches("#!/bin/bash\n").count(), 2);
    assert!(!room.path("runs").exists() && calls(&room).is_empty());
}

#[test]
fn a_study_that_is_waited_for_ends_with_its_report() {
    let room = cluster();
    let path = path_variable(&room);
    // Slurm plays the tasks at once, but for those of the first array, which it loses; once it is too busy.
    let plays = "n=$(($(cat count 2>/dev/null || echo 0) + 1)); echo $n > count
        [ $n = 3 ] && { echo 'sbatch: error: Socket timed out' >&2; exit 1; }
        for word in \"$@\"; do script=$word; done
        [ $n = 1 ] || for task in 0 1 2; do
            grep -q \"^$task \" \"${script%.sh}.runs\" && SLURM_ARRAY_TASK_ID=$task bash \"$script\" >/dev/null 2>&1
        done
        echo $n";
    program(&room, "sbatch", &format!("[ \"$1\" = --version ] && exit 0\n{plays}"));
    let output =
        room.command(&["study", "run", "s.toml", "--wait", "--json"]).env("PATH", path).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", complaint(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["status"], "finished");
    assert_eq!(fs::read_to_string(room.path("count")).unwrap(), "4\n");
    let note = "sbatch: error: Socket timed out; it is tried again";
    assert_eq!(complaint(&output).matches(note).count(), 1, "{}", complaint(&output));
}
