//! The folder in which fetched files are kept.

use std::env;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use rlai::files;

use super::AssetError;
use super::hash::sha256;
use super::pins::{Member, Wheel};
use super::wheel::LARGEST_MEMBER;

/// What is known of a file in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cached {
    Verified,
    Corrupted,
    Absent,
}

/// The cache folder: `RLAI_CACHE`, else `XDG_CACHE_HOME/rlai`, else the system's usual place.
///
/// # Errors
/// No such place is known.
pub fn folder() -> Result<PathBuf, AssetError> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = variable("RLAI_CACHE") {
        // An absolute path: the dynamic linker and Python must see the same file.
        return std::path::absolute(&folder).map_err(AssetError::io("found", &folder));
    }
    // A relative XDG path is to be ignored, says its specification.
    if let Some(folder) = variable("XDG_CACHE_HOME").filter(|folder| folder.is_absolute()) {
        return Ok(folder.join("rlai"));
    }
    let home = env::home_dir().filter(|home| home.is_absolute());
    let usual = if cfg!(target_os = "macos") { "Library/Caches/rlai" } else { ".cache/rlai" };
    home.map(|home| home.join(usual)).ok_or(AssetError::NoCacheFolder)
}

/// Where a file lies in the cache.
pub(super) fn path(cache: &Path, wheel: &Wheel, member: &Member) -> PathBuf {
    cache.join(wheel.folder).join(member.name)
}

/// What is known of a file in the cache.
pub(super) fn look(path: &Path, member: &Member) -> Result<Cached, AssetError> {
    match files::read(path, LARGEST_MEMBER) {
        Ok(bytes) if sha256(&bytes) == member.sha256 => Ok(Cached::Verified),
        Ok(_) => Ok(Cached::Corrupted),
        Err(error) if error.kind() == ErrorKind::FileTooLarge => Ok(Cached::Corrupted),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Cached::Absent),
        Err(error) => Err(AssetError::io("read", path)(error)),
    }
}

/// Keeps a file if it is the pinned one. It appears under its name only when it is complete.
pub(super) fn store(path: &Path, member: &Member, bytes: &[u8]) -> Result<(), AssetError> {
    verify(member.path, bytes, member.sha256)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(AssetError::io("created", folder))?;
    let written = AssetError::io("written", path);
    write_and_rename(folder, path, bytes).map_err(written)
}

fn write_and_rename(folder: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".fetching-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    readable_by_all(file.as_file())?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// A cache may be shared, and temporary files are private.
#[cfg(unix)]
fn readable_by_all(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_file: &File) -> std::io::Result<()> {
    Ok(())
}

/// Refuses bytes that are not the pinned ones.
pub(super) fn verify(
    file: &str,
    bytes: &[u8],
    wanted: super::hash::Sha256Hex,
) -> Result<(), AssetError> {
    let found = sha256(bytes);
    if found == wanted {
        Ok(())
    } else {
        Err(AssetError::Differs { file: file.to_owned(), found, wanted })
    }
}

/// Holds the cache, so that of several programs that start at once only one fetches.
pub(super) struct Lock {
    path: PathBuf,
    /// The folders that were made for it, the innermost first.
    made: Vec<PathBuf>,
    _file: File,
}

impl Lock {
    /// Waits until no other program holds the cache.
    pub(super) fn acquire(cache: &Path) -> Result<Self, AssetError> {
        let missing = |folder: &&Path| !folder.exists();
        let made = cache.ancestors().take_while(missing).map(Path::to_owned).collect();
        fs::create_dir_all(cache).map_err(AssetError::io("created", cache))?;
        let path = cache.join(".lock");
        let file = File::create(&path).map_err(AssetError::io("created", &path))?;
        file.lock().map_err(AssetError::io("locked", &path))?;
        Ok(Self { path, made, _file: file })
    }
}

impl Drop for Lock {
    /// Leaves no trace where nothing could be fetched. A program that still waits for the removed
    /// file may fetch a second time, which does no harm.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        for folder in &self.made {
            // Fails where the folder is in use, as it should.
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: Member = Member {
        name: "abc",
        path: "package/abc",
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    };

    #[test]
    fn only_the_pinned_bytes_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/abc");
        assert_eq!(look(&path, &ABC).unwrap(), Cached::Absent);
        assert!(matches!(store(&path, &ABC, b"abd"), Err(AssetError::Differs { .. })));
        assert!(!path.exists(), "a refused file leaves nothing");
        store(&path, &ABC, b"abc").unwrap();
        assert_eq!(look(&path, &ABC).unwrap(), Cached::Verified);
        fs::write(&path, b"abd").unwrap();
        assert_eq!(look(&path, &ABC).unwrap(), Cached::Corrupted);
        // A hole of a terabyte, which is replaced as any other damaged file.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(look(&path, &ABC).unwrap(), Cached::Corrupted);
        store(&path, &ABC, b"abc").unwrap();
        assert_eq!(look(&path, &ABC).unwrap(), Cached::Verified);
    }

    #[test]
    fn a_lock_leaves_only_what_was_fetched() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("a/b");
        drop(Lock::acquire(&cache).unwrap());
        assert!(!folder.path().join("a").exists());
        let lock = Lock::acquire(&cache).unwrap();
        store(&cache.join("abc"), &ABC, b"abc").unwrap();
        drop(lock);
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 1);
    }
}
