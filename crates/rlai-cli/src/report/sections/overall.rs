//! All tasks together: aggregate curves, aggregates, performance profiles.

use rlai_stats::profile::{self, Counted};
use rlai_stats::{Aggregates, Curve, Scores, aggregate, curve};

use crate::report::answer::tasks;
use crate::report::band::aligned;
use crate::report::chart::{Chart, Series, thinned};
use crate::report::compare::FEWEST_RUNS;
use crate::report::context::{Context, REPETITIONS, interval_limits};
use crate::report::intervals::{Intervals, Row};
use crate::report::section::{Figure, Section};
use crate::report::table::{Cell, Table};
use crate::text::thousands;

/// Most points of a curve: each is sorted anew in every resample.
const CURVE_POINTS: usize = 120;
/// Points of a profile.
const POINTS: usize = 101;

/// What is compared: methods with scores, on the tasks that all of them share.
struct Field {
    methods: Vec<usize>,
    tasks: Vec<usize>,
    scores: Vec<Scores>,
    /// Fewest runs of each method on a task.
    fewest: Vec<usize>,
}

impl Field {
    /// Whether the intervals of a method have a meaning, by its place in [`Field::methods`].
    fn has_interval(&self, place: usize) -> bool {
        self.fewest[place] >= FEWEST_RUNS
    }
}

/// Figures and a table over the tasks that all methods share.
pub fn section(context: &Context<'_>) -> Option<Section> {
    let mut section = Section::new("overall", "Aggregates");
    let field = match field(context) {
        Ok(field) => field?,
        Err(why) => {
            section.text.push(why);
            return Some(section);
        }
    };
    section.text.push(context.scale.explain());
    section.text.extend(left_out(context, &field));
    section.figures.extend(aggregate_curve(context, &field));
    aggregates(context, &field, &mut section);
    section.figures.extend(performance_profile(context, &field));
    Some(section)
}

/// Why some tasks do not count, each for its own reason.
fn left_out(context: &Context<'_>, field: &Field) -> Vec<String> {
    let shared = context.study.shared_tasks(&field.methods);
    let names = |is: &dyn Fn(&usize) -> bool| {
        let names: Vec<&str> = context.tasks().filter(is).map(|task| context.task(task)).collect();
        names.join(", ")
    };
    let unfinished = names(&|task| !shared.contains(task));
    let flat = names(&|task| shared.contains(task) && !context.scale.has(*task));
    let mut text = Vec::new();
    if !unfinished.is_empty() {
        text.push(format!(
            "Only tasks on which every variant has finished runs count: left out {unfinished}."
        ));
    }
    if !flat.is_empty() {
        text.push(format!(
            "Left out for want of a scale: {flat}. The baseline did not rise there; give reference scores for \
             every task."
        ));
    }
    text
}

/// None where nothing has finished; an error where methods share no task that has a scale.
fn field(context: &Context<'_>) -> Result<Option<Field>, String> {
    let methods = context.active();
    if methods.is_empty() {
        return Ok(None);
    }
    let shared = context.study.shared_tasks(&methods);
    if shared.is_empty() {
        return Err(
            "No task on which every variant has finished runs: nothing is aggregated.".to_owned()
        );
    }
    let tasks: Vec<usize> =
        shared.iter().copied().filter(|&task| context.scale.has(task)).collect();
    let scores = methods.iter().map(|&method| context.scale.scores(context.study, method, &tasks));
    let Ok(scores) = scores.collect::<Result<Vec<Scores>, _>>() else {
        return Err(format!(
            "{} On no task did it rise, so there is no scale, and nothing is aggregated: give reference \
             scores.",
            context.scale.explain()
        ));
    };
    let fewest = methods.iter().map(|&method| context.seeds(&[method], &tasks).0).collect();
    Ok(Some(Field { methods, tasks, scores, fewest }))
}

