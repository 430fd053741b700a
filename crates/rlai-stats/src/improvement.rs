//! How likely a run of one algorithm is better than a run of another.

use crate::bootstrap::{Bootstrap, Estimate};
use crate::error::Result;
use crate::scores::{Scores, same_tasks};

/// The probability that a run of `x` scores higher than a run of `y` on a task drawn at random: the mean over
/// tasks of Mann and Whitney's U / (n_x n_y), ties counted half (Agarwal et al. 2021, section 4.3; 0.5 is no
/// difference).
///
/// # Errors
/// Other numbers of tasks.
///
/// ```
/// # use rlai_stats::{Scores, improvement};
/// let (x, y) = (Scores::of_task(&[1.0, 3.0])?, Scores::of_task(&[1.0, 2.0])?);
/// // (1, 1) is a tie, (1, 2) is lost, (3, 1) and (3, 2) are won.
/// assert_eq!(improvement::probability(&x, &y)?, 0.625);
/// # Ok::<(), rlai_stats::Error>(())
/// ```
pub fn probability(x: &Scores, y: &Scores) -> Result<f64> {
    same_tasks(x, y)?;
    Ok(over_tasks(x, y))
}

/// [`probability`] with its interval, the runs of both drawn independently. An end that the method puts outside of 0
/// to 1 is put there. Where every run of one beats every run of the other, all resamples are alike and the
/// interval is that point, which is no certainty: [`Permutation`](crate::Permutation) tells how sure it is.
///
/// # Errors
/// Other numbers of tasks, and what [`Bootstrap::estimates`] refuses.
pub fn estimate(x: &Scores, y: &Scores, bootstrap: &Bootstrap) -> Result<Estimate> {
    same_tasks(x, y)?;
    let one = |groups: &[Scores], out: &mut [f64]| out[0] = over_tasks(&groups[0], &groups[1]);
    let of = bootstrap.estimates(&[x, y], 1, one)?[0];
    Ok(Estimate { low: of.low.clamp(0.0, 1.0), high: of.high.clamp(0.0, 1.0), ..of })
}

fn over_tasks(x: &Scores, y: &Scores) -> f64 {
    let sum: f64 = x.iter().zip(y.iter()).map(|(x, y)| share_won(x, y)).sum();
    sum / x.tasks() as f64
}

/// U / (n_x n_y) of one task.
fn share_won(x: &[f64], y: &[f64]) -> f64 {
    let mut sorted = y.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    // Twice the wins: those below and those up to a score, so that a tie counts one.
    let doubled = |&score: &f64| {
        let below = sorted.partition_point(|&other| other < score);
        let up_to = below + sorted[below..].partition_point(|&other| other <= score);
        below + up_to
    };
    let wins: usize = x.iter().map(doubled).sum();
    wins as f64 / (2.0 * x.len() as f64 * y.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Method;

    #[test]
    fn a_probability_stays_between_0_and_1() {
        let x = Scores::of_task(&[1.0, 2.0, 5.0, 6.0, 7.0]).unwrap();
        let y = Scores::of_task(&[0.0, 0.5, 1.5, 3.0, 2.5]).unwrap();
        let basic = Bootstrap { method: Method::Basic, ..Bootstrap::default() };
        let one = |groups: &[Scores], out: &mut [f64]| out[0] = over_tasks(&groups[0], &groups[1]);
        assert!(basic.estimates(&[&x, &y], 1, one).unwrap()[0].high > 1.0, "before it is cut");
        let found = estimate(&x, &y, &basic).unwrap();
        assert!(found.high == 1.0 && found.low > 0.0 && found.low < found.value);
        let back = estimate(&y, &x, &basic).unwrap();
        assert!(back.low == 0.0 && back.high < 1.0);
    }
}
