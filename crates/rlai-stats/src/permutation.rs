//! Is a run of one algorithm better than a run of the other? A test that holds its level with few runs.
//!
//! If it does not matter which algorithm a run is of, every way to hand the labels out inside of each task is
//! as likely as any other (Fisher 1935; stratified by task as van Elteren 1960). The statistic is the
//! [probability of improvement](crate::improvement::probability), of one task that of Mann and Whitney 1947.
//! Intervals of the bootstrap are no substitute: of five runs each, equal algorithms are told apart in far
//! more than 5% of the cases by whether a 95% interval holds 0.5.

use chacha20::ChaCha8Rng;
use rand::SeedableRng;
use rayon::prelude::*;

use crate::error::Result;
use crate::improvement;
use crate::resample::below;
use crate::scores::{Scores, same_tasks};

/// Labellings that are drawn where there are too many to count.
pub const DRAWS: usize = 100_000;

/// What rounding may add to a share of labellings.
const SLACK: f64 = 1e-12;

/// Additions that an exact test may take; 50 runs against 50 are well below.
const MOST: usize = 200_000_000;

/// What the test says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Permutation {
    /// The probability that a run of x scores higher than one of y, ties counted half.
    pub value: f64,
    /// How likely a value at least as far from 0.5, in either direction, is if both are one.
    pub p: f64,
    /// Whether `p` is of all labellings, not of [`DRAWS`] drawn ones.
    pub exact: bool,
}

impl Permutation {
    /// Of x against y, on the same tasks; of any numbers of runs, with ties. All labellings are counted where
    /// that is not too much work. Otherwise [`DRAWS`] are drawn, and those in the file count as one more, so
    /// that the level holds (Phipson and Smyth 2010); equal seeds give equal results.
    ///
    /// # Errors
    /// Other numbers of tasks.
    ///
    /// ```
    /// # use rlai_stats::{Permutation, Scores};
    /// let x = Scores::of_task(&[6.0, 7.0, 8.0, 9.0, 10.0])?;
    /// let y = Scores::of_task(&[1.0, 2.0, 3.0, 4.0, 5.0])?;
    /// // Two of the 252 ways to choose five of ten.
    /// assert!((Permutation::test(&x, &y, 0)?.p - 2.0 / 252.0).abs() < 1e-12);
    /// # Ok::<(), rlai_stats::Error>(())
    /// ```
    pub fn test(x: &Scores, y: &Scores, seed: u64) -> Result<Self> {
        let value = improvement::probability(x, y)?;
        let tasks: Vec<Task> = x.iter().zip(y.iter()).map(|(x, y)| Task::of(x, y)).collect();
        Ok(match unit(&tasks).map(|unit| counted(&tasks, unit)) {
            Some(p) => Self { value, p, exact: true },
            None => Self { value, p: drawn(&tasks, seed), exact: false },
        })
    }
}

/// The least p that as many runs can have without ties: every run of one above every run of the other, on
/// every task.
///
/// # Errors
/// Other numbers of tasks.
pub fn least_p(x: &Scores, y: &Scores) -> Result<f64> {
    same_tasks(x, y)?;
    let orders = |(x, y): (&[f64], &[f64])| choose(x.len() + y.len(), x.len()).ln();
    Ok((2.0 * (-x.iter().zip(y.iter()).map(orders).sum::<f64>()).exp()).min(1.0))
}

/// Runs of each with which complete separation on so many tasks has a p of at most `significance`: at least 2, and
/// at most 100, which chance separates more rarely than anybody asks for.
///
/// ```
/// # use rlai_stats::permutation::fewest_runs;
/// // Two of the 70 ways to choose four of eight.
/// assert_eq!((fewest_runs(1, 0.05), fewest_runs(3, 0.05)), (4, 2));
/// ```
pub fn fewest_runs(tasks: usize, significance: f64) -> usize {
    let least = |runs: usize| 2.0 / choose(2 * runs, runs).powi(tasks as i32);
    (2..100).find(|&runs| least(runs) <= significance + SLACK).unwrap_or(100)
}

