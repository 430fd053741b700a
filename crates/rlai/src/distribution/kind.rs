use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Beta, BranchForm, FactoredCategorical, Histogram, Hybrid, Mixture, Normal, SharedHead,
    TanhNormal,
};
use crate::env::ActionShape;
use crate::nn::Scalar;

/// The built-in distributions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyKind {
    /// [`TanhNormal`], for boxes.
    TanhNormal,
    /// [`Normal`], for boxes.
    Normal,
    /// [`Beta`], for boxes.
    Beta,
    /// [`Mixture`], for boxes.
    Mixture,
    /// [`Histogram`], for boxes.
    Histogram,
    /// [`FactoredCategorical`], for choices.
    Categorical,
    /// [`Hybrid`], for a choice and coordinates together.
    Hybrid,
}

impl PolicyKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::TanhNormal,
        Self::Normal,
        Self::Beta,
        Self::Mixture,
        Self::Histogram,
        Self::Categorical,
        Self::Hybrid,
    ];

    /// The name by which users choose it.
    pub fn name(self) -> &'static str {
        match self {
            Self::TanhNormal => "tanh-normal",
            Self::Normal => "normal",
            Self::Beta => "beta",
            Self::Mixture => "mixture",
            Self::Histogram => "histogram",
            Self::Categorical => "categorical",
            Self::Hybrid => "hybrid",
        }
    }

    /// What is taken for such actions unless a user says otherwise.
    pub fn default_for(shape: &ActionShape) -> Self {
        match (shape.factors.is_empty(), shape.coordinates) {
            (true, _) => Self::TanhNormal,
            (false, 0) => Self::Categorical,
            (false, _) => Self::Hybrid,
        }
    }

    /// Whether it is made for such actions; otherwise what it is made for, and what to take.
    fn check(self, shape: &ActionShape) -> Result<(), String> {
        let needs = match self {
            Self::Categorical => "choices and nothing else",
            Self::Hybrid => "one choice, and a box of coordinates beside it",
            _ => "a box of actions",
        };
        let has_box = shape.coordinates > 0;
        let fits = match self {
            Self::Categorical => !has_box && !shape.factors.is_empty(),
            Self::Hybrid => has_box && shape.factors.len() == 1,
            _ => has_box && shape.factors.is_empty(),
        };
        if fits { Ok(()) } else { Err(format!("needs {needs}; {}", advice(shape))) }
    }
}

/// What takes such actions.
fn advice(shape: &ActionShape) -> String {
    match (shape.factors.len(), shape.coordinates) {
        (0, 0) => "this action is made of nothing".to_owned(),
        (0, _) => "a box takes \"tanh-normal\", \"normal\", \"beta\", \"mixture\" or \"histogram\""
            .to_owned(),
        (_, 0) => "choices take \"categorical\"".to_owned(),
        (1, _) => "a choice with coordinates takes \"hybrid\"".to_owned(),
        (factors, _) => format!("no distribution takes {factors} choices and coordinates together"),
    }
}

/// A distribution of a policy, and what can be set of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySettings {
    /// Which one.
    pub kind: PolicyKind,
    /// Branches of a mixture, at least 1.
    pub branches: usize,
    /// Whether a mixture's score is that of branch and action together.
    pub joint: bool,
    /// Bins of a histogram's coordinate, at least 2.
    pub bins: usize,
    /// Lower clamp of a normal's log standard deviation.
    pub log_std_min: f64,
    /// Upper clamp of a normal's log standard deviation.
    pub log_std_max: f64,
}

impl Default for PolicySettings {
    /// A tanh-normal, clamped where soft actor-critic clamps it.
    fn default() -> Self {
        Self {
            kind: PolicyKind::TanhNormal,
            branches: 2,
            joint: false,
            bins: 11,
            log_std_min: -20.0,
            log_std_max: 2.0,
        }
    }
}

impl PolicySettings {
    /// Refuses numbers that no distribution can have.
    ///
    /// # Errors
    /// The key, its value and what is allowed.
    pub fn check(&self) -> Result<(), String> {
        let of =
            |key: &str, value: usize, allowed: &str| Err(format!("{key} = {value}: {allowed}"));
        if !(1..=MOST).contains(&self.branches) {
            return of("branches", self.branches, "from 1 to 1000");
        }
        if !(2..=MOST).contains(&self.bins) {
            return of("bins", self.bins, "from 2 to 1000");
        }
        let (low, high) = (self.log_std_min, self.log_std_max);
        if !(low.is_finite() && high.is_finite() && low < high) {
            return Err(format!("log_std_min = {low}: a number below log_std_max = {high}"));
        }
        Ok(())
    }

