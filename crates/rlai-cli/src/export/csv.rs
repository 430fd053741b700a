//! Comma-separated values, as RFC 4180 has them but for the ends of lines, which are `\n`.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::table::{Row, Table, Written, unwritten};
use crate::error::Failure;
use crate::metrics::Line;
use crate::run_folder::write_whole_with;

/// What comes before the fields.
const FIRST: &str = "study,variant,run,env,objective,seed,kind,step";

/// Writes a row for every line, a column for every field and one for the returns of an evaluation.
///
/// # Errors
/// Lines that cannot be read, or a file that cannot be written.
pub fn write(table: &Table, path: &Path) -> Result<Written, Failure> {
    let refused = |error: io::Error| unwritten(path, &error);
    let mut rows = 0;
    write_whole_with(path, refused, |file| {
        let mut out = BufWriter::new(file);
        out.write_all(header(table).as_bytes()).map_err(refused)?;
        rows =
            table.each_row(|row| out.write_all(text(table, &row).as_bytes()).map_err(refused))?;
        out.flush().map_err(refused)
    })?;
    Ok(table.written(rows, path.to_owned()))
}

fn header(table: &Table) -> String {
    let mut text = FIRST.to_owned();
    for name in &table.columns {
        text.push(',');
        text.push_str(&quoted(name));
    }
    text + ",returns\n"
}

fn text(table: &Table, Row { run, line }: &Row<'_>) -> String {
    let name = |name: &Option<String>| quoted(name.as_deref().unwrap_or_default());
    let (study, variant) = (name(&run.study), name(&run.variant));
    let [run_name, env, objective] = [&run.name, &run.env, &run.objective].map(|x| quoted(x));
    let (seed, kind, step) = (run.seed, line.kind(), line.step().unwrap_or_default());
    let mut text = format!("{study},{variant},{run_name},{env},{objective},{seed},{kind},{step}");
    for field in &table.fields {
        text.push(',');
        if let Some(value) = line.value(field) {
            push(&mut text, value);
        }
    }
    text.push(',');
    if let Line::Evaluation(line) = line {
        for (i, value) in line.returns.iter().enumerate() {
            text.push_str(if i > 0 { " " } else { "" });
            push(&mut text, *value);
        }
    }
    text.push('\n');
    text
}

/// The shortest text that is read back as this number, without many zeros.
fn push(text: &mut String, value: f64) {
    let plain = value == 0.0 || (1e-5..1e16).contains(&value.abs());
    // Writing to a string does not fail.
    let _ = if plain { write!(text, "{value}") } else { write!(text, "{value:e}") };
}

fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_value_is_quoted() {
        assert_eq!(quoted("plain text"), "plain text");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
    }

    #[test]
    fn numbers_are_read_back_and_short() {
        for value in [0.1, -1560.9622249596594, 1e300, -5e-324, 0.0, 1e15, 123456789.0] {
            let mut text = String::new();
            push(&mut text, value);
            assert_eq!(text.parse(), Ok(value));
            assert!(text.len() < 26, "{text}");
        }
    }
}
