//! Everything of a run that is not parameters: counters, random streams, optimisers' moments, the episode
//! in progress. With it a run goes on bit for bit.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{CheckpointError, TensorView, Tensors};

/// Named values and named arrays of numbers in single precision. Values are JSON: numbers in double
/// precision come back to the last bit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    values: Map<String, Value>,
    numbers: Vec<(String, Vec<f32>)>,
}

impl State {
    /// Takes a value under a name of its own.
    ///
    /// # Panics
    /// When it cannot be JSON (a number that is not finite becomes `null`, and is refused when read).
    pub fn set(&mut self, name: &str, value: impl Serialize) {
        let value = serde_json::to_value(value).expect("a state is made of plain values");
        let before = self.values.insert(name.to_owned(), value);
        debug_assert!(before.is_none(), "{name} is set twice");
    }

    /// The value of this name.
    ///
    /// # Errors
    /// There is none, or it is of another kind.
    pub fn get<V: DeserializeOwned>(&self, name: &str) -> Result<V, CheckpointError> {
        let value = self.values.get(name).ok_or_else(|| missing(name))?;
        V::deserialize(value)
            .map_err(|error| CheckpointError::Inconsistent(format!("state {name}: {error}")))
    }

    /// The value of this name; none if there is none.
    ///
    /// # Errors
    /// It is of another kind.
    pub fn find<V: DeserializeOwned>(&self, name: &str) -> Result<Option<V>, CheckpointError> {
        if self.values.contains_key(name) { self.get(name).map(Some) } else { Ok(None) }
    }

    /// Takes an array of numbers under a name of its own.
    pub fn set_numbers(&mut self, name: &str, numbers: &[f32]) {
        self.numbers.push((name.to_owned(), numbers.to_vec()));
    }

    /// Copies the array of this name, which must have as many numbers, into `numbers`.
    ///
    /// # Errors
    /// There is none, or it is of another length.
    pub fn read_numbers(&self, name: &str, numbers: &mut [f32]) -> Result<(), CheckpointError> {
        let found = self.numbers.iter().find(|(own, _)| own == name);
        let (_, found) = found.ok_or_else(|| missing(name))?;
        if found.len() != numbers.len() {
            let (found, wanted) = (found.len(), numbers.len());
            let reason = format!("state {name}: {found} numbers, and {wanted} are needed");
            return Err(CheckpointError::Inconsistent(reason));
        }
        numbers.copy_from_slice(found);
        Ok(())
    }

    /// The values as JSON text.
    pub fn values_text(&self) -> String {
        serde_json::to_string_pretty(&self.values).expect("plain values") + "\n"
    }

    /// The arrays.
    pub fn views(&self) -> Vec<TensorView<'_>> {
        let view = |(name, numbers): &'_ (String, Vec<f32>)| (name.clone(), vec![numbers.len()]);
        let shapes = self.numbers.iter().map(view).zip(&self.numbers);
        shapes.map(|((name, shape), (_, data))| TensorView { name, shape, data }).collect()
    }

    /// From what [`State::values_text`] and [`State::views`] gave.
    ///
    /// # Errors
    /// The text is no JSON object.
    pub fn from_parts(text: &[u8], tensors: &Tensors) -> Result<Self, CheckpointError> {
        let values = serde_json::from_slice(text)
            .map_err(|error| CheckpointError::Inconsistent(format!("state: {error}")))?;
        let views = tensors.views().into_iter();
        let numbers = views.map(|view| (view.name, view.data.to_vec())).collect();
        Ok(Self { values, numbers })
    }
}

/// A number of steps, updates or the like: so far below the largest number that a run can count on from it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "u64")]
pub(crate) struct Count(pub(crate) u64);

impl Count {
    const MOST: u64 = u64::MAX / 2;

    /// For fields of states: `#[serde(deserialize_with = "Count::read")]`.
    pub(crate) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        Self::deserialize(from).map(|Self(count)| count)
    }
}

impl TryFrom<u64> for Count {
    type Error = String;

    fn try_from(count: u64) -> Result<Self, String> {
        let (most, fits) = (Self::MOST, count <= Self::MOST);
        if fits { Ok(Self(count)) } else { Err(format!("{count}: at most {most}")) }
    }
}

fn missing(name: &str) -> CheckpointError {
    CheckpointError::Inconsistent(format!("state {name} is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_numbers_come_back_to_the_last_bit() {
        let mut state = State::default();
        let number = 0.1 + 0.2;
        state.set("number", number);
        state.set("list", vec![1u64, u64::MAX]);
        state.set_numbers("moments", &[0.1, f32::MIN_POSITIVE, 1e-40]);
        let text = state.values_text();
        let mut again =
            State { values: serde_json::from_str(&text).unwrap(), numbers: state.numbers.clone() };
        assert_eq!(again, state);
        assert_eq!(again.get::<f64>("number").unwrap().to_bits(), f64::to_bits(number));
        assert_eq!(again.get::<Vec<u64>>("list").unwrap(), [1, u64::MAX]);
        assert_eq!(again.find::<Vec<u64>>("list").unwrap(), Some(vec![1, u64::MAX]));
        assert_eq!(again.find::<bool>("other").unwrap(), None);
        assert!(again.find::<bool>("number").is_err());
        let mut numbers = [0.0; 3];
        again.read_numbers("moments", &mut numbers).unwrap();
        assert_eq!(numbers, [0.1, f32::MIN_POSITIVE, 1e-40]);
        assert_eq!(again.views()[0].shape, [3]);
        for error in [
            again.get::<f64>("other").unwrap_err(),
            again.get::<String>("number").unwrap_err(),
            again.read_numbers("moments", &mut [0.0; 2]).unwrap_err(),
            again.read_numbers("none", &mut numbers).unwrap_err(),
        ] {
            assert!(error.to_string().starts_with("state "), "{error}");
        }
        state.set("counts", [5, u64::MAX]);
        assert!(state.get::<(Count, u64)>("counts").is_ok_and(|(count, _)| count.0 == 5));
        let error = state.get::<(u64, Count)>("counts").unwrap_err().to_string();
        assert!(error.contains("18446744073709551615: at most"), "{error}");
        again.set("nan", f64::NAN);
        assert!(again.get::<f64>("nan").is_err());
    }
}
