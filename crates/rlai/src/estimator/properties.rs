//! Algebra that every estimator obeys, whatever the particles.

use std::panic::AssertUnwindSafe;

use proptest::prelude::*;

use super::testing::{Kind, Made, assert_close};
use super::*;
use crate::nn::Scalar;

/// What a scaling of Q and the temperatures together does to a signal.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scaling {
    /// Nothing: a gradient in nats.
    Nats,
    /// It scales too: a gradient in reward units.
    Reward,
    /// Neither.
    Other,
}

type Entry<T> = (Box<dyn ActionEstimator<T>>, Kind, Scaling);

fn forward<T: Scalar>(tempering: Tempering, truncate: bool) -> Box<dyn ActionEstimator<T>> {
    let weighting = Weighting { tempering, truncate };
    Box::new(ForwardKl { control_variate: true, weighting })
}

fn divergence<T: Scalar>(family: Divergence) -> Entry<T> {
    (Box::new(FDivergence { family, control_variate: true }), Kind::Draws, Scaling::Nats)
}

/// All estimators, with the particles that they need. `lambda` is AWAC's temperature.
fn all<T: Scalar>(lambda: f64) -> Vec<Entry<T>> {
    use AdvantageWeighting::{ClippedExponential, Softmax};
    use Kind::{Draws, Enumerated, Replay};
    use Scaling::{Nats, Other, Reward};
    let awac = |weighting| Box::new(Awac { temperature: lambda, weighting });
    vec![
        (Box::new(ReverseKlReparameterised), Draws, Reward),
        (Box::new(ReverseKlStl), Draws, Reward),
        (Box::new(ReverseKlBranches), Draws, Reward),
        (Box::new(ReverseKlChoiceAndPath { stl: false }), Draws, Reward),
        (Box::new(ReverseKlChoiceAndPath { stl: true }), Draws, Reward),
        (Box::new(ReverseKlScore), Draws, Reward),
        (Box::new(ReverseKlScore), Enumerated, Reward),
        (Box::new(ReverseKlValueBaseline), Draws, Reward),
        (Box::new(ReverseKlAllActions), Enumerated, Reward),
        (Box::new(ForwardKl::default()), Draws, Nats),
        (forward(Tempering::None, true), Draws, Nats),
        (forward(Tempering::Fixed(0.4), false), Draws, Nats),
        (forward(Tempering::Alpha, false), Draws, Other),
        (forward(Tempering::EffectiveSampleSize(0.6), true), Draws, Nats),
        (Box::new(ForwardKlAllActions), Enumerated, Nats),
        (Box::new(ForwardKlDreg), Draws, Nats),
        (Box::new(Mpo), Draws, Nats),
        (awac(Softmax), Replay, Nats),
        (awac(ClippedExponential), Replay, Nats),
        divergence(Divergence::ForwardKl),
        divergence(Divergence::ReverseKl),
        divergence(Divergence::JensenShannon),
        divergence(Divergence::Alpha(0.3)),
        divergence(Divergence::Alpha(2.0)),
        (Box::new(MixedKl { share: 0.3 }), Draws, Reward),
    ]
}

/// Everything of a signal that trains a policy.
fn trained(signal: &Signal<f64>) -> Vec<f64> {
    let action = if signal.has_action { &signal.action[..] } else { &[] };
    let choice = if signal.has_choice { &signal.choice[..] } else { &[] };
    [&signal.score, choice, action, &signal.weight_divergence].concat()
}

/// The same particles, those from the second on turned by one place in every state.
fn turned<T: Scalar>(values: &[T], samples: usize, width: usize) -> Vec<T> {
    let mut values = values.to_vec();
    for row in values.chunks_exact_mut(samples * width) {
        row[width..].rotate_left(width);
    }
    values
}

