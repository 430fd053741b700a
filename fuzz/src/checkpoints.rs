//! Checkpoints of policies and of runs, and segments of a replay.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use rlai::Policy;
use rlai::checkpoint;
use rlai::env::{ActionShape, Environment, make_named};
use rlai::replay::{ReplayBuffer, SegmentInfo, Tail};
use rlai::train::checkpoints::Found;
use rlai::train::{
    Learner, Objective, Silent, TrainConfig, Trainer, TrajectoryConfig, TrajectoryObjective,
    TrajectoryTrainer,
};
use serde_json::Value;

use super::memory::bounded;
use super::{parts, seal};

/// Memory for each byte of a checkpoint: small values of JSON take the most.
const FACTOR: usize = 100;
const BESIDES: usize = 1 << 20;

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    fs::write(folder.join(name), bytes).expect("a temporary folder can be written to");
}

/// `manifest.json` and the parameters of a policy.
pub fn policy(bytes: &[u8]) -> bool {
    let [manifest, parameters] = parts::split(bytes);
    let folder = tempfile::tempdir().expect("a temporary folder");
    put(folder.path(), "manifest.json", manifest);
    let named = serde_json::from_slice::<Value>(manifest).ok();
    let name = named.as_ref().and_then(|m| m.pointer("/file/name")?.as_str());
    if let Some(name) = name.filter(|name| name.len() < 100 && !name.contains(['/', '\0'])) {
        put(folder.path(), name, parameters);
    }
    let _ = bounded(bytes.len(), FACTOR, BESIDES, || checkpoint::read(folder.path()));
    let Some((manifest, name)) = seal::policy(manifest, parameters) else { return false };
    put(folder.path(), "manifest.json", &manifest);
    put(folder.path(), &name, parameters);
    let size = manifest.len() + parameters.len();
    let policy = bounded(size, FACTOR, BESIDES, || Policy::load(folder.path()));
    let Ok(policy) = policy else { return false };
    let _ = policy.decide(&vec![0.5; policy.observation_dimension()]);
    true
}

/// A replay's segment, with what the checkpoint says of it and of the rest.
pub fn segment(bytes: &[u8]) -> bool {
    let [segment, info, tail] = parts::split(bytes);
    let Ok(info) = serde_json::from_slice::<Value>(info) else { return false };
    let Ok(info) = serde_json::from_value::<SegmentInfo>(seal::segment(info, segment)) else {
        return false;
    };
    let Ok(tail) = serde_json::from_slice::<Tail>(tail) else { return false };
    let folder = tempfile::tempdir().expect("a temporary folder");
    put(folder.path(), "segment", segment);
    let path = folder.path().join("segment");
    let buffer = ReplayBuffer::new(16, 2, 1, None).expect("a small buffer");
    let restored = bounded(bytes.len(), 8, BESIDES, || buffer.restore([(path, info)], &tail));
    restored.is_ok()
}

/// Every file of a run's checkpoint.
pub fn run(bytes: &[u8]) -> bool {
    restore(bytes, actions)
}

/// The same of a run of trajectories.
pub fn trajectories(bytes: &[u8]) -> bool {
    restore(bytes, whole_trajectories)
}

/// The folder of a writer, of its one checkpoint, and of its segments.
fn folders(root: &Path) -> (PathBuf, PathBuf) {
    let (checkpoint, replay) = (root.join("checkpoints/000000000010"), root.join("replay"));
    for folder in [&checkpoint, &replay] {
        fs::create_dir_all(folder).expect("a temporary folder");
    }
    (checkpoint, replay)
}

/// Opens a checkpoint, goes on from it, and plays to the end.
fn restore(bytes: &[u8], make: fn() -> Box<dyn Learner>) -> bool {
    let [run, state, moments, manifest, parameters, segment] = parts::split(bytes);
    let Some((manifest, name)) = seal::policy(manifest, parameters) else { return false };
    let files = [
        ("manifest.json", &manifest[..]),
        ("moments.safetensors", moments),
        (&name, parameters),
        ("state.json", state),
    ];
    let root = tempfile::tempdir().expect("a temporary folder");
    let (checkpoint, replay) = folders(root.path());
    let Some(run) = seal::run(run, &files, segment) else { return false };
    for (name, bytes) in files.into_iter().chain([("run.json", &run[..])]) {
        put(&checkpoint, name, bytes);
    }
    let info = serde_json::from_slice::<Value>(&run).ok();
    let info = info.and_then(|mut run| Some(run.pointer_mut("/replay/segments/0")?.take()));
    if let Some(info) = info.and_then(|info| serde_json::from_value::<SegmentInfo>(info).ok()) {
        put(&replay, &info.file_name(), segment);
    }
    let mut learner = make();
    let size = bytes.len() + run.len() + manifest.len();
    let restored = bounded(size, FACTOR, BESIDES, || {
        let found = Found::open(&checkpoint).ok()?;
        found.restore(learner.as_mut()).ok()
    });
    if restored.is_none() {
        return false;
    }
    // Numbers of a state may lead to ones that are not finite, which is an error and no panic.
    let _ = learner.run(&mut Silent, &AtomicBool::new(false));
    true
}

