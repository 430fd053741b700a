use super::{Action, BoxSpace, EnvError, Environment, Space, Step, StepError, Tabular};
use crate::nn::Scalar;
use crate::random::{Stream, StreamState};

/// A task whose action coordinates live in `[-1, 1]^A`: an affine map carries them to the task's own
/// box. Choices pass through as they are.
///
/// The map is `low + (a + 1) / 2 (high - low)`, computed in the action's precision and kept inside the
/// box, so that rounding at its faces cannot leave it. Log-probabilities of policies are densities of
/// the action in `[-1, 1]^A`; nothing outside this wrapper knows the box.
#[derive(Clone, Debug)]
pub struct Rescaled<E> {
    inner: E,
    /// Empty where actions are choices alone.
    task_box: BoxSpace,
    action_space: Space,
    single: Vec<f32>,
    double: Vec<f64>,
}

impl<E: Environment> Rescaled<E> {
    /// `inner` with its action coordinates rescaled to `[-1, 1]^A`.
    ///
    /// # Errors
    /// [`EnvError::Unbounded`] when the box of the coordinates is unbounded somewhere,
    /// [`EnvError::Degenerate`] when the space holds no action, or is a simpler one in disguise.
    pub fn new(inner: E) -> Result<Self, EnvError> {
        let nothing = BoxSpace { low: Vec::new(), high: Vec::new() };
        let task_box = inner.action_space().coordinates().cloned().unwrap_or(nothing);
        if !task_box.is_bounded() {
            return Err(EnvError::Unbounded { id: inner.id().to_owned(), space: task_box });
        }
        if let Some(reason) = inner.action_space().problem() {
            return Err(EnvError::Degenerate { id: inner.id().to_owned(), reason });
        }
        let dimension = task_box.dimension();
        let rescaled = BoxSpace::uniform(dimension, -1.0, 1.0);
        let action_space = match inner.action_space() {
            Space::Box(_) => rescaled.into(),
            Space::Hybrid { choices, .. } => {
                Space::Hybrid { choices: *choices, coordinates: rescaled }
            }
            choices => choices.clone(),
        };
        Ok(Self {
            inner,
            task_box,
            action_space,
            single: vec![0.0; dimension],
            double: vec![0.0; dimension],
        })
    }

    /// The task inside, which acts in its own box.
    pub fn inner(&self) -> &E {
        &self.inner
    }

    /// The task's own box of action coordinates, of dimension 0 where actions are choices alone.
    pub fn task_box(&self) -> &BoxSpace {
        &self.task_box
    }
}

impl<E: Environment> Environment for Rescaled<E> {
    fn id(&self) -> &str {
        self.inner.id()
    }

    fn observation_space(&self) -> &BoxSpace {
        self.inner.observation_space()
    }

    fn action_space(&self) -> &Space {
        &self.action_space
    }

    fn time_limit(&self) -> Option<usize> {
        self.inner.time_limit()
    }

    fn temperature(&self) -> Option<f64> {
        self.inner.temperature()
    }

    fn reset(&mut self, random: &mut Stream, observation: &mut [f64]) -> Result<(), StepError> {
        self.inner.reset(random, observation)
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        if action.len() != self.task_box.dimension() {
            return Err(StepError::State(format!(
                "{} takes {} action coordinates, not {}",
                self.id(),
                self.task_box.dimension(),
                action.len()
            )));
        }
        let BoxSpace { low, high } = &self.task_box;
        let bounds = low.iter().zip(high);
        match action {
            Action::F32(values) | Action::Hybrid { coordinates: values, .. } => {
                for ((out, &a), (&low, &high)) in self.single.iter_mut().zip(values).zip(bounds) {
                    *out = to_box(a, low as f32, high as f32);
                }
                let coordinates = self.single.as_slice();
                let action = match action {
                    Action::Hybrid { choice, .. } => Action::Hybrid { choice, coordinates },
                    _ => Action::F32(coordinates),
                };
                self.inner.step(action, observation)
            }
            Action::F64(values) => {
                for ((out, &a), (&low, &high)) in self.double.iter_mut().zip(values).zip(bounds) {
                    *out = to_box(a, low, high);
                }
                self.inner.step(Action::F64(&self.double), observation)
            }
            Action::Discrete(_) | Action::Factored(_) => self.inner.step(action, observation),
        }
    }

