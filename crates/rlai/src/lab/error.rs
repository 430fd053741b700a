//! Why a decision process is refused.

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

impl ProcessError {
    pub(super) fn value(key: impl ToString, value: impl ToString, allowed: impl ToString) -> Self {
        let (key, value) = (key.to_string(), value.to_string());
        Self::Value { key, value, allowed: allowed.to_string() }
    }
}
