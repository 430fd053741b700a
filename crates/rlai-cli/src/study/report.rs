//! What a study came to: a table, figures, and the same as JSON.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use super::plan::Plan;
use super::worker::Outcome;
use crate::error::Failure;
use crate::report::{self, Answer, Options, Pair};
use crate::run_folder::RunResult;
use crate::text::{decimal, duration};

/// The report of a study whose runs have all ended.
#[derive(Serialize)]
pub struct Report {
    name: String,
    title: String,
    /// What its file says of it beside that; may be empty.
    description: String,
    out: PathBuf,
    /// `finished`, `failed` if a run did, or `unfinished`.
    status: &'static str,
    /// What the runs tell.
    answer: Answer,
    /// What the answer rests on, in numbers.
    comparisons: Vec<Pair>,
    variants: Vec<VariantReport>,
    figures: Vec<PathBuf>,
    /// The page that holds everything.
    page: PathBuf,
}

#[derive(Serialize)]
struct VariantReport {
    name: String,
    label: String,
    /// Label without the grid's part.
    base_label: String,
    /// Keys of the grid with their values in words.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    grid: BTreeMap<String, String>,
    env: String,
    /// Runs that finished.
    seeds: usize,
    final_return_mean: Option<f64>,
    final_return_sd: Option<f64>,
    /// The mean on the scale of the task's reference scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    normalised_return_mean: Option<f64>,
    /// Mean over runs.
    wall_time_seconds: Option<f64>,
    runs: Vec<RunReport>,
}

#[derive(Serialize)]
struct RunReport {
    seed: u64,
    out: PathBuf,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    final_return: Option<f64>,
    wall_time_seconds: Option<f64>,
    parameters_blake3: Option<String>,
}

impl Report {
    /// Makes the report of the runs that finished, and writes it, its figures and tables and
    /// `study.json` to the study's folder. `baseline` names the variant that others are compared with.
    ///
    /// # Errors
    /// A baseline that is no variant; a file that cannot be written.
    pub fn write(
        plan: &Plan,
        outcomes: &[Outcome],
        options: Options,
        baseline: Option<&str>,
    ) -> Result<Self, Failure> {
        let written = report::write(plan, outcomes, options, baseline)?;
        let lost = |outcome: &Outcome| matches!(outcome, Outcome::Failed(_) | Outcome::Refused(_));
        let failed = outcomes.iter().any(lost);
        let whole = outcomes.iter().all(|outcome| matches!(outcome, Outcome::Finished(_)));
        let timed = !options.without_wall_clock;
        let report = Self {
            name: plan.name.clone(),
            title: plan.title.clone(),
            description: plan.description.clone(),
            out: plan.out.clone(),
            status: match (failed, whole) {
                (true, _) => "failed",
                (false, true) => "finished",
                (false, false) => "unfinished",
            },
            answer: written.answer,
            comparisons: written.comparisons,
            variants: (0..plan.variants.len())
                .map(|i| VariantReport::new(plan, outcomes, i, timed))
                .collect(),
            figures: written.figures,
            page: written.page,
        };
        let text = serde_json::to_string_pretty(&report).map_err(Failure::running)? + "\n";
        let path = plan.out.join("study.json");
        report::put(&path, text.as_bytes()).map_err(|error| {
            Failure::running(format!("cannot write {}: {error}", path.display()))
        })?;
        Ok(report)
    }

    /// One JSON object.
    ///
    /// # Errors
    /// None in practice.
    pub fn to_json(&self) -> Result<String, Failure> {
        serde_json::to_string(self).map_err(Failure::running)
    }

    /// Where the figures are.
    pub fn figures(&self) -> &[PathBuf] {
        &self.figures
    }

    /// Where the page is.
    pub fn page(&self) -> &Path {
        &self.page
    }

