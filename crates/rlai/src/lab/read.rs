//! Decision processes in files.

use std::path::Path;

use super::{Process, ReadError};

impl Process {
    /// Largest file that is read, in bytes.
    pub const LARGEST_FILE: u64 = 64 << 20;

    /// Reads a process from a JSON file, as by [`Process::from_json`].
    ///
    /// # Errors
    /// Names the file: what cannot be opened, is no ordinary file (a device or a pipe may have no
    /// end) or is larger than [`Process::LARGEST_FILE`]; with line and column, or key, value and what is
    /// allowed, what is no process.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let text = read_text(path, Self::LARGEST_FILE)?;
        let refused = |error| ReadError::Process { path: path.to_owned(), error };
        Self::from_json(&text).map_err(refused)
    }
}

/// An ordinary file of at most so many bytes.
pub(crate) fn read_text(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    crate::files::read(path, most).map_err(|reason| ReadError::file(path, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"{"S": 1, "A": 1, "H": 1, "alpha": 1, "Z0": 1, "rho0": [1],
        "P": [[[1]]], "r": [[0]], "pi0": [[1]], "phi": [[0]]}"#;

    fn told(path: &Path) -> String {
        let error = Process::read(path).unwrap_err().to_string();
        let name = path.display().to_string();
        assert!(error.contains(&name), "{error}");
        error.replace(&name, "FILE")
    }

    #[test]
    fn a_file_is_read_or_refused_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("process.json");
        assert!(told(&path).starts_with("cannot read FILE: "), "absent");
        assert_eq!(told(folder.path()), "cannot read FILE: no ordinary file");
        std::fs::write(&path, SMALL).unwrap();
        assert_eq!(Process::read(&path).unwrap(), Process::from_json(SMALL.as_bytes()).unwrap());
        std::fs::write(&path, SMALL.replace("\"H\": 1", "\"H\": 0")).unwrap();
        assert_eq!(told(&path), "FILE: H = 0: from 1 to 1000000");
        std::fs::write(&path, SMALL.replace("\"H\": 1", "\"H\": x")).unwrap();
        assert_eq!(told(&path), "FILE:1:23: H: expected value");
    }

    /// A hole of a file: nothing of it is on the disk.
    #[test]
    fn a_file_that_is_too_large_is_not_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.json");
        std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(told(&path), "cannot read FILE: larger than 67108864 bytes");
    }

    #[cfg(unix)]
    #[test]
    fn a_device_without_an_end_is_refused() {
        assert_eq!(told(Path::new("/dev/zero")), "cannot read FILE: no ordinary file");
    }
}
