//! An estimator of one's own, tested on a problem of its own: no network, no environment.
//!
//! `cargo run --release --example my_estimator`

use rlai::distribution::{Draws, TanhNormal};
use rlai::estimator::{ActionEstimator, Duals, Needs, Origin, Particles, Signal};
use rlai::nn::{Adam, Scalar};
use rlai::random::Key;

/// Likelihood of the better half: each state's particles of at least median Q, weighted by
/// `softmax(Q/eta)` among themselves (compare V-MPO, Song et al. 2020).
struct BestHalf;

impl<T: Scalar> ActionEstimator<T> for BestHalf {
    fn name(&self) -> &'static str {
        "best-half"
    }

    fn needs(&self) -> Needs {
        Needs { own_samples: true, samples: 2, ..Needs::default() }
    }

    fn signal(&self, particles: &Particles<'_, T>, duals: &Duals<T>, signal: &mut Signal<T>) {
        signal.restart();
        for state in 0..particles.states() {
            let q = &particles.q[particles.of_state(state)];
            let first = particles.of_state(state).start;
            let scaled_q = |i: usize| {
                let better = q.iter().filter(|&&other| other > q[i - first]).count();
                let kept = 2 * better < particles.samples;
                if kept { particles.q[i] / duals.eta } else { T::neg_infinity() }
            };
            let weights = signal.diagnostics.observe_target(particles, state, scaled_q);
            signal.loss[state] = T::zero();
            for (&weight, i) in weights.iter().zip(particles.of_state(state)) {
                signal.score[i] = -weight;
                signal.loss[state] -= weight * particles.log_pi[i];
            }
        }
    }
}

/// A bandit with Q(a) = -(a - 0.5)^2: the policy is to end near 0.5, and narrow.
fn main() {
    let (samples, head) = (32, TanhNormal::new(1, -3.0, 1.0));
    let mut parameters = [-1.0, 0.0];
    let mut adam = Adam::new(2);
    let mut noise = Key::from_seed(1).stream("noise");
    let (mut draws, mut signal) = (Draws::new(1, samples, 1), Signal::new(1, samples, 1));
    let log_base = vec![-(samples as f64).ln(); samples];
    for step in 0..=400 {
        noise.fill_normal(&mut draws.noise);
        head.sample(&parameters, &mut draws);
        let q: Vec<f64> = draws.action.iter().map(|a| -(a - 0.5) * (a - 0.5)).collect();
        let particles = Particles {
            samples,
            origins: &vec![Origin::Policy; samples],
            log_pi: &draws.log_pi,
            log_pi_0: None,
            log_base: &log_base,
            q: &q,
            dq_du: None,
            dl_du: None,
            value: None,
        };
        BestHalf.signal(&particles, &Duals::temperature(0.5), &mut signal);
        let mut gradient = [0.0; 2];
        head.backward(&parameters, &draws, &signal, &mut gradient);
        if step % 100 == 0 {
            let (mode, sd) = (parameters[0].tanh(), parameters[1].exp());
            println!("step {step:3}: mode {mode:6.3}, pre-tanh deviation {sd:5.3}");
        }
        adam.step(&mut parameters, &gradient, 1.0, 0.02);
    }
    assert!((parameters[0].tanh() - 0.5).abs() < 0.1, "the policy found the best action");
}
