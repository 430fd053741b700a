//! Trajectory estimators where trajectories end early, so that lengths and Z0 count, against the lab;
//! and where they are cut off, by hand.

use rlai::env::{Environment, Tabular};
use rlai::estimator::trajectory::{
    Baseline, ForwardKlKnownEvidence, ForwardKlTrajectory, ReverseKlRewardToGo,
    ReverseKlTrajectory, StateWeights, Trajectories, TrajectoryEstimator, TrajectorySignal, VMpo,
};
use rlai::estimator::{Duals, TrustRegion};
use rlai::lab::{Enumeration, Exact, Process, RandomOptions, Values, random_process};
use rlai::random::Key;

const ALPHA: f64 = 0.6;
const Z0: f64 = 3.0;

/// Two states, two actions, at most three steps.
fn process() -> Process {
    let options =
        RandomOptions { alpha: ALPHA, z0: Z0, termination: 0.9, ..RandomOptions::default() };
    let process = random_process(&mut Key::from_seed(21).stream("ragged"), 2, 2, 3, &options);
    assert!(process.may_terminate());
    process
}

/// A trajectory with the logs of q(tau) and of p(tau, O)/q(tau), from their definitions.
#[derive(Clone)]
struct Path {
    steps: Vec<(usize, usize)>,
    log_q: f64,
    log_weight: f64,
}

/// Every trajectory, the whole ones and those that end early.
fn paths(process: &Process) -> Vec<Path> {
    let mut whole = Vec::new();
    let mut open: Vec<(Path, usize)> = (process.rho0().iter().enumerate())
        .map(|(s, rho)| (Path { steps: vec![], log_q: rho.ln(), log_weight: 0.0 }, s))
        .collect();
    while let Some((path, s)) = open.pop() {
        for a in 0..process.actions() {
            let mut path = path.clone();
            path.steps.push((s, a));
            path.log_q += process.log_pi(s, a);
            path.log_weight += process.log_optimality(s, a) - process.log_ratio(s, a);
            if path.steps.len() == process.horizon() {
                whole.push(path);
                continue;
            }
            for (next, p) in process.branches(s, a) {
                let on = Path { log_q: path.log_q + p.ln(), ..path.clone() };
                match next {
                    Some(next) => open.push((on, next)),
                    None => whole.push(on),
                }
            }
        }
    }
    whole
}

/// Trajectories as training lays them out: log pi_0 is what the task says it is.
struct Batch {
    offsets: Vec<usize>,
    visits: Vec<(usize, usize)>,
    log_pi: Vec<f64>,
    log_pi_0: Vec<f64>,
    reward: Vec<f64>,
    value: Vec<f64>,
    terminated: Vec<bool>,
}

impl Batch {
    fn of(process: &Process, set: &[&Path], value: impl Fn(usize, usize) -> f64) -> Self {
        let default = default_policy(process);
        let visits: Vec<(usize, usize)> =
            set.iter().flat_map(|path| path.steps.iter().copied()).collect();
        let mut offsets = vec![0];
        offsets.extend(set.iter().scan(0, |end, path| {
            *end += path.steps.len();
            Some(*end)
        }));
        let of = |f: &dyn Fn(usize, usize) -> f64| visits.iter().map(|&(s, a)| f(s, a)).collect();
        let timed = set.iter().flat_map(|path| path.steps.iter().enumerate());
        Self {
            log_pi: of(&|s, a| process.log_pi(s, a)),
            log_pi_0: of(&|s, a| default[s][a]),
            reward: of(&|s, a| process.reward(s, a)),
            value: timed.map(|(t, &(s, _))| value(t, s)).collect(),
            terminated: vec![true; set.len()],
            offsets,
            visits,
        }
    }

