//! Studies: variants x seeds, one run each, and the figures over them.
//!
//! A file becomes a [`Plan`] that is checked whole; an engine starts its runs, each a process of this
//! program; how they stand is told from their folders alone ([`RunStanding`]), and the report is made
//! from the results that they left there.

mod coordinator;
mod engine;
mod estimate;
mod file;
pub mod folder;
mod forecast;
mod grid;
mod measure;
mod plan;
mod pool;
mod reference;
mod report;
mod screen;
mod selection;
pub mod slurm;
mod standing;
mod typed;
mod worker;

pub use coordinator::{Coordinator, owner};
pub use engine::{Engine, SlurmSettings};
pub use estimate::Estimate;
pub use forecast::Forecast;
pub use plan::{Plan, PlannedRun, Variant};
pub use pool::{Pool, run_all};
pub use report::Report;
pub use selection::Selection;
pub use standing::{RunStanding, State, of_all};
pub use typed::Typed;
pub use worker::Outcome;
