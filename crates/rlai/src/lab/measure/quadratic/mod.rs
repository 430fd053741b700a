//! Every estimator on one state with a quadratic Q, in any number of action dimensions.
//!
//! `Q(a) = -|a - m (1,..,1)|^2 / (2 s^2)`, alpha = 1, pi_0 constant: the target is `N(m, s^2 I)`. The
//! policy is `N(0, I_d)`, not squashed, with a mean and a log standard deviation for every coordinate:
//! the gradient has the shape `[2, d]`. A target of mean 0.6 and width 0.8 has to be reached, one of 0.1
//! and 0.95 nearly is, and a narrow one is what a small temperature makes.

mod exact;
mod problem;
mod settings;
mod subject;
#[cfg(test)]
mod tests;

pub use problem::QuadraticProblem;
pub use settings::{Quadratic, QuadraticBaseline, QuadraticSettings};
pub use subject::{QuadraticSubject, QuadraticSubjects};
