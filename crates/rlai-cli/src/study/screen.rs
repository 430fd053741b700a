//! What people see of a study that runs: a line for each run at work, and one for all of them.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar};

use super::Forecast;
use super::plan::Plan;
use super::worker::Outcome;
use crate::display::{LINE_PAUSE, Standing, bar_style};
use crate::run_folder::RunResult;
use crate::text::{decimal, duration, thousands};

/// Where the lines of all runs are shown.
pub struct Screen<'a> {
    plan: &'a Plan,
    bars: Option<(MultiProgress, ProgressBar)>,
    width: usize,
    tally: Mutex<Tally>,
}

/// How many runs have ended, and how.
struct Tally {
    forecast: Forecast,
    all: usize,
    finished: usize,
    failed: usize,
    lines: std::collections::BTreeMap<usize, ProgressBar>,
    next_line: Instant,
}

/// The line of one run at work.
pub struct Line<'a> {
    screen: &'a Screen<'a>,
    index: usize,
    bar: Option<ProgressBar>,
}

impl<'a> Screen<'a> {
    /// A screen for those `runs` of the plan.
    pub fn new(plan: &'a Plan, runs: &[usize], forecast: Forecast) -> Self {
        let labels = runs.iter().map(|&run| plan.label(&plan.runs[run]).chars().count());
        let width = labels.max().unwrap_or(0);
        let bars = (std::io::stderr().is_terminal() && runs.len() > 1).then(|| {
            let bars = MultiProgress::new();
            let total = bars.add(ProgressBar::new(runs.len() as u64));
            total.set_style(bar_style("{bar:20} {human_pos}/{human_len} runs  {msg}"));
            total.tick();
            (bars, total)
        });
        let tally = Tally {
            forecast,
            all: runs.len(),
            finished: 0,
            failed: 0,
            lines: std::collections::BTreeMap::new(),
            next_line: Instant::now() + LINE_PAUSE,
        };
        Self { plan, bars, width, tally: Mutex::new(tally) }
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn label(&self, index: usize) -> String {
        let label = self.plan.label(&self.plan.runs[index]);
        format!("{label:width$}", width = self.width)
    }

    /// A line for a run that starts.
    pub fn line(&'a self, index: usize) -> Line<'a> {
        let bar = self.bars.as_ref().map(|(bars, total)| {
            let steps = self.plan.spec(&self.plan.runs[index]).method.steps();
            let bar = bars.insert_before(total, ProgressBar::new(steps));
            bar.set_style(bar_style("{prefix}  {bar:20} {human_pos}/{human_len}  {msg}"));
            bar.set_prefix(self.label(index));
            self.tally().lines.insert(index, bar.clone());
            bar
        });
        Line { screen: self, index, bar }
    }

    /// Tells how a run ended; its line goes.
    pub fn end(&self, index: usize, outcome: &Outcome) {
        let told = match outcome {
            Outcome::Finished(result) => {
                let time = duration(result.wall_time_seconds);
                format!("{} in {time}", final_return(result))
            }
            Outcome::Failed(reason) => {
                format!("failed: {}", reason.lines().next().unwrap_or_default())
            }
            Outcome::Refused(reason) => format!("refused: {reason}"),
            Outcome::Stopped => "stopped".to_owned(),
            Outcome::Open(state) => state.name().to_owned(),
        };
        let mut tally = self.tally();
        tally.forecast.ended(index);
        tally.finished += usize::from(matches!(outcome, Outcome::Finished(_)));
        tally.failed += usize::from(matches!(outcome, Outcome::Failed(_)));
        if let Some(bar) = tally.lines.remove(&index) {
            bar.finish_and_clear();
        }
        let line = format!("{}  {told}", self.label(index));
        match &self.bars {
            Some((bars, total)) => {
                // Nobody can be told where standard error is closed.
                let _ = bars.println(line);
                total.set_position((tally.finished + tally.failed) as u64);
                total.set_message(tally.describe());
            }
            None if tally.all > 1 => line_err!("{line}  ({})", tally.summary()),
            None => line_err!("{line}"),
        }
    }

    /// Nothing more will be shown.
    pub fn close(&self) {
        if let Some((_, total)) = &self.bars {
            total.finish_and_clear();
        }
    }

    fn advanced(&self, index: usize, standing: &Standing) -> Option<String> {
        let mut tally = self.tally();
        // Random steps, before learning starts, are far quicker than those that follow.
        let seconds = standing.seconds_left.and(standing.steps_per_second).map(|rate| 1.0 / rate);
        let left = standing.steps.saturating_sub(standing.step);
        tally.forecast.advanced(index, left, seconds);
        if let Some((_, total)) = &self.bars {
            total.set_message(tally.describe());
            return None;
        }
        // Not a terminal: one run's line at a time, so that many runs do not flood it.
        let now = Instant::now();
        (now >= tally.next_line).then(|| {
            tally.next_line = now + LINE_PAUSE;
            tally.summary()
        })
    }
}

impl Tally {
    fn describe(&self) -> String {
        let mut parts = Vec::new();
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        match self.forecast.seconds_left() {
            Some(left) if left >= 1.0 => parts.push(format!("all in about {}", duration(left))),
            _ => {}
        }
        parts.join("  ")
    }

    fn summary(&self) -> String {
        let mut text = format!("{} of {} runs", self.finished + self.failed, self.all);
        let more = self.describe();
        if !more.is_empty() {
            text.push_str(", ");
            text.push_str(&more.replace("  ", ", "));
        }
        text
    }
}

impl Line<'_> {
    /// Where the run stands.
    pub fn show(&self, standing: &Standing) {
        let summary = self.screen.advanced(self.index, standing);
        if let Some(bar) = &self.bar {
            bar.set_position(standing.step);
            bar.set_message(standing.describe());
        }
        if let Some(summary) = summary {
            let (step, steps) = (thousands(standing.step), thousands(standing.steps));
            let label = self.screen.label(self.index);
            line_err!("{label}  {step}/{steps}  {}  ({summary})", standing.describe());
        }
    }
}

fn final_return(result: &RunResult) -> String {
    match result.final_return {
        Some(value) => format!("return {}", decimal(value)),
        None => "no evaluation".to_owned(),
    }
}
