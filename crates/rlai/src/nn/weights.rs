//! Parameters of a network in both orders in which products read them.

use super::{Buffer, Layer, Mlp, Scalar, Team, buffer, zeros};

/// A network's parameters and, beside them, the weights of all layers but the first transposed: what the gradient
/// of a layer's input is a product with. They change together.
#[derive(Clone, Debug)]
pub struct Weights<T> {
    parameters: Buffer<T>,
    /// `[outputs, inputs]` of each layer that has a place here, one after the other.
    turned: Buffer<T>,
}

impl<T: Scalar> Weights<T> {
    /// These parameters of `net`.
    ///
    /// # Panics
    /// When `net` has another number of them.
    pub fn new(net: &Mlp, parameters: &[T]) -> Self {
        assert_eq!(parameters.len(), net.parameter_count(), "one number for every parameter");
        let turned = net.layers().last().map_or(0, |layer| layer.turned.end);
        let mut weights = Self { parameters: buffer(parameters), turned: zeros(turned) };
        weights.turn(net, &Team::default());
        weights
    }

    /// All parameters, layer by layer.
    pub fn parameters(&self) -> &[T] {
        &self.parameters
    }

    /// Changes the parameters, those of `net`.
    ///
    /// # Panics
    /// When `net` has another number of them.
    pub fn change(&mut self, net: &Mlp, team: &Team, change: impl FnOnce(&mut [T])) {
        assert_eq!(self.parameters.len(), net.parameter_count(), "the parameters of another net");
        change(&mut self.parameters);
        self.turn(net, team);
    }

    /// The weights of a layer transposed, `[outputs, inputs]`.
    pub(super) fn turned(&self, layer: &Layer) -> &[T] {
        &self.turned[layer.turned.clone()]
    }

    /// Half of a layer's outputs is a task of `team`'s.
    fn turn(&mut self, net: &Mlp, team: &Team) {
        for layer in net.layers().iter().filter(|layer| !layer.turned.is_empty()) {
            let from = &self.parameters[layer.weights.clone()];
            let middle = layer.outputs / 2;
            let (low, high) = self.turned[layer.turned.clone()].split_at_mut(middle * layer.inputs);
            let turn = |from, to| T::transpose(from, layer.outputs, to, layer.inputs);
            team.both(|| turn(from, low), || turn(&from[middle..], high));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    fn check<T: Scalar>(widths: &[usize]) {
        let net = Mlp::new(widths);
        let mut stream = Key::from_seed(2).stream("weights");
        let mut weights = Weights::<T>::new(&net, &net.initialise(&mut stream));
        for threads in [1, 2] {
            let team = Team::new(threads).unwrap();
            weights.change(&net, &team, |parameters| stream.fill_normal(parameters));
            for layer in net.layers().iter().filter(|layer| !layer.turned.is_empty()) {
                let from = &weights.parameters()[layer.weights.clone()];
                let turned = weights.turned(layer);
                for (i, row) in from.chunks_exact(layer.outputs).enumerate() {
                    for (j, &weight) in row.iter().enumerate() {
                        assert!(turned[j * layer.inputs + i] == weight, "{widths:?} {i} {j}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_turned_follows_the_parameters() {
        for widths in [&[3, 5, 7, 2][..], &[4, 16, 33, 12], &[2, 6, 1], &[3, 4], &[1, 1, 1, 1]] {
            check::<f32>(widths);
            check::<f64>(widths);
        }
    }
}
