//! Why MuJoCo cannot be had.

use std::path::{Path, PathBuf};

use super::pins::LIBRARY;
use crate::ffi::{LibraryError, ModelError, VERSION};

/// Why MuJoCo, or a model, cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum AssetError {
    /// No file is pinned for this kind of machine.
    #[error(
        "MuJoCo is not pinned for {} on {} yet, only for Linux on x86-64; the built-in tasks \
         (Pendulum-v1) work here",
        std::env::consts::OS,
        std::env::consts::ARCH
    )]
    Platform,
    /// There is no folder to keep the files in.
    #[error("no cache folder: set RLAI_CACHE to a folder that can be written to (HOME is not set)")]
    NoCacheFolder,
    /// The user's folder holds no MuJoCo.
    #[error(
        "MUJOCO_DIR = {}: holds no {LIBRARY}, nor does its folder lib; unset it to have MuJoCo \
         {VERSION} fetched",
        .0.display()
    )]
    NotInFolder(PathBuf),
    /// The user's folder holds another version.
    #[error(
        "MUJOCO_DIR = {folder}: {file} is MuJoCo {found}, {VERSION} wanted; unset it to have MuJoCo \
         {VERSION} fetched",
        folder = folder.display(), file = file.display()
    )]
    OtherVersion {
        /// The user's folder.
        folder: PathBuf,
        /// The library that was found.
        file: PathBuf,
        /// Its version.
        found: String,
    },
    /// Files are missing and cannot be fetched.
    #[error(
        "MuJoCo {VERSION} is not here and cannot be fetched: {reason}\n\
         There are two ways out:\n  \
         install Python 3 with pip and run `rlai setup` (the files are fetched once, verified, and \
         kept in {cache})\n  \
         or set MUJOCO_DIR to a folder that holds {LIBRARY} and the models of gymnasium 1.4.0 \
         (hopper.xml, walker2d.xml, walker2d_v5.xml, half_cheetah.xml, ant.xml, humanoid.xml)",
        cache = cache.display()
    )]
    Missing {
        /// Why nothing was fetched.
        reason: String,
        /// Where the files would be kept.
        cache: PathBuf,
    },
    /// A fetched file is not the pinned one.
    #[error("{file}: SHA-256 {found} found, {wanted} wanted; the file is refused")]
    Differs {
        /// The file.
        file: String,
        /// Its SHA-256.
        found: String,
        /// The pinned SHA-256.
        wanted: &'static str,
    },
    /// A file or folder cannot be read or written.
    #[error("{path}: cannot be {action}: {source}", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The library cannot be used.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl AssetError {
    /// For `map_err` on the system's errors.
    pub(super) fn io(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> AssetError {
        let path = path.to_owned();
        move |source| AssetError::Io { action, path, source }
    }
}
