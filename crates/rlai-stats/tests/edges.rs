//! Numbers near the largest and the smallest, and samples without any spread.

use rlai_stats::robustness::{TwoByTwo, difference_in_differences_test};
use rlai_stats::threshold::steps_to;
use rlai_stats::{Bootstrap, Curve, Method, Scores, Welch, aggregate, area, power, quantile};

const LARGE: f64 = 1.7e308;

/// Three tenths have another mean than a tenth in its last digit; that is no spread.
#[test]
fn equal_runs_have_no_variance_whatever_their_number() {
    for runs in 2..12 {
        let [a, b] = [0.1, 0.3].map(|value| vec![value; runs]);
        assert!(Welch::test(&a, &b, 0.95).is_err(), "{runs}");
        let [usual, changed] = [0.9, 0.8].map(|value| Scores::of_task(&vec![value; runs]).unwrap());
        let four = TwoByTwo {
            candidate_changed: &changed,
            candidate_usual: &usual,
            baseline_changed: &changed,
            baseline_usual: &usual,
        };
        assert!(difference_in_differences_test(&four, 0.95).is_err(), "{runs}");
    }
}

#[test]
fn a_smoothed_constant_is_that_constant_and_reaches_itself() {
    for weight in [0.0, 0.3, 0.6, 0.9, 0.999] {
        for value in [0.1, 4058.1, -1e300] {
            let flat = Curve::new((1..50).map(f64::from).collect(), vec![value; 49]).unwrap();
            let smooth = flat.smoothed(weight).unwrap();
            assert_eq!(smooth.values(), flat.values());
            assert_eq!(steps_to(&smooth, value), Some(1.0));
        }
    }
}

#[test]
fn means_and_quantiles_of_large_numbers_lie_between_them() {
    let runs = [1.5e308, 1.6e308, LARGE, 1.55e308];
    let scores = Scores::of_task(&runs).unwrap();
    let within = |value: f64| assert!((1.5e308..=LARGE).contains(&value), "{value}");
    within(aggregate::mean(&scores));
    within(aggregate::interquartile_mean(&scores));
    within(aggregate::median(&scores));
    assert_eq!(aggregate::optimality_gap(&scores, 1.0), 0.0);
    within(quantile::median(&runs).unwrap());
    for method in [Method::Percentile, Method::Basic, Method::BiasCorrected, Method::Bca] {
        let bootstrap = Bootstrap { repetitions: 500, method, ..Bootstrap::default() };
        let estimate = bootstrap.estimate(&scores, aggregate::mean).unwrap();
        assert!(estimate.low <= estimate.value && estimate.value <= estimate.high, "{estimate:?}");
        assert!(estimate.low.is_finite(), "{estimate:?}");
    }
    // Ends whose distance is beyond the largest number.
    assert_eq!(quantile::of_sorted(&[-1.5e308, 1.5e308], 0.5), Ok(0.0));
    let quarter = quantile::of_sorted(&[-1.6e308, 1.6e308], 0.25).unwrap();
    assert!((quarter / -0.8e308 - 1.0).abs() < 1e-15, "{quarter}");
    let steep = Curve::new(vec![10.0, 20.0], vec![-1.6e308, 1.6e308]).unwrap();
    assert_eq!(steps_to(&steep, 0.8e308), Some(17.5));
    let high = Curve::new(vec![10.0, 1e9], vec![LARGE, LARGE]).unwrap();
    let area = area::under(&high, 1e9).unwrap();
    assert!((area / LARGE - 1.0).abs() < 1e-15, "{area}");
    let apart = [[LARGE, 1.6e308], [-LARGE, -1.6e308]];
    assert!(Welch::test(&apart[0], &apart[1], 0.95).is_err(), "no number says how far");
}

/// BCa's acceleration has no unit.
#[test]
fn acceleration_is_the_same_in_every_unit() {
    let bootstrap = Bootstrap { repetitions: 500, method: Method::Bca, ..Bootstrap::default() };
    let of = |unit: f64| {
        let runs = [1.0, 2.0, 2.5, 9.0, 4.0].map(|score| score * unit);
        let scores = Scores::of_task(&runs).unwrap();
        let estimate = bootstrap.estimate(&scores, aggregate::mean).unwrap();
        [estimate.low / unit, estimate.high / unit]
    };
    let usual = of(1.0);
    for unit in [1e-120, 1e120] {
        for (end, usual) in of(unit).into_iter().zip(usual) {
            assert!((end - usual).abs() < 1e-12, "{unit}: {end}, not {usual}");
        }
    }
}

/// Beyond the level at which BCa's share reaches its end the interval stays there.
#[test]
fn bca_intervals_grow_with_the_level() {
    let mut runs = vec![0.0; 59];
    runs.push(1000.0);
    let scores = Scores::of_task(&runs).unwrap();
    let high = |level: f64| {
        let bootstrap =
            Bootstrap { repetitions: 5_000, method: Method::Bca, level, ..Bootstrap::default() };
        bootstrap.estimate(&scores, aggregate::mean).unwrap().high
    };
    let ends = [0.9, 0.999, 0.999_999_99, 0.999_999_999_9].map(high);
    assert!(ends.is_sorted() && ends[3] > 50.0, "{ends:?}");
}

/// SciPy 1.17: `nct.sf(c, 2 n - 2, d sqrt(n / 2)) + nct.cdf(-c, ...)` with `c = t.isf(significance / 2, 2 n - 2)`.
#[test]
fn power_is_right_at_significances_of_a_millionth_and_less() {
    for (difference, runs, significance, expected) in [
        (0.0, 2, 1e-6, 1e-6),
        (0.0, 2, 1e-8, 1e-8),
        (1.0, 2, 1e-6, 1.999_998_000_001_666e-6),
        (1.0, 3, 1e-8, 4.749_122_356_898_07e-8),
        (1.0, 3, 1e-12, 4.749_991_222_670_82e-12),
        (2.0, 3, 1e-5, 2.462_119_119_302_02e-4),
    ] {
        let found = power::power(difference, runs, significance).unwrap();
        let error = (found / expected - 1.0).abs();
        assert!(error < 1e-8, "{difference}, {runs}, {significance}: {found}");
    }
    let least = power::detectable_by_permutation(10, 0.5, 0.01).unwrap();
    assert_eq!(least, Some(0.0), "found without any difference");
}
