//! `[grid]`: lists of values, every combination of which runs with every variant.

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::error::Failure;
use crate::settings::Settings;
use crate::source::{Place, Source, readable};

const TABLE: &str = "grid";
/// Longest name of a combination: it is a folder's.
const LONGEST: usize = 200;

/// The axes of a grid, in the order of the file.
#[derive(Debug, Default)]
pub struct Grid {
    axes: Vec<Axis>,
}

#[derive(Debug)]
struct Axis {
    key: String,
    values: Vec<(String, Value)>,
}

/// One value of every axis.
#[derive(Clone, Debug, Default)]
pub struct Combination {
    /// `key=value,...`; empty where there is no grid.
    pub name: String,
    /// Keys with their values in words.
    pub values: Vec<(String, String)>,
    /// The settings that it makes.
    pub settings: Settings,
    /// Which value of each axis, for complaints.
    places: Vec<(String, usize)>,
}

/// How many combinations a file asks for, counted before any value is looked at; none without a grid.
pub fn count(source: &Source) -> Option<usize> {
    let table = source.table.get(TABLE)?;
    let length = |value: &Value| value.as_array().map_or(1, Vec::len);
    let axes = table.as_table().into_iter().flat_map(Table::values);
    Some(axes.map(length).fold(1, usize::saturating_mul))
}

impl Grid {
    /// Reads the table; every value is looked at, none is combined.
    ///
    /// # Errors
    /// What is no list of settings' values, with its line.
    pub fn read(source: &Source, own: &[(&str, &str)]) -> Result<Self, Failure> {
        let place = [key(TABLE)];
        if !source.has(&place) {
            return Ok(Self::default());
        }
        source.check_keys(&place, &Settings::keys())?;
        let mut axes = Vec::new();
        for name in source.keys_in_order(&place) {
            let at = [key(TABLE), key(&name)];
            if let Some((_, why)) = own.iter().find(|(own, _)| *own == name) {
                return Err(source.refuse(&at, format!("{name} has no place here: {why}")));
            }
            axes.push(Axis::read(source, name)?);
        }
        if axes.is_empty() {
            return Err(source.refuse(&place, "no axis: a list of values is needed, or no [grid]"));
        }
        Ok(Self { axes })
    }

    /// How many combinations there are: one where there is no grid.
    pub fn combinations(&self) -> usize {
        self.axes.iter().fold(1, |product, axis| product.saturating_mul(axis.values.len()))
    }

    /// Whether it sets this key.
    pub fn sets(&self, key: &str) -> bool {
        self.axes.iter().any(|axis| axis.key == key)
    }

    /// The combination of this index; the last axis varies fastest.
    ///
    /// # Errors
    /// One whose name is too long for a folder.
    pub fn combination(&self, source: &Source, index: usize) -> Result<Combination, Failure> {
        let (mut rest, mut chosen) = (index, Vec::with_capacity(self.axes.len()));
        for axis in self.axes.iter().rev() {
            chosen.push((axis, rest % axis.values.len()));
            rest /= axis.values.len();
        }
        chosen.reverse();
        let mut made = Combination::default();
        let mut table = Table::new();
        for (axis, at) in chosen {
            let (word, value) = &axis.values[at];
            table.insert(axis.key.clone(), value.clone());
            made.values.push((axis.key.clone(), word.clone()));
            made.places.push((axis.key.clone(), at));
        }
        let words: Vec<String> =
            made.values.iter().map(|(key, word)| format!("{key}={word}")).collect();
        made.name = words.join(",");
        if made.name.len() > LONGEST {
            let why = format!("{}: a folder's name of more than {LONGEST} letters", made.name);
            return Err(source.refuse(&[key(TABLE)], why));
        }
        made.settings =
            table.try_into().map_err(|error| source.refuse(&[key(TABLE)], format!("{error}")))?;
        Ok(made)
    }
}

