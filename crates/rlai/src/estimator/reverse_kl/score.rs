use crate::estimator::{ActionEstimator, Duals, Needs, Origin, Particles, Signal};
use crate::nn::Scalar;

/// Score-function gradient with a leave-one-out baseline (R3; baseline: Kool et al. 2019).
///
/// Weight on log pi_k: `exp(b_k) (f_k - mean of f over the others)`, `f = alpha l - Q`. The baseline
/// does not depend on the particle it is subtracted from, so it adds no bias; it needs N >= 2. Over
/// enumerated actions, where the others determine the one left out, it is the exact mean of f instead.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReverseKlScore;

impl<T: Scalar> ActionEstimator<T> for ReverseKlScore {
    fn name(&self) -> &'static str {
        "reverse-kl-score"
    }

    fn needs(&self) -> Needs {
        // The baseline is made of the other particles: those of a stratified set, or of another
        // component of a mixture, are not independent of the one that is left out.
        Needs { own_samples: true, samples: 2, ..Needs::default() }
    }

    fn signal(&self, particles: &Particles<'_, T>, duals: &Duals<T>, signal: &mut Signal<T>) {
        let alpha = duals.alpha;
        signal.restart();
        for state in 0..particles.states() {
            let baseline = baseline(particles, state, alpha);
            write_score(particles, state, alpha, baseline, signal);
        }
    }
}

/// The baseline of a particle of this state as a function of its own `f = alpha l - Q`.
pub(in crate::estimator) fn baseline<T: Scalar>(
    particles: &Particles<'_, T>,
    state: usize,
    alpha: T,
) -> impl Fn(T) -> T {
    let enumerated = particles.origins.contains(&Origin::Enumerated);
    let total: T = particles
        .of_state(state)
        .map(|i| {
            let weight = if enumerated { particles.log_base[i].exp() } else { T::one() };
            weight * particles.soft_loss(i, alpha)
        })
        .sum();
    let others = T::from_f64(particles.samples as f64 - 1.0);
    move |own| if enumerated { total } else { (total - own) / others }
}

/// Writes `exp(b) (f - baseline(f))` for one state, with loss and diagnostics.
pub(super) fn write_score<T: Scalar>(
    particles: &Particles<'_, T>,
    state: usize,
    alpha: T,
    baseline: impl Fn(T) -> T,
    signal: &mut Signal<T>,
) {
    let mut loss = T::zero();
    for i in particles.of_state(state) {
        let (base, f) = (particles.log_base[i].exp(), particles.soft_loss(i, alpha));
        signal.score[i] = base * (f - baseline(f));
        loss += base * f;
    }
    signal.loss[state] = loss;
    signal.diagnostics.observe(particles, state, alpha);
}