    fn tabular(&self) -> Option<&Tabular> {
        self.inner.tabular()
    }

    fn log_default_policy(&self) -> Option<&[f64]> {
        self.inner.log_default_policy()
    }

    fn set_state(
        &mut self,
        qpos: &[f64],
        qvel: &[f64],
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        self.inner.set_state(qpos, qvel, observation)
    }

    fn snapshot(&self) -> Option<Vec<f64>> {
        self.inner.snapshot()
    }

    fn restore(
        &mut self,
        snapshot: &[f64],
        random: &mut Stream,
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        self.inner.restore(snapshot, random, observation)
    }

    fn random_state(&self) -> Option<StreamState> {
        self.inner.random_state()
    }

    fn set_random_state(&mut self, state: &StreamState) -> Result<(), StepError> {
        self.inner.set_random_state(state)
    }
}

/// Carries a coordinate from `[-1, 1]` to `[low, high]`, in its own precision.
pub(crate) fn to_box<T: Scalar>(a: T, low: T, high: T) -> T {
    let half = T::from_f64(0.5);
    let point = low + half * (a + T::one()) * (high - low);
    // Not max and min: those would turn NaN into a bound.
    if point < low {
        low
    } else if point > high {
        high
    } else {
        point
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Echo;
    use super::*;

    fn echo(task: &mut Rescaled<Echo>, action: Action<'_>) -> Vec<f64> {
        let mut observation = [0.0; 2];
        task.step(action, &mut observation).unwrap();
        observation.to_vec()
    }

    #[test]
    fn the_faces_and_the_centre_map_to_those_of_the_box() {
        let space = BoxSpace { low: vec![-0.4, 1.0], high: vec![0.4, 4.0] };
        let mut task = Rescaled::new(Echo::new(space)).unwrap();
        assert_eq!(task.action_space(), &Space::Box(BoxSpace::uniform(2, -1.0, 1.0)));
        let single = f64::from(0.4f32);
        assert_eq!(echo(&mut task, Action::F32(&[-1.0, -1.0])), [-single, 1.0]);
        assert_eq!(echo(&mut task, Action::F32(&[1.0, 1.0])), [single, 4.0]);
        assert_eq!(echo(&mut task, Action::F32(&[0.0, 0.0])), [0.0, 2.5]);
        assert_eq!(echo(&mut task, Action::F64(&[1.0, 0.5])), [0.4, 3.25]);
        assert!(task.step(Action::F32(&[0.0]), &mut [0.0; 2]).is_err());
    }

    #[test]
    fn choices_pass_and_their_coordinates_are_rescaled() {
        let coordinates = BoxSpace::uniform(1, 0.0, 4.0);
        let hybrid = Space::Hybrid { choices: 3, coordinates: coordinates.clone() };
        let mut task = Rescaled::new(Echo::of(hybrid)).unwrap();
        assert_eq!(task.task_box(), &coordinates);
        let rescaled = BoxSpace::uniform(1, -1.0, 1.0);
        let expected = Space::Hybrid { choices: 3, coordinates: rescaled };
        assert_eq!(task.action_space(), &expected);
        assert_eq!(echo(&mut task, Action::Hybrid { choice: 2, coordinates: &[0.5] }), [3.0, 2.0]);
        for space in [Space::Discrete(4), Space::Factored(vec![4, 2])] {
            let mut task = Rescaled::new(Echo::of(space.clone())).unwrap();
            assert_eq!((task.task_box().dimension(), task.action_space()), (0, &space));
            assert_eq!(echo(&mut task, Action::Discrete(3)), [3.0, 0.0]);
            assert_eq!(echo(&mut task, Action::Factored(&[3, 1])), [3.0, 1.0]);
            assert!(task.step(Action::F32(&[0.0]), &mut [0.0; 2]).is_err());
        }
    }

    #[test]
    fn an_unbounded_box_is_refused() {
        let error = Rescaled::new(Echo::new(BoxSpace::unbounded(2))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Echo: the action box [-inf, inf]^2 is unbounded, and only a bounded one can be rescaled"
        );
    }
}
