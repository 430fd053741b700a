use super::classic::snapshot_of;
use super::{Action, BoxSpace, Environment, Space, Step, StepError};
use crate::random::Stream;

/// How far a move of strength 1 goes, and what it costs.
const REACH: f64 = 0.25;
const COST: f64 = 0.05;
/// How near a stay must be to the target, and what it is rewarded by.
const NEAR: f64 = 0.05;
const BONUS: f64 = 1.0;
const FARTHEST_TARGET: f64 = 0.8;
const STAY: usize = 1;

/// `MoveAndStrength-v0`: choose a move and how strong it is, to stop at a target on a line.
///
/// The action is a choice, left (0), stay (1) or right (2), and a strength in `[0, 1]`, clipped to it.
/// A move goes 0.25 times the strength, not beyond the line's ends at -1 and 1; a stay goes nowhere. The
/// observation is `[position, target]`; a reset draws the position uniformly from `[-1, 1]` and the
/// target from `[-0.8, 0.8]`. Every step is rewarded by `-|position - target| - 0.05 strength`, with the
/// position after it. A stay within 0.05 of the target is rewarded by 1 more and terminates.
/// [`super::TimeLimit`] cuts episodes off after 20 steps.
///
/// Both parts are needed: moves of one strength only rarely stop near the target. The best policy takes
/// the whole remaining distance if a move reaches so far, strength 1 otherwise, and stays with strength
/// 0 once it has arrived; [`MoveAndStrength::best_return`] is what it gets, in the mean over resets
/// 0.0678 (standard deviation 1.16 from reset to reset). The task is solved within 0.1 of the best returns
/// of the same resets; uniform random actions get about -12.
#[derive(Clone, Debug)]
pub struct MoveAndStrength {
    position: f64,
    target: f64,
    observation_space: BoxSpace,
    action_space: Space,
}

impl MoveAndStrength {
    /// The task's name.
    pub const ID: &'static str = "MoveAndStrength-v0";
    /// Steps of an episode.
    pub const TIME_LIMIT: usize = 20;

    /// A point in the middle with its target there, until it is reset.
    pub fn new() -> Self {
        let high = vec![1.0, FARTHEST_TARGET];
        let low = high.iter().map(|bound| -bound).collect();
        let coordinates = BoxSpace::uniform(1, 0.0, 1.0);
        Self {
            position: 0.0,
            target: 0.0,
            observation_space: BoxSpace { low, high },
            action_space: Space::Hybrid { choices: 3, coordinates },
        }
    }

    /// The best return from a position: `1 - 0.2 d - sum over k = 1, 2, ... of max(d - 0.25 k, 0)`, d
    /// the distance to the target.
    ///
    /// No policy does better. After k moves the distance is at least `d - 0.25 k`, and d has to be covered
    /// but for what is left at the final stay; a distance left there costs 1 for each unit, covering it
    /// costs 0.2 (the cost of strength, 0.05/0.25), and no reward but the final one is positive.
    pub fn best_return(position: f64, target: f64) -> f64 {
        let distance = (position - target).abs();
        let moves = (distance / REACH).floor() as usize;
        let on_the_way: f64 = (1..=moves).map(|k| distance - REACH * k as f64).sum();
        BONUS - COST / REACH * distance - on_the_way
    }

    fn observe(&self, observation: &mut [f64]) {
        observation.copy_from_slice(&[self.position, self.target]);
    }
}

impl Default for MoveAndStrength {
    fn default() -> Self {
        Self::new()
    }
}

impl Environment for MoveAndStrength {
    fn id(&self) -> &str {
        Self::ID
    }

    fn observation_space(&self) -> &BoxSpace {
        &self.observation_space
    }

    fn action_space(&self) -> &Space {
        &self.action_space
    }

    fn reset(&mut self, random: &mut Stream, observation: &mut [f64]) -> Result<(), StepError> {
        self.position = random.uniform(-1.0, 1.0);
        self.target = random.uniform(-FARTHEST_TARGET, FARTHEST_TARGET);
        self.observe(observation);
        Ok(())
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        let (choice, strength) = match action {
            Action::Hybrid { choice: choice @ 0..3, coordinates: &[strength] }
                if strength.is_finite() =>
            {
                (choice, f64::from(strength).clamp(0.0, 1.0))
            }
            other => {
                let id = Self::ID;
                let message = format!("{id} takes a choice below 3 and a strength, not {other:?}");
                return Err(StepError::State(message));
            }
        };
        let direction = choice as f64 - 1.0;
        self.position = (self.position + direction * REACH * strength).clamp(-1.0, 1.0);
        self.observe(observation);
        let distance = (self.position - self.target).abs();
        let terminated = choice == STAY && distance <= NEAR;
        let bonus = if terminated { BONUS } else { 0.0 };
        let reward = bonus - distance - COST * strength;
        Ok(Step { reward, terminated, truncated: false })
    }

    fn snapshot(&self) -> Option<Vec<f64>> {
        Some(vec![self.position, self.target])
    }

