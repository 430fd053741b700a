//! Steps to a return, and what "60% more sample-efficient" can mean.

use rlai_stats::threshold::{self, Bound, Range, Reading, ReturnGain, SpeedUp};
use rlai_stats::{Bootstrap, Curve};

use crate::report::band::aligned;
use crate::report::compare::FEWEST_RUNS;
use crate::report::context::{Context, REPETITIONS, interval_limits};
use crate::report::intervals::{Intervals, Row};
use crate::report::section::{Figure, Section};
use crate::report::table::{Cell, Table, number};
use crate::text::thousands;

/// Shares of the way from the baseline's beginning to its end.
const SHARES: [f64; 4] = [0.25, 0.5, 0.75, 0.95];
/// Shares of all steps at which returns are compared.
const MOMENTS: [f64; 4] = [0.25, 0.5, 0.75, 1.0];

/// Columns of the steps to a return.
const STEPS_HEADER: [&str; 13] = [
    "task",
    "candidate",
    "baseline",
    "way",
    "return",
    "steps, candidate",
    "candidate reached",
    "steps, baseline",
    "baseline reached",
    "ratio",
    "ratio null",
    "fewer steps",
    "fewer null",
];

/// A candidate against a baseline on a task.
struct Pair {
    candidate: usize,
    baseline: usize,
    task: usize,
    runs: (usize, usize),
    /// The last step of all its curves.
    end: f64,
    thresholds: Vec<f64>,
    speed_ups: Vec<SpeedUp>,
    gains: Vec<ReturnGain>,
}

/// Figures and tables of the three readings.
pub fn section(context: &Context<'_>) -> Option<Section> {
    let pairs: Vec<Pair> = context
        .comparisons
        .iter()
        .flat_map(|it| {
            it.tasks.iter().filter_map(|&task| pair(context, (it.candidate, it.baseline), task))
        })
        .collect();
    if pairs.is_empty() {
        return None;
    }
    let mut section = Section::new("steps-to-threshold", "Steps to a return");
    section.text.push(format!(
        "Three readings of \"more sample-efficient\": the ratio of the median numbers of steps to a return \
         (above 1, the candidate needs fewer), the share of the baseline's steps that the candidate saves, and \
         the ratio of mean returns after as many steps. Returns are {} of the way from where the baseline's \
         runs begin (or the reference's low end) to the mean of their last evaluations, both smoothed \
         alike, and all curves of a pair are cut where the shortest of them ends. The null range is what two \
         samples of the baseline alone give: within it a value is no evidence. Beyond it a value is none yet, \
         for the range is no test and too narrow of few runs: of equal variants with 3 seeds about 17% lie \
         outside, with 5 about 8%.",
        listed(&SHARES)
    ));
    let flat = pairs.iter().filter(|pair| pair.speed_ups.is_empty());
    let mut flat: Vec<&str> = flat.map(|pair| context.task(pair.task)).collect();
    flat.dedup();
    if !flat.is_empty() {
        section.text.push(format!(
            "No steps to a return on {}: the baseline's runs did not rise there, so there is nothing to reach.",
            flat.join(", ")
        ));
    }
    for task in context.tasks() {
        section.figures.extend(figure(context, task, &pairs));
    }
    section.table("steps-to-threshold", steps_table(context, &pairs));
    section.table("returns-at-steps", returns_table(context, &pairs));
    Some(section)
}

fn listed(shares: &[f64]) -> String {
    shares.iter().map(|share| format!("{:.0}%", share * 100.0)).collect::<Vec<_>>().join(", ")
}

fn pair(context: &Context<'_>, (candidate, baseline): (usize, usize), task: usize) -> Option<Pair> {
    let (x, y) = (context.curves(candidate, task)?, context.curves(baseline, task)?);
    let end = x.iter().chain(&y).map(|curve| curve.last().0).fold(f64::INFINITY, f64::min);
    // A run that was not trained so far as others may still reach what they did.
    let cut = |curves: &[Curve]| curves.iter().map(|it| it.until(end).ok()).collect::<Option<_>>();
    let (x, y): (Vec<Curve>, Vec<Curve>) = (cut(&x)?, cut(&y)?);
    let start = y.iter().map(|curve| curve.values()[0]).sum::<f64>() / y.len() as f64;
    let from = context.study.tasks[task].reference.map_or(start, |(low, _)| low);
    let thresholds = threshold::grid(&y, from, &SHARES).ok()?;
    // Where the baseline did not rise there is nothing to reach.
    let rises = thresholds.windows(2).all(|pair| pair[0] < pair[1]);
    let bootstrap = &context.bootstrap;
    let speed_ups = match rises {
        true => SpeedUp::at(&thresholds, &y, &x, bootstrap).ok()?,
        false => Vec::new(),
    };
    Some(Pair {
        candidate,
        baseline,
        task,
        runs: (x.len().min(y.len()), x.len().max(y.len())),
        end,
        thresholds: if rises { thresholds } else { Vec::new() },
        speed_ups,
        gains: gains(context, (candidate, baseline), task, bootstrap).unwrap_or_default(),
    })
}

