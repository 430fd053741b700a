//! Distributions of users' own: a sampler and a log density are all that is needed.

use std::fmt::Debug;

use num_dual::{Dual64, DualNum};

use super::{Abilities, Draws, Head};
use crate::env::ActionShape;
use crate::estimator::{Signal, TrustRegion};
use crate::nn::Scalar;
use crate::random::Stream;

/// What a log density is written over: `f64`, or a dual number that carries a derivative along.
///
/// It has the arithmetic and the functions of `f64` ([`DualNum`]); `f64` numbers may stand on the right
/// hand side of an operator (`x * 2.0`), `S::from(2.0)` makes a number, and `x.re()` is its value without
/// the derivative.
pub trait Number: DualNum<Primitive = f64> + Copy {}

impl<S: DualNum<Primitive = f64> + Copy> Number for S {}

/// A distribution over actions as users write one; [`Scored`] makes a [`Head`] of it.
///
/// An action is made of choices, one of each factor, and of coordinates in `[-1,1]`; either may be
/// missing. A network gives the parameters of each state, any real numbers. Nothing is called with
/// parameters that are not finite.
///
/// Numbers are `f64`, but an agent that trains in single precision rounds the parameters and the
/// coordinates: a density should be finite at the very edge of what [`Distribution::sample`] gives.
///
/// ```
/// use rlai::distribution::{Distribution, Draws, Head, Number, Scored};
/// use rlai::random::{Key, Stream};
///
/// /// A Laplace distribution of one coordinate; its parameters are `[mean, log scale]`.
/// #[derive(Debug)]
/// struct Laplace;
///
/// impl Distribution for Laplace {
///     fn name(&self) -> &str {
///         "laplace"
///     }
///
///     fn parameters(&self) -> usize {
///         2
///     }
///
///     fn coordinates(&self) -> usize {
///         1
///     }
///
///     fn sample(&self, row: &[f64], random: &mut Stream, _: &mut [usize], action: &mut [f64]) {
///         let sign = if random.unit() < 0.5 { -1.0 } else { 1.0 };
///         action[0] = row[0] + sign * row[1].exp() * random.gamma(1.0);
///     }
///
///     fn log_density<S: Number>(&self, row: &[S], _: &[usize], action: &[S]) -> S {
///         -(action[0] - row[0]).abs() / row[1].exp() - row[1] - 2.0f64.ln()
///     }
///
///     fn mode(&self, row: &[f64], _: &mut [usize], action: &mut [f64]) {
///         action[0] = row[0];
///     }
/// }
///
/// let (head, mut draws) = (Scored::new(Laplace), Draws::<f64>::new(1, 100, 1));
/// head.draw(&[0.3, -1.0], &mut Key::from_seed(1).stream("draws"), &mut draws);
/// let gap = (draws.action[0] - 0.3).abs() * 1.0f64.exp();
/// assert!((draws.log_pi[0] - (-gap + 1.0 - 2.0f64.ln())).abs() < 1e-12);
/// ```
pub trait Distribution: Debug + Send + Sync + 'static {
    /// The name by which it is told of.
    fn name(&self) -> &str;

    /// P, parameters a state.
    fn parameters(&self) -> usize;

    /// A, coordinates of an action.
    fn coordinates(&self) -> usize;

    /// K of each factor, one choice of which is part of an action.
    fn factors(&self) -> &[usize] {
        &[]
    }

    /// Draws an action: its choices, each below its factor's K, and its coordinates.
    fn sample(
        &self,
        parameters: &[f64],
        random: &mut Stream,
        choices: &mut [usize],
        coordinates: &mut [f64],
    );

    /// Log density of an action, nats, in the units of its coordinates. Written once, it also gives its
    /// derivatives. Every constant that depends on the parameters must be there.
    fn log_density<S: Number>(&self, parameters: &[S], choices: &[usize], coordinates: &[S]) -> S;

    /// The deterministic action, by which a policy is evaluated.
    fn mode(&self, parameters: &[f64], choices: &mut [usize], coordinates: &mut [f64]);

    /// Entropy, nats, where it has a closed form.
    fn entropy(&self, _parameters: &[f64]) -> Option<f64> {
        None
    }

    /// Writes the derivatives of the log density with respect to the parameters, `[P]`, and returns true:
    /// for a distribution that can do so faster than by P passes of dual numbers. Hold it against
    /// [`Scored::derived_score`] in a test.
    fn score(
        &self,
        _parameters: &[f64],
        _choices: &[usize],
        _coordinates: &[f64],
        _score: &mut [f64],
    ) -> bool {
        false
    }
}

