//! The squashed normal: `a = tanh(u)`, `u = mean + exp(log_std) eps`, per coordinate.
//!
//! Densities are those of the action in `[-1,1]^A`, the Jacobian of tanh included. The pre-tanh sample
//! `u` is kept, never recomputed from the action, and action gradients are carried in `u`: in single
//! precision `1 - tanh(u)^2` is zero from `u = 10` on, and a gradient in the action would be 0/0.

use super::{Abilities, Draws, Head};
use crate::env::ActionShape;
use crate::estimator::{Signal, TrustRegion};
use crate::nn::{Scalar, squash, squash_all};
use crate::random::Stream;

/// Half of log(2 pi).
pub(super) const HALF_LOG_2_PI: f64 = 0.918_938_533_204_672_8;

/// A tanh-normal policy head. Its parameters a state are `[mean (A), log_std (A)]`, the second half
/// clamped.
#[derive(Clone, Debug, PartialEq)]
pub struct TanhNormal {
    action_dimension: usize,
    shape: ActionShape,
    log_std_min: f64,
    log_std_max: f64,
}

impl TanhNormal {
    /// A head for actions of this dimension whose log standard deviation is clamped to the interval.
    pub fn new(action_dimension: usize, log_std_min: f64, log_std_max: f64) -> Self {
        Self {
            action_dimension,
            shape: ActionShape::of_box(action_dimension),
            log_std_min,
            log_std_max,
        }
    }

    /// A, coordinates of an action.
    pub fn action_dimension(&self) -> usize {
        self.action_dimension
    }

    /// Parameters a state: 2 A.
    pub fn parameters_per_state(&self) -> usize {
        2 * self.action_dimension
    }

    /// The interval to which the log standard deviation is clamped.
    pub fn log_std_bounds(&self) -> (f64, f64) {
        (self.log_std_min, self.log_std_max)
    }

    pub(super) fn log_std<T: Scalar>(&self, raw: T) -> T {
        let (low, high) = (T::from_f64(self.log_std_min), T::from_f64(self.log_std_max));
        // Not max and min: those would turn NaN into a bound, and nobody would notice.
        if raw < low {
            low
        } else if raw > high {
            high
        } else {
            raw
        }
    }

    /// Whether the clamp holds `raw`, so that no gradient passes.
    pub(super) fn is_clamped<T: Scalar>(&self, raw: T) -> bool {
        raw < T::from_f64(self.log_std_min) || raw > T::from_f64(self.log_std_max)
    }

    /// Turns `draws.noise` into samples with their log densities. `parameters` is `[B, 2 A]`.
    ///
    /// # Panics
    /// When the shapes do not fit.
    pub fn sample<T: Scalar>(&self, parameters: &[T], draws: &mut Draws<T>) {
        self.place(parameters, draws, |draws, at, mean, sd| {
            let noise = draws.noise[at];
            draws.u[at] = mean + sd * noise;
        });
    }

    /// Takes the samples `draws.u` as they are, whoever drew them, and works out the noise that would
    /// have led this policy to them, with their log densities. `parameters` is `[B, 2 A]`.
    ///
    /// # Panics
    /// When the shapes do not fit.
    pub fn evaluate<T: Scalar>(&self, parameters: &[T], draws: &mut Draws<T>) {
        self.place(parameters, draws, |draws, at, mean, sd| {
            draws.noise[at] = (draws.u[at] - mean) / sd;
        });
    }

    /// Everything that follows from noise and `u`, once `connect` has derived one from the other, given
    /// the coordinate's place, mean and standard deviation.
    fn place<T: Scalar>(
        &self,
        parameters: &[T],
        draws: &mut Draws<T>,
        connect: impl Fn(&mut Draws<T>, usize, T, T),
    ) {
        let dimension = self.action_dimension;
        let states = parameters.len() / self.parameters_per_state();
        let samples = draws.log_pi.len() / states;
        assert_eq!(draws.noise.len(), states * samples * dimension, "draws have another shape");
        let half_log_2_pi = T::from_f64(HALF_LOG_2_PI);
        let half = T::from_f64(0.5);
        let places = |state: usize, j: usize| {
            let particles = state * samples..(state + 1) * samples;
            particles.map(move |particle| (particle, particle * dimension + j))
        };
        let rows = || parameters.chunks_exact(2 * dimension).map(|row| row.split_at(dimension));
        for (state, (mean, raw_log_std)) in rows().enumerate() {
            for (j, (&mean, &raw)) in mean.iter().zip(raw_log_std).enumerate() {
                let sd = self.log_std(raw).exp();
                for (_, at) in places(state, j) {
                    connect(draws, at, mean, sd);
                }
            }
        }
        // The derivatives' place holds the logarithms until they are used up.
        squash_all(&draws.u, &mut draws.action, &mut draws.dlog_pi_du);
        draws.log_pi.fill(T::zero());
        for (state, (_, raw_log_std)) in rows().enumerate() {
            for (j, &raw) in raw_log_std.iter().enumerate() {
                let log_std = self.log_std(raw);
                let (sd, constant) = (log_std.exp(), log_std + half_log_2_pi);
                for (particle, at) in places(state, j) {
                    let (noise, action) = (draws.noise[at], draws.action[at]);
                    let log_jacobian = draws.dlog_pi_du[at];
                    draws.log_pi[particle] += -half * noise * noise - constant - log_jacobian;
                    draws.dlog_pi_du[at] = action + action - noise / sd;
                }
            }
        }
    }

