//! Learning curves by task.

use crate::report::band::{Kind, Mean};
use crate::report::chart::{Chart, MOST_SINGLES, Series};
use crate::report::context::{Context, interval_limits};
use crate::report::section::{Figure, Section};
use crate::report::study::Run;
use crate::report::table::quoted;

/// A figure a task.
pub fn section(context: &Context<'_>) -> Option<Section> {
    let mut section = Section::new("learning-curves", "Learning curves");
    section.figures = context.tasks().filter_map(|task| figure(context, task)).collect();
    (!section.figures.is_empty()).then_some(section)
}

fn figure(context: &Context<'_>, task: usize) -> Option<Figure> {
    let means: Vec<(usize, Mean)> = context
        .methods()
        .filter_map(|method| Some((method, mean(context, method, task)?)))
        .collect();
    let singles: usize = means.iter().map(|(_, mean)| mean.curves.len()).sum();
    let has_singles = singles <= MOST_SINGLES;
    let series: Vec<Series> = context
        .methods()
        .filter_map(|method| {
            let mean = means.iter().find(|(of, _)| *of == method).map(|(_, mean)| mean);
            series(context, (method, task), mean, has_singles)
        })
        .collect();
    let open = series.iter().any(|series| !series.open.is_empty());
    let chart = Chart {
        title: title(context, task),
        x_label: "environment steps".to_owned(),
        y_label: format!("return on {}", context.task(task)),
        description: describe(context, task, &means),
        series,
        ..Chart::default()
    };
    let caption = caption(context, task, &means, has_singles, open);
    Figure::chart(&context.stem("learning-curves", task), chart, caption)
}

/// The study's title; where there are several tasks, the task's name.
fn title(context: &Context<'_>, task: usize) -> String {
    match context.study.tasks.len() {
        1 => context.study.title.clone(),
        _ => context.task(task).to_owned(),
    }
}

fn mean(context: &Context<'_>, method: usize, task: usize) -> Option<Mean> {
    let curves = context.curves(method, task).filter(|curves| !curves.is_empty())?;
    banded(context, curves)
}

fn banded(context: &Context<'_>, curves: Vec<rlai_stats::Curve>) -> Option<Mean> {
    Mean::of(curves, context.options.band, &context.curve_bootstrap).ok()
}

fn series(
    context: &Context<'_>,
    (method, task): (usize, usize),
    mean: Option<&Mean>,
    has_singles: bool,
) -> Option<Series> {
    let open: Vec<Vec<(f64, f64)>> = context
        .study
        .of(method, task)
        .filter(|run| !run.is_finished())
        .map(|run| run.returns.iter().copied().filter(|(_, y)| y.is_finite()).collect())
        .filter(|points: &Vec<_>| !points.is_empty())
        .collect();
    if mean.is_none() && open.is_empty() {
        return None;
    }
    let single = |curve: &rlai_stats::Curve| {
        curve.steps().iter().copied().zip(curve.values().iter().copied()).collect()
    };
    let singles = mean.filter(|mean| has_singles && mean.curves.len() > 1);
    Some(Series {
        label: context.label(method).to_owned(),
        number: method,
        line: mean.map(|mean| mean.line.clone()).unwrap_or_default(),
        band: mean.map(|mean| mean.band.clone()).unwrap_or_default(),
        singles: singles.map(|it| it.curves.iter().map(single).collect()).unwrap_or_default(),
        open,
    })
}

fn caption(
    context: &Context<'_>,
    task: usize,
    means: &[(usize, Mean)],
    has_singles: bool,
    open: bool,
) -> String {
    let methods: Vec<usize> = means.iter().map(|(method, _)| *method).collect();
    let mut text = context.basis(&methods, &[task]);
    match context.seeds(&methods, &[task]).1 {
        0 => {}
        1 => text.push_str(" Lines: one seed each, no spread is known."),
        _ => {
            text.push_str(" Thick lines: mean over seeds.");
            if has_singles {
                text.push_str(" Thin lines: single seeds.");
            }
            let kinds = [Kind::Bootstrap, Kind::T, Kind::HalfSd, Kind::Range];
            let has = |kind: &Kind| means.iter().any(|(_, mean)| mean.kind == *kind);
            let kinds: Vec<&str> =
                kinds.iter().filter(|kind| has(kind)).map(|kind| kind.describe()).collect();
            text.push_str(&format!(" Bands: {}.", kinds.join("; ")));
            let is_limited = |mean: &Mean| mean.kind == Kind::Bootstrap || mean.curves.len() == 2;
            let limited = means.iter().map(|(_, mean)| mean).filter(|mean| is_limited(mean));
            let counts = limited.map(|mean| mean.curves.len());
            if counts.clone().next().is_some() {
                text.push_str(interval_limits(counts));
            }
        }
    }
    if open {
        text.push_str(
            " Dotted lines: runs that have not finished, which are in no mean, band or other number.",
        );
    }
    text.push_str(&context.smoothing());
    let (few, many) = context.study.episodes;
    let count = if few == many { format!("{few}") } else { format!("{few} to {many}") };
    let s = if many == 1 { "" } else { "s" };
    text.push_str(&format!(
        " Each point: mean return of {count} episode{s} with the policy's mode (no exploration)."
    ));
    text
}

fn describe(context: &Context<'_>, task: usize, means: &[(usize, Mean)]) -> String {
    let ends: Vec<String> = means
        .iter()
        .filter_map(|(method, mean)| {
            let (step, value) = mean.line.last()?;
            let (label, value) = (context.label(*method), crate::report::table::number(*value));
            Some(format!("{label} ends at {value} after {step} steps"))
        })
        .collect();
    format!("Mean return on {} by environment steps: {}.", context.task(task), ends.join("; "))
}

/// All curves as CSV, as they are, whatever smooths the figures: one line a variant and step, and one a seed
/// behind it. `variant` names a folder, which of a grid over tasks is another for each task; `algorithm` is the
/// same on all of them.
pub fn csv(context: &Context<'_>) -> String {
    let mut text = String::from("env,variant,step,seed,return_mean,low,high,interval,algorithm\n");
    for method in context.methods() {
        for task in context.tasks() {
            let curves = context.plain_curves(method, task).filter(|curves| !curves.is_empty());
            let Some(mean) = curves.and_then(|curves| banded(context, curves)) else { continue };
            let Some(first) = context.finished(method, task).next() else { continue };
            let (env, name) = (quoted(context.task(task)), quoted(variant(first)));
            let algorithm = quoted(context.label(method));
            for (i, (step, value)) in mean.line.iter().enumerate() {
                let (low, high) = mean.band.get(i).copied().unwrap_or((*value, *value));
                let kind = mean.kind.name();
                text.push_str(&format!(
                    "{env},{name},{step},all,{value},{low},{high},{kind},{algorithm}\n"
                ));
            }
            for (run, curve) in context.finished(method, task).zip(&mean.curves) {
                for (step, value) in curve.steps().iter().zip(curve.values()) {
                    let seed = run.seed;
                    text.push_str(&format!("{env},{name},{step},{seed},{value},,,,{algorithm}\n"));
                }
            }
        }
    }
    text
}

/// The name of a run's variant.
fn variant(run: &Run) -> &str {
    run.name.rsplit_once("/seed").map_or(&run.name, |(variant, _)| variant)
}
