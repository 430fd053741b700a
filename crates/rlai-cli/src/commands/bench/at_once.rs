//! Several processes at once against one alone: what the cores of this machine are worth to a study.

use std::process::{Child, ChildStdin, Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::settings::Settings;

use super::Effort;
use super::case::{Case, Sizes};
use super::measure::bar;
use super::spread::Spread;

/// What the program measures well: less is refused.
const LEAST_SECONDS: f64 = 1.0;

#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    sizes: Sizes,
    threads: usize,
    at_once: usize,
    runs: usize,
    seconds_of_a_run: f64,
    /// Of a process alone.
    updates_per_second_alone: f64,
    /// Of all processes together.
    updates_per_second_together: f64,
    /// Together against alone, the median of the pairs measured one after the other.
    ratio: f64,
    /// What the cores allow at best.
    best_ratio: f64,
    spread: Spreads,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Spreads {
    updates_per_second_alone: Spread,
    updates_per_second_together: Spread,
    ratio: Spread,
}

/// The part of a process's own report that is read.
#[derive(Deserialize)]
struct OfProcess {
    updates_per_second: f64,
}

/// Measures one alone and `processes` at once, in turns, in an order that turns too.
///
/// # Errors
/// Bad input, or a process that fails.
pub fn run(
    settings: &Settings,
    case: &Case,
    processes: i64,
    effort: Effort,
    json: bool,
) -> Result<(), Failure> {
    let processes = match usize::try_from(processes) {
        Ok(processes @ 2..=256) => processes,
        _ => return Err(Failure::input(format!("at_once = {processes}: from 2 to 256"))),
    };
    let seconds = effort.seconds_of_a_run(2 * effort.runs, LEAST_SECONDS)?;
    // What cannot be measured is refused here, once, and not by every process.
    case.trainer()?;
    let (bar, mut alone, mut together) = (bar(2 * effort.runs), vec![], vec![]);
    for round in 0..effort.runs {
        for first in [true, false] {
            if first == round.is_multiple_of(2) {
                alone.push(rate(settings, 1, seconds)?);
            } else {
                together.push(rate(settings, processes, seconds)?);
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let ratios: Vec<f64> = together.iter().zip(&alone).map(|(all, one)| all / one).collect();
    let spread = Spreads {
        updates_per_second_alone: Spread::of(alone),
        updates_per_second_together: Spread::of(together),
        ratio: Spread::of(ratios),
    };
    let report = Report {
        sizes: case.sizes(),
        threads: case.config.threads,
        at_once: processes,
        runs: effort.runs,
        seconds_of_a_run: seconds,
        updates_per_second_alone: spread.updates_per_second_alone.median,
        updates_per_second_together: spread.updates_per_second_together.median,
        ratio: spread.ratio.median,
        best_ratio: best_ratio(processes, case.config.threads),
        spread,
    };
    if json {
        line_out!("{}", serde_json::to_string(&report).map_err(Failure::running)?);
    } else {
        report.print();
    }
    Ok(())
}

/// One process for every core, or for every two if a process has two threads; a process has its own at least.
fn best_ratio(processes: usize, threads: usize) -> f64 {
    let cores = std::thread::available_parallelism().map_or(processes * threads, usize::from);
    (cores as f64 / threads.min(cores) as f64).min(processes as f64)
}

/// Updates a second of so many processes at the same time, all together.
fn rate(settings: &Settings, processes: usize, seconds: f64) -> Result<f64, Failure> {
    let started: Vec<_> = (0..processes).map(|_| start(settings, seconds)).collect();
    // Every one is waited for, also if another failed.
    let rates: Vec<_> = started.into_iter().map(|process| process.and_then(finish)).collect();
    rates.into_iter().sum()
}

/// A process, and its input, which ends with this process at the latest.
struct Process {
    child: Child,
    _input: Option<ChildStdin>,
}

fn start(settings: &Settings, seconds: f64) -> Result<Process, Failure> {
    let program = std::env::current_exe().map_err(Failure::running)?;
    let mut command = Command::new(program);
    let seconds = seconds.to_string();
    command.args(["bench", "--json", "--ends-with-input", "--runs", "1", "--seconds", &seconds]);
    let number = |value: Option<i64>| value.map(|value| value.to_string());
    let hidden = settings
        .hidden
        .as_ref()
        .map(|widths| widths.iter().map(i64::to_string).collect::<Vec<_>>().join(","));
    let given = [
        ("--env", settings.env.clone()),
        ("--objective", settings.objective.clone()),
        ("--samples", number(settings.samples)),
        ("--batch", number(settings.batch)),
        ("--hidden", hidden),
        ("--threads", number(settings.threads)),
    ];
    for (flag, value) in given {
        command.args(value.map(|value| format!("{flag}={value}")));
    }
    let (input, output, errors) = (Stdio::piped(), Stdio::piped(), Stdio::piped());
    command.stdin(input).stdout(output).stderr(errors);
    let mut child = command.spawn().map_err(Failure::running)?;
    Ok(Process { _input: child.stdin.take(), child })
}

fn finish(process: Process) -> Result<f64, Failure> {
    let output = process.child.wait_with_output().map_err(Failure::running)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::running(format!("a process of several at once: {}", said.trim())));
    }
    let report: OfProcess = serde_json::from_slice(&output.stdout).map_err(Failure::running)?;
    Ok(report.updates_per_second)
}

impl Report {
    fn print(&self) {
        line_out!("{} · threads {}", self.sizes, self.threads);
        Spread::print_heading(self.runs, self.seconds_of_a_run);
        let Spreads { updates_per_second_alone: alone, updates_per_second_together: all, ratio } =
            self.spread;
        alone.print("updates, alone", 1, " /s");
        let name = format!("updates, {} at once", self.at_once);
        all.print(&name, 1, " /s together");
        ratio.print("ratio", 2, &format!(" of at best {} on these cores", self.best_ratio));
    }
}
