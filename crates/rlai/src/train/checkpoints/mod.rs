//! Checkpoints of a whole run, from which it goes on bit for bit.
//!
//! A writer's folder holds `checkpoints/` and `replay/`. Each checkpoint is a folder named after the
//! step: the networks as every policy is saved, `state.json` and `moments.safetensors` (counters, random
//! streams, the episode in progress, optimisers), and last `run.json`, which names them all with their
//! hashes, and the segments of the replay. It is written under another name, synced and renamed: a folder
//! under its final name is whole. Segments are shared by the checkpoints, and only what is new is written.

mod manifest;
mod probe;
#[cfg(test)]
mod tests;

pub use manifest::{FileRecord, ReplayRecord, RunManifest};
pub use probe::{Probe, Rounding};

pub use crate::checkpoint::candidates;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Learner, TrainError};
use crate::checkpoint::{CheckpointError, REPLACED, State, TensorShape, durable, tensors};
use crate::replay::SegmentList;

const FOLDER: &str = "checkpoints";
const REPLAY: &str = "replay";
const PARTIAL: &str = ".partial";
const STATE: &str = "state.json";
const MOMENTS: &str = "moments.safetensors";
/// Largest state that is read, in bytes.
const STATE_LIMIT: u64 = 1 << 30;

/// The replay of a checkpoint, as a learner restores it.
#[derive(Clone, Copy, Debug)]
pub struct StoredReplay<'a> {
    /// The checkpoint's record of it.
    pub record: &'a ReplayRecord,
    /// The folder of its segments.
    pub folder: &'a Path,
}

/// Where one writer keeps the checkpoints of a run.
#[derive(Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    keep: usize,
    /// Those that are kept, oldest first, with the segments they need.
    kept: Vec<(PathBuf, SegmentList)>,
}

/// What a save came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The checkpoint's folder.
    pub path: PathBuf,
    /// Bytes written: files of the checkpoint, and new segments.
    pub bytes: u64,
}

impl Checkpoints {
    /// Checkpoints in this folder, the newest `keep` of them (at least one). Those that were saved there by
    /// another value are neither counted nor removed.
    pub fn new(folder: &Path, keep: usize) -> Self {
        Self { folder: folder.to_owned(), keep: keep.max(1), kept: Vec::new() }
    }

    /// The newest checkpoint's folder, if one was saved here.
    pub fn newest(&self) -> Option<&Path> {
        self.kept.last().map(|(path, _)| path.as_path())
    }

    /// Saves the run as it stands; `extra` is whatever the caller needs to go on with it. Then removes
    /// checkpoints beyond those to be kept, and segments that none needs.
    ///
    /// # Errors
    /// A number that is not finite, or a file system that refuses: then all earlier checkpoints are as
    /// they were.
    pub fn save(&mut self, learner: &dyn Learner, extra: Value) -> Result<Saved, CheckpointError> {
        let replay_folder = self.folder.join(REPLAY);
        let saved = self.write_and_publish(learner, extra, &replay_folder).inspect_err(|_| {
            // What is left of it only takes space, which may be what was missing. It may have appeared whole.
            self.remove_unlisted(&replay_folder);
        })?;
        self.prune(&replay_folder);
        Ok(saved)
    }

    fn write_and_publish(
        &mut self,
        learner: &dyn Learner,
        extra: Value,
        replay_folder: &Path,
    ) -> Result<Saved, CheckpointError> {
        let before = self.kept.last().map(|(_, list)| list.clone()).unwrap_or_default();
        let replay = match learner.replay() {
            Some(buffer) => Some(ReplayRecord {
                segments: before.extend(buffer, replay_folder)?,
                tail: buffer.tail(),
            }),
            None => None,
        };
        let list = replay.as_ref().map(|replay| replay.segments.clone()).unwrap_or_default();
        let segments: u64 = list.beyond(&before).map(|info| info.bytes).sum();
        let parent = self.folder.join(FOLDER);
        let (partial, path) = places(&parent, learner.step());
        let written = write(learner, &partial, replay, extra)
            .and_then(|bytes| publish(&partial, &path, &parent).map(|()| bytes));
        let files = written.inspect_err(|_| {
            let _ = fs::remove_dir_all(&partial);
        })?;
        self.kept.retain(|(kept, _)| *kept != path);
        self.kept.push((path.clone(), list));
        Ok(Saved { path, bytes: files + segments })
    }

    fn prune(&mut self, replay_folder: &Path) {
        while self.kept.len() > self.keep {
            // Under its final name a checkpoint is whole, also if this is interrupted. Whatever cannot be
            // removed only takes space.
            let path = self.kept.remove(0).0;
            let mut partial = path.clone().into_os_string();
            partial.push(PARTIAL);
            let _ = fs::rename(&path, &partial).and_then(|()| fs::remove_dir_all(&partial));
        }
        self.remove_unlisted(replay_folder);
    }

