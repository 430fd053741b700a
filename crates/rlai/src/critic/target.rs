use serde::{Deserialize, Serialize};

use crate::nn::{Scalar, smaller};

/// What the critic's target holds besides reward and next value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CriticTarget {
    /// `min Q - alpha l` at the next state, l = log pi - log pi_0: the policy's entropy, or its closeness
    /// to a default policy, counts as reward.
    Soft,
    /// `min Q` alone.
    Classic,
    /// `alpha log sum_k exp(b_k + min Q_k/alpha - l_k)` over N actions at the next state: the value of
    /// the best policy at this temperature, estimated from N draws of the policy as the update's
    /// weights are (Haarnoja et al. 2017). It falls short by about half the variance over N.
    SoftOptimal,
}

/// What the target of a state needs to be known from its next state. Slices are `[B]`.
#[derive(Clone, Copy, Debug)]
pub struct TdTarget<'a, T> {
    /// Sum of the discounted rewards up to the next state.
    pub rewards: &'a [T],
    /// gamma^k (1 - terminated), k the number of rewards summed.
    pub discounts: &'a [T],
    /// The two target critics at the next state and a fresh action there.
    pub next_values: [&'a [T]; 2],
    /// l = log pi - log pi_0 of that action.
    pub next_log_ratio: &'a [T],
}

/// `y = r + discount (min Q' - alpha l')` (soft) or without the last term (classic), `[B]`. Where both
/// next values are already those of the next state, not of an action there (soft-optimal targets, or
/// choices, over which the mean is exact), the log ratios must be zero.
///
/// The targets are constants: no gradient flows through them. With rewards of several steps (n-step
/// targets) the entropy of the steps between is left out: it belongs to the policy that played them.
pub fn td_targets<T: Scalar>(
    kind: CriticTarget,
    alpha: T,
    known: &TdTarget<'_, T>,
    targets: &mut [T],
) {
    let bonus = match kind {
        CriticTarget::Soft => alpha,
        // A soft-optimal value comes with its entropy.
        CriticTarget::Classic | CriticTarget::SoftOptimal => T::zero(),
    };
    for (i, target) in targets.iter_mut().enumerate() {
        let value = smaller(known.next_values[0][i], known.next_values[1][i])
            - bonus * known.next_log_ratio[i];
        // A terminated transition has no next state; what is computed there must not matter.
        let future =
            if known.discounts[i] > T::zero() { known.discounts[i] * value } else { T::zero() };
        *target = known.rewards[i] + future;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_and_classic_targets_by_hand() {
        let known = TdTarget {
            rewards: &[1.0, 2.0, 3.0],
            discounts: &[0.9, 0.9, 0.0],
            next_values: [&[10.0, 20.0, f64::NAN], &[11.0, 19.0, 0.0]],
            next_log_ratio: &[-1.0, 2.0, 0.0],
        };
        let mut targets = [0.0; 3];
        td_targets(CriticTarget::Soft, 0.5, &known, &mut targets);
        for (got, want) in targets.iter().zip([1.0 + 0.9 * 10.5, 2.0 + 0.9 * 18.0, 3.0]) {
            assert!((got - want).abs() < 1e-12);
        }
        td_targets(CriticTarget::Classic, 0.5, &known, &mut targets);
        for (got, want) in targets.iter().zip([1.0 + 0.9 * 10.0, 2.0 + 0.9 * 19.0, 3.0]) {
            assert!((got - want).abs() < 1e-12);
        }
    }
}
