//! A snapshot holds everything: what follows it is equal to the last bit.

mod support;

use rlai::env::{Action, CheckOptions, Environment, Outcome, StepError, check};
use rlai::random::{Key, Stream};

/// Steps before a snapshot: none, few, on the ground, and past the end of most episodes.
const BEFORE: [usize; 4] = [0, 1, 61, 250];
const AFTER: usize = 200;

/// The task with its time limit, or none where no libmujoco can be had.
fn make(id: &str) -> Option<Box<dyn Environment>> {
    support::make(id)?;
    rlai_mujoco::make(id).map(|made| made.expect("its model was loaded a moment ago"))
}

/// A task with what it is played with.
struct Player {
    task: Box<dyn Environment>,
    random: Stream,
    actions: Stream,
    observation: Vec<f64>,
}

impl Player {
    fn new(id: &str, seed: u64) -> Option<Self> {
        let task = make(id)?;
        let key = Key::from_seed(seed);
        let observation = vec![f64::NAN; task.observation_space().dimension()];
        let (random, actions) = (key.stream("environment"), key.stream("actions"));
        let mut player = Self { task, random, actions, observation };
        player.reset();
        Some(player)
    }

    fn reset(&mut self) {
        self.task.reset(&mut self.random, &mut self.observation).unwrap();
    }

    fn restore(&mut self, snapshot: &[f64]) -> Result<(), StepError> {
        self.observation.fill(f64::NAN);
        self.task.restore(snapshot, &mut self.random, &mut self.observation)
    }

    /// Plays random actions, beyond any end; returns all that is seen, as bits.
    fn play(&mut self, steps: usize) -> Vec<u64> {
        let space = self.task.action_space().as_box().unwrap().clone();
        let mut seen = Vec::new();
        for _ in 0..steps {
            let bounds = space.low.iter().zip(&space.high);
            let draw = |(&low, &high)| self.actions.uniform(low, high) as f32;
            let action: Vec<f32> = bounds.map(draw).collect();
            let step = self.task.step(Action::F32(&action), &mut self.observation).unwrap();
            seen.extend(bits(&self.observation));
            let flags = [step.terminated, step.truncated].map(u64::from);
            seen.extend([step.reward.to_bits()].into_iter().chain(flags));
        }
        seen
    }

