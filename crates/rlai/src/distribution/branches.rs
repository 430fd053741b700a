//! What a mixture and a hybrid policy have in common: a choice among K branches, and a normal of its
//! own under each. A state's parameters are `[logits (K), then for each branch mean (A), log_std (A)]`.

use std::ops::Range;

use super::logits::Logits;
use super::tanh_normal::HALF_LOG_2_PI;
use super::{Draws, TanhNormal};
use crate::estimator::{Signal, TrustRegion};
use crate::nn::{Scalar, squash};
use crate::random::Stream;

/// The layout, and the arithmetic of single branches. Densities here are those of `u`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Branches {
    choices: usize,
    /// The normal of every branch, its log standard deviation clamped.
    normal: TanhNormal,
    /// Whether the action is `tanh(u)`, or `u` itself.
    squashed: bool,
}

impl Branches {
    /// # Panics
    /// Without a branch.
    pub fn new(choices: usize, normal: TanhNormal, squashed: bool) -> Self {
        assert!(choices > 0, "there must be a branch");
        Self { choices, normal, squashed }
    }

    pub fn choices(&self) -> usize {
        self.choices
    }

    pub fn dimension(&self) -> usize {
        self.normal.action_dimension()
    }

    pub fn log_std_bounds(&self) -> (f64, f64) {
        self.normal.log_std_bounds()
    }

    pub fn is_squashed(&self) -> bool {
        self.squashed
    }

    /// P, parameters a state.
    pub fn width(&self) -> usize {
        self.choices * (1 + 2 * self.dimension())
    }

