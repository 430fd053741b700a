use super::{ReplayBuffer, ReplayError, Transition};
use crate::env::{ActionShape, BoxSpace};

/// Steps that somebody else played, one row a step, in the order in which they were played.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dataset {
    /// What was seen before each action, `[n, O]`.
    pub observations: Vec<f32>,
    /// The actions in the task's own units, `[n, A]`.
    pub actions: Vec<f32>,
    /// `[n]`.
    pub rewards: Vec<f32>,
    /// Whether the step reached a terminal state, `[n]`.
    pub terminated: Vec<bool>,
    /// Whether time ran out after the step, `[n]`.
    pub truncated: Vec<bool>,
    /// What was seen after each step, `[n, O]`. Without it that is the next row's observation, and the
    /// last step of an episode that did not terminate is left out: nothing is known of what came after.
    pub next_observations: Option<Vec<f32>>,
}

/// Why a data set cannot be learned from.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DatasetError {
    /// Arrays of different lengths, or of another width than the task's.
    #[error("{name} holds {length} numbers: {rows} rows of {width} expected")]
    Shape {
        /// Name of the array.
        name: &'static str,
        /// Numbers in it.
        length: usize,
        /// n, as the rewards have it.
        rows: usize,
        /// Numbers a row, as the task has it.
        width: usize,
    },
    /// A number that is none.
    #[error("{name}[{row}] holds {value}, not a finite number")]
    NotFinite {
        /// Name of the array.
        name: &'static str,
        /// Its row.
        row: usize,
        /// What it was.
        value: f32,
    },
    /// An action that the task does not take.
    #[error("actions[{row}] holds {value}, outside of the task's box [{low}, {high}]")]
    Action {
        /// Its row.
        row: usize,
        /// The coordinate's value.
        value: f32,
        /// The box's lower end in this coordinate.
        low: f64,
        /// Its upper end.
        high: f64,
    },
    /// A number that is none of a task's choices.
    #[error("actions[{row}] holds {value}, none of the choices 0 to {}", choices - 1)]
    Choice {
        /// Its row.
        row: usize,
        /// The number.
        value: f32,
        /// K.
        choices: usize,
    },
    /// Nothing can be learned.
    #[error(
        "no whole transition: at least two steps of an episode, or a terminated one, are needed"
    )]
    Empty,
    /// It does not fit into memory.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

/// How far rounding may carry an action over the box's edge, as a share of the box.
const EDGE: f64 = 1e-5;

impl Dataset {
    /// A replay buffer that holds every transition, actions in `[-1,1]^A`, with no density of theirs.
    ///
    /// # Errors
    /// Shapes that do not fit the task, numbers that are not finite, actions outside of the box, or no
    /// transition at all.
    pub fn replay(
        &self,
        observation_dimension: usize,
        actions: &ActionShape,
        action_box: &BoxSpace,
    ) -> Result<ReplayBuffer, DatasetError> {
        self.check(observation_dimension, actions, action_box)?;
        let (n, width) = (self.rewards.len(), actions.stored_width());
        let factors = actions.factors.len();
        // Every step may be an episode of its own, with a last observation in a row of its own.
        let mut replay = ReplayBuffer::new(n.max(1), observation_dimension, width, Some(1))?;
        let mut action = vec![0.0; width];
        let mut playing = false;
        for row in 0..n {
            let seen = &self.observations[row * observation_dimension..][..observation_dimension];
            let next = self.next_observation(row, observation_dimension);
            let Some(next) = next.or(self.terminated[row].then_some(seen)) else {
                playing = false;
                continue;
            };
            if !playing {
                replay.begin(seen);
            }
            action.copy_from_slice(&self.actions[row * width..(row + 1) * width]);
            for (j, a) in action[factors..].iter_mut().enumerate() {
                *a = to_unit(*a, action_box.low[j], action_box.high[j]);
            }
            let ended = self.terminated[row] || self.truncated[row];
            let following = self.observations.get((row + 1) * observation_dimension..);
            let goes_on = !ended && following.is_some_and(|rows| rows.starts_with(next));
            replay.push(&Transition {
                action: &action,
                log_density: f32::NAN,
                reward: self.rewards[row],
                terminated: self.terminated[row],
                truncated: !goes_on,
                next_observation: next,
            });
            playing = goes_on;
        }
        if replay.is_empty() { Err(DatasetError::Empty) } else { Ok(replay) }
    }

    /// What was seen after this row, if that is known.
    fn next_observation(&self, row: usize, width: usize) -> Option<&[f32]> {
        if let Some(next) = &self.next_observations {
            return Some(&next[row * width..(row + 1) * width]);
        }
        let ended = self.terminated[row] || self.truncated[row];
        let last = row + 1 == self.rewards.len();
        (!ended && !last).then(|| &self.observations[(row + 1) * width..(row + 2) * width])
    }