    fn trajectories(&self) -> Trajectories<'_, f64> {
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

/// What the task gives for log pi_0, `[S][A]`.
fn default_policy(process: &Process) -> Vec<Vec<f64>> {
    let mut task = Tabular::new("tabular:ragged".to_owned(), process.clone(), false);
    let mut observation = vec![0.0; process.states()];
    let mut row = |s: usize| {
        task.set_state(&[0.0, s as f64], &[], &mut observation).unwrap();
        task.log_default_policy().unwrap().to_vec()
    };
    (0..process.states()).map(&mut row).collect()
}

fn duals() -> Duals<f64> {
    Duals { alpha: ALPHA, eta: 1.3, trust_region: TrustRegion::zero() }
}

/// `scores`, a weight on each step's log pi, as a gradient of the logits `[S, A]`.
fn gradient(process: &Process, visits: &[(usize, usize)], scores: &[f64]) -> Vec<f64> {
    let actions = process.actions();
    let mut gradient = vec![0.0; process.states() * actions];
    for (&(s, a), score) in visits.iter().zip(scores) {
        for b in 0..actions {
            let hit = if a == b { 1.0 } else { 0.0 };
            gradient[s * actions + b] += score * (hit - process.pi(s, b));
        }
    }
    gradient
}

/// Every set of `count` trajectories, 1 or 2, with its probability.
fn sets(paths: &[Path], count: usize) -> Vec<(f64, Vec<&Path>)> {
    let one = paths.iter().map(|path| (path.log_q.exp(), vec![path]));
    if count == 1 {
        return one.collect();
    }
    let two = |a: &'_ Path, b: &'_ Path| (a.log_q + b.log_q).exp();
    paths.iter().flat_map(|a| paths.iter().map(move |b| (two(a, b), vec![a, b]))).collect()
}

/// The expected gradient over all sets of `count` trajectories.
fn mean(process: &Process, estimator: &dyn TrajectoryEstimator<f64>, count: usize) -> Vec<f64> {
    let (paths, value) = (paths(process), Values::soft(process).v);
    let mut mean = vec![0.0; process.states() * process.actions()];
    let mut signal = TrajectorySignal::default();
    for (probability, set) in sets(&paths, count) {
        let batch = Batch::of(process, &set, |t, s| value[[t, s]]);
        estimator.signal(&batch.trajectories(), &duals(), &mut signal);
        let gradient = gradient(process, &batch.visits, &signal.score);
        mean.iter_mut().zip(gradient).for_each(|(mean, g)| *mean += probability * g);
    }
    mean
}

fn assert_close(got: &[f64], want: &[f64], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() < 1e-12, "{what}: {got} against {want}");
    }
}

fn scaled(values: &[f64], scale: f64) -> Vec<f64> {
    values.iter().map(|x| scale * x).collect()
}

#[test]
fn all_lengths_are_enumerated() {
    let process = process();
    let paths = paths(&process);
    let total: f64 = paths.iter().map(|path| path.log_q.exp()).sum();
    assert!((total - 1.0).abs() < 1e-14);
    let of_length = |length| paths.iter().filter(|path| path.steps.len() == length).count();
    assert_eq!([1, 2, 3].map(of_length), [4, 16, 64]);
    assert_eq!(Enumeration::new(&process).unwrap().trajectories, paths.len());
}

#[test]
fn reverse_kl_follows_the_labs_gradient_with_every_baseline() {
    let process = process();
    let exact = Exact::new(&process);
    let all = Enumeration::new(&process).unwrap();
    let want = scaled(all.reverse_gradient.values(), ALPHA);
    assert_close(&scaled(exact.reverse_gradient.values(), ALPHA), &want, "the lab");
    let mut spec = process.spec().clone();
    spec.z0 = 1.0;
    let other = Exact::new(&Process::new(spec).unwrap());
    let off = other.reverse_gradient.values().iter().zip(&want).map(|(a, b)| (ALPHA * a - b).abs());
    assert!(off.fold(0.0, f64::max) > 1e-3, "Z0 must count in this process");
    for baseline in Baseline::ALL {
        let count = if baseline == Baseline::LeaveOneOut { 2 } else { 1 };
        let whole = mean(&process, &ReverseKlTrajectory { baseline }, count);
        assert_close(&whole, &want, &format!("whole, {}", baseline.name()));
        let to_go = ReverseKlRewardToGo { baseline, ..ReverseKlRewardToGo::default() };
        let to_go = mean(&process, &to_go, count);
        assert_close(&to_go, &want, &format!("to go, {}", baseline.name()));
    }
}

