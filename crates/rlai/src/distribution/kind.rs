use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{FactoredCategorical, SharedHead, TanhNormal};
use crate::env::ActionShape;
use crate::nn::Scalar;

/// Which distribution a policy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyKind {
    /// Tanh-normal.
    TanhNormal,
    /// Categorical.
    Categorical,
}

/// A policy's distribution with its settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySettings {
    /// Which.
    pub kind: PolicyKind,
    /// Branches.
    pub branches: usize,
    /// Joint.
    pub joint: bool,
    /// Bins.
    pub bins: usize,
    /// Lower.
    pub log_std_min: f64,
    /// Upper.
    pub log_std_max: f64,
}

impl PolicyKind {
    /// Default.
    pub fn default_for(shape: &ActionShape) -> Self {
        if shape.factors.is_empty() { Self::TanhNormal } else { Self::Categorical }
    }
}

impl PolicySettings {
    /// Head.
    pub fn head<T: Scalar>(&self, shape: &ActionShape) -> Result<SharedHead<T>, String> {
        if !shape.factors.is_empty() {
            return Ok(Arc::new(FactoredCategorical::new(shape.factors.clone())));
        }
        Ok(Arc::new(TanhNormal::new(shape.coordinates, self.log_std_min, self.log_std_max)))
    }
}
