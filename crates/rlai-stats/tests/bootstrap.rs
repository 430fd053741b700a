//! Seeds, threads, coverage, settings that are refused.

use chacha20::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use rlai_stats::robustness::{TwoByTwo, difference_in_differences, retention};
use rlai_stats::{
    Aggregates, Bootstrap, Curve, Error, Estimate, Method, Permutation, Runs, Scores, aggregate,
    curve, quantile,
};

/// Normal scores by their quantile function, of a stream of their own.
fn normal(random: &mut ChaCha8Rng, count: usize, mean: f64, sd: f64) -> Vec<f64> {
    let uniform = |random: &mut ChaCha8Rng| (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let one = |_| mean + sd * quantile::normal_quantile(uniform(random).max(1e-18));
    (0..count).map(one).collect()
}

fn matrix(seed: u64, runs: usize, tasks: usize) -> Scores {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    Scores::new((0..tasks).map(|_| normal(&mut random, runs, 0.0, 1.0)).collect()).unwrap()
}

#[test]
fn a_seed_gives_one_interval_on_any_number_of_threads() {
    let scores = matrix(1, 10, 5);
    let bootstrap = Bootstrap { repetitions: 5_001, method: Method::Bca, ..Bootstrap::default() };
    let on = |threads: usize, bootstrap: Bootstrap| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Aggregates::of(&scores, 1.0, &bootstrap).unwrap())
    };
    let one = on(1, bootstrap);
    for threads in [2, 3, 7] {
        assert_eq!(on(threads, bootstrap), one);
    }
    let other = on(1, Bootstrap { seed: 1, ..bootstrap });
    assert_eq!(other.mean.value, one.mean.value);
    assert_ne!((other.mean.low, other.mean.high), (one.mean.low, one.mean.high));
}

#[test]
fn a_mean_spreads_as_its_standard_error_says() {
    let scores = matrix(2, 10, 5);
    let mean = |groups: &[Scores], out: &mut [f64]| out[0] = aggregate::mean(&groups[0]);
    let drawn = &Bootstrap::default().distributions(&[&scores], 1, mean).unwrap()[0];
    let of_task = |runs: &[f64]| {
        let mean = runs.iter().sum::<f64>() / 10.0;
        runs.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / 100.0
    };
    let exact = scores.iter().map(of_task).sum::<f64>() / 25.0;
    // The variance of a variance of 50,000 draws that are about normal.
    let error = exact * (2.0 / 50_000.0_f64).sqrt();
    assert!((drawn.standard_error().powi(2) - exact).abs() < 5.0 * error);
    assert!((drawn.mean() - drawn.value()).abs() < 5.0 * (exact / 50_000.0).sqrt());
}

/// Intervals of 80% for the mean of 40 normal scores hold it in about 80% of the experiments. The bootstrap's
/// spread is short of the true one by sqrt(39 / 40), so that about 79.1% are expected (normal theory, less 0.2%
/// for the unknown variance); within 5 standard errors.
#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    const EXPERIMENTS: usize = 1_000;
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for method in [Method::Percentile, Method::Basic, Method::BiasCorrected, Method::Bca] {
        let bootstrap = Bootstrap { repetitions: 500, level: 0.8, method, ..Bootstrap::default() };
        let holds = |i: usize, random: &mut ChaCha8Rng| {
            let scores = Scores::of_task(&normal(random, 40, 3.0, 2.0)).unwrap();
            let bootstrap = Bootstrap { seed: i as u64, ..bootstrap };
            bootstrap.estimate(&scores, aggregate::mean).unwrap().contains(3.0)
        };
        let held = (0..EXPERIMENTS).filter(|&i| holds(i, &mut random)).count() as f64;
        let expected = 0.789;
        let error = (expected * (1.0 - expected) / EXPERIMENTS as f64).sqrt();
        let share = held / EXPERIMENTS as f64;
        assert!((share - expected).abs() < 5.0 * error, "{method:?}: {share}");
    }
}

