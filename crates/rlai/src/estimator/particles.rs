use crate::nn::Scalar;

/// Where the particles of one place in a state's list come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An independent draw from the current policy.
    Policy,
    /// A draw from another density, or one that depends on its neighbours (stratified noise).
    Proposal,
    /// The action that was taken in this state when it was stored.
    Replay,
    /// One of all actions, each listed once.
    Enumerated,
}

/// N actions in each of B states, with what is known about them. All slices are row-major with the
/// state first; the policy's parameters do not appear, so nothing can leak a gradient through them.
#[derive(Clone, Copy, Debug)]
pub struct Particles<'a, T> {
    /// N, actions a state.
    pub samples: usize,
    /// Where the k-th particle of every state comes from, `[N]`.
    pub origins: &'a [Origin],
    /// Log density of each action under the policy, `[B, N]`.
    pub log_pi: &'a [T],
    /// Log density under the default policy, `[B, N]`; `None` is 0 everywhere (maximum entropy).
    pub log_pi_0: Option<&'a [T]>,
    /// Log of the weight with which each particle stands for the policy, `[B, N]`: `-log N` for draws
    /// from the policy, `log pi(a)` for enumerated actions, `log pi - log mu - log N` for draws from mu,
    /// minus infinity for a particle that does not stand for the policy (N counts those that do).
    pub log_base: &'a [T],
    /// Q of each action, reward units, `[B, N]`.
    pub q: &'a [T],
    /// dQ/du of each action, `[B, N, A]`, where an estimator needs it.
    pub dq_du: Option<&'a [T]>,
    /// dl/du of each action, l = log pi - log pi_0, parameters held, `[B, N, A]`, where an estimator
    /// needs it.
    pub dl_du: Option<&'a [T]>,
    /// V = E_pi[Q - alpha l] of each state, reward units, `[B]`, known apart from these particles (exact
    /// or learned), where an estimator needs it.
    pub value: Option<&'a [T]>,
}

impl<T: Scalar> Particles<'_, T> {
    /// B, the number of states.
    pub fn states(&self) -> usize {
        self.log_pi.len() / self.samples
    }

    /// l = log pi - log pi_0 of particle `i` (counted through all states).
    pub fn log_ratio(&self, i: usize) -> T {
        self.log_pi[i] - self.log_pi_0.map_or(T::zero(), |log_pi_0| log_pi_0[i])
    }

    /// Log of the target's density over the policy's at particle `i`, up to a constant:
    /// `Q/alpha - l`.
    pub fn log_target_ratio(&self, i: usize, alpha: T) -> T {
        self.q[i] / alpha - self.log_ratio(i)
    }

    /// Log of the unnormalised importance weight of particle `i` at temperature `alpha`:
    /// `b + Q/alpha - l`.
    pub fn log_weight(&self, i: usize, alpha: T) -> T {
        self.log_base[i] + self.log_target_ratio(i, alpha)
    }

    /// Reverse KL's loss of particle `i`: `alpha l - Q`.
    pub fn soft_loss(&self, i: usize, alpha: T) -> T {
        alpha * self.log_ratio(i) - self.q[i]
    }

    /// The particles of one state.
    pub fn of_state(&self, state: usize) -> std::ops::Range<usize> {
        state * self.samples..(state + 1) * self.samples
    }

    /// How many particles of this state stand for the policy: those of a finite base.
    pub fn standing(&self, state: usize) -> usize {
        self.of_state(state).filter(|&i| self.log_base[i] > T::neg_infinity()).count()
    }

    /// Whether the particles of a state are all actions, each once, and nothing else.
    pub fn is_enumerated(&self) -> bool {
        self.origins.iter().all(|&origin| origin == Origin::Enumerated)
    }
}
