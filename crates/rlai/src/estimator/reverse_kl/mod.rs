//! Reverse KL, alpha KL(pi || exp(Q/alpha) pi_0 / Z): soft actor-critic's loss.

mod reparameterised;
mod score;

pub use reparameterised::ReverseKlReparameterised;
pub use score::ReverseKlScore;
