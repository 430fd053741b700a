//! Comparing algorithms over few runs.

pub mod aggregate;
pub mod bootstrap;
pub mod distribution;
pub mod enumerate;
pub mod error;
pub mod improvement;
mod jackknife;
pub mod profile;
pub mod quantile;
mod resample;
pub mod scores;

pub use aggregate::Aggregates;
pub use bootstrap::{Bootstrap, Estimate};
pub use distribution::{Distribution, Method};
pub use error::{Error, Result};
pub use scores::{Runs, Scores};
