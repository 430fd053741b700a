//! Metrics from their end: where a run stands, without reading all that it wrote.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::{EvaluationLine, LONGEST_LINE, Line, MetricsError, TrainLine};

/// Bytes that are looked at first; as many again as long as something is missing.
const FIRST_LOOK: u64 = 1 << 16;

/// What the last lines tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latest {
    /// The last line of a known kind.
    pub line: Option<Line>,
    /// The last evaluation.
    pub evaluation: Option<EvaluationLine>,
    /// The last line of training.
    pub training: Option<TrainLine>,
    /// The last line is not whole, and not looked at.
    pub torn: bool,
}

/// [`latest`] of a file.
///
/// # Errors
/// As [`latest`]; it cannot be opened, or is no file.
#[allow(dead_code)]
pub fn latest_of(path: &Path) -> Result<Latest, MetricsError> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a file").into());
    }
    latest(file)
}

/// The last line, the last evaluation and the last line of training, read from the end backwards. Of one that
/// lies more than [`LONGEST_LINE`] bytes back nothing is known.
///
/// # Errors
/// The file system refuses, or a line that was looked at is damaged.
pub fn latest(mut file: impl Read + Seek) -> Result<Latest, MetricsError> {
    let size = file.seek(SeekFrom::End(0))?;
    let mut window = FIRST_LOOK;
    loop {
        let start = size.saturating_sub(window);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.by_ref().take(size - start).read_to_end(&mut bytes)?;
        let latest = look(&bytes, start)?;
        if latest.is_whole() || start == 0 || window > LONGEST_LINE as u64 {
            return Ok(latest);
        }
        window *= 2;
    }
}

/// Looks at the end of a file that begins at `start`; of its first line, which may be cut, nothing is taken
/// unless it is the file's first.
fn look(bytes: &[u8], start: u64) -> Result<Latest, MetricsError> {
    let first = match start {
        0 => 0,
        _ => bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |end| end + 1),
    };
    let mut latest = Latest::default();
    let mut end = bytes.len();
    while end > first && !latest.is_whole() {
        let before = bytes[first..end - 1].iter().rposition(|&byte| byte == b'\n');
        let begin = before.map_or(first, |at| first + at + 1);
        let whole = bytes[end - 1] == b'\n';
        match Line::parse(&bytes[begin..end]) {
            Ok(line) => latest.take(line),
            Err(_) if !whole => latest.torn = true,
            Err(why) => {
                let place = format!("the line at byte {}", start + begin as u64);
                return Err(MetricsError::Damaged { place, why });
            }
        }
        end = begin;
    }
    Ok(latest)
}

impl Latest {
    /// Environment steps of the last line.
    #[allow(dead_code)]
    pub fn step(&self) -> Option<u64> {
        self.line.as_ref().and_then(Line::step)
    }

    /// Whether nothing is missing. Then there is a last line too.
    fn is_whole(&self) -> bool {
        self.evaluation.is_some() && self.training.is_some()
    }

    /// The next line on the way back.
    fn take(&mut self, line: Line) {
        match &line {
            Line::Evaluation(line) if self.evaluation.is_none() => {
                self.evaluation = Some(line.clone());
            }
            Line::Train(line) if self.training.is_none() => self.training = Some(line.clone()),
            _ => {}
        }
        if line.step().is_some() && self.line.is_none() {
            self.line = Some(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn train(step: u64) -> String {
        format!("{{\"kind\":\"train\",\"step\":{step},\"q\":1.5}}\n")
    }

    fn evaluation(step: u64) -> String {
        let numbers = "\"return_mean\":1,\"return_sd\":0,\"length_mean\":1,\"returns\":[1]";
        format!("{{\"kind\":\"evaluation\",\"step\":{step},{numbers}}}\n")
    }

    fn of(text: &str) -> (Option<u64>, Option<u64>, bool) {
        let latest = latest(Cursor::new(text.as_bytes())).unwrap();
        let train = latest.training.as_ref();
        assert!(train.is_none_or(
            |line| line.fields["q"] == Some(1.5) && line.step == expected_training(text)
        ));
        (latest.step(), latest.evaluation.map(|line| line.step), latest.torn)
    }

    /// The step of the last whole line of training.
    fn expected_training(text: &str) -> u64 {
        let mut whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let last = whole.rfind(|line| line.contains("train")).unwrap();
        last.split("\"step\":").nth(1).unwrap().split(',').next().unwrap().parse().unwrap()
    }

    #[test]
    fn the_last_line_and_the_last_evaluation_are_found() {
        let (one, two, seen) = (train(1), train(2), evaluation(1));
        assert_eq!(of(""), (None, None, false));
        assert_eq!(of(&one), (Some(1), None, false));
        assert_eq!(of(&format!("{one}{seen}{two}")), (Some(2), Some(1), false));
        assert_eq!(of(&format!("{one}{seen}")), (Some(1), Some(1), false));
        assert_eq!(of(&format!("{one}{{\"kind\":\"new\"}}\n")), (Some(1), None, false));
        assert_eq!(of(&format!("{one}{}", &two[..5])), (Some(1), None, true));
    }

    #[test]
    fn an_evaluation_far_back_is_found_whatever_the_window_cuts() {
        for first in ["", " ", "  ", "   "] {
            let lines: String = (1..20_000).map(train).collect();
            let text = format!("{{\"kind\":\"new\"}}{first}\n{}{lines}", evaluation(1));
            assert!(text.len() as u64 > 8 * FIRST_LOOK);
            assert_eq!(of(&text), (Some(19_999), Some(1), false));
        }
    }

    #[test]
    fn a_damaged_line_is_named_by_its_place() {
        let text = format!("{}{{\"kind\"}}\n{}", train(1), train(2));
        let error = latest(Cursor::new(text.as_bytes())).unwrap_err().to_string();
        assert!(error.starts_with(&format!("the line at byte {}: ", train(1).len())), "{error}");
    }
}
