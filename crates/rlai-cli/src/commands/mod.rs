//! The commands of the program, one file each: `Args` is what can be typed, `run` does it.

pub mod bench;
pub mod completions;
pub mod doctor;
pub mod env;
pub mod evaluate;
pub mod export;
pub mod inspect;
pub mod lab;

pub mod plot;
pub mod policy;
pub mod resume;
pub mod setup;
pub mod stats;
pub mod study;
pub mod train;
