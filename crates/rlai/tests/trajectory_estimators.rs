//! Trajectory estimators against exact gradients: every trajectory enumerated, or the exact moments.

mod tabular;

use rlai::env::StepError;
use rlai::estimator::trajectory::{
    Baseline, ForwardKlKnownEvidence, ForwardKlTrajectory, Moved, ReverseKlRewardToGo,
    ReverseKlTrajectory, Simulator, StateWeights, TrajectoryEstimator, TrajectorySignal, smooth,
};
use rlai::estimator::{
    ActionEstimator, ForwardKl, Origin, Particles, ReverseKlAllActions, ReverseKlScore, Signal,
};
use rlai::random::{Key, Stream};

use tabular::{Batch, Case, Path, assert_close, case, duals, moments};

#[test]
fn reverse_kl_estimators_are_unbiased_with_every_baseline() {
    for name in ["A2_H1", "A2_H4", "A3_H4"] {
        let case = case(name);
        for baseline in [Baseline::None, Baseline::Value] {
            let whole = ReverseKlTrajectory { baseline };
            let to_go = ReverseKlRewardToGo { baseline, ..ReverseKlRewardToGo::default() };
            for estimator in [&whole as &dyn TrajectoryEstimator<f64>, &to_go] {
                let (mean, _) = moments(&case, estimator, 1, &case.v_soft_pi);
                let what = format!("{name} {} {baseline:?}", estimator.name());
                assert_close(&mean, &case.g_rkl, case.alpha, &what);
            }
        }
    }
}

#[test]
fn the_leave_one_out_baseline_adds_no_bias() {
    for name in ["A2_H1", "A2_H4"] {
        let case = case(name);
        let whole = ReverseKlTrajectory::default();
        let to_go = ReverseKlRewardToGo::default();
        for (estimator, single) in
            [(&whole as &dyn TrajectoryEstimator<f64>, "reinforce_full"), (&to_go, "reward_to_go")]
        {
            let (mean, variance) = moments(&case, estimator, 2, &case.v_soft_pi);
            assert_close(&mean, &case.g_rkl, case.alpha, name);
            let without = case.grad_J_single_sample_trace_var[single] / 2.0;
            // With one step and two trajectories the baseline's own noise outweighs what it takes away.
            let helps = variance < without;
            assert_eq!(helps, case.H > 1, "{name} {single}: {variance} against {without}");
        }
    }
}

#[test]
fn variances_of_single_trajectories_are_the_known_ones() {
    for name in ["A2_H1", "A2_H4", "A2_H6", "A3_H4"] {
        let case = case(name);
        let baseline = Baseline::None;
        let whole = ReverseKlTrajectory { baseline };
        let to_go = ReverseKlRewardToGo { baseline, ..ReverseKlRewardToGo::default() };
        for (estimator, known) in
            [(&whole as &dyn TrajectoryEstimator<f64>, "reinforce_full"), (&to_go, "reward_to_go")]
        {
            let (_, variance) = moments(&case, estimator, 1, &case.v_soft_pi);
            let known = case.grad_J_single_sample_trace_var[known];
            assert!((variance / known - 1.0).abs() < 1e-10, "{name}: {variance} against {known}");
        }
    }
}

#[test]
fn discounted_rewards_to_go_give_the_gradient_of_the_discounted_return() {
    for name in ["A2_H4", "A3_H4"] {
        let case = case(name);
        for (gamma, exact) in &case.discounted {
            let gamma: f64 = gamma.parse().unwrap();
            let estimator =
                ReverseKlRewardToGo { gamma, discount_states: true, baseline: Baseline::Value };
            let (mean, _) = moments(&case, &estimator, 1, &case.v_soft_pi);
            assert_close(&mean, &exact.grad_j, -1.0, name);
            let usual = ReverseKlRewardToGo { discount_states: false, ..estimator };
            let (other, _) = moments(&case, &usual, 1, &case.v_soft_pi);
            assert!(other.iter().zip(&mean).any(|(a, b)| (a - b).abs() > 1e-3), "gamma {gamma}");
        }
    }
}

