//! How fast a configuration trains on this machine, and what its checkpoints take: measured in a few seconds
//! of its real training loop.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rlai::files;
use rlai::train::checkpoints::{Checkpoints, Found};
use rlai::train::{Evaluation, Learner, Observer, Progress, TrainingMetrics};
use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::run_folder::write_whole;
use crate::settings::Settings;
use crate::source::LARGEST_FILE;
use crate::spec::{MOST_EVALUATIONS, Method, RunSpec};
use crate::training;

/// Random steps before the first update.
const RANDOM_STEPS: i64 = 1_000;
/// Steps with updates before anything is measured.
const WARM_UP: i64 = 30;
/// How long is measured.
const TIME: Duration = Duration::from_millis(1_500);
/// Fewest steps that are measured.
const STEPS: u64 = 40;
/// Room that is enough for what is measured.
const BUFFER: i64 = 5_000;

/// What was measured of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// A random step, before learning starts.
    pub random_step_seconds: f64,
    /// A step with its updates.
    pub step_seconds: f64,
    /// A step of an evaluation.
    pub evaluation_step_seconds: f64,
    /// Bytes of a checkpoint without its replay.
    pub checkpoint_bytes: u64,
    /// Bytes of a transition in the replay, in memory and on disk; 0 without a replay.
    pub transition_bytes: f64,
    /// Bytes of a line of metrics.
    pub metrics_line_bytes: f64,
    /// Most memory of this process, everything but large replays; none where the system does not tell.
    pub process_bytes: Option<f64>,
}

/// The measure of a configuration; one that was made by this very build on this machine is taken again.
///
/// # Errors
/// A configuration that cannot be run.
pub fn measure(spec: &RunSpec) -> Result<Measure, Failure> {
    let shortened = shortened(spec);
    let cached = cache_file(&shortened);
    let known = cached.as_deref().and_then(|file| files::read(file, LARGEST_FILE).ok());
    if let Some(known) = known.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return Ok(known);
    }
    let measure = run(&RunSpec::check(&shortened).map_err(Failure::input)?)?;
    if let Some(file) = cached {
        // Without a cache it is measured again next time.
        let _ = file.parent().map(fs::create_dir_all);
        let text = serde_json::to_string(&measure).map_err(Failure::running)?;
        let _ = write_whole(&file, text.as_bytes());
    }
    Ok(measure)
}

/// The same configuration, made to show its speed soon. What the speed does not depend on is the same for
/// all, so that it is measured once.
fn shortened(spec: &RunSpec) -> Settings {
    let (log_every, evaluate_every) = (STEPS as i64, RANDOM_STEPS + WARM_UP);
    let mut settings = spec.to_settings();
    settings.seed = Some(0);
    settings.out = Some(PathBuf::from("measure"));
    // Far more than there is time for.
    settings.steps = Some(evaluate_every * MOST_EVALUATIONS as i64);
    settings.checkpoint_every = Some(i64::from(u32::MAX));
    settings.evaluate_every = Some(evaluate_every);
    settings.log_every = Some(log_every);
    settings.evaluation_episodes = Some(1);
    settings.keep_checkpoints = None;
    settings.keep_replay = None;
    settings.tensorboard = None;
    if let (Method::Actions(config), true) = (&spec.method, spec.has_replay()) {
        let least = config.batch as i64 + 2 * config.n_step as i64;
        settings.learning_starts = Some(RANDOM_STEPS.max(least));
        settings.buffer = Some(BUFFER.max(2 * least));
    }
    settings
}

fn cache_file(settings: &Settings) -> Option<PathBuf> {
    let mut program = blake3::Hasher::new();
    program.update_reader(fs::File::open(std::env::current_exe().ok()?).ok()?).ok()?;
    let program = program.finalize().to_hex();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let table = settings.to_table();
    let key = blake3::hash(format!("{program}\n{host}\n{table}").as_bytes()).to_hex();
    Some(rlai_mujoco::cache_folder().ok()?.join("measures").join(format!("{}.json", &key[..32])))
}

fn run(spec: &RunSpec) -> Result<Measure, Failure> {
    let mut learner = training::build(spec)?;
    let stop = Arc::new(AtomicBool::new(false));
    let random_steps = match spec.has_replay() {
        true => spec.method.learning_starts(),
        false => 0,
    };
    let mut watch = Stopwatch::new(random_steps, Arc::clone(&stop));
    learner.run(&mut watch, &stop).map_err(Failure::running)?;
    let mut measure = watch.measure();
    let room = tempfile::tempdir().map_err(Failure::running)?;
    let saved = save(learner.as_ref(), room.path()).map_err(Failure::running)?;
    (measure.checkpoint_bytes, measure.transition_bytes) = saved;
    Ok(measure)
}

