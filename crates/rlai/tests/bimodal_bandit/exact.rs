//! The truth by quadrature: nothing is sampled and nothing is learned.

use rlai::distribution::{Draws, Head, Mixture, TanhNormal};
use rlai::env::BimodalBandit;
use rlai::estimator::Signal;

/// Temperature, unless another is told.
pub const ALPHA: f64 = 0.1;
/// The task's box is [-2, 2].
const HALF_BOX: f64 = 2.0;
/// Points of the quadrature before the tanh. The trapezoidal rule converges exponentially in the smoothness
/// of what is integrated; here doubling the points changes nothing in the 12th place.
const FURTHEST: f64 = 8.0;
const POINTS: usize = 641;
const STEP: f64 = 2.0 * FURTHEST / (POINTS - 1) as f64;

/// How fast a descent is, of natural gradient steps.
const PACE: f64 = 0.1;

/// The bandit's optimal policy `exp(r/alpha)/Z` over actions in [-1, 1], on a grid before the tanh.
pub struct Bandit {
    /// Before the tanh.
    u: Vec<f64>,
    /// The task's reward there.
    reward: Vec<f64>,
    /// `da/du`, the length of the step included: what turns a density into a mass.
    volume: Vec<f64>,
    /// Log density of the optimal policy, of the action in [-1, 1].
    log_target: Vec<f64>,
    /// `log Z`.
    log_evidence: f64,
    /// Length of a step downhill: divergences are the steeper, the lower the temperature.
    pace: f64,
}

/// A policy at the only observation, measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// `KL(pi || target)`, nats.
    pub reverse: f64,
    /// `KL(target || pi)`, nats.
    pub forward: f64,
    /// Entropy of the action in [-1, 1], nats.
    pub entropy: f64,
    /// Expected reward.
    pub reward: f64,
    /// Mass of the task's actions within 0.4 of -1 and of 1.
    pub peaks: [f64; 2],
}

impl Bandit {
    pub fn new() -> Self {
        Self::at(ALPHA)
    }

    fn at(alpha: f64) -> Self {
        let u: Vec<f64> = (0..POINTS).map(|i| i as f64 * STEP - FURTHEST).collect();
        let reward: Vec<f64> =
            u.iter().map(|u| BimodalBandit::reward(HALF_BOX * u.tanh())).collect();
        let volume: Vec<f64> = u.iter().map(|u| STEP / u.cosh().powi(2)).collect();
        let evidence: f64 = reward.iter().zip(&volume).map(|(r, v)| (r / alpha).exp() * v).sum();
        let log_evidence = evidence.ln();
        let log_target = reward.iter().map(|r| r / alpha - log_evidence).collect();
        Self { u, reward, volume, log_target, log_evidence, pace: PACE * (alpha / ALPHA).min(1.0) }
    }

    /// The grid as draws of this policy.
    fn draws(&self, head: &dyn Head<f64>, row: &[f64]) -> Draws<f64> {
        let mut draws = Draws::with_choices(1, POINTS, 1, head.choices_per_draw());
        draws.u.copy_from_slice(&self.u);
        head.evaluate(row, &mut draws);
        draws
    }

    /// The gradient of `sum_k weight(log pi_k, k) log pi_k`, the weights held fixed.
    fn gradient(
        &self,
        head: &dyn Head<f64>,
        row: &[f64],
        weight: impl Fn(f64, usize) -> f64,
    ) -> Vec<f64> {
        let draws = self.draws(head, row);
        let mut signal = Signal::new(1, POINTS, 1);
        signal.restart();
        for (k, (score, &log_pi)) in signal.score.iter_mut().zip(&draws.log_pi).enumerate() {
            *score = self.volume[k] * weight(log_pi, k);
        }
        let mut gradient = vec![0.0; row.len()];
        head.backward(row, &draws, &signal, &mut gradient);
        gradient
    }

