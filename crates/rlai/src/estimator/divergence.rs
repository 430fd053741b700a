use crate::nn::{Scalar, smaller};

/// Largest exponent of a weight, base and density ratio together: not far beyond it single precision
/// overflows. Particles' normalised weights are at most 1 for orders in [0, 1] and do not come near;
/// where the ratio stands alone it does, in forward KL and in alpha-divergences of order below 1: what
/// has a base gives it to [`Divergence::weight`], rather than multiply a derivative by it.
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
        self.weight(T::zero(), log_ratio)
    }

    /// `f'(1)`, its value where the policy is the target.
    pub fn derivative_at_one<T: Scalar>(self) -> T {
        self.derivative(T::zero())
    }

    /// `(p/pi) f(pi/p)`: its mean over draws from pi is the divergence.
    pub fn value<T: Scalar>(self, log_ratio: T) -> T {
        self.weighted_value(T::zero(), log_ratio)
    }

    /// `exp(log_base) f'(pi/p)`. A particle of hardly any base may have a huge ratio: the two are
    /// multiplied as logarithms.
    pub fn weight<T: Scalar>(self, log_base: T, log_ratio: T) -> T {
        match self {
            Self::ForwardKl => -exp(log_base + log_ratio),
            Self::ReverseKl => log_base.exp() * (T::one() - log_ratio),
            Self::JensenShannon => {
                let log_half_mixture = softplus(log_ratio) - T::from_f64(2.0f64.ln());
                -T::from_f64(0.5) * log_base.exp() * log_half_mixture
            }
            Self::Alpha(order) => -power_difference(log_base, log_ratio, 1.0 - order),
        }
    }

    /// `exp(log_base) (p/pi) f(pi/p)`.
    pub fn weighted_value<T: Scalar>(self, log_base: T, log_ratio: T) -> T {
        let (base, target) = (log_base.exp(), exp(log_base + log_ratio));
        match self {
            Self::ForwardKl => target * log_ratio,
            Self::ReverseKl => -base * log_ratio,
            Self::JensenShannon => {
                let log_half_mixture = softplus(log_ratio) - T::from_f64(2.0f64.ln());
                T::from_f64(0.5) * (target * log_ratio - (base + target) * log_half_mixture)
            }
            // Two forms of [rho^(1-a) - a + (a - 1) rho] / (a (a - 1)), each exact at its own limit.
            Self::Alpha(order) if order < 0.5 => {
                let tilt = -power_difference(log_base + log_ratio, log_ratio, -order);
                (tilt + target - base) / T::from_f64(order - 1.0)
            }
            Self::Alpha(order) => {
                let tilt = power_difference(log_base, log_ratio, 1.0 - order);
                (target - base - tilt) / T::from_f64(order)
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

/// `exp(b) (exp(c x) - 1) / c`, which is `exp(b) x` at c = 0.
fn power_difference<T: Scalar>(b: T, x: T, c: f64) -> T {
    let c = T::from_f64(c);
    if c == T::zero() {
        return b.exp() * x;
    }
    let power = c * x;
    if power > T::one() {
        return (exp(b + power) - b.exp()) / c;
    }
    b.exp() * power.exp_m1() / c
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
