//! The machine's own rate of matrix products: the yardstick of a training step.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use super::{Buffer, MatRef, buffer, multiply, product, zeros};

/// `rows x inner` times `inner x cols`, optionally with the left factor stored transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProductShape {
    /// Rows of the result.
    pub rows: usize,
    /// Length of the inner products.
    pub inner: usize,
    /// Columns of the result.
    pub cols: usize,
    /// The left factor is stored transposed, as in a weight gradient.
    pub transposed: bool,
}

/// Whose products are measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kernels {
    /// Those of the `gemm` crate.
    Gemm,
    /// This crate's, without anything fused.
    Own,
}

/// Billions of floating-point operations a second that `threads` threads reach together, each running
/// its own `f32` product at the same time: the best over `shapes` and over the kernels of this crate and of
/// `gemm`, each measured for about half of `time` as the median of short bursts.
pub fn gemm_gflops(shapes: &[ProductShape], threads: usize, time: Duration) -> f64 {
    let of_kernels = |shape, kernels| rate_of_shape(shape, kernels, threads.max(1), time / 2);
    let best = |shape| of_kernels(shape, Kernels::Gemm).max(of_kernels(shape, Kernels::Own));
    shapes.iter().map(best).fold(0.0, f64::max)
}

/// Bursts behind a median.
const BURSTS: u32 = 11;

fn rate_of_shape(shape: &ProductShape, kernels: Kernels, threads: usize, time: Duration) -> f64 {
    let barrier = Barrier::new(threads);
    let bursts: Vec<Vec<f64>> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| one_thread(shape, kernels, &barrier, time)))
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap_or_default()).collect()
    });
    let mut sums: Vec<f64> = (0..BURSTS as usize)
        .map(|burst| bursts.iter().filter_map(|of_thread| of_thread.get(burst)).sum())
        .collect();
    sums.sort_by(f64::total_cmp);
    sums[sums.len() / 2]
}

fn one_thread(
    shape: &ProductShape,
    kernels: Kernels,
    barrier: &Barrier,
    time: Duration,
) -> Vec<f64> {
    let ProductShape { rows, inner, cols, transposed } = *shape;
    let wave = |count: usize, period: usize| -> Buffer<f32> {
        buffer(&(0..count).map(|i| (i % period) as f32 * 0.1).collect::<Vec<_>>())
    };
    let a = wave(rows * inner, 7);
    let b = wave(inner * cols, 5);
    let mut c = zeros::<f32>(rows * cols);
    let left = if transposed {
        MatRef::new(&a, inner, rows).transposed()
    } else {
        MatRef::new(&a, rows, inner)
    };
    let flop = 2.0 * (rows * inner * cols) as f64;
    let right = MatRef::new(&b, inner, cols);
    let mut once = || match kernels {
        Kernels::Gemm => product(&mut c, left, right, false),
        Kernels::Own => multiply(&mut c, left, right),
    };
    once();
    let burst_time = time / BURSTS;
    (0..BURSTS)
        .map(|_| {
            barrier.wait();
            let start = Instant::now();
            let mut count = 0.0;
            while start.elapsed() < burst_time {
                once();
                count += 1.0;
            }
            count * flop / start.elapsed().as_secs_f64() / 1e9
        })
        .collect()
}
