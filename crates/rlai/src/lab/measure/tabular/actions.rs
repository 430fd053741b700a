//! Gradients from weighted states and the actions in them.

use super::states::StateSampler;
use super::{Tabular, TabularSettings, TabularSubject};
use crate::estimator::trajectory::Baseline;
use crate::estimator::{
    ActionEstimator, Divergence, Duals, FDivergence, ForwardKl, ForwardKlAllActions, MixedKl,
    Origin, Particles, ReverseKlAllActions, ReverseKlScore, ReverseKlValueBaseline, Signal,
};
use crate::lab::measure::{Sampler, Sizes};
use crate::random::Stream;

pub(super) struct MarginalSampler<'a> {
    subject: &'a TabularSubject,
    estimator: Box<dyn ActionEstimator<f64>>,
    states: StateSampler<'a>,
    origins: Vec<Origin>,
    drawn: Drawn,
}

/// The actions of all visits, `[B, N]`, with what is known of them.
#[derive(Default)]
struct Drawn {
    actions: Vec<usize>,
    log_pi: Vec<f64>,
    log_pi_0: Vec<f64>,
    log_base: Vec<f64>,
    q: Vec<f64>,
    /// `[B]`.
    values: Vec<f64>,
}

impl Drawn {
    fn clear(&mut self) {
        self.actions.clear();
        for room in [
            &mut self.log_pi,
            &mut self.log_pi_0,
            &mut self.log_base,
            &mut self.q,
            &mut self.values,
        ] {
            room.clear();
        }
    }
}

impl<'a> MarginalSampler<'a> {
    pub fn new(subject: &'a TabularSubject) -> Self {
        let settings = &subject.settings;
        let origins = if settings.estimator.draws_actions() {
            vec![Origin::Policy; settings.samples]
        } else {
            vec![Origin::Enumerated; subject.process.actions()]
        };
        let (estimator, states) = (action_estimator(settings), StateSampler::new(subject));
        Self { subject, estimator, states, origins, drawn: Drawn::default() }
    }

    fn draw_actions(&mut self, stream: &mut Stream) {
        let (subject, samples) = (self.subject, self.origins.len());
        let process = &subject.process;
        let reverse = subject.settings.estimator.is_marginal_reverse();
        let q = if reverse { &subject.soft.q } else { &subject.critic };
        let without_baseline = subject.settings.estimator == Tabular::ReverseKlScore
            && subject.settings.baseline == Baseline::None;
        let log_samples = (samples as f64).ln();
        self.drawn.clear();
        for visit in &self.states.visits {
            let s = visit.state;
            for k in 0..samples {
                let (action, log_base) = if self.origins[k] == Origin::Enumerated {
                    (k, process.log_pi(s, k))
                } else {
                    let taken = visit.taken.filter(|_| k == 0);
                    let action = taken.unwrap_or_else(|| process.sample_action(s, stream));
                    (action, -log_samples)
                };
                self.drawn.actions.push(action);
                self.drawn.log_pi.push(process.log_pi(s, action));
                self.drawn.log_pi_0.push(process.log_pi_0(s, action));
                self.drawn.log_base.push(log_base);
                self.drawn.q.push(q[[visit.time, s, action]]);
            }
            let value = if without_baseline { 0.0 } else { subject.soft.v[[visit.time, s]] };
            self.drawn.values.push(value);
        }
    }

    fn signal(&self) -> Signal<f64> {
        let drawn = &self.drawn;
        let particles = Particles {
            samples: self.origins.len(),
            origins: &self.origins,
            log_pi: &drawn.log_pi,
            log_pi_0: Some(&drawn.log_pi_0),
            log_base: &drawn.log_base,
            q: &drawn.q,
            dq_du: None,
            dl_du: None,
            value: Some(&drawn.values),
        };
        let mut signal = Signal::new(self.states.visits.len(), self.origins.len(), 0);
        let duals = Duals::temperature(self.subject.process.alpha());
        self.estimator.signal(&particles, &duals, &mut signal);
        signal
    }
}

impl Sampler for MarginalSampler<'_> {
    fn draw(&mut self, stream: &mut Stream, gradient: &mut [f64]) -> Sizes {
        let states = self.states.draw(stream);
        gradient.fill(0.0);
        if self.states.visits.is_empty() {
            return Sizes { effective: None, states };
        }
        self.draw_actions(stream);
        let signal = self.signal();
        let (process, samples) = (&self.subject.process, self.origins.len());
        let width = process.actions();
        for (i, visit) in self.states.visits.iter().enumerate() {
            let weight = self.subject.scale() * visit.weight;
            let row = &mut gradient[visit.state * width..(visit.state + 1) * width];
            let mut total = 0.0;
            for k in i * samples..(i + 1) * samples {
                let score = weight * signal.score[k];
                row[self.drawn.actions[k]] += score;
                total += score;
            }
            for (a, out) in row.iter_mut().enumerate() {
                *out -= total * process.pi(visit.state, a);
            }
        }
        let sizes = &signal.diagnostics.effective_sample_size;
        let mean = sizes.iter().sum::<f64>() / sizes.len() as f64;
        Sizes { effective: self.subject.settings.estimator.draws_actions().then_some(mean), states }
    }
}

fn action_estimator(settings: &TabularSettings) -> Box<dyn ActionEstimator<f64>> {
    match settings.estimator {
        Tabular::ReverseKlScore if settings.baseline == Baseline::LeaveOneOut => {
            Box::new(ReverseKlScore)
        }
        Tabular::ReverseKlScore | Tabular::ReverseKlValueBaseline => {
            Box::new(ReverseKlValueBaseline)
        }
        Tabular::ReverseKlAllActions => Box::new(ReverseKlAllActions),
        Tabular::ForwardKl => Box::new(ForwardKl {
            control_variate: settings.control_variate,
            weighting: settings.weighting,
        }),
        Tabular::JensenShannon => Box::new(FDivergence {
            family: Divergence::JensenShannon,
            control_variate: settings.control_variate,
        }),
        Tabular::AlphaDivergence => Box::new(FDivergence {
            family: Divergence::Alpha(settings.order),
            control_variate: settings.control_variate,
        }),
        Tabular::MixedKl => Box::new(MixedKl { share: settings.share }),
        _ => Box::new(ForwardKlAllActions),
    }
}
