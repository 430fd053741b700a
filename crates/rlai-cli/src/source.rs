//! TOML files with positions: every complaint about a file names the file, the line and the key.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rlai::train::ConfigError;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use crate::error::Failure;
use crate::settings::Settings;
use crate::text::did_you_mean;

/// Largest file that is read, in bytes.
pub const LARGEST_FILE: u64 = 1 << 20;

/// One step on the way to a value: the key of a table or the index of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Key of a table.
    Key(String),
    /// Index of an array.
    Index(usize),
}

/// A TOML file as it was read.
pub struct Source {
    path: PathBuf,
    text: String,
    /// Its values.
    pub table: Table,
}

impl Source {
    /// Reads and parses a file.
    ///
    /// # Errors
    /// When it cannot be read, is larger than [`LARGEST_FILE`], or is not TOML.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let cannot = |why: &dyn std::fmt::Display| {
            Failure::input(format!("cannot read {}: {why}", path.display()))
        };
        let file = File::open(path).map_err(|error| cannot(&error))?;
        let mut text = String::new();
        // A device may have no end, and a pipe is a file as good as any.
        file.take(LARGEST_FILE + 1).read_to_string(&mut text).map_err(|error| cannot(&error))?;
        if text.len() as u64 > LARGEST_FILE {
            return Err(cannot(&format_args!("larger than {LARGEST_FILE} bytes")));
        }
        Self::parse(path, text)
    }

    /// Parses the text of the file at `path`.
    ///
    /// # Errors
    /// When it is not TOML.
    pub fn parse(path: &Path, text: String) -> Result<Self, Failure> {
        let table = text.parse::<Table>().map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let place = line_and_column(&text, start);
            let reason = error.message().trim().replace('\n', "; ");
            Failure::input(format!("{}:{place}: not TOML: {reason}", path.display()))
        })?;
        Ok(Self { path: path.to_owned(), text, table })
    }

    /// The text as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Refuses any key of the table at `place` that is not `allowed`.
    pub fn check_keys(&self, place: &[Place], allowed: &[String]) -> Result<(), Failure> {
        let Some(table) = self.table_at(place) else { return Ok(()) };
        for key in table.keys() {
            if allowed.contains(key) {
                continue;
            }
            let names: Vec<&str> = allowed.iter().map(String::as_str).collect();
            let at = [place, &[Place::Key(key.clone())]].concat();
            let nearest = did_you_mean(key, &names);
            let message = format!("unknown key {key:?}{nearest}; allowed: {}", names.join(", "));
            return Err(self.refuse(&at, message));
        }
        Ok(())
    }

    /// Reads the table at `place` (without the keys in `besides`) into a `T`.
    pub fn read_table<T: DeserializeOwned>(
        &self,
        place: &[Place],
        besides: &[&str],
    ) -> Result<T, Failure> {
        let Some(table) = self.table_at(place) else {
            return Err(self.refuse(place, "a table is needed here"));
        };
        let wanted = table.iter().filter(|(key, _)| !besides.contains(&key.as_str()));
        let table = wanted.map(|(key, value)| (key.clone(), value.clone())).collect();
        serde_path_to_error::deserialize(Value::Table(table)).map_err(|error| {
            let mut at = place.to_vec();
            at.extend(error.path().iter().filter_map(step_to));
            let message = readable(error.inner().message());
            match at.last() {
                Some(Place::Key(key)) => self.refuse(&at, format!("{key}: {message}")),
                _ => self.refuse(&at, message),
            }
        })
    }

    /// The settings in the table at `place`; `besides` are keys of it that are none.
    pub fn settings(&self, place: &[Place], besides: &[&str]) -> Result<Settings, Failure> {
        let mut allowed = Settings::keys();
        allowed.extend(besides.iter().map(|&key| key.to_owned()));
        if place.is_empty() {
            // What a run's own run.toml records.
            allowed.extend(["versions", "input_blake3"].map(str::to_owned));
        }
        self.check_keys(place, &allowed)?;
        self.read_table(place, besides)
    }

    /// A refused setting; where this file set it, its line is told.
    pub fn refuse_setting(&self, place: &[Place], error: &ConfigError) -> Failure {
        let at = [place, &[Place::Key(error.key.to_owned())]].concat();
        match self.value(&at) {
            Some(_) => self.refuse(&at, error),
            None => self.refuse(place, error),
        }
    }

    /// A complaint about what stands at `place`.
    pub fn refuse(&self, place: &[Place], reason: impl std::fmt::Display) -> Failure {
        let path = self.path.display();
        match self.offset(place) {
            Some(offset) => {
                let line = line_and_column(&self.text, offset);
                Failure::input(format!("{path}:{line}: {reason}"))
            }
            None => Failure::input(format!("{path}: {reason}")),
        }
    }

    /// Whether something stands at `place`.
    pub fn has(&self, place: &[Place]) -> bool {
        self.value(place).is_some()
    }

    /// What stands at `place`; nothing does at the root, which is a table ([`Self::table_at`]).
    fn value(&self, place: &[Place]) -> Option<&Value> {
        let (Place::Key(first), rest) = place.split_first()? else { return None };
        rest.iter().try_fold(self.table.get(first)?, |value, step| match step {
            Place::Key(key) => value.get(key.as_str()),
            Place::Index(index) => value.get(*index),
        })
    }

    /// The keys of the table at `place`, in the order of the file.
    pub fn keys_in_order(&self, place: &[Place]) -> Vec<String> {
        let Ok(document) = DeTable::parse(&self.text) else { return Vec::new() };
        let mut table = document.get_ref();
        for step in place {
            let Place::Key(key) = step else { return Vec::new() };
            let Some(DeValue::Table(inner)) = table.get(key.as_str()).map(Spanned::get_ref) else {
                return Vec::new();
            };
            table = inner;
        }
        let mut keys: Vec<_> =
            table.iter().map(|(key, _)| (key.span().start, key.get_ref().to_string())).collect();
        keys.sort();
        keys.into_iter().map(|(_, key)| key).collect()
    }

    fn table_at(&self, place: &[Place]) -> Option<&Table> {
        if place.is_empty() { Some(&self.table) } else { self.value(place)?.as_table() }
    }

    /// Where in the text `place` begins: at its key, or at the element of an array.
    fn offset(&self, place: &[Place]) -> Option<usize> {
        let document = DeTable::parse(&self.text).ok()?;
        let mut offset = None;
        let mut value: &DeValue<'_> = &DeValue::Table(document.into_inner());
        for step in place {
            let spanned: &Spanned<DeValue<'_>> = match (step, value) {
                (Place::Key(key), DeValue::Table(table)) => {
                    let (key, inner) = table.get_key_value(key.as_str())?;
                    offset = Some(key.span().start);
                    inner
                }
                (Place::Index(index), DeValue::Array(array)) => {
                    let inner = array.get(*index)?;
                    offset = Some(inner.span().start);
                    inner
                }
                _ => return offset,
            };
            value = spanned.get_ref();
        }
        offset
    }
}

