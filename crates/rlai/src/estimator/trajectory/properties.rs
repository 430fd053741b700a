//! What every trajectory estimator and state weight obeys.

use super::*;

/// Owned trajectories of 3, 1 and 4 steps, the second cut off.
#[derive(Clone)]
struct Made {
    log_pi: Vec<f64>,
    log_pi_0: Vec<f64>,
    reward: Vec<f64>,
    value: Vec<f64>,
    final_value: Vec<f64>,
}

const OFFSETS: [usize; 4] = [0, 3, 4, 8];

impl Made {
    fn new() -> Self {
        let wave = |phase: f64, count: usize| -> Vec<f64> {
            (0..count).map(|i| (phase + 1.7 * i as f64).sin()).collect()
        };
        let log = |phase: f64| wave(phase, 8).iter().map(|x| x - 1.2).collect();
        Self {
            log_pi: log(0.1),
            log_pi_0: log(2.3),
            reward: wave(0.4, 8),
            value: wave(1.1, 8),
            final_value: wave(0.9, 3),
        }
    }

    fn trajectories(&self) -> Trajectories<'_, f64> {
        Trajectories {
            offsets: &OFFSETS,
            log_pi: &self.log_pi,
            log_pi_0: Some(&self.log_pi_0),
            reward: &self.reward,
            value: Some(&self.value),
            final_value: Some(&self.final_value),
            terminated: &[true, false, true],
        }
    }

    fn signal(&self, estimator: &dyn TrajectoryEstimator<f64>) -> TrajectorySignal<f64> {
        let mut signal = TrajectorySignal::default();
        estimator.signal(&self.trajectories(), &Duals::temperature(0.3), &mut signal);
        signal
    }

    fn weights(&self, state_weights: StateWeights) -> Vec<f64> {
        let mut weights = Vec::new();
        state_weights.write(&self.trajectories(), 0.3, &mut weights);
        weights
    }
}

fn all() -> Vec<Box<dyn TrajectoryEstimator<f64>>> {
    let mut all: Vec<Box<dyn TrajectoryEstimator<f64>>> = vec![
        Box::new(ForwardKlTrajectory),
        Box::new(ForwardKlKnownEvidence { log_evidence: -1.3, log_z0: 0.4 }),
        Box::new(VMpo { gamma: 0.9 }),
    ];
    for baseline in Baseline::ALL {
        all.push(Box::new(ReverseKlTrajectory { baseline }));
        all.push(Box::new(ReverseKlRewardToGo { gamma: 0.9, discount_states: true, baseline }));
    }
    all
}

fn has_nan(values: &[f64]) -> bool {
    values.iter().any(|x| x.is_nan())
}

/// Both signs: the processor's own NaN, of inf - inf, is negative, and sorts before all numbers.
const NO_NUMBERS: [f64; 2] = [f64::NAN, -f64::NAN];

#[test]
fn what_is_no_number_shows_in_loss_and_scores() {
    let parts: [fn(&mut Made) -> &mut Vec<f64>; 3] =
        [|made| &mut made.log_pi, |made| &mut made.log_pi_0, |made| &mut made.reward];
    for (estimator, nan) in all().iter().flat_map(|e| NO_NUMBERS.map(|nan| (e, nan))) {
        let name = estimator.name();
        let signal = Made::new().signal(&**estimator);
        assert!(!has_nan(&signal.loss) && !has_nan(&signal.score), "{name}");
        for (part, step) in parts.iter().flat_map(|part| (0..8).map(move |step| (part, step))) {
            let mut made = Made::new();
            part(&mut made)[step] = nan;
            let signal = made.signal(&**estimator);
            assert!(has_nan(&signal.loss), "{name} hides step {step}: {:?}", signal.loss);
            assert!(has_nan(&signal.score), "{name} hides step {step}: {:?}", signal.score);
        }
        if !estimator.needs().values {
            continue;
        }
        // A baseline is no part of reverse KL's loss.
        for step in 0..8 {
            let mut made = Made::new();
            made.value[step] = nan;
            let score = made.signal(&**estimator).score;
            assert!(has_nan(&score), "{name} hides the value of step {step}: {score:?}");
        }
    }
}

#[test]
fn a_value_beyond_the_cut_that_is_no_number_shows_where_it_counts() {
    let mut made = Made::new();
    made.final_value[1] = f64::NAN;
    let to_go = ReverseKlRewardToGo::default();
    for estimator in [&to_go as &dyn TrajectoryEstimator<f64>, &VMpo { gamma: 0.9 }] {
        let signal = made.signal(estimator);
        assert!(has_nan(&signal.loss) && has_nan(&signal.score), "{}", estimator.name());
    }
    assert!(has_nan(&made.weights(StateWeights::Twisted)));
    assert!(has_nan(&made.weights(StateWeights::FullTrajectory)));
    // The others end, and what follows an end is never read.
    let mut made = Made::new();
    (made.final_value[0], made.final_value[2]) = (f64::NAN, f64::NAN);
    assert!(!has_nan(&made.signal(&to_go).loss));
    assert!(!has_nan(&made.weights(StateWeights::FullTrajectory)));
}

#[test]
fn after_all_ends_twisted_weights_are_those_of_the_whole_trajectories() {
    let mut made = Made::new();
    made.final_value[1] = 0.8;
    // Without its last step's reward and with the value of the state there, as if it were known.
    made.value[7] = made.trajectories().soft_reward(7, 0.3);
    let (twisted, full) =
        (made.weights(StateWeights::Twisted), made.weights(StateWeights::FullTrajectory));
    assert!((twisted[7] - full[7]).abs() < 1e-15, "{} {}", twisted[7], full[7]);
    let odds = (made.trajectories().log_weight(1, 0.3) + 0.8 / 0.3
        - made.trajectories().log_weight(0, 0.3))
    .exp();
    assert!((full[3] / full[0] / odds - 1.0).abs() < 1e-12, "{full:?} {odds}");
}

#[test]
fn what_is_no_number_shows_in_state_weights() {
    for (nan, step) in NO_NUMBERS.into_iter().flat_map(|nan| (0..8).map(move |step| (nan, step))) {
        let mut bad_reward = Made::new();
        bad_reward.reward[step] = nan;
        assert!(has_nan(&bad_reward.weights(StateWeights::FullTrajectory)), "step {step}");
        let mut bad_value = Made::new();
        bad_value.value[step] = nan;
        assert!(has_nan(&bad_value.weights(StateWeights::Twisted)), "step {step}");
        // Nothing is weighed after the longest trajectory's last reward.
        let hidden = !has_nan(&bad_reward.weights(StateWeights::Twisted));
        assert_eq!(hidden, step == 7, "step {step}");
    }
    for weights in [StateWeights::Uniform, StateWeights::FullTrajectory, StateWeights::Twisted] {
        assert!(!has_nan(&Made::new().weights(weights)), "{}", weights.name());
    }
}
