//! What tasks share, above all Gymnasium's of classic control: states from outside, and NumPy's squares.

use std::hint::black_box;

use super::StepError;

/// A state of P positions and V velocities, if the numbers are one.
pub(super) fn finite_state<const P: usize, const V: usize>(
    id: &str,
    qpos: &[f64],
    qvel: &[f64],
) -> Result<([f64; P], [f64; V]), StepError> {
    let (Ok(positions), Ok(velocities)) = (qpos.try_into(), qvel.try_into()) else {
        let (given_p, given_v) = (qpos.len(), qvel.len());
        let message = format!("{id}: positions {P}, velocities {V}; given {given_p} and {given_v}");
        return Err(StepError::State(message));
    };
    if qpos.iter().chain(qvel).any(|value| !value.is_finite()) {
        let message = format!("{id}: positions {qpos:?} and velocities {qvel:?} must be finite");
        return Err(StepError::State(message));
    }
    Ok((positions, velocities))
}

/// A snapshot as the numbers that it is made of.
pub(super) fn snapshot_of<const N: usize>(
    id: &str,
    snapshot: &[f64],
) -> Result<[f64; N], StepError> {
    let length = snapshot.len();
    let refusal = || StepError::State(format!("{id}: a snapshot of {length} numbers, not {N}"));
    snapshot.try_into().map_err(|_| refusal())
}

/// A flag of a snapshot, 0 or 1.
pub(super) fn flag_of(id: &str, name: &str, value: f64) -> Result<bool, StepError> {
    match value {
        0.0 => Ok(false),
        1.0 => Ok(true),
        _ => Err(StepError::State(format!("{id}: {name} = {value} in a snapshot: 0 or 1"))),
    }
}

/// A count of a snapshot.
pub(super) fn count_of(id: &str, name: &str, value: f64) -> Result<usize, StepError> {
    /// Beyond it not every whole number is a double.
    const MOST: f64 = (1u64 << f64::MANTISSA_DIGITS) as f64;
    if value.fract() == 0.0 && (0.0..=MOST).contains(&value) {
        Ok(value as usize)
    } else {
        let message = format!("{id}: {name} = {value} in a snapshot: a whole number, at least 0");
        Err(StepError::State(message))
    }
}

/// Python and NumPy square their scalars by the C library's `pow`, which rounds some squares
/// differently from a product. `black_box` keeps the compiler from turning the call into that product.
pub(super) fn square(x: f64) -> f64 {
    x.powf(black_box(2.0))
}