fn aggregate_curve(context: &Context<'_>, field: &Field) -> Option<Figure> {
    // All methods at common steps of all runs of all tasks.
    let all = field.methods.iter().flat_map(|&method| {
        field.tasks.iter().flat_map(move |&task| context.finished(method, task))
    });
    let all = aligned(all.map(|run| &run.returns[..]), 0.0)?;
    let steps = thinned(all.first()?.steps(), CURVE_POINTS);
    let series = |(place, &method): (usize, &usize)| {
        let runs = context.scale.runs(&field.tasks, |task, scaled| {
            let curves = context.curves(method, task).unwrap_or_default();
            curves.iter().filter_map(|curve| at_steps(curve, &steps, scaled)).collect()
        });
        let points =
            curve::estimate(&runs.ok()?, aggregate::interquartile_mean, &context.curve_bootstrap)
                .ok()?;
        let band = points.iter().map(|point| (point.estimate.low, point.estimate.high));
        Some(Series {
            label: context.label(method).to_owned(),
            number: method,
            line: points.iter().map(|point| (point.step, point.estimate.value)).collect(),
            band: if field.has_interval(place) { band.collect() } else { Vec::new() },
            ..Series::default()
        })
    };
    let chart = Chart {
        title: "Interquartile mean by steps".to_owned(),
        x_label: "environment steps".to_owned(),
        y_label: format!("interquartile mean of {}", context.scale.unit()),
        description: "Interquartile mean over all runs of all tasks by environment steps."
            .to_owned(),
        series: field.methods.iter().enumerate().filter_map(series).collect(),
        ..Chart::default()
    };
    let caption = format!(
        "{} The interquartile mean, {}, of {} tasks, where all runs of all of them have begun and none has ended.{}{}",
        context.basis(&field.methods, &field.tasks),
        middle_half(field),
        field.tasks.len(),
        band(context, field, "stratified bootstrap, 2,000 resamples, percentiles, pointwise"),
        context.smoothing()
    );
    (field.tasks.len() > 1).then(|| Figure::chart("aggregate-curve", chart, caption)).flatten()
}

/// Of what an interquartile mean is the mean; a quarter of fewer than four runs is less than one.
fn middle_half(field: &Field) -> &'static str {
    // Of uneven runs a quarter of their weight is left out, however few.
    let few = |scores: &Scores| scores.values().len() < 4 && scores.even().is_some();
    let rounded =
        |scores: &Scores| scores.even().is_some() && !scores.values().len().is_multiple_of(4);
    match (field.scores.iter().all(few), field.scores.iter().any(few)) {
        (true, _) => "which of fewer than 4 runs is their mean: none is left out",
        (false, true) => {
            "the middle half of all runs; of fewer than 4 it is their mean, for none is left out"
        }
        _ if field.scores.iter().any(rounded) => {
            "the middle half of all runs, the quarters left out rounded down to whole runs where all tasks have as \
             many"
        }
        _ => "the middle half of all runs",
    }
}

fn at_steps(curve: &Curve, steps: &[f64], scaled: &dyn Fn(f64) -> f64) -> Option<Curve> {
    let values =
        steps.iter().map(|&step| curve.at(step).map(scaled)).collect::<Option<Vec<f64>>>()?;
    Curve::new(steps.to_vec(), values).ok()
}

fn aggregates(context: &Context<'_>, field: &Field, section: &mut Section) {
    let of = |scores: &Scores| Aggregates::of(scores, 1.0, &context.bootstrap);
    let Ok(all) = field.scores.iter().map(of).collect::<Result<Vec<Aggregates>, _>>() else {
        return;
    };
    let unit = context.scale.unit();
    let mut kinds = vec![
        ("interquartile-mean", "Interquartile mean", middle_half(field)),
        ("mean", "Mean", "the mean of the tasks' means"),
        ("median", "Median", "the median of the tasks' means"),
    ];
    // Without a score that counts as reached there is no gap; of one task all means are its mean.
    if context.scale.is_normalised() {
        let gap = "how far runs stay below a score of 1 on average: lower is better";
        kinds.push(("optimality-gap", "Optimality gap", gap));
    }
    if field.tasks.len() == 1 {
        kinds.retain(|(stem, ..)| *stem != "median");
    }
    let title = format!("Aggregates of the final {unit} over {}.", tasks(field.tasks.len()));
    let limits = band(context, field, "");
    let caption = format!("{title} {}{limits}", context.basis(&field.methods, &field.tasks));
    let mut table = Table::new(&caption, ["variant", "aggregate", "value"]);
    for (stem, name, meaning) in kinds {
        let estimate = |aggregates: &Aggregates| match stem {
            "interquartile-mean" => aggregates.interquartile_mean,
            "mean" => aggregates.mean,
            "median" => aggregates.median,
            _ => aggregates.optimality_gap,
        };
        let estimates = || field.methods.iter().zip(all.iter().map(estimate)).enumerate();
        for (place, (&method, it)) in estimates() {
            let interval = field.has_interval(place).then_some((it.low, it.high));
            let value = Cell::Estimate(Some(it.value), interval);
            table.push([context.label(method).into(), name.into(), value]);
        }
        let row = |(place, (&method, it)): (usize, (&usize, rlai_stats::Estimate))| {
            Row::new(context.label(method), method, &it, field.has_interval(place))
        };
        let intervals = Intervals {
            title: name.to_owned(),
            x_label: unit.to_owned(),
            description: format!("{name} of each variant: {meaning}."),
            rows: estimates().map(row).collect(),
            ..Intervals::default()
        };
        let caption = format!(
            "{name}: {meaning}. {}{}",
            context.basis(&field.methods, &field.tasks),
            band(
                context,
                field,
                &format!(
                    "stratified bootstrap, {} resamples, percentiles",
                    thousands(REPETITIONS as u64)
                )
            )
        );
        section.figures.extend(Figure::intervals(&format!("aggregate-{stem}"), intervals, caption));
    }
    section.table("aggregates", table);
}

