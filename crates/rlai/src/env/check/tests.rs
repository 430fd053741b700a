use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::env::Space;
use crate::env::{Action, BoxSpace, Probe, ProbeKind, ProbeSpace, Step, StepError};
use crate::env::{builtin_tasks, make_named};
use crate::random::{Stream, StreamState};

/// What a task does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    EmptyObservation,
    UnorderedObservation,
    UnboundedAction,
    NoChoice,
    Breaks,
    BreaksAtReset,
    LeavesItsSpace,
    WritesNaN,
    WritesNothing,
    InfiniteReward,
    EndsForTwoReasons,
    EndsTooLate,
    EndsTooEarly,
    EndsWithoutALimit,
    CountsItsInstances,
    ForgetsToRestart,
    WearsOut,
    SnapshotLacksVelocity,
    RestoreShowsAnother,
    HidesItsRandomNumbers,
    LosesItsRandomNumbers,
    NoSnapshot,
}

/// A point that is pushed, with a velocity that is not seen; it terminates beyond 3.
struct Point {
    fault: Fault,
    instance: usize,
    state: [f64; 2],
    steps: usize,
    /// Steps since it was made.
    ever: usize,
    wind: Stream,
    observation: BoxSpace,
    action: Space,
}

const LIMIT: usize = 12;

impl Point {
    fn new(fault: Fault) -> Self {
        static INSTANCES: AtomicUsize = AtomicUsize::new(0);
        let (low, high) = (vec![-20.0], vec![20.0]);
        let observation = match fault {
            Fault::EmptyObservation => BoxSpace { low: vec![], high: vec![] },
            Fault::UnorderedObservation => BoxSpace { low: high, high: low },
            _ => BoxSpace { low, high },
        };
        let action = match fault {
            Fault::UnboundedAction => BoxSpace::unbounded(1).into(),
            Fault::NoChoice => Space::Factored(vec![2, 0]),
            _ => BoxSpace::uniform(1, -1.0, 1.0).into(),
        };
        let instance = INSTANCES.fetch_add(1, Ordering::Relaxed);
        let wind = Key::from_seed(0).stream("wind");
        Self { fault, instance, state: [0.0; 2], steps: 0, ever: 0, wind, observation, action }
    }

    fn observe(&self, observation: &mut [f64]) {
        match self.fault {
            Fault::WritesNothing => (),
            Fault::WritesNaN if self.steps == 5 => observation[0] = f64::NAN,
            Fault::LeavesItsSpace if self.steps == 5 => observation[0] = 20.5,
            _ => observation[0] = self.state[0],
        }
    }
}

/// Random numbers of the steps, from what a reset is given.
fn wind(random: &mut Stream) -> Stream {
    Key::from_seed(random.below(usize::MAX) as u64).stream("wind")
}

impl Environment for Point {
    fn id(&self) -> &str {
        "Point"
    }

    fn observation_space(&self) -> &BoxSpace {
        &self.observation
    }

    fn action_space(&self) -> &Space {
        &self.action
    }

    fn time_limit(&self) -> Option<usize> {
        (self.fault != Fault::EndsWithoutALimit).then_some(LIMIT)
    }

    fn reset(&mut self, random: &mut Stream, observation: &mut [f64]) -> Result<(), StepError> {
        if self.fault == Fault::BreaksAtReset {
            return Err(StepError::Unstable("no start".to_owned()));
        }
        let velocity = if self.fault == Fault::ForgetsToRestart { self.state[1] } else { 0.0 };
        self.state = [random.uniform(-0.5, 0.5), velocity];
        self.steps = 0;
        self.wind = wind(random);
        self.observe(observation);
        Ok(())
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        let [position, velocity] = &mut self.state;
        *velocity = 0.9 * *velocity + 0.5 * action.get(0) + self.wind.uniform(-0.01, 0.01);
        *position = (*position + *velocity).clamp(-20.0, 20.0);
        if self.fault == Fault::CountsItsInstances && self.instance % 2 == 1 {
            *position += 1e-9;
        }
        self.steps += 1;
        self.ever += 1;
        if self.fault == Fault::Breaks && self.steps == 5 {
            return Err(StepError::Unstable("five steps are too many".to_owned()));
        }
        // From then on every episode has one step, after any history.
        let worn_out = self.fault == Fault::WearsOut && self.ever > 5;
        let terminated = self.state[0].abs() > 3.0 || worn_out;
        let limit = match self.fault {
            Fault::EndsTooEarly => LIMIT - 1,
            Fault::EndsTooLate => LIMIT + 1,
            _ => LIMIT,
        };
        let is_late = self.steps >= limit;
        let truncated = match self.fault {
            Fault::EndsForTwoReasons => is_late || (terminated && self.steps == LIMIT),
            _ => is_late && !terminated,
        };
        let ends_twice = self.fault == Fault::EndsForTwoReasons && is_late;
        self.observe(observation);
        let broken = self.fault == Fault::InfiniteReward && self.steps == 7;
        let reward = if broken { f64::INFINITY } else { -self.state[0].abs() };
        Ok(Step { reward, terminated: terminated || ends_twice, truncated })
    }

    fn snapshot(&self) -> Option<Vec<f64>> {
        let steps = self.steps as f64;
        match self.fault {
            Fault::NoSnapshot => None,
            Fault::SnapshotLacksVelocity => Some(vec![self.state[0], steps]),
            _ => Some(vec![self.state[0], steps, self.state[1]]),
        }
    }

