//! Action values by backward recursion: four that must not be taken for one another.

use super::process::log_sum_exp;
use super::{Process, Table};

/// Values of every step: `q` `[H, S, A]` and `v` `[H, S]`. After the last step, and once a trajectory has
/// ended, every value is 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// Values of state and action.
    pub q: Table,
    /// Values of the state.
    pub v: Table,
}

impl Values {
    /// From the last step to the first: `future(s, a, v_next)` is what follows an action, `action(s, a)`
    /// what it gives at once, `state(s, q)` the value of a state from those of its actions.
    fn backward(
        process: &Process,
        action: impl Fn(usize, usize) -> f64,
        future: impl Fn(usize, usize, &[f64]) -> f64,
        state: impl Fn(usize, &[f64]) -> f64,
    ) -> Self {
        let (horizon, states) = (process.horizon(), process.states());
        let mut q = Table::zeros(&[horizon, states, process.actions()]);
        let mut v = Table::zeros(&[horizon, states]);
        for t in (0..horizon).rev() {
            for (s, a) in process.cells() {
                // The state after the last action is summed out.
                let later = if t + 1 == horizon { 0.0 } else { future(s, a, v.row([t + 1])) };
                q[[t, s, a]] = action(s, a) + later;
            }
            for s in 0..states {
                v[[t, s]] = state(s, q.row([t, s]));
            }
        }
        Self { q, v }
    }

    /// Exact inference: `Qhat_t(s,a) = log p(O_t.. = 1 | s_t = s, a_t = a)`, dimensionless.
    ///
    /// ```text
    /// Qhat_t = r/alpha - log Z0 + log(P_end + sum_s' P(s'|s,a) exp Vhat_t+1(s'))
    /// Vhat_t = log E_{pi_0} exp Qhat_t
    /// ```
    ///
    /// It does not depend on the policy and seeks risk: a mean of exponentials over the dynamics
    /// (Lavington et al. 2021, section 4.0.3, with the logarithm of the ratio and alpha put right).
    pub fn exact(process: &Process) -> Self {
        Self::backward(
            process,
            |s, a| process.log_optimality(s, a),
            |s, a, next| log_expected_exp(process, s, a, next),
            |s, q| log_mean_exp(process, s, q),
        )
    }

    /// [`Values::exact`] where `gamma` is the probability of going on after each step (O = 1
    /// afterwards): `Qhat = r/alpha - log Z0 + log((1 - gamma) + gamma E exp Vhat')`, which is not
    /// `r/alpha + gamma Vhat'`.
    ///
    /// # Panics
    /// When `gamma` is not in [0, 1].
    pub fn exact_discounted(process: &Process, gamma: f64) -> Self {
        Self::exact(&surviving(process, gamma))
    }

    /// Soft values of the policy, in reward units, without the entropy of the action itself (Haarnoja
    /// et al. 2018): `Q_t = r + E V_t+1`, `V_t = E_pi[Q_t - alpha l]`, l = log pi - log pi_0.
    pub fn soft(process: &Process) -> Self {
        Self::policy(process, process.alpha())
    }

    /// [`Values::soft`] with `Q_t = r + gamma E V_t+1`.
    ///
    /// # Panics
    /// When `gamma` is not in [0, 1].
    pub fn soft_discounted(process: &Process, gamma: f64) -> Self {
        Self::soft(&surviving(process, gamma))
    }

    /// Classic values of the policy, in reward units: `Q_t = r + E V_t+1`, `V_t = E_pi Q_t`.
    pub fn classic(process: &Process) -> Self {
        Self::policy(process, 0.0)
    }

    /// Soft-optimal values, in reward units: `Q_t = r + E V_t+1`, `V_t = alpha log E_{pi_0}
    /// exp(Q_t/alpha)`. Where the dynamics are deterministic and Z0 is 1 they are alpha Qhat; elsewhere
    /// they are smaller, a plain mean over the dynamics.
    pub fn soft_optimal(process: &Process) -> Self {
        let alpha = process.alpha();
        Self::backward(
            process,
            |s, a| process.reward(s, a),
            |s, a, next| expected(process, s, a, next),
            |s, q| {
                let scaled: Vec<f64> = q.iter().map(|q| q / alpha).collect();
                alpha * log_mean_exp(process, s, &scaled)
            },
        )
    }

    fn policy(process: &Process, alpha: f64) -> Self {
        Self::backward(
            process,
            |s, a| process.reward(s, a),
            |s, a, next| expected(process, s, a, next),
            |s, q| {
                let term = |(a, q): (usize, &f64)| {
                    process.pi(s, a) * (q - alpha * process.log_ratio(s, a))
                };
                q.iter().enumerate().map(term).sum()
            },
        )
    }
}

pub(super) fn surviving(process: &Process, gamma: f64) -> Process {
    assert!((0.0..=1.0).contains(&gamma), "gamma = {gamma}: from 0 to 1");
    process.surviving(gamma)
}

/// `E v(s')`, 0 at the end.
fn expected(process: &Process, state: usize, action: usize, v: &[f64]) -> f64 {
    process.transition(state, action).iter().zip(v).map(|(p, v)| p * v).sum()
}

/// `log E exp v(s')`, `v = 0` at the end.
pub(super) fn log_expected_exp(process: &Process, state: usize, action: usize, v: &[f64]) -> f64 {
    let value = |next: Option<usize>| next.map_or(0.0, |next| v[next]);
    let branches = || process.branches(state, action);
    let largest = branches().map(|(next, _)| value(next)).fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = branches().map(|(next, p)| p * (value(next) - largest).exp()).sum();
    if sum > SMALLEST_SUM {
        return largest + sum.ln();
    }
    // The largest value is so unlikely that the others, scaled by it, have lost their digits.
    log_sum_exp(branches().map(|(next, p)| p.ln() + value(next)))
}

/// Far above the smallest number of full precision, about 2e-308.
const SMALLEST_SUM: f64 = 1e-250;

/// `log E_{pi_0} exp q(a)`.
fn log_mean_exp(process: &Process, state: usize, q: &[f64]) -> f64 {
    log_sum_exp(q.iter().enumerate().map(|(a, q)| process.log_pi_0(state, a) + q))
}
