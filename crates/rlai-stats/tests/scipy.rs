//! Equal to SciPy: exact BCa intervals, Welch's test, power, normal quantiles.

mod common;

use common::{close, golden, numbers, rows};
use rlai_stats::quantile::{normal_cdf, normal_quantile};
use rlai_stats::{Method, Scores, Welch, aggregate, enumerate, power, robustness, variation};
use serde_json::Value;

/// As many digits as statrs' incomplete beta function has.
#[track_caller]
fn near(ours: f64, theirs: &Value) {
    let theirs = theirs.as_f64().unwrap();
    assert!((ours - theirs).abs() <= 1e-10 * theirs.abs(), "{ours} and {theirs}");
}

fn check_bca(cases: &Value, statistic: impl Fn(&[Scores]) -> f64) {
    let cases = cases.as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let samples: Vec<Scores> =
            rows(&case["samples"]).iter().map(|runs| Scores::of_task(runs).unwrap()).collect();
        let groups: Vec<&Scores> = samples.iter().collect();
        let write = |groups: &[Scores], out: &mut [f64]| out[0] = statistic(groups);
        let all = &enumerate::distributions(&groups, 1, write).unwrap()[0];
        let interval = all.interval(Method::Bca, case["level"].as_f64().unwrap()).unwrap();
        close(interval.low, &case["low"]);
        close(interval.high, &case["high"]);
    }
}

#[test]
fn bca_intervals_over_all_resamples_are_scipys() {
    let golden = golden("scipy");
    check_bca(&golden["bca_mean"], |groups| aggregate::mean(&groups[0]));
    check_bca(&golden["bca_trimmed_mean"], |groups| aggregate::interquartile_mean(&groups[0]));
    check_bca(&golden["bca_difference"], |groups| {
        aggregate::mean(&groups[0]) - aggregate::mean(&groups[1])
    });
}

#[test]
fn welchs_test_is_scipys() {
    let golden = golden("scipy");
    let cases = golden["welch"].as_array().unwrap();
    assert_eq!(cases.len(), 5);
    for case in cases {
        let (x, y) = (numbers(&case["x"]), numbers(&case["y"]));
        let ours = Welch::test(&x, &y, 0.95).unwrap();
        for (ours, key) in [
            (ours.t, "t"),
            (ours.degrees, "degrees"),
            (ours.p, "p"),
            (ours.low, "low"),
            (ours.high, "high"),
        ] {
            near(ours, &case[key]);
        }
        let other = Welch::test(&y, &x, 0.95).unwrap();
        assert_eq!((other.t, other.low, other.high), (-ours.t, -ours.high, -ours.low));
        assert!((other.p - ours.p).abs() <= 1e-14);
    }
}

#[test]
fn power_is_that_of_the_non_central_t_distribution() {
    let golden = golden("scipy");
    let cases = golden["power"].as_array().unwrap();
    assert_eq!(cases.len(), 7);
    for case in cases {
        let (difference, runs) =
            (case["difference"].as_f64().unwrap(), case["runs"].as_u64().unwrap() as usize);
        let ours = power::power(difference, runs, case["significance"].as_f64().unwrap()).unwrap();
        near(ours, &case["power"]);
    }
}

#[test]
fn needed_runs_are_the_least_that_have_the_power() {
    for (difference, wanted) in [(1.0, 0.8), (0.7, 0.8), (2.0, 0.9), (0.2, 0.5)] {
        let runs = power::runs_needed(difference, 0.05, wanted).unwrap();
        assert!(power::power(difference, runs, 0.05).unwrap() >= wanted);
        assert!(power::power(difference, runs - 1, 0.05).unwrap() < wanted);
        let least = power::detectable(runs, 0.05, wanted).unwrap();
        assert!(least <= difference);
        assert!((power::power(least, runs, 0.05).unwrap() - wanted).abs() < 1e-9);
    }
    assert!(power::runs_needed(1e-9, 0.05, 0.8).is_err());
    assert!(power::power(1.0, 1, 0.05).is_err());
}

#[test]
fn normal_quantiles_are_scipys() {
    let golden = golden("scipy");
    let cases = golden["normal_quantile"].as_array().unwrap();
    assert_eq!(cases.len(), 13);
    for case in cases {
        let share = case[0].as_f64().unwrap();
        let ours = normal_quantile(share);
        assert!(
            (ours - case[1].as_f64().unwrap()).abs() < 1e-11 * (1.0 + ours.abs()),
            "{share}: {ours}"
        );
        assert!((normal_cdf(ours) - share).abs() <= 1e-12 * share.min(0.5));
    }
    assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
    assert_eq!(normal_quantile(1.0), f64::INFINITY);
}

#[test]
fn tolerance_ranges_are_as_sure_as_wilks_says() {
    for (runs, coverage) in [(10_usize, 0.7_f64), (93, 0.95), (5, 0.5)] {
        let n = runs as f64;
        let formula =
            1.0 - n * coverage.powi(runs as i32 - 1) + (n - 1.0) * coverage.powi(runs as i32);
        let ours = variation::range_confidence(runs, coverage).unwrap();
        assert!((ours - formula).abs() < 1e-12, "{runs}: {ours} and {formula}");
    }
    assert_eq!(variation::range_confidence(1, 0.5).unwrap(), 0.0);
    let runs = |n: usize| (0..n).map(|i| i as f64).collect::<Vec<_>>();
    assert!(variation::tolerance(&runs(92), 0.95, 0.95).unwrap().is_none());
    let whole = variation::tolerance(&runs(93), 0.95, 0.95).unwrap().unwrap();
    assert_eq!((whole.low, whole.high), (0.0, 92.0));
    // Of 1000 runs, the number in a range of m ranks is as sure to cover as a binomial is at most m - 1.
    let many = variation::tolerance(&runs(1000), 0.9, 0.95).unwrap().unwrap();
    assert_eq!(many.low, 999.0 - many.high);
    let apart = (many.high - many.low) as i32;
    let binomial_at_most = |most: i32| {
        let mut term = 1000.0 * 0.1_f64.ln();
        let mut sum = term.exp();
        for k in 1..=most {
            term += (f64::from(1001 - k) / f64::from(k) * 9.0).ln();
            sum += term.exp();
        }
        sum
    };
    assert!((binomial_at_most(apart - 1) - many.confidence).abs() < 1e-9);
    assert!(binomial_at_most(apart - 1) >= 0.95 && binomial_at_most(apart - 3) < 0.95);
}

#[test]
fn spread_and_risk_of_runs_are_those_worked_out_by_hand() {
    let scores = [3.0, 1.0, 4.0, 2.0, 5.0];
    let spread = variation::Spread::of(&scores).unwrap();
    assert_eq!((spread.least, spread.median, spread.greatest), (1.0, 3.0, 5.0));
    assert!((spread.middle_90 - 3.6).abs() < 1e-12 && spread.interquartile_range == 2.0);
    assert_eq!(robustness::worst_case(&scores).unwrap(), 1.0);
    let cvar = |share| robustness::conditional_value_at_risk(&scores, share).unwrap();
    assert_eq!((cvar(0.2), cvar(0.4), cvar(1.0)), (1.0, 1.5, 3.0));
    assert_eq!(cvar(0.1), 1.0, "half of the worst run is as bad as it");
}
