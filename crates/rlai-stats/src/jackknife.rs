//! The jackknife: what a statistic becomes when one run is left out.

use crate::scores::Runs;

/// The acceleration of BCa intervals for each output, by the jackknife over every run of every task of every
/// group: sum U^3 / n^3 over 6 (sum U^2 / n^2)^(3/2), U = (n - 1)(mean - value without the run), n the runs of
/// that task (Davison and Hinkley 1997, equation 5.22 and section 3.2.1 for several samples). None where a
/// statistic has no finite value without some run. Tasks of one run cannot miss it and add nothing.
pub(crate) fn acceleration<T: Copy>(
    groups: &[Runs<T>],
    outputs: usize,
    statistics: &impl Fn(&[Runs<T>], &mut [f64]),
) -> Vec<Option<f64>> {
    let (mut cubes, mut squares) = (vec![0.0; outputs], vec![0.0; outputs]);
    let mut left_out = groups.to_vec();
    for (group, runs) in groups.iter().enumerate() {
        for task in (0..runs.tasks()).filter(|&task| runs.task(task).len() > 1) {
            let n = runs.task(task).len();
            let mut values = vec![0.0; n * outputs];
            for (run, out) in values.chunks_exact_mut(outputs.max(1)).enumerate() {
                leave_out(&mut left_out[group], runs, task, run);
                statistics(&left_out, out);
            }
            for output in 0..outputs {
                let column = values.iter().skip(output).step_by(outputs);
                let mean = column.clone().sum::<f64>() / n as f64;
                for value in column {
                    let influence = (n - 1) as f64 * (mean - value) / n as f64;
                    cubes[output] += influence.powi(3);
                    squares[output] += influence.powi(2);
                }
            }
        }
        left_out[group] = runs.clone();
    }
    let one = |(cubes, squares): (f64, f64)| match squares {
        0.0 => Some(0.0),
        _ => Some(cubes / (6.0 * squares.powf(1.5))).filter(|a| a.is_finite()),
    };
    cubes.into_iter().zip(squares).map(one).collect()
}

/// All runs but one.
fn leave_out<T: Copy>(to: &mut Runs<T>, from: &Runs<T>, task: usize, run: usize) {
    to.clear();
    for (k, runs) in from.iter().enumerate() {
        let kept = runs.iter().enumerate().filter(|&(i, _)| k != task || i != run);
        to.push(kept.map(|(_, &value)| value));
    }
}
