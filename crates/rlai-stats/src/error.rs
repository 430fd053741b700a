//! What is refused, and why.

use std::ops::RangeInclusive;

/// Why something cannot be worked out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing to work with.
    #[error("{what}: none, at least {needed} needed")]
    TooFew {
        /// What there is too little of.
        what: String,
        /// How many are needed.
        needed: usize,
    },
    /// A task without a run.
    #[error("task {task}: no runs, at least 1 needed")]
    NoRuns {
        /// The task's number, from 0.
        task: usize,
    },
    /// A score that is not a finite number.
    #[error("task {task}, run {run}: score = {value}: a finite number")]
    NotFinite {
        /// The task's number, from 0.
        task: usize,
        /// The run's number, from 0.
        run: usize,
        /// What the score is.
        value: f64,
    },
    /// Samples that have to be of the same tasks have different numbers of them.
    #[error("{left} and {right} tasks: samples that are compared have the same tasks")]
    TasksDiffer {
        /// Tasks of the first.
        left: usize,
        /// Tasks of the other.
        right: usize,
    },
    /// A parameter outside of its range.
    #[error("{name} = {value}: {allowed}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// What it was.
        value: String,
        /// What it may be.
        allowed: String,
    },
    /// A curve that is none.
    #[error("curve: {0}")]
    Curve(String),
    /// A statistic that has no value here.
    #[error("{what} is not defined: {reason}")]
    Undefined {
        /// The statistic.
        what: &'static str,
        /// Why it has no value.
        reason: String,
    },
}

/// What this crate's functions return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn parameter(name: &'static str, value: impl ToString, allowed: &str) -> Self {
        Self::Parameter { name, value: value.to_string(), allowed: allowed.to_owned() }
    }

    pub(crate) fn undefined(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Undefined { what, reason: reason.into() }
    }

    pub(crate) fn too_few(what: impl Into<String>, needed: usize) -> Self {
        Self::TooFew { what: what.into(), needed }
    }
}

/// `value` strictly between 0 and 1.
pub(crate) fn open_share(name: &'static str, value: f64) -> Result<f64> {
    match value > 0.0 && value < 1.0 {
        true => Ok(value),
        false => Err(Error::parameter(name, value, "above 0 and below 1")),
    }
}

/// `value` within a range.
pub(crate) fn within(name: &'static str, value: f64, range: RangeInclusive<f64>) -> Result<f64> {
    match range.contains(&value) {
        true => Ok(value),
        false => {
            let text = format!("from {} to {}", range.start(), range.end());
            Err(Error::parameter(name, value, &text))
        }
    }
}

/// Every number finite; what is wrong names the first that is not by its place.
pub(crate) fn finite(name: &'static str, values: &[f64]) -> Result<()> {
    match values.iter().find(|value| !value.is_finite()) {
        None => Ok(()),
        Some(value) => Err(Error::parameter(name, value, "finite numbers")),
    }
}
