//! The probability of improvement of every pair.

use crate::report::compare::{self, Comparison, Verdict};
use crate::report::context::{Context, REPETITIONS, interval_limits};
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
        true => all(context, &pairs),
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
            "Tests of pairs that are answered above are corrected for each other, as there; those of other pairs, \
             which nobody need have had in mind, for all pairs."
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

/// Every pair, corrected for all of them; but those with the baseline as they are in the answer.
fn all(context: &Context<'_>, pairs: &[(usize, usize)]) -> Vec<Comparison> {
    let mut all = compare::all(context.study, &context.scale, pairs, &context.bootstrap);
    for it in &mut all {
        let pair = [it.candidate, it.baseline];
        let is_same = |other: &&Comparison| {
            pair == [other.candidate, other.baseline] || pair == [other.baseline, other.candidate]
        };
        if let Some(answered) = context.comparisons.iter().find(is_same) {
            *it = answered.clone();
        }
    }
    all
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
    Figure::intervals("improvement", intervals, caption(pairs))
}

fn caption(pairs: &[&Comparison]) -> String {
    let fewest = || pairs.iter().map(|it| it.runs.0);
    let most = pairs.iter().map(|it| it.runs.1).max().unwrap_or(0);
    let intervals = match pairs.iter().any(|it| it.has_interval()) {
        false => String::new(),
        true => format!(
            " Intervals: 95%, stratified bootstrap, {} resamples, percentiles.",
            thousands(REPETITIONS as u64)
        ),
    };
    format!(
        "{} of each and task; Mann-Whitney U / (n m), ties half, mean over tasks.{intervals}{} It tells how \
         often, not by how much.",
        crate::report::answer::seeds((fewest().min().unwrap_or(0), most)),
        interval_limits(fewest())
    )
}

/// What `p` and the corrected one are of.
fn tests(pairs: &[&Comparison]) -> String {
    let tested: Vec<_> = pairs.iter().filter(|it| it.has_interval()).collect();
    if tested.is_empty() {
        return String::new();
    }
    let of = match (tested.iter().all(|it| it.exact), tested.iter().any(|it| it.exact)) {
        (true, _) => "exact permutation test",
        (_, true) => "permutation test, exact or of drawn labellings",
        _ => "permutation test of drawn labellings",
    };
    let welch = match tested.iter().any(|it| it.with_welch) {
        true => ", of unequal numbers of seeds the larger one of that and Welch's t test",
        false => "",
    };
    let corrected = if tested.len() > 1 { "; corrected as said above (Holm)" } else { "" };
    format!(" p: {of}{welch}{corrected}.")
}

fn table(context: &Context<'_>, pairs: &[&Comparison]) -> Table {
    let tests = tests(pairs);
    let mut table = Table::new(
        &format!(
            "P: probability that a run of x scores higher than one of y. Difference: of mean final {}s, x less \
             y.{tests}{}",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::context::Options;
    use crate::report::made;

    /// Five seeds apart from each other: four comparisons with the baseline, ten pairs.
    #[test]
    fn pairs_of_the_answer_are_told_as_there() {
        let runs: Vec<Vec<f64>> =
            (0..5).map(|of| (0..5).map(|seed| f64::from(10 * of + seed)).collect()).collect();
        let tasks: Vec<[&[f64]; 1]> = runs.iter().map(|runs| [&runs[..]]).collect();
        let names = ["A", "B", "C", "D", "E"];
        let methods: Vec<made::Made<'_>> =
            names.iter().zip(&tasks).map(|(name, runs)| (*name, &runs[..])).collect();
        let study = made::study(&methods);
        for baseline in [0, 2] {
            let context = Context::new(&study, baseline, Options::default());
            let text = section(&context).unwrap().tables[0].1.markdown();
            let answered: Vec<&str> = text
                .lines()
                .filter(|line| line.starts_with('|') && line.contains(" is better"))
                .collect();
            // 2/252 times 4 is 0.032, times 10 it is 0.079.
            assert_eq!(answered.len(), 4, "{text}");
            for line in answered {
                let [x, y] = [line.as_bytes()[2], line.as_bytes()[6]].map(char::from);
                let base = char::from(b'A' + baseline as u8);
                assert!((x == base) != (y == base), "{line}");
                assert!(line.contains("| 0.008 | 0.032 |"), "{line}");
            }
            let others = text.matches("| 0.079 | ").count();
            assert_eq!(others, 6, "{text}");
        }
    }
}
