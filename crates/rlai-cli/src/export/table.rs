//! What all formats hold: a row for every line of metrics of every run.

use std::path::PathBuf;

use indexmap::IndexSet;
use serde::Serialize;

use crate::error::Failure;
use crate::metrics::{Line, Run, runs_in};

/// The lines of some runs, looked through once: they are whole, and their fields are known.
pub struct Table {
    /// The runs, each with how many of its lines belong here: a run that is being written grows.
    pub runs: Vec<(Run, u64)>,
    /// Names of all numbers but the step: in their order in the lines.
    pub fields: IndexSet<String>,
    /// The column of each field: its name, or another where a column of every table has that.
    pub columns: Vec<String>,
}

/// Columns of every table; a field of such a name gets another.
const OWN: [&str; 9] =
    ["study", "variant", "run", "env", "objective", "kind", "seed", "step", "returns"];

/// What an export came to.
#[derive(Debug, Serialize)]
pub struct Written {
    /// Runs.
    pub runs: usize,
    /// Lines of metrics.
    pub rows: u64,
    /// Files.
    pub files: Vec<PathBuf>,
}

/// A row: a line of metrics with the run that it is of.
pub struct Row<'a> {
    /// The run.
    pub run: &'a Run,
    /// The line; of a kind that is known.
    pub line: &'a Line,
}

impl Table {
    /// Looks through the runs in these folders.
    ///
    /// # Errors
    /// No runs there, or a line that is damaged.
    pub fn of(dirs: &[PathBuf]) -> Result<Self, Failure> {
        let mut fields = IndexSet::new();
        let mut runs = Vec::new();
        for run in runs_in(dirs)? {
            let lines = run.each_line(u64::MAX, |line| {
                learn(&mut fields, line);
                Ok(())
            })?;
            runs.push((run, lines));
        }
        let columns = columns(&fields);
        Ok(Self { runs, fields, columns })
    }

    /// Shows every row in its order. How many there were.
    ///
    /// # Errors
    /// Lines that have become damaged, or what `show` says.
    pub fn each_row(
        &self,
        mut show: impl FnMut(Row<'_>) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let mut rows = 0;
        for (run, lines) in &self.runs {
            run.each_line(*lines, |line| {
                if line.step().is_none() {
                    return Ok(());
                }
                rows += 1;
                show(Row { run, line })
            })?;
        }
        Ok(rows)
    }

    /// What came of it, in this file.
    pub fn written(&self, rows: u64, file: PathBuf) -> Written {
        Written { runs: self.runs.len(), rows, files: vec![file] }
    }
}

/// Names that are all different: those of fields, after `metrics_` where the table itself has such a column.
fn columns(fields: &IndexSet<String>) -> Vec<String> {
    let column = |field: &String| {
        let mut name = field.clone();
        while OWN.contains(&name.as_str()) || (name != *field && fields.contains(&name)) {
            name.insert_str(0, "metrics_");
        }
        name
    };
    fields.iter().map(column).collect()
}

/// A field that is new comes behind the one that it follows in its line.
fn learn(fields: &mut IndexSet<String>, line: &Line) {
    let mut at = 0;
    for name in line.names() {
        match fields.get_index_of(name) {
            Some(index) => at = index + 1,
            None => {
                fields.shift_insert(at, name.to_owned());
                at += 1;
            }
        }
    }
}

/// A file that cannot be written.
pub fn unwritten(path: &std::path::Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::running(format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_column_has_the_name_of_another() {
        let fields = ["q", "seed", "metrics_seed", "run", "returns"].map(str::to_owned);
        let expected =
            ["q", "metrics_metrics_seed", "metrics_seed", "metrics_run", "metrics_returns"];
        assert_eq!(columns(&IndexSet::from(fields)), expected);
    }

    #[test]
    fn fields_keep_their_order() {
        let mut fields = IndexSet::new();
        for text in [
            r#"{"kind":"train","step":1,"a":1,"c":null,"time_seconds":1}"#,
            r#"{"kind":"train","step":1,"a":1,"b":2,"c":3,"time_seconds":1,"z":1}"#,
            r#"{"kind":"evaluation","step":1,"return_mean":1,"return_sd":0,"length_mean":1,"returns":[1],
                "time_seconds":2}"#,
            r#"{"kind":"new","step":1,"unknown":1}"#,
        ] {
            learn(&mut fields, &Line::parse(text.as_bytes()).unwrap());
        }
        let order = ["return_mean", "return_sd", "length_mean", "a", "b", "c", "time_seconds", "z"];
        assert!(fields.iter().eq(order), "{fields:?}");
    }
}