/// Both at common steps of all runs of both.
fn gains(
    context: &Context<'_>,
    (candidate, baseline): (usize, usize),
    task: usize,
    bootstrap: &Bootstrap,
) -> Option<Vec<ReturnGain>> {
    let of = |method| context.finished(method, task).map(|run| &run.returns[..]);
    let count = context.finished(baseline, task).count();
    let all = aligned(of(baseline).chain(of(candidate)), context.options.smooth)?;
    let (y, x): (&[Curve], &[Curve]) = all.split_at_checked(count)?;
    let steps = y.first()?.steps();
    let last = *steps.last()?;
    // The evaluation nearest to each moment: where all have one there nothing is interpolated.
    let nearest = |share: &f64| {
        let distance = |step: &f64| (step - share * last).abs();
        steps.iter().copied().min_by(|a, b| distance(a).total_cmp(&distance(b)))
    };
    let mut moments: Vec<f64> = MOMENTS.iter().filter_map(nearest).collect();
    moments.dedup();
    ReturnGain::at(&moments, y, x, bootstrap).ok()
}

fn ends(range: Range) -> (f64, f64) {
    (range.low, range.high)
}

/// Resamples that are all alike where a median is not known are no certainty.
fn is_wide((low, high): &(f64, f64)) -> bool {
    low < high
}

fn figure(context: &Context<'_>, task: usize, pairs: &[Pair]) -> Option<Figure> {
    let of_task: Vec<&Pair> = pairs.iter().filter(|pair| pair.task == task).collect();
    let rows = of_task.iter().flat_map(|pair| {
        let has_interval = pair.runs.0 >= FEWEST_RUNS;
        let rows = SHARES.iter().zip(&pair.thresholds).zip(&pair.speed_ups);
        rows.filter_map(move |((share, threshold), speed_up)| {
            let ratio = &speed_up.ratio;
            let pair_label = context.study.pair_label(pair.candidate, pair.baseline);
            Some(Row {
                label: format!("{pair_label}, {:.0}%: {}", share * 100.0, number(*threshold)),
                number: pair.candidate,
                value: ratio.value?,
                bound: speed_up.beyond(pair.end).map(|bounds| bounds[0]),
                interval: ratio.interval.filter(|_| has_interval).map(ends).filter(is_wide),
                null: ratio.null.filter(|_| has_interval).map(ends),
            })
        })
    });
    let intervals = Intervals {
        title: context.title("How many times fewer steps", task),
        x_label: "median steps of the baseline / of the candidate".to_owned(),
        description:
            "Ratio of the median numbers of steps to each return; above 1 the candidate is faster."
                .to_owned(),
        rows: rows.collect(),
        mark: Some(1.0),
        logarithmic: true,
        ..Intervals::default()
    };
    Figure::intervals(
        &context.stem("steps-to-threshold", task),
        intervals,
        caption(context, &of_task),
    )
}

fn caption(context: &Context<'_>, pairs: &[&Pair]) -> String {
    let fewest = || pairs.iter().map(|pair| pair.runs.0);
    let most = pairs.iter().map(|pair| pair.runs.1).max().unwrap_or(0);
    let intervals = match fewest().any(|runs| runs >= FEWEST_RUNS) {
        false => String::new(),
        true => format!(
            " Line: 95% interval, bootstrap over seeds, {} resamples, percentiles. Grey: null range, two samples of \
             the baseline. Arrows: beyond the axis.",
            thousands(REPETITIONS as u64)
        ),
    };
    let bounds =
        pairs.iter().any(|pair| pair.speed_ups.iter().any(|it| it.beyond(pair.end).is_some()));
    let bounds = match bounds {
        false => "",
        true => {
            " Triangle: one median run never gets there, and the ratio is only known to be beyond this."
        }
    };
    format!(
        "{} of each; medians over seeds, runs that never get there count as infinite.{intervals}{}{bounds} \
         Ratios of which neither median is finite are left out.{}",
        crate::report::answer::seeds((fewest().min().unwrap_or(0), most)),
        interval_limits(fewest()),
        context.smoothing()
    )
}

