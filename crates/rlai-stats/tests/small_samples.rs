//! Rates over many made studies: what is promised of few runs holds.

use rand::{Rng, SeedableRng};
use rlai_stats::robustness::{TwoByTwo, difference_in_differences, difference_in_differences_test};
use rlai_stats::{Better, Bootstrap, Permutation, Scores, Welch, aggregate, power, quantile};

/// Normal numbers from a stream that is always the same.
struct Normal(chacha20::ChaCha8Rng);

impl Normal {
    fn new(seed: u64) -> Self {
        Self(chacha20::ChaCha8Rng::seed_from_u64(seed))
    }

    fn runs(&mut self, runs: usize, shift: f64) -> Scores {
        let one = |_| {
            let uniform = ((self.0.next_u64() >> 11) as f64 + 0.5) * 0.5f64.powi(53);
            shift + quantile::normal_quantile(uniform)
        };
        Scores::of_task(&(0..runs).map(one).collect::<Vec<f64>>()).unwrap()
    }
}

/// The share of so many studies in which something holds.
fn share(studies: usize, mut holds: impl FnMut() -> bool) -> f64 {
    (0..studies).filter(|_| holds()).count() as f64 / studies as f64
}

#[test]
fn the_permutation_test_finds_what_it_is_said_to_find() {
    const STUDIES: usize = 4_000;
    // Four standard errors of a share of 0.8, and the 0.02 of the difference (its slope is below 0.35).
    let slack = 4.0 * (0.8f64 * 0.2 / STUDIES as f64).sqrt() + 0.007;
    for runs in [4, 5, 8] {
        let difference = power::detectable_by_permutation(runs, 0.05, 0.8).unwrap().unwrap();
        assert!(difference > power::detectable(runs, 0.05, 0.8).unwrap(), "{runs}");
        let mut normal = Normal::new(runs as u64);
        let found = share(STUDIES, || {
            let (x, y) = (normal.runs(runs, difference), normal.runs(runs, 0.0));
            Permutation::test(&x, &y, 0).unwrap().p <= 0.05 + 1e-12
        });
        assert!((found - 0.8).abs() < slack, "{runs} runs: {found}");
    }
    // Three of each: the least p is 0.1.
    assert_eq!(power::detectable_by_permutation(3, 0.05, 0.8), Ok(None));
    assert!(power::detectable_by_permutation(3, 0.1, 0.8).unwrap().is_some());
    assert!(power::detectable_by_permutation(1, 0.05, 0.8).is_err());
}

/// Four equal groups: how often each rule calls one more robust.
#[test]
fn equal_algorithms_are_seldom_called_more_robust() {
    const STUDIES: usize = 2_000;
    for (runs, percentiles) in [(3, 0.12), (5, 0.07)] {
        let mut normal = Normal::new(100 + runs as u64);
        let bootstrap = Bootstrap { repetitions: 400, ..Bootstrap::default() };
        let mut by_percentiles = 0;
        let by_t = share(STUDIES, || {
            let [a, b, c, d] = [(); 4].map(|()| normal.runs(runs, 0.0));
            let four = TwoByTwo {
                candidate_changed: &a,
                candidate_usual: &b,
                baseline_changed: &c,
                baseline_usual: &d,
            };
            let interval = difference_in_differences(&four, &bootstrap).unwrap();
            by_percentiles += usize::from(!interval.contains(0.0));
            difference_in_differences_test(&four, 0.95).unwrap().p <= 0.05
        });
        println!("{runs} runs: t {by_t}, percentiles {by_percentiles} of {STUDIES}");
        // Four standard errors of 5%.
        assert!(by_t < 0.05 + 4.0 * (0.05f64 * 0.95 / STUDIES as f64).sqrt(), "{runs}: {by_t}");
        let by_percentiles = by_percentiles as f64 / STUDIES as f64;
        assert!(by_percentiles > percentiles, "{runs}: {by_percentiles}");
    }
}

/// Percentile intervals of the mean of normal scores: what `rlai stats` tells of so few runs.
#[test]
fn percentile_intervals_of_few_runs_hold_the_truth_too_seldom() {
    const STUDIES: usize = 4_000;
    let bootstrap = Bootstrap { repetitions: 1_000, ..Bootstrap::default() };
    for (runs, told) in [(3, 0.75), (4, 0.79), (5, 0.84), (9, 0.90)] {
        let mut normal = Normal::new(200 + runs as u64);
        let held = share(STUDIES, || {
            let runs = normal.runs(runs, 0.0);
            bootstrap.estimate(&runs, aggregate::mean).unwrap().contains(0.0)
        });
        println!("{runs} runs: {held}");
        // Four standard errors, and half of a percentage point of rounding.
        assert!((held - told).abs() < 0.005 + 4.0 * (told * (1.0 - told) / STUDIES as f64).sqrt());
    }
}

