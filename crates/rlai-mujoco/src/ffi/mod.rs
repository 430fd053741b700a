//! The binding: libmujoco opened at run time, a dozen functions, and field offsets read off the
//! pinned headers.
//!
//! All `unsafe` code of the crate lives here. What leaves this module is safe: slices whose lengths
//! come from the model, and functions that cannot be called on a model and data that do not belong
//! together.

mod data;
mod library;
mod log;
mod model;
mod offsets;
mod snapshot;

pub use data::{Data, Instability};
pub use library::{Library, LibraryError};
pub use model::{Model, ModelError};

/// The version that this crate is written for.
pub const VERSION: &str = "3.17.0";
