use super::simd::vectorised;
use super::{Buffer, Scalar, Team, buffer, zeros};

/// Adam (Kingma and Ba 2015), with PyTorch's defaults: beta 0.9 and 0.999, epsilon 1e-8.
///
/// Its state is two moments and a count: what [`Adam::first_moment`], [`Adam::second_moment`] and
/// [`Adam::steps`] give, [`Adam::from_state`] goes on from to the last bit.
#[derive(Clone, Debug, PartialEq)]
pub struct Adam<T> {
    first_moment: Buffer<T>,
    second_moment: Buffer<T>,
    steps: u32,
}

/// Numbers that are no state of [`Adam`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdamStateError {
    /// The moments are of different numbers of parameters.
    #[error("{first} first moments and {second} second moments: one of each for every parameter")]
    Lengths {
        /// First moments.
        first: usize,
        /// Second moments.
        second: usize,
    },
    /// A moment is not finite.
    #[error("{which} moment {index} is not finite")]
    NonFinite {
        /// `first` or `second`.
        which: &'static str,
        /// The parameter.
        index: usize,
    },
    /// A mean of squares below zero.
    #[error("second moment {index} is negative")]
    Negative {
        /// The parameter.
        index: usize,
    },
}

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

impl<T: Scalar> Adam<T> {
    /// An optimiser for `count` parameters, with zero moments.
    pub fn new(count: usize) -> Self {
        Self { first_moment: zeros(count), second_moment: zeros(count), steps: 0 }
    }

    /// The optimiser that goes on from these moments after so many steps.
    ///
    /// # Errors
    /// When the moments differ in length, are not finite, or a second one is negative.
    pub fn from_state(
        first_moment: Vec<T>,
        second_moment: Vec<T>,
        steps: u32,
    ) -> Result<Self, AdamStateError> {
        let (first, second) = (first_moment.len(), second_moment.len());
        if first != second {
            return Err(AdamStateError::Lengths { first, second });
        }
        for (which, moment) in [("first", &first_moment), ("second", &second_moment)] {
            if let Some(index) = moment.iter().position(|value| !value.widen().is_finite()) {
                return Err(AdamStateError::NonFinite { which, index });
            }
        }
        match second_moment.iter().position(|&value| value < T::zero()) {
            Some(index) => Err(AdamStateError::Negative { index }),
            None => Ok(Self {
                first_moment: buffer(&first_moment),
                second_moment: buffer(&second_moment),
                steps,
            }),
        }
    }

    /// Running means of the gradients, one a parameter, without the correction of their bias.
    pub fn first_moment(&self) -> &[T] {
        &self.first_moment
    }

    /// Running means of the squared gradients, one a parameter, without the correction of their bias.
    pub fn second_moment(&self) -> &[T] {
        &self.second_moment
    }

    /// Steps taken so far.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// Moves `parameters` against `scale * gradient` by one step of size `learning_rate`.
    ///
    /// `scale` is the factor of gradient clipping, 1 without.
    pub fn step(&mut self, parameters: &mut [T], gradient: &[T], scale: T, learning_rate: f64) {
        self.sweep(parameters, gradient, scale, learning_rate, None);
    }

    /// [`Adam::step`] by two threads, if the team has them: a part of the parameters each, as long as their
    /// gradients.
    ///
    /// # Panics
    /// When there is not a gradient for every parameter.
    pub fn step_by(
        &mut self,
        team: &Team,
        parameters: &mut [T],
        gradients: (&[T], &[T]),
        scale: T,
        learning_rate: f64,
    ) {
        let step = self.next_step(scale, learning_rate);
        let middle = gradients.0.len();
        assert_eq!(middle + gradients.1.len(), parameters.len(), "a gradient for every parameter");
        let p = parameters.split_at_mut(middle);
        let m = self.first_moment.split_at_mut(middle);
        let v = self.second_moment.split_at_mut(middle);
        let sweep = |parameters, gradient, moments| {
            vectorised(Sweep { step, parameters, gradient, moments, target: None });
        };
        team.both(|| sweep(p.0, gradients.0, (m.0, v.0)), || sweep(p.1, gradients.1, (m.1, v.1)));
    }

    /// [`Adam::step`], then `target += share * (parameters - target)`, in one sweep.
    pub fn step_with_target(
        &mut self,
        parameters: &mut [T],
        gradient: &[T],
        scale: T,
        learning_rate: f64,
        target: (&mut [T], T),
    ) {
        self.sweep(parameters, gradient, scale, learning_rate, Some(target));
    }

    fn sweep(
        &mut self,
        parameters: &mut [T],
        gradient: &[T],
        scale: T,
        learning_rate: f64,
        target: Option<(&mut [T], T)>,
    ) {
        let step = self.next_step(scale, learning_rate);
        let moments = (&mut self.first_moment[..], &mut self.second_moment[..]);
        vectorised(Sweep { step, parameters, gradient, moments, target });
    }

