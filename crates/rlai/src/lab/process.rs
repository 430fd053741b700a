//! A tabular decision process with the policy that acts in it.

use super::ProcessError;
use super::checks;

/// A decision process as it is written down, not yet checked. Arrays are row-major.
///
/// S states, A actions, H steps.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessSpec {
    /// S, the number of states.
    pub states: usize,
    /// A, the number of actions.
    pub actions: usize,
    /// H, the number of steps (actions and rewards) of a trajectory that does not end earlier.
    pub horizon: usize,
    /// The temperature alpha, in reward units.
    pub alpha: f64,
    /// Z0, the normaliser of the optimality `p(O_t = 1|s,a) = exp(r(s,a)/alpha)/Z0`.
    pub z0: f64,
    /// `rho0(s)`, the distribution of the first state `[S]`.
    pub rho0: Vec<f64>,
    /// `P(s'|s,a)` `[S, A, S]`. What a row lacks to 1 is the probability that the trajectory ends there.
    pub transitions: Vec<f64>,
    /// `r(s,a)` `[S, A]`.
    pub rewards: Vec<f64>,
    /// The default policy `pi_0(a|s)` `[S, A]`.
    pub default_policy: Vec<f64>,
    /// Logits phi of the policy `pi(a|s) = softmax_a(phi(s,a))` `[S, A]`.
    pub logits: Vec<f64>,
    /// The discount of the discounted forms.
    pub gamma: Option<f64>,
}

/// A checked decision process with its policy.
///
/// A trajectory `tau` is `s_0, a_0, s_1, a_1, ...`: at each of at most H steps an action is taken and
/// rewarded; then the trajectory goes on to `s'` with probability `P(s'|s,a)` or ends with what is left.
/// Once it has ended every later optimality is 1: no reward, no score, no Z0. Over the L(tau) <= H steps
/// of a trajectory
///
/// ```text
/// q(tau)    = rho0(s_0) prod_t pi(a_t|s_t) P(s_t+1|s_t,a_t)
/// p(tau, O) = rho0(s_0) prod_t pi_0(a_t|s_t) P(s_t+1|s_t,a_t) exp(r(s_t,a_t)/alpha)/Z0
/// ```
///
/// (Lavington, Teng, Schmidt and Wood, "A Closer Look at Gradient Estimators with Reinforcement
/// Learning as Inference", 2021, eqs. 1, 6 and 7, with alpha and the last index of the products put
/// right: there are H actions, and the state after the last one is summed out).
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    spec: ProcessSpec,
    /// log pi(a|s) `[S, A]`.
    log_pi: Vec<f64>,
    /// Probability of the end after (s, a) `[S, A]`.
    stop: Vec<f64>,
}

impl Process {
    /// Checks a process.
    ///
    /// A row of `P` that sums to 1 within `1e-9` lacks nothing but rounding: no trajectory ends there.
    ///
    /// # Errors
    /// Names the key, its index, the value and what is allowed: wrong lengths, more than
    /// [`Process::MAX_CELLS`] cells, numbers that are not finite or too large to compute with, negative
    /// probabilities, `rho0` or a row of `pi0` that does not sum to 1, a row of `P` that sums to more, a
    /// `pi0` of 0 (the policy has every action, so the reverse KL would be infinite), `gamma` outside of
    /// [0, 1].
    pub fn new(spec: ProcessSpec) -> Result<Self, ProcessError> {
        checks::check(&spec)?;
        let (states, actions) = (spec.states, spec.actions);
        let log_pi = spec.logits.chunks(actions).flat_map(log_softmax).collect();
        let stop = spec.transitions.chunks(states).map(checks::missing_mass).collect();
        Ok(Self { spec, log_pi, stop })
    }

    /// Largest H S A. [`Exact`](super::Exact) holds at most 16 numbers for each of these cells, so a
    /// small file with a long horizon cannot ask for more than 128 MB.
    pub const MAX_CELLS: usize = 1_000_000;

    /// The process as it was written down; a changed copy of it makes another process.
    pub fn spec(&self) -> &ProcessSpec {
        &self.spec
    }

