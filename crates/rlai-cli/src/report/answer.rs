//! What the runs tell, in words that the numbers support.

use serde::Serialize;

use super::compare::{Comparison, Verdict};
use super::scale::Scale;
use super::study::{Standing, Study};
use super::table::number;
use super::weight::{cautions, warnings};

/// What one comparison came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Finding {
    /// The verdict, a sentence.
    pub verdict: String,
    /// What it rests on.
    pub detail: String,
}

impl Finding {
    fn new(verdict: String, detail: String) -> Self {
        Self { verdict, detail: detail.trim().to_owned() }
    }

    /// Both.
    pub fn text(&self) -> String {
        format!("{} {}", self.verdict, self.detail).trim().to_owned()
    }
}

/// The first things that a reader sees.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Answer {
    /// What must be known before anything else: runs that are missing.
    pub warnings: Vec<String>,
    /// The answer, a sentence a comparison.
    pub findings: Vec<Finding>,
    /// How much weight it bears.
    pub cautions: Vec<String>,
}

impl Answer {
    /// Of the comparisons with the baseline.
    pub fn new(study: &Study, scale: &Scale, comparisons: &[Comparison]) -> Self {
        let finished = study.count(|it| *it == Standing::Finished);
        let findings = match (finished, study.methods.len()) {
            (0, _) => {
                let detail = format!("There are {}.", study.runs.len());
                vec![Finding::new("No run has finished yet.".to_owned(), detail)]
            }
            (_, 1) => vec![alone(study)],
            _ => comparisons.iter().map(|it| finding(study, scale, it, comparisons)).collect(),
        };
        Self { warnings: warnings(study), findings, cautions: cautions(study, comparisons) }
    }
}

/// How the two of a comparison are called, and what is said after them: where both have the same setting of
/// the grid, it is told once.
fn names<'a>(study: &'a Study, it: &Comparison) -> (&'a str, &'a str, String) {
    let (x, y) = (&study.methods[it.candidate], &study.methods[it.baseline]);
    let named = !x.base_label.is_empty() && !y.base_label.is_empty() && x.base != y.base;
    if x.grid.is_empty() || x.grid != y.grid || !named {
        return (&x.label, &y.label, String::new());
    }
    let setting: Vec<String> =
        x.grid.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    (&x.base_label, &y.base_label, format!(" with {}", setting.join(", ")))
}

/// One comparison: a verdict, and what it rests on.
fn finding(study: &Study, scale: &Scale, it: &Comparison, all: &[Comparison]) -> Finding {
    let (x, y, setting) = names(study, it);
    let Some(improvement) = it.improvement else { return nothing(study, it) };
    let on = basis(it);
    let interval = format!("[{}, {}]", share(improvement.low), share(improvement.high));
    let chance = test(it, all);
    let size = difference(scale, it);
    let undecided = format!("These runs do not tell whether {x} or {y} is better{setting}.");
    match it.verdict {
        Verdict::Better => Finding::new(
            format!("{x} is better than {y}{setting}{}.", contrary(it, "lower")),
            format!(
                "With {on}, a run of {x} ends above one of {y} with probability {} (95% interval {interval}; \
                 {chance}).{size}",
                share(improvement.value)
            ),
        ),
        Verdict::Worse => Finding::new(
            format!("{x} is worse than {y}{setting}{}.", contrary(it, "higher")),
            format!(
                "With {on}, a run of {x} ends below one of {y} with probability {} (95% interval [{}, {}]; \
                 {chance}).{size}",
                share(1.0 - improvement.value),
                share(1.0 - improvement.high),
                share(1.0 - improvement.low)
            ),
        ),
        Verdict::Undecided if improvement.contains(0.5) => Finding::new(
            undecided,
            format!(
                "With {on} the interval of the probability of improvement of {x}, {interval}, holds 0.5 \
                 ({chance}).{size}"
            ),
        ),
        Verdict::Undecided => Finding::new(
            undecided,
            format!(
                "With {on} the bootstrap interval of the probability of improvement of {x}, {interval}, does \
                 not hold 0.5, but chance alone gives as much too often ({chance}).{size}"
            ),
        ),
        Verdict::Leaning => {
            let (ahead, behind) = if improvement.value > 0.5 { (x, y) } else { (y, x) };
            Finding::new(
                format!("{ahead} leads {behind}{setting}, but these runs do not settle it."),
                format!(
                    "With {on} chance alone gives such a lead too often ({chance}), though the bootstrap \
                     interval of the probability of improvement of {x}, {interval}, does not hold 0.5.{size}"
                ),
            )
        }
        Verdict::TooFew | Verdict::Nothing => {
            Finding::new(undecided, format!("{}{size}", too_few(it, all, &on)))
        }
    }
}

