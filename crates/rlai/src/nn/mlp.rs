//! Multilayer perceptrons: linear layers with ReLU between them.

use std::ops::Range;

use super::elementwise::{add_bias_relu, dot};
use super::{MatRef, Scalar, add_bias, column_sums, gate_with_sums, init, product};
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
}

/// The shape of a perceptron. Parameters and activations are kept by the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mlp {
    layers: Vec<Layer>,
}

/// What a forward pass leaves for the backward pass, and the room that pass needs.
#[derive(Clone, Debug)]
pub struct Activations<T> {
    rows: usize,
    pub(crate) hidden: Vec<Vec<T>>,
    output: Vec<T>,
    delta: [Vec<T>; 2],
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
        let mut offset = 0;
        let layers = widths.windows(2).map(|pair| {
            let (inputs, outputs) = (pair[0], pair[1]);
            let weights = offset..offset + inputs * outputs;
            let bias = weights.end..weights.end + outputs;
            offset = bias.end;
            Layer { inputs, outputs, weights, bias }
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
        let room = |width: usize| vec![T::zero(); rows * width];
        let hidden: Vec<_> = self.layers.iter().map(|layer| layer.outputs).collect();
        let hidden = &hidden[..hidden.len() - 1];
        let widest = hidden.iter().copied().max().unwrap_or(0);
        Activations {
            rows,
            hidden: hidden.iter().map(|&width| room(width)).collect(),
            output: room(self.outputs()),
            delta: [room(widest), room(widest)],
        }
    }

    /// Computes the output for `input`, `[rows, inputs]`; hidden activations stay in `room`.
    ///
    /// # Panics
    /// When `input` does not have the rows that `room` was made for.
    pub fn forward<T: Scalar>(&self, parameters: &[T], input: &[T], room: &mut Activations<T>) {
        assert_eq!(input.len(), room.rows * self.inputs(), "input has another shape");
        if self.layers.len() > 1 {
            let first = &self.layers[0];
            let y = &mut room.hidden[0];
            let x = MatRef::new(input, room.rows, first.inputs);
            product(y, x, weights(first, parameters), false);
            add_bias_relu(y, &parameters[first.bias.clone()]);
            self.forward_from_first_hidden(parameters, room.rows, room);
        } else {
            linear(self.last(), parameters, input, &mut room.output);
        }
    }

    /// Goes on from the first hidden layer's activations, which the caller wrote into
    /// `room.hidden[0]`, for the first `rows` rows.
    pub(crate) fn forward_from_first_hidden<T: Scalar>(
        &self,
        parameters: &[T],
        rows: usize,
        room: &mut Activations<T>,
    ) {
        for (i, layer) in self.layers.iter().enumerate().skip(1) {
            let (before, after) = room.hidden.split_at_mut(i);
            let x = &before[i - 1][..rows * layer.inputs];
            if let Some(y) = after.first_mut() {
                let y = &mut y[..rows * layer.outputs];
                product(y, MatRef::new(x, rows, layer.inputs), weights(layer, parameters), false);
                add_bias_relu(y, &parameters[layer.bias.clone()]);
            } else {
                linear(layer, parameters, x, &mut room.output[..rows * layer.outputs]);
            }
        }
    }

    /// Gradient of the parameters, written (not added) to `gradient`, given the gradient of the output.
    ///
    /// Call after [`Mlp::forward`] with the same `input` and `room`. `d_output` is `[rows, outputs]`.
    ///
    /// # Panics
    /// When the shapes do not fit.
    pub fn backward<T: Scalar>(
        &self,
        parameters: &[T],
        input: &[T],
        d_output: &[T],
        gradient: &mut [T],
        room: &mut Activations<T>,
    ) {
        assert_eq!(d_output.len(), room.rows * self.outputs(), "output gradient has another shape");
        let rows = room.rows;
        let [current, next] = &mut room.delta;
        let (mut current, mut next) = (current, next);
        for (i, layer) in self.layers.iter().enumerate().rev() {
            let is_last = i + 1 == self.layers.len();
            let delta = if is_last { d_output } else { &current[..rows * layer.outputs] };
            let x = if i == 0 { input } else { &room.hidden[i - 1] };
            weight_gradient(layer, x, delta, rows, gradient);
            if is_last {
                column_sums(delta, &mut gradient[layer.bias.clone()]);
            }
            if i > 0 {
                let below = &self.layers[i - 1];
                let d_x = &mut next[..rows * layer.inputs];
                input_gradient(layer, parameters, delta, rows, d_x);
                gate_with_sums(d_x, x, &mut gradient[below.bias.clone()]);
                std::mem::swap(&mut current, &mut next);
            }
        }
    }
}

fn weights<'a, T: Scalar>(layer: &Layer, parameters: &'a [T]) -> MatRef<'a, T> {
    MatRef::new(&parameters[layer.weights.clone()], layer.inputs, layer.outputs)
}

/// `y = x W + b`, without clipping. A single output is an inner product a row.
fn linear<T: Scalar>(layer: &Layer, parameters: &[T], x: &[T], y: &mut [T]) {
    let bias = &parameters[layer.bias.clone()];
    if layer.outputs == 1 {
        let w = &parameters[layer.weights.clone()];
        for (y, row) in y.iter_mut().zip(x.chunks_exact(layer.inputs)) {
            *y = dot(row, w) + bias[0];
        }
    } else {
        let rows = x.len() / layer.inputs;
        product(y, MatRef::new(x, rows, layer.inputs), weights(layer, parameters), false);
        add_bias(y, bias);
    }
}

/// `dW = x^T delta`.
fn weight_gradient<T: Scalar>(
    layer: &Layer,
    x: &[T],
    delta: &[T],
    rows: usize,
    gradient: &mut [T],
) {
    let d_w = &mut gradient[layer.weights.clone()];
    if layer.outputs == 1 {
        d_w.fill(T::zero());
        for (row, &d) in x.chunks_exact(layer.inputs).zip(delta) {
            for (sum, &value) in d_w.iter_mut().zip(row) {
                *sum += d * value;
            }
        }
    } else {
        let x = MatRef::new(x, rows, layer.inputs).transposed();
        product(d_w, x, MatRef::new(delta, rows, layer.outputs), false);
    }
}

/// `dx = delta W^T`.
fn input_gradient<T: Scalar>(
    layer: &Layer,
    parameters: &[T],
    delta: &[T],
    rows: usize,
    d_x: &mut [T],
) {
    if layer.outputs == 1 {
        let w = &parameters[layer.weights.clone()];
        for (row, &d) in d_x.chunks_exact_mut(layer.inputs).zip(delta) {
            for (value, &w) in row.iter_mut().zip(w) {
                *value = d * w;
            }
        }
    } else {
        let delta = MatRef::new(delta, rows, layer.outputs);
        product(d_x, delta, weights(layer, parameters).transposed(), false);
    }
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
        net.backward(&parameters, &input, &c, &mut gradient, &mut room);
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
