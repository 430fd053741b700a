//! Numerics: products, fused layers, optimiser. No tape: each layer knows its own gradient.
//!
//! Matrices are flat row-major slices, a row per state (or particle). A network's parameters are one
//! flat vector, so that an optimiser step is a single pass. After the first
//! updates nothing here allocates in single precision: kernels keep their scratch, a thread each.
//!
//! `fused.rs` says what a pass is, `kernel/` does it in single precision, plain passes over
//! products of `gemm` in double: the two are checked against each other.

mod adam;
mod buffer;
mod elementwise;
mod fused;
mod init;
mod kernel;
mod mlp;
mod parallel;
mod product;
mod rate;
mod scalar;
mod simd;
mod squash;
mod weights;

pub use adam::{Adam, AdamStateError};
pub use elementwise::{all_finite, move_towards, norm, smaller};
pub use fused::multiply;
pub use mlp::{Activations, Layer, Mlp};
pub use parallel::Team;
pub use product::{MatRef, product};
pub use rate::{ProductShape, gemm_gflops};
pub use scalar::Scalar;
pub use weights::Weights;

pub(crate) use buffer::{Buffer, buffer, zeros};
pub(crate) use fused::{Finish, Fused, Start};

pub(crate) use elementwise::gated_rows;
pub(crate) use mlp::input_gradient;
pub(crate) use simd::fetch;
pub(crate) use squash::{squash, squash_all};

use elementwise::{add_bias, column_sums, gate, relu};
