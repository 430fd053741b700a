use crate::nn::{Activations, Adam, Mlp, Scalar, all_finite, move_towards, norm};
use crate::random::Key;

/// Two critics with their targets, optimisers and working room. Input: observation, then action.
pub struct TwinCritic<T> {
    pub(super) net: Mlp,
    pub(super) observation_dimension: usize,
    members: [Member<T>; 2],
}

/// One critic of the pair: all that one thread needs to update it.
struct Member<T> {
    parameters: Vec<T>,
    target: Vec<T>,
    gradient: Vec<T>,
    adam: Adam<T>,
    room: Activations<T>,
    d_output: Vec<T>,
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
        action_dimension: usize,
        hidden: &[usize],
        batch: usize,
        key: &Key,
    ) -> Self {
        let mut widths = vec![observation_dimension + action_dimension];
        widths.extend_from_slice(hidden);
        widths.push(1);
        let net = Mlp::new(&widths);
        let member = |index: u64| {
            let parameters = net.initialise(&mut key.indexed_stream("critic initialisation", index));
            Member {
                target: parameters.clone(),
                gradient: vec![T::zero(); parameters.len()],
                adam: Adam::new(parameters.len()),
                room: net.activations(batch),
                d_output: vec![T::zero(); batch],
                parameters,
            }
        };
        let members = [member(0), member(1)];
        Self { net, observation_dimension, members }
    }

    /// The shape of both networks.
    pub fn net(&self) -> &Mlp {
        &self.net
    }

    /// A critic's parameters.
    pub fn parameters(&self, index: usize) -> &[T] {
        &self.members[index].parameters
    }

    /// A target critic's parameters.
    pub fn target_parameters(&self, index: usize) -> &[T] {
        &self.members[index].target
    }

    /// Replaces the parameters of a critic and of its target.
    pub(crate) fn set_parameters(&mut self, index: usize, parameters: Vec<T>, target: Vec<T>) {
        self.members[index].parameters = parameters;
        self.members[index].target = target;
    }

    /// Whether every parameter is finite.
    pub fn is_finite(&self) -> bool {
        self.members.iter().all(|m| all_finite(&m.parameters) && all_finite(&m.target))
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
        self.net.forward(&self.member.target, input, &mut self.member.room);
        values.copy_from_slice(self.member.room.output());
    }

    /// One step towards `targets`, then the target critic's own move. A non-finite loss or gradient
    /// changes nothing; the report says what it was.
    pub(crate) fn update(
        &mut self,
        input: &[T],
        targets: &[T],
        step: &CriticStep<T>,
    ) -> CriticReport {
        let Member { parameters, target, gradient, adam, room, d_output } = &mut *self.member;
        self.net.forward(parameters, input, room);
        let share = T::one() / T::from_f64(targets.len() as f64);
        let mut loss = 0.0;
        for ((d, &value), &target) in d_output.iter_mut().zip(room.output()).zip(targets) {
            let error = value - target;
            loss += 0.5 * error.widen() * error.widen();
            *d = share * error;
        }
        self.net.backward(parameters, input, d_output, gradient, room);
        let report =
            CriticReport { loss: loss / targets.len() as f64, gradient_norm: norm(gradient) };
        if report.loss.is_finite() && report.gradient_norm.is_finite() {
            let scale = clipping(report.gradient_norm, step.max_gradient_norm);
            adam.step(parameters, gradient, T::from_f64(scale), step.learning_rate);
            move_towards(target, parameters, step.polyak);
        }
        report
    }
}

/// The factor that brings a gradient of this norm down to the largest allowed one.
pub(crate) fn clipping(norm: f64, largest: Option<f64>) -> f64 {
    match largest {
        Some(largest) if norm > largest => largest / norm,
        _ => 1.0,
    }
}
