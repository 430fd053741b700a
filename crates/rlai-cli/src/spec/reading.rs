//! How single settings are read: words, numbers, and whole numbers that may be refused later.

use rlai::train::ConfigError;

use crate::settings::NumberOrWord;
use crate::text::{did_you_mean, listed};

pub(super) fn number_or(
    key: &'static str,
    value: &Option<NumberOrWord>,
    word: &str,
) -> Result<Option<f64>, ConfigError> {
    match value {
        None => Ok(None),
        Some(NumberOrWord::Number(number)) => Ok(Some(*number)),
        Some(NumberOrWord::Word(given)) if given == word => Ok(None),
        Some(given) => Err(ConfigError::new(key, given, format!("\"{word}\" or a number"))),
    }
}

/// A value as people write it: a number without a needless point.
pub(super) fn shown(value: &toml::Value) -> String {
    value.as_float().map_or_else(|| value.to_string(), |number| number.to_string())
}

pub(super) fn choice<T: Copy>(
    key: &'static str,
    given: &Option<String>,
    default: T,
    names: &[(&str, T)],
) -> Result<T, ConfigError> {
    let Some(given) = given else { return Ok(default) };
    if let Some((_, value)) = names.iter().find(|(name, _)| name == given) {
        return Ok(*value);
    }
    let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    let allowed = format!("{}{}", listed(&names), did_you_mean(given, &names));
    Err(ConfigError::new(key, format!("{given:?}"), allowed))
}

pub(super) fn name_of<T: Copy + PartialEq>(value: T, names: &[(&str, T)]) -> String {
    let (name, _) = names.iter().find(|(_, v)| *v == value).expect("every value has a name");
    (*name).to_owned()
}

/// Reads whole numbers that must not be negative, and remembers those that are: the check of the
/// configuration knows best what is allowed, but must be told of the value that was typed.
#[derive(Default)]
pub(super) struct WholeNumbers {
    negative: Vec<(&'static str, i64)>,
}

impl WholeNumbers {
    pub(super) fn read(&mut self, key: &'static str, value: Option<i64>, default: u64) -> u64 {
        match value {
            None => default,
            Some(value) => u64::try_from(value).unwrap_or_else(|_| {
                self.negative.push((key, value));
                0
            }),
        }
    }

    pub(super) fn size(&mut self, key: &'static str, value: Option<i64>, default: usize) -> usize {
        let value = self.read(key, value, default as u64);
        usize::try_from(value).unwrap_or(usize::MAX)
    }

    pub(super) fn refuse_negative(
        self,
        checked: Result<(), ConfigError>,
    ) -> Result<(), ConfigError> {
        let typed = |key: &str| self.negative.iter().find(|(k, _)| *k == key);
        match checked {
            Err(mut error) => {
                if let Some((_, value)) = typed(error.key) {
                    error.value = value.to_string();
                }
                Err(error)
            }
            Ok(()) => match self.negative.first() {
                Some((key, value)) => Err(ConfigError::new(key, value, "at least 0")),
                None => Ok(()),
            },
        }
    }
}
