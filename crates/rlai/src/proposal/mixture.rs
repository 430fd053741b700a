use super::{Noise, Proposal, Segments};
use crate::distribution::{Draws, TanhNormal};
use crate::nn::Scalar;
use crate::random::Stream;

/// What is known of the actions that were taken in the states of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Replayed<'a, T> {
    /// The actions in `[-1,1]^A`, `[B, A]`.
    pub actions: &'a [T],
    /// Log density of each under the policy that took it, `[B]`.
    pub log_density: &'a [T],
}

/// Draws the particles of a proposal.
#[derive(Debug)]
pub struct MixtureSampler<T> {
    segments: Segments,
    noise: Noise,
    order: Vec<usize>,
    points: Vec<T>,
}

impl<T: Scalar> MixtureSampler<T> {
    /// A sampler of `samples` particles a state; none if a component would get no particle.
    pub fn new(proposal: &Proposal, samples: usize, action_dimension: usize) -> Option<Self> {
        let segments = Segments::new(proposal, samples)?;
        Some(Self {
            noise: proposal.noise,
            order: Vec::with_capacity(samples),
            points: vec![T::zero(); samples * action_dimension],
            segments,
        })
    }

    /// Draws N actions in each state and evaluates them under the policy.
    ///
    /// `policy` and `other` are parameters of `head`, `[B, 2 A]`; `other` is the second Gaussian, if the
    /// proposal has one, and `replayed` the actions taken, if it takes them in. Afterwards `draws` holds
    /// samples and the policy's log densities, and `log_base`, `[B, N]`, the log weights with which they
    /// stand for it.
    ///
    /// # Panics
    /// When shapes do not fit, or something that the proposal needs was not given.
    #[expect(
        clippy::too_many_arguments,
        reason = "one of each: what is drawn from, and what is filled"
    )]
    pub fn draw(
        &mut self,
        head: &TanhNormal,
        policy: &[T],
        other: Option<&[T]>,
        replayed: Option<Replayed<'_, T>>,
        stream: &mut Stream,
        draws: &mut Draws<T>,
        log_base: &mut [T],
    ) {
        let dimension = head.action_dimension();
        let width = self.segments.samples() * dimension;
        for (state, u) in draws.u.chunks_exact_mut(width).enumerate() {
            let row = state * 2 * dimension..(state + 1) * 2 * dimension;
            let other = other.map(|other| &other[row.clone()]);
            self.draw_state(head, &policy[row], other, stream, u);
            if let Some(replayed) = replayed.filter(|_| self.segments.replay > 0) {
                let taken = &replayed.actions[state * dimension..(state + 1) * dimension];
                for (u, &action) in u.iter_mut().zip(taken) {
                    *u = before_tanh(action);
                }
            }
        }
        head.evaluate(policy, draws);
        self.weigh(head, policy, other, replayed, draws, log_base);
    }

    /// The drawn particles of one state, before the tanh, `[N, A]`.
    fn draw_state(
        &mut self,
        head: &TanhNormal,
        policy: &[T],
        other: Option<&[T]>,
        stream: &mut Stream,
        u: &mut [T],
    ) {
        let dimension = head.action_dimension();
        let coordinates =
            |range: std::ops::Range<usize>| range.start * dimension..range.end * dimension;
        let of_policy = coordinates(self.segments.policy_range());
        self.gaussian(head, policy, stream, &mut u[of_policy]);
        if self.segments.other > 0 {
            let other = other.expect("the proposal's second Gaussian must be given");
            let of_other = coordinates(self.segments.other_range());
            self.gaussian(head, other, stream, &mut u[of_other]);
        }
        let uniform = &mut u[coordinates(self.segments.uniform_range())];
        self.noise.fill_unit(stream, dimension, &mut self.order, uniform);
        for value in uniform {
            *value = before_tanh(*value + *value - T::one());
        }
    }

    fn gaussian(&mut self, head: &TanhNormal, row: &[T], stream: &mut Stream, u: &mut [T]) {
        let dimension = head.action_dimension();
        let points = &mut self.points[..u.len()];
        self.noise.fill_normal(stream, dimension, &mut self.order, points);
        for (u, noise) in u.chunks_exact_mut(dimension).zip(points.chunks_exact(dimension)) {
            let deviations = head.standard_deviations(row);
            for (((u, &noise), &mean), sd) in u.iter_mut().zip(noise).zip(row).zip(deviations) {
                *u = mean + sd * noise;
            }
        }
    }

    /// `log pi - log mu - log N`, mu the mixture, or what took the action.
    fn weigh(
        &self,
        head: &TanhNormal,
        policy: &[T],
        other: Option<&[T]>,
        replayed: Option<Replayed<'_, T>>,
        draws: &Draws<T>,
        log_base: &mut [T],
    ) {
        let (samples, dimension) = (self.segments.samples(), head.action_dimension());
        let log_samples = T::from_f64((samples as f64).ln());
        let states = policy.len() / (2 * dimension);
        for state in 0..states {
            let row = state * 2 * dimension..(state + 1) * 2 * dimension;
            let other = other.map(|other| &other[row.clone()]);
            for k in 0..samples {
                let i = state * samples + k;
                let log_mu = if k < self.segments.replay {
                    replayed.expect("the actions taken must be given").log_density[state]
                } else {
                    let u = &draws.u[i * dimension..(i + 1) * dimension];
                    self.log_mixture(head, other, u, draws.log_pi[i])
                };
                log_base[i] = draws.log_pi[i] - log_mu - log_samples;
            }
        }
    }

    /// Log density of the mixture at the action `tanh(u)`, whose log density under the policy is
    /// `log_pi`.
    fn log_mixture(&self, head: &TanhNormal, other: Option<&[T]>, u: &[T], log_pi: T) -> T {
        let share = |count: usize| T::from_f64((count as f64 / self.segments.drawn() as f64).ln());
        let mut total = T::neg_infinity();
        if self.segments.policy > 0 {
            total = share(self.segments.policy) + log_pi;
        }
        if let Some(other) = other.filter(|_| self.segments.other > 0) {
            total = log_add(total, share(self.segments.other) + head.log_density(other, u));
        }
        if self.segments.uniform > 0 {
            let log_uniform = T::from_f64(-(u.len() as f64) * std::f64::consts::LN_2);
            total = log_add(total, share(self.segments.uniform) + log_uniform);
        }
        total
    }
}

