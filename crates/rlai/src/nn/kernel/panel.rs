use std::ops::Range;

use crate::nn::{Buffer, MatRef};

/// Rows of the left factor from which copying a panel pays.
const WORTH_COPYING: usize = 48;
/// Numbers between two rows of the right factor from which they push each other out of the cache.
const FAR_APART: usize = 512;

/// Some columns of the right factor: where they begin, and how many numbers lie between two rows.
#[derive(Clone, Copy)]
pub(super) struct Panel {
    pub(super) data: *const f32,
    pub(super) stride: usize,
}

impl Panel {
    /// The lines of `right` as they lie in memory, from this column on; they may be out of its bounds.
    #[inline(always)]
    pub(super) fn lines(right: MatRef<'_, f32>, column: usize) -> Self {
        let (row_stride, col_stride) = right.strides();
        let data = right.data().as_ptr().wrapping_add(column * col_stride);
        Self { data, stride: row_stride.max(col_stride) }
    }

    /// Rows and columns of `right`, as they lie or copied into `room`, `stride` numbers a row.
    #[inline(always)]
    pub(super) fn of(
        right: MatRef<'_, f32>,
        rows: Range<usize>,
        columns: Range<usize>,
        stride: usize,
        uses: usize,
        room: &mut Buffer<f32>,
    ) -> Self {
        let (row_stride, col_stride) = right.strides();
        let first = rows.start * row_stride + columns.start * col_stride;
        // Without rows there is nothing to point to.
        let data = if rows.is_empty() { &[] } else { &right.data()[first..] };
        if col_stride == 1 && (row_stride < FAR_APART || uses < WORTH_COPYING) {
            return Self { data: data.as_ptr(), stride: row_stride };
        }
        let (height, width) = (rows.len(), columns.len());
        if room.len() < height * stride {
            room.resize(height * stride, 0.0);
        }
        let panel = &mut room[..height * stride];
        if col_stride == 1 {
            for (to, from) in panel.chunks_exact_mut(stride).zip(data.chunks(row_stride)) {
                to[..width].copy_from_slice(&from[..width]);
            }
        } else {
            assert_eq!(row_stride, 1, "a matrix or its transpose");
            transpose(data, col_stride, panel, stride, width);
        }
        Self { data: panel.as_ptr(), stride }
    }
}

/// Side of the squares that are transposed in registers.
const SIDE: usize = 4;

/// Side of the blocks of squares: a line of the cache.
const BLOCK: usize = 16;

/// First row and column of each block.
fn blocks(rows: usize, columns: usize) -> impl Iterator<Item = (usize, usize)> {
    let columns_of = move |i| (0..columns).step_by(BLOCK).map(move |j| (i, j));
    (0..rows).step_by(BLOCK).flat_map(columns_of)
}

/// `to[i, j] = from[j, i]` for `width` columns j; rows of `from` are `apart` numbers apart.
#[inline(always)]
pub(super) fn transpose(from: &[f32], apart: usize, to: &mut [f32], stride: usize, width: usize) {
    let height = to.len() / stride;
    let (whole_rows, whole_columns) = (height / SIDE * SIDE, width / SIDE * SIDE);
    assert!(width <= stride && (width == 0 || from.len() >= (width - 1) * apart + height));
    // Blocks in which every line of the cache that is touched is read or written whole.
    for (j, i) in blocks(whole_columns, whole_rows) {
        for j in (j..whole_columns.min(j + BLOCK)).step_by(SIDE) {
            for i in (i..whole_rows.min(i + BLOCK)).step_by(SIDE) {
                // SAFETY: rows j to j + 3 of `from` have `height` numbers each, by the assertion, and rows i to
                // i + 3 of `to` have `stride`.
                unsafe {
                    let (from, to) =
                        (from.as_ptr().add(j * apart + i), to.as_mut_ptr().add(i * stride + j));
                    transpose_square(from, apart, to, stride);
                }
            }
        }
    }
    for j in 0..width {
        let done = if j < whole_columns { whole_rows } else { 0 };
        for i in done..height {
            to[i * stride + j] = from[j * apart + i];
        }
    }
}

/// # Safety
/// [`SIDE`] rows of [`SIDE`] numbers exist at both places.
#[inline(always)]
unsafe fn transpose_square(from: *const f32, apart: usize, to: *mut f32, stride: usize) {
    // SAFETY: the caller's promise; every x86-64 has these instructions.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        use std::arch::x86_64::{_MM_TRANSPOSE4_PS, _mm_loadu_ps, _mm_storeu_ps};
        let [mut a, mut b, mut c, mut d] =
            [0, 1, 2, 3].map(|row| _mm_loadu_ps(from.add(row * apart)));
        _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d);
        for (row, line) in [a, b, c, d].into_iter().enumerate() {
            _mm_storeu_ps(to.add(row * stride), line);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    for row in 0..SIDE {
        for column in 0..SIDE {
            // SAFETY: the caller's promise.
            unsafe { *to.add(column * stride + row) = *from.add(row * apart + column) };
        }
    }
}