/// The acceleration of a mean is its skewness over 6 sqrt(n), and a skewed sample's BCa interval lies on the
/// side of the long tail.
#[test]
fn acceleration_is_the_skewness_of_a_mean() {
    let runs = [0.1, 0.3, 0.2, 0.7, 4.0, 0.4, 1.1, 0.6];
    let scores = Scores::of_task(&runs).unwrap();
    let mean = |groups: &[Scores], out: &mut [f64]| out[0] = aggregate::mean(&groups[0]);
    let bootstrap = Bootstrap { method: Method::Bca, ..Bootstrap::default() };
    let drawn = &bootstrap.distributions(&[&scores], 1, mean).unwrap()[0];
    let n = runs.len() as f64;
    let centre = runs.iter().sum::<f64>() / n;
    let moment = |power| runs.iter().map(|run| (run - centre).powi(power)).sum::<f64>() / n;
    let skewness = moment(3) / moment(2).powf(1.5);
    assert!((drawn.acceleration().unwrap() - skewness / (6.0 * n.sqrt())).abs() < 1e-12);
    let [bca, plain] =
        [Method::Bca, Method::Percentile].map(|it| drawn.interval(it, 0.95).unwrap());
    assert!(bca.low > plain.low && bca.high > plain.high);
}

#[test]
fn tasks_with_other_numbers_of_runs_stay_so() {
    let ragged = Scores::new(vec![vec![0.0], vec![1.0, 2.0, 3.0], vec![5.0, 7.0]]).unwrap();
    let shape = |scores: &Scores| scores.iter().map(<[f64]>::len).collect::<Vec<_>>();
    let same = |groups: &[Scores], out: &mut [f64]| {
        out[0] = f64::from(shape(&groups[0]) == [1, 3, 2]);
        out[1] = groups[0].task(0)[0];
        out[2] = aggregate::mean(&groups[0]);
    };
    let drawn = Bootstrap::default().distributions(&[&ragged], 3, same).unwrap();
    assert!(drawn[0].replicates().iter().all(|&same| same == 1.0));
    assert!(
        drawn[1].replicates().iter().all(|&score| score == 0.0),
        "a single run is always drawn"
    );
    assert_eq!(drawn[2].value(), (0.0 + 2.0 + 6.0) / 3.0);
    // Variance of a mean: that of the task's runs over their number, over the tasks' number squared.
    let exact = (2.0 / 3.0 / 3.0 + 1.0 / 2.0) / 9.0;
    assert!(
        (drawn[2].standard_error().powi(2) - exact).abs() < 5.0 * exact * (2.0 / 5e4_f64).sqrt()
    );
}

#[test]
fn a_change_that_costs_the_baseline_more_is_a_difference_in_differences() {
    let task = |runs: &[f64]| Scores::of_task(runs).unwrap();
    let (usual, candidate, baseline) =
        (task(&[0.9, 1.0, 1.1, 1.0]), task(&[0.8, 0.9, 0.85, 0.95]), task(&[0.4, 0.5, 0.45, 0.55]));
    let scores = TwoByTwo {
        candidate_changed: &candidate,
        candidate_usual: &usual,
        baseline_changed: &baseline,
        baseline_usual: &usual,
    };
    let found = difference_in_differences(&scores, &Bootstrap::default()).unwrap();
    assert!((found.value - 0.4).abs() < 1e-12 && found.low > 0.2 && found.high < 0.6);
    let kept = retention(&candidate, &usual, &Bootstrap::default()).unwrap();
    assert!((kept.value - 0.875).abs() < 1e-12 && kept.contains(0.875) && kept.low > 0.75);
    let zero = task(&[-1.0, 1.0]);
    let refused = retention(&candidate, &zero, &Bootstrap::default());
    assert!(matches!(refused, Err(Error::Undefined { what: "the retention", .. })));
    let two_tasks = Scores::new(vec![vec![1.0], vec![1.0]]).unwrap();
    assert!(
        difference_in_differences(
            &TwoByTwo { baseline_usual: &two_tasks, ..scores },
            &Bootstrap::default()
        )
        .is_err()
    );
}

