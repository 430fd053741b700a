//! Decision processes in files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rlai::lab::{Process, ProcessError};

use crate::error::Failure;

/// Largest file that is read, in bytes.
const LARGEST_FILE: u64 = 64 << 20;

/// Reads a process.
///
/// # Errors
/// A file that cannot be read or is not a process, with the place.
pub fn read(path: &Path) -> Result<Process, Failure> {
    let shown = path.display();
    let unreadable = |error| Failure::input(format!("cannot read {shown}: {error}"));
    let file = File::open(path).map_err(unreadable)?;
    let mut text = Vec::new();
    file.take(LARGEST_FILE + 1).read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(Failure::input(format!("{shown}: larger than {LARGEST_FILE} bytes")));
    }
    Process::from_json(&text).map_err(|error| match error {
        ProcessError::Json { line, column, reason } => {
            Failure::input(format!("{shown}:{line}:{column}: {reason}"))
        }
        error => Failure::input(format!("{shown}: {error}")),
    })
}
