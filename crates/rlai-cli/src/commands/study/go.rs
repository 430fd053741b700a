//! What `study run` and `study resume` share: whatever has no valid result is started, by the study's
//! engine.

use std::sync::atomic::Ordering;
use std::thread::available_parallelism;

use super::on_slurm;
use crate::error::Failure;
use crate::report;
use crate::signals;
use crate::study::{
    Coordinator, Engine, Forecast, Outcome, Plan, Pool, Report, RunStanding, Selection, State,
    Typed, folder, of_all, run_all,
};
use crate::text::{in_shell, thousands, times};
use crate::training;

/// How a study goes on.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub typed: Typed,
    /// Go on with a study that a process on another machine was running, and may still be
    #[arg(long)]
    pub take_over: bool,
    /// Under slurm: wait until every run has ended, submit again what is lost, then report
    #[arg(long)]
    pub wait: bool,
    /// Print the report as one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// Runs of a study at the same time on this machine.
pub fn jobs(plan: &Plan) -> usize {
    let cores = available_parallelism().map_or(1, usize::from);
    plan.engine.jobs.unwrap_or_else(|| (cores / plan.engine.threads).max(1))
}

/// Starts whatever of the selected runs has no valid result, and reports of all runs; under slurm only if
/// it is waited for.
///
/// # Errors
/// Bad input, runs that failed, or a signal.
pub fn go(plan: &Plan, options: &Options) -> Result<(), Failure> {
    let selected = options.selection.of(plan)?;
    folder::check(plan)?;
    plan.check_surroundings()?;
    if plan.engine.engine == Engine::Slurm {
        return on_slurm::go(plan, &selected, options);
    }
    let coordinator = folder::claim(plan, options.take_over)?;
    let standings = of_all(plan);
    let chosen = choose(plan, &standings, &selected);
    local(plan, standings, &chosen, &coordinator, options)
}

/// Which of the selected runs are started; what is not is told.
fn choose(plan: &Plan, standings: &[RunStanding], selected: &[usize]) -> Vec<usize> {
    let (mut chosen, mut finished, mut held) = (Vec::new(), 0, Vec::new());
    for &index in selected {
        let standing = &standings[index];
        match standing.state {
            State::Finished => {
                finished += 1;
                if let Some(result) = &standing.result {
                    training::remove_unkept(result, &standing.out);
                }
            }
            _ if standing.is_held(plan.engine.max_attempts) => held.push(index),
            _ => chosen.push(index),
        }
    }
    let s = |count: usize| if count == 1 { "" } else { "s" };
    if finished > 0 {
        line_err!("{finished} run{} already finished", s(finished));
    }
    for index in held {
        let standing = &standings[index];
        let reason = standing.reason.as_deref().unwrap_or("it ended without a word");
        line_err!(
            "held: {} failed {}, not started again (--max-attempts): {}",
            plan.label(&plan.runs[index]),
            times(standing.failures),
            reason.lines().next().unwrap_or_default()
        );
    }
    chosen
}

fn local(
    plan: &Plan,
    standings: Vec<RunStanding>,
    chosen: &[usize],
    coordinator: &Coordinator,
    options: &Options,
) -> Result<(), Failure> {
    let stop = signals::stop_flag()?;
    let jobs = jobs(plan).min(chosen.len().max(1));
    announce(plan, &standings, chosen, jobs);
    let mut forecast = Forecast::new(plan, &standings, jobs);
    forecast.only(chosen);
    let pool = Pool { jobs, take_over: options.take_over, stop: &stop, coordinator };
    let mut ended = run_all(plan, chosen, forecast, &pool);
    if stop.load(Ordering::Relaxed) {
        line_err!(
            "stopped; what has finished is kept, and it goes on: rlai study resume {}",
            in_shell(&plan.out)
        );
        return Err(Failure::Stopped);
    }
    let outcome = |(index, standing)| ended.remove(&index).unwrap_or_else(|| Outcome::of(standing));
    let outcomes: Vec<Outcome> = standings.into_iter().enumerate().map(outcome).collect();
    let report = Report::write(plan, &outcomes, report::Options::default(), None)?;
    show(&report, options.json)
}

fn announce(plan: &Plan, standings: &[RunStanding], chosen: &[usize], jobs: usize) {
    let steps: u64 = chosen
        .iter()
        .map(|&index| &standings[index])
        .map(|standing| standing.steps.saturating_sub(standing.step))
        .sum();
    let cores = match plan.engine.threads {
        1 => "one core a run".to_owned(),
        threads => format!("{threads} cores a run"),
    };
    line_err!(
        "{}: {} of {} runs to do, {} steps, {jobs} at a time, {cores}; folder {}",
        plan.name,
        chosen.len(),
        plan.runs.len(),
        thousands(steps),
        plan.out.display()
    );
}

/// Tells of a report.
///
/// # Errors
/// Runs that failed.
pub fn show(report: &Report, json: bool) -> Result<(), Failure> {
    if json {
        line_out!("{}", report.to_json()?);
    } else {
        line_out!("{}", report.table());
        let answer = report.answer();
        answer.warnings.iter().for_each(|warning| line_out!("{warning}"));
        answer.findings.iter().for_each(|finding| line_out!("{}", finding.text()));
        answer.cautions.iter().for_each(|caution| line_out!("note: {caution}"));
        for figure in report.figures() {
            line_out!("figure: {}", figure.display());
        }
        line_out!("report: {}", report.page().display());
    }
    let failures = report.failures();
    if failures.is_empty() {
        return Ok(());
    }
    let runs = if failures.len() == 1 { "run" } else { "runs" };
    let text = format!("{} {runs} failed:\n  {}", failures.len(), failures.join("\n  "));
    Err(Failure::running(text))
}
