//! The distribution function of Beta(a, b) in `u = atanh(2 x - 1)`, half the log odds of x, its inverse,
//! and the derivatives of the inverse with respect to a and b.
//!
//! With h the continued fraction of the incomplete beta function (Press et al. 2007, Numerical Recipes,
//! section 6.4), `F = x^a (1-x)^b h / (a B(a,b))`, and the density of u is `2 x^a (1-x)^b / B(a,b)`.
//! Their ratio is `h / 2a`: no power of x is left in it, so nothing overflows however far out u lies.

use num_dual::{DualNum, HyperDual64};
use statrs::function::erf::{erfc, erfc_inv};
use statrs::function::gamma::{digamma, ln_gamma};
use std::f64::consts::{LN_2, SQRT_2};

/// Most terms of the fraction; about the square root of the larger parameter is needed.
const TERMS: usize = 10_000;
/// Most steps of Newton's method, which needs about five.
const STEPS: usize = 100;
/// Noise does not come further out: beyond, the probability of the tail is no number.
const FURTHEST: f64 = 37.0;

/// Beta(a, b).
#[derive(Clone, Copy, Debug)]
pub(super) struct Shapes {
    pub a: f64,
    pub b: f64,
}

/// `log sigmoid(2 u)`: the log of x.
pub(super) fn log_x(u: f64) -> f64 {
    let twice = u + u;
    twice.min(0.0) - (-twice.abs()).exp().ln_1p()
}

impl Shapes {
    /// log B(a, b).
    pub(super) fn log_beta(&self) -> f64 {
        ln_gamma(self.a) + ln_gamma(self.b) - ln_gamma(self.a + self.b)
    }

    /// Means of log x and of log(1 - x): the derivatives of [`Shapes::log_beta`].
    pub(super) fn mean_logs(&self) -> [f64; 2] {
        let both = digamma(self.a + self.b);
        [digamma(self.a) - both, digamma(self.b) - both]
    }

    /// The distribution of 1 - x, whose u has the other sign.
    fn mirrored(&self) -> Self {
        Self { a: self.b, b: self.a }
    }

    /// Whether the fraction converges fast at x, rather than that of [`Shapes::mirrored`] at 1 - x.
    fn is_lower(&self, x: f64) -> bool {
        x <= (self.a + 1.0) / (self.a + self.b + 2.0)
    }

    /// du/da and du/db with the probability below u held fixed: the path of a reparameterised draw
    /// (implicit reparameterisation, Figurnov, Mohamed and Mnih 2018), -(dF/da) / (dF/du).
    /// `mean_logs` is [`Shapes::mean_logs`].
    pub(super) fn path(&self, mean_logs: [f64; 2], u: f64) -> [f64; 2] {
        if self.is_lower(log_x(u).exp()) {
            return self.lower_path(mean_logs, u);
        }
        let [d_b, d_a] = self.mirrored().lower_path([mean_logs[1], mean_logs[0]], -u);
        [-d_a, -d_b]
    }

    fn lower_path(&self, mean_logs: [f64; 2], u: f64) -> [f64; 2] {
        let a = HyperDual64::new(self.a, 1.0, 0.0, 0.0);
        let b = HyperDual64::new(self.b, 0.0, 1.0, 0.0);
        let (log_x, log_rest) = (log_x(u), log_x(-u));
        // Derivatives do not end where the fraction itself does, at a whole b.
        let h = fraction(a, b, log_x.exp(), |factor: HyperDual64| {
            is_small(factor.re - 1.0) && is_small(factor.eps1) && is_small(factor.eps2)
        });
        let d_log_f_da = log_x - mean_logs[0] - 1.0 / self.a + h.eps1 / h.re;
        let d_log_f_db = log_rest - mean_logs[1] + h.eps2 / h.re;
        let ratio = -h.re / (2.0 * self.a);
        [ratio * d_log_f_da, ratio * d_log_f_db]
    }

    /// Log of the probability F below u, and its derivative with respect to u. `log_beta` is
    /// [`Shapes::log_beta`].
    fn log_below(&self, log_beta: f64, u: f64) -> (f64, f64) {
        let (log_x, log_rest) = (log_x(u), log_x(-u));
        let log_common = self.a * log_x + self.b * log_rest - log_beta;
        if self.is_lower(log_x.exp()) {
            let ratio = self.fraction(log_x.exp()) / self.a;
            return (log_common + ratio.ln(), 2.0 / ratio);
        }
        let log_above = log_common + (self.mirrored().fraction(log_rest.exp()) / self.b).ln();
        let log_below = (-log_above.exp()).ln_1p();
        (log_below, (LN_2 + log_common - log_below).exp())
    }

