//! Returns against time.

use crate::report::band::aligned;
use crate::report::chart::{Chart, Series};
use crate::report::context::Context;
use crate::report::section::{Figure, Section};
use crate::report::table::Table;

/// A figure a task and a table of times; nothing where times are not asked for.
pub fn section(context: &Context<'_>) -> Option<Section> {
    if context.options.without_wall_clock {
        return None;
    }
    let mut section = Section::new("wall-clock", "Returns against time");
    section.text.push(
        "Seconds of training, evaluations included, interruptions not. They depend on the machine and on what \
         else ran on it: compare methods that ran side by side alone."
            .to_owned(),
    );
    section.figures = context.tasks().filter_map(|task| figure(context, task)).collect();
    let mut table = Table::new(
        "Seconds a run, mean over finished runs, and steps a second, all their steps over all their seconds.",
        ["task", "variant", "seeds", "seconds a run", "steps a second"],
    );
    for task in context.tasks() {
        for method in context.methods() {
            let times: Vec<f64> =
                context.finished(method, task).filter_map(|run| run.wall_time).collect();
            let steps =
                context.finished(method, task).filter_map(|run| Some(run.returns.last()?.0));
            let (steps, seconds) = (steps.sum::<f64>(), times.iter().sum::<f64>());
            if !times.is_empty() {
                table.push([
                    context.task(task).into(),
                    context.label(method).into(),
                    times.len().into(),
                    (seconds / times.len() as f64).into(),
                    (seconds > 0.0).then(|| steps / seconds).into(),
                ]);
            }
        }
    }
    section.table("wall-clock", table);
    (!section.figures.is_empty() || !section.tables.is_empty()).then_some(section)
}

fn figure(context: &Context<'_>, task: usize) -> Option<Figure> {
    let series: Vec<Series> =
        context.methods().filter_map(|method| series(context, method, task)).collect();
    let methods: Vec<usize> = series.iter().map(|series| series.number).collect();
    let chart = Chart {
        title: context.title("Return against time", task),
        x_label: "seconds of training".to_owned(),
        y_label: format!("return on {}", context.task(task)),
        description: format!("Mean return on {} by seconds of training.", context.task(task)),
        series,
        ..Chart::default()
    };
    let caption = format!(
        "{} Mean return over seeds at each evaluation, against the mean time at which it was made; no interval \
         is drawn, since seeds run at different speeds.{}",
        context.basis(&methods, &[task]),
        context.smoothing()
    );
    Figure::chart(&context.stem("wall-clock", task), chart, caption)
}

fn series(context: &Context<'_>, method: usize, task: usize) -> Option<Series> {
    let timed = || context.finished(method, task).filter(|run| !run.seconds.is_empty());
    let returns = aligned(timed().map(|run| &run.returns[..]), context.options.smooth)?;
    let times = aligned(timed().map(|run| &run.seconds[..]), 0.0)?;
    let mean = |curves: &[rlai_stats::Curve], step: f64| {
        let all: Option<Vec<f64>> = curves.iter().map(|curve| curve.at(step)).collect();
        all.map(|all| all.iter().sum::<f64>() / all.len() as f64)
    };
    let steps = returns.first()?.steps();
    let line = steps.iter().filter_map(|&step| Some((mean(&times, step)?, mean(&returns, step)?)));
    let label = context.label(method).to_owned();
    Some(Series { label, number: method, line: line.collect(), ..Series::default() })
}
