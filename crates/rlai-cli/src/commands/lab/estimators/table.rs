//! The points as a table for people.

use comfy_table::{CellAlignment, Table, presets};
use serde_json::Value;

use super::grid::Grid;
use super::measuring::{Point, Settings};

/// Prints the table: settings that differ between points, then what was measured.
pub fn print(grid: &Grid, points: &[Point]) {
    let settings = varying(points.iter().map(|point| &point.settings));
    let mut header: Vec<String> = settings.iter().map(|key| key.replace('_', " ")).collect();
    let names = settings.len();
    header.extend(MEASURED.map(str::to_owned));
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    for point in points {
        let settings = settings.iter().map(|key| point.setting(key).map_or(String::new(), text));
        table.add_row(settings.chain(numbers(point)));
    }
    for column in table.column_iter_mut().skip(names) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let problem: Vec<String> =
        grid.problem.iter().map(|(key, value)| format!("{key} {}", text(value))).collect();
    let repetitions = points.first().map_or(0, |point| point.measured.repetitions);
    line_out!("{}; {repetitions} gradients a point\n", problem.join(", "));
    line_out!("{}\n", table.trim_fmt());
    line_out!(
        "bias, +-: distance of the mean from the exact gradient, and what chance alone would make of it;\n\
         error: root mean squared error of one gradient; all three over the exact gradient's length.\n\
         variance: trace of the covariance of one gradient. cosine: of the mean gradient and the exact one;\n\
         single: mean over single gradients. ESS: effective sample size. us: microseconds a gradient."
    );
}

const MEASURED: [&str; 8] = ["bias", "+-", "variance", "error", "cosine", "single", "ESS", "us"];

fn numbers(point: &Point) -> Vec<String> {
    let measured = &point.measured;
    let size = measured.exact_norm();
    let relative = |value: f64| (size > 0.0).then(|| value / size);
    let optional = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), short);
    vec![
        optional(relative(measured.bias_norm())),
        optional(relative(measured.bias_noise())),
        short(measured.variance),
        optional(measured.relative_error),
        optional(measured.cosine),
        optional(measured.mean_cosine),
        optional(measured.effective_sample_size),
        short(1e6 * measured.seconds),
    ]
}

/// Names of the settings that are not the same in all points, the estimator always among them.
pub fn varying<'a>(points: impl Iterator<Item = &'a Settings>) -> Vec<&'static str> {
    let mut seen: Vec<(&'static str, &Value, bool)> = Vec::new();
    for (key, value) in points.flatten() {
        match seen.iter_mut().find(|(other, _, _)| other == key) {
            Some((_, first, differs)) => *differs |= *first != value,
            None => seen.push((*key, value, *key == "estimator")),
        }
    }
    seen.into_iter().filter(|(_, _, differs)| *differs).map(|(key, _, _)| key).collect()
}

/// A value without quotes.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// About three digits.
pub fn short(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        size if !(1e-4..1e6).contains(&size) => format!("{number:.1e}"),
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        size if size >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn numbers_of_any_size_are_short() {
        let cases = [
            (0.0, "0"),
            (0.12345, "0.123"),
            (-1.2345, "-1.23"),
            (12.345, "12.3"),
            (1234.5, "1234"),
            (1.5e7, "1.5e7"),
            (2.5e-17, "2.5e-17"),
        ];
        for (number, text) in cases {
            assert_eq!(short(number), text);
        }
    }
}