#[test]
fn forward_kl_with_known_evidence_is_unbiased_whatever_z0() {
    for name in ["A2_H1", "A2_H4", "A3_H4"] {
        let case = case(name);
        for log_z0 in [0.0, 0.7] {
            let log_evidence = case.log_pO - case.H as f64 * log_z0;
            let estimator = ForwardKlKnownEvidence { log_evidence, log_z0 };
            let (mean, _) = moments(&case, &estimator, 1, &case.v_soft_pi);
            assert_close(&mean, &case.g_fkl, 1.0, name);
        }
    }
    let case = case("A2_H1");
    let estimator = ForwardKlKnownEvidence { log_evidence: case.log_pO, log_z0: 0.0 };
    let (mean, _) = moments(&case, &estimator, 2, &case.v_soft_pi);
    assert_close(&mean, &case.g_fkl, 1.0, "two trajectories");
}

#[test]
fn self_normalised_forward_kl_has_its_exact_moments() {
    let case = case("A2_H4");
    let (nothing, _) = moments(&case, &ForwardKlTrajectory, 1, &case.v_soft_pi);
    assert!(nothing.iter().all(|g| g.abs() < 1e-14), "{nothing:?}");
    let (mean, variance) = moments(&case, &ForwardKlTrajectory, 2, &case.v_soft_pi);
    let exact = &case.traj_snis_exact["2"];
    assert_close(&mean, &exact.mean, 1.0, "mean of two");
    assert!((variance - exact.trace_var).abs() < 1e-9, "{variance}");
}

#[test]
fn self_normalised_forward_kl_has_the_known_moments_for_larger_sets() {
    for (name, counts) in [("A2_H4", [4, 16, 64]), ("A3_H4", [3, 8, 64]), ("A2_H6", [4, 16, 64])] {
        let case = case(name);
        let paths = case.paths();
        let table = cumulative(&paths);
        let mut random = Key::from_seed(3).stream(name);
        for count in counts {
            let exact = &case.traj_snis_exact[&count.to_string()];
            check_moments(&case, &paths, &table, count, exact, &mut random);
        }
    }
}

fn cumulative(paths: &[Path]) -> Vec<f64> {
    let sums = paths.iter().scan(0.0, |sum, path| {
        *sum += path.probability;
        Some(*sum)
    });
    sums.collect()
}

fn check_moments(
    case: &Case,
    paths: &[Path],
    table: &[f64],
    count: usize,
    exact: &tabular::Moments,
    random: &mut Stream,
) {
    let repetitions = 4_000;
    let want: Vec<f64> = exact.mean.iter().flatten().copied().collect();
    let mut sum = vec![0.0; want.len()];
    let (mut squares, mut fourth) = (0.0, 0.0);
    let mut signal = TrajectorySignal::default();
    for _ in 0..repetitions {
        let draw = |_| {
            let u = random.unit();
            &paths[table.partition_point(|&sum| sum <= u).min(paths.len() - 1)]
        };
        let set: Vec<&Path> = (0..count).map(draw).collect();
        let batch = Batch::of(case, &set, &case.v_soft_pi);
        ForwardKlTrajectory.signal(&batch.trajectories(), &duals(case.alpha), &mut signal);
        let gradient = case.gradient(&batch, &signal);
        let distance: f64 = gradient.iter().zip(&want).map(|(g, m)| (g - m) * (g - m)).sum();
        squares += distance;
        fourth += distance * distance;
        sum.iter_mut().zip(&gradient).for_each(|(sum, g)| *sum += g);
    }
    let n = f64::from(repetitions);
    let error: f64 = sum.iter().zip(&want).map(|(sum, m)| (sum / n - m) * (sum / n - m)).sum();
    let allowed = 25.0 * exact.trace_var / n;
    assert!(error < allowed, "{} m = {count}: {error} of {allowed}", case.name);
    let variance = squares / n;
    let standard_error = ((fourth / n - variance * variance) / n).sqrt();
    let off = (variance - exact.trace_var).abs() / standard_error;
    assert!(off < 5.0, "{} m = {count}: variance is {off} standard errors off", case.name);
}

/// E_q[y^2]/E_q[y]^2 - 1 at each time, from weights of all trajectories at once.
fn relative_variances(case: &Case, weights: StateWeights) -> Vec<f64> {
    let paths = case.paths();
    let value: Vec<Vec<f64>> =
        case.vhat.iter().map(|row| row.iter().map(|v| case.alpha * v).collect()).collect();
    let batch = Batch::of(case, &paths.iter().collect::<Vec<_>>(), &value);
    let mut of_step = Vec::new();
    weights.write(&batch.trajectories(), case.alpha, &mut of_step);
    let at = |t: usize| {
        let (mut mean, mut square) = (0.0, 0.0);
        for (path, weights) in paths.iter().zip(of_step.chunks_exact(case.H)) {
            mean += path.probability * weights[t];
            square += path.probability * weights[t] * weights[t];
        }
        square / (mean * mean) - 1.0
    };
    (0..case.H).map(at).collect()
}

