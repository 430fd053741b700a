//! Effective sample size and entropy through training.

use crate::report::band::{Band, Mean, aligned};
use crate::report::chart::{Chart, Series};
use crate::report::context::Context;
use crate::report::section::{Figure, Section};
use crate::report::study::Run;

/// A quantity of the updates.
struct Quantity {
    stem: &'static str,
    title: &'static str,
    unit: &'static str,
    meaning: &'static str,
    of: fn(&Run) -> &[(f64, f64)],
}

const QUANTITIES: [Quantity; 2] = [
    Quantity {
        stem: "effective-sample-size",
        title: "Effective sample size",
        unit: "samples",
        meaning: "1 / sum of squared weights, mean over states: from 1 (one sample carries all) to the number \
                  of samples. Methods without weights have none.",
        of: |run| &run.effective_sample_size,
    },
    Quantity {
        stem: "entropy",
        title: "Entropy of the policy",
        unit: "nats",
        meaning: "Of the action in [-1, 1]^A, of a choice its log-probability; it compares policies on one \
                  task, not across tasks.",
        of: |run| &run.entropy,
    },
];

/// Two figures a task.
pub fn section(context: &Context<'_>) -> Option<Section> {
    let mut section = Section::new("diagnostics", "Weights and entropy through training");
    for quantity in &QUANTITIES {
        section.figures.extend(context.tasks().filter_map(|task| figure(context, quantity, task)));
    }
    (!section.figures.is_empty()).then_some(section)
}

fn figure(context: &Context<'_>, quantity: &Quantity, task: usize) -> Option<Figure> {
    let series: Vec<Series> =
        context.methods().filter_map(|method| series(context, quantity, method, task)).collect();
    let methods: Vec<usize> = series.iter().map(|series| series.number).collect();
    let chart = Chart {
        title: context.title(quantity.title, task),
        x_label: "environment steps".to_owned(),
        y_label: quantity.unit.to_owned(),
        description: format!("{} by environment steps on {}.", quantity.title, context.task(task)),
        series,
        ..Chart::default()
    };
    let caption = format!(
        "{} Lines: mean over seeds; bands: from the lowest to the highest seed. {}",
        context.basis(&methods, &[task]),
        quantity.meaning
    );
    Figure::chart(&context.stem(quantity.stem, task), chart, caption)
}

fn series(
    context: &Context<'_>,
    quantity: &Quantity,
    method: usize,
    task: usize,
) -> Option<Series> {
    let told = context.finished(method, task).map(quantity.of).filter(|points| !points.is_empty());
    let curves = aligned(told, 0.0).filter(|curves| !curves.is_empty())?;
    let mean = Mean::of(curves, Band::Range, &context.curve_bootstrap).ok()?;
    Some(Series {
        label: context.label(method).to_owned(),
        number: method,
        line: mean.line,
        band: mean.band,
        ..Series::default()
    })
}
