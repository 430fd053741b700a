//! The arithmetic that an update needs, and the products that it is made of.
//!
//! Counted are the multiply-adds of the matrix products that cannot be saved, two floating-point
//! operations each; biases, activations, optimiser and sampling are not counted. Per state of a batch,
//! with p the multiply-adds of a policy pass and c of one critic's:
//!
//! - critic: policy at the next state (p), target critics (2c), critics (2c), their weight gradients
//!   (2c) and input gradients (all layers but the first, twice);
//! - policy: policy at the state (p), its weight gradients (p) and input gradients (all layers but the
//!   first); both critics at N actions, the state's part of the first layer once a state; for pathwise
//!   gradients the smaller critic's input gradient down to the action, N times; for a shifted proposal
//!   values and gradient at one more action; for draws from the target policy its own pass.
//! - where actions are choices, a critic's one pass values them all; a default policy that is a network has
//!   a pass of its own at either state, taken to be as wide as the policy's.
//!
//! HalfCheetah-v5 (17 and 6 dimensions, 256x256, batch 256): 0.543 GFLOP for reverse KL, 1.54 for forward
//! KL with N = 16.

use super::{DefaultPolicy, TrainConfig};
use crate::critic::CriticTarget;
use crate::env::ActionShape;
use crate::nn::{Mlp, ProductShape};
use crate::proposal::Source;

fn network(inputs: usize, hidden: &[usize], outputs: usize) -> Mlp {
    let mut widths = vec![inputs];
    widths.extend_from_slice(hidden);
    widths.push(outputs);
    Mlp::new(&widths)
}

fn multiply_adds(net: &Mlp) -> usize {
    net.layers().iter().map(|layer| layer.inputs * layer.outputs).sum()
}

/// Billions of floating-point operations that one update needs, for actions of this shape and a policy of
/// `parameters_per_state` outputs.
pub fn gflop_per_update(
    config: &TrainConfig,
    observation_dimension: usize,
    shape: &ActionShape,
    parameters_per_state: usize,
) -> f64 {
    let policy = network(observation_dimension, &config.hidden, parameters_per_state);
    let p = multiply_adds(&policy);
    let below_policy = below_first(&policy);
    let critics = match shape.only_choices() {
        Some(choices) => over_choices(config, observation_dimension, choices),
        None => over_actions(config, observation_dimension, shape.feature_width()),
    };
    let old_policy = if config.estimation.uses_target_policy(config.objective) { p } else { 0 };
    let default_policy = match config.default_policy {
        DefaultPolicy::Uniform | DefaultPolicy::Gaussian { .. } => 0,
        _ => 2 * p,
    };
    let policies = 3 * p + below_policy + old_policy + default_policy;
    2.0 * (config.batch * (critics + policies)) as f64 / 1e9
}

/// Multiply-adds of all layers but the first.
fn below_first(net: &Mlp) -> usize {
    let first = &net.layers()[0];
    multiply_adds(net) - first.inputs * first.outputs
}

/// Multiply-adds of the critics a state, each with an output for every choice.
fn over_choices(config: &TrainConfig, observations: usize, choices: usize) -> usize {
    let critic = network(observations, &config.hidden, choices);
    let c = multiply_adds(&critic);
    let (target, update, valued) = (2 * c, 4 * c + 2 * below_first(&critic), 2 * c);
    target + update + valued
}

/// Multiply-adds of the critics a state, which take an action's `a` features.
fn over_actions(config: &TrainConfig, o: usize, a: usize) -> usize {
    let critic = network(o + a, &config.hidden, 1);
    let (c, below, first_width) = (multiply_adds(&critic), below_first(&critic), config.hidden[0]);
    // One action in a state whose part of the first layer is known; its gradient down to the action.
    let (value, gradient) = (c - o * first_width, below + a * first_width);
    let target = match config.critic_target {
        CriticTarget::SoftOptimal => 2 * (o * first_width + config.samples * value),
        CriticTarget::Soft | CriticTarget::Classic => 2 * c,
    };
    let valued = 2 * (o * first_width + config.particles() * value);
    let needs = config.estimation.estimator::<f32>(config.objective).needs();
    let pathwise = if needs.action_gradients { config.particles() * gradient } else { 0 };
    let shifted = config.estimation.proposal.source == Source::Shifted;
    let shift = if shifted { 2 * value + gradient } else { 0 };
    target + 4 * c + 2 * below + valued + pathwise + shift
}

/// The shapes of the larger products of an update: those worth measuring as the machine's limit.
pub fn product_shapes(
    config: &TrainConfig,
    observation_dimension: usize,
    actions: &ActionShape,
) -> Vec<ProductShape> {
    let (rows, first) = (config.batch, config.hidden[0]);
    let input = observation_dimension + actions.critic_inputs();
    let shape = |rows, inner, cols, transposed| ProductShape { rows, inner, cols, transposed };
    let mut shapes = vec![shape(rows, input, first, false), shape(input, rows, first, true)];
    for pair in config.hidden.windows(2) {
        shapes.push(shape(rows, pair[0], pair[1], false));
        shapes.push(shape(rows.div_ceil(2), pair[0], pair[1], false));
        shapes.push(shape(pair[0], rows, pair[1], true));
    }
    shapes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Objective;

    #[test]
    fn known_amounts_of_work() {
        let work = |objective, o, a| {
            let config = TrainConfig::defaults(objective, a);
            gflop_per_update(&config, o, &ActionShape::of_box(a), 2 * a)
        };
        assert!((work(Objective::ReverseKl, 17, 6) - 0.5426).abs() < 1e-4);
        assert!((work(Objective::ForwardKl, 17, 6) - 1.5423).abs() < 1e-4);
        // Humanoid-v5, 348 and 17 dimensions, layer by layer: 512 (p + 6c + 2 (256^2 + 256) + 2p +
        // 256^2 + 34 256 + 2c + 256^2 + 256 + 17 256), p = 382 256 + 256^2, c = 366 256 + 256^2.
        let humanoid = work(Objective::ReverseKl, 348, 17);
        assert!((humanoid - 1.044381696).abs() < 1e-9, "{humanoid}");
    }

    /// CartPole-v1 (4 numbers, 2 choices), 8 units: a policy's and a critic's pass are 4 8 + 8 2 = 48 each,
    /// 16 of them below the first layer.
    #[test]
    fn work_over_choices_by_hand() {
        let shape = ActionShape::of_choices(2);
        let mut config = TrainConfig::for_actions(Objective::ForwardKlAllActions, &shape);
        (config.hidden, config.batch) = (vec![8], 10);
        let expected = 8 * 48 + 2 * 16 + 3 * 48 + 16;
        let work = |config: &TrainConfig| gflop_per_update(config, 4, &shape, 2);
        assert!((work(&config) - 20.0 * expected as f64 / 1e9).abs() < 1e-15);
        config.default_policy = DefaultPolicy::LastUpdate { period: 1 };
        assert!((work(&config) - 20.0 * (expected + 96) as f64 / 1e9).abs() < 1e-15);
    }
}
