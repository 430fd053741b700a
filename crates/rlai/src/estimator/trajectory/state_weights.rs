use super::Trajectories;
use crate::estimator::self_normalised_weights;
use crate::nn::Scalar;

/// How much each visited state counts in a marginalised estimator (F4): weights that stand for
/// p(s_t | O) where the trajectories are drawn from the policy. They multiply any
/// [`ActionEstimator`](crate::estimator::ActionEstimator) through
/// [`Signal::state_weight`](crate::estimator::Signal::state_weight).
///
/// At each time t the weights of all M trajectories sum to one; those that ended before t keep their
/// part of it, since they stand for p(ended before t | O).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StateWeights {
    /// 1/M: the policy's own states. Right for reverse KL; biased for forward KL.
    Uniform,
    /// `softmax_i sum_t (r/alpha - l)`, the same at all t; where trajectory i was cut off, plus V/alpha of
    /// its last state if it is known, as in the two below.
    FullTrajectory,
    /// `softmax_i [sum_{t' < t} (r/alpha - l) + V(s_t)/alpha]`: with the exact
    /// V = alpha log E exp(the rest) the mean of the full-trajectory weight given all up to s_t, so
    /// never worse than it.
    Twisted,
    /// States and weights of a twisted particle filter with resampling, smoothed along its genealogy:
    /// [`smooth`](super::smooth), since it draws its own states from a simulator that can copy them.
    ParticleSmoothing,
}

impl StateWeights {
    /// Every choice, in the order of the documentation.
    pub const ALL: [Self; 4] =
        [Self::Uniform, Self::FullTrajectory, Self::Twisted, Self::ParticleSmoothing];

    /// The name a user types.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::FullTrajectory => "full-trajectory",
            Self::Twisted => "twisted",
            Self::ParticleSmoothing => "particle-smoothing",
        }
    }

    /// Fewest trajectories for which the weights say anything.
    pub fn fewest_trajectories(self) -> usize {
        if self == Self::Uniform { 1 } else { 2 }
    }

    /// Writes a weight for every step, `[steps]`.
    ///
    /// # Panics
    /// For twisted weights of trajectories without V(s_t), and for particle smoothing, whose weights
    /// belong to states of its own.
    pub fn write<T: Scalar>(
        self,
        trajectories: &Trajectories<'_, T>,
        alpha: T,
        weights: &mut Vec<T>,
    ) {
        weights.clear();
        weights.resize(trajectories.steps(), T::zero());
        match self {
            Self::Uniform => weights.fill(T::one() / T::from_f64(trajectories.count() as f64)),
            Self::FullTrajectory => full_trajectory(trajectories, alpha, weights),
            Self::Twisted => twisted(trajectories, alpha, weights),
            Self::ParticleSmoothing => panic!("particle smoothing draws its own states"),
        }
    }
}

fn full_trajectory<T: Scalar>(trajectories: &Trajectories<'_, T>, alpha: T, weights: &mut [T]) {
    let of_trajectory = |i| trajectories.log_weight(i, alpha) + trajectories.bootstrap(i) / alpha;
    let mut normalised: Vec<T> = (0..trajectories.count()).map(of_trajectory).collect();
    self_normalised_weights(&mut normalised);
    for (i, weight) in normalised.into_iter().enumerate() {
        weights[trajectories.of(i)].fill(weight);
    }
}

fn twisted<T: Scalar>(trajectories: &Trajectories<'_, T>, alpha: T, weights: &mut [T]) {
    let value = trajectories.value.expect("twisted weights need V(s_t)");
    let count = trajectories.count();
    let mut past = vec![T::zero(); count];
    let mut at_time = vec![T::zero(); count];
    for t in 0..trajectories.horizon() {
        for i in 0..count {
            let twist = match trajectories.of(i).nth(t) {
                Some(step) => value[step],
                None => trajectories.bootstrap(i),
            };
            at_time[i] = past[i] + twist / alpha;
        }
        self_normalised_weights(&mut at_time);
        for i in 0..count {
            if let Some(step) = trajectories.of(i).nth(t) {
                weights[step] = at_time[i];
                past[i] += trajectories.soft_reward(step, alpha) / alpha;
            }
        }
    }
}
