//! Learning curves of variants: evaluations of equal steps joined over seeds.

use super::interval::{Interval, Spread};
use super::plan::{Plan, Variant};
use crate::figures::{Curve, Figure};
use crate::run_folder::RunResult;

/// The curve of one variant over its finished runs.
pub struct VariantCurve<'a> {
    /// Whose curve it is.
    pub variant: &'a Variant,
    /// Its finished runs.
    pub results: Vec<&'a RunResult>,
    /// Spread over the runs at every evaluation.
    pub points: Vec<(u64, Spread)>,
}

impl<'a> VariantCurve<'a> {
    /// Joins the evaluations of `results`, at least one. Runs of one variant are evaluated at the
    /// same steps.
    pub fn new(variant: &'a Variant, results: Vec<&'a RunResult>) -> Self {
        let steps = results[0].evaluations.iter().map(|point| point.step);
        let points = steps
            .map(|step| {
                let at_step = |result: &&RunResult| {
                    let point = result.evaluations.iter().find(|point| point.step == step);
                    point.map(|point| point.return_mean)
                };
                let values: Vec<f64> = results.iter().filter_map(at_step).collect();
                (step, Spread::of(&values))
            })
            .collect();
        Self { variant, results, points }
    }

    /// What the band is.
    pub fn interval(&self) -> Interval {
        self.points.iter().map(|(_, spread)| spread.interval).max().unwrap_or(Interval::None)
    }

    fn to_curve(&self) -> Curve {
        let x = |step: u64| step as f64;
        let single = |result: &&RunResult| {
            result.evaluations.iter().map(|point| (x(point.step), point.return_mean)).collect()
        };
        let one_seed = self.results.len() == 1;
        let band = self.points.iter().map(|(_, spread)| (spread.low, spread.high));
        Curve {
            label: self.variant.label.clone(),
            line: self.points.iter().map(|(step, spread)| (x(*step), spread.mean)).collect(),
            band: if one_seed { Vec::new() } else { band.collect() },
            singles: if one_seed { Vec::new() } else { self.results.iter().map(single).collect() },
        }
    }
}

/// The figure of curves on one task.
pub fn figure(plan: &Plan, env: &str, curves: &[&VariantCurve<'_>]) -> Figure {
    Figure {
        title: plan.title.clone(),
        x_label: "environment steps".to_owned(),
        y_label: format!("return on {env}"),
        caption: caption(curves),
        curves: curves.iter().map(|curve| curve.to_curve()).collect(),
        ..Figure::default()
    }
}

fn caption(curves: &[&VariantCurve<'_>]) -> String {
    let mut text = String::new();
    let seeds = |curve: &&VariantCurve<'_>| curve.results.len();
    let (fewest, most) = (
        curves.iter().map(seeds).min().unwrap_or_default(),
        curves.iter().map(seeds).max().unwrap_or_default(),
    );
    if most == 1 {
        text.push_str("Lines: one seed each, no spread is known.");
    } else {
        let count = if fewest == most { format!("{most}") } else { format!("{fewest} to {most}") };
        text.push_str(&format!(
            "Thick lines: mean over {count} seeds. Thin lines: single seeds. Bands: {}.",
            bands(curves)
        ));
    }
    let episodes = |curve: &&VariantCurve<'_>| curve.variant.evaluation_episodes;
    let (few, many) = (
        curves.iter().map(episodes).min().unwrap_or_default(),
        curves.iter().map(episodes).max().unwrap_or_default(),
    );
    let count = if few == many { format!("{few}") } else { format!("{few} to {many}") };
    let plural = if many == 1 { "" } else { "s" };
    text.push_str(&format!(
        " Each point: mean return of {count} episode{plural} with the policy's mode (no exploration)."
    ));
    text
}

fn bands(curves: &[&VariantCurve<'_>]) -> String {
    let has = |interval| curves.iter().any(|curve| curve.interval() == interval);
    let mut parts = Vec::new();
    if has(Interval::StudentT) {
        parts.push("95% confidence interval of the mean over seeds (Student's t)");
    }
    if has(Interval::Range) {
        parts
            .push("from the smaller to the larger of 2 seeds (a range, not a confidence interval)");
    }
    parts.join("; ")
}

/// All curves as CSV: one line a variant and step, and one a seed behind it.
pub fn csv(curves: &[VariantCurve<'_>]) -> String {
    let mut text = String::from("env,variant,step,seed,return_mean,low,high,interval\n");
    for curve in curves {
        let (env, name) = (&curve.variant.env, &curve.variant.name);
        for (step, spread) in &curve.points {
            let Spread { mean, low, high, .. } = spread;
            let interval = spread.interval.name();
            text.push_str(&format!("{env},{name},{step},all,{mean},{low},{high},{interval}\n"));
        }
        for result in &curve.results {
            for point in &result.evaluations {
                let (step, mean) = (point.step, point.return_mean);
                text.push_str(&format!("{env},{name},{step},{},{mean},,,\n", result.seed));
            }
        }
    }
    text
}
