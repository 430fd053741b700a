//! Replay: the transitions an agent has seen, and uniform batches of them.
//!
//! Every observation is stored once, in single precision: the next observation of a transition is the
//! row after it. A terminated transition keeps no next observation, since nothing is bootstrapped from
//! it; a truncated one does, in a row of its own.
//!
//! # On disk
//!
//! Rows are numbered in the order in which they were appended. All but the newest one of an episode
//! that is still being played are final, and final rows never change. So a checkpoint writes the rows
//! that are final since the last one to a file of their own, a segment, and leaves the older segments
//! alone; what is not final is small and belongs to the checkpoint itself ([`Tail`]).
//! [`SegmentList`] says which files a checkpoint needs:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! use rlai::replay::{ReplayBuffer, SegmentList};
//!
//! let mut buffer = ReplayBuffer::new(1000, 3, 1, None)?;
//! buffer.begin(&[0.0, 1.0, 0.0]);
//!
//! let segments = SegmentList::default();
//! // A checkpoint: both values are kept in its manifest, and only when that is on disk are the files
//! // removed that it does not need.
//! let segments = segments.extend(&buffer, folder)?;
//! let tail = buffer.tail();
//! SegmentList::remove_unlisted(folder, &[&segments]);
//!
//! let buffer = ReplayBuffer::new(1000, 3, 1, None)?.restore(segments.files(folder), &tail)?;
//! # Ok(())
//! # }
//! ```

mod batch;
mod dataset;
mod ring;
mod segment;
mod segment_list;
mod tail;

pub use batch::Batch;
pub use dataset::{Dataset, DatasetError};
pub use ring::{ReplayBuffer, ReplayError, Transition};
pub use segment::{SEGMENT_VERSION, SegmentInfo};
pub use segment_list::SegmentList;
pub use tail::Tail;

#[cfg(test)]
mod segment_tests;

#[cfg(test)]
mod tests;
