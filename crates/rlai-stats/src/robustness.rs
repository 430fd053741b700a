//! How much of a score is left under another value of a hyper-parameter.

use crate::aggregate;
use crate::bootstrap::{Bootstrap, Estimate};
use crate::error::{Error, Result, finite, open_share};
use crate::scores::{Scores, mean as mean_of, same_tasks};
use crate::welch::{Part, Welch};

/// Retention: the mean score (for example the area under the curve) with the changed value over that with the
/// usual one, such as a buffer of 50,000 over one of a million. Means of task means.
///
/// # Errors
/// Other numbers of tasks; a mean of the usual value, of the runs or a resample, that is not above 0.
pub fn retention(changed: &Scores, usual: &Scores, bootstrap: &Bootstrap) -> Result<Estimate> {
    same_tasks(changed, usual)?;
    let ratio = |groups: &[Scores], out: &mut [f64]| {
        let usual = aggregate::mean(&groups[1]);
        out[0] = if usual > 0.0 { aggregate::mean(&groups[0]) / usual } else { f64::NAN };
    };
    let estimates = bootstrap.estimates(&[changed, usual], 1, ratio);
    let undefined = |error| match error {
        Error::Undefined { .. } => Error::undefined(
            "the retention",
            "the mean with the usual value is not above 0, of the runs or of a resample",
        ),
        other => other,
    };
    Ok(estimates.map_err(undefined)?[0])
}

/// Scores of two algorithms, each with a changed and with the usual value of a hyper-parameter.
#[derive(Clone, Copy, Debug)]
pub struct TwoByTwo<'a> {
    /// The candidate with the changed value.
    pub candidate_changed: &'a Scores,
    /// The candidate with the usual value.
    pub candidate_usual: &'a Scores,
    /// The baseline with the changed value.
    pub baseline_changed: &'a Scores,
    /// The baseline with the usual value.
    pub baseline_usual: &'a Scores,
}

/// The difference in differences: what the change does to the candidate, less what it does to the baseline, in
/// the scores' units (normalised scores, means of task means). Of few runs its interval is too narrow: whether
/// "the candidate is more robust" is for [`difference_in_differences_test`] to say. Intervals that do not
/// overlap at the changed value are not enough.
///
/// # Errors
/// Other numbers of tasks, and what [`Bootstrap::estimates`] refuses.
pub fn difference_in_differences(scores: &TwoByTwo, bootstrap: &Bootstrap) -> Result<Estimate> {
    let groups = [
        scores.candidate_changed,
        scores.candidate_usual,
        scores.baseline_changed,
        scores.baseline_usual,
    ];
    groups.iter().try_for_each(|group| same_tasks(groups[0], group))?;
    let difference = |groups: &[Scores], out: &mut [f64]| {
        let mean = |i: usize| aggregate::mean(&groups[i]);
        out[0] = (mean(0) - mean(1)) - (mean(2) - mean(3));
    };
    Ok(bootstrap.estimates(&groups, 1, difference)?[0])
}

/// The same difference in differences by Student's t: its variance is that of the means behind it, each with its
/// own, and its degrees of freedom are Satterthwaite's (1946). With few runs decide by this: three runs of each
/// of normal scores hold its level, while percentiles of the bootstrap exclude 0 too often. It supposes means
/// that are about normal.
///
/// # Errors
/// Other numbers of tasks; fewer than two runs of one; no variance at all; a level outside of 0 to 1.
pub fn difference_in_differences_test(scores: &TwoByTwo, level: f64) -> Result<Welch> {
    open_share("level", level)?;
    let groups = [
        (scores.candidate_changed, 1.0),
        (scores.candidate_usual, -1.0),
        (scores.baseline_changed, -1.0),
        (scores.baseline_usual, 1.0),
    ];
    groups.iter().try_for_each(|(group, _)| same_tasks(groups[0].0, group))?;
    if groups.iter().flat_map(|(group, _)| group.iter()).any(|runs| runs.len() < 2) {
        return Err(Error::too_few("scores of a sample", 2));
    }
    let difference = groups.iter().map(|(group, sign)| sign * aggregate::mean(group)).sum();
    let of_group = |(group, sign): &(&Scores, f64)| {
        let weight = sign / group.tasks() as f64;
        group.iter().map(|runs| Part::of(runs, weight)).collect::<Vec<Part>>()
    };
    Welch::of_means(difference, &groups.iter().flat_map(of_group).collect::<Vec<Part>>(), level)
}

/// Sensitivity to a hyper-parameter over a grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sensitivity {
    /// The mean over tasks of the best normalised score of any setting: each task tuned for itself.
    pub tuned_per_task: f64,
    /// The best mean over tasks of one setting.
    pub tuned_once: f64,
    /// That setting's number.
    pub setting: usize,
}

impl Sensitivity {
    /// Of normalised scores by task and setting, `scores[e][h]`, each usually a mean over runs.
    ///
    /// # Errors
    /// No task or setting, tasks with other numbers of settings, scores that are not finite.
    pub fn of(scores: &[Vec<f64>]) -> Result<Self> {
        let settings = scores.first().map_or(0, Vec::len);
        if settings == 0 {
            return Err(Error::too_few("tasks with settings", 1));
        }
        for task in scores {
            finite("scores", task)?;
            if task.len() != settings {
                let allowed = format!("{settings}, as the first task has");
                return Err(Error::parameter("settings", task.len(), &allowed));
            }
        }
        let best = |task: &Vec<f64>| task.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let tuned_per_task = mean_of(&scores.iter().map(best).collect::<Vec<_>>());
        let mean = |h: usize| mean_of(&scores.iter().map(|task| task[h]).collect::<Vec<_>>());
        let (setting, tuned_once) = (1..settings).fold((0, mean(0)), |best, h| match mean(h) {
            mean if mean > best.1 => (h, mean),
            _ => best,
        });
        Ok(Self { tuned_per_task, tuned_once, setting })
    }