    pub fn logits<'a, T: Scalar>(&self, row: &'a [T]) -> Logits<'a, T> {
        Logits::new(&row[..self.choices])
    }

    fn place_of(&self, branch: usize) -> Range<usize> {
        let width = 2 * self.dimension();
        let start = self.choices + branch * width;
        start..start + width
    }

    /// Mean and log standard deviation of one branch, `[2 A]`.
    pub fn component<'a, T>(&self, row: &'a [T], branch: usize) -> &'a [T] {
        &row[self.place_of(branch)]
    }

    pub fn mean<'a, T>(&self, row: &'a [T], branch: usize) -> &'a [T] {
        &self.component(row, branch)[..self.dimension()]
    }

    /// Standard deviation of coordinate `j` of a component.
    fn sd<T: Scalar>(&self, component: &[T], j: usize) -> T {
        self.normal.log_std(component[self.dimension() + j]).exp()
    }

    /// Log density of `u`, before any tanh, under one component.
    pub fn log_normal<T: Scalar>(&self, component: &[T], u: &[T]) -> T {
        let (means, raw) = component.split_at(self.dimension());
        let mut log_density = T::zero();
        for ((&u, &mean), &raw) in u.iter().zip(means).zip(raw) {
            let log_std = self.normal.log_std(raw);
            let noise = (u - mean) / log_std.exp();
            log_density -= T::from_f64(0.5) * noise * noise + log_std + T::from_f64(HALF_LOG_2_PI);
        }
        log_density
    }

    /// Derivative of [`Branches::log_normal`] in coordinate `j` of `u`.
    pub fn slope<T: Scalar>(&self, component: &[T], u: &[T], j: usize) -> T {
        let sd = self.sd(component, j);
        (component[j] - u[j]) / sd / sd
    }

    /// Calls `f` with each state's row and the numbers of its particles.
    pub fn each_state<'a, T>(
        &self,
        parameters: &'a [T],
        particles: usize,
        mut f: impl FnMut(&'a [T], Range<usize>),
    ) {
        let samples = particles * self.width() / parameters.len();
        for (state, row) in parameters.chunks_exact(self.width()).enumerate() {
            f(row, state * samples..(state + 1) * samples);
        }
    }

    /// Draws the branch of every particle.
    pub fn choose<T: Scalar>(&self, parameters: &[T], random: &mut Stream, draws: &mut Draws<T>) {
        self.each_state(parameters, draws.log_pi.len(), |row, particles| {
            let logits = self.logits(row);
            for particle in particles {
                // What is no number has no choice; its log density will be none either.
                draws.choices[particle] = logits.sample(random).unwrap_or(0);
            }
        });
    }

    /// `u` out of the noise, by the branch of one particle.
    pub fn place<T: Scalar>(&self, row: &[T], draws: &mut Draws<T>, particle: usize) {
        let component = self.component(row, draws.choices[particle]);
        for j in 0..self.dimension() {
            let at = particle * self.dimension() + j;
            draws.u[at] = component[j] + self.sd(component, j) * draws.noise[at];
        }
    }

    /// The noise that would have led the particle's branch to its `u`.
    pub fn recover_noise<T: Scalar>(&self, row: &[T], draws: &mut Draws<T>, particle: usize) {
        let component = self.component(row, draws.choices[particle]);
        for j in 0..self.dimension() {
            let at = particle * self.dimension() + j;
            draws.noise[at] = (draws.u[at] - component[j]) / self.sd(component, j);
        }
    }

    /// Writes one particle's action, and makes log density and derivative, so far those of `u`, the
    /// action's.
    pub fn act<T: Scalar>(&self, draws: &mut Draws<T>, particle: usize) {
        for at in particle * self.dimension()..(particle + 1) * self.dimension() {
            if self.squashed {
                let (action, log_jacobian) = squash(draws.u[at]);
                draws.action[at] = action;
                draws.log_pi[particle] -= log_jacobian;
                draws.dlog_pi_du[at] += action + action;
            } else {
                draws.action[at] = draws.u[at];
            }
        }
    }

    /// One branch's mean as the deterministic action of one state (N = 1).
    pub fn act_by_mean<T: Scalar>(
        &self,
        row: &[T],
        branch: usize,
        draws: &mut Draws<T>,
        state: usize,
    ) {
        draws.choices[state] = branch;
        let places = state * self.dimension()..(state + 1) * self.dimension();
        draws.u[places.clone()].copy_from_slice(self.mean(row, branch));
        for at in places {
            draws.action[at] = if self.squashed { squash(draws.u[at]).0 } else { draws.u[at] };
        }
    }

    /// The gradient that a signal asks for, `[B, P]`. `score(row, u, branch, weight, out)` adds to `out`,
    /// `[P]`, `weight` times the score of one particle, but for the `-weight p_k` of every logit, which all
    /// scores have in common and which is taken off once a state.
    pub fn backward<T: Scalar>(
        &self,
        parameters: &[T],
        draws: &Draws<T>,
        signal: &Signal<T>,
        gradient: &mut [T],
        score: impl Fn(&[T], &[T], usize, T, &mut [T]),
    ) {
        let (dimension, samples) = (self.dimension(), signal.samples());
        gradient.fill(T::zero());
        let rows = parameters.chunks_exact(self.width());
        for (state, (row, out)) in rows.zip(gradient.chunks_exact_mut(self.width())).enumerate() {
            let state_weight = signal.state_weight[state];
            let mut total = T::zero();
            for particle in state * samples..(state + 1) * samples {
                let branch = draws.choices[particle];
                let coordinates = particle * dimension..(particle + 1) * dimension;
                let weight = state_weight * signal.score[particle];
                score(row, &draws.u[coordinates.clone()], branch, weight, out);
                total += weight;
                if signal.has_choice {
                    let choice = state_weight * signal.choice[particle];
                    out[branch] += choice;
                    total += choice;
                }
                if signal.has_action {
                    let noise = &draws.noise[coordinates.clone()];
                    let action = &signal.action[coordinates];
                    self.add_path(row, branch, noise, (action, state_weight), out);
                }
            }
            self.logits(row).subtract_expected(total, &mut out[..self.choices]);
        }
    }

    /// The score of the branch and of `u` under it, but for the logits' `-weight p_k`.
    pub fn add_own_score<T: Scalar>(
        &self,
        row: &[T],
        u: &[T],
        branch: usize,
        weight: T,
        out: &mut [T],
    ) {
        out[branch] += weight;
        self.add_normal_score(row, u, branch, weight, out);
    }

    /// The score of `u` under one branch: `e/s` of the mean, `e^2 - 1` of log s.
    pub fn add_normal_score<T: Scalar>(
        &self,
        row: &[T],
        u: &[T],
        branch: usize,
        weight: T,
        out: &mut [T],
    ) {
        if weight == T::zero() {
            return;
        }
        let (component, out) = (self.component(row, branch), &mut out[self.place_of(branch)]);
        for j in 0..self.dimension() {
            let sd = self.sd(component, j);
            let noise = (u[j] - component[j]) / sd;
            let d_log_std = weight * (noise * noise - T::one());
            self.add_to(component, out, j, weight * noise / sd, d_log_std);
        }
    }

    /// The path to `u` within one branch: 1 from the mean, `s e` from log s.
    fn add_path<T: Scalar>(
        &self,
        row: &[T],
        branch: usize,
        noise: &[T],
        (action, weight): (&[T], T),
        out: &mut [T],
    ) {
        let (component, out) = (self.component(row, branch), &mut out[self.place_of(branch)]);
        for j in 0..self.dimension() {
            let path = weight * action[j];
            self.add_to(component, out, j, path, path * self.sd(component, j) * noise[j]);
        }
    }

    /// No gradient passes the clamp.
    fn add_to<T: Scalar>(&self, component: &[T], out: &mut [T], j: usize, d_mean: T, d_log_std: T) {
        out[j] += d_mean;
        let scale = self.dimension() + j;
        if !self.normal.is_clamped(component[scale]) {
            out[scale] += d_log_std;
        }
    }

    /// KL of branch and `u` together by the chain rule: that of the branches, and the old branches' mean
    /// of each one's own, in the parts of [`TanhNormal::kl_from`].
    pub fn kl_from<T: Scalar>(&self, old: &[T], new: &[T]) -> TrustRegion<T> {
        let old_logits = self.logits(old);
        let mut kl = TrustRegion::zero();
        kl.choice = self.logits(new).kl_from(&old_logits);
        for (branch, log_p) in old_logits.log_all().enumerate() {
            let own = self.normal.kl_from(self.component(old, branch), self.component(new, branch));
            kl.mean += log_p.exp() * own.mean;
            kl.scale += log_p.exp() * own.scale;
        }
        kl
    }

    /// See [`Head::add_kl_gradient`](super::Head::add_kl_gradient).
    pub fn add_kl_gradient<T: Scalar>(
        &self,
        old: &[T],
        new: &[T],
        weights: TrustRegion<T>,
        state_weight: &[T],
        gradient: &mut [T],
    ) {
        let width = self.width();
        let rows = old.chunks_exact(width).zip(new.chunks_exact(width)).zip(state_weight);
        for (((old, new), &weight), out) in rows.zip(gradient.chunks_exact_mut(width)) {
            let old_logits = self.logits(old);
            let choice = weight * weights.choice;
            self.logits(new).add_kl_gradient(&old_logits, choice, &mut out[..self.choices]);
            for (branch, log_p) in old_logits.log_all().enumerate() {
                let (old, new) = (self.component(old, branch), self.component(new, branch));
                let out = &mut out[self.place_of(branch)];
                self.normal.add_kl_gradient(old, new, weights, &[weight * log_p.exp()], out);
            }
        }
    }
}
