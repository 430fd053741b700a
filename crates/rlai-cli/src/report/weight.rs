//! How much weight an answer bears: what is missing, and what so few runs cannot tell.

use std::collections::{BTreeMap, BTreeSet};

use rlai_stats::power;

use super::answer::s;
use super::compare::{Comparison, SIGNIFICANCE, Verdict};
use super::context::ENOUGH_RUNS;
use super::study::{Run, Standing, Study};
use crate::text::thousands;

/// What a reader must not overlook.
pub fn warnings(study: &Study) -> Vec<String> {
    let finished = study.count(|it| *it == Standing::Finished);
    let failed = study.count(|it| matches!(it, Standing::Failed(_)));
    let refused = study.count(|it| matches!(it, Standing::Refused(_)));
    let unfinished = study.count(|it| *it == Standing::Unfinished);
    let missing = study.count(|it| *it == Standing::Missing);
    let mut warnings = Vec::new();
    if finished < study.runs.len() {
        let told = [
            (failed, "failed"),
            (refused, "refused (their folders hold something else)"),
            (unfinished, "unfinished"),
            (missing, "not started"),
        ];
        let told = told.iter().filter(|(count, _)| *count > 0);
        let told: Vec<String> = told.map(|(count, what)| format!("{count} {what}")).collect();
        warnings.push(format!(
            "Not all runs are in: of {}, {finished} finished, {}. All numbers are of those that finished.",
            study.runs.len(),
            told.join(", ")
        ));
    }
    if failed > 0 {
        warnings.push(
            "Runs failed. If one method fails more often than another, its runs that finished are a \
             selection, and flatter it."
                .to_owned(),
        );
    }
    let lost = study.runs.iter().filter(|run| run.is_finished() && run.score().is_none()).count();
    if lost > 0 {
        warnings.push(format!(
            "{lost} finished run{} without a final return that is a number: left out of everything that \
             counts final returns.",
            s(lost)
        ));
    }
    let damaged: Vec<&str> =
        study.runs.iter().filter(|run| run.damage.is_some()).map(|run| &run.name[..]).collect();
    if !damaged.is_empty() {
        warnings.push(format!(
            "Metrics of {} run{} are damaged and read only as far as they are whole: {}.",
            damaged.len(),
            s(damaged.len()),
            some(&damaged)
        ));
    }
    if !study.beyond.is_empty() {
        let names: Vec<&str> = study.beyond.iter().map(String::as_str).collect();
        warnings.push(format!(
            "{} finished run{} in the study's folder {} not in its file, and in no number here: {}. Which seeds \
             count is for the file to say before they are run.",
            names.len(),
            s(names.len()),
            if names.len() == 1 { "is" } else { "are" },
            some(&names)
        ));
    }
    warnings
}

/// The first of some names.
fn some(names: &[&str]) -> String {
    const MOST: usize = 5;
    let more = if names.len() > MOST { ", ..." } else { "" };
    format!("{}{more}", names.iter().take(MOST).copied().collect::<Vec<_>>().join(", "))
}

/// How much weight the answer bears.
pub fn cautions(study: &Study, comparisons: &[Comparison]) -> Vec<String> {
    let tested: Vec<&Comparison> = comparisons.iter().filter(|it| it.is_tested()).collect();
    // Where no verdict was possible the finding says so.
    let judged = || tested.iter().filter(|it| it.verdict != Verdict::TooFew);
    let fewest = tested.iter().map(|it| it.runs.0).min();
    let mut cautions = Vec::new();
    if let Some(runs) = fewest.filter(|runs| *runs < ENOUGH_RUNS) {
        let test = match judged().next() {
            Some(_) => format!(" Hence a verdict also takes a permutation test at {SIGNIFICANCE}."),
            None => String::new(),
        };
        cautions.push(format!(
            "With {runs} seeds bootstrap intervals are too narrow: they hold the truth less often than in 95 \
             of 100 studies.{test}"
        ));
    }
    let fewest = judged().map(|it| it.runs.0).min().filter(|runs| *runs < ENOUGH_RUNS);
    cautions.extend(fewest.and_then(|runs| detectable(runs, tested.len())));
    cautions.extend(judged().find_map(|it| uneven(study, it)));
    cautions.extend(without_width(tested.iter().copied()));
    cautions.extend(same_beginnings(study));
    if study.methods.len() > 1 && study.episodes.0 == 1 {
        cautions.push(
            "Some evaluations are of one episode: part of the spread over seeds is that of single episodes."
                .to_owned(),
        );
    }
    cautions
}

