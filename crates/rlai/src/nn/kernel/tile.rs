//! A tile of the result, held in registers.

// Counted loops over rows and vectors are what the compiler writes out: iterators over the same arrays are not.
#![allow(clippy::needless_range_loop)]

use pulp::{MemMask, Simd};

use super::PARTIALS;
use super::panel::Panel;
use crate::nn::MatRef;
use crate::nn::fused::Start;

/// What becomes of a tile's sums.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    Keep,
    Relu,
    /// `rows` and `sums` may be null. Without `rows`, `activations` may be the result itself: a tile reads each
    /// vector of them before it writes there, and nothing is written before the last piece.
    Gate {
        activations: *const f32,
        rows: *const usize,
        sums: *mut f32,
    },
    Dot {
        weights: *const f32,
        partials: *mut f32,
        keep: bool,
    },
}

/// Up to two vectors of columns of the result, all rows, a piece of the inner dimension.
pub(super) struct Tile<'a> {
    pub(super) left: MatRef<'a, f32>,
    /// First of the piece of the inner dimension, and the first beyond it.
    pub(super) piece: (usize, usize),
    pub(super) panel: Panel,
    /// Where the panel after this one lies, if there is one, and how far apart its lines are.
    pub(super) after: Panel,
    /// First column.
    pub(super) column: usize,
    /// Columns.
    pub(super) width: usize,
    /// What to begin with; the result itself without.
    pub(super) start: Option<Start<'a, f32>>,
    pub(super) ending: Ending,
    pub(super) result: *mut f32,
    /// Columns of the whole result.
    pub(super) columns: usize,
}

/// Calls a tile of the height that a number says, of those listed.
macro_rules! of_height {
    ($height:expr, $call:ident, [$($rows:literal)*]) => {
        match $height {
            $($rows => $call!($rows),)*
            _ => unreachable!("rows are cut into tiles of these heights"),
        }
    };
}

/// The body once for each row of a tile, written out: sums that are never seen by a running index stay in
/// registers.
macro_rules! each_row {
    ($row:ident < $rows:ident, $body:block) => {
        each_row!(@ $row $rows $body [0 1 2 3 4 5 6 7 8 9 10 11])
    };
    (@ $row:ident $rows:ident $body:block [$($index:literal)*]) => {
        {
            $(if $index < $rows {
                let $row: usize = $index;
                $body
            })*
        }
    };
}

