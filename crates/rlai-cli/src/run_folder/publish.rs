//! What a finished run shows: its metrics, its last checkpoint, and last of all its result.

use std::fs;
use std::io;
use std::path::Path;

use rlai::checkpoint::attempts;

use super::{Attempt, CHECKPOINT, METRICS, RESULT, RunResult, beside, sync_folder, write_whole};

/// Links the attempt's metrics and its checkpoint into the run's folder, and writes the result.
///
/// # Errors
/// A higher attempt, or a file system that refuses.
pub fn publish(attempt: &Attempt, checkpoint: &Path, result: &RunResult) -> io::Result<()> {
    attempt.fence()?;
    let run = attempt.run();
    link_metrics(&attempt.metrics(), &run.join(METRICS))?;
    link_checkpoint(run, checkpoint)?;
    sync_folder(run)?;
    attempt.fence()?;
    let text = serde_json::to_string_pretty(result)? + "\n";
    write_whole(&run.join(RESULT), text.as_bytes())
}

/// Removes the replays of a run that has finished and shall not keep them. Whatever cannot be removed only
/// takes space.
pub fn remove_replays(run: &Path) {
    for (_, attempt) in attempts(run) {
        remove_whole(&attempt, "replay");
    }
}

/// Removes a folder of an attempt: under its name it is whole, also if this is interrupted.
pub(super) fn remove_whole(attempt: &Path, name: &str) {
    let (path, removed) = (attempt.join(name), attempt.join(format!("{name}.removed")));
    let _ = fs::rename(&path, &removed);
    let _ = fs::remove_dir_all(&removed);
}

/// Takes back what a finished run showed, since it goes on. The result goes first: without it nothing
/// else counts, wherever this is interrupted.
///
/// # Errors
/// A file system that refuses.
pub fn withdraw(run: &Path) -> io::Result<()> {
    remove(&run.join(RESULT))?;
    sync_folder(run)?;
    remove(&run.join(CHECKPOINT))?;
    remove(&run.join(METRICS))?;
    sync_folder(run)
}

fn link_metrics(from: &Path, to: &Path) -> io::Result<()> {
    let partial = beside(to);
    remove(&partial)?;
    fs::hard_link(from, &partial).or_else(|_| fs::copy(from, &partial).map(|_| ()))?;
    fs::rename(&partial, to)
}

/// A link that stays right when the run's folder is moved.
fn link_checkpoint(run: &Path, checkpoint: &Path) -> io::Result<()> {
    let target = checkpoint.strip_prefix(run).unwrap_or(checkpoint);
    let (partial, to) = (beside(&run.join(CHECKPOINT)), run.join(CHECKPOINT));
    remove(&partial)?;
    link_or_copy_folder(target, checkpoint, &partial)?;
    remove(&to)?;
    fs::rename(&partial, &to)
}

#[cfg(unix)]
fn link_or_copy_folder(target: &Path, _: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, to)
}

#[cfg(not(unix))]
fn link_or_copy_folder(_: &Path, from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Removes a file, a link or a folder, if it is there.
fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
