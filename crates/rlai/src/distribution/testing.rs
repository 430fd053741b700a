//! Checks that every distribution must pass, whatever it is made of.
//!
//! A test gives a head and parameters; [`assert_calculus`] compares every derivative with finite
//! differences, [`assert_dual_scores`] with dual numbers of a log density written a second time, a
//! [`Grid`] integrates, [`assert_draws_follow_density`] tests the sampler, [`assert_survives`] and
//! [`assert_nan_shows`] what happens at the edge.

use num_dual::Dual64;
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::{Draws, Head};
use crate::estimator::{Signal, TrustRegion};
use crate::nn::Scalar;
use crate::random::{Key, Stream};

/// Chance that a right sampler fails a test, if its seed were not fixed.
const SIGNIFICANCE: f64 = 1e-4;

/// Room for draws of this head.
pub(crate) fn room<T: Scalar>(head: &dyn Head<T>, states: usize, samples: usize) -> Draws<T> {
    let (coordinates, choices) = (head.shape().coordinates, head.choices_per_draw());
    Draws::with_choices(states, samples, coordinates, choices)
}

/// N draws of each state, from a fixed seed.
pub(crate) fn drawn<T: Scalar>(head: &dyn Head<T>, parameters: &[T], samples: usize) -> Draws<T> {
    let states = parameters.len() / head.parameters_per_state();
    let mut draws = room(head, states, samples);
    head.draw(parameters, &mut stream("draws"), &mut draws);
    draws
}

/// The same points and choices, all else worked out anew under these parameters.
pub(crate) fn evaluated(head: &dyn Head<f64>, parameters: &[f64], at: &Draws<f64>) -> Draws<f64> {
    let states = parameters.len() / head.parameters_per_state();
    let mut draws = room(head, states, at.log_pi.len() / states);
    draws.u.clone_from(&at.u);
    draws.choices.clone_from(&at.choices);
    head.evaluate(parameters, &mut draws);
    draws
}

pub(crate) fn stream(name: &str) -> Stream {
    Key::from_seed(83).stream(name)
}

/// All entries within `tolerance` of each other, relative to the larger of 1 and the wanted.
pub(crate) fn assert_close(got: &[f64], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let error = (got - want).abs() / want.abs().max(1.0);
        assert!(error < tolerance, "{what}, {i}: {got} against {want}");
    }
}

/// Derivatives of `f` by differences of the fourth order.
pub(crate) fn numeric_gradient(at: &[f64], f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let h = 1e-3;
    let derivative = |i: usize| {
        let moved = |by: f64| {
            let mut moved = at.to_vec();
            moved[i] += by * h;
            f(&moved)
        };
        (8.0 * (moved(1.0) - moved(-1.0)) - (moved(2.0) - moved(-2.0))) / (12.0 * h)
    };
    (0..at.len()).map(derivative).collect()
}

/// `sum_s state_weight_s sum_k weight_sk value_sk`.
fn weighted(signal: &Signal<f64>, weights: &[f64], values: &[f64]) -> f64 {
    let width = weights.len() / signal.state_weight.len();
    let terms = weights.iter().zip(values).enumerate();
    terms.map(|(i, (weight, value))| signal.state_weight[i / width] * weight * value).sum()
}

/// A signal of normal numbers, all parts of it, though none is switched on but the score; what is
/// switched off must not be read.
fn signal_for<T: Scalar>(head: &dyn Head<T>, draws: &Draws<T>, states: usize) -> Signal<T> {
    let mut signal = Signal::new(states, draws.log_pi.len() / states, head.shape().coordinates);
    let mut random = stream("signal");
    random.fill_normal(&mut signal.score);
    random.fill_normal(&mut signal.choice);
    random.fill_normal(&mut signal.action);
    random.fill_normal(&mut signal.state_weight);
    signal
}

