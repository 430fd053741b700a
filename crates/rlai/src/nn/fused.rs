//! A product with what comes before and after it, as one pass.

use super::{MatRef, Scalar, add_bias, gate, product, relu};

/// `left right` from `start` on, ended by `finish`: one layer forwards, one gradient backwards.
///
/// In `f32` a kernel of this crate does all of it while the result is still in registers; in `f64`, and on CPUs
/// without such a kernel, [`plain`] does it pass by pass. The two are checked against each other.
pub struct Fused<'a, T> {
    /// `[M, K]`.
    pub left: MatRef<'a, T>,
    /// `[K, N]`.
    pub right: MatRef<'a, T>,
    /// What the products are added to.
    pub start: Start<'a, T>,
    /// What is done to the sums.
    pub finish: Finish<'a, T>,
}

/// What the products are added to.
#[derive(Clone, Copy)]
pub enum Start<'a, T> {
    /// Nothing.
    Zero,
    /// The same row, `[N]`, for every row: a bias.
    Row(&'a [T]),
    /// A row for each group of `size` rows, `[M / size, N]`: what the actions of one state share.
    Grouped {
        /// One row a group.
        rows: &'a [T],
        /// Rows of the result in a group.
        size: usize,
    },
}

/// What is done to the sums.
pub enum Finish<'a, T> {
    /// Nothing.
    Keep,
    /// Clipping at zero.
    Relu,
    /// Zero wherever a unit was off: the gradient of the clipping.
    Gate {
        /// The units' activations, `[., N]`.
        activations: &'a [T],
        /// The row of `activations` for each row of the result.
        rows: &'a [usize],
    },
    /// [`Finish::Gate`] by what the result held before: the gradient takes the place of the activations, which
    /// nobody needs any more.
    GateInPlace {
        /// Takes the sum of each column, `[N]`: the gradient of the bias.
        sums: &'a mut [T],
    },
    /// Clipping at zero, then the inner product of each row with `weights` plus `bias`: the last two layers of
    /// a network with one output. What is left in the result is of no use unless `keep`.
    ReluDot {
        /// `[N]`.
        weights: &'a [T],
        /// Added to each inner product.
        bias: T,
        /// `[M]`.
        output: &'a mut [T],
        /// The clipped rows are wanted.
        keep: bool,
    },
}

impl<T: Scalar> Fused<'_, T> {
    /// Computes it into `result`, `[M, N]` row-major.
    ///
    /// # Panics
    /// When the shapes do not fit.
    pub fn run(self, result: &mut [T]) {
        let (m, n) = (self.left.rows(), self.right.cols());
        assert_eq!(self.left.cols(), self.right.rows(), "inner dimensions must agree");
        assert_eq!(result.len(), m * n, "the result has another shape");
        match self.start {
            Start::Zero => {}
            Start::Row(row) => assert_eq!(row.len(), n, "the first row has another length"),
            Start::Grouped { rows, size } => {
                assert!(size > 0 && rows.len() >= m.div_ceil(size) * n, "a row for every group");
            }
        }
        match &self.finish {
            Finish::Keep | Finish::Relu => {}
            Finish::Gate { activations, rows } => {
                let fits =
                    rows.len() == m && rows.iter().all(|&row| row < activations.len() / n.max(1));
                assert!(fits, "an activation for every element");
            }
            Finish::GateInPlace { sums } => assert!(sums.len() == n, "a sum for every column"),
            Finish::ReluDot { weights, output, .. } => {
                assert!(weights.len() == n && output.len() == m, "an output for every row");
            }
        }
        if m > 0 && n > 0 {
            return T::fused(self, result);
        }
        match self.finish {
            Finish::Keep | Finish::Relu | Finish::Gate { .. } => {}
            Finish::GateInPlace { sums } => sums.fill(T::zero()),
            Finish::ReluDot { bias, output, .. } => output.fill(bias),
        }
    }
}

/// `c = a b` as networks compute it: by this crate's kernels in single precision. `c` is row-major,
/// `a.rows x b.cols`.
///
/// # Panics
/// When the shapes do not fit.
pub fn multiply<T: Scalar>(c: &mut [T], a: MatRef<'_, T>, b: MatRef<'_, T>) {
    Fused { left: a, right: b, start: Start::Zero, finish: Finish::Keep }.run(c);
}

/// A job pass by pass.
pub(super) fn plain<T: Scalar>(job: Fused<'_, T>, result: &mut [T]) {
    let n = job.right.cols();
    let units = match job.finish {
        Finish::GateInPlace { .. } => result.to_vec(),
        _ => Vec::new(),
    };
    match job.start {
        Start::Grouped { rows, size } => {
            for (i, row) in result.chunks_exact_mut(n).enumerate() {
                row.copy_from_slice(&rows[i / size * n..(i / size + 1) * n]);
            }
            product(result, job.left, job.right, true);
        }
        Start::Zero => product(result, job.left, job.right, false),
        Start::Row(bias) => {
            product(result, job.left, job.right, false);
            add_bias(result, bias);
        }
    }
    match job.finish {
        Finish::Keep => {}
        Finish::Relu => relu(result),
        Finish::Gate { activations, rows } => {
            for (row, &from) in result.chunks_exact_mut(n).zip(rows) {
                gate(row, &activations[from * n..(from + 1) * n]);
            }
        }
        Finish::GateInPlace { sums } => {
            gate(result, &units);
            super::column_sums(result, sums);
        }
        Finish::ReluDot { weights, bias, output, .. } => {
            relu(result);
            for (out, row) in output.iter_mut().zip(result.chunks_exact(n)) {
                *out = super::elementwise::dot(row, weights) + bias;
            }
        }
    }
}
