//! Every estimator on a tabular decision process.
//!
//! The policy is a softmax over logits of its own for every state; the gradient is with respect to all
//! S x A logits. What the mean is held against, the *exact gradient*:
//!
//! | estimators | exact gradient |
//! |---|---|
//! | `reverse-kl-...` | of KL(q \|\| p(.\|O)) over trajectories |
//! | `forward-kl-...` | of KL(p(.\|O) \|\| q) over trajectories |
//! | `jensen-shannon`, `alpha-divergence`, `mixed-kl` | `sum_t sum_s d_t(s) grad D(p*_t(.\|s), pi(.\|s))` |
//!
//! There is no short form of the last three over trajectories, so each state's divergence to the optimal
//! policy `p*_t` is what they are estimators of; `d_t` are the states that their state weights stand for:
//! q(s_t) for uniform ones, p(s_t|O) for all others.

mod actions;
mod exact;
mod names;
mod settings;
mod states;
mod subject;
#[cfg(test)]
mod tests;
mod trajectories;

pub use names::{Critic, StateSource, Tabular, TabularStateWeights};
pub use settings::TabularSettings;
pub(super) use settings::{check_share, one_particle};
pub use subject::TabularSubject;
