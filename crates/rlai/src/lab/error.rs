//! Why a decision process is refused.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// A decision process that is refused: where, what, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProcessError {
    /// A value that is not allowed.
    #[error("{key} = {value}: {allowed}")]
    Value {
        /// Key with its indices, such as `P[0][1][2]`.
        key: String,
        /// The value.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// An array of the wrong length.
    #[error("{key} has length {length}: {expected} expected")]
    Shape {
        /// Key with its indices.
        key: String,
        /// Its length.
        length: usize,
        /// The expected length, and what it is called.
        expected: String,
    },
    /// Not JSON, a missing key or a value of another type.
    #[error("line {line}, column {column}: {reason}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1; 0 at the end of a line.
        column: usize,
        /// What is wrong.
        reason: String,
    },
}

/// A file from which no decision process could be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// It cannot be read, or not safely.
    #[error("cannot read {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// What is in it is refused.
    #[error("{}{}", path.display(), placed(error))]
    Process {
        /// The file.
        path: PathBuf,
        /// Where and why.
        error: ProcessError,
    },
}

impl ReadError {
    pub(super) fn file(path: &Path, reason: impl ToString) -> Self {
        Self::File { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// What follows a file's name: `:line:column: reason`, or `: reason`.
fn placed(error: &ProcessError) -> String {
    match error {
        ProcessError::Json { line, column, reason } => format!(":{line}:{column}: {reason}"),
        error => format!(": {error}"),
    }
}

impl ProcessError {
    pub(super) fn value(key: impl ToString, value: impl ToString, allowed: impl ToString) -> Self {
        let (key, value) = (key.to_string(), value.to_string());
        Self::Value { key, value, allowed: allowed.to_string() }
    }
}
