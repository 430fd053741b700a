use crate::nn::{Scalar, smaller};

/// Largest exponent of a density ratio that is exponentiated: beyond it a weight would overflow single
/// precision. Only orders outside of [0, 1] come near.
const LARGEST_EXPONENT: f64 = 60.0;

/// A divergence `D(p, pi) = int p f(pi/p)` between the target p and the policy pi, f convex, f(1) = 0.
///
/// Everything is a function of `log_ratio`, log(p/pi).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Divergence {
    /// KL(p || pi), f(t) = -log t.
    ForwardKl,
    /// KL(pi || p), f(t) = t log t.
    ReverseKl,
    /// Half of KL(p || m) + KL(pi || m), m the equal mixture of the two; never above log 2.
    JensenShannon,
    /// Amari's alpha-divergence of this order a, `f(t) = (t^a - a t + a - 1) / (a (a - 1))`: order 0 is
    /// forward KL, 1 reverse KL, 1/2 four times the squared Hellinger distance (1 - its affinity).
    Alpha(f64),
}

impl Divergence {
    /// `f'(pi/p)`: what a draw from pi weighs in the gradient, `E_pi[f'(pi/p) grad log pi]`.
    pub fn derivative<T: Scalar>(self, log_ratio: T) -> T {
        match self {
            Self::ForwardKl => -exp(log_ratio),
            Self::ReverseKl => T::one() - log_ratio,
            Self::JensenShannon => {
                T::from_f64(0.5) * (T::from_f64(2.0f64.ln()) - softplus(log_ratio))
            }
            Self::Alpha(order) => -power_difference(log_ratio, 1.0 - order),
        }
    }

    /// `f'(1)`, its value where the policy is the target.
    pub fn derivative_at_one<T: Scalar>(self) -> T {
        self.derivative(T::zero())
    }

    /// `(p/pi) f(pi/p)`: its mean over draws from pi is the divergence.
    pub fn value<T: Scalar>(self, log_ratio: T) -> T {
        let one = T::one();
        match self {
            Self::ForwardKl => exp(log_ratio) * log_ratio,
            Self::ReverseKl => -log_ratio,
            Self::JensenShannon => {
                let ratio = exp(log_ratio);
                let log_mixture = softplus(log_ratio) - T::from_f64(2.0f64.ln());
                T::from_f64(0.5) * (ratio * log_ratio - (one + ratio) * log_mixture)
            }
            // Two forms of [rho^(1-a) - a + (a - 1) rho] / (a (a - 1)), each exact at its own limit.
            Self::Alpha(order) if order < 0.5 => {
                let ratio = exp(log_ratio);
                let tilt = -power_difference(log_ratio, -order);
                (ratio * tilt + ratio - one) / T::from_f64(order - 1.0)
            }
            Self::Alpha(order) => {
                let tilt = power_difference(log_ratio, 1.0 - order);
                (exp(log_ratio) - one - tilt) / T::from_f64(order)
            }
        }
    }
}

fn exp<T: Scalar>(exponent: T) -> T {
    smaller(exponent, T::from_f64(LARGEST_EXPONENT)).exp()
}

/// `log(1 + exp x)`, for every x.
fn softplus<T: Scalar>(x: T) -> T {
    x.max(T::zero()) + (-x.abs()).exp().ln_1p()
}

/// `(exp(c x) - 1) / c`, which is x at c = 0.
fn power_difference<T: Scalar>(x: T, c: f64) -> T {
    let c = T::from_f64(c);
    if c == T::zero() {
        return x;
    }
    smaller(c * x, T::from_f64(LARGEST_EXPONENT)).exp_m1() / c
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAMILIES: [Divergence; 9] = [
        Divergence::ForwardKl,
        Divergence::ReverseKl,
        Divergence::JensenShannon,
        Divergence::Alpha(-1.0),
        Divergence::Alpha(0.0),
        Divergence::Alpha(0.4),
        Divergence::Alpha(0.5),
        Divergence::Alpha(1.0),
        Divergence::Alpha(2.0),
    ];

    /// f(t), t = pi/p, by way of `(p/pi) f(pi/p)`.
    fn f(family: Divergence, t: f64) -> f64 {
        t * family.value(-t.ln())
    }

    #[test]
    fn the_derivative_is_that_of_f() {
        for family in FAMILIES {
            for t in [0.05, 0.4, 1.0, 1.3, 7.0] {
                let h = 1e-5 * t;
                let numeric = (f(family, t + h) - f(family, t - h)) / (2.0 * h);
                let got: f64 = family.derivative(-t.ln());
                let error = (got - numeric).abs() / numeric.abs().max(1.0);
                assert!(error < 1e-8, "{family:?} at {t}: {got} {numeric}");
            }
        }
    }

    #[test]
    fn f_is_zero_at_one_and_jensen_shannon_is_bounded() {
        for family in FAMILIES {
            assert!(f(family, 1.0).abs() < 1e-15, "{family:?}");
        }
        // Disjoint supports: half of log 2 from either side.
        let half = 0.5 * 2.0f64.ln();
        assert!((Divergence::JensenShannon.value(-800.0f64) - half).abs() < 1e-12);
    }
}