#[test]
fn state_weights_have_the_known_relative_variances() {
    let case = case("A2_H6");
    for (got, known) in relative_variances(&case, StateWeights::Twisted)
        .into_iter()
        .zip([0.43, 2.1, 4.1, 7.1, 11.6, 17.3])
    {
        assert!((got - known).abs() < 0.05, "{got} against {known}");
    }
    for got in relative_variances(&case, StateWeights::FullTrajectory) {
        assert!((got - 22.1).abs() < 0.05, "{got}");
    }
    assert!(relative_variances(&case, StateWeights::Uniform).iter().all(|v| v.abs() < 1e-12));
}

#[test]
fn marginal_forms_with_exact_weights_values_and_all_actions_are_the_whole_gradients() {
    for name in ["A2_H4", "A2_H6", "A3_H4"] {
        let case = case(name);
        let alpha = case.alpha;
        let scaled: Vec<Vec<Vec<f64>>> = (case.qhat.iter())
            .map(|q| q.iter().map(|q| q.iter().map(|q| alpha * q).collect()).collect())
            .collect();
        let forward =
            all_actions(&case, &ForwardKl::default(), &scaled, &case.posterior_state_marginals);
        assert_close(&forward, &case.g_fkl, 1.0, name);
        let (q, states) = (&case.q_soft_pi, &case.q_state_marginals);
        let reverse = all_actions(&case, &ReverseKlAllActions, q, states);
        assert_close(&reverse, &case.g_rkl, alpha, name);
    }
}

fn all_actions(
    case: &Case,
    estimator: &dyn ActionEstimator<f64>,
    q: &[Vec<Vec<f64>>],
    state_weights: &[Vec<f64>],
) -> Vec<f64> {
    let (states, actions) = (case.S, case.A);
    let flat = |rows: &[Vec<f64>]| -> Vec<f64> { rows.iter().flatten().copied().collect() };
    let log = |rows: &[Vec<f64>]| -> Vec<f64> { flat(rows).iter().map(|x| x.ln()).collect() };
    let (log_pi, log_pi_0) = (log(&case.pi), log(&case.pi0));
    let mut gradient = vec![0.0; states * actions];
    for (q, weights) in q.iter().zip(state_weights) {
        let particles = Particles {
            samples: actions,
            origins: &vec![Origin::Enumerated; actions],
            log_pi: &log_pi,
            log_pi_0: Some(&log_pi_0),
            log_base: &log_pi,
            q: &flat(q),
            dq_du: None,
            dl_du: None,
            value: None,
        };
        let mut signal = Signal::new(states, actions, 0);
        estimator.signal(&particles, &duals(case.alpha), &mut signal);
        for s in 0..states {
            let row = &signal.score[s * actions..(s + 1) * actions];
            let total: f64 = row.iter().sum();
            for a in 0..actions {
                gradient[s * actions + a] += weights[s] * (row[a] - case.pi[s][a] * total);
            }
        }
    }
    gradient
}

struct Walk<'a> {
    case: &'a Case,
    exact_value: bool,
}

fn draw(probabilities: &[f64], random: &mut Stream) -> usize {
    let u = random.unit();
    let mut sum = 0.0;
    let reached = probabilities.iter().position(|p| {
        sum += p;
        u < sum
    });
    reached.unwrap_or(probabilities.len() - 1)
}

impl Simulator for Walk<'_> {
    type State = (usize, usize);
    type Action = usize;

    fn start(&mut self, random: &mut Stream) -> Result<(usize, usize), StepError> {
        Ok((0, draw(&self.case.rho0, random)))
    }

    fn value(&mut self, &(t, s): &(usize, usize)) -> f64 {
        if self.exact_value { self.case.alpha * self.case.vhat[t][s] } else { 0.0 }
    }

    fn step(
        &mut self,
        state: &mut (usize, usize),
        random: &mut Stream,
    ) -> Result<Moved<usize>, StepError> {
        let (case, (t, s)) = (self.case, *state);
        let action = draw(&case.pi[s], random);
        *state = (t + 1, draw(&case.P[s][action], random));
        Ok(Moved {
            action,
            reward: case.r[s][action],
            log_ratio: (case.pi[s][action] / case.pi0[s][action]).ln(),
            ended: t + 1 == case.H,
        })
    }
}

