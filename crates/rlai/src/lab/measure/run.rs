//! Repeating a gradient.

use std::time::Instant;

use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use super::{Measurement, Refused, Sizes, Subject};
use crate::random::Key;

/// How often a gradient is drawn, and from which random numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// R, at least 2.
    pub repetitions: usize,
    /// The seed.
    pub seed: u64,
    /// Name of the random numbers: subjects measured with the same name and seed see the same.
    pub stream: String,
    /// Threads that share the work; they change nothing but the time.
    pub threads: usize,
}

impl Plan {
    /// Checks the number of repetitions.
    ///
    /// # Errors
    /// Too few to know a variance, or more than fit into memory.
    pub fn check(&self, subject: &dyn Subject) -> Result<(), Refused> {
        let width = subject.exact().len();
        let most = MOST_NUMBERS / width;
        if (2..=most).contains(&self.repetitions) {
            return Ok(());
        }
        let reason = format!("from 2 to {most} for a gradient of {width} numbers");
        Err(Refused::new("repetitions", self.repetitions, reason))
    }
}

/// Most numbers in all repetitions of a gradient together: 160 MB.
const MOST_NUMBERS: usize = 20_000_000;

/// Repetitions that one thread does in a row with the same room.
const BLOCK: usize = 16;

/// Draws the gradient R times and sums up. `progress` is told how many more were drawn.
///
/// # Errors
/// Too few or too many repetitions; threads that cannot be started; a gradient that is not finite.
pub fn measure(
    subject: &dyn Subject,
    plan: &Plan,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Measurement, Refused> {
    let width = subject.exact().len();
    plan.check(subject)?;
    let mut gradients = vec![0.0; plan.repetitions * width];
    let mut sizes = vec![Sizes::default(); plan.repetitions];
    let pool = rayon::ThreadPoolBuilder::new().num_threads(plan.threads.max(1)).build();
    let pool = pool.map_err(|error| Refused::new("threads", plan.threads, error))?;
    let key = Key::from_seed(plan.seed);
    let blocks = gradients.par_chunks_mut(BLOCK * width).zip(sizes.par_chunks_mut(BLOCK));
    let block = |(block, (gradients, sizes)): (usize, (&mut [f64], &mut [Sizes]))| {
        let begin = Instant::now();
        let mut sampler = subject.sampler();
        let room = gradients.chunks_exact_mut(width).zip(sizes.iter_mut());
        for (i, (gradient, sizes)) in room.enumerate() {
            let index = (block * BLOCK + i) as u64;
            *sizes = sampler.draw(&mut key.indexed_stream(&plan.stream, index), gradient);
        }
        let seconds = begin.elapsed().as_secs_f64();
        progress(sizes.len());
        seconds
    };
    let seconds: f64 = pool.install(|| blocks.enumerate().map(block).sum());
    if let Some(at) = gradients.iter().position(|number| !number.is_finite()) {
        let place = format!("number {} of repetition {}", at % width, at / width);
        return Err(Refused::new("gradient", gradients[at], format!("not finite ({place})")));
    }
    let seconds = seconds / plan.repetitions as f64;
    Ok(Measurement::new(subject.shape(), subject.exact(), &gradients, &sizes, seconds))
}
