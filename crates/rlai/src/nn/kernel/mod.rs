//! Products of single precision with their first and last passes fused, for whatever vectors the CPU has.
//!
//! One tile of the result, up to 12 rows by two vectors, stays in registers while the inner dimension goes by:
//! each step loads two vectors of the right factor and multiplies them by one broadcast number of the left
//! factor a row. That needs little of the caches, so neither factor is copied, but for a right factor that is
//! stored transposed or whose rows lie so far apart that they would push each other out of the cache: of those one
//! panel at a time is copied.
//!
//! Each element is one chain of fused multiply-adds in the order of the inner dimension, whatever the tiles:
//! rows, blocks and vector widths do not change a bit of it. Nothing here looks at a clock.

mod panel;
mod tile;

use std::cell::RefCell;

use pulp::{Arch, Simd, WithSimd};

use super::fused::{Finish, Fused};
use super::{Buffer, zeros};
use panel::Panel;
use tile::{Ending, Tile};

/// Lanes of the partial sums of an inner product with the output's weights: the same on every CPU.
const PARTIALS: usize = 16;

/// Longest piece of the inner dimension that goes by at once, so that a copied panel, 64 kB with the widest
/// vectors, stays in the second-level cache beside what else a product touches. Gradients that take the place of
/// activations go by in one piece: behind layers of more than 512 units their panels are longer.
const LONGEST: usize = 512;

/// Room for a panel and partial sums, kept by each thread.
struct Scratch {
    panel: Buffer<f32>,
    partials: Buffer<f32>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self { panel: zeros(0), partials: zeros(0) }
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Does the whole job, or says that this CPU has no vectors (and does nothing).
pub(super) fn run(job: &mut Fused<'_, f32>, result: &mut [f32]) -> bool {
    SCRATCH.with_borrow_mut(|scratch| Arch::new().dispatch(Run { job, result, scratch }))
}

/// `to[i, j] = from[j, i]`: rows of `from` are `apart` numbers apart, those of `to` `width` long.
pub(super) fn transpose(from: &[f32], apart: usize, to: &mut [f32], width: usize) {
    panel::transpose(from, apart, to, width, width);
}

struct Run<'r, 'a> {
    job: &'r mut Fused<'a, f32>,
    result: &'r mut [f32],
    scratch: &'r mut Scratch,
}

impl WithSimd for Run<'_, '_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let lanes = S::F32_LANES;
        if lanes < 4 || !PARTIALS.is_multiple_of(lanes) {
            return false;
        }
        let Run { job, result, scratch } = self;
        let (m, inner, n) = (job.left.rows(), job.left.cols(), job.right.cols());
        let Scratch { panel: room, partials } = scratch;
        let result = result.as_mut_ptr();
        let ending = ending(&mut job.finish, m, partials, result);
        // Sums of one piece would overwrite what the next is gated by.
        let in_place = matches!(job.finish, Finish::GateInPlace { .. });
        let pieces = if in_place { 1 } else { inner.div_ceil(LONGEST).max(1) };
        for j in (0..n).step_by(2 * lanes) {
            let width = (n - j).min(2 * lanes);
            let mut from = 0;
            for piece in 0..pieces {
                let to = inner * (piece + 1) / pieces;
                let panel = Panel::of(job.right, from..to, j..j + width, 2 * lanes, m, room);
                let tile = Tile {
                    left: job.left,
                    piece: (from, to),
                    panel,
                    after: Panel::lines(job.right, j + 2 * lanes),
                    column: j,
                    width,
                    start: (piece == 0).then_some(job.start),
                    ending: if piece + 1 == pieces { ending } else { Ending::Keep },
                    result,
                    columns: n,
                };
                // SAFETY: `Fused::run` has checked every shape: the tile's rows and columns lie in `result`,
                // in `start` and in what `ending` points to, be that the result itself; both pointers to it are one.
                unsafe { tile.rows(simd, m) };
                from = to;
            }
        }
        if let Finish::ReluDot { bias, output, .. } = &mut job.finish {
            for (out, row) in output.iter_mut().zip(partials.chunks_exact(PARTIALS)) {
                *out = sum(row) + *bias;
            }
        }
        true
    }
}

/// Sum of the lanes, in a fixed order.
#[inline(always)]
fn sum(row: &[f32]) -> f32 {
    let mut halves = [0.0; PARTIALS];
    halves.copy_from_slice(row);
    let mut width = PARTIALS / 2;
    while width > 0 {
        for lane in 0..width {
            halves[lane] += halves[lane + width];
        }
        width /= 2;
    }
    halves[0]
}

/// The finish as the tiles see it. Sums and partial sums start at zero.
#[inline(always)]
fn ending(
    finish: &mut Finish<'_, f32>,
    m: usize,
    partials: &mut Buffer<f32>,
    result: *const f32,
) -> Ending {
    match finish {
        Finish::Keep => Ending::Keep,
        Finish::Relu => Ending::Relu,
        Finish::Gate { activations, rows } => Ending::Gate {
            activations: activations.as_ptr(),
            rows: rows.as_ptr(),
            sums: std::ptr::null_mut(),
        },
        Finish::GateInPlace { sums } => {
            sums.fill(0.0);
            let (rows, sums) = (std::ptr::null(), sums.as_mut_ptr());
            Ending::Gate { activations: result, rows, sums }
        }
        Finish::ReluDot { weights, keep, .. } => {
            partials.clear();
            partials.resize(m * PARTIALS, 0.0);
            Ending::Dot { weights: weights.as_ptr(), partials: partials.as_mut_ptr(), keep: *keep }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod guarded;
#[cfg(test)]
mod tests;
