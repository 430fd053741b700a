//! The policy's settings: its distribution, its start, its default policy, its exploration, what it sees.

use rlai::distribution::{PolicyKind, PolicySettings};
use rlai::train::{ConfigError, DefaultPolicy, ExplorationNoise, TrainConfig};

use super::reading::{WholeNumbers, choice, shown};
use crate::settings::Settings;
use crate::text::{did_you_mean, listed};

/// The words of `default_policy`; whatever else it is names the folder of a run.
pub(super) const DEFAULT_POLICIES: [&str; 4] = ["uniform", "gaussian", "average", "last-update"];

/// Share of the way that a moving average goes to the policy after an update, unless told otherwise.
const AVERAGE_RATE: f64 = 0.001;
/// What an Ornstein-Uhlenbeck process loses a step, unless told otherwise.
const THETA: f64 = 0.15;
/// Steps for which an action is repeated, unless told otherwise.
const REPEATS: usize = 4;

/// The distribution with its settings.
pub(super) fn distribution(
    s: &Settings,
    defaults: PolicySettings,
    whole: &mut WholeNumbers,
) -> Result<PolicySettings, ConfigError> {
    let kinds = PolicyKind::ALL.map(|kind| (kind.name(), kind));
    let kind = choice("policy", &s.policy, defaults.kind, &kinds)?;
    let settings = PolicySettings {
        kind,
        branches: whole.size("branches", s.branches, defaults.branches),
        joint: s.joint.unwrap_or(defaults.joint),
        bins: whole.size("bins", s.bins, defaults.bins),
        log_std_min: s.log_std_min.unwrap_or(defaults.log_std_min),
        log_std_max: s.log_std_max.unwrap_or(defaults.log_std_max),
    };
    let table = s.to_table();
    for key in ["branches", "joint", "bins", "log_std_min", "log_std_max"] {
        if let Some(value) = table.get(key).filter(|_| !has_effect(key, kind)) {
            let allowed = format!("without effect with policy = {:?}", kind.name());
            return Err(ConfigError::new(key, shown(value), allowed));
        }
    }
    Ok(settings)
}

/// Whether a setting of the distribution means something for this one.
fn has_effect(key: &str, kind: PolicyKind) -> bool {
    match key {
        "branches" | "joint" => kind == PolicyKind::Mixture,
        "bins" => kind == PolicyKind::Histogram,
        _ => !matches!(kind, PolicyKind::Beta | PolicyKind::Histogram | PolicyKind::Categorical),
    }
}

/// Whether a bound of MPO's trust region is that of a part that this distribution's divergence has.
fn has_part(key: &str, kind: PolicyKind) -> bool {
    use PolicyKind::{Beta, Categorical, Histogram, Hybrid, Mixture};
    match key {
        "mpo_mean" => !matches!(kind, Histogram | Categorical),
        "mpo_scale" => !matches!(kind, Beta | Histogram | Categorical),
        _ => matches!(kind, Mixture | Hybrid | Histogram | Categorical),
    }
}

/// A bound of a part that the policy's divergence has not would silently do nothing.
pub(super) fn refuse_missing_parts(s: &Settings, kind: PolicyKind) -> Result<(), ConfigError> {
    let given =
        [("mpo_mean", s.mpo_mean), ("mpo_scale", s.mpo_scale), ("mpo_choice", s.mpo_choice)];
    for (key, value) in given {
        if let Some(value) = value.filter(|_| !has_part(key, kind)) {
            let allowed = format!(
                "without effect with policy = {:?}: its divergence has no such part",
                kind.name()
            );
            return Err(ConfigError::new(key, value, allowed));
        }
    }
    Ok(())
}

/// Mean and log standard deviation of the start, if one of them is told.
pub(super) fn start(s: &Settings) -> Result<Option<(f64, f64)>, ConfigError> {
    let typed = match (s.initial_mean, s.initial_log_std) {
        (None, None) => return Ok(None),
        (Some(mean), _) => ("initial_mean", mean),
        (None, Some(log_std)) => ("initial_log_std", log_std),
    };
    if s.init_from.is_some() {
        let (key, value) = typed;
        let allowed = "without effect beside init_from, which says where the policy starts";
        return Err(ConfigError::new(key, value, allowed));
    }
    Ok(Some((s.initial_mean.unwrap_or(0.0), s.initial_log_std.unwrap_or(0.0))))
}

/// What was typed is to blame: the start's mean is also told where only its spread was.
pub(super) fn blame_typed(s: &Settings, error: ConfigError) -> ConfigError {
    match s.initial_log_std {
        Some(log_std) if error.key == "initial_mean" && s.initial_mean.is_none() => {
            ConfigError::new("initial_log_std", log_std, error.allowed)
        }
        _ => error,
    }
}

