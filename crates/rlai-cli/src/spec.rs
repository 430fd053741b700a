//! From what was typed to what it means: [`Settings`] checked into a [`RunSpec`].

use std::path::{Path, PathBuf};

use rlai::env::TaskInfo;
use rlai::files;
use rlai::train::{
    ConfigError, Schedule, Temperature, TemperatureLoss, TemperatureTarget, TrainConfig,
    TrajectoryConfig, TrajectoryObjective,
};

mod actions;
mod estimation;
mod paths;
mod policy;
mod reading;
mod trajectory;

use crate::settings::{NumberOrWord, Settings};
use crate::tasks;
use crate::text::thousands;
pub use paths::{made_whole, only_moved};
use reading::{WholeNumbers, name_of};
pub use trajectory::is_of_trajectories;

const TEMPERATURE_LOSSES: [(&str, TemperatureLoss); 2] =
    [("log-alpha", TemperatureLoss::LogAlpha), ("alpha", TemperatureLoss::Alpha)];
const SCHEDULES: [(&str, Schedule); 2] =
    [("constant", Schedule::Constant), ("linear", Schedule::Linear)];

/// Most evaluations of a run. Its result and its checkpoints hold them all, at no more than 200 bytes each: with
/// these they stay well within what is read of them again, 64 MiB.
pub const MOST_EVALUATIONS: u64 = 200_000;

/// A checked run: everything that determines it, and where it goes.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSpec {
    /// Name of the task.
    pub env: String,
    /// How to train.
    pub method: Method,
    /// Folder of the run.
    pub out: PathBuf,
    /// Checkpoints that are kept.
    pub keep_checkpoints: usize,
    /// Whether the replay outlives the run.
    pub keep_replay: bool,
    /// Whether an event file of TensorBoard is written beside the metrics.
    pub tensorboard: bool,
    /// Folder whose networks the run starts from.
    pub init_from: Option<PathBuf>,
    /// File with the steps to learn from, instead of playing.
    pub dataset: Option<PathBuf>,
    /// Hash of the files that the run learns from, if there are any.
    input_blake3: Option<String>,
    /// The settings that were given: the rest are defaults.
    given: Settings,
    is_box: bool,
    /// The task is a tabular one, with a temperature and a default policy of its own.
    is_tabular: bool,
    time_limit: Option<usize>,
}

/// How to train: what the policy learns from.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// Actions drawn in states of the replay.
    Actions(TrainConfig),
    /// Whole trajectories of the policy.
    Trajectories(TrajectoryConfig),
}

impl Method {
    /// Environment steps of the run.
    pub fn steps(&self) -> u64 {
        match self {
            Self::Actions(config) => config.steps,
            Self::Trajectories(config) => config.steps,
        }
    }

    /// Its seed.
    pub fn seed(&self) -> u64 {
        match self {
            Self::Actions(config) => config.seed,
            Self::Trajectories(config) => config.seed,
        }
    }

    /// Steps between evaluations.
    pub fn evaluate_every(&self) -> u64 {
        match self {
            Self::Actions(config) => config.evaluate_every,
            Self::Trajectories(config) => config.evaluate_every,
        }
    }

    /// Steps with random actions before the first update.
    pub fn learning_starts(&self) -> u64 {
        match self {
            Self::Actions(config) => config.learning_starts,
            Self::Trajectories(_) => 0,
        }
    }

    /// Episodes of one evaluation.
    pub fn evaluation_episodes(&self) -> usize {
        match self {
            Self::Actions(config) => config.evaluation_episodes,
            Self::Trajectories(config) => config.evaluation_episodes,
        }
    }

    /// The objective's name.
    pub fn objective(&self) -> &'static str {
        match self {
            Self::Actions(config) => config.objective.name(),
            Self::Trajectories(config) => config.objective.name(),
        }
    }

    fn temperature(&self) -> Option<(Temperature, TemperatureLoss)> {
        match self {
            Self::Actions(config) => {
                config.uses_temperature().then_some((config.temperature, config.temperature_loss))
            }
            Self::Trajectories(config) => Some((config.temperature, config.temperature_loss)),
        }
    }
}

