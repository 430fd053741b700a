//! A file of consecutive final rows of a replay buffer.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `rlaiSEG\n` |
//! | 4 | format version, `u32` |
//! | 4 | length of the header, `u32` |
//! | that many | the header, JSON: first sequence number, rows, widths, columns |
//! | the rest | the columns one after the other: `f32`, the last one `u8` |
//!
//! All numbers are little-endian, on every machine. Nothing is compressed or padded, so the header
//! gives the file's size to the byte.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ring::Kind;
use crate::checkpoint::{CheckpointError, durable};

/// The format of segments that this version writes and reads.
pub const SEGMENT_VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"rlaiSEG\n";
/// Bytes before the header.
const PREFIX: usize = MAGIC.len() + 4 + 4;
/// Longest header that is read, in bytes; one that is written has about 150.
const HEADER_LIMIT: u32 = 1024;
/// Bytes read or written at once.
const CHUNK: usize = 1 << 16;

const COLUMNS: [&str; 5] = ["observation", "action", "log_density", "reward", "kind"];

/// What is known of a segment that was written: what a reader holds its file against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentInfo {
    /// Sequence number of its first row.
    pub first: u64,
    /// Rows in it.
    pub rows: u64,
    /// The file's size.
    pub bytes: u64,
    /// BLAKE3 of the whole file, in hexadecimal.
    pub blake3: String,
}

impl SegmentInfo {
    /// The sequence number after its last row.
    pub fn end(&self) -> u64 {
        self.first.saturating_add(self.rows)
    }

    /// The name of its file.
    pub fn file_name(&self) -> String {
        file_name(self.first, self.end())
    }
}

fn file_name(first: u64, end: u64) -> String {
    format!("replay-{first}-{end}.segment")
}

/// Whether a segment may have been given this name.
pub(super) fn is_file_name(name: &str) -> bool {
    let range = name.strip_prefix("replay-").and_then(|rest| rest.strip_suffix(".segment"));
    let Some((first, end)) = range.and_then(|range| range.split_once('-')) else { return false };
    first.parse().is_ok_and(|first| end.parse().is_ok_and(|end| file_name(first, end) == name))
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    first: u64,
    rows: u64,
    observation: u64,
    action: u64,
    columns: Vec<String>,
}

impl Header {
    fn new(first: u64, rows: u64, widths: [usize; 4]) -> Self {
        let columns = COLUMNS.map(str::to_owned).to_vec();
        Self { first, rows, observation: widths[0] as u64, action: widths[1] as u64, columns }
    }
}