    /// Phi: how much is gained by tuning for each task; 0 where one setting is best everywhere, lower is less
    /// sensitive (after Adkins, Bowling and White 2024, "A Method for Evaluating Hyperparameter Sensitivity in
    /// Reinforcement Learning", NeurIPS).
    pub fn phi(&self) -> f64 {
        self.tuned_per_task - self.tuned_once
    }
}

/// The least score.
///
/// # Errors
/// No scores, or such that are not finite.
pub fn worst_case(scores: &[f64]) -> Result<f64> {
    finite("scores", scores)?;
    scores.iter().copied().min_by(f64::total_cmp).ok_or_else(|| Error::too_few("scores", 1))
}

/// The conditional value at risk: the mean of the worst `share` of the scores, the last of them counted in
/// part where the share is no whole number of scores.
///
/// # Errors
/// No scores, such that are not finite, a share that is not above 0 and at most 1.
///
/// ```
/// # use rlai_stats::robustness::conditional_value_at_risk;
/// // The worst 1.5 of four: 1, and half of 2.
/// assert_eq!(conditional_value_at_risk(&[4.0, 2.0, 1.0, 3.0], 0.375)?, 2.0 / 1.5);
/// # Ok::<(), rlai_stats::Error>(())
/// ```
pub fn conditional_value_at_risk(scores: &[f64], share: f64) -> Result<f64> {
    worst_case(scores)?;
    if !(share > 0.0 && share <= 1.0) {
        return Err(Error::parameter("share", share, "above 0, at most 1"));
    }
    let mut sorted = scores.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let counted = share * sorted.len() as f64;
    let weighted = |(i, score): (usize, &f64)| score * (counted - i as f64).clamp(0.0, 1.0);
    Ok(sorted.iter().enumerate().map(weighted).sum::<f64>() / counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuning_for_each_task_may_gain_a_half() {
        let apart = Sensitivity::of(&[vec![1.0, 0.0], vec![0.0, 1.0]]).unwrap();
        assert_eq!((apart.tuned_per_task, apart.tuned_once, apart.phi()), (1.0, 0.5, 0.5));
        let one = Sensitivity::of(&[vec![0.2, 0.9, 0.1], vec![0.5, 0.7, 0.8]]).unwrap();
        assert_eq!((one.setting, one.tuned_once), (1, 0.8));
        assert!((one.phi() - 0.05).abs() < 1e-12);
    }

    fn of(runs: &[f64]) -> Scores {
        Scores::of_task(runs).unwrap()
    }

    #[test]
    fn a_difference_in_differences_without_spread_on_one_side_is_welchs() {
        let (x, y) = ([3.0, 4.0, 6.0, 9.0], [1.0, 2.0, 2.5]);
        let four = TwoByTwo {
            candidate_changed: &of(&x),
            candidate_usual: &of(&[1.0; 3]),
            baseline_changed: &of(&y),
            baseline_usual: &of(&[1.0; 2]),
        };
        let ours = difference_in_differences_test(&four, 0.95).unwrap();
        let welch = Welch::test(&x, &y, 0.95).unwrap();
        for (ours, theirs) in [
            (ours.difference, welch.difference),
            (ours.t, welch.t),
            (ours.degrees, welch.degrees),
            (ours.p, welch.p),
            (ours.low, welch.low),
            (ours.high, welch.high),
        ] {
            assert!((ours - theirs).abs() < 1e-12, "{ours} and {theirs}");
        }
    }

    /// Two tasks alike: the same difference, half the variance, twice the degrees of freedom.
    #[test]
    fn tasks_halve_the_variance_and_too_few_runs_are_refused() {
        let runs = [[3.0, 4.0, 8.0], [1.0, 2.0, 4.0], [0.0, 2.0, 1.0], [2.0, 5.0, 5.0]];
        let test = |tasks: usize| {
            let [a, b, c, d] = runs.map(|runs| Scores::new(vec![runs.to_vec(); tasks]).unwrap());
            let four = TwoByTwo {
                candidate_changed: &a,
                candidate_usual: &b,
                baseline_changed: &c,
                baseline_usual: &d,
            };
            difference_in_differences_test(&four, 0.95).unwrap()
        };
        let (one, two) = (test(1), test(2));
        assert!((one.difference - (5.0 - 7.0 / 3.0 - 1.0 + 4.0)).abs() < 1e-12);
        // Variances 7, 7/3, 1 and 3 over three runs each.
        assert!((one.t - one.difference / (40.0f64 / 9.0).sqrt()).abs() < 1e-12);
        assert!((two.difference - one.difference).abs() < 1e-12);
        assert!((two.t / one.t - 2.0f64.sqrt()).abs() < 1e-12);
        assert!((two.degrees / one.degrees - 2.0).abs() < 1e-12);
        let (few, flat) = (of(&[1.0]), of(&[1.0, 1.0]));
        for scores in [&few, &flat] {
            let four = TwoByTwo {
                candidate_changed: scores,
                candidate_usual: scores,
                baseline_changed: scores,
                baseline_usual: scores,
            };
            assert!(difference_in_differences_test(&four, 0.95).is_err());
        }
    }
}