/// The default policy: one of the words, or the folder of a run.
pub(super) fn default_policy(
    s: &Settings,
    whole: &mut WholeNumbers,
) -> Result<DefaultPolicy, ConfigError> {
    let word = s.default_policy.as_deref().unwrap_or("uniform");
    let period = whole.read("default_policy_period", s.default_policy_period, 1);
    let chosen = match word {
        "uniform" => DefaultPolicy::Uniform,
        "gaussian" => DefaultPolicy::Gaussian {
            mean: s.default_policy_mean.unwrap_or(0.0),
            sd: s.default_policy_sd.unwrap_or(0.5),
        },
        "average" => DefaultPolicy::Average { rate: s.default_policy_rate.unwrap_or(AVERAGE_RATE) },
        "last-update" => DefaultPolicy::LastUpdate { period },
        folder if std::path::Path::new(folder).is_dir() => DefaultPolicy::Run(folder.into()),
        _ => {
            let hint = did_you_mean(word, &DEFAULT_POLICIES);
            let words = listed(&DEFAULT_POLICIES);
            let allowed = format!("{words}, or the folder of a finished run{hint}");
            return Err(ConfigError::new("default_policy", format!("{word:?}"), allowed));
        }
    };
    for (key, given, of) in [
        ("default_policy_mean", s.default_policy_mean, "gaussian"),
        ("default_policy_sd", s.default_policy_sd, "gaussian"),
        ("default_policy_rate", s.default_policy_rate, "average"),
        ("default_policy_period", s.default_policy_period.map(|n| n as f64), "last-update"),
    ] {
        if let Some(value) = given.filter(|_| chosen.name() != of) {
            let allowed = format!("only with default_policy = {of:?}");
            return Err(ConfigError::new(key, value, allowed));
        }
    }
    Ok(chosen)
}

pub(super) fn exploration(
    s: &Settings,
    whole: &mut WholeNumbers,
) -> Result<ExplorationNoise, ConfigError> {
    let names = [
        ("white", ExplorationNoise::White),
        ("pink", ExplorationNoise::Pink),
        ("ornstein-uhlenbeck", {
            ExplorationNoise::OrnsteinUhlenbeck(s.exploration_theta.unwrap_or(THETA))
        }),
        ("repeat", {
            let steps = whole.size("exploration_steps", s.exploration_steps, REPEATS);
            ExplorationNoise::Repeat(steps)
        }),
    ];
    let chosen = choice("exploration", &s.exploration, ExplorationNoise::White, &names)?;
    for (key, given, of) in [
        ("exploration_theta", s.exploration_theta, "ornstein-uhlenbeck"),
        ("exploration_steps", s.exploration_steps.map(|n| n as f64), "repeat"),
    ] {
        if let Some(value) = given.filter(|_| chosen.name() != of) {
            let allowed = format!("only with exploration = {of:?}");
            return Err(ConfigError::new(key, value, allowed));
        }
    }
    Ok(chosen)
}

/// Writes out every key that has an effect with this configuration.
pub(super) fn write(config: &TrainConfig, settings: &mut Settings) {
    let PolicySettings { kind, branches, joint, bins, log_std_min, log_std_max } = config.policy;
    settings.policy = Some(kind.name().to_owned());
    let when = |key, value| has_effect(key, kind).then_some(value);
    settings.branches = when("branches", branches as i64);
    settings.joint = has_effect("joint", kind).then_some(joint);
    settings.bins = when("bins", bins as i64);
    settings.log_std_min = has_effect("log_std_min", kind).then_some(log_std_min);
    settings.log_std_max = has_effect("log_std_max", kind).then_some(log_std_max);
    for (key, bound) in [
        ("mpo_mean", &mut settings.mpo_mean),
        ("mpo_scale", &mut settings.mpo_scale),
        ("mpo_choice", &mut settings.mpo_choice),
    ] {
        *bound = bound.filter(|_| has_part(key, kind));
    }
    settings.initial_mean = config.initial_policy.map(|(mean, _)| mean);
    settings.initial_log_std = config.initial_policy.map(|(_, log_std)| log_std);
    settings.normalise_observations = Some(config.normalise_observations);
    settings.default_policy = Some(config.default_policy.name().to_owned());
    match &config.default_policy {
        DefaultPolicy::Uniform => {}
        DefaultPolicy::Gaussian { mean, sd } => {
            settings.default_policy_mean = Some(*mean);
            settings.default_policy_sd = Some(*sd);
        }
        DefaultPolicy::Run(folder) => {
            settings.default_policy = Some(folder.to_string_lossy().into_owned());
        }
        DefaultPolicy::Average { rate } => settings.default_policy_rate = Some(*rate),
        DefaultPolicy::LastUpdate { period } => {
            settings.default_policy_period = Some(*period as i64);
        }
    }
    settings.exploration = Some(config.exploration.name().to_owned());
    match config.exploration {
        ExplorationNoise::White | ExplorationNoise::Pink => {}
        ExplorationNoise::OrnsteinUhlenbeck(theta) => settings.exploration_theta = Some(theta),
        ExplorationNoise::Repeat(steps) => settings.exploration_steps = Some(steps as i64),
    }
}