fn step_to(segment: &Segment) -> Option<Place> {
    match segment {
        Segment::Map { key } => Some(Place::Key(key.clone())),
        Segment::Seq { index } => Some(Place::Index(*index)),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// What a user calls the types of a program.
pub fn readable(message: &str) -> String {
    let message = message.trim().replace("floating point", "number");
    [("i64", "a whole number"), ("u64", "a whole number"), ("f64", "a number")].iter().fold(
        message,
        |text, (program, user)| {
            text.replace(&format!("expected {program}"), &format!("expected {user}"))
        },
    )
}

/// `LINE:COLUMN`, both from 1.
fn line_and_column(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    format!("{line}:{column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Result<Source, Failure> {
        Source::parse(Path::new("a.toml"), text.to_owned())
    }

    #[test]
    fn complaints_name_file_line_key_and_what_is_allowed() {
        let text = "env = \"Pendulum-v1\"\nstepz = 5\n";
        let unknown = source(text).unwrap().settings(&[], &[]).unwrap_err().to_string();
        assert!(unknown.starts_with("a.toml:2:1: unknown key \"stepz\" (did you mean steps?)"));
        assert!(unknown.contains("learning_starts"));

        let wrong = source("\nsteps = \"many\"").unwrap().settings(&[], &[]).unwrap_err();
        let wrong = wrong.to_string();
        assert!(wrong.starts_with("a.toml:2:1: steps: invalid type: string"), "{wrong}");
        assert!(wrong.ends_with("expected a whole number"), "{wrong}");

        let broken = source("steps = \n").err().unwrap().to_string();
        assert!(broken.starts_with("a.toml:1:"), "{broken}");
    }

    #[test]
    fn a_file_without_an_end_is_refused() {
        let error = Source::read(Path::new("/dev/zero")).err().unwrap().to_string();
        assert!(error.contains("larger than 1048576 bytes"), "{error}");
    }

    #[test]
    fn a_refused_value_is_found_in_an_array_of_tables() {
        let source = source("[[variant]]\nname = \"a\"\n[[variant]]\nsteps = 0\n").unwrap();
        let place = [Place::Key("variant".to_owned()), Place::Index(1)];
        let error = source.refuse_setting(&place, &ConfigError::new("steps", 0, "at least 1"));
        assert_eq!(error.to_string(), "a.toml:4:1: steps = 0: at least 1");
    }
}
