//! A comparison as scripts read it.

use rlai_stats::Estimate;
use serde::Serialize;

use super::compare::{Comparison, Verdict};
use super::study::Study;

/// A candidate against a baseline, in `study.json`.
#[derive(Debug, Serialize)]
pub struct Pair {
    candidate: String,
    baseline: String,
    /// Tasks on which both have finished runs.
    tasks: Vec<String>,
    /// Fewest and most finished runs of the two on a task.
    seeds: [usize; 2],
    /// `better`, `worse`, `leaning` (to the side of 0.5 on which the probability lies), `undecided`,
    /// `too-few-seeds` or `nothing`: of the candidate.
    verdict: &'static str,
    /// The probability that a run of the candidate scores higher.
    probability_of_improvement: Option<Value>,
    /// The test's p, and the same corrected for the number of comparisons; none of fewer than 3
    /// seeds.
    p: Option<f64>,
    p_corrected: Option<f64>,
    /// Mean final return of the candidate less the baseline's, normalised where there are references.
    difference: Option<Value>,
}

/// A value with its 95% interval, which too few seeds do not have.
#[derive(Debug, Serialize)]
struct Value {
    value: f64,
    low: Option<f64>,
    high: Option<f64>,
}

impl Value {
    fn of(it: &Estimate, has_interval: bool) -> Self {
        let end = |end: f64| has_interval.then_some(end);
        Self { value: it.value, low: end(it.low), high: end(it.high) }
    }
}

impl Pair {
    /// Of a comparison.
    pub fn of(study: &Study, it: &Comparison) -> Self {
        let label = |method: usize| study.methods[method].label.clone();
        let value = |it: &Option<Estimate>, known| it.as_ref().map(|it| Value::of(it, known));
        let p = |p: f64| it.is_tested().then_some(p);
        Self {
            candidate: label(it.candidate),
            baseline: label(it.baseline),
            tasks: it.tasks.iter().map(|&task| study.tasks[task].name.clone()).collect(),
            seeds: [it.runs.0, it.runs.1],
            verdict: match it.verdict {
                Verdict::Nothing => "nothing",
                Verdict::TooFew => "too-few-seeds",
                Verdict::Better => "better",
                Verdict::Worse => "worse",
                Verdict::Leaning => "leaning",
                Verdict::Undecided => "undecided",
            },
            probability_of_improvement: value(&it.improvement, it.has_interval()),
            p: p(it.p),
            p_corrected: p(it.corrected),
            difference: value(&it.difference, it.has_interval()),
        }
    }
}
