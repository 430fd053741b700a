use crate::env::StepError;
use crate::estimator::{effective_sample_size, largest_weight, self_normalised_weights};
use crate::random::Stream;

/// What a particle filter needs of a task: states that can be copied, stepped under the policy.
pub trait Simulator {
    /// A whole state: equal states with equal random numbers have equal futures.
    type State: Clone;
    /// An action.
    type Action;

    /// Draws a first state.
    ///
    /// # Errors
    /// When the task fails.
    fn start(&mut self, random: &mut Stream) -> Result<Self::State, StepError>;

    /// alpha log E exp(sum of r/alpha - l from here on), or an estimate of it, in reward units. Wrong
    /// values cost variance, not consistency.
    fn value(&mut self, state: &Self::State) -> f64;

    /// The same of the state in which play ended: 0, unless it was only cut off.
    fn value_at_end(&mut self, _state: &Self::State) -> f64 {
        0.0
    }

    /// Draws an action from the policy and plays it: `state` becomes the next one.
    ///
    /// # Errors
    /// When the task fails.
    fn step(
        &mut self,
        state: &mut Self::State,
        random: &mut Stream,
    ) -> Result<Moved<Self::Action>, StepError>;
}

/// A step of a [`Simulator`].
#[derive(Clone, Debug, PartialEq)]
pub struct Moved<A> {
    /// The action that was drawn.
    pub action: A,
    /// Its reward.
    pub reward: f64,
    /// l = log pi - log pi_0 of the action.
    pub log_ratio: f64,
    /// Nothing follows, unless [`Simulator::value_at_end`] says that something would have.
    pub ended: bool,
}

/// A state that a particle was in, and what it did there.
#[derive(Clone, Debug, PartialEq)]
pub struct SmoothedStep<S, A> {
    /// t.
    pub time: usize,
    /// The state.
    pub state: S,
    /// The action taken in it, and what came of it.
    pub moved: Moved<A>,
    /// What its descendants weigh in the end: an estimate of p(s_t | O). At each time all weights sum
    /// to one, those of particles that ended before included.
    pub weight: f64,
}

/// What a particle smoother found.
#[derive(Clone, Debug, PartialEq)]
pub struct Smoothed<S, A> {
    /// All steps, by time.
    pub steps: Vec<SmoothedStep<S, A>>,
    /// Estimate of log p(O) + T log Z_0, unbiased for the evidence itself.
    pub log_evidence: f64,
    /// Effective sample size of the final weights.
    pub effective_sample_size: f64,
    /// The largest final weight.
    pub largest_weight: f64,
    /// How often all particles were drawn anew.
    pub resamplings: usize,
}

/// A particle in play, or at rest after its end (no state).
struct Particle<S> {
    state: Option<S>,
    value: f64,
    log_weight: f64,
}

/// A twisted particle filter with `count` particles over at most `horizon` steps, smoothed along its
/// genealogy (Gordon et al. 1993, Kitagawa 1996; twisting: Guarniero et al. 2017; Lioutas et al. 2023
/// with a learned value).
///
/// The target at t is the policy's trajectory times `exp(sum_{t'<t} (r/alpha - l) + V(s_t)/alpha)`.
/// Particles are drawn anew by systematic resampling when their effective sample size falls below
/// half of them.
///
/// # Errors
/// When the task fails.
pub fn smooth<P: Simulator>(
    simulator: &mut P,
    count: usize,
    horizon: usize,
    alpha: f64,
    random: &mut Stream,
) -> Result<Smoothed<P::State, P::Action>, StepError> {
    let mut particles = start(simulator, count, alpha, random)?;
    let mut log_evidence = 0.0;
    let mut resamplings = 0;
    let mut history = Vec::new();
    for _ in 0..horizon {
        if particles.iter().all(|particle| particle.state.is_none()) {
            break;
        }
        let mut ancestors: Vec<usize> = (0..count).collect();
        let (weights, size) = normalised(&particles);
        if size < 0.5 * count as f64 {
            ancestors = systematic(&weights, random.unit());
            log_evidence += log_mean(&particles);
            particles = draw_anew(&particles, &ancestors);
            resamplings += 1;
        }
        history.push((ancestors, advance(simulator, &mut particles, alpha, random)?));
    }
    let (weights, effective_sample_size) = normalised(&particles);
    let largest = largest_weight(&weights);
    log_evidence += log_mean(&particles);
    let steps = along_genealogy(history, weights);
    Ok(Smoothed {
        steps,
        log_evidence,
        effective_sample_size,
        largest_weight: largest,
        resamplings,
    })
}

fn start<P: Simulator>(
    simulator: &mut P,
    count: usize,
    alpha: f64,
    random: &mut Stream,
) -> Result<Vec<Particle<P::State>>, StepError> {
    let one = |_| {
        let state = simulator.start(random)?;
        let value = simulator.value(&state);
        Ok(Particle { state: Some(state), value, log_weight: value / alpha })
    };
    (0..count).map(one).collect()
}

