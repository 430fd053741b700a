//! What Slurm says of a study's tasks. It only explains: nothing here decides whether a run has finished.
//!
//! `squeue --json` has changed between versions (a state became a list, a number became an object) and is
//! missing in some; its text output is asked where JSON is not understood. `sacct` needs an accounting
//! data base, which many small clusters lack.

use std::collections::BTreeMap;

use serde_json::Value;

use super::record::Record;
use super::tool;

/// Most tasks that a list of an array may name: more is no list of ours.
const MOST_TASKS: u64 = 1_000_000;

/// A task in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Name of its job.
    pub name: String,
    /// Id of its array.
    pub array: String,
    /// Its index in the array.
    pub task: u64,
    /// PENDING, RUNNING, ...
    pub state: String,
    /// Why it is pending.
    pub reason: String,
    /// Where it runs.
    pub node: String,
}

impl Task {
    /// Somebody must release it.
    pub fn is_held(&self) -> bool {
        let reason = self.reason.to_lowercase();
        let pending = !matches!(self.state.as_str(), "RUNNING" | "COMPLETING");
        let word = reason.contains("held") || reason.contains("hold");
        (pending && word) || matches!(self.state.as_str(), "REQUEUE_HOLD" | "SPECIAL_EXIT")
    }

    /// It has a node.
    pub fn runs(&self) -> bool {
        matches!(self.state.as_str(), "RUNNING" | "CONFIGURING" | "COMPLETING" | "SUSPENDED")
    }

    /// It is over: Slurm remembers it for a while.
    fn is_over(&self) -> bool {
        const OVER: [&str; 10] = [
            "COMPLETED",
            "FAILED",
            "CANCELLED",
            "TIMEOUT",
            "NODE_FAIL",
            "PREEMPTED",
            "BOOT_FAIL",
            "DEADLINE",
            "OUT_OF_MEMORY",
            "REVOKED",
        ];
        OVER.contains(&self.state.as_str())
    }
}

/// The tasks of one study that are queued or running, by the names of their runs.
#[derive(Debug, Default)]
pub struct Queue(BTreeMap<String, Task>);

impl Queue {
    /// Asks Slurm.
    ///
    /// # Errors
    /// It cannot be asked, in words.
    pub fn ask(prefix: &str, record: &Record) -> Result<Self, String> {
        let tasks = match tool::output("squeue", &["--json".to_owned()]) {
            Ok(text) => parse_json(&text),
            Err(why) => Err(why),
        };
        let tasks = tasks.or_else(|_| {
            let format = "--format=%j|%F|%K|%T|%N|%r".to_owned();
            let arguments = ["--noheader", "--all", "--array"].map(str::to_owned);
            tool::output("squeue", &[&arguments[..], &[format]].concat())
                .map(|text| parse_text(&text))
        })?;
        Ok(Self::of(&tasks, prefix, record))
    }

    fn of(tasks: &[Task], prefix: &str, record: &Record) -> Self {
        let mut runs: BTreeMap<String, Task> = BTreeMap::new();
        for task in tasks.iter().filter(|task| !task.is_over()) {
            let submission = task.name.strip_prefix(prefix).and_then(|number| number.parse().ok());
            let Some(name) = submission.and_then(|number| record.name(number, task.task)) else {
                continue;
            };
            // Of two tasks of one run, the one at work is told.
            let known = runs.get(name);
            if known.is_none_or(|known| task.runs() && !known.runs()) {
                runs.insert(name.to_owned(), task.clone());
            }
        }
        Self(runs)
    }

    /// What a text output would tell.
    #[cfg(test)]
    pub fn of_text(text: &str, prefix: &str, record: &Record) -> Self {
        Self::of(&parse_text(text), prefix, record)
    }

    /// The task of a run.
    pub fn task(&self, run: &str) -> Option<&Task> {
        self.0.get(run)
    }

    /// All tasks.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.0.values()
    }
}

