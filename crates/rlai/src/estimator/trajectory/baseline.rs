/// What is subtracted from a return before it weighs a score. None of them biases the gradient: given
/// the state, each is independent of the action whose score it meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Baseline {
    /// Nothing.
    None,
    /// Mean of the other trajectories' returns (Kool et al. 2019); needs M >= 2.
    #[default]
    LeaveOneOut,
    /// V(s_t), which the trajectories must carry.
    Value,
}

impl Baseline {
    /// Every choice, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::None, Self::LeaveOneOut, Self::Value];

    /// The name a user types.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::LeaveOneOut => "leave-one-out",
            Self::Value => "value",
        }
    }

    /// Fewest trajectories with which it is defined.
    pub(super) fn fewest_trajectories(self) -> usize {
        if self == Self::LeaveOneOut { 2 } else { 1 }
    }
}
