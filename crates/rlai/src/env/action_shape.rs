//! What an action is made of, apart from the units of its box.

use super::Space;
use crate::nn::Scalar;

/// An action's parts: one choice of each factor, then coordinates.
///
/// An agent stores an action as the numbers of its choices, then its coordinates in `[-1,1]`; a critic
/// sees each choice as a one-hot vector. A plain box has no factors, a plain choice no coordinates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionShape {
    /// K of each factor.
    pub factors: Vec<usize>,
    /// A, coordinates.
    pub coordinates: usize,
}

impl ActionShape {
    /// A box of this dimension.
    pub fn of_box(coordinates: usize) -> Self {
        Self { factors: Vec::new(), coordinates }
    }

    /// One of K choices.
    pub fn of_choices(choices: usize) -> Self {
        Self { factors: vec![choices], coordinates: 0 }
    }

    /// Numbers of an action as it is stored: a number for each choice, then the coordinates.
    pub fn stored_width(&self) -> usize {
        self.factors.len() + self.coordinates
    }

    /// Numbers of an action as a critic sees it: one-hot choices, then the coordinates.
    pub fn feature_width(&self) -> usize {
        self.factors.iter().sum::<usize>() + self.coordinates
    }

    /// Numbers of an action beside the observation in a critic's input: its features, or none where the critic
    /// has an output for each of the choices that can be listed.
    pub(crate) fn critic_inputs(&self) -> usize {
        if self.only_choices().is_some() { 0 } else { self.feature_width() }
    }

    /// K, if an action is one of K choices and nothing else: then all can be listed.
    pub fn only_choices(&self) -> Option<usize> {
        match self.factors[..] {
            [choices] if self.coordinates == 0 => Some(choices),
            _ => None,
        }
    }

    /// Writes the features of an action with these choices (none if it has no factors: a distribution's
    /// own branch is not part of an action) and coordinates.
    pub fn write_features<T: Scalar>(
        &self,
        choices: &[usize],
        coordinates: &[T],
        features: &mut [T],
    ) {
        let (one_hot, rest) = features.split_at_mut(self.feature_width() - self.coordinates);
        one_hot.fill(T::zero());
        let mut first = 0;
        for (&count, &choice) in self.factors.iter().zip(choices) {
            one_hot[first + choice] = T::one();
            first += count;
        }
        rest.copy_from_slice(coordinates);
    }

    /// Writes an action with these choices and coordinates as it is stored.
    pub fn write_stored<T: Scalar>(&self, choices: &[usize], coordinates: &[T], stored: &mut [T]) {
        let (numbers, rest) = stored.split_at_mut(self.factors.len());
        for (number, &choice) in numbers.iter_mut().zip(choices) {
            *number = T::from_f64(choice as f64);
        }
        rest.copy_from_slice(coordinates);
    }

    /// A stored action's choices into `choices`; returns its coordinates.
    pub fn read_stored<'a, T: Scalar>(&self, stored: &'a [T], choices: &mut [usize]) -> &'a [T] {
        let (numbers, coordinates) = stored.split_at(self.factors.len());
        for (choice, number) in choices.iter_mut().zip(numbers) {
            *choice = number.widen() as usize;
        }
        coordinates
    }
}

impl From<&Space> for ActionShape {
    fn from(space: &Space) -> Self {
        let coordinates = space.coordinates().map_or(0, |space| space.dimension());
        Self { factors: space.factors(), coordinates }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_of_every_kind_of_action() {
        let hybrid = ActionShape { factors: vec![3], coordinates: 2 };
        let factored = ActionShape { factors: vec![2, 3], coordinates: 0 };
        let kinds = [ActionShape::of_box(2), ActionShape::of_choices(4), hybrid, factored];
        let widths = kinds.map(|s| (s.stored_width(), s.feature_width(), s.only_choices()));
        assert_eq!(widths, [(2, 2, None), (1, 4, Some(4)), (3, 5, None), (2, 5, None)]);
    }

    #[test]
    fn features_and_storage_of_a_hybrid_action() {
        let shape = ActionShape { factors: vec![3, 2], coordinates: 2 };
        let mut features = [f64::NAN; 7];
        shape.write_features(&[1, 0], &[0.5, -0.5], &mut features);
        assert_eq!(features, [0.0, 1.0, 0.0, 1.0, 0.0, 0.5, -0.5]);
        let mut stored = [f64::NAN; 4];
        shape.write_stored(&[1, 0], &[0.5, -0.5], &mut stored);
        assert_eq!(stored, [1.0, 0.0, 0.5, -0.5]);
        let mut choices = [9; 2];
        assert_eq!(shape.read_stored(&stored, &mut choices), [0.5, -0.5]);
        assert_eq!(choices, [1, 0]);
        // A branch is a choice of the distribution's, not of the action's.
        let mut plain = [f64::NAN; 1];
        ActionShape::of_box(1).write_features(&[1], &[0.25], &mut plain);
        assert_eq!(plain, [0.25]);
    }
}
