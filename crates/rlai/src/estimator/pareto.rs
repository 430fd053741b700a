//! Pareto k-hat: how heavy the tail of importance weights is.

/// Fewest weights of which a tail can be told.
const FEWEST: usize = 25;
/// Weakly informative prior of k: ten observations' worth of 0.5.
const PRIOR_WEIGHT: f64 = 10.0;
const PRIOR_K: f64 = 0.5;

/// Room to estimate Pareto k-hat of up to N weights (Vehtari et al. 2024, Pareto smoothed importance
/// sampling; the fit of the generalised Pareto distribution is that of Zhang and Stephens 2009).
///
/// The tail is the N/5 largest weights, 3 sqrt(N) beyond 225. Above 0.7 an average under these weights is
/// not to be trusted; with few weights already above 1 - 1/log10 N.
#[derive(Clone, Debug)]
pub struct ParetoK {
    log_weights: Vec<f64>,
    rates: Vec<f64>,
    likelihoods: Vec<f64>,
}

impl ParetoK {
    /// Room for `samples` weights; nothing is allocated later.
    pub fn new(samples: usize) -> Self {
        let grid = grid_size(tail_length(samples));
        Self {
            log_weights: Vec::with_capacity(samples),
            rates: Vec::with_capacity(grid),
            likelihoods: Vec::with_capacity(grid),
        }
    }

    /// k-hat of these log weights, of any scale; weights of zero are left out. NaN, not estimated, for
    /// fewer than 25 weights or a tail of equal ones.
    pub fn estimate(&mut self, log_weights: impl Iterator<Item = f64>) -> f64 {
        self.log_weights.clear();
        self.log_weights.extend(log_weights.filter(|&weight| weight > f64::NEG_INFINITY));
        let count = self.log_weights.len();
        if count < FEWEST {
            return f64::NAN;
        }
        self.log_weights.sort_unstable_by(f64::total_cmp);
        let (largest, start) = (self.log_weights[count - 1], count - tail_length(count));
        let below = (self.log_weights[start - 1] - largest).exp();
        let tail = &mut self.log_weights[start..];
        for weight in tail.iter_mut() {
            *weight = (*weight - largest).exp() - below;
        }
        if tail[0] == tail[tail.len() - 1] {
            return f64::NAN;
        }
        shape(tail, &mut self.rates, &mut self.likelihoods)
    }
}

fn tail_length(count: usize) -> usize {
    if count > 225 { (3.0 * (count as f64).sqrt()).ceil() as usize } else { count / 5 }
}

fn grid_size(tail: usize) -> usize {
    30 + (tail as f64).sqrt() as usize
}

/// Shape of the generalised Pareto distribution that fits these sorted excesses: the posterior mean of
/// its rate over a grid of candidates, and the shape that belongs to it, drawn towards the prior.
fn shape(excess: &[f64], rates: &mut Vec<f64>, likelihoods: &mut Vec<f64>) -> f64 {
    let n = excess.len() as f64;
    let mean_log = |rate: f64| excess.iter().map(|x| (-rate * x).ln_1p()).sum::<f64>() / n;
    let quartile = excess[(n / 4.0 + 0.5) as usize - 1];
    let grid = grid_size(excess.len());
    rates.clear();
    rates.extend((0..grid).map(|j| {
        let spread = 1.0 - (grid as f64 / (j as f64 + 0.5)).sqrt();
        1.0 / excess[excess.len() - 1] + spread / (3.0 * quartile)
    }));
    likelihoods.clear();
    likelihoods.extend(rates.iter().map(|&rate| {
        let k = mean_log(rate);
        n * ((-rate / k).ln() - k - 1.0)
    }));
    super::self_normalised_weights(likelihoods);
    let rate = posterior_mean(rates, likelihoods);
    (n * mean_log(rate) + PRIOR_WEIGHT * PRIOR_K) / (n + PRIOR_WEIGHT)
}

/// Mean of `rates` under `weights`, negligible ones left out.
fn posterior_mean(rates: &[f64], weights: &[f64]) -> f64 {
    let (mut mean, mut total) = (0.0, 0.0);
    for (&rate, &weight) in rates.iter().zip(weights) {
        if weight >= 10.0 * f64::EPSILON {
            mean += weight * rate;
            total += weight;
        }
    }
    mean / total
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The golden ratio's sequence: evenly spread over the unit interval.
    fn spread(count: usize, quantile: impl Fn(f64) -> f64) -> Vec<f64> {
        (1..=count).map(|i| quantile((i as f64 * 0.618_033_988_749_894_9).fract())).collect()
    }

    /// What arviz-stats 0.8.0 (`_ps_tail`, on the same log weights) prints.
    #[test]
    fn equals_arviz() {
        let pareto = |k: f64| move |u: f64| -k * (-u).ln_1p();
        let exponential = |u: f64| (-(-u).ln_1p()).ln();
        let cases = [
            (spread(25, pareto(0.7)), 0.560213518821611),
            (spread(64, pareto(0.7)), 0.5667887161803106),
            (spread(200, pareto(0.7)), 0.6260697422440414),
            (spread(256, pareto(0.7)), 0.5784468798599359),
            (spread(4096, pareto(0.7)), 0.6722193524794755),
            (spread(1024, pareto(0.3)), 0.33594347710933975),
            (spread(200, exponential), 0.10414915577098198),
            (spread(4096, exponential), 0.018785883883617332),
            (spread(64, |u| 8.0 * u * u), 0.3097152281368894),
            (spread(1024, |u| 8.0 * u * u), -0.4349072714999027),
        ];
        for (log_weights, want) in cases {
            let count = log_weights.len();
            let got = ParetoK::new(count).estimate(log_weights.into_iter());
            assert!((got - want).abs() < 1e-9, "N = {count}: {got} against {want}");
        }
    }

    #[test]
    fn does_not_depend_on_scale_order_or_weights_of_zero() {
        let log_weights = spread(300, |u| -0.5 * (-u).ln_1p());
        let mut room = ParetoK::new(400);
        let k = room.estimate(log_weights.iter().copied());
        let moved = log_weights.iter().rev().map(|weight| weight + 900.0);
        let padded = moved.chain(std::iter::repeat_n(f64::NEG_INFINITY, 100));
        assert!((room.estimate(padded) - k).abs() < 1e-9);
    }

    #[test]
    fn is_not_estimated_without_a_tail() {
        assert!(ParetoK::new(24).estimate((0..24).map(f64::from)).is_nan());
        assert!(ParetoK::new(60).estimate(std::iter::repeat_n(0.5, 60)).is_nan());
    }

    #[test]
    fn nothing_is_allocated_after_the_room_was_made() {
        let mut room = ParetoK::new(500);
        let pointers = |room: &ParetoK| {
            (room.log_weights.as_ptr(), room.rates.as_ptr(), room.likelihoods.as_ptr())
        };
        let before = pointers(&room);
        room.estimate(spread(500, |u| u).into_iter());
        assert_eq!(before, pointers(&room));
    }
}
