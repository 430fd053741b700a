//! The beta distribution: `a = 2 x - 1`, `x ~ Beta(a, b)`, per coordinate. A bounded action without a tanh
//! (Chou, Maturana and Scherer 2017).

use std::f64::consts::LN_2;

use super::incomplete_beta::{Shapes, log_x};
use super::{Abilities, Draws, Head};
use crate::env::ActionShape;
use crate::estimator::{Signal, TrustRegion};
use crate::nn::{Scalar, squash};
use crate::random::Stream;

/// Raw parameters are clamped here: with both at it, the action's standard deviation is 0.007.
const LARGEST: f64 = 1e4;

/// A beta policy head. Its parameters a state are `[raw_a (A), raw_b (A)]`, the shapes
/// `1 + softplus(raw)`, so that there is one mode; a raw number is clamped at 10,000.
///
/// Densities are those of the action in `[-1,1]^A`. `u = atanh(action)`, half the log odds of x, lies
/// before a tanh as a tanh-normal's does, and is kept: log x and log(1 - x) come from it, exact at the
/// edges. All is computed in double precision, whatever the precision of the parameters.
///
/// A draw is made of two gamma variates and its path is implicit, so [`Head::draw`] leaves the noise
/// alone; [`Head::place`] inverts the distribution function (a microsecond or more a coordinate) and
/// [`Head::evaluate`] works out the noise that would have led to `u`.
#[derive(Clone, Debug, PartialEq)]
pub struct Beta {
    shape: ActionShape,
}

impl Beta {
    /// A head for actions of this dimension.
    pub fn new(action_dimension: usize) -> Self {
        Self { shape: ActionShape::of_box(action_dimension) }
    }

    /// The two shapes of coordinate `j`.
    fn shapes<T: Scalar>(&self, row: &[T], j: usize) -> Shapes {
        let of = |raw: T| 1.0 + softplus(clamped(raw.widen()));
        Shapes { a: of(row[j]), b: of(row[self.shape.coordinates + j]) }
    }

    /// Everything that follows from noise and `u`, once `connect` has derived one from the other, given
    /// the coordinate's place, shapes and log beta function.
    fn fill<T: Scalar>(
        &self,
        parameters: &[T],
        draws: &mut Draws<T>,
        mut connect: impl FnMut(&mut Draws<T>, usize, Shapes, f64),
    ) {
        let dimension = self.shape.coordinates;
        let states = parameters.len() / (2 * dimension);
        let samples = draws.log_pi.len() / states;
        draws.log_pi.fill(T::zero());
        for (state, row) in parameters.chunks_exact(2 * dimension).enumerate() {
            for j in 0..dimension {
                let shapes = self.shapes(row, j);
                let log_beta = shapes.log_beta();
                for particle in state * samples..(state + 1) * samples {
                    let at = particle * dimension + j;
                    connect(draws, at, shapes, log_beta);
                    let (log_density, slope) = log_density(shapes, log_beta, draws.u[at].widen());
                    draws.action[at] = squash(draws.u[at]).0;
                    draws.dlog_pi_du[at] = T::from_f64(slope);
                    draws.log_pi[particle] += T::from_f64(log_density);
                }
            }
        }
    }

    /// What one state's particles ask of the shapes of coordinate `j`.
    fn shape_gradient<T: Scalar>(
        &self,
        shapes: Shapes,
        at: impl Iterator<Item = (usize, usize)>,
        draws: &Draws<T>,
        signal: &Signal<T>,
    ) -> [f64; 2] {
        let mean_logs = shapes.mean_logs();
        let mut gradient = [0.0; 2];
        for (particle, at) in at {
            let u = draws.u[at].widen();
            let score = signal.score[particle].widen();
            gradient[0] += score * (log_x(u) - mean_logs[0]);
            gradient[1] += score * (log_x(-u) - mean_logs[1]);
            if signal.has_action {
                let path = shapes.path(mean_logs, u);
                gradient[0] += signal.action[at].widen() * path[0];
                gradient[1] += signal.action[at].widen() * path[1];
            }
        }
        gradient
    }
}

/// Log density of the action `tanh(u)` and its derivative with respect to `u`.
fn log_density(Shapes { a, b }: Shapes, log_beta: f64, u: f64) -> (f64, f64) {
    let (log_x, log_rest) = (log_x(u), log_x(-u));
    let log_density = (a - 1.0) * log_x + (b - 1.0) * log_rest - log_beta - LN_2;
    (log_density, 2.0 * ((a - 1.0) * log_rest.exp() - (b - 1.0) * log_x.exp()))
}

/// Not min: that would turn NaN into the bound, and nobody would notice.
fn clamped(raw: f64) -> f64 {
    if raw > LARGEST { LARGEST } else { raw }
}

fn softplus(x: f64) -> f64 {
    let above = if x < 0.0 { 0.0 } else { x };
    above + (-x.abs()).exp().ln_1p()
}

/// Derivative of the shape with respect to the raw parameter; none passes the clamp.
fn shape_slope(raw: f64) -> f64 {
    if raw > LARGEST { 0.0 } else { 1.0 / (1.0 + (-raw).exp()) }
}

/// The log of a gamma variate; one that was rounded to zero is the smallest number instead.
fn log_gamma_variate(random: &mut Stream, shape: f64) -> f64 {
    let variate = random.gamma(shape);
    if variate == 0.0 { f64::MIN_POSITIVE.ln() } else { variate.ln() }
}

