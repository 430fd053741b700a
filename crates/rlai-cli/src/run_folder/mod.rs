//! The folder of one run: what it holds, and who may write there.
//!
//! `run.toml` is written first, `result.json` last: its presence is the only sign of a finished run. Each
//! process that works on the run makes an `attempt-N/` of its own and writes nowhere else until it
//! publishes; the highest attempt owns the run.

mod attempt;
mod configuration;
mod failure;
mod owner;
mod publish;

pub use attempt::{Attempt, check_owner};
pub use configuration::{Difference, Made, differences, record, record_anew};
pub use failure::RunFailure;
pub use owner::{Life, Owner};
pub use publish::{publish, remove_replays, withdraw};

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rlai::files;
use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::settings::Settings;
use crate::source::LARGEST_FILE;
use crate::spec::RunSpec;

/// The configuration.
pub const RUN: &str = "run.toml";
/// Lines of metrics, of an attempt and of a finished run.
pub const METRICS: &str = "metrics.jsonl";
/// Link to the last checkpoint of a finished run.
pub const CHECKPOINT: &str = "checkpoint";
/// What a finished run came to.
pub const RESULT: &str = "result.json";

/// Largest result that is read, in bytes: it holds all evaluations.
pub const LARGEST_RESULT: u64 = 1 << 26;

/// One evaluation, as `result.json` keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationPoint {
    /// Environment steps of training before it.
    pub step: u64,
    /// Mean return over its episodes.
    pub return_mean: f64,
    /// Standard deviation over its episodes.
    pub return_sd: f64,
}

/// What a finished run came to: the content of `result.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// `finished`; `stopped` only where it is printed, never in the file.
    pub status: String,
    /// Task.
    pub env: String,
    /// Objective.
    pub objective: String,
    /// Seed.
    pub seed: u64,
    /// Folder of the run.
    pub out: PathBuf,
    /// Environment steps done.
    pub steps: u64,
    /// Mean return of the last evaluation.
    pub final_return: Option<f64>,
    /// Every evaluation in order.
    pub evaluations: Vec<EvaluationPoint>,
    /// Hash of all parameters.
    pub parameters_blake3: String,
    /// Seconds from first to last step.
    pub wall_time_seconds: f64,
    /// Whether the run can go on to more steps: not if it had a replay that was not kept.
    #[serde(default = "kept")]
    pub replay_kept: bool,
    /// Versions of what determined the run.
    pub versions: BTreeMap<String, String>,
}

/// Before there was a choice, every replay was kept.
fn kept() -> bool {
    true
}

impl RunResult {
    /// What the run in `dir` came to; none if it has not finished.
    pub fn read(dir: &Path) -> Option<Self> {
        serde_json::from_slice(&files::read(&dir.join(RESULT), LARGEST_RESULT).ok()?).ok()
    }
}

/// What stands in the folder where a run should go.
#[derive(Debug)]
pub enum FolderState {
    /// Nothing: it is absent or empty.
    Free,
    /// This very run, finished.
    Finished(Box<RunResult>),
    /// This very run, begun.
    Unfinished,
    /// A run with another configuration, and how it differs.
    OtherRun(Vec<Difference>),
    /// Something else.
    Foreign,
}

/// Looks at `dir` without touching it.
///
/// # Errors
/// When it cannot be read.
pub fn inspect(dir: &Path, spec: &RunSpec) -> Result<FolderState, Failure> {
    let unreadable = |error: io::Error| {
        Failure::input(format!("cannot read the folder {}: {error}", dir.display()))
    };
    match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FolderState::Free),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Ok(FolderState::Foreign);
        }
        Err(error) => return Err(unreadable(error)),
        Ok(entries) => {
            if !entries.flatten().any(|entry| !configuration::is_partial(&entry.file_name())) {
                return Ok(FolderState::Free);
            }
        }
    }
    let Some(recorded) = read(&dir.join(RUN), LARGEST_FILE)? else {
        return Ok(FolderState::Foreign);
    };
    let Ok(recorded) = toml::from_str::<Settings>(&recorded) else {
        return Ok(FolderState::Foreign);
    };
    let differences = differences(&recorded, &spec.to_settings());
    if !differences.is_empty() {
        return Ok(FolderState::OtherRun(differences));
    }
    let path = dir.join(RESULT);
    let bytes = match files::read(&path, LARGEST_RESULT) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(FolderState::Unfinished);
        }
        Err(error) => {
            return Err(Failure::input(format!("cannot read {}: {error}", path.display())));
        }
    };
    let damaged = |reason: String| {
        let path = path.display();
        Failure::input(format!(
            "{path} is damaged ({reason}); remove it, and the run goes on from its last checkpoint, if its \
             replay was kept"
        ))
    };
    let result: RunResult =
        serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    let (seed, objective) = (spec.method.seed(), spec.method.objective());
    if (result.seed, result.objective.as_str()) != (seed, objective) {
        let of = format!("it is that of {}, seed {}", result.objective, result.seed);
        return Err(damaged(format!("{of}, not of {objective}, seed {seed}")));
    }
    Ok(FolderState::Finished(Box::new(result)))
}

/// The text of a file; none if there is none, or it is no text.
fn read(path: &Path, most: u64) -> Result<Option<String>, Failure> {
    use io::ErrorKind::{InvalidData, NotFound};
    match files::read_text(path, most) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), NotFound | InvalidData) => Ok(None),
        Err(error) => Err(Failure::input(format!("cannot read {}: {error}", path.display()))),
    }
}

/// The name under which something is made before it gets its own.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

/// Makes names in a folder outlive a crash of the machine.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Writes a file beside its name, syncs it and renames it: no reader ever sees a part.
///
/// # Errors
/// When the file system refuses.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole_with(path, |error| error, |file| file.write_all(bytes))
}

/// As [`write_whole`], of what `write` writes; `refused` says what a file system's refusal means.
///
/// # Errors
/// When the file system refuses, or `write` fails.
pub fn write_whole_with<E>(
    path: &Path,
    refused: impl Fn(io::Error) -> E,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    let partial = beside(path);
    let mut file = File::create(&partial).map_err(&refused)?;
    let written = write(&mut file).and_then(|()| file.sync_all().map_err(&refused));
    written.and_then(|()| fs::rename(&partial, path).map_err(&refused)).inspect_err(|_| {
        let _ = fs::remove_file(&partial);
    })?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync_folder(parent.unwrap_or(Path::new("."))).map_err(refused)
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Versions of what determines a run on this task.
pub fn versions(env: &str) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::from([
        ("rlai".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("platform".to_owned(), format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)),
    ]);
    if rlai_mujoco::tasks().iter().any(|task| task.id == env) {
        versions.insert("mujoco".to_owned(), rlai_mujoco::VERSION.to_owned());
    }
    versions
}
