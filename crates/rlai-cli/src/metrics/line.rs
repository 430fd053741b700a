//! One line of metrics: what is known of it is typed, what is not is kept where it is a number.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Numbers by the name of their field, in the order of the line; none for a `null`.
pub type Fields = IndexMap<String, Option<f64>>;

/// A line of metrics.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// What training came to since the line before.
    Train(TrainLine),
    /// One evaluation.
    Evaluation(EvaluationLine),
    /// A kind that this program does not know.
    Other(String),
}

/// What training came to since the line before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainLine {
    /// Environment steps done.
    pub step: u64,
    /// Every other number of the line.
    pub fields: Fields,
}

/// One evaluation; what is `null` in the file is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EvaluationLine {
    /// Environment steps of training before it.
    pub step: u64,
    /// Mean return over its episodes.
    pub return_mean: Option<f64>,
    /// Standard deviation of the returns (n - 1).
    pub return_sd: Option<f64>,
    /// Mean length of an episode, steps.
    pub length_mean: Option<f64>,
    /// The return of every episode.
    pub returns: Vec<f64>,
    /// Every other number of the line.
    pub fields: Fields,
}

impl Line {
    /// Reads the text of one line.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let object: Object = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        object.into_line()
    }

    /// Environment steps; none of a kind that is not known.
    pub fn step(&self) -> Option<u64> {
        match self {
            Self::Train(line) => Some(line.step),
            Self::Evaluation(line) => Some(line.step),
            Self::Other(_) => None,
        }
    }

    /// The name of its kind.
    pub fn kind(&self) -> &str {
        match self {
            Self::Train(_) => "train",
            Self::Evaluation(_) => "evaluation",
            Self::Other(kind) => kind,
        }
    }

    /// The names of its numbers, without `step`, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        const TYPED: [&str; 3] = ["return_mean", "return_sd", "length_mean"];
        let (typed, fields) = match self {
            Self::Train(line) => (&TYPED[..0], Some(&line.fields)),
            Self::Evaluation(line) => (&TYPED[..], Some(&line.fields)),
            Self::Other(_) => (&TYPED[..0], None),
        };
        typed.iter().copied().chain(fields.into_iter().flat_map(Fields::keys).map(String::as_str))
    }

    /// The number of this name, `step` among them.
    pub fn value(&self, field: &str) -> Option<f64> {
        match self {
            Self::Train(line) => line.value(field),
            Self::Evaluation(line) => line.value(field),
            Self::Other(_) => None,
        }
    }
}

impl TrainLine {
    /// The number of this name, `step` among them.
    pub fn value(&self, field: &str) -> Option<f64> {
        match field {
            "step" => Some(self.step as f64),
            _ => self.fields.get(field).copied().flatten(),
        }
    }
}

impl EvaluationLine {
    /// The number of this name, `step` among them.
    pub fn value(&self, field: &str) -> Option<f64> {
        match field {
            "step" => Some(self.step as f64),
            "return_mean" => self.return_mean,
            "return_sd" => self.return_sd,
            "length_mean" => self.length_mean,
            _ => self.fields.get(field).copied().flatten(),
        }
    }
}

/// The object of a line, each value as what it can be used for.
#[derive(Default)]
struct Object {
    kind: Option<String>,
    step: Option<u64>,
    returns: Option<Vec<f64>>,
    fields: Fields,
}

impl Object {
    fn into_line(mut self) -> Result<Line, String> {
        let kind = self.kind.take().ok_or("no kind")?;
        match kind.as_str() {
            "train" => Ok(Line::Train(TrainLine { step: self.step()?, fields: self.fields })),
            "evaluation" => self.into_evaluation().map(Line::Evaluation),
            _ => Ok(Line::Other(kind)),
        }
    }

    fn step(&self) -> Result<u64, String> {
        self.step.ok_or_else(|| "no step that is a whole number".to_owned())
    }

    fn into_evaluation(mut self) -> Result<EvaluationLine, String> {
        let step = self.step()?;
        let mut take =
            |name: &str| self.fields.shift_remove(name).ok_or(format!("no number {name}"));
        Ok(EvaluationLine {
            step,
            return_mean: take("return_mean")?,
            return_sd: take("return_sd")?,
            length_mean: take("length_mean")?,
            returns: self.returns.ok_or("no list of numbers returns")?,
            fields: self.fields,
        })
    }

