use super::weights::effective_sample_size;
use super::{ParetoK, Particles, self_normalised_weights};
use crate::nn::Scalar;

/// What the importance weights `softmax(b + Q/alpha - l)` of each state look like. Every estimator
/// reports them, whether it uses the weights or not: they tell how far the policy is from its target.
#[derive(Clone, Debug)]
pub struct Diagnostics<T> {
    /// `1 / sum w^2`, `[B]`, from 1 to N.
    pub effective_sample_size: Vec<T>,
    /// The largest weight, `[B]`.
    pub largest_weight: Vec<T>,
    /// Estimated entropy of the policy, `-sum exp(b) log pi`, `[B]`, nats.
    pub entropy: Vec<T>,
    /// Plug-in value of KL(target || policy), `sum w log(w / exp b)`, `[B]`, nats; never above log N
    /// for draws from the policy, however large the divergence.
    pub forward_kl: Vec<T>,
    /// Plug-in value of KL(policy || target), `-sum exp(b) log(w / exp b)`, `[B]`, nats.
    pub reverse_kl: Vec<T>,
    /// Pareto k-hat of the weights, `[B]`: see [`ParetoK`]. NaN where it is not estimated, which is
    /// everywhere unless asked for by [`Diagnostics::with_pareto_k`].
    pub pareto_k: Vec<T>,
    pareto: Option<ParetoK>,
    /// The weights of the last state looked at: scratch room, `[N]`.
    weights: Vec<T>,
    /// Their logs less the base, `[N]`.
    log_ratios: Vec<T>,
}

impl<T: Scalar> Diagnostics<T> {
    /// Room for `states` states of `samples` particles.
    pub fn new(states: usize, samples: usize) -> Self {
        let per_state = || vec![T::zero(); states];
        Self {
            effective_sample_size: per_state(),
            largest_weight: per_state(),
            entropy: per_state(),
            forward_kl: per_state(),
            reverse_kl: per_state(),
            pareto_k: vec![T::nan(); states],
            pareto: None,
            weights: vec![T::zero(); samples],
            log_ratios: vec![T::zero(); samples],
        }
    }

    /// Estimates Pareto k-hat too, at the cost of a sort and about 40 passes over the tail a state. It
    /// says nothing of enumerated actions, whose weights are no sample.
    pub fn with_pareto_k(mut self) -> Self {
        self.pareto = Some(ParetoK::new(self.weights.len()));
        self
    }

    /// Looks at one state; returns its weights `softmax(b + Q/alpha - l)`, `[N]`.
    pub fn observe(&mut self, particles: &Particles<'_, T>, state: usize, alpha: T) -> &[T] {
        self.observe_target(particles, state, |i| particles.log_target_ratio(i, alpha))
    }

    /// The same for another target, given as the log of its density over the policy's, up to a constant,
    /// at particle `i` (counted through all states).
    pub fn observe_target(
        &mut self,
        particles: &Particles<'_, T>,
        state: usize,
        log_target_ratio: impl Fn(usize) -> T,
    ) -> &[T] {
        let room = self.weights.iter_mut().zip(&mut self.log_ratios);
        for ((weight, ratio), i) in room.zip(particles.of_state(state)) {
            *ratio = log_target_ratio(i);
            *weight = particles.log_base[i] + *ratio;
        }
        let log_total = self_normalised_weights(&mut self.weights);
        self.summarise(particles, state, log_total);
        if let Some(pareto) = &mut self.pareto {
            let logs = self.log_ratios.iter().zip(particles.of_state(state));
            let log_weights = logs.map(|(&ratio, i)| (particles.log_base[i] + ratio).widen());
            self.pareto_k[state] = T::from_f64(pareto.estimate(log_weights));
        }
        &self.weights
    }

    fn summarise(&mut self, particles: &Particles<'_, T>, state: usize, log_total: T) {
        let (mut entropy, mut forward, mut reverse) = (T::zero(), T::zero(), T::zero());
        let room = self.weights.iter().zip(&mut self.log_ratios);
        for ((&weight, ratio), i) in room.zip(particles.of_state(state)) {
            *ratio -= log_total;
            let base = particles.log_base[i].exp();
            entropy -= base * particles.log_pi[i];
            forward += weight * *ratio;
            reverse -= base * *ratio;
        }
        self.entropy[state] = entropy;
        self.forward_kl[state] = forward;
        self.reverse_kl[state] = reverse;
        self.effective_sample_size[state] = effective_sample_size(&self.weights);
        self.largest_weight[state] = self.weights.iter().copied().fold(T::zero(), T::max);
    }

    /// The weights of the state observed last, `[N]`.
    pub fn weights(&self) -> &[T] {
        &self.weights
    }

    /// `log(w / exp b)` of the state observed last, `[N]`: the log of the target's density over the
    /// policy's, normalised by these particles. Finite for a particle of any base.
    pub fn log_ratios(&self) -> &[T] {
        &self.log_ratios
    }
}
