//! Where the checkpoints of a run lie.
//!
//! ```text
//! run/attempt-1/checkpoints/000000010000/    of the first writer, after 10,000 steps
//! run/attempt-2/checkpoints/000000030000/    of the second, which went on from there
//! run/checkpoint -> attempt-2/checkpoints/000000030000
//! run/result.json                            once the run has finished
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use super::read;

const ATTEMPT: &str = "attempt-";
const CHECKPOINTS: &str = "checkpoints";
const FINAL: &str = "checkpoint";
const RESULT: &str = "result.json";
/// Digits of the step in a checkpoint's name, so that names sort as steps do.
const DIGITS: usize = 12;
/// What follows the step, after a point, in the name of a checkpoint while another takes its place.
pub(crate) const REPLACED: &str = "replaced";

/// The attempts at a run, its writers one after the other, with their numbers; the newest first.
pub fn attempts(run: &Path) -> Vec<(u64, PathBuf)> {
    let number = |name: &str| {
        let digits = name.strip_prefix(ATTEMPT)?;
        let number = digits.parse().ok()?;
        // `+1` and `01` would be other names of an attempt.
        (format!("{number}") == digits).then_some(number)
    };
    let mut found: Vec<(u64, PathBuf)> = named(run, number);
    found.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    found
}

/// The folders of checkpoints in `parent` that have their final names, the newest first.
pub fn candidates(parent: &Path) -> Vec<PathBuf> {
    let mut found = steps(parent);
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, path)| path).collect()
}

/// The checkpoints of all attempts at a run; the newest first, and of one step that of the newest attempt.
pub fn candidates_of_run(run: &Path) -> Vec<PathBuf> {
    let of_attempt = |(number, folder): (u64, PathBuf)| {
        let steps = steps(&folder.join(CHECKPOINTS)).into_iter();
        steps.map(move |(step, path)| (step, number, path))
    };
    let mut found: Vec<(u64, u64, PathBuf)> =
        attempts(run).into_iter().flat_map(of_attempt).collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(.., path)| path).collect()
}

fn steps(parent: &Path) -> Vec<(u64, PathBuf)> {
    let is_step = |name: &str| name.len() == DIGITS && name.bytes().all(|b| b.is_ascii_digit());
    // What was being replaced counts where what replaces it did not appear.
    named(parent, |name| {
        let replaced = name.strip_suffix(REPLACED).and_then(|name| name.strip_suffix('.'));
        let step = replaced.unwrap_or(name);
        let counts = is_step(step) && (replaced.is_none() || !parent.join(step).exists());
        counts.then(|| step.parse().ok())?
    })
}

/// What is in a folder under names that hold a number.
fn named(folder: &Path, number: impl Fn(&str) -> Option<u64>) -> Vec<(u64, PathBuf)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let entry = |entry: fs::DirEntry| Some((number(entry.file_name().to_str()?)?, entry.path()));
    entries.flatten().filter_map(entry).collect()
}

/// The folder that holds the policy of `dir`, which is a checkpoint's own or a run's: of a finished run
/// its last checkpoint, of another the newest one whose networks can be read.
pub fn folder_of(dir: &Path) -> PathBuf {
    let last = dir.join(FINAL);
    if last.is_dir() && dir.join(RESULT).is_file() {
        return last;
    }
    let candidates = candidates_of_run(dir);
    let usable = candidates.iter().find(|path| read(path).is_ok());
    match usable.or(candidates.first()) {
        Some(path) => path.clone(),
        None if last.is_dir() => last,
        None => dir.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::make_builtin;
    use crate::train::checkpoints::Checkpoints;
    use crate::train::{Objective, TrainConfig, Trainer};

    #[test]
    fn checkpoints_are_ordered_by_step_and_then_by_attempt() {
        let run = tempfile::tempdir().unwrap();
        let names = [
            "1/000000000009",
            "2/000000000010",
            "10/000000000010",
            "2/9",
            "2/000000000099.partial",
            "2/000000000010.replaced",
            "1/000000000008.replaced",
        ];
        for name in names {
            let (attempt, step) = name.split_once('/').unwrap();
            let folder = run.path().join(format!("attempt-{attempt}/checkpoints/{step}"));
            fs::create_dir_all(folder).unwrap();
        }
        fs::create_dir(run.path().join("attempt-010")).unwrap();
        let numbers: Vec<u64> = attempts(run.path()).iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [10, 2, 1]);
        let expected =
            ["10/000000000010", "2/000000000010", "1/000000000009", "1/000000000008.replaced"].map(
                |name| {
                    let (attempt, step) = name.split_once('/').unwrap();
                    run.path().join(format!("attempt-{attempt}/checkpoints/{step}"))
                },
            );
        assert_eq!(candidates_of_run(run.path()), expected);
    }

    #[test]
    fn the_policy_of_a_run_that_goes_on_is_its_newest_usable_one() {
        let run = tempfile::tempdir().unwrap();
        let task = || make_builtin("Pendulum-v1").unwrap();
        let mut config = TrainConfig::defaults(Objective::ReverseKl, 1);
        (config.hidden, config.batch, config.steps) = (vec![4], 4, 10);
        config.learning_starts = 1;
        let mut trainer = Trainer::new(config, task(), task()).unwrap();
        let mut checkpoints = Vec::new();
        for attempt in ["attempt-1", "attempt-2"] {
            trainer.advance().unwrap();
            let folder = run.path().join(attempt);
            let mut writer = Checkpoints::new(&folder, 2);
            checkpoints.push(writer.save(&trainer, serde_json::Value::Null).unwrap().path);
        }
        let step = || crate::Policy::load(run.path()).unwrap().step();
        assert_eq!((folder_of(run.path()), step()), (checkpoints[1].clone(), 2));
        fs::write(checkpoints[1].join("manifest.json"), "{}").unwrap();
        assert_eq!((folder_of(run.path()), step()), (checkpoints[0].clone(), 1));
        // Of a finished run it is the one that was published.
        fs::create_dir(run.path().join(FINAL)).unwrap();
        assert_eq!(folder_of(run.path()), checkpoints[0]);
        fs::write(run.path().join(RESULT), "{}").unwrap();
        assert_eq!(folder_of(run.path()), run.path().join(FINAL));
        // A checkpoint is its own.
        assert_eq!(folder_of(&checkpoints[0]), checkpoints[0]);
    }
}
