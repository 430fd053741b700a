//! Two methods compared by their final returns, and what can be said of them.

use rlai_stats::{Better, Bootstrap, Estimate, Scores, improvement, permutation};

use super::holm::holm;
use super::scale::Scale;
use super::study::Study;

/// Fewest runs of which an interval is made.
pub const FEWEST_RUNS: usize = 3;
/// What is too rare to be chance.
pub const SIGNIFICANCE: f64 = 0.05;
/// What is rare enough to be told as a lead.
const LEAD: f64 = 0.2;
/// What rounding may add to a share of labellings.
const SLACK: f64 = 1e-12;
/// Lengths that differ by no more than this share count as one: an episode may go on beyond the last step.
const LENGTHS: f64 = 0.01;

/// What the runs tell of a candidate and a baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No task on which both have finished runs.
    Nothing,
    /// So few runs that nothing they could have come to would be a verdict.
    TooFew,
    /// The candidate is better: the interval lies above 1/2, and chance alone would hardly give it.
    Better,
    /// The candidate is worse.
    Worse,
    /// The interval lies to one side of 1/2, and chance gives as much in more than one of 20 studies, but in no
    /// more than one of five.
    Leaning,
    /// The interval holds 1/2, or chance alone gives as much more often than that.
    Undecided,
}

/// A candidate against a baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Number of the candidate.
    pub candidate: usize,
    /// Number of the baseline.
    pub baseline: usize,
    /// Tasks on which both have scores.
    pub tasks: Vec<usize>,
    /// Fewest and most runs of the two on a task.
    pub runs: (usize, usize),
    /// The probability that a run of the candidate scores higher; its interval has a meaning from
    /// [`FEWEST_RUNS`] on.
    pub improvement: Option<Estimate>,
    /// Mean score of the candidate less that of the baseline, each task weighing the same; none where a
    /// task has no scale.
    pub difference: Option<Estimate>,
    /// The test's p: that of a permutation test, and where seeds are unequal the larger one of it and Welch's.
    pub p: f64,
    /// Whether the permutation test is of all labellings, not of drawn ones.
    pub exact: bool,
    /// Whether Welch's test is behind `p` too.
    pub with_welch: bool,
    /// The same, corrected for the number of comparisons.
    pub corrected: f64,
    /// The least that the corrected one could have been: complete separation in every comparison.
    pub least_p: f64,
    /// Seeds of each with which complete separation would be a verdict.
    pub needed: usize,
    /// Tasks on which the two were trained for different numbers of steps, with those of both.
    pub uneven: Vec<(usize, [u64; 2])>,
    /// What follows.
    pub verdict: Verdict,
}

impl Comparison {
    /// Of two methods.
    fn new(
        study: &Study,
        scale: &Scale,
        (candidate, baseline): (usize, usize),
        bootstrap: &Bootstrap,
    ) -> Self {
        let tasks = study.shared_tasks(&[candidate, baseline]);
        let mut comparison = Self {
            candidate,
            baseline,
            runs: (0, 0),
            improvement: None,
            difference: None,
            p: 1.0,
            exact: true,
            with_welch: false,
            corrected: 1.0,
            least_p: 1.0,
            needed: FEWEST_RUNS,
            uneven: uneven(study, [candidate, baseline], &tasks),
            verdict: Verdict::Nothing,
            tasks,
        };
        // Which of two returns is higher needs no common scale.
        let raw = |method| {
            let of = |&task: &usize| study.scores(method, task);
            Scores::new(comparison.tasks.iter().map(of).collect()).ok()
        };
        let (Some(x), Some(y)) = (raw(candidate), raw(baseline)) else { return comparison };
        let counts = || x.iter().chain(y.iter()).map(<[f64]>::len);
        comparison.runs = (counts().min().unwrap_or(0), counts().max().unwrap_or(0));
        comparison.improvement = improvement::estimate(&x, &y, bootstrap).ok();
        if let Ok(test) = Better::test(&x, &y, bootstrap.seed) {
            comparison.p = test.p();
            comparison.exact = test.permutation.exact;
            comparison.with_welch = test.welch.is_some();
        }
        comparison.least_p = permutation::least_p(&x, &y).unwrap_or(1.0);
        comparison.difference = comparison.mean_difference(study, scale, bootstrap);
        comparison
    }

    fn mean_difference(
        &self,
        study: &Study,
        scale: &Scale,
        bootstrap: &Bootstrap,
    ) -> Option<Estimate> {
        let x = scale.scores(study, self.candidate, &self.tasks).ok()?;
        let y = scale.scores(study, self.baseline, &self.tasks).ok()?;
        let one = |groups: &[Scores], out: &mut [f64]| {
            let [x, y] = [0, 1].map(|i| rlai_stats::aggregate::mean(&groups[i]));
            out[0] = x - y;
        };
        Some(bootstrap.estimates(&[&x, &y], 1, one).ok()?[0])
    }

    /// Whether its intervals have a meaning.
    pub fn has_interval(&self) -> bool {
        self.runs.0 >= FEWEST_RUNS
    }

    /// Whether it is one of the comparisons that tests are corrected for: what cannot be tested is no test.
    pub fn is_tested(&self) -> bool {
        self.improvement.is_some() && self.has_interval()
    }

    fn judge(&mut self) {
        self.verdict = match &self.improvement {
            None => Verdict::Nothing,
            Some(_) if !self.has_interval() || self.least_p > SIGNIFICANCE + SLACK => {
                Verdict::TooFew
            }
            Some(estimate) if estimate.contains(0.5) => Verdict::Undecided,
            Some(_) if self.corrected > LEAD + SLACK => Verdict::Undecided,
            Some(_) if self.corrected > SIGNIFICANCE + SLACK => Verdict::Leaning,
            Some(estimate) if estimate.low > 0.5 => Verdict::Better,
            Some(_) => Verdict::Worse,
        };
    }
}

