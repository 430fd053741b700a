//! Equal to rliable 1.2.0 on two matrices, and to all 729 resamples of a third.

mod common;

use common::{are_percentiles, close, golden, is_quantile, numbers, rows, scores};
use rlai_stats::profile::{Counted, profile};
use rlai_stats::{
    Bootstrap, Curve, Method, Runs, Scores, aggregate, curve, enumerate, improvement,
};

#[test]
fn aggregates_are_rliables() {
    let golden = golden("rliable");
    for name in ["X", "Y"] {
        let scores = scores(&golden[name]);
        close(aggregate::mean(&scores), &golden["mean"][name]);
        close(aggregate::median(&scores), &golden["median"][name]);
        close(aggregate::interquartile_mean(&scores), &golden["iqm"][name]);
        close(aggregate::optimality_gap(&scores, 1.0), &golden["optimality_gap"][name]);
    }
}

#[test]
fn trimming_rounds_down() {
    let golden = golden("rliable");
    let squares = |n: u32| (0..n).map(|i| f64::from(i * i)).collect::<Vec<f64>>();
    for (runs, name) in [
        (squares(10), "trim_mean_10"),
        (squares(6), "trim_mean_6"),
        (vec![0.0, 1.0, 9.0], "trim_mean_3"),
    ] {
        close(aggregate::interquartile_mean(&Scores::of_task(&runs).unwrap()), &golden[name]);
    }
}

#[test]
fn probabilities_of_improvement_are_rliables() {
    let golden_file = golden("rliable");
    let (x, y) = (scores(&golden_file["X"]), scores(&golden_file["Y"]));
    let mut reversed = rows(&golden_file["X"]);
    reversed.reverse();
    let reversed = Scores::from_rows(&reversed).unwrap();
    let of = |x: &Scores, y: &Scores| improvement::probability(x, y).unwrap();
    close(of(&x, &y), &golden_file["poi"]["X>Y"]);
    close(of(&y, &x), &golden_file["poi"]["Y>X"]);
    close(of(&x, &x), &golden_file["poi"]["X>X"]);
    close(of(&x, &reversed), &golden_file["poi"]["X>perm(X)"]);
    let ties = &golden("rliable_exact")["poi_ties"];
    let (a, b) = (scores(&ties["A"]), scores(&ties["B"]));
    close(of(&a, &b), &ties["AB"]);
    close(of(&b, &a), &ties["BA"]);
}

#[test]
fn profiles_are_rliables() {
    let golden = golden("rliable");
    for name in ["X", "Y"] {
        let scores = scores(&golden[name]);
        for (key, counted) in
            [("profile_runs", Counted::Runs), ("profile_task_avg", Counted::TaskMeans)]
        {
            let ours = profile(&scores, &numbers(&golden["taus"]), counted).unwrap();
            let theirs = golden[key][name].as_array().unwrap();
            assert_eq!(ours.len(), theirs.len());
            ours.iter().zip(theirs).for_each(|(&ours, theirs)| close(ours, theirs));
        }
    }
}

/// In the order of the exact file: interquartile mean, mean, median, optimality gap.
fn exact_order(groups: &[Scores], out: &mut [f64]) {
    let scores = &groups[0];
    out[0] = aggregate::interquartile_mean(scores);
    out[1] = aggregate::mean(scores);
    out[2] = aggregate::median(scores);
    out[3] = aggregate::optimality_gap(scores, 1.0);
}

#[test]
fn all_resamples_have_the_moments_and_percentiles_of_the_enumeration() {
    let golden = golden("rliable_exact");
    let x = scores(&golden["X"]);
    assert_eq!(enumerate::count(&[&x]), golden["n"].as_u64());
    let all = enumerate::distributions(&[&x], 4, exact_order).unwrap();
    for (i, distribution) in all.iter().enumerate() {
        assert_eq!(distribution.replicates().len(), 729);
        close(distribution.mean(), &golden["exact_boot_mean"][i]);
        close(distribution.standard_error(), &golden["exact_boot_std"][i]);
        let interval = distribution.interval(Method::Percentile, 0.95).unwrap();
        close(interval.low, &golden["exact_pct_2.5"][i]);
        close(interval.high, &golden["exact_pct_97.5"][i]);
    }
}

