//! Does a change cost the candidate less than the baseline? Differences in differences, with their test.

use rlai_stats::robustness::{TwoByTwo, difference_in_differences_test};
use rlai_stats::{Scores, Welch, aggregate};

use super::robustness::{Change, areas, tasks};
use crate::report::compare::{FEWEST_RUNS, SIGNIFICANCE};
use crate::report::context::Context;
use crate::report::holm::holm;
use crate::report::table::{Cell, Table};

/// What a change does to a candidate, less what it does to the baseline.
pub struct Difference<'a> {
    candidate: &'a Change,
    baseline: &'a Change,
    tasks: usize,
    runs: usize,
    value: f64,
    /// Whether the change is shown to cost each something: the candidate, the baseline.
    costs: [bool; 2],
    /// None of too few seeds, or of such that do not differ at all.
    test: Option<Welch>,
    /// Its p, corrected for the number of tests.
    corrected: f64,
}

/// Every change that a candidate and the baseline have both, over all keys; their tests are corrected for the
/// number of them.
pub fn all<'a>(context: &Context<'_>, changes: &'a [(&str, Vec<Change>)]) -> Vec<Difference<'a>> {
    let of_key = |(_, changes): &'a (&str, Vec<Change>)| of_changes(context, changes);
    let mut all: Vec<Difference<'a>> = changes.iter().flat_map(of_key).collect();
    let values: Vec<f64> = all.iter().filter_map(|it| Some(it.test?.p)).collect();
    let tested = all.iter_mut().filter(|it| it.test.is_some());
    tested.zip(holm(&values)).for_each(|(it, corrected)| it.corrected = corrected);
    all
}

fn of_changes<'a>(context: &Context<'_>, changes: &'a [Change]) -> Vec<Difference<'a>> {
    let methods = &context.study.methods;
    let base = methods[context.baseline].base;
    let (of_baseline, of_candidates): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| methods[change.changed].base == base);
    let twin = |candidate: &&'a Change| {
        let grid = |change: &Change| &methods[change.changed].grid;
        let same = |change: &&&Change| grid(change) == grid(candidate);
        Some((*candidate, *of_baseline.iter().find(same)?))
    };
    let pairs = of_candidates.iter().filter_map(twin);
    pairs.filter_map(|(candidate, baseline)| difference(context, candidate, baseline)).collect()
}

fn difference<'a>(
    context: &Context<'_>,
    candidate: &'a Change,
    baseline: &'a Change,
) -> Option<Difference<'a>> {
    let methods = [candidate.changed, candidate.usual, baseline.changed, baseline.usual];
    let tasks = tasks(context, &methods);
    let scores: Option<Vec<Scores>> =
        methods.iter().map(|&method| areas(context, method, &tasks)).collect();
    let scores = scores?;
    let four = TwoByTwo {
        candidate_changed: &scores[0],
        candidate_usual: &scores[1],
        baseline_changed: &scores[2],
        baseline_usual: &scores[3],
    };
    let mean = |i: usize| aggregate::mean(&scores[i]);
    let runs = scores.iter().flat_map(Scores::iter).map(<[f64]>::len).min().unwrap_or(0);
    let test = difference_in_differences_test(&four, 1.0 - SIGNIFICANCE).ok();
    Some(Difference {
        candidate,
        baseline,
        tasks: tasks.len(),
        runs,
        value: (mean(0) - mean(1)) - (mean(2) - mean(3)),
        costs: [costs(&scores[0], &scores[1]), costs(&scores[2], &scores[3])],
        test: test.filter(|_| runs >= FEWEST_RUNS),
        corrected: 1.0,
    })
}

/// Whether Welch's test finds less with the changed value.
fn costs(changed: &Scores, usual: &Scores) -> bool {
    Welch::of_tasks(changed, usual, 1.0 - SIGNIFICANCE).is_ok_and(|test| test.high < 0.0)
}

impl Difference<'_> {
    /// Robust is what loses less. Where the change is not shown to cost the other anything, one merely gains more:
    /// the larger value need not be the better one.
    fn verdict(&self) -> &'static str {
        let [candidate, baseline] = self.costs;
        match self.test {
            None if self.runs < FEWEST_RUNS => "too few seeds",
            Some(_) if self.corrected > SIGNIFICANCE => "not settled",
            Some(_) if self.value > 0.0 && baseline => "candidate more robust",
            Some(_) if self.value > 0.0 => "the change favours the candidate",
            Some(_) if candidate => "baseline more robust",
            Some(_) => "the change favours the baseline",
            None => "not settled",
        }
    }
}

/// The differences under one key.
pub fn table(context: &Context<'_>, key: &str, differences: &[Difference<'_>]) -> Table {
    let methods = &context.study.methods;
    let of_key = || differences.iter().filter(|it| it.candidate.key == key);
    let fewest = of_key().map(|it| it.runs).min().unwrap_or(0);
    let mut table = Table::new(
        &format!(
            "Difference in differences under other values of {key}, in units of {}.{}{}",
            context.scale.unit(),
            context.scale.note(),
            caption(differences, fewest)
        ),
        ["candidate", "baseline", "change", "tasks", "difference", "p", "p corrected", "verdict"],
    );
    for it in of_key() {
        let ends = it.test.map(|test| (test.low, test.high));
        let p = |value: Option<f64>| value.map_or(Cell::Missing, Cell::Probability);
        table.push([
            methods[it.candidate.changed].base_label.clone().into(),
            methods[it.baseline.changed].base_label.clone().into(),
            it.candidate.name(methods).into(),
            it.tasks.into(),
            Cell::Estimate(Some(it.value), ends),
            p(it.test.map(|test| test.p)),
            p(it.test.map(|_| it.corrected)),
            it.verdict().into(),
        ]);
    }
    table
}

