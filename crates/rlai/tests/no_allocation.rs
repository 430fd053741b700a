//! No estimator and no distribution allocates: all room is made with the signal and the draws.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use rlai::distribution::{
    Beta, BranchForm, Draws, FactoredCategorical, Histogram, Hybrid, Mixture, Normal, SharedHead,
    TanhNormal,
};
use rlai::estimator::{
    ActionEstimator, AdvantageWeighting, Awac, Diagnostics, Divergence, Duals, FDivergence,
    ForwardKl, ForwardKlAllActions, ForwardKlDreg, MixedKl, Mpo, Origin, Particles,
    ReverseKlAllActions, ReverseKlBranches, ReverseKlChoiceAndPath, ReverseKlReparameterised,
    ReverseKlScore, ReverseKlStl, ReverseKlValueBaseline, Signal, Tempering, TrustRegion,
    Weighting,
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
            Box::new(ReverseKlBranches),
            Box::new(ReverseKlChoiceAndPath { stl: true }),
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

fn heads() -> Vec<SharedHead<f32>> {
    let mixture = Mixture::new(3, 2, -5.0, 2.0);
    vec![
        Arc::new(TanhNormal::new(2, -5.0, 2.0)),
        Arc::new(Normal::new(2, -5.0, 2.0)),
        Arc::new(Beta::new(2)),
        Arc::new(mixture.clone()),
        Arc::new(mixture.with_form(BranchForm::Joint)),
        Arc::new(Hybrid::new(3, 2, -5.0, 2.0)),
        Arc::new(FactoredCategorical::new(vec![3, 2])),
        Arc::new(Histogram::new(2, 11)),
    ]
}

/// Everything that a training step asks of a distribution.
#[test]
fn distributions_do_their_work_without_a_single_allocation() {
    let mut random = Key::from_seed(5).stream("numbers");
    for head in heads() {
        let (width, coordinates) = (head.parameters_per_state(), head.shape().coordinates);
        let mut parameters = vec![0.0; STATES * width];
        random.fill_normal(&mut parameters);
        let choices = head.choices_per_draw();
        let room = |samples| Draws::with_choices(STATES, samples, coordinates, choices);
        let (mut draws, mut mode) = (room(SAMPLES), room(1));
        let mut signal = Signal::new(STATES, SAMPLES, coordinates);
        signal.has_choice = head.abilities().branches.is_some();
        signal.has_action = head.abilities().reparameterised;
        let mut gradient = vec![0.0; STATES * width];
        let weights = TrustRegion { mean: 1.0, scale: 1.0, choice: 1.0 };
        let state_weight = [1.0; STATES];
        let before = ALLOCATIONS.get();
        head.draw(&parameters, &mut random, &mut draws);
        head.evaluate(&parameters, &mut draws);
        head.place(&parameters, &mut draws);
        head.mode(&parameters, &mut mode);
        head.backward(&parameters, &draws, &signal, &mut gradient);
        let (old, new) = (&parameters, &parameters);
        head.add_kl_gradient(old, new, weights, &state_weight, &mut gradient);
        let kl = head.kl_from(&old[..width], &new[..width]);
        assert_eq!(ALLOCATIONS.get(), before, "{}", head.name());
        assert!(kl.choice.abs() < 1e-6 && gradient.iter().all(|g| g.is_finite()));
    }
}