/// All these pairs, their tests corrected for their number.
pub fn all(
    study: &Study,
    scale: &Scale,
    pairs: &[(usize, usize)],
    bootstrap: &Bootstrap,
) -> Vec<Comparison> {
    let mut comparisons: Vec<Comparison> =
        pairs.iter().map(|&pair| Comparison::new(study, scale, pair, bootstrap)).collect();
    let mut tested: Vec<&mut Comparison> =
        comparisons.iter_mut().filter(|it| it.is_tested()).collect();
    let of = |of: fn(&Comparison) -> f64| holm(&tested.iter().map(|it| of(it)).collect::<Vec<_>>());
    // A correction is least where every p is.
    let (corrected, least) = (of(|it| it.p), of(|it| it.least_p));
    for (it, (corrected, least)) in tested.iter_mut().zip(corrected.into_iter().zip(least)) {
        (it.corrected, it.least_p) = (corrected, least);
    }
    let tests = comparisons.iter().filter(|it| it.improvement.is_some()).count();
    for it in &mut comparisons {
        let significance = SIGNIFICANCE / tests as f64;
        it.needed = permutation::fewest_runs(it.tasks.len(), significance).max(FEWEST_RUNS);
        it.judge();
    }
    comparisons
}

/// Tasks on which the longest runs of two methods are not equally long, with those lengths.
fn uneven(study: &Study, methods: [usize; 2], tasks: &[usize]) -> Vec<(usize, [u64; 2])> {
    let length = |method: usize, task: usize| {
        let runs = study.of(method, task).filter(|run| run.score().is_some());
        runs.filter_map(|run| run.returns.last()).map(|(step, _)| *step).fold(0.0, f64::max)
    };
    let of = |&task: &usize| {
        let [x, y] = methods.map(|method| length(method, task));
        let differ = x.max(y) > x.min(y) * (1.0 + LENGTHS);
        differ.then_some((task, [x as u64, y as u64]))
    };
    tasks.iter().filter_map(of).collect()
}

/// Every method against the baseline. Where the grid makes several settings of each, against the baseline's
/// of the same setting; where there is nothing but a grid, against its first setting.
pub fn against_baseline(study: &Study, baseline: usize) -> Vec<(usize, usize)> {
    let base = study.methods[baseline].base;
    let same = |method: usize| {
        let of = |other: &usize| {
            study.methods[*other].base == base
                && study.methods[*other].grid == study.methods[method].grid
        };
        (0..study.methods.len()).find(of).unwrap_or(baseline)
    };
    let several = study.methods.iter().any(|method| method.base != base);
    let pair = |method: usize| match several {
        true => (study.methods[method].base != base).then(|| (method, same(method))),
        false => (method != baseline).then_some((method, baseline)),
    };
    (0..study.methods.len()).filter_map(pair).collect()
}

/// Every pair, later ones of the file as candidates.
pub fn every_pair(study: &Study) -> Vec<(usize, usize)> {
    let methods = study.methods.len();
    (0..methods).flat_map(|y| (y + 1..methods).map(move |x| (x, y))).collect()
}

#[cfg(test)]
mod tests {
    use rlai_stats::Permutation;

    use super::super::made;
    use super::*;

    fn gridded(methods: &[(&str, &[(&str, &str)])]) -> Study {
        let one: &[&[f64]] = &[&[1.0]];
        let labels: Vec<made::Made<'_>> = methods.iter().map(|(label, _)| (*label, one)).collect();
        let mut study = made::study(&labels);
        for (method, (label, grid)) in study.methods.iter_mut().zip(methods) {
            method.base = usize::from(label.starts_with('f'));
            method.grid = grid.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        }
        study
    }

    #[test]
    fn settings_of_a_grid_meet_their_like() {
        let (small, large) = ([("b", "1")], [("b", "2")]);
        let (small, large) = (&small[..], &large[..]);
        let study = gridded(&[("r1", small), ("r2", large), ("f1", small), ("f2", large)]);
        assert_eq!(against_baseline(&study, 0), [(2, 0), (3, 1)]);
        assert_eq!(against_baseline(&study, 3), [(0, 2), (1, 3)]);
        assert_eq!(every_pair(&study), [(1, 0), (2, 0), (3, 0), (2, 1), (3, 1), (3, 2)]);
        // A grid alone: everything against its first setting.
        let study = gridded(&[("r1", small), ("r2", large)]);
        assert_eq!(against_baseline(&study, 0), [(1, 0)]);
    }

    #[test]
    fn numbers_are_those_of_the_statistics() {
        let (a, b) = ([1.0, 2.0, 3.0, 9.0], [2.0, 3.0, 4.0, 5.0]);
        let study = made::study(&[("A", &[&a]), ("B", &[&b])]);
        let scale = Scale::of(&study, 0);
        let bootstrap = Bootstrap { repetitions: 500, ..Bootstrap::default() };
        let it = &all(&study, &scale, &[(1, 0)], &bootstrap)[0];
        let [x, y] = [b, a].map(|runs| Scores::of_task(&runs).unwrap());
        assert_eq!(it.improvement, improvement::estimate(&x, &y, &bootstrap).ok());
        assert_eq!(it.p, Permutation::test(&x, &y, 0).unwrap().p);
        assert!(it.exact && !it.with_welch);
        assert!((it.difference.unwrap().value - (3.5 - 3.75)).abs() < 1e-12);
        assert_eq!((it.runs, it.verdict), ((4, 4), Verdict::Undecided));
    }
}
