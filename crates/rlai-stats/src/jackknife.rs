//! The jackknife: what a statistic becomes when one run is left out.

use crate::scores::{Runs, mean_of};

/// The acceleration of BCa intervals for each output, by the jackknife over every run of every task of every
/// group: sum U^3 / n^3 over 6 (sum U^2 / n^2)^(3/2), U = (n - 1)(mean - value without the run), n the runs of
/// that task (Davison and Hinkley 1997, equation 5.22 and section 3.2.1 for several samples). None where a
/// statistic has no finite value without some run. Tasks of one run cannot miss it and add nothing.
pub(crate) fn acceleration<T: Copy>(
    groups: &[Runs<T>],
    outputs: usize,
    statistics: &impl Fn(&[Runs<T>], &mut [f64]),
) -> Vec<Option<f64>> {
    let mut influences = vec![Vec::new(); outputs];
    let mut left_out = groups.to_vec();
    for (group, runs) in groups.iter().enumerate() {
        for task in (0..runs.tasks()).filter(|&task| runs.task(task).len() > 1) {
            let n = runs.task(task).len();
            let mut values = vec![0.0; n * outputs];
            for (run, out) in values.chunks_exact_mut(outputs.max(1)).enumerate() {
                leave_out(&mut left_out[group], runs, task, run);
                statistics(&left_out, out);
            }
            for (output, influences) in influences.iter_mut().enumerate() {
                let column = values.iter().copied().skip(output).step_by(outputs);
                let mean = mean_of(column.clone());
                influences.extend(column.map(|value| (n - 1) as f64 / n as f64 * (mean - value)));
            }
        }
        left_out[group] = runs.clone();
    }
    influences.iter().map(|influences| of_influences(influences)).collect()
}

/// sum U^3 over 6 (sum U^2)^(3/2). It has no unit: powers are of shares of the largest, for those of very large
/// or small numbers are none.
fn of_influences(influences: &[f64]) -> Option<f64> {
    let largest = influences.iter().map(|influence| influence.abs()).fold(0.0, f64::max);
    if influences.iter().any(|influence| !influence.is_finite()) {
        return None;
    }
    if largest == 0.0 {
        return Some(0.0);
    }
    let sum = |power: i32| influences.iter().map(|it| (it / largest).powi(power)).sum::<f64>();
    Some(sum(3) / (6.0 * sum(2).powf(1.5)))
}

/// All runs but one.
fn leave_out<T: Copy>(to: &mut Runs<T>, from: &Runs<T>, task: usize, run: usize) {
    to.clear();
    for (k, runs) in from.iter().enumerate() {
        let kept = runs.iter().enumerate().filter(|&(i, _)| k != task || i != run);
        to.push(kept.map(|(_, &value)| value));
    }
}