/// How many of the pairs of `runs` each, without ties, x must win on one task for p to be at most
/// `significance`; none where not even all of them are enough.
pub(crate) fn fewest_wins(runs: usize, significance: f64) -> Option<usize> {
    let task = Task { x: runs, y: runs, groups: vec![1; 2 * runs], doubled_u: 0 };
    let distribution = task.distribution();
    let mut beyond = 0.0;
    let mut fewest = None;
    for wins in (0..=runs * runs).rev() {
        beyond += 2.0 * distribution[2 * wins];
        if beyond > significance + SLACK {
            break;
        }
        fewest = Some(wins);
    }
    fewest
}

/// The runs of both on one task.
struct Task {
    x: usize,
    y: usize,
    /// Numbers of runs with the same score, from the lowest score on.
    groups: Vec<usize>,
    /// Twice Mann and Whitney's U.
    doubled_u: usize,
}

impl Task {
    fn of(x: &[f64], y: &[f64]) -> Self {
        let mut pooled: Vec<f64> = x.iter().chain(y).copied().collect();
        pooled.sort_unstable_by(f64::total_cmp);
        let groups = pooled.chunk_by(|a, b| a == b).map(<[f64]>::len).collect();
        let wins =
            |a: &f64| y.iter().map(|b| usize::from(a > b) + usize::from(a >= b)).sum::<usize>();
        Self { x: x.len(), y: y.len(), groups, doubled_u: x.iter().map(wins).sum() }
    }

    /// The greatest doubled U.
    fn most(&self) -> usize {
        2 * self.x * self.y
    }

    /// About how many additions its distribution takes.
    fn work(&self) -> usize {
        let steps: usize = self.groups.iter().map(|group| group + 1).sum();
        steps.saturating_mul(self.x + 1).saturating_mul(self.most() + 1)
    }

    /// The probability of each doubled U over all labellings, score by score upwards: `ways[i][u]` counts
    /// those that gave i labels to x so far, and u wins.
    fn distribution(&self) -> Vec<f64> {
        let mut ways = vec![vec![0.0; self.most() + 1]; self.x + 1];
        ways[0][0] = 1.0;
        let mut seen = 0;
        for &group in &self.groups {
            let mut next = vec![vec![0.0; self.most() + 1]; self.x + 1];
            for of_x in seen - seen.min(self.y)..=seen.min(self.x) {
                let below = seen - of_x;
                let least = (below + group).saturating_sub(self.y);
                for more in least..=group.min(self.x - of_x) {
                    let wins = more * (2 * below + group - more);
                    add(&mut next[of_x + more][wins..], &ways[of_x], choose(group, more));
                }
            }
            ways = next;
            seen += group;
        }
        let all: f64 = ways[self.x].iter().sum();
        ways.swap_remove(self.x).into_iter().map(|ways| ways / all).collect()
    }
}

/// What does not fit is zero.
fn add(to: &mut [f64], from: &[f64], times: f64) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += times * from);
}

fn choose(n: usize, k: usize) -> f64 {
    (0..k.min(n - k)).map(|i| (n - i) as f64 / (i + 1) as f64).product()
}

