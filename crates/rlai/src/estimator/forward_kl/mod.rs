//! Forward KL, KL(exp(Q/alpha) pi_0 / Z || pi), and its relatives: weights on log pi.

mod all_actions;
mod awac;
mod doubly_reparameterised;
mod mpo;
mod self_normalised;

pub use all_actions::ForwardKlAllActions;
pub use awac::{AdvantageWeighting, Awac};
pub use doubly_reparameterised::ForwardKlDreg;
pub use mpo::Mpo;
pub use self_normalised::ForwardKl;