/// Rows in memory, column by column: what a segment is written from.
///
/// Each column is two runs, because rows may go round the end of the ring.
pub(super) struct Columns<'a> {
    /// Observations, actions, log densities, rewards.
    pub(super) numbers: [[&'a [f32]; 2]; 4],
    pub(super) kinds: [&'a [Kind]; 2],
}

/// Where the rows of a segment are appended.
pub(super) struct ColumnsMut<'a> {
    /// Observations, actions, log densities, rewards.
    pub(super) numbers: [&'a mut Vec<f32>; 4],
    pub(super) kinds: &'a mut Vec<Kind>,
}

/// Writes rows from sequence number `first` on to a file in `folder`; `widths` are those of the columns
/// of numbers.
pub(super) fn write(
    folder: &Path,
    first: u64,
    widths: [usize; 4],
    columns: &Columns<'_>,
) -> Result<SegmentInfo, CheckpointError> {
    let rows = columns.kinds.iter().map(|run| run.len() as u64).sum();
    let header = serde_json::to_vec(&Header::new(first, rows, widths))
        .map_err(|error| CheckpointError::Inconsistent(error.to_string()))?;
    let (bytes, blake3) = durable::write_with(folder, &file_name(first, first + rows), |file| {
        let mut out = Hashing { file, hasher: blake3::Hasher::new(), bytes: 0 };
        out.write_all(&MAGIC)?;
        out.write_all(&SEGMENT_VERSION.to_le_bytes())?;
        out.write_all(&(header.len() as u32).to_le_bytes())?;
        out.write_all(&header)?;
        columns.numbers.as_flattened().iter().try_for_each(|run| write_numbers(&mut out, run))?;
        columns.kinds.iter().try_for_each(|run| write_kinds(&mut out, run))?;
        Ok((out.bytes, out.hasher.finalize().to_hex().to_string()))
    })?;
    Ok(SegmentInfo { first, rows, bytes, blake3 })
}

/// A file that is hashed as it is written.
struct Hashing<'a> {
    file: &'a mut File,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn write_numbers(out: &mut impl Write, numbers: &[f32]) -> io::Result<()> {
    let mut bytes = [0; CHUNK];
    for numbers in numbers.chunks(CHUNK / 4) {
        let (places, _) = bytes.as_chunks_mut::<4>();
        for (place, number) in places.iter_mut().zip(numbers) {
            *place = number.to_le_bytes();
        }
        out.write_all(&bytes[..size_of_val(numbers)])?;
    }
    Ok(())
}

fn write_kinds(out: &mut impl Write, kinds: &[Kind]) -> io::Result<()> {
    let bytes: Vec<u8> = kinds.iter().map(|&kind| kind as u8).collect();
    out.write_all(&bytes)
}

/// Appends the rows of a segment to `into`, all but the first `skip`, if its file is to the byte what
/// was written.
///
/// Besides the numbers appended it takes about a hundred kilobytes, whatever the file says; and it
/// appends fewer bytes than the file has.
pub(super) fn read(
    path: &Path,
    info: &SegmentInfo,
    skip: u64,
    widths: [usize; 4],
    into: &mut ColumnsMut<'_>,
) -> Result<(), CheckpointError> {
    let mut file = open(path, info)?;
    let damaged = |reason: String| CheckpointError::damaged(path, reason);
    let data = read_header(&mut file, path, info, widths)?;
    // The header gave the file's size, so none of these products or sums is beyond it.
    let (mut column, taken) = (data, info.rows - skip);
    let io = || CheckpointError::io("read", path);
    for (numbers, width) in into.numbers.iter_mut().zip(widths) {
        let row = 4 * width as u64;
        file.seek(SeekFrom::Start(column + skip * row)).map_err(io())?;
        read_numbers(&mut file, taken * width as u64, numbers).map_err(io())?;
        column += info.rows * row;
    }
    file.seek(SeekFrom::Start(column + skip)).map_err(io())?;
    read_kinds(&mut file, taken, into.kinds).map_err(io())?.map_err(damaged)
}

/// Opens a segment's file and compares all of it with the hash, before anything in it is looked at.
fn open(path: &Path, info: &SegmentInfo) -> Result<File, CheckpointError> {
    let io = || CheckpointError::io("read", path);
    let mut file = durable::open(path)?;
    let (size, expected) = (file.metadata().map_err(io())?.len(), info.bytes);
    if size != expected {
        let reason = format!("{size} bytes, the checkpoint says {expected}");
        return Err(CheckpointError::damaged(path, reason));
    }
    let found = hash(&mut file, size).map_err(io())?;
    if found != info.blake3 {
        let reason = format!("BLAKE3: {found}, the checkpoint says {}", info.blake3);
        return Err(CheckpointError::damaged(path, reason));
    }
    Ok(file)
}

/// Hashes at most `size` bytes: the file may grow meanwhile.
fn hash(file: &mut File, size: u64) -> io::Result<String> {
    let (mut hasher, mut bytes, mut file) = (blake3::Hasher::new(), [0; CHUNK], file.take(size));
    loop {
        match file.read(&mut bytes) {
            Ok(0) => return Ok(hasher.finalize().to_hex().to_string()),
            Ok(read) => _ = hasher.update(&bytes[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Where the columns begin, if the header is the one that `info` and `widths` ask for.
fn read_header(
    file: &mut File,
    path: &Path,
    info: &SegmentInfo,
    widths: [usize; 4],
) -> Result<u64, CheckpointError> {
    let damaged = |reason: String| CheckpointError::damaged(path, reason);
    let ends = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged("ends before its header does".to_owned()),
        _ => CheckpointError::io("read", path)(error),
    };
    file.rewind().map_err(ends)?;
    let (mut magic, mut version, mut length) = ([0; MAGIC.len()], [0; 4], [0; 4]);
    file.read_exact(&mut magic).map_err(ends)?;
    if magic != MAGIC {
        return Err(damaged(format!("not a replay segment: begins with {magic:02x?}")));
    }
    file.read_exact(&mut version).map_err(ends)?;
    let (found, known) = (u32::from_le_bytes(version), SEGMENT_VERSION);
    if found != known {
        return Err(CheckpointError::Version { path: path.to_owned(), found: found.into(), known });
    }
    file.read_exact(&mut length).map_err(ends)?;
    let length = u32::from_le_bytes(length);
    if length > HEADER_LIMIT {
        return Err(damaged(format!("a header of {length} bytes: at most {HEADER_LIMIT}")));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header).map_err(ends)?;
    let header = serde_json::from_slice(&header)
        .map_err(|error: serde_json::Error| damaged(format!("header: {error}")))?;
    check(&header, info, widths).map_err(damaged)?;
    let data = PREFIX as u64 + u64::from(length);
    match data_bytes(info.rows, widths).and_then(|bytes| bytes.checked_add(data)) {
        Some(size) if size == info.bytes => Ok(data),
        _ => Err(damaged(format!("{} bytes do not hold {} rows", info.bytes, info.rows))),
    }
}

/// Refuses a header of other rows than `info` promises.
fn check(header: &Header, info: &SegmentInfo, widths: [usize; 4]) -> Result<(), String> {
    let wanted = Header::new(info.first, info.rows, widths);
    let counts = [
        ("first", header.first, wanted.first),
        ("rows", header.rows, wanted.rows),
        ("observation", header.observation, wanted.observation),
        ("action", header.action, wanted.action),
    ];
    if let Some((name, found, wanted)) =
        counts.into_iter().find(|(_, found, wanted)| found != wanted)
    {
        return Err(format!("header: {name} = {found}, expected {wanted}"));
    }
    if header.columns != wanted.columns {
        return Err(format!("header: columns = {:?}, expected {COLUMNS:?}", header.columns));
    }
    Ok(())
}

/// Bytes of the columns, if they can be counted.
fn data_bytes(rows: u64, widths: [usize; 4]) -> Option<u64> {
    let numbers = widths.iter().try_fold(0u64, |sum, &width| sum.checked_add(width as u64))?;
    numbers.checked_mul(4)?.checked_add(1)?.checked_mul(rows)
}

fn read_numbers(file: &mut File, count: u64, into: &mut Vec<f32>) -> io::Result<()> {
    let (mut bytes, mut left) = ([0; CHUNK], 4 * count);
    while left > 0 {
        let part = &mut bytes[..left.min(CHUNK as u64) as usize];
        file.read_exact(part)?;
        left -= part.len() as u64;
        let (numbers, _) = part.as_chunks::<4>();
        into.extend(numbers.iter().map(|&number| f32::from_le_bytes(number)));
    }
    Ok(())
}

fn read_kinds(file: &mut File, count: u64, into: &mut Vec<Kind>) -> io::Result<Result<(), String>> {
    let (mut bytes, mut left) = ([0; CHUNK], count);
    while left > 0 {
        let part = &mut bytes[..left.min(CHUNK as u64) as usize];
        file.read_exact(part)?;
        left -= part.len() as u64;
        for &byte in &*part {
            let Some(kind) = kind(byte) else {
                return Ok(Err(format!("kind {byte} of a row: 0, 1 or 2")));
            };
            into.push(kind);
        }
    }
    Ok(Ok(()))
}

fn kind(byte: u8) -> Option<Kind> {
    [Kind::Observation, Kind::Continues, Kind::Terminated]
        .into_iter()
        .find(|&kind| kind as u8 == byte)
}
