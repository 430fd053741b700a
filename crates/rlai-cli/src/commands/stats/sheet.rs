//! Lines of a CSV file by the names of their columns; what is wrong is told by line, column and value.

use std::io::Read;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::text::{did_you_mean, listed};

/// Largest file that is read, in bytes.
const LARGEST_FILE: u64 = 64 << 20;

/// A column: the names that it may have, of which the file has one.
pub type Names = &'static [&'static str];

/// A file that is read line by line.
pub struct Sheet<'a> {
    reader: csv::Reader<&'a [u8]>,
    header: StringRecord,
    line: StringRecord,
    at: u64,
}

impl<'a> Sheet<'a> {
    /// The file in `bytes`, its header read.
    ///
    /// # Errors
    /// No header.
    pub fn new(bytes: &'a [u8]) -> Result<Self, String> {
        let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(bytes);
        let header = reader.headers().map_err(told)?.clone();
        if header.iter().all(str::is_empty) {
            return Err("line 1: a header with the columns' names".to_owned());
        }
        Ok(Self { reader, header, line: StringRecord::new(), at: 1 })
    }

    /// Where a column is, if there is one of these names.
    ///
    /// # Errors
    /// More than one.
    pub fn column(&self, names: Names) -> Result<Option<usize>, String> {
        let named =
            |&(_, title): &(usize, &str)| names.iter().any(|name| title.eq_ignore_ascii_case(name));
        let mut found = self.header.iter().enumerate().filter(named);
        let first = found.next();
        match (first, found.next()) {
            (Some((_, one)), Some((_, other))) => {
                Err(format!("line 1: columns {one} and {other}: one of them"))
            }
            _ => Ok(first.map(|(column, _)| column)),
        }
    }

    /// Where a column is that has to be there.
    ///
    /// # Errors
    /// None of these names, or more than one.
    pub fn needed(&self, names: Names) -> Result<usize, String> {
        let missing = || {
            let near = self.header.iter().map(|title| did_you_mean(title, names));
            let near = near.filter(|near| !near.is_empty()).max_by_key(String::len);
            let columns: Vec<&str> = self.header.iter().take(20).collect();
            let columns: String = columns.join(", ").chars().take(200).collect();
            format!(
                "line 1: no column {}{}; there are: {columns}",
                listed(names),
                near.unwrap_or_default()
            )
        };
        self.column(names)?.ok_or_else(missing)
    }

    /// Goes to the next line that is not empty; false at the end.
    ///
    /// # Errors
    /// Text that is not UTF-8, or a line with other numbers of fields than the header.
    pub fn next(&mut self) -> Result<bool, String> {
        let more = self.reader.read_record(&mut self.line).map_err(told)?;
        self.at = self.line.position().map_or(self.at, csv::Position::line);
        Ok(more)
    }

    /// The line's number, from 1.
    pub fn line(&self) -> u64 {
        self.at
    }

    /// What stands in a column, which must not be nothing.
    ///
    /// # Errors
    /// An empty field.
    pub fn text(&self, column: usize) -> Result<&str, String> {
        match self.field(column) {
            "" => Err(self.refuse(column, "a name")),
            text => Ok(text),
        }
    }

    /// The number in a column.
    ///
    /// # Errors
    /// Anything but a finite number.
    pub fn number(&self, column: usize) -> Result<f64, String> {
        let number = self.field(column).parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| self.refuse(column, "a finite number"))
    }

    /// That what stands in a column is not what may stand there.
    pub fn refuse(&self, column: usize, allowed: &str) -> String {
        let title = self.header.get(column).unwrap_or_default();
        let value: String = self.field(column).chars().take(60).collect();
        format!("line {}: {title} = {value:?}: {allowed}", self.at)
    }

    fn field(&self, column: usize) -> &str {
        self.line.get(column).unwrap_or_default()
    }
}

/// What the parser says, by line.
fn told(error: csv::Error) -> String {
    let line = error.position().map_or(1, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("line {line}: {len} fields: {expected_len}, as in the header")
        }
        csv::ErrorKind::Utf8 { err, .. } => {
            format!("line {line}, field {}: text in UTF-8", err.field() + 1)
        }
        _ => format!("line {line}: {error}"),
    }
}

/// All bytes of a file.
///
/// # Errors
/// When it cannot be read or is too large.
pub fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let cannot = |why: &dyn std::fmt::Display| format!("cannot read {}: {why}", path.display());
    let file = std::fs::File::open(path).map_err(|error| cannot(&error))?;
    let mut bytes = Vec::new();
    // A device may have no end, and a pipe is a file as good as any.
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(|error| cannot(&error))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(cannot(&format_args!("larger than {LARGEST_FILE} bytes")));
    }
    Ok(bytes)
}