/// A reading with its interval and null range.
fn cells(reading: &Reading, bound: Option<Bound>, has_interval: bool) -> [Cell; 2] {
    let known = has_interval && reading.value.is_some();
    let interval = reading.interval.filter(|_| known).map(ends);
    let null = reading.null.filter(|_| known).map(ends);
    let value = match bound {
        Some(bound) => Cell::Beyond(bound, interval.filter(is_wide)),
        None => Cell::Estimate(reading.value, interval),
    };
    [value, Cell::Range(null)]
}

/// What stands in brackets, where something does.
fn with_intervals(pairs: &[Pair]) -> &'static str {
    match pairs.iter().any(|pair| pair.runs.0 >= FEWEST_RUNS) {
        true => " In brackets the 95% interval; null: the null range.",
        false => "",
    }
}

fn steps_table(context: &Context<'_>, pairs: &[Pair]) -> Table {
    let mut table = Table::new(
        &format!(
            "Median steps to each return, with how many runs get there; – where the median run never does, and then \
             the ratio and the share saved are known only to be beyond a number.{}{}",
            with_intervals(pairs),
            context.smoothing()
        ),
        STEPS_HEADER,
    );
    for pair in pairs {
        for ((share, threshold), it) in SHARES.iter().zip(&pair.thresholds).zip(&pair.speed_ups) {
            let reached =
                |reached: &threshold::Reached| format!("{} of {}", reached.runs, reached.of).into();
            let mut row: Vec<Cell> = vec![
                context.task(pair.task).into(),
                context.label(pair.candidate).into(),
                context.label(pair.baseline).into(),
                format!("{:.0}%", share * 100.0).into(),
                (*threshold).into(),
                it.candidate.median.into(),
                reached(&it.candidate),
                it.baseline.median.into(),
                reached(&it.baseline),
            ];
            let has_interval = pair.runs.0 >= FEWEST_RUNS;
            let [ratio, fewer] = match it.beyond(pair.end) {
                Some(bounds) => bounds.map(Some),
                None => [None; 2],
            };
            row.extend(cells(&it.ratio, ratio, has_interval));
            row.extend(cells(&it.fewer_steps, fewer, has_interval));
            table.rows.push(row);
        }
    }
    table
}

fn returns_table(context: &Context<'_>, pairs: &[Pair]) -> Table {
    let mut table = Table::new(
        &format!(
            "Mean returns after as many steps, and their ratio where the baseline's is above 0.{}{}",
            with_intervals(pairs),
            context.smoothing()
        ),
        [
            "task",
            "candidate",
            "baseline",
            "steps",
            "return, candidate",
            "return, baseline",
            "ratio",
            "ratio null",
        ],
    );
    for pair in pairs {
        for it in &pair.gains {
            let mut row: Vec<Cell> = vec![
                context.task(pair.task).into(),
                context.label(pair.candidate).into(),
                context.label(pair.baseline).into(),
                Cell::Count(it.step as u64),
                it.candidate.into(),
                it.baseline.into(),
            ];
            let has_interval = pair.runs.0 >= FEWEST_RUNS;
            row.extend(cells(&it.ratio, None, has_interval));
            table.rows.push(row);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::context::Options;
    use crate::report::made;

    /// The candidate was stopped after half of the baseline's steps, far ahead of it.
    #[test]
    fn curves_are_cut_where_the_shortest_ends() {
        let ends: &[&[f64]] = &[&[10.0, 11.0, 12.0, 13.0]];
        let mut study = made::study(&[("A", ends), ("B", ends)]);
        for run in study.runs.iter_mut().filter(|run| run.method == 0) {
            let last = run.returns[1].1;
            run.returns = vec![(100.0, 0.0), (200.0, last / 4.0), (400.0, 4.0 * last)];
        }
        let context = Context::new(&study, 0, Options::default());
        let pair = pair(&context, (1, 0), 0).unwrap();
        assert_eq!(pair.end, 200.0);
        assert_eq!(pair.thresholds.last(), Some(&(0.95 * 11.5 / 4.0)));
        for it in &pair.speed_ups {
            assert_eq!((it.candidate.runs, it.candidate.of), (4, 4));
            // A straight line four times as steep.
            assert!((it.candidate.median.unwrap() - 100.0) < (it.baseline.median.unwrap() - 100.0));
        }
    }
}
