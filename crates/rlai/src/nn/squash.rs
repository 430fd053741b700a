//! `tanh` with the logarithm of its derivative, for many numbers at once.

use super::Scalar;
use super::simd::vectorised;

/// `tanh(u)` and `log(1 - tanh(u)^2)`, both accurate for every `u` whose double is finite.
///
/// With m = exp(-2|u|) - 1: tanh|u| = -m/(2+m), and 1 - tanh^2 = 4 exp(-2|u|)/(2+m)^2.
pub fn squash<T: Scalar>(u: T) -> (T, T) {
    let two = T::from_f64(2.0);
    let ln_4 = T::from_f64(4.0f64.ln());
    let twice = two * u.abs();
    let m = (-twice).exp_m1();
    let action = (-m / (two + m)).copysign(u);
    let log_jacobian = ln_4 - twice - two * (T::one() + m).ln_1p();
    (action, log_jacobian)
}

/// [`squash`] of every number, by polynomials where single precision is enough: several numbers at once.
pub fn squash_all<T: Scalar>(u: &[T], actions: &mut [T], log_jacobians: &mut [T]) {
    assert!(u.len() == actions.len() && u.len() == log_jacobians.len(), "lengths differ");
    T::squash_all(u, actions, log_jacobians);
}

/// Number by number.
pub(super) fn plain<T: Scalar>(u: &[T], actions: &mut [T], log_jacobians: &mut [T]) {
    for ((&u, action), log_jacobian) in u.iter().zip(actions).zip(log_jacobians) {
        (*action, *log_jacobian) = squash(u);
    }
}

/// By [`squash_f32`].
pub(super) fn fast(u: &[f32], actions: &mut [f32], log_jacobians: &mut [f32]) {
    vectorised(Fast { u, actions, log_jacobians });
}

struct Fast<'a> {
    u: &'a [f32],
    actions: &'a mut [f32],
    log_jacobians: &'a mut [f32],
}

impl pulp::NullaryFnOnce for Fast<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for ((&u, action), log_jacobian) in self.u.iter().zip(self.actions).zip(self.log_jacobians)
        {
            (*action, *log_jacobian) = squash_f32(u);
        }
    }
}

/// Beyond this `exp(-2|u|)` is nothing beside one.
const FAR: f32 = 87.0;

#[inline(always)]
fn squash_f32(u: f32) -> (f32, f32) {
    let twice = 2.0 * u.abs();
    // Not `min`, which would turn NaN into a number.
    let m = exp_m1(if twice > FAR { -FAR } else { -twice });
    let action = (-m / (2.0 + m)).copysign(u);
    // log(1 + e) for e = exp(-2|u|) in (0, 1]: 2 atanh(s), s = e / (2 + e) in (0, 1/3].
    let e = 1.0 + m;
    let s = e / (2.0 + e);
    let t = s * s;
    let series = ATANH.iter().rev().fold(0.0, |sum, &c| sum * t + c);
    let log_1p = 2.0 * s * series;
    (action, LN_4 - twice - 2.0 * log_1p)
}

const LN_4: f32 = 2.0 * std::f32::consts::LN_2;
/// atanh(s) / s in powers of s^2: 1 / (2 i + 1). What is left out is below 9^-8 / 17 < 2e-9.
const ATANH: [f32; 8] =
    [1.0, 1.0 / 3.0, 1.0 / 5.0, 1.0 / 7.0, 1.0 / 9.0, 1.0 / 11.0, 1.0 / 13.0, 1.0 / 15.0];
/// (exp(r) - 1) / r in powers of r: 1 / (i + 1)!. What is left out is below 0.35^8 / 9! < 1e-9.
const EXP: [f32; 8] =
    [1.0, 1.0 / 2.0, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5040.0, 1.0 / 40320.0];

/// `exp(x) - 1` for x in [-87, 0]: x = n ln 2 + r with |r| at most half of ln 2, then 2^n (exp(r) - 1) + 2^n - 1.
#[inline(always)]
fn exp_m1(x: f32) -> f32 {
    /// Added and taken away again, it rounds to a whole number, which its last bits then hold.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 in two parts, the first of few enough digits that n times it is exact.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = x - n * LN_2[0] - n * LN_2[1];
    let series = r * EXP.iter().rev().fold(0.0, |sum, &c| sum * r + c);
    let power = f32::from_bits((rounded.to_bits() << 23).wrapping_add(127 << 23));
    power * series + (power - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_accurate_near_zero_and_far_out() {
        for u in [-30.0f64, -8.0, -1.0, -1e-9, 0.0, 1e-12, 0.3, 5.0, 200.0] {
            let (action, log_jacobian) = squash(u);
            assert!((action - u.tanh()).abs() <= 1e-15);
            let expected =
                if u.abs() > 15.0 { 4.0f64.ln() - 2.0 * u.abs() } else { -2.0 * u.cosh().ln() };
            assert!((log_jacobian - expected).abs() < 1e-12 * (1.0 + expected.abs()), "{u}");
        }
        assert!(squash(100.0f32).1.is_finite() && squash(100.0f32).0 == 1.0);
    }

    /// A few units in the last place of the action, and of the largest term of the logarithm.
    #[test]
    fn many_at_once_agree_with_double_precision() {
        let mut u: Vec<f32> = (0..200_000).map(|i| (i as f32 - 1e5) * 2.3e-4).collect();
        u.extend(
            (0..400)
                .map(|i| 10f32.powf(-30.0 + i as f32 * 0.08) * if i % 2 == 0 { 1.0 } else { -1.0 }),
        );
        u.extend([0.0, -0.0, 1e30, -1e30, f32::MIN_POSITIVE]);
        let (mut actions, mut logs) = (vec![f32::NAN; u.len()], vec![f32::NAN; u.len()]);
        squash_all(&u, &mut actions, &mut logs);
        for ((&u, &action), &log) in u.iter().zip(&actions).zip(&logs) {
            let (exact, exact_log) = squash(f64::from(u));
            let close = (f64::from(action) - exact).abs() <= 4e-7 * exact.abs();
            assert!(
                close && action.is_sign_positive() == u.is_sign_positive(),
                "{u}: {action} {exact}"
            );
            let error = (f64::from(log) - exact_log).abs();
            assert!(error <= 5e-7 * (2.0 + exact_log.abs()), "{u}: {log} {exact_log}");
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        let (mut action, mut log) = ([0.0f32; 3], [0.0f32; 3]);
        squash_all(&[f32::NAN, 0.5, f32::NAN], &mut action, &mut log);
        assert!(action[0].is_nan() && log[0].is_nan() && action[1].is_finite() && log[2].is_nan());
    }
}
