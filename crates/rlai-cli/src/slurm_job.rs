//! This process as a job of Slurm: where it was put, and how it ends without being lost.
//!
//! Slurm starts a job again only if it ended it itself or was asked to: one that saves itself and exits is
//! FAILED, whatever its exit code, unless the administrator set `RequeueExit`. So a run that was warned
//! saves itself, asks to be queued again if its time limit is near, and otherwise waits to be ended.

use std::process::Command;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// A time limit that is so near is taken for the reason of a warning. Warnings arrive up to a minute
/// before the time that was asked for, and some sites ask for more than that by default.
const NEAR: Duration = Duration::from_secs(300);
/// How long to wait for the end that a warning announced, before the job gives its slot back by itself.
/// Preempted jobs rarely have more than a few minutes.
const PATIENCE: Duration = Duration::from_secs(900);
/// How often to look.
const PAUSE: Duration = Duration::from_secs(15);

/// Where Slurm put a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlurmJob {
    /// Id of the job; of a task of an array `ARRAY_TASK`. Tasks have ids of their own too, but that of one
    /// of them is the array's, and Slurm takes it for all of them.
    pub id: String,
    /// How often the job was started again.
    pub restarts: u32,
    /// The node's name in Slurm; of several nodes on one machine each has its own.
    pub node: String,
}

