//! What a user may set about a run: one struct for flags and files, unchecked.
//!
//! Every field is optional and wide enough to hold a wrong value, so that a wrong value is refused by
//! name and with what is allowed (see [`crate::spec`]), not as a syntax error.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use clap::{Args, Command};
use serde::{Deserialize, Serialize};

/// A number, or one word that stands for a choice (`auto`, `none`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number or a word in quotes")]
pub enum NumberOrWord {
    /// A number.
    Number(f64),
    /// A word.
    Word(String),
}

impl std::fmt::Display for NumberOrWord {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(out, "{number}"),
            Self::Word(word) => write!(out, "{word:?}"),
        }
    }
}

/// A number, or else a word.
///
/// # Errors
/// None: what is no number is a word.
pub fn number_or_word(text: &str) -> Result<NumberOrWord, String> {
    Ok(match text.parse() {
        Ok(number) => NumberOrWord::Number(number),
        Err(_) => NumberOrWord::Word(text.to_owned()),
    })
}

/// Whole numbers as people write them: `1000000`, `1_000_000`, `1e6`.
pub fn whole_number(text: &str) -> Result<i64, String> {
    let digits = text.replace('_', "");
    if let Ok(number) = digits.parse() {
        return Ok(number);
    }
    match digits.parse::<f64>() {
        // Beyond 2^53 a float no longer holds every whole number.
        Ok(number) if number.fract() == 0.0 && number.abs() <= 9.007e15 => Ok(number as i64),
        _ => Err("a whole number is needed, such as 1000, 1_000 or 1e3".to_owned()),
    }
}

