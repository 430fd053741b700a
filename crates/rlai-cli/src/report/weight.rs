//! How much weight an answer bears: what is missing, and what so few runs cannot tell.

use rlai_stats::power;

use super::answer::s;
use super::compare::{Comparison, SIGNIFICANCE, Verdict};
use super::study::{Standing, Study};
use crate::text::thousands;

/// Runs from which bootstrap intervals hold about what they promise.
const ENOUGH_RUNS: usize = 10;

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
    // Where no verdict was possible the finding says so.
    let judged = |it: &&Comparison| it.is_tested() && it.verdict != Verdict::TooFew;
    let judged: Vec<&Comparison> = comparisons.iter().filter(judged).collect();
    let fewest = judged.iter().map(|it| it.runs.0).min();
    let mut cautions = Vec::new();
    if let Some(runs) = fewest.filter(|runs| *runs < ENOUGH_RUNS) {
        cautions.push(format!(
            "With {runs} seeds bootstrap intervals are too narrow: they hold the truth less often than in 95 \
             of 100 studies. Hence a verdict also takes a permutation test at {SIGNIFICANCE}."
        ));
        cautions.extend(detectable(runs, judged.len()));
    }
    cautions.extend(judged.iter().find_map(|it| uneven(study, it)));
    let flat = |it: &Comparison| it.improvement.is_some_and(|it| it.low == it.high);
    if comparisons.iter().any(|it| it.has_interval() && flat(it)) {
        cautions.push(
            "Where every run of one lies above every run of the other, resampling has no spread left: an \
             interval [1.00, 1.00] or [0.00, 0.00] says this, not that it is certain."
                .to_owned(),
        );
    }
    if study.methods.len() > 1 && study.episodes.0 == 1 {
        cautions.push(
            "Some evaluations are of one episode: part of the spread over seeds is that of single episodes."
                .to_owned(),
        );
    }
    cautions
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
