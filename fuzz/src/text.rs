//! Files of one piece.

use std::fs;

use rlai::env::{Action, Environment, Tabular, read_grid};
use rlai::lab::Process;
use rlai::random::Key;
use rlai_cli::reading;

use super::memory::bounded;

/// Memory beside a file's own share: names of all keys, messages.
const BESIDES: usize = 1 << 20;

fn reads(bytes: &[u8], factor: usize, read: fn(&[u8]) -> reading::Reading) -> bool {
    bounded(bytes.len(), factor, BESIDES, || read(bytes).is_ok())
}

/// A configuration, TOML.
pub fn settings(bytes: &[u8]) -> bool {
    reads(bytes, 300, reading::settings)
}

/// A study, TOML: a short grid asks for up to 1,000 configurations, each of which is made.
pub fn study(bytes: &[u8]) -> bool {
    const CONFIGURATIONS: usize = 1_000 * (12 << 10);
    bounded(bytes.len(), 300, BESIDES + CONFIGURATIONS, || reading::study(bytes).is_ok())
}

/// The result of a run, JSON.
pub fn result(bytes: &[u8]) -> bool {
    reads(bytes, 100, reading::result)
}

/// The owner of a run, JSON.
pub fn owner(bytes: &[u8]) -> bool {
    reads(bytes, 100, reading::owner)
}

/// Metrics of a run, a JSON object a line.
pub fn metrics(bytes: &[u8]) -> bool {
    reads(bytes, 50, reading::metrics)
}

/// Actions, `.npy`.
pub fn actions(bytes: &[u8]) -> bool {
    reads(bytes, 4, reading::actions)
}

/// A data set, `.npz`.
pub fn dataset(bytes: &[u8]) -> bool {
    reads(bytes, 300, reading::dataset)
}

/// A state to start in, JSON.
pub fn initial_state(bytes: &[u8]) -> bool {
    reads(bytes, 16, reading::initial_state)
}

/// A decision process, JSON: read, written, read again, and played where it is small.
pub fn process(bytes: &[u8]) -> bool {
    let Ok(process) = bounded(bytes.len(), 32, BESIDES, || Process::from_json(bytes)) else {
        return false;
    };
    let again = Process::from_json(process.to_json().as_bytes());
    assert_eq!(again.as_ref(), Ok(&process), "what is written is read back");
    if process.horizon() < 1000 {
        play(Tabular::new("process".to_owned(), process, true));
    }
    true
}

fn play(mut env: Tabular) {
    let mut observation = vec![0.0; env.observation_space().dimension()];
    env.reset(&mut Key::from_seed(0).stream("play"), &mut observation)
        .expect("a state to start in");
    for _ in 0..3 {
        let step = env.step(Action::Discrete(0), &mut observation).expect("the first choice");
        assert!(step.reward.is_finite());
    }
}

/// A grid drawn as text: its table of transitions has at most `4 * 1000 * 1000` numbers.
pub fn grid(bytes: &[u8]) -> bool {
    const TABLE: usize = 4 * 1000 * 1000 * size_of::<f64>();
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(file.path(), bytes).expect("a temporary file is written");
    let read = bounded(bytes.len(), 16, BESIDES + 2 * TABLE, || read_grid(file.path()));
    let Ok(process) = read else { return false };
    if process.horizon() < 1000 {
        play(Tabular::new("grid".to_owned(), process, true));
    }
    true
}

/// Runs to be compared, CSV.
pub fn scores(bytes: &[u8]) -> bool {
    reads(bytes, 100, reading::stats_csv)
}
