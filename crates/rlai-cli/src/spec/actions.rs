//! The settings of a run with an objective over actions.

use rlai::env::{ActionShape, TaskInfo};
use rlai::train::{
    ConfigError, CriticTarget, Objective, Temperature, TemperatureTarget, TrainConfig,
};

use super::reading::{WholeNumbers, choice, name_of, number_or};
use super::{Method, SCHEDULES, TEMPERATURE_LOSSES, estimation, policy, refuse_tuning, trajectory};
use crate::settings::{NumberOrWord, Settings};
use crate::text::{did_you_mean, listed};

/// Random steps before the first update, on a MuJoCo task and on the small tasks of the library.
const LEARNING_STARTS: (u64, u64) = (10_000, 1_000);

const CRITIC_TARGETS: [(&str, CriticTarget); 3] = [
    ("soft", CriticTarget::Soft),
    ("classic", CriticTarget::Classic),
    ("soft-optimal", CriticTarget::SoftOptimal),
];

/// An objective over actions, with its settings.
pub(super) fn read(settings: &Settings, task: &TaskInfo) -> Result<Method, ConfigError> {
    let names = trajectory::all_names();
    let shape = ActionShape::from(&task.action);
    let objective = match settings.objective.as_deref() {
        Some(name) if !names.contains(&name) => {
            let allowed = format!("{}{}", listed(&names), did_you_mean(name, &names));
            return Err(ConfigError::new("objective", format!("{name:?}"), allowed));
        }
        _ => {
            let default = match shape.only_choices() {
                Some(_) => Objective::ReverseKlAllActions,
                None if shape.coordinates == 0 => Objective::ReverseKlScore,
                None => Objective::ReverseKl,
            };
            choice("objective", &settings.objective, default, &objectives())?
        }
    };
    trajectory::refuse_beside_actions(settings)?;
    let mut whole = WholeNumbers::default();
    let config = fill(settings, task, objective, &mut whole)?;
    whole.refuse_negative(config.check())?;
    let head = config.policy.head::<f32>(&shape).map_err(|reason| {
        ConfigError::new("policy", format!("{:?}", config.policy.kind.name()), reason)
    })?;
    config.check_head(&*head).map_err(|error| policy::blame_typed(settings, error))?;
    policy::refuse_missing_parts(settings, config.policy.kind)?;
    Ok(Method::Actions(config))
}

