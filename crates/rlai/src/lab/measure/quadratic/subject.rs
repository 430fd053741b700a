use std::cell::OnceCell;

use super::{Quadratic, QuadraticBaseline, QuadraticProblem, QuadraticSettings, exact};
use crate::distribution::{Draws, TanhNormal};
use crate::estimator::{ActionEstimator, Duals, Origin, Particles, Signal};
use crate::lab::measure::refused::check_exact;
use crate::lab::measure::{Refused, Sampler, Sizes, Subject};
use crate::proposal::{MixtureSampler, Segments, Source, shifted_means};
use crate::random::Stream;

/// An estimator on the quadratic problem.
pub struct QuadraticSubject {
    problem: QuadraticProblem,
    settings: QuadraticSettings,
    exact: Vec<f64>,
}

impl QuadraticSubject {
    /// An estimator on a problem.
    ///
    /// # Errors
    /// As [`QuadraticSubjects::subject`].
    pub fn new(problem: &QuadraticProblem, settings: &QuadraticSettings) -> Result<Self, Refused> {
        QuadraticSubjects::new(problem).subject(settings)
    }
}

/// Estimators on one quadratic problem: what is costly about its exact gradients is calculated once.
pub struct QuadraticSubjects {
    problem: QuadraticProblem,
    pub(super) jensen_shannon: OnceCell<Result<[f64; 2], Refused>>,
}

impl QuadraticSubjects {
    /// A problem that is not checked yet.
    pub fn new(problem: &QuadraticProblem) -> Self {
        Self { problem: *problem, jensen_shannon: OnceCell::new() }
    }

    /// An estimator on the problem.
    ///
    /// # Errors
    /// Settings with which the estimator means nothing; a target so far from the policy that the exact
    /// gradient cannot be calculated.
    pub fn subject(&self, settings: &QuadraticSettings) -> Result<QuadraticSubject, Refused> {
        settings.check(&self.problem)?;
        let gradient = self.gradient(settings)?;
        check_exact(settings.estimator.name(), &gradient)?;
        let exact = gradient.iter().flat_map(|&g| vec![g; self.problem.dimension]).collect();
        Ok(QuadraticSubject { problem: self.problem, settings: *settings, exact })
    }

    fn gradient(&self, settings: &QuadraticSettings) -> Result<[f64; 2], Refused> {
        let problem = &self.problem;
        let (forward, reverse) = (exact::forward(problem), exact::reverse(problem));
        match settings.estimator {
            Quadratic::ReverseKl | Quadratic::ReverseKlStl | Quadratic::ReverseKlScore => {
                Ok(reverse)
            }
            Quadratic::ForwardKl | Quadratic::ForwardKlDreg => Ok(forward),
            Quadratic::JensenShannon => {
                self.jensen_shannon.get_or_init(|| exact::jensen_shannon(problem)).clone()
            }
            Quadratic::AlphaDivergence => exact::alpha(problem, settings.order),
            Quadratic::MixedKl => {
                let mix =
                    |i: usize| settings.share * forward[i] + (1.0 - settings.share) * reverse[i];
                Ok([mix(0), mix(1)])
            }
        }
    }
}

impl Subject for QuadraticSubject {
    fn shape(&self) -> [usize; 2] {
        [2, self.problem.dimension]
    }

    fn exact(&self) -> &[f64] {
        &self.exact
    }

    fn sampler(&self) -> Box<dyn Sampler + '_> {
        Box::new(QuadraticSampler::new(self))
    }
}

/// Draws particles by the same code as the agent, whose policy is a squashed Gaussian: everything here
/// is in the coordinate before the squashing, in which the Jacobian cancels from all weights.
struct QuadraticSampler<'a> {
    subject: &'a QuadraticSubject,
    head: TanhNormal,
    /// Mean 0 and log standard deviation 0 `[2 d]`.
    policy: Vec<f64>,
    /// The shifted Gaussian, where one is drawn from.
    other: Option<Vec<f64>>,
    mixture: MixtureSampler<f64>,
    origins: Vec<Origin>,
    draws: Draws<f64>,
    log_base: Vec<f64>,
    q: Vec<f64>,
    dq_du: Vec<f64>,
    estimator: Box<dyn ActionEstimator<f64>>,
    signal: Signal<f64>,
}

impl<'a> QuadraticSampler<'a> {
    fn new(subject: &'a QuadraticSubject) -> Self {
        let (problem, settings) = (&subject.problem, &subject.settings);
        let (dimension, samples) = (problem.dimension, settings.samples);
        let proposal = &settings.proposal;
        let segments = Segments::new(proposal, samples).expect("the settings were checked");
        let head = TanhNormal::new(dimension, -20.0, 2.0);
        let policy = vec![0.0; 2 * dimension];
        let other = (proposal.source == Source::Shifted).then(|| {
            let mut shifted = policy.clone();
            let slopes = vec![problem.dq_da(0.0); dimension];
            shifted_means(&head, &policy, &slopes, 1.0, &mut shifted);
            shifted
        });
        Self {
            mixture: MixtureSampler::new(proposal, samples, dimension)
                .expect("the settings were checked"),
            origins: segments.origins(proposal),
            draws: Draws::new(1, samples, dimension),
            log_base: vec![0.0; samples],
            q: vec![0.0; samples],
            dq_du: vec![0.0; samples * dimension],
            estimator: settings.action_estimator(),
            signal: Signal::new(1, samples, dimension),
            subject,
            head,
            policy,
            other,
        }
    }

    /// Draws, and takes the squashing out of the densities.
    fn draw_particles(&mut self, stream: &mut Stream) {
        let other = self.other.as_deref();
        let (draws, log_base) = (&mut self.draws, &mut self.log_base);
        self.mixture.draw(&self.head, &self.policy, other, None, stream, draws, log_base);
        let (problem, dimension) = (&self.subject.problem, self.subject.problem.dimension);
        let constant = 0.5 * (2.0 * std::f64::consts::PI).ln() * dimension as f64;
        for (k, u) in self.draws.u.chunks_exact(dimension).enumerate() {
            let squares: f64 = u.iter().map(|u| u * u).sum();
            self.draws.log_pi[k] = -0.5 * squares - constant;
            self.q[k] = problem.q(u);
        }
        let slopes = self.dq_du.iter_mut().zip(&mut self.draws.dlog_pi_du);
        for ((dq, dl), &u) in slopes.zip(&self.draws.u) {
            *dq = problem.dq_da(u);
            *dl = -u;
        }
    }
}

impl Sampler for QuadraticSampler<'_> {
    fn draw(&mut self, stream: &mut Stream, gradient: &mut [f64]) -> Sizes {
        self.draw_particles(stream);
        let settings = &self.subject.settings;
        let without = settings.baseline == QuadraticBaseline::None;
        let value = [if without { 0.0 } else { self.subject.problem.value() }];
        let particles = Particles {
            samples: settings.samples,
            origins: &self.origins,
            log_pi: &self.draws.log_pi,
            log_pi_0: None,
            log_base: &self.log_base,
            q: &self.q,
            dq_du: Some(&self.dq_du),
            dl_du: Some(&self.draws.dlog_pi_du),
            value: Some(&value),
        };
        self.estimator.signal(&particles, &Duals::temperature(1.0), &mut self.signal);
        self.head.backward(&self.policy, &self.draws, &self.signal, gradient);
        Sizes { effective: Some(self.signal.diagnostics.effective_sample_size[0]), states: None }
    }
}
