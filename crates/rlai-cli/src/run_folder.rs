//! The folder of one run: what it holds, and who may write there.
//!
//! `run.toml` is written first, `result.json` last: its presence is the only sign of a finished run.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::settings::Settings;
use crate::spec::RunSpec;

const RUN: &str = "run.toml";
const METRICS: &str = "metrics.jsonl";
const CHECKPOINT: &str = "checkpoint";
const RESULT: &str = "result.json";

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
    /// Versions of what determined the run.
    pub versions: BTreeMap<String, String>,
}

/// What stands in the folder where a run should go.
#[derive(Debug)]
pub enum FolderState {
    /// Nothing: it is absent or empty.
    Free,
    /// This very run, finished.
    Finished(Box<RunResult>),
    /// A run, this one or another, that did not finish.
    Unfinished,
    /// A finished run with another configuration.
    OtherRun,
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
        Ok(mut entries) => {
            if entries.next().is_none() {
                return Ok(FolderState::Free);
            }
        }
    }
    let Ok(recorded) = fs::read_to_string(dir.join(RUN)) else { return Ok(FolderState::Foreign) };
    let Ok(recorded) = toml::from_str::<Settings>(&recorded) else {
        return Ok(FolderState::Foreign);
    };
    let Ok(result) = fs::read_to_string(dir.join(RESULT)) else {
        return Ok(FolderState::Unfinished);
    };
    match (same_run(&recorded, &spec.to_settings()), serde_json::from_str(&result)) {
        (true, Ok(result)) => Ok(FolderState::Finished(Box::new(result))),
        (false, Ok::<RunResult, _>(_)) => Ok(FolderState::OtherRun),
        (_, Err(_)) => Ok(FolderState::Foreign),
    }
}

/// Whether two resolved configurations are one run: where it lies and how many threads it may use
/// change nothing about it.
fn same_run(one: &Settings, other: &Settings) -> bool {
    let what_matters = |settings: &Settings| {
        let mut table = settings.to_table();
        table.remove("out");
        table.remove("threads");
        table
    };
    what_matters(one) == what_matters(other)
}

/// The folder of a run that has begun.
#[derive(Clone, Debug)]
pub struct RunFolder {
    dir: PathBuf,
}

impl RunFolder {
    /// Creates the folder and its `run.toml`, whole; the folder must be free.
    ///
    /// # Errors
    /// When it cannot be created, or another program was faster.
    pub fn create(spec: &RunSpec, versions: &BTreeMap<String, String>) -> Result<Self, Failure> {
        let dir = &spec.out;
        let mut text = spec.to_toml();
        text.push_str("\n[versions]\n");
        text.push_str(&toml::to_string(versions).expect("a table of strings"));
        fs::create_dir_all(dir).and_then(|()| claim(dir, text.as_bytes())).map_err(|error| {
            // Only an empty folder goes: it was this run's.
            let _ = fs::remove_dir(dir);
            Failure::input(format!("cannot create the run's folder {}: {error}", dir.display()))
        })?;
        Ok(Self { dir: dir.clone() })
    }

    /// Where the networks are saved.
    pub fn checkpoint(&self) -> PathBuf {
        self.dir.join(CHECKPOINT)
    }

    /// Opens `metrics.jsonl`.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn metrics(&self) -> io::Result<File> {
        File::create_new(self.dir.join(METRICS))
    }

    /// Writes `result.json`, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(&self, result: &RunResult) -> io::Result<()> {
        let text = serde_json::to_string_pretty(result)? + "\n";
        write_whole(&self.dir.join(RESULT), text.as_bytes())
    }
}

/// Puts `run.toml` into `dir`, whole, unless there is one: of two programs one succeeds.
fn claim(dir: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(dir.join(RUN)).map_err(|error| error.error)?;
    Ok(())
}

/// Writes a file beside its name, syncs it and renames it: no reader ever sees a part.
///
/// # Errors
/// When the file system refuses.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    let mut file = File::create(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&partial, path)
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