    /// Removes segments that no checkpoint in the folder needs, whoever saved it.
    fn remove_unlisted(&self, replay_folder: &Path) {
        let known = |path: &PathBuf| self.kept.iter().any(|(kept, _)| kept == path);
        let others = candidates(&self.folder.join(FOLDER)).into_iter().filter(|path| !known(path));
        let lists: Result<Vec<_>, _> = others.map(|path| RunManifest::read(&path)).collect();
        let Ok(others) = lists else {
            // What a damaged checkpoint needs cannot be told.
            return;
        };
        let others = others.iter().filter_map(|other| other.replay.as_ref());
        let others = others.map(|replay| &replay.segments);
        let lists: Vec<&SegmentList> =
            self.kept.iter().map(|(_, list)| list).chain(others).collect();
        SegmentList::remove_unlisted(replay_folder, &lists);
    }

    /// Takes over a checkpoint of an earlier writer, its segments by hard links (copies where the file
    /// system has none), so that whatever that one still does to its own folder harms nothing here.
    ///
    /// # Errors
    /// A file system that refuses.
    pub fn adopt(&mut self, found: &Found) -> Result<(), CheckpointError> {
        let parent = self.folder.join(FOLDER);
        let (partial, path) = places(&parent, found.manifest.step);
        make_empty(&partial)?;
        let names = found.manifest.files.iter().map(|file| file.name.as_str());
        for name in names.chain([RunManifest::FILE]) {
            link(&found.path.join(name), &partial.join(name))?;
        }
        let mut list = SegmentList::default();
        if let Some(replay) = &found.manifest.replay {
            let folder = self.folder.join(REPLAY);
            replay.segments.adopt(&found.replay_folder(), &folder)?;
            list = replay.segments.clone();
        }
        publish(&partial, &path, &parent)?;
        self.kept.push((path, list));
        Ok(())
    }
}

/// A checkpoint whose every file is, to the byte, what was written.
#[derive(Debug)]
pub struct Found {
    /// Its folder.
    pub path: PathBuf,
    /// What it says of itself.
    pub manifest: RunManifest,
    state: State,
}

/// What a search for checkpoints came to.
#[derive(Debug, Default)]
pub struct Search {
    /// The newest usable one.
    pub found: Option<Found>,
    /// Newer ones that are not usable, and why.
    pub damaged: Vec<(PathBuf, CheckpointError)>,
}

/// The newest usable checkpoint in a writer's folder; damaged ones are named and passed over.
pub fn find(folder: &Path) -> Search {
    let mut search = Search::default();
    for path in candidates(&folder.join(FOLDER)) {
        match Found::open(&path) {
            Ok(found) => {
                search.found = Some(found);
                return search;
            }
            Err(error) => search.damaged.push((path, error)),
        }
    }
    search
}

impl Found {
    /// Opens a checkpoint, and verifies all of it, segments of the replay included.
    ///
    /// # Errors
    /// The first file that is not what was written.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let found = Self::open_without_replay(path)?;
        if let Some(replay) = &found.manifest.replay {
            for (file, info) in replay.segments.files(&found.replay_folder()) {
                verify(&file, info.bytes, &info.blake3)?;
            }
        }
        Ok(found)
    }

    /// Opens a checkpoint whose replay may be gone, and verifies everything else. A run that has a replay
    /// cannot go on from it.
    ///
    /// # Errors
    /// The first file that is not what was written.
    pub fn open_without_replay(path: &Path) -> Result<Self, CheckpointError> {
        let manifest = RunManifest::read(path)?;
        for file in &manifest.files {
            verify(&path.join(&file.name), file.bytes, &file.blake3)?;
        }
        Ok(Self { path: path.to_owned(), state: read_state(path, &manifest)?, manifest })
    }

    /// The folder of the replay's segments.
    pub fn replay_folder(&self) -> PathBuf {
        self.path.parent().and_then(Path::parent).unwrap_or(Path::new("")).join(REPLAY)
    }

    /// Puts a new learner of the same configuration where the run stood. Says whether this machine rounds
    /// as the one did that wrote it: where it does not, the run goes on exactly in its state, and not in
    /// its rounding.
    ///
    /// # Errors
    /// A checkpoint of another run. The learner is then of no use.
    pub fn restore(&self, learner: &mut dyn Learner) -> Result<Rounding, TrainError> {
        let folder = self.replay_folder();
        let replay =
            self.manifest.replay.as_ref().map(|record| StoredReplay { record, folder: &folder });
        learner.restore(&self.path, &self.state, replay)?;
        self.manifest.probe.compare(&learner.policy()).ok_or_else(|| {
            let reason = "the policy does not answer as it did when it was saved";
            CheckpointError::damaged(&self.path, reason).into()
        })
    }
}

