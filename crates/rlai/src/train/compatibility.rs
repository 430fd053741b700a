//! Which estimators work with which distributions, and why the others do not.

use super::config::require;
use super::{
    ConfigError, DefaultPolicy, ExplorationNoise, Objective, Temperature, TemperatureTarget,
    TrainConfig,
};
use crate::distribution::{Head, PolicyKind};
use crate::nn::Scalar;

/// Refuses an objective, a proposal, a start or a noise that this distribution cannot serve.
pub(super) fn check<T: Scalar>(
    config: &TrainConfig,
    head: &dyn Head<T>,
) -> Result<(), ConfigError> {
    let objective = config.objective;
    let refuse_objective = |holds: bool, reason: String| {
        require(holds, "objective", format!("{:?}", objective.name()), &reason)
    };
    if let Some(reason) = reason_against(objective, head) {
        return refuse_objective(false, reason);
    }
    if let Some(choices) = head.shape().only_choices().filter(|_| objective.lists_actions()) {
        let allowed = format!("{choices} with {}, which lists all actions", objective.name());
        require(config.samples == choices, "samples", config.samples, &allowed)?;
    }
    if let Some(branches) = head.abilities().branches {
        check_branches(config, branches)?;
    }
    check_source(config, head)?;
    if config.uses_temperature() {
        check_target(config.temperature, &config.default_policy, head)?;
    }
    check_rest(config, head)
}

/// Why this distribution cannot be trained by this objective.
pub fn reason_against<T: Scalar>(objective: Objective, head: &dyn Head<T>) -> Option<String> {
    let (name, able) = (head.name(), head.abilities());
    match objective {
        Objective::ReverseKl | Objective::ReverseKlStl if !able.reparameterised => Some(format!(
            "needs a path from the parameters to the action, which {name} has not: use \
             reverse-kl-score{}, forward-kl or another that works on log-probabilities",
            if head.shape().only_choices().is_some() { ", reverse-kl-all-actions" } else { "" }
        )),
        Objective::ForwardKlDreg if !able.reparameterised || able.branches.is_some() => {
            Some(format!(
                "needs a path from the parameters to the whole action, which {name} has not: use \
                 forward-kl"
            ))
        }
        Objective::ReverseKlBranches if able.branches.is_none() => Some(format!(
            "counts the branches of a mixture or the choices of a hybrid policy, and {name} has \
             neither: use reverse-kl, reverse-kl-score or, on choices, reverse-kl-all-actions"
        )),
        Objective::ReverseKlAllActions | Objective::ForwardKlAllActions
            if head.shape().only_choices().is_none() =>
        {
            Some(format!(
                "lists all actions, and those of {name} are not one of K choices: use {}",
                if objective == Objective::ForwardKlAllActions {
                    "forward-kl"
                } else {
                    "reverse-kl-score"
                }
            ))
        }
        Objective::Mpo if !able.trust_region => Some(format!(
            "holds the policy within a divergence that {name} does not know in closed form: use \
             forward-kl with default_policy = \"last-update\""
        )),
        _ => None,
    }
}

fn check_branches(config: &TrainConfig, branches: usize) -> Result<(), ConfigError> {
    let samples = config.samples;
    match config.objective {
        Objective::ReverseKl | Objective::ReverseKlStl => require(
            samples >= 2,
            "samples",
            samples,
            "at least 2 for a policy with branches (the branch's score needs a baseline)",
        ),
        Objective::ReverseKlBranches => {
            let allowed = format!("at least {branches}, one for each branch");
            require(samples >= branches, "samples", samples, &allowed)
        }
        _ => Ok(()),
    }
}

/// Proposals are made of Gaussians before a tanh.
fn check_source<T: Scalar>(config: &TrainConfig, head: &dyn Head<T>) -> Result<(), ConfigError> {
    if head.as_tanh_normal().is_some() {
        return config.estimation.check_dimension(head.shape().coordinates);
    }
    match config.estimation.proposal_difference() {
        Some((key, value)) => {
            let allowed = format!("only with policy = \"tanh-normal\", not {:?}", head.name());
            Err(ConfigError::new(key, value, allowed))
        }
        None => Ok(()),
    }
}

/// Refuses what no policy can reach: more entropy than the uniform one has.
fn check_target<T: Scalar>(
    temperature: Temperature,
    default_policy: &DefaultPolicy,
    head: &dyn Head<T>,
) -> Result<(), ConfigError> {
    let Temperature::Tuned { target, .. } = temperature else { return Ok(()) };
    let shape = head.shape();
    let choices: f64 = shape.factors.iter().map(|&count| (count as f64).ln()).sum();
    let bounded = head.is_squashed() || shape.coordinates == 0;
    let largest = choices + shape.coordinates as f64 * std::f64::consts::LN_2;
    match target {
        TemperatureTarget::Entropy(entropy) if bounded => {
            let allowed = format!("below {largest:.4} nats, which the uniform policy has");
            require(entropy < largest, "target_entropy", entropy, &allowed)
        }
        TemperatureTarget::Kl(kappa)
            if shape.coordinates == 0 && *default_policy == DefaultPolicy::Uniform =>
        {
            let allowed = format!("below {choices:.4} nats, which a certain choice is away");
            require(kappa < choices, "target_kl", kappa, &allowed)
        }
        _ => Ok(()),
    }
}

fn check_rest<T: Scalar>(config: &TrainConfig, head: &dyn Head<T>) -> Result<(), ConfigError> {
    let coordinates = head.shape().coordinates;
    let exploration = config.exploration;
    require(
        !exploration.is_coloured() || (coordinates > 0 && head.abilities().base_noise),
        "exploration",
        format!("{:?}", exploration.name()),
        "\"white\" or \"repeat\": this policy has no base noise that could be coloured",
    )?;
    require(
        !config.estimation.proposal.replay || exploration == ExplorationNoise::White,
        "proposal_replay",
        true,
        "only with exploration = \"white\": given its state, the density of an action that hangs \
         together with those before it is not the policy's",
    )?;
    if let Some((mean, log_std)) = config.initial_policy {
        let starts = head.starting_at(mean, log_std).is_some();
        let allowed = format!("not with policy = {:?}, which has no such number", head.name());
        require(starts, "initial_mean", mean, &allowed)?;
    }
    require(
        !matches!(config.default_policy, DefaultPolicy::Gaussian { .. }) || coordinates > 0,
        "default_policy",
        "\"gaussian\"",
        "another one: these actions have no coordinates",
    )?;
    check_joint(config)
}

/// A mixture's joint score, where that is what the policy is.
fn check_joint(config: &TrainConfig) -> Result<(), ConfigError> {
    let objective = config.objective;
    let joint = config.policy.kind == PolicyKind::Mixture && config.policy.joint;
    require(
        !joint || !objective.adds_replay_action(),
        "joint",
        true,
        "not with awac or awr: nobody knows the branch of an action taken earlier",
    )?;
    let scores = !matches!(objective, Objective::ReverseKlStl | Objective::ReverseKlBranches);
    let allowed = format!("without effect with {}, which scores no whole action", objective.name());
    require(!joint || scores, "joint", true, &allowed)
}
