//! Why an attempt at a run failed, as far as anybody could say.

use std::path::Path;

use rlai::files;
use serde::{Deserialize, Serialize};

use super::write_whole;
use crate::source::LARGEST_FILE;

/// Name of its file, in the attempt's folder.
pub const FAILURE: &str = "failure.json";

/// The content of `failure.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFailure {
    /// What was told.
    pub reason: String,
}

impl RunFailure {
    /// What the attempt in this folder left; none if it did not fail, or nobody could say so.
    pub fn read(attempt: &Path) -> Option<Self> {
        serde_json::from_slice(&files::read(&attempt.join(FAILURE), LARGEST_FILE).ok()?).ok()
    }

    /// Leaves it. Where that fails too the reason is only told.
    pub fn leave(attempt: &Path, reason: &str) {
        let failure = Self { reason: reason.to_owned() };
        let text = serde_json::to_string_pretty(&failure).expect("plain text") + "\n";
        let _ = write_whole(&attempt.join(FAILURE), text.as_bytes());
    }
}
