//! The probability of improvement of every pair.

use crate::report::compare::{self, Comparison, Verdict};
use crate::report::context::{Context, REPETITIONS};
use crate::report::intervals::{Intervals, Row};
use crate::report::section::{Figure, Section};
use crate::report::table::{Cell, Table};
use crate::text::thousands;

/// Most pairs that are shown; with more, each method against its baseline alone.
const MOST_PAIRS: usize = 45;

/// A figure and a table of pairs.
pub fn section(context: &Context<'_>) -> Option<Section> {
    let mut section = Section::new("improvement", "Probability of improvement");
    let pairs = compare::every_pair(context.study);
    let every = pairs.len() <= MOST_PAIRS && pairs.len() > context.comparisons.len();
    let comparisons = match every {
        true => compare::all(context.study, &context.scale, &pairs, &context.bootstrap),
        false => context.comparisons.clone(),
    };
    let known: Vec<&Comparison> =
        comparisons.iter().filter(|it| it.improvement.is_some()).collect();
    if known.is_empty() {
        return None;
    }
    section.text.push(
        "How likely a run of the first scores higher than a run of the second on one of the tasks that both \
         have; 0.5 is no difference."
            .to_owned(),
    );
    if every && known.iter().any(|it| it.has_interval()) {
        section.text.push(
            "Here tests are corrected for all pairs, above for those with the baseline alone, so that a \
             verdict may be weaker here."
                .to_owned(),
        );
    }
    if pairs.len() > MOST_PAIRS {
        section.text.push(format!(
            "There are {} pairs: only those with the baseline are shown.",
            pairs.len()
        ));
    }
    section.figures.extend(figure(context, &known));
    section.table("improvement", table(context, &known));
    Some(section)
}

fn figure(context: &Context<'_>, pairs: &[&Comparison]) -> Option<Figure> {
    let row = |it: &&Comparison| {
        let label = context.study.pair_label(it.candidate, it.baseline);
        Some(Row::new(&label, it.candidate, &it.improvement?, it.has_interval()))
    };
    let intervals = Intervals {
        title: "Probability of improvement".to_owned(),
        x_label: "probability that the first is better".to_owned(),
        description:
            "Probability that a run of the first variant scores higher than one of the second."
                .to_owned(),
        rows: pairs.iter().filter_map(row).collect(),
        mark: Some(0.5),
        range: Some((0.0, 1.0)),
        ..Intervals::default()
    };
    Figure::intervals("improvement", intervals, caption(context, pairs))
}

fn caption(context: &Context<'_>, pairs: &[&Comparison]) -> String {
    let fewest = pairs.iter().map(|it| it.runs.0).min().unwrap_or(0);
    let most = pairs.iter().map(|it| it.runs.1).max().unwrap_or(0);
    let intervals = match fewest {
        0..3 => String::new(),
        _ => format!(
            " Intervals: 95%, stratified bootstrap, {} resamples, percentiles.",
            thousands(REPETITIONS as u64)
        ),
    };
    format!(
        "{} of each and task; Mann-Whitney U / (n m), ties half, mean over tasks.{intervals}{} It tells how \
         often, not by how much.",
        crate::report::answer::seeds((fewest, most)),
        context.interval_limits(fewest)
    )
}

fn table(context: &Context<'_>, pairs: &[&Comparison]) -> Table {
    let tested = pairs.iter().filter(|it| it.has_interval()).count();
    let correction = match tested {
        0 | 1 => String::new(),
        n => format!(" p: exact permutation test; corrected for {n} pairs (Holm)."),
    };
    let mut table = Table::new(
        &format!(
            "P: probability that a run of x scores higher than one of y. Difference: of mean final {}s, x less \
             y.{correction}{}",
            context.scale.unit(),
            context.scale.note()
        ),
        ["x", "y", "tasks", "P", "p", "p corrected", "difference", "verdict"],
    );
    for it in pairs {
        let interval = it.has_interval();
        let estimate = |it: Option<rlai_stats::Estimate>| {
            let ends = it.filter(|_| interval).map(|it| (it.low, it.high));
            Cell::Estimate(it.map(|it| it.value), ends)
        };
        let p = |value: f64| if interval { Cell::Probability(value) } else { Cell::Missing };
        table.push([
            context.label(it.candidate).into(),
            context.label(it.baseline).into(),
            it.tasks.len().into(),
            estimate(it.improvement),
            p(it.p),
            p(it.corrected),
            estimate(it.difference),
            verdict(it.verdict).into(),
        ]);
    }
    table
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Nothing => "nothing to compare",
        Verdict::TooFew => "too few seeds",
        Verdict::Better => "x is better",
        Verdict::Worse => "y is better",
        Verdict::Leaning => "not settled: may be chance",
        Verdict::Undecided => "undecided",
    }
}
