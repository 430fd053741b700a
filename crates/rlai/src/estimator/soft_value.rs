use super::Particles;
use crate::nn::Scalar;

/// Estimated soft-optimal value of each state, `alpha log sum_k exp(b_k + Q_k/alpha - l_k)`, written
/// into `values`, `[B]`, reward units: what comes free from the particles of forward KL, and serves as a
/// critic's target for the optimal instead of the policy's own value (Haarnoja et al. 2017, eq. 10).
///
/// Exact over enumerated actions; over draws too low on average, by about
/// `alpha Var(w)/(2N)` for weights of mean one (Jensen).
pub fn soft_optimal_values<T: Scalar>(particles: &Particles<'_, T>, alpha: T, values: &mut [T]) {
    for (state, value) in values.iter_mut().enumerate() {
        let log_weight = |i: usize| particles.log_weight(i, alpha);
        let range = particles.of_state(state);
        let largest = range.clone().map(log_weight).fold(T::neg_infinity(), T::max);
        let total: T = range.map(|i| (log_weight(i) - largest).exp()).sum();
        *value = alpha * (largest + total.ln());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimator::Origin;

    fn particles<'a>(
        origin: &'a [Origin],
        log_pi: &'a [f64],
        log_base: &'a [f64],
        q: &'a [f64],
    ) -> Particles<'a, f64> {
        Particles {
            samples: origin.len(),
            origins: origin,
            log_pi,
            log_pi_0: None,
            log_base,
            q,
            dq_du: None,
            dl_du: None,
            value: None,
        }
    }

    /// Over all actions the policy cancels: alpha log sum exp(Q/alpha).
    #[test]
    fn is_exact_over_all_actions_whatever_the_policy() {
        let (q, alpha) = ([1.0, -0.5, 0.3, 4000.0, 3999.0, 3990.0], 0.4f64);
        let log_pi = [0.2f64, 0.3, 0.5, 0.7, 0.2, 0.1].map(f64::ln);
        let mut values = [0.0; 2];
        let known = particles(&[Origin::Enumerated; 3], &log_pi, &log_pi, &q);
        soft_optimal_values(&known, alpha, &mut values);
        for (state, value) in values.iter().enumerate() {
            let row = &q[3 * state..3 * state + 3];
            let sum: f64 = row.iter().map(|q| ((q - row[0]) / alpha).exp()).sum();
            assert!((value - (row[0] + alpha * sum.ln())).abs() < 1e-9);
        }
    }

    /// Where Q/alpha - l is a constant c, every draw says so: the value is alpha c.
    #[test]
    fn is_exact_for_any_draws_where_the_policy_is_the_target() {
        let log_pi = [-1.0, 0.3, -2.0, 0.7];
        let q = log_pi.map(|l: f64| 0.2 * (l + 1.5));
        let base = [-(4.0f64.ln()); 4];
        let mut values = [0.0];
        let known = particles(&[Origin::Policy; 4], &log_pi, &base, &q);
        soft_optimal_values(&known, 0.2, &mut values);
        assert!((values[0] - 0.3).abs() < 1e-12);
    }
}