/// The settings of a run as they were typed or read. A flag `--like-this` is the key `like_this`.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Task to learn; `rlai env list` names them all. A tabular process: tabular:FILE.json (shows the
    /// state and the time) or tabular-stationary:FILE.json (the state alone); a map: grid:FILE.txt
    #[arg(long, value_name = "ID", help_heading = "What to train")]
    pub env: Option<String>,
    /// Policy update: reverse-kl (soft actor-critic), reverse-kl-stl, reverse-kl-score,
    /// reverse-kl-branches (mixtures, hybrid actions), reverse-kl-all-actions (choices), forward-kl,
    /// forward-kl-all-actions (choices), forward-kl-dreg, mixed-kl, jensen-shannon, alpha-divergence,
    /// mpo, awac or awr; on whole trajectories: reverse-kl-trajectory, reverse-kl-reward-to-go, reverse-kl-marginal,
    /// forward-kl-trajectory, forward-kl-marginal or v-mpo
    /// [default: reverse-kl; reverse-kl-all-actions where actions are choices]
    #[arg(long, value_name = "NAME", help_heading = "What to train")]
    pub objective: Option<String>,
    /// Actions sampled per state for the policy's update
    /// [default: 1 for reverse-kl and reverse-kl-stl (8 with branches), 8 for reverse-kl-branches, 4 for
    /// awac and awr, all choices for those that list them, 16 for the others]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, help_heading = "What to train")]
    pub samples: Option<i64>,
    /// Environment steps of the run [default: 1000000]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, help_heading = "What to train")]
    pub steps: Option<i64>,
    /// Steps with uniformly random actions before the first update
    /// [default: 10000 on MuJoCo tasks, 1000 on others]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, help_heading = "What to train")]
    pub learning_starts: Option<i64>,
    /// Learn from the steps in this file alone (.npz, see docs/datasets.md): a step is an update,
    /// nothing is played but evaluations
    #[arg(long, value_name = "FILE", help_heading = "What to train")]
    pub dataset: Option<PathBuf>,
    /// Seed of every random stream [default: 0]
    #[arg(long, value_name = "K", value_parser = whole_number, allow_hyphen_values = true, help_heading = "What to train")]
    pub seed: Option<i64>,

    /// Folder of the run [default: runs/<env>-<objective>-seed<k>]
    #[arg(long, value_name = "DIR", help_heading = "Files")]
    pub out: Option<PathBuf>,
    /// Start from the trained networks of this run's folder
    #[arg(long, value_name = "DIR", help_heading = "Files")]
    pub init_from: Option<PathBuf>,
    /// Steps between two checkpoints, from which the run can go on [default: 10000]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, help_heading = "Files")]
    pub checkpoint_every: Option<i64>,
    /// Checkpoints to keep, the newest ones [default: 2]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, help_heading = "Files")]
    pub keep_checkpoints: Option<i64>,
    /// Keep the replay of a finished run, without which it cannot go on to more steps
    /// [default: true; false in studies]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Files")]
    pub keep_replay: Option<bool>,
    /// Also write metrics as an event file of TensorBoard, in the folder attempt-N/, line by line
    /// [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Files")]
    pub tensorboard: Option<bool>,

    /// Replay capacity in transitions [default: 1000000]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, help_heading = "Learning")]
    pub buffer: Option<i64>,
    /// Threads of a training step, 1 or 2; results are the same [default: 1]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, help_heading = "Learning")]
    pub threads: Option<i64>,
    /// States per update [default: 256]
    #[arg(long, value_name = "B", value_parser = whole_number, allow_hyphen_values = true, help_heading = "Learning")]
    pub batch: Option<i64>,
    /// Updates per environment step [default: 1]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, help_heading = "Learning")]
    pub updates_per_step: Option<i64>,
    /// Discount, 0 to 1 [default: 0.99; 1 on tabular tasks]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Learning")]
    pub gamma: Option<f64>,
    /// Share of the critics that moves into their targets at each update [default: 0.005]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Learning")]
    pub polyak: Option<f64>,
    /// Adam's step size for critics, policy and temperature
    /// [default: 3e-4; on trajectories 3e-3, for values and policy]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Learning")]
    pub learning_rate: Option<f64>,
    /// Adam's step size for the policy [default: that of --learning-rate]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Learning")]
    pub policy_learning_rate: Option<f64>,
    /// Adam's step size for the temperature
    /// [default: that of --learning-rate; on trajectories 0.01]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Learning")]
    pub temperature_learning_rate: Option<f64>,
    /// Learning rates over the run: constant, or linear down to 0 [default: constant]
    #[arg(long, value_name = "NAME", help_heading = "Learning")]
    pub learning_rate_schedule: Option<String>,
    /// Widths of the hidden layers of every network [default: 256,256; on trajectories 64,64]
    #[arg(long, value_name = "W,W", value_delimiter = ',', value_parser = whole_number, allow_hyphen_values = true, help_heading = "Learning")]
    pub hidden: Option<Vec<i64>>,
    /// Rewards summed before bootstrapping [default: 1]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, help_heading = "Learning")]
    pub n_step: Option<i64>,
    /// Largest norm of a network's gradient, or none [default: none]
    #[arg(long, value_name = "X|none", value_parser = number_or_word, allow_hyphen_values = true, help_heading = "Learning")]
    pub max_gradient_norm: Option<NumberOrWord>,

    /// Forward KL: subtract the control variate 1/N from the weights [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Estimator")]
    pub control_variate: Option<bool>,
    /// Forward KL: power of the weights: none, a number up to 1, alpha (the temperature) or ess
    /// (the largest that keeps --tempering-ess) [default: none]
    #[arg(long, value_name = "none|X|alpha|ess", value_parser = number_or_word, allow_hyphen_values = true, help_heading = "Estimator")]
    pub tempering: Option<NumberOrWord>,
    /// Tempering ess: effective sample size to keep, as a share of N [default: 0.5]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Estimator")]
    pub tempering_ess: Option<f64>,
    /// Forward KL: cut weights at sqrt(N) times their mean [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Estimator")]
    pub truncation: Option<bool>,
    /// Mixed KL: share of forward KL, 0 to 1 [default: 0.5]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Estimator")]
    pub mixed_share: Option<f64>,
    /// Alpha-divergence: order, from 0 (forward KL) to 1 (reverse KL) [default: 0.5]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Estimator")]
    pub divergence_order: Option<f64>,
    /// AWAC, AWR: what advantages are divided by, in reward units [default: 1]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Estimator")]
    pub advantage_temperature: Option<f64>,
    /// MPO, V-MPO: bound on the weights' KL from uniform ones, nats [default: 0.1]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Estimator")]
    pub mpo_weights: Option<f64>,
    /// MPO, V-MPO: bound on KL(old || new policy) by the mean, nats a coordinate [default: 0.01]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Estimator")]
    pub mpo_mean: Option<f64>,
    /// MPO, V-MPO: bound on KL(old || new policy) by the scale, nats a coordinate [default: 0.001]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Estimator")]
    pub mpo_scale: Option<f64>,
    /// MPO: bound on KL(old || new policy) by discrete choices, nats [default: 0.01]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Estimator")]
    pub mpo_choice: Option<f64>,
    /// MPO, V-MPO: Adam's step size for the duals [default: 0.01]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Estimator")]
    pub dual_learning_rate: Option<f64>,
    /// MPO, target-policy proposal: updates between two copies of the policy [default: 100]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, help_heading = "Estimator")]
    pub target_policy_period: Option<i64>,
    /// Where the N actions come from: policy, shifted (half of them moved along the critic's
    /// gradient) or target-policy [default: policy]
    #[arg(long, value_name = "NAME", help_heading = "Estimator")]
    pub proposal: Option<String>,
    /// Share of the actions drawn uniformly from the box [default: 0]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Estimator")]
    pub proposal_uniform: Option<f64>,
    /// Make the action taken one of the N [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Estimator")]
    pub proposal_replay: Option<bool>,
    /// Base noise of the actions: independent, latin-hypercube or low-discrepancy
    /// [default: independent]
    #[arg(long, value_name = "NAME", help_heading = "Estimator")]
    pub noise: Option<String>,

    /// Trajectories per update; particles of particle smoothing [default: 16]
    #[arg(long, value_name = "M", value_parser = whole_number, allow_hyphen_values = true, help_heading = "Trajectories")]
    pub trajectories: Option<i64>,
    /// forward-kl-marginal: what visited states count: uniform, full-trajectory, twisted or
    /// particle-smoothing [default: uniform]
    #[arg(long, value_name = "NAME", help_heading = "Trajectories")]
    pub state_weights: Option<String>,
    /// reverse-kl-trajectory and -reward-to-go: none, leave-one-out or value [default: leave-one-out]
    #[arg(long, value_name = "NAME", help_heading = "Trajectories")]
    pub baseline: Option<String>,
    /// reverse-kl-reward-to-go: weigh step t by gamma^t, the true discounted gradient
    /// [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Trajectories")]
    pub discount_states: Option<bool>,
    /// Values of states and actions: learned, or exact on a tabular task [default: learned]
    #[arg(long, value_name = "NAME", help_heading = "Trajectories")]
    pub values: Option<String>,
    /// Steps of the policy against one batch of trajectories
    /// [default: 10 for v-mpo, 1 for the others]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, help_heading = "Trajectories")]
    pub policy_updates: Option<i64>,
    /// Steps of the value networks against one batch of trajectories [default: 20]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, help_heading = "Trajectories")]
    pub value_updates: Option<i64>,

    /// Next value in the critic's target: soft (entropy counts), classic, or soft-optimal (the best
    /// policy's value, estimated from N actions) [default: soft; classic for mpo, awac and awr]
    #[arg(long, value_name = "NAME", help_heading = "Objective")]
    pub critic_target: Option<String>,
    /// Temperature alpha: auto (tuned to the target entropy) or a number; mpo, awac and awr have
    /// none unless the critic's target is soft; v-mpo's rewards are soft [default: auto; that of its file for a tabular task]
    #[arg(long, value_name = "auto|X", value_parser = number_or_word, allow_hyphen_values = true, help_heading = "Objective")]
    pub temperature: Option<NumberOrWord>,
    /// Tuned temperature: its first value [default: 1]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Objective")]
    pub initial_temperature: Option<f64>,
    /// Tuned temperature: loss, log-alpha or alpha [default: log-alpha]
    #[arg(long, value_name = "NAME", help_heading = "Objective")]
    pub temperature_loss: Option<String>,
    /// Tuned temperature: wanted entropy in nats, auto = -(action dimension), or half
    /// of log K for K choices [default: auto]
    #[arg(long, value_name = "auto|X", value_parser = number_or_word, allow_hyphen_values = true, help_heading = "Objective")]
    pub target_entropy: Option<NumberOrWord>,
    /// Tuned temperature: wanted KL(pi || default policy) in nats, instead of an entropy; from the
    /// normalised uniform one where the default policy is uniform
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Objective")]
    pub target_kl: Option<f64>,

    /// Distribution over a box: tanh-normal, normal, beta, mixture (of tanh-normals) or histogram; over
    /// choices: categorical; over choices with coordinates: hybrid
    /// [default: tanh-normal, categorical or hybrid, as the task's actions are]
    #[arg(long, value_name = "NAME", help_heading = "Policy")]
    pub policy: Option<String>,
    /// Mixture: branches [default: 2]
    #[arg(long, value_name = "K", value_parser = whole_number, allow_hyphen_values = true, help_heading = "Policy")]
    pub branches: Option<i64>,
    /// Mixture: score the branch that was drawn, not the marginal density [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Policy")]
    pub joint: Option<bool>,
    /// Histogram: bins of each coordinate [default: 11]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, help_heading = "Policy")]
    pub bins: Option<i64>,
    /// Lower clamp of the policy's log standard deviation [default: -20]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Policy")]
    pub log_std_min: Option<f64>,
    /// Upper clamp of the policy's log standard deviation [default: 2]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Policy")]
    pub log_std_max: Option<f64>,
    /// Start with this mean before the tanh in every state [default: about 0, as the network has it]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Policy")]
    pub initial_mean: Option<f64>,
    /// Start with this log standard deviation in every state [default: about 0, as the network has it]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Policy")]
    pub initial_log_std: Option<f64>,
    /// Normalise observations by their running mean and variance; stored with the policy
    /// [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Policy")]
    pub normalise_observations: Option<bool>,
    /// How actions of training hang together: white (not at all), pink, ornstein-uhlenbeck or repeat
    /// [default: white]
    #[arg(long, value_name = "NAME", help_heading = "Policy")]
    pub exploration: Option<String>,
    /// Exploration ornstein-uhlenbeck: share of the noise lost a step [default: 0.15]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Policy")]
    pub exploration_theta: Option<f64>,
    /// Exploration repeat: steps for which an action is played [default: 4]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, help_heading = "Policy")]
    pub exploration_steps: Option<i64>,

    /// Policy pi_0 that staying close to is worth alpha a nat: uniform (maximum entropy), gaussian,
    /// average (of the policy itself, moving), last-update, or the folder of a finished run
    /// [default: uniform]
    #[arg(long, value_name = "NAME|DIR", help_heading = "Default policy")]
    pub default_policy: Option<String>,
    /// Gaussian: mean of every coordinate of the action in [-1, 1] [default: 0]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Default policy")]
    pub default_policy_mean: Option<f64>,
    /// Gaussian: standard deviation [default: 0.5]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Default policy")]
    pub default_policy_sd: Option<f64>,
    /// Average: share of the way to the policy that it goes after every update [default: 0.001]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Default policy")]
    pub default_policy_rate: Option<f64>,
    /// Last-update: updates between two copies of the policy [default: 1]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, help_heading = "Default policy")]
    pub default_policy_period: Option<i64>,

    /// Steps between two evaluations [default: 10000]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, help_heading = "Measuring")]
    pub evaluate_every: Option<i64>,
    /// Episodes of one evaluation [default: 10]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, help_heading = "Measuring")]
    pub evaluation_episodes: Option<i64>,
    /// Steps between two lines of training metrics [default: 1000]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true, help_heading = "Measuring")]
    pub log_every: Option<i64>,

    /// Also measure Pareto k-hat of the weights, which needs at least 25 samples [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Measuring")]
    pub pareto_k: Option<bool>,

    /// BLAKE3 of the files that a run learns from, a data set or a process, as its own `run.toml`
    /// records it; the files must still be the same when it is read back.
    #[arg(skip)]
    pub input_blake3: Option<String>,
    /// Versions that a run's own `run.toml` records; without effect when read back.
    #[arg(skip)]
    #[serde(skip_serializing)]
    pub versions: Option<BTreeMap<String, String>>,
}

