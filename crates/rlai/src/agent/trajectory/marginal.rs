//! The marginalised forms: weighted states, actions and their values, an estimator over actions.

use super::head::Head;
use super::{Estimator, ExactValues, Rollouts, TrajectoryAgent};
use crate::agent::{NonFinite, UpdateMetrics};
use crate::distribution::{Categorical, Draws, TanhNormal};
use crate::estimator::trajectory::{StateWeights, Trajectories};
use crate::estimator::{Origin, Particles, Signal};
use crate::train::TrajectoryObjective;

/// States with their weights.
#[derive(Clone, Debug, Default)]
pub(crate) struct VisitedStates {
    /// `[B, O]`.
    pub(crate) observations: Vec<f32>,
    /// `[B]`.
    pub(crate) weights: Vec<f64>,
    /// log pi_0 of every choice, `[B, K]`; empty if it is 0 everywhere.
    pub(crate) log_default: Vec<f64>,
    /// Time and state of a tabular task, `[B]`; empty on others.
    pub(crate) cells: Vec<(usize, usize)>,
}

/// N actions in each state, with what is known of them.
struct Valued {
    samples: usize,
    origins: Vec<Origin>,
    log_pi: Vec<f64>,
    log_pi_0: Option<Vec<f64>>,
    log_base: Vec<f64>,
    q: Vec<f64>,
}

impl Valued {
    fn particles(&self) -> Particles<'_, f64> {
        Particles {
            samples: self.samples,
            origins: &self.origins,
            log_pi: &self.log_pi,
            log_pi_0: self.log_pi_0.as_deref(),
            log_base: &self.log_base,
            q: &self.q,
            dq_du: None,
            dl_du: None,
            value: None,
        }
    }
}

impl TrajectoryAgent {
    /// The batch's own states, weighted as the configuration says.
    pub(super) fn weighted_states(
        &self,
        batch: &Rollouts,
        trajectories: &Trajectories<'_, f64>,
    ) -> VisitedStates {
        let mut weights = Vec::new();
        let chosen = match self.config.state_weights {
            // Its states come from the particle smoother.
            StateWeights::ParticleSmoothing => StateWeights::Uniform,
            chosen => chosen,
        };
        chosen.write(trajectories, self.alpha(), &mut weights);
        VisitedStates {
            observations: batch.observations.clone(),
            weights,
            log_default: batch.log_default.clone(),
            cells: batch.cells.clone(),
        }
    }

    /// The gradient of the policy's weights that the estimator over actions asks for.
    ///
    /// # Errors
    /// When the policy's numbers are no distribution.
    pub(super) fn marginal_gradient(
        &mut self,
        states: &VisitedStates,
        exact: Option<&ExactValues>,
        metrics: &mut UpdateMetrics,
    ) -> Result<Vec<f32>, NonFinite> {
        let mut room = self.net.activations(states.weights.len());
        self.net.forward(self.weights.parameters(), &states.observations, &mut room);
        let parameters: Vec<f64> = room.output().iter().map(|&x| f64::from(x)).collect();
        let head = self.head.clone();
        let d_output = match &head {
            Head::Box(head) => self.box_gradient(head, states, &parameters, metrics),
            Head::Choices(head) => {
                self.choices_gradient(head, states, &parameters, exact, metrics)?
            }
        };
        Ok(self.weights_gradient(&states.observations, &d_output, &mut room))
    }

    fn box_gradient(
        &mut self,
        head: &TanhNormal,
        states: &VisitedStates,
        parameters: &[f64],
        metrics: &mut UpdateMetrics,
    ) -> Vec<f64> {
        let samples = self.config.samples.expect("checked: a box is sampled");
        let count = states.weights.len();
        let mut draws = Draws::new(count, samples, head.action_dimension());
        self.noise.fill_normal(&mut draws.noise);
        head.sample(parameters, &mut draws);
        let critic = self.critic.as_ref().expect("boxes have learned values");
        let (width, dimension) = (self.net.inputs(), head.action_dimension());
        let q = critic.predict(&state_actions(&states.observations, width, &draws.u, dimension));
        let valued = Valued {
            samples,
            origins: vec![Origin::Policy; samples],
            log_pi: draws.log_pi.clone(),
            log_pi_0: None,
            log_base: vec![-(samples as f64).ln(); count * samples],
            q,
        };
        let signal = self.signal(&valued, &states.weights, head.action_dimension(), metrics);
        let mut gradient = vec![0.0; parameters.len()];
        head.backward(parameters, &draws, &signal, &mut gradient);
        gradient
    }

