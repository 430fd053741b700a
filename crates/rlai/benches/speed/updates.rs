use criterion::Criterion;
use rlai::replay::Batch;
use rlai::train::Objective;

use crate::synthetic::{HALF_CHEETAH, Sizes, stream};

/// A batch drawn and one whole update from it; and an action for exploration.
pub fn updates(criterion: &mut Criterion) {
    let Sizes { observation, action } = HALF_CHEETAH;
    let buffer = HALF_CHEETAH.replay(10_000);
    let mut group = criterion.benchmark_group("update");
    let variants = [
        (Objective::ReverseKl, 1),
        (Objective::ReverseKlScore, 16),
        (Objective::ForwardKl, 16),
        (Objective::ForwardKlDreg, 16),
        (Objective::Mpo, 16),
        (Objective::Awac, 16),
    ];
    for (objective, samples) in variants {
        let mut agent = HALF_CHEETAH.agent(objective, samples, 256);
        let (mut batch, mut random) = (Batch::new(256, observation, action), stream("sampling"));
        group.bench_function(format!("{}, N={samples}", objective.name()), |bencher| {
            bencher.iter(|| {
                buffer.sample(&mut random, 256, 1, 0.99, &mut batch);
                agent.update(&batch, 1.0).expect("finite numbers")
            });
        });
    }
    group.finish();
    let mut agent = HALF_CHEETAH.agent(Objective::ReverseKl, 1, 256);
    let (seen, mut taken) = (vec![0.5; observation], vec![0.0; action]);
    criterion.bench_function("act", |bencher| bencher.iter(|| agent.act(&seen, &mut taken)));
}
