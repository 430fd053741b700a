//! The points as a table for programs.

use std::path::Path;

use serde_json::Value;

use super::measuring::Point;
use super::table::text;
use crate::error::Failure;
use crate::run_folder::write_whole;

/// Writes `points.csv`: settings, empty where an estimator has no use for one, and all scalars.
///
/// # Errors
/// When it cannot be written.
pub fn write(folder: &Path, points: &[Point]) -> Result<(), Failure> {
    let path = folder.join("points.csv");
    write_whole(&path, csv(points).as_bytes())
        .map_err(|error| Failure::running(format!("cannot write {}: {error}", path.display())))
}

fn csv(points: &[Point]) -> String {
    let mut keys: Vec<&'static str> = Vec::new();
    for (key, _) in points.iter().flat_map(|point| &point.settings) {
        if !keys.contains(key) {
            keys.push(key);
        }
    }
    let mut lines = vec![[&keys[..], &SCALARS[..]].concat().join(",")];
    for point in points {
        let cell = |value: Option<&Value>| value.map_or(String::new(), text);
        let settings = keys.iter().map(|key| cell(point.setting(key)));
        lines.push(settings.chain(scalars(point)).collect::<Vec<_>>().join(","));
    }
    lines.push(String::new());
    lines.join("\n")
}

const SCALARS: [&str; 14] = [
    "bias_norm",
    "bias_noise",
    "exact_norm",
    "variance",
    "variance_standard_error",
    "mean_squared_error",
    "relative_error",
    "cosine",
    "mean_cosine",
    "effective_sample_size",
    "state_effective_sample_size",
    "largest_bias_in_standard_errors",
    "repetitions",
    "seconds",
];

fn scalars(point: &Point) -> Vec<String> {
    let m = &point.measured;
    let cells = m.bias.values().iter().zip(m.standard_error.values());
    let off = cells.map(|(bias, error)| if *error > 0.0 { bias.abs() / error } else { 0.0 });
    let optional = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    vec![
        m.bias_norm().to_string(),
        m.bias_noise().to_string(),
        m.exact_norm().to_string(),
        m.variance.to_string(),
        m.variance_standard_error.to_string(),
        m.mean_squared_error.to_string(),
        optional(m.relative_error),
        optional(m.cosine),
        optional(m.mean_cosine),
        optional(m.effective_sample_size),
        optional(m.state_effective_sample_size),
        off.fold(0.0, f64::max).to_string(),
        m.repetitions.to_string(),
        m.seconds.to_string(),
    ]
}
