use super::Diagnostics;
use crate::nn::Scalar;

/// What an estimator asks of a distribution: the gradient of its loss is
/// `sum_s state_weight_s { sum_k [score_sk grad log pi(a_sk|s) + choice_sk grad log pi(z_sk|s) +
/// action_sk . grad u_sk] + trust region }`, the actions held fixed in the first term and the choice
/// z in the last two.
#[derive(Clone, Debug)]
pub struct Signal<T> {
    /// Weight on each particle's log pi, `[B, N]`.
    pub score: Vec<T>,
    /// Weight on the log-probability of the discrete part alone, `[B, N]`: the branch of a mixture, the
    /// choice of a hybrid action.
    pub choice: Vec<T>,
    /// Whether `choice` is part of this signal; otherwise it is not to be read.
    pub has_choice: bool,
    /// Gradient that flows through the reparameterised pre-tanh action, `[B, N, A]`.
    pub action: Vec<T>,
    /// Whether `action` is part of this signal; otherwise it is not to be read.
    pub has_action: bool,
    /// Weights on the divergence from the old policy to the new one, which a distribution knows in
    /// closed form with its gradient; none if the signal has no such term.
    pub trust_region: Option<TrustRegion<T>>,
    /// Weight of each state, `[B]`; 1/B unless set otherwise.
    pub state_weight: Vec<T>,
    /// The unreduced loss, `[B]`, without the trust region's part.
    pub loss: Vec<T>,
    /// KL in nats of the estimator's own weights from the particles' base weights, `[B]`: what a dual of
    /// those weights (MPO's temperature) is tuned by. Zero where an estimator has no such dual.
    pub weight_divergence: Vec<T>,
    /// What the weights looked like.
    pub diagnostics: Diagnostics<T>,
    samples: usize,
}

/// Multipliers of KL(old policy || new policy), or its parts: that which moves the mean, that which
/// changes the scale, and that of the discrete choices (Abdolmaleki et al. 2018, maximum a posteriori policy optimisation).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrustRegion<T> {
    /// Multiplier of the mean's part.
    pub mean: T,
    /// Multiplier of the scale's part.
    pub scale: T,
    /// Multiplier of the part of discrete choices.
    pub choice: T,
}

impl<T: Scalar> TrustRegion<T> {
    /// Nothing of any part.
    pub fn zero() -> Self {
        Self { mean: T::zero(), scale: T::zero(), choice: T::zero() }
    }
}

impl<T: Scalar> Signal<T> {
    /// Room for a signal on `samples` particles in each of `states` states, uniform over states.
    pub fn new(states: usize, samples: usize, action_dimension: usize) -> Self {
        Self {
            score: vec![T::zero(); states * samples],
            action: vec![T::zero(); states * samples * action_dimension],
            choice: vec![T::zero(); states * samples],
            has_choice: false,
            has_action: false,
            trust_region: None,
            state_weight: vec![T::one() / T::from_f64(states as f64); states],
            loss: vec![T::zero(); states],
            weight_divergence: vec![T::zero(); states],
            diagnostics: Diagnostics::new(states, samples),
            samples,
        }
    }

    /// Forgets what an earlier estimator left: a signal of scores alone, until its author switches other
    /// parts on. The first thing that an estimator does.
    pub fn restart(&mut self) {
        self.has_choice = false;
        self.has_action = false;
        self.trust_region = None;
        self.weight_divergence.fill(T::zero());
    }

    /// N, particles a state.
    pub fn samples(&self) -> usize {
        self.samples
    }
}
