/// An estimator on a tabular process, by the name users type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tabular {
    /// Score of whole trajectories times their return (R1).
    ReverseKlTrajectory,
    /// Score of each step times what follows (R2).
    ReverseKlRewardToGo,
    /// Drawn states and actions with the exact soft Q (R3).
    ReverseKlScore,
    /// The same with the exact value of the state as baseline.
    ReverseKlValueBaseline,
    /// Drawn states, all actions (R4).
    ReverseKlAllActions,
    /// Self-normalised weights of whole trajectories (F1).
    ForwardKlTrajectory,
    /// The same with the evidence known (F1').
    ForwardKlKnownEvidence,
    /// Every step, state and action, nothing drawn (F2).
    ForwardKlExact,
    /// Drawn states with state weights, self-normalised drawn actions (F3).
    ForwardKl,
    /// Drawn states with state weights, all actions (F5).
    ForwardKlAllActions,
    /// Jensen-Shannon divergence of the action, drawn states and actions.
    JensenShannon,
    /// Amari's alpha-divergence of the action, drawn states and actions.
    AlphaDivergence,
    /// A mixture of both directions of KL of the action, drawn states and actions.
    MixedKl,
}

impl Tabular {
    /// Every estimator, in the order of the documentation.
    pub const ALL: [Self; 13] = [
        Self::ReverseKlTrajectory,
        Self::ReverseKlRewardToGo,
        Self::ReverseKlScore,
        Self::ReverseKlValueBaseline,
        Self::ReverseKlAllActions,
        Self::ForwardKlTrajectory,
        Self::ForwardKlKnownEvidence,
        Self::ForwardKlExact,
        Self::ForwardKl,
        Self::ForwardKlAllActions,
        Self::JensenShannon,
        Self::AlphaDivergence,
        Self::MixedKl,
    ];

    /// The name a user types.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReverseKlTrajectory => "reverse-kl-trajectory",
            Self::ReverseKlRewardToGo => "reverse-kl-reward-to-go",
            Self::ReverseKlScore => "reverse-kl-score",
            Self::ReverseKlValueBaseline => "reverse-kl-value-baseline",
            Self::ReverseKlAllActions => "reverse-kl-all-actions",
            Self::ForwardKlTrajectory => "forward-kl-trajectory",
            Self::ForwardKlKnownEvidence => "forward-kl-trajectory-known-evidence",
            Self::ForwardKlExact => "forward-kl-exact",
            Self::ForwardKl => "forward-kl",
            Self::ForwardKlAllActions => "forward-kl-all-actions",
            Self::JensenShannon => "jensen-shannon",
            Self::AlphaDivergence => "alpha-divergence",
            Self::MixedKl => "mixed-kl",
        }
    }

    /// Whether it weighs whole trajectories.
    pub fn is_trajectory(self) -> bool {
        matches!(
            self,
            Self::ReverseKlTrajectory
                | Self::ReverseKlRewardToGo
                | Self::ForwardKlTrajectory
                | Self::ForwardKlKnownEvidence
        )
    }

    /// Whether it estimates the gradient of KL(p(.|O) || q).
    pub fn is_forward(self) -> bool {
        matches!(
            self,
            Self::ForwardKlTrajectory
                | Self::ForwardKlKnownEvidence
                | Self::ForwardKlExact
                | Self::ForwardKl
                | Self::ForwardKlAllActions
        )
    }

    /// Whether it is a marginalised form of reverse KL.
    pub fn is_marginal_reverse(self) -> bool {
        matches!(
            self,
            Self::ReverseKlScore | Self::ReverseKlValueBaseline | Self::ReverseKlAllActions
        )
    }

    /// Whether its states have weights, [`TabularStateWeights`].
    pub fn has_state_weights(self) -> bool {
        self != Self::ForwardKlExact && !self.is_trajectory() && !self.is_marginal_reverse()
    }

    /// Whether it draws N actions a state.
    pub fn draws_actions(self) -> bool {
        let all = [Self::ForwardKlExact, Self::ForwardKlAllActions, Self::ReverseKlAllActions];
        !self.is_trajectory() && !all.contains(&self)
    }

    /// Whether each action's base weight can be subtracted.
    pub fn has_control_variate(self) -> bool {
        matches!(self, Self::ForwardKl | Self::JensenShannon | Self::AlphaDivergence)
    }

    /// Whether what is subtracted from its returns can be chosen.
    pub fn has_baseline(self) -> bool {
        let all = [Self::ReverseKlTrajectory, Self::ReverseKlRewardToGo, Self::ReverseKlScore];
        all.contains(&self)
    }
}

/// Where the states of a marginalised reverse KL come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StateSource {
    /// At each step independent draws from q(s_t).
    #[default]
    Independent,
    /// The states of trajectories; the first of the N actions is the one that was taken there.
    Trajectories,
}

impl StateSource {
    /// Every source.
    pub const ALL: [Self; 2] = [Self::Independent, Self::Trajectories];

    /// The name a user types.
    pub fn name(self) -> &'static str {
        match self {
            Self::Independent => "independent",
            Self::Trajectories => "trajectories",
        }
    }
}

/// How much the states of a marginalised forward KL count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TabularStateWeights {
    /// 1/M: the states of M trajectories of the policy as they are.
    #[default]
    Uniform,
    /// The trajectory's whole importance weight.
    FullTrajectory,
    /// Weight of what came before, and the exact value of what follows.
    Twisted,
    /// A twisted particle filter with the exact value, smoothed along its genealogy.
    ParticleSmoothing,
    /// States drawn from p(s_t|O) itself, which only a lab can do.
    Posterior,
}

impl TabularStateWeights {
    /// Every kind of weights, in the order of the documentation.
    pub const ALL: [Self; 5] = [
        Self::Uniform,
        Self::FullTrajectory,
        Self::Twisted,
        Self::ParticleSmoothing,
        Self::Posterior,
    ];

    /// The name a user types.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::FullTrajectory => "full-trajectory",
            Self::Twisted => "twisted",
            Self::ParticleSmoothing => "particle-smoothing",
            Self::Posterior => "posterior",
        }
    }
}

/// Which values a marginalised forward KL is given, all of them exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Critic {
    /// Exact inference's Qhat.
    #[default]
    QHat,
    /// The policy's soft Q.
    Soft,
    /// The policy's classic Q.
    Classic,
}

impl Critic {
    /// Every critic.
    pub const ALL: [Self; 3] = [Self::QHat, Self::Soft, Self::Classic];

    /// The name a user types.
    pub fn name(self) -> &'static str {
        match self {
            Self::QHat => "qhat",
            Self::Soft => "soft",
            Self::Classic => "classic",
        }
    }
}