    /// Log density of the action `tanh(u)` under one state's parameters, `[2 A]`.
    pub fn log_density<T: Scalar>(&self, row: &[T], u: &[T]) -> T {
        let (mean, raw_log_std) = row.split_at(self.action_dimension);
        let mut log_density = T::zero();
        for ((&u, &mean), &raw) in u.iter().zip(mean).zip(raw_log_std) {
            let log_std = self.log_std(raw);
            let noise = (u - mean) / log_std.exp();
            let constant = T::from_f64(HALF_LOG_2_PI) + log_std + squash(u).1;
            log_density += -T::from_f64(0.5) * noise * noise - constant;
        }
        log_density
    }

    /// Standard deviation of each coordinate of one state, from its parameters, `[2 A]`.
    pub fn standard_deviations<'a, T: Scalar>(
        &'a self,
        row: &'a [T],
    ) -> impl Iterator<Item = T> + 'a {
        row[self.action_dimension..].iter().map(|&raw| self.log_std(raw).exp())
    }

    /// KL(old || new) of one state in nats, as the mean's part and the scale's (Abdolmaleki et al. 2018:
    /// the new mean with the old scale, and the old mean with the new scale). The squashing is the same
    /// on both sides and drops out. Rows are `[2 A]`.
    pub fn kl_from<T: Scalar>(&self, old: &[T], new: &[T]) -> TrustRegion<T> {
        let dimension = self.action_dimension;
        let mut kl = TrustRegion::zero();
        for j in 0..dimension {
            let (old_log, new_log) =
                (self.log_std(old[dimension + j]), self.log_std(new[dimension + j]));
            let shift = (new[j] - old[j]) / old_log.exp();
            let ratio = (old_log - new_log).exp();
            let half = T::from_f64(0.5);
            kl.mean += half * shift * shift;
            kl.scale += new_log - old_log + half * (ratio * ratio - T::one());
        }
        kl
    }

    /// Adds the gradient of `sum_s state_weight_s (weights . kl_from(old_s, new_s))` with respect to the
    /// new parameters. All are `[B, 2 A]`.
    pub fn add_kl_gradient<T: Scalar>(
        &self,
        old: &[T],
        new: &[T],
        weights: TrustRegion<T>,
        state_weight: &[T],
        gradient: &mut [T],
    ) {
        let dimension = self.action_dimension;
        let rows = old.chunks_exact(2 * dimension).zip(new.chunks_exact(2 * dimension));
        let out = gradient.chunks_exact_mut(2 * dimension);
        for (((old, new), out), &state_weight) in rows.zip(out).zip(state_weight) {
            for j in 0..dimension {
                let old_log = self.log_std(old[dimension + j]);
                let variance = (old_log + old_log).exp();
                out[j] += state_weight * weights.mean * (new[j] - old[j]) / variance;
                let raw = new[dimension + j];
                if !self.is_clamped(raw) {
                    let ratio = (old_log - raw).exp();
                    out[dimension + j] += state_weight * weights.scale * (T::one() - ratio * ratio);
                }
            }
        }
    }

    /// The most likely pre-tanh point, squashed: the deterministic action, `[B, A]`.
    pub fn mode<T: Scalar>(&self, parameters: &[T], actions: &mut [T]) {
        let dimension = self.action_dimension;
        let rows = parameters.chunks_exact(2 * dimension);
        for (row, action) in rows.zip(actions.chunks_exact_mut(dimension)) {
            for (action, &mean) in action.iter_mut().zip(row) {
                *action = mean.tanh();
            }
        }
    }

    /// The gradient of the parameters, `[B, 2 A]`, that a learning signal on `draws` asks for.
    ///
    /// Per particle, with e the noise and s the standard deviation: the score of the mean is e/s and
    /// that of log s is e^2 - 1 (the action held fixed); the path to `u` is 1 for the mean and s e for
    /// log s. A gradient that would have to pass the clamp is zero.
    pub fn backward<T: Scalar>(
        &self,
        parameters: &[T],
        draws: &Draws<T>,
        signal: &Signal<T>,
        gradient: &mut [T],
    ) {
        let dimension = self.action_dimension;
        let samples = signal.samples();
        let rows = parameters.chunks_exact(2 * dimension);
        for (state, (row, out)) in rows.zip(gradient.chunks_exact_mut(2 * dimension)).enumerate() {
            out.fill(T::zero());
            let state_weight = signal.state_weight[state];
            for j in 0..dimension {
                let raw = row[dimension + j];
                let sd = self.log_std(raw).exp();
                let (mut d_mean, mut d_log_std) = (T::zero(), T::zero());
                for particle in state * samples..(state + 1) * samples {
                    let noise = draws.noise[particle * dimension + j];
                    let score = signal.score[particle];
                    d_mean += score * noise / sd;
                    d_log_std += score * (noise * noise - T::one());
                    if signal.has_action {
                        let path = signal.action[particle * dimension + j];
                        d_mean += path;
                        d_log_std += path * sd * noise;
                    }
                }
                out[j] = state_weight * d_mean;
                if !self.is_clamped(raw) {
                    out[dimension + j] = state_weight * d_log_std;
                }
            }
        }
    }
}

