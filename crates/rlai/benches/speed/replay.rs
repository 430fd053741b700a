use criterion::Criterion;
use rlai::replay::{Batch, Transition};

use crate::synthetic::{HALF_CHEETAH, Sizes, stream};

/// Larger than the caches: sampling waits for memory, as it does in a run.
const TRANSITIONS: usize = 300_000;

/// A transition stored, and batches drawn.
pub fn replay(criterion: &mut Criterion) {
    let Sizes { observation, action } = HALF_CHEETAH;
    let mut buffer = HALF_CHEETAH.replay(TRANSITIONS);
    let mut group = criterion.benchmark_group("replay");
    let mut random = stream("sampling");
    for (batch, n_step) in [(256, 1), (256, 3), (4096, 1)] {
        let mut out = Batch::new(batch, observation, action);
        group.bench_function(format!("sample/{batch} of {n_step} steps"), |bencher| {
            bencher.iter(|| buffer.sample(&mut random, batch, n_step, 0.99, &mut out));
        });
    }
    let (seen, taken) = (vec![0.5; observation], vec![0.5; action]);
    buffer.begin(&seen);
    group.bench_function("push", |bencher| {
        bencher.iter(|| {
            buffer.push(&Transition {
                action: &taken,
                log_density: 0.0,
                reward: 1.0,
                terminated: false,
                truncated: false,
                next_observation: &seen,
            });
        });
    });
    group.finish();
}
