//! One field of one run over its steps.

use std::collections::BTreeSet;

use rlai_stats::curve::exponential_average;

use super::Axis;
use crate::error::Failure;
use crate::metrics::{Line, Run};
use crate::run_folder::RunResult;
use crate::text::did_you_mean;

/// What is asked for.
pub struct Wanted<'a> {
    /// Name of the number.
    pub field: &'a str,
    /// Over what.
    pub x: Axis,
    /// Weight of the past in an exponential moving average.
    pub smooth: f64,
}

/// A point of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Environment steps.
    pub step: u64,
    /// Where it is on the axis that was asked for.
    pub x: f64,
    /// The number.
    pub y: f64,
}

/// The points of one run.
pub struct Series {
    /// The run.
    pub run: Run,
    /// Its points, by steps.
    pub points: Vec<Point>,
    /// Whether it has been trained to its end.
    pub finished: bool,
}

impl Series {
    /// The points of all runs; those that have none are left out, and told.
    ///
    /// # Errors
    /// A line that is damaged; a field that no run has; a weight outside of 0 to 1.
    pub fn of(runs: Vec<Run>, wanted: &Wanted<'_>) -> Result<Vec<Self>, Failure> {
        let mut names = BTreeSet::new();
        let mut all = Vec::new();
        for run in runs {
            let mut points = Vec::new();
            run.each_line(u64::MAX, |line| {
                line.names().for_each(|name| {
                    if !names.contains(name) {
                        names.insert(name.to_owned());
                    }
                });
                points.extend(point(line, wanted));
                Ok(())
            })?;
            smooth(&mut points, wanted.smooth)?;
            let finished = RunResult::read(&run.dir).is_some();
            all.push(Self { run, points, finished });
        }
        let some = all.iter().any(|series| !series.points.is_empty());
        if !some {
            return Err(nothing(wanted.field, &names));
        }
        for series in all.iter().filter(|series| series.points.is_empty()) {
            line_err!("note: {} has no {}", series.run.dir.display(), wanted.field);
        }
        all.retain(|series| !series.points.is_empty());
        Ok(all)
    }
}

fn point(line: &Line, wanted: &Wanted<'_>) -> Option<Point> {
    let step = line.step()?;
    let x = match wanted.x {
        Axis::Step => step as f64,
        Axis::TimeSeconds => line.value("time_seconds")?,
    };
    Some(Point { step, x, y: line.value(wanted.field)? })
}

/// As reports and `rlai stats` smooth.
fn smooth(points: &mut [Point], past: f64) -> Result<(), Failure> {
    let values: Vec<f64> = points.iter().map(|point| point.y).collect();
    let smoothed = exponential_average(&values, past).map_err(Failure::input)?;
    points.iter_mut().zip(smoothed).for_each(|(point, y)| point.y = y);
    Ok(())
}

fn nothing(field: &str, names: &BTreeSet<String>) -> Failure {
    if names.contains(field) {
        return Failure::input(format!("field = {field:?}: it holds no number, only null"));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let nearest = did_you_mean(field, &names);
    let there = match names.is_empty() {
        true => "no run has written a line yet".to_owned(),
        false => format!("there are {}", names.join(", ")),
    };
    Failure::input(format!("field = {field:?}: no such number{nearest}; {there}"))
}
