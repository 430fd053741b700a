use crate::nn::{
    Activations, Adam, Buffer, Mlp, Scalar, Team, Weights, all_finite, buffer, norm, zeros,
};
use crate::random::Key;

/// Two critics with their targets, optimisers and working room. Input: observation, then the action's
/// features, and one value comes out; or, over choices, the observation alone, and the value of every
/// choice comes out.
pub struct TwinCritic<T> {
    pub(super) net: Mlp,
    pub(super) observation_dimension: usize,
    /// K, where every choice has an output of its own.
    pub(super) choices: Option<usize>,
    members: [Member<T>; 2],
}

/// One critic of the pair: all that one thread needs to update it.
struct Member<T> {
    weights: Weights<T>,
    target: Buffer<T>,
    gradient: Buffer<T>,
    adam: Adam<T>,
    room: Activations<T>,
    d_output: Buffer<T>,
}

/// How one critic is to be moved.
#[derive(Clone, Copy, Debug)]
pub struct CriticStep<T> {
    /// Adam's step size.
    pub learning_rate: f64,
    /// Largest norm of the gradient.
    pub max_gradient_norm: Option<f64>,
    /// Share that moves into the target critic afterwards.
    pub polyak: T,
}

/// What one critic's update saw: `0.5 mean (Q - y)^2` and the norm of its gradient before clipping.
#[derive(Clone, Copy, Debug)]
pub struct CriticReport {
    /// Half of the mean squared TD error.
    pub loss: f64,
    /// Norm of the gradient, before clipping.
    pub gradient_norm: f64,
}

impl<T: Scalar> TwinCritic<T> {
    /// Two critics with these hidden layers, for batches of `batch` rows. Targets start as copies.
    pub fn new(
        observation_dimension: usize,
        action_features: usize,
        hidden: &[usize],
        batch: usize,
        key: &Key,
    ) -> Self {
        Self::build((observation_dimension, action_features), None, hidden, batch, key)
    }

    /// As [`TwinCritic::new`], with an output for each of `choices` choices.
    pub fn over_choices(
        observation_dimension: usize,
        choices: usize,
        hidden: &[usize],
        batch: usize,
        key: &Key,
    ) -> Self {
        Self::build((observation_dimension, 0), Some(choices), hidden, batch, key)
    }

    /// Two critics of `inputs`, numbers in an observation and in an action's features.
    fn build(
        inputs: (usize, usize),
        choices: Option<usize>,
        hidden: &[usize],
        batch: usize,
        key: &Key,
    ) -> Self {
        let mut widths = vec![inputs.0 + inputs.1];
        widths.extend_from_slice(hidden);
        let outputs = choices.unwrap_or(1);
        widths.push(outputs);
        let net = Mlp::new(&widths);
        let member = |index: u64| {
            let parameters =
                net.initialise(&mut key.indexed_stream("critic initialisation", index));
            Member {
                target: buffer(&parameters),
                gradient: zeros(parameters.len()),
                adam: Adam::new(parameters.len()),
                room: net.activations(batch),
                d_output: zeros(batch * outputs),
                weights: Weights::new(&net, &parameters),
            }
        };
        let members = [member(0), member(1)];
        Self { net, observation_dimension: inputs.0, choices, members }
    }

    /// K, where every choice has an output of its own.
    pub fn choices(&self) -> Option<usize> {
        self.choices
    }

    /// The shape of both networks.
    pub fn net(&self) -> &Mlp {
        &self.net
    }

    /// A critic's parameters.
    pub fn parameters(&self, index: usize) -> &[T] {
        self.members[index].weights.parameters()
    }

    pub(super) fn weights(&self, index: usize) -> &Weights<T> {
        &self.members[index].weights
    }

    /// A target critic's parameters.
    pub fn target_parameters(&self, index: usize) -> &[T] {
        &self.members[index].target
    }

    /// A critic's optimiser.
    pub(crate) fn adam(&self, index: usize) -> &Adam<T> {
        &self.members[index].adam
    }

    /// A critic's optimiser, to be overwritten.
    pub(crate) fn adam_mut(&mut self, index: usize) -> &mut Adam<T> {
        &mut self.members[index].adam
    }

    /// Replaces the parameters of a critic and of its target.
    pub(crate) fn set_parameters(&mut self, index: usize, parameters: &[T], target: &[T]) {
        self.members[index].weights = Weights::new(&self.net, parameters);
        self.members[index].target = buffer(target);
    }

    /// Whether every parameter is finite.
    pub fn is_finite(&self) -> bool {
        self.members.iter().all(|m| all_finite(m.weights.parameters()) && all_finite(&m.target))
    }

