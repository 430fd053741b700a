//! Reading files out of a downloaded wheel.

use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

use rlai::files;

use super::AssetError;
use super::hash::sha256;
use super::pins::{Member, Wheel};

/// No pinned file is larger.
pub(super) const LARGEST_MEMBER: u64 = 64 << 20;

/// No pinned wheel is larger.
const LARGEST_WHEEL: u64 = 1 << 28;

/// The bytes of the wheel that was downloaded into `folder`, if the pinned one is there.
pub(super) fn read(folder: &Path, wheel: &Wheel) -> Result<Vec<u8>, AssetError> {
    let read_error = || AssetError::io("read", folder);
    let mut found = "none".to_owned();
    for entry in fs::read_dir(folder).map_err(read_error())? {
        let entry = entry.map_err(read_error())?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&format!("{}-", wheel.project)) && name.ends_with(".whl") {
            let bytes = files::read(&entry.path(), LARGEST_WHEEL)
                .map_err(AssetError::io("read", &entry.path()))?;
            found = sha256(&bytes);
            if found == wheel.sha256 {
                return Ok(bytes);
            }
        }
    }
    let file = format!("the wheel of {} {}", wheel.project, wheel.version);
    Err(AssetError::Differs { file, found, wanted: wheel.sha256 })
}

/// The bytes of one file in a wheel. It is asked for by name; the archive's own paths are never used.
pub(super) fn extract(wheel: &[u8], member: &Member) -> Result<Vec<u8>, AssetError> {
    let failed = |error: zip::result::ZipError| {
        AssetError::io("unpacked", Path::new(member.path))(std::io::Error::other(error))
    };
    let mut archive = zip::ZipArchive::new(Cursor::new(wheel)).map_err(failed)?;
    let file = archive.by_name(member.path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(LARGEST_MEMBER)
        .read_to_end(&mut bytes)
        .map_err(AssetError::io("unpacked", Path::new(member.path)))?;
    Ok(bytes)
}
