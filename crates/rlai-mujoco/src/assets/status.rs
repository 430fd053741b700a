//! What is there and what is missing, looked at without changing anything.

use std::path::PathBuf;

use super::cache::{self, Cached};
use super::pins::{self, LIBRARY, Member, Wheel};
use super::python::Python;
use super::{AssetError, user};
use crate::ffi::Library;

/// What is there and what is missing.
#[derive(Debug)]
pub struct Status {
    /// Whether MuJoCo is pinned for this kind of machine.
    pub pinned: bool,
    /// The folder that `MUJOCO_DIR` names, if it is set.
    pub mujoco_dir: Option<PathBuf>,
    /// The cache folder.
    pub cache: Result<PathBuf, AssetError>,
    /// Every file that the tasks need, the library first.
    pub files: Vec<FileStatus>,
    /// Python 3 on the search path, "Python 3.12.4".
    pub python: Option<String>,
    /// Whether that Python has pip.
    pub pip: bool,
}

/// One file.
#[derive(Debug)]
pub struct FileStatus {
    /// Its name.
    pub name: &'static str,
    /// Whether it can be used.
    pub state: FileState,
}

/// Whether a file can be used.
#[derive(Debug)]
pub enum FileState {
    /// It lies here and is what it should be; the library was opened.
    Ready(PathBuf),
    /// The file here is not the pinned one; it is fetched again when it is needed.
    Corrupted(PathBuf),
    /// It is not there.
    Missing,
    /// It cannot be used.
    Unusable(AssetError),
}

impl FileStatus {
    /// Whether the file can be used.
    pub fn is_ready(&self) -> bool {
        matches!(self.state, FileState::Ready(_))
    }
}

impl Status {
    /// Whether every task can be made.
    pub fn is_ready(&self) -> bool {
        self.pinned && self.files.iter().all(FileStatus::is_ready)
    }

    /// Whether `rlai setup` can bring what is missing, as far as can be told without a network.
    pub fn can_be_fetched(&self) -> bool {
        let blocked = |file: &FileStatus| matches!(file.state, FileState::Unusable(_));
        let python = self.python.is_some() && self.pip;
        self.pinned && self.cache.is_ok() && python && !self.files.iter().any(blocked)
    }
}

/// Looks what is there. Nothing is fetched, created or changed.
pub fn locate() -> Status {
    let python = Python::find();
    Status {
        pinned: pins::PINNED,
        mujoco_dir: user::folder(),
        cache: cache::folder(),
        files: pins::members()
            .map(|(wheel, member)| FileStatus { name: member.name, state: state(wheel, member) })
            .collect(),
        pip: python.as_ref().is_some_and(Python::has_pip),
        python: python.map(|python| python.version),
    }
}

fn state(wheel: &Wheel, member: &Member) -> FileState {
    if !pins::PINNED {
        return FileState::Unusable(AssetError::Platform);
    }
    match look(wheel, member) {
        Ok(state) => state,
        Err(error) => FileState::Unusable(error),
    }
}

fn look(wheel: &Wheel, member: &Member) -> Result<FileState, AssetError> {
    if let Some(path) = super::find(wheel, member)? {
        if member.name == LIBRARY {
            Library::open(&path)?;
        }
        return Ok(FileState::Ready(path));
    }
    let path = cache::path(&cache::folder()?, wheel, member);
    Ok(match cache::look(&path, member)? {
        Cached::Corrupted => FileState::Corrupted(path),
        Cached::Verified | Cached::Absent => FileState::Missing,
    })
}
