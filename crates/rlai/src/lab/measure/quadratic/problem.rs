use crate::lab::measure::Refused;

/// The Gaussian target of the test problem.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuadraticProblem {
    /// d, coordinates of an action.
    pub dimension: usize,
    /// m, the target's mean in every coordinate.
    pub target_mean: f64,
    /// s, the target's standard deviation in every coordinate.
    pub target_width: f64,
}

impl QuadraticProblem {
    /// Most coordinates.
    pub const MAX_DIMENSION: usize = 1_000;

    /// The problem in `dimension` coordinates, its target N(0.6, 0.8^2 I).
    pub fn new(dimension: usize) -> Self {
        Self { dimension, target_mean: 0.6, target_width: 0.8 }
    }

    pub(super) fn check(&self) -> Result<(), Refused> {
        let most = Self::MAX_DIMENSION;
        if !(1..=most).contains(&self.dimension) {
            return Err(Refused::new("dimension", self.dimension, format!("from 1 to {most}")));
        }
        if !(-10.0..=10.0).contains(&self.target_mean) {
            let reason = "from -10 to 10 standard deviations of the policy";
            return Err(Refused::new("target-mean", self.target_mean, reason));
        }
        if !(0.05..=20.0).contains(&self.target_width) {
            let reason = "from 0.05 to 20 standard deviations of the policy";
            return Err(Refused::new("target-width", self.target_width, reason));
        }
        Ok(())
    }

    /// Q of an action.
    pub fn q(&self, action: &[f64]) -> f64 {
        let distance: f64 = action.iter().map(|a| (a - self.target_mean).powi(2)).sum();
        -distance / (2.0 * self.variance())
    }

    /// dQ/da of one coordinate.
    pub fn dq_da(&self, coordinate: f64) -> f64 {
        (self.target_mean - coordinate) / self.variance()
    }

    /// E_pi[Q - log pi], exactly.
    pub fn value(&self) -> f64 {
        let spread = (1.0 + self.target_mean.powi(2)) / (2.0 * self.variance());
        let entropy = 0.5 * (1.0 + (2.0 * std::f64::consts::PI).ln());
        self.dimension as f64 * (entropy - spread)
    }

    pub(super) fn variance(&self) -> f64 {
        self.target_width * self.target_width
    }
}
