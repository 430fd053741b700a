//! Laws that hold for any scores.

use proptest::collection::vec as many;
use proptest::prelude::*;
use rlai_stats::profile::{Counted, profile};
use rlai_stats::robustness::{Sensitivity, conditional_value_at_risk};
use rlai_stats::{Bootstrap, Curve, Method, Runs, Scores, Welch, aggregate, area, improvement};

type Tasks = Vec<Vec<f64>>;

/// One to four tasks with one to seven runs each. Eighths, so that ties happen.
fn tasks() -> impl Strategy<Value = Tasks> {
    many(many((-40i32..40).prop_map(|eighths| f64::from(eighths) / 8.0), 1..8), 1..5)
}

fn some(most: usize) -> impl Strategy<Value = Vec<f64>> {
    many(-5.0f64..5.0, 2..most)
}

fn scores(tasks: &[Vec<f64>]) -> Scores {
    Scores::new(tasks.to_vec()).unwrap()
}

fn changed(tasks: &[Vec<f64>], change: impl Fn(f64) -> f64) -> Tasks {
    tasks.iter().map(|task| task.iter().map(|&score| change(score)).collect()).collect()
}

#[track_caller]
fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-12 * (1.0 + a.abs()), "{a} and {b}");
}

const AGGREGATES: [fn(&Scores) -> f64; 3] =
    [aggregate::mean, aggregate::median, aggregate::interquartile_mean];

fn gap(tasks: &[Vec<f64>], target: f64) -> f64 {
    aggregate::optimality_gap(&scores(tasks), target)
}

/// A run of one wins, loses or draws half against a run of the other: all pairs, one by one.
fn won(x: &Scores, y: &Scores) -> f64 {
    let won = |a: f64, b: f64| f64::from(a > b) + f64::from(a == b) / 2.0;
    let task = |(x, y): (&[f64], &[f64])| {
        let pairs = x.iter().flat_map(|&a| y.iter().map(move |&b| won(a, b)));
        pairs.sum::<f64>() / (x.len() * y.len()) as f64
    };
    x.iter().zip(y.iter()).map(task).sum::<f64>() / x.tasks() as f64
}

/// What is left of a curve after `start`, its steps counted from there.
fn after(curve: &Curve, start: f64) -> Curve {
    let points = || curve.steps().iter().zip(curve.values()).filter(|(step, _)| **step > start);
    let steps = points().map(|(step, _)| step - start);
    let values = points().map(|(_, &value)| value);
    Curve::new(
        std::iter::once(0.0).chain(steps).collect(),
        std::iter::once(curve.at(start).unwrap()).chain(values).collect(),
    )
    .unwrap()
}

fn shares(scores: &Scores, thresholds: &[f64]) -> Vec<f64> {
    profile(scores, thresholds, Counted::Runs).unwrap()
}

