//! What is said of made runs.

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
    let chance =
        "does not hold 0.5, but chance alone gives as much too often (permutation test, p = 0.381";
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
    let caution =
        "Not all runs are of one length: on T0 B was trained for 20,000 steps, A for 200.";
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
    assert!(warnings[1].starts_with("Runs failed.") && warnings[2].starts_with("1 finished run "));
    assert!(warnings[3].ends_with("as they are whole: m0/seed3."), "{warnings:?}");
    let beyond =
        "1 finished run in the study's folder is not in its file, and in no number here: m0/seed7.";
    assert!(warnings[4].starts_with(beyond), "{warnings:?}");
    // None of them is in a number.
    assert_eq!(study.scores(0, 0), [4.0, 5.0]);
    assert!(of(&study).findings[0].detail.starts_with("Too few seeds: with 2 to 5 seeds"));
}

#[test]
fn methods_without_common_tasks_are_not_compared() {
    let mut study = made::study(&[("A", &[&LOW, &[]]), ("B", &[&[], &HIGH])]);
    let expected = "B cannot be compared with A. They have finished runs on different tasks only.";
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
    let expected =
        "On one task the test finds, with 5 seeds of each, a difference of 2.3 standard deviations";
    assert!(cautions[1].starts_with(expected), "{}", cautions[1]);
    assert!(cautions[2].starts_with("Where every run of one lies above"));
    let many: Vec<f64> = (0..12).map(f64::from).collect();
    let cautions = of(&made::study(&[("A", &[&many]), ("B", &[&many])])).cautions;
    assert_eq!(cautions, [""; 0]);
}

#[test]
fn an_interval_is_cautioned_also_where_no_verdict_is_possible() {
    let answer = of(&made::study(&[("A", &[&LOW[..3]]), ("B", &[&HIGH[..3]])]));
    assert!(answer.findings[0].detail.contains("95% interval ["));
    let caution = "With 3 seeds bootstrap intervals are too narrow";
    assert!(answer.cautions[0].starts_with(caution), "{:?}", answer.cautions);
    assert!(!answer.cautions[0].contains("Hence a verdict"), "{:?}", answer.cautions);
    let separate = "Where every run of one lies above every run of the other";
    assert!(answer.cautions[1].starts_with(separate), "{:?}", answer.cautions);
}

#[test]
fn intervals_without_width_are_told_for_what_they_are() {
    let cautions = |a: &[&[f64]], b: &[&[f64]]| of(&made::study(&[("A", a), ("B", b)])).cautions;
    let separate = "Where every run of one lies above every run of the other";
    let tied = "An interval without width, such as [0.50, 0.50]";
    let has = |cautions: &[String], text: &str| cautions.iter().any(|it| it.starts_with(text));
    let apart = cautions(&[&LOW], &[&HIGH]);
    assert!(has(&apart, separate) && !has(&apart, tied), "{apart:?}");
    let equal = [7.0; 5];
    // All runs equal; one task won and one lost.
    for (a, b) in [([&equal; 2], [&equal; 2]), ([&LOW, &HIGH], [&HIGH, &LOW])] {
        let (a, b) = (a.map(|runs| &runs[..]), b.map(|runs| &runs[..]));
        let cautions = cautions(&a, &b);
        assert!(has(&cautions, tied) && !has(&cautions, separate), "{cautions:?}");
    }
}

/// Fewer and wilder runs: a permutation test alone finds another distribution.
#[test]
fn unequal_numbers_of_seeds_take_both_tests() {
    let calm: Vec<f64> = (0..12).map(|i| 1.0 + f64::from(i) * 0.1).collect();
    // Below all of the others, as of 1,820 ways to choose four of 16 two are: 0.001. Their mean is one run's.
    let wild = [-60.0, 0.9, -0.5, -0.6];
    let answer = told(&[("wild", &[&wild]), ("calm", &[&calm])]);
    assert!(answer[0].starts_with("These runs do not tell"), "{}", answer[0]);
    let tests = "permutation test and Welch's, the larger p = 0.3";
    assert!(answer[0].contains(tests), "{}", answer[0]);
    // As many of both need no Welch.
    let equal = told(&[("wild", &[&wild]), ("calm", &[&calm[..4]])]);
    assert!(equal[0].starts_with("calm is better than wild."), "{}", equal[0]);
    let clear = told(&[("low", &[&LOW]), ("high", &[&HIGH[..4]])]);
    assert!(clear[0].starts_with("high is better than low."), "{}", clear[0]);
}

#[test]
fn settings_that_share_their_beginnings_are_told() {
    let mut study = made::study(&[("small", &[&LOW]), ("large", &[&HIGH]), ("other", &[&LOW])]);
    for (method, base) in study.methods.iter_mut().zip([0, 0, 1]) {
        method.base = base;
    }
    for run in &mut study.runs {
        let seed = run.seed as f64;
        let rise = |step: u32| (f64::from(step), seed + f64::from(step));
        let last = *run.returns.last().unwrap();
        run.returns = (1..=4).map(rise).chain([(5.0, last.1)]).collect();
    }
    let caution = "Equal seeds of small and of large are the same run up to step 4 or further";
    let told = |study: &Study| of(study).cautions.iter().any(|it| it.starts_with(caution));
    assert!(told(&study));
    // All evaluations at the floor of a task: that tells nothing.
    let mut flat = made::study(&[("small", &[&LOW]), ("large", &[&HIGH]), ("other", &[&LOW])]);
    flat.methods.iter_mut().zip([0, 0, 1]).for_each(|(method, base)| method.base = base);
    for run in &mut flat.runs {
        run.returns = (1..=8).map(|step| (f64::from(step), -200.0)).collect();
    }
    assert!(!told(&flat));
    // One pair that differs from its third evaluation on.
    study.runs[0].returns[2].1 += 1.0;
    assert!(!told(&study));
}

#[test]
fn an_end_that_rounds_to_a_half_is_told_with_more_digits() {
    assert_eq!(interval(0.25, 0.75), "[0.25, 0.75]");
    assert_eq!(interval(0.5025, 0.75), "[0.5025, 0.7500]");
    assert_eq!(interval(0.5, 1.0), "[0.50, 1.00]");
}
