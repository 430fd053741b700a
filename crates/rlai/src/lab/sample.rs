//! Trajectories and states of the policy, drawn from a random stream.

use super::{Process, Table};
use crate::random::Stream;

/// A trajectory drawn from q: one entry of every array for each step taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trajectory {
    /// States.
    pub states: Vec<usize>,
    /// Actions.
    pub actions: Vec<usize>,
    /// Rewards.
    pub rewards: Vec<f64>,
    /// `log pi(a_t|s_t)`.
    pub log_pi: Vec<f64>,
    /// `log pi_0(a_t|s_t)`.
    pub log_pi_0: Vec<f64>,
    /// Whether it ended before the horizon.
    pub terminated: bool,
}

impl Process {
    /// Draws a trajectory of the policy.
    pub fn sample_trajectory(&self, stream: &mut Stream) -> Trajectory {
        let mut drawn = Trajectory::default();
        let mut state = self.sample_start(stream);
        loop {
            let action = self.sample_action(state, stream);
            drawn.states.push(state);
            drawn.actions.push(action);
            drawn.rewards.push(self.reward(state, action));
            drawn.log_pi.push(self.log_pi(state, action));
            drawn.log_pi_0.push(self.log_pi_0(state, action));
            if drawn.states.len() == self.horizon() {
                return drawn;
            }
            match self.sample_next(state, action, stream) {
                Some(next) => state = next,
                None => {
                    drawn.terminated = true;
                    return drawn;
                }
            }
        }
    }

    /// Draws a first state.
    pub fn sample_start(&self, stream: &mut Stream) -> usize {
        categorical(self.rho0().iter().copied(), stream)
    }

    /// Draws an action of the policy.
    pub fn sample_action(&self, state: usize, stream: &mut Stream) -> usize {
        categorical((0..self.actions()).map(|action| self.pi(state, action)), stream)
    }

    /// Draws what follows (s, a): a state, or nothing where the trajectory ends.
    pub fn sample_next(&self, state: usize, action: usize, stream: &mut Stream) -> Option<usize> {
        let end = self.termination(state, action);
        let next = self.transition(state, action).iter().copied();
        Some(categorical(next.chain([end]), stream)).filter(|&next| next < self.states())
    }
}

/// Draws `count` independent states from row `t` of marginals such as
/// [`state_marginals`](super::state_marginals): nothing where the trajectory has ended before step t, so
/// that `1/count` times a sum over what is drawn has the expectation of the sum over q(s_t).
pub fn sample_states(
    marginals: &Table,
    t: usize,
    count: usize,
    stream: &mut Stream,
) -> Vec<Option<usize>> {
    let row = marginals.row([t]);
    let missing = super::checks::missing_mass(row);
    let mut draw = || categorical(row.iter().copied().chain([missing]), stream);
    (0..count).map(|_| Some(draw()).filter(|&state| state < row.len())).collect()
}

/// An index drawn by its weight. Weights sum to 1 up to rounding, which goes to the last positive one.
fn categorical(weights: impl Iterator<Item = f64>, stream: &mut Stream) -> usize {
    let mut rest = stream.unit();
    let mut last = 0;
    for (index, weight) in weights.enumerate() {
        if weight > 0.0 {
            if rest < weight {
                return index;
            }
            rest -= weight;
            last = index;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{RandomOptions, random_process, state_marginals};
    use crate::random::Key;

    /// Shares of a category within 5 standard errors of its probability.
    fn assert_share(count: usize, draws: usize, p: f64, what: &str) {
        let (n, share) = (draws as f64, count as f64 / draws as f64);
        let bound = 5.0 * (p * (1.0 - p) / n).sqrt() + 1e-12;
        assert!((share - p).abs() <= bound, "{what}: {share} against {p}");
    }

    #[test]
    fn trajectories_visit_states_and_end_as_often_as_they_should() {
        let options = RandomOptions { termination: 0.5, ..RandomOptions::default() };
        let mut stream = Key::from_seed(11).stream("lab");
        let process = random_process(&mut stream, 3, 2, 4, &options);
        let marginals = state_marginals(&process);
        let draws = 20_000;
        let mut visits = Table::zeros(&[4, 3]);
        let mut ended = 0;
        for _ in 0..draws {
            let drawn = process.sample_trajectory(&mut stream);
            ended += usize::from(drawn.terminated);
            for (t, (&s, &a)) in drawn.states.iter().zip(&drawn.actions).enumerate() {
                visits[[t, s]] += 1.0;
                assert_eq!(drawn.rewards[t], process.reward(s, a));
                assert_eq!(drawn.log_pi[t], process.log_pi(s, a));
                assert_eq!(drawn.log_pi_0[t], process.log_pi_0(s, a));
            }
            assert_eq!(drawn.terminated, drawn.states.len() < 4);
        }
        for (visits, &p) in visits.values().iter().zip(marginals.values()) {
            assert_share(*visits as usize, draws, p, "visits");
        }
        let alive: f64 = marginals.row([3]).iter().sum();
        assert!(alive < 0.9, "the process must end early now and then");
        assert_share(ended, draws, 1.0 - alive, "ends");
    }

    #[test]
    fn independent_states_have_the_marginals() {
        let options = RandomOptions { termination: 0.5, ..RandomOptions::default() };
        let mut stream = Key::from_seed(12).stream("lab");
        let process = random_process(&mut stream, 3, 2, 3, &options);
        let marginals = state_marginals(&process);
        let drawn = sample_states(&marginals, 2, 20_000, &mut stream);
        for s in 0..3 {
            let count = drawn.iter().filter(|&&state| state == Some(s)).count();
            assert_share(count, drawn.len(), marginals[[2, s]], "states");
        }
        let whole = Table::new(&[1, 2], vec![0.7, 0.3 - 1e-12]);
        assert!(sample_states(&whole, 0, 1_000, &mut stream).iter().all(Option::is_some));
    }

    #[test]
    fn rounding_never_draws_what_has_no_weight() {
        let mut stream = Key::from_seed(13).stream("lab");
        for _ in 0..1_000 {
            assert_eq!(categorical([0.0, 1e-3, 0.0].into_iter(), &mut stream), 1);
        }
    }
}