/// Intervals of the probability of improvement without any width are no certainty.
fn without_width<'a>(tested: impl Iterator<Item = &'a Comparison>) -> Vec<String> {
    let flat = tested.filter_map(|it| it.improvement).filter(|it| it.low == it.high);
    let (separate, tied): (Vec<f64>, Vec<f64>) =
        flat.map(|it| it.value).partition(|value| *value == 0.0 || *value == 1.0);
    let mut told = Vec::new();
    if !separate.is_empty() {
        told.push(
            "Where every run of one lies above every run of the other, resampling has no spread left: an \
             interval [1.00, 1.00] or [0.00, 0.00] says this, not that it is certain."
                .to_owned(),
        );
    }
    if let Some(value) = tied.first() {
        told.push(format!(
            "An interval without width, such as [{0:.2}, {0:.2}], is no certainty: on each task either all runs \
             are equal, or every run of one lies above every run of the other, so that all resamples are alike.",
            value
        ));
    }
    told
}

/// Settings of the grid under which runs of equal seeds are the same run up to some step: what they show there
/// was seen once.
fn same_beginnings(study: &Study) -> Option<String> {
    let finished = study.runs.iter().filter(|run| run.is_finished());
    let runs: Twins<'_> = finished.map(|run| ((run.method, run.task, run.seed), run)).collect();
    let methods = 0..study.methods.len();
    let alike = |x: usize, y: usize| study.methods[x].base == study.methods[y].base;
    let pairs = methods.flat_map(|y| (0..y).map(move |x| (x, y))).filter(|&(x, y)| alike(x, y));
    let common = pairs.filter_map(|(x, y)| Some((same_until(&runs, x, y)?, x, y)));
    let (step, x, y) = common.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let [x, y] = [x, y].map(|method| &study.methods[method].label);
    Some(format!(
        "Equal seeds of {x} and of {y} are the same run up to step {} or further: what both show there is one \
         observation, not two.",
        thousands(step as u64)
    ))
}

/// Finished runs by method, task and seed.
type Twins<'a> = BTreeMap<(usize, usize, u64), &'a Run>;

/// The last step up to which all pairs of runs of two methods with equal tasks and seeds have equal returns; none
/// where one pair has not.
fn same_until(runs: &Twins<'_>, x: usize, y: usize) -> Option<f64> {
    let mut until = None::<f64>;
    for (&(_, task, seed), run) in runs.range((x, 0, 0)..(x + 1, 0, 0)) {
        let Some(twin) = runs.get(&(y, task, seed)) else { continue };
        let same = equal_until(&run.returns, &twin.returns)?;
        until = Some(until.map_or(same, |until| until.min(same)));
    }
    until
}

/// The last step up to which two runs have equal returns; none of fewer than three that differ from each other:
/// early returns of any runs may be equal where little happens at first.
fn equal_until(a: &[(f64, f64)], b: &[(f64, f64)]) -> Option<f64> {
    const FEWEST: usize = 3;
    let same = || a.iter().zip(b).take_while(|(a, b)| a == b).map(|(a, _)| a);
    let returns: BTreeSet<u64> = same().map(|(_, value)| value.to_bits()).collect();
    same().last().map(|(step, _)| *step).filter(|_| returns.len() >= FEWEST)
}

/// How large a difference has to be for the test to find it; nothing where it finds none on one task.
fn detectable(runs: usize, tests: usize) -> Option<String> {
    let level = SIGNIFICANCE / tests as f64;
    let difference = power::detectable_by_permutation(runs, level, 0.8).ok()??;
    let corrected = match tests {
        1 => String::new(),
        n => format!(", corrected for {n} comparisons"),
    };
    Some(format!(
        "On one task the test finds, with {runs} seeds of each, a difference of {difference:.1} standard \
         deviations or more in 8 of 10 studies (of normal returns{corrected}); smaller ones mostly stay unseen."
    ))
}

/// Final returns after different numbers of steps compare budgets too.
fn uneven(study: &Study, it: &Comparison) -> Option<String> {
    let (task, [x, y]) = it.uneven.first()?;
    let labels = [it.candidate, it.baseline].map(|method| &study.methods[method].label);
    Some(format!(
        "Not all runs are of one length: on {} {} was trained for {} steps, {} for {}. Final returns are those \
         after different numbers of steps, so a verdict is of method and length together; steps to a return \
         and areas are of what all have.",
        study.tasks[*task].name,
        labels[0],
        thousands(*x),
        labels[1],
        thousands(*y)
    ))
}
