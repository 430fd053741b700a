use std::io;
use std::path::Path;

use super::manifest::{ParameterFile, Stored};
use super::{CheckpointError, Manifest, Tensors, durable, parameters_blake3, tensors};

/// Largest manifest that is read, in bytes.
const MANIFEST_LIMIT: u64 = 1 << 20;
/// Largest file of parameters that is read, in bytes.
const PARAMETERS_LIMIT: u64 = 1 << 32;

/// Times that a reader starts again after a writer replaced the checkpoint meanwhile.
const RETRIES: usize = 100;

/// Reads and verifies the checkpoint in `folder`.
///
/// A checkpoint that is replaced while it is read is read again.
///
/// # Errors
/// No checkpoint there; a format of another version; a file that is not, to the byte, what was written;
/// tensors that are not finite or do not fit the manifest.
pub fn read(folder: &Path) -> Result<(Manifest, Tensors), CheckpointError> {
    let mut stored = read_manifest(folder)?;
    for _ in 0..RETRIES {
        let error = match read_parameters(folder, &stored) {
            Ok(tensors) => return Ok((stored.policy, tensors)),
            Err(error) => error,
        };
        let newest = read_manifest(folder)?;
        if newest == stored {
            return Err(error);
        }
        stored = newest;
    }
    let tensors = read_parameters(folder, &stored)?;
    Ok((stored.policy, tensors))
}

fn read_manifest(folder: &Path) -> Result<Stored, CheckpointError> {
    let path = folder.join(Stored::FILE);
    let bytes = durable::read(&path, MANIFEST_LIMIT).map_err(|error| match error {
        CheckpointError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            CheckpointError::Missing { folder: folder.to_owned() }
        }
        other => other,
    })?;
    Stored::parse(&bytes, &path)
}

fn read_parameters(folder: &Path, stored: &Stored) -> Result<Tensors, CheckpointError> {
    let path = folder.join(&stored.file.name);
    let bytes = durable::read(&path, PARAMETERS_LIMIT.min(stored.file.bytes))?;
    verify(&bytes, stored).map_err(|error| error.in_file(&path))
}

/// The tensors in `bytes`, if they are those of the manifest.
pub(super) fn verify(bytes: &[u8], stored: &Stored) -> Result<Tensors, CheckpointError> {
    let ParameterFile { bytes: size, blake3, tensors: shapes, parameters_blake3: expected, .. } =
        &stored.file;
    require_equal("bytes", &bytes.len().to_string(), &size.to_string())?;
    require_equal("BLAKE3", blake3::hash(bytes).to_hex().as_str(), blake3)?;
    let tensors = tensors::decode(bytes, shapes)?;
    let views = tensors.views();
    require_equal("BLAKE3 of the tensors", &parameters_blake3(&views), expected)?;
    tensors::check(&stored.policy, &views)?;
    Ok(tensors)
}

fn require_equal(what: &str, found: &str, expected: &str) -> Result<(), CheckpointError> {
    if found == expected {
        return Ok(());
    }
    let reason = format!("{what}: {found}, the manifest says {expected}");
    Err(CheckpointError::Inconsistent(reason))
}
