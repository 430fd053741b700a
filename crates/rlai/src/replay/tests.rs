use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::random::{Key, Stream};

const OBSERVATION: usize = 2;
const ACTION: usize = 3;

/// One episode as a list; observation `i` is a number that no other observation shares.
#[derive(Clone, Debug, Default)]
struct Episode {
    observations: Vec<f32>,
    rewards: Vec<f32>,
    terminated: bool,
}

/// What a buffer is told: the length of an episode and how it ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Terminated,
    Truncated,
    /// The next episode begins without a word.
    Abandoned,
}

/// Every episode ever played, kept in full.
#[derive(Debug, Default)]
struct Model {
    episodes: Vec<Episode>,
    counter: f32,
}

fn observation(number: f32) -> [f32; OBSERVATION] {
    [number, -number]
}

fn action(number: f32) -> [f32; ACTION] {
    [number + 0.25, number + 0.5, number + 0.75]
}

/// Stores a transition whose log density is minus its reward.
fn push(
    buffer: &mut ReplayBuffer,
    action: &[f32],
    reward: f32,
    terminated: bool,
    truncated: bool,
    next_observation: &[f32],
) {
    let log_density = -reward;
    buffer.push(&Transition {
        action,
        log_density,
        reward,
        terminated,
        truncated,
        next_observation,
    });
}

impl Model {
    fn next_number(&mut self) -> f32 {
        self.counter += 1.0;
        self.counter
    }

    /// Plays an episode into both, and holds `check` after every transition.
    fn play(
        &mut self,
        buffer: &mut ReplayBuffer,
        length: usize,
        end: End,
        mut check: impl FnMut(&Model, &ReplayBuffer),
    ) {
        let mut number = self.next_number();
        buffer.begin(&observation(number));
        self.episodes.push(Episode { observations: vec![number], ..Episode::default() });
        for step in 1..=length {
            let last = step == length;
            let terminated = last && matches!(end, End::Terminated);
            let truncated = last && matches!(end, End::Truncated);
            let reward = number * 0.5 + 1.0;
            let taken = action(number);
            number = self.next_number();
            push(buffer, &taken, reward, terminated, truncated, &observation(number));
            let episode = self.episodes.last_mut().unwrap();
            episode.observations.push(number);
            episode.rewards.push(reward);
            episode.terminated = terminated;
            check(self, buffer);
        }
    }

    /// The first observations of all transitions, oldest first.
    fn transitions(&self) -> Vec<f32> {
        let starts = |episode: &Episode| episode.observations[..episode.rewards.len()].to_vec();
        self.episodes.iter().flat_map(starts).collect()
    }

    /// Transitions among the last `rows` rows that a ring would have written, and at most `capacity`.
    fn held(&self, capacity: usize, rows: usize) -> usize {
        let mut written = Vec::new();
        for (i, episode) in self.episodes.iter().enumerate() {
            let newest = i + 1 == self.episodes.len();
            written.extend(episode.rewards.iter().map(|_| true));
            if !episode.terminated && (newest || !episode.rewards.is_empty()) {
                written.push(false);
            }
        }
        written.iter().rev().take(rows).filter(|&&row| row).count().min(capacity)
    }

    /// The n-step transition that starts at observation `number`.
    fn expected(&self, number: f32, n_step: usize, gamma: f32) -> Batch {
        let starts = |episode: &&Episode| episode.observations.contains(&number);
        let episode = self.episodes.iter().find(starts).unwrap();
        let first = episode.observations.iter().position(|&x| x == number).unwrap();
        let spanned = n_step.min(episode.rewards.len() - first);
        let (mut reward, mut discount) = (0.0, 1.0);
        for &r in &episode.rewards[first..first + spanned] {
            reward += discount * r;
            discount *= gamma;
        }
        let mut next = first + spanned;
        if episode.terminated && next == episode.rewards.len() {
            discount = 0.0;
            next -= 1;
        }
        Batch {
            observations: observation(number).to_vec(),
            actions: action(number).to_vec(),
            log_densities: vec![-episode.rewards[first]],
            rewards: vec![reward],
            discounts: vec![discount],
            next_observations: observation(episode.observations[next]).to_vec(),
        }
    }
}