    fn restore(
        &mut self,
        snapshot: &[f64],
        random: &mut Stream,
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        self.wind = wind(random);
        self.state[0] = snapshot[0];
        self.steps = snapshot[1] as usize;
        if let Some(&velocity) = snapshot.get(2) {
            self.state[1] = velocity;
        }
        self.observe(observation);
        if self.fault == Fault::RestoreShowsAnother {
            observation[0] += 1.0;
        }
        Ok(())
    }

    fn random_state(&self) -> Option<StreamState> {
        (self.fault != Fault::HidesItsRandomNumbers).then(|| self.wind.state())
    }

    fn set_random_state(&mut self, state: &StreamState) -> Result<(), StepError> {
        if self.fault != Fault::LosesItsRandomNumbers {
            self.wind = Stream::from_state(state);
        }
        Ok(())
    }
}

fn failures(findings: &[Finding]) -> Vec<&'static str> {
    let failed = findings.iter().filter(|finding| finding.outcome == Outcome::Fail);
    failed.map(|finding| finding.check).collect()
}

#[test]
fn every_fault_fails_its_check_and_no_other() {
    for (fault, expected) in [
        (Fault::None, None),
        (Fault::NoSnapshot, None),
        (Fault::EmptyObservation, Some("spaces")),
        (Fault::UnorderedObservation, Some("spaces")),
        (Fault::UnboundedAction, Some("spaces")),
        (Fault::NoChoice, Some("spaces")),
        (Fault::Breaks, Some("play")),
        (Fault::BreaksAtReset, Some("play")),
        (Fault::LeavesItsSpace, Some("observations")),
        (Fault::WritesNaN, Some("observations")),
        (Fault::WritesNothing, Some("observations")),
        (Fault::InfiniteReward, Some("rewards")),
        (Fault::EndsForTwoReasons, Some("ends")),
        (Fault::EndsTooLate, Some("time limit")),
        (Fault::EndsTooEarly, Some("time limit")),
        (Fault::EndsWithoutALimit, Some("time limit")),
        (Fault::ForgetsToRestart, Some("reset")),
        (Fault::WearsOut, Some("reset")),
        (Fault::SnapshotLacksVelocity, Some("snapshot")),
        (Fault::RestoreShowsAnother, Some("snapshot")),
        (Fault::HidesItsRandomNumbers, Some("snapshot")),
        (Fault::LosesItsRandomNumbers, Some("snapshot")),
    ] {
        let findings = check(Point::new(fault), Point::new(fault), &CheckOptions::default());
        assert_eq!(failures(&findings), Vec::from_iter(expected), "{fault:?}: {findings:#?}");
    }
}

/// Instances that differ fail wherever two are compared.
#[test]
fn what_depends_on_the_instance_is_found() {
    // Which of two consecutive instances is odd does not matter.
    let fault = Fault::CountsItsInstances;
    let (mut one, mut other) = (Point::new(fault), Point::new(fault));
    (one.instance, other.instance) = (0, 1);
    let findings = check(one, other, &CheckOptions::default());
    assert_eq!(failures(&findings), ["determinism", "reset", "snapshot"]);
}

#[test]
fn findings_say_what_was_seen() {
    let told = |fault, check_name| {
        let findings = check(Point::new(fault), Point::new(fault), &CheckOptions::default());
        let found = findings.into_iter().find(|finding| finding.check == check_name).unwrap();
        (found.outcome, found.detail)
    };
    assert_eq!(told(Fault::NoSnapshot, "snapshot").1, "not offered by this task");
    assert_eq!(told(Fault::NoSnapshot, "snapshot").0, Outcome::Skip);
    let broken = "step 4: the simulator became unstable: five steps are too many";
    assert_eq!(told(Fault::Breaks, "play").1, broken);
    assert_eq!(told(Fault::Breaks, "reset").0, Outcome::Skip);
    let unwritten = "reset before step 0: number 0 is NaN, or was not written";
    assert_eq!(told(Fault::WritesNothing, "observations").1, unwritten);
    let late = "the limit is 12";
    assert!(told(Fault::EndsTooLate, "time limit").1.contains(late));
    let (outcome, played) = told(Fault::None, "play");
    assert!(outcome == Outcome::Pass && played.starts_with("2000 steps, "), "{played}");
}

#[test]
fn every_task_of_this_crate_keeps_the_contract() {
    let mut names: Vec<String> = builtin_tasks().into_iter().map(|task| task.id).collect();
    for kind in ProbeKind::ALL {
        names.extend(ProbeSpace::ALL.map(|space| Probe::new(kind, space).id().to_owned()));
    }
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    names.push(format!("grid:{examples}/grid.txt"));
    names.push(format!("tabular:{examples}/process.json"));
    names.push(format!("tabular-stationary:{examples}/switch-or-stay.json"));
    for name in names {
        for seed in 0..3 {
            let make = || make_named(&name).unwrap().unwrap();
            let findings = check(make(), make(), &CheckOptions { seed, steps: 3000 });
            assert_eq!(findings.len(), 9, "{name}");
            assert!(failures(&findings).is_empty(), "{name}: {findings:#?}");
            let snapshot = findings.last().unwrap();
            assert_eq!(snapshot.outcome, Outcome::Pass, "{name}: {snapshot:?}");
        }
    }
}