    fn put(&mut self, name: String, value: Value) {
        match (name.as_str(), value) {
            ("kind", Value::Text(kind)) => self.kind = Some(kind),
            ("step", Value::Whole(step)) => self.step = Some(step),
            ("returns", Value::Numbers(returns)) => self.returns = Some(returns),
            ("kind" | "step" | "returns", _) => {}
            (_, Value::Whole(number)) => drop(self.fields.insert(name, Some(number as f64))),
            (_, Value::Number(number)) => drop(self.fields.insert(name, Some(number))),
            (_, Value::Null) => drop(self.fields.insert(name, None)),
            (_, Value::Text(_) | Value::Numbers(_) | Value::Other) => {}
        }
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Object;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                // Room for the numbers of a usual line.
                let mut object = Object { fields: Fields::with_capacity(32), ..Object::default() };
                while let Some(name) = map.next_key::<String>()? {
                    let twice = match name.as_str() {
                        "kind" => object.kind.is_some(),
                        "step" => object.step.is_some(),
                        "returns" => object.returns.is_some(),
                        name => object.fields.contains_key(name),
                    };
                    if twice {
                        return Err(A::Error::custom(format_args!("{name:?} stands there twice")));
                    }
                    object.put(name, map.next_value()?);
                }
                Ok(object)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// A value of a line.
enum Value {
    Null,
    Whole(u64),
    Number(f64),
    Text(String),
    Numbers(Vec<f64>),
    /// Whatever else: it is passed over.
    Other,
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Value;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
                Ok(Value::Other)
            }

            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(Value::Whole(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(Value::Number(value as f64))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(Value::Number(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(Value::Text(value.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Value::Other)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
                let mut numbers = Some(Vec::new());
                while let Some(value) = list.next_element()? {
                    numbers = match (numbers, value) {
                        (Some(mut numbers), Value::Whole(value)) => {
                            numbers.push(value as f64);
                            Some(numbers)
                        }
                        (Some(mut numbers), Value::Number(value)) => {
                            numbers.push(value);
                            Some(numbers)
                        }
                        _ => None,
                    };
                }
                Ok(numbers.map_or(Value::Other, Value::Numbers))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Line, String> {
        Line::parse(text.as_bytes())
    }

    #[test]
    fn numbers_are_kept_and_what_is_unknown_is_passed_over() {
        let text = r#"{"kind":"train","step":18446744073709551615,"q":-1.5,"alpha":null,"updates":3,
            "new":{"deep":[1,{"a":2}]},"flag":true,"names":["a"],"note":"text"}"#;
        let Ok(Line::Train(line)) = parse(text) else { panic!("a line of training") };
        assert_eq!(line.step, u64::MAX);
        let fields = [("alpha", None), ("q", Some(-1.5)), ("updates", Some(3.0))];
        assert_eq!(line.fields, fields.map(|(name, value)| (name.to_owned(), value)).into());
        assert_eq!(parse(r#"{"kind":"new","step":-1}"#), Ok(Line::Other("new".to_owned())));
    }

    #[test]
    fn an_evaluation_is_typed() {
        let text = r#"{"kind":"evaluation","step":5,"return_mean":1,"return_sd":0.5,"length_mean":null,
            "returns":[0.5,-2,3],"time_seconds":1.25}"#;
        let line = parse(text).unwrap();
        assert_eq!((line.value("return_mean"), line.value("length_mean")), (Some(1.0), None));
        assert_eq!((line.value("time_seconds"), line.value("step")), (Some(1.25), Some(5.0)));
        let Line::Evaluation(line) = line else { panic!("an evaluation") };
        assert_eq!(line.returns, [0.5, -2.0, 3.0]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, why) in [
            (r#"{"step":1}"#, "no kind"),
            (r#"{"kind":"train","step":1.5}"#, "no step that is a whole number"),
            (r#"{"kind":"train","step":-1}"#, "no step that is a whole number"),
            (r#"{"kind":"train","step":1,"q":1,"q":2}"#, "\"q\" stands there twice"),
            (r#"{"kind":"evaluation","step":1,"return_mean":"a"}"#, "no number return_mean"),
            (r#"{"kind":"train","step":1,"q":1e999}"#, "number out of range"),
            (r#"[1]"#, "expected an object"),
            (r#"{"kind":"train","step":1} 2"#, "trailing characters"),
        ] {
            let told = parse(text).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
    }
}
