//! How long a study will still take, from how long its runs took so far.

use std::collections::BTreeMap;

use super::plan::Plan;
use super::standing::{RunStanding, State};

/// What is known of every run's pace.
#[derive(Clone, Debug)]
pub struct Forecast {
    runs: Vec<Pace>,
    jobs: usize,
}

#[derive(Clone, Debug)]
struct Pace {
    variant: usize,
    /// Steps that are still to do; none once the run has ended.
    steps_left: u64,
    /// Seconds a step; none before it is known.
    seconds: Option<f64>,
}

impl Forecast {
    /// From how the runs of a study stand; `jobs` of them run at a time.
    pub fn new(plan: &Plan, standings: &[RunStanding], jobs: usize) -> Self {
        let pace = |(run, standing): (&super::plan::PlannedRun, &RunStanding)| {
            let done = matches!(standing.state, State::Finished | State::Refused);
            let per_step = |time: f64| (standing.step > 0).then(|| time / standing.step as f64);
            let seconds = match done {
                true => standing.time_seconds.and_then(per_step),
                false => standing.steps_per_second.filter(|&rate| rate > 0.0).map(|r| 1.0 / r),
            };
            let steps_left = standing.steps.saturating_sub(standing.step);
            Pace {
                variant: run.variant,
                steps_left: if done { 0 } else { steps_left },
                seconds: seconds.filter(|seconds| seconds.is_finite()),
            }
        };
        Self { runs: plan.runs.iter().zip(standings).map(pace).collect(), jobs: jobs.max(1) }
    }

    /// A run advanced; `seconds` a step, if that is known.
    pub fn advanced(&mut self, run: usize, steps_left: u64, seconds: Option<f64>) {
        let pace = &mut self.runs[run];
        pace.steps_left = steps_left;
        pace.seconds = seconds.filter(|seconds| seconds.is_finite()).or(pace.seconds);
    }

    /// A run ended, for whatever reason.
    pub fn ended(&mut self, run: usize) {
        self.runs[run].steps_left = 0;
    }

    /// Only these runs count from now on.
    pub fn only(&mut self, runs: &[usize]) {
        for (index, pace) in self.runs.iter_mut().enumerate() {
            if !runs.contains(&index) {
                pace.steps_left = 0;
            }
        }
    }

    /// Seconds until the last run ends; none before anything is known. A run of unknown pace takes that of
    /// its variant, or the mean of all variants.
    pub fn seconds_left(&self) -> Option<f64> {
        let paces = self.paces();
        let mean = paces.values().sum::<f64>() / paces.len() as f64;
        let left = self.runs.iter().filter(|run| run.steps_left > 0).map(|run| {
            let known = run.seconds.or_else(|| paces.get(&run.variant).copied());
            run.steps_left as f64 * known.unwrap_or(mean)
        });
        let (sum, longest) =
            left.fold((0.0, 0.0), |(sum, longest), one| (sum + one, f64::max(longest, one)));
        // Without any known pace the mean is that of nothing.
        let known = f64::is_finite(sum);
        known.then(|| f64::max(sum / self.jobs as f64, longest))
    }

    /// Mean seconds a step of each variant of which anything is known.
    fn paces(&self) -> BTreeMap<usize, f64> {
        let mut known: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for run in &self.runs {
            known.entry(run.variant).or_default().extend(run.seconds);
        }
        known.retain(|_, seconds| !seconds.is_empty());
        let mean = |seconds: Vec<f64>| seconds.iter().sum::<f64>() / seconds.len() as f64;
        known.into_iter().map(|(variant, seconds)| (variant, mean(seconds))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecast(runs: &[(usize, u64, Option<f64>)], jobs: usize) -> Forecast {
        let pace = |&(variant, steps_left, seconds)| Pace { variant, steps_left, seconds };
        Forecast { runs: runs.iter().map(pace).collect(), jobs }
    }

    #[test]
    fn runs_share_the_cores() {
        // 10 s and 20 s of variant 0 (2 s a step), 40 s of variant 1 (4 s a step).
        let runs = [(0, 5, Some(2.0)), (0, 10, None), (1, 10, Some(4.0))];
        assert_eq!(forecast(&runs, 1).seconds_left(), Some(70.0));
        // On many cores the longest run alone counts.
        assert_eq!(forecast(&runs, 8).seconds_left(), Some(40.0));
        assert_eq!(forecast(&runs, 2).seconds_left(), Some(40.0));
    }

    #[test]
    fn an_unknown_variant_takes_the_mean_of_the_known() {
        let runs = [(0, 0, Some(1.0)), (1, 0, Some(3.0)), (2, 10, None)];
        assert_eq!(forecast(&runs, 1).seconds_left(), Some(20.0));
        assert_eq!(forecast(&[(0, 10, None)], 1).seconds_left(), None);
        assert_eq!(forecast(&[(0, 0, None)], 1).seconds_left(), Some(0.0));
    }

    #[test]
    fn what_is_told_while_running_counts() {
        let mut forecast = forecast(&[(0, 100, None), (0, 100, None), (1, 100, None)], 1);
        forecast.advanced(0, 50, Some(2.0));
        assert_eq!(forecast.seconds_left(), Some(500.0));
        forecast.ended(0);
        assert_eq!(forecast.seconds_left(), Some(400.0));
        forecast.only(&[1]);
        assert_eq!(forecast.seconds_left(), Some(200.0));
    }
}