/// `3 seeds on 1 task`.
fn basis(it: &Comparison) -> String {
    let on = format!("{} on {}", seeds(it.runs), tasks(it.tasks.len()));
    match it.uneven.is_empty() {
        true => on,
        false => format!("{on}, after different numbers of steps"),
    }
}

/// The better one may still have the worse mean: it wins more often, and loses by more.
fn contrary(it: &Comparison, what: &str) -> String {
    let is = it.difference.is_some_and(|difference| match it.verdict {
        Verdict::Better => difference.value < 0.0,
        Verdict::Worse => difference.value > 0.0,
        _ => false,
    });
    if is { format!(", though its mean return is {what}") } else { String::new() }
}

/// Why no outcome of so few seeds would have been a verdict.
fn too_few(it: &Comparison, all: &[Comparison], on: &str) -> String {
    if !it.has_interval() {
        return format!(
            "Too few seeds: with {on} no confidence interval is possible; a verdict takes at least {} seeds \
             of each.",
            it.needed
        );
    }
    let corrected = match tested(all) {
        0 | 1 => String::new(),
        n => format!(", corrected for {n} comparisons"),
    };
    format!(
        "Too few seeds: with {on} no verdict is possible, for even complete separation has p {}{corrected}; it \
         takes at least {} seeds of each.",
        probability(it.least_p),
        it.needed
    )
}

/// How many comparisons are tested.
fn tested(all: &[Comparison]) -> usize {
    all.iter().filter(|it| it.is_tested()).count()
}

/// Why two methods cannot be compared.
fn nothing(study: &Study, it: &Comparison) -> Finding {
    let (x, y) = (&study.methods[it.candidate].label, &study.methods[it.baseline].label);
    let has = |method: usize| (0..study.tasks.len()).any(|t| !study.scores(method, t).is_empty());
    let why = match (has(it.candidate), has(it.baseline)) {
        (true, true) => "They have finished runs on different tasks only.".to_owned(),
        (false, true) => format!("No run of {x} has finished."),
        (true, false) => format!("No run of {y} has finished."),
        (false, false) => "No run of either has finished.".to_owned(),
    };
    Finding::new(format!("{x} cannot be compared with {y}."), why)
}

/// The only method there is.
fn alone(study: &Study) -> Finding {
    let label = &study.methods[0].label;
    let of = |task: usize| {
        let scores = study.scores(0, task);
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        let (low, high) = scores
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &s| (l.min(s), h.max(s)));
        let name = &study.tasks[task].name;
        match scores.len() {
            0 => None,
            1 => Some(format!("{} on {name} (1 seed, no spread is known)", number(mean))),
            n => Some(format!(
                "{} on {name} ({n} seeds, from {} to {})",
                number(mean),
                number(low),
                number(high)
            )),
        }
    };
    let ended: Vec<String> = (0..study.tasks.len()).filter_map(of).collect();
    Finding::new(
        "There is one variant only, so nothing is compared.".to_owned(),
        format!("{label} ended at a mean return of {}.", ended.join("; ")),
    )
}

fn test(it: &Comparison, all: &[Comparison]) -> String {
    match tested(all) {
        0 | 1 => format!("permutation test, p {}", probability(it.p)),
        n => format!(
            "permutation test, p {} corrected for {n} comparisons",
            probability(it.corrected)
        ),
    }
}

fn difference(scale: &Scale, it: &Comparison) -> String {
    let Some(difference) = it.difference else { return String::new() };
    let unit = match scale.is_normalised() {
        true => "normalised final return",
        false => "final return",
    };
    let sign = |value: f64| if value > 0.0 { format!("+{}", number(value)) } else { number(value) };
    let value = sign(difference.value);
    match it.has_interval() {
        true => format!(
            " Difference in mean {unit}: {value} (95% interval [{}, {}]).",
            sign(difference.low),
            sign(difference.high)
        ),
        false => format!(" Difference in mean {unit}: {value}."),
    }
}

