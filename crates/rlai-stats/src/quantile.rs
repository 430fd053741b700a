//! Quantiles of samples and of the normal distribution.

use std::f64::consts::{PI, SQRT_2};

use statrs::function::erf::erfc_inv;

use crate::error::{Error, Result, within};

/// The quantile of sorted numbers, between two of them by linear interpolation (NumPy's default, type 7 of
/// Hyndman and Fan 1996). `share` from 0 to 1; infinite numbers may stand at the ends: what
/// lies between one and a finite number is infinite, what lies between both is the nearer.
///
/// # Errors
/// No numbers, or a share outside of 0 to 1.
///
/// ```
/// assert_eq!(rlai_stats::quantile::of_sorted(&[1.0, 2.0, 4.0], 0.75), Ok(3.0));
/// ```
pub fn of_sorted(sorted: &[f64], share: f64) -> Result<f64> {
    within("share", share, 0.0..=1.0)?;
    let Some(last) = sorted.len().checked_sub(1) else {
        return Err(Error::too_few("numbers", 1));
    };
    let place = share * last as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    let (a, b) = (sorted[low], sorted[(low + 1).min(last)]);
    // Equal ends may be infinite, and no number lies between two infinite ones. From the nearer end, as NumPy
    // does, the other one is met exactly; ends whose distance is no number are weighed instead.
    Ok(match part {
        _ if a == b || part == 0.0 => a,
        part if a.is_infinite() && b.is_infinite() => {
            if part <= 0.5 {
                a
            } else {
                b
            }
        }
        _ if a.is_infinite() => a,
        part if b.is_finite() && (b - a).is_infinite() => a * (1.0 - part) + b * part,
        part if part < 0.5 || b.is_infinite() => a + (b - a) * part,
        part => b - (b - a) * (1.0 - part),
    })
}

/// The median of at least one number, infinite ones included: two in the middle are averaged.
///
/// # Errors
/// No numbers.
pub fn median(values: &[f64]) -> Result<f64> {
    if values.is_empty() {
        return Err(Error::too_few("numbers", 1));
    }
    Ok(median_of(&mut values.to_vec()))
}

/// The median of at least one number, whose order is lost.
pub(crate) fn median_of(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    match below.iter().copied().max_by(f64::total_cmp) {
        Some(lower) if below.len() * 2 == values.len() && lower != upper => {
            f64::midpoint(lower, upper)
        }
        _ => upper,
    }
}

/// The standard normal distribution function.
pub fn normal_cdf(z: f64) -> f64 {
    // statrs' own erfc is right to ten digits, this one to the last.
    libm::erfc(-z / SQRT_2) / 2.0
}

/// The standard normal quantile: where [`normal_cdf`] is `probability`; infinite at 0 and 1.
pub fn normal_quantile(probability: f64) -> f64 {
    let z = -SQRT_2 * erfc_inv(2.0 * probability);
    if !z.is_finite() {
        return z;
    }
    // One step of Halley's method (Acklam's refinement) takes statrs' ten digits to the last ones.
    let error = normal_cdf(z) - probability;
    let step = error * (2.0 * PI).sqrt() * (z * z / 2.0).exp();
    if step.is_finite() { z - step / (1.0 + z * step / 2.0) } else { z }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinite_ends_are_no_undefined_quantiles() {
        const INF: f64 = f64::INFINITY;
        for share in [0.0, 0.25, 0.5, 0.75] {
            assert_eq!(of_sorted(&[-INF, 1.0], share), Ok(-INF));
            assert_eq!(of_sorted(&[1.0, INF], 1.0 - share), Ok(INF));
            assert_eq!(of_sorted(&[-INF, INF], share), Ok(if share > 0.5 { INF } else { -INF }));
        }
        assert_eq!(of_sorted(&[-INF, 1.0], 1.0), Ok(1.0));
        assert_eq!(of_sorted(&[1.0, INF], 0.0), Ok(1.0));
        assert_eq!(of_sorted(&[-INF, -INF, 1.0, 3.0, INF], 0.625), Ok(2.0));
    }
}
