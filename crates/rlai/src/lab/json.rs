//! Decision processes as JSON.

use serde::{Deserialize, Serialize};

use super::{Process, ProcessError, ProcessSpec};

/// The file: nested arrays under the names of the literature. Further keys are ignored.
#[derive(Serialize, Deserialize)]
#[allow(non_snake_case)]
struct Document {
    S: usize,
    A: usize,
    H: usize,
    alpha: f64,
    Z0: f64,
    rho0: Vec<f64>,
    P: Vec<Vec<Vec<f64>>>,
    r: Vec<Vec<f64>>,
    pi0: Vec<Vec<f64>>,
    phi: Vec<Vec<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gamma: Option<f64>,
}

impl Process {
    /// Reads a process from JSON: one object with the keys `S`, `A`, `H`, `alpha`, `Z0`, `rho0` `[S]`,
    /// `P` `[S, A, S]`, `r`, `pi0` and `phi` `[S, A]` and, where wanted, `gamma`; others are ignored. Numbers
    /// are read to the last bit. Reading takes at most about 32 bytes of memory for each byte of `text`.
    ///
    /// # Errors
    /// What is not JSON, a missing key or a value of another type is told with its line and column;
    /// the rest as by [`Process::new`].
    ///
    /// ```
    /// use rlai::lab::Process;
    ///
    /// let text = br#"{"S": 1, "A": 2, "H": 3, "alpha": 0.5, "Z0": 1, "rho0": [1],
    ///     "P": [[[1], [0.9]]], "r": [[0, -1]], "pi0": [[0.5, 0.5]], "phi": [[0, 0]]}"#;
    /// assert!((Process::from_json(text)?.termination(0, 1) - 0.1).abs() < 1e-15);
    /// # Ok::<(), rlai::lab::ProcessError>(())
    /// ```
    pub fn from_json(text: &[u8]) -> Result<Self, ProcessError> {
        let mut source = serde_json::Deserializer::from_slice(text);
        let document: Document =
            serde_path_to_error::deserialize(&mut source).map_err(|error| {
                let place = match error.path().to_string() {
                    path if path == "." => String::new(),
                    path => format!("{path}: "),
                };
                json_error(&place, error.inner())
            })?;
        source.end().map_err(|error| json_error("", &error))?;
        Self::new(document.flat()?)
    }

    /// The process as [`Process::from_json`] reads it, every number to the last bit.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&Document::of(self.spec())).expect("finite numbers have a JSON form")
    }
}

impl Document {
    fn of(spec: &ProcessSpec) -> Self {
        let rows = |values: &[f64], width| -> Vec<Vec<f64>> {
            values.chunks(width).map(<[f64]>::to_vec).collect()
        };
        let pairs = rows(&spec.transitions, spec.states);
        Self {
            S: spec.states,
            A: spec.actions,
            H: spec.horizon,
            alpha: spec.alpha,
            Z0: spec.z0,
            rho0: spec.rho0.clone(),
            P: pairs.chunks(spec.actions).map(<[Vec<f64>]>::to_vec).collect(),
            r: rows(&spec.rewards, spec.actions),
            pi0: rows(&spec.default_policy, spec.actions),
            phi: rows(&spec.logits, spec.actions),
            gamma: spec.gamma,
        }
    }

    /// The same with flat arrays, every length checked.
    fn flat(self) -> Result<ProcessSpec, ProcessError> {
        let (states, actions) = ((self.S, "S"), (self.A, "A"));
        check_length("rho0", self.rho0.len(), states)?;
        check_length("P", self.P.len(), states)?;
        let mut transitions = Vec::new();
        for (s, rows) in self.P.into_iter().enumerate() {
            let key = format!("P[{s}]");
            check_length(&key, rows.len(), actions)?;
            transitions.extend(flat_rows(&key, rows, states)?);
        }
        let pairs = |key: &str, rows: Vec<Vec<f64>>| {
            check_length(key, rows.len(), states)?;
            flat_rows(key, rows, actions)
        };
        Ok(ProcessSpec {
            states: self.S,
            actions: self.A,
            horizon: self.H,
            alpha: self.alpha,
            z0: self.Z0,
            rho0: self.rho0,
            transitions,
            rewards: pairs("r", self.r)?,
            default_policy: pairs("pi0", self.pi0)?,
            logits: pairs("phi", self.phi)?,
            gamma: self.gamma,
        })
    }
}

fn flat_rows(
    key: &str,
    rows: Vec<Vec<f64>>,
    width: (usize, &str),
) -> Result<Vec<f64>, ProcessError> {
    let mut flat = Vec::new();
    for (i, row) in rows.into_iter().enumerate() {
        check_length(&format!("{key}[{i}]"), row.len(), width)?;
        flat.extend(row);
    }
    Ok(flat)
}

fn check_length(
    key: &str,
    length: usize,
    (expected, name): (usize, &str),
) -> Result<(), ProcessError> {
    if length == expected {
        return Ok(());
    }
    let (key, expected) = (key.to_owned(), format!("{expected} ({name})"));
    Err(ProcessError::Shape { key, length, expected })
}

fn json_error(place: &str, error: &serde_json::Error) -> ProcessError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let text = text.trim_end_matches(&format!(" at line {line} column {column}"));
    let text = text.replace("expected usize", "expected a whole number of at least 0");
    let reason = format!("{place}{}", text.replace("expected f64", "expected a number"));
    ProcessError::Json { line, column, reason }
}
