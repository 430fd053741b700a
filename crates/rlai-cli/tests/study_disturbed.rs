//! A study that is killed again and again, whole and in part, ends in the very files of one that nobody disturbed.

#![cfg(unix)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Room, Running, complaint, listing, wait_until};
use serde_json::Value;

/// Eight runs of some seconds, saved several times a second: two objectives on two tasks with two seeds.
const STUDY: &str = "
name = \"disturbed\"
title = \"Runs that are killed\"
seeds = 2
[base]
steps = STEPS
learning_starts = 200
hidden = [24]
batch = 24
evaluate_every = 500
evaluation_episodes = 1
log_every = 100
checkpoint_every = 100
[grid]
env = [\"Pendulum-v1\", \"MountainCarContinuous-v0\"]
[[variant]]
name = \"reverse\"
[[variant]]
name = \"forward\"
objective = \"forward-kl\"
samples = 8
[reference.\"Pendulum-v1\"]
low = -1500
high = -150
[reference.\"MountainCarContinuous-v0\"]
low = -100
high = 95
[engine]
jobs = 2
max_attempts = 9
";
/// Steps of a run.
const STEPS: u64 = 4000;
const OUT: &str = "runs/disturbed";

/// What the study comes to: of every run the files that do not depend on the machine.
fn results(room: &Room) -> BTreeMap<String, (Value, Value)> {
    let result = |run: String| {
        let result = room.json(&format!("{run}/result.json"));
        (run, (result["parameters_blake3"].clone(), result["evaluations"].clone()))
    };
    runs(room).into_iter().map(result).collect()
}

/// The folders of all runs, in the order in which they are started.
fn runs(room: &Room) -> Vec<String> {
    let status = status(room);
    let runs = status["runs"].as_array().unwrap().iter();
    runs.map(|run| format!("{OUT}/{}", run["name"].as_str().unwrap())).collect()
}

fn status(room: &Room) -> Value {
    serde_json::from_str(&room.ok(&["study", "status", OUT, "--json"])).unwrap()
}

/// The study of a room while it is disturbed.
struct Disturbed<'a> {
    room: &'a Room,
    runs: Vec<String>,
    /// Runs that were killed, and their processes, in the order of their deaths.
    killed: Vec<(String, u64)>,
    /// Of all runs the newest attempt and the newest step when the study was last started.
    begun_at: BTreeMap<String, (u64, u64)>,
}

impl Disturbed<'_> {
    /// Starts whoever runs the study.
    fn start(&mut self, command: &str) -> Running {
        let newest = |run: &String| {
            let attempts = rlai::checkpoint::attempts(&self.room.path(run));
            let attempt = attempts.first().map_or(0, |(number, _)| *number);
            (run.clone(), (attempt, self.room.newest_step(run).unwrap_or(0)))
        };
        self.begun_at = self.runs.iter().map(newest).collect();
        let what = if command == "run" { "s.toml" } else { OUT };
        self.room.start(&["study", command, what])
    }

    /// The process of a run that has learned and saved something since the study was last started, and is far from
    /// its end: one that is killed when it has published its result has finished.
    fn at_work(&self, run: &str) -> Option<u64> {
        let owner = fs::read_to_string(self.room.path(run).join("owner.json")).ok()?;
        let owner: Value = serde_json::from_str(&owner).ok()?;
        let step = self.room.newest_step(run)?;
        let (attempt, begun) = self.begun_at[run];
        let learned = step > begun.max(300) && step + 500 < STEPS;
        // What a killed study left behind may still be saving itself.
        let learned = learned && owner["attempt"].as_u64()? > attempt;
        let pid = owner["pid"].as_u64()?;
        let dead = self.killed.iter().any(|(_, killed)| *killed == pid);
        (learned && owner["released"] == false && !dead).then_some(pid)
    }

    /// Waits until a run is at work, one that was not killed before if there is such.
    fn victim(&self) -> (String, u64) {
        let found = std::cell::RefCell::new(None);
        wait_until(|| {
            let at_work = self.runs.iter().filter_map(|run| Some((run, self.at_work(run)?)));
            let deaths = |run: &String| self.killed.iter().filter(|(one, _)| one == run).count();
            let least = at_work.min_by_key(|(run, _)| deaths(run));
            *found.borrow_mut() = least.map(|(run, pid)| (run.clone(), pid));
            found.borrow().is_some()
        });
        found.into_inner().unwrap()
    }

    /// Kills a run at work; its study goes on and says how it ended.
    fn kill_run(&mut self) {
        let (run, pid) = self.victim();
        kill(pid);
        wait_until(|| self.room.failure(&run).is_some_and(|why| why.contains("signal: 9")));
        self.killed.push((run, pid));
    }

    /// Kills whoever runs the study while a run is at work.
    fn kill_study(&self, study: Running) {
        self.victim();
        study.kill();
    }

    /// Kills whoever runs the study and a run at the same time: nobody can say how that run ended.
    fn kill_both(&mut self, study: Running) {
        let (run, pid) = self.victim();
        kill(pid);
        study.kill();
        self.killed.push((run, pid));
    }
}

fn kill(pid: u64) {
    // It may have ended meanwhile.
    let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).stderr(Stdio::null()).status();
}

