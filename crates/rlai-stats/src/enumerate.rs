//! All resamples of a small sample, so that intervals have no Monte-Carlo error.

use crate::distribution::Distribution;
use crate::error::{Error, Result};
use crate::jackknife::acceleration;
use crate::scores::Runs;

/// The most resamples that are looked at.
pub const MOST: u64 = 5_000_000;

/// The number of resamples that there are: the product of n^n over all tasks of all groups, if it is at most
/// [`MOST`].
pub fn count<T>(groups: &[&Runs<T>]) -> Option<u64> {
    let tasks = groups.iter().flat_map(|runs| runs.iter());
    tasks
        .flat_map(|runs| std::iter::repeat_n(runs.len() as u64, runs.len()))
        .try_fold(1, |count: u64, n| count.checked_mul(n).filter(|&count| count <= MOST))
}

/// The distribution of each statistic over all resamples, each as likely as any other; arguments as of
/// [`Bootstrap::distributions`](crate::Bootstrap::distributions).
///
/// # Errors
/// More than [`MOST`] resamples; a statistic that is not a number.
///
/// ```
/// # use rlai_stats::{Method, Scores, aggregate, enumerate};
/// let scores = Scores::of_task(&[0.0, 1.0])?;
/// let mean = |groups: &[Scores], out: &mut [f64]| out[0] = aggregate::mean(&groups[0]);
/// let all = &enumerate::distributions(&[&scores], 1, mean)?[0];
/// assert_eq!(all.replicates(), [0.0, 0.5, 0.5, 1.0]);
/// # Ok::<(), rlai_stats::Error>(())
/// ```
pub fn distributions<T: Copy>(
    groups: &[&Runs<T>],
    outputs: usize,
    statistics: impl Fn(&[Runs<T>], &mut [f64]),
) -> Result<Vec<Distribution>> {
    let Some(count) = count(groups) else {
        let allowed =
            format!("at most {MOST} (the product of n^n over tasks); draw them at random");
        return Err(Error::parameter("resamples", "too many", &allowed));
    };
    let groups: Vec<Runs<T>> = groups.iter().map(|&runs| runs.clone()).collect();
    let mut values = vec![0.0; outputs];
    statistics(&groups, &mut values);
    let mut replicates = vec![Vec::with_capacity(count as usize); outputs];
    let mut drawn = groups.clone();
    for index in 0..count {
        fill(&mut drawn, &groups, index);
        let mut out = vec![0.0; outputs];
        statistics(&drawn, &mut out);
        replicates.iter_mut().zip(&out).for_each(|(replicates, &value)| replicates.push(value));
    }
    let accelerations = acceleration(&groups, outputs, &statistics);
    let all = values.into_iter().zip(replicates).zip(accelerations);
    all.map(|((value, replicates), a)| Distribution::new(value, replicates, a)).collect()
}

/// The `index`-th resample: its digits, to the base of each task's number of runs, say which runs are drawn.
fn fill<T: Copy>(drawn: &mut [Runs<T>], groups: &[Runs<T>], mut index: u64) {
    for (to, from) in drawn.iter_mut().zip(groups) {
        to.clear();
        for runs in from.iter() {
            let n = runs.len() as u64;
            to.push(runs.iter().map(|_| {
                let run = runs[(index % n) as usize];
                index /= n;
                run
            }));
        }
    }
}