    fn fraction(&self, x: f64) -> f64 {
        fraction(self.a, self.b, x, |factor: f64| is_small(factor - 1.0))
    }

    /// The standard normal number with as much probability below it as u has.
    pub(super) fn noise_of_u(&self, log_beta: f64, u: f64) -> f64 {
        let (log_below, _) = self.log_below(log_beta, u);
        if log_below <= -LN_2 {
            return normal_below(log_below);
        }
        -normal_below(self.mirrored().log_below(log_beta, -u).0)
    }

    /// The inverse of [`Shapes::noise`].
    ///
    /// Newton's method on log F, which is concave in u as the density of u is log-concave: it converges
    /// from wherever it starts, after the first step from below.
    pub(super) fn u_of_noise(&self, log_beta: f64, noise: f64) -> f64 {
        if noise > 0.0 {
            return -self.mirrored().u_of_noise(log_beta, -noise);
        }
        let log_tail = log_normal_tail(-noise);
        let mut u = self.likeliest_u();
        for _ in 0..STEPS {
            let (log_below, slope) = self.log_below(log_beta, u);
            let step = (log_tail - log_below) / slope;
            u += step;
            if step.abs() <= 1e-14 * u.abs().max(1.0) {
                break;
            }
        }
        u
    }

    /// Where the density of u is largest: x = a/(a+b), which is also the mean of x.
    pub(super) fn likeliest_u(&self) -> f64 {
        0.5 * (self.a.ln() - self.b.ln())
    }
}

/// Also of what is no number, and will not get better.
fn is_small(x: f64) -> bool {
    x.is_nan() || x.abs() <= 1e-14
}

/// h of the module's documentation, by the modified method of Lentz, until a factor is `settled`.
fn fraction<D: DualNum<Primitive = f64> + Copy>(
    a: D,
    b: D,
    x: f64,
    settled: impl Fn(D) -> bool,
) -> D {
    let sum = a + b;
    let mut c = D::from(1.0);
    let mut d = away_from_zero(-sum * x / (a + 1.0) + 1.0).recip();
    let mut h = d;
    for term in 1..TERMS {
        let m = term as f64;
        let even = (b - m) * (m * x) / ((a + (2.0 * m - 1.0)) * (a + 2.0 * m));
        let odd = -(a + m) * (sum + m) * x / ((a + 2.0 * m) * (a + (2.0 * m + 1.0)));
        let mut factor = D::from(1.0);
        for numerator in [even, odd] {
            d = away_from_zero(numerator * d + 1.0).recip();
            c = away_from_zero(numerator / c + 1.0);
            factor = d * c;
            h *= factor;
        }
        if settled(factor) {
            break;
        }
    }
    h
}

fn away_from_zero<D: DualNum<Primitive = f64> + Copy>(x: D) -> D {
    if x.re().abs() < 1e-300 { D::from(1e-300) } else { x }
}

/// Log of the probability above a standard normal `noise` that is not negative.
fn log_normal_tail(noise: f64) -> f64 {
    let noise = if noise > FURTHEST { FURTHEST } else { noise };
    (0.5 * erfc(noise / SQRT_2)).ln()
}

