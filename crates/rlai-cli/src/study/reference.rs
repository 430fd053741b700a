//! Reference scores of tasks, by which returns of different tasks are put on one scale.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::Failure;
use crate::source::{Place, Source};

const TABLE: &str = "reference";

/// What counts as 0 and as 1 on a task.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Reference {
    /// Return that counts as 0, such as a random policy's.
    pub low: f64,
    /// Return that counts as 1, such as a published agent's.
    pub high: f64,
}

impl Reference {
    /// A return on the scale from 0 (`low`) to 1 (`high`).
    pub fn normalise(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

/// The tables `[reference."TASK"]` of a study's file.
///
/// # Errors
/// A number that is missing or makes no scale, with its line.
pub fn read(source: &Source) -> Result<BTreeMap<String, Reference>, Failure> {
    let mut read = BTreeMap::new();
    for task in source.keys_in_order(&[key(TABLE)]) {
        let place = [key(TABLE), key(&task)];
        source.check_keys(&place, &["low", "high"].map(str::to_owned))?;
        let reference: Reference = source.read_table(&place, &[])?;
        let Reference { low, high } = reference;
        if !(low.is_finite() && high.is_finite() && low < high) {
            let why = format!("low = {low}, high = {high}: finite numbers, low below high");
            return Err(source.refuse(&place, why));
        }
        read.insert(task, reference);
    }
    Ok(read)
}

/// Refuses references of tasks on which nothing runs.
///
/// # Errors
/// The first of them.
pub fn check_used(
    source: &Source,
    references: &BTreeMap<String, Reference>,
    used: impl Fn(&str) -> bool,
) -> Result<(), Failure> {
    match references.keys().find(|task| !used(task)) {
        None => Ok(()),
        Some(task) => {
            let why = format!("reference.{task:?}: no run of the study is on this task");
            Err(source.refuse(&[key(TABLE), key(task)], why))
        }
    }
}

fn key(name: &str) -> Place {
    Place::Key(name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn low_is_0_and_high_is_1() {
        let text = "[reference.\"Hopper-v5\"]\nlow = 20\nhigh = 3520.0\n";
        let source = Source::parse(Path::new("s.toml"), text.to_owned()).unwrap();
        let reference = read(&source).unwrap()["Hopper-v5"];
        assert_eq!([20.0, 3520.0, 1770.0].map(|x| reference.normalise(x)), [0.0, 1.0, 0.5]);
    }

    #[test]
    fn every_refusal_names_its_line() {
        for (text, message) in [
            ("[reference.A]\nlow = 1", "s.toml:1:12: A: missing field `high`"),
            ("[reference.A]\nlow = 1\nhigh = 1", "s.toml:1:12: low = 1, high = 1"),
            ("[reference.A]\nlow = 1\nhigh = nan", "s.toml:1:12: low = 1, high = NaN"),
            ("[reference.A]\nlow = 1\nhi = 2", "s.toml:3:1: unknown key \"hi\""),
            ("[reference]\nA = 2", "s.toml:2:1: "),
        ] {
            let source = Source::parse(Path::new("s.toml"), text.to_owned()).unwrap();
            let told = read(&source).unwrap_err().to_string();
            assert!(told.starts_with(message), "{text}: {told}");
        }
    }
}
