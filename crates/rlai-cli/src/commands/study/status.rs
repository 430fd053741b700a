//! `rlai study status`: how every run stands.

use std::collections::BTreeMap;
use std::path::PathBuf;

use comfy_table::Table;
use serde::Serialize;

use super::{go, table};
use crate::error::Failure;
use crate::run_folder::{Life, Owner};
use crate::study::slurm::{self, Place};
use crate::study::{Engine, Forecast, Plan, RunStanding, Selection, State, folder, of_all, owner};
use crate::text::{decimal, duration, thousands};

/// Tell how every run of a study stands
///
/// Told from files alone, whatever started the runs and wherever they are; nothing is changed. Of runs
/// that were submitted to Slurm it is also told where they are in its queue, which never changes their state.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai study status runs/first-look
  rlai study status studies/figure-3.toml --only '*Ant*' --json

States:
  missing     nothing is there yet
  unfinished  begun, and nobody is at it
  running     its process lives
  elsewhere   its process is, or was, on another machine and has not said that it ended
  failed      its last attempt failed; `resume` tries it again
  held        it failed, or was submitted in vain, as often as max_attempts allows
  finished    it has a valid result
  refused     its folder holds something else")]
pub struct Args {
    /// Folder of the study, or its file
    #[arg(value_name = "DIR|FILE")]
    study: PathBuf,
    #[command(flatten)]
    selection: Selection,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// How a study stands.
#[derive(Serialize)]
struct Status {
    name: String,
    out: PathBuf,
    /// Whoever runs it, or was the last to; none where it was never run here.
    coordinator: Option<Coordinator>,
    /// How many runs are in each state.
    states: BTreeMap<&'static str, usize>,
    /// Seconds until the last run ends, were they all at work; none before anything is known.
    seconds_left: Option<f64>,
    runs: Vec<Run>,
    /// What somebody must mend on the cluster; absent where nothing was submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    slurm: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Coordinator {
    #[serde(flatten)]
    owner: Owner,
    life: Life,
}

#[derive(Serialize)]
struct Run {
    /// Failed as often as allowed.
    held: bool,
    #[serde(flatten)]
    standing: RunStanding,
    /// Where it is in Slurm's queue; absent where nothing was submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    slurm: Option<String>,
}

/// Tells.
///
/// # Errors
/// No study there, another study in its folder, or a selection that means no run.
pub fn run(args: &Args) -> Result<(), Failure> {
    let plan = folder::reopen(&args.study)?;
    folder::check(&plan)?;
    let selected = args.selection.of(&plan)?;
    let status = Status::of(&plan, &selected);
    if args.json {
        line_out!("{}", serde_json::to_string(&status).map_err(Failure::running)?);
    } else {
        line_out!("{}", status.table());
        line_out!("{}", status.summary());
    }
    Ok(())
}

impl Status {
    fn of(plan: &Plan, selected: &[usize]) -> Self {
        // The queue first: a run that ends meanwhile has its result when its files are looked at.
        let place = slurm::was_used(plan).then(|| Place::ask(plan));
        let standings = of_all(plan);
        let mut forecast = Forecast::new(plan, &standings, go::jobs(plan));
        forecast.only(selected);
        let mut states = BTreeMap::new();
        let mut runs = Vec::new();
        for (index, standing) in standings.into_iter().enumerate() {
            if selected.binary_search(&index).is_err() {
                continue;
            }
            let asked = place.as_ref().and_then(|place| place.as_ref().ok());
            // Whoever starts the runs decides.
            let held = match (plan.engine.engine, asked) {
                (Engine::Slurm, Some(place)) => place.holds(&standing, plan.engine.max_attempts),
                _ => standing.is_held(plan.engine.max_attempts),
            };
            let slurm = asked.map(|place| place.of(&standing));
            let run = Run { held, standing, slurm };
            *states.entry(run.state()).or_insert(0) += 1;
            runs.push(run);
        }
        Self {
            name: plan.name.clone(),
            out: plan.out.clone(),
            coordinator: owner(&plan.out).map(|(owner, life)| Coordinator { owner, life }),
            states,
            seconds_left: forecast.seconds_left(),
            runs,
            slurm: place.map(|place| match place {
                Ok(place) => place.notes(plan),
                Err(why) => vec![format!("Slurm cannot be asked: {why}")],
            }),
        }
    }

    fn table(&self) -> Table {
        let mut header = vec!["run", "state", "step", "return", "attempts", "time left"];
        header.extend(self.runs.iter().any(|run| run.slurm.is_some()).then_some("Slurm"));
        let mut table = table(&header, 2..=5);
        for run in &self.runs {
            table.add_row(run.row());
        }
        table
    }

    fn summary(&self) -> String {
        let mut lines = Vec::new();
        for run in &self.runs {
            if let Some(reason) = &run.standing.reason {
                let told = match run.standing.state {
                    // What differs stands on the lines after the first.
                    State::Refused => reason.lines().map(str::trim).collect::<Vec<_>>().join(" "),
                    _ => reason.lines().next().unwrap_or_default().to_owned(),
                };
                lines.push(format!("{} {}: {told}", run.standing.name, run.state()));
            }
        }
        let states: Vec<String> =
            self.states.iter().map(|(state, count)| format!("{count} {state}")).collect();
        let left = match self.seconds_left {
            Some(left) if left > 0.0 => format!("; about {} of work left", duration(left)),
            _ => String::new(),
        };
        lines.push(format!("{}: {}{left}", self.name, states.join(", ")));
        lines.extend(self.slurm.iter().flatten().map(|note| format!("note: {note}")));
        if let Some(Coordinator { owner, life: Life::Alive }) = &self.coordinator {
            lines.push(format!("process {} is running this study", owner.pid));
        }
        lines.join("\n")
    }
}

impl Run {
    fn state(&self) -> &'static str {
        if self.held { "held" } else { self.standing.state.name() }
    }

    fn row(&self) -> Vec<String> {
        let unknown = || "-".to_owned();
        let standing = &self.standing;
        let mut row = vec![
            standing.name.clone(),
            self.state().to_owned(),
            format!("{}/{}", thousands(standing.step), thousands(standing.steps)),
            standing.last_return.map_or_else(unknown, decimal),
            standing.attempts.to_string(),
            standing.seconds_left.filter(|&left| left > 0.0).map_or_else(unknown, duration),
        ];
        row.extend(self.slurm.clone());
        row
    }
}