/// The [`Head`] of a [`Distribution`]: its score is derived, by a pass of dual numbers a parameter.
///
/// It serves every estimator that needs log densities and values alone: forward KL, the score-function
/// form of reverse KL, and their relatives. There is no path from the parameters to the coordinates, no
/// branch, no trust region and no base noise. `u` is the action itself; the derivative of the log density
/// in it takes a pass a coordinate.
#[derive(Clone, Debug)]
pub struct Scored<D> {
    own: D,
    shape: ActionShape,
}

impl<D: Distribution> Scored<D> {
    /// A head that draws from `own`.
    ///
    /// # Panics
    /// Without a parameter, or where an action has neither coordinates nor choices.
    pub fn new(own: D) -> Self {
        assert!(own.parameters() > 0, "{} has no parameters", own.name());
        assert!(own.coordinates() + own.factors().len() > 0, "{} has no actions", own.name());
        let factors = own.factors().to_vec();
        let shape = ActionShape { factors, coordinates: own.coordinates() };
        Self { own, shape }
    }

    /// The distribution itself.
    pub fn distribution(&self) -> &D {
        &self.own
    }

    /// Derivatives of the log density with respect to the parameters, `[P]`, by dual numbers.
    pub fn derived_score(
        &self,
        parameters: &[f64],
        choices: &[usize],
        coordinates: &[f64],
        score: &mut [f64],
    ) {
        let mut scratch = Scratch::new(self);
        scratch.take_row(parameters);
        scratch.take_coordinates(coordinates);
        scratch.derive_score(&self.own, choices, score);
    }
}

/// One state's parameters and one draw's coordinates, as numbers and as constants among dual numbers.
struct Scratch {
    row: Vec<f64>,
    dual_row: Vec<Dual64>,
    coordinates: Vec<f64>,
    dual_coordinates: Vec<Dual64>,
}

impl Scratch {
    fn new<D: Distribution>(head: &Scored<D>) -> Self {
        let (parameters, coordinates) = (head.own.parameters(), head.shape.coordinates);
        Self {
            row: vec![0.0; parameters],
            dual_row: vec![Dual64::from(0.0); parameters],
            coordinates: vec![0.0; coordinates],
            dual_coordinates: vec![Dual64::from(0.0); coordinates],
        }
    }

    /// Whether all parameters are finite.
    fn take_row<T: Scalar>(&mut self, row: &[T]) -> bool {
        for ((to, dual), from) in self.row.iter_mut().zip(&mut self.dual_row).zip(row) {
            *to = from.widen();
            *dual = Dual64::from(*to);
        }
        self.row.iter().all(|x| x.is_finite())
    }

    fn take_coordinates<T: Scalar>(&mut self, coordinates: &[T]) {
        let duals = self.coordinates.iter_mut().zip(&mut self.dual_coordinates);
        for ((to, dual), from) in duals.zip(coordinates) {
            *to = from.widen();
            *dual = Dual64::from(*to);
        }
    }

    fn derive_score<D: Distribution>(&mut self, own: &D, choices: &[usize], score: &mut [f64]) {
        for (i, score) in score.iter_mut().enumerate() {
            self.dual_row[i].eps = 1.0;
            *score = own.log_density(&self.dual_row, choices, &self.dual_coordinates).eps;
            self.dual_row[i].eps = 0.0;
        }
    }

