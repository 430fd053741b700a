//! A mixture of tanh-normals: a discrete branch, then a normal of its own,
//! `pi(a|s) = sum_z p(z|s) pi(a|s, z)`. The branch is no part of the action.

use super::branches::Branches;
use super::{Abilities, Draws, Head, TanhNormal};
use crate::env::ActionShape;
use crate::estimator::{Signal, TrustRegion};
use crate::nn::Scalar;
use crate::random::Stream;

/// Whose log density a score weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BranchForm {
    /// That of the action, `log sum_z p(z) pi(a|z)`: every branch answers for an action by its
    /// responsibility `p(z) pi(a|z) / pi(a)`.
    #[default]
    Marginal,
    /// That of the action and the branch it came from, `log p(z) + log pi(a|z)`. Where the branch is
    /// drawn from the responsibilities, as in draws of the policy itself, the expected gradient is the
    /// marginal's, its variance higher. Not for actions from elsewhere, whose branch nobody drew.
    Joint,
}

/// A policy of K branches. Its parameters a state are `[logits (K), then for each branch mean (A),
/// log_std (A)]`, the last clamped.
///
/// A draw has one choice, its branch. The path from the parameters to `u` lies within that branch: a
/// pathwise gradient needs the branch's score beside it, or draws of every branch.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    branches: Branches,
    shape: ActionShape,
    form: BranchForm,
}

impl Mixture {
    /// `branches` tanh-normals for actions of this dimension, the log standard deviations clamped to the
    /// interval; scores are of the marginal density.
    ///
    /// # Panics
    /// Without a branch.
    pub fn new(
        branches: usize,
        action_dimension: usize,
        log_std_min: f64,
        log_std_max: f64,
    ) -> Self {
        let normal = TanhNormal::new(action_dimension, log_std_min, log_std_max);
        Self {
            branches: Branches::new(branches, normal, true),
            shape: ActionShape::of_box(action_dimension),
            form: BranchForm::Marginal,
        }
    }

    /// The same with scores of this form.
    pub fn with_form(mut self, form: BranchForm) -> Self {
        self.form = form;
        self
    }

    /// The same without the tanh: a mixture of normals on the real line, for problems that have no box.
    pub fn unsquashed(mut self) -> Self {
        let normal = TanhNormal::new(self.branches.dimension(), self.bounds().0, self.bounds().1);
        self.branches = Branches::new(self.branches.choices(), normal, false);
        self
    }

    fn bounds(&self) -> (f64, f64) {
        self.branches.log_std_bounds()
    }

    /// K, branches.
    pub fn branches(&self) -> usize {
        self.branches.choices()
    }

    /// Whose log density a score weighs.
    pub fn form(&self) -> BranchForm {
        self.form
    }

    /// `log p(z) + log pi(u|z)`, before any tanh, of every branch.
    fn log_joint<'a, T: Scalar>(
        &'a self,
        row: &'a [T],
        u: &'a [T],
    ) -> impl Iterator<Item = T> + 'a {
        let logits = self.branches.logits(row);
        let of_branch =
            move |z| logits.log_p(z) + self.branches.log_normal(self.branches.component(row, z), u);
        (0..self.branches()).map(of_branch)
    }

    /// Log density of `u`, before any tanh.
    fn log_density<T: Scalar>(&self, row: &[T], u: &[T]) -> T {
        let mut total = LogSum::new();
        self.log_joint(row, u).for_each(|log_joint| {
            total.add(log_joint);
        });
        total.value()
    }

    /// All that follows from one particle's `u`. The derivative is gathered together with the density:
    /// what is there already is scaled down when a larger term comes.
    fn finish<T: Scalar>(&self, row: &[T], draws: &mut Draws<T>, particle: usize) {
        let dimension = self.branches.dimension();
        let places = particle * dimension..(particle + 1) * dimension;
        let (u, slopes) = (&draws.u[places.clone()], &mut draws.dlog_pi_du[places]);
        let mut total = LogSum::new();
        slopes.fill(T::zero());
        for (z, log_joint) in self.log_joint(row, u).enumerate() {
            let (kept, added) = total.add(log_joint);
            let component = self.branches.component(row, z);
            for (j, slope) in slopes.iter_mut().enumerate() {
                *slope = *slope * kept + added * self.branches.slope(component, u, j);
            }
        }
        slopes.iter_mut().for_each(|slope| *slope = *slope / total.scaled);
        draws.log_pi[particle] = total.value();
        self.branches.act(draws, particle);
    }

    /// The score of the marginal density: that of every branch by its responsibility.
    fn add_marginal_score<T: Scalar>(&self, row: &[T], u: &[T], weight: T, out: &mut [T]) {
        if weight == T::zero() {
            return;
        }
        let log_density = self.log_density(row, u);
        for (z, log_joint) in self.log_joint(row, u).enumerate() {
            let responsible = weight * (log_joint - log_density).exp();
            self.branches.add_own_score(row, u, z, responsible, out);
        }
    }
}

impl<T: Scalar> Head<T> for Mixture {
    fn name(&self) -> &str {
        "mixture"
    }

    fn shape(&self) -> &ActionShape {
        &self.shape
    }

    /// The branch.
    fn choices_per_draw(&self) -> usize {
        1
    }

    fn parameters_per_state(&self) -> usize {
        self.branches.width()
    }