/// Samples `draws` times, compares each with the model and returns the transitions met.
fn sampled(
    model: &Model,
    buffer: &ReplayBuffer,
    stream: &mut Stream,
    n_step: usize,
    draws: usize,
) -> BTreeSet<u32> {
    let mut met = BTreeSet::new();
    let mut batch = Batch::new(1, OBSERVATION, ACTION);
    for _ in 0..draws {
        buffer.sample(stream, 1, n_step, 0.9, &mut batch);
        let number = batch.observations[0];
        assert_eq!(batch, model.expected(number, n_step, 0.9));
        met.insert(number as u32);
    }
    met
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Terminated), Just(End::Truncated), Just(End::Abandoned)]
}

proptest! {
    #[test]
    fn whatever_is_sampled_was_played_and_all_that_is_held_is_reached(
        capacity in 1usize..14,
        limit in prop_oneof![Just(None), (1usize..6).prop_map(Some)],
        n_step in 1usize..5,
        episodes in prop::collection::vec((0usize..9, end()), 1..12),
    ) {
        let mut buffer = ReplayBuffer::new(capacity, OBSERVATION, ACTION, limit).unwrap();
        let rows = capacity + limit.map_or(0, |limit| capacity / limit) + 2;
        let mut stream = Key::from_seed(1).stream("replay");
        let mut model = Model::default();
        for (length, end) in episodes {
            model.play(&mut buffer, length, end, |model, buffer| {
                assert_eq!(buffer.len(), model.held(capacity, rows));
                sampled(model, buffer, &mut stream, n_step, 3);
            });
        }
        if !buffer.is_empty() {
            // 14 transitions at most: one is missed with probability below 1e-14.
            let met = sampled(&model, &buffer, &mut stream, n_step, 500);
            let all = model.transitions();
            let newest = all[all.len() - buffer.len()..].iter().map(|&x| x as u32).collect();
            prop_assert_eq!(met, newest);
        }
    }

    #[test]
    fn a_time_limit_leaves_room_for_the_full_capacity(
        capacity in 1usize..40,
        limit in 1usize..8,
        lengths in prop::collection::vec(1usize..8, 1..60),
    ) {
        let mut buffer = ReplayBuffer::new(capacity, OBSERVATION, ACTION, Some(limit)).unwrap();
        let mut model = Model::default();
        for length in lengths {
            let (length, end) =
                if length < limit { (length, End::Terminated) } else { (limit, End::Truncated) };
            model.play(&mut buffer, length, end, |model, buffer| {
                assert_eq!(buffer.len(), model.transitions().len().min(capacity));
            });
        }
    }
}

#[test]
fn transitions_are_drawn_uniformly() {
    let mut buffer = ReplayBuffer::new(10, OBSERVATION, ACTION, None).unwrap();
    let mut model = Model::default();
    for end in [End::Truncated, End::Terminated, End::Truncated, End::Abandoned] {
        model.play(&mut buffer, 3, end, |_, _| {});
    }
    let held = buffer.len();
    assert_eq!(held, 9, "two final observations beside the newest one leave 9 of 12 rows");
    let draws = 90_000;
    let mut batch = Batch::default();
    buffer.sample(&mut Key::from_seed(2).stream("replay"), draws, 1, 0.99, &mut batch);
    assert_eq!(batch.len(), draws);
    let share = 1.0 / held as f64;
    let sd = (draws as f64 * share * (1.0 - share)).sqrt();
    let all = model.transitions();
    for number in &all[all.len() - held..] {
        let met = batch.observations.chunks(OBSERVATION).filter(|row| row[0] == *number).count();
        assert!((met as f64 - draws as f64 * share).abs() < 5.0 * sd, "{number}: {met}");
    }
}

