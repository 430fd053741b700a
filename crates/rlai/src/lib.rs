//! Reinforcement learning as inference: policies whose update is the gradient of a divergence between
//! the policy's trajectories and the optimal ones.
//!
//! The rooms, in the order in which data flows: [`env`](mod@env), [`replay`], [`critic`],
//! [`proposal`], [`estimator`], [`distribution`], [`agent`], [`train`], [`lab`], [`checkpoint`]. An
//! estimator sees [`Particles`](estimator::Particles), actions with their log densities and values,
//! and writes a learning [`Signal`](estimator::Signal); a distribution turns the signal into the
//! gradient of its parameters, a network ([`nn`]) that into the gradient of its weights. Nothing else
//! joins them.
//!
//! One agent serves every kind of action: what differs is the distribution, a
//! [`Head`](distribution::Head), and the critic's last layer. Parts of your own join in the same way: a
//! task is an [`Environment`](env::Environment), a policy a [`Distribution`](distribution::Distribution)
//! (a sampler and a log density, given to [`Trainer::with_distribution`]), an objective an
//! [`ActionEstimator`](estimator::ActionEstimator); the folder `examples` has a program for each.
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
//! Actions of another kind need their shape alone, from which a distribution, samples and a target
//! entropy follow:
//!
//! ```
//! use rlai::env::{Environment, make_builtin};
//! use rlai::train::{Objective, TrainConfig, Trainer};
//!
//! let task = || make_builtin("CartPole-v1").expect("a built-in task");
//! let shape = task().action_space().into();
//! let config = TrainConfig::for_actions(Objective::ReverseKlAllActions, &shape);
//! assert_eq!((config.samples, config.policy.kind.name()), (2, "categorical"));
//! let trainer = Trainer::new(config, task(), task())?;
//! # Ok::<(), rlai::train::TrainError>(())
//! ```
//!
//! Conventions, everywhere: B states, N actions a state, A action dimensions, K choices, O observation
//! dimensions. Q is in reward units, the temperature alpha is explicit, losses are minimised, densities
//! are of the action in `[-1,1]^A`, or probabilities where it is a choice.

pub mod agent;
pub mod checkpoint;
pub mod critic;
pub mod distribution;
pub mod env;
pub mod estimator;
pub mod files;
pub mod lab;
mod memory;
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
