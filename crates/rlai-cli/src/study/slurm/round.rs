//! One look at a study, and what follows from it.

use super::choose::{Choice, choose};
use super::explain;
use super::job_prefix;
use super::queue::Queue;
use super::record::Record;
use super::submit::{Submission, prepare, send};
use crate::error::Failure;
use crate::study::{Plan, RunStanding, of_all};

/// What the files and the queue of a study tell at one time.
pub struct Round {
    /// How every run stands, in the plan's order.
    pub standings: Vec<RunStanding>,
    /// What becomes of the runs that were asked for, by index.
    pub choices: Vec<(usize, Choice)>,
    queue: Queue,
    record: Record,
}

impl Round {
    /// Looks at the `selected` runs. The queue is asked first: a run that ends meanwhile has its result
    /// when its files are looked at.
    ///
    /// # Errors
    /// Slurm cannot be asked: what is queued already would be submitted again.
    pub fn look(plan: &Plan, selected: &[usize]) -> Result<Self, Failure> {
        let record = Record::read(&plan.out);
        let queue = Queue::ask(&job_prefix(&plan.name, &plan.out), &record).map_err(|why| {
            Failure::running(format!(
                "Slurm cannot be asked what is queued, so nothing is submitted: {why}"
            ))
        })?;
        Ok(Self::of(plan, selected, queue, record))
    }

    /// As [`Self::look`] if nothing were queued.
    pub fn unasked(plan: &Plan, selected: &[usize]) -> Self {
        Self::of(plan, selected, Queue::default(), Record::read(&plan.out))
    }

    fn of(plan: &Plan, selected: &[usize], queue: Queue, record: Record) -> Self {
        let standings = of_all(plan);
        let most = plan.engine.max_attempts;
        let choice = |&index: &usize| (index, choose(&standings[index], &queue, &record, most));
        let choices = selected.iter().map(choice).collect();
        Self { standings, choices, queue, record }
    }

    /// How many of the runs meet with this.
    pub fn count(&self, like: impl Fn(&Choice) -> bool) -> usize {
        self.choices.iter().filter(|(_, choice)| like(choice)).count()
    }

    /// How many tasks have a node.
    pub fn running(&self) -> usize {
        self.queue.tasks().filter(|task| task.runs()).count()
    }

    /// The arrays that would be submitted.
    ///
    /// # Errors
    /// This program does not know where it lies.
    pub fn submissions(&self, plan: &Plan) -> Result<Vec<Submission>, Failure> {
        let missing = self.choices.iter().filter(|(_, choice)| *choice == Choice::Submit);
        prepare(plan, &missing.map(|(index, _)| *index).collect::<Vec<_>>(), &self.record)
    }

    /// Submits them, and tells each.
    ///
    /// # Errors
    /// Slurm refuses one; those before it stay.
    pub fn submit(&self, plan: &Plan) -> Result<(), Failure> {
        for submission in self.submissions(plan)? {
            let job = send(&submission, &self.record)?;
            let count = submission.names.len();
            let runs = if count == 1 { "run" } else { "runs" };
            line_err!("submitted {count} {runs} as array {job}");
        }
        Ok(())
    }

    /// What somebody must mend.
    pub fn notes(&self, plan: &Plan) -> Vec<String> {
        explain::notes(&self.queue, &plan.engine.slurm)
    }
}
