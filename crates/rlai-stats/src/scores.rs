//! Runs by task, of which some tasks may have more than others.

use crate::error::{Error, Result};

/// What was measured in runs, grouped by task: `runs.task(k)[i]` belongs to run `i` of task `k`.
///
/// Tasks may have different numbers of runs, at least one each. The matrix of runs by tasks is the case in
/// which all have the same. Where runs of different tasks are put together, every task weighs the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Runs<T> {
    values: Vec<T>,
    /// Where each task's values end.
    ends: Vec<usize>,
}

/// A score for each run of each task, in whatever unit they share (usually normalised returns).
pub type Scores = Runs<f64>;

impl<T> Runs<T> {
    /// Anything by task and run. Numbers are better given to [`Scores::new`], which looks at them.
    ///
    /// # Errors
    /// No task, or one without runs.
    pub fn of(tasks: Vec<Vec<T>>) -> Result<Self> {
        if tasks.is_empty() {
            return Err(Error::too_few("tasks", 1));
        }
        if let Some(task) = tasks.iter().position(Vec::is_empty) {
            return Err(Error::NoRuns { task });
        }
        let mut runs = Self::empty();
        tasks.into_iter().for_each(|task| runs.push(task));
        Ok(runs)
    }

    /// Number of tasks.
    pub fn tasks(&self) -> usize {
        self.ends.len()
    }

    /// The runs of one task.
    ///
    /// # Panics
    /// When there is no such task.
    pub fn task(&self, task: usize) -> &[T] {
        let start = if task == 0 { 0 } else { self.ends[task - 1] };
        &self.values[start..self.ends[task]]
    }

    /// The runs of each task.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[T]> + Clone {
        (0..self.tasks()).map(|task| self.task(task))
    }

    /// Runs of all tasks, one task after the other.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// The number of runs that every task has, if that is one number.
    pub fn even(&self) -> Option<usize> {
        let runs = self.ends[0];
        self.iter().all(|task| task.len() == runs).then_some(runs)
    }

    pub(crate) fn empty() -> Self {
        Self { values: Vec::new(), ends: Vec::new() }
    }

    pub(crate) fn clear(&mut self) {
        self.values.clear();
        self.ends.clear();
    }

    /// One more task. Kept from users: a task has runs.
    pub(crate) fn push(&mut self, runs: impl IntoIterator<Item = T>) {
        self.values.extend(runs);
        self.ends.push(self.values.len());
    }
}

impl Scores {
    /// Scores by task and run: `tasks[k][i]`.
    ///
    /// # Errors
    /// No task, a task without runs, a score that is not finite.
    pub fn new(tasks: Vec<Vec<f64>>) -> Result<Self> {
        let scores = Self::of(tasks)?;
        for (task, runs) in scores.iter().enumerate() {
            if let Some(run) = runs.iter().position(|score| !score.is_finite()) {
                return Err(Error::NotFinite { task, run, value: runs[run] });
            }
        }
        Ok(scores)
    }

    /// Scores of one task.
    ///
    /// # Errors
    /// No run, or a score that is not finite.
    pub fn of_task(runs: &[f64]) -> Result<Self> {
        Self::new(vec![runs.to_vec()])
    }

    /// Scores from a matrix of runs by tasks: `rows[i][k]`, as rliable has them.
    ///
    /// # Errors
    /// Rows of different lengths, and what [`Scores::new`] refuses.
    pub fn from_rows(rows: &[Vec<f64>]) -> Result<Self> {
        let tasks = rows.first().map_or(0, Vec::len);
        if let Some(row) = rows.iter().find(|row| row.len() != tasks) {
            return Err(Error::TasksDiffer { left: tasks, right: row.len() });
        }
        Self::new((0..tasks).map(|task| rows.iter().map(|row| row[task]).collect()).collect())
    }

    /// Scores as shares of the way from `low[k]` to `high[k]`, for example from a random policy's return to a
    /// reference's.
    ///
    /// # Errors
    /// Other numbers of references than tasks, references that are not finite or equal each other.
    pub fn normalised(&self, low: &[f64], high: &[f64]) -> Result<Self> {
        for references in [low, high] {
            if references.len() != self.tasks() {
                return Err(Error::TasksDiffer { left: self.tasks(), right: references.len() });
            }
        }
        let way = |task: usize| match high[task] - low[task] {
            way if way.is_finite() && way != 0.0 => Ok(way),
            _ => Err(Error::parameter("high", high[task], "finite, and not equal to low")),
        };
        let scale = |(task, runs): (usize, &[f64])| {
            let way = way(task)?;
            Ok(runs.iter().map(|score| (score - low[task]) / way).collect())
        };
        Self::new(self.iter().enumerate().map(scale).collect::<Result<_>>()?)
    }

    /// The mean score of each task.
    pub fn task_means(&self) -> Vec<f64> {
        self.iter().map(mean).collect()
    }
}

/// The mean of at least one number.
pub(crate) fn mean(values: &[f64]) -> f64 {
    mean_of(values.iter().copied())
}

/// [`mean`] of numbers that lie in no list.
pub(crate) fn mean_of(values: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    let count = values.len() as f64;
    let sum: f64 = values.clone().sum();
    if sum.is_finite() {
        return sum / count;
    }
    // A sum of numbers near the largest one lies beyond it, their mean does not.
    values.map(|value| value / count).sum()
}

/// As many tasks here as there.
pub(crate) fn same_tasks<A, B>(left: &Runs<A>, right: &Runs<B>) -> Result<()> {
    match (left.tasks(), right.tasks()) {
        (left, right) if left == right => Ok(()),
        (left, right) => Err(Error::TasksDiffer { left, right }),
    }
}
