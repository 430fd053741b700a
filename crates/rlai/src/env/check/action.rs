//! Random actions of any space.

use crate::env::{Action, Space};
use crate::random::Stream;

/// Draws actions uniformly.
pub(super) struct RandomActions {
    space: Space,
    random: Stream,
    coordinates: Vec<f32>,
    choices: Vec<usize>,
}

impl RandomActions {
    pub(super) fn new(space: Space, random: Stream) -> Self {
        Self { space, random, coordinates: Vec::new(), choices: Vec::new() }
    }

    /// The next action.
    pub(super) fn draw(&mut self) -> Action<'_> {
        let random = &mut self.random;
        self.choices = self.space.factors().iter().map(|&k| random.below(k)).collect();
        if let Some(space) = self.space.coordinates() {
            let bounds = space.low.iter().zip(&space.high);
            let draw = |(&low, &high): (&f64, &f64)| {
                // Rounding must not leave the box.
                (random.uniform(low, high) as f32).clamp(low as f32, high as f32)
            };
            self.coordinates = bounds.map(draw).collect();
        }
        match self.space {
            Space::Box(_) => Action::F32(&self.coordinates),
            Space::Discrete(_) => Action::Discrete(self.choices[0]),
            Space::Factored(_) => Action::Factored(&self.choices),
            Space::Hybrid { .. } => {
                Action::Hybrid { choice: self.choices[0], coordinates: &self.coordinates }
            }
        }
    }
}
