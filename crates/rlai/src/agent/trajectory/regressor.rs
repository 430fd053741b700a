use crate::nn::{Adam, Mlp, Team, Weights, all_finite, norm};
use crate::random::Stream;

/// A network fitted to returns by least squares. Its outputs are standardised by the mean and the
/// standard deviation of the first targets it meets, so that it learns returns of any size.
#[derive(Clone, Debug)]
pub(super) struct Regressor {
    pub(super) net: Mlp,
    pub(super) weights: Weights<f32>,
    /// Shift and scale of the targets; the scale is zero until the first fit.
    pub(super) standard: [f32; 2],
    adam: Adam<f32>,
}

/// How a [`Regressor`] is fitted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    pub(super) updates: usize,
    pub(super) learning_rate: f64,
}

impl Regressor {
    pub(super) fn new(
        inputs: usize,
        hidden: &[usize],
        outputs: usize,
        stream: &mut Stream,
    ) -> Self {
        let net = Mlp::new(&[&[inputs], hidden, &[outputs]].concat());
        let parameters: Vec<f32> = net.initialise(stream);
        let (adam, weights) = (Adam::new(parameters.len()), Weights::new(&net, &parameters));
        Self { adam, net, weights, standard: [0.0; 2] }
    }

    /// Its optimiser.
    pub(super) fn adam(&self) -> &Adam<f32> {
        &self.adam
    }

    /// Its optimiser, to be overwritten.
    pub(super) fn adam_mut(&mut self) -> &mut Adam<f32> {
        &mut self.adam
    }

    /// All outputs of every row, `[rows, outputs]`; zero before the first fit.
    pub(super) fn predict(&self, inputs: &[f32]) -> Vec<f64> {
        let mut room = self.net.activations(inputs.len() / self.net.inputs());
        self.net.forward(self.weights.parameters(), inputs, &mut room);
        let [shift, scale] = self.standard.map(f64::from);
        room.output().iter().map(|&y| shift + scale * f64::from(y)).collect()
    }

    /// Full-batch steps on half of the mean squared error of output `column[i]` of row i (the first
    /// without columns); returns that loss before the first step, in the targets' units, and the last
    /// step's gradient norm. None if a loss or a gradient is not finite: no step is taken from it.
    pub(super) fn fit(
        &mut self,
        inputs: &[f32],
        targets: &[f64],
        columns: Option<&[usize]>,
        fit: Fit,
    ) -> Option<(f64, f64)> {
        let standard = if self.standard[1] == 0.0 { standard_of(targets) } else { self.standard };
        let [shift, scale] = standard;
        let (rows, width) = (targets.len(), self.net.outputs());
        let mut room = self.net.activations(rows);
        let mut d_output = vec![0.0f32; rows * width];
        let mut gradient = vec![0.0f32; self.net.parameter_count()];
        let (mut loss, mut gradient_norm) = (0.0, 0.0);
        for update in 0..fit.updates {
            self.net.forward(self.weights.parameters(), inputs, &mut room);
            let mut squares = 0.0;
            for (i, &target) in targets.iter().enumerate() {
                let at = i * width + columns.map_or(0, |columns| columns[i]);
                let error = room.output()[at] - (target as f32 - shift) / scale;
                d_output[at] = error / rows as f32;
                squares += f64::from(error) * f64::from(error);
            }
            if update == 0 {
                loss = 0.5 * squares / rows as f64 * f64::from(scale) * f64::from(scale);
            }
            self.net.backward(&self.weights, inputs, &d_output, &mut gradient, &mut room);
            gradient_norm = norm(&gradient);
            if !(squares.is_finite() && gradient_norm.is_finite()) {
                return None;
            }
            self.standard = standard;
            let Self { net, weights, adam, .. } = self;
            weights.change(net, &Team::default(), |parameters| {
                adam.step(parameters, &gradient, 1.0, fit.learning_rate);
            });
        }
        loss.is_finite().then_some((loss, gradient_norm))
    }

    pub(super) fn is_finite(&self) -> bool {
        all_finite(self.weights.parameters()) && all_finite(&self.standard)
    }
}

fn standard_of(targets: &[f64]) -> [f32; 2] {
    let count = targets.len() as f64;
    let mean = targets.iter().sum::<f64>() / count;
    let variance = targets.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
    // Equal targets have no spread to divide by.
    let scale = if variance > 1e-12 { variance.sqrt() } else { 1.0 };
    [mean as f32, scale as f32]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    #[test]
    fn large_targets_are_learned_column_by_column() {
        let mut regressor = Regressor::new(1, &[16], 2, &mut Key::from_seed(1).stream("net"));
        let inputs: Vec<f32> = (0..40).map(|i| i as f32 / 40.0).collect();
        let columns: Vec<usize> = (0..40).map(|i| i % 2).collect();
        let target =
            |x: f32, column: usize| -1500.0 + 400.0 * f64::from(x) * (1.0 - 2.0 * column as f64);
        let targets: Vec<f64> = inputs.iter().zip(&columns).map(|(&x, &c)| target(x, c)).collect();
        let fit = Fit { updates: 3000, learning_rate: 1e-2 };
        let (before, _) = regressor.fit(&inputs, &targets, Some(&columns), fit).unwrap();
        let predicted = regressor.predict(&inputs);
        for (i, &x) in inputs.iter().enumerate() {
            let error = predicted[2 * i + columns[i]] - target(x, columns[i]);
            assert!(error.abs() < 10.0, "{x}: off by {error}");
        }
        assert!(before > 1000.0, "{before}");
    }

    #[test]
    fn a_loss_that_is_not_finite_moves_nothing() {
        let mut regressor = Regressor::new(1, &[4], 1, &mut Key::from_seed(1).stream("net"));
        let fit = Fit { updates: 5, learning_rate: 1e-2 };
        for fitted_before in [false, true] {
            let kept = (regressor.weights.parameters().to_vec(), regressor.standard);
            for bad in [f64::NAN, f64::INFINITY, 1e300] {
                assert_eq!(regressor.fit(&[0.0, 1.0], &[1.0, bad], None, fit), None, "{bad}");
                assert_eq!((regressor.weights.parameters().to_vec(), regressor.standard), kept);
            }
            assert_eq!(fitted_before, kept.1[1] != 0.0);
            assert!(regressor.fit(&[0.0, 1.0], &[1.0, 2.0], None, fit).is_some());
        }
    }
}