impl Room {
    /// Why the newest attempt at a run failed.
    fn failure(&self, run: &str) -> Option<String> {
        let (_, attempt) = rlai::checkpoint::attempts(&self.path(run)).into_iter().next()?;
        fs::read_to_string(attempt.join("failure.json")).ok()
    }

    /// Makes the study's report and returns every file of it, by name.
    fn report(&self) -> BTreeMap<String, Vec<u8>> {
        self.ok(&["study", "report", OUT, "--without-wall-clock"]);
        let out = self.path(OUT);
        let ours = |path: &Path| {
            let name = path.strip_prefix(&out).unwrap().to_str().unwrap().to_owned();
            let not = ["reverse", "forward", ".coordinator", "origin.json"];
            let is = path.is_file() && !not.iter().any(|it| name.starts_with(it));
            is.then_some(name)
        };
        listing(&out).into_iter().filter_map(|(path, bytes)| Some((ours(&path)?, bytes))).collect()
    }
}

/// What differs between two reports, a line for each file.
fn differences(
    whole: &BTreeMap<String, Vec<u8>>,
    disturbed: &BTreeMap<String, Vec<u8>>,
) -> Vec<String> {
    let names: BTreeSet<&String> = whole.keys().chain(disturbed.keys()).collect();
    let difference = |name: &String| match (whole.get(name), disturbed.get(name)) {
        (Some(one), Some(other)) => difference(one, other).map(|what| format!("{name}: {what}")),
        (Some(_), None) => Some(format!("{name}: the disturbed study has none")),
        (None, _) => Some(format!("{name}: only the disturbed study has one")),
    };
    names.into_iter().filter_map(difference).collect()
}

/// The first line, or byte, where two files differ.
fn difference(one: &[u8], other: &[u8]) -> Option<String> {
    if one == other {
        return None;
    }
    let at = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let bytes = || format!("byte {at} of {} and {}", one.len(), other.len());
    let (Ok(text), Ok(twin)) = (std::str::from_utf8(one), std::str::from_utf8(other)) else {
        return Some(bytes());
    };
    let mut lines = text.lines().zip(twin.lines()).enumerate();
    let Some((number, (a, b))) = lines.find(|(_, (a, b))| a != b) else { return Some(bytes()) };
    let column = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let part =
        |line: &str| line.chars().skip(column.saturating_sub(40)).take(80).collect::<String>();
    Some(format!("line {}, column {}: {:?}, {:?}", number + 1, column + 1, part(a), part(b)))
}

