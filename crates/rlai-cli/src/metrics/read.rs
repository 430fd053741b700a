//! Metrics from their beginning, one line at a time.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use rlai::files;

use super::{LONGEST_LINE, Line};

/// Why metrics cannot be read.
#[derive(Debug)]
pub enum MetricsError {
    /// The file system refused.
    Io(io::Error),
    /// A line is damaged.
    Damaged {
        /// Which one: its number, from 1, or where it begins.
        place: String,
        /// What is wrong with it.
        why: String,
    },
}

impl fmt::Display for MetricsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(out),
            Self::Damaged { place, why } => write!(out, "{place}: {why}"),
        }
    }
}

impl std::error::Error for MetricsError {}

impl From<io::Error> for MetricsError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A last line that is not whole: its writer was killed, or is writing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn {
    /// Its number, from 1.
    pub line: u64,
    /// Its bytes.
    pub bytes: usize,
}

/// The lines of metrics in their order, read one by one: no more than one is in memory. A line that is
/// damaged, or whose step is smaller than one before, is an error and the end.
pub struct Lines<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
    step: u64,
    torn: Option<Torn>,
    ended: bool,
}

/// The lines of a file.
///
/// # Errors
/// It cannot be opened, or is no file.
pub fn lines_of(path: &Path) -> Result<Lines<BufReader<File>>, MetricsError> {
    Ok(Lines::new(BufReader::new(files::open(path)?)))
}

impl<R: BufRead> Lines<R> {
    /// The lines of what is read.
    pub fn new(input: R) -> Self {
        Self { input, line: Vec::new(), number: 0, step: 0, torn: None, ended: false }
    }

    /// The last line if it was not whole; known once all lines have been read.
    pub fn torn(&self) -> Option<Torn> {
        self.torn
    }

    fn read(&mut self) -> Result<Option<Line>, MetricsError> {
        self.line.clear();
        let most = LONGEST_LINE as u64 + 1;
        self.input.by_ref().take(most).read_until(b'\n', &mut self.line)?;
        if self.line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let whole = self.line.last() == Some(&b'\n');
        if !whole && self.line.len() > LONGEST_LINE {
            return Err(self.damaged(format!("longer than {LONGEST_LINE} bytes")));
        }
        match Line::parse(&self.line) {
            Ok(line) => self.in_order(line).map(Some),
            Err(_) if !whole => {
                self.torn = Some(Torn { line: self.number, bytes: self.line.len() });
                Ok(None)
            }
            Err(why) => Err(self.damaged(why)),
        }
    }

    fn in_order(&mut self, line: Line) -> Result<Line, MetricsError> {
        if let Some(step) = line.step() {
            if step < self.step {
                return Err(self.damaged(format!("step {step} after step {}", self.step)));
            }
            self.step = step;
        }
        Ok(line)
    }

    fn damaged(&self, why: String) -> MetricsError {
        MetricsError::Damaged { place: format!("line {}", self.number), why }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Line, MetricsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read().transpose();
        self.ended = !matches!(read, Some(Ok(_)));
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "{\"kind\":\"train\",\"step\":100,\"q\":1}\n";
    const TWO: &str = "{\"kind\":\"train\",\"step\":200,\"q\":2}\n";

    fn read(text: &str) -> (Vec<Option<u64>>, Option<Torn>, Option<String>) {
        let mut lines = Lines::new(text.as_bytes());
        let (mut steps, mut error) = (Vec::new(), None);
        for line in lines.by_ref() {
            match line {
                Ok(line) => steps.push(line.step()),
                Err(why) => error = Some(why.to_string()),
            }
        }
        (steps, lines.torn(), error)
    }

    #[test]
    fn lines_come_in_their_order() {
        let other = "{\"kind\":\"new\"}\n";
        let all = [Some(100), None, Some(200), Some(200)];
        assert_eq!(read(&format!("{ONE}{other}{TWO}{TWO}")), (all.to_vec(), None, None));
        assert_eq!(read(""), (vec![], None, None));
        // Without its end a line may still be whole.
        let (steps, torn, error) = read(&format!("{ONE}{}", TWO.trim_end()));
        assert_eq!((steps.len(), torn, error), (2, None, None));
    }

    #[test]
    fn a_torn_last_line_is_told_wherever_it_is_torn() {
        for bytes in 1..TWO.len() - 1 {
            let (steps, torn, error) = read(&format!("{ONE}{}", &TWO[..bytes]));
            assert_eq!((steps, error), (vec![Some(100)], None));
            assert_eq!(torn, Some(Torn { line: 2, bytes }));
        }
    }

    #[test]
    fn a_damaged_line_is_named_and_the_end() {
        let (steps, _, error) = read(&format!("{ONE}{}\n{TWO}", &TWO[..9]));
        assert_eq!(steps, [Some(100)]);
        assert!(error.unwrap().starts_with("line 2: "));
        let (steps, _, error) = read(&format!("{TWO}{ONE}{TWO}"));
        assert_eq!((steps.len(), error.as_deref()), (1, Some("line 2: step 100 after step 200")));
        assert!(read(&format!("{ONE}\n{TWO}")).2.unwrap().starts_with("line 2: "));
    }

    #[test]
    fn a_line_without_end_is_not_taken_into_memory() {
        let mut lines = Lines::new(BufReader::new(io::repeat(b' ')));
        let error = lines.next().unwrap().unwrap_err().to_string();
        assert_eq!(error, format!("line 1: longer than {LONGEST_LINE} bytes"));
        assert!(lines.line.capacity() <= 2 * LONGEST_LINE + 2 && lines.next().is_none());
    }
}
