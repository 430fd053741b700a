//! Exact gradients between two Gaussians: in closed form for both directions of KL and for
//! alpha-divergences, by quadrature for every other f-divergence.

use statrs::function::gamma::ln_gamma;

use super::QuadraticProblem;
use crate::estimator::Divergence;
use crate::lab::measure::Refused;

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

/// Gradient of Amari's alpha-divergence of order a. It is `(A - 1) / (a (a - 1))`, A the affinity
/// `int p^(1-a) pi^a`; with `V = a s^2 + 1 - a` its gradient a coordinate is
/// `(-A m/V, A ((1 - s^2)/V - (1 - a) m^2/V^2))`: forward KL's at order 0, reverse KL's at order 1.
///
/// # Errors
/// An affinity with which nothing can be calculated.
pub(super) fn alpha(problem: &QuadraticProblem, order: f64) -> Result<[f64; 2], Refused> {
    let affinity = log_affinity(problem, order).exp();
    if affinity < SMALLEST_AFFINITY {
        let what = format!("alpha-divergence's exact gradient of order {order}");
        return Err(too_far(problem, &format!("{what} is below {SMALLEST_AFFINITY:e}")));
    }
    let (mean, variance) = (problem.target_mean, problem.variance());
    let mixed = order * variance + (1.0 - order);
    let slope = (1.0 - variance - (1.0 - order) * mean * mean / mixed) / mixed;
    Ok([-affinity * mean / mixed, affinity * slope])
}

/// Gradient of the Jensen-Shannon divergence, by quadrature.
///
/// # Errors
/// Target and policy that hardly overlap: the sums would be rounding and nothing else. The overlap,
/// `int min(p, pi)`, is at most every affinity (Chernoff 1952).
pub(super) fn jensen_shannon(problem: &QuadraticProblem) -> Result<[f64; 2], Refused> {
    let orders = (1..20).map(|i| f64::from(i) / 20.0);
    let overlap = orders.map(|order| log_affinity(problem, order)).fold(0.0, f64::min).exp();
    if overlap < SMALLEST_OVERLAP {
        let what = "jensen-shannon's exact gradient is lost in rounding";
        let why = format!("target and policy overlap by less than {SMALLEST_OVERLAP:e}");
        return Err(too_far(problem, &format!("{what}, {why}")));
    }
    Ok(quadrature(problem, Divergence::JensenShannon))
}

/// Below it the squares of gradients come near the smallest number.
const SMALLEST_AFFINITY: f64 = 1e-100;
/// The quadrature's terms are of size 1: this leaves half of the digits.
const SMALLEST_OVERLAP: f64 = 1e-9;

fn too_far(problem: &QuadraticProblem, reason: &str) -> Refused {
    let reason = format!("{reason}: fewer dimensions, or a target nearer to the policy");
    Refused::new("dimension", problem.dimension, reason)
}

/// `log int p^(1-a) pi^a`.
fn log_affinity(problem: &QuadraticProblem, order: f64) -> f64 {
    let mixed = order * problem.variance() + (1.0 - order);
    let shift = order * (1.0 - order) * problem.target_mean.powi(2) / (2.0 * mixed);
    problem.dimension as f64 * (order * problem.target_width.ln() - 0.5 * mixed.ln() - shift)
}

