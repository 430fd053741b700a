//! What a person, or the study that started the run, sees of a run while it trains.

use std::collections::VecDeque;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use rlai::train::{Evaluation, Progress};
use serde::{Deserialize, Serialize};

use crate::text::{decimal, duration, thousands};

/// Time between two lines of one run where there is no terminal.
pub const LINE_PAUSE: Duration = Duration::from_secs(15);

/// Where a run stands, for whoever watches it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Environment steps done.
    pub step: u64,
    /// Environment steps of the whole run.
    pub steps: u64,
    /// Newest known return: of the last evaluation, or of training episodes before the first.
    pub latest_return: Option<f64>,
    /// Speed over the last seconds.
    pub steps_per_second: Option<f64>,
    /// Time left at that speed; unknown before learning starts, since random steps are far quicker.
    pub seconds_left: Option<f64>,
}

impl Standing {
    /// Return, speed and time left in one line.
    pub fn describe(&self) -> String {
        let mut parts = Vec::new();
        if let Some(value) = self.latest_return {
            parts.push(format!("return {}", decimal(value)));
        }
        if let Some(rate) = self.steps_per_second {
            parts.push(format!("{} steps/s", thousands(rate.round() as u64)));
        }
        if let Some(left) = self.seconds_left {
            parts.push(format!("{} left", duration(left)));
        }
        parts.join("  ")
    }
}

/// A line that a run writes for the study that started it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run advanced.
    Progress(Standing),
}

/// How a run shows itself.
pub enum Display {
    /// Not at all.
    Quiet,
    /// One bar on a terminal.
    Bar(ProgressBar),
    /// A line now and then on standard error.
    Lines,
    /// JSON lines on standard output, for a study.
    Events,
}

impl Display {
    /// A bar on a terminal, lines elsewhere.
    pub fn for_people(steps: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines;
        }
        let bar = ProgressBar::new(steps);
        bar.set_style(bar_style("{bar:30} {human_pos}/{human_len} steps  {msg}"));
        Self::Bar(bar)
    }

    /// The time between two updates.
    fn pause(&self) -> Duration {
        match self {
            Self::Quiet => Duration::MAX,
            Self::Bar(_) => Duration::from_millis(100),
            Self::Lines => LINE_PAUSE,
            Self::Events => Duration::from_millis(250),
        }
    }

    fn show(&self, standing: &Standing) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => {
                bar.set_position(standing.step);
                bar.set_message(standing.describe());
            }
            Self::Lines => line_err!(
                "step {} of {}  {}",
                thousands(standing.step),
                thousands(standing.steps),
                standing.describe()
            ),
            Self::Events => {
                let line = serde_json::to_string(&Event::Progress(*standing)).unwrap_or_default();
                // A study that no longer listens also closes our input, which stops the run.
                let _ = writeln!(std::io::stdout(), "{line}");
            }
        }
    }

    fn evaluated(&self, evaluation: &Evaluation) {
        let line = format!(
            "step {}: return {} ± {} over {} episodes",
            thousands(evaluation.step),
            decimal(evaluation.return_mean),
            decimal(evaluation.return_sd),
            evaluation.returns.len()
        );
        match self {
            Self::Bar(bar) => bar.println(line),
            Self::Lines => line_err!("{line}"),
            Self::Quiet | Self::Events => {}
        }
    }
}

/// The look of our bars.
pub fn bar_style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("a template of this program")
        .progress_chars("━╸─")
}

/// Measures speed and time left, and shows them from time to time.
pub struct Watch {
    display: Display,
    learning_starts: u64,
    next: Instant,
    /// Times and steps of the last seconds, for the speed.
    recent: VecDeque<(Instant, u64)>,
    evaluated: Option<f64>,
}

/// Seconds over which the speed is measured.
const WINDOW: Duration = Duration::from_secs(5);
const SAMPLE: Duration = Duration::from_millis(100);

impl Watch {
    /// A watch over a run whose first `learning_starts` steps make no updates.
    pub fn new(display: Display, learning_starts: u64) -> Self {
        let now = Instant::now();
        // The first line of a run has nothing to tell yet; a bar is wanted at once.
        let next = if matches!(display, Display::Lines) { now + LINE_PAUSE } else { now };
        Self { display, learning_starts, next, recent: VecDeque::new(), evaluated: None }
    }

    /// After each step; shows something only from time to time.
    pub fn progress(&mut self, progress: &Progress) {
        let now = Instant::now();
        self.sample(now, progress.step);
        if now >= self.next {
            self.display.show(&self.standing(progress));
            self.next = now.checked_add(self.display.pause()).unwrap_or(now + WINDOW);
        }
    }

    /// After an evaluation.
    pub fn evaluation(&mut self, evaluation: &Evaluation) {
        self.evaluated = Some(evaluation.return_mean);
        self.display.evaluated(evaluation);
        // Its time is no part of the speed of training.
        self.recent.clear();
    }

    /// When the run is over, for whatever reason.
    pub fn end(&self) {
        if let Display::Bar(bar) = &self.display {
            bar.finish_and_clear();
        }
    }

    fn sample(&mut self, now: Instant, step: u64) {
        let due = self.recent.back().is_none_or(|(last, _)| now - *last >= SAMPLE);
        // Random steps say nothing of the speed with updates.
        let first_update = step == self.learning_starts + 1;
        if first_update {
            self.recent.clear();
        }
        if due || first_update {
            self.recent.push_back((now, step));
        }
        while self.recent.front().is_some_and(|(first, _)| now - *first > WINDOW) {
            self.recent.pop_front();
        }
    }

    fn standing(&self, progress: &Progress) -> Standing {
        let rate = match (self.recent.front(), self.recent.back()) {
            (Some((from, first)), Some((to, last))) if last > first => {
                Some((last - first) as f64 / (*to - *from).as_secs_f64())
            }
            _ => None,
        };
        let learning = progress.step > self.learning_starts;
        let left = (progress.steps - progress.step) as f64;
        Standing {
            step: progress.step,
            steps: progress.steps,
            latest_return: self.evaluated.or(progress.recent_return),
            steps_per_second: rate,
            seconds_left: rate.filter(|_| learning).map(|rate| left / rate),
        }
    }
}
