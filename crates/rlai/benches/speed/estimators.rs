use std::hint::black_box;

use criterion::Criterion;
use rlai::estimator::{
    ActionEstimator, AdvantageWeighting, Awac, Divergence, Duals, FDivergence, ForwardKl,
    ForwardKlAllActions, ForwardKlDreg, MixedKl, Mpo, Origin, Particles, ReverseKlAllActions,
    ReverseKlBranches, ReverseKlChoiceAndPath, ReverseKlReparameterised, ReverseKlScore,
    ReverseKlStl, ReverseKlValueBaseline, Signal, Tempering, Weighting,
};

use crate::synthetic::stream;

const STATES: usize = 256;
const SAMPLES: usize = 16;
const ACTION: usize = 6;

/// Each estimator's name in the figures, where its particles come from, and itself.
fn all() -> Vec<(&'static str, Origin, Box<dyn ActionEstimator<f32>>)> {
    let tempered =
        Weighting { tempering: Tempering::EffectiveSampleSize(0.5), ..Weighting::default() };
    let awac = Awac { temperature: 0.5, weighting: AdvantageWeighting::Softmax };
    vec![
        ("reverse-kl", Origin::Policy, Box::new(ReverseKlReparameterised)),
        ("reverse-kl-stl", Origin::Policy, Box::new(ReverseKlStl)),
        ("reverse-kl-score", Origin::Policy, Box::new(ReverseKlScore)),
        ("reverse-kl-value-baseline", Origin::Policy, Box::new(ReverseKlValueBaseline)),
        (
            "reverse-kl-choice-and-path",
            Origin::Policy,
            Box::new(ReverseKlChoiceAndPath { stl: false }),
        ),
        ("reverse-kl-branches", Origin::Policy, Box::new(ReverseKlBranches)),
        ("reverse-kl-all-actions", Origin::Enumerated, Box::new(ReverseKlAllActions)),
        ("forward-kl", Origin::Policy, Box::new(ForwardKl::default())),
        (
            "forward-kl-tempered",
            Origin::Policy,
            Box::new(ForwardKl { control_variate: false, weighting: tempered }),
        ),
        ("forward-kl-all-actions", Origin::Enumerated, Box::new(ForwardKlAllActions)),
        ("forward-kl-dreg", Origin::Policy, Box::new(ForwardKlDreg)),
        ("mpo", Origin::Policy, Box::new(Mpo)),
        ("awac", Origin::Replay, Box::new(awac)),
        ("jensen-shannon", Origin::Policy, Box::new(FDivergence::new(Divergence::JensenShannon))),
        ("mixed-kl", Origin::Policy, Box::new(MixedKl { share: 0.5 })),
    ]
}

/// Particles to signal, 16 actions in each of 256 states.
pub fn estimators(criterion: &mut Criterion) {
    let mut normals = vec![0.0; STATES * SAMPLES * ACTION];
    stream("particles").fill_normal(&mut normals);
    let (log_pi, q) = normals.split_at(STATES * SAMPLES);
    let log_base = vec![-(SAMPLES as f32).ln(); STATES * SAMPLES];
    let mut signal = Signal::new(STATES, SAMPLES, ACTION);
    let mut group = criterion.benchmark_group("estimator");
    for (name, origin, estimator) in all() {
        let origins = [origin; SAMPLES];
        let particles = Particles {
            samples: SAMPLES,
            origins: &origins,
            log_pi,
            log_pi_0: None,
            log_base: &log_base,
            q: &q[..STATES * SAMPLES],
            dq_du: Some(&normals),
            dl_du: Some(&normals),
            value: Some(&normals[..STATES]),
        };
        group.bench_function(name, |bencher| {
            let duals = Duals::temperature(0.5);
            bencher.iter(|| estimator.signal(black_box(&particles), &duals, &mut signal));
        });
    }
    group.finish();
}
