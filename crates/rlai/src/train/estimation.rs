use super::config::require;
use super::{ConfigError, Objective};
use crate::estimator::{
    ActionEstimator, AdvantageWeighting, Awac, Divergence, FDivergence, ForwardKl,
    ForwardKlAllActions, ForwardKlDreg, MixedKl, Mpo, Needs, ReverseKlAllActions,
    ReverseKlBranches, ReverseKlChoiceAndPath, ReverseKlReparameterised, ReverseKlScore,
    ReverseKlStl, Tempering, Weighting,
};
use crate::distribution::Abilities;
use crate::nn::Scalar;
use crate::proposal::{MOST_LOW_DISCREPANCY_DIMENSIONS, Noise, Proposal, Segments, Source};

/// Settings of the estimator, and of where its particles come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimation {
    /// Forward KL: subtract the control variate 1/N from the weights.
    pub control_variate: bool,
    /// Forward KL: how weights are tempered and truncated.
    pub weighting: Weighting,
    /// Mixed KL: share of forward KL, 0 to 1.
    pub mixed_share: f64,
    /// Alpha-divergence: its order, from forward KL (0) to reverse KL (1).
    pub divergence_order: f64,
    /// AWAC and AWR: lambda, by which advantages are divided, reward units.
    pub advantage_temperature: f64,
    /// MPO: bounds on divergences in nats.
    pub mpo: MpoBounds,
    /// Updates between two copies of the policy into the target policy.
    pub target_policy_period: u64,
    /// Where the actions come from.
    pub proposal: Proposal,
}

/// What MPO's duals hold: bounds in nats, mean over states.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MpoBounds {
    /// KL of the weights from uniform ones.
    pub weights: f64,
    /// KL(old policy || new policy) a coordinate of the action, the part that moves the mean.
    pub mean: f64,
    /// The part that changes the scale, a coordinate.
    pub scale: f64,
    /// The part of discrete choices, all together.
    pub choice: f64,
    /// Adam's step size for the logarithms of the three duals.
    pub learning_rate: f64,
}

impl Default for MpoBounds {
    /// Weights and step size as in Acme's agent (Hoffman et al. 2020). Its trust region (0.0025 and 1e-6)
    /// is meant for millions of steps: with it the scale hardly changes in 100,000.
    fn default() -> Self {
        Self { weights: 0.1, mean: 0.01, scale: 1e-3, choice: 0.01, learning_rate: 1e-2 }
    }
}

impl Default for Estimation {
    fn default() -> Self {
        Self {
            control_variate: false,
            weighting: Weighting::default(),
            mixed_share: 0.5,
            divergence_order: 0.5,
            advantage_temperature: 1.0,
            mpo: MpoBounds::default(),
            target_policy_period: 100,
            proposal: Proposal::default(),
        }
    }
}

impl Estimation {
    /// The estimator of this objective with these settings.
    pub fn estimator<T: Scalar>(&self, objective: Objective) -> Box<dyn ActionEstimator<T>> {
        let awac = |weighting| Awac { temperature: self.advantage_temperature, weighting };
        match objective {
            Objective::ReverseKl => Box::new(ReverseKlReparameterised),
            Objective::ReverseKlStl => Box::new(ReverseKlStl),
            Objective::ReverseKlScore => Box::new(ReverseKlScore),
            Objective::ReverseKlBranches => Box::new(ReverseKlBranches),
            Objective::ReverseKlAllActions => Box::new(ReverseKlAllActions),
            Objective::ForwardKl => Box::new(ForwardKl {
                control_variate: self.control_variate,
                weighting: self.weighting,
            }),
            Objective::ForwardKlAllActions => Box::new(ForwardKlAllActions),
            Objective::ForwardKlDreg => Box::new(ForwardKlDreg),
            Objective::MixedKl => Box::new(MixedKl { share: self.mixed_share }),
            Objective::JensenShannon => Box::new(FDivergence::new(Divergence::JensenShannon)),
            Objective::AlphaDivergence => {
                Box::new(FDivergence::new(Divergence::Alpha(self.divergence_order)))
            }
            Objective::Mpo => Box::new(Mpo),
            Objective::Awac => Box::new(awac(AdvantageWeighting::Softmax)),
            Objective::Awr => Box::new(awac(AdvantageWeighting::ClippedExponential)),
        }
    }