proptest! {
    #[test]
    fn aggregates_lie_within_the_scores(tasks in tasks()) {
        let mut all = tasks.concat();
        all.sort_by(f64::total_cmp);
        let (least, most) = (all[0], all[all.len() - 1]);
        for aggregate in AGGREGATES {
            let value = aggregate(&scores(&tasks));
            prop_assert!(least - 1e-12 <= value && value <= most + 1e-12);
        }
    }

    #[test]
    fn the_order_of_runs_and_tasks_has_no_say(tasks in tasks()) {
        let mut turned = tasks.clone();
        turned.reverse();
        turned.iter_mut().for_each(|task| task.reverse());
        for aggregate in AGGREGATES {
            close(aggregate(&scores(&tasks)), aggregate(&scores(&turned)));
        }
        close(gap(&tasks, 1.0), gap(&turned, 1.0));
    }

    #[test]
    fn aggregates_follow_a_change_of_units(
        tasks in tasks(),
        scale in 0.1f64..5.0,
        shift in -3.0f64..3.0,
    ) {
        let other = changed(&tasks, |score| scale * score + shift);
        for aggregate in AGGREGATES {
            close(scale * aggregate(&scores(&tasks)) + shift, aggregate(&scores(&other)));
        }
        close(scale * gap(&tasks, 1.0), gap(&other, scale + shift));
    }

    /// The same scores with every run of the last task twice: as if nothing had happened.
    #[test]
    fn tasks_weigh_the_same_whatever_their_runs(rows in many(many(-5.0f64..5.0, 3), 1..9)) {
        let even = Scores::from_rows(&rows).unwrap();
        let mut tasks: Tasks = even.iter().map(<[f64]>::to_vec).collect();
        tasks[2].extend(even.task(2));
        let ragged = scores(&tasks);
        prop_assert!(ragged.even().is_none());
        close(aggregate::mean(&even), aggregate::mean(&ragged));
        close(aggregate::optimality_gap(&even, 1.0), gap(&tasks, 1.0));
        for threshold in [-1.0, 0.0, 2.5] {
            close(shares(&even, &[threshold])[0], shares(&ragged, &[threshold])[0]);
        }
        // With a whole number of runs in a quarter, no doubled one is cut in two.
        if rows.len().is_multiple_of(4) {
            let whole = aggregate::interquartile_mean(&even);
            close(whole, aggregate::interquartile_mean(&ragged));
        }
    }

    #[test]
    fn one_of_two_wins(tasks in tasks(), other in tasks()) {
        let count = tasks.len().min(other.len());
        let (x, y) = (scores(&tasks[..count]), scores(&other[..count]));
        let wins = improvement::probability(&x, &y).unwrap();
        prop_assert!((0.0..=1.0).contains(&wins));
        close(wins, won(&x, &y));
        close(wins + improvement::probability(&y, &x).unwrap(), 1.0);
        close(improvement::probability(&x, &x).unwrap(), 0.5);
    }

    /// Scores are eighths: right of each of them the profile is constant up to the next.
    #[test]
    fn a_profiles_area_is_the_mean(tasks in tasks()) {
        let thresholds: Vec<f64> = (-40..40).map(|i| f64::from(i) / 8.0).collect();
        let shares = shares(&scores(&tasks), &thresholds);
        prop_assert!(shares.windows(2).all(|pair| pair[0] >= pair[1]));
        close(shares.iter().sum::<f64>() / 8.0 - 5.0, aggregate::mean(&scores(&tasks)));
    }

    #[test]
    fn intervals_follow_a_change_of_units(tasks in tasks(), shift in -3.0f64..3.0) {
        for method in [Method::Percentile, Method::Basic] {
            let of = |tasks: &[Vec<f64>]| {
                let bootstrap = Bootstrap { repetitions: 200, method, ..Bootstrap::default() };
                bootstrap.estimate(&scores(tasks), aggregate::interquartile_mean).unwrap()
            };
            let (one, other) = (of(&tasks), of(&changed(&tasks, |score| 2.0 * score + shift)));
            close(2.0 * one.low + shift, other.low);
            close(2.0 * one.high + shift, other.high);
            prop_assert!(one.low <= one.high);
        }
    }

    #[test]
    fn risk_grows_from_the_worst_to_the_mean(
        runs in some(9),
        a in 0.01f64..1.0,
        b in 0.01f64..1.0,
    ) {
        let risk = |share: f64| conditional_value_at_risk(&runs, share).unwrap();
        prop_assert!(risk(a.min(b)) <= risk(a.max(b)) + 1e-12);
        close(risk(1.0), runs.iter().sum::<f64>() / runs.len() as f64);
    }

    #[test]
    fn tuning_for_each_task_is_never_worse(rows in many(many(-5.0f64..5.0, 4), 1..6)) {
        prop_assert!(Sensitivity::of(&rows).unwrap().phi() >= -1e-12);
        close(Sensitivity::of(&rows[..1]).unwrap().phi(), 0.0);
    }

    #[test]
    fn areas_add_up(values in some(9), part in 0.01f64..0.99) {
        let steps: Vec<f64> = (0..values.len()).map(|i| 3.0 * i as f64).collect();
        let curve = Curve::new(steps, values).unwrap();
        let (end, _) = curve.last();
        let middle = part * end;
        let area = |curve: &Curve, until: f64| area::under(curve, until).unwrap() * until;
        let parts = area(&curve, middle) + area(&after(&curve, middle), end - middle);
        prop_assert!((parts - area(&curve, end)).abs() < 1e-9);
    }

    #[test]
    fn welch_does_not_care_for_units(x in some(9), y in some(9)) {
        let change = |sample: &[f64]| changed(&[sample.to_vec()], |it| 1000.0 * it + 7.0).remove(0);
        let one = Welch::test(&x, &y, 0.95).unwrap();
        let other = Welch::test(&change(&x), &change(&y), 0.95).unwrap();
        prop_assert!((one.p - other.p).abs() < 1e-9);
        prop_assert_eq!(one.p < 0.05, one.low > 0.0 || one.high < 0.0, "p and the interval agree");
    }

    #[test]
    fn any_runs_give_numbers_or_an_error(tasks in many(many(prop::num::f64::ANY, 0..4), 0..4)) {
        let quick = Bootstrap { repetitions: 100, method: Method::Bca, ..Bootstrap::default() };
        if let Ok(scores) = Scores::new(tasks.clone()) {
            if let Ok(estimate) = quick.estimate(&scores, aggregate::interquartile_mean) {
                prop_assert!(estimate.low.is_finite() && estimate.high.is_finite());
                prop_assert!(estimate.value.is_finite() && estimate.low <= estimate.high);
            }
            let _ = Welch::test(scores.task(0), scores.task(scores.tasks() - 1), 0.9);
        }
        if let Ok(runs) = Runs::of(tasks) {
            let _ = quick.estimate(&runs, aggregate::mean);
        }
    }
}
