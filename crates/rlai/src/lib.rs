//! Reinforcement learning as inference: policies whose update is the gradient of a divergence between
//! the policy's trajectories and the optimal ones.
//!
//! The rooms, in the order in which data flows: [`env`](mod@env), [`replay`], [`critic`],
//! [`proposal`], [`estimator`], [`distribution`], [`agent`], [`train`], [`lab`], [`checkpoint`]. An
//! estimator sees [`Particles`](estimator::Particles), actions with their log densities and values, and
//! writes a
//! learning [`Signal`](estimator::Signal); a distribution turns the signal into the gradient of its
//! parameters, a network ([`nn`]) that into the gradient of its weights. Nothing else joins them.
//!
//! Train on a task for a few steps and act:
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//!
//! use rlai::env::make_builtin;
//! use rlai::train::{Objective, Silent, TrainConfig, Trainer};
//!
//! let mut config = TrainConfig::defaults(Objective::ForwardKl, 1);
//! config.hidden = vec![32, 32];
//! config.steps = 300;
//! config.learning_starts = 200;
//! let task = || make_builtin("Pendulum-v1").expect("a built-in task");
//! let mut trainer = Trainer::new(config, task(), task())?;
//! trainer.run(&mut Silent, &AtomicBool::new(false))?;
//! let torque = trainer.policy().act(&[1.0, 0.0, 0.0]);
//! assert!(torque[0].abs() <= 2.0);
//! # Ok::<(), rlai::train::TrainError>(())
//! ```
//!
//! Conventions, everywhere: B states, N actions a state, A action dimensions, O observation
//! dimensions. Q is in reward units, the temperature alpha is explicit, losses are minimised, densities
//! are of the action in `[-1,1]^A`.

pub mod agent;
pub mod checkpoint;
pub mod critic;
pub mod distribution;
pub mod env;
pub mod estimator;
pub mod lab;
pub mod nn;
pub mod proposal;
pub mod random;
pub mod replay;
pub mod train;

pub use agent::Policy;
pub use train::{Objective, TrainConfig, Trainer};

/// The README's example is compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
