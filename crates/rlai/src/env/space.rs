use std::fmt;

/// A box of real vectors: one closed interval per coordinate, possibly unbounded.
#[derive(Clone, Debug, PartialEq)]
pub struct BoxSpace {
    /// Lower bound of each coordinate.
    pub low: Vec<f64>,
    /// Upper bound of each coordinate.
    pub high: Vec<f64>,
}

impl BoxSpace {
    /// A box with the same interval in each of `dimension` coordinates.
    pub fn uniform(dimension: usize, low: f64, high: f64) -> Self {
        Self { low: vec![low; dimension], high: vec![high; dimension] }
    }

    /// All of the real vectors of this dimension.
    pub fn unbounded(dimension: usize) -> Self {
        Self::uniform(dimension, f64::NEG_INFINITY, f64::INFINITY)
    }

    /// Number of coordinates.
    pub fn dimension(&self) -> usize {
        self.low.len()
    }

    /// Whether the box is bounded in every coordinate.
    pub fn is_bounded(&self) -> bool {
        self.low.iter().chain(&self.high).all(|bound| bound.is_finite())
    }

    /// Whether `point` lies in the box.
    pub fn contains(&self, point: &[f64]) -> bool {
        point.len() == self.dimension()
            && point
                .iter()
                .zip(&self.low)
                .zip(&self.high)
                .all(|((x, low), high)| low <= x && x <= high)
    }
}

impl fmt::Display for BoxSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interval = |i: usize| format!("[{}, {}]", short(self.low[i]), short(self.high[i]));
        let all_equal = (1..self.dimension()).all(|i| interval(i) == interval(0));
        if self.dimension() > 0 && all_equal {
            write!(f, "{}^{}", interval(0), self.dimension())
        } else {
            let parts: Vec<_> = (0..self.dimension()).map(interval).collect();
            write!(f, "{}", parts.join(" x "))
        }
    }
}

/// A number in as few digits as its precision needs: many bounds are numbers of single precision.
fn short(bound: f64) -> String {
    let single = bound as f32;
    if f64::from(single) == bound { single.to_string() } else { bound.to_string() }
}

/// The actions of a task: real vectors, choices, several choices at once, or choices with coordinates.
#[derive(Clone, Debug, PartialEq)]
pub enum Space {
    /// Real vectors.
    Box(BoxSpace),
    /// The numbers `0..K`.
    Discrete(usize),
    /// One choice of each of several sets, `0..K_1`, `0..K_2`, ... (Gymnasium's `MultiDiscrete`).
    Factored(Vec<usize>),
    /// One of K choices and, whatever the choice, real coordinates.
    Hybrid {
        /// K.
        choices: usize,
        /// The box of the coordinates.
        coordinates: BoxSpace,
    },
}

impl Space {
    /// What keeps an agent from acting in it: it holds no action, or a simpler kind of space says the
    /// same.
    pub fn problem(&self) -> Option<&'static str> {
        match self {
            Self::Box(space) if space.dimension() == 0 => Some("holds no action"),
            Self::Discrete(0) => Some("holds no action"),
            Self::Factored(factors) if factors.is_empty() || factors.contains(&0) => {
                Some("holds no action")
            }
            Self::Factored(factors) if factors.len() == 1 => {
                Some("has one factor: make it Discrete")
            }
            Self::Hybrid { choices: 0, .. } => Some("holds no action"),
            Self::Hybrid { coordinates, .. } if coordinates.dimension() == 0 => {
                Some("has no coordinates: make it Discrete")
            }
            _ => None,
        }
    }

    /// The box, if actions are real vectors and nothing else.
    pub fn as_box(&self) -> Option<&BoxSpace> {
        match self {
            Self::Box(space) => Some(space),
            _ => None,
        }
    }

    /// K, if an action is one of so many choices and nothing else.
    pub fn choices(&self) -> Option<usize> {
        match self {
            Self::Discrete(choices) => Some(*choices),
            _ => None,
        }
    }

    /// The box of an action's coordinates, if it has any: all of it, or beside the choice.
    pub fn coordinates(&self) -> Option<&BoxSpace> {
        match self {
            Self::Box(space) | Self::Hybrid { coordinates: space, .. } => Some(space),
            Self::Discrete(_) | Self::Factored(_) => None,
        }
    }

    /// K of each choice that an action makes, in order; none for a box.
    pub fn factors(&self) -> Vec<usize> {
        match self {
            Self::Box(_) => Vec::new(),
            Self::Discrete(choices) | Self::Hybrid { choices, .. } => vec![*choices],
            Self::Factored(factors) => factors.clone(),
        }
    }
}

impl From<BoxSpace> for Space {
    fn from(space: BoxSpace) -> Self {
        Self::Box(space)
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Box(space) => space.fmt(f),
            Self::Discrete(choices) => write!(f, "{choices} choices"),
            Self::Factored(factors) => {
                let factors: Vec<_> = factors.iter().map(usize::to_string).collect();
                write!(f, "{} choices", factors.join(" x "))
            }
            Self::Hybrid { choices, coordinates } => {
                write!(f, "{choices} choices with {coordinates}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_space_says_what_it_is_and_what_it_is_made_of() {
        let unit = BoxSpace::uniform(1, 0.0, 1.0);
        let hybrid = Space::Hybrid { choices: 3, coordinates: unit.clone() };
        let cases = [
            (Space::Box(unit.clone()), "[0, 1]^1", None, Some(&unit), vec![]),
            (Space::Discrete(4), "4 choices", Some(4), None, vec![4]),
            (Space::Factored(vec![2, 3]), "2 x 3 choices", None, None, vec![2, 3]),
            (hybrid, "3 choices with [0, 1]^1", None, Some(&unit), vec![3]),
        ];
        for (space, text, choices, coordinates, factors) in cases {
            assert_eq!(space.to_string(), text);
            assert_eq!(space.choices(), choices, "{space}");
            assert_eq!(space.coordinates(), coordinates, "{space}");
            assert_eq!(space.factors(), factors, "{space}");
            assert_eq!(space.as_box().is_some(), factors.is_empty(), "{space}");
        }
    }
}