    /// The estimator for a distribution of these abilities: where there are branches, pathwise gradients
    /// need a score for the branch besides.
    pub fn estimator_for<T: Scalar>(
        &self,
        objective: Objective,
        abilities: Abilities,
    ) -> Box<dyn ActionEstimator<T>> {
        match (objective, abilities.branches) {
            (Objective::ReverseKl, Some(_)) => Box::new(ReverseKlChoiceAndPath { stl: false }),
            (Objective::ReverseKlStl, Some(_)) => Box::new(ReverseKlChoiceAndPath { stl: true }),
            _ => self.estimator(objective),
        }
    }

    /// Whether the estimator of this objective works on other samples than the policy's own.
    pub fn takes_proposals(&self, objective: Objective) -> bool {
        reason_against_proposals(self.estimator::<f32>(objective).needs()).is_none()
    }

    /// Whether the policy as it was some updates ago is needed.
    pub fn uses_target_policy(&self, objective: Objective) -> bool {
        objective == Objective::Mpo || self.proposal.source == Source::TargetPolicy
    }

    /// Refuses what cannot work or would have no effect.
    pub(super) fn check(&self, objective: Objective, samples: usize) -> Result<(), ConfigError> {
        let needs = self.estimator::<f32>(objective).needs();
        let fewest = needs.samples;
        require(samples >= fewest, "samples", samples, objective.too_few_samples())?;
        self.check_weights(objective, samples)?;
        self.check_own_settings(objective)?;
        self.check_proposal(needs, objective, samples)
    }

    /// The first setting by which the proposal differs from the policy: its key and value.
    pub(super) fn proposal_difference(&self) -> Option<(&'static str, String)> {
        first_difference(&self.proposal)
    }

    /// Refuses noise that does not know this many action dimensions.
    pub(super) fn check_dimension(&self, action_dimension: usize) -> Result<(), ConfigError> {
        let most = MOST_LOW_DISCREPANCY_DIMENSIONS;
        let fits = self.proposal.noise != Noise::LowDiscrepancy || action_dimension <= most;
        let allowed = format!("at most {most} action dimensions");
        require(fits, "noise", "\"low-discrepancy\"", &allowed)
    }

    fn check_weights(&self, objective: Objective, samples: usize) -> Result<(), ConfigError> {
        let plain = Weighting::default();
        let only = |key, differs: bool, value: String| {
            require(
                !differs || objective == Objective::ForwardKl,
                key,
                value,
                "only with objective = \"forward-kl\"",
            )
        };
        only("control_variate", self.control_variate, self.control_variate.to_string())?;
        only("truncation", self.weighting.truncate, self.weighting.truncate.to_string())?;
        let tempering = self.weighting.tempering;
        let shown = match tempering {
            Tempering::None => "\"none\"".to_owned(),
            Tempering::Fixed(beta) => beta.to_string(),
            Tempering::Alpha => "\"alpha\"".to_owned(),
            Tempering::EffectiveSampleSize(_) => "\"ess\"".to_owned(),
        };
        only("tempering", tempering != plain.tempering, shown)?;
        match tempering {
            Tempering::Fixed(beta) => require(
                beta > 0.0 && beta <= 1.0,
                "tempering",
                beta,
                "\"none\", \"alpha\", \"ess\", or a power above 0 and at most 1",
            ),
            Tempering::EffectiveSampleSize(share) => require(
                share * samples as f64 > 1.0 && share < 1.0,
                "tempering_ess",
                share,
                "a share of the samples, below 1 and above 1/samples (no weights have less)",
            ),
            Tempering::None | Tempering::Alpha => Ok(()),
        }
    }