fn performance_profile(context: &Context<'_>, field: &Field) -> Option<Figure> {
    let values = || field.scores.iter().flat_map(|scores| scores.values().iter().copied());
    let (low, high) =
        values().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
    let room = ((high - low) * 0.05).max(high.abs().max(1.0) * 1e-6);
    let thresholds = profile::evenly(low - room, high + room, POINTS).ok()?;
    let series = |(place, (&method, scores)): (usize, (&usize, &Scores))| {
        let points =
            profile::estimate(scores, &thresholds, Counted::Runs, &context.curve_bootstrap).ok()?;
        let band = points.iter().map(|point| (point.low, point.high));
        Some(Series {
            label: context.label(method).to_owned(),
            number: method,
            line: thresholds.iter().copied().zip(points.iter().map(|point| point.value)).collect(),
            band: if field.has_interval(place) { band.collect() } else { Vec::new() },
            ..Series::default()
        })
    };
    let chart = Chart {
        title: "Performance profiles".to_owned(),
        x_label: format!("final {} above", context.scale.unit()),
        y_label: "share of runs".to_owned(),
        description: "Share of runs whose final score lies above each score.".to_owned(),
        series: field.methods.iter().zip(&field.scores).enumerate().filter_map(series).collect(),
        x_range: Some((low - room, high + room)),
        y_range: Some((0.0, 1.0)),
    };
    let caption = format!(
        "{} Share of runs above each score, every task weighing the same; a curve above another everywhere is \
         better whatever one cares about.{}",
        context.basis(&field.methods, &field.tasks),
        band(context, field, "stratified bootstrap, 2,000 resamples, percentiles, pointwise")
    );
    Figure::chart("performance-profiles", chart, caption)
}

/// What intervals are, and what they cannot show.
fn band(context: &Context<'_>, field: &Field, method: &str) -> String {
    let limits = interval_limits(field.fewest.iter().copied());
    let tasks = if field.tasks.len() == 1 {
        " One task says nothing of others."
    } else {
        " Intervals are for these tasks, not for others."
    };
    let scale = context.scale.note();
    match (0..field.methods.len()).any(|place| field.has_interval(place)) {
        true if !method.is_empty() => format!(" Intervals: 95%, {method}.{limits}{tasks}{scale}"),
        _ => format!("{limits}{tasks}{scale}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::context::Options;
    use crate::report::made;

    fn told(study: &crate::report::study::Study) -> String {
        section(&Context::new(study, 0, Options::default())).unwrap().text.join("\n")
    }

    #[test]
    fn each_task_is_left_out_for_its_own_reason() {
        let (up, flat): (&[f64], &[f64]) = (&[1.0, 2.0], &[0.0, 0.0]);
        let mut study = made::study(&[("A", &[up, flat, up]), ("B", &[up, up, up])]);
        let text = told(&study);
        assert!(text.contains("Left out for want of a scale: T1. The baseline did not rise there"));
        assert!(!text.contains("Only tasks on which every variant has finished runs"), "{text}");
        study.runs.retain(|run| run.method == 0 || run.task != 2);
        let text = told(&study);
        assert!(
            text.contains(
                "Only tasks on which every variant has finished runs count: left out T2."
            )
        );
        assert!(text.contains("Left out for want of a scale: T1."), "{text}");
    }

    #[test]
    fn a_middle_half_of_three_runs_is_all_of_them() {
        let of = |runs: &[f64]| {
            let study = made::study(&[("A", &[runs]), ("B", &[runs])]);
            let section = section(&Context::new(&study, 0, Options::default())).unwrap();
            section.figures[0].caption.clone()
        };
        assert!(of(&[1.0, 2.0, 3.0]).contains("of fewer than 4 runs is their mean"));
        assert!(of(&[1.0, 2.0, 3.0, 4.0]).contains("the middle half of all runs"));
    }
}
