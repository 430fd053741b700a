use std::time::Duration;

use rlai::train::{Phase, Profile};
use serde::Serialize;

/// Time in each phase, summed over turns and runs.
#[derive(Clone, Debug, Default)]
pub struct Phases {
    spent: [Duration; Phase::ALL.len()],
    /// Environment steps that it was spent on.
    pub steps: u64,
}

/// One phase for people and programs.
#[derive(Debug, PartialEq, Serialize)]
pub struct PhaseReport {
    phase: &'static str,
    /// A training step's time in it.
    milliseconds: f64,
    /// Of a training step's time.
    share: f64,
}

impl Phases {
    pub fn add(&mut self, profile: &Profile) {
        for (sum, phase) in self.spent.iter_mut().zip(Phase::ALL) {
            *sum += profile.spent(phase);
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (sum, part) in self.spent.iter_mut().zip(other.spent) {
            *sum += part;
        }
        self.steps += other.steps;
    }

    /// Every phase, in the order of a step.
    pub fn report(&self) -> Vec<PhaseReport> {
        let total = self.spent.iter().sum::<Duration>().as_secs_f64();
        let of = |(phase, spent): (Phase, &Duration)| PhaseReport {
            phase: phase.name(),
            milliseconds: 1e3 * spent.as_secs_f64() / self.steps as f64,
            share: spent.as_secs_f64() / total,
        };
        Phase::ALL.into_iter().zip(&self.spent).map(of).collect()
    }
}

/// A line a phase, and their sum.
pub fn print(phases: &[PhaseReport]) {
    line_out!("{:<20}{:>12}{:>10}", "phase of a step", "ms", "share");
    for PhaseReport { phase, milliseconds, share } in phases {
        line_out!("{phase:<20}{milliseconds:>12.4}{:>9.1}%", 100.0 * share);
    }
    let total: f64 = phases.iter().map(|phase| phase.milliseconds).sum();
    line_out!("{:<20}{total:>12.4}", "step");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_one_and_times_are_a_step_s() {
        let mut phases = Phases::default();
        phases.spent[Phase::Critics as usize] = Duration::from_millis(30);
        phases.spent[Phase::Policy as usize] = Duration::from_millis(10);
        phases.steps = 2;
        let mut both = phases.clone();
        both.merge(&phases);
        for phases in [phases, both] {
            let report = phases.report();
            let [critics, policy] = [Phase::Critics, Phase::Policy].map(|p| &report[p as usize]);
            assert_eq!(
                (critics.phase, critics.milliseconds, critics.share),
                ("critics", 15.0, 0.75)
            );
            assert_eq!((policy.phase, policy.milliseconds, policy.share), ("policy", 5.0, 0.25));
            assert_eq!(report.iter().map(|phase| phase.share).sum::<f64>(), 1.0);
        }
    }
}