#[test]
fn drawn_resamples_have_the_moments_of_all_of_them() {
    let golden = golden("rliable_exact");
    let x = scores(&golden["X"]);
    let bootstrap = Bootstrap { seed: 5, ..Bootstrap::default() };
    let drawn = bootstrap.distributions(&[&x], 4, exact_order).unwrap();
    let all = enumerate::distributions(&[&x], 4, exact_order).unwrap();
    for (i, (drawn, all)) in drawn.iter().zip(&all).enumerate() {
        let (mean, sd) = (all.mean(), all.standard_error());
        let n = drawn.replicates().len() as f64;
        assert!((drawn.mean() - mean).abs() < 5.0 * sd / n.sqrt());
        let fourth = all.replicates().iter().map(|x| (x - mean).powi(4)).sum::<f64>() / 729.0;
        let of_variance = ((fourth - sd.powi(4)) / n).sqrt();
        assert!((drawn.standard_error().powi(2) - sd * sd).abs() < 5.0 * of_variance);
        // The percentiles lie inside of steps of the distribution, which 50,000 draws do not miss.
        let interval = drawn.interval(Method::Percentile, 0.95).unwrap();
        close(interval.low, &golden["rliable_ci_50000"][0][i]);
        close(interval.high, &golden["rliable_ci_50000"][1][i]);
    }
}

/// In the order of the other file: median, interquartile mean, mean, optimality gap.
fn reference_order(groups: &[Scores], out: &mut [f64]) {
    let scores = &groups[0];
    out[0] = aggregate::median(scores);
    out[1] = aggregate::interquartile_mean(scores);
    out[2] = aggregate::mean(scores);
    out[3] = aggregate::optimality_gap(scores, 1.0);
}

#[test]
fn intervals_are_rliables() {
    let golden = golden("rliable");
    let x = scores(&golden["X"]);
    for (tasks, key) in [(false, "ci_percentile"), (true, "ci_percentile_task")] {
        let bootstrap = Bootstrap { tasks, ..Bootstrap::default() };
        let ours = bootstrap.distributions(&[&x], 4, reference_order).unwrap();
        for (i, ours) in ours.iter().enumerate() {
            are_percentiles(&golden[key][0][i], &golden[key][1][i], ours, 20_000);
        }
    }
    let ours = Bootstrap::default().distributions(&[&x], 4, reference_order).unwrap();
    for (i, ours) in ours.iter().enumerate() {
        let mirrored =
            |end: usize| 2.0 * ours.value() - golden["ci_basic"][end][i].as_f64().unwrap();
        is_quantile(mirrored(1), ours.replicates(), 0.025, 20_000);
        is_quantile(mirrored(0), ours.replicates(), 0.975, 20_000);
        let [percentile, basic] =
            [Method::Percentile, Method::Basic].map(|method| ours.interval(method, 0.95).unwrap());
        assert_eq!(basic.low, 2.0 * ours.value() - percentile.high);
        assert_eq!(basic.high, 2.0 * ours.value() - percentile.low);
    }
}

#[test]
fn the_interval_of_a_probability_of_improvement_is_rliables() {
    let golden = golden("rliable");
    let (x, y) = (scores(&golden["X"]), scores(&golden["Y"]));
    let one = |groups: &[Scores], out: &mut [f64]| {
        out[0] = improvement::probability(&groups[0], &groups[1]).unwrap();
    };
    let ours = &Bootstrap::default().distributions(&[&x, &y], 1, one).unwrap()[0];
    are_percentiles(&golden["poi_ci"][0], &golden["poi_ci"][1], ours, 5_000);
    let estimate = improvement::estimate(&x, &y, &Bootstrap::default()).unwrap();
    assert_eq!(estimate, ours.interval(Method::Percentile, 0.95).unwrap());
}

#[test]
fn interquartile_means_of_curves_are_rliables() {
    // Runs by tasks by steps: 0 to 23, over 24.
    let at = |run: usize, task: usize, step: usize| (8 * run + 4 * task + step) as f64 / 24.0;
    let one = |run: usize, task: usize| {
        let values = (0..4).map(|step| at(run, task, step)).collect();
        Curve::new(vec![0.0, 1.0, 2.0, 3.0], values).unwrap()
    };
    let tasks = (0..2).map(|task| (0..3).map(|run| one(run, task)).collect()).collect();
    let runs = Runs::of(tasks).unwrap();
    let bootstrap = Bootstrap::for_curves();
    let points = curve::estimate(&runs, aggregate::interquartile_mean, &bootstrap).unwrap();
    let golden = &golden("rliable_exact")["iqm_curve"]["iqm"];
    assert_eq!(points.len(), 4);
    for (i, point) in points.iter().enumerate() {
        assert_eq!(point.step, i as f64);
        close(point.estimate.value, &golden[i]);
        // All curves go up alike, and so do all resamples.
        let up = i as f64 / 24.0;
        assert!((point.estimate.low - points[0].estimate.low - up).abs() < 1e-12);
        assert!((point.estimate.high - points[0].estimate.high - up).abs() < 1e-12);
    }
}