impl Axis {
    fn read(source: &Source, name: String) -> Result<Self, Failure> {
        let at = [key(TABLE), key(&name)];
        let given = source.table.get(TABLE).and_then(|grid| grid.get(&name));
        let values = match given.and_then(Value::as_array) {
            Some(values) if !values.is_empty() => values,
            _ => {
                let why = format!("{name}: a list of values is needed, such as [1, 2]");
                return Err(source.refuse(&at, why));
            }
        };
        let mut words = BTreeSet::new();
        let mut read = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let refuse = |why: String| {
                let at = [&at[..], &[Place::Index(index)]].concat();
                Err(source.refuse(&at, why))
            };
            let alone = Table::from_iter([(name.clone(), value.clone())]);
            if let Err(error) = alone.try_into::<Settings>() {
                return refuse(format!("{name}: {}", readable(error.message())));
            }
            let word = word(value);
            if word.is_empty() || !words.insert(word.to_lowercase()) {
                return refuse(format!("{name}: {value}: its name \"{word}\" is another's too"));
            }
            read.push((word, value.clone()));
        }
        Ok(Self { key: name, values: read })
    }
}

impl Combination {
    /// Where the file sets this key, if the combination does.
    pub fn place(&self, name: &str) -> Option<[Place; 3]> {
        let (name, index) = self.places.iter().find(|(key, _)| key == name)?;
        Some([key(TABLE), key(name), Place::Index(*index)])
    }
}

/// A value as part of a folder's name.
fn word(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(word).collect::<Vec<_>>().join("x"),
        Value::Float(number) => number.to_string(),
        other => other.to_string(),
    };
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.+".contains(c) { c } else { '-' };
    text.chars().map(plain).collect()
}

fn key(name: &str) -> Place {
    Place::Key(name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn source(text: &str) -> Source {
        Source::parse(Path::new("s.toml"), text.to_owned()).unwrap()
    }

    #[test]
    fn every_combination_has_a_name_of_its_own() {
        let source = source(
            "[grid]\nenv = [\"tabular:a/b.json\", \"Hopper-v5\"]\nbuffer = [50_000, 1_000_000]\n\
             hidden = [[64, 64]]\nlearning_rate = [3e-4, 1e-3, 1]\n",
        );
        let grid = Grid::read(&source, &[]).unwrap();
        assert_eq!((grid.combinations(), count(&source)), (12, Some(12)));
        let names: Vec<String> =
            (0..12).map(|i| grid.combination(&source, i).unwrap().name).collect();
        // In the order of the file, the last axis fastest.
        assert_eq!(names[0], "env=tabular-a-b.json,buffer=50000,hidden=64x64,learning_rate=0.0003");
        assert_eq!(names[1], names[0].replace("0.0003", "0.001"));
        assert_eq!(names[11], "env=Hopper-v5,buffer=1000000,hidden=64x64,learning_rate=1");
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 12);
        let last = grid.combination(&source, 11).unwrap();
        assert_eq!(last.settings.buffer, Some(1_000_000));
        assert_eq!(last.settings.hidden, Some(vec![64, 64]));
        assert_eq!(last.settings.learning_rate, Some(1.0));
        assert!(grid.sets("env") && !grid.sets("steps"));
    }

    #[test]
    fn no_grid_is_one_combination_of_nothing() {
        let source = source("");
        let grid = Grid::read(&source, &[]).unwrap();
        assert_eq!((grid.combinations(), count(&source)), (1, None));
        assert_eq!(grid.combination(&source, 0).unwrap().settings, Settings::default());
    }

    #[test]
    fn every_refusal_names_its_line() {
        let cases = [
            ("steps = 5", "s.toml:2:1: steps: a list of values is needed"),
            ("steps = []", "s.toml:2:1: steps: a list"),
            ("stepz = [1]", "s.toml:2:1: unknown key \"stepz\" (did you mean steps?)"),
            ("steps = [1, \"a\"]", "s.toml:2:13: steps: invalid type: string"),
            ("steps = [1, 1]", "s.toml:2:13: steps: 1: its name \"1\" is another's too"),
            ("seed = [1]", "s.toml:2:1: seed has no place here: why"),
            ("", "s.toml:1:2: no axis"),
        ];
        for (line, message) in cases {
            let source = source(&format!("[grid]\n{line}"));
            let told = Grid::read(&source, &[("seed", "why")]).unwrap_err().to_string();
            assert!(told.starts_with(message), "{line}: {told}");
        }
        let long = source(&format!("[grid]\nenv = [\"{}\"]", "a".repeat(300)));
        let grid = Grid::read(&long, &[]).unwrap();
        assert!(grid.combination(&long, 0).unwrap_err().to_string().contains("200 letters"));
    }
}
