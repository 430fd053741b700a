//! All runs of a study, as many at a time as there are cores.

use std::collections::VecDeque;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar};

use super::plan::{Plan, PlannedRun};
use super::worker::{self, Outcome};
use crate::display::{LINE_PAUSE, Standing, bar_style};
use crate::error::Failure;
use crate::run_folder::{self, FolderState, RunResult};
use crate::text::{decimal, duration, thousands};

/// Runs what has not finished yet; outcomes are in the order of the plan's runs.
pub fn run_all(plan: &Plan, jobs: usize, stop: &AtomicBool) -> Vec<Outcome> {
    let screen = Screen::new(plan);
    let waiting: Mutex<VecDeque<usize>> = Mutex::new((0..plan.runs.len()).collect());
    let outcomes: Mutex<Vec<(usize, Outcome)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(plan.runs.len()) {
            scope.spawn(|| {
                loop {
                    let next = lock(&waiting).pop_front();
                    let Some(index) = next else { break };
                    let outcome = run_one(&plan.runs[index], &screen, stop);
                    lock(&outcomes).push((index, outcome));
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// A thread that panicked leaves these lists whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn run_one(run: &PlannedRun, screen: &Screen, stop: &AtomicBool) -> Outcome {
    if stop.load(Ordering::Relaxed) {
        return Outcome::Stopped;
    }
    let mut line = screen.line(run);
    let outcome = match finished(run) {
        Ok(Some(result)) => {
            line.already_finished(&result);
            return Outcome::Finished(result);
        }
        Ok(None) => worker::work(run, stop, &mut |standing| line.show(standing)),
        Err(failure) => Outcome::Failed(failure.to_string()),
    };
    line.end(&outcome);
    outcome
}

/// The result, if there is one; otherwise the run starts, or goes on.
fn finished(run: &PlannedRun) -> Result<Option<Box<RunResult>>, Failure> {
    match run_folder::inspect(&run.spec.out, &run.spec)? {
        FolderState::Finished(result) => Ok(Some(result)),
        // The run itself refuses a folder that is neither free nor its own.
        _ => Ok(None),
    }
}

/// Where the lines of all runs are shown.
struct Screen {
    bars: Option<MultiProgress>,
    width: usize,
}

impl Screen {
    fn new(plan: &Plan) -> Self {
        let width = plan.runs.iter().map(|run| run.label.chars().count()).max().unwrap_or(0);
        let bars = std::io::stderr().is_terminal().then(MultiProgress::new);
        Self { bars, width }
    }

    fn line(&self, run: &PlannedRun) -> Line {
        let label = format!("{:width$}", run.label, width = self.width);
        let Some(bars) = &self.bars else {
            return Line::Plain { label, next: Instant::now() + LINE_PAUSE };
        };
        let bar = bars.add(ProgressBar::new(run.spec.method.steps()));
        bar.set_style(bar_style("{prefix}  {bar:20} {human_pos}/{human_len}  {msg}"));
        bar.set_prefix(label);
        Line::Bar(bar)
    }
}

/// The line of one run.
enum Line {
    Bar(ProgressBar),
    Plain { label: String, next: Instant },
}

impl Line {
    fn show(&mut self, standing: &Standing) {
        match self {
            Self::Bar(bar) => {
                bar.set_position(standing.step);
                bar.set_message(standing.describe());
            }
            Self::Plain { label, next } => {
                if Instant::now() >= *next {
                    *next = Instant::now() + LINE_PAUSE;
                    let (step, steps) = (thousands(standing.step), thousands(standing.steps));
                    line_err!("{label}  {step}/{steps}  {}", standing.describe());
                }
            }
        }
    }

    fn already_finished(&self, result: &RunResult) {
        self.close(Some(result.steps), format!("already finished, {}", final_return(result)));
    }

    fn end(&self, outcome: &Outcome) {
        match outcome {
            Outcome::Finished(result) => {
                let time = duration(result.wall_time_seconds);
                self.close(Some(result.steps), format!("{} in {time}", final_return(result)));
            }
            Outcome::Failed(reason) => self.close(None, format!("failed: {}", one_line(reason))),
            Outcome::Stopped => self.close(None, "stopped".to_owned()),
        }
    }

    fn close(&self, position: Option<u64>, message: String) {
        match self {
            Self::Bar(bar) => {
                if let Some(position) = position {
                    bar.set_position(position);
                }
                bar.abandon_with_message(message);
            }
            Self::Plain { label, .. } => line_err!("{label}  {message}"),
        }
    }
}

fn final_return(result: &RunResult) -> String {
    match result.final_return {
        Some(value) => format!("return {}", decimal(value)),
        None => "no evaluation".to_owned(),
    }
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
