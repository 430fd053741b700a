//! The folder that the user names with `MUJOCO_DIR`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use rlai::files;

use super::AssetError;
use super::hash::sha256;
use super::pins::{LIBRARY, Member};
use super::wheel::LARGEST_MEMBER;
use crate::ffi::{Library, LibraryError, VERSION};

/// The folder that `MUJOCO_DIR` names, if it is set.
pub(super) fn folder() -> Option<PathBuf> {
    let folder = env::var_os("MUJOCO_DIR").filter(|value| !value.is_empty())?;
    Some(std::path::absolute(&folder).unwrap_or_else(|_| PathBuf::from(folder)))
}

/// The library in the user's folder. It need not be the pinned file, but must be of its version.
pub(super) fn library(folder: &Path) -> Result<PathBuf, AssetError> {
    let Some(file) = find_library(folder) else {
        return Err(AssetError::NotInFolder(folder.to_owned()));
    };
    let other =
        |found| AssetError::OtherVersion { folder: folder.to_owned(), file: file.clone(), found };
    // The name tells before anything of a foreign file is run.
    if let Some(version) = version_in_name(&file).filter(|version| version != VERSION) {
        return Err(other(version));
    }
    match Library::open(&file) {
        Ok(_) => Ok(file),
        Err(LibraryError::Version { found, .. }) => Err(other(found)),
        Err(error) => Err(error.into()),
    }
}

/// A model in the user's folder; passed over unless it is the pinned one.
pub(super) fn model(folder: &Path, member: &Member) -> Option<PathBuf> {
    let path = folder.join(member.name);
    if !path.exists() {
        return None;
    }
    let bytes = files::read(&path, LARGEST_MEMBER).unwrap_or_default();
    let pinned = sha256(&bytes) == member.sha256;
    if !pinned {
        tracing::warn!("{}: not the pinned model, passed over", path.display());
    }
    pinned.then_some(path)
}

/// The library of the right name, else any that looks like one.
fn find_library(folder: &Path) -> Option<PathBuf> {
    let places = [folder.to_owned(), folder.join("lib")];
    let exact = places.iter().map(|place| place.join(LIBRARY)).find(|path| path.is_file());
    exact.or_else(|| places.iter().find_map(|place| any_library(place)))
}

fn any_library(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let is_library = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libmujoco.so") && path.is_file()
    };
    entries.filter(is_library).min()
}

/// `3.3.2` of `libmujoco.so.3.3.2`, links followed.
fn version_in_name(file: &Path) -> Option<String> {
    let real = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let name = real.file_name()?.to_string_lossy().into_owned();
    name.strip_prefix("libmujoco.so.").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::pins::GYMNASIUM;
    use super::*;

    #[test]
    fn another_version_is_refused_with_both_versions() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("lib")).unwrap();
        fs::write(folder.path().join("lib/libmujoco.so.3.3.2"), b"not even a library").unwrap();
        let message = library(folder.path()).unwrap_err().to_string();
        assert!(message.contains("MuJoCo 3.3.2, 3.17.0 wanted"), "{message}");
    }

    #[test]
    fn a_folder_without_mujoco_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(library(folder.path()), Err(AssetError::NotInFolder(_))));
    }

    #[test]
    fn a_file_that_is_no_library_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(LIBRARY), b"text").unwrap();
        assert!(matches!(library(folder.path()), Err(AssetError::Library(_))));
    }

    #[test]
    fn a_changed_model_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let hopper = &GYMNASIUM.members[0];
        assert_eq!(hopper.name, "hopper.xml");
        fs::write(folder.path().join("hopper.xml"), b"<mujoco/>").unwrap();
        assert_eq!(model(folder.path(), hopper), None);
        // Nothing that it could be is larger, or has no end.
        fs::File::create(folder.path().join("hopper.xml")).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(model(folder.path(), hopper), None);
        #[cfg(unix)]
        {
            fs::remove_file(folder.path().join("hopper.xml")).unwrap();
            std::os::unix::fs::symlink("/dev/zero", folder.path().join("hopper.xml")).unwrap();
            assert_eq!(model(folder.path(), hopper), None);
        }
    }
}
