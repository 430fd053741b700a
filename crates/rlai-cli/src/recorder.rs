//! Keeps what a run tells: lines of metrics, checkpoints, evaluations.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use rlai::checkpoint::CheckpointError;
use rlai::train::checkpoints::{Checkpoints, Found};
use rlai::train::{Evaluation, Learner, Observer, Progress, TrainingMetrics};
use serde::{Deserialize, Serialize};

use crate::display::Watch;
use crate::error::Failure;
use crate::live::LiveEvents;
use crate::run_folder::{Attempt, EvaluationPoint};
use crate::spec::RunSpec;

/// How often a run's folder of which something is missing is looked at again.
const LOOKS: usize = 30;

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

/// What a checkpoint keeps of a run beside the run's own state.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Length of `metrics.jsonl`.
    pub metrics_bytes: u64,
    /// Its hash; older checkpoints have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics_blake3: Option<String>,
    /// The configuration, as `run.toml` says it; older checkpoints have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
    /// Every evaluation so far.
    pub evaluations: Vec<EvaluationPoint>,
    /// Seconds of training so far, over all attempts.
    pub seconds: f64,
}

/// Where a run goes on from.
#[derive(Debug)]
pub struct Resumed {
    /// The checkpoint.
    pub found: Found,
    /// What it remembers.
    pub memory: Memory,
    /// The metrics of the attempt that wrote it.
    pub metrics: std::path::PathBuf,
}

/// An observer that writes an attempt's folder and tells a [`Watch`].
pub struct Recorder {
    attempt: Attempt,
    checkpoints: Checkpoints,
    keep: usize,
    /// The step of the newest checkpoint, and the length of the metrics that it names.
    saved: Option<(u64, u64)>,
    metrics: BufWriter<File>,
    metrics_bytes: u64,
    metrics_hash: blake3::Hasher,
    configuration: String,
    watch: Watch,
    started: Instant,
    /// Seconds of earlier attempts.
    earlier: f64,
    last_line: (Instant, u64),
    evaluations: Vec<EvaluationPoint>,
    /// Where somebody watches.
    events: Option<LiveEvents>,
}

impl Recorder {
    /// A recorder of an attempt that starts now, anew or from a checkpoint, which becomes its first.
    ///
    /// # Errors
    /// When metrics or checkpoint cannot be taken over.
    pub fn new(
        attempt: Attempt,
        spec: &RunSpec,
        watch: Watch,
        from: Option<&Resumed>,
    ) -> Result<Self, Failure> {
        let keep = spec.keep_checkpoints;
        let memory = from.map(|from| from.memory.clone()).unwrap_or_default();
        let taken_over = take_over(&attempt, keep, from);
        let (metrics, metrics_hash, checkpoints) =
            taken_over.inspect_err(|failure| attempt.fail(failure))?;
        let saved = from.map(|from| (from.found.manifest.step, from.memory.metrics_bytes));
        let started = Instant::now();
        Ok(Self {
            attempt,
            checkpoints,
            keep,
            saved,
            metrics,
            metrics_bytes: memory.metrics_bytes,
            metrics_hash,
            configuration: spec.to_toml(),
            watch,
            started,
            earlier: memory.seconds,
            last_line: (started, saved.map_or(0, |(step, _)| step)),
            evaluations: memory.evaluations,
            events: None,
        })
    }

    /// Writes an event file of TensorBoard from now on, once `run.toml` says what the run is.
    ///
    /// # Errors
    /// As [`LiveEvents::begin`].
    pub fn begin_events(&mut self) -> Result<(), Failure> {
        self.events = Some(LiveEvents::begin(&self.attempt)?);
        Ok(())
    }

    /// Seconds of training, over all attempts.
    pub fn seconds(&self) -> f64 {
        self.earlier + self.started.elapsed().as_secs_f64()
    }

    /// Every evaluation so far.
    pub fn evaluations(&self) -> &[EvaluationPoint] {
        &self.evaluations
    }

    /// The folder that is written to.
    pub fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    /// The newest checkpoint with its step, if there is one.
    pub fn newest(&self) -> Option<(&Path, u64)> {
        self.checkpoints.newest().zip(self.saved.map(|(step, _)| step))
    }