/// Everything that follows from the density by differentiation, against finite differences, and the
/// ways to fill draws against each other. `parameters` are some states', away from clamps.
pub(crate) fn assert_calculus(head: &dyn Head<f64>, parameters: &[f64]) {
    let draws = drawn(head, parameters, 6);
    assert_ways_agree(head, parameters, &draws);
    assert_derivative_in_u(head, parameters, &draws);
    let mut total = vec![0.0; parameters.len()];
    let mut add = |part: Vec<f64>| total.iter_mut().zip(part).for_each(|(t, x)| *t += x);
    add(assert_score(head, parameters, &draws));
    if head.abilities().branches.is_some() {
        add(assert_choice(head, parameters, &draws));
    }
    if head.abilities().reparameterised {
        add(assert_path(head, parameters, &draws));
    }
    let mut signal = signal_for(head, &draws, states_of(head, parameters));
    signal.has_choice = head.abilities().branches.is_some();
    signal.has_action = head.abilities().reparameterised;
    assert_close(&backward(head, parameters, &draws, &signal), &total, 1e-12, "parts add up");
    if head.abilities().trust_region {
        let width = head.parameters_per_state();
        assert_trust_region(head, &parameters[width..2 * width], &parameters[..width]);
    }
}

fn states_of(head: &dyn Head<f64>, parameters: &[f64]) -> usize {
    let states = parameters.len() / head.parameters_per_state();
    assert!(states > 1, "give more than one state");
    states
}

fn backward(
    head: &dyn Head<f64>,
    parameters: &[f64],
    draws: &Draws<f64>,
    signal: &Signal<f64>,
) -> Vec<f64> {
    // What was there before is not to be added to.
    let mut gradient = vec![f64::NAN; parameters.len()];
    head.backward(parameters, draws, signal, &mut gradient);
    gradient
}

/// Drawn, evaluated at the points drawn, and placed by their noise: all the same.
fn assert_ways_agree(head: &dyn Head<f64>, parameters: &[f64], draws: &Draws<f64>) {
    let again = evaluated(head, parameters, draws);
    let mut all = vec![(again, "evaluated")];
    if head.abilities().base_noise {
        let mut placed = room(head, states_of(head, parameters), 6);
        placed.noise.clone_from(&all[0].0.noise);
        placed.choices.clone_from(&draws.choices);
        head.place(parameters, &mut placed);
        assert_close(&placed.noise, &draws.noise, 1e-7, "noise");
        all.push((placed, "placed"));
    }
    for (other, what) in all {
        assert_eq!(other.choices, draws.choices, "{what}");
        assert_close(&other.u, &draws.u, 1e-9, what);
        assert_close(&other.action, &draws.action, 1e-9, what);
        assert_close(&other.log_pi, &draws.log_pi, 1e-9, what);
        assert_close(&other.dlog_pi_du, &draws.dlog_pi_du, 1e-7, what);
    }
    let squashed = |u: &f64| if head.is_squashed() { u.tanh() } else { *u };
    let actions: Vec<f64> = draws.u.iter().map(squashed).collect();
    assert_close(&draws.action, &actions, 1e-14, "action");
}

fn assert_derivative_in_u(head: &dyn Head<f64>, parameters: &[f64], draws: &Draws<f64>) {
    let log_pi = |u: &[f64]| {
        let moved = Draws { u: u.to_vec(), ..draws.clone() };
        evaluated(head, parameters, &moved).log_pi.iter().sum()
    };
    let numeric = numeric_gradient(&draws.u, log_pi);
    assert_close(&draws.dlog_pi_du, &numeric, 1e-6, "dlog pi/du");
}

/// Points and choices held.
fn assert_score(head: &dyn Head<f64>, parameters: &[f64], draws: &Draws<f64>) -> Vec<f64> {
    let signal = signal_for(head, draws, states_of(head, parameters));
    let loss =
        |moved: &[f64]| weighted(&signal, &signal.score, &evaluated(head, moved, draws).log_pi);
    let gradient = backward(head, parameters, draws, &signal);
    assert_close(&gradient, &numeric_gradient(parameters, loss), 1e-7, "score");
    gradient
}

/// Log-probability of the branch drawn, alone.
fn assert_choice(head: &dyn Head<f64>, parameters: &[f64], draws: &Draws<f64>) -> Vec<f64> {
    let branches = head.abilities().branches.expect("there are branches");
    let mut signal = signal_for(head, draws, states_of(head, parameters));
    signal.score.fill(0.0);
    signal.has_choice = true;
    let log_probabilities = |moved: &[f64]| -> Vec<f64> {
        let mut rows = moved.chunks_exact(head.parameters_per_state()).map(|row| {
            let mut log_branches = vec![0.0; branches];
            head.log_branches(row, &mut log_branches);
            log_branches
        });
        let samples = draws.choices.chunks_exact(signal.samples());
        samples
            .flat_map(|z| {
                rows.next()
                    .map(|row| z.iter().map(move |&z| row[z]).collect::<Vec<_>>())
                    .expect("a row")
            })
            .collect()
    };
    let loss = |moved: &[f64]| weighted(&signal, &signal.choice, &log_probabilities(moved));
    let gradient = backward(head, parameters, draws, &signal);
    assert_close(&gradient, &numeric_gradient(parameters, loss), 1e-7, "choice");
    gradient
}

