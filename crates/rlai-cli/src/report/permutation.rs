//! Would chance alone give as much? An exact permutation test of the probability of improvement.
//!
//! If two methods do not differ, the runs of a task could have been given to either (Fisher 1935; for ranks
//! Wilcoxon 1945, Mann and Whitney 1947). The bootstrap knows nothing of this: where all three runs of one
//! method beat all three of another, it is sure, and chance does the same in a tenth of all studies.

use std::collections::BTreeMap;

use rlai_stats::{Scores, quantile::normal_cdf};

/// Most runs of a task that are enumerated; with more, the normal distribution is as good.
const MOST_RUNS: usize = 60;
/// Most points of the sum over tasks.
const MOST_POINTS: usize = 2_000_000;

/// How likely the mean over tasks of U / (n_x n_y) is at least as far from 1/2, if runs are dealt to both
/// methods by chance. Both have the same tasks.
pub fn p_value(x: &Scores, y: &Scores) -> f64 {
    let tasks: Vec<Task> = x.iter().zip(y.iter()).map(|(x, y)| Task::new(x, y)).collect();
    let small = tasks.iter().all(|task| task.ranks.len() <= MOST_RUNS);
    let unit = tasks.iter().try_fold(1usize, |unit, task| {
        let unit = unit / common(unit, task.pairs()) * task.pairs();
        (unit.saturating_mul(tasks.len()) <= MOST_POINTS).then_some(unit)
    });
    match unit.filter(|_| small) {
        Some(unit) => exact(&tasks, unit),
        None => normal(&tasks),
    }
}

/// The runs of a task as ranks.
struct Task {
    /// Twice the rank of every run, equal ones with the mean of theirs, so that all are whole.
    ranks: Vec<usize>,
    /// Runs of x.
    chosen: usize,
    /// Twice U of x.
    won: usize,
}

impl Task {
    fn new(x: &[f64], y: &[f64]) -> Self {
        let all: Vec<f64> = x.iter().chain(y).copied().collect();
        let rank = |score: &f64| {
            let below = all.iter().filter(|other| *other < score).count();
            let equal = all.iter().filter(|other| *other == score).count();
            2 * below + equal + 1
        };
        let ranks: Vec<usize> = all.iter().map(rank).collect();
        let sum: usize = ranks[..x.len()].iter().sum();
        Self { chosen: x.len(), won: sum - x.len() * (x.len() + 1), ranks }
    }

    /// Twice the largest U.
    fn pairs(&self) -> usize {
        2 * self.chosen * (self.ranks.len() - self.chosen)
    }

    /// How likely each value of twice U is.
    fn distribution(&self) -> BTreeMap<usize, f64> {
        // ways[k]: by the sum of ranks, the share of all ways to choose k of the runs seen so far.
        let mut ways: Vec<BTreeMap<usize, f64>> = vec![BTreeMap::new(); self.chosen + 1];
        ways[0].insert(0, 1.0);
        for &rank in &self.ranks {
            for k in (1..=self.chosen).rev() {
                let fewer: Vec<(usize, f64)> = ways[k - 1].iter().map(|(s, n)| (*s, *n)).collect();
                for (sum, count) in fewer {
                    *ways[k].entry(sum + rank).or_default() += count;
                }
            }
        }
        let last = &ways[self.chosen];
        let all: f64 = last.values().sum();
        let least = self.chosen * (self.chosen + 1);
        last.iter().map(|(sum, count)| (sum - least, count / all)).collect()
    }

    /// The variance of U / (n m) by chance, corrected for ties.
    fn variance(&self) -> f64 {
        let (all, n) = (self.ranks.len() as f64, self.chosen as f64);
        let m = all - n;
        let mut groups: BTreeMap<usize, f64> = BTreeMap::new();
        self.ranks.iter().for_each(|rank| *groups.entry(*rank).or_default() += 1.0);
        let ties: f64 = groups.values().map(|t| t * t * t - t).sum();
        (all + 1.0 - ties / (all * (all - 1.0))) / (12.0 * n * m)
    }
}

fn exact(tasks: &[Task], unit: usize) -> f64 {
    let mut sums = vec![1.0];
    for task in tasks {
        let scale = unit / task.pairs();
        let mut next = vec![0.0; sums.len() + unit];
        for (won, share) in task.distribution() {
            let moved = &mut next[won * scale..][..sums.len()];
            moved.iter_mut().zip(&sums).for_each(|(next, sum)| *next += sum * share);
        }
        sums = next;
    }
    let middle = unit * tasks.len();
    let distance = |sum: usize| (2 * sum).abs_diff(middle);
    let seen = distance(tasks.iter().map(|task| task.won * (unit / task.pairs())).sum());
    let far = sums.iter().enumerate().filter(|(sum, _)| distance(*sum) >= seen);
    far.map(|(_, share)| share).sum::<f64>().min(1.0)
}