    /// The trust region is an upper bound: see [`Mixture::kl_from`](Head::kl_from).
    fn abilities(&self) -> Abilities {
        let branches = Some(self.branches());
        Abilities {
            reparameterised: true,
            branches,
            scores_branch: self.form == BranchForm::Joint,
            trust_region: true,
            base_noise: true,
        }
    }

    fn draw(&self, parameters: &[T], random: &mut Stream, draws: &mut Draws<T>) {
        self.branches.choose(parameters, random, draws);
        random.fill_normal(&mut draws.noise);
        Head::place(self, parameters, draws);
    }

    fn choose(&self, parameters: &[T], random: &mut Stream, draws: &mut Draws<T>) {
        self.branches.choose(parameters, random, draws);
    }

    fn place(&self, parameters: &[T], draws: &mut Draws<T>) {
        self.branches.each_state(parameters, draws.log_pi.len(), |row, particles| {
            for particle in particles {
                self.branches.place(row, draws, particle);
                self.finish(row, draws, particle);
            }
        });
    }

    fn evaluate(&self, parameters: &[T], draws: &mut Draws<T>) {
        self.branches.each_state(parameters, draws.log_pi.len(), |row, particles| {
            for particle in particles {
                self.branches.recover_noise(row, draws, particle);
                self.finish(row, draws, particle);
            }
        });
    }

    /// Of the branches' means the one where the mixture is densest before the tanh, the first of equals.
    fn mode(&self, parameters: &[T], draws: &mut Draws<T>) {
        for (state, row) in parameters.chunks_exact(self.branches.width()).enumerate() {
            let (mut best, mut densest) = (0, T::neg_infinity());
            for z in 0..self.branches() {
                let log_density = self.log_density(row, self.branches.mean(row, z));
                if log_density > densest {
                    (best, densest) = (z, log_density);
                }
            }
            self.branches.act_by_mean(row, best, draws, state);
        }
    }

    /// Has no closed form.
    fn entropy(&self, _row: &[T]) -> Option<T> {
        None
    }

    /// The score weighs the density of [`Mixture::form`]; the path stays within the branch.
    fn backward(&self, parameters: &[T], draws: &Draws<T>, signal: &Signal<T>, gradient: &mut [T]) {
        match self.form {
            BranchForm::Marginal => {
                let score = |row: &[T], u: &[T], _, weight, out: &mut [T]| {
                    self.add_marginal_score(row, u, weight, out);
                };
                self.branches.backward(parameters, draws, signal, gradient, score);
            }
            BranchForm::Joint => {
                let score = |row: &[T], u: &[T], branch, weight, out: &mut [T]| {
                    self.branches.add_own_score(row, u, branch, weight, out);
                };
                self.branches.backward(parameters, draws, signal, gradient, score);
            }
        }
    }

    fn log_branches(&self, row: &[T], log_branches: &mut [T]) {
        let logits = self.branches.logits(row);
        log_branches.iter_mut().zip(logits.log_all()).for_each(|(to, log_p)| *to = log_p);
    }

    /// KL of branch and action together, an upper bound of the action's own (the log sum inequality):
    /// that of the branches, and the old branches' mean of each one's. Its parts are the tanh-normal's:
    /// they add up to a branch's divergence where its mean or its scale moves alone.
    fn kl_from(&self, old: &[T], new: &[T]) -> TrustRegion<T> {
        self.branches.kl_from(old, new)
    }

    fn add_kl_gradient(
        &self,
        old: &[T],
        new: &[T],
        weights: TrustRegion<T>,
        state_weight: &[T],
        gradient: &mut [T],
    ) {
        self.branches.add_kl_gradient(old, new, weights, state_weight, gradient);
    }

    fn is_squashed(&self) -> bool {
        self.branches.is_squashed()
    }

    /// Branches equally likely, their means spread evenly around `mean`, the outermost one standard
    /// deviation away (those of equal branches would get equal gradients and stay equal).
    fn starting_at(&self, mean: f64, log_std: f64) -> Option<Vec<T>> {
        let (count, dimension) = (self.branches(), self.branches.dimension());
        let mut row = vec![T::zero(); count];
        for z in 0..count {
            let step = if count == 1 { 0.0 } else { 2.0 * z as f64 / (count as f64 - 1.0) - 1.0 };
            let own = mean + step * log_std.exp();
            row.extend((0..dimension).map(|_| T::from_f64(own)));
            row.extend((0..dimension).map(|_| T::from_f64(log_std)));
        }
        Some(row)
    }
}

/// `log sum exp`, one term after another.
struct LogSum<T> {
    largest: T,
    /// The sum over the exponential of the largest.
    scaled: T,
}

impl<T: Scalar> LogSum<T> {
    fn new() -> Self {
        Self { largest: T::neg_infinity(), scaled: T::zero() }
    }

    /// Takes a term in; returns by what the earlier ones were scaled, and this one's scaled share.
    fn add(&mut self, term: T) -> (T, T) {
        let (kept, added) = if term > self.largest {
            let kept = (self.largest - term).exp();
            self.largest = term;
            (kept, T::one())
        } else if term == T::neg_infinity() {
            (T::one(), T::zero())
        } else {
            (T::one(), (term - self.largest).exp())
        };
        self.scaled = self.scaled * kept + added;
        (kept, added)
    }

    fn value(&self) -> T {
        self.largest + self.scaled.ln()
    }
}

#[cfg(test)]
#[path = "tests/mixture.rs"]
mod tests;
