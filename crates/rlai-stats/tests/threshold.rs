//! Steps to a threshold: censoring, the three readings, and null ranges of public curves of soft actor-critic.

mod common;

use common::{golden, is_quantile, numbers};
use rlai_stats::threshold::{self, Bound, Range, ReturnGain, SpeedUp, steps_to};
use rlai_stats::{Bootstrap, Curve, Runs, quantile};

const NEVER: f64 = f64::INFINITY;

fn curve(values: &[f64]) -> Curve {
    let steps = (1..=values.len()).map(|i| 10.0 * i as f64).collect();
    Curve::new(steps, values.to_vec()).unwrap()
}

fn quick() -> Bootstrap {
    Bootstrap { repetitions: 2_000, ..Bootstrap::default() }
}

#[test]
fn the_first_crossing_counts_whether_it_lasts_or_not() {
    let up_and_down = curve(&[1.0, 3.0, 2.0, 9.0]);
    assert_eq!(steps_to(&up_and_down, 2.0), Some(15.0));
    assert_eq!(steps_to(&up_and_down, 3.0), Some(20.0), "a point at the threshold is there");
    assert_eq!(steps_to(&up_and_down, 5.5), Some(35.0));
    assert_eq!(steps_to(&up_and_down, 1.0), Some(10.0));
    assert_eq!(steps_to(&up_and_down, -4.0), Some(10.0), "there from its first point on");
    assert_eq!(steps_to(&up_and_down, 9.5), None);
}

#[test]
fn smoothing_weighs_the_past_and_delays() {
    let step = curve(&[0.0, 1.0, 1.0, 1.0]);
    let smooth = step.smoothed(0.5).unwrap();
    assert_eq!(smooth.values(), [0.0, 0.5, 0.75, 0.875]);
    assert_eq!(step.smoothed(0.0).unwrap(), step);
    assert_eq!(steps_to(&step, 0.75), Some(17.5));
    assert_eq!(steps_to(&smooth, 0.75), Some(30.0));
    for weight in [1.0, -0.1, f64::NAN] {
        assert!(step.smoothed(weight).is_err());
    }
}

/// The golden ranges are of the ratio of medians of two samples of 5 or 10, both drawn from the ten runs, in
/// a number of resamples that is not known: taken to be at least 2,000.
#[test]
fn null_ranges_of_public_curves_are_as_they_were_found() {
    let golden = golden("steps_to_threshold");
    let golden = golden.as_object().unwrap();
    assert_eq!(golden.len(), 11);
    for (name, entry) in golden {
        let times = numbers(&entry["T"]);
        for (runs, key) in [(5, "null5"), (10, "null10")] {
            // Both samples of this size: every draw of a null range is from the baseline.
            let drawn = medians(&times, runs);
            let ends = numbers(&entry[key]);
            is_quantile(ends[0], &drawn, 0.025, 2_000);
            is_quantile(ends[1], &drawn, 0.975, 2_000);
            assert!(ends[0] < 1.0 && ends[1] > 1.0, "{name}");
        }
        let same = SpeedUp::of(&times, &times, &Bootstrap::default()).unwrap();
        let drawn = medians(&times, 10);
        is_quantile(null(&same).low, &drawn, 0.025, 50_000);
        is_quantile(null(&same).high, &drawn, 0.975, 50_000);
        assert_eq!(same.ratio.value, Some(1.0));
        assert!(!same.ratio.is_beyond_null());
        // As many are drawn for the candidate as it has runs: the median of ten over that of five.
        let fewer = SpeedUp::of(&times, &times[..5], &Bootstrap::default()).unwrap();
        let drawn = ratios(&of_medians(&times, 10), &of_medians(&times, 5));
        is_quantile(null(&fewer).low, &drawn, 0.025, 50_000);
        is_quantile(null(&fewer).high, &drawn, 0.975, 50_000);
    }
}

fn null(of: &SpeedUp) -> Range {
    of.ratio.null.unwrap()
}

fn interval(of: &SpeedUp) -> Range {
    of.ratio.interval.unwrap()
}

/// Ratios of two medians of `runs` times.
fn medians(times: &[f64], runs: usize) -> Vec<f64> {
    let one = of_medians(times, runs);
    ratios(&one, &one)
}

