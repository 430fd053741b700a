//! Series of runs as curves: one a run, or one a variant over its seeds.

use rlai_stats::{Bootstrap, Curve as Steps};
use serde::Serialize;

use super::series::{Point, Series};
use crate::figures::Curve;
use crate::report::{self, Band, Kind};

/// A curve.
#[derive(Debug, Serialize)]
pub struct Drawn {
    /// Its name.
    pub label: String,
    /// Runs that it is the mean of: those that have finished, or all where none has.
    pub runs: usize,
    /// Runs that have not finished and are in no mean, since others have.
    pub unfinished: usize,
    /// What its band is, as in a study's figure: `none`, `range` (of two) or `bootstrap95`.
    #[serde(serialize_with = "by_name")]
    pub interval: Kind,
    /// Its points.
    pub points: Vec<Mean>,
    /// The runs behind a mean.
    #[serde(skip)]
    singles: Vec<Vec<(f64, f64)>>,
}

/// The mean over some runs at one step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mean {
    /// Environment steps.
    pub step: u64,
    /// Where it is on the axis: the mean over the runs.
    pub x: f64,
    /// Mean.
    pub y: f64,
    /// Lower end of the band; of one run the point itself.
    pub low: f64,
    /// Upper end of the band.
    pub high: f64,
}

/// Curves of all series in their order; runs of one variant of a study become one.
pub fn join(series: &[Series]) -> Vec<Drawn> {
    let several_studies = series.iter().any(|other| other.run.study != series[0].run.study);
    let same = |a: &Series, b: &Series| a.run.variant.is_some() && family(a) == family(b);
    let groups = series.chunk_by(same);
    groups.map(|group| Drawn::of(group, several_studies)).collect()
}

/// What runs of one variant of one study have in common: their names but for the seed.
fn family(series: &Series) -> &str {
    series.run.name.rsplit_once('/').map_or("", |(family, _)| family)
}

impl Drawn {
    /// The curve of runs of one variant, or of one run.
    fn of(group: &[Series], with_study: bool) -> Self {
        let run = &group[0].run;
        let label = match (&run.variant_label, &run.study) {
            (Some(label), Some(study)) if with_study => format!("{study}: {label}"),
            (Some(label), _) => label.clone(),
            (None, _) => run.name.clone(),
        };
        // A run that has just begun would cut all others where it is.
        let some_finished = group.iter().any(|series| series.finished);
        let counts = |series: &&Series| series.finished || !some_finished;
        let counted: Vec<&[Point]> =
            group.iter().filter(counts).map(|series| &series.points[..]).collect();
        let (points, interval) = means(&counted);
        let line = |series: &Series| series.points.iter().map(|point| (point.x, point.y)).collect();
        let alone = group.len() == 1;
        let singles = if alone { Vec::new() } else { group.iter().map(line).collect() };
        let (runs, unfinished) = (counted.len(), group.len() - counted.len());
        Self { label, runs, unfinished, interval, points, singles }
    }

    /// For a figure.
    pub fn to_curve(&self) -> Curve {
        let band = self.points.iter().map(|point| (point.low, point.high));
        Curve {
            label: self.label.clone(),
            line: self.points.iter().map(|point| (point.x, point.y)).collect(),
            band: if self.interval == Kind::None { Vec::new() } else { band.collect() },
            singles: self.singles.clone(),
        }
    }
}

fn by_name<S: serde::Serializer>(kind: &Kind, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(kind.name())
}

/// What all runs have at one step.
struct Shared {
    step: u64,
    x: f64,
    y: Vec<f64>,
}

/// The means at the steps that all runs have, as far as they are numbers: sums of the largest ones are not.
fn means(all: &[&[Point]]) -> (Vec<Mean>, Kind) {
    let runs = all.len() as f64;
    let small = |at: &Shared| at.y.iter().all(|y| y.abs() <= f64::MAX / (2.0 * runs));
    let points: Vec<Shared> = shared(all).into_iter().filter(small).collect();
    // A run may have two points at one step: what counts here is their place.
    let places = || (0..points.len()).map(|place| place as f64).collect();
    let curve = |run| Steps::new(places(), points.iter().map(|at| at.y[run]).collect());
    let curves = (0..all.len()).map(curve).collect::<rlai_stats::Result<Vec<Steps>>>();
    let bootstrap = Bootstrap::for_curves();
    let mean = curves.and_then(|curves| report::Mean::of(curves, Band::Bootstrap, &bootstrap));
    // Without a point there is no curve.
    let Ok(mean) = mean else { return (Vec::new(), Kind::None) };
    let band = |i: usize| mean.band.get(i).copied();
    let one = |(i, (at, &(_, y))): (usize, (&Shared, &(f64, f64)))| {
        let (low, high) = band(i).unwrap_or((y, y));
        Mean { step: at.step, x: at.x, y, low, high }
    };
    (points.iter().zip(&mean.line).enumerate().map(one).collect(), mean.kind)
}

