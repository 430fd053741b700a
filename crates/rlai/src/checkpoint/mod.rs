//! Checkpoints: parameters on disk that are whole or refused.
//!
//! A checkpoint is a folder of two files:
//!
//! - `manifest.json`: format version, kind, the task and its action box, the shapes of all networks,
//!   the names and shapes of all tensors in order, and the size and BLAKE3 hash of the file that
//!   holds them. Its last field is the BLAKE3 hash of the manifest itself, taken with that field empty.
//! - `parameters-<16 hex digits>.safetensors`: the tensors, `f32`. The digits are the beginning of the
//!   file's hash, so that new parameters never overwrite those that the manifest still names.
//!
//! Layer `i` of a network `policy` is two tensors: `policy.i.weight`, `[inputs, outputs]` row-major
//! (`y = x W + b`, so a row holds what one input gives to every output), and `policy.i.bias`,
//! `[outputs]`. Every layer but the last is followed by a ReLU.
//!
//! Files are written beside their final name, synced and renamed, the manifest last: whenever a writer
//! is stopped, the old checkpoint or the new one can be read. Whatever differs from what the manifest
//! says, in either file, is an error that names the file and the difference.

pub(crate) mod durable;
mod error;
mod layout;
mod manifest;
mod read;
mod state;
pub(crate) mod tensors;
mod write;

pub use error::CheckpointError;
pub(crate) use layout::REPLACED;
pub use layout::{attempts, candidates, candidates_of_run, folder_of};
pub(crate) use manifest::TensorShape;
pub use manifest::{FORMAT_VERSION, Manifest, Network};
pub use read::read;
pub(crate) use state::Count;
pub use state::State;
pub use tensors::{TensorView, Tensors, parameters_blake3};
pub use write::write;

#[cfg(test)]
mod tests;
