//! Probe tasks with known values, and numbers that are none.

use std::io;
use std::sync::atomic::AtomicBool;

use rlai::agent::Agent;
use rlai::distribution::PolicyKind;
use rlai::env::{Action, ActionShape, BoxSpace, Environment, Space, Step, StepError};
use rlai::random::{Key, Stream};
use rlai::replay::Batch;
use rlai::train::{
    CriticTarget, Evaluation, Learner, Objective, Observer, Temperature, TemperatureTarget,
    TrainConfig, TrainError, Trainer,
};

/// Two steps, then the end: the observation is the number of steps played, the reward 1 at the last
/// step minus the square of the action's distance from 0.5. Best is 0.5, and then Q is gamma and 1.
struct TwoSteps {
    played: usize,
    observation: BoxSpace,
    action: Space,
    /// Reward of the second step that is not a number, for tests of failure.
    broken_after: Option<usize>,
    episodes: usize,
}

impl TwoSteps {
    fn boxed(broken_after: Option<usize>) -> Box<dyn Environment> {
        Box::new(Self {
            played: 0,
            observation: BoxSpace::uniform(1, 0.0, 2.0),
            action: BoxSpace::uniform(1, -1.0, 1.0).into(),
            broken_after,
            episodes: 0,
        })
    }
}

impl Environment for TwoSteps {
    fn id(&self) -> &str {
        "TwoSteps-v0"
    }

    fn observation_space(&self) -> &BoxSpace {
        &self.observation
    }

    fn action_space(&self) -> &Space {
        &self.action
    }

    fn time_limit(&self) -> Option<usize> {
        None
    }

    fn reset(&mut self, _: &mut Stream, observation: &mut [f64]) -> Result<(), StepError> {
        self.played = 0;
        self.episodes += 1;
        observation[0] = 0.0;
        Ok(())
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        self.played += 1;
        observation[0] = self.played as f64;
        let distance = action.get(0) - 0.5;
        let last = self.played == 2;
        let mut reward = f64::from(u8::from(last)) - distance * distance;
        if self.broken_after.is_some_and(|episodes| self.episodes > episodes) {
            reward = f64::NAN;
        }
        Ok(Step { reward, terminated: last, truncated: false })
    }

    fn set_state(&mut self, _: &[f64], _: &[f64], _: &mut [f64]) -> Result<(), StepError> {
        Err(StepError::State("not needed here".to_owned()))
    }
}

/// The objectives for a box of actions.
fn on_a_box() -> impl Iterator<Item = Objective> {
    Objective::ALL.into_iter().filter(|objective| !objective.lists_actions())
}

/// The defaults, with a policy that has branches where the objective counts them.
fn defaults(objective: Objective, action_dimension: usize) -> TrainConfig {
    let mut config = TrainConfig::defaults(objective, action_dimension);
    if objective == Objective::ReverseKlBranches {
        config.policy.kind = PolicyKind::Mixture;
    }
    config
}

fn config(objective: Objective) -> TrainConfig {
    let mut config = defaults(objective, 1);
    (config.hidden, config.batch, config.gamma) = (vec![32, 32], 64, 0.8);
    (config.steps, config.learning_starts) = (4_000, 300);
    (config.critic_learning_rate, config.policy_learning_rate) = (3e-3, 3e-3);
    config.critic_target = CriticTarget::Classic;
    config.temperature = Temperature::Fixed(0.002);
    config.polyak = 0.05;
    // MPO moves a bounded way from each target policy: these runs are short.
    if objective == Objective::Mpo {
        config.estimation.target_policy_period = 10;
    }
    // Advantages here are of the order of 0.1.
    if objective.adds_replay_action() {
        config.estimation.advantage_temperature = 0.02;
    }
    (config.evaluate_every, config.evaluation_episodes) = (4_000, 1);
    config
}

#[derive(Default)]
struct Recorded {
    returns: Vec<f64>,
    last_q: Option<f64>,
    checkpoints: usize,
}

