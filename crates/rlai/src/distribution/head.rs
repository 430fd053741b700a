use std::fmt::Debug;
use std::sync::Arc;

use super::{Draws, TanhNormal};
use crate::env::ActionShape;
use crate::estimator::{Signal, TrustRegion};
use crate::nn::Scalar;
use crate::random::Stream;

/// What can be asked of a distribution: an agent refuses the estimators that need more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// There is a path from the parameters to the coordinates, given the choices: a gradient can flow
    /// through them.
    pub reparameterised: bool,
    /// The number of branches, where there is one choice beneath the coordinates (a mixture's branch, the
    /// discrete part of a hybrid action), whose log-probability can be scored alone.
    pub branches: Option<usize>,
    /// The score is of the branch that was drawn, not of the action alone: it means nothing for an action
    /// whose branch nobody knows.
    pub scores_branch: bool,
    /// The divergence from an old policy and its gradient are known in closed form (or, said in the
    /// distribution's documentation, an upper bound of it).
    pub trust_region: bool,
    /// [`Head::place`] makes coordinates out of standard normal noise.
    pub base_noise: bool,
}

/// A distribution over actions as an agent uses it: it draws particles, and turns a learning signal into
/// the gradient of its parameters, which a network gives for each state.
///
/// Built-in distributions implement it by hand; [`Scored`](super::Scored) derives it from a sampler and a
/// log density, for users' own.
///
/// Shapes: B states, N draws a state, P parameters a state, A coordinates, C choices. All methods work on
/// any number of states; `parameters` is `[B, P]`, and N follows from the size of the draws.
pub trait Head<T: Scalar>: Debug + Send + Sync {
    /// The name by which users choose it.
    fn name(&self) -> &str;

    /// What its actions are made of.
    fn shape(&self) -> &ActionShape;

    /// C, numbers chosen in a draw: the action's factors, or a mixture's branch.
    fn choices_per_draw(&self) -> usize {
        self.shape().factors.len()
    }

    /// P, parameters a state.
    fn parameters_per_state(&self) -> usize;

    /// What can be asked of it.
    fn abilities(&self) -> Abilities;

    /// Fills `draws` with independent draws. NaN parameters give a NaN log density, never a panic.
    fn draw(&self, parameters: &[T], random: &mut Stream, draws: &mut Draws<T>);

    /// Draws the choices alone, where there are any.
    fn choose(&self, parameters: &[T], random: &mut Stream, draws: &mut Draws<T>);

    /// Makes coordinates out of `draws.noise`, given `draws.choices`: `u`, action, log density and its
    /// derivative. Only with [`Abilities::base_noise`]; without coordinates it evaluates the choices.
    fn place(&self, parameters: &[T], draws: &mut Draws<T>);

    /// Takes `draws.u` and `draws.choices` as they are, whoever drew them, and works out action, noise (if
    /// there is base noise, that which would have led to them), log density and its derivative. A
    /// mixture does not look at the branch, other than for the noise.
    fn evaluate(&self, parameters: &[T], draws: &mut Draws<T>);

    /// The deterministic action of each state into `draws` (N = 1): choices, `u` and action.
    fn mode(&self, parameters: &[T], draws: &mut Draws<T>);

    /// Entropy of one state's distribution, nats, where it has a closed form; `row` is `[P]`.
    fn entropy(&self, row: &[T]) -> Option<T>;

    /// The gradient of the parameters, `[B, P]`, that a learning signal on `draws` asks for: `score`
    /// weighs the whole log density with the action held fixed, `choice` that of the branch alone,
    /// `action` flows through the coordinates, the branch held fixed.
    fn backward(&self, parameters: &[T], draws: &Draws<T>, signal: &Signal<T>, gradient: &mut [T]);

    /// Log-probability of every branch of one state, `[K]`. Only with [`Abilities::branches`].
    fn log_branches(&self, row: &[T], log_branches: &mut [T]);

    /// KL(old || new) of one state in nats, by part. Only with [`Abilities::trust_region`].
    fn kl_from(&self, old: &[T], new: &[T]) -> TrustRegion<T>;

    /// Adds the gradient of `sum_s state_weight_s (weights . kl_from(old_s, new_s))` with respect to the
    /// new parameters. Only with [`Abilities::trust_region`].
    fn add_kl_gradient(
        &self,
        old: &[T],
        new: &[T],
        weights: TrustRegion<T>,
        state_weight: &[T],
        gradient: &mut [T],
    );

    /// Whether `u` lies before a tanh; otherwise it is the action itself.
    fn is_squashed(&self) -> bool {
        true
    }

    /// The parameters, `[P]`, of a policy that has this mean and log standard deviation before the tanh in
    /// every coordinate, for a network's last biases; none where the distribution has no such numbers.
    fn starting_at(&self, _mean: f64, _log_std: f64) -> Option<Vec<T>> {
        None
    }

    /// The Gaussian before the tanh, where it is one: what proposals are made of.
    fn as_tanh_normal(&self) -> Option<&TanhNormal> {
        None
    }
}

/// A head as agents share it.
pub type SharedHead<T> = Arc<dyn Head<T>>;