    /// What the runs tell.
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// One line a variant.
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY);
        table.set_header(["variant", "task", "final return ± s.d.", "seeds", "time a run"]);
        for column in [2, 3, 4] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        for variant in &self.variants {
            table.add_row(variant.row(self.shown(variant)));
        }
        table
    }

    /// A variant's label, with its name where another on its task has the same.
    fn shown(&self, variant: &VariantReport) -> String {
        let same =
            |other: &&VariantReport| other.label == variant.label && other.env == variant.env;
        match self.variants.iter().filter(same).count() {
            1 => variant.label.clone(),
            _ => format!("{} ({})", variant.label, variant.name),
        }
    }

    fn several_tasks(&self) -> bool {
        self.variants.iter().any(|variant| variant.env != self.variants[0].env)
    }

    /// Failed runs with their reasons.
    pub fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        for variant in &self.variants {
            for run in &variant.runs {
                if let Some(reason) = &run.reason {
                    let task = if self.several_tasks() { &variant.env[..] } else { "" };
                    let task = if task.is_empty() { String::new() } else { format!(", {task}") };
                    let label = self.shown(variant);
                    failures.push(format!("{label}{task}, seed {}: {reason}", run.seed));
                }
            }
        }
        failures
    }
}

impl VariantReport {
    fn new(plan: &Plan, outcomes: &[Outcome], index: usize, timed: bool) -> Self {
        let variant = &plan.variants[index];
        let runs = || plan.runs.iter().zip(outcomes).filter(|(run, _)| run.variant == index);
        let finished: Vec<&RunResult> = runs()
            .filter_map(|(_, outcome)| match outcome {
                Outcome::Finished(result) => Some(result.as_ref()),
                _ => None,
            })
            .collect();
        let returns: Vec<f64> = finished.iter().filter_map(|result| result.final_return).collect();
        let (mean, sd) = mean_and_sd(&returns);
        let seconds = finished.iter().map(|result| result.wall_time_seconds).sum::<f64>();
        Self {
            name: variant.name.clone(),
            label: variant.label.clone(),
            base_label: variant.base_label.clone(),
            grid: variant.grid.iter().cloned().collect(),
            env: variant.env.clone(),
            seeds: finished.len(),
            final_return_mean: mean,
            final_return_sd: sd,
            normalised_return_mean: mean
                .and_then(|mean| Some(plan.references.get(&variant.env)?.normalise(mean))),
            wall_time_seconds: (timed && !finished.is_empty())
                .then(|| seconds / finished.len() as f64),
            runs: runs()
                .map(|(run, outcome)| RunReport::new(run.seed, plan.folder(run), outcome, timed))
                .collect(),
        }
    }

    fn row(&self, label: String) -> Vec<String> {
        let unknown = || "-".to_owned();
        let value = match (self.final_return_mean, self.final_return_sd) {
            (Some(mean), Some(sd)) if self.seeds > 1 => {
                format!("{} ± {}", decimal(mean), decimal(sd))
            }
            (Some(mean), _) => decimal(mean),
            _ => unknown(),
        };
        let seeds = match self.runs.len() {
            all if all == self.seeds => all.to_string(),
            all => format!("{} of {all}", self.seeds),
        };
        let time = self.wall_time_seconds.map_or_else(unknown, duration);
        vec![label, self.env.clone(), value, seeds, time]
    }
}

impl RunReport {
    fn new(seed: u64, out: PathBuf, outcome: &Outcome, timed: bool) -> Self {
        let (status, reason) = match outcome {
            Outcome::Finished(_) => ("finished", None),
            Outcome::Failed(reason) => ("failed", Some(reason.clone())),
            Outcome::Refused(reason) => ("refused", Some(reason.clone())),
            Outcome::Stopped => ("stopped", None),
            Outcome::Open(state) => (state.name(), None),
        };
        let result = match outcome {
            Outcome::Finished(result) => Some(result),
            _ => None,
        };
        Self {
            seed,
            out,
            status,
            reason,
            final_return: result.and_then(|result| result.final_return),
            wall_time_seconds: result.filter(|_| timed).map(|result| result.wall_time_seconds),
            parameters_blake3: result.map(|result| result.parameters_blake3.clone()),
        }
    }
}

/// Mean and standard deviation (n - 1; none for one number).
fn mean_and_sd(values: &[f64]) -> (Option<f64>, Option<f64>) {
    let n = values.len() as f64;
    let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / n);
    let sd = mean.filter(|_| values.len() > 1).map(|mean| {
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (squares / (n - 1.0)).sqrt()
    });
    (mean, sd)
}