#[test]
fn n_step_returns_stop_where_the_episode_does() {
    let mut buffer = ReplayBuffer::new(8, 1, 1, None).unwrap();
    buffer.begin(&[0.0]);
    push(&mut buffer, &[0.0], 1.0, false, false, &[1.0]);
    push(&mut buffer, &[0.0], 2.0, true, false, &[2.0]);
    let mut stream = Key::from_seed(3).stream("replay");
    let mut batch = Batch::default();
    buffer.sample(&mut stream, 32, 3, 0.25, &mut batch);
    for i in 0..32 {
        let reward = if batch.observations[i] == 0.0 { 1.0 + 0.25 * 2.0 } else { 2.0 };
        assert_eq!((batch.rewards[i], batch.discounts[i]), (reward, 0.0));
    }
    let mut buffer = ReplayBuffer::new(8, 1, 1, None).unwrap();
    buffer.begin(&[0.0]);
    push(&mut buffer, &[0.0], 1.0, false, false, &[1.0]);
    push(&mut buffer, &[0.0], 2.0, false, true, &[2.0]);
    buffer.sample(&mut stream, 32, 3, 0.5, &mut batch);
    for i in 0..32 {
        let (reward, discount) =
            if batch.observations[i] == 0.0 { (2.0, 0.25) } else { (2.0, 0.5) };
        assert_eq!((batch.rewards[i], batch.discounts[i]), (reward, discount));
        assert_eq!(batch.next_observations[i], 2.0);
    }
}

#[test]
fn equal_streams_draw_equal_batches() {
    let mut buffer = ReplayBuffer::new(100, OBSERVATION, ACTION, Some(7)).unwrap();
    let mut model = Model::default();
    for _ in 0..20 {
        model.play(&mut buffer, 7, End::Truncated, |_, _| {});
    }
    let draw = |seed| {
        let mut batch = Batch::default();
        buffer.sample(&mut Key::from_seed(seed).stream("replay"), 64, 2, 0.99, &mut batch);
        batch
    };
    assert_eq!(draw(4), draw(4));
    assert_ne!(draw(4), draw(5));
}

#[test]
fn a_million_transitions_of_humanoid_fit_in_one_and_a_half_gigabytes() {
    // Memory is only reserved here, not touched.
    let buffer = ReplayBuffer::new(1_000_000, 348, 17, Some(1000)).unwrap();
    assert!(buffer.bytes() >= 1_000_000 * (348 + 17 + 1) * 4);
    assert!(buffer.bytes() <= 1_500_000_000, "{} bytes", buffer.bytes());
}

#[test]
fn filling_a_buffer_never_moves_or_grows_it() {
    let mut buffer = ReplayBuffer::new(50, OBSERVATION, ACTION, Some(5)).unwrap();
    let bytes = buffer.bytes();
    let mut model = Model::default();
    for _ in 0..40 {
        model.play(&mut buffer, 5, End::Truncated, |_, _| {});
    }
    assert_eq!(buffer.bytes(), bytes);
    assert_eq!(buffer.len(), buffer.capacity());
}

#[test]
fn impossible_sizes_are_errors() {
    assert_eq!(ReplayBuffer::new(0, 3, 1, None).unwrap_err(), ReplayError::Empty);
    for (capacity, width) in [(usize::MAX, 1), (usize::MAX / 2, 3), (1 << 40, 1 << 30)] {
        let error = ReplayBuffer::new(capacity, width, 1, Some(1)).unwrap_err();
        assert!(matches!(error, ReplayError::Memory { .. }));
        assert!(error.to_string().contains(&capacity.to_string()));
    }
}

/// A terabyte would be granted page by page, until the process is killed.
#[cfg(target_os = "linux")]
#[test]
fn more_than_there_is_left_is_refused_with_both_numbers() {
    // 4 * (3 + 1 + 2) + 1 = 25 bytes a row.
    let error = ReplayBuffer::new(40_000_000_000_000, 3, 1, None).unwrap_err();
    let ReplayError::Memory { bytes, available, .. } = &error else { panic!("{error}") };
    assert_eq!(*bytes, 25 * 40_000_000_000_002);
    assert!(available.as_ref().is_some_and(|(left, _)| u128::from(*left) < *bytes), "{error}");
    let told = error.to_string();
    assert!(told.contains("it takes 1000000001 MB, and"), "{told}");
}

#[test]
#[should_panic(expected = "call begin first")]
fn a_transition_after_the_end_of_an_episode_is_a_mistake() {
    let mut buffer = ReplayBuffer::new(8, 1, 1, None).unwrap();
    buffer.begin(&[0.0]);
    push(&mut buffer, &[0.0], 1.0, false, true, &[1.0]);
    push(&mut buffer, &[0.0], 1.0, false, true, &[2.0]);
}