impl Tile<'_> {
    /// Computes all `m` rows.
    ///
    /// # Safety
    /// The tile lies in `result`, and so do its counterparts in what `start` and `ending` point to; `panel` has as
    /// many rows as the piece.
    #[inline(always)]
    pub(super) unsafe fn rows<S: Simd>(&self, simd: S, m: usize) {
        // Sums, a row of the panel and a broadcast number must fit the registers.
        let tallest = if S::REGISTER_COUNT >= 32 { 12 } else { 6 };
        let tiles = m.div_ceil(tallest);
        for tile in 0..tiles {
            let (row, end) = (m * tile / tiles, m * (tile + 1) / tiles);
            // SAFETY: the caller's promise, for these rows.
            unsafe { self.some_rows(simd, row, end - row) };
        }
    }

    #[inline(always)]
    unsafe fn some_rows<S: Simd>(&self, simd: S, row: usize, height: usize) {
        let lanes = S::F32_LANES;
        macro_rules! both {
            ($rows:literal) => {
                // SAFETY: the caller's promise; both vectors are whole.
                unsafe { self.one::<S, $rows, 2, true>(simd, row, 0, lanes) }
            };
        }
        macro_rules! single {
            ($rows:literal) => {
                for first in (0..self.width).step_by(lanes) {
                    let count = (self.width - first).min(lanes);
                    // SAFETY: the caller's promise; no more than `count` columns are touched.
                    unsafe { self.one::<S, $rows, 1, false>(simd, row, first, count) }
                }
            };
        }
        match (self.width == 2 * lanes, S::REGISTER_COUNT >= 32) {
            (true, true) => of_height!(height, both, [1 2 3 4 5 6 7 8 9 10 11 12]),
            (true, false) => of_height!(height, both, [1 2 3 4 5 6]),
            (false, true) => of_height!(height, single, [1 2 3 4 5 6 7 8 9 10 11 12]),
            (false, false) => of_height!(height, single, [1 2 3 4 5 6]),
        }
    }

    /// `ROWS` rows of `VECTORS` vectors, the first at the tile's column `first`; of a vector that is not whole
    /// only `count` columns exist.
    #[inline(always)]
    unsafe fn one<S: Simd, const ROWS: usize, const VECTORS: usize, const WHOLE: bool>(
        &self,
        simd: S,
        row: usize,
        first: usize,
        count: usize,
    ) {
        let vectors = Vectors::<S, WHOLE> { simd, mask: simd.mask_between_m32s(0, count as u32) };
        let at = At { row, column: self.column + first };
        // SAFETY: the caller's promise; every row and column below lies within the tile.
        unsafe {
            let sums = self.begin::<S, ROWS, VECTORS, WHOLE>(vectors, at);
            let sums = self.multiply::<S, ROWS, VECTORS, WHOLE>(vectors, row, first, sums);
            self.end::<S, ROWS, VECTORS, WHOLE>(vectors, at, sums);
        }
    }

    /// Asks for what the end of one row will read and write, and for a line of the panel after this one: they come
    /// while the products go by.
    #[inline(always)]
    unsafe fn fetch(&self, row: usize, column: usize) {
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (row, column, self.after);
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the caller's promise for the rows of a gate; fetching itself touches nothing that a program sees,
        // whatever the address.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
            let to = self.result.wrapping_add(row * self.columns + column);
            _mm_prefetch::<_MM_HINT_T0>(to.cast());
            _mm_prefetch::<_MM_HINT_T0>(to.wrapping_add(16).cast());
            if let Ending::Gate { activations, rows, .. } = self.ending {
                let from = if rows.is_null() { row } else { *rows.wrapping_add(row) };
                let units = activations.wrapping_add(from * self.columns + column);
                _mm_prefetch::<_MM_HINT_T0>(units.cast());
                _mm_prefetch::<_MM_HINT_T0>(units.wrapping_add(16).cast());
            }
            let after = self.after.data.wrapping_add(row * self.after.stride);
            _mm_prefetch::<_MM_HINT_T1>(after.cast());
            _mm_prefetch::<_MM_HINT_T1>(after.wrapping_add(16).cast());
        }
    }

    /// Adds the products of the piece. A function of its own, so that its sums are never seen by index and stay
    /// in registers.
    #[inline(always)]
    unsafe fn multiply<S: Simd, const ROWS: usize, const VECTORS: usize, const WHOLE: bool>(
        &self,
        vectors: Vectors<S, WHOLE>,
        row: usize,
        first: usize,
        before: [[S::f32s; VECTORS]; ROWS],
    ) -> [[S::f32s; VECTORS]; ROWS] {
        let simd = vectors.simd;
        let (row_stride, inner_stride) = self.left.strides();
        let left = self.left.data().as_ptr();
        let mut left = left.wrapping_add(row * row_stride + self.piece.0 * inner_stride);
        let mut right = self.panel.data.wrapping_add(first);
        let mut sums = before;
        let length = self.piece.1 - self.piece.0;
        for fetched in 0..ROWS {
            // SAFETY: the caller's promise.
            unsafe { self.fetch(row + fetched, self.column + first) };
            for _ in length * fetched / ROWS..length * (fetched + 1) / ROWS {
                let mut line = [simd.splat_f32s(0.0); VECTORS];
                for v in 0..VECTORS {
                    // SAFETY: the caller's promise: the panel has these rows and columns.
                    line[v] = unsafe { vectors.load(right.wrapping_add(v * S::F32_LANES)) };
                }
                for r in 0..ROWS {
                    // SAFETY: the caller's promise: the left factor has these rows.
                    let number = simd.splat_f32s(unsafe { *left.wrapping_add(r * row_stride) });
                    for v in 0..VECTORS {
                        sums[r][v] = simd.mul_add_e_f32s(number, line[v], sums[r][v]);
                    }
                }
                left = left.wrapping_add(inner_stride);
                right = right.wrapping_add(self.panel.stride);
            }
        }
        sums
    }

    /// What the sums begin with.
    ///
    /// # Safety
    /// As for [`Tile::rows`], for these rows and columns.
    #[inline(always)]
    unsafe fn begin<S: Simd, const ROWS: usize, const VECTORS: usize, const WHOLE: bool>(
        &self,
        vectors: Vectors<S, WHOLE>,
        at: At,
    ) -> [[S::f32s; VECTORS]; ROWS] {
        let zero = vectors.simd.splat_f32s(0.0);
        let mut sums = [[zero; VECTORS]; ROWS];
        if let Some(Start::Zero) = self.start {
            return sums;
        }
        each_row!(r < ROWS, {
            let line = match self.start {
                None => self.result.wrapping_add((at.row + r) * self.columns).cast_const(),
                Some(Start::Row(row)) => row.as_ptr(),
                Some(Start::Grouped { rows, size }) => {
                    rows.as_ptr().wrapping_add((at.row + r) / size * self.columns)
                }
                Some(Start::Zero) => std::ptr::null(),
            };
            for v in 0..VECTORS {
                let from = line.wrapping_add(at.column + v * S::F32_LANES);
                // SAFETY: the caller's promise.
                sums[r][v] = unsafe { vectors.load(from) };
            }
        });
        sums
    }

    /// Does to the sums what is wanted, and writes what is left.
    ///
    /// # Safety
    /// As for [`Tile::rows`], for these rows and columns.
    #[inline(always)]
    unsafe fn end<S: Simd, const ROWS: usize, const VECTORS: usize, const WHOLE: bool>(
        &self,
        vectors: Vectors<S, WHOLE>,
        at: At,
        sums: [[S::f32s; VECTORS]; ROWS],
    ) {
        let (simd, lanes) = (vectors.simd, S::F32_LANES);
        let zero = simd.splat_f32s(0.0);
        let to = self.result.wrapping_add(at.row * self.columns + at.column);
        match self.ending {
            Ending::Keep => each_row!(r < ROWS, {
                for v in 0..VECTORS {
                    let to = to.wrapping_add(r * self.columns + v * lanes);
                    // SAFETY: the caller's promise, for this row and these columns.
                    unsafe { vectors.store(to, sums[r][v]) };
                }
            }),
            Ending::Relu => each_row!(r < ROWS, {
                for v in 0..VECTORS {
                    let to = to.wrapping_add(r * self.columns + v * lanes);
                    // SAFETY: the caller's promise, for this row and these columns.
                    unsafe { vectors.store(to, clip(simd, zero, sums[r][v])) };
                }
            }),
            Ending::Gate { activations, rows, sums: totals } => {
                let wanted = !totals.is_null();
                let totals = totals.wrapping_add(at.column);
                let mut running = [zero; VECTORS];
                if wanted {
                    for v in 0..VECTORS {
                        // SAFETY: the caller's promise, for this row and these columns.
                        running[v] = unsafe { vectors.load(totals.wrapping_add(v * lanes)) };
                    }
                }
                each_row!(r < ROWS, {
                    let mut from = at.row + r;
                    if !rows.is_null() {
                        // SAFETY: the caller's promise, for this row and these columns.
                        from = unsafe { *rows.wrapping_add(from) };
                    }
                    let units = activations.wrapping_add(from * self.columns + at.column);
                    for v in 0..VECTORS {
                        // SAFETY: the caller's promise, for this row and these columns.
                        let units = unsafe { vectors.load(units.wrapping_add(v * lanes)) };
                        let on = simd.greater_than_f32s(units, zero);
                        let kept = simd.select_f32s(on, sums[r][v], zero);
                        let to = to.wrapping_add(r * self.columns + v * lanes);
                        // SAFETY: the caller's promise, for this row and these columns.
                        unsafe { vectors.store(to, kept) };
                        running[v] = simd.add_f32s(running[v], kept);
                    }
                });
                if wanted {
                    for v in 0..VECTORS {
                        // SAFETY: the caller's promise, for this row and these columns.
                        unsafe { vectors.store(totals.wrapping_add(v * lanes), running[v]) };
                    }
                }
            }
            Ending::Dot { weights, partials, keep } => {
                let mut weight = [zero; VECTORS];
                for v in 0..VECTORS {
                    let from = weights.wrapping_add(at.column + v * lanes);
                    // SAFETY: the caller's promise, for this row and these columns.
                    weight[v] = unsafe { vectors.load(from) };
                }
                each_row!(r < ROWS, {
                    let mut clipped = [zero; VECTORS];
                    for v in 0..VECTORS {
                        clipped[v] = clip(simd, zero, sums[r][v]);
                        if keep {
                            let to = to.wrapping_add(r * self.columns + v * lanes);
                            // SAFETY: the caller's promise, for this row and these columns.
                            unsafe { vectors.store(to, clipped[v]) };
                        }
                    }
                    let partial = partials.wrapping_add((at.row + r) * PARTIALS);
                    // SAFETY: the caller's promise: every row has its partial sums.
                    unsafe { vectors.add_to_partials(partial, at.column, weight, clipped) };
                });
            }
        }
    }
}

