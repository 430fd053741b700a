use super::QuadraticProblem;
use crate::estimator::{
    ActionEstimator, Divergence, FDivergence, ForwardKl, ForwardKlDreg, MixedKl,
    ReverseKlReparameterised, ReverseKlScore, ReverseKlStl, ReverseKlValueBaseline, Weighting,
};
use crate::lab::measure::Refused;
use crate::lab::measure::refused::check_room;
use crate::lab::measure::tabular::{check_share, one_particle};
use crate::proposal::{MOST_LOW_DISCREPANCY_DIMENSIONS, Noise, Proposal, Segments, Source};

/// An estimator on the quadratic problem, by the name users type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quadratic {
    /// Reparameterised reverse KL.
    ReverseKl,
    /// The same without its score term.
    ReverseKlStl,
    /// Reverse KL by the score function.
    ReverseKlScore,
    /// Forward KL by self-normalised weights.
    ForwardKl,
    /// The same, doubly reparameterised.
    ForwardKlDreg,
    /// Jensen-Shannon divergence.
    JensenShannon,
    /// Amari's alpha-divergence.
    AlphaDivergence,
    /// A mixture of both directions of KL.
    MixedKl,
}

/// What reverse KL by the score function subtracts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QuadraticBaseline {
    /// Nothing.
    None,
    /// The mean of the other samples.
    #[default]
    LeaveOneOut,
    /// The exact value.
    Value,
}

impl Quadratic {
    /// Every estimator, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::ReverseKl,
        Self::ReverseKlStl,
        Self::ReverseKlScore,
        Self::ForwardKl,
        Self::ForwardKlDreg,
        Self::JensenShannon,
        Self::AlphaDivergence,
        Self::MixedKl,
    ];

    /// The name a user types.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReverseKl => "reverse-kl",
            Self::ReverseKlStl => "reverse-kl-stl",
            Self::ReverseKlScore => "reverse-kl-score",
            Self::ForwardKl => "forward-kl",
            Self::ForwardKlDreg => "forward-kl-dreg",
            Self::JensenShannon => "jensen-shannon",
            Self::AlphaDivergence => "alpha-divergence",
            Self::MixedKl => "mixed-kl",
        }
    }

    /// Whether it works on other samples than independent draws of the policy.
    pub fn takes_proposals(self) -> bool {
        matches!(self, Self::ForwardKl | Self::JensenShannon | Self::AlphaDivergence)
    }
}

/// An estimator on the quadratic problem with everything that can be chosen about it. What an estimator
/// has no use for is ignored, but for the proposal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuadraticSettings {
    /// Which estimator.
    pub estimator: Quadratic,
    /// N, actions.
    pub samples: usize,
    /// Where they are drawn from.
    pub proposal: Proposal,
    /// What reverse KL by the score function subtracts.
    pub baseline: QuadraticBaseline,
    /// Forward KL: how weights are tempered and truncated.
    pub weighting: Weighting,
    /// Forward KL, Jensen-Shannon and alpha-divergence: subtract each sample's base weight.
    pub control_variate: bool,
    /// Order of the alpha-divergence, from 0 to 1.
    pub order: f64,
    /// Share of forward KL in the mixture, from 0 to 1.
    pub share: f64,
    /// Allow what says nothing: self-normalised weights of a single sample.
    pub allow_degenerate: bool,
}

impl QuadraticSettings {
    /// This estimator with 32 draws of the policy, and the rest by default.
    pub fn new(estimator: Quadratic) -> Self {
        Self {
            estimator,
            samples: 32,
            proposal: Proposal::default(),
            baseline: QuadraticBaseline::default(),
            weighting: Weighting::default(),
            control_variate: false,
            order: 0.5,
            share: 0.5,
            allow_degenerate: false,
        }
    }

