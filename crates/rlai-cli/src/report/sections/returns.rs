//! Final returns by task and method.

use crate::report::answer::seeds;
use crate::report::context::Context;
use crate::report::section::Section;
use crate::report::table::{Cell, Table};

/// A table of final returns.
pub fn section(context: &Context<'_>) -> Option<Section> {
    let mut section = Section::new("final-returns", "Final returns");
    let mut table = Table::new(
        &caption(context),
        [
            "task",
            "variant",
            "seeds",
            "mean",
            "s.d.",
            "median",
            "lowest",
            "highest",
            "normalised mean",
        ],
    );
    for task in context.tasks() {
        for method in context.methods() {
            let planned = context.study.of(method, task).count();
            let scores = context.study.scores(method, task);
            if planned > 0 {
                table.rows.push(row(context, (method, task), planned, scores));
            }
        }
    }
    if !context.scale.is_normalised() {
        table.header.pop();
        table.rows.iter_mut().for_each(|row| drop(row.pop()));
    }
    section.table("final-returns", table);
    Some(section)
}

fn row(
    context: &Context<'_>,
    (method, task): (usize, usize),
    planned: usize,
    mut scores: Vec<f64>,
) -> Vec<Cell> {
    scores.sort_by(f64::total_cmp);
    let n = scores.len();
    let mean = (n > 0).then(|| scores.iter().sum::<f64>() / n as f64);
    let sd = mean.filter(|_| n > 1).map(|mean| {
        let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
        (squares / (n - 1) as f64).sqrt()
    });
    let count = if n == planned { Cell::from(n) } else { format!("{n} of {planned}").into() };
    let normalised = mean.filter(|_| context.scale.has(task));
    vec![
        context.task(task).into(),
        context.label(method).into(),
        count,
        mean.into(),
        sd.into(),
        rlai_stats::quantile::median(&scores).ok().into(),
        scores.first().copied().into(),
        scores.last().copied().into(),
        normalised.map(|mean| context.scale.apply(task, mean)).into(),
    ]
}

fn caption(context: &Context<'_>) -> String {
    let (fewest, most) = context.study.episodes;
    let episodes = if fewest == most { most.to_string() } else { format!("{fewest} to {most}") };
    let s = if most == 1 { "" } else { "s" };
    let all: Vec<usize> = context.tasks().collect();
    let of = seeds(context.seeds(&context.active(), &all));
    format!(
        "Final return: the mean of {episodes} episode{s} with the policy's mode after the last step, one number \
         a run ({of} a variant). s.d.: over seeds, divisor n - 1. The last evaluation alone counts, not the \
         best.{}",
        context.scale.note()
    )
}