/// A comparison with NaN is false, and `min` and `max` drop it: what is not a number must still show.
#[test]
fn a_value_that_is_no_number_shows_in_loss_and_signal() {
    for (estimator, kind, _) in all::<f64>(0.8) {
        for at in 0..5 {
            let mut made = Made::new(kind, 1, 5, 3);
            made.q[at] = f64::NAN;
            let signal = made.signal(&*estimator, &Duals::temperature(0.3));
            let name = estimator.name();
            assert!(signal.loss[0].is_nan(), "{name}: loss {} hides particle {at}", signal.loss[0]);
        }
    }
}

/// A signal is used again and again, also after another estimator.
#[test]
fn nothing_that_was_left_in_a_signal_stays() {
    for (estimator, kind, _) in all::<f64>(0.8) {
        let made = Made::new(kind, 2, 6, 3);
        let duals = Duals::temperature(0.3);
        let fresh = made.signal(&*estimator, &duals);
        let mut used = Signal::new(2, 6, 2);
        (used.has_choice, used.has_action) = (true, true);
        used.trust_region = Some(TrustRegion { mean: 1.0, scale: 2.0, choice: 3.0 });
        let numbers = [&mut used.score, &mut used.choice, &mut used.action, &mut used.loss];
        numbers.into_iter().for_each(|values| values.fill(f64::NAN));
        used.weight_divergence.fill(f64::NAN);
        estimator.signal(&made.particles(), &duals, &mut used);
        let name = estimator.name();
        assert_eq!(trained(&used), trained(&fresh), "{name}");
        let flags = |s: &Signal<f64>| (s.has_choice, s.has_action, s.trust_region);
        assert_eq!(flags(&used), flags(&fresh), "{name}");
        assert_eq!(used.loss, fresh.loss, "{name}");
    }
}

proptest! {
    #[test]
    fn a_constant_added_to_q_changes_nothing(
        seed: u64, states in 1usize..4, samples in 3usize..9, shift in -300.0f64..300.0,
    ) {
        for (estimator, kind, _) in all::<f64>(0.8) {
            let made = Made::new(kind, states, samples, seed);
            let mut raised = made.clone();
            raised.q.iter_mut().chain(&mut raised.value).for_each(|x| *x += shift);
            let duals = Duals::temperature(0.3);
            let (was, is) = (made.signal(&*estimator, &duals), raised.signal(&*estimator, &duals));
            assert_close(&trained(&is), &trained(&was), 1e-10, estimator.name());
        }
    }

    #[test]
    fn a_signal_follows_its_particles(
        seed: u64, states in 1usize..4, samples in 3usize..9,
    ) {
        for (estimator, kind, _) in all::<f64>(0.8) {
            let made = Made::new(kind, states, samples, seed);
            let turn = |values: &[f64]| turned(values, samples, 1);
            let other = Made {
                log_pi: turn(&made.log_pi),
                log_base: turn(&made.log_base),
                q: turn(&made.q),
                dq_du: turned(&made.dq_du, samples, 2),
                dl_du: turned(&made.dl_du, samples, 2),
                ..made.clone()
            };
            let duals = Duals::temperature(0.3);
            let (was, is) = (made.signal(&*estimator, &duals), other.signal(&*estimator, &duals));
            assert_close(&is.score, &turn(&was.score), 1e-12, estimator.name());
            assert_close(&is.choice, &turn(&was.choice), 1e-12, estimator.name());
            assert_close(&is.action, &turned(&was.action, samples, 2), 1e-12, estimator.name());
            assert_close(&is.loss, &was.loss, 1e-12, estimator.name());
        }
    }

    #[test]
    fn q_and_temperatures_scaled_together_scale_reverse_signals_alone(
        seed: u64, samples in 3usize..9, scale in 0.1f64..10.0,
    ) {
        for ((estimator, kind, scaling), (other, ..)) in all::<f64>(0.8).iter().zip(all(0.8 * scale)) {
            if *scaling == Scaling::Other {
                continue;
            }
            let made = Made::new(*kind, 2, samples, seed);
            let mut scaled = made.clone();
            let rewards = scaled.q.iter_mut().chain(&mut scaled.dq_du).chain(&mut scaled.value);
            rewards.for_each(|x| *x *= scale);
            let was = made.signal(&**estimator, &Duals::temperature(0.3));
            let is = scaled.signal(&*other, &Duals::temperature(0.3 * scale));
            let factor = if *scaling == Scaling::Reward { scale } else { 1.0 };
            let want: Vec<f64> = trained(&was).iter().map(|x| x * factor).collect();
            assert_close(&trained(&is), &want, 1e-11, estimator.name());
        }
    }

    #[test]
    fn extreme_weights_stay_finite(seed: u64, samples in 3usize..9) {
        extremes_are_finite::<f32>(seed, samples);
        extremes_are_finite::<f64>(seed, samples);
    }
}