impl<T: Scalar> Head<T> for Beta {
    fn name(&self) -> &str {
        "beta"
    }

    fn shape(&self) -> &ActionShape {
        &self.shape
    }

    fn parameters_per_state(&self) -> usize {
        2 * self.shape.coordinates
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            reparameterised: true,
            branches: None,
            scores_branch: false,
            trust_region: true,
            base_noise: true,
        }
    }

    fn draw(&self, parameters: &[T], random: &mut Stream, draws: &mut Draws<T>) {
        self.fill(parameters, draws, |draws, at, shapes, _| {
            let (log_x, log_rest) =
                (log_gamma_variate(random, shapes.a), log_gamma_variate(random, shapes.b));
            draws.u[at] = T::from_f64(0.5 * (log_x - log_rest));
        });
    }

    fn choose(&self, _parameters: &[T], _random: &mut Stream, _draws: &mut Draws<T>) {}

    fn place(&self, parameters: &[T], draws: &mut Draws<T>) {
        self.fill(parameters, draws, |draws, at, shapes, log_beta| {
            let noise = draws.noise[at].widen();
            draws.u[at] = T::from_f64(shapes.u_of_noise(log_beta, noise));
        });
    }

    fn evaluate(&self, parameters: &[T], draws: &mut Draws<T>) {
        self.fill(parameters, draws, |draws, at, shapes, log_beta| {
            let u = draws.u[at].widen();
            draws.noise[at] = T::from_f64(shapes.noise_of_u(log_beta, u));
        });
    }

    /// The most likely point before the tanh, squashed: x = a/(a+b), which is also the mean of x.
    fn mode(&self, parameters: &[T], draws: &mut Draws<T>) {
        let dimension = self.shape.coordinates;
        for (state, row) in parameters.chunks_exact(2 * dimension).enumerate() {
            for j in 0..dimension {
                let u = T::from_f64(self.shapes(row, j).likeliest_u());
                draws.u[state * dimension + j] = u;
                draws.action[state * dimension + j] = squash(u).0;
            }
        }
    }

    /// `log B - (a-1) E[log x] - (b-1) E[log(1-x)] + log 2`, summed over the coordinates.
    fn entropy(&self, row: &[T]) -> Option<T> {
        let of = |j: usize| {
            let shapes = self.shapes(row, j);
            let [log_x, log_rest] = shapes.mean_logs();
            shapes.log_beta() - (shapes.a - 1.0) * log_x - (shapes.b - 1.0) * log_rest + LN_2
        };
        Some(T::from_f64((0..self.shape.coordinates).map(of).sum()))
    }

    fn backward(&self, parameters: &[T], draws: &Draws<T>, signal: &Signal<T>, gradient: &mut [T]) {
        let (dimension, samples) = (self.shape.coordinates, signal.samples());
        let rows = parameters.chunks_exact(2 * dimension);
        for (state, (row, out)) in rows.zip(gradient.chunks_exact_mut(2 * dimension)).enumerate() {
            let weight = signal.state_weight[state].widen();
            for j in 0..dimension {
                let particles = state * samples..(state + 1) * samples;
                let at = particles.map(|particle| (particle, particle * dimension + j));
                let [d_a, d_b] = self.shape_gradient(self.shapes(row, j), at, draws, signal);
                for (i, d_shape) in [(j, d_a), (dimension + j, d_b)] {
                    out[i] = T::from_f64(weight * d_shape * shape_slope(row[i].widen()));
                }
            }
        }
    }

    fn log_branches(&self, _row: &[T], _log_branches: &mut [T]) {
        unreachable!("a beta distribution has no branches");
    }

    /// Exact, all of it in the part of the mean: mean and scale of a beta distribution are not apart, and
    /// the bound on the mean is the one that lets a policy move.
    fn kl_from(&self, old: &[T], new: &[T]) -> TrustRegion<T> {
        let of = |j: usize| {
            let (old, new) = (self.shapes(old, j), self.shapes(new, j));
            let [log_x, log_rest] = old.mean_logs();
            let log_betas = new.log_beta() - old.log_beta();
            log_betas + (old.a - new.a) * log_x + (old.b - new.b) * log_rest
        };
        let mean = T::from_f64((0..self.shape.coordinates).map(of).sum());
        TrustRegion { mean, ..TrustRegion::zero() }
    }

    fn add_kl_gradient(
        &self,
        old: &[T],
        new: &[T],
        weights: TrustRegion<T>,
        state_weight: &[T],
        gradient: &mut [T],
    ) {
        let dimension = self.shape.coordinates;
        let rows = old.chunks_exact(2 * dimension).zip(new.chunks_exact(2 * dimension));
        let out = gradient.chunks_exact_mut(2 * dimension);
        for (((old, new), out), &state_weight) in rows.zip(out).zip(state_weight) {
            let weight = (state_weight * weights.mean).widen();
            for j in 0..dimension {
                let (from, to) = (self.shapes(old, j).mean_logs(), self.shapes(new, j).mean_logs());
                for (i, k) in [(j, 0), (dimension + j, 1)] {
                    let slope = shape_slope(new[i].widen());
                    out[i] += T::from_f64(weight * (to[k] - from[k]) * slope);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
