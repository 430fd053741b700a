use serde::Serialize;

/// A number measured several times.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    #[serde(skip)]
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Spread {
    /// # Panics
    /// Without a value.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self { median: median(&values), least, most }
    }

    /// The heading above lines of [`Spread::print`].
    pub fn print_heading(runs: usize, seconds: f64) {
        let runs_of = if runs == 1 { "run of" } else { "runs of" };
        let heading = format!("{runs} {runs_of} {seconds:.2} s");
        line_out!("{heading:<20}{:>10}{:>10}{:>10}", "median", "least", "most");
    }

    /// A line of a table: so many digits, and the unit behind them.
    pub fn print(self, name: &str, digits: usize, unit: &str) {
        let Self { median, least, most } = self;
        line_out!("{name:<20}{median:>10.digits$}{least:>10.digits$}{most:>10.digits$}{unit}");
    }
}

/// # Panics
/// Without a value.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        0.5 * (values[middle - 1] + values[middle])
    } else {
        values[middle]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_extremes() {
        let spread = |median, least, most| Spread { median, least, most };
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), spread(2.0, 1.0, 3.0));
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]), spread(2.5, 1.0, 4.0));
    }
}
