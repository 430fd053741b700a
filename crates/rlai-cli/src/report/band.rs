//! Curves joined over runs: means with bands.

use clap::ValueEnum;
use rlai_stats::{Bootstrap, Curve, Runs, aggregate, curve};

use super::compare::FEWEST_RUNS;

/// What is drawn around a mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Band {
    /// The 95% interval of the mean by the bootstrap over seeds (2,000 resamples, percentiles)
    #[default]
    Bootstrap,
    /// Half a standard deviation to either side: spread, no confidence interval
    HalfSd,
    /// The 95% interval of the mean by Student's t
    T,
    /// From the lowest to the highest run
    Range,
}

/// What a band turned out to be, which depends on the number of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// One run: there is none.
    None,
    /// From the lowest to the highest run.
    Range,
    /// Half a standard deviation to either side.
    HalfSd,
    /// Student's t.
    T,
    /// The bootstrap.
    Bootstrap,
}

impl Kind {
    /// As it is written in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Range => "range",
            Self::HalfSd => "half-sd",
            Self::T => "t95",
            Self::Bootstrap => "bootstrap95",
        }
    }

    /// For people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::None => "none, since one seed has no spread",
            Self::Range => {
                "from the lowest to the highest seed (a range, not a confidence interval)"
            }
            Self::HalfSd => {
                "half a standard deviation over seeds to either side (spread, not a confidence interval)"
            }
            Self::T => "95% confidence interval of the mean over seeds, Student's t, pointwise",
            Self::Bootstrap => {
                "95% confidence interval of the mean, bootstrap over seeds (2,000 resamples, percentiles), \
                 pointwise"
            }
        }
    }
}

/// A mean curve with its band.
#[derive(Clone, Debug, PartialEq)]
pub struct Mean {
    /// The runs behind it, at common steps.
    pub curves: Vec<Curve>,
    /// The mean.
    pub line: Vec<(f64, f64)>,
    /// Lower and upper end at each of its points; empty for none.
    pub band: Vec<(f64, f64)>,
    /// What the band is.
    pub kind: Kind,
}

impl Mean {
    /// Of curves that are aligned, at least one.
    pub fn of(curves: Vec<Curve>, band: Band, bootstrap: &Bootstrap) -> rlai_stats::Result<Self> {
        let kind = match (band, curves.len()) {
            (_, 0 | 1) => Kind::None,
            (Band::HalfSd, _) => Kind::HalfSd,
            (Band::Range, _) => Kind::Range,
            (_, n) if n < FEWEST_RUNS => Kind::Range,
            (Band::Bootstrap, _) => Kind::Bootstrap,
            (Band::T, _) => Kind::T,
        };
        let n = curves.len() as f64;
        let at = |i: usize| curves.iter().map(move |curve| curve.values()[i]);
        let steps = curves.first().map_or(&[][..], Curve::steps);
        let line: Vec<(f64, f64)> =
            steps.iter().enumerate().map(|(i, &step)| (step, at(i).sum::<f64>() / n)).collect();
        let around = |half: &dyn Fn(f64) -> f64| -> Vec<(f64, f64)> {
            let ends = |(i, &(_, mean)): (usize, &(f64, f64))| {
                let squares: f64 = at(i).map(|value| (value - mean).powi(2)).sum();
                let half = half((squares / (n - 1.0)).sqrt());
                (mean - half, mean + half)
            };
            line.iter().enumerate().map(ends).collect()
        };
        let band = match kind {
            Kind::None => Vec::new(),
            Kind::HalfSd => around(&|sd| sd / 2.0),
            Kind::T => around(&|sd| t_975(curves.len() - 1) * sd / n.sqrt()),
            Kind::Range => (0..line.len())
                .map(|i| {
                    (at(i).fold(f64::INFINITY, f64::min), at(i).fold(f64::NEG_INFINITY, f64::max))
                })
                .collect(),
            Kind::Bootstrap => {
                let points =
                    curve::estimate(&Runs::of(vec![curves.clone()])?, aggregate::mean, bootstrap)?;
                points.iter().map(|point| (point.estimate.low, point.estimate.high)).collect()
            }
        };
        Ok(Self { curves, line, band, kind })
    }
}

/// The 0.975 quantile of Student's t distribution with this many degrees of freedom, at least one.
fn t_975(degrees: usize) -> f64 {
    rlai_stats::welch::t_quantile(0.05, degrees as f64).expect("a share and degrees above zero")
}

/// Curves at common steps, smoothed: where all have begun, the steps of the one that was evaluated most seldom
/// since, and where the first of them ends; between two evaluations by linear interpolation, which nothing needs where
/// all were evaluated at the same steps. None where they share no stretch, or one has no finite value.
pub fn aligned<'a>(
    all: impl Iterator<Item = &'a [(f64, f64)]> + Clone,
    smooth: f64,
) -> Option<Vec<Curve>> {
    let finite = |points: &[(f64, f64)]| {
        let finite = points.iter().filter(|(_, value)| value.is_finite());
        let (steps, values) = finite.copied().unzip();
        Curve::new(steps, values).ok()
    };
    let curves: Vec<Curve> = all.map(finite).collect::<Option<_>>()?;
    let steps = common_steps(&curves)?;
    let one = |curve: &Curve| {
        let values = steps.iter().map(|&step| curve.at(step)).collect::<Option<_>>()?;
        Curve::new(steps.clone(), values).and_then(|curve| curve.smoothed(smooth)).ok()
    };
    curves.iter().map(one).collect()
}