    /// Gradient of `KL(pi || target)`: `E_pi[(log pi - log target) grad log pi]`.
    pub fn reverse_gradient(&self, head: &dyn Head<f64>, row: &[f64]) -> Vec<f64> {
        self.gradient(head, row, |log_pi, k| log_pi.exp() * (log_pi - self.log_target[k]))
    }

    /// Gradient of `KL(target || pi)`: `-E_target[grad log pi]`.
    pub fn forward_gradient(&self, head: &dyn Head<f64>, row: &[f64]) -> Vec<f64> {
        self.gradient(head, row, |_, k| -self.log_target[k].exp())
    }

    /// Follows a gradient downhill until it is gone, each parameter at the pace of its own Fisher
    /// information: s^2 for a mean, 1/2 for a log standard deviation, 2 for one of two logits.
    pub fn descend(&self, gradient: impl Fn(&[f64]) -> Vec<f64>, start: &[f64]) -> Vec<f64> {
        let mut row = start.to_vec();
        for _ in 0..40_000 {
            let slope = gradient(&row);
            if slope.iter().all(|g| g.abs() < 1e-11) {
                return row;
            }
            let logits = if row.len() > 2 { 2 } else { 0 };
            let pace: Vec<f64> = (0..row.len())
                .map(|i| match (i < logits, i % 2) {
                    (true, _) => 2.0,
                    (_, 0) => (2.0 * row[i + 1]).exp(),
                    _ => 0.5,
                })
                .collect();
            for (i, x) in row.iter_mut().enumerate() {
                *x -= self.pace * pace[i] * slope[i];
            }
        }
        panic!("no minimum from {start:?}: at {row:?} the gradient is {:?}", gradient(&row));
    }

    pub fn measure(&self, head: &dyn Head<f64>, row: &[f64]) -> Measured {
        let draws = self.draws(head, row);
        let mut of =
            Measured { reverse: 0.0, forward: 0.0, entropy: 0.0, reward: 0.0, peaks: [0.0; 2] };
        for (k, &log_pi) in draws.log_pi.iter().enumerate() {
            let (mass, surplus) = (log_pi.exp() * self.volume[k], log_pi - self.log_target[k]);
            of.reverse += mass * surplus;
            of.forward -= self.log_target[k].exp() * self.volume[k] * surplus;
            of.entropy -= mass * log_pi;
            of.reward += mass * self.reward[k];
        }
        of.peaks = [-1.0, 1.0].map(|peak| self.mass(head, row, peak));
        of
    }

    /// Mass of the task's actions within 0.4 of a peak, by midpoints: the grid knows nothing of these ends.
    fn mass(&self, head: &dyn Head<f64>, row: &[f64], peak: f64) -> f64 {
        let [low, high] = [-0.4, 0.4].map(|side| ((peak + side) / HALF_BOX).atanh());
        let width = (high - low) / POINTS as f64;
        let mut draws = Draws::with_choices(1, POINTS, 1, head.choices_per_draw());
        for (k, u) in draws.u.iter_mut().enumerate() {
            *u = low + width * (k as f64 + 0.5);
        }
        head.evaluate(row, &mut draws);
        let masses = draws.log_pi.iter().zip(&draws.u);
        masses.map(|(log_pi, u)| log_pi.exp() * width / u.cosh().powi(2)).sum()
    }
}

pub fn tanh_normal() -> TanhNormal {
    TanhNormal::new(1, -20.0, 2.0)
}

pub fn mixture() -> Mixture {
    Mixture::new(2, 1, -20.0, 2.0)
}

/// Mean and log standard deviation of a tanh-normal where the reverse KL ends from this start.
pub fn reverse_minimum(bandit: &Bandit, mean: f64, log_std: f64) -> Vec<f64> {
    bandit.descend(|row| bandit.reverse_gradient(&tanh_normal(), row), &[mean, log_std])
}

/// The one minimum of the forward KL.
pub fn forward_minimum(bandit: &Bandit) -> Vec<f64> {
    bandit.descend(|row| bandit.forward_gradient(&tanh_normal(), row), &[0.3, -1.0])
}

