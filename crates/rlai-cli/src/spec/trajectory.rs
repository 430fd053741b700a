//! The settings of a run on whole trajectories.

use rlai::env::TaskInfo;
use rlai::estimator::trajectory::{Baseline, StateWeights};
use rlai::train::{
    ConfigError, MpoBounds, Objective, Temperature, TemperatureTarget, TrajectoryConfig,
    TrajectoryObjective, ValueSource,
};

use super::reading::{WholeNumbers, choice, name_of, number_or, shown};
use super::{SCHEDULES, TEMPERATURE_LOSSES, refuse_tuning};
use crate::settings::{NumberOrWord, Settings};

const VALUES: [(&str, ValueSource); 2] =
    [("learned", ValueSource::Learned), ("exact", ValueSource::Exact)];

/// Keys that have an effect with every objective on trajectories.
const ALWAYS: [&str; 27] = [
    "env",
    "objective",
    "steps",
    "seed",
    "out",
    "init_from",
    "learning_rate",
    "policy_learning_rate",
    "temperature_learning_rate",
    "learning_rate_schedule",
    "hidden",
    "max_gradient_norm",
    "temperature",
    "initial_temperature",
    "temperature_loss",
    "target_entropy",
    "evaluate_every",
    "evaluation_episodes",
    "log_every",
    "checkpoint_every",
    "keep_checkpoints",
    "keep_replay",
    "tensorboard",
    "versions",
    "input_blake3",
    "trajectories",
    "policy_updates",
];

/// The objective on trajectories of this name, if there is one.
pub(super) fn objective(name: Option<&str>) -> Option<TrajectoryObjective> {
    TrajectoryObjective::ALL.into_iter().find(|objective| Some(objective.name()) == name)
}

/// Whether these settings have an objective on trajectories, which knows other ones than those on actions.
pub fn is_of_trajectories(settings: &Settings) -> bool {
    objective(settings.objective.as_deref()).is_some()
}

/// The names of all objectives, those over actions first.
pub(super) fn all_names() -> Vec<&'static str> {
    let actions = Objective::ALL.iter().map(|objective| objective.name());
    actions.chain(TrajectoryObjective::ALL.iter().map(|objective| objective.name())).collect()
}

/// Refuses settings of trajectories beside an objective over actions.
pub(super) fn refuse_beside_actions(s: &Settings) -> Result<(), ConfigError> {
    let only = "only with an objective on trajectories: reverse-kl-trajectory, reverse-kl-reward-to-go, reverse-kl-marginal, forward-kl-trajectory, forward-kl-marginal or v-mpo";
    let table = s.to_table();
    for key in [
        "trajectories",
        "state_weights",
        "baseline",
        "discount_states",
        "values",
        "policy_updates",
        "value_updates",
    ] {
        if let Some(value) = table.get(key) {
            return Err(ConfigError::new(key, shown(value), only));
        }
    }
    Ok(())
}

/// Whether `key` has an effect with the rest of `config` on a task with a box of actions, or without
/// one.
fn has_effect(key: &str, config: &TrajectoryConfig, is_box: bool) -> bool {
    let objective = config.objective;
    let reverse = matches!(
        objective,
        TrajectoryObjective::ReverseKlTrajectory | TrajectoryObjective::ReverseKlRewardToGo
    );
    match key {
        // A value is of discounted rewards, whatever the objective.
        "gamma" => objective.discounts() || config.uses_values(),
        "values" => config.uses_values(),
        "value_updates" => config.uses_values() && config.values == ValueSource::Learned,
        "samples" | "state_weights" => objective.is_marginal(),
        "baseline" => reverse,
        "discount_states" => objective == TrajectoryObjective::ReverseKlRewardToGo,
        "mpo_weights" | "mpo_mean" | "dual_learning_rate" => objective == TrajectoryObjective::VMpo,
        "mpo_scale" => objective == TrajectoryObjective::VMpo && is_box,
        "log_std_min" | "log_std_max" => is_box,
        _ => ALWAYS.contains(&key),
    }
}

