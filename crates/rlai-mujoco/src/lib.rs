//! MuJoCo tasks, bit for bit those of Gymnasium 1.4.0 on MuJoCo 3.17.0.
//!
//! Hopper, Walker2d, HalfCheetah, Ant and Humanoid, each as `-v5` and `-v4`. libmujoco is opened
//! when the first task is made; nothing is linked, so everything else builds and runs without it.
//! The library and the models are fetched on first use and verified; [`setup`] does so ahead of
//! time, [`locate`] looks what is there.
//!
//! ```no_run
//! use rlai::env::{Action, Environment};
//! use rlai::random::Key;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut task = rlai_mujoco::make("HalfCheetah-v5").expect("a task of this name")?;
//! let mut observation = vec![0.0; task.observation_space().dimension()];
//! task.reset(&mut Key::from_seed(1).stream("environment"), &mut observation)?;
//! let step = task.step(Action::F32(&[0.5; 6]), &mut observation)?;
//! println!("reward {}", step.reward);
//! # Ok(())
//! # }
//! ```
//!
//! | module | what |
//! |---|---|
//! | `assets` | the pinned files: found, or fetched and verified |
//! | `ffi` | the binding: the only `unsafe` code |
//! | `simulation` | one simulation, stepped as Gymnasium steps it |
//! | `tasks` | the rules of each family |
//! | `registry` | tasks by name |

mod assets;
mod bare;
mod environment;
mod ffi;
mod registry;
mod simulation;
mod sum;
mod tasks;

pub use assets::{
    AssetError, FileState, FileStatus, Installation, Status, cache_folder, locate, setup,
};
#[doc(hidden)]
pub use bare::Bare;
pub use ffi::{LibraryError, ModelError, VERSION};
pub use registry::{TIME_LIMIT, make, make_unlimited, tasks};
