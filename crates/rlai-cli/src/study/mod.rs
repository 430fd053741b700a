//! Studies: variants x seeds, one run each, and the figures over them.
//!
//! A file becomes a [`Plan`] that is checked whole; a pool runs it as child processes of this program;
//! the report is made from the results that the runs left in their folders.

mod curves;
mod interval;
mod plan;
mod pool;
mod report;
mod worker;

pub use interval::{Interval, Spread};
pub use plan::Plan;
pub use pool::run_all;
pub use report::Report;