    /// The same actions once more from here: the rest of an episode, a reset, and some of the next one.
    fn future(&mut self) -> Vec<u64> {
        let key = Key::from_seed(99);
        (self.random, self.actions) = (key.stream("environment"), key.stream("actions"));
        let mut seen = self.play(AFTER);
        self.reset();
        seen.extend(bits(&self.observation));
        seen.extend(self.play(20));
        seen
    }
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn check_family(family: &str) {
    for id in ["v5", "v4"].map(|version| format!("{family}-{version}")) {
        for before in BEFORE {
            let Some(player) = Player::new(&id, 1) else { return };
            check_futures(&id, player, before);
        }
    }
}

/// Every future of a snapshot is the same to the last bit, in whatever instance.
fn check_futures(id: &str, mut player: Player, before: usize) {
    player.play(before);
    let snapshot = player.task.snapshot().expect("a snapshot at any time");
    let seen = bits(&player.observation);
    let future = player.future();
    // A history of its own, which must leave nothing behind.
    let mut played = Player::new(id, 2).unwrap();
    played.play(33);
    let unplayed = Player { task: make(id).unwrap(), ..Player::new(id, 3).unwrap() };
    for (kind, mut other) in [("same", player), ("played", played), ("unplayed", unplayed)] {
        let name = format!("{id} after {before} steps in the {kind} instance");
        other.restore(&snapshot).unwrap();
        assert_eq!(bits(&other.observation), seen, "{name}: observation");
        let again = other.task.snapshot().unwrap();
        assert_eq!(bits(&again), bits(&snapshot), "{name}: snapshot");
        assert!(other.future() == future, "{name}: future");
    }
}

#[test]
fn hopper() {
    check_family("Hopper");
}

#[test]
fn walker2d() {
    check_family("Walker2d");
}

#[test]
fn half_cheetah() {
    check_family("HalfCheetah");
}

#[test]
fn ant() {
    check_family("Ant");
}

#[test]
fn humanoid() {
    check_family("Humanoid");
}

/// What the tests above would not see if no foot touched the ground.
#[test]
fn snapshots_are_taken_in_contact_too() {
    for (id, forces) in [("Ant-v5", 27), ("Humanoid-v5", 270)] {
        let in_contact = BEFORE.map(|before| {
            let mut player = Player::new(id, 1)?;
            player.play(before);
            Some(player.observation[forces..].iter().any(|&force| force != 0.0))
        });
        let skipped = in_contact.contains(&None);
        assert!(skipped || in_contact.contains(&Some(true)), "{id}: {in_contact:?}");
        assert!(skipped || in_contact[0] == Some(false), "{id}: no forces after a reset");
    }
}

#[test]
fn the_steps_of_the_time_limit_are_part_of_it() {
    let Some(mut player) = Player::new("HalfCheetah-v5", 1) else { return };
    player.play(997);
    let snapshot = player.task.snapshot().unwrap();
    let mut other = Player::new("HalfCheetah-v5", 2).unwrap();
    other.restore(&snapshot).unwrap();
    let truncated = |_| {
        let step = other.task.step(Action::F32(&[0.0; 6]), &mut other.observation);
        step.unwrap().truncated
    };
    assert_eq!([0, 1, 2].map(truncated), [false, false, true]);
}

#[test]
fn every_task_offers_snapshots_and_keeps_the_contract() {
    for info in rlai_mujoco::tasks() {
        let (Some(one), Some(other)) = (make(&info.id), make(&info.id)) else { return };
        let findings = check(one, other, &CheckOptions { seed: 4, steps: 300 });
        let failed = findings.iter().find(|finding| finding.outcome == Outcome::Fail);
        assert_eq!(failed, None, "{}", info.id);
        let snapshot = findings.iter().find(|finding| finding.check == "snapshot").unwrap();
        assert_eq!(snapshot.outcome, Outcome::Pass, "{}: {}", info.id, snapshot.detail);
    }
}

#[test]
fn numbers_that_are_no_snapshot_are_refused_and_change_nothing() {
    let Some(mut task) = support::make("Hopper-v5") else { return };
    let mut random = Key::from_seed(1).stream("environment");
    let mut observation = vec![0.0; 11];
    task.reset(&mut random, &mut observation).unwrap();
    let snapshot = task.snapshot().unwrap();
    let length = snapshot.len();
    let mut refused = |numbers: &[f64], text: &str| {
        match task.restore(numbers, &mut random, &mut observation) {
            Err(StepError::State(message)) => assert!(message.contains(text), "{message}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(task.snapshot().unwrap(), snapshot);
    };
    refused(&snapshot[1..], &format!("snapshot has {} values: {length} expected", length - 1));
    refused(&[], &format!("0 values: {length} expected"));
    refused(&[&snapshot[..], &[0.0]].concat(), &format!("{length} expected"));
    for (i, value) in [(0, f64::NAN), (5, f64::INFINITY), (length - 1, f64::NEG_INFINITY)] {
        let mut broken = snapshot.clone();
        broken[i] = value;
        refused(&broken, &format!("snapshot[{i}] = {value}: a finite number expected"));
    }
}

#[test]
fn an_unstable_simulation_has_no_snapshot_and_goes_on_from_an_older_one() {
    let Some(mut task) = support::make("HalfCheetah-v5") else { return };
    let mut random = Key::from_seed(1).stream("environment");
    let mut observation = vec![0.0; 17];
    task.reset(&mut random, &mut observation).unwrap();
    let snapshot = task.snapshot().unwrap();
    assert!(task.step(Action::F32(&[f32::NAN; 6]), &mut observation).is_err());
    assert_eq!(task.snapshot(), None);
    task.restore(&snapshot, &mut random, &mut observation).unwrap();
    assert!(task.step(Action::F32(&[0.1; 6]), &mut observation).is_ok());
}
