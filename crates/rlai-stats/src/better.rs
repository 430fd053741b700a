//! Is one algorithm better than the other, and not only another?
//!
//! A [permutation test](crate::Permutation) asks whether it matters at all which algorithm a run is of. Where
//! both have as many runs, that is nearly the question which is better. Where they have not, a wilder sample
//! of fewer runs is found to be another one often enough to be called better or worse by mistake: of 3 runs
//! against 10, with five times the standard deviation, in a fifth of the studies where neither is better.
//! Then Welch's test of the means, which supposes no equal spread, has to agree: find a difference, to the same
//! side.

use crate::curve::variance;
use crate::error::Result;
use crate::permutation::Permutation;
use crate::scores::Scores;
use crate::welch::Welch;

/// What both tests say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Better {
    /// The permutation test.
    pub permutation: Permutation,
    /// The p of Welch's test of the means over tasks, each task's scores in units of its own spread: where a
    /// task has more runs of one than of the other, and the test is defined; 1 where it points to the other side.
    pub welch: Option<f64>,
}

impl Better {
    /// Of x against y, on the same tasks.
    ///
    /// # Errors
    /// Those of [`Permutation::test`].
    ///
    /// ```
    /// # use rlai_stats::{Better, Scores};
    /// let x = Scores::of_task(&[6.0, 7.0, 8.0, 9.0])?;
    /// let y = Scores::of_task(&[1.0, 2.0, 3.0, 4.0])?;
    /// let test = Better::test(&x, &y, 0)?;
    /// assert_eq!((test.p(), test.welch), (test.permutation.p, None));
    /// # Ok::<(), rlai_stats::Error>(())
    /// ```
    pub fn test(x: &Scores, y: &Scores, seed: u64) -> Result<Self> {
        let permutation = Permutation::test(x, y, seed)?;
        let is_uneven = x.iter().zip(y.iter()).any(|(x, y)| x.len() != y.len());
        let welch = if is_uneven { welch(x, y) } else { None };
        let side = permutation.value - 0.5;
        let agreed = |it: Welch| if it.difference * side < 0.0 { 1.0 } else { it.p };
        Ok(Self { permutation, welch: welch.map(agreed) })
    }

    /// The larger p: both have to be small.
    pub fn p(&self) -> f64 {
        self.permutation.p.max(self.welch.unwrap_or(0.0))
    }
}

/// Welch's test over tasks whose scores need no common scale.
fn welch(x: &Scores, y: &Scores) -> Option<Welch> {
    let spread = |(x, y): (&[f64], &[f64])| match variance(&[x, y].concat()).sqrt() {
        spread if spread > 0.0 && spread.is_finite() => spread,
        _ => 1.0,
    };
    let low = vec![0.0; x.tasks()];
    let spreads: Vec<f64> = x.iter().zip(y.iter()).map(spread).collect();
    let [x, y] = [x, y].map(|scores| scores.normalised(&low, &spreads).ok());
    Welch::of_tasks(&x?, &y?, 0.95).ok()
}