    /// Each critic with what is needed to work on it alone.
    pub(crate) fn halves(&mut self) -> [CriticHalf<'_, T>; 2] {
        let net = &self.net;
        let [first, second] = &mut self.members;
        [CriticHalf { net, member: first }, CriticHalf { net, member: second }]
    }
}

/// One critic of a pair, apart from the other, so that two threads can work at once.
pub(crate) struct CriticHalf<'a, T> {
    net: &'a Mlp,
    member: &'a mut Member<T>,
}

impl<T: Scalar> CriticHalf<'_, T> {
    /// Values of the target critic at `input`, `[B, O + A]`, into `values`, `[B]`.
    pub(crate) fn target_values(&mut self, input: &[T], values: &mut [T]) {
        self.net.evaluate(&self.member.target, input, &mut self.member.room);
        values.copy_from_slice(self.member.room.output());
    }

    /// One step towards `targets`, then the target critic's own move. A non-finite loss or gradient
    /// changes nothing; the report says what it was. Over choices, `chosen` is the choice that each
    /// target is for, `[B]`; it is empty otherwise.
    pub(crate) fn update(
        &mut self,
        input: &[T],
        chosen: &[usize],
        targets: &[T],
        step: &CriticStep<T>,
    ) -> CriticReport {
        let Member { weights, target, gradient, adam, room, d_output } = &mut *self.member;
        self.net.forward(weights.parameters(), input, room);
        let share = T::one() / T::from_f64(targets.len() as f64);
        let outputs = d_output.len() / targets.len();
        assert!(outputs == 1 || chosen.len() == targets.len(), "a choice for every target");
        // What was not done has no target.
        d_output.fill(T::zero());
        let mut loss = 0.0;
        for (i, &target) in targets.iter().enumerate() {
            let at = i * outputs + chosen.get(i).copied().unwrap_or(0);
            let error = room.output()[at] - target;
            loss += 0.5 * error.widen() * error.widen();
            d_output[at] = share * error;
        }
        self.net.backward(weights, input, d_output, gradient, room);
        let report =
            CriticReport { loss: loss / targets.len() as f64, gradient_norm: norm(gradient) };
        if report.loss.is_finite() && is_usable(report.gradient_norm) {
            let scale = clipping(report.gradient_norm, step.max_gradient_norm);
            let (scale, target) = (T::from_f64(scale), (&mut target[..], step.polyak));
            weights.change(self.net, &Team::default(), |parameters| {
                adam.step_with_target(parameters, gradient, scale, step.learning_rate, target);
            });
        }
        report
    }
}

/// Whether a gradient of this norm can be used: beyond about 1e18 its square overflows in single
/// precision, and Adam's second moment would stay infinite for ever after.
pub(crate) fn is_usable(norm: f64) -> bool {
    norm < 1e18
}

/// The factor that brings a gradient of this norm down to the largest allowed one.
pub(crate) fn clipping(norm: f64, largest: Option<f64>) -> f64 {
    match largest {
        Some(largest) if norm > largest => largest / norm,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clipping_scales_long_gradients_down_and_leaves_others() {
        assert_eq!(clipping(10.0, None), 1.0);
        assert_eq!(clipping(10.0, Some(20.0)), 1.0);
        assert_eq!(clipping(10.0, Some(2.5)), 0.25);
    }

    #[test]
    fn gradients_that_adam_cannot_square_are_not_used() {
        assert!(is_usable(1e10) && !is_usable(1e20) && !is_usable(f64::NAN));
    }

    /// One step by hand: the first step of Adam moves every parameter by the learning rate against the
    /// sign of its gradient, and the target critic follows by its share.
    #[test]
    fn a_step_moves_critic_and_target() {
        let mut critic = TwinCritic::<f64>::new(2, 1, &[5], 3, &Key::from_seed(1));
        let (before, target_before) =
            (critic.parameters(0).to_vec(), critic.target_parameters(0).to_vec());
        let input = [0.3, -0.2, 0.9, 1.0, 0.1, -0.5, -0.7, 0.4, 0.2];
        let step = CriticStep { learning_rate: 0.01, max_gradient_norm: None, polyak: 0.25 };
        let report = critic.halves()[0].update(&input, &[], &[5.0, 5.0, 5.0], &step);
        assert!(report.loss > 0.0 && report.gradient_norm > 0.0);
        let bias = before.len() - 1;
        let (after, target) = (critic.parameters(0), critic.target_parameters(0));
        assert!((after[bias] - before[bias] - 0.01).abs() < 1e-9, "values must rise");
        for i in 0..before.len() {
            let expected = target_before[i] + 0.25 * (after[i] - target_before[i]);
            assert!((target[i] - expected).abs() < 1e-15);
        }
        assert_eq!(critic.parameters(1), critic.target_parameters(1), "the other stays");
    }
}