/// Noise and choices held.
fn assert_path(head: &dyn Head<f64>, parameters: &[f64], draws: &Draws<f64>) -> Vec<f64> {
    let mut signal = signal_for(head, draws, states_of(head, parameters));
    signal.score.fill(0.0);
    signal.has_action = true;
    let loss = |moved: &[f64]| {
        let mut placed = draws.clone();
        head.place(moved, &mut placed);
        weighted(&signal, &signal.action, &placed.u)
    };
    let gradient = backward(head, parameters, draws, &signal);
    assert_close(&gradient, &numeric_gradient(parameters, loss), 1e-7, "path");
    gradient
}

/// The gradient of the divergence, part by part, and nothing of it between equals.
pub(crate) fn assert_trust_region(head: &dyn Head<f64>, old: &[f64], new: &[f64]) {
    let none = head.kl_from(old, old);
    assert_close(&[none.mean, none.scale, none.choice], &[0.0; 3], 1e-13, "divergence from itself");
    for weights in [[1.3, 0.0, 0.0], [0.0, 0.7, 0.0], [0.0, 0.0, 1.9], [0.4, 0.5, 0.6]] {
        let [mean, scale, choice] = weights;
        let loss = |moved: &[f64]| {
            let kl = head.kl_from(old, moved);
            -0.8 * (mean * kl.mean + scale * kl.scale + choice * kl.choice)
        };
        // The gradient is added to what is there.
        let mut gradient = vec![2.0; new.len()];
        let weights = TrustRegion { mean, scale, choice };
        head.add_kl_gradient(old, new, weights, &[-0.8], &mut gradient);
        let want: Vec<f64> = numeric_gradient(new, loss).iter().map(|g| g + 2.0).collect();
        assert_close(&gradient, &want, 1e-7, "gradient of the divergence");
    }
}

/// KL(old || new), all parts together.
pub(crate) fn total_kl(head: &dyn Head<f64>, old: &[f64], new: &[f64]) -> f64 {
    let kl = head.kl_from(old, new);
    kl.mean + kl.scale + kl.choice
}

/// Log density, its score and its derivative in `u` against `log_density`, written over dual numbers:
/// it is given parameters, `[P]`, `u`, `[A]`, and choices, `[C]`.
pub(crate) fn assert_dual_scores(
    head: &dyn Head<f64>,
    row: &[f64],
    log_density: impl Fn(&[Dual64], &[Dual64], &[usize]) -> Dual64,
) {
    let samples = 8;
    let draws = drawn(head, row, samples);
    let (coordinates, choices) = (head.shape().coordinates, head.choices_per_draw());
    for k in 0..samples {
        let u = &draws.u[k * coordinates..][..coordinates];
        let chosen = &draws.choices[k * choices..][..choices];
        let with_respect_to = |i: usize| {
            let mut all: Vec<Dual64> = row.iter().chain(u).map(|&x| Dual64::from(x)).collect();
            all[i] = all[i].derivative();
            log_density(&all[..row.len()], &all[row.len()..], chosen)
        };
        let mut signal = Signal::new(1, samples, coordinates);
        signal.score[k] = 1.0;
        let mut got = backward(head, row, &draws, &signal);
        got.extend_from_slice(&draws.dlog_pi_du[k * coordinates..][..coordinates]);
        let want: Vec<Dual64> = (0..row.len() + coordinates).map(with_respect_to).collect();
        let scores: Vec<f64> = want.iter().map(|dual| dual.eps).collect();
        assert_close(&got, &scores, 1e-10, "score by dual numbers");
        assert_close(&[draws.log_pi[k]], &[want[0].re], 1e-11, "log density");
    }
}

/// Points of a quadrature in one coordinate of `u`, each the middle of its cell.
pub(crate) struct Grid {
    points: Vec<f64>,
    weights: Vec<f64>,
    edges: Vec<f64>,
}

