//! What a decision process must be.

use super::{Process, ProcessError, ProcessSpec};

/// How far from 1 a sum of probabilities may be by rounding.
const TOLERANCE: f64 = 1e-9;

/// Largest alpha, and one over the smallest: squares of what is computed stay finite.
const LARGEST_ALPHA: f64 = 1e50;

/// Largest reward in units of alpha, and largest logit: beyond it log-probabilities would keep fewer
/// than six digits after the point.
const LARGEST: f64 = 1e9;

type Check = Result<(), ProcessError>;

pub(super) fn check(spec: &ProcessSpec) -> Check {
    check_sizes(spec)?;
    check_scalars(spec)?;
    let (states, actions) = (spec.states, spec.actions);
    // The cap on H S A leaves S A S far below the largest integer of 64 bits.
    let arrays: [(&str, &[f64], &[usize]); 5] = [
        ("rho0", &spec.rho0, &[states]),
        ("P", &spec.transitions, &[states, actions, states]),
        ("r", &spec.rewards, &[states, actions]),
        ("pi0", &spec.default_policy, &[states, actions]),
        ("phi", &spec.logits, &[states, actions]),
    ];
    for (key, values, shape) in arrays {
        check_length(key, values.len(), shape)?;
    }
    check_probabilities("rho0", &spec.rho0)?;
    check_sum("rho0", &spec.rho0, false)?;
    check_rows("P", &spec.transitions, &[states, actions, states], true)?;
    check_rows("pi0", &spec.default_policy, &[states, actions], false)?;
    check_default(spec)?;
    let rewards = "finite, and at most 1e9 alpha in size";
    check_bounded("r", &spec.rewards, actions, (LARGEST * spec.alpha, rewards))?;
    check_bounded("phi", &spec.logits, actions, (LARGEST, "finite, and at most 1e9 in size"))
}

/// The probability that a row of `P` lacks, unless rounding explains it.
pub(super) fn missing_mass(row: &[f64]) -> f64 {
    let missing = 1.0 - row.iter().sum::<f64>();
    if missing > TOLERANCE { missing } else { 0.0 }
}

fn check_sizes(spec: &ProcessSpec) -> Check {
    let sizes = [("S", spec.states), ("A", spec.actions), ("H", spec.horizon)];
    for (key, size) in sizes {
        if size == 0 || size > Process::MAX_CELLS {
            let allowed = format!("from 1 to {}", Process::MAX_CELLS);
            return Err(ProcessError::value(key, size, allowed));
        }
    }
    let cells: u128 = sizes.iter().map(|&(_, size)| size as u128).product();
    if cells > Process::MAX_CELLS as u128 {
        let allowed = format!("at most {}", Process::MAX_CELLS);
        return Err(ProcessError::value("H * S * A", cells, allowed));
    }
    Ok(())
}

fn check_scalars(spec: &ProcessSpec) -> Check {
    if !(spec.alpha >= 1.0 / LARGEST_ALPHA && spec.alpha <= LARGEST_ALPHA) {
        let allowed = "a positive number, from 1e-50 to 1e50";
        return Err(ProcessError::value("alpha", spec.alpha, allowed));
    }
    if !(spec.z0 > 0.0 && spec.z0.is_finite()) {
        return Err(ProcessError::value("Z0", spec.z0, "a positive number"));
    }
    match spec.gamma {
        Some(gamma) if !(0.0..=1.0).contains(&gamma) => {
            Err(ProcessError::value("gamma", gamma, "from 0 to 1"))
        }
        _ => Ok(()),
    }
}

fn check_length(key: &str, length: usize, shape: &[usize]) -> Check {
    let expected: usize = shape.iter().product();
    if length == expected {
        return Ok(());
    }
    Err(ProcessError::Shape { key: key.to_owned(), length, expected: format!("{expected}") })
}

/// Every row along the last dimension is a distribution, or, where `partial`, at most one.
fn check_rows(key: &str, values: &[f64], shape: &[usize], partial: bool) -> Check {
    let (width, outer) = (shape[shape.len() - 1], &shape[..shape.len() - 1]);
    for (row, values) in values.chunks(width).enumerate() {
        let label = label(key, row, outer);
        check_probabilities(&label, values)?;
        check_sum(&label, values, partial)?;
    }
    Ok(())
}

fn check_probabilities(key: &str, values: &[f64]) -> Check {
    match values.iter().position(|p| !(0.0..=1.0 + TOLERANCE).contains(p)) {
        Some(i) => {
            let key = format!("{key}[{i}]");
            Err(ProcessError::value(key, values[i], "a probability, from 0 to 1"))
        }
        None => Ok(()),
    }
}

fn check_sum(key: &str, values: &[f64], partial: bool) -> Check {
    let sum: f64 = values.iter().sum();
    let what = format!("sum of {key}");
    if sum > 1.0 + TOLERANCE && partial {
        let allowed = "at most 1 (what it lacks to 1 is the probability of the end)";
        return Err(ProcessError::value(what, sum, allowed));
    }
    if (sum - 1.0).abs() > TOLERANCE && !partial {
        return Err(ProcessError::value(what, sum, "1 (within 1e-9)"));
    }
    Ok(())
}

fn check_default(spec: &ProcessSpec) -> Check {
    match spec.default_policy.iter().position(|&p| p == 0.0) {
        Some(cell) => {
            let key = label("pi0", cell, &[spec.states, spec.actions]);
            let allowed = "a positive probability: the policy, a softmax, takes every action, and \
                           the reverse KL would be infinite";
            Err(ProcessError::value(key, 0, allowed))
        }
        None => Ok(()),
    }
}

fn check_bounded(
    key: &str,
    values: &[f64],
    actions: usize,
    (largest, allowed): (f64, &str),
) -> Check {
    match values.iter().position(|value| !(-largest..=largest).contains(value)) {
        Some(cell) => {
            let key = label(key, cell, &[usize::MAX, actions]);
            Err(ProcessError::value(key, values[cell], allowed))
        }
        None => Ok(()),
    }
}

/// `P[0][1]`: the key with the indices of a row-major position in `shape`.
fn label(key: &str, position: usize, shape: &[usize]) -> String {
    let mut rest = position;
    let mut indices = Vec::new();
    for &length in shape.iter().rev() {
        indices.push(rest % length);
        rest /= length;
    }
    indices.iter().rev().fold(key.to_owned(), |label, index| format!("{label}[{index}]"))
}