    /// The distribution for such actions.
    ///
    /// # Errors
    /// Why it cannot be had: numbers that are not allowed, or actions that it is not made for.
    pub fn head<T: Scalar>(&self, shape: &ActionShape) -> Result<SharedHead<T>, String> {
        self.check()?;
        self.kind.check(shape)?;
        let (dimension, low, high) = (shape.coordinates, self.log_std_min, self.log_std_max);
        let form = if self.joint { BranchForm::Joint } else { BranchForm::Marginal };
        Ok(match self.kind {
            PolicyKind::TanhNormal => Arc::new(TanhNormal::new(dimension, low, high)),
            PolicyKind::Mixture => {
                Arc::new(Mixture::new(self.branches, dimension, low, high).with_form(form))
            }
            PolicyKind::Histogram => Arc::new(Histogram::new(dimension, self.bins)),
            PolicyKind::Categorical => Arc::new(FactoredCategorical::new(shape.factors.clone())),
            PolicyKind::Hybrid => Arc::new(Hybrid::new(shape.factors[0], dimension, low, high)),
            PolicyKind::Normal => Arc::new(Normal::new(dimension, low, high)),
            PolicyKind::Beta => Arc::new(Beta::new(dimension)),
        })
    }
}

/// Most branches, or bins of a coordinate.
const MOST: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes() -> [ActionShape; 5] {
        let (of_box, choice) = (ActionShape::of_box(2), ActionShape::of_choices(3));
        let factors = ActionShape { factors: vec![3, 2], coordinates: 0 };
        let hybrid = ActionShape { factors: vec![3], coordinates: 2 };
        let many = ActionShape { factors: vec![3, 2], coordinates: 2 };
        [of_box, choice, factors, hybrid, many]
    }

    fn settings(kind: PolicyKind) -> PolicySettings {
        PolicySettings { kind, ..PolicySettings::default() }
    }

    #[test]
    fn every_kind_takes_its_actions_and_tells_why_not_others() {
        for kind in PolicyKind::ALL {
            for (i, shape) in shapes().iter().enumerate() {
                let fits = match kind {
                    PolicyKind::Categorical => i == 1 || i == 2,
                    PolicyKind::Hybrid => i == 3,
                    _ => i == 0,
                };
                match settings(kind).head::<f32>(shape) {
                    Ok(head) => {
                        assert!(fits, "{kind:?}: {shape:?}");
                        assert_eq!(head.shape(), shape);
                        assert_eq!(head.name().replace("factored-", ""), kind.name());
                    }
                    Err(reason) => assert!(!fits && reason.starts_with("needs"), "{reason}"),
                }
            }
        }
        let reason = settings(PolicyKind::Mixture).head::<f32>(&shapes()[1]).unwrap_err();
        assert_eq!(reason, "needs a box of actions; choices take \"categorical\"");
    }

    #[test]
    fn the_default_fits_and_names_are_those_of_files() {
        for shape in &shapes()[..4] {
            assert!(settings(PolicyKind::default_for(shape)).head::<f64>(shape).is_ok());
        }
        for kind in PolicyKind::ALL {
            let text = serde_json::to_string(&kind).expect("a name");
            assert_eq!(text, format!("\"{}\"", kind.name()));
        }
    }

    #[test]
    fn settings_reach_the_distribution_and_are_refused_by_name() {
        let (shape, default) = (ActionShape::of_box(2), PolicySettings::default());
        let width = |settings: PolicySettings| {
            settings.head::<f32>(&shape).map(|head| head.parameters_per_state())
        };
        let mixture = PolicySettings { kind: PolicyKind::Mixture, branches: 3, ..default };
        assert_eq!(width(mixture), Ok(3 * 5));
        let histogram = PolicySettings { kind: PolicyKind::Histogram, bins: 7, ..default };
        assert_eq!(width(histogram), Ok(14));
        let refused = |settings: PolicySettings| width(settings).unwrap_err();
        assert!(refused(PolicySettings { branches: 0, ..mixture }).starts_with("branches = 0"));
        assert!(refused(PolicySettings { bins: 1, ..histogram }).starts_with("bins = 1"));
        assert!(
            refused(PolicySettings { log_std_min: 3.0, ..default }).contains("log_std_min = 3")
        );
        assert!(refused(PolicySettings { log_std_max: f64::NAN, ..default }).contains("NaN"));
    }
}
