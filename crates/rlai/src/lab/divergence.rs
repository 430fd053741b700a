//! Both divergences by the chain rule, and their gradients.
//!
//! Each divergence between trajectories is a sum of divergences between conditionals: of the first
//! state, of the action in each state, of what follows. No large number is subtracted from another, so
//! rewards of ten thousand temperatures lose no digits.

use super::posterior::{Branch, Posterior};
use super::{Process, Table};

/// KL(q || p(.|O)) and its gradient with respect to the logits `[S, A]`. `visits` is q(s_t).
///
/// With K_t(s) the divergence of all that follows s_t = s,
///
/// ```text
/// K_t(s,a) = KL(P(.|s,a) || p(.|s,a,O)) + E_P K_t+1(s')
/// K_t(s)   = E_pi[log pi(a|s) - log p*_t(a|s) + K_t(s,a)]
/// gradient = sum_t q(s_t=s) pi(a|s) [log pi(a|s) - log p*_t(a|s) + K_t(s,a) - K_t(s)]
/// ```
///
/// which is REINFORCE's expectation with everything summed out (Lavington et al. 2021, section 3).
pub(super) fn reverse(
    process: &Process,
    posterior: &Posterior<'_>,
    visits: &Table,
) -> (f64, Table) {
    let (states, actions) = (process.states(), process.actions());
    let mut gradient = Table::zeros(&[states, actions]);
    let mut later = vec![0.0; states];
    for t in (0..process.horizon()).rev() {
        let mut here = vec![0.0; states];
        for (s, here) in here.iter_mut().enumerate() {
            let cost = |a: usize| {
                let own = process.log_pi(s, a) - posterior.log_policy[[t, s, a]];
                own + reverse_future(posterior, t, s, a, &later)
            };
            let costs: Vec<f64> = (0..actions).map(cost).collect();
            *here = costs.iter().enumerate().map(|(a, cost)| process.pi(s, a) * cost).sum();
            for (a, cost) in costs.iter().enumerate() {
                gradient[[s, a]] += visits[[t, s]] * process.pi(s, a) * (cost - *here);
            }
        }
        later = here;
    }
    // log rho0 - log p(s_0|O) = log p(O) - Vhat_0, also where p(s_0|O) rounds to 0.
    let terms = process.rho0().iter().zip(posterior.values.v.row([0])).zip(&later);
    let total = terms.map(|((rho, v), later)| rho * (posterior.log_evidence - v + later)).sum();
    (total, gradient)
}

fn reverse_future(posterior: &Posterior<'_>, t: usize, s: usize, a: usize, later: &[f64]) -> f64 {
    let term =
        |branch: Branch| branch.prior * (branch.next.map_or(0.0, |next| later[next]) - branch.tilt);
    posterior.branches(t, s, a).map(term).sum()
}

/// KL(p(.|O) || q) and its gradient with respect to the logits `[S, A]`. `visits` is p(s_t|O).
///
/// `gradient = -sum_t p(s_t=s|O) [p*_t(a|s) - pi(a|s)]`: minus the expected score of optimal
/// trajectories (Lavington et al. 2021, section 4, whose displays lack the minus).
pub(super) fn forward(
    process: &Process,
    posterior: &Posterior<'_>,
    visits: &Table,
) -> (f64, Table) {
    let mut gradient = Table::zeros(&[process.states(), process.actions()]);
    let values = posterior.values.v.row([0]);
    let mut total: f64 = (posterior.initial.iter().zip(values))
        .map(|(first, v)| first * (v - posterior.log_evidence))
        .sum();
    for t in 0..process.horizon() {
        for (s, a) in process.cells() {
            let log_optimal = posterior.log_policy[[t, s, a]];
            let (optimal, visit) = (log_optimal.exp(), visits[[t, s]]);
            gradient[[s, a]] -= visit * (optimal - process.pi(s, a));
            let follow: f64 =
                posterior.branches(t, s, a).map(|branch| branch.posterior() * branch.tilt).sum();
            total += visit * optimal * (log_optimal - process.log_pi(s, a) + follow);
        }
    }
    (total, gradient)
}
