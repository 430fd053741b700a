//! What an action is made of, apart from the units of its box.

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

    /// K, if an action is one of K choices and nothing else: then all can be listed.
    pub fn only_choices(&self) -> Option<usize> {
        match self.factors[..] {
            [choices] if self.coordinates == 0 => Some(choices),
            _ => None,
        }
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
}