fn env(id: &str) -> Box<dyn Environment> {
    make_named(id).expect("a task of the library").expect("it can be made")
}

/// A run of 14 steps that learns from step 4 on.
fn config() -> TrainConfig {
    let shape = ActionShape::from(env("Pendulum-v1").action_space());
    let mut config = TrainConfig::for_actions(Objective::ReverseKl, &shape);
    (config.hidden, config.batch, config.buffer) = (vec![2], 2, 8);
    (config.steps, config.learning_starts, config.evaluation_episodes) = (14, 4, 1);
    (config.evaluate_every, config.checkpoint_every, config.log_every) = (1000, 10, 5);
    config.normalise_observations = true;
    config
}

fn actions() -> Box<dyn Learner> {
    let task = env("Pendulum-v1");
    Box::new(Trainer::new(config(), task, env("Pendulum-v1")).expect("a run"))
}

fn whole_trajectories() -> Box<dyn Learner> {
    let task = env("CartPole-v1");
    let objective = TrajectoryObjective::ReverseKlRewardToGo;
    let mut config = TrajectoryConfig::defaults(objective, task.action_space(), None);
    (config.hidden, config.trajectories, config.steps) = (vec![2], 2, 80);
    (config.evaluate_every, config.checkpoint_every) = (1000, 10);
    (config.evaluation_episodes, config.log_every) = (1, 5);
    Box::new(TrajectoryTrainer::new(config, task, env("CartPole-v1")).expect("a run"))
}

/// The parts of a checkpoint after 10 steps, as [`run`] or [`trajectories`] take them.
#[cfg(test)]
pub fn seed(of_trajectories: bool) -> Vec<Vec<u8>> {
    use rlai::train::checkpoints::Checkpoints;
    use rlai::train::{Observer, Progress};

    struct StopAt10<'a>(&'a AtomicBool);
    impl Observer for StopAt10<'_> {
        fn progress(&mut self, progress: &Progress) {
            self.0.store(progress.step >= 10, std::sync::atomic::Ordering::Relaxed);
        }
    }
    let mut learner = if of_trajectories { whole_trajectories() } else { actions() };
    let stop = AtomicBool::new(false);
    learner.run(&mut StopAt10(&stop), &stop).expect("ten steps");
    let root = tempfile::tempdir().expect("a temporary folder");
    let saved = Checkpoints::new(root.path(), 1).save(learner.as_ref(), Value::Null);
    let folder = saved.expect("it is saved").path;
    let the_only = |folder: &Path, begin: &str| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths = entries.map(|entry| entry.path());
        let named = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(begin);
        paths.find(named).map(|path| fs::read(path).unwrap()).unwrap_or_default()
    };
    let names = ["run.json", "state.json", "moments", "manifest.json", "parameters"];
    let mut parts: Vec<Vec<u8>> = names.iter().map(|name| the_only(&folder, name)).collect();
    parts.push(the_only(&root.path().join("replay"), "replay-"));
    parts
}

/// The parts that [`segment`] takes, of a buffer whose ring has wrapped.
#[cfg(test)]
pub fn segment_seed() -> Vec<Vec<u8>> {
    let mut buffer = ReplayBuffer::new(16, 2, 1, None).expect("a small buffer");
    buffer.begin(&[0.0, 0.0]);
    for i in 1..=20u8 {
        buffer.push(&rlai::replay::Transition {
            action: &[0.5],
            log_density: -1.0,
            reward: i.into(),
            terminated: i % 7 == 0,
            truncated: i % 7 == 3,
            next_observation: &[i.into(), 1.0],
        });
        if i % 7 == 0 || i % 7 == 3 {
            buffer.begin(&[i.into(), 2.0]);
        }
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let info = buffer.write_segment(buffer.new_rows(0), folder.path()).expect("it is written");
    let segment = fs::read(folder.path().join(info.file_name())).expect("it was written");
    let text = |value: Result<Vec<u8>, _>| value.expect("plain values");
    vec![segment, text(serde_json::to_vec(&info)), text(serde_json::to_vec(&buffer.tail()))]
}
