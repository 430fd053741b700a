//! What all parts of a report know.

use rlai_stats::{Bootstrap, Curve};

use super::answer::seeds;
use super::band::{Band, aligned};
use super::compare::{self, Comparison, FEWEST_RUNS};
use super::scale::Scale;
use super::section::stem;
use super::study::{Run, Study};

/// How a report is made.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    /// Weight of the past in smoothed curves; 0 leaves them as they are.
    pub smooth: f64,
    /// What is drawn around means.
    pub band: Band,
    /// Leave out whatever depends on the machine.
    pub without_wall_clock: bool,
}

/// A study, and what is asked of it.
pub struct Context<'a> {
    /// The study.
    pub study: &'a Study,
    /// How the report is made.
    pub options: Options,
    /// Number of the method that others are compared with.
    pub baseline: usize,
    /// One scale for all tasks.
    pub scale: Scale,
    /// Every method against the baseline.
    pub comparisons: Vec<Comparison>,
    /// For single numbers.
    pub bootstrap: Bootstrap,
    /// For curves and profiles.
    pub curve_bootstrap: Bootstrap,
}

/// Runs from which bootstrap intervals hold about what they promise.
pub const ENOUGH_RUNS: usize = 10;
/// Resamples for single numbers.
pub const REPETITIONS: usize = 10_000;

impl<'a> Context<'a> {
    /// Of a study with at least one method.
    pub fn new(study: &'a Study, baseline: usize, options: Options) -> Self {
        let scale = Scale::of(study, baseline);
        let bootstrap = Bootstrap { repetitions: REPETITIONS, ..Bootstrap::default() };
        let pairs = compare::against_baseline(study, baseline);
        let comparisons = compare::all(study, &scale, &pairs, &bootstrap);
        let curve_bootstrap = Bootstrap::for_curves();
        Self { study, options, baseline, scale, comparisons, bootstrap, curve_bootstrap }
    }

    /// A method's name.
    pub fn label(&self, method: usize) -> &'a str {
        &self.study.methods[method].label
    }

    /// A task's name.
    pub fn task(&self, task: usize) -> &'a str {
        &self.study.tasks[task].name
    }

    /// Numbers of all methods.
    pub fn methods(&self) -> std::ops::Range<usize> {
        0..self.study.methods.len()
    }

    /// Numbers of all tasks.
    pub fn tasks(&self) -> std::ops::Range<usize> {
        0..self.study.tasks.len()
    }

    /// Methods that have finished runs on some task.
    pub fn active(&self) -> Vec<usize> {
        self.methods().filter(|&method| !self.study.shared_tasks(&[method]).is_empty()).collect()
    }

    /// A file's stem for a task.
    pub fn stem(&self, base: &str, task: usize) -> String {
        let names: Vec<&str> = self.study.tasks.iter().map(|task| &task.name[..]).collect();
        stem(base, &names, task)
    }

    /// A title for a task: its name is added where there are several.
    pub fn title(&self, what: &str, task: usize) -> String {
        match self.study.tasks.len() {
            1 => what.to_owned(),
            _ => format!("{what}, {}", self.task(task)),
        }
    }

    /// Finished runs of a method on a task.
    pub fn finished(&self, method: usize, task: usize) -> impl Iterator<Item = &'a Run> + Clone {
        let study = self.study;
        study.of(method, task).filter(|run| run.score().is_some())
    }

    /// Smoothed return curves of the finished runs of a method on a task, at common steps.
    pub fn curves(&self, method: usize, task: usize) -> Option<Vec<Curve>> {
        self.smoothed_curves(method, task, self.options.smooth)
    }

    /// The same as they are.
    pub fn plain_curves(&self, method: usize, task: usize) -> Option<Vec<Curve>> {
        self.smoothed_curves(method, task, 0.0)
    }

    fn smoothed_curves(&self, method: usize, task: usize, past: f64) -> Option<Vec<Curve>> {
        aligned(self.finished(method, task).map(|run| &run.returns[..]), past)
    }

    /// How many finished runs these methods have on these tasks: the fewest and the most.
    pub fn seeds(&self, methods: &[usize], tasks: &[usize]) -> (usize, usize) {
        let counts = methods
            .iter()
            .flat_map(|&method| tasks.iter().map(move |&task| self.finished(method, task).count()));
        let counts = counts.filter(|count| *count > 0);
        (counts.clone().min().unwrap_or(0), counts.max().unwrap_or(0))
    }

    /// What a figure is of: `12 finished runs, 3 seeds a method`.
    pub fn basis(&self, methods: &[usize], tasks: &[usize]) -> String {
        let count: usize = methods
            .iter()
            .flat_map(|&method| tasks.iter().map(move |&task| self.finished(method, task).count()))
            .sum();
        let s = if count == 1 { "" } else { "s" };
        let each = match tasks.len() {
            1 => "a method",
            _ => "a method and task",
        };
        format!("{count} finished run{s}, {} {each}.", seeds(self.seeds(methods, tasks)))
    }

    /// What smoothing did, if anything.
    pub fn smoothing(&self) -> String {
        match self.options.smooth {
            0.0 => String::new(),
            past => format!(" Curves are smoothed (exponential moving average, weight {past})."),
        }
    }
}

/// What few runs do to intervals: of the fewest seeds behind each value.
pub fn interval_limits(fewest: impl Iterator<Item = usize> + Clone) -> &'static str {
    let with = |least: usize| fewest.clone().any(|seeds| seeds >= least && seeds < ENOUGH_RUNS);
    match (fewest.clone().any(|seeds| seeds < FEWEST_RUNS), fewest.clone().max()) {
        (_, None | Some(0 | 1)) => " One seed: no spread is known.",
        (_, Some(2)) => " Two seeds: no confidence interval is possible.",
        (true, _) if with(FEWEST_RUNS) => {
            " Fewer than 3 seeds have no interval, and bootstrap intervals of fewer than 10 are too narrow: they \
             hold the truth less often than they say."
        }
        (true, _) => " Fewer than 3 seeds have no interval.",
        (false, _) if with(FEWEST_RUNS) => {
            " Bootstrap intervals of fewer than 10 seeds are too narrow: they hold the truth less often \
             than they say."
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_of_what_is_there() {
        let limits = |fewest: &[usize]| interval_limits(fewest.iter().copied());
        assert!(limits(&[1, 1]).contains("One seed") && limits(&[2, 1]).contains("Two seeds"));
        let mixed = limits(&[1, 5]);
        assert!(mixed.contains("Fewer than 3 seeds have no interval, and bootstrap"), "{mixed}");
        assert!(limits(&[2, 20]).ends_with("Fewer than 3 seeds have no interval."));
        assert!(limits(&[5, 20]).contains("of fewer than 10 seeds are too narrow"));
        assert_eq!((limits(&[10, 20]), limits(&[])), ("", limits(&[1])));
    }
}