fn normal(tasks: &[Task]) -> f64 {
    let deviation: f64 = tasks.iter().map(|task| task.won as f64 / task.pairs() as f64 - 0.5).sum();
    let variance: f64 = tasks.iter().map(Task::variance).sum();
    if variance <= 0.0 {
        return 1.0;
    }
    (2.0 * normal_cdf(-deviation.abs() / variance.sqrt())).min(1.0)
}

fn common(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common(b, a % b) }
}

/// p-values corrected for their number (Holm 1979).
pub fn holm(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let (mut corrected, mut least) = (vec![0.0; values.len()], 0.0f64);
    for (place, &i) in order.iter().enumerate() {
        least = least.max(values[i] * (values.len() - place) as f64).min(1.0);
        corrected[i] = least;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(tasks: &[&[f64]]) -> Scores {
        Scores::new(tasks.iter().map(|task| task.to_vec()).collect()).unwrap()
    }

    #[test]
    fn separated_runs_are_as_rare_as_there_are_ways_to_choose_them() {
        let low = [1.0, 2.0, 3.0, 4.0, 5.0];
        let high = [6.0, 7.0, 8.0, 9.0, 10.0];
        for (n, ways) in [(1, 2.0), (2, 6.0), (3, 20.0), (4, 70.0), (5, 252.0)] {
            let p = p_value(&scores(&[&high[..n]]), &scores(&[&low[..n]]));
            assert!((p - 2.0 / ways).abs() < 1e-12, "{n}: {p}");
        }
        // On two tasks of three runs each.
        let p = p_value(&scores(&[&high[..3], &high[..3]]), &scores(&[&low[..3], &low[..3]]));
        assert!((p - 2.0 / 400.0).abs() < 1e-12);
        assert!((p_value(&scores(&[&[1.0; 3]]), &scores(&[&[1.0; 3]])) - 1.0).abs() < 1e-12);
    }

    /// Every way of dealing the runs of each task.
    fn enumerated(x: &[Vec<f64>], y: &[Vec<f64>]) -> f64 {
        let share = |x: &[f64], y: &[f64]| {
            let won = |a: &f64, b: &f64| {
                if a > b {
                    1.0
                } else if a == b {
                    0.5
                } else {
                    0.0
                }
            };
            let sum: f64 = x.iter().flat_map(|a| y.iter().map(move |b| won(a, b))).sum();
            sum / (x.len() * y.len()) as f64
        };
        let mut means = vec![0.0];
        for (x, y) in x.iter().zip(y) {
            let all: Vec<f64> = x.iter().chain(y).copied().collect();
            let dealt = (0u32..1 << all.len()).filter(|set| set.count_ones() == x.len() as u32);
            let shares: Vec<f64> = dealt
                .map(|set| {
                    let (a, b): (Vec<_>, Vec<_>) = (0..all.len()).partition(|i| set >> i & 1 == 1);
                    let pick = |list: Vec<usize>| list.iter().map(|&i| all[i]).collect::<Vec<_>>();
                    share(&pick(a), &pick(b)) - 0.5
                })
                .collect();
            means = means.iter().flat_map(|m| shares.iter().map(move |s| m + s)).collect();
        }
        let seen: f64 = x.iter().zip(y).map(|(x, y)| share(x, y) - 0.5).sum();
        let far = means.iter().filter(|mean| mean.abs() >= seen.abs() - 1e-9).count();
        far as f64 / means.len() as f64
    }

    #[test]
    fn it_is_what_enumeration_gives_with_ties_and_unequal_numbers_of_runs() {
        let x = vec![vec![1.0, 4.0, 4.0], vec![2.0, 7.0]];
        let y = vec![vec![1.0, 2.0, 4.0, 3.0], vec![2.0, 1.0, 0.0]];
        let p = p_value(&Scores::new(x.clone()).unwrap(), &Scores::new(y.clone()).unwrap());
        assert!((p - enumerated(&x, &y)).abs() < 1e-12, "{p}");
        assert!(p > 0.05 && p < 1.0);
    }

    #[test]
    fn many_runs_take_the_normal_distribution() {
        let of = |shift: f64, n: usize| -> Vec<f64> {
            (0..n).map(|i| (i as f64 * 0.618).fract() + shift).collect()
        };
        let task = |n| Task::new(&of(0.1, n), &of(0.0, n));
        let (exact, normal) = (exact(&[task(30)], task(30).pairs()), normal(&[task(30)]));
        assert!((exact - normal).abs() < 0.01, "{exact} {normal}");
        let p = p_value(&scores(&[&of(0.1, 40)]), &scores(&[&of(0.0, 40)]));
        assert!(p > 0.0 && p < normal);
    }

    #[test]
    fn holm_corrects_the_smallest_most() {
        let corrected = holm(&[0.04, 0.01, 0.03]);
        for (got, expected) in corrected.iter().zip([0.06, 0.03, 0.06]) {
            assert!((got - expected).abs() < 1e-12);
        }
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
    }
}