/// Steps every particle that is in play; tells where each one was and what it did.
#[expect(clippy::type_complexity, reason = "private: a state and what was done in it")]
fn advance<P: Simulator>(
    simulator: &mut P,
    particles: &mut [Particle<P::State>],
    alpha: f64,
    random: &mut Stream,
) -> Result<Vec<Option<(P::State, Moved<P::Action>)>>, StepError> {
    let mut steps = Vec::with_capacity(particles.len());
    for particle in particles {
        let Some(mut state) = particle.state.take() else {
            steps.push(None);
            continue;
        };
        let before = state.clone();
        let moved = simulator.step(&mut state, random)?;
        let value = match moved.ended {
            true => simulator.value_at_end(&state),
            false => simulator.value(&state),
        };
        let gain = moved.reward + value - particle.value;
        particle.log_weight += gain / alpha - moved.log_ratio;
        particle.value = value;
        particle.state = (!moved.ended).then_some(state);
        steps.push(Some((before, moved)));
    }
    Ok(steps)
}

/// Self-normalised weights and their effective sample size.
fn normalised<S>(particles: &[Particle<S>]) -> (Vec<f64>, f64) {
    let mut weights: Vec<f64> = particles.iter().map(|particle| particle.log_weight).collect();
    self_normalised_weights(&mut weights);
    let size = effective_sample_size(&weights);
    (weights, size)
}

fn log_mean<S>(particles: &[Particle<S>]) -> f64 {
    let largest = particles.iter().map(|p| p.log_weight).fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = particles.iter().map(|p| (p.log_weight - largest).exp()).sum();
    largest + (total / particles.len() as f64).ln()
}

fn draw_anew<S: Clone>(particles: &[Particle<S>], ancestors: &[usize]) -> Vec<Particle<S>> {
    let copy = |&ancestor: &usize| {
        let Particle { state, value, .. } = &particles[ancestor];
        Particle { state: state.clone(), value: *value, log_weight: 0.0 }
    };
    ancestors.iter().map(copy).collect()
}

/// Systematic resampling: as many ancestors as weights, in order, from one uniform number. Each weight
/// gets `count * weight` copies, rounded up or down.
pub fn systematic(weights: &[f64], uniform: f64) -> Vec<usize> {
    let count = weights.len();
    let (mut ancestor, mut reached) = (0, weights[0]);
    let pick = |k: usize| {
        let point = (k as f64 + uniform) / count as f64;
        while reached <= point && ancestor + 1 < count {
            ancestor += 1;
            reached += weights[ancestor];
        }
        ancestor
    };
    (0..count).map(pick).collect()
}

type History<S, A> = Vec<(Vec<usize>, Vec<Option<(S, Moved<A>)>>)>;

/// Hands the final weights back from descendants to ancestors.
fn along_genealogy<S, A>(history: History<S, A>, mut weights: Vec<f64>) -> Vec<SmoothedStep<S, A>> {
    let mut by_time = Vec::with_capacity(history.len());
    for (time, (ancestors, steps)) in history.into_iter().enumerate().rev() {
        let weighted = steps.into_iter().zip(&weights).filter_map(|(step, &weight)| {
            step.map(|(state, moved)| SmoothedStep { time, state, moved, weight })
        });
        by_time.push(weighted.collect::<Vec<_>>());
        let mut handed = vec![0.0; weights.len()];
        for (&ancestor, &weight) in ancestors.iter().zip(&weights) {
            handed[ancestor] += weight;
        }
        weights = handed;
    }
    by_time.into_iter().rev().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systematic_resampling_copies_each_weight_its_share_rounded() {
        let weights = [0.1, 0.0, 0.45, 0.05, 0.4];
        for uniform in [0.01, 0.3, 0.7, 0.99] {
            let ancestors = systematic(&weights, uniform);
            assert_eq!(ancestors.len(), 5);
            for (i, weight) in weights.iter().enumerate() {
                let copies = ancestors.iter().filter(|&&a| a == i).count() as f64;
                assert!((copies - 5.0 * weight).abs() < 1.0, "{uniform}: {i} has {copies}");
            }
        }
    }

    /// One step without reward; a coin says whether it is an end or a cut, beyond which ln 3 follows.
    struct Coin;

    impl Simulator for Coin {
        type State = bool;
        type Action = ();

        fn start(&mut self, _: &mut Stream) -> Result<bool, StepError> {
            Ok(false)
        }

        fn value(&mut self, _: &bool) -> f64 {
            0.0
        }

        fn value_at_end(&mut self, cut_off: &bool) -> f64 {
            if *cut_off { 3.0f64.ln() } else { 0.0 }
        }

        fn step(&mut self, state: &mut bool, random: &mut Stream) -> Result<Moved<()>, StepError> {
            *state = random.unit() < 0.5;
            Ok(Moved { action: (), reward: 0.0, log_ratio: 0.0, ended: true })
        }
    }

    #[test]
    fn a_cut_off_particle_weighs_what_would_have_followed() {
        let mut random = crate::random::Key::from_seed(2).stream("coin");
        let found = smooth(&mut Coin, 40, 1, 1.0, &mut random).unwrap();
        let largest = found.largest_weight;
        let cut = found.steps.iter().filter(|step| step.weight == largest).count() as f64;
        assert!(cut > 5.0 && cut < 35.0, "{cut}");
        assert!((found.log_evidence - ((40.0 + 2.0 * cut) / 40.0).ln()).abs() < 1e-12);
        assert!((largest - 3.0 / (40.0 + 2.0 * cut)).abs() < 1e-12);
    }
}