impl RunSpec {
    /// What `settings` mean, defaults filled in.
    ///
    /// # Errors
    /// The first refused key with its value and what is allowed.
    pub fn check(settings: &Settings) -> Result<Self, ConfigError> {
        // First of all: what is not text cannot be written down, not even to be refused.
        check_path("out", settings.out.as_ref())?;
        check_path("init_from", settings.init_from.as_ref())?;
        check_path("dataset", settings.dataset.as_ref())?;
        // A policy remembers its task, wherever it is asked for it.
        let task = find_task(made_whole(settings).env.as_deref())?;
        refuse_lab_only(settings.objective.as_deref())?;
        let method = match trajectory::objective(settings.objective.as_deref()) {
            Some(objective) => trajectories(settings, objective, &task)?,
            None => actions::read(settings, &task)?,
        };
        let out = settings.out.clone().unwrap_or_else(|| {
            let named = settings.env.as_deref().unwrap_or(&task.id);
            let (task, objective) = (folder_name(named), method.objective());
            format!("runs/{task}-{objective}-seed{}", method.seed()).into()
        });
        check_offline(settings)?;
        check_evaluations(&method)?;
        Ok(Self {
            is_box: task.action.as_box().is_some(),
            is_tabular: task.temperature.is_some(),
            time_limit: task.time_limit,
            env: task.id,
            method,
            out,
            keep_checkpoints: keep_checkpoints(settings)?,
            keep_replay: settings.keep_replay.unwrap_or(true),
            tensorboard: settings.tensorboard.unwrap_or(false),
            init_from: settings.init_from.clone(),
            dataset: settings.dataset.clone(),
            input_blake3: input_blake3(settings)?,
            given: settings.clone(),
        })
    }

    /// The same with another seed, in another folder.
    pub fn with_seed(&self, seed: u64, out: PathBuf) -> Self {
        let mut spec = self.clone();
        match &mut spec.method {
            Method::Actions(config) => config.seed = seed,
            Method::Trajectories(config) => config.seed = seed,
        }
        (spec.given.seed, spec.given.out) = (Some(seed as i64), Some(out.clone()));
        spec.out = out;
        spec
    }

    /// The settings that mean exactly this run from any folder, every key written out.
    pub fn to_settings(&self) -> Settings {
        let mut settings = match &self.method {
            Method::Actions(config) => actions::write(config),
            Method::Trajectories(config) => trajectory::write(config, self.is_box),
        };
        settings.env = Some(self.env.clone());
        settings.out = Some(self.out.clone());
        settings.init_from = self.init_from.clone();
        settings.keep_checkpoints = Some(self.keep_checkpoints as i64);
        settings.keep_replay = Some(self.keep_replay);
        settings.tensorboard = self.tensorboard.then_some(true);
        let temperature = self.method.temperature();
        if let Some((temperature, loss)) = temperature {
            write_temperature(temperature, loss, &mut settings);
        }
        if !matches!(temperature, Some((Temperature::Tuned { .. }, _))) {
            settings.temperature_learning_rate = None;
        }
        settings.dataset = self.dataset.clone();
        settings.input_blake3 = self.input_blake3.clone();
        if self.dataset.is_some() {
            (settings.learning_starts, settings.buffer, settings.exploration) = (None, None, None);
        }
        made_whole(&settings)
    }

    /// Steps after which an episode of the task is cut off, if it ever is.
    pub fn time_limit(&self) -> Option<usize> {
        self.time_limit
    }

    /// Whether its checkpoints hold a replay of its own.
    pub fn has_replay(&self) -> bool {
        matches!(self.method, Method::Actions(_)) && self.dataset.is_none()
    }

