use std::ops::Range;

use super::{Layer, Scalar};
use crate::random::Stream;

/// Uniform on `+-1/sqrt(inputs)` for weights and biases: PyTorch's default for linear layers, and so
/// what the soft actor-critic results of the field were obtained with.
pub(super) fn fan_in_uniform<T: Scalar>(layer: &Layer, parameters: &mut [T], stream: &mut Stream) {
    let bound = 1.0 / (layer.inputs as f64).sqrt();
    fill_uniform(parameters, layer.weights.clone(), bound, stream);
    fill_uniform(parameters, layer.bias.clone(), bound, stream);
}

fn fill_uniform<T: Scalar>(
    parameters: &mut [T],
    range: Range<usize>,
    bound: f64,
    stream: &mut Stream,
) {
    for parameter in &mut parameters[range] {
        *parameter = T::from_f64(stream.uniform(-bound, bound));
    }
}