/// The values that a median of `runs` draws can have, with their probabilities. The probability of the two middle order statistics follows from the
/// multinomial distribution of how many draws fall below, on and above them.
fn of_medians(times: &[f64], runs: usize) -> Vec<(f64, f64)> {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let below_or_at = |i: usize| (i + 1) as f64 / n;
    let choose =
        |n: usize, k: usize| (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product::<f64>();
    // P(the k-th smallest of the draws is at most the i-th time), k from 1.
    let at_most = |k: usize, i: usize| {
        let p = below_or_at(i);
        (k..=runs)
            .map(|j| choose(runs, j) * p.powi(j as i32) * (1.0 - p).powi((runs - j) as i32))
            .sum::<f64>()
    };
    let mut values: Vec<(f64, f64)> = Vec::new();
    let middle = runs.div_ceil(2);
    for i in 0..sorted.len() {
        if runs % 2 == 1 {
            let before = if i == 0 { 0.0 } else { at_most(middle, i - 1) };
            values.push((sorted[i], at_most(middle, i) - before));
            continue;
        }
        for j in i..sorted.len() {
            // The lower middle is time i and the upper is time j.
            let probability = if i == j {
                let (low, here) = (i as f64 / n, 1.0 / n);
                (0..middle)
                    .flat_map(|below| (0..middle).map(move |above| (below, above)))
                    .map(|(below, above)| {
                        let on = runs - below - above;
                        choose(runs, below)
                            * choose(runs - below, above)
                            * low.powi(below as i32)
                            * (1.0 - low - here).max(0.0).powi(above as i32)
                            * here.powi(on as i32)
                    })
                    .sum::<f64>()
            } else {
                // Half of the draws up to i, of which one at least is i; half from j on, one at least is j.
                let (up_to, below) = (below_or_at(i), i as f64 / n);
                let (from, above) = (1.0 - j as f64 / n, 1.0 - below_or_at(j));
                let half = middle as i32;
                choose(runs, middle)
                    * (up_to.powi(half) - below.powi(half))
                    * (from.powi(half) - above.powi(half))
            };
            values.push(((sorted[i] + sorted[j]) / 2.0, probability));
        }
    }
    let total: f64 = values.iter().map(|value| value.1).sum();
    assert!((total - 1.0).abs() < 1e-12, "{total}");
    values
}

/// One over the other, exactly weighted: every pair of values as often as its probability says.
fn ratios(over: &[(f64, f64)], under: &[(f64, f64)]) -> Vec<f64> {
    let mut pairs: Vec<(f64, f64)> = over
        .iter()
        .flat_map(|one| under.iter().map(move |other| (one.0 / other.0, one.1 * other.1)))
        .collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let grain = 50_000.0;
    let mut sum = 0.0;
    let mut out = Vec::new();
    for (ratio, probability) in pairs {
        sum += probability;
        let until = (sum * grain).round() as usize;
        out.resize(until.max(out.len()), ratio);
    }
    out
}

#[test]
fn the_three_readings_of_sixty_percent_differ() {
    let baseline = [160.0; 6];
    let faster = SpeedUp::of(&baseline, &[100.0; 6], &quick()).unwrap();
    assert_eq!(faster.ratio.value, Some(1.6));
    assert!((faster.fewer_steps.value.unwrap() - 0.375).abs() < 1e-12, "62.5% of the steps");
    let range = |low: f64, high: f64| Range { low, high };
    assert_eq!(interval(&faster), range(1.6, 1.6), "runs that are all alike");
    assert_eq!(null(&faster), range(1.0, 1.0));
    assert!(faster.ratio.is_beyond_null() && faster.fewer_steps.is_beyond_null());
    let fewer = SpeedUp::of(&baseline, &[64.0; 6], &quick()).unwrap();
    assert_eq!(fewer.ratio.value, Some(2.5));
    assert!((fewer.fewer_steps.value.unwrap() - 0.6).abs() < 1e-12, "60% fewer steps");
    let (low, high) = (curve(&[0.0, 100.0]), curve(&[0.0, 160.0]));
    let gain =
        ReturnGain::at(&[20.0], &[low.clone(), low.clone()], &[high.clone(), high], &quick())
            .unwrap()[0];
    assert_eq!((gain.ratio.value, gain.baseline, gain.candidate), (Some(1.6), 100.0, 160.0));
    let halfway =
        ReturnGain::at(&[15.0], std::slice::from_ref(&low), std::slice::from_ref(&low), &quick())
            .unwrap()[0];
    assert_eq!((halfway.ratio.value, halfway.baseline), (Some(1.0), 50.0));
}

#[test]
fn both_readings_of_steps_say_the_same() {
    let (baseline, candidate) = ([300.0, 350.0, 280.0, 410.0, 500.0], [200.0, 260.0, 330.0, 210.0]);
    let one = SpeedUp::of(&baseline, &candidate, &quick()).unwrap();
    let (fewer, fewer_null) = (one.fewer_steps.interval.unwrap(), one.fewer_steps.null.unwrap());
    for (ratio, fewer) in [
        (one.ratio.value.unwrap(), one.fewer_steps.value.unwrap()),
        (interval(&one).low, fewer.low),
        (interval(&one).high, fewer.high),
        (null(&one).low, fewer_null.low),
        (null(&one).high, fewer_null.high),
    ] {
        // Percentiles between two resamples are interpolated on either scale.
        assert!((1.0 - 1.0 / ratio - fewer).abs() < 0.02, "{ratio} and {fewer}");
    }
    assert_eq!(one.ratio.value, Some(350.0 / 235.0));
}

#[test]
fn runs_that_never_get_there_count_as_later_than_all() {
    let some = SpeedUp::of(&[100.0, NEVER, 300.0, NEVER, 200.0], &[50.0; 5], &quick()).unwrap();
    assert_eq!((some.baseline.median, some.baseline.runs, some.baseline.of), (Some(300.0), 3, 5));
    assert_eq!(some.ratio.value, Some(6.0));
    assert_eq!(interval(&some).high, NEVER);
    assert!(interval(&some).low >= 2.0 && interval(&some).low < 6.0);
    assert_eq!(some.fewer_steps.interval.unwrap().high, 1.0);
    // Only the candidate, only the baseline, neither.
    let only = SpeedUp::of(&[NEVER; 4], &[50.0; 4], &quick()).unwrap();
    assert_eq!(
        (only.baseline.median, only.ratio.value, interval(&only).low),
        (None, Some(NEVER), NEVER)
    );
    assert_eq!(only.fewer_steps.value, Some(1.0));
    assert_eq!(null(&only), Range { low: 0.0, high: NEVER }, "nothing is known");
    assert!(!only.ratio.is_beyond_null());
    let lost = SpeedUp::of(&[50.0; 4], &[NEVER; 4], &quick()).unwrap();
    assert_eq!((lost.ratio.value, lost.fewer_steps.value), (Some(0.0), Some(f64::NEG_INFINITY)));
    let neither = SpeedUp::of(&[NEVER; 4], &[NEVER; 4], &quick()).unwrap();
    assert_eq!(neither.ratio.value, None);
    assert_eq!(interval(&neither), Range { low: 0.0, high: NEVER });
    assert!(!neither.ratio.is_beyond_null());
}

#[test]
fn a_baseline_without_returns_above_zero_has_no_gain() {
    let (low, high) = (curve(&[-5.0, -1.0]), curve(&[-5.0, 3.0]));
    let gain = ReturnGain::at(&[20.0], &vec![low; 3], &vec![high; 3], &quick()).unwrap()[0];
    assert_eq!(gain.ratio.value, None);
    assert_eq!(gain.ratio.interval, Some(Range { low: f64::NEG_INFINITY, high: NEVER }));
}

#[test]
fn one_or_two_runs_have_no_range() {
    let (slow, fast) = ([200.0, 210.0, 190.0, 205.0], [20.0, 21.0, 19.0, 20.5]);
    for (baseline, candidate) in [(1, 1), (1, 4), (2, 4), (2, 2), (3, 2), (4, 1), (3, 3)] {
        let of = SpeedUp::of(&slow[..baseline], &fast[..candidate], &quick()).unwrap();
        for reading in [of.ratio, of.fewer_steps] {
            assert!(reading.value.is_some());
            assert_eq!(reading.null.is_some(), baseline >= 3, "{baseline}, {candidate}");
            assert_eq!(reading.interval.is_some(), baseline.min(candidate) >= 3);
            assert_eq!(reading.is_beyond_null(), baseline >= 3);
        }
    }
}

#[test]
fn a_curve_is_cut_where_another_ends() {
    let curve = curve(&[0.0, 4.0, 2.0, 9.0]);
    assert_eq!(curve.until(40.0).unwrap(), curve);
    assert_eq!(curve.until(25.0).unwrap().steps(), [10.0, 20.0, 25.0]);
    assert_eq!(curve.until(25.0).unwrap().values(), [0.0, 4.0, 3.0]);
    assert_eq!(curve.until(10.0).unwrap().last(), (10.0, 0.0));
    assert_eq!(steps_to(&curve.until(25.0).unwrap(), 5.0), None);
    for step in [5.0, 41.0, f64::NAN] {
        assert!(curve.until(step).is_err(), "{step}");
    }
}

#[test]
fn a_grid_goes_from_a_start_to_the_baselines_end() {
    let baseline = [curve(&[10.0, 100.0]), curve(&[0.0, 300.0])];
    let grid = threshold::grid(&baseline, 0.0, &[0.25, 0.95]).unwrap();
    assert_eq!(grid, [50.0, 190.0]);
    assert_eq!(threshold::grid(&baseline, -200.0, &[0.5]).unwrap(), [0.0]);
    assert!(threshold::grid(&[], 0.0, &[0.5]).is_err());
    assert!(threshold::grid(&baseline, 0.0, &[f64::NAN]).is_err());
    let at = SpeedUp::at(&grid, &baseline, &baseline, &quick()).unwrap();
    assert_eq!(at.len(), 2);
    assert_eq!(at[0].baseline.median, quantile::median(&threshold::times(&baseline, 50.0)).ok());
    assert_eq!(at[1].baseline.runs, 1);
}

#[test]
fn times_that_are_none_are_refused() {
    for times in [&[][..], &[-1.0], &[f64::NAN]] {
        assert!(SpeedUp::of(times, &[1.0], &quick()).is_err());
        assert!(SpeedUp::of(&[1.0], times, &quick()).is_err());
    }
    assert!(ReturnGain::at(&[5.0], &[curve(&[1.0])], &[curve(&[1.0])], &quick()).is_err());
    assert!(Runs::<f64>::of(vec![vec![NEVER]]).is_ok(), "times may be infinite, scores may not");
}

/// The median of an even number of runs lies between two: where the later one was cut off, the earlier is known.
#[test]
fn bounds_hold_whatever_late_runs_would_have_done() {
    let bounds = |baseline: &[f64], candidate: &[f64], end: f64| {
        SpeedUp::of(baseline, candidate, &quick()).unwrap().beyond(end)
    };
    let four = [60.0; 4];
    let cut = bounds(&[20.0, 20.0, NEVER, NEVER], &four, 100.0);
    assert_eq!(cut, Some([Bound::Above(1.0), Bound::Above(0.0)]));
    let whole = SpeedUp::of(&[20.0, 20.0, 110.0, 110.0], &four, &quick()).unwrap();
    assert!(whole.ratio.value.unwrap() > 1.0);
    let turned = bounds(&four, &[20.0, 20.0, NEVER, NEVER], 100.0);
    assert_eq!(turned, Some([Bound::Below(1.0), Bound::Below(0.0)]));
    // Of an odd number nothing is known but the end.
    let odd = bounds(&[20.0, NEVER, NEVER], &[50.0; 3], 100.0);
    assert_eq!(odd, Some([Bound::Above(2.0), Bound::Above(0.5)]));
    let late = bounds(&[20.0, NEVER, NEVER, NEVER], &[50.0; 3], 100.0);
    assert_eq!(late, Some([Bound::Above(2.0), Bound::Above(0.5)]));
    assert_eq!(bounds(&[0.0; 3], &[NEVER; 3], 100.0), None, "there at once");
    assert_eq!(bounds(&[20.0; 3], &[50.0; 3], 100.0), None);
}
