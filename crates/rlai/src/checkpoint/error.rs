use std::io;
use std::path::{Path, PathBuf};

/// A checkpoint that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The folder has no manifest.
    #[error("{} holds no checkpoint (no manifest.json)", folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// Written by a program that knows another format.
    #[error("{}: format version {found}, this program reads {known}", path.display())]
    Version {
        /// The manifest.
        path: PathBuf,
        /// The version it gives.
        found: u64,
        /// The version this program writes and reads.
        known: u32,
    },
    /// A file is not what it should be.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What differs.
        reason: String,
    },
    /// What should be written, or was read, does not fit together.
    #[error("{0}")]
    Inconsistent(String),
}

impl CheckpointError {
    pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }

    /// For `map_err`: the same failure with what was tried, and where.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    /// Says in which file something inconsistent was read.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Inconsistent(reason) => Self::damaged(path, reason),
            other => other,
        }
    }
}
