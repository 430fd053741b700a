//! Comparing reinforcement learning algorithms over few runs.
//!
//! A training run takes hours, so algorithms are compared over five or ten seeds each, on a handful of tasks.
//! Averages of so few runs say little without their uncertainty (Henderson et al. 2018; Agarwal et al. 2021).
//! This crate works out what a comparison needs, from nothing but scores: aggregates over tasks, intervals by
//! the stratified bootstrap, the probability that one algorithm beats another, profiles, areas and steps to a
//! threshold with their null ranges, robustness to a hyper-parameter, Welch's test and the number of runs that
//! would be enough. It knows of no trainer and no file.
//!
//! # An example
//!
//! ```
//! use rlai_stats::{Aggregates, Bootstrap, Scores, Welch, improvement, power};
//!
//! // Normalised scores: a list of runs for each task. Tasks may have different numbers of runs.
//! let forward = Scores::new(vec![
//!     vec![0.92, 0.88, 0.95, 0.90, 0.97],
//!     vec![0.71, 0.64, 0.69, 0.80],
//! ])?;
//! let reverse = Scores::new(vec![
//!     vec![0.81, 0.86, 0.79, 0.90, 0.77],
//!     vec![0.66, 0.58, 0.61, 0.70, 0.63],
//! ])?;
//!
//! // 50,000 resamples, 95%, percentiles; equal seeds give equal intervals on any number of threads.
//! let bootstrap = Bootstrap { seed: 7, ..Bootstrap::default() };
//! let of_forward = Aggregates::of(&forward, 1.0, &bootstrap)?;
//! let iqm = of_forward.interquartile_mean;
//! println!("interquartile mean {:.3} [{:.3}, {:.3}]", iqm.value, iqm.low, iqm.high);
//! assert!(iqm.low < iqm.value && iqm.value < iqm.high);
//!
//! // Is a run of one better than a run of the other? 0.5 is no difference.
//! let better = improvement::estimate(&forward, &reverse, &bootstrap)?;
//! assert!(better.value > 0.5 && better.low > 0.5);
//! let test = rlai_stats::Permutation::test(&forward, &reverse, 7)?;
//! assert!(test.exact && test.p < 0.05);
//!
//! // One task, by its means; and how many runs a difference of one standard deviation takes.
//! let welch = Welch::test(forward.task(0), reverse.task(0), 0.95)?;
//! assert!(welch.p < 0.05 && welch.low > 0.0);
//! assert_eq!(power::runs_needed(1.0, 0.05, 0.8)?, 17);
//! # Ok::<(), rlai_stats::Error>(())
//! ```
//!
//! # What there is
//!
//! | question | answer |
//! |---|---|
//! | How good is an algorithm on all tasks? | [`aggregate`]: mean, median of task means, interquartile mean, optimality gap |
//! | How sure is that? | [`Bootstrap`]: percentile, basic, bias-corrected and BCa intervals ([`Method`]) of any statistic; [`enumerate`]: all resamples of small samples |
//! | Which of two is better? | [`Permutation`]: an exact test; [`Better`]: the same for unequal numbers of runs; [`improvement`]; [`Welch`]; [`power`]: how many runs are enough |
//! | On how many runs does it reach a score? | [`profile`] |
//! | How fast does it learn? | [`threshold`]: steps to a return, three readings of "x% more sample-efficient", null ranges; [`area`]; [`curve`] |
//! | How much does it depend on a setting? | [`robustness`]: retention, difference in differences, sensitivity, worst case, value at risk |
//! | How much do runs differ? | [`variation`]: percentiles, ranges, tolerance intervals |
//!
//! # What to mind
//!
//! - **Runs are the sample.** Intervals say how results would change with other seeds on the same tasks
//!   ([`Bootstrap::tasks`] draws tasks too). One run of a task is drawn every time, so it adds no spread: give
//!   each task several.
//! - **Normalise before you aggregate** over tasks ([`Scores::normalised`]), with references fixed beforehand.
//! - **Few runs make percentile intervals too narrow**: five runs' 95% hold the truth in about 84% of the cases.
//!   So decide by a test ([`Permutation`]), not by whether an interval holds 0.5.
//! - **Choose thresholds, aggregates and tests before you look**, and report all of them. Pairs that are
//!   compared one by one are not corrected for their number.
//! - Numbers that are not finite are refused with their place; nothing panics on what it is given, except an
//!   index of a task that is not there ([`Runs::task`]).
//!
//! Equal to rliable 1.2.0 on its aggregates, profiles and percentile intervals, to SciPy 1.17 on BCa intervals
//! (over all resamples, exactly), Welch's test and power; see the tests. One rule is another on purpose: a
//! resample whose value equals that of the runs counts half in the bias of [`Method::BiasCorrected`] and
//! [`Method::Bca`], as in SciPy. rliable counts it as above, which shifts intervals where scores are tied.

pub mod aggregate;
pub mod area;
pub mod better;
pub mod bootstrap;
pub mod curve;
pub mod distribution;
pub mod enumerate;
pub mod error;
pub mod improvement;
mod jackknife;
pub mod permutation;
pub mod power;
pub mod profile;
pub mod quantile;
mod resample;
pub mod robustness;
pub mod scores;
pub mod threshold;
pub mod variation;
pub mod welch;

pub use aggregate::Aggregates;
pub use better::Better;
pub use bootstrap::{Bootstrap, Estimate};
pub use curve::Curve;
pub use distribution::{Distribution, Method};
pub use error::{Error, Result};
pub use permutation::Permutation;
pub use scores::{Runs, Scores};
pub use welch::Welch;
