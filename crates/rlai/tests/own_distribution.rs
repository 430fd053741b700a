//! A user's own distribution, from the outside: a policy on a circle learns by both divergences.
//!
//! The target `exp(kappa cos(pi (a - m)))` is inside of the family, so each divergence is zero at the same
//! point, where the parameters are `kappa (cos pi m, sin pi m)`.

use std::f64::consts::PI;

use rlai::distribution::{Distribution, Draws, Head, Number, Scored};
use rlai::estimator::{
    ActionEstimator, Duals, ForwardKl, Origin, Particles, ReverseKlScore, Signal,
};
use rlai::nn::{Adam, Scalar};
use rlai::random::{Key, Stream};

/// A von Mises distribution of the angle `pi a`: density proportional to `exp(x cos(pi a) + y sin(pi a))`.
#[derive(Debug)]
struct VonMises;

/// Points of the quadrature of the constant: exact to rounding up to a concentration of about 60.
const POINTS: u32 = 64;

impl Distribution for VonMises {
    fn name(&self) -> &str {
        "von-mises"
    }

    fn parameters(&self) -> usize {
        2
    }

    fn coordinates(&self) -> usize {
        1
    }

    /// Best and Fisher (1979).
    fn sample(&self, natural: &[f64], random: &mut Stream, _: &mut [usize], action: &mut [f64]) {
        let kappa = natural[0].hypot(natural[1]);
        let tau = 1.0 + (1.0 + 4.0 * kappa * kappa).sqrt();
        let q = 2.0 * kappa / tau;
        let cosine = loop {
            let z = (PI * random.unit()).cos();
            let cosine = (q + z) / (1.0 + q * z);
            let (c, uniform) = (0.5 * tau - kappa * cosine, random.unit());
            if uniform < c * (2.0 - c) || (c / uniform).ln() + 1.0 >= c {
                break cosine.clamp(-1.0, 1.0);
            }
        };
        let sign = if random.unit() < 0.5 { -1.0 } else { 1.0 };
        let angle = natural[1].atan2(natural[0]) + sign * cosine.acos();
        action[0] = angle.sin().atan2(angle.cos()) / PI;
    }

    fn log_density<S: Number>(&self, natural: &[S], _: &[usize], action: &[S]) -> S {
        let energy = |angle: S| natural[0] * angle.cos() + natural[1] * angle.sin();
        let largest = natural[0].re().hypot(natural[1].re());
        let point = |i: u32| S::from(f64::from(i) * 2.0 * PI / f64::from(POINTS));
        let total: S = (0..POINTS).map(|i| (energy(point(i)) - largest).exp()).sum();
        energy(action[0] * PI) - largest - (total * (2.0 / f64::from(POINTS))).ln()
    }

    fn mode(&self, natural: &[f64], _: &mut [usize], action: &mut [f64]) {
        action[0] = natural[1].atan2(natural[0]) / PI;
    }
}

const TARGET: [f64; 2] = [-1.6, 2.1];
const ALPHA: f64 = 0.5;
const SAMPLES: usize = 64;

/// Q of the target at this temperature, and a constant that is to have no effect.
fn q(action: f64) -> f64 {
    let angle = PI * action;
    7.0 + ALPHA * (TARGET[0] * angle.cos() + TARGET[1] * angle.sin())
}

/// Steps down the gradient that the estimator asks for; returns the mean of the last half's parameters.
fn train<T: Scalar>(estimator: &dyn ActionEstimator<T>, steps: usize) -> [f64; 2] {
    let head = Scored::new(VonMises);
    let mut parameters = [T::one(), T::zero()];
    let mut random = Key::from_seed(3).stream("draws");
    let (mut draws, mut signal) = (Draws::new(1, SAMPLES, 1), Signal::new(1, SAMPLES, 1));
    let log_base = vec![-T::from_f64(SAMPLES as f64).ln(); SAMPLES];
    let (mut adam, mut mean) = (Adam::new(2), [0.0; 2]);
    for step in 0..steps {
        head.draw(&parameters, &mut random, &mut draws);
        let q: Vec<T> = draws.action.iter().map(|a| T::from_f64(q(a.widen()))).collect();
        let particles = Particles {
            samples: SAMPLES,
            origins: &[Origin::Policy; SAMPLES],
            log_pi: &draws.log_pi,
            log_pi_0: None,
            log_base: &log_base,
            q: &q,
            dq_du: None,
            dl_du: None,
            value: None,
        };
        estimator.signal(&particles, &Duals::temperature(T::from_f64(ALPHA)), &mut signal);
        let mut gradient = [T::zero(); 2];
        head.backward(&parameters, &draws, &signal, &mut gradient);
        adam.step(&mut parameters, &gradient, T::one(), 0.01);
        if step >= steps / 2 {
            let share = 2.0 / steps as f64;
            mean.iter_mut().zip(&parameters).for_each(|(m, p)| *m += share * p.widen());
        }
    }
    mean
}