/// Two equal algorithms and the rule of reports: an interval that does not hold 0.5, and a p of at most 0.2 or
/// at most 0.05.
#[test]
fn equal_algorithms_are_seldom_told_apart() {
    const STUDIES: usize = 4_000;
    let bootstrap = Bootstrap { repetitions: 1_000, ..Bootstrap::default() };
    for runs in [4, 5, 10] {
        let mut normal = Normal::new(300 + runs as u64);
        let (mut leads, mut verdicts) = (0, 0);
        for _ in 0..STUDIES {
            let (x, y) = (normal.runs(runs, 0.0), normal.runs(runs, 0.0));
            let better = rlai_stats::improvement::estimate(&x, &y, &bootstrap).unwrap();
            if better.contains(0.5) {
                continue;
            }
            match Permutation::test(&x, &y, 0).unwrap().p {
                p if p <= 0.05 + 1e-12 => verdicts += 1,
                p if p <= 0.2 + 1e-12 => leads += 1,
                _ => {}
            }
        }
        println!("{runs} runs: {verdicts} verdicts, {leads} leads of {STUDIES}");
        let most = |share: f64| share + 4.0 * (share * (1.0 - share) / STUDIES as f64).sqrt();
        assert!(f64::from(verdicts) / (STUDIES as f64) < most(0.05), "{runs}");
        assert!(f64::from(leads) / (STUDIES as f64) < most(0.15), "{runs}");
    }
}

/// Fewer and wilder runs of one of two whose means and medians are equal: a permutation test alone tells them
/// apart, for they are not the same; neither is better.
#[test]
fn fewer_and_wilder_runs_are_not_called_better() {
    const STUDIES: usize = 4_000;
    for (runs, spread, alone) in [((4, 8), 4.0, 0.08), ((3, 10), 5.0, 0.15)] {
        let mut normal = Normal::new(500 + runs.0 as u64);
        let mut by_permutation = 0;
        let both = share(STUDIES, || {
            let wild: Vec<f64> =
                normal.runs(runs.0, 0.0).values().iter().map(|score| spread * score).collect();
            let (x, y) = (Scores::of_task(&wild).unwrap(), normal.runs(runs.1, 0.0));
            let test = Better::test(&x, &y, 0).unwrap();
            by_permutation += usize::from(test.permutation.p <= 0.05 + 1e-12);
            test.p() <= 0.05 + 1e-12
        });
        let by_permutation = by_permutation as f64 / STUDIES as f64;
        println!("{runs:?}: {by_permutation} by permutations, {both} by both");
        assert!(by_permutation > alone, "{runs:?}: {by_permutation}");
        // Four standard errors of a share of 0.05.
        assert!(both < 0.064, "{runs:?}: {both}");
    }
}

/// Four tasks won by a little, with an outlier each, and one lost by far: Welch's test finds a difference, to the
/// other side.
#[test]
fn a_test_that_points_to_the_other_side_does_not_agree() {
    let rows = |runs: usize, shift: f64| (0..runs).map(|i| shift + 0.01 * i as f64).collect();
    let mut x: Vec<Vec<f64>> = (0..4).map(|_| rows(10, 1.0)).collect();
    let mut y: Vec<Vec<f64>> = (0..4).map(|_| rows(12, 0.5)).collect();
    x.iter_mut().for_each(|runs| runs[0] = -100.0);
    x.push(rows(10, -50.0));
    y.push(rows(12, 50.0));
    let [x, y] = [x, y].map(|tasks| Scores::new(tasks).unwrap());
    let test = Better::test(&x, &y, 0).unwrap();
    assert!(test.permutation.value > 0.5 && test.permutation.p < 0.01, "{test:?}");
    assert_eq!(test.welch, Some(1.0));
    assert_eq!(test.p(), 1.0);
}

/// Welch's test over tasks: of one task it is the test of two samples; of two alike it has half the variance.
#[test]
fn welchs_test_over_tasks_is_that_of_means_of_means() {
    let (x, y) = ([3.0, 4.0, 6.0, 9.0], [1.0, 2.0, 2.5]);
    let of = |tasks: usize| {
        let [x, y] = [x.to_vec(), y.to_vec()].map(|runs| Scores::new(vec![runs; tasks]).unwrap());
        Welch::of_tasks(&x, &y, 0.95).unwrap()
    };
    let (one, plain, two) = (of(1), Welch::test(&x, &y, 0.95).unwrap(), of(2));
    for (ours, theirs) in [(one.t, plain.t), (one.p, plain.p), (one.low, plain.low)] {
        assert!((ours - theirs).abs() < 1e-12, "{ours} and {theirs}");
    }
    assert!((two.difference - one.difference).abs() < 1e-12);
    assert!((two.t / one.t - 2f64.sqrt()).abs() < 1e-12);
    assert!((two.degrees / one.degrees - 2.0).abs() < 1e-12);
}