/// Tasks that `squeue --json` tells of. What is no task of an array is left out.
///
/// # Errors
/// It is not what squeue prints, in words.
fn parse_json(text: &str) -> Result<Vec<Task>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let jobs = value.get("jobs").and_then(Value::as_array).ok_or("no list of jobs")?;
    // 22.05 answers with an empty list when it could not ask.
    let errors = value.get("errors").and_then(Value::as_array);
    if let (Some(error), true) = (errors.and_then(|errors| errors.first()), jobs.is_empty()) {
        return Err(format!("squeue: {error}"));
    }
    Ok(jobs.iter().flat_map(tasks_of).collect())
}

fn tasks_of(job: &Value) -> Vec<Task> {
    let text = |key: &str| word(job.get(key)).unwrap_or_default();
    let Some(array) = number(job.get("array_job_id")).filter(|&id| id > 0) else {
        return Vec::new();
    };
    let list = text("array_task_string");
    let indices = match list.as_str() {
        "" => number(job.get("array_task_id")).into_iter().collect(),
        list => parse_list(list).unwrap_or_default(),
    };
    let task = |task| Task {
        name: text("name"),
        array: array.to_string(),
        task,
        state: text("job_state"),
        reason: match text("state_description") {
            // More precise where it is there: "launch failed requeued held".
            description if !description.is_empty() => description,
            _ => text("state_reason"),
        },
        node: text("nodes"),
    };
    indices.into_iter().map(task).collect()
}

/// A string, or the first of a list of strings, as newer versions write states.
fn word(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => word(list.first()),
        _ => None,
    }
}

/// A number, or an object that says whether it is set, as newer versions write them.
fn number(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Number(number) => number.as_u64(),
        Value::Object(object) => match object.get("set") {
            Some(Value::Bool(true)) => object.get("number")?.as_u64(),
            _ => None,
        },
        _ => None,
    }
}

/// Tasks of the text output with fields `%j|%F|%K|%T|%N|%r`; a reason may hold the mark itself.
fn parse_text(text: &str) -> Vec<Task> {
    let line = |line: &str| {
        let mut fields = line.splitn(6, '|').map(str::trim);
        let mut next = || fields.next().map(str::to_owned);
        let (name, array, task) = (next()?, next()?, next()?);
        let (state, node, reason) = (next()?, next()?, next()?);
        Some(Task { name, array, task: task.parse().ok()?, state, reason, node })
    };
    text.lines().filter_map(line).collect()
}

/// The numbers of `5,7-9,20-30:5%4`; none if it is not such a list.
fn parse_list(text: &str) -> Option<Vec<u64>> {
    let text = text.split('%').next()?;
    let mut numbers = Vec::new();
    for part in text.split(',') {
        let (range, step) = part.split_once(':').unwrap_or((part, "1"));
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        let step: usize = step.parse().ok().filter(|&step| step > 0)?;
        if last > MOST_TASKS {
            return None;
        }
        numbers.extend((first..=last).step_by(step));
    }
    Some(numbers)
}

/// How tasks ended, by array and index, as far as accounting tells; empty where there is none.
pub fn ended(record: &Record) -> BTreeMap<(String, u64), String> {
    let jobs: Vec<&str> = record.jobs().collect();
    if jobs.is_empty() {
        return BTreeMap::new();
    }
    let arguments = ["--json".to_owned(), format!("--jobs={}", jobs.join(","))];
    tool::output("sacct", &arguments).map(|text| parse_ended(&text)).unwrap_or_default()
}

