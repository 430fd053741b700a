//! What scores are normalised by.

use std::path::Path;

use rlai_stats::Scores;

use super::sheet::{Names, Sheet, bytes};

/// What is typed for the range of the runs themselves.
pub const MIN_MAX: &str = "min-max";

const TASK: Names = &["task", "env"];
const LOW: Names = &["low"];
const HIGH: Names = &["high"];

/// For each task the scores that become 0 and 1.
#[derive(Clone, Debug, PartialEq)]
pub struct References {
    /// What becomes 0.
    pub low: Vec<f64>,
    /// What becomes 1.
    pub high: Vec<f64>,
}

impl References {
    /// `min-max`, or a file.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn of(given: &str, tasks: &[String], scores: &[Scores]) -> Result<Self, String> {
        match given {
            MIN_MAX => Self::range(tasks, scores),
            file => {
                let told = |error| format!("{file}: {error}");
                Self::parse(&bytes(Path::new(file))?, tasks).map_err(told)
            }
        }
    }

    /// The least and the greatest score of any run of any algorithm on the task.
    fn range(tasks: &[String], scores: &[Scores]) -> Result<Self, String> {
        let (mut low, mut high) = (Vec::new(), Vec::new());
        for (number, task) in tasks.iter().enumerate() {
            let all = || scores.iter().flat_map(|scores| scores.task(number)).copied();
            let (least, most) = (all().fold(f64::MAX, f64::min), all().fold(f64::MIN, f64::max));
            if least >= most {
                return Err(format!("normalise = min-max: all scores on {task} are {least}"));
            }
            low.push(least);
            high.push(most);
        }
        Ok(Self { low, high })
    }

    fn parse(bytes: &[u8], tasks: &[String]) -> Result<Self, String> {
        let mut sheet = Sheet::new(bytes)?;
        let columns = [sheet.needed(TASK)?, sheet.needed(LOW)?, sheet.needed(HIGH)?];
        let mut found: Vec<Option<(f64, f64)>> = vec![None; tasks.len()];
        while sheet.next()? {
            let name = sheet.text(columns[0])?;
            let (low, high) = (sheet.number(columns[1])?, sheet.number(columns[2])?);
            if low >= high {
                return Err(sheet.refuse(columns[2], &format!("above low, which is {low}")));
            }
            // References of other tasks do no harm.
            let Some(task) = tasks.iter().position(|task| task == name) else { continue };
            if found[task].replace((low, high)).is_some() {
                return Err(sheet.refuse(columns[0], "once"));
            }
        }
        let known = |(task, found): (&String, Option<(f64, f64)>)| {
            found.ok_or_else(|| format!("no line for task {task}"))
        };
        let found = tasks.iter().zip(found).map(known).collect::<Result<Vec<_>, _>>()?;
        let (low, high) = found.into_iter().unzip();
        Ok(Self { low, high })
    }
}
