//! Comparing algorithms over few runs.

pub mod aggregate;
pub mod area;
pub mod bootstrap;
pub mod curve;
pub mod distribution;
pub mod enumerate;
pub mod error;
pub mod improvement;
mod jackknife;
pub mod power;
pub mod profile;
pub mod quantile;
mod resample;
pub mod robustness;
pub mod scores;
pub mod threshold;
pub mod variation;
pub mod welch;

pub use aggregate::Aggregates;
pub use bootstrap::{Bootstrap, Estimate};
pub use curve::Curve;
pub use distribution::{Distribution, Method};
pub use error::{Error, Result};
pub use scores::{Runs, Scores};
pub use welch::Welch;