/// The steps of the curve with the fewest between where all have begun and where the first ends, and both ends: what
/// curves of one group have, those of a larger one have too.
fn common_steps(curves: &[Curve]) -> Option<Vec<f64>> {
    let begin = curves.iter().map(|curve| curve.steps()[0]).fold(0.0, f64::max);
    let end = curves.iter().map(|curve| curve.last().0).fold(f64::INFINITY, f64::min);
    let within = |curve: &Curve| -> Vec<f64> {
        curve.steps().iter().copied().filter(|step| (begin..=end).contains(step)).collect()
    };
    let mut steps = curves.iter().map(within).min_by_key(Vec::len)?;
    if steps.first() != Some(&begin) {
        steps.insert(0, begin);
    }
    if steps.last() != Some(&end) {
        steps.push(end);
    }
    (begin <= end).then_some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64], band: Band) -> Mean {
        let curves = values.iter().map(|&value| Curve::new(vec![10.0], vec![value]).unwrap());
        Mean::of(curves.collect(), band, &Bootstrap::for_curves()).unwrap()
    }

    #[test]
    fn bands_depend_on_the_number_of_runs() {
        assert_eq!(of(&[4.0], Band::Bootstrap).kind, Kind::None);
        assert_eq!(of(&[4.0], Band::HalfSd).band, []);
        let two = of(&[4.0, 1.0], Band::Bootstrap);
        assert_eq!((two.kind, two.band), (Kind::Range, vec![(1.0, 4.0)]));
        assert_eq!(two.line, [(10.0, 2.5)]);
        let (half, t) = (of(&[1.0, 2.0, 3.0], Band::HalfSd), of(&[1.0, 2.0, 3.0], Band::T));
        assert_eq!(half.band, [(1.5, 2.5)]);
        assert!((t.band[0].1 - (2.0 + 4.302_652_729_749_464 / 3f64.sqrt())).abs() < 1e-12);
        // Of the 27 resamples of three runs one has all three lowest: 1/27 > 0.025.
        let bootstrap = of(&[1.0, 2.0, 3.0], Band::Bootstrap);
        assert_eq!((bootstrap.kind, bootstrap.band[0]), (Kind::Bootstrap, (1.0, 3.0)));
    }

    #[test]
    fn curves_are_joined_at_common_steps() {
        let runs: [&[(f64, f64)]; 2] = [
            &[(0.0, 1.0), (10.0, 2.0), (20.0, f64::NAN), (30.0, 4.0)],
            &[(10.0, 0.0), (20.0, 1.0), (30.0, 2.0), (40.0, 3.0)],
        ];
        let curves = aligned(runs.iter().copied(), 0.5).unwrap();
        assert_eq!(curves[0].steps(), [10.0, 30.0]);
        // Episodes end at other steps in every run: none is lost for that.
        let apart: [&[(f64, f64)]; 2] = [
            &[(103.0, 1.0), (203.0, 2.0), (303.0, 3.0)],
            &[(110.0, 0.0), (160.0, 5.0), (210.0, 10.0), (260.0, 10.0), (310.0, 10.0)],
        ];
        let joined = aligned(apart.iter().copied(), 0.0).unwrap();
        assert_eq!(joined[0].steps(), [110.0, 203.0, 303.0]);
        assert_eq!((joined[1].values()[0], joined[1].values()[2]), (0.0, 10.0));
        assert!((joined[0].values()[0] - 1.07).abs() < 1e-12);
        assert!((joined[1].values()[1] - 9.3).abs() < 1e-12);
        let ends: [&[(f64, f64)]; 2] = [&[(0.0, 0.0), (100.0, 1.0)], &[(0.0, 0.0), (50.0, 1.0)]];
        assert_eq!(aligned(ends.iter().copied(), 0.0).unwrap()[0].steps(), [0.0, 50.0]);
        assert_eq!((curves[0].values(), curves[1].values()), (&[2.0, 3.0][..], &[0.0, 1.0][..]));
        assert_eq!(aligned([&[(0.0, 1.0)][..], &[(1.0, 1.0)]].into_iter(), 0.0), None);
        assert_eq!(aligned(std::iter::empty(), 0.0), None);
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // t tables to three digits: 11, 30 and 120 degrees of freedom.
        for (degrees, quantile) in [(1, 12.706), (2, 4.303), (11, 2.201), (30, 2.042), (120, 1.980)]
        {
            assert!((t_975(degrees) - quantile).abs() < 6e-4, "{degrees}: {}", t_975(degrees));
        }
    }
}
