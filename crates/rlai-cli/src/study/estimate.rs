//! What a study will take, before it is run: time, memory and disk.

use std::collections::BTreeMap;

use serde::Serialize;

use super::measure::{Measure, measure};
use super::plan::{Plan, Variant};
use super::standing::{RunStanding, State};
use crate::settings::Settings;
use crate::spec::{Method, RunSpec};

/// Length of an episode where a task has no time limit.
const EPISODE: f64 = 1_000.0;

/// What is estimated of a study's runs that are to do.
#[derive(Debug, Serialize)]
pub struct Estimate {
    /// Runs to do.
    pub runs: usize,
    /// Runs at a time.
    pub jobs: usize,
    /// Seconds until the last one ends, if nothing else runs here; of what could be measured.
    pub seconds: f64,
    /// Most memory of all processes together, in bytes.
    pub memory_bytes: f64,
    /// Most that their folders hold, at the end or while the last ones run, in bytes.
    pub disk_bytes: f64,
    /// Of each variant of which something is to do.
    pub variants: Vec<VariantEstimate>,
    /// Variants that could not be measured, which are in no sum.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmeasured: Vec<Unmeasured>,
    /// How it was estimated.
    pub how: String,
}

/// What is estimated of one run of a variant.
#[derive(Clone, Debug, Serialize)]
pub struct VariantEstimate {
    /// Its name.
    pub name: String,
    /// Its runs to do.
    pub runs: usize,
    /// Seconds of a whole run.
    pub run_seconds: f64,
    /// Most memory of a run, in bytes.
    pub run_memory_bytes: f64,
    /// What a run holds on disk at most while it trains, in bytes.
    pub run_disk_bytes: f64,
    /// What it leaves, in bytes.
    pub kept_bytes: f64,
    /// What was measured.
    pub measure: Measure,
}

/// A variant that could not be measured: it diverged, for example.
#[derive(Clone, Debug, Serialize)]
pub struct Unmeasured {
    /// Its name.
    pub name: String,
    /// Its runs to do.
    pub runs: usize,
    /// Why.
    pub reason: String,
}

/// What is to do of a variant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Work {
    /// Runs to do.
    runs: usize,
    /// What is left of them, in whole runs.
    left: f64,
    /// What is left of the one of which most is left.
    longest: f64,
}

impl Work {
    fn add(&mut self, standing: &RunStanding) {
        let left = standing.steps.saturating_sub(standing.step) as f64;
        let share = left / (standing.steps as f64).max(1.0);
        self.runs += 1;
        self.left += share;
        self.longest = self.longest.max(share);
    }
}

/// What a run takes, from what was measured of its configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Costs {
    seconds: f64,
    memory: f64,
    disk: f64,
    kept: f64,
}

impl Estimate {
    /// Measures every distinct configuration among the `chosen` runs that would be started, and adds up. `tell`
    /// is told which is being measured.
    pub fn of(
        plan: &Plan,
        standings: &[RunStanding],
        chosen: &[usize],
        jobs: usize,
        tell: &mut dyn FnMut(&Variant),
    ) -> Self {
        let (mut variants, mut unmeasured) = (Vec::new(), Vec::new());
        let (mut seconds, mut longest) = (0.0, 0.0);
        let to_do = to_do(plan, standings, chosen);
        for (&index, work) in &to_do {
            let variant = &plan.variants[index];
            tell(variant);
            let (name, runs) = (variant.name.clone(), work.runs);
            let measured = match measure(variant.first()) {
                Ok(measured) => measured,
                Err(failure) => {
                    unmeasured.push(Unmeasured { name, runs, reason: failure.to_string() });
                    continue;
                }
            };
            let costs = Costs::of(variant.first(), &measured);
            seconds += work.left * costs.seconds;
            longest = f64::max(longest, work.longest * costs.seconds);
            variants.push(VariantEstimate {
                name,
                runs,
                run_seconds: costs.seconds,
                run_memory_bytes: costs.memory,
                run_disk_bytes: costs.disk,
                kept_bytes: costs.kept,
                measure: measured,
            });
        }
        let runs = to_do.values().map(|work| work.runs).sum();
        let jobs = jobs.min(usize::max(runs, 1));
        Self {
            runs,
            jobs,
            // The last run may start when all others end.
            seconds: f64::max(seconds / jobs as f64, longest),
            memory_bytes: largest(&variants, jobs, |variant| variant.run_memory_bytes),
            disk_bytes: disk(&variants, jobs),
            variants,
            unmeasured,
            how: "time: measured here for about 2 s of each configuration with one run at a time (steps, \
                  random steps and evaluation steps apart), times steps; evaluations as long as the time \
                  limit allows; memory: this process after measuring, and the replay's transitions in full; \
                  disk: checkpoints and lines of metrics as measured, and the replay while a run trains, \
                  kept afterwards only with keep_replay"
                .to_owned(),
        }
    }
}

/// What is to do of each variant: of the chosen runs those that would be started.
fn to_do(plan: &Plan, standings: &[RunStanding], chosen: &[usize]) -> BTreeMap<usize, Work> {
    let mut to_do: BTreeMap<usize, Work> = BTreeMap::new();
    let most = plan.engine.max_attempts;
    for &index in chosen {
        let standing = &standings[index];
        let ended = matches!(standing.state, State::Finished | State::Refused);
        if !ended && !standing.is_held(most) {
            to_do.entry(plan.runs[index].variant).or_default().add(standing);
        }
    }
    to_do
}

