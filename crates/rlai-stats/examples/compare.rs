//! Compares two algorithms by their runs: `cargo run --release -p rlai-stats --example compare`.
//!
//! The runs are made up, logistic curves with noise, so that the truth is known: the candidate needs three
//! quarters of the baseline's steps.

use std::time::Instant;

use rlai_stats::threshold::{self, Range, SpeedUp};
use rlai_stats::{Aggregates, Bootstrap, Curve, Error, Estimate, Scores, Welch, area, improvement};

/// Spread evenly over -0.5 to 0.5, in place of a random number.
fn noise(seed: u32, i: u32) -> f64 {
    (f64::from(seed + i * 7) * 0.618_033_988_75).fract() - 0.5
}

/// A run that is halfway after about `halfway` steps.
fn run(halfway: f64, seed: u32) -> Result<Curve, Error> {
    let halfway = halfway * (1.0 + 0.4 * noise(seed, 0));
    let step = |i: u32| f64::from(i) * 10_000.0;
    let value =
        |i: u32| 1.0 / (1.0 + (-(step(i) - halfway) / 80_000.0).exp()) + 0.1 * noise(seed, i);
    Curve::new((1..=100).map(step).collect(), (1..=100).map(value).collect())?.smoothed(0.6)
}

fn areas(curves: &[Curve]) -> Result<Scores, Error> {
    let areas: Result<Vec<f64>, Error> =
        curves.iter().map(|curve| area::under(curve, 1_000_000.0)).collect();
    Scores::of_task(&areas?)
}

fn show(what: &str, it: Estimate) {
    println!("{what}: {:.3} [{:.3}, {:.3}]", it.value, it.low, it.high);
}

fn main() -> Result<(), Error> {
    let baseline = (0..10).map(|seed| run(400_000.0, seed)).collect::<Result<Vec<_>, _>>()?;
    let candidate = (10..20).map(|seed| run(300_000.0, seed)).collect::<Result<Vec<_>, _>>()?;
    let bootstrap = Bootstrap::default();

    let (of_baseline, of_candidate) = (areas(&baseline)?, areas(&candidate)?);
    for (name, scores) in [("baseline", &of_baseline), ("candidate", &of_candidate)] {
        let of = Aggregates::of(scores, 1.0, &bootstrap)?;
        show(&format!("area under the curve, {name}"), of.interquartile_mean);
    }
    let better = improvement::estimate(&of_candidate, &of_baseline, &bootstrap)?;
    show("probability that the candidate is better", better);
    let welch = Welch::test(of_candidate.task(0), of_baseline.task(0), 0.95)?;
    println!("difference of the means: {:.3}, p = {:.2e}", welch.difference, welch.p);

    let grid = threshold::grid(&baseline, 0.0, &[0.25, 0.5, 0.75, 0.95])?;
    let faster = SpeedUp::at(&grid, &baseline, &candidate, &bootstrap)?;
    println!("steps to a return, baseline's median over candidate's (null: of the baseline twice)");
    for (threshold, it) in grid.iter().zip(faster.iter().map(|faster| faster.ratio)) {
        let value = it.value.unwrap_or(f64::NAN);
        let ends = |range: Option<Range>| match range {
            Some(Range { low, high }) => format!("[{low:.2}, {high:.2}]"),
            None => "-".to_owned(),
        };
        println!("  {threshold:.2}: {value:.2} {}, null {}", ends(it.interval), ends(it.null));
    }

    let matrix = (0..5).map(|task| (0..10).map(|run| noise(run, task)).collect()).collect();
    let (matrix, start) = (Scores::new(matrix)?, Instant::now());
    Aggregates::of(&matrix, 1.0, &bootstrap)?;
    println!("50,000 resamples of 5 tasks by 10 runs, all aggregates: {:.2?}", start.elapsed());
    Ok(())
}