    pub(super) fn check(&self, problem: &QuadraticProblem) -> Result<(), Refused> {
        problem.check()?;
        check_share("divergence-order", self.order)?;
        check_share("mixed-share", self.share)?;
        self.check_samples()?;
        check_room(&[("samples", self.samples), ("dimension", problem.dimension)])?;
        self.check_proposal(problem.dimension)
    }

    /// Whether they pass only because `allow_degenerate` lets them.
    pub fn is_degenerate(&self, problem: &QuadraticProblem) -> bool {
        let strict = Self { allow_degenerate: false, ..*self };
        self.check(problem).is_ok() && strict.check(problem).is_err()
    }

    fn check_samples(&self) -> Result<(), Refused> {
        let (name, samples) = (self.estimator.name(), self.samples);
        let refused = |reason: String| Err(Refused::new("samples", samples, reason));
        let leaves_one_out = match self.estimator {
            Quadratic::ReverseKlScore => self.baseline == QuadraticBaseline::LeaveOneOut,
            estimator => estimator == Quadratic::MixedKl,
        };
        if samples == 0 {
            return refused("at least 1".to_owned());
        }
        if samples == 1 && leaves_one_out {
            return refused(format!("{name} subtracts the mean of the other samples: at least 2"));
        }
        let normalised =
            self.estimator.takes_proposals() || self.estimator == Quadratic::ForwardKlDreg;
        if samples == 1 && normalised && !self.allow_degenerate {
            return refused(one_particle(name, "sample"));
        }
        Ok(())
    }

    fn check_proposal(&self, dimension: usize) -> Result<(), Refused> {
        let Proposal { source, uniform, replay, noise } = self.proposal;
        let refused = |key: &str, value: &str, reason: &str| {
            Err(Refused::new(key, value, format!("{} {reason}", self.estimator.name())))
        };
        let own = "needs independent draws of the policy";
        if !self.estimator.takes_proposals() && source != Source::Policy {
            return refused("proposal", source.name(), own);
        }
        if !self.estimator.takes_proposals() && noise != Noise::Independent {
            return refused("noise", noise.name(), own);
        }
        if !self.estimator.takes_proposals() && uniform != 0.0 {
            return refused("proposal-uniform", &uniform.to_string(), own);
        }
        if source == Source::TargetPolicy || replay {
            return refused("proposal", source.name(), "meets no older policy in this problem");
        }
        if noise == Noise::LowDiscrepancy && dimension > MOST_LOW_DISCREPANCY_DIMENSIONS {
            let reason = format!("knows at most {MOST_LOW_DISCREPANCY_DIMENSIONS} dimensions");
            return Err(Refused::new("noise", noise.name(), reason));
        }
        check_share("proposal-uniform", uniform)?;
        if Segments::new(&self.proposal, self.samples).is_none() {
            let reason = "too few for a sample from every part of the proposal";
            return Err(Refused::new("samples", self.samples, reason));
        }
        Ok(())
    }

    pub(super) fn action_estimator(&self) -> Box<dyn ActionEstimator<f64>> {
        let control_variate = self.control_variate;
        let family = |family| Box::new(FDivergence { family, control_variate });
        match self.estimator {
            Quadratic::ReverseKl => Box::new(ReverseKlReparameterised),
            Quadratic::ReverseKlStl => Box::new(ReverseKlStl),
            Quadratic::ReverseKlScore => match self.baseline {
                QuadraticBaseline::LeaveOneOut => Box::new(ReverseKlScore),
                _ => Box::new(ReverseKlValueBaseline),
            },
            Quadratic::ForwardKl => {
                Box::new(ForwardKl { control_variate, weighting: self.weighting })
            }
            Quadratic::ForwardKlDreg => Box::new(ForwardKlDreg),
            Quadratic::JensenShannon => family(Divergence::JensenShannon),
            Quadratic::AlphaDivergence => family(Divergence::Alpha(self.order)),
            Quadratic::MixedKl => Box::new(MixedKl { share: self.share }),
        }
    }
}