/// The sum of a quantity over the `jobs` runs in which it is largest.
fn largest(variants: &[VariantEstimate], jobs: usize, of: impl Fn(&VariantEstimate) -> f64) -> f64 {
    let all = variants.iter().flat_map(|variant| std::iter::repeat_n(of(variant), variant.runs));
    let mut all: Vec<f64> = all.collect();
    all.sort_by(|a, b| b.total_cmp(a));
    all.iter().take(jobs).sum()
}

/// Everything that is kept, and what the largest runs hold beyond that while they train.
fn disk(variants: &[VariantEstimate], jobs: usize) -> f64 {
    let kept: f64 = variants.iter().map(|variant| variant.kept_bytes * variant.runs as f64).sum();
    kept + largest(variants, jobs, |variant| variant.run_disk_bytes - variant.kept_bytes)
}

impl Costs {
    fn of(spec: &RunSpec, measure: &Measure) -> Self {
        let settings = spec.to_settings();
        let steps = spec.method.steps() as f64;
        let random = match spec.has_replay() {
            true => (spec.method.learning_starts() as f64).min(steps),
            false => 0.0,
        };
        let evaluations = (steps / positive(settings.evaluate_every)).ceil();
        let episode = spec.time_limit().map_or(EPISODE, |limit| limit as f64);
        let evaluation_steps = evaluations * spec.method.evaluation_episodes() as f64 * episode;
        let replay = replay_rows(spec) * measure.transition_bytes;
        let lines = steps / positive(settings.log_every) + evaluations;
        let metrics = lines * measure.metrics_line_bytes;
        let networks = spec.keep_checkpoints as f64 * measure.checkpoint_bytes as f64;
        let kept = networks + metrics + if spec.keep_replay { replay } else { 0.0 };
        Self {
            seconds: random * measure.random_step_seconds
                + (steps - random) * measure.step_seconds
                + evaluation_steps * measure.evaluation_step_seconds,
            memory: measure.process_bytes.unwrap_or(0.0) + replay,
            // While the oldest checkpoint is kept, so are the rows that it alone still needs.
            disk: networks + metrics + replay + between_checkpoints(spec, &settings, measure),
            kept,
        }
    }
}

/// Transitions that the replay holds in the end.
fn replay_rows(spec: &RunSpec) -> f64 {
    match &spec.method {
        Method::Actions(config) if spec.has_replay() => {
            (config.buffer as f64).min(config.steps as f64)
        }
        _ => 0.0,
    }
}

/// Bytes of the rows that fall out of the ring while older checkpoints still need them.
fn between_checkpoints(spec: &RunSpec, settings: &Settings, measure: &Measure) -> f64 {
    let steps = spec.method.steps() as f64;
    let beyond = (steps - replay_rows(spec)).max(0.0);
    let kept = spec.keep_checkpoints as f64 * positive(settings.checkpoint_every);
    kept.min(beyond) * measure.transition_bytes
}

fn positive(value: Option<i64>) -> f64 {
    value.map_or(1.0, |value| value.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(keep_replay: bool) -> RunSpec {
        let settings = Settings {
            env: Some("Pendulum-v1".to_owned()),
            steps: Some(10_000),
            learning_starts: Some(1_000),
            buffer: Some(4_000),
            evaluate_every: Some(2_000),
            evaluation_episodes: Some(3),
            log_every: Some(500),
            checkpoint_every: Some(1_000),
            keep_checkpoints: Some(2),
            keep_replay: Some(keep_replay),
            ..Settings::default()
        };
        RunSpec::check(&settings).unwrap()
    }

    const MEASURE: Measure = Measure {
        random_step_seconds: 1.0,
        step_seconds: 10.0,
        evaluation_step_seconds: 2.0,
        checkpoint_bytes: 1_000_000,
        transition_bytes: 25.0,
        metrics_line_bytes: 400.0,
        process_bytes: Some(5e7),
    };

    #[test]
    fn costs_are_sums_over_what_a_run_does() {
        let costs = Costs::of(&spec(false), &MEASURE);
        // 1,000 random steps, 9,000 with updates, 5 evaluations of 3 episodes of 200 steps.
        assert_eq!(costs.seconds, 1_000.0 + 90_000.0 + 5.0 * 3.0 * 200.0 * 2.0);
        assert_eq!(costs.memory, 5e7 + 4_000.0 * 25.0);
        // 20 lines of training, 5 of evaluations; two checkpoints.
        assert_eq!(costs.kept, 2e6 + 25.0 * 400.0);
        assert_eq!(costs.disk, costs.kept + 4_000.0 * 25.0 + 2_000.0 * 25.0);
        assert_eq!(Costs::of(&spec(true), &MEASURE).kept, costs.kept + 4_000.0 * 25.0);
    }

    #[test]
    fn disk_is_what_all_keep_and_what_those_at_work_hold() {
        let variant = |runs, disk, kept| VariantEstimate {
            name: String::new(),
            runs,
            run_seconds: 1.0,
            run_memory_bytes: disk,
            run_disk_bytes: disk,
            kept_bytes: kept,
            measure: MEASURE,
        };
        let variants = [variant(3, 10.0, 1.0), variant(1, 100.0, 5.0)];
        assert_eq!(disk(&variants, 2), 8.0 + (95.0 + 9.0));
        assert_eq!(largest(&variants, 2, |variant| variant.run_memory_bytes), 110.0);
        assert_eq!(largest(&variants, 9, |variant| variant.run_memory_bytes), 130.0);
    }
}
