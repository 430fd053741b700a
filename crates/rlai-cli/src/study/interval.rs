//! Spread over seeds.

/// What a band around a mean is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interval {
    /// One seed: there is no band.
    None,
    /// Two seeds: from the smaller to the larger.
    Range,
    /// Three seeds or more: the 95% confidence interval of the mean by Student's t.
    StudentT,
}

impl Interval {
    /// What files call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Range => "range",
            Self::StudentT => "t95",
        }
    }
}

/// Mean over seeds with its band.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Standard deviation (n - 1); zero for one seed.
    pub sd: f64,
    /// Lower end of the band.
    pub low: f64,
    /// Upper end of the band.
    pub high: f64,
    /// What the band is.
    pub interval: Interval,
}

impl Spread {
    /// The spread of `values`, at least one.
    pub fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let sd = if values.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 };
        let (low, high, interval) = match values {
            [_] => (mean, mean, Interval::None),
            [one, other] => (one.min(*other), one.max(*other), Interval::Range),
            _ => {
                let half = t_975(values.len() - 1) * sd / n.sqrt();
                (mean - half, mean + half, Interval::StudentT)
            }
        };
        Self { mean, sd, low, high, interval }
    }
}

/// The 0.975 quantile of Student's t distribution with this many degrees of freedom, at least one.
pub fn t_975(degrees: usize) -> f64 {
    rlai_stats::welch::t_quantile(0.05, degrees as f64).expect("a share and degrees above zero")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // t tables to three digits: 11, 30 and 120 degrees of freedom.
        for (degrees, quantile) in [(1, 12.706), (2, 4.303), (11, 2.201), (30, 2.042), (120, 1.980)]
        {
            assert!((t_975(degrees) - quantile).abs() < 6e-4, "{degrees}: {}", t_975(degrees));
        }
    }

    #[test]
    fn bands_depend_on_the_number_of_seeds() {
        assert_eq!(Spread::of(&[4.0]).interval, Interval::None);
        let two = Spread::of(&[4.0, 1.0]);
        assert_eq!((two.mean, two.low, two.high), (2.5, 1.0, 4.0));
        assert_eq!(two.interval, Interval::Range);
        let three = Spread::of(&[1.0, 2.0, 3.0]);
        assert_eq!((three.mean, three.sd), (2.0, 1.0));
        let half = 4.302_652_729_749_464 / 3f64.sqrt();
        assert!((three.low - (2.0 - half)).abs() < 1e-12);
        assert!((three.high - (2.0 + half)).abs() < 1e-12);
    }
}