    /// S, the number of states.
    pub fn states(&self) -> usize {
        self.spec.states
    }

    /// A, the number of actions.
    pub fn actions(&self) -> usize {
        self.spec.actions
    }

    /// H, the number of steps.
    pub fn horizon(&self) -> usize {
        self.spec.horizon
    }

    /// The temperature alpha.
    pub fn alpha(&self) -> f64 {
        self.spec.alpha
    }

    /// The discount of the discounted forms.
    pub fn gamma(&self) -> Option<f64> {
        self.spec.gamma
    }

    /// `rho0` `[S]`.
    pub fn rho0(&self) -> &[f64] {
        &self.spec.rho0
    }

    /// `r(s,a)`.
    pub fn reward(&self, state: usize, action: usize) -> f64 {
        self.spec.rewards[self.cell(state, action)]
    }

    /// `r(s,a)/alpha - log Z0`, the log-probability of optimality.
    pub fn log_optimality(&self, state: usize, action: usize) -> f64 {
        self.reward(state, action) / self.spec.alpha - self.spec.z0.ln()
    }

    /// `log pi(a|s)`.
    pub fn log_pi(&self, state: usize, action: usize) -> f64 {
        self.log_pi[self.cell(state, action)]
    }

    /// `pi(a|s)`.
    pub fn pi(&self, state: usize, action: usize) -> f64 {
        self.log_pi(state, action).exp()
    }

    /// `log pi_0(a|s)`.
    pub fn log_pi_0(&self, state: usize, action: usize) -> f64 {
        self.spec.default_policy[self.cell(state, action)].ln()
    }

    /// `l = log pi(a|s) - log pi_0(a|s)`.
    pub fn log_ratio(&self, state: usize, action: usize) -> f64 {
        self.log_pi(state, action) - self.log_pi_0(state, action)
    }

    /// `P(.|s,a)` `[S]`.
    pub fn transition(&self, state: usize, action: usize) -> &[f64] {
        let start = self.cell(state, action) * self.spec.states;
        &self.spec.transitions[start..start + self.spec.states]
    }

    /// The probability that a trajectory ends after (s, a), before the horizon.
    pub fn termination(&self, state: usize, action: usize) -> f64 {
        self.stop[self.cell(state, action)]
    }

    /// Whether any trajectory may end before the horizon.
    pub fn may_terminate(&self) -> bool {
        self.spec.horizon > 1 && self.stop.iter().any(|&stop| stop > 0.0)
    }

    /// What may follow (s, a) before the horizon, with positive probabilities: a state, or `None` for
    /// the end.
    pub fn branches(
        &self,
        state: usize,
        action: usize,
    ) -> impl Iterator<Item = (Option<usize>, f64)> + Clone + '_ {
        let next = self.transition(state, action).iter().enumerate().map(|(s, &p)| (Some(s), p));
        let end = (None, self.termination(state, action));
        next.chain(std::iter::once(end)).filter(|&(_, probability)| probability > 0.0)
    }

    /// All pairs of a state and an action.
    pub(super) fn cells(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (states, actions) = (self.spec.states, self.spec.actions);
        (0..states).flat_map(move |state| (0..actions).map(move |action| (state, action)))
    }

    /// The process whose trajectories also end, after every step, with probability `1 - gamma`.
    pub(super) fn surviving(&self, gamma: f64) -> Self {
        let mut process = self.clone();
        process.spec.transitions.iter_mut().for_each(|p| *p *= gamma);
        process.stop.iter_mut().for_each(|stop| *stop = 1.0 - gamma * (1.0 - *stop));
        process
    }

    fn cell(&self, state: usize, action: usize) -> usize {
        debug_assert!(action < self.spec.actions, "action {action}");
        state * self.spec.actions + action
    }
}

fn log_softmax(logits: &[f64]) -> Vec<f64> {
    let normaliser = log_sum_exp(logits.iter().copied());
    logits.iter().map(|logit| logit - normaliser).collect()
}

/// `log sum exp`, whatever the size of the terms; minus infinity for none.
pub(super) fn log_sum_exp(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + terms.map(|term| (term - largest).exp()).sum::<f64>().ln()
}
