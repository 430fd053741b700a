//! Which runs are submitted: files first, then the queue.

use super::queue::Queue;
use super::record::Record;
use crate::study::{RunStanding, State};

/// What becomes of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It is submitted.
    Submit,
    /// It has a valid result.
    Finished,
    /// It is queued or running.
    Queued,
    /// A process on this machine that Slurm does not know of is at it.
    Busy,
    /// It failed too often, and how often.
    Held(usize),
    /// Its folder holds something else.
    Refused,
}

/// What becomes of a run that stands so. One whose process was last seen on another machine has lost it if
/// it has no task any more.
pub fn choose(
    standing: &RunStanding,
    queue: &Queue,
    record: &Record,
    max_attempts: usize,
) -> Choice {
    match standing.state {
        State::Finished => Choice::Finished,
        State::Refused => Choice::Refused,
        _ if queue.task(&standing.name).is_some() => Choice::Queued,
        State::Running => Choice::Busy,
        State::Missing | State::Unfinished | State::Failed | State::Elsewhere => {
            match failures(standing, record) {
                count if count >= max_attempts => Choice::Held(count),
                _ => Choice::Submit,
            }
        }
    }
}

/// Attempts that failed or were lost, and tasks that ended before they became one.
fn failures(standing: &RunStanding, record: &Record) -> usize {
    let lost = usize::from(standing.state == State::Elsewhere);
    let without_attempt = record.count(&standing.name).saturating_sub(standing.attempts);
    standing.failures + lost + without_attempt
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(state: State, attempts: usize, failures: usize) -> RunStanding {
        RunStanding {
            name: "v/seed0".to_owned(),
            variant: "v".to_owned(),
            seed: 0,
            out: "runs/s/v/seed0".into(),
            state,
            reason: None,
            step: 0,
            steps: 10,
            last_return: None,
            attempts,
            failures,
            host: None,
            time_seconds: None,
            steps_per_second: None,
            seconds_left: None,
            result: None,
        }
    }

    #[test]
    fn files_come_before_the_queue() {
        let out = tempfile::tempdir().unwrap();
        let names = [(0, "v/seed0".to_owned())];
        Record::read(out.path()).begin(1, &names, "").unwrap();
        Record::read(out.path()).taken(1, "7").unwrap();
        let record = Record::read(out.path());
        let empty = Queue::default();
        let queued = Queue::of_text("rlai.s.1|7|0|PENDING||Priority", "rlai.s.", &record);
        let of = |state: State, (attempts, failures): (usize, usize), queue: &Queue| {
            choose(&standing(state, attempts, failures), queue, &record, 2)
        };
        assert_eq!(of(State::Finished, (1, 0), &queued), Choice::Finished);
        assert_eq!(of(State::Unfinished, (1, 0), &queued), Choice::Queued);
        assert_eq!(of(State::Elsewhere, (1, 0), &queued), Choice::Queued);
        for state in [State::Unfinished, State::Failed, State::Elsewhere] {
            assert_eq!(of(state, (1, 0), &empty), Choice::Submit);
            assert_eq!(
                of(state, (3, 2), &empty),
                Choice::Held(2 + usize::from(state == State::Elsewhere))
            );
        }
        assert_eq!(of(State::Elsewhere, (1, 1), &empty), Choice::Held(2));
        assert_eq!(of(State::Running, (1, 0), &empty), Choice::Busy);
        assert_eq!(of(State::Refused, (0, 0), &empty), Choice::Refused);
        // It was submitted and never began.
        assert_eq!(of(State::Missing, (0, 0), &empty), Choice::Submit);
        Record::read(out.path()).begin(2, &names, "").unwrap();
        Record::read(out.path()).taken(2, "8").unwrap();
        let record = Record::read(out.path());
        let twice = choose(&standing(State::Missing, 0, 0), &empty, &record, 2);
        assert_eq!(twice, Choice::Held(2));
    }
}
