//! Agents and transitions with a real task's sizes and without its simulator.

use rlai::agent::Agent;
use rlai::env::ActionShape;
use rlai::random::{Key, Stream};
use rlai::replay::{ReplayBuffer, Transition};
use rlai::train::{Objective, TrainConfig};

/// The sizes of a task: numbers in an observation, coordinates of an action.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub observation: usize,
    pub action: usize,
}

/// HalfCheetah-v5.
pub const HALF_CHEETAH: Sizes = Sizes { observation: 17, action: 6 };

impl Sizes {
    /// An agent with the defaults of an objective, `samples` actions a state, batches of `batch`.
    pub fn agent(self, objective: Objective, samples: usize, batch: usize) -> Agent<f32> {
        let mut config = TrainConfig::defaults(objective, self.action);
        (config.samples, config.batch) = (samples, batch);
        let shape = ActionShape::of_box(self.action);
        Agent::new(&config, self.observation, &shape).expect("defaults are accepted")
    }

    /// A full replay of normal observations and rewards, episodes of 1,000 steps.
    pub fn replay(self, transitions: usize) -> ReplayBuffer {
        let mut random = stream("replay");
        let mut buffer = ReplayBuffer::new(transitions, self.observation, self.action, Some(1000))
            .expect("there is memory for a small replay");
        let (mut seen, mut action) = (vec![0.0; self.observation], vec![0.0; self.action]);
        for step in 0..transitions {
            if step % 1000 == 0 {
                random.fill_normal(&mut seen);
                buffer.begin(&seen);
            }
            random.fill_normal(&mut seen);
            action.fill_with(|| random.uniform(-1.0, 1.0) as f32);
            buffer.push(&Transition {
                action: &action,
                log_density: 0.0,
                reward: random.normal() as f32,
                terminated: false,
                truncated: step % 1000 == 999,
                next_observation: &seen,
            });
        }
        buffer
    }
}

/// Reproducible random numbers.
pub fn stream(name: &str) -> Stream {
    Key::from_seed(0).stream(name)
}