/// At the optimum the score-function form's signal has no variance at all, so it ends there exactly; the
/// self-normalised form goes on to fluctuate, and has a bias of the order 1/N away from the optimum only.
#[test]
fn both_divergences_find_the_target() {
    let reverse = train::<f64>(&ReverseKlScore, 3000);
    let forward = train::<f64>(&ForwardKl::default(), 4000);
    let steadied = train::<f64>(&ForwardKl { control_variate: true, ..ForwardKl::default() }, 3000);
    for (found, tolerance) in [(reverse, 1e-3), (forward, 0.05), (steadied, 1e-3)] {
        for (found, target) in found.iter().zip(TARGET) {
            assert!((found - target).abs() < tolerance, "{found} is not {target}");
        }
    }
}

#[test]
fn so_does_single_precision() {
    let found = train::<f32>(&ReverseKlScore, 3000);
    assert!(found.iter().zip(TARGET).all(|(f, t)| (f - t).abs() < 1e-3), "{found:?}");
}

/// In f64, by equal steps all the way round; the density is periodic.
fn expectation(natural: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let count = 4000;
    let term = |i: i32| {
        let action = -1.0 + 2.0 * f64::from(i) / f64::from(count);
        VonMises.log_density(natural, &[], &[action]).exp() * f(action) * 2.0 / f64::from(count)
    };
    (0..count).map(term).sum()
}

/// Kolmogorov and Smirnov's test, at a chance of 1e-4.
#[test]
fn the_sampler_is_that_of_the_density() {
    for natural in [[0.0, 0.0], [0.0, 1e-9], TARGET, [20.0, -30.0]] {
        let (count, cells) = (20_000, 4000);
        let mut draws: Draws<f64> = Draws::new(1, count, 1);
        Scored::new(VonMises).draw(&natural, &mut Key::from_seed(5).stream("draws"), &mut draws);
        draws.action.sort_by(f64::total_cmp);
        let (n, width) = (count as f64, 2.0 / f64::from(cells));
        let (mut below, mut seen, mut distance) = (0.0, 0, 0.0f64);
        for cell in 0..cells {
            let middle = -1.0 + width * (f64::from(cell) + 0.5);
            below += width * VonMises.log_density(&natural, &[], &[middle]).exp();
            seen += draws.action[seen..].partition_point(|&action| action < middle + 0.5 * width);
            distance = distance.max((seen as f64 / n - below).abs());
        }
        assert!((below - 1.0).abs() < 1e-8, "{natural:?}: {below}");
        // 2 exp(-2 n D^2) = 1e-4.
        assert!(distance < (2e4f64.ln() / (2.0 * n)).sqrt(), "{natural:?}: {distance}");
    }
}

/// The score of an exponential family: its statistics less their expectations.
#[test]
fn the_derived_score_is_the_known_one() {
    let expected = [
        expectation(&TARGET, |action| (PI * action).cos()),
        expectation(&TARGET, |action| (PI * action).sin()),
    ];
    for action in [-0.9, 0.0, 0.4] {
        let mut score = [0.0; 2];
        Scored::new(VonMises).derived_score(&TARGET, &[], &[action], &mut score);
        let (sine, cosine) = (PI * action).sin_cos();
        assert!((score[0] - (cosine - expected[0])).abs() < 1e-12);
        assert!((score[1] - (sine - expected[1])).abs() < 1e-12);
    }
}

/// With the series of the Bessel function I_0 in the constant.
#[test]
fn the_log_density_is_the_known_one() {
    for natural in [[0.0, 0.0], TARGET, [12.0, -9.0]] {
        let kappa = f64::hypot(natural[0], natural[1]);
        let mut term = 1.0;
        let mut bessel = 1.0;
        for m in 1..200 {
            term *= (0.5 * kappa / f64::from(m)).powi(2);
            bessel += term;
        }
        for action in [-0.9, 0.0, 0.4] {
            let (sine, cosine) = (PI * action).sin_cos();
            let known = natural[0] * cosine + natural[1] * sine - (2.0 * bessel).ln();
            let own = VonMises.log_density(&natural, &[], &[action]);
            assert!((own - known).abs() < 1e-12, "{natural:?} {action}: {own} {known}");
        }
    }
}
