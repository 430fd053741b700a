//! The distribution of optimal trajectories: its first state, its policy, its dynamics.

use super::process::log_sum_exp;
use super::values::log_expected_exp;
use super::{Process, Table, Values};

/// `p(tau|O)` as a Markov process:
///
/// ```text
/// p(s_0|O)         = rho0(s_0) exp(Vhat_0(s_0)) / p(O)
/// p*_t(a|s)        = pi_0(a|s) exp(Qhat_t(s,a) - Vhat_t(s))
/// p(s'|s, a, O)    = P(s'|s,a) exp(Vhat_t+1(s')) / E exp Vhat_t+1
/// ```
///
/// The dynamics tilt as the policy does: optimal trajectories are lucky as well as well chosen.
pub(super) struct Posterior<'a> {
    process: &'a Process,
    pub values: Values,
    pub log_evidence: f64,
    /// p(s_0|O) `[S]`.
    pub initial: Vec<f64>,
    /// log p*_t(a|s) `[H, S, A]`.
    pub log_policy: Table,
}

/// One way to go on after an action.
pub(super) struct Branch {
    /// The next state, or the end.
    pub next: Option<usize>,
    /// Its probability under the dynamics.
    pub prior: f64,
    /// log of its probability given optimality, less the log of `prior`.
    pub tilt: f64,
}

impl Branch {
    /// Its probability given optimality. In logs: a tiny `prior` may come with a tilt whose
    /// exponential is infinite.
    pub fn posterior(&self) -> f64 {
        (self.prior.ln() + self.tilt).exp()
    }
}

impl<'a> Posterior<'a> {
    pub fn new(process: &'a Process) -> Self {
        let values = Values::exact(process);
        let log_joint: Vec<f64> =
            process.rho0().iter().zip(values.v.row([0])).map(|(rho, v)| rho.ln() + v).collect();
        let log_evidence = log_sum_exp(log_joint.iter().copied());
        let initial = log_joint.iter().map(|joint| (joint - log_evidence).exp()).collect();
        let mut log_policy = values.q.clone();
        for t in 0..process.horizon() {
            for (s, a) in process.cells() {
                log_policy[[t, s, a]] += process.log_pi_0(s, a) - values.v[[t, s]];
            }
        }
        Self { process, values, log_evidence, initial, log_policy }
    }

    /// What may follow (s, a) at step t; nothing after the last step.
    pub fn branches(
        &self,
        t: usize,
        state: usize,
        action: usize,
    ) -> impl Iterator<Item = Branch> + '_ {
        let next = (t + 1 < self.process.horizon()).then(|| self.values.v.row([t + 1]));
        next.into_iter().flat_map(move |v| {
            let normaliser = log_expected_exp(self.process, state, action, v);
            self.process.branches(state, action).map(move |(next, prior)| {
                let value = next.map_or(0.0, |next| v[next]);
                Branch { next, prior, tilt: value - normaliser }
            })
        })
    }

    /// p*_t(a|s) `[H, S, A]`.
    pub fn policy(&self) -> Table {
        let values = self.log_policy.values().iter().map(|log| log.exp()).collect();
        Table::new(self.log_policy.shape(), values)
    }

    /// p(s_t|O) `[H, S]`; a row sums to the probability, given optimality, that step t is reached.
    pub fn state_marginals(&self) -> Table {
        let policy = self.policy();
        let mut marginals = Table::zeros(&[self.process.horizon(), self.process.states()]);
        marginals.row_mut([0]).copy_from_slice(&self.initial);
        for t in 0..self.process.horizon() - 1 {
            for (s, a) in self.process.cells() {
                let mass = marginals[[t, s]] * policy[[t, s, a]];
                for branch in self.branches(t, s, a) {
                    if let Some(next) = branch.next {
                        marginals[[t + 1, next]] += mass * branch.posterior();
                    }
                }
            }
        }
        marginals
    }
}

/// q(s_t) `[H, S]`, the states that the policy visits; a row sums to the probability that step t is
/// reached.
pub fn state_marginals(process: &Process) -> Table {
    let mut marginals = Table::zeros(&[process.horizon(), process.states()]);
    marginals.row_mut([0]).copy_from_slice(process.rho0());
    for t in 0..process.horizon() - 1 {
        for (s, a) in process.cells() {
            let mass = marginals[[t, s]] * process.pi(s, a);
            let next = marginals.row_mut([t + 1]);
            for (next, p) in next.iter_mut().zip(process.transition(s, a)) {
                *next += mass * p;
            }
        }
    }
    marginals
}