/// Weighted frequencies times the estimated evidence are unbiased for p(s_t, O), whatever the values.
#[test]
fn particle_smoothing_is_unbiased_for_the_joint_of_state_and_optimality() {
    let case = case("A2_H6");
    for exact_value in [true, false] {
        let mut walk = Walk { case: &case, exact_value };
        let mut random = Key::from_seed(5).stream("smoothing");
        let runs = 2_000;
        let mut sums = vec![(0.0, 0.0); case.H * case.S];
        let (mut resamplings, mut evidence) = (0, (0.0, 0.0));
        for _ in 0..runs {
            let found = smooth(&mut walk, 24, case.H, case.alpha, &mut random).unwrap();
            resamplings += found.resamplings;
            let scale = (found.log_evidence - case.log_pO).exp();
            evidence = (evidence.0 + scale, evidence.1 + scale * scale);
            let mut frequency = vec![0.0; case.H * case.S];
            for step in &found.steps {
                frequency[step.time * case.S + step.state.1] += scale * step.weight;
            }
            for (sum, x) in sums.iter_mut().zip(frequency) {
                *sum = (sum.0 + x, sum.1 + x * x);
            }
        }
        assert!(resamplings > runs, "resampling is part of what is tested: {resamplings}");
        let n = f64::from(runs as u32);
        let check = |(sum, square): (f64, f64), want: f64, what: &str| {
            let mean = sum / n;
            let standard_error = ((square / n - mean * mean) / n).sqrt();
            let off = (mean - want).abs() / standard_error;
            assert!(off < 5.0, "{what}: {mean} against {want}, {off} standard errors");
        };
        check(evidence, 1.0, "evidence");
        for (i, &sum) in sums.iter().enumerate() {
            let (t, s) = (i / case.S, i % case.S);
            check(sum, case.posterior_state_marginals[t][s], &format!("t = {t}, s = {s}"));
        }
    }
}

/// With many particles the weighted frequencies themselves come close.
#[test]
fn particle_smoothing_approaches_the_posterior_of_the_states() {
    let case = case("A2_H6");
    let mut walk = Walk { case: &case, exact_value: true };
    let mut random = Key::from_seed(6).stream("smoothing");
    let found = smooth(&mut walk, 40_000, case.H, case.alpha, &mut random).unwrap();
    let mut frequency = vec![0.0; case.H * case.S];
    for step in &found.steps {
        frequency[step.time * case.S + step.state.1] += step.weight;
    }
    for (t, row) in frequency.chunks_exact(case.S).enumerate() {
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for (got, want) in row.iter().zip(&case.posterior_state_marginals[t]) {
            assert!((got - want).abs() < 0.03, "t = {t}: {got} against {want}");
        }
    }
}

/// The score form with a leave-one-out baseline over drawn actions, states of the policy: unbiased.
#[test]
fn the_marginal_reverse_form_is_unbiased_over_drawn_actions() {
    let case = case("A2_H4");
    let (states, actions) = (case.S, case.A);
    let mut gradient = vec![0.0; states * actions];
    for t in 0..case.H {
        for s in 0..states {
            for (one, two) in (0..actions).flat_map(|a| (0..actions).map(move |b| (a, b))) {
                let probability = case.q_state_marginals[t][s] * case.pi[s][one] * case.pi[s][two];
                let log_pi = [case.pi[s][one].ln(), case.pi[s][two].ln()];
                let log_pi_0 = [case.pi0[s][one].ln(), case.pi0[s][two].ln()];
                let particles = Particles {
                    samples: 2,
                    origins: &[Origin::Policy; 2],
                    log_pi: &log_pi,
                    log_pi_0: Some(&log_pi_0),
                    log_base: &[-(2.0f64.ln()); 2],
                    q: &[case.q_soft_pi[t][s][one], case.q_soft_pi[t][s][two]],
                    dq_du: None,
                    dl_du: None,
                    value: None,
                };
                let mut signal = Signal::new(1, 2, 0);
                ReverseKlScore.signal(&particles, &duals(case.alpha), &mut signal);
                for (action, score) in [one, two].into_iter().zip(&signal.score) {
                    for b in 0..actions {
                        let hit = if action == b { 1.0 } else { 0.0 };
                        gradient[s * actions + b] += probability * score * (hit - case.pi[s][b]);
                    }
                }
            }
        }
    }
    assert_close(&gradient, &case.g_rkl, case.alpha, "marginal reverse KL");
}
