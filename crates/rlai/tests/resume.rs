//! A run that is interrupted and goes on from its checkpoint is the run that was never interrupted, to the
//! last bit: every line that it tells, and its parameters.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rlai::distribution::PolicyKind;
use rlai::env::{Action, ActionShape, BoxSpace, Environment, Space, Step, StepError, make_named};
use rlai::estimator::trajectory::StateWeights;
use rlai::proposal::Source;
use rlai::random::Stream;
use rlai::train::checkpoints::{self, Checkpoints, Rounding};
use rlai::train::{
    CriticTarget, DefaultPolicy, Evaluation, ExplorationNoise, Learner, Objective, Observer,
    Progress, Schedule, StopReason, Temperature, TrainConfig, Trainer, TrainingMetrics,
    TrajectoryConfig, TrajectoryObjective, TrajectoryTrainer,
};
use serde_json::json;

/// Keeps what a run tells, and stops it after a step.
struct Listener<'a> {
    lines: Vec<String>,
    stop_after: Option<u64>,
    stop: &'a AtomicBool,
}

impl Observer for Listener<'_> {
    fn progress(&mut self, progress: &Progress) {
        if self.stop_after == Some(progress.step) {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn training(&mut self, metrics: &TrainingMetrics) -> std::io::Result<()> {
        self.lines.push(serde_json::to_string(metrics)?);
        Ok(())
    }

    fn evaluation(&mut self, evaluation: &Evaluation) -> std::io::Result<()> {
        self.lines.push(serde_json::to_string(evaluation)?);
        Ok(())
    }

    fn checkpoint(&mut self, _: &dyn Learner) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs until a step or to the end; returns the lines.
fn play(learner: &mut dyn Learner, stop_after: Option<u64>) -> (Vec<String>, StopReason) {
    let stop = AtomicBool::new(false);
    let mut listener = Listener { lines: Vec::new(), stop_after, stop: &stop };
    let reason = learner.run(&mut listener, &stop).unwrap();
    (listener.lines, reason)
}

fn env(id: &str) -> Box<dyn Environment> {
    make_named(id).expect("a task of the library").expect("it can be made")
}

/// Compares a run with the same run in pieces, each in a new learner.
fn check(name: &str, make: &dyn Fn() -> Box<dyn Learner>, stops: &[u64]) {
    let mut whole = make();
    let (expected, _) = play(whole.as_mut(), None);
    let folder = tempfile::tempdir().unwrap();
    let mut lines = Vec::new();
    let mut learner = make();
    let mut writer = Checkpoints::new(&folder.path().join("0"), 2);
    for (i, &stop) in stops.iter().enumerate() {
        let (told, reason) = play(learner.as_mut(), Some(stop));
        assert_eq!(reason, StopReason::Stopped, "{name}: {stop}");
        lines.extend(told);
        writer.save(learner.as_ref(), json!({ "lines": lines.len() })).unwrap();
        // Every second time another writer takes over.
        let from = folder.path().join(i.div_ceil(2).to_string());
        learner = make();
        let found = checkpoints::find(&from).found.expect("it was just saved");
        assert_eq!(found.manifest.extra["lines"], lines.len());
        assert_eq!(found.restore(learner.as_mut()).unwrap(), Rounding::Same, "{name}");
        if i % 2 == 0 {
            writer = Checkpoints::new(&folder.path().join((i / 2 + 1).to_string()), 2);
            writer.adopt(&found).unwrap();
        }
    }
    let (told, reason) = play(learner.as_mut(), None);
    lines.extend(told);
    assert_eq!(reason, StopReason::Finished);
    assert_eq!(lines, expected, "{name}");
    assert_eq!(learner.parameters_blake3(), whole.parameters_blake3(), "{name}");
}

fn config(
    objective: Objective,
    task: &str,
    change: impl Fn(&mut TrainConfig),
) -> impl Fn() -> Box<dyn Learner> {
    let shape = ActionShape::from(env(task).action_space());
    let mut config = TrainConfig::for_actions(objective, &shape);
    (config.hidden, config.batch) = (vec![8, 8], 8);
    (config.steps, config.learning_starts, config.buffer) = (700, 60, 250);
    (config.evaluate_every, config.evaluation_episodes, config.log_every) = (140, 1, 50);
    if !objective.lists_actions() {
        config.samples = config.samples.min(4);
    }
    change(&mut config);
    let task = task.to_owned();
    move || Box::new(Trainer::new(config.clone(), env(&task), env(&task)).unwrap())
}

/// What happens, given the observation of that step.
type Disturbance = Box<dyn FnMut(&mut [f64]) + Send>;

/// A task to which something happens at one of its steps, all episodes together.
struct Disturbed {
    task: Box<dyn Environment>,
    steps: u32,
    at: Option<u32>,
    what: Disturbance,
}

impl Environment for Disturbed {
    fn id(&self) -> &str {
        self.task.id()
    }

    fn observation_space(&self) -> &BoxSpace {
        self.task.observation_space()
    }

    fn action_space(&self) -> &Space {
        self.task.action_space()
    }

    fn time_limit(&self) -> Option<usize> {
        self.task.time_limit()
    }

    fn reset(&mut self, random: &mut Stream, observation: &mut [f64]) -> Result<(), StepError> {
        self.task.reset(random, observation)
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        self.steps += 1;
        let step = self.task.step(action, observation)?;
        if self.at == Some(self.steps) {
            (self.what)(observation);
        }
        Ok(step)
    }

    fn snapshot(&self) -> Option<Vec<f64>> {
        self.task.snapshot()
    }

    fn restore(
        &mut self,
        snapshot: &[f64],
        random: &mut Stream,
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        self.task.restore(snapshot, random, observation)
    }
}

/// Stops a run in the middle of each of its evaluations, lets it go on from its checkpoint in a new
/// learner, and compares it with the undisturbed run. `make` takes the task of evaluations; `after` are
/// steps of evaluation before a stop, in turn: within one evaluation, and within the next one.
fn check_stopped_evaluations(
    name: &str,
    make: &dyn Fn(Box<dyn Environment>) -> Box<dyn Learner>,
    task: &str,
    after: [u32; 2],
) {
    let mut whole = make(env(task));
    let (expected, _) = play(whole.as_mut(), None);
    let evaluations = expected.iter().filter(|line| line.contains("return_mean")).count();
    assert!(evaluations >= 3, "{name}");
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Checkpoints::new(folder.path(), 2);
    let (mut lines, mut stops) = (Vec::new(), 0);
    loop {
        let stop = Arc::new(AtomicBool::new(false));
        let raised = Arc::clone(&stop);
        let stopping = Disturbed {
            task: env(task),
            steps: 0,
            at: Some(after[stops % 2]),
            what: Box::new(move |_| raised.store(true, Ordering::Relaxed)),
        };
        let mut learner = make(Box::new(stopping));
        if let Some(found) = checkpoints::find(folder.path()).found {
            found.restore(learner.as_mut()).unwrap();
        }
        let mut listener = Listener { lines: Vec::new(), stop_after: None, stop: &stop };
        let reason = learner.run(&mut listener, &stop).unwrap();
        lines.extend(listener.lines);
        if reason == StopReason::Finished {
            assert_eq!(learner.parameters_blake3(), whole.parameters_blake3(), "{name}");
            break;
        }
        // As a resumed program does: nothing is saved twice at one step.
        if checkpoints::find(folder.path()).found.map(|found| found.manifest.step)
            != Some(learner.step())
        {
            writer.save(learner.as_ref(), json!({})).unwrap();
        }
        stops += 1;
        assert!(stops < 100, "{name}: it gets nowhere");
    }
    assert_eq!(lines, expected, "{name}");
    assert!(stops > evaluations, "{name}: stopped {stops} times");
}

#[test]
fn an_evaluation_that_was_broken_off_is_played_again_to_the_last_bit() {
    let task = "SwitchOrStay-v0";
    let shape = ActionShape::from(env(task).action_space());
    let mut config = TrainConfig::for_actions(Objective::ReverseKlAllActions, &shape);
    (config.hidden, config.batch) = (vec![8, 8], 8);
    (config.steps, config.learning_starts, config.buffer) = (300, 60, 250);
    (config.evaluate_every, config.evaluation_episodes, config.log_every) = (70, 1, 50);
    let make = |evaluation: Box<dyn Environment>| -> Box<dyn Learner> {
        Box::new(Trainer::new(config.clone(), env(task), evaluation).unwrap())
    };
    check_stopped_evaluations("actions", &make, task, [40, 140]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let task = format!("tabular:{}", root.join("golden/processes/a2-h6.json").display());
    let objective = TrajectoryObjective::ReverseKlRewardToGo;
    let (space, own) = (env(&task).action_space().clone(), env(&task).temperature());
    let mut config = TrajectoryConfig::defaults(objective, &space, own);
    (config.hidden, config.trajectories, config.steps) = (vec![8], 4, 300);
    (config.evaluate_every, config.evaluation_episodes, config.log_every) = (70, 1, 50);
    let make = |evaluation: Box<dyn Environment>| -> Box<dyn Learner> {
        Box::new(TrajectoryTrainer::new(config.clone(), env(&task), evaluation).unwrap())
    };
    check_stopped_evaluations("trajectories", &make, &task, [3, 8]);
}

/// Keeps checkpoints as the program does.
struct Keeper(Checkpoints);

impl Observer for Keeper {
    fn checkpoint(&mut self, learner: &dyn Learner) -> std::io::Result<()> {
        self.0.save(learner, json!({})).map(drop).map_err(std::io::Error::other)
    }
}

/// What was saved before a simulator failed is good: with one that does not, the run goes on from it to
/// what it would have been.
#[test]
fn what_is_kept_of_a_simulator_that_gave_no_number_is_the_undisturbed_run() {
    let task = "Pendulum-v1";
    let mut config = TrainConfig::defaults(Objective::ReverseKl, 1);
    (config.hidden, config.batch) = (vec![8, 8], 8);
    (config.steps, config.learning_starts, config.checkpoint_every) = (300, 60, 50);
    (config.evaluate_every, config.evaluation_episodes) = (150, 1);
    let make = |at: Option<u32>| {
        let what = Box::new(|observation: &mut [f64]| observation[1] = f64::NAN);
        let env = Box::new(Disturbed { task: env(task), steps: 0, at, what });
        Trainer::new(config.clone(), env, self::env(task)).unwrap()
    };
    let go = |trainer: &mut Trainer, folder: &Path| {
        let mut keeper = Keeper(Checkpoints::new(folder, 2));
        trainer.run(&mut keeper, &AtomicBool::new(false))
    };
    let [whole_folder, folder] = [(), ()].map(|()| tempfile::tempdir().unwrap());
    let mut whole = make(None);
    go(&mut whole, whole_folder.path()).unwrap();
    let mut failing = make(Some(234));
    let error = go(&mut failing, folder.path()).unwrap_err().to_string();
    assert_eq!(error, "step 233: observation[1] of the environment is NaN, not a finite number");
    let found = checkpoints::find(folder.path()).found.unwrap();
    assert_eq!(found.manifest.step, 200);
    let mut mended = make(None);
    found.restore(&mut mended).unwrap();
    go(&mut mended, folder.path()).unwrap();
    assert_eq!(mended.parameters_blake3(), whole.parameters_blake3());
}

/// Before learning, in the middle of episodes, at lines, after the ring has wrapped.
const STOPS: [u64; 5] = [31, 61, 200, 333, 650];

#[test]
fn runs_on_boxes_go_on_bit_for_bit() {
    let pendulum = "Pendulum-v1";
    let plain = |_: &mut TrainConfig| {};
    check("reverse KL", &config(Objective::ReverseKl, pendulum, plain), &STOPS);
    let busy = |c: &mut TrainConfig| {
        (c.normalise_observations, c.exploration) = (true, ExplorationNoise::Pink);
        c.temperature = Temperature::Fixed(0.2);
        (c.default_policy, c.n_step) = (DefaultPolicy::Average { rate: 0.01 }, 3);
        c.learning_rate_schedule = Schedule::Linear;
        (c.estimation.proposal.source, c.estimation.proposal.uniform) = (Source::TargetPolicy, 0.3);
        (c.estimation.target_policy_period, c.threads) = (7, 2);
        c.critic_target = CriticTarget::SoftOptimal;
    };
    check("forward KL with everything", &config(Objective::ForwardKl, pendulum, busy), &STOPS);
    let mpo = |c: &mut TrainConfig| c.estimation.target_policy_period = 9;
    check("MPO", &config(Objective::Mpo, pendulum, mpo), &STOPS);
    let last = |c: &mut TrainConfig| {
        c.temperature = Temperature::Fixed(0.2);
        c.default_policy = DefaultPolicy::LastUpdate { period: 11 };
        c.exploration = ExplorationNoise::Repeat(3);
        c.policy.kind = PolicyKind::Mixture;
    };
    check("mixture", &config(Objective::ReverseKlBranches, pendulum, last), &STOPS);
    let beta = |c: &mut TrainConfig| {
        c.policy.kind = PolicyKind::Beta;
        c.exploration = ExplorationNoise::OrnsteinUhlenbeck(0.2);
    };
    check("beta", &config(Objective::ForwardKl, pendulum, beta), &STOPS);
}

#[test]
fn runs_on_choices_go_on_bit_for_bit() {
    let plain = |_: &mut TrainConfig| {};
    let cart_pole = config(Objective::ReverseKlAllActions, "CartPole-v1", plain);
    check("CartPole", &cart_pole, &STOPS);
    let hybrid = config(Objective::ForwardKl, "MoveAndStrength-v0", plain);
    check("hybrid", &hybrid, &STOPS);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let tabular = format!("tabular:{}", root.join("golden/processes/a2-h6.json").display());
    check("tabular", &config(Objective::ForwardKlAllActions, &tabular, plain), &STOPS);
    let factored = config(Objective::ReverseKlScore, "probe:both:factored", plain);
    check("factored", &factored, &STOPS);
}

#[test]
fn runs_on_trajectories_go_on_bit_for_bit() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let tabular = format!("tabular:{}", root.join("golden/processes/a2-h6.json").display());
    for (objective, task) in [
        (TrajectoryObjective::ReverseKlTrajectory, "CartPole-v1"),
        (TrajectoryObjective::VMpo, "Pendulum-v1"),
        (TrajectoryObjective::ForwardKlMarginal, tabular.as_str()),
    ] {
        let space = env(task).action_space().clone();
        let own = env(task).temperature();
        let mut config = TrajectoryConfig::defaults(objective, &space, own);
        (config.steps, config.hidden, config.trajectories) = (700, vec![8], 3);
        (config.evaluate_every, config.evaluation_episodes, config.log_every) = (140, 1, 50);
        if objective == TrajectoryObjective::ForwardKlMarginal {
            config.state_weights = StateWeights::ParticleSmoothing;
        }
        let make = || -> Box<dyn Learner> {
            Box::new(TrajectoryTrainer::new(config.clone(), env(task), env(task)).unwrap())
        };
        // A smoother takes many steps at once: not every step is one at which a run can stop.
        check(objective.name(), &make, &possible(&make, &STOPS));
    }
}

/// The steps after which a run tells of its progress, nearest to those wished for.
fn possible(make: &dyn Fn() -> Box<dyn Learner>, wished: &[u64]) -> Vec<u64> {
    struct Steps(Vec<u64>);
    impl Observer for Steps {
        fn progress(&mut self, progress: &Progress) {
            self.0.push(progress.step);
        }
        fn training(&mut self, _: &TrainingMetrics) -> std::io::Result<()> {
            Ok(())
        }
        fn evaluation(&mut self, _: &Evaluation) -> std::io::Result<()> {
            Ok(())
        }
        fn checkpoint(&mut self, _: &dyn Learner) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut steps = Steps(Vec::new());
    make().run(&mut steps, &AtomicBool::new(false)).unwrap();
    let mut found: Vec<u64> = wished
        .iter()
        .filter_map(|&wish| steps.0.iter().copied().find(|&step| step >= wish))
        .collect();
    found.dedup();
    found
}
