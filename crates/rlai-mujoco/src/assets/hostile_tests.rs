//! Archives that somebody made to do harm: whatever they hold, the cache gets pinned bytes or nothing, and no
//! other place gets anything.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;

use super::hash::sha256;
use super::pins::{Member, Wheel};
use super::{AssetError, cache, unpack, wheel};

const WANTED: &[u8] = b"what is pinned";
const PATH: &str = "package/file.xml";

enum Entry<'a> {
    File(&'a str, &'a [u8]),
    Link(&'a str, &'a str),
}

fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    for entry in entries {
        match entry {
            Entry::File(name, bytes) => {
                archive.start_file(*name, options).unwrap();
                archive.write_all(bytes).unwrap();
            }
            Entry::Link(name, target) => archive.add_symlink(*name, *target, options).unwrap(),
        }
    }
    archive.finish().unwrap().into_inner()
}

/// A pin of an archive, and of its one file.
fn pinned(archive: &[u8]) -> &'static Wheel {
    let leaked = |bytes: &[u8]| -> &'static str { Box::leak(sha256(bytes).into_boxed_str()) };
    let member = Member { name: "file.xml", path: PATH, sha256: leaked(WANTED) };
    Box::leak(Box::new(Wheel {
        project: "package",
        version: "1.0",
        sha256: leaked(archive),
        folder: "package-1.0",
        members: Box::leak(Box::new([member])),
    }))
}

/// What becomes of an archive under this pin; the folder holds a cache, the download and nothing else.
fn fetched(archive: &[u8], wheel: &'static Wheel, folder: &Path) -> Result<(), AssetError> {
    let (download, kept) = (folder.join("download"), folder.join("deep/cache"));
    fs::create_dir_all(&download).unwrap();
    fs::write(download.join("package-1.0-any.whl"), archive).unwrap();
    unpack(wheel, &[(wheel, &wheel.members[0])], &download, &kept, &mut |_| {})
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push(entry.path().display().to_string()),
        }
    }
    found.sort();
    found
}

fn only_the_download(folder: &Path) -> bool {
    files(folder) == [folder.join("download/package-1.0-any.whl").display().to_string()]
}

#[test]
fn no_name_in_an_archive_leads_out_of_the_cache() {
    let hostile = archive(&[
        Entry::File("../../../escaped", b"1"),
        Entry::File("/tmp/rlai-escaped", b"2"),
        Entry::File("package/../../escaped", b"3"),
        Entry::File("..\\..\\escaped", b"4"),
        Entry::Link("package/folder", "/"),
        Entry::File("package/folder/tmp/rlai-escaped", b"5"),
        Entry::File(PATH, WANTED),
    ]);
    let folder = tempfile::tempdir().unwrap();
    fetched(&hostile, pinned(&hostile), folder.path()).unwrap();
    let kept = folder.path().join("deep/cache/package-1.0/file.xml");
    assert_eq!(fs::read(&kept).unwrap(), WANTED);
    assert_eq!(files(folder.path()).len(), 2, "{:?}", files(folder.path()));
    assert!(!Path::new("/tmp/rlai-escaped").exists());
}

#[test]
fn a_link_in_an_archive_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    fs::write(&target, WANTED).unwrap();
    let hostile = archive(&[Entry::Link(PATH, target.to_str().unwrap())]);
    let error = fetched(&hostile, pinned(&hostile), folder.path()).unwrap_err();
    // What was compared is the link's own text, not what it points to.
    let text = sha256(target.to_str().unwrap().as_bytes());
    assert!(matches!(error, AssetError::Differs { found, .. } if found == text));
    assert!(!folder.path().join("deep").exists());
}

#[test]
fn a_link_in_the_cache_is_replaced_and_not_written_through() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("outside");
    fs::write(&outside, b"somebody's own").unwrap();
    let kept = folder.path().join("deep/cache/package-1.0");
    fs::create_dir_all(&kept).unwrap();
    std::os::unix::fs::symlink(&outside, kept.join("file.xml")).unwrap();
    let honest = archive(&[Entry::File(PATH, WANTED)]);
    fetched(&honest, pinned(&honest), folder.path()).unwrap();
    assert_eq!(fs::read(&outside).unwrap(), b"somebody's own");
    assert!(fs::symlink_metadata(kept.join("file.xml")).unwrap().is_file());
}

/// Bytes that are no archive at all are refused for their hash: they were never looked into.
#[test]
fn hashes_are_compared_before_anything_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let honest = archive(&[Entry::File(PATH, WANTED)]);
    let error = fetched(b"PK\x03\x04 no archive", pinned(&honest), folder.path()).unwrap_err();
    assert!(
        matches!(error, AssetError::Differs { ref file, .. } if file.contains("wheel")),
        "{error}"
    );
    assert!(only_the_download(folder.path()));
    // The other way round: a pinned archive of other files.
    for entries in [&[Entry::File(PATH, b"something else")][..], &[Entry::File("other", WANTED)]] {
        let folder = tempfile::tempdir().unwrap();
        let hostile = archive(entries);
        assert!(fetched(&hostile, pinned(&hostile), folder.path()).is_err());
        assert!(only_the_download(folder.path()));
    }
}

#[test]
fn damaged_archives_are_refused_whatever_is_cut_off() {
    let honest = archive(&[Entry::File(PATH, WANTED)]);
    let member = &pinned(&honest).members[0];
    assert_eq!(wheel::extract(&honest, member).unwrap(), WANTED);
    for length in 0..honest.len() {
        let cut = wheel::extract(&honest[..length], member);
        assert!(cut.is_err(), "cut off at {length}");
    }
    for at in 0..honest.len() {
        let mut damaged = honest.clone();
        damaged[at] ^= 0x55;
        if let Ok(bytes) = wheel::extract(&damaged, member) {
            // Where the damage does not show in the content it does no harm.
            let stored = cache::verify(PATH, &bytes, member.sha256);
            assert_eq!(stored.is_ok(), bytes == WANTED);
        }
    }
}

#[test]
fn a_file_that_unpacks_without_measure_is_cut_and_refused() {
    let zeros = vec![0; wheel::LARGEST_MEMBER as usize + 1000];
    let hostile = archive(&[Entry::File(PATH, &zeros)]);
    assert!(hostile.len() < 1 << 20);
    let folder = tempfile::tempdir().unwrap();
    let bytes = wheel::extract(&hostile, &pinned(&hostile).members[0]).unwrap();
    assert_eq!(bytes.len() as u64, wheel::LARGEST_MEMBER);
    let error = fetched(&hostile, pinned(&hostile), folder.path()).unwrap_err();
    assert!(matches!(error, AssetError::Differs { .. }));
    assert!(only_the_download(folder.path()));
}
