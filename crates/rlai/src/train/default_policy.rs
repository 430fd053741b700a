use std::path::PathBuf;

use super::ConfigError;
use super::config::require;

/// The default policy pi_0: what the policy is held close to, and relative to which its divergence is
/// counted, in the estimator, the critic's target and the metrics alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum DefaultPolicy {
    /// log pi_0 = 0 everywhere: maximum entropy.
    #[default]
    Uniform,
    /// A normal density of every coordinate of the action in `[-1,1]`.
    Gaussian {
        /// Its mean.
        mean: f64,
        /// Its standard deviation.
        sd: f64,
    },
    /// The policy of a finished run: its folder.
    Run(PathBuf),
    /// A moving average of the policy's own parameters.
    Average {
        /// Share of the way to the policy, after every update.
        rate: f64,
    },
    /// The policy as it was after an earlier update. With forward KL and this default the weights are
    /// softmax(Q/alpha): MPO's update (Abdolmaleki et al. 2018).
    LastUpdate {
        /// Updates between two copies; 1: the policy that the update starts from.
        period: u64,
    },
}

impl DefaultPolicy {
    /// The word that chooses it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Gaussian { .. } => "gaussian",
            Self::Run(_) => "run",
            Self::Average { .. } => "average",
            Self::LastUpdate { .. } => "last-update",
        }
    }

    /// Refuses what cannot work or would have no effect.
    pub(super) fn check(&self, uses_temperature: bool) -> Result<(), ConfigError> {
        let shown = format!("{:?}", self.name());
        let allowed =
            "without effect: the objective has no temperature, and critic_target is classic";
        require(*self == Self::Uniform || uses_temperature, "default_policy", shown, allowed)?;
        match *self {
            Self::Gaussian { mean, sd } => {
                let fits = mean.abs() <= 10.0;
                require(fits, "default_policy_mean", mean, "from -10 to 10")?;
                let fits = (1e-3..=1e3).contains(&sd);
                require(fits, "default_policy_sd", sd, "from 0.001 to 1000")
            }
            Self::Average { rate } => {
                let fits = rate > 0.0 && rate < 1.0;
                let allowed = "above 0, below 1 (1 is \"last-update\")";
                require(fits, "default_policy_rate", rate, allowed)
            }
            Self::LastUpdate { period } => {
                require(period >= 1, "default_policy_period", period, "at least 1")
            }
            Self::Uniform | Self::Run(_) => Ok(()),
        }
    }
}
