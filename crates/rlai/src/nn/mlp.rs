//! Multilayer perceptrons: linear layers with ReLU between them.

use std::ops::Range;

use super::elementwise::{dot, output_gradient};
use super::{
    Buffer, Finish, Fused, MatRef, Scalar, Start, Weights, column_sums, init, multiply, zeros,
};
use crate::random::Stream;

/// One linear layer's place in a network's flat parameter vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Width of the input.
    pub inputs: usize,
    /// Width of the output.
    pub outputs: usize,
    /// Weights, `[inputs, outputs]` row-major: `y = x W + b`.
    pub weights: Range<usize>,
    /// Bias, `[outputs]`.
    pub bias: Range<usize>,
    /// Place among the transposed weights, `[outputs, inputs]`. The first layer has none, nor has a single output.
    pub(crate) turned: Range<usize>,
}

/// The shape of a perceptron. Parameters and activations are kept by the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mlp {
    layers: Vec<Layer>,
}

/// What a forward pass leaves for the backward pass.
#[derive(Clone, Debug)]
pub struct Activations<T> {
    rows: usize,
    /// A backward pass may follow.
    kept: bool,
    pub(crate) hidden: Vec<Buffer<T>>,
    output: Buffer<T>,
}

impl<T> Activations<T> {
    /// The network's output of the last forward pass, `[rows, outputs]`.
    pub fn output(&self) -> &[T] {
        &self.output
    }
}

