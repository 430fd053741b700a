//! No file makes the program panic, go on without end, or take memory beyond a stated multiple of the
//! file's own size: every seed of the fuzz targets and thousands of deterministic mutations of them.
//!
//! `RLAI_FUZZ_ROUNDS=100` looks at a hundred times as many, other ones each round. A file that made a
//! target panic is left in `target/tmp`.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

mod mutate;
#[path = "../../../../fuzz/src/lib.rs"]
mod targets;

/// Seeds by name. A name that begins with `valid` is that of a file that is taken, one with `bad` of one
/// that is refused; of the others only what holds for all of them is known.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = seed_folder(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

fn seed_folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target)
}

fn check(target: &str, mutations: usize, takes: fn(&[u8]) -> bool) {
    let seeds = seeds(target);
    for (name, bytes) in &seeds {
        let taken = kept(target, bytes, takes);
        assert!(taken || !name.starts_with("valid"), "{target}: {name} is refused");
        assert!(!taken || !name.starts_with("bad"), "{target}: {name} is taken");
    }
    assert!(seeds.iter().any(|(name, _)| name.starts_with("valid")), "{target}: no valid seed");
    let seeds: Vec<Vec<u8>> = seeds.into_iter().map(|(_, bytes)| bytes).collect();
    let rounds = std::env::var("RLAI_FUZZ_ROUNDS").map_or(1, |rounds| rounds.parse().unwrap());
    let (mut files, mut taken) = (0, 0);
    for round in 0..rounds {
        let mut random = mutate::Random::new(target, round);
        for _ in 0..mutations {
            taken += usize::from(kept(target, &mutate::mutated(&seeds, &mut random), takes));
            files += 1;
        }
    }
    println!("{target}: {taken} of {files} damaged files are taken");
    // Otherwise nothing behind the first check was ever seen.
    assert!(taken > 0 && taken < files, "{target}: {taken} of {files} damaged files are taken");
}

/// What the target says; a file that makes it panic is kept.
fn kept(target: &str, bytes: &[u8], takes: fn(&[u8]) -> bool) -> bool {
    catch_unwind(AssertUnwindSafe(|| takes(bytes))).unwrap_or_else(|panic| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hostile-{target}"));
        fs::write(&path, bytes).unwrap();
        eprintln!("the file is kept as {}", path.display());
        resume_unwind(panic)
    })
}

macro_rules! targets {
    ($($name:ident: $mutations:literal,)*) => { $(
        #[test]
        fn $name() {
            check(stringify!($name), $mutations, targets::$name);
        }
    )* };
}

targets! {
    settings: 1500,
    study: 500,
    result: 5000,
    owner: 5000,
    scores: 5000,
    metrics: 10000,
    actions: 20000,
    dataset: 5000,
    initial_state: 10000,
    process: 5000,
    grid: 1000,
    policy: 1000,
    run: 500,
    trajectories: 500,
    segment: 1000,
}

/// States of runs that were found to make one panic later: the target, the seed's name, and what stands where.
const BAD_STATES: [(&str, &str, &str, &str); 8] = [
    ("run", "bad-steps-played", "/run.environment_snapshot/snapshot/2", "18446744073709551615.0"),
    ("run", "bad-updates", "/run.counters/1", "18446744073709551615"),
    ("run", "bad-episode-length", "/run.episode/length", "18446744073709551615"),
    ("run", "bad-count", "/run.since_last_line/update_count", "18446744073709551615"),
    ("trajectories", "bad-choice", "/run.batch/taken/choices/3", "5"),
    ("trajectories", "bad-cells", "/run.batch/cells", "[[0, 0]]"),
    ("trajectories", "bad-rewards", "/run.batch/reward", "[]"),
    ("trajectories", "bad-episode-length", "/run.episode/1", "18446744073709551615"),
];

/// `cargo test -p rlai-cli --test hostile_files write_seeds -- --ignored` writes the seeds that no editor
/// can: those with binary numbers and hashes.
#[test]
#[ignore = "writes into fuzz/seeds"]
fn write_seeds() {
    let write = |target: &str, name: &str, bytes: &[u8]| {
        fs::create_dir_all(seed_folder(target)).unwrap();
        fs::write(seed_folder(target).join(name), bytes).unwrap();
    };
    let (run, trajectories) = (targets::seed(false), targets::seed(true));
    for (target, parts) in [("run", &run), ("trajectories", &trajectories)] {
        write(target, "valid", &targets::join(parts));
        for (_, name, place, value) in BAD_STATES.iter().filter(|(of, ..)| *of == target) {
            let mut state: serde_json::Value = serde_json::from_slice(&parts[1]).unwrap();
            *state.pointer_mut(place).unwrap() = value.parse().unwrap();
            let mut parts = parts.clone();
            parts[1] = serde_json::to_vec_pretty(&state).unwrap();
            write(target, name, &targets::join(&parts));
        }
    }
    write("segment", "valid", &targets::join(&targets::segment_seed()));
    write("policy", "valid", &targets::join(&run[3..5]));
    write("policy", "valid-choices", &targets::join(&trajectories[3..5]));
}
