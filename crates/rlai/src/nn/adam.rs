use super::Scalar;
use super::simd::vectorised;

/// Adam (Kingma and Ba 2015), with PyTorch's defaults: beta 0.9 and 0.999, epsilon 1e-8.
#[derive(Clone, Debug)]
pub struct Adam<T> {
    first_moment: Vec<T>,
    second_moment: Vec<T>,
    steps: i32,
}

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

impl<T: Scalar> Adam<T> {
    /// An optimiser for `count` parameters, with zero moments.
    pub fn new(count: usize) -> Self {
        let zeros = || vec![T::zero(); count];
        Self { first_moment: zeros(), second_moment: zeros(), steps: 0 }
    }

    /// First moments, second moments and the number of steps taken: all that it remembers.
    pub fn moments(&self) -> (&[T], &[T], i32) {
        (&self.first_moment, &self.second_moment, self.steps)
    }

    /// The moments, to be overwritten by those that [`Adam::moments`] gave, and the number of steps.
    pub fn moments_mut(&mut self) -> (&mut [T], &mut [T], &mut i32) {
        (&mut self.first_moment, &mut self.second_moment, &mut self.steps)
    }

    /// Moves `parameters` against `scale * gradient` by one step of size `learning_rate`.
    ///
    /// `scale` is the factor of gradient clipping, 1 without.
    pub fn step(&mut self, parameters: &mut [T], gradient: &[T], scale: T, learning_rate: f64) {
        self.steps = self.steps.saturating_add(1);
        let correction_1 = 1.0 - BETA_1.powi(self.steps);
        let correction_2 = 1.0 - BETA_2.powi(self.steps);
        let rate = T::from_f64(learning_rate / correction_1);
        let root = T::from_f64(1.0 / correction_2.sqrt());
        let epsilon = T::from_f64(EPSILON);
        let (keep_1, add_1) = (T::from_f64(BETA_1), T::from_f64(1.0 - BETA_1));
        let (keep_2, add_2) = (T::from_f64(BETA_2), T::from_f64(1.0 - BETA_2));
        vectorised(|| {
            let moments = self.first_moment.iter_mut().zip(&mut self.second_moment);
            for ((p, &g), (m, v)) in parameters.iter_mut().zip(gradient).zip(moments) {
                let g = scale * g;
                *m = keep_1 * *m + add_1 * g;
                *v = keep_2 * *v + add_2 * g * g;
                *p -= rate * *m / (v.sqrt() * root + epsilon);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_formula_of_the_paper_over_several_steps() {
        let (mut p, mut m, mut v) = (0.7f64, 0.0f64, 0.0f64);
        let mut adam = Adam::new(1);
        let mut parameter = [p];
        for t in 1..=20 {
            let g = (t as f64 * 0.9).sin() * 3.0;
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let (m_hat, v_hat) = (m / (1.0 - 0.9f64.powi(t)), v / (1.0 - 0.999f64.powi(t)));
            p -= 0.01 * m_hat / (v_hat.sqrt() + 1e-8);
            adam.step(&mut parameter, &[g], 1.0, 0.01);
            assert!((parameter[0] - p).abs() < 1e-13);
        }
    }

    #[test]
    fn finds_the_minimum_of_a_quadratic() {
        let target = [1.0f64, -2.0, 0.5];
        let mut x = [0.0; 3];
        let mut adam = Adam::new(3);
        for _ in 0..3000 {
            let gradient = std::array::from_fn::<f64, 3, _>(|i| 2.0 * (x[i] - target[i]));
            adam.step(&mut x, &gradient, 1.0, 0.01);
        }
        for i in 0..3 {
            assert!((x[i] - target[i]).abs() < 1e-6);
        }
    }
}