impl Grid {
    /// Equal cells of an interval: for what is smooth and falls to zero, or constant in each cell.
    pub fn even(low: f64, high: f64, cells: usize) -> Self {
        let width = (high - low) / cells as f64;
        let at = |i: f64| low + width * i;
        Self {
            points: (0..cells).map(|i| at(i as f64 + 0.5)).collect(),
            weights: vec![width; cells],
            edges: (0..=cells).map(|i| at(i as f64)).collect(),
        }
    }

    /// Draws at all points of the product of this grid in every coordinate, with the weight of each.
    fn product(
        &self,
        head: &dyn Head<f64>,
        row: &[f64],
        chosen: &[usize],
    ) -> (Draws<f64>, Vec<f64>) {
        let (coordinates, cells) = (head.shape().coordinates, self.points.len());
        let count = cells.pow(coordinates as u32);
        let mut draws = room(head, 1, count);
        let mut weights = vec![1.0; count];
        for (i, weight) in weights.iter_mut().enumerate() {
            for j in 0..coordinates {
                let cell = i / cells.pow(j as u32) % cells;
                draws.u[i * coordinates + j] = self.points[cell];
                *weight *= self.weights[cell];
            }
        }
        let width = head.choices_per_draw();
        if !chosen.is_empty() {
            draws.choices.chunks_exact_mut(width).for_each(|to| to.copy_from_slice(chosen));
        }
        head.evaluate(row, &mut draws);
        (draws, weights)
    }

    /// Probability of every point's cell, given the action's choices, and the draws there.
    fn masses(
        &self,
        head: &dyn Head<f64>,
        row: &[f64],
        chosen: &[usize],
    ) -> (Draws<f64>, Vec<f64>) {
        let (draws, mut masses) = self.product(head, row, chosen);
        let coordinates = head.shape().coordinates;
        for (i, mass) in masses.iter_mut().enumerate() {
            *mass *= draws.log_pi[i].exp();
            if head.is_squashed() {
                let actions = &draws.action[i * coordinates..][..coordinates];
                *mass *= actions.iter().map(|a| (1.0 - a) * (1.0 + a)).product::<f64>();
            }
        }
        (draws, masses)
    }

    /// Expectation of `f(draws, k)`, the draws those of one state, under this head's own density: over
    /// all choices of the action, and the grid in every coordinate.
    pub fn expectation(
        &self,
        head: &dyn Head<f64>,
        row: &[f64],
        f: impl Fn(&Draws<f64>, usize) -> f64,
    ) -> f64 {
        let of_choices = |chosen: Vec<usize>| -> f64 {
            let (draws, masses) = self.masses(head, row, &chosen);
            let terms = masses.iter().enumerate().filter(|(_, mass)| **mass > 0.0);
            terms.map(|(k, mass)| mass * f(&draws, k)).sum()
        };
        configurations(&head.shape().factors).into_iter().map(of_choices).sum()
    }

    /// The density integrates to one.
    pub fn assert_normalised(&self, head: &dyn Head<f64>, row: &[f64]) {
        let total = self.expectation(head, row, |_, _| 1.0);
        assert!((total - 1.0).abs() < 1e-8, "{}: {total}", head.name());
    }

    /// The entropy, nats.
    pub fn entropy(&self, head: &dyn Head<f64>, row: &[f64]) -> f64 {
        self.expectation(head, row, |draws, k| -draws.log_pi[k])
    }

    /// KL(old || new), nats.
    pub fn kl(&self, head: &dyn Head<f64>, old: &[f64], new: &[f64]) -> f64 {
        let of_choices = |chosen: Vec<usize>| -> f64 {
            let (was, masses) = self.masses(head, old, &chosen);
            let is = evaluated(head, new, &was);
            let terms = masses.iter().enumerate().filter(|(_, mass)| **mass > 0.0);
            terms.map(|(k, mass)| mass * (was.log_pi[k] - is.log_pi[k])).sum()
        };
        configurations(&head.shape().factors).into_iter().map(of_choices).sum()
    }
}

/// All choices of all factors; one empty choice where there are none.
fn configurations(factors: &[usize]) -> Vec<Vec<usize>> {
    let extend = |all: Vec<Vec<usize>>, &choices: &usize| {
        all.iter().flat_map(|c| (0..choices).map(|k| [&c[..], &[k]].concat())).collect()
    };
    factors.iter().fold(vec![Vec::new()], extend)
}

