use serde::{Deserialize, Serialize};
use statrs::function::erf::erfc_inv;

use crate::nn::Scalar;
use crate::random::Stream;

/// The base noise of the draws of one component in one state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Noise {
    /// Independent draws.
    #[default]
    Independent,
    /// One draw in each of N equally likely slices of every coordinate (McKay et al. 1979).
    LatinHypercube,
    /// Owen-scrambled Sobol points (Owen 1995; Burley 2020), a new scramble for each state.
    LowDiscrepancy,
}

/// The largest action dimension that the low-discrepancy points know.
pub const MOST_LOW_DISCREPANCY_DIMENSIONS: usize = sobol_burley::NUM_DIMENSIONS as usize;

impl Noise {
    /// Every kind of noise, in the order of the documentation.
    pub const ALL: [Noise; 3] = [Self::Independent, Self::LatinHypercube, Self::LowDiscrepancy];

    /// The name a user types.
    pub fn name(self) -> &'static str {
        match self {
            Self::Independent => "independent",
            Self::LatinHypercube => "latin-hypercube",
            Self::LowDiscrepancy => "low-discrepancy",
        }
    }

    /// Fills `points`, `[n, A]`, with points in the open unit cube: each uniform, together as this
    /// noise says. `order` is room for n numbers.
    pub(super) fn fill_unit<T: Scalar>(
        self,
        stream: &mut Stream,
        dimension: usize,
        order: &mut Vec<usize>,
        points: &mut [T],
    ) {
        match self {
            Self::Independent => {
                for point in points {
                    *point = inside(stream.unit());
                }
            }
            Self::LatinHypercube => latin_hypercube(stream, dimension, order, points),
            Self::LowDiscrepancy => {
                let seed = (stream.unit() * f64::from(u32::MAX)) as u32;
                for (i, point) in points.chunks_exact_mut(dimension).enumerate() {
                    for (j, value) in point.iter_mut().enumerate() {
                        let value_f32 = sobol_burley::sample(i as u32, j as u32, seed);
                        // Single precision has 2^-24 steps: the middle of the step is never an end.
                        *value = inside(f64::from(value_f32) + 0.5 / f64::from(1u32 << 24));
                    }
                }
            }
        }
    }

    /// Fills `noise`, `[n, A]`, with standard normal numbers: each normal, together as this noise says.
    pub(super) fn fill_normal<T: Scalar>(
        self,
        stream: &mut Stream,
        dimension: usize,
        order: &mut Vec<usize>,
        noise: &mut [T],
    ) {
        if self == Self::Independent {
            return stream.fill_normal(noise);
        }
        self.fill_unit(stream, dimension, order, noise);
        for value in noise {
            *value = T::from_f64(normal_quantile(value.widen()));
        }
    }
}

/// A permutation of the slices for every coordinate, and a uniform place within each slice.
fn latin_hypercube<T: Scalar>(
    stream: &mut Stream,
    dimension: usize,
    order: &mut Vec<usize>,
    points: &mut [T],
) {
    let n = points.len() / dimension;
    for j in 0..dimension {
        order.clear();
        order.extend(0..n);
        for i in (1..n).rev() {
            order.swap(i, stream.below(i + 1));
        }
        for (i, &slice) in order.iter().enumerate() {
            points[i * dimension + j] = inside((slice as f64 + stream.unit()) / n as f64);
        }
    }
}

/// Keeps a uniform number away from 0 and 1 in either precision.
fn inside<T: Scalar>(unit: f64) -> T {
    const EDGE: f64 = 1.0 / (1u64 << 25) as f64;
    T::from_f64(unit.clamp(EDGE, 1.0 - 2.0 * EDGE))
}

/// The standard normal number below which a share `p` of all lie.
fn normal_quantile(p: f64) -> f64 {
    -std::f64::consts::SQRT_2 * erfc_inv(2.0 * p)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    #[test]
    fn quantiles_of_the_normal() {
        for (p, z) in [(0.5, 0.0), (0.975, 1.959963984540054), (0.001, -3.090232306167813)] {
            assert!((normal_quantile(p) - z).abs() < 1e-9, "{p}");
        }
    }

    /// Mean and variance of each coordinate over many sets; the bounds are five standard errors of
    /// independent draws, and stratified ones vary less.
    #[test]
    fn every_kind_of_noise_is_standard_normal() {
        for noise in Noise::ALL {
            let mut stream = Key::from_seed(3).stream("noise");
            let (sets, n, dimension) = (2_000, 8, 3);
            let (mut sum, mut squares) = ([0.0; 3], [0.0; 3]);
            let mut points = vec![0.0f64; n * dimension];
            for _ in 0..sets {
                noise.fill_normal(&mut stream, dimension, &mut Vec::new(), &mut points);
                for (i, x) in points.iter().enumerate() {
                    sum[i % dimension] += x;
                    squares[i % dimension] += x * x;
                }
            }
            let count = (sets * n) as f64;
            for j in 0..dimension {
                assert!((sum[j] / count).abs() < 5.0 / count.sqrt(), "{noise:?}");
                let error = squares[j] / count - 1.0;
                assert!(error.abs() < 5.0 * (2.0 / count).sqrt(), "{noise:?}: {error}");
            }
        }
    }

    #[test]
    fn stratified_points_put_one_in_each_slice() {
        for noise in [Noise::LatinHypercube, Noise::LowDiscrepancy] {
            let mut stream = Key::from_seed(1).stream("noise");
            let (n, dimension) = (16, 5);
            let mut points = vec![0.0f32; n * dimension];
            noise.fill_unit(&mut stream, dimension, &mut Vec::new(), &mut points);
            for j in 0..dimension {
                let mut seen = [false; 16];
                for i in 0..n {
                    seen[(points[i * dimension + j] * 16.0) as usize] = true;
                }
                assert!(seen.iter().all(|&seen| seen), "{noise:?}, coordinate {j}");
            }
        }
    }

    #[test]
    fn no_point_reaches_an_end() {
        for unit in [0.0, 1.0, 1.0 - 1e-17] {
            let kept: f32 = inside(unit);
            assert!(kept > 0.0 && kept < 1.0);
            assert!(normal_quantile(f64::from(kept)).is_finite());
        }
    }
}
