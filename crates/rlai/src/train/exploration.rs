use super::ConfigError;
use super::config::require;

/// How consecutive actions of training hang together. Each of them still is, alone, a draw of the policy
/// (or uniform, before learning starts), but those that repeat one: they were drawn for an earlier state.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ExplorationNoise {
    /// Not at all.
    #[default]
    White,
    /// The base noise has a spectrum of 1/f (Eberhard et al. 2023, pink noise is all you need): a sum of
    /// ten autoregressions with time constants of 1 to 512 steps.
    Pink,
    /// The base noise is an Ornstein-Uhlenbeck process of unit variance (Uhlenbeck and Ornstein 1930;
    /// Lillicrap et al. 2016) that loses this share of itself a step.
    OrnsteinUhlenbeck(f64),
    /// An action is played for this many steps; replay holds its density under the policy of each.
    Repeat(usize),
}

impl ExplorationNoise {
    /// The word that chooses it.
    pub fn name(self) -> &'static str {
        match self {
            Self::White => "white",
            Self::Pink => "pink",
            Self::OrnsteinUhlenbeck(_) => "ornstein-uhlenbeck",
            Self::Repeat(_) => "repeat",
        }
    }

    /// Whether it is made of the distribution's base noise.
    pub fn is_coloured(self) -> bool {
        matches!(self, Self::Pink | Self::OrnsteinUhlenbeck(_))
    }

    pub(super) fn check(self) -> Result<(), ConfigError> {
        match self {
            Self::White | Self::Pink => Ok(()),
            Self::OrnsteinUhlenbeck(theta) => {
                let fits = theta > 0.0 && theta < 1.0;
                require(fits, "exploration_theta", theta, "above 0, below 1")
            }
            Self::Repeat(steps) => {
                let fits = (2..=1000).contains(&steps);
                require(fits, "exploration_steps", steps, "from 2 to 1000")
            }
        }
    }
}
