//! Series of runs as curves: one a run, or one a variant over its seeds.

use serde::Serialize;

use super::series::{Point, Series};
use crate::figures::Curve;
use crate::study::{Interval, Spread};

/// A curve.
#[derive(Debug, Serialize)]
pub struct Drawn {
    /// Its name.
    pub label: String,
    /// Runs that it is the mean of.
    pub runs: usize,
    /// `none`, `range` (of two) or `t95`.
    pub interval: &'static str,
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
        let all: Vec<&[Point]> = group.iter().map(|series| &series.points[..]).collect();
        let (points, interval) = means(&all);
        let line = |points: &&[Point]| points.iter().map(|point| (point.x, point.y)).collect();
        let alone = group.len() == 1;
        let singles = if alone { Vec::new() } else { all.iter().map(line).collect() };
        Self { label, runs: group.len(), interval, points, singles }
    }

    /// For a figure.
    pub fn to_curve(&self) -> Curve {
        let band = self.points.iter().map(|point| (point.low, point.high));
        Curve {
            label: self.label.clone(),
            line: self.points.iter().map(|point| (point.x, point.y)).collect(),
            band: if self.singles.is_empty() { Vec::new() } else { band.collect() },
            singles: self.singles.clone(),
        }
    }
}

/// The means at the steps that all runs have, as far as they are numbers: sums of the largest ones are not.
fn means(all: &[&[Point]]) -> (Vec<Mean>, &'static str) {
    let mut interval = Interval::None;
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
        let here: Vec<Point> = here.into_iter().copied().collect();
        rest.iter_mut().for_each(|points| *points = &points[1..]);
        let y: Vec<f64> = here.iter().map(|point| point.y).collect();
        let spread = Spread::of(&y);
        interval = interval.max(spread.interval);
        let x = here.iter().map(|point| point.x).sum::<f64>() / here.len() as f64;
        let Spread { mean, low, high, .. } = spread;
        if [mean, low, high].iter().all(|value| value.is_finite()) {
            points.push(Mean { step: first.step, x, y: mean, low, high });
        }
    }
    (points, interval.name())
}

/// What lines and bands are.
pub fn caption(curves: &[Drawn]) -> String {
    let has = |name: &str| curves.iter().any(|curve| curve.interval == name);
    let mut parts = Vec::new();
    if has("t95") || has("range") {
        parts.push("Thick lines: mean over seeds. Thin lines: single seeds.");
    }
    if has("t95") {
        parts.push("Bands: 95% confidence interval of the mean (Student's t).");
    }
    if has("range") {
        parts.push("Bands of two seeds: from the smaller to the larger.");
    }
    parts.join(" ")
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
        assert_eq!(interval, "range");
        let (alone, interval) = means(&[&one]);
        assert_eq!((alone.len(), interval), (4, "none"));
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
