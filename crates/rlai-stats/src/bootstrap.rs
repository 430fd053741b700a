//! The stratified bootstrap: runs are drawn with replacement inside of each task.
//!
//! Efron 1979 and Efron and Tibshirani 1993 (intervals: chapters 13 and 14); strata by task as in Agarwal et
//! al. 2021. Repetitions are drawn in blocks, each from a random stream of its own, so that a seed gives the
//! same interval on any number of threads.

use chacha20::ChaCha8Rng;
use rand::SeedableRng;
use rayon::prelude::*;

use crate::distribution::{Distribution, Method};
use crate::error::{Error, Result, open_share};
use crate::jackknife::acceleration;
use crate::resample::{Sample, refill};
use crate::scores::Runs;

/// A value with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// What the statistic is on the runs themselves.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Estimate {
    /// Whether a value lies in the interval, its ends included.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// How intervals are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    /// Number of resamples, 100 to 10,000,000.
    pub repetitions: usize,
    /// Equal seeds give equal intervals.
    pub seed: u64,
    /// Confidence, such as 0.95.
    pub level: f64,
    /// Which interval.
    pub method: Method,
    /// Whether tasks too are drawn with replacement, as if they were a sample of all tasks there are. Groups
    /// that are compared get the same tasks.
    pub tasks: bool,
}

impl Default for Bootstrap {
    /// 50,000 repetitions, 95%, percentiles, tasks fixed.
    fn default() -> Self {
        let method = Method::Percentile;
        Self { repetitions: 50_000, seed: 0, level: 0.95, method, tasks: false }
    }
}

/// Resamples that share a random stream.
const BLOCK: usize = 250;

impl Bootstrap {
    /// The default for curves and profiles, which have an interval at many points: 2,000 repetitions.
    pub fn for_curves() -> Self {
        Self { repetitions: 2_000, ..Self::default() }
    }

    /// The value and interval of one statistic of one sample.
    ///
    /// # Errors
    /// Those of [`Bootstrap::estimates`].
    pub fn estimate<T: Copy + Send + Sync>(
        &self,
        runs: &Runs<T>,
        statistic: impl Fn(&Runs<T>) -> f64 + Sync,
    ) -> Result<Estimate> {
        let one = |groups: &[Runs<T>], out: &mut [f64]| out[0] = statistic(&groups[0]);
        Ok(self.estimates(&[runs], 1, one)?[0])
    }

    /// The values and intervals of several statistics of several samples, which are resampled independently:
    /// `statistics(groups, out)` writes `outputs` numbers.
    ///
    /// # Errors
    /// Settings out of range; [`Error::Undefined`] where a resample's statistic is not a number.
    pub fn estimates<T: Copy + Send + Sync>(
        &self,
        groups: &[&Runs<T>],
        outputs: usize,
        statistics: impl Fn(&[Runs<T>], &mut [f64]) + Sync,
    ) -> Result<Vec<Estimate>> {
        let distributions = self.distributions(groups, outputs, statistics)?;
        distributions.iter().map(|it| it.interval(self.method, self.level)).collect()
    }

    /// As [`Bootstrap::estimates`], but whole distributions, of which any interval can be asked.
    ///
    /// # Errors
    /// Those of [`Bootstrap::estimates`].
    pub fn distributions<T: Copy + Send + Sync>(
        &self,
        groups: &[&Runs<T>],
        outputs: usize,
        statistics: impl Fn(&[Runs<T>], &mut [f64]) + Sync,
    ) -> Result<Vec<Distribution>> {
        let samples: Vec<Sample<T>> = groups.iter().map(|runs| Sample::same(runs)).collect();
        let replicates = self.replicates(&samples, outputs, &statistics)?;
        let groups: Vec<Runs<T>> = groups.iter().map(|&runs| runs.clone()).collect();
        let mut values = vec![0.0; outputs];
        statistics(&groups, &mut values);
        let accelerations = match self.method {
            Method::Bca => acceleration(&groups, outputs, &statistics),
            _ => vec![None; outputs],
        };
        let all = values.into_iter().zip(replicates).zip(accelerations);
        all.map(|((value, replicates), a)| Distribution::new(value, replicates, a)).collect()
    }

    /// What each output is on each resample.
    pub(crate) fn replicates<T: Copy + Send + Sync>(
        &self,
        samples: &[Sample<T>],
        outputs: usize,
        statistics: &(impl Fn(&[Runs<T>], &mut [f64]) + Sync),
    ) -> Result<Vec<Vec<f64>>> {
        self.check(samples)?;
        let block = |block: usize| {
            let mut random = ChaCha8Rng::seed_from_u64(self.seed);
            random.set_stream(block as u64);
            let mut groups: Vec<Runs<T>> = samples.iter().map(|_| Runs::empty()).collect();
            let size = BLOCK.min(self.repetitions - block * BLOCK);
            let mut out = vec![0.0; size * outputs];
            for out in out.chunks_exact_mut(outputs.max(1)) {
                refill(&mut groups, samples, self.tasks, &mut random);
                statistics(&groups, out);
            }
            out
        };
        let blocks = self.repetitions.div_ceil(BLOCK);
        let rows: Vec<Vec<f64>> = (0..blocks).into_par_iter().map(block).collect();
        let column = |output: usize| {
            rows.iter()
                .flat_map(|rows| rows.iter().skip(output).step_by(outputs))
                .copied()
                .collect()
        };
        Ok((0..outputs).map(column).collect())
    }

    fn check<T>(&self, samples: &[Sample<T>]) -> Result<()> {
        open_share("level", self.level)?;
        if !(100..=10_000_000).contains(&self.repetitions) {
            let allowed = "from 100 to 10000000";
            return Err(Error::parameter("repetitions", self.repetitions, allowed));
        }
        let Some(first) = samples.first() else {
            return Err(Error::too_few("samples", 1));
        };
        let left = first.runs.tasks();
        match samples.iter().map(|sample| sample.runs.tasks()).find(|&tasks| tasks != left) {
            Some(right) if self.tasks => Err(Error::TasksDiffer { left, right }),
            _ => Ok(()),
        }
    }
}