/// Where a mixture of two ends that starts as the agent's does.
pub fn mixture_minimum(bandit: &Bandit, forward: bool) -> Vec<f64> {
    let mixture = mixture();
    let start = Head::<f64>::starting_at(&mixture, 0.0, 0.0).expect("a mixture has a start");
    let gradient = |row: &[f64]| match forward {
        true => bandit.forward_gradient(&mixture, row),
        false => bandit.reverse_gradient(&mixture, row),
    };
    bandit.descend(gradient, &start)
}

#[track_caller]
pub fn near(value: f64, expected: f64, tolerance: f64) {
    assert!((value - expected).abs() <= tolerance, "{value} is not {expected} +- {tolerance}");
}

/// The same by another rule in another variable: midpoints of the action itself.
#[test]
fn the_evidence_is_that_of_midpoints_in_the_action() {
    let points = 20_000;
    let middle = |i: i32| (f64::from(2 * i + 1) / f64::from(points) - 1.0) * HALF_BOX;
    let power = |i| (BimodalBandit::reward(middle(i)) / ALPHA).exp();
    let evidence: f64 = (0..points).map(power).sum::<f64>() * 2.0 / f64::from(points);
    near(Bandit::new().log_evidence, evidence.ln(), 1e-9);
    near(evidence.ln(), 8.6074, 1e-4);
}

#[test]
fn gradients_are_those_of_the_divergences() {
    let bandit = Bandit::new();
    let (normal, mixture) = (tanh_normal(), mixture());
    let cases: [(&dyn Head<f64>, &[f64]); 3] = [
        (&normal, &[0.3, -1.0]),
        (&normal, &[-0.5, -2.5]),
        (&mixture, &[0.3, -0.1, -0.4, -1.0, 0.7, -0.6]),
    ];
    for (head, row) in cases {
        let (reverse, forward) =
            (bandit.reverse_gradient(head, row), bandit.forward_gradient(head, row));
        for i in 0..row.len() {
            let at = |side: f64| {
                let mut moved = row.to_vec();
                moved[i] += side * 1e-5;
                bandit.measure(head, &moved)
            };
            let (above, below) = (at(1.0), at(-1.0));
            near(reverse[i], (above.reverse - below.reverse) / 2e-5, 1e-5);
            near(forward[i], (above.forward - below.forward) / 2e-5, 1e-5);
        }
    }
}

#[test]
fn reverse_kl_keeps_the_peak_on_whose_side_a_narrow_policy_starts() {
    let bandit = Bandit::new();
    for side in [-1.0, 1.0] {
        let row = reverse_minimum(&bandit, 0.3 * side, -1.0);
        near(row[0], 0.5509 * side, 1e-4);
        near(HALF_BOX * row[0].tanh(), 1.0023 * side, 1e-4);
        near(row[1].exp(), 0.0687, 1e-4);
        let of = bandit.measure(&tanh_normal(), &row);
        near(of.reverse, 0.6995, 1e-4);
        near(of.forward, 63.709, 1e-2);
        near(of.entropy, -1.5516, 1e-4);
        near(of.reward, 0.9459, 1e-4);
        let (here, there) = if side > 0.0 { (1, 0) } else { (0, 1) };
        near(of.peaks[here], 0.9998, 1e-4);
        assert!(of.peaks[there] < 1e-20);
    }
}

#[test]
fn reverse_kl_stays_broad_from_a_broad_start() {
    let bandit = Bandit::new();
    for mean in [-0.3, 0.0, 0.3] {
        let row = reverse_minimum(&bandit, mean, 0.0);
        near(row[0], 0.0, 1e-9);
        near(row[1].exp(), 0.6125, 1e-4);
        let of = bandit.measure(&tanh_normal(), &row);
        near(of.reverse, 3.7772, 1e-4);
        near(of.forward, 1.3866, 1e-4);
        near(of.reward, 0.4227, 1e-4);
        near(of.peaks[0], 0.2283, 1e-4);
    }
}