/// The points at the steps that all runs have.
fn shared(all: &[&[Point]]) -> Vec<Shared> {
    let mut rest: Vec<&[Point]> = all.to_vec();
    let mut points = Vec::new();
    for &first in all[0] {
        // Points come by their steps: what is behind is never needed again.
        for points in &mut rest {
            let behind = points.iter().take_while(|point| point.step < first.step).count();
            *points = &points[behind..];
        }
        let here = rest.iter().map(|points| points.first().filter(|at| at.step == first.step));
        let Some(here) = here.collect::<Option<Vec<&Point>>>() else { continue };
        let y = here.iter().map(|point| point.y).collect();
        let x = here.iter().map(|point| point.x).sum::<f64>() / here.len() as f64;
        points.push(Shared { step: first.step, x, y });
        rest.iter_mut().for_each(|points| *points = &points[1..]);
    }
    points
}

/// What lines and bands are.
pub fn caption(curves: &[Drawn]) -> String {
    let kinds = [Kind::Bootstrap, Kind::Range];
    let has = |kind: &Kind| curves.iter().any(|curve| curve.interval == *kind);
    let bands: Vec<&str> =
        kinds.iter().filter(|kind| has(kind)).map(|kind| kind.describe()).collect();
    let unfinished: usize = curves.iter().map(|curve| curve.unfinished).sum();
    let unfinished = match unfinished {
        0 => String::new(),
        1 => ", 1 of them not finished and in no mean".to_owned(),
        n => format!(", {n} of them not finished and in no mean"),
    };
    let bands = match bands.is_empty() {
        true => String::new(),
        false => format!(" Bands: {}.", bands.join("; ")),
    };
    match curves.iter().all(|curve| curve.singles.is_empty()) {
        true => String::new(),
        false => {
            format!("Thick lines: mean over seeds. Thin lines: single seeds{unfinished}.{bands}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(points: &[(u64, f64)]) -> Vec<Point> {
        points.iter().map(|&(step, y)| Point { step, x: step as f64, y }).collect()
    }

    #[test]
    fn means_are_at_the_steps_of_all() {
        let one = points(&[(0, 1.0), (100, 2.0), (200, 3.0), (300, 4.0)]);
        let two = points(&[(0, 3.0), (150, 9.0), (200, 5.0), (250, 9.0)]);
        let (joined, interval) = means(&[&one, &two]);
        let found: Vec<_> = joined.iter().map(|p| (p.step, p.y, p.low, p.high)).collect();
        assert_eq!(found, [(0, 2.0, 1.0, 3.0), (200, 4.0, 3.0, 5.0)]);
        assert_eq!(interval, Kind::Range);
        let (alone, interval) = means(&[&one]);
        assert_eq!((alone.len(), interval), (4, Kind::None));
        // Of three the band is that of a report.
        let [a, b, c] = [1.0, 2.0, 4.0].map(|y| points(&[(100, y), (100, 2.0 * y)]));
        let (joined, interval) = means(&[&a, &b, &c]);
        let curve = |y: f64| Steps::new(vec![100.0, 200.0], vec![y, 2.0 * y]).unwrap();
        let curves = [1.0, 2.0, 4.0].map(curve).to_vec();
        let expected = report::Mean::of(curves, Band::Bootstrap, &Bootstrap::for_curves()).unwrap();
        let bands: Vec<_> = joined.iter().map(|point| (point.low, point.high)).collect();
        assert_eq!((interval, bands), (Kind::Bootstrap, expected.band));
        let [huge, tiny] = [1.7e308, -1.7e308].map(|y| points(&[(0, y), (200, 1.0)]));
        let (joined, _) = means(&[&huge, &huge, &tiny]);
        assert_eq!(joined.iter().map(|point| point.step).collect::<Vec<_>>(), [200]);
        assert!(alone.iter().all(|point| point.low == point.y && point.high == point.y));
    }

    #[test]
    fn two_points_at_one_step_stay_two() {
        let one = points(&[(100, 1.0), (100, 2.0), (200, 3.0)]);
        let (joined, _) = means(&[&one]);
        assert_eq!(joined.iter().map(|p| p.y).collect::<Vec<_>>(), [1.0, 2.0, 3.0]);
    }
}
