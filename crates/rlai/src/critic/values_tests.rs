use super::*;
use crate::random::Key;

/// Values by the plain forward pass, one critic at a time.
fn plain(critic: &TwinCritic<f64>, states: &[f64], actions: &[f64], samples: usize) -> Vec<f64> {
    let rows = actions.len() / 3;
    let input: Vec<f64> = (0..rows)
        .flat_map(|i| {
            let s = i / samples;
            let (state, action) = (&states[s * 4..s * 4 + 4], &actions[i * 3..i * 3 + 3]);
            state.iter().chain(action).copied().collect::<Vec<_>>()
        })
        .collect();
    let mut room = critic.net().activations(rows);
    let mut values = |k: usize| {
        critic.net().forward(critic.parameters(k), &input, &mut room);
        room.output().to_vec()
    };
    let (a, b) = (values(0), values(1));
    a.iter().zip(&b).map(|(a, b)| a.min(*b)).collect()
}

fn check(hidden: &[usize], states_count: usize, samples: usize) {
    let key = Key::from_seed(4);
    let critic = TwinCritic::<f64>::new(4, 3, hidden, 8, &key);
    let mut states = vec![0.0; states_count * 4];
    let mut actions = vec![0.0; states_count * samples * 3];
    let mut stream = key.stream("data");
    stream.fill_normal(&mut states);
    stream.fill_normal(&mut actions);
    let mut room = critic.value_room(states_count, samples);
    let mut q = vec![f64::NAN; states_count * samples];
    let mut gradient = vec![f64::NAN; actions.len()];
    let (team, wanted) = (Team::default(), Some(&mut gradient[..]));
    let current = Networks::Current;
    critic.values(&team, current, &states, &actions, &mut room, &mut q, wanted);
    for (got, want) in q.iter().zip(plain(&critic, &states, &actions, samples)) {
        assert!((got - want).abs() < 1e-12);
    }
    let h = 1e-6;
    for i in 0..actions.len() {
        let at = |shift: f64| {
            let mut moved = actions.clone();
            moved[i] += shift;
            plain(&critic, &states, &moved, samples)[i / 3]
        };
        let numeric = (at(h) - at(-h)) / (2.0 * h);
        assert!((gradient[i] - numeric).abs() < 1e-7, "{} against {numeric}", gradient[i]);
    }
}

#[test]
fn split_and_blocked_values_equal_the_plain_pass_and_their_gradient_finite_differences() {
    check(&[16, 12], 5, 1);
    check(&[16, 12], 6, 5);
    check(&[9], 3, 4);
    check(&[8, 8, 8], 4, 3);
    check(&[8, 8], 3, 130); // a state a block
    check(&[8, 8], 5, 100); // several blocks, the last one partial
    check(&[4], 300, 1);
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

/// In single precision neither what the actions of a state share, nor blocks, nor threads change a bit.
#[test]
fn values_are_the_same_bits_whatever_the_way() {
    let key = Key::from_seed(6);
    let critic = TwinCritic::<f32>::new(4, 3, &[24, 17], 8, &key);
    let teams = [Team::default(), Team::new(2).unwrap()];
    for (states_count, samples) in [(7, 1), (300, 1), (7, 100), (40, 9)] {
        let mut stream = key.stream("data");
        let mut states = vec![0.0; states_count * 4];
        let mut actions = vec![0.0; states_count * samples * 3];
        stream.fill_normal(&mut states);
        stream.fill_normal(&mut actions);
        // Every action with a state of its own.
        let repeated: Vec<f32> = states.chunks(4).flat_map(|state| state.repeat(samples)).collect();
        let ways = [
            (&teams[0], &states, samples),
            (&teams[1], &states, samples),
            (&teams[0], &repeated, 1),
        ];
        let mut results = vec![];
        for ((team, states, samples), wanted) in
            ways.into_iter().flat_map(|way| [(way, false), (way, true)])
        {
            let mut room = critic.value_room(states.len() / 4, samples);
            let mut q = vec![f32::NAN; actions.len() / 3];
            let mut gradient = vec![f32::NAN; actions.len()];
            let (current, dq_da) = (Networks::Current, wanted.then_some(&mut gradient[..]));
            critic.values(team, current, states, &actions, &mut room, &mut q, dq_da);
            results.push((bits(&q), wanted.then(|| bits(&gradient))));
        }
        assert!(results.iter().all(|result| result.0 == results[0].0));
        assert!(results[1].1 == results[3].1 && results[1].1 == results[5].1);
    }
}