/// Which of the two, by the start: `+` the peak at 1, `0` the broad policy. (Where the border runs depends
/// on the kind of descent; that there is one does not.)
#[test]
fn the_start_decides_which_minimum_of_the_reverse_kl_is_found() {
    let bandit = Bandit::new();
    let ends = |log_std: f64| -> String {
        let end =
            |mean: f64| if reverse_minimum(&bandit, mean, log_std)[0] > 0.5 { '+' } else { '0' };
        [0.0, 0.05, 0.3, 0.5].into_iter().map(end).collect()
    };
    assert_eq!([0.0, -0.5, -1.0, -2.0].map(ends), ["0000", "0000", "00++", "00++"]);
}

/// The broad policy is a minimum at every temperature, and where the temperature is high the only one: a
/// temperature that falls during training finds the policy there, and leaves it there.
#[test]
fn the_broad_policy_is_a_minimum_at_every_temperature() {
    for (alpha, narrow_is_better) in [(0.5, None), (0.3, Some(false)), (0.2, Some(true))] {
        let bandit = Bandit::at(alpha);
        let [broad, narrow] =
            [(0.01, 0.0), (0.5, -2.5)].map(|(m, s)| reverse_minimum(&bandit, m, s));
        let kl = |row: &[f64]| bandit.measure(&tanh_normal(), row).reverse;
        near(broad[0], 0.0, 1e-8);
        assert_eq!(
            (narrow[0] > 0.5).then(|| kl(&narrow) < kl(&broad)),
            narrow_is_better,
            "{alpha}"
        );
    }
    for alpha in [0.05, 0.01] {
        let bandit = Bandit::at(alpha);
        let row = reverse_minimum(&bandit, 0.01, 0.0);
        near(row[0], 0.0, 1e-8);
        near(row[1].exp(), if alpha < 0.02 { 0.5747 } else { 0.5923 }, 1e-3);
        near(bandit.measure(&tanh_normal(), &row).reward, 0.424, 1e-3);
    }
}

/// Before the tanh the minimiser has the target's own mean and variance.
#[test]
fn forward_kl_covers_both_peaks_and_the_middle() {
    let bandit = Bandit::new();
    let row = forward_minimum(&bandit);
    let masses = bandit.log_target.iter().zip(&bandit.volume).map(|(log_p, v)| log_p.exp() * v);
    let variance: f64 = masses.zip(&bandit.u).map(|(mass, u)| mass * u * u).sum();
    near(row[0], 0.0, 1e-9);
    near(row[1].exp(), variance.sqrt(), 1e-9);
    near(row[1].exp(), 0.5565, 1e-4);
    let of = bandit.measure(&tanh_normal(), &row);
    near(of.forward, 1.3780, 1e-4);
    near(of.reverse, 3.8084, 1e-4);
    near(of.reward, 0.4240, 1e-4);
    near(of.peaks[0], 0.2295, 1e-4);
    near(of.peaks[1], of.peaks[0], 1e-9);
}

/// One branch a peak, whatever the divergence; a policy of one branch is half of that one, so its
/// divergence is log 2 more.
#[test]
fn a_mixture_of_two_keeps_both_peaks_under_either_divergence() {
    let bandit = Bandit::new();
    for (forward, mean, sd, kl) in [(true, 0.5519, 0.0719, 0.0243), (false, 0.5509, 0.0687, 0.0063)]
    {
        let row = mixture_minimum(&bandit, forward);
        near(row[0], row[1], 1e-8);
        for (branch, side) in [(2, -1.0), (4, 1.0)] {
            near(row[branch], mean * side, 1e-4);
            near(row[branch + 1].exp(), sd, 1e-4);
        }
        let of = bandit.measure(&mixture(), &row);
        near(if forward { of.forward } else { of.reverse }, kl, 1e-4);
        if !forward {
            let narrow = bandit.measure(&tanh_normal(), &reverse_minimum(&bandit, 0.3, -1.0));
            near(narrow.reverse - of.reverse, 2.0f64.ln(), 1e-6);
        }
    }
}
