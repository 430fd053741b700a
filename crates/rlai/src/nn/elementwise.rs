//! Passes over activations and parameters, each a single sweep.

use super::Scalar;
use super::simd::vectorised;

/// Lanes of the independent partial sums in [`dot`]: enough to hide latency, fixed so that the order of
/// summation, and with it every bit, is the same everywhere.
const LANES: usize = 16;

/// Inner product, summed in [`LANES`] interleaved partial sums.
pub fn dot<T: Scalar>(a: &[T], b: &[T]) -> T {
    vectorised(|| {
        let mut sums = [T::zero(); LANES];
        let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
        let tail: T =
            a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(&x, &y)| x * y).sum();
        for (x, y) in a_chunks.zip(b_chunks) {
            for lane in 0..LANES {
                sums[lane] += x[lane] * y[lane];
            }
        }
        sums.iter().copied().sum::<T>() + tail
    })
}

/// Euclidean norm. The squares are summed in double precision.
pub fn norm<T: Scalar>(values: &[T]) -> f64 {
    vectorised(|| {
        let mut sums = [0.0f64; 8];
        let chunks = values.chunks_exact(8);
        let tail: f64 = chunks.remainder().iter().map(|x| x.widen() * x.widen()).sum();
        for chunk in chunks {
            for (sum, x) in sums.iter_mut().zip(chunk) {
                *sum += x.widen() * x.widen();
            }
        }
        (sums.iter().sum::<f64>() + tail).sqrt()
    })
}

/// Whether every value is finite.
pub fn all_finite<T: Scalar>(values: &[T]) -> bool {
    // 0 * x is 0 for finite x and NaN otherwise: one branch-free pass.
    dot_with_zero(values) == T::zero()
}

fn dot_with_zero<T: Scalar>(values: &[T]) -> T {
    vectorised(|| {
        let mut sums = [T::zero(); LANES];
        for chunk in values.chunks(LANES) {
            for (sum, &x) in sums.iter_mut().zip(chunk) {
                *sum += x * T::zero();
            }
        }
        sums.iter().copied().sum()
    })
}

/// The smaller of two numbers; NaN if either is, unlike `f32::min`.
pub fn smaller<T: Scalar>(a: T, b: T) -> T {
    if a <= b || a.is_nan() { a } else { b }
}

/// `target += share * (source - target)`: Polyak averaging.
pub fn move_towards<T: Scalar>(target: &mut [T], source: &[T], share: T) {
    vectorised(|| {
        for (t, &s) in target.iter_mut().zip(source) {
            *t += share * (s - *t);
        }
    })
}

/// Adds `bias` to every row of `y`.
pub fn add_bias<T: Scalar>(y: &mut [T], bias: &[T]) {
    vectorised(|| {
        for row in y.chunks_exact_mut(bias.len()) {
            for (value, &b) in row.iter_mut().zip(bias) {
                *value += b;
            }
        }
    })
}

/// Clips at zero. NaN stays NaN, so that it is noticed.
pub fn relu<T: Scalar>(y: &mut [T]) {
    vectorised(|| {
        for value in y {
            *value = if *value <= T::zero() { T::zero() } else { *value };
        }
    })
}

/// Gradient of the clipping: zero wherever the unit was off.
pub fn gate<T: Scalar>(delta: &mut [T], activation: &[T]) {
    vectorised(|| {
        for (d, &a) in delta.iter_mut().zip(activation) {
            *d = if a > T::zero() { *d } else { T::zero() };
        }
    })
}

/// The gradient of a single linear output, `d_output` `[M]`, through its clipped inputs `x`, `[M, N]`: that of
/// the weights, that of the inputs (zero wherever a unit was off), and the sum of each of its columns, in one sweep.
/// The inputs' gradient takes the place of the inputs.
pub fn output_gradient<T: Scalar>(
    d_output: &[T],
    x: &mut [T],
    weights: &[T],
    d_weights: &mut [T],
    sums: &mut [T],
) {
    vectorised(OutputGradient { d_output, x, weights, d_weights, sums });
}

/// The sweep of [`output_gradient`]. A closure of this size would not be compiled for the CPU's vectors.
struct OutputGradient<'a, T> {
    d_output: &'a [T],
    x: &'a mut [T],
    weights: &'a [T],
    d_weights: &'a mut [T],
    sums: &'a mut [T],
}

impl<T: Scalar> pulp::NullaryFnOnce for OutputGradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { d_output, x, weights, d_weights, sums } = self;
        let width = weights.len();
        let (d_weights, sums) = (&mut d_weights[..width], &mut sums[..width]);
        d_weights.fill(T::zero());
        sums.fill(T::zero());
        for (row, &d) in x.chunks_exact_mut(width).zip(d_output) {
            for j in 0..width {
                d_weights[j] += d * row[j];
                let through = if row[j] > T::zero() { d * weights[j] } else { T::zero() };
                row[j] = through;
                sums[j] += through;
            }
        }
    }
}

/// `weights` in every row, zero wherever the unit of `x` in the row that `rows` names was off.
pub fn gated_rows<T: Scalar>(weights: &[T], x: &[T], rows: &[usize], out: &mut [T]) {
    vectorised(GatedRows { weights, x, rows, out });
}

/// The sweep of [`gated_rows`].
struct GatedRows<'a, T> {
    weights: &'a [T],
    x: &'a [T],
    rows: &'a [usize],
    out: &'a mut [T],
}

impl<T: Scalar> pulp::NullaryFnOnce for GatedRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { weights, x, rows, out } = self;
        let width = weights.len();
        for (out, &row) in out.chunks_exact_mut(width).zip(rows) {
            let row = &x[row * width..(row + 1) * width];
            for j in 0..width {
                out[j] = if row[j] > T::zero() { weights[j] } else { T::zero() };
            }
        }
    }
}

/// The sum of each column.
pub fn column_sums<T: Scalar>(values: &[T], sums: &mut [T]) {
    vectorised(|| {
        sums.fill(T::zero());
        for row in values.chunks_exact(sums.len()) {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += value;
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_and_norm_agree_with_their_definitions_at_every_length() {
        for n in 0..70 {
            let a: Vec<f64> = (0..n).map(|i| (i as f64 * 0.7).sin()).collect();
            let b: Vec<f64> = (0..n).map(|i| (i as f64 * 1.3).cos()).collect();
            let direct: f64 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
            assert!((dot(&a, &b) - direct).abs() < 1e-12);
            assert!((norm(&a) - a.iter().map(|x| x * x).sum::<f64>().sqrt()).abs() < 1e-12);
        }
    }

    #[test]
    fn a_single_bad_value_is_found_wherever_it_stands() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in 0..37 {
                let mut values = vec![1e30f32; 37];
                assert!(all_finite(&values));
                values[at] = bad;
                assert!(!all_finite(&values));
            }
        }
    }
}