/// Parts into which a task's share of wins is cut, so that a doubled U of any task is a whole number of them;
/// none where the exact test would be too much work.
fn unit(tasks: &[Task]) -> Option<usize> {
    let mut work: usize = tasks.iter().map(Task::work).fold(0, usize::saturating_add);
    let multiple = |one: usize, task: &Task| {
        (one / common_divisor(one, task.most())).checked_mul(task.most()).filter(|&it| it <= MOST)
    };
    let unit = tasks.iter().try_fold(1, multiple)?;
    for (i, task) in tasks.iter().enumerate() {
        let sums = unit.saturating_mul(i).saturating_add(1);
        work = work.saturating_add(sums.saturating_mul(task.most() + 1));
    }
    // Beyond a thousand runs, labellings are more than a number can be.
    let few = tasks.iter().all(|task| task.x + task.y <= 1000);
    (few && work <= MOST).then_some(unit)
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// p over all labellings: the distribution of the sum over tasks, in units.
fn counted(tasks: &[Task], unit: usize) -> f64 {
    let mut sums = vec![1.0];
    let mut observed = 0;
    for task in tasks {
        let step = unit / task.most();
        let mut next = vec![0.0; sums.len() + unit];
        for (u, &p) in task.distribution().iter().enumerate() {
            add(&mut next[u * step..], &sums, p);
        }
        sums = next;
        observed += task.doubled_u * step;
    }
    let middle = tasks.len() * unit;
    let far = |sum: usize| (2 * sum).abs_diff(middle);
    let beyond = sums.iter().enumerate().filter(|&(sum, _)| far(sum) >= far(observed));
    beyond.map(|(_, p)| p).sum::<f64>().min(1.0)
}

/// p over drawn labellings and the one that there is.
fn drawn(tasks: &[Task], seed: u64) -> f64 {
    const BLOCK: usize = 250;
    // Sums in another order differ in their last digits.
    const SLACK: f64 = 1e-9;
    let share = |task: &Task, doubled_u: usize| doubled_u as f64 / task.most() as f64 - 0.5;
    let observed: f64 = tasks.iter().map(|task| share(task, task.doubled_u)).sum();
    let ranks: Vec<Vec<usize>> = tasks.iter().map(doubled_ranks).collect();
    let block = |block: usize| {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(block as u64);
        let mut ranks = ranks.clone();
        let mut one = |(task, ranks): (&Task, &mut Vec<usize>)| {
            share(task, drawn_u(task, ranks, &mut random))
        };
        let mut sum = |_: &usize| tasks.iter().zip(&mut ranks).map(&mut one).sum::<f64>();
        (0..BLOCK).filter(|i| sum(i).abs() >= observed.abs() - SLACK).count()
    };
    let beyond: usize = (0..DRAWS / BLOCK).into_par_iter().map(block).sum();
    (1 + beyond) as f64 / (1 + DRAWS) as f64
}

/// Twice the rank of each run of both from 1 on, the mean of the ranks where scores are equal.
fn doubled_ranks(task: &Task) -> Vec<usize> {
    let mut below = 0;
    let group = |&group: &usize| {
        let doubled = 2 * below + group + 1;
        below += group;
        std::iter::repeat_n(doubled, group)
    };
    task.groups.iter().flat_map(group).collect()
}

/// Labels as many runs x as there are: the sum of their ranks, less the least that it can be.
fn drawn_u(task: &Task, ranks: &mut [usize], random: &mut ChaCha8Rng) -> usize {
    for i in 0..task.x {
        ranks.swap(i, i + below(ranks.len() - i, random));
    }
    ranks[..task.x].iter().sum::<usize>() - task.x * (task.x + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(tasks: &[&[f64]]) -> Scores {
        Scores::new(tasks.iter().map(|task| task.to_vec()).collect()).unwrap()
    }

    fn p(x: &[&[f64]], y: &[&[f64]]) -> f64 {
        let it = Permutation::test(&scores(x), &scores(y), 0).unwrap();
        assert!(it.exact);
        it.p
    }

    /// p by looking at every labelling of every task, with the value of each from all pairs.
    fn enumerated(x: &Scores, y: &Scores) -> f64 {
        let mut values = vec![0.0];
        for (x, y) in x.iter().zip(y.iter()) {
            let pooled = [x, y].concat();
            let labels = (0u32..1 << pooled.len()).filter(|it| it.count_ones() as usize == x.len());
            let of_task: Vec<f64> = labels
                .map(|labels| {
                    let side = |one: bool| {
                        let is = move |i: &usize| (labels >> i & 1 == 1) == one;
                        let runs: Vec<f64> =
                            (0..pooled.len()).filter(is).map(|i| pooled[i]).collect();
                        Scores::of_task(&runs).unwrap()
                    };
                    improvement::probability(&side(true), &side(false)).unwrap() - 0.5
                })
                .collect();
            values = values.iter().flat_map(|sum| of_task.iter().map(move |it| sum + it)).collect();
        }
        let observed = x.tasks() as f64 * (improvement::probability(x, y).unwrap() - 0.5);
        let beyond = values.iter().filter(|it| it.abs() >= observed.abs() - 1e-9).count();
        beyond as f64 / values.len() as f64
    }

    #[test]
    fn separated_runs_have_the_p_of_mann_and_whitney() {
        let (high, low) = ([10.0, 11.0, 12.0, 13.0, 14.0], [1.0, 2.0, 3.0, 4.0, 5.0]);
        for (x, y, orders) in [(5, 5, 252.0), (4, 4, 70.0), (3, 3, 20.0), (5, 3, 56.0), (2, 2, 6.0)]
        {
            let exact = 2.0 / orders;
            assert!((p(&[&high[..x]], &[&low[..y]]) - exact).abs() < 1e-12);
            assert!((p(&[&low[..x]], &[&high[..y]]) - exact).abs() < 1e-12);
            let least = least_p(&scores(&[&high[..x]]), &scores(&[&low[..y]])).unwrap();
            assert!((least - exact).abs() < 1e-12);
        }
        // One run each on seven tasks: 2 of 2^7.
        let (x, y) = (vec![&high[..1]; 7], vec![&low[..1]; 7]);
        assert!((p(&x, &y) - 2.0 / 128.0).abs() < 1e-12);
        // U = 4 of 5 against 5: 12 of the 252 orders have at most 4 wins, at either end.
        let (x, y) = ([1.0, 2.0, 3.0, 4.0, 9.5], [5.0, 6.0, 7.0, 8.0, 10.0]);
        assert!((p(&[&x], &[&y]) - 24.0 / 252.0).abs() < 1e-12);
        assert!((p(&[&[1.0, 4.0]], &[&[2.0, 3.0]]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_distribution_is_that_of_all_labellings() {
        let cases = [
            (scores(&[&[1.0, 5.0, 6.0, 8.0]]), scores(&[&[2.0, 3.0, 4.0]])),
            (scores(&[&[1.0, 1.0, 2.0, 5.0]]), scores(&[&[1.0, 0.0, 0.0, -1.0, 1.0]])),
            (scores(&[&[3.0, 4.0], &[7.0, 8.0, 5.0]]), scores(&[&[1.0, 2.0, 3.0], &[6.0, 5.0]])),
            (
                scores(&[&[3.0, 4.0], &[7.0], &[0.0, 0.0, 1.0]]),
                scores(&[&[3.0, 2.0], &[6.0, 8.0], &[0.0, -0.0]]),
            ),
        ];
        for (x, y) in cases {
            let (one, other) = (Permutation::test(&x, &y, 0).unwrap(), enumerated(&x, &y));
            assert!(one.exact && (one.p - other).abs() < 1e-12, "{} and {other}", one.p);
            let back = Permutation::test(&y, &x, 0).unwrap();
            assert!((back.p - one.p).abs() < 1e-12 && (back.value + one.value - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn drawn_labellings_come_near_and_depend_on_the_seed_alone() {
        let x = scores(&[&[1.0, 4.0, 6.0, 7.0], &[2.0, 2.0, 3.0]]);
        let y = scores(&[&[0.0, 2.0, 3.0, 5.0, 1.0], &[1.0, 2.0, 0.0]]);
        let tasks: Vec<Task> = x.iter().zip(y.iter()).map(|(x, y)| Task::of(x, y)).collect();
        let exact = Permutation::test(&x, &y, 0).unwrap().p;
        let near = drawn(&tasks, 1);
        assert!((near - exact).abs() < 5.0 * (exact * (1.0 - exact) / DRAWS as f64).sqrt() + 1e-5);
        assert_eq!(drawn(&tasks, 1), near);
        assert_ne!(drawn(&tasks, 2), near);
    }

    #[test]
    fn many_runs_are_drawn() {
        let runs = |from: f64| (0..300).map(|i| from + f64::from(i)).collect::<Vec<f64>>();
        let apart = Permutation::test(&scores(&[&runs(200.0)]), &scores(&[&runs(0.0)]), 0).unwrap();
        assert!(!apart.exact && apart.p == 1.0 / (1 + DRAWS) as f64);
        let same = Permutation::test(&scores(&[&runs(0.0)]), &scores(&[&runs(0.0)]), 0).unwrap();
        assert_eq!((same.value, same.p), (0.5, 1.0));
    }
}
