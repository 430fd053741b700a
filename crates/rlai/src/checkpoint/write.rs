use std::fs;
use std::path::Path;

use super::manifest::{Stored, is_parameter_file};
use super::{CheckpointError, Manifest, TensorView, durable, tensors};

/// Writes a checkpoint into `folder`, in the place of the one that may be there.
///
/// The folder is made if there is none. Stopped at any moment, it leaves the old checkpoint or the new
/// one whole. One writer at a time.
///
/// # Errors
/// Tensors that are not finite, do not fit their shapes or lack a part of a network of the manifest
/// (nothing is touched then); a file system that refuses.
pub fn write(
    folder: &Path,
    manifest: &Manifest,
    tensors: &[TensorView<'_>],
) -> Result<(), CheckpointError> {
    tensors::check(manifest, tensors)?;
    let bytes = tensors::encode(tensors)?;
    let stored = Stored::new(manifest, tensors, &bytes);
    let text = stored.to_text()?;
    fs::create_dir_all(folder).map_err(CheckpointError::io("make the folder", folder))?;
    durable::write(folder, &stored.file.name, &bytes)?;
    durable::write(folder, Stored::FILE, text.as_bytes())?;
    remove_old_parameters(folder, &stored.file.name);
    Ok(())
}

/// Removes the parameters of earlier checkpoints and what interrupted writers left.
fn remove_old_parameters(folder: &Path, current: &str) {
    // Whatever cannot be removed only takes space: the new checkpoint is in place.
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if name != current && is_parameter_file(name.strip_suffix(".tmp").unwrap_or(name)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
