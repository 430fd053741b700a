use thiserror::Error;

/// A setting that an estimator cannot work with, or that would say nothing: what, its value, and why.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{setting} = {value}: {reason}")]
pub struct Refused {
    /// Name of the setting, such as `samples`.
    pub setting: String,
    /// Its value.
    pub value: String,
    /// Why it is refused, and what is allowed.
    pub reason: String,
}

impl Refused {
    /// A refusal of this setting's value.
    pub fn new(setting: &str, value: impl ToString, reason: impl ToString) -> Self {
        let (setting, value) = (setting.to_owned(), value.to_string());
        Self { setting, value, reason: reason.to_string() }
    }
}

/// Most numbers that one gradient may need at a time.
const MOST_PARTICLES: usize = 10_000_000;

/// Refuses sizes whose product would not fit into memory; `sizes` are settings with their values.
pub(super) fn check_room(sizes: &[(&str, usize)]) -> Result<(), Refused> {
    let product = sizes.iter().fold(1usize, |product, &(_, size)| product.saturating_mul(size));
    if product <= MOST_PARTICLES {
        return Ok(());
    }
    let names: Vec<&str> = sizes.iter().map(|&(name, _)| name).collect();
    let reason = format!("at most {MOST_PARTICLES} in one gradient");
    Err(Refused::new(&names.join(" * "), product, reason))
}

/// Refuses an exact gradient that has no number for a cell.
pub(super) fn check_exact(estimator: &str, exact: &[f64]) -> Result<(), Refused> {
    match exact.iter().find(|cell| !cell.is_finite()) {
        None => Ok(()),
        Some(cell) => {
            let reason = format!("its exact gradient is not finite on this problem ({cell})");
            Err(Refused::new("estimator", estimator, reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check_exact;

    #[test]
    fn a_gradient_that_is_not_finite_is_refused() {
        assert!(check_exact("mixed-kl", &[0.0, -1e300]).is_ok());
        for cell in [f64::NAN, f64::INFINITY] {
            let refused = check_exact("mixed-kl", &[0.0, cell]).unwrap_err().to_string();
            let message = "estimator = mixed-kl: its exact gradient is not finite";
            assert!(refused.starts_with(message), "{refused}");
        }
    }
}