#[test]
fn forward_kl_with_known_evidence_counts_z0_for_the_steps_taken() {
    let process = process();
    let all = Enumeration::new(&process).unwrap();
    let want = all.forward_gradient.values();
    for count in [1, 2] {
        // The task's log pi_0 holds log Z0.
        let estimator = ForwardKlKnownEvidence { log_evidence: all.log_evidence, log_z0: 0.0 };
        assert_close(&mean(&process, &estimator, count), want, "Z0 in log pi_0");
    }
    // The same with Z0 given apart, where log pi_0 is the default policy's alone.
    let estimator = ForwardKlKnownEvidence { log_evidence: all.log_evidence, log_z0: Z0.ln() };
    let mut sum = vec![0.0; want.len()];
    let mut signal = TrajectorySignal::default();
    for path in &paths(&process) {
        let mut batch = Batch::of(&process, &[path], |_, _| 0.0);
        let plain = batch.visits.iter().map(|&(s, a)| process.log_pi_0(s, a));
        batch.log_pi_0 = plain.collect();
        estimator.signal(&batch.trajectories(), &duals(), &mut signal);
        let gradient = gradient(&process, &batch.visits, &signal.score);
        sum.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += path.log_q.exp() * g);
    }
    assert_close(&sum, want, "Z0 given apart");
}

#[test]
fn self_normalised_forward_kl_weighs_trajectories_of_any_length_by_p_over_q() {
    let process = process();
    let paths = paths(&process);
    let mut want = vec![0.0; 4];
    for (probability, set) in sets(&paths, 2) {
        let weights: Vec<f64> = set.iter().map(|path| path.log_weight.exp()).collect();
        for (path, weight) in set.iter().zip(&weights) {
            let share = probability * weight / (weights[0] + weights[1]);
            let scores = vec![-share; path.steps.len()];
            let gradient = gradient(&process, &path.steps, &scores);
            want.iter_mut().zip(gradient).for_each(|(want, g)| *want += g);
        }
    }
    assert_close(&mean(&process, &ForwardKlTrajectory, 2), &want, "two trajectories");
}

/// With exact values the weights, put back on the scale of y, are p(s_t | O) in the mean: what ended
/// before t takes its share away.
#[test]
fn state_weights_stand_for_the_posterior_of_the_states() {
    let process = process();
    let (paths, all) = (paths(&process), Enumeration::new(&process).unwrap());
    let v_hat = Values::exact(&process).v;
    let set: Vec<&Path> = paths.iter().collect();
    let batch = Batch::of(&process, &set, |t, s| ALPHA * v_hat[[t, s]]);
    for weights in [StateWeights::Twisted, StateWeights::FullTrajectory] {
        let mut of_step = Vec::new();
        weights.write(&batch.trajectories(), ALPHA, &mut of_step);
        for t in 0..process.horizon() {
            let y = |path: &Path| match path.steps.get(t) {
                Some(&(s, _)) if weights == StateWeights::Twisted => {
                    let past = path.steps[..t]
                        .iter()
                        .map(|&(s, a)| process.log_optimality(s, a) - process.log_ratio(s, a));
                    (past.sum::<f64>() + v_hat[[t, s]]).exp()
                }
                _ => path.log_weight.exp(),
            };
            let scale: f64 = paths.iter().map(y).sum::<f64>() / all.log_evidence.exp();
            let mut found = vec![0.0; process.states()];
            for (path, start) in paths.iter().zip(&batch.offsets) {
                if let Some(&(s, _)) = path.steps.get(t) {
                    found[s] += path.log_q.exp() * of_step[start + t] * scale;
                }
            }
            let want = all.posterior_state_marginals.row([t]);
            assert_close(&found, want, &format!("{} at {t}", weights.name()));
        }
        let alive: f64 = all.posterior_state_marginals.row([2]).iter().sum();
        assert!(alive < 0.9, "optimal trajectories end early now and then: {alive}");
    }
}

