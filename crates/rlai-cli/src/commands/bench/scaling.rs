//! How the rate of updates changes with each of the sizes.

use serde::Serialize;

use crate::error::Failure;
use crate::settings::Settings;

use super::case::{Case, Sizes, Work};
use super::measure::{bar, one_run};
use super::spread::Spread;
use super::{Effort, SHORTEST_RUN};

const BATCHES: [i64; 7] = [64, 128, 256, 512, 1024, 2048, 4096];
const WIDTHS: [i64; 5] = [64, 128, 256, 512, 1024];
const SAMPLES: [i64; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// One size changed, the others as given.
struct Point {
    varied: &'static str,
    value: i64,
    work: Work,
    /// With one thread and with two.
    cases: [Case; 2],
}

/// A row of the table.
#[derive(Debug, Serialize)]
struct Row {
    varied: &'static str,
    value: i64,
    gflop_per_update: f64,
    /// By the number of threads, one and two.
    updates_per_second: [f64; 2],
    spread: [Spread; 2],
    fraction_of_gemm_limit: [f64; 2],
    fraction_spread: [Spread; 2],
}

#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    sizes: Sizes,
    runs: usize,
    seconds_of_a_run: f64,
    scaling: Vec<Row>,
}

/// Measures every point with one thread and with two, all of them once before any of them again, so that
/// what changes on the machine meanwhile spreads over all.
///
/// # Errors
/// A task that cannot be had, or a training step that fails.
pub fn run(settings: &Settings, case: &Case, effort: Effort, json: bool) -> Result<(), Failure> {
    let points = points(settings)?;
    let measurements = 2 * effort.runs * points.len();
    let seconds = effort.seconds_of_a_run(measurements, SHORTEST_RUN)?;
    let bar = bar(measurements);
    let mut measured = vec![[vec![], vec![]]; points.len()];
    for _ in 0..effort.runs {
        for (point, measured) in points.iter().zip(&mut measured) {
            for (case, runs) in point.cases.iter().zip(measured) {
                let run = one_run(case, &point.work, seconds, false)?;
                runs.push((run.updates, run.updates * point.work.gflop / run.gemm_gflops));
                bar.inc(1);
            }
        }
    }
    bar.finish_and_clear();
    let report = Report {
        sizes: case.sizes(),
        runs: effort.runs,
        seconds_of_a_run: seconds,
        scaling: points.iter().zip(&measured).map(|(point, runs)| Row::new(point, runs)).collect(),
    };
    if json {
        line_out!("{}", serde_json::to_string(&report).map_err(Failure::running)?);
    } else {
        report.print();
    }
    Ok(())
}

/// Every point that the objective takes; a number of samples that it does not is left out.
fn points(settings: &Settings) -> Result<Vec<Point>, Failure> {
    let batches = BATCHES.map(|n| ("batch", n, Settings { batch: Some(n), ..settings.clone() }));
    let depth = settings.hidden.as_ref().map_or(2, Vec::len);
    let of_width = |w| Settings { hidden: Some(vec![w; depth]), ..settings.clone() };
    let widths = WIDTHS.map(|w| ("width", w, of_width(w)));
    let samples = SAMPLES.map(|n| ("N", n, Settings { samples: Some(n), ..settings.clone() }));
    let mut points = vec![];
    for (varied, value, settings) in batches.into_iter().chain(widths).chain(samples) {
        let with = |threads| Case::check(&Settings { threads: Some(threads), ..settings.clone() });
        if let (Ok(one), Ok(two)) = (with(1), with(2)) {
            points.push(Point { varied, value, work: one.work()?, cases: [one, two] });
        }
    }
    Ok(points)
}

impl Row {
    /// `runs`: of each, updates a second and the fraction of the limit.
    fn new(point: &Point, runs: &[Vec<(f64, f64)>; 2]) -> Self {
        let spread = runs.each_ref().map(|runs| Spread::of(runs.iter().map(|run| run.0)));
        let fraction = runs.each_ref().map(|runs| Spread::of(runs.iter().map(|run| run.1)));
        Self {
            varied: point.varied,
            value: point.value,
            gflop_per_update: point.work.gflop,
            updates_per_second: spread.map(|spread| spread.median),
            spread,
            fraction_of_gemm_limit: fraction.map(|spread| spread.median),
            fraction_spread: fraction,
        }
    }
}

impl Report {
    fn print(&self) {
        line_out!("{}, one size changed at a time", self.sizes);
        let (runs, seconds) = (self.runs, self.seconds_of_a_run);
        line_out!(
            "updates a second, medians of {runs} runs of {seconds:.2} s; fraction of the limit"
        );
        line_out!(
            "{:<8}{:>6}{:>9}{:>11}{:>11}{:>7}{:>11}{:>11}",
            "",
            "",
            "GFLOP",
            "1 thread",
            "2 threads",
            "gain",
            "fraction 1",
            "fraction 2"
        );
        for row in &self.scaling {
            let ([one, two], [f1, f2]) = (row.updates_per_second, row.fraction_of_gemm_limit);
            let (varied, value, gflop) = (row.varied, row.value, row.gflop_per_update);
            line_out!(
                "{varied:<8}{value:>6}{gflop:>9.3}{one:>11.1}{two:>11.1}{:>7.2}{f1:>11.3}{f2:>11.3}",
                two / one
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_changes_one_size_and_a_refused_one_is_left_out() {
        let of = |objective: &str| {
            let settings = Settings {
                env: Some("Pendulum-v1".to_owned()),
                objective: Some(objective.to_owned()),
                hidden: Some(vec![32, 16, 8]),
                ..Settings::default()
            };
            points(&settings).unwrap()
        };
        let (reverse, forward) = (of("reverse-kl"), of("forward-kl"));
        assert_eq!((reverse.len(), forward.len()), (20, 19));
        assert!(!forward.iter().any(|point| (point.varied, point.value) == ("N", 1)));
        for Point { varied, value, cases, .. } in reverse {
            assert_eq!(cases.each_ref().map(|case| case.config.threads), [1, 2]);
            let config = &cases[0].config;
            let value = value as usize;
            let expected = match varied {
                "batch" => (value, vec![32, 16, 8], 1),
                "width" => (256, vec![value; 3], 1),
                _ => (256, vec![32, 16, 8], value),
            };
            assert_eq!((config.batch, config.hidden.clone(), config.samples), expected);
        }
    }
}
