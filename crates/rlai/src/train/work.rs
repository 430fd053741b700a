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
//!
//! HalfCheetah-v5 (17 and 6 dimensions, 256x256, batch 256): 0.543 GFLOP for reverse KL, 1.54 for forward
//! KL with N = 16.

use super::TrainConfig;
use crate::critic::CriticTarget;
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

/// Billions of floating-point operations that one update of a tanh-normal policy needs.
pub fn gflop_per_update(
    config: &TrainConfig,
    observation_dimension: usize,
    action_dimension: usize,
) -> f64 {
    let (o, a) = (observation_dimension, action_dimension);
    let policy = network(o, &config.hidden, 2 * a);
    let critic = network(o + a, &config.hidden, 1);
    let first_width = config.hidden[0];
    let (p, c) = (multiply_adds(&policy), multiply_adds(&critic));
    let below_first = |net: &Mlp, inputs: usize| multiply_adds(net) - inputs * first_width;
    let below = below_first(&critic, o + a);
    // One action in a state whose part of the first layer is known; its gradient down to the action.
    let (value, gradient) = (c - o * first_width, below + a * first_width);
    let target = match config.critic_target {
        CriticTarget::SoftOptimal => 2 * (o * first_width + config.samples * value),
        CriticTarget::Soft | CriticTarget::Classic => 2 * c,
    };
    let critic_update = p + target + 4 * c + 2 * below;
    let valued = 2 * (o * first_width + config.particles() * value);
    let needs = config.estimation.estimator::<f32>(config.objective).needs();
    let pathwise = if needs.action_gradients { config.particles() * gradient } else { 0 };
    let shifted = config.estimation.proposal.source == Source::Shifted;
    let shift = if shifted { 2 * value + gradient } else { 0 };
    let old_policy = if config.estimation.uses_target_policy(config.objective) { p } else { 0 };
    let policy_update = 2 * p + below_first(&policy, o) + valued + pathwise + shift + old_policy;
    2.0 * (config.batch * (critic_update + policy_update)) as f64 / 1e9
}

/// The shapes of the larger products of an update: those worth measuring as the machine's limit.
pub fn product_shapes(
    config: &TrainConfig,
    observation_dimension: usize,
    action_dimension: usize,
) -> Vec<ProductShape> {
    let (rows, first) = (config.batch, config.hidden[0]);
    let input = observation_dimension + action_dimension;
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
        let work = |objective, o, a| gflop_per_update(&TrainConfig::defaults(objective, a), o, a);
        assert!((work(Objective::ReverseKl, 17, 6) - 0.5426).abs() < 1e-4);
        assert!((work(Objective::ForwardKl, 17, 6) - 1.5423).abs() < 1e-4);
        // Humanoid-v5, 348 and 17 dimensions, layer by layer: 512 (p + 6c + 2 (256^2 + 256) + 2p +
        // 256^2 + 34 256 + 2c + 256^2 + 256 + 17 256), p = 382 256 + 256^2, c = 366 256 + 256^2.
        let humanoid = work(Objective::ReverseKl, 348, 17);
        assert!((humanoid - 1.044381696).abs() < 1e-9, "{humanoid}");
    }
}