/// Q/alpha up to 1e4 either way.
fn extremes_are_finite<T: Scalar>(seed: u64, samples: usize) {
    for (estimator, kind, _) in all::<T>(0.5) {
        let mut made = Made::<T>::new(kind, 3, samples, seed);
        let extremes = [5e3, -5e3, 0.0, -4.9e3].map(T::from_f64);
        for (i, q) in made.q.iter_mut().enumerate() {
            *q += extremes[(i + seed as usize % 7) % 4];
        }
        let signal = made.signal(&*estimator, &Duals::temperature(T::from_f64(0.5)));
        let d = &signal.diagnostics;
        let parts = [
            (&signal.score, "score"),
            (&signal.choice, "choice"),
            (&signal.action, "action"),
            (&signal.loss, "loss"),
            (&signal.weight_divergence, "divergence of the weights"),
            (&d.effective_sample_size, "effective sample size"),
            (&d.largest_weight, "largest weight"),
            (&d.entropy, "entropy"),
            (&d.forward_kl, "forward KL"),
            (&d.reverse_kl, "reverse KL"),
        ];
        for (values, what) in parts {
            let finite = values.iter().all(|x| x.is_finite());
            assert!(finite, "{}: {what} {values:?}", estimator.name());
        }
    }
}

#[test]
fn equal_weights_are_one_nth_each() {
    for (estimator, kind, scaling) in all::<f64>(0.8) {
        if kind != Kind::Draws {
            continue;
        }
        // Q = alpha (l + c) puts the policy on its target.
        let mut made = Made::<f64>::new(kind, 2, 8, 5);
        if estimator.name() == "mpo" {
            made.q.fill(1.7);
        } else {
            let log_pi = made.log_pi.clone();
            made.q.iter_mut().zip(&log_pi).for_each(|(q, l)| *q = 0.3 * (l + 2.0));
        }
        let signal = made.signal(&*estimator, &Duals::temperature(0.3));
        let d = &signal.diagnostics;
        assert_close(&d.effective_sample_size, &[8.0; 2], 1e-12, estimator.name());
        assert_close(&d.largest_weight, &[0.125; 2], 1e-12, estimator.name());
        assert_close(&[d.forward_kl[0], d.reverse_kl[0]], &[0.0; 2], 1e-12, estimator.name());
        // Without a control variate -1/N, with one nothing; a score form's baseline cancels too.
        let plain = matches!(estimator.name(), "forward-kl" | "mpo") && signal.score[0] < -0.1;
        if plain {
            assert_close(&signal.score, &[-0.125; 16], 1e-12, estimator.name());
        } else if scaling == Scaling::Nats {
            assert_close(&signal.score, &[0.0; 16], 1e-12, estimator.name());
        }
    }
}

#[test]
fn names_tell_estimators_apart_and_impossible_particles_are_refused() {
    let mut names: Vec<_> = all::<f64>(1.0).iter().map(|(e, ..)| e.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 19, "{names:?}");
    for (estimator, kind, _) in all::<f64>(1.0) {
        let needs = estimator.needs();
        if needs.enumerated || needs.replay_action {
            assert_ne!(kind, Kind::Draws);
            let made = Made::<f64>::new(Kind::Draws, 1, 4, 3);
            let duals = Duals::temperature(1.0);
            let attempt = AssertUnwindSafe(|| made.signal(&*estimator, &duals));
            let refused = std::panic::catch_unwind(attempt);
            assert!(refused.is_err(), "{}", estimator.name());
        }
    }
}
