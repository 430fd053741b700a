use crate::env::Tabular;
use crate::lab::{Exact, Process, ProcessError};

/// Most states times steps for which exact values are computed at every update.
pub(crate) const MOST_CELLS: usize = 512;

/// What is known exactly of a policy that may depend on time, in a tabular task.
///
/// As in the task, `-alpha log Z0` is part of every soft reward, through log pi_0: a state's value holds
/// it for the step taken there and all later ones, an action's value for the later ones alone, since l
/// of the action itself brings its own.
#[derive(Clone, Debug)]
pub(crate) struct ExactValues {
    states: usize,
    actions: usize,
    alpha: f64,
    /// alpha log Z0.
    charge: f64,
    exact: Exact,
}

impl ExactValues {
    /// Of the policy with these logits, `[H, S, A]`, at temperature `alpha`.
    ///
    /// A policy of state and time is one of the state alone in the process whose states are pairs of
    /// both. Rewards less by alpha log Z0 with a Z0 of 1 say the same as Z0 does.
    ///
    /// # Errors
    /// When the temperature or the logits are out of the range that can be computed with, or the process
    /// of pairs has more than [`Process::MAX_CELLS`] cells.
    pub(crate) fn new(task: &Tabular, logits: &[f64], alpha: f64) -> Result<Self, ProcessError> {
        let process = task.process();
        let (states, actions, horizon) = (process.states(), process.actions(), process.horizon());
        let pairs = states * horizon;
        refuse_large(states, actions, horizon)?;
        let mut spec = process.spec().clone();
        spec.states = pairs;
        spec.alpha = alpha;
        spec.z0 = 1.0;
        let charge = alpha * process.spec().z0.ln();
        spec.gamma = None;
        spec.rho0.resize(pairs, 0.0);
        spec.transitions = vec![0.0; pairs * actions * pairs];
        spec.rewards.iter_mut().for_each(|reward| *reward -= charge);
        spec.rewards = spec.rewards.repeat(horizon);
        spec.default_policy = process.spec().default_policy.repeat(horizon);
        spec.logits = logits.to_vec();
        for t in 0..horizon - 1 {
            for cell in 0..states * actions {
                let row = process.transition(cell / actions, cell % actions);
                let from = (t * states * actions + cell) * pairs + (t + 1) * states;
                spec.transitions[from..from + states].copy_from_slice(row);
            }
        }
        let exact = Exact::new(&Process::new(spec)?);
        Ok(Self { states, actions, alpha, charge, exact })
    }

    fn pair(&self, (time, state): (usize, usize)) -> usize {
        time * self.states + state
    }

    /// alpha Qhat of every action, reward units, the action's own log Z0 left to its l.
    pub(crate) fn q_hat(&self, cell: (usize, usize)) -> impl Iterator<Item = f64> + '_ {
        let row = self.exact.q_hat.row([cell.0, self.pair(cell)]);
        row.iter().take(self.actions).map(|q| self.alpha * q + self.charge)
    }

    /// alpha Vhat, reward units.
    pub(crate) fn v_hat(&self, cell: (usize, usize)) -> f64 {
        self.alpha * self.exact.v_hat.row([cell.0])[self.pair(cell)]
    }

    /// The policy's soft Q of every action, the action's own log Z0 left to its l.
    pub(crate) fn q_soft(&self, cell: (usize, usize)) -> impl Iterator<Item = f64> + '_ {
        let row = self.exact.q_soft.row([cell.0, self.pair(cell)]);
        row.iter().map(|q| q + self.charge)
    }

    /// The policy's soft value.
    pub(crate) fn v_soft(&self, cell: (usize, usize)) -> f64 {
        self.exact.v_soft.row([cell.0])[self.pair(cell)]
    }

    /// KL(p(. | O) || q), nats.
    pub(crate) fn forward_kl(&self) -> f64 {
        self.exact.forward_kl
    }

    /// KL(q || p(. | O)), nats.
    pub(crate) fn reverse_kl(&self) -> f64 {
        self.exact.reverse_kl
    }
}

/// Before its transitions are laid out: they may not fit into memory.
fn refuse_large(states: usize, actions: usize, horizon: usize) -> Result<(), ProcessError> {
    let cells = states as u128 * actions as u128 * (horizon as u128).pow(2);
    if cells <= Process::MAX_CELLS as u128 {
        return Ok(());
    }
    Err(ProcessError::Value {
        key: "H * (S * H) * A".to_owned(),
        value: cells.to_string(),
        allowed: format!("at most {}", Process::MAX_CELLS),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{RandomOptions, Values, random_process};
    use crate::random::Key;

    /// With the same policy at all times everything must be what the lab says of the process itself.
    #[test]
    fn a_policy_that_ignores_time_has_the_values_of_the_process() {
        let mut stream = Key::from_seed(2).stream("process");
        for (termination, z0) in [(0.0, 1.0), (0.0, 1.7), (0.2, 1.0), (0.2, 1.7)] {
            let options = RandomOptions { alpha: 0.5, termination, z0, ..RandomOptions::default() };
            let process = random_process(&mut stream, 3, 2, 4, &options);
            let task = Tabular::new("tabular:t".to_owned(), process.clone(), true);
            let logits = process.spec().logits.repeat(4);
            let found = ExactValues::new(&task, &logits, process.alpha()).unwrap();
            let known = Exact::new(&process);
            assert!((found.forward_kl() - known.forward_kl).abs() < 1e-12);
            assert!((found.reverse_kl() - known.reverse_kl).abs() < 1e-12);
            let charged = 0.5 * z0.ln();
            let soft = Values::soft(&charging(&process, charged));
            for (t, s) in (0..4).flat_map(|t| (0..3).map(move |s| (t, s))) {
                assert!((found.v_hat((t, s)) - 0.5 * known.v_hat.row([t])[s]).abs() < 1e-12);
                assert!((found.v_soft((t, s)) - soft.v[[t, s]]).abs() < 1e-12);
                let q = soft.q.row([t, s]);
                let own = |q: &f64| q + charged;
                assert!(found.q_soft((t, s)).zip(q).all(|(a, b)| (a - own(b)).abs() < 1e-12));
                let q = known.q_hat.row([t, s]);
                assert!(
                    found.q_hat((t, s)).zip(q).all(|(a, b)| (a - own(&(0.5 * b))).abs() < 1e-12)
                );
            }
        }
    }

    /// The process whose rewards are less by `charge`.
    fn charging(process: &Process, charge: f64) -> Process {
        let mut spec = process.spec().clone();
        spec.rewards.iter_mut().for_each(|r| *r -= charge);
        Process::new(spec).unwrap()
    }
}
