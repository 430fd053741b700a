//! What a study came to: a table, figures, and the same as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use super::curves::{self, VariantCurve};
use super::interval::Spread;
use super::plan::Plan;
use super::worker::Outcome;
use crate::error::Failure;
use crate::run_folder::{RunResult, write_whole};
use crate::text::{decimal, duration};

/// The report of a study whose runs have all ended.
#[derive(Serialize)]
pub struct Report {
    name: String,
    out: PathBuf,
    /// `finished`, `failed` if a run did, or `unfinished`.
    status: &'static str,
    variants: Vec<VariantReport>,
    figures: Vec<PathBuf>,
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
    /// Draws the figures of the runs that finished, and writes them, their data and the report to
    /// the study's folder.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(plan: &Plan, outcomes: &[Outcome]) -> Result<Self, Failure> {
        let finished = |variant: usize| -> Vec<&RunResult> {
            let of_variant =
                plan.runs.iter().zip(outcomes).filter(|(run, _)| run.variant == variant);
            of_variant
                .filter_map(|(_, outcome)| match outcome {
                    Outcome::Finished(result) => Some(result.as_ref()),
                    _ => None,
                })
                .collect()
        };
        let curves: Vec<VariantCurve<'_>> = plan
            .variants
            .iter()
            .enumerate()
            .map(|(i, variant)| (variant, finished(i)))
            .filter(|(_, results)| !results.is_empty())
            .map(|(variant, results)| VariantCurve::new(variant, results))
            .collect();
        let failed = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Failed(_)));
        let whole = outcomes.iter().all(|outcome| matches!(outcome, Outcome::Finished(_)));
        let report = Self {
            name: plan.name.clone(),
            out: plan.out.clone(),
            status: match (failed, whole) {
                (true, _) => "failed",
                (false, true) => "finished",
                (false, false) => "unfinished",
            },
            variants: (0..plan.variants.len())
                .map(|i| VariantReport::new(plan, outcomes, i, &finished(i)))
                .collect(),
            figures: draw(plan, &curves)?,
        };
        let text = serde_json::to_string_pretty(&report).map_err(Failure::running)? + "\n";
        write(plan.out.join("study.json"), text.as_bytes())?;
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
            table.add_row(variant.row());
        }
        table
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
                    failures.push(format!("{}{task}, seed {}: {reason}", variant.label, run.seed));
                }
            }
        }
        failures
    }
}

impl VariantReport {
    fn new(plan: &Plan, outcomes: &[Outcome], index: usize, finished: &[&RunResult]) -> Self {
        let variant = &plan.variants[index];
        let returns: Vec<f64> = finished.iter().filter_map(|result| result.final_return).collect();
        let spread = (!returns.is_empty()).then(|| Spread::of(&returns));
        let seconds = finished.iter().map(|result| result.wall_time_seconds).sum::<f64>();
        let runs = plan.runs.iter().zip(outcomes).filter(|(run, _)| run.variant == index);
        Self {
            name: variant.name.clone(),
            label: variant.label.clone(),
            base_label: variant.base_label.clone(),
            grid: variant.grid.iter().cloned().collect(),
            env: variant.env.clone(),
            seeds: finished.len(),
            final_return_mean: spread.map(|spread| spread.mean),
            final_return_sd: spread.map(|spread| spread.sd),
            normalised_return_mean: spread
                .and_then(|spread| Some(plan.references.get(&variant.env)?.normalise(spread.mean))),
            wall_time_seconds: (!finished.is_empty()).then(|| seconds / finished.len() as f64),
            runs: runs
                .map(|(run, outcome)| RunReport::new(run.seed, plan.folder(run), outcome))
                .collect(),
        }
    }

    fn row(&self) -> Vec<String> {
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
        vec![self.label.clone(), self.env.clone(), value, seeds, time]
    }
}

impl RunReport {
    fn new(seed: u64, out: PathBuf, outcome: &Outcome) -> Self {
        let (status, reason) = match outcome {
            Outcome::Finished(_) => ("finished", None),
            Outcome::Failed(reason) => ("failed", Some(reason.clone())),
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
            wall_time_seconds: result.map(|result| result.wall_time_seconds),
            parameters_blake3: result.map(|result| result.parameters_blake3.clone()),
        }
    }
}

/// One figure a task, as SVG and PNG, and one CSV with all data.
fn draw(plan: &Plan, curves: &[VariantCurve<'_>]) -> Result<Vec<PathBuf>, Failure> {
    if curves.is_empty() {
        return Ok(Vec::new());
    }
    write(plan.out.join("learning-curves.csv"), curves::csv(curves).as_bytes())?;
    let envs: BTreeSet<&str> = curves.iter().map(|curve| curve.variant.env.as_str()).collect();
    let mut files = Vec::new();
    for env in &envs {
        let of_env: Vec<&VariantCurve<'_>> =
            curves.iter().filter(|curve| curve.variant.env == *env).collect();
        let figure = curves::figure(plan, env, &of_env);
        let stem = match envs.len() {
            1 => "learning-curves".to_owned(),
            _ => format!("learning-curves-{env}"),
        };
        let svg = plan.out.join(format!("{stem}.svg"));
        write(svg.clone(), figure.to_svg().as_bytes())?;
        let png = plan.out.join(format!("{stem}.png"));
        write(png.clone(), &figure.to_png().map_err(Failure::running)?)?;
        files.extend([svg, png]);
    }
    Ok(files)
}

fn write(path: PathBuf, bytes: &[u8]) -> Result<(), Failure> {
    write_whole(&path, bytes)
        .map_err(|error| Failure::running(format!("cannot write {}: {error}", path.display())))
}
