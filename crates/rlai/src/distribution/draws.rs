use crate::nn::Scalar;

/// N draws for each of B states, and what a learning signal may ask of them.
#[derive(Clone, Debug)]
pub struct Draws<T> {
    /// Base noise of the coordinates, `[B, N, A]`: standard normal where the distribution is made of it.
    pub noise: Vec<T>,
    /// The coordinates as the density is written in them, `[B, N, A]`: before the tanh of a squashed
    /// distribution, the action itself of another.
    pub u: Vec<T>,
    /// Coordinates of the action, `[B, N, A]`.
    pub action: Vec<T>,
    /// The numbers chosen, `[B, N, C]`: one for each discrete factor of the action; for a mixture the
    /// branch that was drawn, which is no part of the action.
    pub choices: Vec<usize>,
    /// Log density of each action, `[B, N]`, choices included; of a mixture the marginal one.
    pub log_pi: Vec<T>,
    /// Its derivative with respect to `u`, parameters and choices held, `[B, N, A]`.
    pub dlog_pi_du: Vec<T>,
}

impl<T: Scalar> Draws<T> {
    /// Room for `samples` draws of `coordinates` and no choices in each of `states` states.
    pub fn new(states: usize, samples: usize, coordinates: usize) -> Self {
        Self::with_choices(states, samples, coordinates, 0)
    }

    /// As [`Draws::new`], with this many choices (C) a draw.
    pub fn with_choices(states: usize, samples: usize, coordinates: usize, choices: usize) -> Self {
        let numbers = || vec![T::zero(); states * samples * coordinates];
        Self {
            noise: numbers(),
            u: numbers(),
            action: numbers(),
            choices: vec![0; states * samples * choices],
            log_pi: vec![T::zero(); states * samples],
            dlog_pi_du: numbers(),
        }
    }

    /// Turns derivatives with respect to the action into derivatives with respect to a squashed `u`, in
    /// place: da/du = 1 - a^2. An empty slice stays empty.
    pub fn through_tanh(&self, derivatives: &mut [T]) {
        for (derivative, &action) in derivatives.iter_mut().zip(&self.action) {
            *derivative = *derivative * (T::one() - action) * (T::one() + action);
        }
    }
}
