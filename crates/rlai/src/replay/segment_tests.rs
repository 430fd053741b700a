//! Buffers on disk: what the tests of going on and of refusing share.

mod going_on;
mod refusals;

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::checkpoint::CheckpointError;

const OBSERVATION: usize = 2;
const ACTION: usize = 3;

/// What a buffer is told, and what happens to the process.
#[derive(Clone, Copy, Debug)]
enum Event {
    Begin,
    /// A transition; a new episode where none is being played.
    Step(End),
    /// A checkpoint that is on disk.
    Checkpoint,
    /// A checkpoint whose segment was written, but not its manifest.
    LostCheckpoint,
    /// The process dies and goes on from its last checkpoint.
    Kill,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    None,
    Terminated,
    Truncated,
}

/// Numbers that follow from `counter`, the odd ones among them too.
fn number(counter: u64, place: u64) -> f32 {
    match (counter * 7 + place) % 23 {
        0 => f32::from_bits(0x7fc0_1234),
        1 => -0.0,
        2 => f32::NEG_INFINITY,
        3 => f32::from_bits(1),
        _ => counter as f32 + place as f32 / 16.0,
    }
}

fn numbers<const N: usize>(counter: u64, from: u64) -> [f32; N] {
    std::array::from_fn(|i| number(counter, from + i as u64))
}

/// Tells `buffer` the `counter`-th thing.
fn tell(buffer: &mut ReplayBuffer, counter: u64, event: Event) {
    let Event::Step(end) = event else {
        return buffer.begin(&numbers::<OBSERVATION>(counter, 0));
    };
    if !buffer.open {
        buffer.begin(&numbers::<OBSERVATION>(counter, 0));
    }
    buffer.push(&Transition {
        action: &numbers::<ACTION>(counter, 2),
        log_density: number(counter, 5),
        reward: number(counter, 6),
        terminated: end == End::Terminated,
        truncated: end == End::Truncated,
        next_observation: &numbers::<OBSERVATION>(counter, 7),
    });
}

/// Everything held, oldest first, as bits.
fn contents(buffer: &ReplayBuffer) -> Vec<(Vec<u32>, u8)> {
    let rows = (0..buffer.held).map(|i| buffer.row_after(buffer.start, i));
    let row = |row: usize| {
        let actions = row * ACTION..(row + 1) * ACTION;
        let seen = &buffer.observations[buffer.observation_range(row)];
        let others = [buffer.log_densities[row], buffer.rewards[row]];
        let numbers = seen.iter().chain(&buffer.actions[actions]).chain(&others);
        (numbers.map(|x| x.to_bits()).collect(), buffer.kinds[row] as u8)
    };
    rows.map(row).collect()
}

fn empty((capacity, limit): (usize, Option<usize>)) -> ReplayBuffer {
    ReplayBuffer::new(capacity, OBSERVATION, ACTION, limit).unwrap()
}

fn info_of(first: u64, rows: u64) -> SegmentInfo {
    SegmentInfo { first, rows, bytes: 0, blake3: String::new() }
}

/// A segment of six final rows of every kind, and the buffer that it was written from.
struct Sample {
    folder: TempDir,
    buffer: ReplayBuffer,
    info: SegmentInfo,
    bytes: Vec<u8>,
}

const SIZES: (usize, Option<usize>) = (5, Some(3));

impl Sample {
    fn new() -> Self {
        let mut buffer = empty(SIZES);
        for (i, end) in [End::None, End::Truncated, End::None, End::Terminated, End::None]
            .into_iter()
            .enumerate()
        {
            tell(&mut buffer, 100 + i as u64, Event::Step(end));
        }
        let folder = tempfile::tempdir().unwrap();
        let info = buffer.write_segment(0..6, folder.path()).unwrap();
        let bytes = fs::read(folder.path().join(info.file_name())).unwrap();
        Self { folder, buffer, info, bytes }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(self.info.file_name())
    }

    fn restore(&self, info: SegmentInfo) -> Result<ReplayBuffer, CheckpointError> {
        empty(SIZES).restore([(self.path(), info)], &self.buffer.tail())
    }

    /// What is said of a file of these bytes, with the name of the file.
    fn refusal(&self, bytes: &[u8], info: SegmentInfo) -> String {
        fs::write(self.path(), bytes).unwrap();
        let text = self.restore(info).expect_err("a forged file").to_string();
        fs::write(self.path(), &self.bytes).unwrap();
        text
    }

    /// The same where size and hash are those of the forged file.
    fn refusal_of_forged(&self, bytes: &[u8]) -> String {
        let blake3 = blake3::hash(bytes).to_hex().to_string();
        self.refusal(bytes, SegmentInfo { bytes: bytes.len() as u64, blake3, ..self.info.clone() })
    }

    /// The bytes with another header.
    fn with_header(&self, header: &[u8]) -> Vec<u8> {
        let length = (header.len() as u32).to_le_bytes();
        [&self.bytes[..12], &length, header, &self.bytes[16 + self.header().len()..]].concat()
    }

    fn header(&self) -> &str {
        let length = u32::from_le_bytes(self.bytes[12..16].try_into().unwrap());
        std::str::from_utf8(&self.bytes[16..16 + length as usize]).unwrap()
    }
}
