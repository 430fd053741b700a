//! The comparison as tables for people.

use comfy_table::{CellAlignment, Table, presets};

use super::analysis::{Interval, OfTask, Report};
use super::references::MIN_MAX;
use super::speed::{Compared, Steps};
use crate::text::thousands;

/// Rows of a table before the rest is left to `--json`.
const ROWS: usize = 60;
/// Pairs that are named where one sentence is of several.
const PAIRS: usize = 6;

/// Prints everything, the answers last.
pub fn print(report: &Report) {
    heading(report);
    aggregates(report);
    pairs(report);
    thresholds(report);
    returns(report);
    answers(report);
    notes(report);
}

fn heading(report: &Report) {
    let [fewest, most] = report.runs;
    let runs = if fewest == most { format!("{most}") } else { format!("{fewest} to {most}") };
    let settings = &report.settings;
    line_out!(
        "{}, {}, {runs} {} of each; {}% intervals ({}) over {} resamples, seed {}\n",
        counted(report.algorithms.len(), "algorithm"),
        counted(report.tasks.len(), "task"),
        if most == 1 { "run" } else { "runs" },
        percent(settings.level),
        settings.interval,
        thousands(settings.repetitions as u64),
        settings.seed
    );
}

/// A share in percent with all of its digits, but for those of rounding.
fn percent(share: f64) -> f64 {
    (share * 1e12).round() / 1e10
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn aggregates(report: &Report) {
    let settings = &report.settings;
    let score = match settings.score {
        "area" => "Area under the curve",
        "last" => "Last value of the curve",
        _ => "Score",
    };
    let normalised = match settings.normalise.as_deref() {
        None => String::new(),
        Some(by) => format!(", normalised by {by}"),
    };
    let gap = settings.normalise.is_some();
    let mut header = vec!["", "interquartile mean", "mean", "median of task means"];
    header.extend(gap.then_some("optimality gap"));
    let row = |of: &super::analysis::OfAlgorithm| {
        let numbers = [of.interquartile_mean, of.mean, of.median].map(interval);
        let gap = of.optimality_gap.map(interval);
        [of.algorithm.clone()].into_iter().chain(numbers).chain(gap).collect()
    };
    let title = format!("{score}{normalised}");
    show(&title, &header, 1, report.aggregates.iter().map(row).collect());
}

fn pairs(report: &Report) {
    let row = |pair: &super::analysis::Pair| {
        vec![
            pair.x.clone(),
            pair.y.clone(),
            interval(pair.probability_of_improvement),
            p(pair.p.max(pair.welch_p.unwrap_or(0.0))),
        ]
    };
    let title = "Probability that a run of x scores higher than one of y";
    show(title, &["x", "y", "probability", "p"], 2, report.pairs.iter().map(row).collect());
    let tests = report.pairs.iter().flat_map(|pair| {
        let row = |of: &OfTask| {
            let names = [of.task.clone(), pair.x.clone(), pair.y.clone()];
            names.into_iter().chain(welch(of)).collect()
        };
        pair.welch.iter().map(row)
    });
    let header = ["task", "x", "y", "mean x - mean y", "t", "degrees", "p"];
    show("Welch's test", &header, 3, tests.collect());
}

fn welch(of: &OfTask) -> [String; 4] {
    let optional = |value: Option<f64>| value.map_or_else(none, number);
    let degrees = of.degrees.map_or_else(none, |degrees| format!("{degrees:.1}"));
    let p = of.p.map_or_else(none, p);
    [of.difference.map_or_else(none, interval), optional(of.t), degrees, p]
}

/// A probability of chance, which may be small.
pub fn p(p: f64) -> String {
    match p {
        p if p < 1e-4 => format!("{p:.0e}"),
        p => format!("{p:.4}"),
    }
}

fn thresholds(report: &Report) {
    let row = |it: &super::speed::ToThreshold| {
        vec![
            it.task.clone(),
            it.candidate.clone(),
            number(it.threshold),
            steps(it.baseline_steps),
            steps(it.candidate_steps),
            compared(it.ratio),
            null(it.ratio),
            compared(it.fewer_steps),
        ]
    };
    let title = format!("Steps to a return, against {}", report.algorithms[0]);
    let header =
        ["task", "candidate", "return", "baseline", "candidate's", "ratio", "null", "steps saved"];
    show(&title, &header, 2, report.thresholds.iter().map(row).collect());
}

fn returns(report: &Report) {
    let row = |it: &super::speed::AtStep| {
        vec![
            it.task.clone(),
            it.candidate.clone(),
            number(it.step),
            number(it.baseline_return),
            number(it.candidate_return),
            compared(it.ratio),
            null(it.ratio),
        ]
    };
    let title = format!("Mean return at one step, against {}", report.algorithms[0]);
    let header = ["task", "candidate", "step", "baseline", "candidate's", "ratio", "null"];
    show(&title, &header, 2, report.returns.iter().map(row).collect());
}

/// What each pair came to; what all of several pairs lack is told once.
fn answers(report: &Report) {
    let mut reasons: Vec<(&str, Vec<&super::analysis::Pair>)> = Vec::new();
    for pair in &report.pairs {
        let Some(why) = &pair.too_few else {
            line_out!("{}", pair.answer);
            continue;
        };
        match reasons.iter_mut().find(|(other, _)| other == why) {
            Some((_, pairs)) => pairs.push(pair),
            None => reasons.push((why, vec![pair])),
        }
    }
    for (why, pairs) in reasons {
        match &pairs[..] {
            [pair] => line_out!("{}", pair.answer),
            all if all.len() == report.pairs.len() => {
                line_out!("Too few runs to tell any two of the algorithms apart: {why}.");
            }
            some => {
                let names: Vec<String> = some
                    .iter()
                    .take(PAIRS)
                    .map(|pair| format!("{} from {}", pair.x, pair.y))
                    .collect();
                let more = match some.len().saturating_sub(PAIRS) {
                    0 => String::new(),
                    more => format!(" and {more} more pairs"),
                };
                line_out!("Too few runs to tell {}{more}: {why}.", names.join(", "));
            }
        }
    }
}

fn notes(report: &Report) {
    let [fewest, most] = report.runs;
    match fewest {
        0..3 => line_out!("One or two runs of a task are too few for an interval over seeds (-)."),
        3..10 => line_out!(
            "Bootstrap intervals of so few runs are too narrow: of 95% intervals of the mean of normal scores \
             {} hold the truth.",
            match fewest {
                3 => "about 75% over 3 runs",
                4 => "about 79% over 4 runs",
                5 => "about 84% over 5 runs",
                _ => "at most about 90% over up to 9 runs",
            }
        ),
        _ => {}
    }
    if let Some(detectable) = report.detectable {
        line_out!(
            "With {fewest} runs each, the permutation test finds a difference of {detectable:.1} standard \
             deviations of a run on one task with probability 0.8 (p of at most {}).",
            number(1.0 - report.settings.level)
        );
    }
    if !report.flat.is_empty() {
        line_out!(
            "No steps to a return on {}: {} does not rise there; --threshold asks for others.",
            report.flat.join(", "),
            report.algorithms[0]
        );
    }
    if report.tasks.len() > 1 && report.settings.normalise.is_none() && most > 0 {
        line_out!(
            "Scores of several tasks were averaged as they are; --normalise makes them comparable."
        );
    }
    if report.settings.normalise.as_deref() == Some(MIN_MAX) {
        line_out!(
            "min-max takes its references from these very runs: 0 and 1 are the lowest and the highest score of \
             any run on a task. They change with every run that is added, intervals take them for fixed, and such \
             numbers cannot be compared with those of other files."
        );
    }
    if report.pairs.len() > 1 {
        line_out!("Each pair is looked at alone; nothing is corrected for their number.");
    }
}

fn show(title: &str, header: &[&str], names: usize, rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        return;
    }
    let left_out = rows.len().saturating_sub(ROWS);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table.add_rows(rows.into_iter().take(ROWS));
    for column in table.column_iter_mut().skip(names) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    line_out!("{title}\n{}", table.trim_fmt());
    if left_out > 0 {
        line_out!("and {left_out} more rows: --json prints everything");
    }
    line_out!("");
}