/// Bytes of a checkpoint's own files, and of a transition in its replay.
fn save(
    learner: &dyn Learner,
    folder: &Path,
) -> Result<(u64, f64), rlai::checkpoint::CheckpointError> {
    let saved = Checkpoints::new(folder, 1).save(learner, serde_json::Value::Null)?;
    let manifest = Found::open(&saved.path)?.manifest;
    let own = manifest.files.iter().map(|file| file.bytes).sum();
    let segments = manifest.replay.map(|replay| replay.segments.segments().to_vec());
    let segments = segments.unwrap_or_default();
    let bytes: u64 = segments.iter().map(|one| one.bytes).sum();
    let rows: u64 = segments.iter().map(|one| one.rows).sum();
    Ok((own, if rows == 0 { 0.0 } else { bytes as f64 / rows as f64 }))
}

/// An observer that takes times, and stops the run when it has enough of them.
struct Stopwatch {
    random_steps: u64,
    stop: Arc<AtomicBool>,
    started: Instant,
    /// End of the step before.
    last: Instant,
    random: (Duration, u64),
    learning: (Duration, u64),
    evaluation: (Duration, f64),
    lines: (usize, u64),
}

impl Stopwatch {
    fn new(random_steps: u64, stop: Arc<AtomicBool>) -> Self {
        let now = Instant::now();
        Self {
            random_steps,
            stop,
            started: now,
            last: now,
            random: (Duration::ZERO, 0),
            learning: (Duration::ZERO, 0),
            evaluation: (Duration::ZERO, 0.0),
            lines: (0, 0),
        }
    }

    /// The time since this was last asked.
    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.last, now)
    }

    fn measure(&self) -> Measure {
        let mean = |(time, count): (Duration, f64)| time.as_secs_f64() / count.max(1.0);
        let random = if self.random.1 == 0 { self.learning } else { self.random };
        Measure {
            random_step_seconds: mean((random.0, random.1 as f64)),
            step_seconds: mean((self.learning.0, self.learning.1 as f64)),
            evaluation_step_seconds: mean(self.evaluation),
            checkpoint_bytes: 0,
            transition_bytes: 0.0,
            metrics_line_bytes: self.lines.0 as f64 / (self.lines.1 as f64).max(1.0),
            process_bytes: peak_bytes(),
        }
    }
}

impl Observer for Stopwatch {
    fn progress(&mut self, progress: &Progress) {
        let time = self.lap();
        let phase = match progress.step {
            step if step <= self.random_steps => &mut self.random,
            step if step <= self.random_steps + WARM_UP as u64 => return,
            _ => &mut self.learning,
        };
        *phase = (phase.0 + time, phase.1 + 1);
        let (time, steps) = self.learning;
        let evaluated = self.evaluation.1 > 0.0;
        // Trajectories may be long: their updates come at their ends.
        let long = self.started.elapsed() > 20 * TIME;
        if (time >= TIME && steps >= STEPS && evaluated) || (long && steps > 0) {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn training(&mut self, metrics: &TrainingMetrics) -> std::io::Result<()> {
        // Two times are added to each line.
        const TIMES: usize = 70;
        let line = serde_json::to_string(metrics)?.len() + TIMES;
        self.lines = (self.lines.0 + line, self.lines.1 + 1);
        Ok(())
    }

    fn evaluation(&mut self, evaluation: &Evaluation) -> std::io::Result<()> {
        let steps = evaluation.length_mean * evaluation.returns.len() as f64;
        let time = self.lap();
        self.evaluation = (self.evaluation.0 + time, self.evaluation.1 + steps);
        Ok(())
    }

    fn checkpoint(&mut self, _: &dyn Learner) -> std::io::Result<()> {
        self.lap();
        Ok(())
    }
}

/// The most memory that this process ever held, where the system tells.
fn peak_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(settings: Settings) -> RunSpec {
        let settings = Settings { hidden: Some(vec![8]), batch: Some(8), ..settings };
        RunSpec::check(&settings).unwrap()
    }

    #[test]
    fn a_short_run_tells_times_and_sizes() {
        let env = Some("Pendulum-v1".to_owned());
        let spec = spec(Settings { env, ..Settings::default() });
        let measured = run(&RunSpec::check(&shortened(&spec)).unwrap()).unwrap();
        assert!(measured.random_step_seconds > 0.0);
        assert!(measured.step_seconds > measured.random_step_seconds, "{measured:?}");
        assert!(measured.evaluation_step_seconds > 0.0);
        // An observation of 3 numbers, one action, log density, reward and kind; and the file's header.
        let row = 4.0 * (3.0 + 1.0 + 2.0) + 1.0;
        assert!((row..1.2 * row).contains(&measured.transition_bytes), "{measured:?}");
        // Two critics, two targets and a policy with their moments: some thousand bytes.
        assert!((1_000..100_000).contains(&measured.checkpoint_bytes), "{measured:?}");
        assert!((200.0..2_000.0).contains(&measured.metrics_line_bytes), "{measured:?}");
    }

    #[test]
    fn what_speed_does_not_depend_on_is_measured_once() {
        let of = |seed, steps, buffer| {
            let env = Some("Pendulum-v1".to_owned());
            let (seed, steps) = (Some(seed), Some(steps));
            let spec =
                spec(Settings { env, seed, steps, buffer: Some(buffer), ..Settings::default() });
            shortened(&spec)
        };
        assert_eq!(of(0, 1_000, 50_000), of(3, 9_000, 1_000_000));
    }
}