/// `3 seeds`, `3 to 5 seeds`.
pub fn seeds((fewest, most): (usize, usize)) -> String {
    match fewest == most {
        true => format!("{most} seed{}", s(most)),
        false => format!("{fewest} to {most} seeds"),
    }
}

/// `1 task`, `2 tasks`.
pub fn tasks(count: usize) -> String {
    format!("{count} task{}", s(count))
}

/// A probability to two digits.
pub fn share(value: f64) -> String {
    format!("{value:.2}")
}

/// A p-value after its letter.
fn probability(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("= {p:.3}") }
}

/// The ending of a plural.
pub fn s(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::super::context::{Context, Options};
    use super::super::made::{self, Made};
    use super::*;

    const LOW: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 5.0];
    const HIGH: [f64; 5] = [6.0, 7.0, 8.0, 9.0, 10.0];

    fn of(study: &Study) -> Answer {
        let context = Context::new(study, 0, Options::default());
        Answer::new(study, &context.scale, &context.comparisons)
    }

    fn told(methods: &[Made<'_>]) -> Vec<String> {
        of(&made::study(methods)).findings.iter().map(Finding::text).collect()
    }

    #[test]
    fn better_and_worse_take_an_interval_and_a_test() {
        let better = told(&[("reverse KL", &[&LOW]), ("forward KL", &[&HIGH])]);
        // 2 of the 252 ways to deal ten runs are as far apart; the difference of means is 5.
        let expected = "forward KL is better than reverse KL. With 5 seeds on 1 task, a run of forward KL ends \
                        above one of reverse KL with probability 1.00 (95% interval [1.00, 1.00]; permutation \
                        test, p = 0.008). Difference in mean final return: +5.000 (95% interval [";
        assert!(better[0].starts_with(expected), "{}", better[0]);
        let worse = told(&[("reverse KL", &[&HIGH]), ("forward KL", &[&LOW])]);
        let expected = "forward KL is worse than reverse KL. With 5 seeds on 1 task, a run of forward KL ends \
                        below one of reverse KL with probability 1.00 (95% interval [1.00, 1.00]; permutation \
                        test, p = 0.008). Difference in mean final return: −5.000";
        assert!(worse[0].starts_with(expected), "{}", worse[0]);
    }

    #[test]
    fn an_interval_that_holds_a_half_decides_nothing() {
        let mixed = [1.5, 2.5, 3.5, 0.5, 4.5];
        let told = told(&[("reverse KL", &[&LOW, &LOW]), ("forward KL", &[&mixed, &LOW])]);
        let expected = "These runs do not tell whether forward KL or reverse KL is better. With 5 seeds on 2 \
                        tasks the interval of the probability of improvement of forward KL, [0.";
        assert!(told[0].starts_with(expected), "{}", told[0]);
        assert!(told[0].contains("], holds 0.5 (permutation test, p = "), "{}", told[0]);
        assert!(told[0].contains("Difference in mean normalised final return: −"), "{}", told[0]);
    }

    #[test]
    fn no_power_is_promised_that_the_rule_cannot_have() {
        let answer = of(&made::study(&[("A", &[&LOW[..3]]), ("B", &[&HIGH[..3]])]));
        let expected = "These runs do not tell whether B or A is better. Too few seeds: with 3 seeds on 1 task no \
                        verdict is possible, for even complete separation has p = 0.100; it takes at least 4 \
                        seeds of each. Difference in mean final return: +5.000";
        let three = answer.findings[0].text();
        assert!(three.starts_with(expected), "{three}");
        assert!(!answer.cautions.iter().any(|it| it.contains("in 8 of 10 studies")));
        // Two tasks of three seeds: 2 of 400 labellings.
        let tasks = told_of(&[&LOW[..3], &LOW[..3]], &[&HIGH[..3], &HIGH[..3]]);
        assert!(tasks.starts_with("B is better than A."), "{tasks}");
        // Four seeds are enough for one comparison, not for two: p = 2 / 70 each.
        let four = told_of(&[&LOW[..4]], &[&HIGH[..4]]);
        assert!(four.starts_with("B is better than A."), "{four}");
        let (low, high): (&[&[f64]], &[&[f64]]) = (&[&LOW[..4]], &[&HIGH[..4]]);
        let told = told(&[("A", low), ("B", high), ("C", high)]);
        let few = "even complete separation has p = 0.057, corrected for 2 comparisons; it takes at least 5 seeds";
        assert!(told.iter().all(|it| it.contains(few)), "{told:?}");
    }

    fn told_of(low: &[&[f64]], high: &[&[f64]]) -> String {
        told(&[("A", low), ("B", high)]).remove(0)
    }

    #[test]
    fn two_seeds_are_too_few() {
        let told = told(&[("A", &[&LOW[..2]]), ("B", &[&HIGH])]);
        assert_eq!(
            told[0],
            "These runs do not tell whether B or A is better. Too few seeds: with 2 to 5 seeds on 1 task no \
             confidence interval is possible; a verdict takes at least 4 seeds of each. Difference in mean final \
             return: +6.500."
        );
    }

    #[test]
    fn several_comparisons_are_corrected() {
        let told = told(&[("A", &[&LOW]), ("B", &[&HIGH]), ("C", &[&HIGH])]);
        assert_eq!(told.len(), 2);
        let corrected = "permutation test, p = 0.016 corrected for 2 comparisons";
        assert!(told.iter().all(|it| it.contains(corrected)), "{told:?}");
        // Seven comparisons of 0.0079 each are no longer rare.
        let (low, high): (&[&[f64]], &[&[f64]]) = (&[&LOW], &[&HIGH]);
        let others = ["B", "C", "D", "E", "F", "G", "H"].map(|label| (label, high));
        let methods: Vec<Made<'_>> = [("A", low)].into_iter().chain(others).collect();
        let told = of(&made::study(&methods)).findings;
        let few = "p = 0.056, corrected for 7 comparisons; it takes at least 6 seeds of each.";
        assert!(told.iter().all(|it| it.detail.contains(few)), "{told:?}");
    }

    #[test]
    fn a_lead_is_told_only_where_chance_seldom_gives_it() {
        // U = 21 of 25: p = 24 / 252.
        let ahead: &[&[f64]] = &[&[2.5, 4.5, 5.5, 6.5, 7.5]];
        let low: &[&[f64]] = &[&LOW];
        let one = told(&[("A", low), ("B", ahead)]);
        assert!(one[0].starts_with("B leads A, but these runs do not settle it."), "{}", one[0]);
        // Four of them: 0.38.
        let four = told(&[("A", low), ("B", ahead), ("C", ahead), ("D", ahead), ("E", ahead)]);
        let expected = "These runs do not tell whether B or A is better. With 5 seeds on 1 task the bootstrap \
                        interval of the probability of improvement of B, [0.";
        assert!(four[0].starts_with(expected), "{}", four[0]);
        let chance = "does not hold 0.5, but chance alone gives as much too often (permutation test, p = 0.381";
        assert!(four[0].contains(chance), "{}", four[0]);
    }

    #[test]
    fn the_better_one_may_have_the_lower_mean() {
        let low: Vec<f64> = (1..=8).map(f64::from).collect();
        let mut high: Vec<f64> = (9..=16).map(f64::from).collect();
        high[0] = -900.0;
        let (low, high): (&[&[f64]], &[&[f64]]) = (&[&low], &[&high]);
        let better = told(&[("A", low), ("B", high)]);
        let expected = "B is better than A, though its mean return is lower. With 8 seeds";
        assert!(better[0].starts_with(expected), "{}", better[0]);
        let worse = told(&[("B", high), ("A", low)]);
        let expected = "A is worse than B, though its mean return is higher. With 8 seeds";
        assert!(worse[0].starts_with(expected), "{}", worse[0]);
    }

    #[test]
    fn different_numbers_of_steps_are_told() {
        let mut study = made::study(&[("A", &[&LOW]), ("B", &[&HIGH])]);
        let equal = of(&study);
        assert!(!equal.findings[0].detail.contains("numbers of steps"));
        for run in study.runs.iter_mut().filter(|run| run.method == 1) {
            run.returns[1].0 = 20_000.0;
        }
        let answer = of(&study);
        let detail = "With 5 seeds on 1 task, after different numbers of steps, a run of B ends above";
        assert!(answer.findings[0].detail.starts_with(detail), "{:?}", answer.findings);
        let caution = "Not all runs are of one length: on T0 B was trained for 20,000 steps, A for 200.";
        assert!(answer.cautions.iter().any(|it| it.starts_with(caution)), "{:?}", answer.cautions);
    }

    #[test]
    fn one_variant_is_described_and_nothing_is_no_answer() {
        let one = told(&[("A", &[&LOW, &[2.0]])]);
        assert_eq!(
            one[0],
            "There is one variant only, so nothing is compared. A ended at a mean return of 3.000 on T0 (5 \
             seeds, from 1.000 to 5.000); 2.000 on T1 (1 seed, no spread is known)."
        );
        let mut study = made::study(&[("A", &[&LOW]), ("B", &[&HIGH])]);
        study.runs.iter_mut().for_each(|run| run.standing = Standing::Missing);
        let answer = of(&study);
        assert_eq!(answer.findings[0].text(), "No run has finished yet. There are 10.");
        assert_eq!(
            answer.warnings,
            [
                "Not all runs are in: of 10, 0 finished, 10 not started. All numbers are of those that finished."
            ]
        );
    }

    #[test]
    fn runs_that_are_missing_or_failed_come_first() {
        let mut study = made::study(&[("A", &[&LOW]), ("B", &[&HIGH])]);
        study.runs[0].standing = Standing::Failed("diverged".to_owned());
        study.runs[1].standing = Standing::Unfinished;
        study.runs[2].returns[1].1 = f64::NAN;
        study.runs[3].damage = Some("line 3".to_owned());
        study.beyond = vec!["m0/seed7".to_owned()];
        let warnings = of(&study).warnings;
        assert_eq!(
            warnings[0],
            "Not all runs are in: of 10, 8 finished, 1 failed, 1 unfinished. All numbers are of those that \
             finished."
        );
        assert!(
            warnings[1].starts_with("Runs failed.") && warnings[2].starts_with("1 finished run ")
        );
        assert!(warnings[3].ends_with("as they are whole: m0/seed3."), "{warnings:?}");
        let beyond = "1 finished run in the study's folder is not in its file, and in no number here: m0/seed7.";
        assert!(warnings[4].starts_with(beyond), "{warnings:?}");
        // None of them is in a number.
        assert_eq!(study.scores(0, 0), [4.0, 5.0]);
        assert!(of(&study).findings[0].detail.starts_with("Too few seeds: with 2 to 5 seeds"));
    }

    #[test]
    fn methods_without_common_tasks_are_not_compared() {
        let mut study = made::study(&[("A", &[&LOW, &[]]), ("B", &[&[], &HIGH])]);
        let expected =
            "B cannot be compared with A. They have finished runs on different tasks only.";
        assert_eq!(of(&study).findings[0].text(), expected);
        study.runs.retain(|run| run.method == 0);
        let expected = "B cannot be compared with A. No run of B has finished.";
        assert_eq!(of(&study).findings[0].text(), expected);
    }

    #[test]
    fn a_setting_of_the_grid_is_told_once() {
        let mut study = made::study(&[("A, n = 1", &[&LOW]), ("B, n = 1", &[&HIGH])]);
        for (method, label) in study.methods.iter_mut().zip(["A", "B"]) {
            method.base_label = label.to_owned();
            method.grid = vec![("n".to_owned(), "1".to_owned())];
        }
        assert_eq!(of(&study).findings[0].verdict, "B is better than A with n = 1.");
    }

    #[test]
    fn few_seeds_are_cautioned() {
        let cautions = of(&made::study(&[("A", &[&LOW]), ("B", &[&HIGH])])).cautions;
        assert!(cautions[0].starts_with("With 5 seeds bootstrap intervals are too narrow"));
        let expected = "On one task the test finds, with 5 seeds of each, a difference of 2.3 standard deviations";
        assert!(cautions[1].starts_with(expected), "{}", cautions[1]);
        assert!(cautions[2].starts_with("Where every run of one lies above"));
        let many: Vec<f64> = (0..12).map(f64::from).collect();
        let cautions = of(&made::study(&[("A", &[&many]), ("B", &[&many])])).cautions;
        assert_eq!(cautions, [""; 0]);
    }
}