    /// The log density, whose derivatives in the coordinates are written.
    fn log_density<D: Distribution, T: Scalar>(
        &mut self,
        own: &D,
        choices: &[usize],
        derivatives: &mut [T],
    ) -> f64 {
        if derivatives.is_empty() {
            return own.log_density(&self.row, choices, &self.coordinates);
        }
        let mut log_density = 0.0;
        for (j, derivative) in derivatives.iter_mut().enumerate() {
            self.dual_coordinates[j].eps = 1.0;
            let dual = own.log_density(&self.dual_row, choices, &self.dual_coordinates);
            self.dual_coordinates[j].eps = 0.0;
            log_density = dual.re;
            *derivative = T::from_f64(dual.eps);
        }
        log_density
    }
}

/// Places in the list of draws: of particle `k` the choices and the coordinates.
fn places(shape: &ActionShape, k: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    let (choices, coordinates) = (shape.factors.len(), shape.coordinates);
    (k * choices..(k + 1) * choices, k * coordinates..(k + 1) * coordinates)
}

impl<D: Distribution> Scored<D> {
    /// Calls `each` for every draw of every state, with the state's parameters taken, and whether they
    /// are finite.
    fn for_each<T: Scalar>(
        &self,
        parameters: &[T],
        draws: &mut Draws<T>,
        mut each: impl FnMut(&mut Scratch, bool, &mut Draws<T>, usize),
    ) {
        let mut scratch = Scratch::new(self);
        let states = parameters.len() / self.own.parameters();
        let samples = draws.log_pi.len() / states;
        for (state, row) in parameters.chunks_exact(self.own.parameters()).enumerate() {
            let finite = scratch.take_row(row);
            for k in state * samples..(state + 1) * samples {
                each(&mut scratch, finite, draws, k);
            }
        }
    }

    /// Draws into the scratch's coordinates and into the choices; none of what is no number.
    fn sample(
        &self,
        scratch: &mut Scratch,
        finite: bool,
        random: &mut Stream,
        choices: &mut [usize],
    ) {
        if !finite {
            return nothing(scratch, choices);
        }
        self.own.sample(&scratch.row, random, choices, &mut scratch.coordinates);
        for (&choice, &factor) in choices.iter().zip(&self.shape.factors) {
            assert!(choice < factor, "{} drew choice {choice} of {factor}", self.own.name());
        }
    }

    /// Action, log density and its derivative of particle `k`, from its `u` and its choices.
    fn evaluate_one<T: Scalar>(
        &self,
        scratch: &mut Scratch,
        finite: bool,
        draws: &mut Draws<T>,
        k: usize,
    ) {
        let (choices, coordinates) = places(&self.shape, k);
        let derivatives = &mut draws.dlog_pi_du[coordinates.clone()];
        draws.action[coordinates.clone()].copy_from_slice(&draws.u[coordinates.clone()]);
        if finite {
            scratch.take_coordinates(&draws.u[coordinates]);
            let log_pi = scratch.log_density(&self.own, &draws.choices[choices], derivatives);
            draws.log_pi[k] = T::from_f64(log_pi);
        } else {
            derivatives.fill(T::nan());
            draws.log_pi[k] = T::nan();
        }
    }

    /// The score of particle `k`, `[P]`, of a state whose parameters are taken.
    fn score_one<T: Scalar>(
        &self,
        scratch: &mut Scratch,
        draws: &Draws<T>,
        k: usize,
        score: &mut [f64],
    ) {
        let (choices, coordinates) = places(&self.shape, k);
        let choices = &draws.choices[choices];
        scratch.take_coordinates(&draws.u[coordinates]);
        if !self.own.score(&scratch.row, choices, &scratch.coordinates, score) {
            scratch.derive_score(&self.own, choices, score);
        }
    }
}

/// What is drawn of parameters that are not finite.
fn nothing(scratch: &mut Scratch, choices: &mut [usize]) {
    choices.fill(0);
    scratch.coordinates.fill(f64::NAN);
}

fn write<T: Scalar>(coordinates: &[f64], u: &mut [T]) {
    u.iter_mut().zip(coordinates).for_each(|(u, &x)| *u = T::from_f64(x));
}

impl<T: Scalar, D: Distribution> Head<T> for Scored<D> {
    fn name(&self) -> &str {
        self.own.name()
    }

