//! Keeps what a run tells: lines of metrics, checkpoints, evaluations.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::time::Instant;

use rlai::train::{Evaluation, Learner, Observer, Progress, TrainingMetrics};
use serde::Serialize;

use crate::display::Watch;
use crate::run_folder::{EvaluationPoint, RunFolder};

/// A line of `metrics.jsonl`; fields are documented in `docs/metrics.md`.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line<'a> {
    Train {
        #[serde(flatten)]
        metrics: &'a TrainingMetrics,
        time_seconds: f64,
        steps_per_second: f64,
    },
    Evaluation {
        #[serde(flatten)]
        evaluation: &'a Evaluation,
        time_seconds: f64,
    },
}

/// An observer that writes a run's folder and tells a [`Watch`].
pub struct Recorder {
    folder: RunFolder,
    metrics: BufWriter<File>,
    watch: Watch,
    started: Instant,
    last_line: (Instant, u64),
    evaluations: Vec<EvaluationPoint>,
}

impl Recorder {
    /// A recorder of a run that starts now.
    ///
    /// # Errors
    /// When `metrics.jsonl` cannot be created.
    pub fn new(folder: RunFolder, watch: Watch) -> io::Result<Self> {
        let metrics = BufWriter::new(folder.metrics()?);
        let started = Instant::now();
        Ok(Self {
            folder,
            metrics,
            watch,
            started,
            last_line: (started, 0),
            evaluations: Vec::new(),
        })
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Every evaluation so far.
    pub fn evaluations(&self) -> &[EvaluationPoint] {
        &self.evaluations
    }

    /// When the run is over, for whatever reason.
    pub fn end(&self) {
        self.watch.end();
    }

    /// Lines are flushed one by one: a run that is killed leaves whole lines.
    fn write(&mut self, line: &Line<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut self.metrics, line)?;
        self.metrics.write_all(b"\n")?;
        self.metrics.flush()
    }
}

impl Observer for Recorder {
    fn progress(&mut self, progress: &Progress) {
        self.watch.progress(progress);
    }

    fn training(&mut self, metrics: &TrainingMetrics) -> io::Result<()> {
        let now = Instant::now();
        let (time, step) = std::mem::replace(&mut self.last_line, (now, metrics.step));
        let steps_per_second = (metrics.step - step) as f64 / (now - time).as_secs_f64();
        let time_seconds = self.seconds();
        self.write(&Line::Train { metrics, time_seconds, steps_per_second })
    }

    fn evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        self.watch.evaluation(evaluation);
        self.evaluations.push(EvaluationPoint {
            step: evaluation.step,
            return_mean: evaluation.return_mean,
            return_sd: evaluation.return_sd,
        });
        let time_seconds = self.seconds();
        self.write(&Line::Evaluation { evaluation, time_seconds })
    }

    fn checkpoint(&mut self, learner: &dyn Learner) -> io::Result<()> {
        learner.save(&self.folder.checkpoint()).map_err(io::Error::other)
    }
}