    /// Counts a step, and says what it multiplies with.
    fn next_step(&mut self, scale: T, learning_rate: f64) -> Step<T> {
        self.steps = self.steps.saturating_add(1);
        // Long before the largest count both powers are zero.
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let correction_1 = 1.0 - BETA_1.powi(steps);
        let correction_2 = 1.0 - BETA_2.powi(steps);
        Step {
            scale,
            rate: T::from_f64(learning_rate / correction_1),
            root: T::from_f64(1.0 / correction_2.sqrt()),
        }
    }
}

/// The numbers of one step.
#[derive(Clone, Copy)]
struct Step<T> {
    scale: T,
    rate: T,
    root: T,
}

impl<T: Scalar> Step<T> {
    #[inline(always)]
    fn one(self, p: &mut T, g: T, m: &mut T, v: &mut T) {
        let (keep_1, add_1) = (T::from_f64(BETA_1), T::from_f64(1.0 - BETA_1));
        let (keep_2, add_2) = (T::from_f64(BETA_2), T::from_f64(1.0 - BETA_2));
        let g = self.scale * g;
        *m = keep_1 * *m + add_1 * g;
        *v = keep_2 * *v + add_2 * g * g;
        *p -= self.rate * *m / (v.sqrt() * self.root + T::from_f64(EPSILON));
    }
}

/// One pass over everything that a step touches: memory, not arithmetic, is what it costs.
struct Sweep<'a, T> {
    step: Step<T>,
    parameters: &'a mut [T],
    gradient: &'a [T],
    moments: (&'a mut [T], &'a mut [T]),
    target: Option<(&'a mut [T], T)>,
}

impl<T: Scalar> pulp::NullaryFnOnce for Sweep<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { step, parameters, gradient, moments, target } = self;
        let moments = moments.0.iter_mut().zip(moments.1);
        let all = parameters.iter_mut().zip(gradient).zip(moments);
        match target {
            None => {
                for ((p, &g), (m, v)) in all {
                    step.one(p, g, m, v);
                }
            }
            Some((target, share)) => {
                for (((p, &g), (m, v)), t) in all.zip(target) {
                    step.one(p, g, m, v);
                    *t += share * (*p - *t);
                }
            }
        }
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

    /// Takes `steps` steps on gradients that depend on the parameters and the step.
    fn walk<T: Scalar>(adam: &mut Adam<T>, parameters: &mut [T], steps: std::ops::Range<usize>) {
        for t in steps {
            let wave = |(i, x): (usize, &T)| T::from_f64((x.widen() * 7.0 + (i * t) as f64).sin());
            let gradient: Vec<T> = parameters.iter().enumerate().map(wave).collect();
            adam.step(parameters, &gradient, T::from_f64(0.7), 3e-3);
        }
    }

    fn goes_on<T: Scalar>() {
        for pause in [0, 1, 2, 50] {
            let (mut adam, mut x) = (Adam::<T>::new(37), vec![T::from_f64(0.3); 37]);
            walk(&mut adam, &mut x, 0..pause);
            let (m, v) = (adam.first_moment().to_vec(), adam.second_moment().to_vec());
            assert_eq!(adam.steps() as usize, pause);
            let (mut again, mut y) = (Adam::from_state(m, v, adam.steps()).unwrap(), x.clone());
            walk(&mut adam, &mut x, pause..pause + 60);
            walk(&mut again, &mut y, pause..pause + 60);
            let bits =
                |values: &[T]| values.iter().map(|x| x.widen().to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&x), bits(&y), "after {pause} steps");
            assert_eq!(adam, again);
            // Each part of the state is needed.
            let fresh = || vec![T::zero(); 37];
            for (m, v, steps) in [
                (fresh(), adam.second_moment().to_vec(), adam.steps()),
                (adam.first_moment().to_vec(), adam.second_moment().to_vec(), 3),
            ] {
                let (mut other, mut z) = (Adam::from_state(m, v, steps).unwrap(), x.clone());
                let (mut whole, mut x) = (adam.clone(), x.clone());
                walk(&mut other, &mut z, 0..1);
                walk(&mut whole, &mut x, 0..1);
                assert_ne!(bits(&x), bits(&z));
            }
        }
    }

    #[test]
    fn goes_on_from_its_state_to_the_last_bit() {
        goes_on::<f32>();
        goes_on::<f64>();
    }

    #[test]
    fn a_state_that_cannot_be_is_refused() {
        let refused = |m: &[f64], v: &[f64], text: &str| {
            let error = Adam::from_state(m.to_vec(), v.to_vec(), 1).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        };
        refused(&[0.0], &[0.0, 0.0], "1 first moments and 2 second moments");
        refused(&[0.0, f64::NAN], &[0.0, 0.0], "first moment 1 is not finite");
        refused(&[0.0], &[f64::INFINITY], "second moment 0 is not finite");
        refused(&[0.0], &[-1e-9], "second moment 0 is negative");
        let last = Adam::from_state(vec![1.0], vec![1.0], u32::MAX).unwrap();
        let (mut last, mut x) = (last, [0.0f64]);
        last.step(&mut x, &[1.0], 1.0, 0.1);
        assert!(last.steps() == u32::MAX && (x[0] + 0.1).abs() < 1e-8, "without a correction");
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
