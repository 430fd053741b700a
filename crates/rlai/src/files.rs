//! Reading files of which nothing is known yet: one that has no end, or is larger than it can rightly be,
//! is an error instead of all memory, and a pipe nobody writes to is one instead of a wait.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Opens an ordinary file.
///
/// # Errors
/// It cannot be opened, or is a folder, a device or a pipe ([`ErrorKind::InvalidInput`]).
pub fn open(path: &Path) -> io::Result<File> {
    // Asked before it is opened: to open a pipe is to wait for its writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "no ordinary file"));
    }
    File::open(path)
}

/// Reads an ordinary file of at most `most` bytes.
///
/// # Errors
/// As [`open`]; one that is larger ([`ErrorKind::FileTooLarge`]), or has no room in memory.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let too_large = || {
        let reason = format!("larger than {most} bytes");
        io::Error::new(ErrorKind::FileTooLarge, reason)
    };
    let size = file.metadata()?.len();
    if size > most {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let room = bytes.try_reserve_exact(size as usize);
    room.map_err(|_| io::Error::from(ErrorKind::OutOfMemory))?;
    // What is read is limited, not what the file system says: a file may grow.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_large()) } else { Ok(bytes) }
}

/// As [`read`], for text.
///
/// # Errors
/// As [`read`]; what is not UTF-8 ([`ErrorKind::InvalidData`]).
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let text = String::from_utf8(read(path, most)?);
    text.map_err(|error| io::Error::new(ErrorKind::InvalidData, error.utf8_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "four").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"four");
        assert_eq!(read_text(&path, u64::MAX).unwrap(), "four");
        let error = read(&path, 3).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        assert_eq!(error.to_string(), "larger than 3 bytes");
        fs::write(&path, [0xff]).unwrap();
        assert_eq!(read_text(&path, 4).unwrap_err().kind(), ErrorKind::InvalidData);
        // A hole: nothing of it is on the disk.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(read(&path, 1 << 20).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(read(folder.path(), 9).unwrap_err().to_string(), "no ordinary file");
        assert_eq!(read(&folder.path().join("none"), 9).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_end_is_refused() {
        let error = read(Path::new("/dev/zero"), 9).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(open(&pipe).unwrap_err().to_string(), "no ordinary file");
    }
}