    fn choices_gradient(
        &mut self,
        head: &Categorical,
        states: &VisitedStates,
        parameters: &[f64],
        exact: Option<&ExactValues>,
        metrics: &mut UpdateMetrics,
    ) -> Result<Vec<f64>, NonFinite> {
        let width = head.choices();
        let all = self.head.log_probabilities(parameters);
        let q = self.values_of_choices(states, exact);
        let picks = self.picks(head, &all)?;
        let gather = |from: &[f64]| -> Vec<f64> { picks.iter().map(|&at| from[at]).collect() };
        let log_pi = gather(&all);
        let (samples, log_base, origin) = match self.config.samples {
            None => (width, log_pi.clone(), Origin::Enumerated),
            Some(n) => (n, vec![-(n as f64).ln(); picks.len()], Origin::Policy),
        };
        let valued = Valued {
            samples,
            origins: vec![origin; samples],
            log_pi_0: (!states.log_default.is_empty()).then(|| gather(&states.log_default)),
            q: gather(&q),
            log_pi,
            log_base,
        };
        let signal = self.signal(&valued, &states.weights, 0, metrics);
        let mut gradient = vec![0.0; parameters.len()];
        for (particle, &at) in picks.iter().enumerate() {
            let state = particle / samples;
            let range = state * width..(state + 1) * width;
            let score = signal.state_weight[state] * signal.score[particle];
            head.add_score(&all[range.clone()], at % width, score, &mut gradient[range]);
        }
        Ok(gradient)
    }

    /// Places in `[B, K]` of the actions that are looked at: all, or N drawn a state.
    fn picks(&mut self, head: &Categorical, log_pi: &[f64]) -> Result<Vec<usize>, NonFinite> {
        let Some(samples) = self.config.samples else { return Ok((0..log_pi.len()).collect()) };
        let mut picks = Vec::with_capacity(log_pi.len() / head.choices() * samples);
        for (state, row) in log_pi.chunks_exact(head.choices()).enumerate() {
            for _ in 0..samples {
                let choice = head.sample(row, &mut self.noise).ok_or(NonFinite::ACTION)?;
                picks.push(state * head.choices() + choice);
            }
        }
        Ok(picks)
    }

    /// Q of every choice, `[B, K]`.
    fn values_of_choices(&self, states: &VisitedStates, exact: Option<&ExactValues>) -> Vec<f64> {
        match (&self.critic, exact) {
            (Some(critic), _) => critic.predict(&states.observations),
            (None, Some(exact)) => {
                let forward = self.config.objective == TrajectoryObjective::ForwardKlMarginal;
                let of_cell = |&cell: &(usize, usize)| -> Vec<f64> {
                    if forward { exact.q_hat(cell).collect() } else { exact.q_soft(cell).collect() }
                };
                states.cells.iter().flat_map(of_cell).collect()
            }
            (None, None) => unreachable!("checked: marginal forms have values"),
        }
    }

    fn signal(
        &self,
        valued: &Valued,
        weights: &[f64],
        dimension: usize,
        metrics: &mut UpdateMetrics,
    ) -> Signal<f64> {
        let Estimator::Actions(estimator) = &self.estimator else { unreachable!() };
        let mut signal = Signal::new(weights.len(), valued.samples, dimension);
        signal.state_weight.copy_from_slice(weights);
        estimator.signal(&valued.particles(), &self.duals.numbers(), &mut signal);
        let weighted = |values: &[f64]| values.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        metrics.policy_loss = weighted(&signal.loss);
        metrics.effective_sample_size = mean(&signal.diagnostics.effective_sample_size);
        metrics.largest_weight = mean(&signal.diagnostics.largest_weight);
        metrics.forward_kl = mean(&signal.diagnostics.forward_kl);
        metrics.reverse_kl = mean(&signal.diagnostics.reverse_kl);
        metrics.q = mean(&valued.q);
        signal
    }
}

/// Observation and squashed action side by side, `[B N, O + A]`, from `observations`, `[B, O]`, and
/// pre-tanh actions, `[B, N, A]`.
pub(super) fn state_actions(
    observations: &[f32],
    width: usize,
    u: &[f64],
    dimension: usize,
) -> Vec<f32> {
    let states = observations.len() / width;
    let samples = u.len() / dimension / states;
    let mut inputs = Vec::with_capacity(states * samples * (width + dimension));
    for (row, u) in u.chunks_exact(dimension).enumerate() {
        let state = row / samples;
        inputs.extend(&observations[state * width..(state + 1) * width]);
        inputs.extend(u.iter().map(|u| u.tanh() as f32));
    }
    inputs
}
