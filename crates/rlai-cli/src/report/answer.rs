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

/// How the two of a comparison are called, and what is said after them.
fn named<'a>(study: &'a Study, it: &Comparison) -> (&'a str, &'a str, String) {
    let (x, y, setting) = study.pair_names(it.candidate, it.baseline);
    (x, y, setting.map_or_else(String::new, |setting| format!(" with {setting}")))
}

/// One comparison: a verdict, and what it rests on.
fn finding(study: &Study, scale: &Scale, it: &Comparison, all: &[Comparison]) -> Finding {
    let (x, y, setting) = named(study, it);
    let Some(improvement) = it.improvement else { return nothing(study, it) };
    let on = basis(it);
    let interval = interval(improvement.low, improvement.high);
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
                "With {on}, a run of {x} ends below one of {y} with probability {} (95% interval {}; \
                 {chance}).{size}",
                share(1.0 - improvement.value),
                self::interval(1.0 - improvement.high, 1.0 - improvement.low)
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
    let detail = match ended.is_empty() {
        true => format!("No finished run of {label} has a final return that is a number."),
        false => format!("{label} ended at a mean return of {}.", ended.join("; ")),
    };
    Finding::new("There is one variant only, so nothing is compared.".to_owned(), detail)
}

fn test(it: &Comparison, all: &[Comparison]) -> String {
    let test = match it.with_welch {
        true => "permutation test and Welch's, the larger p",
        false => "permutation test, p",
    };
    match tested(all) {
        0 | 1 => format!("{test} {}", probability(it.p)),
        n => format!("{test} {} corrected for {n} comparisons", probability(it.corrected)),
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

/// An interval of a probability: to two digits, unless an end would round to 0.5 and is not.
fn interval(low: f64, high: f64) -> String {
    let hides = |end: f64| share(end) == "0.50" && end != 0.5;
    match hides(low) || hides(high) {
        true => format!("[{low:.4}, {high:.4}]"),
        false => format!("[{}, {}]", share(low), share(high)),
    }
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
mod tests;
