use std::path::Path;

use super::{
    Acrobot, BimodalBandit, BoxSpace, CartPole, Environment, GridError, MountainCar,
    MountainCarContinuous, MoveAndStrength, Pendulum, Probe, ProbeKind, ProbeSpace, Space,
    SwitchOrStay, Tabular, TimeLimit, read_grid,
};
use crate::lab::{Process, ReadError};

/// A task that cannot be built or wrapped as asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EnvError {
    /// A space that holds no action, or is a simpler one in disguise.
    #[error("{id}: its action space {reason}")]
    Degenerate {
        /// The task's name.
        id: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Actions of an unbounded box cannot be rescaled from `[-1, 1]`.
    #[error("{id}: the action box {space} is unbounded, and only a bounded one can be rescaled")]
    Unbounded {
        /// The task's name.
        id: String,
        /// Its action box.
        space: BoxSpace,
    },
    /// A grid world whose map cannot be read.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// A probe of an unknown kind or with unknown actions.
    #[error("{id}: probe:KIND:SPACE expected, KIND one of {}, SPACE one of {}", kinds(), spaces())]
    Probe {
        /// The name.
        id: String,
    },
    /// A tabular task whose file cannot be read.
    #[error(transparent)]
    Process(#[from] ReadError),
}

fn kinds() -> String {
    ProbeKind::ALL.map(ProbeKind::name).join(", ")
}

fn spaces() -> String {
    ProbeSpace::ALL.map(ProbeSpace::name).join(", ")
}

/// What is known of a task without playing it.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskInfo {
    /// The task's name with its version.
    pub id: String,
    /// Bounds and size of the observation.
    pub observation: BoxSpace,
    /// The actions, in the task's own units.
    pub action: Space,
    /// Steps after which an episode is truncated, if it is.
    pub time_limit: Option<usize>,
    /// The temperature that belongs to the task itself, if one does.
    pub temperature: Option<f64>,
}

impl TaskInfo {
    /// What `environment` says of itself.
    pub fn of(environment: &dyn Environment) -> Self {
        Self {
            id: environment.id().to_owned(),
            observation: environment.observation_space().clone(),
            action: environment.action_space().clone(),
            time_limit: environment.time_limit(),
            temperature: environment.temperature(),
        }
    }
}

type Maker = fn() -> Box<dyn Environment>;

const BUILTIN: &[(&str, Maker)] = &[
    (Pendulum::ID, || Box::new(TimeLimit::new(Pendulum::new(), Pendulum::TIME_LIMIT))),
    (CartPole::ID, || Box::new(TimeLimit::new(CartPole::new(), CartPole::TIME_LIMIT))),
    (Acrobot::ID, || Box::new(TimeLimit::new(Acrobot::new(), Acrobot::TIME_LIMIT))),
    (MountainCar::ID, || Box::new(TimeLimit::new(MountainCar::new(), MountainCar::TIME_LIMIT))),
    (MountainCarContinuous::ID, || {
        let task = MountainCarContinuous::new();
        Box::new(TimeLimit::new(task, MountainCarContinuous::TIME_LIMIT))
    }),
    (BimodalBandit::ID, || Box::new(BimodalBandit::new())),
    (SwitchOrStay::ID, || Box::new(TimeLimit::new(SwitchOrStay::new(), SwitchOrStay::TIME_LIMIT))),
    (MoveAndStrength::ID, || {
        let task = MoveAndStrength::new();
        Box::new(TimeLimit::new(task, MoveAndStrength::TIME_LIMIT))
    }),
];

/// Every task in this crate, which needs nothing installed.
pub fn builtin_tasks() -> Vec<TaskInfo> {
    BUILTIN.iter().map(|(_, make)| TaskInfo::of(make().as_ref())).collect()
}

/// The task of this crate with this name, its time limit included; none if there is none.
pub fn make_builtin(id: &str) -> Option<Box<dyn Environment>> {
    BUILTIN.iter().find(|(name, _)| *name == id).map(|(_, make)| make())
}