fn none() -> String {
    "-".to_owned()
}

fn interval(it: Interval) -> String {
    format!("{} {}", number(it.value), ends(it.low, it.high))
}

/// Where the value is not defined, neither is what surrounds it.
fn compared(it: Compared) -> String {
    let value = match (it.value, it.above, it.below) {
        (Some(value), ..) => number(value),
        (_, Some(above), _) => format!(">{}", number(above)),
        (_, _, Some(below)) => format!("<{}", number(below)),
        _ => return none(),
    };
    format!("{value} {}", ends(it.low, it.high))
}

fn null(it: Compared) -> String {
    match it.value.or(it.above).or(it.below) {
        Some(_) => ends(it.null_low, it.null_high),
        None => none(),
    }
}

fn ends(low: Option<f64>, high: Option<f64>) -> String {
    match low.zip(high) {
        Some((low, high)) => format!("[{}, {}]", number(low), number(high)),
        None => none(),
    }
}

/// Median steps, with how many runs got there unless all did.
fn steps(it: Steps) -> String {
    let median = it.median.map_or_else(|| "never".to_owned(), number);
    match it.reached == it.runs {
        true => median,
        false => format!("{median} ({} of {})", it.reached, it.runs),
    }
}

/// About four digits, whole ones all.
fn number(number: f64) -> String {
    match number.abs() {
        _ if !number.is_finite() => number.to_string(),
        0.0 => "0".to_owned(),
        size if !(1e-3..1e9).contains(&size) => format!("{number:.2e}"),
        size if size >= 1000.0 => format!("{number:.0}"),
        size if size >= 100.0 => format!("{number:.1}"),
        size if size >= 10.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_printed_with_its_digits() {
        for (level, printed) in [(0.95, "95"), (0.995, "99.5"), (0.57, "57"), (0.9999, "99.99")] {
            assert_eq!(percent(level).to_string(), printed);
        }
    }
}