/// Draws of one state against the density: how often each choice comes by a chi-square test, a single
/// coordinate given the choices by a Kolmogorov-Smirnov test.
pub(crate) fn assert_draws_follow_density(head: &dyn Head<f64>, row: &[f64], grid: &Grid) {
    let samples = 20_000;
    let draws = drawn(head, row, samples);
    let (coordinates, factors) = (head.shape().coordinates, head.shape().factors.len());
    assert!(coordinates <= 1, "a Kolmogorov-Smirnov test is of one coordinate");
    let all = configurations(&head.shape().factors);
    let (mut expected, mut seen) = (Vec::new(), Vec::new());
    for chosen in &all {
        let masses = grid.masses(head, row, chosen).1;
        let width = head.choices_per_draw();
        let own = |k: &usize| factors == 0 || draws.choices[k * width..][..width] == chosen[..];
        let particles: Vec<usize> = (0..samples).filter(own).collect();
        expected.push(samples as f64 * masses.iter().sum::<f64>());
        seen.push(particles.len() as f64);
        if coordinates == 1 {
            assert_kolmogorov_smirnov(
                particles.iter().map(|&k| draws.u[k]).collect(),
                grid,
                &masses,
            );
        }
    }
    if all.len() > 1 {
        assert_chi_square(&seen, &expected);
    }
}

/// Counts against their expectations, which have the same total.
pub(crate) fn assert_chi_square(seen: &[f64], expected: &[f64]) {
    assert!(expected.iter().all(|&count| count > 5.0), "too few are expected: {expected:?}");
    let statistic: f64 = seen.iter().zip(expected).map(|(s, e)| (s - e) * (s - e) / e).sum();
    let freedom = ChiSquared::new(seen.len() as f64 - 1.0).expect("two counts or more");
    let critical = freedom.inverse_cdf(1.0 - SIGNIFICANCE);
    assert!(statistic < critical, "chi-square {statistic}, critical {critical}: {seen:?}");
}

fn assert_kolmogorov_smirnov(mut points: Vec<f64>, grid: &Grid, masses: &[f64]) {
    let total: f64 = masses.iter().sum();
    let mut below = vec![0.0];
    masses.iter().for_each(|mass| below.push(below[below.len() - 1] + mass / total));
    points.sort_by(f64::total_cmp);
    let n = points.len() as f64;
    let mut distance = 0.0f64;
    for (i, &u) in points.iter().enumerate() {
        let cell = grid.edges.partition_point(|&edge| edge <= u).clamp(1, masses.len());
        let (low, high) = (grid.edges[cell - 1], grid.edges[cell]);
        let inside = ((u - low) / (high - low)).clamp(0.0, 1.0);
        let cdf = below[cell - 1] + inside * (below[cell] - below[cell - 1]);
        distance = distance.max((i as f64 + 1.0) / n - cdf).max(cdf - i as f64 / n);
    }
    // Kolmogorov's distribution far out: P(sqrt(n) D > x) = 2 exp(-2 x^2).
    let critical = (-0.5 * (0.5 * SIGNIFICANCE).ln() / n).sqrt();
    assert!(distance < critical, "Kolmogorov-Smirnov {distance}, critical {critical}");
}

/// No NaN and no infinity in anything that can be asked, at parameters as extreme as may be. Two states
/// or more.
pub(crate) fn assert_survives<T: Scalar>(head: &dyn Head<T>, parameters: &[T]) {
    let width = head.parameters_per_state();
    let states = parameters.len() / width;
    let draws = drawn(head, parameters, 16);
    let finite = |values: &[T], what: &str| {
        let all = values.iter().all(|x| x.is_finite());
        assert!(all, "{}, {what}: {values:?} of {parameters:?}", head.name());
    };
    for (values, what) in [(&draws.u, "u"), (&draws.action, "action"), (&draws.log_pi, "log pi")] {
        finite(values, what);
    }
    finite(&draws.dlog_pi_du, "dlog pi/du");
    let mut signal = signal_for(head, &draws, states);
    signal.has_choice = head.abilities().branches.is_some();
    signal.has_action = head.abilities().reparameterised;
    let mut gradient = vec![T::nan(); parameters.len()];
    head.backward(parameters, &draws, &signal, &mut gradient);
    finite(&gradient, "gradient");
    let mut mode = room(head, states, 1);
    head.mode(parameters, &mut mode);
    finite(&mode.action, "mode");
    let rows: Vec<&[T]> = parameters.chunks_exact(width).collect();
    for pair in rows.windows(2) {
        finite(&head.entropy(pair[0]).map_or(vec![], |h| vec![h]), "entropy");
        if head.abilities().trust_region {
            let kl = head.kl_from(pair[0], pair[1]);
            finite(&[kl.mean, kl.scale, kl.choice], "divergence");
            let mut gradient = vec![T::zero(); width];
            let weights = TrustRegion { mean: T::one(), scale: T::one(), choice: T::one() };
            head.add_kl_gradient(pair[0], pair[1], weights, &[T::one()], &mut gradient);
            finite(&gradient, "gradient of the divergence");
        }
    }
}

