//! Every environment of the crate keeps what `Environment::snapshot` promises: equal snapshots with equal
//! random numbers have equal futures, to the last bit.

use std::collections::BTreeSet;

use rlai::env::{
    Action, Environment, EpisodeState, Probe, ProbeKind, ProbeSpace, Rescaled, Space, StepError,
    TimeLimit, builtin_tasks, make_named,
};
use rlai::random::{Key, Stream};

/// Every kind of name that the crate can make a task of.
fn names() -> Vec<String> {
    let mut names: Vec<String> = builtin_tasks().into_iter().map(|task| task.id).collect();
    for kind in ProbeKind::ALL {
        names.extend(ProbeSpace::ALL.map(|space| Probe::new(kind, space).id().to_owned()));
    }
    // Both are random in every step.
    for (kinds, file) in [
        (["grid", "grid-stationary"], "grid.txt"),
        (["tabular", "tabular-stationary"], "process.json"),
    ] {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
        names.extend(kinds.map(|kind| format!("{kind}:{path}/{file}")));
    }
    names
}

type Maker = Box<dyn Fn() -> Box<dyn Environment>>;

/// The task as it is, and in both wrappers, with a limit that is reached and one that is not.
fn wrapped(name: &str) -> Vec<(String, Maker)> {
    let plain = name.to_owned();
    let make = move || make_named(&plain).unwrap().unwrap();
    let mut all: Vec<(String, Maker)> = vec![(name.to_owned(), Box::new(make.clone()))];
    for limit in [5, 10_000] {
        let make = make.clone();
        let limited = move || -> Box<dyn Environment> {
            Box::new(Rescaled::new(TimeLimit::new(make(), limit)).unwrap())
        };
        all.push((format!("{name}, rescaled, {limit} steps"), Box::new(limited)));
    }
    all
}

struct Player {
    task: Box<dyn Environment>,
    observation: Vec<f64>,
    environment: Stream,
    actions: Stream,
    over: bool,
    seen: Vec<u64>,
}

impl Player {
    fn new(make: &Maker, seed: u64) -> Self {
        let task = make();
        let key = Key::from_seed(seed);
        let (environment, actions) = (key.stream("environment"), key.stream("actions"));
        let observation = vec![f64::NAN; task.observation_space().dimension()];
        Self { task, observation, environment, actions, over: true, seen: Vec::new() }
    }

    /// The state of the whole play but for what was seen, through JSON, in a fresh instance.
    fn resumed(&self, make: &Maker) -> Self {
        let state = serde_json::to_string(&EpisodeState::of(&*self.task).unwrap()).unwrap();
        let state: EpisodeState = serde_json::from_str(&state).unwrap();
        let mut other = Self::new(make, 7);
        let at = |stream: &Stream| Stream::from_state(&stream.state());
        (other.environment, other.actions) = (at(&self.environment), at(&self.actions));
        other.over = self.over;
        state.resume(&mut *other.task, &mut other.observation).unwrap();
        other
    }

    fn note(&mut self) {
        self.seen.extend(self.observation.iter().map(|value| value.to_bits()));
        let default = self.task.log_default_policy();
        self.seen.extend(default.into_iter().flatten().map(|value| value.to_bits()));
    }

    fn step(&mut self) -> Result<(), StepError> {
        let random = &mut self.actions;
        let space = self.task.action_space();
        let choices: Vec<usize> = space.factors().iter().map(|&k| random.below(k)).collect();
        let bounds = space.coordinates().map(|one| one.low.iter().zip(&one.high));
        let draw = |(&low, &high): (&f64, &f64)| random.uniform(low, high) as f32;
        let coordinates: Vec<f32> = bounds.into_iter().flatten().map(draw).collect();
        let action = match space {
            Space::Box(_) => Action::F32(&coordinates),
            Space::Discrete(_) => Action::Discrete(choices[0]),
            Space::Factored(_) => Action::Factored(&choices),
            Space::Hybrid { .. } => {
                Action::Hybrid { choice: choices[0], coordinates: &coordinates }
            }
        };
        let step = self.task.step(action, &mut self.observation)?;
        self.over = step.ended();
        let flags = [step.terminated, step.truncated].map(u64::from);
        self.seen.extend([step.reward.to_bits()].into_iter().chain(flags));
        self.note();
        Ok(())
    }

    /// Plays on, across ends; every third one is played beyond before the next reset.
    fn play(&mut self, steps: usize) -> Vec<u64> {
        self.seen.clear();
        let mut ends = 0;
        for _ in 0..steps {
            if self.over {
                ends += 1;
                if ends % 3 == 0 {
                    self.step().unwrap();
                }
                self.task.reset(&mut self.environment, &mut self.observation).unwrap();
                self.note();
            }
            self.step().unwrap();
        }
        std::mem::take(&mut self.seen)
    }
}