impl Mlp {
    /// A network with these widths: input, hidden ones, output.
    ///
    /// # Panics
    /// With fewer than two widths, or a width of zero.
    pub fn new(widths: &[usize]) -> Self {
        assert!(widths.len() >= 2 && !widths.contains(&0), "a network needs positive widths");
        let (mut offset, mut turned) = (0, 0);
        let layers = widths.windows(2).enumerate().map(|(i, pair)| {
            let (inputs, outputs) = (pair[0], pair[1]);
            let weights = offset..offset + inputs * outputs;
            let bias = weights.end..weights.end + outputs;
            let start = turned;
            let (is_first, is_last) = (i == 0, i + 2 == widths.len());
            // A single output's weights are their own transpose.
            turned += if is_first || is_last && outputs == 1 { 0 } else { weights.len() };
            offset = bias.end;
            Layer { inputs, outputs, weights, bias, turned: start..turned }
        });
        Self { layers: layers.collect() }
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Width of the input.
    pub fn inputs(&self) -> usize {
        self.layers[0].inputs
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.last().outputs
    }

    /// Number of parameters.
    pub fn parameter_count(&self) -> usize {
        self.last().bias.end
    }

    fn last(&self) -> &Layer {
        self.layers.last().expect("a network has a layer")
    }

    /// New parameters, uniform on `+-1/sqrt(inputs)` layer by layer (PyTorch's default).
    pub fn initialise<T: Scalar>(&self, stream: &mut Stream) -> Vec<T> {
        let mut parameters = vec![T::zero(); self.parameter_count()];
        for layer in &self.layers {
            init::fan_in_uniform(layer, &mut parameters, stream);
        }
        parameters
    }

    /// Room for passes over `rows` rows.
    pub fn activations<T: Scalar>(&self, rows: usize) -> Activations<T> {
        let room = |width: usize| zeros(rows * width);
        let hidden: Vec<_> = self.layers.iter().map(|layer| layer.outputs).collect();
        let hidden = &hidden[..hidden.len() - 1];
        Activations {
            rows,
            kept: false,
            hidden: hidden.iter().map(|&width| room(width)).collect(),
            output: room(self.outputs()),
        }
    }

    /// Computes the output for `input`, `[rows, inputs]`; hidden activations stay in `room`.
    ///
    /// # Panics
    /// When `input` does not have the rows that `room` was made for.
    pub fn forward<T: Scalar>(&self, parameters: &[T], input: &[T], room: &mut Activations<T>) {
        self.pass(parameters, input, room, true);
    }

    /// As [`Mlp::forward`], for the output alone: no backward pass may follow.
    ///
    /// # Panics
    /// As [`Mlp::forward`].
    pub fn evaluate<T: Scalar>(&self, parameters: &[T], input: &[T], room: &mut Activations<T>) {
        self.pass(parameters, input, room, false);
    }

    fn pass<T: Scalar>(
        &self,
        parameters: &[T],
        input: &[T],
        room: &mut Activations<T>,
        keep: bool,
    ) {
        assert_eq!(input.len(), room.rows * self.inputs(), "input has another shape");
        room.kept = keep;
        if self.layers.len() > 1 {
            let first = &self.layers[0];
            let start = Start::Row(&parameters[first.bias.clone()]);
            layer(first, parameters, input, start, Finish::Relu).run(&mut room.hidden[0]);
            self.forward_from_first_hidden(parameters, room.rows, room, keep);
        } else {
            linear(self.last(), parameters, input, &mut room.output);
        }
    }

    /// Goes on from the first hidden layer's activations, which the caller wrote into
    /// `room.hidden[0]`, for the first `rows` rows. The last hidden layer's are of use afterwards only if
    /// they are to be kept.
    pub(crate) fn forward_from_first_hidden<T: Scalar>(
        &self,
        parameters: &[T],
        rows: usize,
        room: &mut Activations<T>,
        keep: bool,
    ) {
        let (last, hidden) = (self.last(), self.layers.len() - 1);
        let output = &mut room.output[..rows * last.outputs];
        for i in 1..hidden {
            let here = &self.layers[i];
            let (before, after) = room.hidden.split_at_mut(i);
            let x = &before[i - 1][..rows * here.inputs];
            let y = &mut after[0][..rows * here.outputs];
            let start = Start::Row(&parameters[here.bias.clone()]);
            if i + 1 == hidden && last.outputs == 1 {
                let weights = &parameters[last.weights.clone()];
                let bias = parameters[last.bias.start];
                let finish = Finish::ReluDot { weights, bias, output, keep };
                return layer(here, parameters, x, start, finish).run(y);
            }
            layer(here, parameters, x, start, Finish::Relu).run(y);
        }
        linear(last, parameters, &room.hidden[hidden - 1][..rows * last.inputs], output);
    }

    /// Gradient of the parameters, written (not added) to `gradient`, given the gradient of the output.
    ///
    /// Call after [`Mlp::forward`] with the same `input` and `room`, once: gradients take the place of the hidden
    /// activations. `d_output` is `[rows, outputs]`.
    ///
    /// # Panics
    /// When the shapes do not fit, or no forward pass went before.
    pub fn backward<T: Scalar>(
        &self,
        weights: &Weights<T>,
        input: &[T],
        d_output: &[T],
        gradient: &mut [T],
        room: &mut Activations<T>,
    ) {
        assert_eq!(d_output.len(), room.rows * self.outputs(), "output gradient has another shape");
        assert!(std::mem::take(&mut room.kept), "a backward pass follows a forward pass, once");
        column_sums(d_output, &mut gradient[self.last().bias.clone()]);
        for (i, here) in self.layers.iter().enumerate().rev() {
            let (below, above) = room.hidden.split_at_mut(i);
            let delta = above.first().map_or(d_output, |delta| &delta[..]);
            let Some(units) = below.last_mut() else {
                return weight_gradient(here, input, delta, gradient);
            };
            let bias_below = self.layers[i - 1].bias.clone();
            if here.outputs == 1 {
                let output = &weights.parameters()[here.weights.clone()];
                // The bias of the layer below lies before this layer's weights.
                let (before, after) = gradient.split_at_mut(here.weights.start);
                let (sums, d_weights) = (&mut before[bias_below], &mut after[..here.inputs]);
                output_gradient(delta, units, output, d_weights, sums);
            } else {
                weight_gradient(here, units, delta, gradient);
                let finish = Finish::GateInPlace { sums: &mut gradient[bias_below] };
                input_gradient(here, weights, delta, finish).run(units);
            }
        }
    }
}

fn weights_of<'a, T: Scalar>(layer: &Layer, parameters: &'a [T]) -> MatRef<'a, T> {
    MatRef::new(&parameters[layer.weights.clone()], layer.inputs, layer.outputs)
}

/// `x W` from `start` on.
fn layer<'a, T: Scalar>(
    layer: &Layer,
    parameters: &'a [T],
    x: &'a [T],
    start: Start<'a, T>,
    finish: Finish<'a, T>,
) -> Fused<'a, T> {
    let left = MatRef::new(x, x.len() / layer.inputs, layer.inputs);
    Fused { left, right: weights_of(layer, parameters), start, finish }
}