impl<T: Scalar> Head<T> for TanhNormal {
    fn name(&self) -> &str {
        "tanh-normal"
    }

    fn shape(&self) -> &ActionShape {
        &self.shape
    }

    fn parameters_per_state(&self) -> usize {
        2 * self.action_dimension
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
        random.fill_normal(&mut draws.noise);
        self.sample(parameters, draws);
    }

    fn choose(&self, _parameters: &[T], _random: &mut Stream, _draws: &mut Draws<T>) {}

    fn place(&self, parameters: &[T], draws: &mut Draws<T>) {
        self.sample(parameters, draws);
    }

    fn evaluate(&self, parameters: &[T], draws: &mut Draws<T>) {
        Self::evaluate(self, parameters, draws);
    }

    /// The most likely point before the tanh, squashed.
    fn mode(&self, parameters: &[T], draws: &mut Draws<T>) {
        let dimension = self.action_dimension;
        let rows = parameters.chunks_exact(2 * dimension);
        for (row, u) in rows.zip(draws.u.chunks_exact_mut(dimension)) {
            u.copy_from_slice(&row[..dimension]);
        }
        Self::mode(self, parameters, &mut draws.action);
    }

    /// Has no closed form.
    fn entropy(&self, _row: &[T]) -> Option<T> {
        None
    }

    fn backward(&self, parameters: &[T], draws: &Draws<T>, signal: &Signal<T>, gradient: &mut [T]) {
        Self::backward(self, parameters, draws, signal, gradient);
    }

    fn log_branches(&self, _row: &[T], _log_branches: &mut [T]) {
        unreachable!("a tanh-normal has no branches");
    }

    fn kl_from(&self, old: &[T], new: &[T]) -> TrustRegion<T> {
        Self::kl_from(self, old, new)
    }

    fn add_kl_gradient(
        &self,
        old: &[T],
        new: &[T],
        weights: TrustRegion<T>,
        state_weight: &[T],
        gradient: &mut [T],
    ) {
        Self::add_kl_gradient(self, old, new, weights, state_weight, gradient);
    }

    fn starting_at(&self, mean: f64, log_std: f64) -> Option<Vec<T>> {
        let of = |value: f64| vec![T::from_f64(value); self.action_dimension];
        Some([of(mean), of(log_std)].concat())
    }

    fn as_tanh_normal(&self) -> Option<&TanhNormal> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    /// Log density by its definition, at a fixed `u`.
    fn log_density(mean: f64, log_std: f64, u: f64) -> f64 {
        let z = (u - mean) / log_std.exp();
        let jacobian = 1.0 - u.tanh() * u.tanh();
        -0.5 * z * z - log_std - 0.5 * (2.0 * std::f64::consts::PI).ln() - jacobian.ln()
    }

