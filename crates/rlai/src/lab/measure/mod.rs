//! Bias, variance and cost of every estimator, measured against the exact gradient.
//!
//! A [`Subject`] is an estimator on a problem whose exact gradient is known: [`TabularSubject`] on a
//! decision process, [`QuadraticSubject`] on a Gaussian policy with a quadratic Q. [`measure`] draws its
//! gradient again and again, each time from a random stream of its own, and sums up in a fixed order:
//! the numbers do not depend on how many threads did the work.
//!
//! All gradients are of divergences in nats: reverse signals, gradients of alpha KL, are divided by
//! alpha.
//!
//! ```
//! use rlai::lab::measure::{Plan, Tabular, TabularSettings, TabularSubject, measure};
//! use rlai::lab::{RandomOptions, random_process};
//! use rlai::random::Key;
//!
//! let mut stream = Key::from_seed(1).stream("example");
//! let process = random_process(&mut stream, 3, 2, 4, &RandomOptions::default());
//! let settings = TabularSettings::new(Tabular::ReverseKlTrajectory);
//! let subject = TabularSubject::new(&process, &settings)?;
//! let plan = Plan { repetitions: 500, seed: 1, stream: "example".to_owned(), threads: 1 };
//! let measured = measure(&subject, &plan, &|_| {})?;
//! let cells = measured.bias.values().iter().zip(measured.standard_error.values());
//! assert!(cells.into_iter().all(|(bias, error)| bias.abs() < 5.0 * error));
//! # Ok::<(), rlai::lab::measure::Refused>(())
//! ```

mod measurement;
mod quadratic;
mod refused;
mod run;
mod tabular;

pub use measurement::Measurement;
pub use quadratic::{
    Quadratic, QuadraticBaseline, QuadraticProblem, QuadraticSettings, QuadraticSubject,
    QuadraticSubjects,
};
pub use refused::Refused;
pub use run::{Plan, measure};
pub use tabular::{
    Critic, StateSource, Tabular, TabularSettings, TabularStateWeights, TabularSubject,
};

use crate::random::Stream;

/// An estimator on a problem whose exact gradient is known.
pub trait Subject: Sync {
    /// Shape of the gradient: `[S, A]` for logits, `[2, d]` for mean and log standard deviation.
    fn shape(&self) -> [usize; 2];

    /// The exact gradient, row-major.
    fn exact(&self) -> &[f64];

    /// Whatever draws one gradient after another, with room of its own.
    fn sampler(&self) -> Box<dyn Sampler + '_>;
}

/// Draws single gradients.
pub trait Sampler {
    /// Writes one gradient, all of it, and tells how even its weights were.
    fn draw(&mut self, stream: &mut Stream, gradient: &mut [f64]) -> Sizes;
}

/// Effective sample sizes of one gradient; none where it has no weights to tell of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sizes {
    /// Of the weights of the N actions of a state (mean over states), or of the M trajectories: those
    /// that the target would give them, also where the gradient itself weighs them all alike, as
    /// reverse KL's does. None where neither is drawn.
    pub effective: Option<f64>,
    /// Of the weights of the states of one step, mean over steps.
    pub states: Option<f64>,
}
