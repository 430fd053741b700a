//! A function of bytes for every format of file that the project reads: it reads them as the program would,
//! and whatever is taken is used a little. It says whether they were taken. What it must never do is panic,
//! go on without end, or take more memory than `memory.rs` is told.
//!
//! Formats of several files are parts of one input, see [`parts`]. Their hashes are put right before they
//! are read a second time: otherwise nothing behind the first comparison would ever be reached.

mod checkpoints;
mod memory;
mod parts;
mod seal;
mod text;

pub use checkpoints::{policy, run, segment, trajectories};
#[cfg(test)]
pub use checkpoints::{seed, segment_seed};
#[cfg(test)]
pub use parts::join;
pub use text::{
    actions, dataset, grid, initial_state, metrics, owner, process, result, scores, settings, study,
};
