//! No estimator allocates: all room is made with the signal. Nor does a distribution in a training step.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use rlai::distribution::{Beta, Draws, Head, Normal, TanhNormal};
use rlai::estimator::{
    ActionEstimator, AdvantageWeighting, Awac, Diagnostics, Divergence, Duals, FDivergence,
    ForwardKl, ForwardKlAllActions, ForwardKlDreg, MixedKl, Mpo, Origin, Particles,
    ReverseKlAllActions, ReverseKlReparameterised, ReverseKlScore, ReverseKlStl,
    ReverseKlValueBaseline, Signal, Tempering, Weighting,
};
use rlai::random::Key;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting what each thread asks of it.
struct Counting;

// SAFETY: both calls go to the system's allocator unchanged; the counter is a plain thread-local number
// without a destructor, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `alloc` above with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const STATES: usize = 3;
const SAMPLES: usize = 64;

fn estimators(origin: Origin) -> Vec<Box<dyn ActionEstimator<f32>>> {
    let weighting = Weighting { tempering: Tempering::EffectiveSampleSize(0.5), truncate: true };
    let awac = |weighting| Awac { temperature: 0.5, weighting };
    match origin {
        Origin::Enumerated => vec![Box::new(ReverseKlAllActions), Box::new(ForwardKlAllActions)],
        Origin::Replay => vec![
            Box::new(awac(AdvantageWeighting::Softmax)),
            Box::new(awac(AdvantageWeighting::ClippedExponential)),
        ],
        _ => vec![
            Box::new(ReverseKlReparameterised),
            Box::new(ReverseKlStl),
            Box::new(ReverseKlScore),
            Box::new(ReverseKlValueBaseline),
            Box::new(ForwardKl::default()),
            Box::new(ForwardKl { control_variate: true, weighting }),
            Box::new(ForwardKlDreg),
            Box::new(Mpo),
            Box::new(FDivergence::new(Divergence::JensenShannon)),
            Box::new(MixedKl { share: 0.5 }),
        ],
    }
}

#[test]
fn signals_are_written_without_a_single_allocation() {
    let mut normals = vec![0.0; STATES * SAMPLES * 2];
    Key::from_seed(4).stream("numbers").fill_normal(&mut normals);
    let (log_pi, q) = normals.split_at(STATES * SAMPLES);
    let log_base = vec![-(SAMPLES as f32).ln(); STATES * SAMPLES];
    for origin in [Origin::Policy, Origin::Enumerated, Origin::Replay] {
        let origins = [origin; SAMPLES];
        let known = Particles {
            samples: SAMPLES,
            origins: &origins,
            log_pi,
            log_pi_0: None,
            log_base: &log_base,
            q,
            dq_du: Some(&normals),
            dl_du: Some(&normals),
            value: Some(&normals[..STATES]),
        };
        for estimator in estimators(origin) {
            let mut signal = Signal::new(STATES, SAMPLES, 2);
            signal.diagnostics = Diagnostics::new(STATES, SAMPLES).with_pareto_k();
            let before = ALLOCATIONS.get();
            estimator.signal(&known, &Duals::temperature(0.5), &mut signal);
            assert_eq!(ALLOCATIONS.get(), before, "{}", estimator.name());
            assert!(signal.diagnostics.pareto_k[0].is_finite());
        }
    }
    assert!(ALLOCATIONS.get() > 0, "the counter counts");
}

#[test]
fn neither_are_draws_nor_the_gradient_of_the_parameters() {
    let (bounds, coordinates) = ((-5.0, 2.0), 2);
    let heads: [Box<dyn Head<f32>>; 3] = [
        Box::new(TanhNormal::new(coordinates, bounds.0, bounds.1)),
        Box::new(Normal::new(coordinates, bounds.0, bounds.1)),
        Box::new(Beta::new(coordinates)),
    ];
    let mut random = Key::from_seed(4).stream("numbers");
    for head in heads {
        let mut parameters = vec![0.0; STATES * head.parameters_per_state()];
        random.fill_normal(&mut parameters);
        let mut gradient = vec![f32::NAN; parameters.len()];
        let mut draws = Draws::new(STATES, SAMPLES, coordinates);
        let mut signal = Signal::new(STATES, SAMPLES, coordinates);
        random.fill_normal(&mut signal.score);
        random.fill_normal(&mut signal.action);
        signal.has_action = true;
        let before = ALLOCATIONS.get();
        head.draw(&parameters, &mut random, &mut draws);
        head.evaluate(&parameters, &mut draws);
        head.backward(&parameters, &draws, &signal, &mut gradient);
        assert_eq!(ALLOCATIONS.get(), before, "{}", head.name());
        assert!(gradient.iter().all(|x| x.is_finite()), "{}", head.name());
    }
}
