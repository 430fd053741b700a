//! Every study that comes with the program is one.

mod common;

use std::fs;
use std::path::Path;

use common::Room;
use serde_json::Value;

fn studies() -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../studies");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn status(room: &Room, file: &Path) -> Value {
    let told = room.ok(&["study", "status", file.to_str().unwrap(), "--json"]);
    serde_json::from_str(&told).unwrap()
}

#[test]
fn every_file_is_read_whole_and_named_for_its_study() {
    let room = Room::new();
    let files = studies();
    assert!(files.len() >= 15, "{files:?}");
    for file in &files {
        let status = status(&room, file);
        assert_eq!(status["name"], file.file_stem().unwrap().to_str().unwrap());
        let runs = status["runs"].as_array().unwrap();
        assert_eq!(status["states"]["missing"], runs.len());
    }
    assert_eq!(common::listing(&room.path(".")).len(), 0, "reading a study leaves nothing");
}

#[test]
fn figure_3_is_two_hundred_runs_seeds_first() {
    let room = Room::new();
    let file = studies().into_iter().find(|file| file.ends_with("figure-3.toml")).unwrap();
    let status = status(&room, &file);
    let runs = status["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 5 * 2 * 2 * 10);
    assert_eq!(runs[0]["name"], "reverse-kl/env=Hopper-v5,buffer=50000/seed0");
    assert_eq!(runs[199]["name"], "forward-kl/env=Humanoid-v5,buffer=1000000/seed9");
    // After the first twenty runs every configuration has been seen once.
    assert!(runs[..20].iter().all(|run| run["seed"] == 0));
    let mut names: Vec<&str> = runs.iter().map(|run| run["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 200);
}
