//! Reverse KL, alpha KL(pi || exp(Q/alpha) pi_0 / Z): soft actor-critic's loss.

mod all_actions;
mod branches;
pub use branches::{ReverseKlBranches, ReverseKlChoiceAndPath};
mod reparameterised;
mod score;
mod sticking_the_landing;
mod value_baseline;

pub use all_actions::ReverseKlAllActions;
pub use reparameterised::ReverseKlReparameterised;
pub use score::ReverseKlScore;
pub(super) use score::baseline;
pub use sticking_the_landing::ReverseKlStl;
pub use value_baseline::ReverseKlValueBaseline;
