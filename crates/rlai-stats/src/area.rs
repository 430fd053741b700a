//! The area under a learning curve: how much was reached on the way, not at its end.

use crate::curve::Curve;
use crate::error::{Error, Result};

/// The mean of the curve over steps 0 to `until`, (1 / X) times its integral by the trapezoid rule, in the
/// unit of the values. Before its first point the curve is taken to have that point's value.
///
/// # Errors
/// `until` not above 0, or beyond the last point.
///
/// ```
/// # use rlai_stats::{Curve, area};
/// let curve = Curve::new(vec![0.0, 10.0, 20.0], vec![0.0, 1.0, 1.0])?;
/// assert_eq!(area::under(&curve, 20.0)?, 0.75);
/// # Ok::<(), rlai_stats::Error>(())
/// ```
pub fn under(curve: &Curve, until: f64) -> Result<f64> {
    let (last, _) = curve.last();
    if !(until > 0.0 && until <= last) {
        return Err(Error::parameter("until", until, &format!("above 0, at most {last}")));
    }
    let (steps, values) = (curve.steps(), curve.values());
    let mut before = (0.0, values[0]);
    let mut area = 0.0;
    // What the curve between two points adds to the mean: no sum is larger than its values.
    let share =
        |from: (f64, f64), to: (f64, f64)| (to.0 - from.0) / until * f64::midpoint(from.1, to.1);
    for (&step, &value) in steps.iter().zip(values).take_while(|(step, _)| **step < until) {
        area += share(before, (step, value));
        before = (step, value);
    }
    // Within the curve, or before its first point.
    let end = curve.at(until).unwrap_or(values[0]);
    Ok(area + share(before, (until, end)))
}
