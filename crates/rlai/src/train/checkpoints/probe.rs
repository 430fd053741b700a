use serde::{Deserialize, Serialize};

use crate::agent::Policy;

/// A question to the policy with its answer: parameters of the action's distribution at a fixed
/// observation, and what computed them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Instruction set and operating system.
    pub platform: String,
    /// The vector instructions that products are computed with.
    pub cpu: String,
    /// The bits of the answer.
    answer: Vec<u32>,
}

/// What a loaded policy's answer says of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// The answer is the same to the last bit.
    Same,
    /// It differs by rounding: another processor, or another build.
    Different,
}

/// Largest difference that is taken for rounding, relative to the answer's size.
const ROUNDING: f32 = 1e-3;

impl Probe {
    /// The answer of `policy` on this machine.
    pub(super) fn of(policy: &Policy) -> Self {
        Self {
            platform: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            cpu: cpu_features().to_owned(),
            answer: answer(policy).into_iter().map(f32::to_bits).collect(),
        }
    }

    /// Asks a loaded policy the same; none if it is not the same policy.
    pub(super) fn compare(&self, policy: &Policy) -> Option<Rounding> {
        let now = answer(policy);
        if now.len() != self.answer.len() {
            return None;
        }
        let then = self.answer.iter().map(|&bits| f32::from_bits(bits));
        let pairs = now.iter().zip(then);
        if pairs.clone().all(|(now, then)| now.to_bits() == then.to_bits()) {
            return Some(Rounding::Same);
        }
        let near = |(now, then): (&f32, f32)| (now - then).abs() <= ROUNDING * (1.0 + then.abs());
        pairs.into_iter().all(near).then_some(Rounding::Different)
    }
}

/// The policy's parameters at an observation that excites all inputs; empty if they are not finite.
fn answer(policy: &Policy) -> Vec<f32> {
    let width = policy.observation_dimension();
    let observation: Vec<f64> = (0..width).map(|i| (1.0 + i as f64).sin()).collect();
    policy.distribution_parameters(&observation).unwrap_or_default()
}

fn cpu_features() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return "avx512f";
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return "avx2+fma";
        }
    }
    "baseline"
}