/// The standard normal number with this log probability below it, at most log 1/2.
fn normal_below(log_probability: f64) -> f64 {
    let noise = -SQRT_2 * erfc_inv(2.0 * log_probability.exp());
    if noise < -FURTHEST { -FURTHEST } else { noise }
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::function::beta::{beta_reg, inv_beta_reg};

    const SHAPES: [Shapes; 6] = [
        Shapes { a: 1.0, b: 1.0 },
        Shapes { a: 1.3, b: 4.0 },
        Shapes { a: 7.5, b: 2.2 },
        Shapes { a: 60.0, b: 45.0 },
        Shapes { a: 1.0, b: 300.0 },
        Shapes { a: 0.4, b: 0.7 },
    ];
    const PROBABILITIES: [f64; 7] = [1e-5, 0.02, 0.3, 0.5, 0.77, 0.99, 1.0 - 1e-5];

    fn to_u(x: f64) -> f64 {
        0.5 * (x.ln() - (-x).ln_1p())
    }

    #[test]
    fn probabilities_and_slopes_agree_with_another_implementation() {
        for shapes in SHAPES {
            let log_beta = shapes.log_beta();
            for x in [1e-4, 0.01, 0.2, 0.5, 0.6, 0.9, 0.999] {
                let (log_below, slope) = shapes.log_below(log_beta, to_u(x));
                let expected = beta_reg(shapes.a, shapes.b, x);
                assert!((log_below.exp() - expected).abs() < 1e-11, "{shapes:?} {x}");
                let at = |h: f64| shapes.log_below(log_beta, to_u(x) + h).0;
                let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((slope - numeric).abs() < 1e-7 * (1.0 + slope), "{shapes:?} {x}");
            }
        }
    }

    #[test]
    fn noise_and_u_lead_to_each_other() {
        for shapes in SHAPES {
            let log_beta = shapes.log_beta();
            for noise in [-30.0, -8.0, -2.5, -0.3, 0.0, 1e-3, 1.0, 6.0, 20.0] {
                let u = shapes.u_of_noise(log_beta, noise);
                let again = shapes.noise_of_u(log_beta, u);
                assert!((again - noise).abs() < 1e-9 * (1.0 + noise.abs()), "{shapes:?} {noise}");
            }
        }
    }

    /// The inverse of the distribution function is moved by its parameters as the path says.
    #[test]
    fn paths_are_derivatives_of_the_inverse() {
        for shapes in SHAPES {
            for p in PROBABILITIES {
                let noise = normal_below(p.min(1.0 - p).ln()) * (0.5 - p).signum();
                let inverse = |a: f64, b: f64| {
                    let shapes = Shapes { a, b };
                    shapes.u_of_noise(shapes.log_beta(), noise)
                };
                let (h, Shapes { a, b }) = (1e-4, shapes);
                let numeric = [
                    (inverse(a + h, b) - inverse(a - h, b)) / (2.0 * h),
                    (inverse(a, b + h) - inverse(a, b - h)) / (2.0 * h),
                ];
                let path = shapes.path(shapes.mean_logs(), inverse(a, b));
                for (path, numeric) in path.iter().zip(numeric) {
                    let error = (path - numeric).abs();
                    assert!(error < 2e-7 * (1.0 + path.abs()), "{shapes:?} {p}: {path} {numeric}");
                }
            }
        }
    }

    /// Against the inverse of another implementation, which is good to about 1e-9.
    #[test]
    fn paths_agree_with_another_implementations_inverse() {
        for Shapes { a, b } in [SHAPES[1], SHAPES[2], SHAPES[3]] {
            for p in [0.02, 0.3, 0.5, 0.77, 0.99] {
                let (shapes, h) = (Shapes { a, b }, 1e-3 * a);
                let inverse = |a: f64| to_u(inv_beta_reg(a, b, p));
                let slope = |h: f64| (inverse(a + h) - inverse(a - h)) / (2.0 * h);
                // Richardson's extrapolation: a wide step drowns the noise of the inverse.
                let numeric = (4.0 * slope(h) - slope(2.0 * h)) / 3.0;
                let [path, _] = shapes.path(shapes.mean_logs(), inverse(a));
                assert!((path - numeric).abs() < 1e-6, "{shapes:?} {p}: {path} {numeric}");
            }
        }
    }

    /// There the fraction has an end, but its derivatives have not.
    #[test]
    fn the_path_of_the_uniform_is_known() {
        for x in [1e-9f64, 0.1, 0.5, 0.7, 0.999] {
            // F(x; a, 1) = x^a, so dF/da = x log x at a = 1, and du/dx = 1/(2 x (1-x)).
            let expected = -x.ln() / (2.0 * (1.0 - x));
            let shapes = Shapes { a: 1.0, b: 1.0 };
            let [d_a, _] = shapes.path(shapes.mean_logs(), to_u(x));
            assert!((d_a - expected).abs() < 1e-11 * expected, "{x}: {d_a} {expected}");
        }
    }

    #[test]
    fn extreme_shapes_and_places_stay_numbers() {
        for (a, b) in [(1.0, 1.0), (1.0, 1e4), (1e4, 1.0), (1e4, 1e4)] {
            let shapes = Shapes { a, b };
            for u in [-500.0, -20.0, -1.0, 0.0, 3.0, 400.0] {
                let path = shapes.path(shapes.mean_logs(), u);
                assert!(path.iter().all(|x| x.is_finite()), "{shapes:?} {u}: {path:?}");
                assert!(shapes.noise_of_u(shapes.log_beta(), u).is_finite(), "{shapes:?} {u}");
            }
            for noise in [-50.0, -10.0, 0.0, 10.0, 50.0] {
                assert!(shapes.u_of_noise(shapes.log_beta(), noise).is_finite());
            }
        }
        let none = Shapes { a: f64::NAN, b: 2.0 };
        assert!(none.path(none.mean_logs(), 0.3)[0].is_nan());
        assert!(none.u_of_noise(none.log_beta(), 0.3).is_nan());
    }
}