    /// When the run is over, for whatever reason.
    pub fn end(&self) {
        self.watch.end();
    }

    /// Saves the run as it stands, if it has advanced since it was last saved, be it by an evaluation that
    /// was due. What is saved refers to metrics that are on disk.
    ///
    /// # Errors
    /// The run is another process's, or a file system that refuses.
    pub fn save(&mut self, learner: &dyn Learner) -> io::Result<()> {
        self.attempt.fence()?;
        if self.saved == Some((learner.step(), self.metrics_bytes)) {
            return Ok(());
        }
        let synced = self.metrics.flush().and_then(|()| self.metrics.get_ref().sync_all());
        synced.map_err(|error| self.refused(&error))?;
        self.check_metrics().map_err(|error| {
            let missing = error.kind() == io::ErrorKind::NotFound;
            self.fence_after(missing).err().unwrap_or(error)
        })?;
        let memory = Memory {
            metrics_bytes: self.metrics_bytes,
            metrics_blake3: Some(self.metrics_hash.finalize().to_hex().to_string()),
            configuration: Some(self.configuration.clone()),
            evaluations: self.evaluations.clone(),
            seconds: self.seconds(),
        };
        let memory = serde_json::to_value(memory)?;
        let saved = self.checkpoints.save(learner, memory);
        // A folder that is gone, or another process's, is why nothing could be saved.
        saved.map_err(|error| {
            let missing = matches!(&error, CheckpointError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound);
            self.fence_after(missing).err().unwrap_or(io::Error::other(error))
        })?;
        self.saved = Some((learner.step(), self.metrics_bytes));
        self.attempt.prune_earlier(self.keep);
        Ok(())
    }

    /// Refuses to count on metrics that somebody else cut or replaced.
    fn check_metrics(&self) -> io::Result<()> {
        let path = self.attempt.metrics();
        let size = std::fs::metadata(&path).map_err(|error| self.refused(&error))?.len();
        if size == self.metrics_bytes {
            return Ok(());
        }
        let (path, written) = (path.display(), self.metrics_bytes);
        Err(io::Error::other(format!(
            "{path} has {size} bytes, where {written} were written: something else has changed it"
        )))
    }

    /// Whether the run is still this process's, after a save that failed. A folder goes file by file:
    /// where one is missing, the rest may follow.
    fn fence_after(&self, missing: bool) -> io::Result<()> {
        for _ in 0..if missing { LOOKS } else { 0 } {
            self.attempt.fence()?;
            std::thread::sleep(Duration::from_millis(10));
        }
        self.attempt.fence()
    }

    /// Lines are flushed one by one: a run that is killed leaves whole lines.
    fn write(&mut self, line: &Line<'_>) -> io::Result<()> {
        self.attempt.exists()?;
        let text = serde_json::to_string(line)? + "\n";
        let written = self.metrics.write_all(text.as_bytes()).and_then(|()| self.metrics.flush());
        written.map_err(|error| self.refused(&error))?;
        self.metrics_bytes += text.len() as u64;
        self.metrics_hash.update(text.as_bytes());
        self.events.as_mut().map_or(Ok(()), |events| events.add(&text))
    }

    fn refused(&self, error: &io::Error) -> io::Error {
        let path = self.attempt.metrics();
        io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display()))
    }
}

/// The metrics and checkpoints of an attempt, as far as there were any before it.
fn take_over(
    attempt: &Attempt,
    keep: usize,
    from: Option<&Resumed>,
) -> Result<(BufWriter<File>, blake3::Hasher, Checkpoints), Failure> {
    let before = from.map(|from| (from.metrics.as_path(), from.memory.metrics_bytes));
    let (metrics, hash) = attempt.begin_metrics(before)?;
    let metrics = BufWriter::new(metrics);
    let mut checkpoints = Checkpoints::new(attempt.folder(), keep);
    if let Some(from) = from {
        checkpoints.adopt(&from.found).map_err(Failure::running)?;
    }
    Ok((metrics, hash, checkpoints))
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
        self.save(learner)
    }
}
