use crate::nn::Scalar;

/// The dual variables as an estimator sees them: plain numbers. Whoever owns them takes their steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Duals<T> {
    /// Temperature alpha of the target exp(Q/alpha) pi_0 / Z.
    pub alpha: T,
    /// Temperature of weights that have one of their own: MPO's eta. Estimators without one ignore it.
    pub eta: T,
    /// Multipliers of the trust region, where an estimator has one.
    pub trust_region: super::TrustRegion<T>,
}

impl<T: Scalar> Duals<T> {
    /// The temperature alone: eta is the same, and the trust region has no weight.
    pub fn temperature(alpha: T) -> Self {
        let trust_region = super::TrustRegion::zero();
        Self { alpha, eta: alpha, trust_region }
    }
}