#[test]
fn a_study_that_was_killed_ends_in_the_same_files_to_the_last_byte() {
    let (whole, room) = (Room::new(), Room::new());
    for room in [&whole, &room] {
        room.write("s.toml", &STUDY.replace("STEPS", &STEPS.to_string()));
    }
    whole.ok(&["study", "run", "s.toml"]);
    let expected = results(&whole);
    let hashes: BTreeSet<&str> =
        expected.values().map(|(hash, _)| hash.as_str().unwrap()).collect();
    assert_eq!(hashes.len(), 8);

    let mut disturbed = Disturbed {
        room: &room,
        runs: runs(&whole),
        killed: Vec::new(),
        begun_at: BTreeMap::new(),
    };
    // Whoever runs the study is killed: the runs save themselves and end.
    let study = disturbed.start("run");
    disturbed.victim();
    let refused = room.rlai(&["study", "resume", OUT]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(complaint(&refused).contains("is running this study"), "{}", complaint(&refused));
    disturbed.kill_study(study);
    wait_until(|| status(&room)["states"]["running"].is_null());
    let stood = status(&room);
    assert_eq!(stood["coordinator"]["life"], "dead");
    let all = |field: &str| -> u64 {
        stood["runs"].as_array().unwrap().iter().map(|run| run[field].as_u64().unwrap()).sum()
    };
    assert_eq!(all("failures"), 0, "they ended as they were asked to: {stood}");
    assert!(all("step") > 300 && all("step") < 8 * STEPS, "{stood}");

    // A run is killed, then the study; then both at once. Nobody waits for what they leave behind.
    let study = disturbed.start("resume");
    disturbed.kill_run();
    disturbed.kill_study(study);
    let study = disturbed.start("resume");
    disturbed.kill_both(study);
    // Two more runs are killed under a study that goes on to its end and tells of them.
    let study = disturbed.start("resume");
    disturbed.kill_run();
    disturbed.kill_run();
    assert_eq!(study.end().status.code(), Some(1));
    let stood = status(&room);
    let killed = &disturbed.killed;
    assert_ne!(killed[2].0, killed[3].0);
    assert_eq!(stood["states"]["failed"], 2, "{killed:?}: {stood}");
    assert_eq!(stood["states"]["finished"], 6, "{killed:?}: {stood}");

    // From another folder its own is enough.
    let elsewhere = tempfile::tempdir().unwrap();
    let mut again = room.command(&["study", "resume", room.path(OUT).to_str().unwrap()]);
    let output = again.current_dir(elsewhere.path()).output().unwrap();
    assert!(output.status.success(), "{}", complaint(&output));
    assert!(complaint(&output).contains("runs already finished"), "{}", complaint(&output));
    assert!(listing(elsewhere.path()).is_empty());
    let stood = status(&room);
    assert_eq!(stood["states"]["finished"], 8);
    let failures: u64 =
        stood["runs"].as_array().unwrap().iter().map(|run| run["failures"].as_u64().unwrap()).sum();
    assert!((3..=4).contains(&failures), "one of four may have ended as it was killed: {stood}");
    assert_eq!(results(&room), expected);

    let report = whole.report();
    let of_kind = |end: &str| report.keys().filter(|name| name.ends_with(end)).count();
    for kind in [".html", ".json", ".svg", ".png", ".csv", ".md", ".tex"] {
        assert!(of_kind(kind) > 0, "no {kind} among {:?}", report.keys());
    }
    let differences = differences(&report, &room.report());
    assert!(differences.is_empty(), "the reports differ:\n{}", differences.join("\n"));
    what_differs_is_seen(&room, &report, &disturbed.runs[3]);
}

/// One number of one line of metrics is another: the reports are no longer the same.
fn what_differs_is_seen(room: &Room, report: &BTreeMap<String, Vec<u8>>, run: &str) {
    let path = room.path(run).join("metrics.jsonl");
    let mut lines: Vec<Value> = fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let line = lines.iter_mut().rfind(|line| line["kind"] == "train").unwrap();
    line["entropy"] = (line["entropy"].as_f64().unwrap() + 0.25).into();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(&path, text).unwrap();
    let told = differences(report, &room.report());
    assert!(told.iter().any(|line| line.starts_with("report.html: line ")), "{told:?}");
    assert!(told.iter().any(|line| line.contains(".png: byte ")), "{told:?}");
    assert!(told.iter().any(|line| line.contains("entropy")), "{told:?}");
}
