use super::{Action, BoxSpace, Environment, Space, Step, StepError};
use crate::random::Stream;

/// Where the peaks are, to both sides of 0, and their standard deviation.
const PEAK: f64 = 1.0;
const WIDTH: f64 = 0.3;
const LIMIT: f64 = 2.0;

/// `BimodalBandit-v0`: one action whose reward has two equal peaks.
///
/// The observation is always 1. The action is one number in `[-2, 2]`, clipped to it; its reward is
///
/// ```text
/// r(a) = exp(-((a + 1)/0.3)^2/2) + exp(-((a - 1)/0.3)^2/2)
/// ```
///
/// and the episode terminates. The best reward is 1 (plus 2e-10), at -1 and at 1; at 0, the mean of a
/// policy that has both peaks, it is 0.008. The optimal policy `exp(r/alpha)/Z` has two modes: a policy
/// of one mode keeps one of them under the reverse KL and covers both, the poor middle included, under
/// the forward KL. What that does is studied by Chan, Silva, Lim, Kozuno, Mahmood and White,
/// "Greedification operators for policy optimization" (JMLR 2022), on bandits of this kind.
#[derive(Clone, Debug)]
pub struct BimodalBandit {
    observation_space: BoxSpace,
    action_space: Space,
}

impl BimodalBandit {
    /// The task's name.
    pub const ID: &'static str = "BimodalBandit-v0";

    /// The bandit; it has no state.
    pub fn new() -> Self {
        Self {
            observation_space: BoxSpace::uniform(1, 1.0, 1.0),
            action_space: BoxSpace::uniform(1, -LIMIT, LIMIT).into(),
        }
    }

    /// The reward of an action in `[-2, 2]`.
    pub fn reward(action: f64) -> f64 {
        let peak = |centre: f64| (-0.5 * ((action - centre) / WIDTH).powi(2)).exp();
        peak(-PEAK) + peak(PEAK)
    }
}

impl Default for BimodalBandit {
    fn default() -> Self {
        Self::new()
    }
}

impl Environment for BimodalBandit {
    fn id(&self) -> &str {
        Self::ID
    }

    fn observation_space(&self) -> &BoxSpace {
        &self.observation_space
    }

    fn action_space(&self) -> &Space {
        &self.action_space
    }

    fn reset(&mut self, _: &mut Stream, observation: &mut [f64]) -> Result<(), StepError> {
        observation.fill(1.0);
        Ok(())
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        let value = match action {
            Action::F32(&[value]) if value.is_finite() => f64::from(value),
            Action::F64(&[value]) if value.is_finite() => value,
            other => {
                let message = format!("{} takes one finite number, not {other:?}", Self::ID);
                return Err(StepError::State(message));
            }
        };
        observation.fill(1.0);
        let reward = Self::reward(value.clamp(-LIMIT, LIMIT));
        Ok(Step { reward, terminated: true, truncated: false })
    }

    fn snapshot(&self) -> Option<Vec<f64>> {
        Some(Vec::new())
    }

    fn restore(
        &mut self,
        snapshot: &[f64],
        _random: &mut Stream,
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        super::classic::snapshot_of::<0>(Self::ID, snapshot)?;
        observation.fill(1.0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_peaks_are_as_high_and_the_middle_is_poor() {
        let mut task = BimodalBandit::new();
        let mut reward = |action| {
            let step = task.step(Action::F64(&[action]), &mut [0.0]).unwrap();
            assert!(step.terminated && !step.truncated);
            step.reward
        };
        let far = (-0.5 * (2.0f64 / 0.3).powi(2)).exp();
        assert_eq!(reward(-1.0), 1.0 + far);
        assert_eq!(reward(1.0), reward(-1.0));
        assert!((reward(0.0) - 2.0 * (-1.0f64 / 0.18).exp()).abs() < 1e-15);
        assert_eq!(reward(5.0), reward(2.0), "clipped");
        let best = (-400..=400).map(|i| reward(f64::from(i) / 200.0)).fold(0.0, f64::max);
        assert!((best - 1.0).abs() < 1e-9);
        for action in [Action::F32(&[f32::NAN]), Action::F64(&[]), Action::Discrete(0)] {
            assert!(task.step(action, &mut [0.0]).is_err());
        }
    }
}
