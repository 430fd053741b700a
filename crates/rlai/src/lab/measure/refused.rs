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
    pub(super) fn new(setting: &str, value: impl ToString, reason: impl ToString) -> Self {
        let (setting, value) = (setting.to_owned(), value.to_string());
        Self { setting, value, reason: reason.to_string() }
    }
}
