//! The last lines of a file of metrics, read from its end: a long run has many megabytes of them.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;

/// Read at first; then twice as much, until everything is known.
const FIRST: u64 = 16 << 10;
/// Beyond this nothing is looked for.
const MOST: u64 = 1 << 20;

/// What the last lines tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tail {
    /// Environment steps done.
    pub step: u64,
    /// Seconds of training until then.
    pub time_seconds: f64,
    /// Mean return of the last evaluation.
    pub last_return: Option<f64>,
    /// Speed between the last two lines of training.
    pub steps_per_second: Option<f64>,
}

#[derive(Deserialize)]
struct Line {
    kind: String,
    step: u64,
    time_seconds: f64,
    return_mean: Option<f64>,
    steps_per_second: Option<f64>,
}

/// The tail of the metrics in `path`; none if there is no whole line.
pub fn read(path: &Path) -> Option<Tail> {
    let mut file = File::open(path).ok()?;
    let size = file.metadata().ok()?.len();
    let mut length = FIRST;
    loop {
        let start = size.saturating_sub(length);
        file.seek(SeekFrom::Start(start)).ok()?;
        let mut bytes = Vec::new();
        (&file).take(length).read_to_end(&mut bytes).ok()?;
        let tail = of_lines(&bytes, start == 0);
        let whole = tail.is_some_and(|t| t.last_return.is_some() && t.steps_per_second.is_some());
        if whole || start == 0 || length >= MOST {
            return tail;
        }
        length *= 2;
    }
}

/// What lines tell of which the first may lack its beginning, and the last its end.
fn of_lines(bytes: &[u8], from_the_beginning: bool) -> Option<Tail> {
    let whole = &bytes[..bytes.iter().rposition(|&byte| byte == b'\n')?];
    let first = match from_the_beginning {
        true => 0,
        false => whole.iter().position(|&byte| byte == b'\n')? + 1,
    };
    let mut tail: Option<Tail> = None;
    for line in whole[first..].split(|&byte| byte == b'\n').rev() {
        let Ok(line) = serde_json::from_slice::<Line>(line) else { continue };
        let found = tail.get_or_insert(Tail {
            step: line.step,
            time_seconds: line.time_seconds,
            last_return: None,
            steps_per_second: None,
        });
        match line.kind.as_str() {
            "evaluation" => found.last_return = found.last_return.or(line.return_mean),
            _ => found.steps_per_second = found.steps_per_second.or(line.steps_per_second),
        }
        if found.last_return.is_some() && found.steps_per_second.is_some() {
            break;
        }
    }
    tail
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn training(step: u64) -> String {
        let time = step as f64 / 100.0;
        let rate = step as f64 / 10.0;
        format!(
            "{{\"kind\":\"train\",\"step\":{step},\"time_seconds\":{time},\"steps_per_second\":{rate},\
             \"q\":null}}\n"
        )
    }

    fn evaluation(step: u64) -> String {
        format!(
            "{{\"kind\":\"evaluation\",\"step\":{step},\"return_mean\":-{step}.5,\"time_seconds\":7.0,\
             \"returns\":[1.0,2.0]}}\n"
        )
    }

    fn tail_of(text: &str) -> Option<Tail> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        read(file.path())
    }

    #[test]
    fn the_last_lines_count() {
        let text = training(100) + &evaluation(100) + &training(200) + &training(300);
        let tail = tail_of(&text).unwrap();
        let (step, time_seconds) = (300, 3.0);
        let (last_return, steps_per_second) = (Some(-100.5), Some(30.0));
        assert_eq!(tail, Tail { step, time_seconds, last_return, steps_per_second });
        // A line that is being written is none yet.
        assert_eq!(tail_of(&(text + &training(400)[..40])), Some(tail));
        assert_eq!(tail_of(""), None);
        assert_eq!(tail_of("{\"kind\""), None);
        assert!(read(Path::new("/nonexistent")).is_none());
    }

    #[test]
    fn an_evaluation_far_from_the_end_is_found() {
        let lines = |from: u64, to: u64| (from..to).map(training).collect::<String>();
        let text = lines(0, 2000) + &evaluation(2000) + &lines(2001, 4000);
        assert!(text.len() as u64 > 8 * FIRST);
        let tail = tail_of(&text).unwrap();
        assert_eq!((tail.step, tail.last_return), (3999, Some(-2000.5)));
        // What no line of the last megabyte tells is not known.
        let text = evaluation(1) + &lines(2, 20_000);
        assert!(text.len() as u64 > MOST);
        assert_eq!(tail_of(&text).unwrap().last_return, None);
    }
}
