//! The same truths from the definition alone: every trajectory, one after another.

use super::process::log_sum_exp;
use super::{Process, Table};

/// Exact results by enumeration of all trajectories, those that end early included. Nothing of
/// [`Exact`](super::Exact) is used: the two confirm each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Enumeration {
    /// Number of trajectories of positive probability.
    pub trajectories: usize,
    /// `log p(O)`.
    pub log_evidence: f64,
    /// `KL(q || p(.|O)) = sum_tau q log(q/p(.|O))`.
    pub reverse_kl: f64,
    /// `KL(p(.|O) || q)`.
    pub forward_kl: f64,
    /// `sum_tau q log(q/p(.|O)) sum_t grad log pi(a_t|s_t)` `[S, A]`.
    pub reverse_gradient: Table,
    /// `-sum_tau p(tau|O) sum_t grad log pi(a_t|s_t)` `[S, A]`.
    pub forward_gradient: Table,
    /// `E_q sum_t (r_t - alpha l_t)`.
    pub soft_return: f64,
    /// `q(s_t)` `[H, S]`.
    pub state_marginals: Table,
    /// `p(s_t|O)` `[H, S]`.
    pub posterior_state_marginals: Table,
    /// `p(s_t, a_t|O)` `[H, S, A]`.
    pub posterior_actions: Table,
}

/// One trajectory with the logs of its probabilities.
#[derive(Clone, Debug, Default)]
struct Path {
    /// States and actions.
    steps: Vec<(usize, usize)>,
    /// log q(tau).
    log_q: f64,
    /// log p(tau, O).
    log_p: f64,
    /// sum of r - alpha l.
    soft_return: f64,
}

impl Enumeration {
    /// Most trajectories that are enumerated.
    pub const MAX_TRAJECTORIES: u64 = 1_000_000;

    /// Longest horizon that is enumerated.
    pub const MAX_HORIZON: usize = 1_000;

    /// Enumerates all trajectories.
    ///
    /// # Errors
    /// Their number (capped), when it is above [`Self::MAX_TRAJECTORIES`], or a horizon above
    /// [`Self::MAX_HORIZON`].
    pub fn new(process: &Process) -> Result<Self, TooMany> {
        let (horizon, trajectories) = (process.horizon(), count(process));
        if horizon > Self::MAX_HORIZON || trajectories > Self::MAX_TRAJECTORIES {
            return Err(TooMany { horizon, trajectories });
        }
        let mut log_joint = Vec::new();
        visit(process, &mut |path| log_joint.push(path.log_p));
        let mut sums = Self::empty(process, log_sum_exp(log_joint.iter().copied()));
        visit(process, &mut |path| sums.add(process, path));
        Ok(sums)
    }

    /// `p*_t(a|s)` `[A]`; nothing where no optimal trajectory is in `state` at step `t`.
    pub fn posterior_policy(&self, t: usize, state: usize) -> Option<Vec<f64>> {
        let mass = self.posterior_state_marginals[[t, state]];
        let actions = self.posterior_actions.row([t, state]);
        (mass > 0.0).then(|| actions.iter().map(|joint| joint / mass).collect())
    }

    fn empty(process: &Process, log_evidence: f64) -> Self {
        let (h, s, a) = (process.horizon(), process.states(), process.actions());
        Self {
            trajectories: 0,
            log_evidence,
            reverse_kl: 0.0,
            forward_kl: 0.0,
            reverse_gradient: Table::zeros(&[s, a]),
            forward_gradient: Table::zeros(&[s, a]),
            soft_return: 0.0,
            state_marginals: Table::zeros(&[h, s]),
            posterior_state_marginals: Table::zeros(&[h, s]),
            posterior_actions: Table::zeros(&[h, s, a]),
        }
    }

    fn add(&mut self, process: &Process, path: &Path) {
        let log_posterior = path.log_p - self.log_evidence;
        let (q, posterior) = (path.log_q.exp(), log_posterior.exp());
        let log_ratio = path.log_q - log_posterior;
        self.trajectories += 1;
        self.reverse_kl += q * log_ratio;
        self.forward_kl -= posterior * log_ratio;
        self.soft_return += q * path.soft_return;
        for (t, &(s, a)) in path.steps.iter().enumerate() {
            add_score(process, (s, a), q * log_ratio, &mut self.reverse_gradient);
            add_score(process, (s, a), -posterior, &mut self.forward_gradient);
            self.state_marginals[[t, s]] += q;
            self.posterior_state_marginals[[t, s]] += posterior;
            self.posterior_actions[[t, s, a]] += posterior;
        }
    }
}

/// Adds `weight` times the gradient of log pi(a|s) with respect to the logits.
fn add_score(process: &Process, (s, a): (usize, usize), weight: f64, gradient: &mut Table) {
    for other in 0..process.actions() {
        let hit = if other == a { 1.0 } else { 0.0 };
        gradient[[s, other]] += weight * (hit - process.pi(s, other));
    }
}

/// A process has too many trajectories, or too long ones, to enumerate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{trajectories} trajectories of {horizon} steps: at most {} of {} steps are enumerated",
    Enumeration::MAX_TRAJECTORIES,
    Enumeration::MAX_HORIZON
)]
pub struct TooMany {
    /// H.
    pub horizon: usize,
    /// Their number, or the largest number of 64 bits.
    pub trajectories: u64,
}

/// The number of trajectories of positive probability.
fn count(process: &Process) -> u64 {
    let mut from = vec![process.actions() as u64; process.states()];
    for _ in 1..process.horizon() {
        let mut earlier = vec![0u64; process.states()];
        for (s, a) in process.cells() {
            for (next, _) in process.branches(s, a) {
                let more = next.map_or(1, |next| from[next]);
                earlier[s] = earlier[s].saturating_add(more);
            }
        }
        from = earlier;
    }
    let starts = process.rho0().iter().zip(from).filter(|(rho, _)| **rho > 0.0);
    starts.fold(0, |total: u64, (_, from)| total.saturating_add(from))
}

/// Calls `each` with every trajectory of positive probability.
fn visit(process: &Process, each: &mut dyn FnMut(&Path)) {
    for (state, &rho) in process.rho0().iter().enumerate() {
        if rho > 0.0 {
            let start = Path { log_q: rho.ln(), log_p: rho.ln(), ..Path::default() };
            extend(process, state, &mut { start }, each);
        }
    }
}

/// All trajectories that begin with `path` and then are in `state`.
fn extend(process: &Process, state: usize, path: &mut Path, each: &mut dyn FnMut(&Path)) {
    let (log_q, log_p, soft_return) = (path.log_q, path.log_p, path.soft_return);
    for action in 0..process.actions() {
        path.steps.push((state, action));
        let log_q = log_q + process.log_pi(state, action);
        let log_p = log_p + process.log_pi_0(state, action) + process.log_optimality(state, action);
        path.soft_return = soft_return + process.reward(state, action)
            - process.alpha() * process.log_ratio(state, action);
        let own_return = path.soft_return;
        if path.steps.len() == process.horizon() {
            (path.log_q, path.log_p) = (log_q, log_p);
            each(path);
        } else {
            for (next, probability) in process.branches(state, action) {
                path.log_q = log_q + probability.ln();
                path.log_p = log_p + probability.ln();
                path.soft_return = own_return;
                match next {
                    Some(next) => extend(process, next, path, each),
                    None => each(path),
                }
            }
        }
        path.steps.pop();
    }
}
