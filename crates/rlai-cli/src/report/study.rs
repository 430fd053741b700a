//! What a report is made of: the runs of a study by method and task, and what each has left.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rayon::prelude::*;

use crate::metrics::{Line, lines_of, metrics_of};
use crate::run_folder::{RESULT, RunResult};
use crate::study::{Outcome, Plan, State};
use crate::text::setting;

/// A study as it is reported.
pub struct Study {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What its file says of it beside the title; may be empty.
    pub description: String,
    /// Tasks, in the order of the file.
    pub tasks: Vec<Task>,
    /// Methods, in the order of the file.
    pub methods: Vec<Method>,
    /// Every run, by method, task and seed.
    pub runs: Vec<Run>,
    /// Finished runs of its variants that lie in its folder, but not in its file: of seeds that were taken out.
    pub beyond: Vec<String>,
    /// Episodes behind a point of a curve, the fewest and the most.
    pub episodes: (usize, usize),
}

/// A task.
pub struct Task {
    /// Its name.
    pub name: String,
    /// Returns that count as 0 and as 1.
    pub reference: Option<(f64, f64)>,
}

/// A configuration on whatever tasks it ran on.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// Its name for people.
    pub label: String,
    /// Names of the variants in the study's file.
    pub names: Vec<String>,
    /// The number of its `[[variant]]`: methods that share it differ by the grid alone.
    pub base: usize,
    /// Name of that.
    pub base_label: String,
    /// Keys of the grid with their values, the task left out.
    pub grid: Vec<(String, String)>,
}

/// What has become of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// It has a result.
    Finished,
    /// It failed, for this reason.
    Failed(String),
    /// Its folder holds something else, namely this.
    Refused(String),
    /// It was begun.
    Unfinished,
    /// Nothing is there.
    Missing,
}

/// A run and what it has left.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its folder within the study's.
    pub name: String,
    /// Number of its method.
    pub method: usize,
    /// Number of its task.
    pub task: usize,
    /// Its seed.
    pub seed: u64,
    /// What has become of it.
    pub standing: Standing,
    /// Mean return by step.
    pub returns: Vec<(f64, f64)>,
    /// Seconds since the start by step.
    pub seconds: Vec<(f64, f64)>,
    /// Effective sample size by step.
    pub effective_sample_size: Vec<(f64, f64)>,
    /// Entropy of the policy by step.
    pub entropy: Vec<(f64, f64)>,
    /// Seconds from first to last step.
    pub wall_time: Option<f64>,
    /// Why its metrics cannot be read to the end.
    pub damage: Option<String>,
}

impl Run {
    /// Whether it counts.
    pub fn is_finished(&self) -> bool {
        self.standing == Standing::Finished
    }

    /// The return of its last evaluation, if it has finished.
    pub fn score(&self) -> Option<f64> {
        let last = self.returns.last().filter(|_| self.is_finished());
        last.map(|(_, value)| *value).filter(|value| value.is_finite())
    }
}

impl Study {
    /// Reads what the runs of a plan have left, on all cores.
    pub fn read(plan: &Plan, outcomes: &[Outcome]) -> Self {
        let (tasks, methods, places) = sort_variants(plan);
        let read = |(run, outcome): (&crate::study::PlannedRun, &Outcome)| {
            let (method, task) = places[run.variant];
            read_run(plan.run_name(run), &plan.folder(run), (method, task, run.seed), outcome)
        };
        let mut runs: Vec<Run> = plan.runs.par_iter().zip(outcomes).map(read).collect();
        runs.sort_by_key(|run| (run.method, run.task, run.seed));
        let episodes = plan.variants.iter().map(|variant| variant.evaluation_episodes);
        Self {
            name: plan.name.clone(),
            title: plan.title.clone(),
            description: plan.description.clone(),
            tasks,
            methods,
            runs,
            beyond: beyond(plan),
            episodes: (episodes.clone().min().unwrap_or(0), episodes.max().unwrap_or(0)),
        }
    }

    /// Runs of a method on a task.
    pub fn of(&self, method: usize, task: usize) -> impl Iterator<Item = &Run> + Clone {
        self.runs.iter().filter(move |run| run.method == method && run.task == task)
    }

    /// Final returns of the runs of a method on a task that finished.
    pub fn scores(&self, method: usize, task: usize) -> Vec<f64> {
        self.of(method, task).filter_map(Run::score).collect()
    }

    /// Tasks on which each of these methods has a score.
    pub fn shared_tasks(&self, methods: &[usize]) -> Vec<usize> {
        let has = |method: &usize, task| self.of(*method, task).any(|run| run.score().is_some());
        (0..self.tasks.len())
            .filter(|&task| methods.iter().all(|method| has(method, task)))
            .collect()
    }

    /// How two methods are called beside each other, and the setting of the grid that both have, which is
    /// then told once; otherwise nothing.
    pub fn pair_names(&self, x: usize, y: usize) -> (&str, &str, Option<String>) {
        let (x, y) = (&self.methods[x], &self.methods[y]);
        let named = !x.base_label.is_empty() && !y.base_label.is_empty() && x.base != y.base;
        if x.grid.is_empty() || x.grid != y.grid || !named {
            return (&x.label, &y.label, None);
        }
        let settings: Vec<String> = x.grid.iter().map(|(key, value)| setting(key, value)).collect();
        (&x.base_label, &y.base_label, Some(settings.join(", ")))
    }