fn refuse_without_effect(
    s: &Settings,
    config: &TrajectoryConfig,
    task: &TaskInfo,
) -> Result<(), ConfigError> {
    let is_box = task.action.as_box().is_some();
    let table = s.to_table();
    for key in Settings::keys() {
        let Some(value) = table.get(&key) else { continue };
        if !has_effect(&key, config, is_box) {
            let name = config.objective.name();
            let allowed = match key.as_str() {
                "gamma" | "values" | "value_updates" => {
                    format!(
                        "without effect with {name} and the other settings: no value is learned"
                    )
                }
                _ => format!("without effect with {name} on {}", task.id),
            };
            // A key of the settings is one of the names in the program.
            return Err(ConfigError::new(Box::leak(key.into_boxed_str()), shown(value), allowed));
        }
    }
    Ok(())
}

/// What the settings say, defaults filled in.
pub(super) fn read(
    s: &Settings,
    objective: TrajectoryObjective,
    task: &TaskInfo,
    whole: &mut WholeNumbers,
) -> Result<TrajectoryConfig, ConfigError> {
    let d = TrajectoryConfig::defaults(objective, &task.action, task.temperature);
    let hidden = s.hidden.clone();
    let hidden = hidden.unwrap_or_else(|| d.hidden.iter().map(|&width| width as i64).collect());
    let rate = |given: Option<f64>, default| given.or(s.learning_rate).unwrap_or(default);
    let bounds = d.bounds;
    let config = TrajectoryConfig {
        objective,
        trajectories: whole.size("trajectories", s.trajectories, d.trajectories),
        state_weights: choice(
            "state_weights",
            &s.state_weights,
            d.state_weights,
            &StateWeights::ALL.map(|weights| (weights.name(), weights)),
        )?,
        samples: match s.samples {
            Some(samples) => Some(whole.size("samples", Some(samples), 0)),
            None => d.samples,
        },
        baseline: choice(
            "baseline",
            &s.baseline,
            d.baseline,
            &Baseline::ALL.map(|baseline| (baseline.name(), baseline)),
        )?,
        discount_states: s.discount_states.unwrap_or(d.discount_states),
        values: choice("values", &s.values, d.values, &VALUES)?,
        policy_updates: whole.size("policy_updates", s.policy_updates, d.policy_updates),
        value_updates: whole.size("value_updates", s.value_updates, d.value_updates),
        steps: whole.read("steps", s.steps, d.steps),
        seed: whole.read("seed", s.seed, d.seed),
        gamma: s.gamma.unwrap_or(d.gamma),
        value_learning_rate: s.learning_rate.unwrap_or(d.value_learning_rate),
        policy_learning_rate: rate(s.policy_learning_rate, d.policy_learning_rate),
        temperature_learning_rate: s
            .temperature_learning_rate
            .unwrap_or(d.temperature_learning_rate),
        learning_rate_schedule: choice(
            "learning_rate_schedule",
            &s.learning_rate_schedule,
            d.learning_rate_schedule,
            &SCHEDULES,
        )?,
        hidden: hidden.into_iter().map(|width| whole.size("hidden", Some(width), 0)).collect(),
        temperature: temperature(s, &d, task)?,
        temperature_loss: choice(
            "temperature_loss",
            &s.temperature_loss,
            d.temperature_loss,
            &TEMPERATURE_LOSSES,
        )?,
        max_gradient_norm: number_or("max_gradient_norm", &s.max_gradient_norm, "none")?
            .or(d.max_gradient_norm),
        log_std_min: s.log_std_min.unwrap_or(d.log_std_min),
        log_std_max: s.log_std_max.unwrap_or(d.log_std_max),
        bounds: MpoBounds {
            weights: s.mpo_weights.unwrap_or(bounds.weights),
            mean: s.mpo_mean.unwrap_or(bounds.mean),
            scale: s.mpo_scale.unwrap_or(bounds.scale),
            choice: bounds.choice,
            learning_rate: s.dual_learning_rate.unwrap_or(bounds.learning_rate),
        },
        evaluate_every: whole.read("evaluate_every", s.evaluate_every, d.evaluate_every),
        evaluation_episodes: whole.size(
            "evaluation_episodes",
            s.evaluation_episodes,
            d.evaluation_episodes,
        ),
        log_every: whole.read("log_every", s.log_every, d.log_every),
        checkpoint_every: whole.read("checkpoint_every", s.checkpoint_every, d.checkpoint_every),
    };
    refuse_without_effect(s, &config, task)?;
    Ok(config)
}

