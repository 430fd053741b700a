//! Files that are there whole or not at all, even after a crash.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::CheckpointError;
use crate::files;

/// Writes a file under a temporary name in the same folder, syncs it and renames it to `name`.
pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), CheckpointError> {
    write_with(folder, name, |file| file.write_all(bytes))
}

/// As [`write`], for what is too large to be laid out in memory first: `fill` writes the content, and
/// what it returns is handed on.
pub(crate) fn write_with<T>(
    folder: &Path,
    name: &str,
    fill: impl FnOnce(&mut File) -> io::Result<T>,
) -> Result<T, CheckpointError> {
    let temporary = folder.join(format!("{name}.tmp"));
    let path = folder.join(name);
    let written = write_synced(&temporary, fill)
        .and_then(|filled| fs::rename(&temporary, &path).map(|()| filled));
    let filled = written.map_err(|error| {
        // The error that matters is the first one; what is left is overwritten by the next attempt.
        let _ = fs::remove_file(&temporary);
        CheckpointError::io("write", &path)(error)
    })?;
    sync_folder(folder).map_err(CheckpointError::io("sync", folder))?;
    Ok(filled)
}

fn write_synced<T>(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
    let mut file = File::create(path)?;
    let filled = fill(&mut file)?;
    file.sync_all()?;
    Ok(filled)
}

/// Makes renames in a folder outlive a crash of the machine.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Reads a whole file of at most `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, CheckpointError> {
    files::read(path, limit).map_err(|error| unreadable(path, error))
}

/// Opens a file to read it.
pub(crate) fn open(path: &Path) -> Result<File, CheckpointError> {
    files::open(path).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: io::Error) -> CheckpointError {
    match error.kind() {
        io::ErrorKind::InvalidInput => CheckpointError::damaged(path, "not a regular file"),
        io::ErrorKind::FileTooLarge => CheckpointError::damaged(path, error.to_string()),
        _ => CheckpointError::io("read", path)(error),
    }
}
