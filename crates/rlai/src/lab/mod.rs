//! The lab: exact inference in tabular decision processes, the truth that estimators are held against.
//!
//! A [`Process`] is small enough to know everything about: with states, actions and steps that can be
//! counted, `log p(O)`, both divergences between the policy's trajectories and the optimal ones, their
//! gradients and every kind of action value are sums. [`Exact`] computes them by dynamic programming,
//! [`Enumeration`] a second time from every single trajectory. Trajectories may end early: what a row
//! of `P` lacks to 1 is the probability of the end. Everything is in `f64`, and in log space where an
//! exponential could overflow.
//!
//! Three action values must not be taken for one another ([`Values`]): exact inference's Qhat, which
//! seeks risk and knows no policy; the policy's soft Q, soft actor-critic's; the policy's classic Q.
//!
//! ```
//! use rlai::lab::{Exact, RandomOptions, random_process};
//! use rlai::random::Key;
//!
//! let mut stream = Key::from_seed(1).stream("example");
//! let process = random_process(&mut stream, 3, 2, 5, &RandomOptions::default());
//! let exact = Exact::new(&process);
//! // alpha KL(q || p(.|O)) = -J + alpha log p(O), where Z0 is 1.
//! let identity = exact.log_evidence - exact.soft_return / process.alpha();
//! assert!((exact.reverse_kl - identity).abs() < 1e-12);
//! ```

mod checks;
mod divergence;
mod enumeration;
mod error;
mod exact;
mod json;
pub mod measure;
mod posterior;
mod process;
mod random;
mod read;
mod sample;
mod table;
#[cfg(test)]
mod tests;
mod values;

pub use enumeration::{Enumeration, TooMany};
pub use error::{ProcessError, ReadError};
pub use exact::{Discounted, Exact};
pub use posterior::state_marginals;
pub use process::{Process, ProcessSpec};
pub use random::{RandomOptions, random_process};
pub(crate) use read::read_text;
pub use sample::{Trajectory, sample_states};
pub use table::Table;
pub use values::Values;
