//! The tabular processes of `golden/estimators.json`, with every trajectory enumerated.
#![allow(dead_code, reason = "each test uses a part")]

use rlai::estimator::trajectory::{Trajectories, TrajectoryEstimator, TrajectorySignal};
use rlai::estimator::{Duals, TrustRegion};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
pub struct Moments {
    pub mean: Vec<Vec<f64>>,
    pub trace_var: f64,
}

#[derive(Deserialize)]
pub struct Discounted {
    #[serde(rename = "grad_J")]
    pub grad_j: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
#[expect(non_snake_case, reason = "names of the file")]
pub struct Case {
    pub name: String,
    pub S: usize,
    pub A: usize,
    pub H: usize,
    pub alpha: f64,
    pub rho0: Vec<f64>,
    pub P: Vec<Vec<Vec<f64>>>,
    pub r: Vec<Vec<f64>>,
    pub pi0: Vec<Vec<f64>>,
    pub pi: Vec<Vec<f64>>,
    pub log_pO: f64,
    pub g_rkl: Vec<Vec<f64>>,
    pub g_fkl: Vec<Vec<f64>>,
    pub qhat: Vec<Vec<Vec<f64>>>,
    pub vhat: Vec<Vec<f64>>,
    pub q_soft_pi: Vec<Vec<Vec<f64>>>,
    pub v_soft_pi: Vec<Vec<f64>>,
    pub q_state_marginals: Vec<Vec<f64>>,
    pub posterior_state_marginals: Vec<Vec<f64>>,
    pub discounted: BTreeMap<String, Discounted>,
    pub traj_snis_exact: BTreeMap<String, Moments>,
    pub grad_J_single_sample_trace_var: BTreeMap<String, f64>,
}

pub fn case(name: &str) -> Case {
    #[derive(Deserialize)]
    struct Golden {
        cases: Vec<Case>,
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/estimators.json");
    let golden: Golden = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    golden.cases.into_iter().find(|case| case.name == name).unwrap()
}

/// A trajectory and its probability under the policy.
#[derive(Clone)]
pub struct Path {
    pub probability: f64,
    pub steps: Vec<(usize, usize)>,
}

impl Case {
    /// Every trajectory.
    pub fn paths(&self) -> Vec<Path> {
        let mut paths: Vec<Path> = (0..self.S)
            .flat_map(|s| {
                (0..self.A).map(move |a| Path {
                    probability: self.rho0[s] * self.pi[s][a],
                    steps: vec![(s, a)],
                })
            })
            .collect();
        for _ in 1..self.H {
            paths = paths.iter().flat_map(|path| self.continued(path)).collect();
        }
        paths
    }

    fn continued(&self, path: &Path) -> Vec<Path> {
        let &(s, a) = path.steps.last().unwrap();
        let next = |next: usize, action: usize| {
            let probability = path.probability * self.P[s][a][next] * self.pi[next][action];
            let steps = [&path.steps[..], &[(next, action)]].concat();
            Path { probability, steps }
        };
        (0..self.S)
            .flat_map(|s| (0..self.A).map(move |a| (s, a)))
            .map(|(s, a)| next(s, a))
            .collect()
    }

    /// The gradient with respect to all logits that an estimator's signal on `paths` asks for.
    pub fn gradient(&self, batch: &Batch, signal: &TrajectorySignal<f64>) -> Vec<f64> {
        let mut gradient = vec![0.0; self.S * self.A];
        for (&(s, a), score) in batch.visits.iter().zip(&signal.score) {
            for b in 0..self.A {
                let hit = if a == b { 1.0 } else { 0.0 };
                gradient[s * self.A + b] += score * (hit - self.pi[s][b]);
            }
        }
        gradient
    }
}

/// Trajectories laid end to end.
#[derive(Default)]
pub struct Batch {
    pub offsets: Vec<usize>,
    pub visits: Vec<(usize, usize)>,
    pub log_pi: Vec<f64>,
    pub log_pi_0: Vec<f64>,
    pub reward: Vec<f64>,
    pub value: Vec<f64>,
    pub terminated: Vec<bool>,
}

impl Batch {
    /// `paths` with `value[t][s]` in reward units.
    pub fn of(case: &Case, paths: &[&Path], value: &[Vec<f64>]) -> Self {
        let mut batch = Self { offsets: vec![0], ..Self::default() };
        for path in paths {
            for (t, &(s, a)) in path.steps.iter().enumerate() {
                batch.visits.push((s, a));
                batch.log_pi.push(case.pi[s][a].ln());
                batch.log_pi_0.push(case.pi0[s][a].ln());
                batch.reward.push(case.r[s][a]);
                batch.value.push(value[t][s]);
            }
            batch.offsets.push(batch.visits.len());
            batch.terminated.push(true);
        }
        batch
    }

    pub fn trajectories(&self) -> Trajectories<'_, f64> {
        Trajectories {
            offsets: &self.offsets,
            log_pi: &self.log_pi,
            log_pi_0: Some(&self.log_pi_0),
            reward: &self.reward,
            value: Some(&self.value),
            final_value: None,
            terminated: &self.terminated,
        }
    }
}

pub fn duals(alpha: f64) -> Duals<f64> {
    Duals { alpha, eta: 1.0, trust_region: TrustRegion::zero() }
}

/// Mean and trace of the covariance of an estimator's gradient over all sets of `count` trajectories.
pub fn moments(
    case: &Case,
    estimator: &dyn TrajectoryEstimator<f64>,
    count: usize,
    value: &[Vec<f64>],
) -> (Vec<f64>, f64) {
    let paths = case.paths();
    let mut mean = vec![0.0; case.S * case.A];
    let mut square = 0.0;
    let mut signal = TrajectorySignal::default();
    let mut look = |set: &[&Path]| {
        let probability: f64 = set.iter().map(|path| path.probability).product();
        let batch = Batch::of(case, set, value);
        estimator.signal(&batch.trajectories(), &duals(case.alpha), &mut signal);
        for (mean, g) in mean.iter_mut().zip(case.gradient(&batch, &signal)) {
            *mean += probability * g;
            square += probability * g * g;
        }
    };
    match count {
        1 => paths.iter().for_each(|path| look(&[path])),
        2 => paths.iter().for_each(|one| paths.iter().for_each(|two| look(&[one, two]))),
        _ => panic!("enumerate one or two"),
    }
    let variance = square - mean.iter().map(|g| g * g).sum::<f64>();
    (mean, variance)
}

pub fn assert_close(got: &[f64], want: &[Vec<f64>], scale: f64, what: &str) {
    let want: Vec<f64> = want.iter().flatten().map(|x| scale * x).collect();
    assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(&want) {
        assert!((got - want).abs() < 1e-11, "{what}: {got} against {want}");
    }
}
