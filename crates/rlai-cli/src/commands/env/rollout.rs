//! `rlai env rollout`: given actions, replayed from a given state.

use std::path::{Path, PathBuf};

use rlai::env::{Action, Environment, Space, StepError, TaskInfo};
use rlai::files;
use serde::Deserialize;

use crate::error::Failure;
use crate::npy::{self, NpzWriter, Values};
use crate::tasks;

/// Replay actions from a state: no reset, no time limit, no stop at termination
///
/// Writes `observations` float64 [steps+1, dimension] (row 0 is the first observation), `rewards`
/// float64 [steps] and `terminated` bool [steps].
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Example:
  rlai env rollout --env Hopper-v5 --initial state.json --actions actions.npy --out rollout.npz")]
pub struct Args {
    /// Task, as `rlai env list` names it
    #[arg(long, value_name = "ID")]
    env: String,
    /// JSON file with the state to start in: {"qpos": [...], "qvel": [...]}
    #[arg(long, value_name = "FILE.json")]
    initial: PathBuf,
    /// NumPy file with actions [steps, action dimension], float32 or float64, in C order; not clipped.
    /// Choices are whole numbers, [steps, 1]
    #[arg(long, value_name = "FILE.npy")]
    actions: PathBuf,
    /// NumPy archive to write
    #[arg(long, value_name = "FILE.npz")]
    out: PathBuf,
}

/// Largest file of a state that is read, in bytes.
const LARGEST_STATE: u64 = 1 << 24;

/// The state to start in.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    qpos: Vec<f64>,
    qvel: Vec<f64>,
}

/// Replays the actions and writes the rollout.
///
/// # Errors
/// Bad input, or a simulation that became unstable; nothing is written then.
pub fn run(args: Args) -> Result<(), Failure> {
    let task = tasks::find(&args.env).map_err(Failure::input)?;
    let state = read_state(&args.initial)?;
    let actions = read_actions(&args.actions, &task)?;
    let folder = check_out(&args.out, [&args.initial, &args.actions])?;
    let mut env = tasks::make_unlimited(&args.env)?;
    let rollout = Rollout::play(env.as_mut(), &state, &actions)?;
    let failed = |error| Failure::running(format!("--out {}: {error}", args.out.display()));
    rollout.write(folder, &args.out).map_err(failed)
}

fn read_state(path: &Path) -> Result<State, Failure> {
    let bad =
        |error: &dyn std::fmt::Display| Failure::input(format!("{}: {error}", path.display()));
    let text = files::read_stream(path, LARGEST_STATE).map_err(|error| bad(&error))?;
    parse_state(&text).map_err(|reason| bad(&reason))
}

/// The text of `--initial`.
pub(crate) fn parse_state(text: &[u8]) -> Result<State, String> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let state = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| format!("{error}; {{\"qpos\": [...], \"qvel\": [...]}} expected"))?;
    json.end().map_err(|error| error.to_string())?;
    Ok(state)
}

/// Actions of a task, one after another.
struct Actions {
    width: usize,
    /// They are choices, written as whole numbers.
    choices: bool,
    values: Values,
}

impl Actions {
    fn rows(&self) -> Box<dyn ExactSizeIterator<Item = Action<'_>> + '_> {
        match &self.values {
            // A number that is no choice of the task becomes one that the task refuses.
            Values::F32(values) if self.choices => {
                Box::new(values.iter().map(|&value| choice(f64::from(value))))
            }
            Values::F64(values) if self.choices => {
                Box::new(values.iter().map(|&value| choice(value)))
            }
            // Refused when they were read.
            Values::Bool(_) => Box::new(std::iter::empty()),
            Values::F32(values) => Box::new(values.chunks_exact(self.width).map(Action::F32)),
            Values::F64(values) => Box::new(values.chunks_exact(self.width).map(Action::F64)),
        }
    }
}

fn choice(value: f64) -> Action<'static> {
    let whole = value.fract() == 0.0 && value >= 0.0;
    Action::Discrete(if whole { value as usize } else { usize::MAX })
}

fn read_actions(path: &Path, task: &TaskInfo) -> Result<Actions, Failure> {
    let bad = |message: String| Failure::input(format!("{}: {message}", path.display()));
    let array = npy::read(path).map_err(|error| bad(error.to_string()))?;
    if matches!(array.values, Values::Bool(_)) {
        return Err(bad("truth values: float32 or float64 expected".to_owned()));
    }
    let (width, choices) = match &task.action {
        Space::Box(space) => (space.dimension(), false),
        Space::Discrete(_) => (1, true),
        Space::Factored(_) | Space::Hybrid { .. } => {
            let (id, action) = (&task.id, &task.action);
            let reason =
                format!("an array holds coordinates or one choice a step, {id} has {action}");
            return Err(bad(reason));
        }
    };
    match array.shape[..] {
        [_, columns] if columns == width as u64 => {
            Ok(Actions { width, choices, values: array.values })
        }
        _ => {
            let (shape, id) = (&array.shape, &task.id);
            Err(bad(format!("shape {shape:?}: [steps, {width}] expected for {id}")))
        }
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    real(one).is_some() && real(one) == real(other)
}

/// The folder that `--out` lies in; the file may replace an earlier rollout, nothing else.
fn check_out<'a>(out: &'a Path, inputs: [&Path; 2]) -> Result<&'a Path, Failure> {
    let bad = |what: &str| Failure::input(format!("--out {}: {what}", out.display()));
    let folder = match out.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return Err(bad("a file name expected")),
    };
    if !folder.is_dir() {
        return Err(bad("its folder does not exist"));
    }
    match std::fs::symlink_metadata(out) {
        Ok(there) if there.is_dir() => Err(bad("is a folder, a file name expected")),
        // A device or a link would be replaced by a file, not written to.
        Ok(there) if !there.is_file() => Err(bad("is not an ordinary file")),
        Ok(_) if inputs.iter().any(|input| is_same_file(input, out)) => {
            Err(bad("is one of the inputs"))
        }
        _ => Ok(folder),
    }
}

