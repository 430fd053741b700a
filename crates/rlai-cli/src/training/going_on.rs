//! The newest checkpoint of a run from which it can go on.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use rlai::checkpoint::{CheckpointError, attempts, candidates_of_run};
use rlai::files;
use rlai::train::Learner;
use rlai::train::checkpoints::{Found, Rounding};

use super::build::{build_new, build_to_restore};
use crate::error::Failure;
use crate::recorder::{Memory, Resumed};
use crate::run_folder::{self, METRICS, RUN};
use crate::settings::Settings;
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
            Ok(resumed) => {
                check_configuration(spec, &resumed)?;
                return Ok((learner, Some(resumed)));
            }
            Err(reason) => {
                line_err!("warning: the checkpoint {} cannot be used: {reason}", path.display());
            }
        }
    }
    if candidates.is_empty() {
        tell_of_a_new_beginning(&spec.out);
        return Ok((build_new(spec)?, None));
    }
    let (count, dir) = (candidates.len(), spec.out.display());
    Err(Failure::running(format!(
        "{dir}: none of its {count} checkpoints can be used, as told above; nothing was changed. Restore \
         their files from a copy, or start anew in another folder (--out)"
    )))
}

/// A run that was trained with other settings until now is another run.
fn check_configuration(spec: &RunSpec, resumed: &Resumed) -> Result<(), Failure> {
    let recorded = resumed.memory.configuration.as_deref();
    let Some(recorded) = recorded.and_then(|text| toml::from_str::<Settings>(text).ok()) else {
        return Ok(());
    };
    let mut differences = run_folder::differences(&recorded, &spec.to_settings());
    // It may go on further than was planned.
    differences.retain(|difference| difference.key != "steps");
    if differences.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> =
        differences.iter().map(|difference| format!("\n  {difference}")).collect();
    let (dir, step) = (spec.out.display(), resumed.found.manifest.step);
    Err(Failure::input(format!(
        "{dir}: {RUN} was changed after step {step}, where its checkpoint (there) and {RUN} (here) differ \
         in{}\nset it back, or train anew in another folder",
        lines.concat()
    )))
}

/// Work of earlier attempts that is not there any more is not passed over in silence.
fn tell_of_a_new_beginning(run: &Path) {
    let begun = |folder: &Path| fs::metadata(folder.join(METRICS)).is_ok_and(|file| file.len() > 0);
    if attempts(run).iter().any(|(_, folder)| begun(folder)) {
        line_err!(
            "warning: {}: this run was begun before, but no checkpoint of it is there: it begins again \
             from its first step",
            run.display()
        );
    }
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
    check_metrics(&metrics, &memory)?;
    Ok((found, memory, metrics))
}

/// The metrics that a checkpoint counts on are there, to the byte.
fn check_metrics(path: &Path, memory: &Memory) -> Result<(), String> {
    let (shown, bytes) = (path.display(), memory.metrics_bytes);
    let unreadable = |error: std::io::Error| format!("cannot read {shown}: {error}");
    let file = files::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    if size < bytes {
        return Err(format!("{shown}: {size} bytes, the checkpoint says {bytes}"));
    }
    let mut hash = blake3::Hasher::new();
    hash.update_reader(file.take(bytes)).map_err(unreadable)?;
    let hash = hash.finalize().to_hex();
    match &memory.metrics_blake3 {
        Some(recorded) if *recorded != *hash => {
            Err(format!("{shown}: its first {bytes} bytes are not what was written"))
        }
        _ => Ok(()),
    }
}