/// Gradient of an f-divergence a coordinate: `E_pi[f'(pi/p) grad log pi]`.
///
/// No such divergence is a sum over coordinates, but with `x` the coordinate along (1,..,1) and `r` the
/// distance from that axis, `log p/pi` depends on x and r alone, and all coordinates are alike:
///
/// ```text
/// mean:                E[f' x] / sqrt(d)
/// log std. deviation:  E[f' (x^2 + r^2 - d)] / d,   x ~ N(0, 1), r^2 ~ chi^2 with d - 1 degrees
/// ```
///
/// Both integrals are sums over equidistant nodes, which for these integrands converge exponentially,
/// wherever the policy or the target has mass.
pub(super) fn quadrature(problem: &QuadraticProblem, divergence: Divergence) -> [f64; 2] {
    let d = problem.dimension as f64;
    let (mean, width) = (problem.target_mean * d.sqrt(), problem.target_width);
    let Nodes { axis, radial, step } = Nodes::new(problem);
    let log_scale = -d * width.ln();
    let at_one = divergence.derivative_at_one::<f64>();
    let mut sums = [0.0; 2];
    for &(distance, log_radial) in &radial {
        for &x in &axis {
            let squares = x * x + distance * distance;
            let from_target = (x - mean).powi(2) + distance * distance;
            let log_target = log_scale - 0.5 * from_target / (width * width);
            let log_ratio = log_target + 0.5 * squares;
            // Where the target has mass, the policy's may be too small and the ratio too large for a
            // number: the two are multiplied as logarithms.
            let log_mass = -0.5 * x * x - HALF_LOG_2_PI + log_radial + step.ln();
            let slope = divergence.weight(log_mass, log_ratio) - log_mass.exp() * at_one;
            sums[0] += slope * x;
            sums[1] += slope * (squares - d);
        }
    }
    [sums[0] / d.sqrt(), sums[1] / d]
}

/// Where the quadrature looks.
pub(super) struct Nodes {
    /// Coordinates along (1,..,1), `step` apart.
    pub axis: Vec<f64>,
    /// Distances from that axis, with the logs of their probabilities.
    pub radial: Vec<(f64, f64)>,
    step: f64,
}

impl Nodes {
    pub(super) fn new(problem: &QuadraticProblem) -> Self {
        let step = problem.target_width.min(1.0) / 12.0;
        Self { axis: axis(problem, step), radial: radial(problem, step), step }
    }
}

/// Standard deviations beyond which a Gaussian has no mass that counts.
const REACH: f64 = 9.0;

/// Nodes around both means; what lies between them only where the two meet.
fn axis(problem: &QuadraticProblem, step: f64) -> Vec<f64> {
    let mean = problem.target_mean * (problem.dimension as f64).sqrt();
    let reach = REACH * problem.target_width;
    let (low, high) = (mean - reach, mean + reach);
    if low < REACH && high > -REACH {
        return nodes(low.min(-REACH), high.max(REACH), step).collect();
    }
    nodes(-REACH, REACH, step).chain(nodes(low, high, step)).collect()
}

const HALF_LOG_2_PI: f64 = 0.918_938_533_204_672_8;

/// Distances from the axis with the logs of their probabilities: the chi distribution with k = d - 1
/// degrees of freedom, `r^(k-1) exp(-r^2/2) / (2^(k/2-1) Gamma(k/2))`; without any, 0. The nodes are
/// equidistant in log r, where the density vanishes on both sides, whatever k.
fn radial(problem: &QuadraticProblem, step: f64) -> Vec<(f64, f64)> {
    if problem.dimension == 1 {
        return vec![(0.0, 0.0)];
    }
    let degrees = problem.dimension as f64 - 1.0;
    let width = problem.target_width;
    let (near, far) = (width.min(1.0), width.max(1.0));
    let (inner, outer, reach) = (degrees.sqrt() * near, degrees.sqrt() * far, REACH * far);
    // At exp(-c) times the shell's radius, r^k exp(-r^2/2) is exp(-k (c - (1 - exp(-2 c))/2)) of its
    // largest: like exp(-k c) for few degrees, like exp(-k c^2) for many.
    let low = inner.ln() - 40.0 / degrees - (40.0 / degrees).sqrt();
    let step = (step / outer).min(0.05);
    let constant = (0.5 * degrees - 1.0) * 2.0f64.ln() + ln_gamma(0.5 * degrees);
    let log = |y: f64| degrees * y - 0.5 * (2.0 * y).exp() - constant + step.ln();
    let counts = |y: &f64| log(*y).max(log(*y - width.ln())) > LOG_NOTHING;
    nodes(low, (outer + reach).ln(), step).filter(counts).map(|y| (y.exp(), log(y))).collect()
}

/// Log of a probability that changes no sum.
const LOG_NOTHING: f64 = -60.0;

fn nodes(low: f64, high: f64, step: f64) -> impl Iterator<Item = f64> {
    let count = ((high - low) / step).ceil() as usize;
    (0..=count).map(move |i| low + step * i as f64)
}