impl Observer for Recorded {
    fn training(&mut self, metrics: &rlai::train::TrainingMetrics) -> io::Result<()> {
        self.last_q = metrics.q;
        Ok(())
    }

    fn evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        self.returns.push(evaluation.return_mean);
        Ok(())
    }

    fn checkpoint(&mut self, _: &dyn Learner) -> io::Result<()> {
        self.checkpoints += 1;
        Ok(())
    }
}

/// Both states are equally frequent in replay, so the mean of Q at the policy's actions is (0.8 + 1)/2.
#[test]
fn every_objective_finds_the_known_values_and_actions() {
    for objective in on_a_box() {
        let mut trainer =
            Trainer::new(config(objective), TwoSteps::boxed(None), TwoSteps::boxed(None)).unwrap();
        let mut recorded = Recorded::default();
        trainer.run(&mut recorded, &AtomicBool::new(false)).unwrap();
        let policy = trainer.policy();
        for state in [0.0, 1.0] {
            let action = policy.act(&[state])[0];
            assert!((action - 0.5).abs() < 0.1, "{}: {action}", objective.name());
        }
        let q = recorded.last_q.expect("updates were made");
        assert!((q - 0.9).abs() < 0.06, "{}: {q}", objective.name());
        assert!(recorded.returns[0] > 0.97, "{}: {:?}", objective.name(), recorded.returns);
        assert_eq!(recorded.checkpoints, 2, "at the start and after the evaluation");
    }
}

/// With hardly any temperature the soft-optimal value is that of the best of the N actions, here 1 in the
/// last state and gamma before: found by forward KL as with the other targets.
#[test]
fn a_soft_optimal_target_finds_the_known_values_too() {
    let mut config = config(Objective::ForwardKl);
    config.critic_target = CriticTarget::SoftOptimal;
    let mut trainer = Trainer::new(config, TwoSteps::boxed(None), TwoSteps::boxed(None)).unwrap();
    let mut recorded = Recorded::default();
    trainer.run(&mut recorded, &AtomicBool::new(false)).unwrap();
    assert!(recorded.returns[0] > 0.97, "{:?}", recorded.returns);
    let q = recorded.last_q.expect("updates were made");
    assert!((q - 0.9).abs() < 0.06, "{q}");
}