    /// What to know before the run: that it may learn nothing.
    pub fn note(&self) -> Option<String> {
        let steps = self.method.steps();
        let config = match &self.method {
            Method::Trajectories(config) => config,
            Method::Actions(config) => {
                let starts = config.learning_starts;
                let note = format!(
                    "learning_starts = {starts} is not below steps = {steps}: all steps are random, nothing is learned"
                );
                if self.dataset.is_none() && starts >= steps {
                    return Some(note);
                }
                let own = "the process' own pi0 and Z0 are not used: with an objective over actions \
                           the default policy is that of default_policy";
                return self.is_tabular.then(|| own.to_owned());
            }
        };
        let (count, limit) = (config.trajectories as u64, self.time_limit? as u64);
        let note = format!(
            "trajectories = {count} of up to {limit} steps each may not end within steps = {steps}: then nothing is learned, an update needs them whole"
        );
        (count.saturating_mul(limit) > steps).then_some(note)
    }

    /// The whole configuration as a TOML file.
    pub fn to_toml(&self) -> String {
        toml::to_string(&self.to_settings()).expect("settings are plain values")
    }

    /// The same for use with other flags: what follows from the task, the objective, the seed or a
    /// file is left to follow from them.
    pub fn to_reusable_toml(&self) -> String {
        let mut settings = self.to_settings();
        settings.out = self.given.out.clone();
        // Beside the file that they are printed to, what it names is where it was.
        settings.env = self.given.env.clone();
        settings.dataset = self.dataset.clone();
        settings.init_from = self.init_from.clone();
        if self.given.default_policy.is_some() {
            settings.default_policy = self.given.default_policy.clone();
        }
        // Another data set or process may follow.
        settings.input_blake3 = None;
        let given = matches!(self.given.target_entropy, Some(NumberOrWord::Number(_)));
        if settings.target_entropy.is_some() && !given {
            settings.target_entropy = Some(NumberOrWord::Word("auto".to_owned()));
        }
        toml::to_string(&settings).expect("settings are plain values")
    }
}

/// Hash of the files that a run learns from. What they hold is part of the run, as its settings are. A
/// file that cannot be read is told of by whoever needs it.
fn input_blake3(s: &Settings) -> Result<Option<String>, ConfigError> {
    let process = s.env.as_deref().and_then(tasks::file_of).map(|(_, file)| file.to_owned());
    let default_policy = s.default_policy.as_deref().filter(|word| paths::names_a_run(word));
    let default_policy = default_policy.and_then(manifest_of);
    let mut hasher = blake3::Hasher::new();
    let mut found = false;
    for path in s.dataset.iter().chain(&process).chain(&default_policy) {
        if let Ok(file) = files::open(path) {
            found |= hasher.update_reader(file).is_ok();
        }
    }
    let hash = found.then(|| hasher.finalize().to_hex().to_string());
    match (&s.input_blake3, &hash) {
        (Some(recorded), Some(hash)) if recorded != hash => {
            let allowed =
                format!("the file that the run learns from has changed: it is {hash} now");
            Err(ConfigError::new("input_blake3", format!("{recorded:?}"), allowed))
        }
        _ => Ok(hash),
    }
}

/// Fewer than one would leave nothing to go on from.
fn keep_checkpoints(s: &Settings) -> Result<usize, ConfigError> {
    let keep = s.keep_checkpoints.unwrap_or(2);
    let refused = || ConfigError::new("keep_checkpoints", keep, "at least 1");
    usize::try_from(keep).ok().filter(|&keep| keep >= 1).ok_or_else(refused)
}

/// The file that says which parameters the policy in a run's folder has.
fn manifest_of(folder: &str) -> Option<PathBuf> {
    let file = rlai::checkpoint::folder_of(Path::new(folder)).join("manifest.json");
    file.is_file().then_some(file)
}

/// Every evaluation is kept, and what was written must be read again.
fn check_evaluations(method: &Method) -> Result<(), ConfigError> {
    let (steps, every) = (method.steps(), method.evaluate_every());
    let least = steps.div_ceil(MOST_EVALUATIONS);
    if every >= least {
        return Ok(());
    }
    let most = thousands(MOST_EVALUATIONS);
    let allowed =
        format!("at least {least} with steps = {steps}: at most {most} evaluations are kept");
    Err(ConfigError::new("evaluate_every", every, allowed))
}

