use super::weights::{effective_sample_size, largest_weight};
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
    /// Estimated entropy of the policy, `-sum exp(b) log pi / sum exp(b)`, `[B]`, nats. MPO's draws are the
    /// old policy's: there it is the cross-entropy from that one.
    pub entropy: Vec<T>,
    /// Estimated divergence from the default policy, `sum exp(b) l / sum exp(b)`, `[B]`, nats, l = log pi
    /// - log pi_0: what the temperature weighs.
    pub log_ratio: Vec<T>,
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
            log_ratio: per_state(),
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
    /// at particle `i` (counted through all states); minus infinity leaves a particle out.
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
        let (mut log_ratio, mut standing) = (T::zero(), T::zero());
        let room = self.weights.iter().zip(&mut self.log_ratios);
        for ((&weight, ratio), i) in room.zip(particles.of_state(state)) {
            *ratio -= log_total;
            let base = particles.log_base[i].exp();
            standing += base;
            entropy -= base * particles.log_pi[i];
            log_ratio += base * particles.log_ratio(i);
            // A weight of zero counts nothing, even where the target's density is zero itself.
            if weight != T::zero() {
                forward += weight * *ratio;
            }
            reverse -= base * *ratio;
        }
        // The bases of a mixture's draws sum to one on average only.
        self.entropy[state] = entropy / standing;
        self.log_ratio[state] = log_ratio / standing;
        self.forward_kl[state] = forward;
        self.reverse_kl[state] = reverse;
        self.effective_sample_size[state] = effective_sample_size(&self.weights);
        self.largest_weight[state] = largest_weight(&self.weights);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimator::testing::{Kind, Made, assert_close};

    /// Over all actions the plug-in values are the divergences themselves.
    #[test]
    fn enumerated_values_are_exact() {
        let made = Made::<f64>::new(Kind::Enumerated, 1, 5, 3);
        let mut target: Vec<f64> = made.q.iter().map(|q| q / 0.6).collect();
        self_normalised_weights(&mut target);
        let mut diagnostics = Diagnostics::new(1, 5);
        let weights = diagnostics.observe(&made.particles(), 0, 0.6).to_vec();
        assert_close(&weights, &target, 1e-12, "weights");
        let gap = |k: usize| target[k].ln() - made.log_pi[k];
        let forward: f64 = (0..5).map(|k| target[k] * gap(k)).sum();
        let reverse: f64 = (0..5).map(|k| -made.log_pi[k].exp() * gap(k)).sum();
        let entropy: f64 = made.log_pi.iter().map(|l| -l.exp() * l).sum();
        assert_close(&diagnostics.forward_kl, &[forward], 1e-12, "forward KL");
        assert_close(&diagnostics.reverse_kl, &[reverse], 1e-12, "reverse KL");
        assert_close(&diagnostics.entropy, &[entropy], 1e-12, "entropy");
        let largest = target.iter().copied().fold(0.0, f64::max);
        assert_close(&diagnostics.largest_weight, &[largest], 1e-12, "largest weight");
    }

    /// A particle of base zero is there for its log density alone.
    #[test]
    fn what_does_not_stand_for_the_policy_does_not_count() {
        let with = Made::<f64>::new(Kind::Replay, 1, 40, 3);
        let mut without = with.clone();
        without.origins.remove(0);
        for values in [&mut without.log_pi, &mut without.log_base, &mut without.q] {
            values.remove(0);
        }
        let observed = |made: &Made<f64>, samples: usize| {
            let mut diagnostics = Diagnostics::new(1, samples).with_pareto_k();
            diagnostics.observe(&made.particles(), 0, 0.6);
            [
                diagnostics.effective_sample_size[0],
                diagnostics.largest_weight[0],
                diagnostics.entropy[0],
                diagnostics.forward_kl[0],
                diagnostics.reverse_kl[0],
                diagnostics.pareto_k[0],
            ]
        };
        assert_close(&observed(&with, 40), &observed(&without, 39), 1e-12, "diagnostics");
    }

    /// Forward KL does not mind where the target is zero; reverse KL is infinite there.
    #[test]
    fn a_target_may_leave_particles_out() {
        let made = Made::<f64>::new(Kind::Draws, 1, 4, 3);
        let mut diagnostics = Diagnostics::new(1, 4);
        let half = |i: usize| if i < 2 { 0.3 } else { f64::NEG_INFINITY };
        let weights = diagnostics.observe_target(&made.particles(), 0, half);
        assert_close(weights, &[0.5, 0.5, 0.0, 0.0], 1e-12, "weights");
        assert_close(&diagnostics.forward_kl, &[2.0f64.ln()], 1e-12, "forward KL");
        assert_eq!(diagnostics.reverse_kl, [f64::INFINITY]);
    }

    #[test]
    fn pareto_k_is_estimated_only_if_asked_for() {
        let made = Made::<f32>::new(Kind::Draws, 1, 64, 3);
        let mut silent = Diagnostics::new(1, 64);
        silent.observe(&made.particles(), 0, 0.6);
        assert!(silent.pareto_k[0].is_nan());
        let mut asked = Diagnostics::new(1, 64).with_pareto_k();
        asked.observe(&made.particles(), 0, 0.6);
        let weights = asked.weights().iter().map(|w| f64::from(w.ln()));
        let again = ParetoK::new(64).estimate(weights);
        assert!((f64::from(asked.pareto_k[0]) - again).abs() < 1e-3);
    }
}
