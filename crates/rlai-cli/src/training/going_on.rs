//! The newest checkpoint of a run from which it can go on.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rlai::checkpoint::{CheckpointError, candidates_of_run};
use rlai::files;
use rlai::train::Learner;
use rlai::train::checkpoints::{Found, Rounding};

use super::build::{build_new, build_to_restore};
use crate::error::Failure;
use crate::recorder::{Memory, Resumed};
use crate::run_folder::METRICS;
use crate::spec::RunSpec;

/// What learns, and from where it goes on; without any checkpoint from its beginning. Nothing is changed
/// on disk. Checkpoints that cannot be used are named and passed over.
///
/// # Errors
/// What the run lacks; checkpoints of which none can be used.
pub fn prepare(spec: &RunSpec) -> Result<(Box<dyn Learner>, Option<Resumed>), Failure> {
    let candidates = candidates_of_run(&spec.out);
    for path in &candidates {
        let mut learner = build_to_restore(spec)?;
        match go_back(path, learner.as_mut()) {
            Ok(resumed) => return Ok((learner, Some(resumed))),
            Err(reason) => {
                line_err!("warning: the checkpoint {} cannot be used: {reason}", path.display());
            }
        }
    }
    if candidates.is_empty() {
        return Ok((build_new(spec)?, None));
    }
    let (count, dir) = (candidates.len(), spec.out.display());
    Err(Failure::running(format!(
        "{dir}: none of its {count} checkpoints can be used, as told above; nothing was changed. Restore \
         their files from a copy, or start anew in another folder (--out)"
    )))
}

/// Puts the learner where the checkpoint in `path` stood.
fn go_back(path: &Path, learner: &mut dyn Learner) -> Result<Resumed, String> {
    let (found, memory, metrics) = open(path)?;
    let rounding = found.restore(learner).map_err(|error| error.to_string())?;
    let manifest = &found.manifest;
    if rounding == Rounding::Different {
        let (platform, cpu) = (&manifest.probe.platform, &manifest.probe.cpu);
        line_err!(
            "warning: this machine, or this build of the program, rounds otherwise than the one that wrote \
             the checkpoint ({platform}, {cpu}): the run goes on from exactly where it stood, but not bit for \
             bit as it would have there"
        );
    }
    let (then, now) = (manifest.rlai_version.as_str(), env!("CARGO_PKG_VERSION"));
    if then != now {
        line_err!("warning: the checkpoint was written by rlai {then}, this is rlai {now}");
    }
    Ok(Resumed { found, memory, metrics })
}

/// A checkpoint of a run that is whole, with what it remembers and the metrics that belong to it.
///
/// # Errors
/// What is missing or damaged, in words.
pub fn open(path: &Path) -> Result<(Found, Memory, PathBuf), String> {
    with_memory(path, Found::open(path))
}

/// The same of a checkpoint whose replay was not kept.
///
/// # Errors
/// What else is missing or damaged, in words.
pub fn open_without_replay(path: &Path) -> Result<(Found, Memory, PathBuf), String> {
    with_memory(path, Found::open_without_replay(path))
}

fn with_memory(
    path: &Path,
    found: Result<Found, CheckpointError>,
) -> Result<(Found, Memory, PathBuf), String> {
    let found = found.map_err(|error| error.to_string())?;
    let memory: Memory = serde_json::from_value(found.manifest.extra.clone())
        .map_err(|error| format!("what it says of the run's metrics: {error}"))?;
    let attempt = path.parent().and_then(Path::parent).unwrap_or(Path::new(""));
    let metrics = attempt.join(METRICS);
    check_metrics(&metrics, memory.metrics_bytes)?;
    Ok((found, memory, metrics))
}

/// The metrics that a checkpoint counts on are there, up to the end of a line.
fn check_metrics(path: &Path, bytes: u64) -> Result<(), String> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| format!("cannot read {shown}: {error}");
    let mut file = files::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    if size < bytes {
        return Err(format!("{shown}: {size} bytes, the checkpoint says {bytes}"));
    }
    if bytes == 0 {
        return Ok(());
    }
    let mut last = [0u8];
    file.seek(SeekFrom::Start(bytes - 1)).map_err(unreadable)?;
    file.read_exact(&mut last).map_err(unreadable)?;
    if last == *b"\n" { Ok(()) } else { Err(format!("{shown}: no line ends at byte {bytes}")) }
}