/// Every objective under its name.
fn objectives() -> [(&'static str, Objective); Objective::ALL.len()] {
    Objective::ALL.map(|objective| (objective.name(), objective))
}

fn fill(
    settings: &Settings,
    task: &TaskInfo,
    objective: Objective,
    whole: &mut WholeNumbers,
) -> Result<TrainConfig, ConfigError> {
    let s = settings;
    let shape = ActionShape::from(&task.action);
    let mut defaults = TrainConfig::for_actions(objective, &shape);
    let policy = policy::distribution(s, defaults.policy, whole)?;
    if !objective.lists_actions() {
        defaults.samples = objective.default_samples_of(policy.kind);
    }
    if task.temperature.is_some() {
        defaults.gamma = 1.0;
    }
    let steps = whole.read("steps", s.steps, defaults.steps);
    let rate = s.learning_rate.unwrap_or(defaults.critic_learning_rate);
    let critic_target =
        choice("critic_target", &s.critic_target, defaults.critic_target, &CRITIC_TARGETS)?;
    let hidden = s
        .hidden
        .clone()
        .unwrap_or_else(|| defaults.hidden.iter().map(|&width| width as i64).collect());
    Ok(TrainConfig {
        objective: defaults.objective,
        samples: whole.size("samples", s.samples, defaults.samples),
        estimation: estimation::read(s, defaults.estimation, whole)?,
        steps,
        learning_starts: whole.read(
            "learning_starts",
            s.learning_starts,
            default_learning_starts(task).min(steps),
        ),
        seed: whole.read("seed", s.seed, defaults.seed),
        buffer: whole.size("buffer", s.buffer, defaults.buffer),
        threads: whole.size("threads", s.threads, defaults.threads),
        batch: whole.size("batch", s.batch, defaults.batch),
        updates_per_step: whole.size(
            "updates_per_step",
            s.updates_per_step,
            defaults.updates_per_step,
        ),
        gamma: s.gamma.unwrap_or(defaults.gamma),
        polyak: s.polyak.unwrap_or(defaults.polyak),
        critic_learning_rate: rate,
        policy_learning_rate: s.policy_learning_rate.unwrap_or(rate),
        temperature_learning_rate: s.temperature_learning_rate.unwrap_or(rate),
        learning_rate_schedule: choice(
            "learning_rate_schedule",
            &s.learning_rate_schedule,
            defaults.learning_rate_schedule,
            &SCHEDULES,
        )?,
        hidden: hidden.into_iter().map(|width| whole.size("hidden", Some(width), 0)).collect(),
        critic_target,
        temperature: temperature(s, &defaults, critic_target, task)?,
        temperature_loss: choice(
            "temperature_loss",
            &s.temperature_loss,
            defaults.temperature_loss,
            &TEMPERATURE_LOSSES,
        )?,
        n_step: whole.size("n_step", s.n_step, defaults.n_step),
        max_gradient_norm: number_or("max_gradient_norm", &s.max_gradient_norm, "none")?
            .or(defaults.max_gradient_norm),
        policy,
        initial_policy: policy::start(s)?,
        default_policy: policy::default_policy(s, whole)?,
        normalise_observations: s.normalise_observations.unwrap_or(defaults.normalise_observations),
        exploration: policy::exploration(s, whole)?,
        evaluate_every: whole.read("evaluate_every", s.evaluate_every, defaults.evaluate_every),
        evaluation_episodes: whole.size(
            "evaluation_episodes",
            s.evaluation_episodes,
            defaults.evaluation_episodes,
        ),
        log_every: whole.read("log_every", s.log_every, defaults.log_every),
        pareto_k: s.pareto_k.unwrap_or(defaults.pareto_k),
        checkpoint_every: whole.read(
            "checkpoint_every",
            s.checkpoint_every,
            defaults.checkpoint_every,
        ),
    })
}

fn default_learning_starts(task: &TaskInfo) -> u64 {
    let large = rlai_mujoco::tasks().iter().any(|mujoco| mujoco.id == task.id);
    if large { LEARNING_STARTS.0 } else { LEARNING_STARTS.1 }
}

fn temperature(
    s: &Settings,
    defaults: &TrainConfig,
    critic_target: CriticTarget,
    task: &TaskInfo,
) -> Result<Temperature, ConfigError> {
    let tuned = Temperature::tuned_for(&(&task.action).into());
    let with_target = TrainConfig { critic_target, ..defaults.clone() };
    if !with_target.uses_temperature() {
        let only = "without effect: the objective has no temperature, and critic_target is classic";
        if let Some(value) = &s.temperature {
            return Err(ConfigError::new("temperature", value, only));
        }
        return refuse_tuning(s, only).map(|()| defaults.temperature);
    }
    if let Some(alpha) = number_or("temperature", &s.temperature, "auto")? {
        return refuse_tuning(s, "only with temperature = \"auto\"")
            .map(|()| Temperature::Fixed(alpha));
    }
    if let (Some(alpha), None) = (task.temperature, &s.temperature) {
        let only = "only with temperature = \"auto\": this task has a temperature of its own";
        return refuse_tuning(s, only).map(|()| Temperature::Fixed(alpha));
    }
    let Temperature::Tuned { initial, target } = tuned else { return Ok(tuned) };
    let entropy = number_or("target_entropy", &s.target_entropy, "auto")?;
    let target = match (s.target_kl, entropy) {
        (Some(kappa), None) => TemperatureTarget::Kl(kappa),
        (Some(kappa), Some(_)) => {
            let allowed = "not beside target_entropy: the temperature meets one of them";
            return Err(ConfigError::new("target_kl", kappa, allowed));
        }
        (None, entropy) => entropy.map_or(target, TemperatureTarget::Entropy),
    };
    Ok(Temperature::Tuned { initial: s.initial_temperature.unwrap_or(initial), target })
}

pub(super) fn write(config: &TrainConfig) -> Settings {
    let whole = |number: u64| Some(number as i64);
    let size = |number: usize| Some(number as i64);
    let mut settings = Settings {
        objective: Some(config.objective.name().to_owned()),
        samples: size(config.samples),
        steps: whole(config.steps),
        learning_starts: whole(config.learning_starts),
        seed: whole(config.seed),
        buffer: size(config.buffer),
        threads: size(config.threads),
        batch: size(config.batch),
        updates_per_step: size(config.updates_per_step),
        gamma: Some(config.gamma),
        polyak: Some(config.polyak),
        learning_rate: Some(config.critic_learning_rate),
        policy_learning_rate: Some(config.policy_learning_rate),
        temperature_learning_rate: Some(config.temperature_learning_rate),
        learning_rate_schedule: Some(name_of(config.learning_rate_schedule, &SCHEDULES)),
        hidden: Some(config.hidden.iter().map(|&width| width as i64).collect()),
        n_step: size(config.n_step),
        max_gradient_norm: Some(match config.max_gradient_norm {
            Some(norm) => NumberOrWord::Number(norm),
            None => NumberOrWord::Word("none".to_owned()),
        }),
        critic_target: Some(name_of(config.critic_target, &CRITIC_TARGETS)),
        evaluate_every: whole(config.evaluate_every),
        evaluation_episodes: size(config.evaluation_episodes),
        log_every: whole(config.log_every),
        pareto_k: Some(config.pareto_k),
        checkpoint_every: whole(config.checkpoint_every),
        ..Settings::default()
    };
    estimation::write(config, &mut settings);
    policy::write(config, &mut settings);
    settings
}
