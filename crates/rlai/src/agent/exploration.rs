//! The noise with which an agent explores: how consecutive actions hang together. Every one of them still
//! is, alone, a draw of the policy.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::nn::Scalar;
use crate::random::Stream;
use crate::train::ExplorationNoise;

/// Octaves of time constants behind pink noise: 1, 2, 4, .. 512 steps.
const OCTAVES: usize = 10;

/// Standard normal numbers, one for each coordinate and step, correlated in time as asked for.
#[derive(Debug)]
pub(super) struct Explorer {
    kind: ExplorationNoise,
    /// First-order autoregressions of unit variance whose sum is the noise, `[A, processes]`.
    states: Vec<f64>,
    /// What each keeps from one step to the next.
    kept: Vec<f64>,
    fresh: bool,
}

impl Explorer {
    pub(super) fn new(kind: ExplorationNoise, dimension: usize) -> Self {
        let kept = match kind {
            ExplorationNoise::White | ExplorationNoise::Repeat(_) => Vec::new(),
            ExplorationNoise::Pink => {
                (0..OCTAVES).map(|octave| (-1.0 / f64::from(1 << octave)).exp()).collect()
            }
            ExplorationNoise::OrnsteinUhlenbeck(theta) => vec![1.0 - theta],
        };
        Self { kind, states: vec![0.0; dimension * kept.len()], kept, fresh: true }
    }

    /// Whether the noise of a step depends on those before it.
    pub(super) fn is_coloured(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Steps for which an action is kept.
    pub(super) fn repeats(&self) -> usize {
        match self.kind {
            ExplorationNoise::Repeat(steps) => steps,
            _ => 1,
        }
    }

    /// What is left of the noise of earlier steps, and whether it is to be forgotten.
    pub(super) fn memory(&self) -> (&[f64], bool) {
        (&self.states, self.fresh)
    }

    /// Goes on from a memory of the same length.
    pub(super) fn set_memory(&mut self, states: &[f64], fresh: bool) -> Option<()> {
        (states.len() == self.states.len()).then(|| self.states.copy_from_slice(states))?;
        self.fresh = fresh;
        Some(())
    }

    /// An episode begins: nothing of the noise before it is left.
    pub(super) fn restart(&mut self) {
        self.fresh = true;
    }

    /// The noise of the next step, `[A]`.
    pub(super) fn next<T: Scalar>(&mut self, random: &mut Stream, noise: &mut [T]) {
        if !self.is_coloured() {
            return random.fill_normal(noise);
        }
        let scale = 1.0 / (self.kept.len() as f64).sqrt();
        let fresh = std::mem::replace(&mut self.fresh, false);
        for (noise, states) in noise.iter_mut().zip(self.states.chunks_exact_mut(self.kept.len())) {
            for (state, kept) in states.iter_mut().zip(&self.kept) {
                let new = random.normal();
                *state = if fresh { new } else { kept * *state + (1.0 - kept * kept).sqrt() * new };
            }
            *noise = T::from_f64(scale * states.iter().sum::<f64>());
        }
    }

    /// Uniform numbers on [-1, 1], `[A]`, that hang together as the noise does.
    pub(super) fn next_uniform<T: Scalar>(&mut self, random: &mut Stream, out: &mut [T]) {
        if !self.is_coloured() {
            for value in out {
                *value = T::from_f64(random.uniform(-1.0, 1.0));
            }
            return;
        }
        self.next(random, out);
        let normal = Normal::standard();
        for value in out {
            *value = T::from_f64(2.0 * normal.cdf(value.widen()) - 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    fn series(kind: ExplorationNoise, length: usize) -> Vec<f64> {
        let mut explorer = Explorer::new(kind, 1);
        let mut random = Key::from_seed(8).stream("exploration");
        let one = |_| {
            let mut noise = [0.0];
            explorer.next(&mut random, &mut noise);
            noise[0]
        };
        (0..length).map(one).collect()
    }

    fn correlation(series: &[f64], lag: usize) -> f64 {
        let pairs = series.iter().zip(&series[lag..]);
        pairs.map(|(a, b)| a * b).sum::<f64>() / (series.len() - lag) as f64
    }

    #[test]
    fn every_colour_has_unit_variance_and_its_own_memory() {
        let n = 200_000;
        let white = series(ExplorationNoise::White, n);
        let ou = series(ExplorationNoise::OrnsteinUhlenbeck(0.15), n);
        let pink = series(ExplorationNoise::Pink, n);
        // The effective number of independent values is about n (1 - r) / (1 + r).
        assert!((correlation(&white, 0) - 1.0).abs() < 5.0 * (2.0 / n as f64).sqrt());
        assert!((correlation(&ou, 0) - 1.0).abs() < 0.05);
        assert!((correlation(&pink, 0) - 1.0).abs() < 0.2);
        assert!(correlation(&white, 1).abs() < 0.012);
        for lag in [1, 5] {
            assert!((correlation(&ou, lag) - 0.85f64.powi(lag as i32)).abs() < 0.05, "{lag}");
            let expected =
                (0..OCTAVES).map(|k| (-(lag as f64) / f64::from(1 << k)).exp()).sum::<f64>();
            assert!((correlation(&pink, lag) - expected / OCTAVES as f64).abs() < 0.2, "{lag}");
        }
    }

    /// Power falls by about half an octave: a slope of -1 in log-log, between the fastest and the slowest
    /// of its processes.
    #[test]
    fn pink_noise_has_a_spectrum_of_one_over_f() {
        let (length, blocks) = (1024, 200);
        let pink = series(ExplorationNoise::Pink, length * blocks);
        let power = |cycles: usize| -> f64 {
            let of_block = |block: &[f64]| {
                let angle =
                    |t: usize| 2.0 * std::f64::consts::PI * (cycles * t) as f64 / length as f64;
                let part = |f: fn(f64) -> f64| {
                    block.iter().enumerate().map(|(t, x)| x * f(angle(t))).sum::<f64>()
                };
                part(f64::cos).powi(2) + part(f64::sin).powi(2)
            };
            pink.chunks_exact(length).map(of_block).sum::<f64>() / blocks as f64
        };
        let slope = (power(128) / power(4)).ln() / (128.0f64 / 4.0).ln();
        assert!((slope + 1.0).abs() < 0.15, "{slope}");
    }

    #[test]
    fn coloured_uniform_numbers_are_uniform_and_an_episode_forgets() {
        let mut explorer = Explorer::new(ExplorationNoise::OrnsteinUhlenbeck(0.5), 1);
        let mut random = Key::from_seed(2).stream("exploration");
        let mut below = 0;
        for _ in 0..4000 {
            let mut value = [0.0f64];
            explorer.next_uniform(&mut random, &mut value);
            assert!(value[0].abs() <= 1.0);
            below += usize::from(value[0] < -0.5);
        }
        assert!((below as f64 / 4000.0 - 0.25).abs() < 0.06, "{below}");
        let (mut first, mut again) = ([0.0], [0.0]);
        let key = Key::from_seed(3);
        explorer.restart();
        explorer.next(&mut key.stream("x"), &mut first);
        explorer.restart();
        explorer.next(&mut key.stream("x"), &mut again);
        assert_eq!(first, again);
    }
}
