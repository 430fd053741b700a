//! Values of all choices a state at once: critics with an output for each.

use super::{Networks, TwinCritic};
use crate::nn::{Activations, Scalar, Team, smaller};

/// Working room for [`TwinCritic::choice_values`].
pub struct ChoiceRoom<T> {
    rooms: [Activations<T>; 2],
}

impl<T: Scalar> TwinCritic<T> {
    /// Room to value all choices in each of `states` states.
    pub fn choice_room(&self, states: usize) -> ChoiceRoom<T> {
        ChoiceRoom { rooms: [self.net.activations(states), self.net.activations(states)] }
    }

    /// The smaller of both critics, a task of `team` each, for every choice: `states` `[B, O]`, `q` `[B, K]`.
    pub fn choice_values(
        &self,
        team: &Team,
        networks: Networks,
        states: &[T],
        room: &mut ChoiceRoom<T>,
        q: &mut [T],
    ) {
        let [first, second] = &mut room.rooms;
        team.both(
            || self.net.forward(self.parameters_of(networks, 0), states, first),
            || self.net.forward(self.parameters_of(networks, 1), states, second),
        );
        for ((q, &a), &b) in q.iter_mut().zip(first.output()).zip(second.output()) {
            *q = smaller(a, b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::critic::CriticStep;
    use crate::random::Key;

    fn critic() -> (TwinCritic<f64>, Vec<f64>) {
        let key = Key::from_seed(3);
        let mut states = vec![0.0; 4 * 2];
        key.stream("states").fill_normal(&mut states);
        (TwinCritic::over_choices(2, 3, &[7, 5], 4, &key), states)
    }

    #[test]
    fn the_smaller_value_of_every_choice() {
        let (critic, states) = critic();
        let mut q = vec![f64::NAN; 12];
        let mut room = critic.choice_room(4);
        critic.choice_values(&Team::default(), Networks::Current, &states, &mut room, &mut q);
        let mut plain = critic.net().activations(4);
        let mut of = |index: usize| {
            critic.net().forward(critic.parameters(index), &states, &mut plain);
            plain.output().to_vec()
        };
        let (one, two) = (of(0), of(1));
        for (i, q) in q.iter().enumerate() {
            assert_eq!(*q, one[i].min(two[i]));
        }
    }

    /// The loss is of the chosen output alone: its gradient equals finite differences of it, by the
    /// first step of Adam, which moves every weight against the gradient's sign.
    #[test]
    fn only_what_was_chosen_has_a_target() {
        let (mut critic, states) = critic();
        let before = critic.parameters(0).to_vec();
        let chosen = [2, 0, 2, 0];
        let step = CriticStep { learning_rate: 1e-3, max_gradient_norm: None, polyak: 0.1 };
        let report = critic.halves()[0].update(&states, &chosen, &[1.0; 4], &step);
        let mut room = critic.net().activations(4);
        let mut loss = |parameters: &[f64]| {
            critic.net().forward(parameters, &states, &mut room);
            let errors = (0..4).map(|i| room.output()[3 * i + chosen[i]] - 1.0);
            errors.map(|error| 0.5 * error * error).sum::<f64>() / 4.0
        };
        assert!((report.loss - loss(&before)).abs() < 1e-14);
        let mut moved = 0;
        for i in 0..before.len() {
            let mut at = |h: f64| {
                let mut parameters = before.clone();
                parameters[i] += h;
                loss(&parameters)
            };
            let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
            let change = critic.parameters(0)[i] - before[i];
            if slope.abs() > 1e-5 {
                assert!(change * slope < 0.0, "{i}: {change} {slope}");
                moved += 1;
            } else if slope == 0.0 {
                assert_eq!(change, 0.0, "{i}");
            }
        }
        assert!(moved > 20);
    }
}