/// A number, `auto`, or what the task says where nothing is said.
fn temperature(
    s: &Settings,
    defaults: &TrajectoryConfig,
    task: &TaskInfo,
) -> Result<Temperature, ConfigError> {
    if let Some(alpha) = number_or("temperature", &s.temperature, "auto")? {
        return refuse_tuning(s, "only with temperature = \"auto\"")
            .map(|()| Temperature::Fixed(alpha));
    }
    if s.temperature.is_none() && task.temperature.is_some() {
        let only = "only with temperature = \"auto\": the task brings its own";
        return refuse_tuning(s, only).map(|()| defaults.temperature);
    }
    let tuned = TrajectoryConfig::defaults(defaults.objective, &task.action, None).temperature;
    let Temperature::Tuned { initial, target } = tuned else { return Ok(tuned) };
    let entropy = number_or("target_entropy", &s.target_entropy, "auto")?;
    Ok(Temperature::Tuned {
        initial: s.initial_temperature.unwrap_or(initial),
        target: entropy.map_or(target, TemperatureTarget::Entropy),
    })
}

/// The settings that mean exactly this configuration, every key with an effect written out.
pub(super) fn write(config: &TrajectoryConfig, task_is_box: bool) -> Settings {
    let whole = |number: u64| Some(number as i64);
    let size = |number: usize| Some(number as i64);
    let settings = Settings {
        objective: Some(config.objective.name().to_owned()),
        trajectories: size(config.trajectories),
        state_weights: Some(config.state_weights.name().to_owned()),
        samples: config.samples.map(|samples| samples as i64),
        baseline: Some(config.baseline.name().to_owned()),
        discount_states: Some(config.discount_states),
        values: Some(name_of(config.values, &VALUES)),
        policy_updates: size(config.policy_updates),
        value_updates: size(config.value_updates),
        steps: whole(config.steps),
        seed: whole(config.seed),
        gamma: Some(config.gamma),
        learning_rate: Some(config.value_learning_rate),
        policy_learning_rate: Some(config.policy_learning_rate),
        temperature_learning_rate: Some(config.temperature_learning_rate),
        learning_rate_schedule: Some(name_of(config.learning_rate_schedule, &SCHEDULES)),
        hidden: Some(config.hidden.iter().map(|&width| width as i64).collect()),
        max_gradient_norm: Some(match config.max_gradient_norm {
            Some(norm) => NumberOrWord::Number(norm),
            None => NumberOrWord::Word("none".to_owned()),
        }),
        log_std_min: Some(config.log_std_min),
        log_std_max: Some(config.log_std_max),
        mpo_weights: Some(config.bounds.weights),
        mpo_mean: Some(config.bounds.mean),
        mpo_scale: Some(config.bounds.scale),
        dual_learning_rate: Some(config.bounds.learning_rate),
        evaluate_every: whole(config.evaluate_every),
        evaluation_episodes: size(config.evaluation_episodes),
        log_every: whole(config.log_every),
        checkpoint_every: whole(config.checkpoint_every),
        ..Settings::default()
    };
    let mut table = settings.to_table();
    table.retain(|key, _| has_effect(key, config, task_is_box));
    table.try_into().expect("settings made of settings are settings")
}
