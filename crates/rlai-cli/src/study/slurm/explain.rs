//! What Slurm says of a study, in words: where its runs are, and what somebody must mend.

use std::collections::{BTreeMap, BTreeSet};

use super::choose::{Choice, choose};
use super::queue::{self, Queue, Task};
use super::record::Record;
use super::{job_prefix, tool};
use crate::study::{Plan, RunStanding, SlurmSettings, State};

/// Where the runs of a study are, as far as Slurm tells.
#[derive(Debug)]
pub struct Place {
    queue: Queue,
    record: Record,
    ended: BTreeMap<(String, u64), String>,
}

impl Place {
    /// Asks Slurm, and its accounting, where there is one, of what is no longer in the queue.
    ///
    /// # Errors
    /// It cannot be asked, in words.
    pub fn ask(plan: &Plan) -> Result<Self, String> {
        let record = Record::read(&plan.out);
        let queue = Queue::ask(&job_prefix(&plan.name, &plan.out), &record)?;
        let ended = queue::ended(&record);
        Ok(Self { queue, record, ended })
    }

    /// What somebody must mend.
    pub fn notes(&self, plan: &Plan) -> Vec<String> {
        notes(&self.queue, &plan.engine.slurm)
    }

    /// Whether a run is no longer submitted: it failed, or its tasks never began, too often.
    pub fn holds(&self, standing: &RunStanding, max_attempts: usize) -> bool {
        let choice = choose(standing, &self.queue, &self.record, max_attempts);
        matches!(choice, Choice::Held(_))
    }

    /// Where a run is, in a few words; empty if there is nothing to say.
    pub fn of(&self, standing: &RunStanding) -> String {
        if let Some(task) = self.queue.task(&standing.name) {
            return in_queue(task);
        }
        if standing.state == State::Finished {
            return String::new();
        }
        let Some((_, array, task)) = self.record.last(&standing.name) else {
            return "not submitted".to_owned();
        };
        match self.ended.get(&(array.to_owned(), task)) {
            Some(how) => format!("no task any more ({array}_{task} {how})"),
            None => format!("no task any more ({array}_{task})"),
        }
    }
}

fn in_queue(task: &Task) -> String {
    let id = format!("{}_{}", task.array, task.task);
    match (task.is_held(), task.runs()) {
        (true, _) => format!("held ({id}, {})", task.reason),
        (false, true) => format!("running on {} ({id})", task.node),
        (false, false) => format!("queued ({id}, {})", task.reason),
    }
}

/// What keeps a study's runs from starting and does not end by itself: held arrays and nodes that are
/// drained or down, with the commands that mend them.
pub fn notes(queue: &Queue, settings: &SlurmSettings) -> Vec<String> {
    let mut arguments = vec!["--noheader".to_owned(), "--Node".to_owned()];
    arguments.push("--format=%N|%T|%E".to_owned());
    arguments.extend(settings.partition.iter().map(|name| format!("--partition={name}")));
    let mut notes = held_arrays(queue);
    match tool::output("sinfo", &arguments) {
        Ok(text) => notes.extend(sick_nodes(&text)),
        Err(why) => notes.push(format!("the nodes cannot be told: {why}")),
    }
    notes
}

fn held_arrays(queue: &Queue) -> Vec<String> {
    let mut arrays: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for task in queue.tasks().filter(|task| task.is_held()) {
        *arrays.entry((&task.array, &task.reason)).or_insert(0) += 1;
    }
    let note = |((array, reason), count): ((&str, &str), usize)| {
        let tasks = if count == 1 { "1 task is" } else { &format!("{count} tasks are") };
        format!(
            "array {array}: {tasks} held ({reason}); once that is mended: scontrol release {array}"
        )
    };
    arrays.into_iter().map(note).collect()
}

/// Of lines `name|state|reason`; a node is told once, however many partitions it is in.
fn sick_nodes(text: &str) -> BTreeSet<String> {
    let line = |line: &str| {
        let mut fields = line.splitn(3, '|').map(str::trim);
        let (name, state, reason) = (fields.next()?, fields.next()?, fields.next()?);
        let sick = ["drain", "down", "fail", "error"].iter().any(|word| state.starts_with(word));
        sick.then(|| {
            format!(
                "node {name} is {state} ({reason}); once it is well: scontrol update NodeName={name} \
                 State=RESUME"
            )
        })
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_be_mended_is_told_once_with_its_command() {
        let out = tempfile::tempdir().unwrap();
        let names =
            [(0, "v/seed0".to_owned()), (1, "v/seed1".to_owned()), (2, "v/seed2".to_owned())];
        Record::read(out.path()).begin(1, &names, "").unwrap();
        let record = Record::read(out.path());
        let text = "rlai.s.1|7|0|PENDING||JobHeldUser\nrlai.s.1|7|1|PENDING||JobHeldUser\n\
                    rlai.s.1|7|2|RUNNING|n1|None";
        let queue = Queue::of_text(text, "rlai.s.", &record);
        let expected =
            "array 7: 2 tasks are held (JobHeldUser); once that is mended: scontrol release 7";
        assert_eq!(held_arrays(&queue), [expected]);
        assert_eq!(in_queue(queue.task("v/seed0").unwrap()), "held (7_0, JobHeldUser)");
        assert_eq!(in_queue(queue.task("v/seed2").unwrap()), "running on n1 (7_2)");
        let nodes = "n1|allocated|none\nn1|allocated|none\nn2|down*|Not responding\n\
                     n3|draining|bad | disk\nn3|draining|bad | disk\nbroken\n";
        let told: Vec<String> = sick_nodes(nodes).into_iter().collect();
        assert_eq!(told.len(), 2);
        assert!(told[0].starts_with("node n2 is down* (Not responding); once it is well: "));
        assert!(told[1].contains("(bad | disk)") && told[1].ends_with("NodeName=n3 State=RESUME"));
    }
}