/// First row and column of a tile within the result.
#[derive(Clone, Copy)]
struct At {
    row: usize,
    column: usize,
}

/// Zero for what is below it. NaN stays NaN, so that it is noticed.
#[inline(always)]
fn clip<S: Simd>(simd: S, zero: S::f32s, value: S::f32s) -> S::f32s {
    simd.select_f32s(simd.less_than_or_equal_f32s(value, zero), zero, value)
}

/// Loads and stores of vectors that are whole, or of which some lanes exist.
#[derive(Clone, Copy)]
struct Vectors<S: Simd, const WHOLE: bool> {
    simd: S,
    mask: MemMask<S::m32s>,
}

impl<S: Simd, const WHOLE: bool> Vectors<S, WHOLE> {
    /// # Safety
    /// The numbers of a vector exist there, or as many as the mask says.
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> S::f32s {
        // SAFETY: the caller's promise that the lanes exist.
        unsafe {
            if WHOLE {
                from.cast::<S::f32s>().read_unaligned()
            } else {
                self.simd.mask_load_ptr_f32s(self.mask, from)
            }
        }
    }

    /// Zero in the lanes that do not exist.
    #[inline(always)]
    fn existing(self, values: S::f32s) -> S::f32s {
        if WHOLE {
            values
        } else {
            self.simd.select_f32s(self.mask.mask(), values, self.simd.splat_f32s(0.0))
        }
    }