    fn check(
        &self,
        observation: usize,
        actions: &ActionShape,
        action_box: &BoxSpace,
    ) -> Result<(), DatasetError> {
        let (rows, action) = (self.rewards.len(), actions.stored_width());
        let shape = |name, length: usize, width: usize| {
            let fits = rows.checked_mul(width) == Some(length);
            if fits { Ok(()) } else { Err(DatasetError::Shape { name, length, rows, width }) }
        };
        shape("observations", self.observations.len(), observation)?;
        shape("actions", self.actions.len(), action)?;
        shape("terminated", self.terminated.len(), 1)?;
        shape("truncated", self.truncated.len(), 1)?;
        finite("observations", &self.observations, observation)?;
        finite("actions", &self.actions, action)?;
        finite("rewards", &self.rewards, 1)?;
        if let Some(next) = &self.next_observations {
            shape("next_observations", next.len(), observation)?;
            finite("next_observations", next, observation)?;
        }
        for (i, &value) in self.actions.iter().enumerate() {
            let place = i % action;
            if let Some(&choices) = actions.factors.get(place) {
                if value.fract() != 0.0 || !(0.0..choices as f32).contains(&value) {
                    return Err(DatasetError::Choice { row: i / action, value, choices });
                }
                continue;
            }
            let place = place - actions.factors.len();
            let (low, high) = (action_box.low[place], action_box.high[place]);
            let slack = EDGE * (high - low);
            if !(low - slack..=high + slack).contains(&f64::from(value)) {
                return Err(DatasetError::Action { row: i / action, value, low, high });
            }
        }
        Ok(())
    }
}

fn finite(name: &'static str, values: &[f32], width: usize) -> Result<(), DatasetError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(i) => Err(DatasetError::NotFinite { name, row: i / width, value: values[i] }),
        None => Ok(()),
    }
}

/// Carries a coordinate from `[low, high]` to `[-1, 1]`.
fn to_unit(value: f32, low: f64, high: f64) -> f32 {
    let share = (f64::from(value) - low) / (high - low);
    (2.0 * share - 1.0).clamp(-1.0, 1.0) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;
    use crate::replay::Batch;

    /// Two episodes of one observation and one action in [0, 4]: the first terminates after two steps,
    /// the second is truncated after two.
    fn steps() -> Dataset {
        Dataset {
            observations: vec![1.0, 2.0, 10.0, 11.0],
            actions: vec![0.0, 1.0, 2.0, 4.0],
            rewards: vec![0.1, 0.2, 0.3, 0.4],
            terminated: vec![false, true, false, false],
            truncated: vec![false, false, false, true],
            next_observations: None,
        }
    }

    fn action_box() -> BoxSpace {
        BoxSpace::uniform(1, 0.0, 4.0)
    }

    /// Every transition that a buffer holds: observation, action, reward, discount, next observation.
    fn transitions(replay: &ReplayBuffer) -> Vec<[f32; 5]> {
        let mut batch = Batch::default();
        replay.sample(&mut Key::from_seed(0).stream("replay"), 200, 1, 0.5, &mut batch);
        let row = |i: usize| {
            let b = &batch;
            [b.observations[i], b.actions[i], b.rewards[i], b.discounts[i], b.next_observations[i]]
        };
        let mut rows: Vec<_> = (0..200).map(row).collect();
        rows.sort_by(|a, b| a[0].total_cmp(&b[0]));
        rows.dedup();
        rows
    }

    #[test]
    fn rows_become_transitions_and_the_unknown_one_is_left_out() {
        let replay = steps().replay(1, &ActionShape::of_box(1), &action_box()).unwrap();
        let expected =
            [[1.0, -1.0, 0.1, 0.5, 2.0], [2.0, -0.5, 0.2, 0.0, 2.0], [10.0, 0.0, 0.3, 0.5, 11.0]];
        assert_eq!(transitions(&replay), expected);
    }

    #[test]
    fn known_next_observations_keep_the_last_step_of_a_truncated_episode() {
        let next = Some(vec![2.0, 3.0, 11.0, 12.0]);
        let replay =
            Dataset { next_observations: next, ..steps() }.replay(1, &ActionShape::of_box(1), &action_box()).unwrap();
        assert_eq!(transitions(&replay)[3], [11.0, 1.0, 0.4, 0.5, 12.0]);
        assert_eq!(replay.len(), 4);
    }

    #[test]
    fn rows_that_do_not_follow_each_other_are_kept_apart() {
        let next = Some(vec![7.0, 3.0, 8.0, 12.0]);
        let replay =
            Dataset { next_observations: next, ..steps() }.replay(1, &ActionShape::of_box(1), &action_box()).unwrap();
        let next: Vec<f32> = transitions(&replay).iter().map(|row| row[4]).collect();
        assert_eq!(next, [7.0, 2.0, 8.0, 12.0]);
    }

    #[test]
    fn bad_data_is_refused_by_name_and_row() {
        let refused = |change: &dyn Fn(&mut Dataset)| {
            let mut steps = steps();
            change(&mut steps);
            steps.replay(1, &ActionShape::of_box(1), &action_box()).unwrap_err().to_string()
        };
        assert_eq!(
            refused(&|d| d.actions[2] = 4.1),
            "actions[2] holds 4.1, outside of the task's box [0, 4]"
        );
        assert_eq!(
            refused(&|d| d.rewards[1] = f32::NAN),
            "rewards[1] holds NaN, not a finite number"
        );
        assert!(refused(&|d| d.observations.push(1.0)).starts_with("observations holds 5 numbers"));
        assert!(refused(&|d| d.truncated.truncate(3)).starts_with("truncated holds 3"));
        assert!(refused(&|d| d.terminated.push(true)).starts_with("terminated holds 5"));
        let empty = Dataset::default().replay(1, &ActionShape::of_box(1), &action_box()).unwrap_err();
        assert_eq!(empty, DatasetError::Empty);
        let alone = Dataset {
            observations: vec![0.0],
            actions: vec![0.0],
            rewards: vec![0.0],
            terminated: vec![false],
            truncated: vec![false],
            next_observations: None,
        };
        assert_eq!(alone.replay(1, &ActionShape::of_box(1), &action_box()).unwrap_err(), DatasetError::Empty);
    }
}
