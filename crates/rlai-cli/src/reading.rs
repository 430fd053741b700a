//! What reads the program's files, as functions of their bytes, for tests and fuzz targets. Each says only
//! whether the file is taken, or why not.

use std::io::Cursor;
use std::path::Path;

use crate::commands::env::rollout;
use crate::commands::stats;
use crate::dataset;
use crate::metrics;
use crate::npy::{self, Npz};
use crate::run_folder::{Owner, RunResult};
use crate::settings::Settings;
use crate::source::Source;
use crate::spec::RunSpec;
use crate::study::Plan;

/// What a reader says.
pub type Reading = Result<(), String>;

/// A configuration in TOML: of `--config`, or a run's own `run.toml`.
///
/// # Errors
/// Why it is refused.
pub fn settings(bytes: &[u8]) -> Reading {
    let source = toml(bytes)?;
    let settings = source.settings(&[], &[]).map_err(text)?;
    check(&settings, &source)
}

/// A study in TOML: every configuration that it asks for is checked, none of the folders and files that it
/// names.
///
/// # Errors
/// Why it is refused.
pub fn study(bytes: &[u8]) -> Reading {
    Plan::parse(&toml(bytes)?, None).map(drop).map_err(text)
}

/// `result.json` of a finished run.
///
/// # Errors
/// Why it is refused.
pub fn result(bytes: &[u8]) -> Reading {
    serde_json::from_slice::<RunResult>(bytes).map(drop).map_err(text)
}

/// `owner.json` of an attempt.
///
/// # Errors
/// Why it is refused.
pub fn owner(bytes: &[u8]) -> Reading {
    serde_json::from_slice::<Owner>(bytes).map(drop).map_err(text)
}

/// `metrics.jsonl` of a run: every line, and what the end tells, which must be the same.
///
/// # Errors
/// Why it is refused.
pub fn metrics(bytes: &[u8]) -> Reading {
    let (mut last, mut evaluation, mut training) = (None, None, None);
    let mut lines = metrics::Lines::new(bytes);
    for line in lines.by_ref() {
        let line = line.map_err(text)?;
        match &line {
            metrics::Line::Evaluation(line) => evaluation = Some(line.clone()),
            metrics::Line::Train(line) => training = Some(line.clone()),
            metrics::Line::Other(_) => {}
        }
        if line.step().is_some() {
            last = Some(line);
        }
    }
    let latest = metrics::latest(Cursor::new(bytes)).map_err(text);
    let torn = lines.torn().is_some();
    assert_eq!(latest, Ok(metrics::Latest { line: last, evaluation, training, torn }));
    Ok(())
}

/// Actions of `rlai env rollout`, `.npy`.
///
/// # Errors
/// Why they are refused.
pub fn actions(bytes: &[u8]) -> Reading {
    npy::parse(bytes).map(drop).map_err(text)
}

/// A data set, `.npz`.
///
/// # Errors
/// Why it is refused.
pub fn dataset(bytes: &[u8]) -> Reading {
    let archive = Npz::parse(bytes).map_err(text)?;
    dataset::read_arrays(archive).map(drop).map_err(text)
}

/// The state that `rlai env rollout` starts in, JSON.
///
/// # Errors
/// Why it is refused.
pub fn initial_state(bytes: &[u8]) -> Reading {
    rollout::parse_state(bytes).map(drop)
}

/// Runs that `rlai stats` compares, CSV.
///
/// # Errors
/// Why they are refused.
pub fn stats_csv(bytes: &[u8]) -> Reading {
    stats::Table::parse(bytes).map(drop)
}

fn toml(bytes: &[u8]) -> Result<Source, String> {
    let text = String::from_utf8(bytes.to_vec()).map_err(text)?;
    Source::parse(Path::new("file.toml"), text).map_err(self::text)
}

fn check(settings: &Settings, source: &Source) -> Reading {
    let checked = RunSpec::check(settings);
    checked.map(drop).map_err(|error| source.refuse_setting(&[], &error).to_string())
}

fn text(error: impl std::fmt::Display) -> String {
    format!("{error:#}")
}
