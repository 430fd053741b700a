use std::ops::Range;

use super::{Proposal, Source};
use crate::estimator::Origin;

/// How the N particles of a state are divided among the components of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segments {
    /// Particles that are the action taken in the state: 0 or 1.
    pub replay: usize,
    /// Particles from the policy.
    pub policy: usize,
    /// Particles from the other Gaussian: the shifted policy, or the target policy.
    pub other: usize,
    /// Particles that are uniform on the box.
    pub uniform: usize,
}

impl Segments {
    /// The division of `samples` particles; none if a wanted component would get no particle.
    pub fn new(proposal: &Proposal, samples: usize) -> Option<Self> {
        let replay = usize::from(proposal.replay);
        let drawn = samples.checked_sub(replay)?;
        let uniform = (proposal.uniform * samples as f64).round() as usize;
        let gaussian = drawn.checked_sub(uniform)?;
        let other = match proposal.source {
            Source::Policy => 0,
            Source::Shifted => gaussian / 2,
            Source::TargetPolicy => gaussian,
        };
        let segments = Self { replay, policy: gaussian - other, other, uniform };
        let starved = (proposal.uniform > 0.0 && uniform == 0)
            || gaussian == 0
            || (proposal.source != Source::Policy && other == 0);
        (!starved).then_some(segments)
    }

    /// N.
    pub fn samples(&self) -> usize {
        self.replay + self.drawn()
    }

    /// Particles that were drawn now, not stored: those that the mixture explains.
    pub fn drawn(&self) -> usize {
        self.policy + self.other + self.uniform
    }

    /// Places of the particles from the policy.
    pub fn policy_range(&self) -> Range<usize> {
        self.replay..self.replay + self.policy
    }

    /// Places of the particles from the other Gaussian.
    pub fn other_range(&self) -> Range<usize> {
        let start = self.replay + self.policy;
        start..start + self.other
    }

    /// Places of the uniform particles.
    pub fn uniform_range(&self) -> Range<usize> {
        self.samples() - self.uniform..self.samples()
    }

    /// Where each particle of a state comes from, `[N]`.
    pub fn origins(&self, proposal: &Proposal) -> Vec<Origin> {
        let drawn = if proposal.is_policy() { Origin::Policy } else { Origin::Proposal };
        let mut origins = vec![drawn; self.samples()];
        origins[..self.replay].fill(Origin::Replay);
        origins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(proposal: Proposal, samples: usize) -> Option<[usize; 4]> {
        Segments::new(&proposal, samples).map(|s| [s.replay, s.policy, s.other, s.uniform])
    }

    #[test]
    fn particles_are_divided_among_the_components() {
        let policy = Proposal::default();
        assert_eq!(segments(policy, 5), Some([0, 5, 0, 0]));
        let shifted = Proposal { source: Source::Shifted, ..policy };
        assert_eq!(segments(shifted, 16), Some([0, 8, 8, 0]));
        let all = Proposal { uniform: 0.25, replay: true, ..shifted };
        assert_eq!(segments(all, 16), Some([1, 6, 5, 4]));
        let target = Proposal { source: Source::TargetPolicy, ..policy };
        assert_eq!(segments(target, 4), Some([0, 0, 4, 0]));
    }

    #[test]
    fn a_component_without_a_particle_is_refused() {
        let policy = Proposal::default();
        assert_eq!(segments(Proposal { source: Source::Shifted, ..policy }, 1), None);
        assert_eq!(segments(Proposal { uniform: 0.01, ..policy }, 16), None);
        assert_eq!(segments(Proposal { uniform: 1.0, ..policy }, 16), None);
        assert_eq!(segments(Proposal { replay: true, ..policy }, 1), None);
    }
}