/// A trajectory of one step that ended, one of two that was cut off, one of three that ended; soft
/// rewards are 1, then 2 and 3, then 4, 5 and 6.
fn cut_off() -> Trajectories<'static, f64> {
    Trajectories {
        offsets: &[0, 1, 3, 6],
        log_pi: &[-1.0; 6],
        log_pi_0: Some(&[-1.5; 6]),
        reward: &[1.3, 2.3, 3.3, 4.3, 5.3, 6.3],
        value: Some(&[0.5, 1.0, 1.5, 2.0, 2.5, 3.0]),
        final_value: Some(&[100.0, 8.0, 100.0]),
        terminated: &[true, false, true],
    }
}

fn signal_of(estimator: &dyn TrajectoryEstimator<f64>) -> TrajectorySignal<f64> {
    let mut signal = TrajectorySignal::default();
    estimator.signal(&cut_off(), &duals(), &mut signal);
    signal
}

#[test]
fn rewards_to_go_are_bootstrapped_where_a_trajectory_was_cut_off() {
    let estimator = ReverseKlRewardToGo { gamma: 0.5, ..ReverseKlRewardToGo::default() };
    let signal = signal_of(&estimator);
    // G: 1 | 2 + 3.5 = 5.5, 3 + 4 = 7 | 4 + 4 = 8, 5 + 3 = 8, 6; sums over trajectories 14.5, 15, 6.
    let (to_go, totals) = ([1.0, 5.5, 7.0, 8.0, 8.0, 6.0], [14.5, 14.5, 15.0, 14.5, 15.0, 6.0]);
    let score = |(g, total): (f64, f64)| -(g - (total - g) / 2.0) / 3.0;
    let want: Vec<f64> = to_go.into_iter().zip(totals).map(score).collect();
    assert_close(&signal.score, &want, "leave-one-out");
    assert_close(&signal.loss, &[-1.0, -5.5, -8.0], "loss");
    let signal = signal_of(&ReverseKlRewardToGo { baseline: Baseline::Value, ..estimator });
    let want = [0.5, 4.5, 5.5, 6.0, 5.5, 3.0].map(|a| -a / 3.0);
    assert_close(&signal.score, &want, "value");
    // The whole return counts nothing beyond a cut: 1, 5, 15.
    let signal = signal_of(&ReverseKlTrajectory { baseline: Baseline::None });
    let want = [1.0, 5.0, 5.0, 15.0, 15.0, 15.0].map(|r| -r / 3.0);
    assert_close(&signal.score, &want, "whole");
}

#[test]
fn the_better_half_is_chosen_by_bootstrapped_advantages() {
    let signal = signal_of(&VMpo { gamma: 0.5 });
    // Advantages 0.5 | 4.5, 5.5 | 6, 5.5, 3: the best three are steps 3, 2 and 4.
    let [a, b] = [6.0f64, 5.5].map(|advantage| (advantage / 1.3).exp());
    let want = [0.0, 0.0, b, a, b, 0.0].map(|weight| -weight / (a + 2.0 * b));
    assert_close(&signal.score, &want, "v-mpo");
}

/// After its last step an ended trajectory stands with its own weight, a cut one with what is expected
/// beyond.
#[test]
fn twisted_weights_bootstrap_what_was_cut_off() {
    let mut weights = Vec::new();
    StateWeights::Twisted.write(&cut_off(), ALPHA, &mut weights);
    let share = |logs: [f64; 3], i: usize| {
        let y = logs.map(|log| ((log - logs[2]) / ALPHA).exp());
        y[i] / y.iter().sum::<f64>()
    };
    let first = [0.5, 1.0, 2.0];
    let second = [1.0, 2.0 + 1.5, 4.0 + 2.5];
    let third = [1.0, 2.0 + 3.0 + 8.0, 4.0 + 5.0 + 3.0];
    let want = [
        share(first, 0),
        share(first, 1),
        share(second, 1),
        share(first, 2),
        share(second, 2),
        share(third, 2),
    ];
    assert_close(&weights, &want, "twisted");
}