impl Settings {
    /// Every key that a file may set, in the order of the help.
    pub fn keys() -> Vec<String> {
        // A study asks once a variant.
        static KEYS: OnceLock<Vec<String>> = OnceLock::new();
        let keys = KEYS.get_or_init(|| {
            let command = Self::augment_args(Command::new("settings"));
            command.get_arguments().map(|argument| argument.get_id().to_string()).collect()
        });
        keys.clone()
    }

    /// These settings where they say something, `below` elsewhere.
    pub fn over(&self, below: &Self) -> Self {
        let mut table = below.to_table();
        table.extend(self.to_table());
        table.try_into().expect("settings made of settings are settings")
    }

    /// The keys that are set, with their values.
    pub fn to_table(&self) -> toml::Table {
        toml::Table::try_from(self).expect("settings are plain values")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_as_people_write_them() {
        assert_eq!(whole_number("1_000_000"), Ok(1_000_000));
        assert_eq!(whole_number("1e6"), Ok(1_000_000));
        assert_eq!(whole_number("-5"), Ok(-5));
        assert!(whole_number("1.5").is_err());
        assert!(whole_number("1e300").is_err());
        assert!(whole_number("many").is_err());
    }

    #[test]
    fn what_is_set_wins_and_the_rest_stays() {
        let file = Settings { steps: Some(5), gamma: Some(0.9), ..Settings::default() };
        let flags = Settings { steps: Some(7), ..Settings::default() };
        let merged = flags.over(&file);
        assert_eq!((merged.steps, merged.gamma), (Some(7), Some(0.9)));
    }

    #[test]
    fn flags_and_file_know_the_same_keys() {
        for key in Settings::keys() {
            let text = format!("{key} = []");
            let error = toml::from_str::<Settings>(&text).err().map(|error| error.to_string());
            assert!(!error.unwrap_or_default().contains("unknown field"), "{key}");
        }
        assert!(toml::from_str::<Settings>("stepz = 1").is_err());
    }
}