/// `y = x W + b`, without clipping. A single output is an inner product a row.
fn linear<T: Scalar>(here: &Layer, parameters: &[T], x: &[T], y: &mut [T]) {
    let bias = &parameters[here.bias.clone()];
    if here.outputs == 1 {
        let w = &parameters[here.weights.clone()];
        for (y, row) in y.iter_mut().zip(x.chunks_exact(here.inputs)) {
            *y = dot(row, w) + bias[0];
        }
    } else {
        layer(here, parameters, x, Start::Row(bias), Finish::Keep).run(y);
    }
}

/// `dW = x^T delta`.
fn weight_gradient<T: Scalar>(layer: &Layer, x: &[T], delta: &[T], gradient: &mut [T]) {
    let rows = x.len() / layer.inputs;
    let left = MatRef::new(x, rows, layer.inputs).transposed();
    let right = MatRef::new(delta, rows, layer.outputs);
    multiply(&mut gradient[layer.weights.clone()], left, right);
}

/// `dx = delta W^T`, to be gated by `finish` wherever the unit below was off.
pub(crate) fn input_gradient<'a, T: Scalar>(
    layer: &Layer,
    weights: &'a Weights<T>,
    delta: &'a [T],
    finish: Finish<'a, T>,
) -> Fused<'a, T> {
    let left = MatRef::new(delta, delta.len() / layer.outputs, layer.outputs);
    let right = MatRef::new(weights.turned(layer), layer.outputs, layer.inputs);
    Fused { left, right, start: Start::Zero, finish }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    /// `sum(c * output)` for a fixed random `c`: a scalar whose gradient reaches every parameter.
    fn check_gradient(widths: &[usize], rows: usize) {
        let net = Mlp::new(widths);
        let mut stream = Key::from_seed(11).stream("mlp");
        let mut parameters: Vec<f64> = net.initialise(&mut stream);
        let mut input = vec![0.0; rows * net.inputs()];
        let mut c = vec![0.0; rows * net.outputs()];
        stream.fill_normal(&mut input);
        stream.fill_normal(&mut c);
        let mut room = net.activations(rows);
        let mut loss = |parameters: &[f64]| {
            net.forward(parameters, &input, &mut room);
            room.output().iter().zip(&c).map(|(y, c)| y * c).sum::<f64>()
        };
        let h = 1e-6;
        let mut numeric = vec![0.0; parameters.len()];
        for i in 0..parameters.len() {
            let kept = parameters[i];
            parameters[i] = kept + h;
            let above = loss(&parameters);
            parameters[i] = kept - h;
            let below = loss(&parameters);
            parameters[i] = kept;
            numeric[i] = (above - below) / (2.0 * h);
        }
        loss(&parameters);
        let mut gradient = vec![f64::NAN; parameters.len()];
        let weights = Weights::new(&net, &parameters);
        net.backward(&weights, &input, &c, &mut gradient, &mut room);
        for (i, (exact, numeric)) in gradient.iter().zip(&numeric).enumerate() {
            let error = (exact - numeric).abs() / (1.0 + numeric.abs());
            assert!(error < 1e-7, "parameter {i} of {widths:?}: {exact} against {numeric}");
        }
    }

    #[test]
    fn gradients_equal_finite_differences() {
        check_gradient(&[3, 8, 5, 2], 7);
        check_gradient(&[4, 16, 16, 1], 5);
        check_gradient(&[2, 6, 3], 4);
        check_gradient(&[3, 1], 6);
        check_gradient(&[3, 4], 6);
        check_gradient(&[5, 9, 7, 8, 1], 3);
        check_gradient(&[3, 4, 1, 5, 2], 4);
    }

    #[test]
    fn initial_parameters_fill_their_interval() {
        let net = Mlp::new(&[100, 50, 1]);
        let parameters: Vec<f64> = net.initialise(&mut Key::from_seed(1).stream("init"));
        let first = &parameters[net.layers()[0].weights.clone()];
        let largest = first.iter().fold(0.0f64, |a, x| a.max(x.abs()));
        assert!(largest <= 0.1 && largest > 0.099, "{largest}");
        assert!(parameters.iter().all(|&x| x != 0.0));
    }
}
