//! Checkpoints in folders that hold some already, and saves that are cut short.

use std::sync::atomic::AtomicBool;

use serde_json::json;

use super::*;
use crate::env::make_builtin;
use crate::train::{Objective, Silent, TrainConfig, Trainer};

/// A run on a task with a replay, after a few updates.
fn learner() -> Trainer {
    let task = || make_builtin("Pendulum-v1").unwrap();
    let mut config = TrainConfig::defaults(Objective::ReverseKl, 1);
    (config.hidden, config.batch, config.steps) = (vec![4], 4, 40);
    (config.learning_starts, config.evaluation_episodes) = (30, 1);
    let mut learner = Trainer::new(config, task(), task()).unwrap();
    learner.run(&mut Silent, &AtomicBool::new(false)).unwrap();
    learner
}

fn newest(folder: &Path) -> Found {
    let search = find(folder);
    assert!(search.damaged.is_empty(), "{:?}", search.damaged);
    search.found.unwrap()
}

#[test]
fn a_save_that_fails_harms_no_checkpoint_in_the_folder() {
    let run = tempfile::tempdir().unwrap();
    let folder = run.path().join("attempt-1");
    let learner = learner();
    Checkpoints::new(&folder, 1).save(&learner, json!({"by": "one"})).unwrap();
    let found = newest(&folder);
    assert!(found.manifest.replay.is_some());
    // Where the next would be written stands a file.
    let (partial, path) = places(&folder.join(FOLDER), learner.step());
    fs::write(&partial, "").unwrap();
    Checkpoints::new(&folder, 1).save(&learner, json!({"by": "another"})).unwrap_err();
    let again = newest(&folder);
    assert_eq!((again.path, again.manifest.extra), (path, json!({"by": "one"})));
}

#[test]
fn the_same_step_again_takes_the_place_of_the_first() {
    let run = tempfile::tempdir().unwrap();
    let folder = run.path().join("attempt-1");
    let learner = learner();
    let mut checkpoints = Checkpoints::new(&folder, 1);
    for by in ["first", "second"] {
        checkpoints.save(&learner, json!({"by": by})).unwrap();
        assert_eq!(newest(&folder).manifest.extra, json!({"by": by}));
    }
    assert_eq!(fs::read_dir(folder.join(FOLDER)).unwrap().count(), 1);
}

/// As if this had been killed before the second checkpoint of a step appeared.
#[test]
fn what_was_being_replaced_is_found_as_long_as_it_is_alone() {
    let run = tempfile::tempdir().unwrap();
    let folder = run.path().join("attempt-1");
    let learner = learner();
    Checkpoints::new(&folder, 1).save(&learner, json!({})).unwrap();
    let path = newest(&folder).path;
    fs::rename(&path, path.with_extension(REPLACED)).unwrap();
    let found = newest(&folder);
    assert_eq!(found.path, path.with_extension(REPLACED));
    // The next writer gives it its name again.
    let next = run.path().join("attempt-2");
    Checkpoints::new(&next, 1).adopt(&found).unwrap();
    assert_eq!(newest(&next).path, next.join(FOLDER).join(path.file_name().unwrap()));
}
