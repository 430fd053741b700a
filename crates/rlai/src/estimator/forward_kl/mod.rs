//! Forward KL, KL(exp(Q/alpha) pi_0 / Z || pi), and its relatives: weights on log pi.

mod self_normalised;

pub use self_normalised::ForwardKl;