/// `log(exp a + exp b)`.
fn log_add<T: Scalar>(a: T, b: T) -> T {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    if low == T::neg_infinity() { high } else { high + (low - high).exp().ln_1p() }
}

/// The pre-tanh point of an action. An action on the box's edge, or so close that rounding put it
/// there, is taken from just inside.
pub(crate) fn before_tanh<T: Scalar>(action: T) -> T {
    let edge = T::one() - T::epsilon();
    let action = if action > edge {
        edge
    } else if action < -edge {
        -edge
    } else {
        action
    };
    action.atanh()
}

/// The policy's parameters, `[B, 2 A]`, with each mean moved by `0.5 sigma^2 dQ/du / alpha`, at most two
/// standard deviations. `dq_du`, `[B, A]`, is the gradient at the mode.
///
/// For a quadratic Q that is half of the step to the target's mean.
pub fn shifted_means<T: Scalar>(
    head: &TanhNormal,
    policy: &[T],
    dq_du: &[T],
    alpha: T,
    shifted: &mut [T],
) {
    let dimension = head.action_dimension();
    shifted.copy_from_slice(policy);
    let rows = policy.chunks_exact(2 * dimension).zip(dq_du.chunks_exact(dimension));
    for (out, (row, dq_du)) in shifted.chunks_exact_mut(2 * dimension).zip(rows) {
        let deviations = head.standard_deviations(row);
        for ((mean, &slope), sd) in out[..dimension].iter_mut().zip(dq_du).zip(deviations) {
            let most = sd + sd;
            let shift = T::from_f64(0.5) * sd * sd * slope / alpha;
            *mean += if shift > most {
                most
            } else if shift < -most {
                -most
            } else {
                shift
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimator::{effective_sample_size, self_normalised_weights};
    use crate::proposal::Source;
    use crate::random::Key;

    const POLICY: [f64; 4] = [0.3, -0.2, -0.5, 0.1];
    const OTHER: [f64; 4] = [0.8, 0.1, -0.3, -0.2];

    fn proposals() -> Vec<Proposal> {
        let plain = Proposal::default();
        let mut all = Vec::new();
        for noise in Noise::ALL {
            for source in Source::ALL {
                all.push(Proposal { source, noise, ..plain });
                all.push(Proposal { source, noise, uniform: 0.25, replay: true });
            }
        }
        all
    }

    /// Draws of `OTHER` with their log densities: what another policy did in this state.
    fn taken(head: &TanhNormal, stream: &mut Stream) -> Draws<f64> {
        let mut taken = Draws::new(1, 1, 2);
        stream.fill_normal(&mut taken.noise);
        head.sample(&OTHER, &mut taken);
        taken
    }

    /// Whatever the proposal, `sum_k exp(b_k) f(a_k)` has the expectation of f under the policy: here of
    /// 1 and of the first coordinate, whose exact value is found by quadrature.
    #[test]
    fn every_proposal_stands_for_the_policy() {
        let head = TanhNormal::new(2, -20.0, 2.0);
        let nodes = 4_000;
        let exact: f64 = (0..nodes)
            .map(|i| {
                let z = -8.0 + 16.0 * (i as f64 + 0.5) / nodes as f64;
                let density = (-0.5 * z * z - HALF_LOG_2_PI_TEST).exp() * 16.0 / nodes as f64;
                (POLICY[0] + POLICY[2].exp() * z).tanh() * density
            })
            .sum();
        for proposal in proposals() {
            let mut sampler = MixtureSampler::new(&proposal, 8, 2).unwrap();
            let mut stream = Key::from_seed(7).stream("proposal");
            let (mut draws, mut log_base) = (Draws::new(1, 8, 2), [0.0; 8]);
            let repetitions = 20_000;
            let mut moments = [[0.0; 2]; 2];
            for _ in 0..repetitions {
                let taken = taken(&head, &mut stream);
                let replayed = Replayed { actions: &taken.action, log_density: &taken.log_pi };
                sampler.draw(
                    &head,
                    &POLICY,
                    Some(&OTHER),
                    Some(replayed),
                    &mut stream,
                    &mut draws,
                    &mut log_base,
                );
                let sum = |f: &dyn Fn(usize) -> f64| -> f64 {
                    (0..8).map(|k| log_base[k].exp() * f(k)).sum()
                };
                for (moment, value) in
                    moments.iter_mut().zip([sum(&|_| 1.0), sum(&|k| draws.action[2 * k])])
                {
                    moment[0] += value;
                    moment[1] += value * value;
                }
            }
            for (moment, exact) in moments.iter().zip([1.0, exact]) {
                let n = f64::from(repetitions);
                let mean = moment[0] / n;
                let error = ((moment[1] / n - mean * mean).max(0.0) / n).sqrt();
                let distance = (mean - exact).abs();
                assert!(distance < 5.0 * error + 1e-9, "{proposal:?}: {mean} {exact} {error}");
            }
        }
    }

    const HALF_LOG_2_PI_TEST: f64 = 0.918_938_533_204_672_8;

    #[test]
    fn draws_of_the_policy_stand_for_it_equally() {
        let head = TanhNormal::new(2, -20.0, 2.0);
        let noise = Noise::LatinHypercube;
        let proposal = Proposal { noise, ..Proposal::default() };
        let mut sampler = MixtureSampler::new(&proposal, 4, 2).unwrap();
        let mut stream = Key::from_seed(7).stream("proposal");
        let (mut draws, mut log_base) = (Draws::new(1, 4, 2), [0.0; 4]);
        sampler.draw(&head, &POLICY, None, None, &mut stream, &mut draws, &mut log_base);
        assert!(log_base.iter().all(|b| (b + 4.0f64.ln()).abs() < 1e-12));
    }

    #[test]
    fn an_action_on_the_edge_has_a_finite_place_before_the_tanh() {
        for action in [1.0f32, -1.0, 0.3] {
            let u = before_tanh(action);
            assert!(u.is_finite() && (u.tanh() - action).abs() < 1e-6);
        }
    }

    /// The quadratic problem: policy N(0, I), target N(0.6, 0.8^2 I), alpha 1, in 17 dimensions with
    /// N = 1024 (all densities before the tanh). The shift is 0.5 * 0.6 / 0.64 = 0.46875 a coordinate,
    /// and the effective sample size rises from about 15 to about 140.
    #[test]
    fn the_shifted_mixture_raises_the_effective_sample_size_fivefold() {
        let (dimension, samples) = (17, 1024);
        let head = TanhNormal::new(dimension, -20.0, 2.0);
        let policy = vec![0.0; 2 * dimension];
        let mut shifted = policy.clone();
        shifted_means(&head, &policy, &vec![0.6 / 0.64; dimension], 1.0, &mut shifted);
        assert!(shifted[..dimension].iter().all(|&mean| (mean - 0.46875f64).abs() < 1e-12));
        let ess = |source| {
            let proposal = Proposal { source, ..Proposal::default() };
            let mut sampler = MixtureSampler::new(&proposal, samples, dimension).unwrap();
            let mut stream = Key::from_seed(2).stream("proposal");
            let mut draws = Draws::new(1, samples, dimension);
            let mut log_base = vec![0.0; samples];
            let repetitions = 60;
            let mut total = 0.0;
            for _ in 0..repetitions {
                let other = Some(&shifted[..]);
                sampler.draw(&head, &policy, other, None, &mut stream, &mut draws, &mut log_base);
                let mut weights: Vec<f64> = (0..samples)
                    .map(|k| {
                        let u = &draws.u[k * dimension..(k + 1) * dimension];
                        let q: f64 = u.iter().map(|u| -(u - 0.6).powi(2) / 1.28).sum();
                        let log_pi: f64 = u.iter().map(|u| -0.5 * u * u).sum();
                        log_base[k] + q - log_pi
                    })
                    .collect();
                self_normalised_weights(&mut weights);
                total += effective_sample_size(&weights);
            }
            total / f64::from(repetitions)
        };
        let (plain, mixed) = (ess(Source::Policy), ess(Source::Shifted));
        assert!((12.0..18.0).contains(&plain), "{plain}");
        assert!((110.0..170.0).contains(&mixed) && mixed > 5.0 * plain, "{mixed} against {plain}");
    }

    #[test]
    fn a_shift_is_at_most_two_standard_deviations() {
        let head = TanhNormal::new(2, -20.0, 2.0);
        let mut shifted = [0.0; 4];
        shifted_means(&head, &POLICY, &[1e6, -1e6], 0.1, &mut shifted);
        assert!((shifted[0] - (POLICY[0] + 2.0 * POLICY[2].exp())).abs() < 1e-12);
        assert!((shifted[1] - (POLICY[1] - 2.0 * POLICY[3].exp())).abs() < 1e-12);
        assert_eq!(shifted[2..], POLICY[2..]);
    }
}