    /// `x over y`, for the label of a row.
    pub fn pair_label(&self, x: usize, y: usize) -> String {
        match self.pair_names(x, y) {
            (x, y, None) => format!("{x} over {y}"),
            (x, y, Some(setting)) => format!("{x} over {y}, {setting}"),
        }
    }

    /// How many runs stand so.
    pub fn count(&self, is: impl Fn(&Standing) -> bool) -> usize {
        self.runs.iter().filter(|run| is(&run.standing)).count()
    }
}

/// Runs of a plan's variants that have a result, with seeds that the plan lacks.
fn beyond(plan: &Plan) -> Vec<String> {
    let planned: BTreeSet<String> = plan.runs.iter().map(|run| plan.run_name(run)).collect();
    let mut beyond = Vec::new();
    for variant in &plan.variants {
        let folder = plan.out.join(&variant.name);
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = format!("{}/{}", variant.name, entry.file_name().to_string_lossy());
            let is_run = entry.file_name().to_string_lossy().starts_with("seed")
                && entry.path().join(RESULT).is_file();
            if is_run && !planned.contains(&name) {
                beyond.push(name);
            }
        }
    }
    beyond.sort();
    beyond
}

/// Where each variant belongs: methods have the same label on every task.
fn sort_variants(plan: &Plan) -> (Vec<Task>, Vec<Method>, Vec<(usize, usize)>) {
    let mut tasks: Vec<Task> = Vec::new();
    let mut methods: Vec<Method> = Vec::new();
    let mut places: Vec<(usize, usize)> = Vec::new();
    let mut bases: Vec<String> = Vec::new();
    for variant in &plan.variants {
        let task = position_or(
            &mut tasks,
            |task| task.name == variant.env,
            || {
                let reference = plan.references.get(&variant.env);
                let reference = reference.map(|reference| (reference.low, reference.high));
                Task { name: variant.env.clone(), reference }
            },
        );
        // A label that stands twice for one task is no name.
        let twins = |other: &&crate::study::Variant| {
            other.label == variant.label && other.env == variant.env
        };
        let is_twin = plan.variants.iter().filter(twins).count() > 1;
        let label = match is_twin {
            true => format!("{} ({})", variant.label, variant.name),
            false => variant.label.clone(),
        };
        let base_label = if is_twin { label.clone() } else { variant.base_label.clone() };
        let base = position_or(&mut bases, |it| *it == base_label, || base_label.clone());
        let method = position_or(
            &mut methods,
            |method| method.label == label,
            || Method {
                label: label.clone(),
                names: Vec::new(),
                base,
                base_label: base_label.clone(),
                grid: variant.grid.iter().filter(|(key, _)| key != "env").cloned().collect(),
            },
        );
        methods[method].names.push(variant.name.clone());
        places.push((method, task));
    }
    (tasks, methods, places)
}

fn position_or<T>(list: &mut Vec<T>, is: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> usize {
    list.iter().position(is).unwrap_or_else(|| {
        list.push(new());
        list.len() - 1
    })
}

fn read_run(
    name: String,
    folder: &Path,
    (method, task, seed): (usize, usize, u64),
    outcome: &Outcome,
) -> Run {
    let (standing, result) = match outcome {
        Outcome::Finished(result) => (Standing::Finished, Some(result)),
        Outcome::Failed(reason) => (Standing::Failed(reason.clone()), None),
        Outcome::Refused(reason) => (Standing::Refused(reason.clone()), None),
        Outcome::Open(State::Missing) => (Standing::Missing, None),
        Outcome::Stopped | Outcome::Open(_) => (Standing::Unfinished, None),
    };
    let mut run = Run {
        name,
        method,
        task,
        seed,
        standing,
        returns: Vec::new(),
        seconds: Vec::new(),
        effective_sample_size: Vec::new(),
        entropy: Vec::new(),
        wall_time: result.map(|result| result.wall_time_seconds),
        damage: None,
    };
    if let Some(metrics) = metrics_of(folder) {
        run.damage = read_metrics(&mut run, &metrics).err().map(|error| error.to_string());
    }
    // What a finished run came to is told by its result, whatever became of its metrics.
    if let Some(result) = result {
        run.returns = returns(result);
    }
    run
}

fn returns(result: &RunResult) -> Vec<(f64, f64)> {
    result.evaluations.iter().map(|point| (point.step as f64, point.return_mean)).collect()
}

fn read_metrics(run: &mut Run, path: &Path) -> Result<(), crate::metrics::MetricsError> {
    for line in lines_of(path)? {
        let line = line?;
        let Some(step) = line.step() else { continue };
        let mut keep = |list: fn(&mut Run) -> &mut Vec<(f64, f64)>, field: &str| {
            let list = list(run);
            // A step that stands there twice is one point.
            if let Some(value) = line.value(field)
                && list.last().is_none_or(|(last, _)| *last < step as f64)
            {
                list.push((step as f64, value));
            }
        };
        match &line {
            Line::Evaluation(_) => {
                keep(|run| &mut run.returns, "return_mean");
                keep(|run| &mut run.seconds, "time_seconds");
            }
            Line::Train(_) => {
                keep(|run| &mut run.effective_sample_size, "effective_sample_size");
                keep(|run| &mut run.entropy, "entropy");
            }
            Line::Other(_) => {}
        }
    }
    Ok(())
}