/// The task `tabular:FILE.json`, `tabular-stationary:FILE.json`, `grid:FILE.txt` or
/// `grid-stationary:FILE.txt`, see [`Tabular`] and [`read_grid`]; none if the name begins otherwise.
///
/// # Errors
/// When the file cannot be read, or is no process.
pub fn make_tabular(id: &str) -> Option<Result<Box<dyn Environment>, EnvError>> {
    let (kind, file) = id.split_once(':')?;
    let file = Path::new(file);
    let process = match kind {
        "tabular" | "tabular-stationary" => Process::read(file).map_err(EnvError::from),
        "grid" | "grid-stationary" => read_grid(file).map_err(EnvError::from),
        _ => return None,
    };
    let shows_time = !kind.ends_with("-stationary");
    let task = |process| -> Box<dyn Environment> {
        Box::new(Tabular::new(id.to_owned(), process, shows_time))
    };
    Some(process.map(task))
}

/// The task `probe:KIND:SPACE`, see [`Probe`]; none if the name begins otherwise.
///
/// # Errors
/// When there is no such kind or no such space.
pub fn make_probe(id: &str) -> Option<Result<Box<dyn Environment>, EnvError>> {
    let task = |probe| -> Box<dyn Environment> { Box::new(probe) };
    Some(Probe::named(id)?.map(task))
}

/// The task of this name of any kind that this crate has: built in, tabular or a probe.
///
/// # Errors
/// As [`make_tabular`] and [`make_probe`].
pub fn make_named(id: &str) -> Option<Result<Box<dyn Environment>, EnvError>> {
    make_builtin(id).map(Ok).or_else(|| make_tabular(id)).or_else(|| make_probe(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Rescaled;
    use crate::random::Key;

    #[test]
    fn every_listed_task_can_be_made_and_is_what_the_list_says() {
        for info in builtin_tasks() {
            let task = make_builtin(&info.id).unwrap();
            assert_eq!(TaskInfo::of(task.as_ref()), info);
        }
        assert!(make_builtin("Pendulum-v0").is_none());
    }

    #[cfg(unix)]
    #[test]
    fn a_tabular_task_without_a_process_is_refused_with_its_file() {
        for (id, message) in [
            ("tabular:/dev/zero", "cannot read /dev/zero: no ordinary file"),
            ("tabular-stationary:/nowhere/p.json", "cannot read /nowhere/p.json: "),
        ] {
            let error = make_tabular(id).unwrap().err().unwrap().to_string();
            assert!(error.starts_with(message), "{error}");
        }
        assert!(make_tabular("tables:p.json").is_none() && make_tabular("tabular").is_none());
        let error = make_tabular("grid:/dev/zero").unwrap().err().unwrap().to_string();
        assert_eq!(error, "cannot read /dev/zero: no ordinary file");
    }

    #[test]
    fn every_kind_of_name_is_found() {
        let grid = concat!("grid:", env!("CARGO_MANIFEST_DIR"), "/../../examples/grid.txt");
        for id in ["Acrobot-v1", "probe:both:hybrid", grid] {
            let task = make_named(id).unwrap().unwrap();
            assert_eq!(task.id(), id);
        }
        let (process, horizon) = (read_grid(Path::new(&grid[5..])).unwrap(), 25);
        let width = |id: &str| make_named(id).unwrap().unwrap().observation_space().dimension();
        assert_eq!(width(grid), process.states() + horizon);
        assert_eq!(width(&grid.replace("grid:", "grid-stationary:")), process.states());
        assert!(make_named("nothing").is_none() && make_named("probe:").unwrap().is_err());
    }

    #[test]
    fn a_boxed_task_can_be_wrapped_and_played_to_its_end() {
        let mut task = Rescaled::new(make_builtin("Pendulum-v1").unwrap()).unwrap();
        let mut observation = [0.0; 3];
        task.reset(&mut Key::from_seed(0).stream("environment"), &mut observation).unwrap();
        let mut steps = 1;
        while !task.step(crate::env::Action::F32(&[0.5]), &mut observation).unwrap().truncated {
            steps += 1;
        }
        assert_eq!(steps, 200);
        assert_eq!(task.task_box(), &BoxSpace::uniform(1, -2.0, 2.0));
    }
}
