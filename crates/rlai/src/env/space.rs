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

/// The actions of a task: a box of real vectors, or a number of choices.
#[derive(Clone, Debug, PartialEq)]
pub enum Space {
    /// Real vectors.
    Box(BoxSpace),
    /// The numbers `0..K`.
    Discrete(usize),
}

impl Space {
    /// The box, if it is one.
    pub fn as_box(&self) -> Option<&BoxSpace> {
        match self {
            Self::Box(space) => Some(space),
            Self::Discrete(_) => None,
        }
    }

    /// K, if there are so many choices.
    pub fn choices(&self) -> Option<usize> {
        match self {
            Self::Box(_) => None,
            Self::Discrete(choices) => Some(*choices),
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
        }
    }
}