/// Writes a checkpoint's files into an empty folder of this name; returns their bytes.
fn write(
    learner: &dyn Learner,
    folder: &Path,
    replay: Option<ReplayRecord>,
    extra: Value,
) -> Result<u64, CheckpointError> {
    make_empty(folder)?;
    learner.save(folder)?;
    let mut state = State::default();
    learner.write_state(&mut state);
    durable::write(folder, STATE, state.values_text().as_bytes())?;
    let views = state.views();
    durable::write(folder, MOMENTS, &tensors::encode(&views)?)?;
    let shape = |view: &crate::checkpoint::TensorView<'_>| TensorShape {
        name: view.name.clone(),
        shape: view.shape.clone(),
    };
    let (shapes, probe) = (views.iter().map(shape).collect(), Probe::of(&learner.policy()));
    let files = record_files(folder)?;
    let manifest = RunManifest::new(learner.step(), files, shapes, replay, probe, extra);
    let text = manifest.to_text();
    durable::write(folder, RunManifest::FILE, text.as_bytes())?;
    Ok(manifest.files.iter().map(|file| file.bytes).sum::<u64>() + text.len() as u64)
}

fn record_files(folder: &Path) -> Result<Vec<FileRecord>, CheckpointError> {
    let failed = || CheckpointError::io("read", folder);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed())? {
        let name = entry.map_err(failed())?.file_name().to_string_lossy().into_owned();
        let bytes = durable::read(&folder.join(&name), u64::MAX)?;
        let blake3 = blake3::hash(&bytes).to_hex().to_string();
        files.push(FileRecord { name, bytes: bytes.len() as u64, blake3 });
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// Where the checkpoint of a step is written, and its final name.
fn places(parent: &Path, step: u64) -> (PathBuf, PathBuf) {
    let name = format!("{step:012}");
    (parent.join(name.clone() + PARTIAL), parent.join(name))
}

/// Gives a whole checkpoint its final name.
fn publish(partial: &Path, path: &Path, parent: &Path) -> Result<(), CheckpointError> {
    durable::sync_folder(partial).map_err(CheckpointError::io("sync", partial))?;
    // The same step once more, when an evaluation that was due has been played: under its other name the
    // one before is still found as long as the new one is not there.
    let replaced = path.with_extension(REPLACED);
    if path.exists() {
        remove_if_there(&replaced)?;
        fs::rename(path, &replaced).map_err(CheckpointError::io("replace", path))?;
    }
    fs::rename(partial, path).map_err(CheckpointError::io("rename to", path))?;
    durable::sync_folder(parent).map_err(CheckpointError::io("sync", parent))?;
    // Only takes space.
    let _ = remove_if_there(&replaced);
    Ok(())
}

fn remove_if_there(folder: &Path) -> Result<(), CheckpointError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(CheckpointError::io("remove", folder)(error))
        }
        _ => Ok(()),
    }
}

fn make_empty(folder: &Path) -> Result<(), CheckpointError> {
    remove_if_there(folder)?;
    fs::create_dir_all(folder).map_err(CheckpointError::io("make the folder", folder))
}

fn link(from: &Path, to: &Path) -> Result<(), CheckpointError> {
    fs::hard_link(from, to)
        .or_else(|_| fs::copy(from, to).map(|_| ()))
        .map_err(CheckpointError::io("link or copy to", to))
}

fn verify(path: &Path, bytes: u64, blake3: &str) -> Result<(), CheckpointError> {
    let failed = || CheckpointError::io("read", path);
    let mut file = durable::open(path)?;
    let size = file.metadata().map_err(failed())?.len();
    if size != bytes {
        let reason = format!("{size} bytes, the manifest says {bytes}");
        return Err(CheckpointError::damaged(path, reason));
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(&mut file).map_err(failed())?;
    let found = hasher.finalize().to_hex();
    if found.as_str() != blake3 {
        let reason = format!("BLAKE3 {found}, the manifest says {blake3}");
        return Err(CheckpointError::damaged(path, reason));
    }
    Ok(())
}

fn read_state(folder: &Path, manifest: &RunManifest) -> Result<State, CheckpointError> {
    let (state, moments) = (folder.join(STATE), folder.join(MOMENTS));
    let text = durable::read(&state, STATE_LIMIT)?;
    let bytes = durable::read(&moments, STATE_LIMIT)?;
    let tensors =
        tensors::decode(&bytes, &manifest.tensors).map_err(|error| error.in_file(&moments))?;
    State::from_parts(&text, &tensors).map_err(|error| error.in_file(&state))
}
