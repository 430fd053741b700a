//! Drawing runs with replacement.

use chacha20::ChaCha8Rng;
use rand::Rng;

use crate::scores::Runs;

/// Runs that are drawn from, and how many of each task.
pub(crate) struct Sample<'a, T> {
    pub(crate) runs: &'a Runs<T>,
    /// As many as the task has, unless told otherwise.
    draws: Option<usize>,
}

impl<'a, T> Sample<'a, T> {
    /// As many as there are.
    pub(crate) fn same(runs: &'a Runs<T>) -> Self {
        Self { runs, draws: None }
    }

    /// Another number of every task.
    pub(crate) fn sized(runs: &'a Runs<T>, draws: usize) -> Self {
        Self { runs, draws: Some(draws) }
    }
}

/// One resample of every group.
pub(crate) fn refill<T: Copy>(
    groups: &mut [Runs<T>],
    samples: &[Sample<T>],
    draw_tasks: bool,
    random: &mut ChaCha8Rng,
) {
    let picks = draw_tasks.then(|| {
        let tasks = samples[0].runs.tasks();
        (0..tasks).map(|_| below(tasks, random)).collect::<Vec<usize>>()
    });
    for (group, sample) in groups.iter_mut().zip(samples) {
        group.clear();
        for slot in 0..sample.runs.tasks() {
            let task = picks.as_ref().map_or(slot, |picks| picks[slot]);
            let runs = sample.runs.task(task);
            let draws = sample.draws.unwrap_or(runs.len());
            group.push((0..draws).map(|_| runs[below(runs.len(), random)]));
        }
    }
}

/// A uniform integer below `bound`, by Lemire's widening multiplication (2019) with rejection.
pub(crate) fn below(bound: usize, random: &mut ChaCha8Rng) -> usize {
    let Ok(bound) = u32::try_from(bound) else { return below_u64(bound as u64, random) };
    loop {
        let product = u64::from(random.next_u32()) * u64::from(bound);
        let low = product as u32;
        // The remainder, which costs a division, is needed only where it could matter.
        if low >= bound || low >= bound.wrapping_neg() % bound {
            return (product >> 32) as usize;
        }
    }
}

fn below_u64(bound: u64, random: &mut ChaCha8Rng) -> usize {
    loop {
        let product = u128::from(random.next_u64()) * u128::from(bound);
        if product as u64 >= bound.wrapping_neg() % bound {
            return (product >> 64) as usize;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn every_run_is_drawn_equally_often() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        for bound in [3_usize, 7, 10] {
            let draws = 70_000;
            let mut counts = vec![0.0; bound];
            (0..draws).for_each(|_| counts[below(bound, &mut random)] += 1.0);
            let expected = draws as f64 / bound as f64;
            let chi_square: f64 =
                counts.iter().map(|count: &f64| (count - expected).powi(2) / expected).sum();
            // Mean bound - 1, variance twice that.
            let degrees = bound as f64 - 1.0;
            assert!(chi_square < degrees + 5.0 * (2.0 * degrees).sqrt(), "{bound}: {chi_square}");
        }
    }

    #[test]
    fn large_bounds_are_drawn_from_whole() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let bound = 1_u64 << 40;
        let mean = (0..10_000).map(|_| below_u64(bound, &mut random) as f64).sum::<f64>() / 1e4;
        let sd = bound as f64 / 12f64.sqrt() / 100.0;
        assert!((mean - bound as f64 / 2.0).abs() < 5.0 * sd);
    }

    #[test]
    fn tasks_are_drawn_alike_for_all_groups() {
        let (one, other) = (
            Runs::of(vec![vec![0], vec![1, 1], vec![2]]).unwrap(),
            Runs::of(vec![vec![0], vec![1], vec![2, 2, 2]]).unwrap(),
        );
        let samples = [Sample::same(&one), Sample::same(&other)];
        let mut groups = [Runs::empty(), Runs::empty()];
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            refill(&mut groups, &samples, true, &mut random);
            let tasks = |group: &Runs<i32>| group.iter().map(|runs| runs[0]).collect::<Vec<_>>();
            assert_eq!(tasks(&groups[0]), tasks(&groups[1]));
            assert!(groups[1].iter().all(|runs| runs.len() == if runs[0] == 2 { 3 } else { 1 }));
            seen.insert(tasks(&groups[0]));
        }
        assert_eq!(seen.len(), 27, "200 draws of 27 choices miss one with probability 0.015");
    }
}