    fn restore(
        &mut self,
        snapshot: &[f64],
        _random: &mut Stream,
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        let state = snapshot_of(Self::ID, snapshot)?;
        if !self.observation_space.contains(&state) {
            return Err(StepError::State(format!("{}: {state:?} is no state of it", Self::ID)));
        }
        [self.position, self.target] = state;
        self.observe(observation);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::TimeLimit;
    use crate::random::Key;

    /// The policy that the docs call the best.
    fn best(seen: &[f64]) -> (usize, f64) {
        let way = seen[1] - seen[0];
        // A strength in single precision leaves about 1e-8 of the way.
        match way.abs() < 1e-6 {
            true => (STAY, 0.0),
            false => (if way < 0.0 { 0 } else { 2 }, (way.abs() / REACH).min(1.0)),
        }
    }

    /// First observation and return of each episode.
    fn play(episodes: usize, mut act: impl FnMut(&[f64]) -> (usize, f64)) -> Vec<([f64; 2], f64)> {
        let mut task = TimeLimit::new(MoveAndStrength::new(), MoveAndStrength::TIME_LIMIT);
        let mut random = Key::from_seed(7).stream("environment");
        let episode = |_| {
            let (mut seen, mut total) = ([0.0; 2], 0.0);
            task.reset(&mut random, &mut seen).unwrap();
            let first = seen;
            loop {
                let (choice, strength) = act(&seen);
                let action = Action::Hybrid { choice, coordinates: &[strength as f32] };
                let step = task.step(action, &mut seen).unwrap();
                total += step.reward;
                if step.ended() {
                    return (first, total);
                }
            }
        };
        (0..episodes).map(episode).collect()
    }

    fn mean(played: &[([f64; 2], f64)]) -> f64 {
        played.iter().map(|(_, total)| total).sum::<f64>() / played.len() as f64
    }

    #[test]
    fn the_best_policy_gets_the_best_return() {
        let played = play(20_000, best);
        for ([position, target], total) in &played {
            let wanted = MoveAndStrength::best_return(*position, *target);
            assert!((total - wanted).abs() < 1e-5, "{total} against {wanted}");
        }
        // By numerical integration over resets: mean 0.06783, standard deviation 1.1595.
        assert!((mean(&played) - 0.06783).abs() < 5.0 * 1.1595 / 20_000f64.sqrt());
    }

    #[test]
    fn either_part_alone_does_not_solve_it() {
        let only_choices = play(2000, |seen| (best(seen).0, 1.0));
        let only_strength = play(2000, |seen| (2, best(seen).1));
        let mut random = Key::from_seed(8).stream("actions");
        let any = play(2000, |_| (random.below(3), random.unit()));
        for played in [only_choices, only_strength, any] {
            assert!(mean(&played) < -0.5, "{}", mean(&played));
        }
    }

    /// The best return again, by value iteration over distances that are multiples of 0.05.
    #[test]
    fn the_best_return_is_that_of_dynamic_programming() {
        const CELL: f64 = 0.05;
        let cells = 37;
        let mut values = vec![f64::NEG_INFINITY; cells];
        for _ in 0..MoveAndStrength::TIME_LIMIT {
            let value = |from: usize| {
                let distance = CELL * from as f64;
                let stop =
                    if distance <= NEAR + 1e-12 { BONUS - distance } else { f64::NEG_INFINITY };
                let moves = (-5i32..=5).filter_map(|by| {
                    let to = from as i32 + by;
                    let near = usize::try_from(to).ok().filter(|&to| to < cells)?;
                    let strength = f64::from(by.abs()) / 5.0;
                    Some(values[near] - CELL * near as f64 - COST * strength)
                });
                moves.fold(stop, f64::max)
            };
            values = (0..cells).map(value).collect();
        }
        for (cell, value) in values.iter().enumerate() {
            let wanted = MoveAndStrength::best_return(0.0, CELL * cell as f64);
            assert!((value - wanted).abs() < 1e-9, "cell {cell}: {value} against {wanted}");
        }
    }

    #[test]
    fn only_a_stay_near_the_target_ends() {
        let mut task = MoveAndStrength::new();
        let mut random = Key::from_seed(0).stream("environment");
        let mut seen = [0.0; 2];
        let mut step = |position: f64, choice, strength: f32| {
            task.restore(&[position, 0.5], &mut random, &mut seen).unwrap();
            let step = task.step(Action::Hybrid { choice, coordinates: &[strength] }, &mut seen);
            (step.unwrap(), seen[0])
        };
        let (stay, place) = step(0.46, STAY, 1.0);
        assert!(stay.terminated && (stay.reward - (1.0 - 0.04 - 0.05)).abs() < 1e-12);
        assert_eq!(place, 0.46);
        assert!(!step(0.44, STAY, 0.0).0.terminated);
        let (moved, place) = step(0.5, 2, 0.0);
        assert!(!moved.terminated && place == 0.5);
        assert_eq!(step(-0.9, 0, 2.0).1, -1.0, "clipped and clamped");
        assert!((step(0.25, 2, 0.5).1 - 0.375).abs() < 1e-12);
        for action in [
            Action::Discrete(1),
            Action::Hybrid { choice: 3, coordinates: &[0.0] },
            Action::Hybrid { choice: 0, coordinates: &[f32::NAN] },
            Action::Hybrid { choice: 0, coordinates: &[] },
        ] {
            assert!(task.step(action, &mut seen).is_err());
        }
        assert!(task.restore(&[0.0, 0.9], &mut random, &mut seen).is_err());
    }
}
