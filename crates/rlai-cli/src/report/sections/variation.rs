//! How much runs differ.

use rlai_stats::variation;

use crate::report::context::Context;
use crate::report::intervals::{Intervals, Row};
use crate::report::section::{Figure, Section};
use crate::report::table::{Cell, Table};

/// Percentiles of runs.
const SHARES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];
/// Share of runs that a tolerance interval holds, and how surely.
const TOLERANCE: (f64, f64) = (0.8, 0.95);

/// A figure and a table of percentiles over runs.
pub fn section(context: &Context<'_>) -> Option<Section> {
    let mut section = Section::new("variation", "What a single run may come to");
    let mut table = Table::new(
        "Percentiles of final returns over runs (between runs by linear interpolation), and the range that \
         holds 80% of runs to come with 95% confidence, whatever their distribution, where there are enough of \
         them (Wilks 1941).",
        ["task", "variant", "seeds", "5%", "25%", "50%", "75%", "95%", "80% range"],
    );
    for task in context.tasks() {
        let mut rows = Vec::new();
        for method in context.methods() {
            let scores = context.study.scores(method, task);
            let Ok(percentiles) = variation::percentiles(&scores, &SHARES) else { continue };
            let (coverage, confidence) = TOLERANCE;
            let tolerance = variation::tolerance(&scores, coverage, confidence).ok().flatten();
            let mut row: Vec<Cell> =
                vec![context.task(task).into(), context.label(method).into(), scores.len().into()];
            row.extend(percentiles.iter().map(|&value| Cell::from(value)));
            row.push(Cell::Range(tolerance.map(|it| (it.low, it.high))));
            table.rows.push(row);
            rows.push(Row {
                label: context.label(method).to_owned(),
                number: method,
                value: percentiles[2],
                interval: (scores.len() > 1).then_some((percentiles[0], percentiles[4])),
                ..Row::default()
            });
        }
        section.figures.extend(figure(context, task, rows));
    }
    section.table("percentiles", table);
    (!section.tables.is_empty()).then_some(section)
}

fn figure(context: &Context<'_>, task: usize, rows: Vec<Row>) -> Option<Figure> {
    let intervals = Intervals {
        title: context.title("Final returns of single runs", task),
        x_label: format!("final return on {}", context.task(task)),
        description: "Median run, and from the 5th to the 95th percentile of runs.".to_owned(),
        rows,
        ..Intervals::default()
    };
    let methods: Vec<usize> = context.methods().collect();
    let caption = format!(
        "{} Dot: median run; line: from the 5th to the 95th percentile of runs. It shows how runs differ, not \
         how sure a mean is; with few seeds its ends are about the lowest and the highest of them, and runs to \
         come may lie beyond.",
        context.basis(&methods, &[task])
    );
    Figure::intervals(&context.stem("percentiles", task), intervals, caption)
}
