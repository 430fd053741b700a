//! What a checkpoint of replay costs: 10,000 new rows of Humanoid in buffers of different sizes.
//!
//!     cargo run --release -p rlai --example replay_checkpoints [rows ...]
//!
//! The files go to the system's folder for temporary ones (`TMPDIR`) and are removed at the end. A
//! million rows take 1.5 GB of memory and twice as much of disk.

use std::error::Error;
use std::time::Instant;

use rlai::random::{Key, Stream};
use rlai::replay::{ReplayBuffer, SegmentInfo, SegmentList, Transition};

const OBSERVATION: usize = 348;
const ACTION: usize = 17;
const NEW: usize = 10_000;
const TIME_LIMIT: usize = 1000;

/// Plays `steps` steps of nothing in particular.
fn play(buffer: &mut ReplayBuffer, stream: &mut Stream, steps: usize) {
    let (mut seen, mut action) = ([0.0f32; OBSERVATION], [0.0f32; ACTION]);
    for i in 0..steps {
        let first = i % TIME_LIMIT == 0;
        seen.fill(stream.unit() as f32);
        action.fill(stream.unit() as f32);
        if first {
            buffer.begin(&seen);
        }
        buffer.push(&Transition {
            action: &action,
            log_density: -1.0,
            reward: 1.0,
            terminated: false,
            truncated: i % TIME_LIMIT == TIME_LIMIT - 1,
            next_observation: &seen,
        });
    }
}

fn total(segments: &[SegmentInfo]) -> u64 {
    segments.iter().map(|info| info.bytes).sum()
}

fn measure(capacity: usize) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let new_buffer = || ReplayBuffer::new(capacity, OBSERVATION, ACTION, Some(TIME_LIMIT));
    let (mut buffer, mut stream) = (new_buffer()?, Key::from_seed(1).stream("example"));
    play(&mut buffer, &mut stream, capacity);
    let clock = Instant::now();
    let mut list = SegmentList::default().extend(&buffer, folder)?;
    println!(
        "{capacity} transitions held: the first checkpoint {:.1} MB in {:.3} s",
        total(list.segments()) as f64 / 1e6,
        clock.elapsed().as_secs_f64()
    );
    for _ in 0..5 {
        play(&mut buffer, &mut stream, NEW);
        let clock = Instant::now();
        let next = list.extend(&buffer, folder)?;
        let tail = serde_json::to_string(&buffer.tail())?;
        let seconds = clock.elapsed().as_secs_f64();
        list = next;
        SegmentList::remove_unlisted(folder, &[&list]);
        let written = list.segments().last().map_or(0, |info| info.bytes);
        println!(
            "  {NEW} new: {:.1} MB and {} bytes of tail in {seconds:.3} s; {} files, {:.0} MB",
            written as f64 / 1e6,
            tail.len(),
            list.segments().len(),
            total(list.segments()) as f64 / 1e6
        );
    }
    let tail = buffer.tail();
    drop(buffer);
    let clock = Instant::now();
    let buffer = new_buffer()?.restore(list.files(folder), &tail)?;
    let seconds = clock.elapsed().as_secs_f64();
    println!("  restored {} transitions in {seconds:.3} s", buffer.len());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<usize> =
        std::env::args().skip(1).map(|rows| rows.parse()).collect::<Result<_, _>>()?;
    let sizes = if given.is_empty() { vec![10_000, 100_000, 1_000_000] } else { given };
    sizes.into_iter().try_for_each(measure)
}
