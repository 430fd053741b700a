//! Exact gradients between two Gaussians: in closed form for both directions of KL, by quadrature for
//! every other f-divergence.

use statrs::function::gamma::ln_gamma;

use super::QuadraticProblem;
use crate::estimator::Divergence;

/// Gradient of `KL(N(m, s^2 I) || N(0, I))` with respect to the policy's mean and log standard
/// deviation, a coordinate: `(-m, 1 - s^2 - m^2)`.
pub(super) fn forward(problem: &QuadraticProblem) -> [f64; 2] {
    let mean = problem.target_mean;
    [-mean, 1.0 - problem.variance() - mean * mean]
}

/// Gradient of `KL(N(0, I) || N(m, s^2 I))`: `(-m/s^2, 1/s^2 - 1)`.
pub(super) fn reverse(problem: &QuadraticProblem) -> [f64; 2] {
    [-problem.target_mean / problem.variance(), 1.0 / problem.variance() - 1.0]
}

/// Gradient of any f-divergence a coordinate: `E_pi[f'(pi/p) grad log pi]`.
///
/// No such divergence is a sum over coordinates, but with `x` the coordinate along (1,..,1) and `r` the
/// distance from that axis, `log p/pi` depends on x and r alone, and all coordinates are alike:
///
/// ```text
/// mean:                E[f' x] / sqrt(d)
/// log std. deviation:  E[f' (x^2 + r^2 - d)] / d,   x ~ N(0, 1), r^2 ~ chi^2 with d - 1 degrees
/// ```
///
/// Both integrals are sums over equidistant nodes, which for these integrands converge exponentially.
pub(super) fn quadrature(problem: &QuadraticProblem, divergence: Divergence) -> [f64; 2] {
    let d = problem.dimension as f64;
    let (mean, width) = (problem.target_mean * d.sqrt(), problem.target_width);
    let step = width.min(1.0) / 12.0;
    let reach = 9.0 * width.max(1.0);
    let log_scale = -d * width.ln();
    let mut sums = [0.0; 2];
    for (distance, log_radial) in radial(problem, step, reach) {
        for x in nodes(mean.min(0.0) - reach, mean.max(0.0) + reach, step) {
            let squares = x * x + distance * distance;
            let from_target = (x - mean).powi(2) + distance * distance;
            let log_target = log_scale - 0.5 * from_target / (width * width);
            let log_ratio = log_target + 0.5 * squares;
            let log_normal = -0.5 * x * x - HALF_LOG_2_PI;
            let mass = (log_normal + log_radial).exp() * step;
            let slope = mass * (divergence.derivative(log_ratio) - divergence.derivative(0.0));
            sums[0] += slope * x;
            sums[1] += slope * (squares - d);
        }
    }
    [sums[0] / d.sqrt(), sums[1] / d]
}

const HALF_LOG_2_PI: f64 = 0.918_938_533_204_672_8;

/// Distances from the axis with the logs of their probabilities: the chi distribution with k = d - 1
/// degrees of freedom, `r^(k-1) exp(-r^2/2) / (2^(k/2-1) Gamma(k/2))`; without any, 0. The nodes are
/// equidistant in log r, where the density vanishes on both sides, whatever k.
fn radial(problem: &QuadraticProblem, step: f64, reach: f64) -> Vec<(f64, f64)> {
    if problem.dimension == 1 {
        return vec![(0.0, 0.0)];
    }
    let degrees = problem.dimension as f64 - 1.0;
    let (near, far) = (problem.target_width.min(1.0), problem.target_width.max(1.0));
    let (inner, outer) = (degrees.sqrt() * near, degrees.sqrt() * far);
    // r^k is below 1e-17 of its size at the inner shell, or r is out of reach of it.
    let low = (inner.ln() - 40.0 / degrees).max((inner - reach).max(1e-300).ln());
    let step = (step / outer).min(0.05);
    let constant = (0.5 * degrees - 1.0) * 2.0f64.ln() + ln_gamma(0.5 * degrees);
    let log = |y: f64| degrees * y - 0.5 * (2.0 * y).exp() - constant + step.ln();
    nodes(low, (outer + reach).ln(), step).map(|y| (y.exp(), log(y))).collect()
}

fn nodes(low: f64, high: f64, step: f64) -> impl Iterator<Item = f64> {
    let count = ((high - low) / step).ceil() as usize;
    (0..=count).map(move |i| low + step * i as f64)
}