    /// Adds the products of values and weights to a row's partial sums: whole vectors, whatever the columns; those
    /// that do not exist count nothing, also where something infinite went by.
    ///
    /// # Safety
    /// [`PARTIALS`] numbers exist at `partials`.
    #[inline(always)]
    unsafe fn add_to_partials<const VECTORS: usize>(
        self,
        partials: *mut f32,
        column: usize,
        weights: [S::f32s; VECTORS],
        values: [S::f32s; VECTORS],
    ) {
        let lanes = S::F32_LANES;
        let place = |v: usize| partials.wrapping_add((column + v * lanes) % PARTIALS);
        let add =
            |v: usize, sum| self.simd.mul_add_e_f32s(self.existing(values[v]), weights[v], sum);
        // SAFETY: the caller's promise.
        unsafe {
            if lanes == PARTIALS {
                // All vectors have the same place: its sum stays in a register meanwhile.
                let to = partials.cast::<S::f32s>();
                let mut sum = to.read_unaligned();
                for v in 0..VECTORS {
                    sum = add(v, sum);
                }
                return to.write_unaligned(sum);
            }
            for v in 0..VECTORS {
                let to = place(v).cast::<S::f32s>();
                to.write_unaligned(add(v, to.read_unaligned()));
            }
        }
    }

    /// # Safety
    /// As for [`Vectors::load`].
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, values: S::f32s) {
        // SAFETY: as for loads.
        unsafe {
            if WHOLE {
                to.cast::<S::f32s>().write_unaligned(values);
            } else {
                self.simd.mask_store_ptr_f32s(self.mask, to, values);
            }
        }
    }
}
