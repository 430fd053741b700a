//! Equal to rliable 1.2.0 on two matrices, and to all 729 resamples of a third.

use rlai_stats::profile::{Counted, profile};
use rlai_stats::{Bootstrap, Method, Scores, aggregate, enumerate, improvement};
use serde_json::Value;

fn golden(name: &str) -> Value {
    let path = format!("{}/../../golden/statistics/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

fn scores(value: &Value) -> Scores {
    Scores::from_rows(&rows(value)).unwrap()
}

#[track_caller]
fn close(ours: f64, theirs: &Value) {
    let theirs = theirs.as_f64().unwrap();
    assert!((ours - theirs).abs() < 1e-12, "{ours} and {theirs}");
}

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
