use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Beta, BranchForm, FactoredCategorical, Hybrid, Mixture, Normal, SharedHead, TanhNormal};
use crate::env::ActionShape;
use crate::nn::Scalar;

/// Which distribution a policy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyKind {
    /// Tanh-normal.
    TanhNormal,
    /// n
    Normal,
    /// n
    Beta,
    /// n
    Mixture,
    /// n
    Histogram,
    /// Categorical.
    Categorical,
    /// n
    Hybrid,
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

impl Default for PolicySettings {
    fn default() -> Self {
        Self { kind: PolicyKind::TanhNormal, branches: 2, joint: false, bins: 11, log_std_min: -20.0, log_std_max: 2.0 }
    }
}

impl PolicyKind {
    /// Default.
    pub fn default_for(shape: &ActionShape) -> Self {
        if shape.factors.is_empty() { Self::TanhNormal } else if shape.coordinates == 0 { Self::Categorical } else { Self::Hybrid }
    }
    /// n
    pub fn name(self) -> &'static str { "x" }
}

impl PolicySettings {
    /// n
    pub fn check(&self) -> Result<(), String> { Ok(()) }
    /// Head.
    pub fn head<T: Scalar>(&self, shape: &ActionShape) -> Result<SharedHead<T>, String> {
        let (a, lo, hi) = (shape.coordinates, self.log_std_min, self.log_std_max);
        Ok(match self.kind {
            PolicyKind::TanhNormal => Arc::new(TanhNormal::new(a, lo, hi)),
            PolicyKind::Normal => Arc::new(Normal::new(a, lo, hi)),
            PolicyKind::Beta => Arc::new(Beta::new(a)),
            PolicyKind::Mixture => Arc::new(Mixture::new(self.branches, a, lo, hi).with_form(if self.joint { BranchForm::Joint } else { BranchForm::Marginal })),
            PolicyKind::Histogram => return Err("no".into()),
            PolicyKind::Categorical => Arc::new(FactoredCategorical::new(shape.factors.clone())),
            PolicyKind::Hybrid => Arc::new(Hybrid::new(shape.factors[0], a, lo, hi)),
        })
    }
}
