//! What several tests need: golden values, and whether an end of an interval is what it should be.
#![allow(dead_code)]

use rlai_stats::{Distribution, Scores};
use serde_json::Value;

pub fn golden(name: &str) -> Value {
    let path = format!("{}/../../golden/statistics/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

pub fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

pub fn scores(value: &Value) -> Scores {
    Scores::from_rows(&rows(value)).unwrap()
}

#[track_caller]
pub fn close(ours: f64, theirs: &Value) {
    let theirs = theirs.as_f64().unwrap();
    assert!((ours - theirs).abs() < 1e-12, "{ours} and {theirs}");
}

/// That `end`, the quantile `share` of `repetitions` resamples drawn by somebody else, is such a quantile of
/// ours: within five standard errors of both, counted in resamples, so that steps of the distribution do no
/// harm.
#[track_caller]
pub fn is_quantile(end: f64, ours: &[f64], share: f64, repetitions: usize) {
    // The same score, added in another order.
    let slack = 1e-12;
    let part = |count: usize| count as f64 / ours.len() as f64;
    let below = part(ours.partition_point(|&replicate| replicate < end - slack));
    let up_to = part(ours.partition_point(|&replicate| replicate <= end + slack));
    let variance = share * (1.0 - share) * (1.0 / ours.len() as f64 + 1.0 / repetitions as f64);
    let error = 5.0 * variance.sqrt();
    assert!(below - error <= share && share <= up_to + error, "{end}: {below} to {up_to}");
}

/// [`is_quantile`] of both ends of a 95% interval by percentiles.
#[track_caller]
pub fn are_percentiles(low: &Value, high: &Value, ours: &Distribution, repetitions: usize) {
    is_quantile(low.as_f64().unwrap(), ours.replicates(), 0.025, repetitions);
    is_quantile(high.as_f64().unwrap(), ours.replicates(), 0.975, repetitions);
}