#[test]
fn an_episode_goes_on_in_another_instance_as_if_nothing_had_happened() {
    for (name, make) in names().iter().flat_map(|name| wrapped(name)) {
        for before in [1, 2, 3, 4, 5, 17, 60, 199] {
            let mut player = Player::new(&make, 1);
            player.play(before);
            let mut resumed = player.resumed(&make);
            assert_eq!(resumed.observation, player.observation, "{name} after {before} steps");
            let again = EpisodeState::of(&*resumed.task);
            assert_eq!(again, EpisodeState::of(&*player.task), "{name} after {before} steps");
            let same = player.play(250) == resumed.play(250);
            assert!(same, "{name} after {before} steps: another future");
        }
    }
}

#[test]
fn an_episode_goes_on_right_after_its_reset_and_before_any() {
    for (name, make) in names().iter().flat_map(|name| wrapped(name)) {
        let mut player = Player::new(&make, 2);
        let mut resumed = player.resumed(&make);
        assert!(player.play(30) == resumed.play(30), "{name}: before any reset");
        player.task.reset(&mut player.environment, &mut player.observation).unwrap();
        player.over = false;
        let mut resumed = player.resumed(&make);
        assert_eq!(resumed.observation, player.observation, "{name}");
        assert!(player.play(30) == resumed.play(30), "{name}: after a reset");
    }
}

/// Copies have equal futures with equal random numbers; where steps are random, and only there, other
/// random numbers give other ones.
#[test]
fn copies_go_the_way_that_their_random_numbers_say() {
    let mut random_tasks = BTreeSet::new();
    for name in names() {
        let make = wrapped(&name).swap_remove(0).1;
        let mut player = Player::new(&make, 3);
        player.task.reset(&mut player.environment, &mut player.observation).unwrap();
        let snapshot = player.task.snapshot().unwrap();
        let future = |seed: u64, history: usize| {
            let mut copy = Player::new(&make, 4);
            copy.play(history);
            let mut random = Key::from_seed(seed).stream("copies");
            copy.task.restore(&snapshot, &mut random, &mut copy.observation).unwrap();
            copy.actions = Key::from_seed(5).stream("actions");
            copy.seen.clear();
            // Beyond an end too: a reset would take its random numbers from elsewhere.
            for _ in 0..8 {
                copy.step().unwrap();
            }
            (copy.seen, copy.task.random_state().is_some())
        };
        assert!(future(1, 0) == future(1, 40), "{name}");
        let futures: BTreeSet<_> = (1..20).map(|seed| future(seed, 0).0).collect();
        let is_random = future(1, 0).1;
        assert_eq!(futures.len() > 1, is_random, "{name}");
        if is_random {
            random_tasks.insert(name);
        }
    }
    assert_eq!(random_tasks.len(), 4, "{random_tasks:?}");
}

#[test]
fn numbers_that_are_no_snapshot_are_refused_and_change_nothing() {
    for (name, make) in names().iter().flat_map(|name| wrapped(name)) {
        let mut player = Player::new(&make, 1);
        player.play(3);
        let whole = EpisodeState::of(&*player.task).unwrap();
        let mut refused = |numbers: &[f64]| {
            let mut random = Key::from_seed(6).stream("copies");
            match player.task.restore(numbers, &mut random, &mut player.observation) {
                Err(StepError::State(message)) => assert!(!message.contains('\n'), "{message}"),
                other => panic!("{name}: {numbers:?}: {other:?}"),
            }
            assert_eq!(EpisodeState::of(&*player.task).unwrap(), whole, "{name}");
        };
        refused(&[&whole.snapshot[..], &[0.0]].concat());
        if let Some((_, shorter)) = whole.snapshot.split_last() {
            refused(shorter);
        }
        for i in 0..whole.snapshot.len() {
            for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                let mut numbers = whole.snapshot.clone();
                numbers[i] = bad;
                refused(&numbers);
            }
        }
    }
}

#[test]
fn random_numbers_of_its_own_are_asked_of_those_tasks_alone_that_draw_some() {
    let state = |name: &str| {
        let make = wrapped(name).swap_remove(1).1;
        let mut player = Player::new(&make, 1);
        player.play(2);
        (EpisodeState::of(&*player.task).unwrap(), player)
    };
    let (mut without, mut player) = state("CartPole-v1");
    without.random = Some(Key::from_seed(1).stream("other").state());
    let told = without.resume(&mut *player.task, &mut player.observation).unwrap_err();
    assert_eq!(told.to_string(), "CartPole-v1 draws no random numbers of its own");
    let grid = names().into_iter().find(|name| name.starts_with("grid:")).unwrap();
    let (mut with, mut player) = state(&grid);
    with.random = None;
    let told = with.resume(&mut *player.task, &mut player.observation).unwrap_err();
    assert!(told.to_string().ends_with("the state of the episode lacks them"), "{told}");
}