#[test]
fn a_reward_that_is_no_number_stops_the_run_and_is_named() {
    let mut trainer = Trainer::new(
        config(Objective::ReverseKl),
        TwoSteps::boxed(Some(200)),
        TwoSteps::boxed(None),
    )
    .unwrap();
    let error = trainer.run(&mut Recorded::default(), &AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, TrainError::BadNumber { step: 400, .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "step 400: the reward of the environment is NaN, not a finite number"
    );
    assert!(trainer.agent().check_parameters().is_ok());
}

fn random_batch(size: usize) -> Batch {
    let mut batch = Batch::new(size, 3, 2);
    let mut stream = Key::from_seed(1).stream("batch");
    for values in [&mut batch.observations, &mut batch.next_observations, &mut batch.rewards] {
        stream.fill_normal(values);
    }
    for action in &mut batch.actions {
        *action = stream.uniform(-1.0, 1.0) as f32;
    }
    batch.discounts.fill(0.9);
    batch
}

/// Puts a number that is none somewhere.
type Spoil = fn(&mut Batch);

/// A number that is none, anywhere in what an update is given, is found by that very update.
#[test]
fn bad_numbers_in_a_batch_are_found_at_once_and_change_no_parameter_to_nan() {
    let spoil: [(&str, Spoil); 4] = [
        ("observation", |batch| batch.observations[4] = f32::NAN),
        ("next observation", |batch| batch.next_observations[4] = f32::NAN),
        ("action", |batch| batch.actions[3] = f32::INFINITY),
        ("reward", |batch| batch.rewards[2] = f32::NAN),
    ];
    for objective in on_a_box() {
        for (what, spoil) in spoil {
            let mut config = defaults(objective, 2);
            (config.hidden, config.batch) = (vec![16, 16], 8);
            let mut agent = Agent::<f32>::new(&config, 3, &ActionShape::of_box(2)).unwrap();
            let good = random_batch(8);
            agent.update(&good, 1.0).unwrap();
            let mut bad = good.clone();
            spoil(&mut bad);
            assert!(agent.update(&bad, 1.0).is_err(), "{}: {what}", objective.name());
            agent.check_parameters().unwrap();
        }
    }
}

/// Double and single precision go the same way: the fast path against its own reference.
#[test]
fn single_precision_follows_double_precision() {
    for objective in on_a_box() {
        let mut config = defaults(objective, 2);
        (config.hidden, config.batch) = (vec![32, 32], 16);
        let batch = random_batch(16);
        let mut single = Agent::<f32>::new(&config, 3, &ActionShape::of_box(2)).unwrap();
        let mut double = Agent::<f64>::new(&config, 3, &ActionShape::of_box(2)).unwrap();
        for _ in 0..100 {
            let a = single.update(&batch, 1.0).unwrap();
            let b = double.update(&batch, 1.0).unwrap();
            let close = |a: f64, b: f64| (a - b).abs() < 1e-3 * (1.0 + b.abs());
            assert!(close(a.critic_loss, b.critic_loss), "{a:?} {b:?}");
            assert!(close(a.policy_loss, b.policy_loss), "{a:?} {b:?}");
            assert!(close(a.entropy, b.entropy), "{a:?} {b:?}");
        }
    }
}

/// Too little entropy raises the temperature, too much lowers it, by either loss.
#[test]
fn the_temperature_follows_the_entropy() {
    use rlai::train::TemperatureLoss;
    for temperature_loss in [TemperatureLoss::LogAlpha, TemperatureLoss::Alpha] {
        for (target_entropy, rises) in [(1.38, true), (-50.0, false)] {
            let mut config = TrainConfig::defaults(Objective::ReverseKl, 2);
            (config.hidden, config.batch) = (vec![16], 8);
            let target = TemperatureTarget::Entropy(target_entropy);
            config.temperature = Temperature::Tuned { initial: 0.5, target };
            config.temperature_loss = temperature_loss;
            let mut agent = Agent::<f32>::new(&config, 3, &ActionShape::of_box(2)).unwrap();
            agent.update(&random_batch(8), 1.0).unwrap();
            assert_eq!(agent.alpha() > 0.5, rises);
            assert!((agent.alpha() - 0.5).abs() > 1e-5);
        }
    }
}

#[test]
fn an_agent_takes_over_anothers_networks_and_keeps_a_fixed_temperature() {
    let folder = tempfile::tempdir().unwrap();
    let space = BoxSpace::uniform(2, -1.0, 1.0);
    let mut config = TrainConfig::defaults(Objective::ReverseKl, 2);
    (config.hidden, config.batch) = (vec![16], 8);
    let mut trained = Agent::<f32>::new(&config, 3, &ActionShape::of_box(2)).unwrap();
    for _ in 0..5 {
        trained.update(&random_batch(8), 1.0).unwrap();
    }
    trained.save(folder.path(), "Task-v0", &space, 5).unwrap();

    config.seed = 7;
    let mut tuned = Agent::<f32>::new(&config, 3, &ActionShape::of_box(2)).unwrap();
    assert_ne!(tuned.parameters_blake3(), trained.parameters_blake3());
    tuned.load(folder.path()).unwrap();
    assert_eq!(tuned.parameters_blake3(), trained.parameters_blake3());

    config.temperature = Temperature::Fixed(0.25);
    let mut fixed = Agent::<f32>::new(&config, 3, &ActionShape::of_box(2)).unwrap();
    fixed.load(folder.path()).unwrap();
    assert!((fixed.alpha() - 0.25).abs() < 1e-12);

    config.hidden = vec![17];
    assert!(
        Agent::<f32>::new(&config, 3, &ActionShape::of_box(2))
            .unwrap()
            .load(folder.path())
            .is_err()
    );
}