    fn check_own_settings(&self, objective: Objective) -> Result<(), ConfigError> {
        let default = Self::default();
        let belongs = |key, value: f64, default: f64, of: &[Objective]| {
            let names: Vec<_> = of.iter().map(|objective| objective.name()).collect();
            let allowed = format!("only with objective = {}", names.join(" or "));
            require(value == default || of.contains(&objective), key, value, &allowed)
        };
        let mpo = [Objective::Mpo];
        belongs("mixed_share", self.mixed_share, default.mixed_share, &[Objective::MixedKl])?;
        belongs(
            "divergence_order",
            self.divergence_order,
            default.divergence_order,
            &[Objective::AlphaDivergence],
        )?;
        belongs(
            "advantage_temperature",
            self.advantage_temperature,
            default.advantage_temperature,
            &[Objective::Awac, Objective::Awr],
        )?;
        for (key, value, default) in [
            ("mpo_weights", self.mpo.weights, default.mpo.weights),
            ("mpo_mean", self.mpo.mean, default.mpo.mean),
            ("mpo_scale", self.mpo.scale, default.mpo.scale),
            ("mpo_choice", self.mpo.choice, default.mpo.choice),
            ("dual_learning_rate", self.mpo.learning_rate, default.mpo.learning_rate),
        ] {
            belongs(key, value, default, &mpo)?;
            require(value > 0.0 && value.is_finite(), key, value, "a positive number")?;
        }
        let (share, order) = (self.mixed_share, self.divergence_order);
        require((0.0..=1.0).contains(&share), "mixed_share", share, "from 0 to 1")?;
        require((0.0..=1.0).contains(&order), "divergence_order", order, "from 0 to 1")?;
        let lambda = self.advantage_temperature;
        let positive = lambda > 0.0 && lambda.is_finite();
        require(positive, "advantage_temperature", lambda, "a positive number")?;
        let period = self.target_policy_period;
        require(period >= 1, "target_policy_period", period, "at least 1")?;
        require(
            period == default.target_policy_period || self.uses_target_policy(objective),
            "target_policy_period",
            period,
            "only with objective = \"mpo\" or proposal = \"target-policy\"",
        )
    }

    fn check_proposal(
        &self,
        needs: Needs,
        objective: Objective,
        samples: usize,
    ) -> Result<(), ConfigError> {
        let proposal = &self.proposal;
        if let (Some(reason), Some((key, value))) =
            (reason_against_proposals(needs), first_difference(proposal))
        {
            let allowed = format!("not with objective = {:?}, which {reason}", objective.name());
            return Err(ConfigError::new(key, value, allowed));
        }
        let share = proposal.uniform;
        require((0.0..1.0).contains(&share), "proposal_uniform", share, "from 0 to below 1")?;
        require(
            Segments::new(proposal, samples).is_some(),
            "samples",
            samples,
            "enough that every part of the proposal gets one (proposal, proposal_uniform, proposal_replay)",
        )
    }
}

fn reason_against_proposals(needs: Needs) -> Option<&'static str> {
    if needs.own_samples {
        Some("needs independent samples of the current policy")
    } else if needs.old_policy {
        Some("draws its samples from the target policy")
    } else if needs.replay_action {
        Some("takes its actions from replay")
    } else if needs.enumerated {
        Some("lists all actions")
    } else if needs.branches {
        Some("draws from every branch")
    } else {
        None
    }
}

/// The first setting by which a proposal differs from the policy: its key and value.
fn first_difference(proposal: &Proposal) -> Option<(&'static str, String)> {
    let plain = Proposal::default();
    if proposal.source != plain.source {
        return Some(("proposal", format!("{:?}", proposal.source.name())));
    }
    if proposal.uniform != plain.uniform {
        return Some(("proposal_uniform", proposal.uniform.to_string()));
    }
    if proposal.replay {
        return Some(("proposal_replay", proposal.replay.to_string()));
    }
    (proposal.noise != plain.noise).then(|| ("noise", format!("{:?}", proposal.noise.name())))
}