/// What a task made of the actions.
#[derive(Debug)]
struct Rollout {
    dimension: usize,
    /// `[steps + 1, dimension]`.
    observations: Vec<f64>,
    rewards: Vec<f64>,
    terminated: Vec<bool>,
}

impl Rollout {
    fn play(env: &mut dyn Environment, state: &State, actions: &Actions) -> Result<Self, Failure> {
        let dimension = env.observation_space().dimension();
        let mut observation = vec![0.0; dimension];
        env.set_state(&state.qpos, &state.qvel, &mut observation)
            .map_err(|error| Failure::input(format!("--initial: {error}")))?;
        let mut rollout = Self {
            dimension,
            observations: observation.clone(),
            rewards: Vec::new(),
            terminated: Vec::new(),
        };
        for (t, action) in actions.rows().enumerate() {
            let step = env.step(action, &mut observation).map_err(|error| failed(t, &error))?;
            rollout.observations.extend(&observation);
            rollout.rewards.push(step.reward);
            rollout.terminated.push(step.terminated);
        }
        Ok(rollout)
    }

    /// Writes to a temporary name and renames, so that a file under its name is always whole.
    fn write(&self, folder: &Path, out: &Path) -> std::io::Result<()> {
        let steps = self.rewards.len();
        let file = tempfile::Builder::new().prefix(".rollout-").tempfile_in(folder)?;
        let mut archive = NpzWriter::new(file);
        archive.add_f64("observations", &[steps + 1, self.dimension], &self.observations)?;
        archive.add_f64("rewards", &[steps], &self.rewards)?;
        archive.add_bool("terminated", &[steps], &self.terminated)?;
        let file = archive.finish()?;
        file.as_file().sync_all()?;
        npy::readable_by_all(file.as_file())?;
        file.persist(out).map(drop).map_err(|error| error.error)
    }
}

/// An action that does not fit is the input's fault, an unstable simulation is not.
fn failed(t: usize, error: &StepError) -> Failure {
    let message = format!("step {t}: {error}");
    match error {
        StepError::State(_) => Failure::input(message),
        StepError::Unstable(_) | StepError::NonFinite(_) => Failure::running(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pendulum(actions: Values, out: &Path) -> Rollout {
        let mut env = tasks::make_unlimited("Pendulum-v1").unwrap();
        let state = State { qpos: vec![0.1], qvel: vec![-0.2] };
        let actions = Actions { width: 1, choices: false, values: actions };
        let rollout = Rollout::play(env.as_mut(), &state, &actions).unwrap();
        rollout.write(out.parent().unwrap(), out).unwrap();
        rollout
    }

    #[test]
    fn a_rollout_goes_on_past_the_time_limit_and_is_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("rollout.npz");
        let rollout = pendulum(Values::F32(vec![0.5; 250]), &out);
        assert_eq!(rollout.observations.len(), 251 * 3);
        let bytes = std::fs::read(&out).unwrap();
        let array = npy::Npz::parse(&bytes).unwrap().array("observations").unwrap();
        assert_eq!(array.shape, [251, 3]);
        assert_eq!(array.values, Values::F64(rollout.observations));
        assert_eq!(npy::Npz::parse(&bytes).unwrap().array("rewards").unwrap().shape, [250]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file");
    }

    #[test]
    fn choices_are_whole_numbers() {
        let mut env = tasks::make_unlimited("CartPole-v1").unwrap();
        let state = State { qpos: vec![0.0; 2], qvel: vec![0.0; 2] };
        let mut play = |values| {
            let actions = Actions { width: 1, choices: true, values };
            Rollout::play(env.as_mut(), &state, &actions)
        };
        let rollout = play(Values::F32(vec![0.0, 1.0, 1.0])).unwrap();
        assert_eq!(rollout.rewards, [1.0; 3]);
        assert_eq!(rollout.observations.len(), 16);
        for bad in [0.5, -1.0, 2.0, f64::NAN] {
            assert!(matches!(play(Values::F64(vec![bad])), Err(Failure::Input(_))), "{bad}");
        }
    }

    #[test]
    fn no_actions_give_the_first_observation() {
        let folder = tempfile::tempdir().unwrap();
        let rollout = pendulum(Values::F64(Vec::new()), &folder.path().join("rollout.npz"));
        assert_eq!((rollout.observations.len(), rollout.rewards.len()), (3, 0));
    }

    #[test]
    fn a_state_of_the_wrong_size_or_form_is_bad_input() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let complaint = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let failure = read_state(&path).unwrap_err();
            assert!(matches!(failure, Failure::Input(_)));
            failure.to_string()
        };
        assert!(complaint("{\"qpos\": [0]}").contains("qvel"));
        assert!(complaint("{\"qpos\": [0], \"qvel\": [\"x\"]}").contains("qvel[0]"));
        assert!(complaint("{\"qpos\": [0], \"qvel\": [0], \"act\": []}").contains("act"));
        assert!(complaint("{\"qpos\": [0], \"qvel\": [0]} 1").contains("trailing"));
        let mut env = tasks::make_unlimited("Pendulum-v1").unwrap();
        let state = State { qpos: vec![0.0; 2], qvel: vec![0.0] };
        let none = Actions { width: 1, choices: false, values: Values::F64(Vec::new()) };
        let failure = Rollout::play(env.as_mut(), &state, &none).unwrap_err();
        assert!(matches!(failure, Failure::Input(_)));
    }
}
