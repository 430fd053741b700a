use std::ops::Range;

use crate::nn::Scalar;

/// M trajectories of different lengths, laid end to end, with what is known about their steps.
#[derive(Clone, Copy, Debug)]
pub struct Trajectories<'a, T> {
    /// Where each trajectory begins, and where the last one ends, `[M + 1]`.
    pub offsets: &'a [usize],
    /// Log-probability of each action under the policy that drew it, `[steps]`.
    pub log_pi: &'a [T],
    /// Log-probability under the default policy, `[steps]`; `None` is 0 everywhere (maximum entropy).
    pub log_pi_0: Option<&'a [T]>,
    /// Reward of each step, `[steps]`.
    pub reward: &'a [T],
    /// V(s_t), reward units, `[steps]`, where an estimator needs it: the soft value of the policy for a
    /// baseline, alpha log E exp (the rest) for twisted state weights.
    pub value: Option<&'a [T]>,
    /// V of the state after each trajectory's last step, reward units, `[M]`; read only where the
    /// trajectory was cut off. `None`: what would have followed counts for nothing.
    pub final_value: Option<&'a [T]>,
    /// Whether each trajectory reached its end, `[M]`; otherwise it was cut off.
    pub terminated: &'a [bool],
}

impl<T: Scalar> Trajectories<'_, T> {
    /// M, the number of trajectories.
    pub fn count(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Steps of all trajectories together.
    pub fn steps(&self) -> usize {
        self.log_pi.len()
    }

    /// The steps of trajectory `i`.
    pub fn of(&self, i: usize) -> Range<usize> {
        self.offsets[i]..self.offsets[i + 1]
    }

    /// Length of the longest trajectory.
    pub fn horizon(&self) -> usize {
        self.offsets.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0)
    }

    /// l = log pi - log pi_0 of a step.
    pub fn log_ratio(&self, step: usize) -> T {
        self.log_pi[step] - self.log_pi_0.map_or(T::zero(), |log_pi_0| log_pi_0[step])
    }

    /// r - alpha l of a step, reward units.
    pub fn soft_reward(&self, step: usize, alpha: T) -> T {
        self.reward[step] - alpha * self.log_ratio(step)
    }

    /// `sum_t (r/alpha - l)` of trajectory `i`: the log of its importance weight, up to a constant for
    /// trajectories of one length.
    pub fn log_weight(&self, i: usize, alpha: T) -> T {
        self.of(i).map(|step| self.soft_reward(step, alpha)).sum::<T>() / alpha
    }

    /// What follows trajectory `i`'s last step: nothing after its end, the final value where it was
    /// cut off and one is known.
    pub fn bootstrap(&self, i: usize) -> T {
        match self.final_value {
            Some(value) if !self.terminated[i] => value[i],
            _ => T::zero(),
        }
    }

    /// `sum_{t' >= t} gamma^{t'-t} (r - alpha l)_{t'}` of every step, `[steps]`, the bootstrap included.
    pub fn rewards_to_go(&self, alpha: T, gamma: T, out: &mut Vec<T>) {
        out.clear();
        out.resize(self.steps(), T::zero());
        for i in 0..self.count() {
            let mut rest = self.bootstrap(i);
            for step in self.of(i).rev() {
                rest = self.soft_reward(step, alpha) + gamma * rest;
                out[step] = rest;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trajectory_that_was_cut_off_is_bootstrapped() {
        let trajectories = Trajectories {
            offsets: &[0, 2, 3],
            log_pi: &[-1.0, -0.5, -2.0],
            log_pi_0: Some(&[-1.0, -1.0, -1.0]),
            reward: &[1.0, 2.0, 3.0],
            value: None,
            final_value: Some(&[10.0, 10.0]),
            terminated: &[true, false],
        };
        let mut to_go = Vec::new();
        trajectories.rewards_to_go(0.5, 0.9, &mut to_go);
        // Soft rewards: 1, 2 - 0.25, 3 + 0.5.
        assert_eq!(to_go, [1.0 + 0.9 * 1.75, 1.75, 3.5 + 9.0]);
        assert_eq!(trajectories.log_weight(0, 0.5), 5.5);
        assert_eq!((trajectories.horizon(), trajectories.count()), (2, 2));
    }
}
