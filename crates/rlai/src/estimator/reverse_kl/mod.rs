//! Reverse KL, alpha KL(pi || exp(Q/alpha) pi_0 / Z): soft actor-critic's loss.

mod all_actions;
mod branches;
mod choice_and_path;
mod reparameterised;
mod score;
mod sticking_the_landing;
mod value_baseline;

pub use all_actions::ReverseKlAllActions;
pub use branches::ReverseKlBranches;
pub use choice_and_path::ReverseKlChoiceAndPath;
pub use reparameterised::ReverseKlReparameterised;
pub use score::ReverseKlScore;
pub(super) use score::baseline;
pub use sticking_the_landing::ReverseKlStl;
pub use value_baseline::ReverseKlValueBaseline;
