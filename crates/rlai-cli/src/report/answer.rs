//! What the runs tell, in words that the numbers support.

use rlai_stats::power;
use serde::Serialize;

use super::compare::{Comparison, FEWEST_RUNS, SIGNIFICANCE, Verdict};
use super::scale::Scale;
use super::study::{Standing, Study};
use super::table::number;

/// Runs from which bootstrap intervals hold about what they promise.
const ENOUGH_RUNS: usize = 10;

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
        Self {
            warnings: warnings(study, finished),
            findings,
            cautions: cautions(study, comparisons),
        }
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
    let on = format!("{} on {}", seeds(it.runs), tasks(it.tasks.len()));
    let interval = format!("[{}, {}]", share(improvement.low), share(improvement.high));
    let chance = test(it, all);
    let size = difference(scale, it);
    let undecided = format!("These runs do not tell whether {x} or {y} is better{setting}.");
    match it.verdict {
        Verdict::Better => Finding::new(
            format!("{x} is better than {y}{setting}."),
            format!(
                "With {on}, a run of {x} ends above one of {y} with probability {} (95% interval {interval}; \
                 {chance}).{size}",
                share(improvement.value)
            ),
        ),
        Verdict::Worse => Finding::new(
            format!("{x} is worse than {y}{setting}."),
            format!(
                "With {on}, a run of {x} ends below one of {y} with probability {} (95% interval [{}, {}]; \
                 {chance}).{size}",
                share(1.0 - improvement.value),
                share(1.0 - improvement.high),
                share(1.0 - improvement.low)
            ),
        ),
        Verdict::Undecided => Finding::new(
            undecided,
            format!(
                "With {on} the interval of the probability of improvement of {x}, {interval}, holds 0.5 \
                 ({chance}).{size}"
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
        Verdict::TooFew | Verdict::Nothing => Finding::new(
            undecided,
            format!(
                "Too few seeds: with {on} no confidence interval is possible, which takes at least \
                 {FEWEST_RUNS} seeds.{size}"
            ),
        ),
    }
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
    let tested = all.iter().filter(|it| it.improvement.is_some() && it.has_interval()).count();
    match tested {
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
            " Difference in mean {unit}: {value} (95% interval {} to {}).",
            sign(difference.low),
            sign(difference.high)
        ),
        false => format!(" Difference in mean {unit}: {value}."),
    }
}

/// What a reader must not overlook.
fn warnings(study: &Study, finished: usize) -> Vec<String> {
    let failed = study.count(|it| matches!(it, Standing::Failed(_)));
    let unfinished = study.count(|it| *it == Standing::Unfinished);
    let missing = study.count(|it| *it == Standing::Missing);
    let mut warnings = Vec::new();
    if finished < study.runs.len() {
        let told = [(failed, "failed"), (unfinished, "unfinished"), (missing, "not started")];
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
        let shown = damaged.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        let more = if damaged.len() > 5 { ", ..." } else { "" };
        warnings.push(format!(
            "Metrics of {} run{} are damaged and read only as far as they are whole: {shown}{more}.",
            damaged.len(),
            s(damaged.len())
        ));
    }
    warnings
}

fn cautions(study: &Study, comparisons: &[Comparison]) -> Vec<String> {
    let with = |it: &&Comparison| it.improvement.is_some() && it.has_interval();
    let fewest = comparisons.iter().filter(with).map(|it| it.runs.0).min();
    let mut cautions = Vec::new();
    if let Some(runs) = fewest.filter(|runs| *runs < ENOUGH_RUNS) {
        cautions.push(format!(
            "With {runs} seeds bootstrap intervals are too narrow: they hold the truth less often than in 95 \
             of 100 studies. Hence a verdict also takes a permutation test at {SIGNIFICANCE}."
        ));
        if let Ok(detectable) = power::detectable(runs, SIGNIFICANCE, 0.8) {
            cautions.push(format!(
                "On one task, {runs} seeds of each find a difference of {detectable:.1} standard deviations or \
                 more in 8 of 10 studies (t test); smaller ones mostly stay unseen."
            ));
        }
    }
    if study.methods.len() > 1 && study.episodes.0 == 1 {
        cautions.push(
            "Some evaluations are of one episode: part of the spread over seeds is that of single episodes."
                .to_owned(),
        );
    }
    cautions
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

fn s(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
