//! Twin critics: two action values, of which the smaller is believed (Fujimoto et al. 2018).

mod choices;
mod target;
mod twin;
mod values;

pub use choices::ChoiceRoom;
pub use target::{CriticTarget, TdTarget, td_targets};
pub use twin::{CriticReport, CriticStep, TwinCritic};
pub use values::{Networks, ValueRoom};

pub(crate) use twin::{clipping, is_usable};
