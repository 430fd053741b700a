//! The estimator's settings and those of its proposal.

use rlai::distribution::PolicyKind;
use rlai::estimator::{Tempering, Weighting};
use rlai::proposal::{Noise, Proposal, Source};
use rlai::train::{ConfigError, Estimation, MpoBounds, Objective, TrainConfig};

use super::reading::{WholeNumbers, choice};
use crate::settings::{NumberOrWord, Settings};

/// Share of N that tempering by effective sample size keeps unless told otherwise.
const TEMPERING_ESS: f64 = 0.5;

/// What the settings say of the estimator, defaults filled in.
pub(super) fn read(
    s: &Settings,
    defaults: Estimation,
    whole: &mut WholeNumbers,
) -> Result<Estimation, ConfigError> {
    let bounds = defaults.mpo;
    let period = defaults.target_policy_period;
    Ok(Estimation {
        control_variate: s.control_variate.unwrap_or(defaults.control_variate),
        weighting: Weighting {
            tempering: tempering(s)?,
            truncate: s.truncation.unwrap_or(defaults.weighting.truncate),
        },
        mixed_share: s.mixed_share.unwrap_or(defaults.mixed_share),
        divergence_order: s.divergence_order.unwrap_or(defaults.divergence_order),
        advantage_temperature: s.advantage_temperature.unwrap_or(defaults.advantage_temperature),
        mpo: MpoBounds {
            weights: s.mpo_weights.unwrap_or(bounds.weights),
            mean: s.mpo_mean.unwrap_or(bounds.mean),
            scale: s.mpo_scale.unwrap_or(bounds.scale),
            choice: s.mpo_choice.unwrap_or(bounds.choice),
            learning_rate: s.dual_learning_rate.unwrap_or(bounds.learning_rate),
        },
        target_policy_period: whole.read("target_policy_period", s.target_policy_period, period),
        proposal: proposal(s, defaults.proposal)?,
    })
}

fn proposal(s: &Settings, defaults: Proposal) -> Result<Proposal, ConfigError> {
    let sources = Source::ALL.map(|source| (source.name(), source));
    let noises = Noise::ALL.map(|noise| (noise.name(), noise));
    Ok(Proposal {
        source: choice("proposal", &s.proposal, defaults.source, &sources)?,
        uniform: s.proposal_uniform.unwrap_or(defaults.uniform),
        replay: s.proposal_replay.unwrap_or(defaults.replay),
        noise: choice("noise", &s.noise, defaults.noise, &noises)?,
    })
}

fn tempering(s: &Settings) -> Result<Tempering, ConfigError> {
    let by_size = matches!(&s.tempering, Some(NumberOrWord::Word(word)) if word == "ess");
    if let (Some(share), false) = (s.tempering_ess, by_size) {
        return Err(ConfigError::new("tempering_ess", share, "only with tempering = \"ess\""));
    }
    match &s.tempering {
        None => Ok(Tempering::None),
        Some(NumberOrWord::Number(1.0)) => Ok(Tempering::None),
        Some(NumberOrWord::Number(beta)) => Ok(Tempering::Fixed(*beta)),
        Some(NumberOrWord::Word(word)) => match word.as_str() {
            "none" => Ok(Tempering::None),
            "alpha" => Ok(Tempering::Alpha),
            "ess" => Ok(Tempering::EffectiveSampleSize(s.tempering_ess.unwrap_or(TEMPERING_ESS))),
            _ => {
                let allowed = "\"none\", \"alpha\", \"ess\", or a power above 0 and at most 1";
                Err(ConfigError::new("tempering", format!("{word:?}"), allowed))
            }
        },
    }
}

/// Writes out every key that has an effect with this configuration's objective.
pub(super) fn write(config: &TrainConfig, settings: &mut Settings) {
    let estimation = &config.estimation;
    match config.objective {
        Objective::ForwardKl => {
            settings.control_variate = Some(estimation.control_variate);
            settings.truncation = Some(estimation.weighting.truncate);
            write_tempering(estimation.weighting.tempering, settings);
        }
        Objective::MixedKl => settings.mixed_share = Some(estimation.mixed_share),
        Objective::AlphaDivergence => {
            settings.divergence_order = Some(estimation.divergence_order);
        }
        Objective::Awac | Objective::Awr => {
            settings.advantage_temperature = Some(estimation.advantage_temperature);
        }
        Objective::Mpo => {
            settings.mpo_weights = Some(estimation.mpo.weights);
            settings.mpo_mean = Some(estimation.mpo.mean);
            settings.mpo_scale = Some(estimation.mpo.scale);
            settings.mpo_choice = Some(estimation.mpo.choice);
            settings.dual_learning_rate = Some(estimation.mpo.learning_rate);
        }
        _ => {}
    }
    if estimation.uses_target_policy(config.objective) {
        settings.target_policy_period = Some(estimation.target_policy_period as i64);
    }
    let of_gaussians = config.policy.kind == PolicyKind::TanhNormal;
    if of_gaussians && estimation.takes_proposals(config.objective) {
        let proposal = &estimation.proposal;
        settings.proposal = Some(proposal.source.name().to_owned());
        settings.proposal_uniform = Some(proposal.uniform);
        settings.proposal_replay = Some(proposal.replay);
        settings.noise = Some(proposal.noise.name().to_owned());
    }
}

fn write_tempering(tempering: Tempering, settings: &mut Settings) {
    let word = |word: &str| NumberOrWord::Word(word.to_owned());
    settings.tempering = Some(match tempering {
        Tempering::None => word("none"),
        Tempering::Fixed(beta) => NumberOrWord::Number(beta),
        Tempering::Alpha => word("alpha"),
        Tempering::EffectiveSampleSize(share) => {
            settings.tempering_ess = Some(share);
            word("ess")
        }
    });
}
