//! The local engine: runs of a study as processes of this machine, as many at a time as there are cores.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::coordinator::Coordinator;
use super::plan::Plan;
use super::screen::Screen;
use super::worker::{self, Outcome};
use super::{Forecast, RunStanding};

/// How runs are started.
pub struct Pool<'a> {
    /// How many at the same time.
    pub jobs: usize,
    /// Also those that a process on another machine was at.
    pub take_over: bool,
    /// Set when all shall stop.
    pub stop: &'a AtomicBool,
    /// This process, as the one that runs the study.
    pub coordinator: &'a Coordinator,
}

/// Runs those of the plan's `runs`, by index; what became of them by index. Each is a process of its own:
/// one that crashes harms no other.
pub fn run_all(
    plan: &Plan,
    runs: &[usize],
    forecast: Forecast,
    manner: &Pool<'_>,
) -> BTreeMap<usize, Outcome> {
    let screen = Screen::new(plan, runs, forecast);
    let waiting: Mutex<VecDeque<usize>> = Mutex::new(runs.iter().copied().collect());
    let outcomes: Mutex<BTreeMap<usize, Outcome>> = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..manner.jobs.min(runs.len()) {
            scope.spawn(|| {
                loop {
                    let next = lock(&waiting).pop_front();
                    let Some(index) = next else { break };
                    let outcome = run_one(plan, index, &screen, manner);
                    lock(&outcomes).insert(index, outcome);
                }
            });
        }
    });
    screen.close();
    outcomes.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A thread that panicked leaves these lists whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn run_one(plan: &Plan, index: usize, screen: &Screen<'_>, manner: &Pool<'_>) -> Outcome {
    if manner.stop.load(Ordering::Relaxed) {
        return Outcome::Stopped;
    }
    if let Err(reason) = manner.coordinator.fence() {
        return Outcome::Failed(reason);
    }
    let run = &plan.runs[index];
    // It may have been finished by a process that a killed study had left behind.
    let outcome = match RunStanding::of(plan, run).result {
        Some(result) => Outcome::Finished(result),
        None => {
            let line = screen.line(index);
            let show = &mut |standing: &_| line.show(standing);
            let process =
                worker::Process { take_over: manner.take_over, room: manner.coordinator.folder() };
            worker::work(&plan.spec(run), &process, manner.stop, show)
        }
    };
    screen.end(index, &outcome);
    outcome
}
