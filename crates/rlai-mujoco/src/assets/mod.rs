//! MuJoCo's library and Gymnasium's models: found, or fetched once and verified.
//!
//! A file is looked for in this order:
//!
//! 1. the folder `MUJOCO_DIR`: the library there (or in its folder `lib`) must be of the pinned
//!    version; a model there is used if it is the pinned file, else the search goes on;
//! 2. the cache: `RLAI_CACHE`, else `XDG_CACHE_HOME/rlai`, else the system's usual place;
//! 3. installed Python packages `mujoco` and `gymnasium`;
//! 4. a download by pip.
//!
//! What comes from 3 and 4 is copied to the cache. Every file but the user's own library is taken
//! only if its SHA-256 is the pinned one.

mod cache;
mod error;
mod hash;
#[cfg(all(test, unix))]
mod hostile_tests;
mod pins;
mod python;
mod status;
mod user;
mod wheel;

use std::path::{Path, PathBuf};

pub use cache::folder as cache_folder;
pub use error::AssetError;
pub use status::{FileState, FileStatus, Status, locate};

use cache::Cached;
use pins::{LIBRARY, Member, WHEELS, Wheel};
use python::Python;

/// Where everything lies that the tasks need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// MuJoCo.
    pub library: PathBuf,
    /// The models, in the order of the pins.
    pub models: Vec<PathBuf>,
}

/// What one task needs.
pub(crate) struct TaskFiles {
    pub(crate) library: PathBuf,
    pub(crate) model: PathBuf,
}

/// Finds or fetches everything that the tasks need; tells `report` what is done, a line each.
///
/// # Errors
/// When something cannot be had; what was there before is left as it was.
pub fn setup(report: &mut dyn FnMut(&str)) -> Result<Installation, AssetError> {
    let mut paths = obtain_all(&pins::members().collect::<Vec<_>>(), report)?;
    Ok(Installation { library: paths.remove(0), models: paths })
}

/// Finds or fetches what a task with this model needs.
pub(crate) fn obtain(model: &str, report: &mut dyn FnMut(&str)) -> Result<TaskFiles, AssetError> {
    let wanted: Vec<_> =
        pins::members().filter(|(_, file)| [LIBRARY, model].contains(&file.name)).collect();
    let mut paths = obtain_all(&wanted, report)?;
    let model = paths.remove(1);
    Ok(TaskFiles { library: paths.remove(0), model })
}

type Wanted = (&'static Wheel, &'static Member);

/// The paths of the wanted files, in their order.
fn obtain_all(wanted: &[Wanted], report: &mut dyn FnMut(&str)) -> Result<Vec<PathBuf>, AssetError> {
    if !pins::PINNED {
        return Err(AssetError::Platform);
    }
    let mut found = find_all(wanted)?;
    if found.iter().any(Option::is_none) {
        fetch(report)?;
        found = find_all(wanted)?;
    }
    let unavailable = || AssetError::Missing {
        reason: "it vanished from the cache".to_owned(),
        cache: cache::folder().unwrap_or_default(),
    };
    found.into_iter().collect::<Option<_>>().ok_or_else(unavailable)
}

fn find_all(wanted: &[Wanted]) -> Result<Vec<Option<PathBuf>>, AssetError> {
    wanted.iter().map(|(wheel, member)| find(wheel, member)).collect()
}

/// A file in the user's folder or in the cache.
fn find(wheel: &Wheel, member: &Member) -> Result<Option<PathBuf>, AssetError> {
    if let Some(folder) = user::folder() {
        if member.name == LIBRARY {
            return user::library(&folder).map(Some);
        }
        if let Some(path) = user::model(&folder, member) {
            return Ok(Some(path));
        }
    }
    let path = cache::path(&cache::folder()?, wheel, member);
    Ok((cache::look(&path, member)? == Cached::Verified).then_some(path))
}

/// Brings every file that is found nowhere into the cache.
fn fetch(report: &mut dyn FnMut(&str)) -> Result<(), AssetError> {
    let cache = cache::folder()?;
    let _lock = cache::Lock::acquire(&cache)?;
    // Another program may have fetched while this one waited for the lock.
    if missing()?.is_empty() {
        return Ok(());
    }
    let unavailable = |reason: String| AssetError::Missing { reason, cache: cache.clone() };
    let python = Python::find()
        .ok_or_else(|| unavailable("there is no Python 3 on the search path".to_owned()))?;
    copy_installed(&python, &cache, report)?;
    let missing = missing()?;
    let wheels: Vec<_> = WHEELS
        .into_iter()
        .filter(|wheel| missing.iter().any(|(of, _)| of.project == wheel.project))
        .collect();
    if wheels.is_empty() {
        return Ok(());
    }
    let folder = tempfile::tempdir().map_err(AssetError::io("created", &std::env::temp_dir()))?;
    for wheel in &wheels {
        report(&format!("fetching {} {} with pip", wheel.project, wheel.version));
    }
    python.download(&wheels, folder.path()).map_err(unavailable)?;
    for wheel in wheels {
        unpack(wheel, &missing, folder.path(), &cache, report)?;
    }
    Ok(())
}

fn missing() -> Result<Vec<Wanted>, AssetError> {
    let mut missing = Vec::new();
    for (wheel, member) in pins::members() {
        if find(wheel, member)?.is_none() {
            missing.push((wheel, member));
        }
    }
    Ok(missing)
}

/// Copies what installed packages have, if it is the pinned file.
fn copy_installed(
    python: &Python,
    cache: &Path,
    report: &mut dyn FnMut(&str),
) -> Result<(), AssetError> {
    let folders = python.package_folders();
    for (wheel, member) in missing()? {
        let candidates = folders.iter().map(|folder| folder.join(member.path));
        let pinned = candidates
            .filter_map(|path| {
                rlai::files::read(&path, wheel::LARGEST_MEMBER).ok().map(|bytes| (path, bytes))
            })
            .find(|(_, bytes)| hash::sha256(bytes) == member.sha256);
        if let Some((path, bytes)) = pinned {
            cache::store(&cache::path(cache, wheel, member), member, &bytes)?;
            report(&format!("{}: copied from {}", member.name, path.display()));
        }
    }
    Ok(())
}

/// Takes the missing files out of a downloaded wheel.
fn unpack(
    wheel: &Wheel,
    missing: &[Wanted],
    folder: &Path,
    cache: &Path,
    report: &mut dyn FnMut(&str),
) -> Result<(), AssetError> {
    let bytes = wheel::read(folder, wheel)?;
    for (_, member) in missing.iter().filter(|(of, _)| of.project == wheel.project) {
        let path = cache::path(cache, wheel, member);
        cache::store(&path, member, &wheel::extract(&bytes, member)?)?;
        report(&format!("{}: verified, kept in {}", member.name, path.display()));
    }
    Ok(())
}
