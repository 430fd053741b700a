use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::probe::Probe;
use crate::checkpoint::{CheckpointError, TensorShape, durable};
use crate::replay::{SegmentList, Tail};

/// The format that this version writes and reads.
const FORMAT_VERSION: u32 = 1;
const KIND: &str = "rlai-run";
/// Largest manifest that is read, in bytes: segments, an observation and what the caller adds are in it.
const LIMIT: u64 = 1 << 26;

/// A file of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// Its name in the checkpoint's folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its hash.
    pub blake3: String,
}

/// The replay of a run, in segments beside the checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayRecord {
    /// Where the final rows are.
    pub segments: SegmentList,
    /// What it is besides.
    pub tail: Tail,
}

/// `run.json`, the last file of a checkpoint: what a run needs to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunManifest {
    format_version: u32,
    kind: String,
    /// Version of the program that wrote it.
    pub rlai_version: String,
    /// Environment steps done.
    pub step: u64,
    /// Everything else in the folder.
    pub files: Vec<FileRecord>,
    pub(super) tensors: Vec<TensorShape>,
    /// The replay, if the run has one of its own.
    pub replay: Option<ReplayRecord>,
    /// What the policy answers, and the machine it answered on.
    pub probe: Probe,
    /// What whoever keeps the run adds.
    pub extra: Value,
    /// Hash of this manifest with this field empty.
    blake3: String,
}

impl RunManifest {
    /// The name of its file.
    pub(super) const FILE: &'static str = "run.json";

    pub(super) fn new(
        step: u64,
        files: Vec<FileRecord>,
        tensors: Vec<TensorShape>,
        replay: Option<ReplayRecord>,
        probe: Probe,
        extra: Value,
    ) -> Self {
        let (kind, rlai_version) = (KIND.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        let (format_version, blake3) = (FORMAT_VERSION, String::new());
        Self {
            format_version,
            kind,
            rlai_version,
            step,
            files,
            tensors,
            replay,
            probe,
            extra,
            blake3,
        }
    }

    /// The text of the file, its own hash included.
    pub(super) fn to_text(&self) -> String {
        let text =
            |manifest: &Self| serde_json::to_string_pretty(manifest).expect("plain values") + "\n";
        let mut manifest = Self { blake3: String::new(), ..self.clone() };
        manifest.blake3 = blake3::hash(text(&manifest).as_bytes()).to_hex().to_string();
        text(&manifest)
    }

    /// Reads the manifest of a checkpoint's folder.
    pub(super) fn read(folder: &Path) -> Result<Self, CheckpointError> {
        let path = folder.join(Self::FILE);
        Self::parse(&durable::read(&path, LIMIT)?, &path)
    }

    /// Reads and checks the text of the manifest at `path`.
    pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Self, CheckpointError> {
        let damaged = |reason: String| CheckpointError::damaged(path, reason);
        let value: Value =
            serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        if value["kind"] != KIND {
            return Err(damaged(format!("no manifest of a run (kind {})", value["kind"])));
        }
        if value["format_version"] != FORMAT_VERSION {
            let found = value["format_version"].as_u64().unwrap_or(u64::MAX);
            let (path, known) = (path.to_owned(), FORMAT_VERSION);
            return Err(CheckpointError::Version { path, found, known });
        }
        let manifest: Self =
            serde_json::from_value(value).map_err(|error| damaged(error.to_string()))?;
        // Comparing the whole text leaves no byte uncovered, blanks included.
        if manifest.to_text().as_bytes() != bytes {
            return Err(damaged(
                "its checksum does not fit: the text is not the one that was written".to_owned(),
            ));
        }
        match manifest.files.iter().find(|file| !is_plain(&file.name)) {
            Some(file) => Err(damaged(format!("{:?} is no name of a file of it", file.name))),
            None => Ok(manifest),
        }
    }
}

/// Whether a name cannot lead out of its folder.
fn is_plain(name: &str) -> bool {
    !name.starts_with('.')
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}