#[test]
fn bands_of_half_a_deviation_are_of_the_runs() {
    let curve = |values: &[f64]| Curve::new(vec![1.0, 2.0], values.to_vec()).unwrap();
    let band = curve::half_deviation_band(&[curve(&[1.0, 5.0]), curve(&[3.0, 5.0])]).unwrap();
    let half = 2.0_f64.sqrt() / 2.0;
    assert_eq!(band[0].estimate, Estimate { value: 2.0, low: 2.0 - half, high: 2.0 + half });
    assert_eq!(band[1].estimate, Estimate { value: 5.0, low: 5.0, high: 5.0 });
    assert!(curve::half_deviation_band(&[curve(&[1.0, 5.0])]).is_err());
    let other = Curve::new(vec![1.0, 3.0], vec![1.0, 1.0]).unwrap();
    let refused = curve::half_deviation_band(&[curve(&[1.0, 5.0]), other]).unwrap_err();
    assert_eq!(refused.to_string(), "curve: curve 1 was measured at other steps than curve 0");
}

#[test]
fn what_is_refused_is_told_by_its_place_and_value() {
    let told = |tasks: Vec<Vec<f64>>| Scores::new(tasks).unwrap_err().to_string();
    assert_eq!(told(vec![]), "tasks: none, at least 1 needed");
    assert_eq!(told(vec![vec![1.0], vec![]]), "task 1: no runs, at least 1 needed");
    assert_eq!(told(vec![vec![1.0, f64::NAN]]), "task 0, run 1: score = NaN: a finite number");
    let scores = matrix(1, 3, 2);
    let told = |bootstrap: Bootstrap| {
        bootstrap.estimate(&scores, aggregate::mean).unwrap_err().to_string()
    };
    let usual = Bootstrap::default();
    assert_eq!(told(Bootstrap { level: 95.0, ..usual }), "level = 95: above 0 and below 1");
    assert_eq!(
        told(Bootstrap { repetitions: 10, ..usual }),
        "repetitions = 10: from 100 to 10000000"
    );
    let undefined = usual.estimate(&scores, |_| f64::NAN).unwrap_err();
    assert!(matches!(undefined, Error::Undefined { .. }));
    let none: &[&Runs<f64>] = &[];
    assert!(usual.estimates(none, 1, |_, _| ()).is_err());
    assert!(scores.normalised(&[0.0, 0.0], &[1.0, 0.0]).is_err());
    assert!(scores.normalised(&[0.0], &[1.0]).is_err());
    assert!(Scores::from_rows(&[vec![1.0, 2.0], vec![1.0]]).is_err());
    let big = matrix(1, 10, 2);
    assert_eq!(rlai_stats::enumerate::count(&[&big]), None);
    assert!(rlai_stats::enumerate::distributions(&[&big], 1, |_, _| ()).is_err());
}

#[test]
fn normalised_scores_are_shares_of_the_way() {
    let scores = Scores::new(vec![vec![0.0, 50.0], vec![-10.0, -5.0, 0.0]]).unwrap();
    let normalised = scores.normalised(&[0.0, -10.0], &[100.0, 0.0]).unwrap();
    assert_eq!(normalised.values(), [0.0, 0.5, 0.0, 0.5, 1.0]);
}

/// Two samples of one distribution are told apart as often as labellings are so far from the middle, which is
/// no more than the level.
#[test]
fn equal_algorithms_are_told_apart_as_seldom_as_the_level_says() {
    const EXPERIMENTS: usize = 20_000;
    let mut random = ChaCha8Rng::seed_from_u64(11);
    // Orders with U of at most 2, of 5 against 5: 1 + 1 + 2, at either end. Of three tasks with two runs
    // each, U of 12 wins: (1 + 1 + 2 + 1 + 1)^3 has 1 and 3 at its ends, of 216.
    for (runs, tasks, exact) in [(5, 1, 8.0 / 252.0), (2, 3, 8.0 / 216.0)] {
        let mut of = || {
            Scores::new((0..tasks).map(|_| normal(&mut random, runs, 0.0, 1.0)).collect()).unwrap()
        };
        let claims = (0..EXPERIMENTS)
            .filter(|_| Permutation::test(&of(), &of(), 0).unwrap().p <= 0.05)
            .count() as f64;
        let error = (exact * (1.0 - exact) / EXPERIMENTS as f64).sqrt();
        let share = claims / EXPERIMENTS as f64;
        assert!((share - exact).abs() < 5.0 * error, "{runs}, {tasks}: {share}, not {exact}");
    }
}