/// A parameter that is no number leads to a log density that is none, without a panic; of another state
/// it changes nothing. `row` is one state's.
pub(crate) fn assert_nan_shows(head: &dyn Head<f64>, row: &[f64]) {
    for at in 0..row.len() {
        let mut parameters = [row, row].concat();
        parameters[at] = f64::NAN;
        let draws = drawn(head, &parameters, 64);
        let (bad, good) = draws.log_pi.split_at(64);
        assert!(bad.iter().any(|x| x.is_nan()), "{}: parameter {at} is hidden", head.name());
        assert!(good.iter().all(|x| x.is_finite()), "{}: parameter {at} spreads", head.name());
        head.mode(&parameters, &mut room(head, 2, 1));
        evaluated(head, &parameters, &draws);
        let signal = signal_for(head, &draws, 2);
        let gradient = backward(head, &parameters, &draws, &signal);
        assert!(gradient[row.len()..].iter().all(|x| x.is_finite()), "{}: {at}", head.name());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::TanhNormal;

    const PARAMETERS: [f64; 8] = [0.4, -0.3, -0.7, 0.2, 1.0, 0.1, -1.0, 0.5];

    fn head() -> TanhNormal {
        TanhNormal::new(2, -5.0, 2.0)
    }

    #[test]
    fn the_tanh_normal_passes() {
        assert_calculus(&head(), &PARAMETERS);
        let half_log_2_pi = 0.5 * (2.0 * std::f64::consts::PI).ln();
        assert_dual_scores(&head(), &PARAMETERS[..4], |parameters, u, _| {
            use num_dual::DualNum;
            let term = |j: usize| {
                let z = (u[j] - parameters[j]) / parameters[2 + j].exp();
                let action = u[j].tanh();
                -z * z * 0.5 - parameters[2 + j] - half_log_2_pi - (-action * action + 1.0).ln()
            };
            term(0) + term(1)
        });
        let single = TanhNormal::new(1, -5.0, 2.0);
        let grid = Grid::even(-12.0, 12.0, 4000);
        grid.assert_normalised(&single, &[0.3, -0.4]);
        assert_draws_follow_density(&single, &[0.3, -0.4], &grid);
        let old = [0.3, -0.4];
        // The parts are exact where the mean or the scale moves alone.
        for new in [[-0.2, -0.4], [0.3, 0.1]] {
            let exact = grid.kl(&single, &old, &new);
            assert!((exact - total_kl(&single, &old, &new)).abs() < 1e-9);
        }
        assert_survives::<f32>(&head(), &[50.0, -50.0, -9.0, 9.0, -50.0, 50.0, 9.0, -9.0]);
        assert_nan_shows(&head(), &PARAMETERS[..4]);
    }

    /// Checks that cannot fail would be none: the sampler's, of another density.
    #[test]
    #[should_panic(expected = "Kolmogorov-Smirnov")]
    fn a_wrong_sampler_is_found() {
        let single = TanhNormal::new(1, -5.0, 2.0);
        let (grid, right) = (Grid::even(-12.0, 12.0, 4000), [0.3, -0.4]);
        let masses = grid.masses(&single, &right, &[]).1;
        let draws = drawn(&single, &[0.36, -0.4], 20_000);
        assert_kolmogorov_smirnov(draws.u, &grid, &masses);
    }

    #[test]
    #[should_panic(expected = "chi-square")]
    fn counts_of_another_law_are_found() {
        assert_chi_square(&[5300.0, 4700.0], &[5000.0, 5000.0]);
    }
}