/// With a data set nothing is played: settings of playing would silently do nothing.
fn check_offline(s: &Settings) -> Result<(), ConfigError> {
    if s.dataset.is_none() {
        return Ok(());
    }
    let without = "without effect: with a data set nothing is played or stored";
    for (key, value) in [("learning_starts", s.learning_starts), ("buffer", s.buffer)] {
        if let Some(value) = value {
            return Err(ConfigError::new(key, value, without));
        }
    }
    match &s.exploration {
        Some(word) => Err(ConfigError::new("exploration", format!("{word:?}"), without)),
        None => Ok(()),
    }
}

/// An objective on trajectories, with its settings. What only the task itself can tell is checked when
/// the run is built.
fn trajectories(
    settings: &Settings,
    objective: TrajectoryObjective,
    task: &TaskInfo,
) -> Result<Method, ConfigError> {
    let mut whole = WholeNumbers::default();
    let config = trajectory::read(settings, objective, task, &mut whole)?;
    whole.refuse_negative(config.check_settings())?;
    Ok(Method::Trajectories(config))
}

/// A task's name as part of a folder's: of a process file its stem.
fn folder_name(task: &str) -> String {
    match task.split_once(':') {
        None => task.to_owned(),
        Some((kind, file)) => {
            let stem = Path::new(file).file_stem().unwrap_or_default();
            format!("{kind}-{}", stem.to_string_lossy().replace(':', "-"))
        }
    }
}

/// Paths are written to files as text.
fn check_path(key: &'static str, path: Option<&PathBuf>) -> Result<(), ConfigError> {
    match path {
        Some(path) if path.to_str().is_none() => {
            Err(ConfigError::new(key, format!("{path:?}"), "a path that is valid UTF-8"))
        }
        _ => Ok(()),
    }
}

fn write_temperature(temperature: Temperature, loss: TemperatureLoss, settings: &mut Settings) {
    match temperature {
        Temperature::Fixed(alpha) => settings.temperature = Some(NumberOrWord::Number(alpha)),
        Temperature::Tuned { initial, target } => {
            settings.temperature = Some(NumberOrWord::Word("auto".to_owned()));
            settings.initial_temperature = Some(initial);
            match target {
                TemperatureTarget::Entropy(entropy) => {
                    settings.target_entropy = Some(NumberOrWord::Number(entropy));
                }
                TemperatureTarget::Kl(kappa) => settings.target_kl = Some(kappa),
            }
            settings.temperature_loss = Some(name_of(loss, &TEMPERATURE_LOSSES));
        }
    }
}

/// Estimators that are no objective of their own, and why.
const LAB_ONLY: [(&str, &str); 3] = [
    (
        "reverse-kl-value-baseline",
        "it needs the exact value of each state: `rlai lab estimators` has it, training has not",
    ),
    (
        "forward-kl-trajectory-known-evidence",
        "it needs log p(O): `rlai lab estimators` has it, training has not",
    ),
    (
        "forward-kl-exact",
        "it needs the exact posterior: `rlai lab estimators` has it, training has not",
    ),
];

fn refuse_lab_only(objective: Option<&str>) -> Result<(), ConfigError> {
    match LAB_ONLY.iter().find(|(name, _)| objective == Some(name)) {
        None => Ok(()),
        Some((name, reason)) => Err(ConfigError::new("objective", format!("{name:?}"), *reason)),
    }
}

fn find_task(id: Option<&str>) -> Result<TaskInfo, ConfigError> {
    let missing = "a task is needed; `rlai env list` names them";
    id.map_or_else(|| Err(ConfigError::new("env", "\"\"", missing)), tasks::find)
}

/// A setting of the tuning beside a fixed temperature would silently do nothing.
fn refuse_tuning(s: &Settings, only: &str) -> Result<(), ConfigError> {
    for (key, value) in [
        ("initial_temperature", s.initial_temperature),
        ("target_kl", s.target_kl),
        ("temperature_learning_rate", s.temperature_learning_rate),
    ] {
        if let Some(value) = value {
            return Err(ConfigError::new(key, value, only));
        }
    }
    if let Some(value) = &s.target_entropy {
        return Err(ConfigError::new("target_entropy", value, only));
    }
    match &s.temperature_loss {
        Some(value) => Err(ConfigError::new("temperature_loss", format!("{value:?}"), only)),
        None => Ok(()),
    }
}
