//! Laws that hold for any scores.

use proptest::prelude::*;
use rlai_stats::profile::{Counted, profile};
use rlai_stats::robustness::{Sensitivity, conditional_value_at_risk};
use rlai_stats::{Bootstrap, Curve, Method, Runs, Scores, Welch, aggregate, area, improvement};

/// One to four tasks with one to seven runs each. Eighths, so that ties happen.
fn tasks() -> impl Strategy<Value = Vec<Vec<f64>>> {
    let run = (-40i32..40).prop_map(|eighths| f64::from(eighths) / 8.0);
    prop::collection::vec(prop::collection::vec(run, 1..8), 1..5)
}

fn scores(tasks: &[Vec<f64>]) -> Scores {
    Scores::new(tasks.to_vec()).unwrap()
}

fn close(a: f64, b: f64) -> Result<(), TestCaseError> {
    prop_assert!((a - b).abs() < 1e-12 * (1.0 + a.abs()), "{} and {}", a, b);
    Ok(())
}

const AGGREGATES: [fn(&Scores) -> f64; 3] =
    [aggregate::mean, aggregate::median, aggregate::interquartile_mean];

proptest! {
    #[test]
    fn aggregates_lie_within_the_scores(tasks in tasks()) {
        let all = tasks.concat();
        let (least, most) = (all.iter().copied().fold(f64::MAX, f64::min), all.iter().copied().fold(f64::MIN, f64::max));
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
            close(aggregate(&scores(&tasks)), aggregate(&scores(&turned)))?;
        }
        close(aggregate::optimality_gap(&scores(&tasks), 1.0), aggregate::optimality_gap(&scores(&turned), 1.0))?;
    }

    #[test]
    fn aggregates_follow_a_change_of_units(tasks in tasks(), scale in 0.1f64..5.0, shift in -3.0f64..3.0) {
        let changed: Vec<Vec<f64>> =
            tasks.iter().map(|task| task.iter().map(|score| scale * score + shift).collect()).collect();
        for aggregate in AGGREGATES {
            close(scale * aggregate(&scores(&tasks)) + shift, aggregate(&scores(&changed)))?;
        }
        let gap = |tasks: &[Vec<f64>], target| aggregate::optimality_gap(&scores(tasks), target);
        close(scale * gap(&tasks, 1.0), gap(&changed, scale + shift))?;
    }

    #[test]
    fn weights_of_tasks_change_nothing_where_runs_are_even(rows in prop::collection::vec(prop::collection::vec(-5.0f64..5.0, 3), 1..9)) {
        // The same scores with every run of the last task twice: as if nothing had happened.
        let even = Scores::from_rows(&rows).unwrap();
        let mut tasks: Vec<Vec<f64>> = even.iter().map(<[f64]>::to_vec).collect();
        let twice = tasks[2].clone();
        tasks[2].extend(twice);
        let ragged = scores(&tasks);
        prop_assert!(ragged.even().is_none());
        close(aggregate::mean(&even), aggregate::mean(&ragged))?;
        close(aggregate::optimality_gap(&even, 1.0), aggregate::optimality_gap(&ragged, 1.0))?;
        for t in [-1.0, 0.0, 2.5] {
            close(profile(&even, &[t], Counted::Runs).unwrap()[0], profile(&ragged, &[t], Counted::Runs).unwrap()[0])?;
        }
        if (3 * rows.len()).is_multiple_of(4) {
            // A quarter of the runs is whole both times, if no half of a doubled run is cut off.
            let mut all: Vec<f64> = even.values().to_vec();
            all.sort_by(f64::total_cmp);
            let cut = all.len() / 4;
            let expected = all[cut..all.len() - cut].iter().sum::<f64>() / (all.len() - 2 * cut) as f64;
            close(aggregate::interquartile_mean(&ragged), expected)?;
        }
    }

    #[test]
    fn one_of_two_wins(tasks in tasks(), other in tasks()) {
        let count = tasks.len().min(other.len());
        let (x, y) = (scores(&tasks[..count]), scores(&other[..count]));
        let wins = improvement::probability(&x, &y).unwrap();
        close(wins + improvement::probability(&y, &x).unwrap(), 1.0)?;
        prop_assert!((0.0..=1.0).contains(&wins));
        close(improvement::probability(&x, &x).unwrap(), 0.5)?;
        let mut by_hand = 0.0;
        for (x, y) in x.iter().zip(y.iter()) {
            let pairs = x.iter().flat_map(|a| y.iter().map(move |b| if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 }));
            by_hand += pairs.sum::<f64>() / (x.len() * y.len()) as f64 / count as f64;
        }
        close(wins, by_hand)?;
    }

    #[test]
    fn a_profiles_area_is_the_mean(tasks in tasks()) {
        // Scores are eighths: right of each of them the profile is constant up to the next.
        let thresholds: Vec<f64> = (-40..40).map(|i| f64::from(i) / 8.0).collect();
        let shares = profile(&scores(&tasks), &thresholds, Counted::Runs).unwrap();
        prop_assert!(shares.windows(2).all(|pair| pair[0] >= pair[1]));
        let area = shares.iter().sum::<f64>() / 8.0 - 5.0;
        close(area, aggregate::mean(&scores(&tasks)))?;
    }

    #[test]
    fn intervals_follow_a_change_of_units(tasks in tasks(), shift in -3.0f64..3.0) {
        let quick = Bootstrap { repetitions: 200, ..Bootstrap::default() };
        for method in [Method::Percentile, Method::Basic] {
            let of = |tasks: &[Vec<f64>]| {
                let bootstrap = Bootstrap { method, ..quick };
                bootstrap.estimate(&scores(tasks), aggregate::interquartile_mean).unwrap()
            };
            let shifted: Vec<Vec<f64>> =
                tasks.iter().map(|task| task.iter().map(|score| 2.0 * score + shift).collect()).collect();
            let (one, other) = (of(&tasks), of(&shifted));
            close(2.0 * one.low + shift, other.low)?;
            close(2.0 * one.high + shift, other.high)?;
            prop_assert!(one.low <= one.high);
        }
    }

    #[test]
    fn risk_grows_from_the_worst_to_the_mean(runs in prop::collection::vec(-5.0f64..5.0, 1..9), a in 0.01f64..1.0, b in 0.01f64..1.0) {
        let cvar = |share: f64| conditional_value_at_risk(&runs, share).unwrap();
        prop_assert!(cvar(a.min(b)) <= cvar(a.max(b)) + 1e-12);
        close(cvar(1.0), runs.iter().sum::<f64>() / runs.len() as f64)?;
    }

    #[test]
    fn tuning_for_each_task_is_never_worse(rows in prop::collection::vec(prop::collection::vec(-5.0f64..5.0, 4), 1..6)) {
        let sensitivity = Sensitivity::of(&rows).unwrap();
        prop_assert!(sensitivity.phi() >= -1e-12);
        let one_task = Sensitivity::of(&rows[..1]).unwrap();
        close(one_task.phi(), 0.0)?;
    }

    #[test]
    fn areas_add_up(values in prop::collection::vec(-5.0f64..5.0, 2..9), part in 0.01f64..1.0) {
        let steps: Vec<f64> = (0..values.len()).map(|i| 3.0 * i as f64).collect();
        let curve = Curve::new(steps, values).unwrap();
        let (end, last) = curve.last();
        let middle = part * end;
        let rest = Curve::new(
            [middle].into_iter().chain(curve.steps().iter().copied().filter(|&step| step > middle)).map(|step| step - middle).collect(),
            [curve.at(middle).unwrap()].into_iter().chain(curve.steps().iter().zip(curve.values()).filter(|(step, _)| **step > middle).map(|(_, value)| *value)).collect(),
        ).unwrap();
        prop_assert_eq!(rest.last().1, if middle < end { last } else { curve.at(middle).unwrap() });
        if middle < end {
            let sum = area::under(&curve, middle).unwrap() * middle + area::under(&rest, end - middle).unwrap() * (end - middle);
            prop_assert!((sum - area::under(&curve, end).unwrap() * end).abs() < 1e-9);
        }
    }

    #[test]
    fn welch_does_not_care_for_units(x in prop::collection::vec(-5.0f64..5.0, 2..9), y in prop::collection::vec(-5.0f64..5.0, 2..9)) {
        let change = |sample: &[f64]| sample.iter().map(|score| 1000.0 * score + 7.0).collect::<Vec<_>>();
        if let (Ok(one), Ok(other)) = (Welch::test(&x, &y, 0.95), Welch::test(&change(&x), &change(&y), 0.95)) {
            prop_assert!((one.p - other.p).abs() < 1e-9);
            prop_assert_eq!(one.p < 0.05, !(one.low..=one.high).contains(&0.0), "p and the interval agree");
        }
    }

    #[test]
    fn every_estimate_of_any_runs_is_a_number_or_an_error(tasks in prop::collection::vec(prop::collection::vec(any::<f64>(), 0..4), 0..4)) {
        let quick = Bootstrap { repetitions: 100, method: Method::Bca, ..Bootstrap::default() };
        if let Ok(scores) = Scores::new(tasks.clone()) {
            if let Ok(estimate) = quick.estimate(&scores, aggregate::interquartile_mean) {
                prop_assert!(!estimate.low.is_nan() && !estimate.high.is_nan());
            }
            let _ = Welch::test(scores.task(0), scores.task(scores.tasks() - 1), 0.9);
        }
        if let Ok(runs) = Runs::of(tasks) {
            let _ = quick.estimate(&runs, aggregate::mean);
        }
    }
}