/// What intervals and verdicts are, and what they suppose.
fn caption(differences: &[Difference<'_>], fewest: usize) -> String {
    let tests = differences.iter().filter(|it| it.test.is_some()).count();
    if tests == 0 {
        return String::new();
    }
    let few = match fewest {
        ..10 => " Of few seeds this rests on returns that are about normal.",
        _ => "",
    };
    format!(
        " Interval and p: Student's t of the four means, degrees of freedom after Satterthwaite (1946); p \
         corrected for the number of such tests on this page, {tests} (Holm). A verdict takes a corrected p of at most \
         {SIGNIFICANCE}; the interval is not corrected.{few}"
    )
}

#[cfg(test)]
mod tests {
    use rlai_stats::robustness::difference_in_differences;

    use super::*;
    use crate::report::context::Options;
    use crate::report::made;
    use crate::report::sections::robustness::section;
    use crate::report::study::Study;

    /// Reverse and forward KL with a small and a large buffer.
    fn study(forward_small: &[f64]) -> Study {
        let plain: &[f64] = &[1.0, 2.0, 3.0];
        let names = ["r, small", "r, large", "f, small", "f, large"];
        let mut study = made::study(&[
            (names[0], &[plain]),
            (names[1], &[plain]),
            (names[2], &[forward_small]),
            (names[3], &[plain]),
        ]);
        for (i, method) in study.methods.iter_mut().enumerate() {
            method.base = i / 2;
            method.base_label = ["r", "f"][i / 2].to_owned();
            let value = |key: &str, value: &str| (key.to_owned(), value.to_owned());
            method.grid = vec![value("buffer", ["10", "20"][i % 2]), value("gamma", "0.9")];
        }
        study.tasks[0].reference = Some((0.0, 1.0));
        study
    }

    /// The row as Markdown, and the caption of its table.
    fn row(study: &Study) -> (String, String) {
        let context = Context::new(study, 0, Options::default());
        let section = section(&context).unwrap();
        let found = section.tables.iter().find(|(stem, _)| stem.starts_with("difference-in"));
        let text = found.unwrap().1.markdown();
        let row = text.lines().find(|line| line.starts_with("| f | r")).unwrap();
        (row.to_owned(), text.clone())
    }

    #[test]
    fn a_test_decides_and_not_the_percentiles() {
        // Means 4.4 and three times 2, each with a standard error of 1 / sqrt(3): t = 2.08 of 8 degrees.
        let runs = [3.4, 4.4, 5.4];
        let [changed, plain] = [runs, [1.0, 2.0, 3.0]].map(|runs| Scores::of_task(&runs).unwrap());
        let four = TwoByTwo {
            candidate_changed: &changed,
            candidate_usual: &plain,
            baseline_changed: &plain,
            baseline_usual: &plain,
        };
        let percentiles = difference_in_differences(&four, &Default::default()).unwrap();
        assert!(percentiles.low > 0.0, "{percentiles:?}");
        let (row, caption) = row(&study(&runs));
        assert!(row.contains("| buffer 10 for 20, gamma = 0.9 | 1 |"), "{row}");
        assert!(row.ends_with("| 0.071 | 0.071 | not settled |"), "{row}");
        assert!(caption.contains("of such tests on this page, 1 (Holm)"), "{caption}");
    }

    #[test]
    fn clear_differences_are_told_and_two_seeds_tell_nothing() {
        let high: Vec<f64> = vec![11.0, 12.0, 13.0];
        // The baseline does not move, the candidate is lifted: that is no robustness.
        assert!(row(&study(&high)).0.ends_with("| the change favours the candidate |"));
        let turned = |ends: &[f64]| {
            let mut study = study(&[1.0, 2.0, 3.0]);
            for run in study.runs.iter_mut().filter(|run| run.method == 0) {
                let (last, end) = (run.returns.last_mut().unwrap(), ends[run.seed as usize]);
                last.1 = end;
            }
            row(&study).0
        };
        assert!(turned(&[-30.0, -29.0, -28.0]).ends_with("| candidate more robust |"));
        // The baseline is as it was but for noise, the candidate is lifted: again no robustness.
        let mut noisy = study(&high);
        for run in noisy.runs.iter_mut().filter(|run| run.method == 0) {
            run.returns.last_mut().unwrap().1 -= 0.1;
        }
        assert!(row(&noisy).0.ends_with("| the change favours the candidate |"));
        assert!(turned(&[30.0, 31.0, 32.0]).ends_with("| the change favours the baseline |"));
        assert!(row(&study(&[-7.0, -6.0, -5.0])).0.ends_with("| baseline more robust |"));
        let mut few = study(&high);
        few.runs.retain(|run| run.seed < 2);
        assert!(row(&few).0.ends_with("| too few seeds |"));
    }
}