/// States and exit codes that `sacct --json` tells of.
fn parse_ended(text: &str) -> BTreeMap<(String, u64), String> {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let jobs = value.get("jobs").and_then(Value::as_array);
    let job = |job: &Value| {
        let array = job.get("array")?;
        let id = number(array.get("job_id")).filter(|&id| id > 0)?.to_string();
        let task = number(array.get("task_id")).or_else(|| number(array.get("task")))?;
        let state = word(job.get("state")?.get("current"))?;
        let exit = job.get("exit_code");
        let code = exit.and_then(|exit| number(exit.get("return_code"))).filter(|&code| code > 0);
        let signal = exit.and_then(|exit| exit.get("signal"));
        let signal = signal.and_then(|signal| {
            number(signal.get("signal_id")).or_else(|| number(signal.get("id")))
        });
        let why = match (code, signal.filter(|&signal| signal > 0)) {
            (_, Some(signal)) => format!("{state}, signal {signal}"),
            (Some(code), None) => format!("{state}, exit code {code}"),
            (None, None) => state,
        };
        Some(((id, task), why))
    };
    jobs.into_iter().flatten().filter_map(job).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of Slurm 22.05.8: an array with three running tasks, and one that is held.
    const SQUEUE_22_05: &str = include_str!("fixtures/squeue-22.05.json");

    fn brief(tasks: &[Task]) -> Vec<(String, u64, &str, &str, &str)> {
        let brief = |task: &Task| (task.array.clone(), task.task);
        let mut found: Vec<_> = tasks
            .iter()
            .map(|task| {
                let (array, index) = brief(task);
                (array, index, task.state.as_str(), task.reason.as_str(), task.node.as_str())
            })
            .collect();
        found.sort();
        found
    }

    fn expected() -> Vec<(String, u64, &'static str, &'static str, &'static str)> {
        [
            ("1", 0, "RUNNING", "None", "n1"),
            ("1", 1, "RUNNING", "None", "n2"),
            ("1", 2, "RUNNING", "None", "n3"),
            ("1", 5, "PENDING", "Resources", ""),
            ("1", 7, "PENDING", "Resources", ""),
            ("1", 8, "PENDING", "Resources", ""),
            ("1", 9, "PENDING", "Resources", ""),
            ("2", 0, "PENDING", "JobHeldUser", ""),
            ("2", 1, "PENDING", "JobHeldUser", ""),
        ]
        .map(|(array, task, state, reason, node)| (array.to_owned(), task, state, reason, node))
        .to_vec()
    }

    #[test]
    fn json_of_22_05_is_read() {
        let tasks = parse_json(SQUEUE_22_05).unwrap();
        assert_eq!(brief(&tasks), expected());
        let held: Vec<&str> =
            tasks.iter().filter(|task| task.is_held()).map(|task| task.array.as_str()).collect();
        assert_eq!(held, ["2", "2"]);
        assert_eq!(tasks.iter().filter(|task| task.runs()).count(), 3);
    }

    #[test]
    fn json_of_newer_versions_is_read() {
        let text = r#"{"jobs": [
            {"name": "a", "job_id": 9, "job_state": ["RUNNING"], "state_reason": "None", "nodes": "n1",
             "array_job_id": {"set": true, "infinite": false, "number": 4},
             "array_task_id": {"set": true, "infinite": false, "number": 0}, "array_task_string": ""},
            {"name": "a", "job_id": 4, "job_state": ["PENDING"], "state_reason": "Priority", "nodes": "",
             "array_job_id": {"set": true, "infinite": false, "number": 4},
             "array_task_id": {"set": false, "infinite": false, "number": 0},
             "array_task_string": "3-9:3%2"},
            {"name": "no array", "job_id": 5, "job_state": ["PENDING"],
             "array_job_id": {"set": true, "infinite": false, "number": 0},
             "array_task_id": {"set": false, "infinite": false, "number": 0}}
        ], "errors": [], "meta": {"slurm": {"version": {"major": "24"}}}}"#;
        let tasks = parse_json(text).unwrap();
        let indices: Vec<u64> = tasks.iter().map(|task| task.task).collect();
        assert_eq!(indices, [0, 3, 6, 9]);
        assert_eq!((tasks[0].state.as_str(), tasks[3].reason.as_str()), ("RUNNING", "Priority"));
    }

    #[test]
    fn text_is_read_where_there_is_no_json() {
        let text = "rlai.x|1|5|PENDING||Resources\nrlai.x|1|0|RUNNING|n1|None\n\
                    other|7|N/A|RUNNING|n2|None\nrlai.x|1|6|PENDING||(a|b)\n\nbroken";
        let tasks = parse_text(text);
        let expected = [
            ("1".to_owned(), 0, "RUNNING", "None", "n1"),
            ("1".to_owned(), 5, "PENDING", "Resources", ""),
            ("1".to_owned(), 6, "PENDING", "(a|b)", ""),
        ];
        assert_eq!(brief(&tasks), expected);
    }

    #[test]
    fn whatever_is_no_queue_is_refused_or_left_out() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for text in
            ["", "null", "[]", "{}", "{\"jobs\": 3}", "error: no such option", "\u{0}", &deep]
        {
            assert!(parse_json(text).is_err());
        }
        assert!(parse_json("{\"jobs\": [], \"errors\": [{\"error\": \"gone\"}]}").is_err());
        let odd = r#"{"jobs": [null, 3, [], {}, {"array_job_id": -1, "array_task_id": 1},
            {"array_job_id": 1e300, "array_task_id": 1}, {"array_job_id": 1, "array_task_id": "x"},
            {"array_job_id": 1, "array_task_string": "0-18446744073709551615"},
            {"array_job_id": 1, "array_task_string": "0-9:0"},
            {"array_job_id": 1, "array_task_string": "5,..."},
            {"array_job_id": 1, "array_task_id": 4, "job_state": {}, "nodes": 7, "name": null}]}"#;
        let tasks = parse_json(odd).unwrap();
        assert_eq!(tasks.len(), 1);
        assert_eq!((tasks[0].task, tasks[0].state.as_str(), tasks[0].node.as_str()), (4, "", ""));
    }

    #[test]
    fn tasks_are_those_of_the_study_and_of_runs() {
        let out = tempfile::tempdir().unwrap();
        let record = Record::read(out.path());
        let names = [(0, "v/seed0".to_owned()), (5, "v/seed5".to_owned())];
        record.begin(3, &names, "").unwrap();
        record.begin(4, &names[..1], "").unwrap();
        let record = Record::read(out.path());
        let task = |name: &str, task: u64, state: &str| Task {
            name: name.to_owned(),
            array: "1".to_owned(),
            task,
            state: state.to_owned(),
            reason: String::new(),
            node: String::new(),
        };
        let queue = Queue::of(
            &[
                task("rlai.s.ab.3", 0, "PENDING"),
                task("rlai.s.ab.4", 0, "RUNNING"),
                task("rlai.s.ab.3", 5, "FAILED"),
                task("rlai.s.ab.3", 6, "RUNNING"),
                task("rlai.s.ab.33", 5, "RUNNING"),
                task("rlai.t.ab.3", 5, "RUNNING"),
            ],
            "rlai.s.ab.",
            &record,
        );
        assert_eq!(queue.tasks().count(), 1);
        assert_eq!(queue.task("v/seed0").unwrap().state, "RUNNING");
        assert!(queue.task("v/seed5").is_none());
    }

    #[test]
    fn accounting_explains_where_there_is_one() {
        let text = r#"{"jobs": [
            {"array": {"job_id": 1, "task_id": 3, "task": null}, "state": {"current": "FAILED"},
             "exit_code": {"status": "ERROR", "return_code": 75}},
            {"array": {"job_id": 1, "task_id": {"set": true, "number": 4}},
             "state": {"current": ["CANCELLED"]},
             "exit_code": {"return_code": {"set": true, "number": 0},
                           "signal": {"id": {"set": true, "number": 9}}}},
            {"array": {"job_id": 0}, "state": {"current": "COMPLETED"}}, 7]}"#;
        let ended = parse_ended(text);
        let of = |task: u64| ended.get(&("1".to_owned(), task)).map(String::as_str);
        assert_eq!(of(3), Some("FAILED, exit code 75"));
        assert_eq!(of(4), Some("CANCELLED, signal 9"));
        assert_eq!(ended.len(), 2);
        assert!(parse_ended("Slurm accounting storage is disabled").is_empty());
    }
}