impl SlurmJob {
    /// This process; none outside of a job.
    pub fn this() -> Option<Self> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let number = |name: &str| variable(name).filter(|id| is_number(id));
        let id = match number("SLURM_ARRAY_JOB_ID").zip(number("SLURM_ARRAY_TASK_ID")) {
            Some((array, task)) => format!("{array}_{task}"),
            None => number("SLURM_JOB_ID")?,
        };
        let restarts = variable("SLURM_RESTART_COUNT").and_then(|count| count.parse().ok());
        let node = variable("SLURMD_NODENAME").unwrap_or_default();
        Some(Self { id, restarts: restarts.unwrap_or(0), node })
    }

    /// Whether Slurm started this one in the place of the other, which it takes for lost: the same job,
    /// started later, or any on another node.
    pub fn replaces(&self, other: &Self) -> bool {
        self.node != other.node || (self.id == other.id && self.restarts > other.restarts)
    }

    /// Waits for whatever ends this process, and sees to it that the job is queued again: by those who
    /// end it, or else by itself.
    pub fn wait_for_the_end(&self) -> ! {
        let start = Instant::now();
        let mut requeued = false;
        loop {
            if !requeued && self.shown().is_some_and(|job| job.is_over(start.elapsed())) {
                requeued = self.requeue();
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// What Slurm says of the job; none if it says nothing.
    fn shown(&self) -> Option<Shown> {
        let output =
            Command::new("scontrol").args(["show", "job", "-o", &self.id]).output().ok()?;
        Shown::parse(&String::from_utf8_lossy(&output.stdout))
    }

    fn requeue(&self) -> bool {
        let told = match Command::new("scontrol").args(["requeue", &self.id]).output() {
            Ok(output) if output.status.success() => {
                line_err!("job {} is queued again", self.id);
                return true;
            }
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        line_err!("warning: scontrol requeue {}: {told}", self.id);
        false
    }
}

/// A job as `scontrol show job` tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    state: String,
    /// Time until its limit; none without a limit.
    left: Option<Duration>,
}

impl Shown {
    /// `None` if the text is not about a job.
    fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| {
            text.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
        };
        let state = field("JobState")?.to_owned();
        // Not the time of its end, which Slurm moves when it preempts the job.
        let times = field("TimeLimit").and_then(seconds).zip(field("RunTime").and_then(seconds));
        let left = times.map(|(limit, run)| Duration::from_secs(limit.saturating_sub(run)));
        Some(Self { state, left })
    }

    /// Whether nobody else will queue the job again. One that is cancelled shall not be, and one that is
    /// preempted is by Slurm.
    fn is_over(&self, waited: Duration) -> bool {
        let near = self.left.is_some_and(|left| left <= NEAR);
        match self.state.as_str() {
            "RUNNING" => near || waited >= PATIENCE,
            "TIMEOUT" => true,
            _ => false,
        }
    }
}

/// Seconds of `[days-]hours:minutes:seconds`; none of words like UNLIMITED.
fn seconds(text: &str) -> Option<u64> {
    let (days, clock) = text.split_once('-').unwrap_or(("0", text));
    let parts: Vec<u64> =
        clock.split(':').map(|part| part.parse().ok()).collect::<Option<Vec<u64>>>()?;
    let [hours, minutes, seconds] = parts[..] else { return None };
    let days: u64 = days.parse().ok()?;
    days.checked_mul(24)?
        .checked_add(hours)?
        .checked_mul(60)?
        .checked_add(minutes)?
        .checked_mul(60)?
        .checked_add(seconds)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_known_by_its_variables() {
        let of = |list: &'static [(&str, &str)]| {
            SlurmJob::from_variables(|name| {
                list.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("SLURM_JOB_ID", "; rm -r x")]), None);
        let first = of(&[("SLURM_JOB_ID", "7"), ("SLURMD_NODENAME", "n1")]).unwrap();
        assert_eq!(first, SlurmJob { id: "7".to_owned(), restarts: 0, node: "n1".to_owned() });
        let task = [
            ("SLURM_JOB_ID", "7"),
            ("SLURM_ARRAY_JOB_ID", "7"),
            ("SLURM_ARRAY_TASK_ID", "12"),
            ("SLURM_RESTART_COUNT", "2"),
            ("SLURMD_NODENAME", "n1"),
        ];
        let found = SlurmJob::from_variables(|name| {
            task.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        });
        let expected = SlurmJob { id: "7_12".to_owned(), restarts: 2, node: "n1".to_owned() };
        assert_eq!(found, Some(expected));
        let again = SlurmJob { restarts: 1, ..first.clone() };
        assert!(again.replaces(&first) && !first.replaces(&again) && !first.replaces(&first));
        let elsewhere = SlurmJob { node: "n2".to_owned(), id: "8".to_owned(), ..first.clone() };
        assert!(elsewhere.replaces(&first));
        // Two submissions of one run: the one that came first goes on.
        let other = SlurmJob { id: "8".to_owned(), restarts: 3, ..first.clone() };
        assert!(!other.replaces(&first));
    }

    #[test]
    fn what_slurm_says_decides_who_queues_a_job_again() {
        let text = |state: &str, run: &str, limit: &str| {
            format!(
                "JobId=3 ArrayJobId=1 JobName=rlai JobState={state} Reason=None Restarts=0 \
                 RunTime={run} TimeLimit={limit} TimeMin=N/A PreemptTime=None"
            )
        };
        let over = |state: &str, run: &str, limit: &str, waited: u64| {
            Shown::parse(&text(state, run, limit)).unwrap().is_over(Duration::from_secs(waited))
        };
        assert!(over("RUNNING", "1-23:58:00", "2-00:00:00", 0));
        assert!(over("RUNNING", "00:02:30", "00:02:00", 0));
        assert!(!over("RUNNING", "20:00:00", "2-00:00:00", 0));
        assert!(!over("RUNNING", "20:00:00", "UNLIMITED", 60));
        assert!(over("RUNNING", "20:00:00", "UNLIMITED", 900));
        assert!(over("TIMEOUT", "00:02:00", "00:02:00", 0));
        for state in ["CANCELLED", "PREEMPTED", "COMPLETING", "REQUEUED"] {
            assert!(!over(state, "00:02:00", "00:02:00", 1000), "{state}");
        }
        for text in ["", "slurm_load_jobs error: Invalid job id specified", "JobState"] {
            assert_eq!(Shown::parse(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_read() {
        assert_eq!(seconds("1-02:03:04"), Some(93_784));
        assert_eq!(seconds("00:00:30"), Some(30));
        for text in [
            "",
            "UNLIMITED",
            "Partition_Limit",
            "N/A",
            "1:2",
            "a-00:00:01",
            "99999999999999999-00:00:00",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
