//! Everything exact about a decision process, by dynamic programming.

use serde::Serialize;

use super::posterior::{Posterior, state_marginals};
use super::values::surviving;
use super::{Process, Table, Values, divergence};

/// Exact results of a [`Process`], in time H S^2 A. JSON uses the names in brackets.
///
/// With l = log pi - log pi_0, `J = E_q sum_t (r_t - alpha l_t)` and `E[L]` the expected number of steps
/// under the policy,
///
/// ```text
/// alpha KL(q || p(.|O)) = -J + alpha log p(O) + alpha E[L] log Z0
/// ```
///
/// Gradients are of the divergences in nats and are to be descended; where no trajectory ends early
/// `-alpha` times the reverse one is the gradient of J, and neither depends on Z0 or on a constant added
/// to all rewards. Under early termination both do. Formulas: Lavington, Teng, Schmidt and Wood, "A
/// Closer Look at Gradient Estimators with Reinforcement Learning as Inference" (2021), sections 3 and 4,
/// with the signs, the temperature and the logarithms put right.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exact {
    /// `pi(a|s)` `[S, A]` (`pi`).
    pub pi: Table,
    /// `log p(O)`, the evidence of optimality under the default policy (`log_pO`).
    #[serde(rename = "log_pO")]
    pub log_evidence: f64,
    /// J, in reward units (`J_soft`).
    #[serde(rename = "J_soft")]
    pub soft_return: f64,
    /// `KL(q || p(.|O))` over trajectories (`kl_reverse`).
    #[serde(rename = "kl_reverse")]
    pub reverse_kl: f64,
    /// `KL(p(.|O) || q)` over trajectories (`kl_forward`).
    #[serde(rename = "kl_forward")]
    pub forward_kl: f64,
    /// Gradient of the reverse divergence with respect to the logits `[S, A]` (`g_rkl`).
    #[serde(rename = "g_rkl")]
    pub reverse_gradient: Table,
    /// Gradient of the forward divergence with respect to the logits `[S, A]` (`g_fkl`).
    #[serde(rename = "g_fkl")]
    pub forward_gradient: Table,
    /// `Qhat_t(s,a)` `[H, S, A]`, dimensionless; see [`Values::exact`] (`qhat`).
    #[serde(rename = "qhat")]
    pub q_hat: Table,
    /// `Vhat_t(s)` `[H, S]` (`vhat`).
    #[serde(rename = "vhat")]
    pub v_hat: Table,
    /// Soft Q of the policy `[H, S, A]`; see [`Values::soft`] (`q_soft_pi`).
    #[serde(rename = "q_soft_pi")]
    pub q_soft: Table,
    /// Soft V of the policy `[H, S]` (`v_soft_pi`).
    #[serde(rename = "v_soft_pi")]
    pub v_soft: Table,
    /// Classic Q of the policy `[H, S, A]`; see [`Values::classic`] (`q_classic_pi`).
    #[serde(rename = "q_classic_pi")]
    pub q_classic: Table,
    /// Soft-optimal Q `[H, S, A]`; see [`Values::soft_optimal`] (`q_soft_opt`).
    #[serde(rename = "q_soft_opt")]
    pub q_soft_optimal: Table,
    /// Soft-optimal V `[H, S]` (`v_soft_opt`).
    #[serde(rename = "v_soft_opt")]
    pub v_soft_optimal: Table,
    /// `q(s_t)` `[H, S]`: a row sums to the probability that step t is reached (`q_state_marginals`).
    #[serde(rename = "q_state_marginals")]
    pub state_marginals: Table,
    /// `p(s_t|O)` `[H, S]`; sums as above, given optimality (`posterior_state_marginals`).
    pub posterior_state_marginals: Table,
    /// `p*_t(a|s) = pi_0 exp(Qhat_t - Vhat_t)` `[H, S, A]` (`posterior_policy`).
    pub posterior_policy: Table,
    /// Discounted forms, where the process has a `gamma` (`discounted`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discounted: Option<Discounted>,
}

impl Exact {
    /// Computes everything.
    pub fn new(process: &Process) -> Self {
        let posterior = Posterior::new(process);
        let visits = state_marginals(process);
        let posterior_visits = posterior.state_marginals();
        let (reverse_kl, reverse_gradient) = divergence::reverse(process, &posterior, &visits);
        let (forward_kl, forward_gradient) =
            divergence::forward(process, &posterior, &posterior_visits);
        let (soft, optimal) = (Values::soft(process), Values::soft_optimal(process));
        Self {
            pi: policy(process),
            log_evidence: posterior.log_evidence,
            soft_return: expected_value(process, &soft),
            reverse_kl,
            forward_kl,
            reverse_gradient,
            forward_gradient,
            posterior_policy: posterior.policy(),
            q_hat: posterior.values.q,
            v_hat: posterior.values.v,
            q_soft: soft.q,
            v_soft: soft.v,
            q_classic: Values::classic(process).q,
            q_soft_optimal: optimal.q,
            v_soft_optimal: optimal.v,
            state_marginals: visits,
            posterior_state_marginals: posterior_visits,
            discounted: process.gamma().map(|gamma| Discounted::new(process, gamma)),
        }
    }
}

/// Discounted forms: gamma is the probability of going on after each step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Discounted {
    /// `J = E_q sum_t gamma^t (r_t - alpha l_t)`, in reward units (`J`).
    #[serde(rename = "J")]
    pub soft_return: f64,
    /// Gradient of J with respect to the logits `[S, A]`, to be ascended: `sum_t gamma^t q(s_t=s) pi(a|s)
    /// [Q_t - alpha l - V_t]` (`grad_J`).
    #[serde(rename = "grad_J")]
    pub gradient: Table,
    /// `Q_t = r + gamma E V_t+1`, `V_t = E_pi[Q_t - alpha l]` `[H, S, A]` (`q_soft`).
    pub q_soft: Table,
}

impl Discounted {
    /// Computes the discounted forms.
    ///
    /// # Panics
    /// When `gamma` is not in [0, 1].
    pub fn new(process: &Process, gamma: f64) -> Self {
        let process = surviving(process, gamma);
        let soft = Values::soft(&process);
        // The probability of being alive carries gamma^t.
        let visits = state_marginals(&process);
        let mut gradient = Table::zeros(&[process.states(), process.actions()]);
        for t in 0..process.horizon() {
            for (s, a) in process.cells() {
                let own = soft.q[[t, s, a]] - process.alpha() * process.log_ratio(s, a);
                gradient[[s, a]] += visits[[t, s]] * process.pi(s, a) * (own - soft.v[[t, s]]);
            }
        }
        Self { soft_return: expected_value(&process, &soft), gradient, q_soft: soft.q }
    }
}

fn policy(process: &Process) -> Table {
    let values = process.cells().map(|(s, a)| process.pi(s, a)).collect();
    Table::new(&[process.states(), process.actions()], values)
}

fn expected_value(process: &Process, values: &Values) -> f64 {
    process.rho0().iter().zip(values.v.row([0])).map(|(rho, v)| rho * v).sum()
}