    #[test]
    fn log_density_and_its_derivative_agree_with_the_definition() {
        let head = TanhNormal::new(1, -20.0, 2.0);
        let (mean, log_std) = (0.4, -0.7);
        let mut draws = Draws::new(1, 5, 1);
        Key::from_seed(2).stream("noise").fill_normal(&mut draws.noise);
        head.sample(&[mean, log_std], &mut draws);
        let h = 1e-6;
        for k in 0..5 {
            let u = draws.u[k];
            assert!((draws.log_pi[k] - log_density(mean, log_std, u)).abs() < 1e-12);
            let numeric =
                (log_density(mean, log_std, u + h) - log_density(mean, log_std, u - h)) / (2.0 * h);
            assert!((draws.dlog_pi_du[k] - numeric).abs() < 1e-7);
        }
    }

    #[test]
    fn a_sample_evaluated_is_the_sample_that_was_drawn() {
        let head = TanhNormal::new(2, -20.0, 2.0);
        let parameters = [0.4, -0.3, -0.7, 0.2, 1.0, 0.0, -2.0, 0.5];
        let mut draws = Draws::new(2, 3, 2);
        Key::from_seed(5).stream("noise").fill_normal(&mut draws.noise);
        head.sample(&parameters, &mut draws);
        let mut again: Draws<f64> = Draws::new(2, 3, 2);
        again.u.clone_from(&draws.u);
        head.evaluate(&parameters, &mut again);
        let pairs = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(pairs(&draws.noise, &again.noise) && pairs(&draws.log_pi, &again.log_pi));
        assert!(pairs(&draws.dlog_pi_du, &again.dlog_pi_du));
        for particle in 0..6 {
            let (row, u) = (&parameters[particle / 3 * 4..][..4], &draws.u[particle * 2..][..2]);
            assert!((head.log_density(row, u) - draws.log_pi[particle]).abs() < 1e-12);
        }
    }

    #[test]
    fn divergence_from_an_old_policy_and_its_gradient() {
        let head = TanhNormal::new(2, -5.0, 2.0);
        let old = [0.1, -0.4, -0.3, 0.2];
        let new = [0.5, -0.1, 0.4, -0.6];
        // KL of two normals: the mean's part with the old scale, the scale's part with equal means.
        let expected_mean: f64 =
            (0..2).map(|j| 0.5 * ((new[j] - old[j]) / f64::exp(old[2 + j])).powi(2)).sum();
        let expected_scale: f64 = (0..2)
            .map(|j| {
                let (old, new): (f64, f64) = (old[2 + j], new[2 + j]);
                new - old + 0.5 * (2.0 * (old - new)).exp() - 0.5
            })
            .sum();
        let kl = head.kl_from(&old, &new);
        assert!((kl.mean - expected_mean).abs() < 1e-14);
        assert!((kl.scale - expected_scale).abs() < 1e-14);
        assert_eq!(head.kl_from(&old, &old), TrustRegion::zero());
        let weights = TrustRegion { mean: 0.7, scale: 1.9, choice: 0.3 };
        let loss = |new: &[f64]| {
            let kl = head.kl_from(&old, new);
            3.0 * (weights.mean * kl.mean + weights.scale * kl.scale)
        };
        let mut gradient = [0.0; 4];
        head.add_kl_gradient(&old, &new, weights, &[3.0], &mut gradient);
        for i in 0..4 {
            let at = |h: f64| {
                let mut moved = new;
                moved[i] += h;
                loss(&moved)
            };
            let numeric = (at(1e-6) - at(-1e-6)) / 2e-6;
            assert!((gradient[i] - numeric).abs() < 1e-8, "{i}");
        }
    }

    #[test]
    fn density_integrates_to_one_over_the_box() {
        let n = 200_000;
        let total: f64 = (0..n)
            .map(|i| {
                let action = -1.0 + 2.0 * (i as f64 + 0.5) / n as f64;
                log_density(0.3, -0.4, action.atanh()).exp() * 2.0 / n as f64
            })
            .sum();
        assert!((total - 1.0).abs() < 1e-6, "{total}");
    }

    #[test]
    fn no_gradient_passes_the_clamp() {
        let head = TanhNormal::new(1, -1.0, 1.0);
        for (raw, passes) in [(-3.0, false), (0.5, true), (1.5, false)] {
            let mut draws = Draws::new(1, 2, 1);
            draws.noise = vec![0.5, -1.3];
            head.sample(&[0.1, raw], &mut draws);
            let mut signal = Signal::new(1, 2, 1);
            signal.score = vec![1.0, 0.3];
            let mut gradient = [f64::NAN; 2];
            head.backward(&[0.1, raw], &draws, &signal, &mut gradient);
            assert!(gradient[0] != 0.0);
            assert_eq!(gradient[1] != 0.0, passes);
        }
    }
}