    fn shape(&self) -> &ActionShape {
        &self.shape
    }

    fn parameters_per_state(&self) -> usize {
        self.own.parameters()
    }

    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    fn draw(&self, parameters: &[T], random: &mut Stream, draws: &mut Draws<T>) {
        self.for_each(parameters, draws, |scratch, finite, draws, k| {
            let (choices, coordinates) = places(&self.shape, k);
            self.sample(scratch, finite, random, &mut draws.choices[choices]);
            write(&scratch.coordinates, &mut draws.u[coordinates]);
            self.evaluate_one(scratch, finite, draws, k);
        });
    }

    /// Draws whole actions and keeps their choices.
    fn choose(&self, parameters: &[T], random: &mut Stream, draws: &mut Draws<T>) {
        if self.shape.factors.is_empty() {
            return;
        }
        self.for_each(parameters, draws, |scratch, finite, draws, k| {
            let (choices, _) = places(&self.shape, k);
            self.sample(scratch, finite, random, &mut draws.choices[choices]);
        });
    }

    fn place(&self, parameters: &[T], draws: &mut Draws<T>) {
        assert_eq!(self.shape.coordinates, 0, "{} has no base noise", self.own.name());
        self.evaluate(parameters, draws);
    }

    fn evaluate(&self, parameters: &[T], draws: &mut Draws<T>) {
        self.for_each(parameters, draws, |scratch, finite, draws, k| {
            self.evaluate_one(scratch, finite, draws, k);
        });
    }

    fn mode(&self, parameters: &[T], draws: &mut Draws<T>) {
        self.for_each(parameters, draws, |scratch, finite, draws, k| {
            let (choices, coordinates) = places(&self.shape, k);
            let choices = &mut draws.choices[choices];
            if finite {
                self.own.mode(&scratch.row, choices, &mut scratch.coordinates);
            } else {
                nothing(scratch, choices);
            }
            write(&scratch.coordinates, &mut draws.u[coordinates.clone()]);
            write(&scratch.coordinates, &mut draws.action[coordinates]);
        });
    }

    fn entropy(&self, row: &[T]) -> Option<T> {
        let row: Vec<f64> = row.iter().map(|x| x.widen()).collect();
        let finite = row.iter().all(|x| x.is_finite());
        let entropy = if finite { self.own.entropy(&row) } else { Some(f64::NAN) };
        entropy.map(T::from_f64)
    }

    fn backward(&self, parameters: &[T], draws: &Draws<T>, signal: &Signal<T>, gradient: &mut [T]) {
        let (count, samples) = (self.own.parameters(), signal.samples());
        let mut scratch = Scratch::new(self);
        let (mut score, mut total) = (vec![0.0; count], vec![0.0; count]);
        let rows = parameters.chunks_exact(count).zip(gradient.chunks_exact_mut(count));
        for (state, (row, out)) in rows.enumerate() {
            if !scratch.take_row(row) {
                out.fill(T::nan());
                continue;
            }
            total.fill(0.0);
            for k in state * samples..(state + 1) * samples {
                let weight = (signal.state_weight[state] * signal.score[k]).widen();
                // A weight of zero asks for nothing, though the score of an impossible action may be
                // infinite.
                if weight != 0.0 {
                    self.score_one(&mut scratch, draws, k, &mut score);
                    total
                        .iter_mut()
                        .zip(&score)
                        .for_each(|(total, score)| *total += weight * score);
                }
            }
            write(&total, out);
        }
    }

    fn log_branches(&self, _row: &[T], _log_branches: &mut [T]) {
        unreachable!("{} has no branches", self.own.name());
    }

    fn kl_from(&self, _old: &[T], _new: &[T]) -> TrustRegion<T> {
        unreachable!("{} has no trust region", self.own.name());
    }

    fn add_kl_gradient(
        &self,
        _old: &[T],
        _new: &[T],
        _weights: TrustRegion<T>,
        _state_weight: &[T],
        _gradient: &mut [T],
    ) {
        unreachable!("{} has no trust region", self.own.name());
    }

    fn is_squashed(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
