use std::f64::consts::PI;

use super::*;
use crate::distribution::testing::*;
use crate::distribution::{Categorical, Normal};

/// A hybrid action: a choice of two by the sign of `parameters[0]`, and a Laplace coordinate around
/// `parameters[1]` or `parameters[2]` whose scale is one. Its choice alone has a hand-written score.
#[derive(Debug, Default)]
struct Hybrid {
    by_hand: bool,
}

impl Distribution for Hybrid {
    fn name(&self) -> &str {
        "hybrid"
    }

    fn parameters(&self) -> usize {
        3
    }

    fn coordinates(&self) -> usize {
        1
    }

    fn factors(&self) -> &[usize] {
        &[2]
    }

    fn sample(
        &self,
        parameters: &[f64],
        random: &mut Stream,
        choices: &mut [usize],
        coordinates: &mut [f64],
    ) {
        assert!(parameters.iter().all(|x| x.is_finite()), "a sampler may refuse what is no number");
        choices[0] = usize::from(random.unit() < 1.0 / (1.0 + (-parameters[0]).exp()));
        let sign = if random.unit() < 0.5 { -1.0 } else { 1.0 };
        coordinates[0] = parameters[1 + choices[0]] + sign * random.gamma(1.0);
    }

    fn log_density<S: Number>(&self, parameters: &[S], choices: &[usize], coordinates: &[S]) -> S {
        let logit = if choices[0] == 1 { parameters[0] } else { -parameters[0] };
        let log_choice = -((-logit).exp() + 1.0).ln();
        log_choice - (coordinates[0] - parameters[1 + choices[0]]).abs() - 2.0f64.ln()
    }

    fn mode(&self, parameters: &[f64], choices: &mut [usize], coordinates: &mut [f64]) {
        choices[0] = usize::from(parameters[0] > 0.0);
        coordinates[0] = parameters[1 + choices[0]];
    }

    /// Of the choice, and of a Laplace distribution, 1 + log 2.
    fn entropy(&self, parameters: &[f64]) -> Option<f64> {
        let log_p = [-1.0, 1.0].map(|sign| -(sign * parameters[0]).exp().ln_1p());
        let choice: f64 = log_p.iter().map(|log_p| -log_p.exp() * log_p).sum();
        Some(choice + 1.0 + 2.0f64.ln())
    }

    fn score(
        &self,
        parameters: &[f64],
        choices: &[usize],
        coordinates: &[f64],
        score: &mut [f64],
    ) -> bool {
        let p = 1.0 / (1.0 + (-parameters[0]).exp());
        score.fill(0.0);
        score[0] = choices[0] as f64 - p;
        score[1 + choices[0]] = (coordinates[0] - parameters[1 + choices[0]]).signum();
        self.by_hand
    }
}

/// The library's normal, written a second time.
#[derive(Debug)]
struct OwnNormal;

impl Distribution for OwnNormal {
    fn name(&self) -> &str {
        "own-normal"
    }

    fn parameters(&self) -> usize {
        4
    }

    fn coordinates(&self) -> usize {
        2
    }

    fn sample(
        &self,
        parameters: &[f64],
        random: &mut Stream,
        _choices: &mut [usize],
        coordinates: &mut [f64],
    ) {
        for (j, x) in coordinates.iter_mut().enumerate() {
            *x = parameters[j] + parameters[2 + j].exp() * random.normal();
        }
    }

    fn log_density<S: Number>(&self, parameters: &[S], _choices: &[usize], coordinates: &[S]) -> S {
        let term = |j: usize| {
            let z = (coordinates[j] - parameters[j]) / parameters[2 + j].exp();
            -z * z * 0.5 - parameters[2 + j] - 0.5 * (2.0 * PI).ln()
        };
        term(0) + term(1)
    }

    fn mode(&self, parameters: &[f64], _choices: &mut [usize], coordinates: &mut [f64]) {
        coordinates.copy_from_slice(&parameters[..2]);
    }
}

/// The library's categorical distribution, written a second time: no coordinates.
#[derive(Debug)]
struct OwnChoice;

impl Distribution for OwnChoice {
    fn name(&self) -> &str {
        "own-choice"
    }

    fn parameters(&self) -> usize {
        3
    }

    fn coordinates(&self) -> usize {
        0
    }

    fn factors(&self) -> &[usize] {
        &[3]
    }

    fn sample(
        &self,
        parameters: &[f64],
        random: &mut Stream,
        choices: &mut [usize],
        _coordinates: &mut [f64],
    ) {
        // The largest of logits with Gumbel noise.
        let noisy: Vec<f64> = parameters.iter().map(|x| x - random.gamma(1.0).ln()).collect();
        choices[0] = (0..3).max_by(|&a, &b| noisy[a].total_cmp(&noisy[b])).unwrap_or(0);
    }

    fn log_density<S: Number>(&self, parameters: &[S], choices: &[usize], _coordinates: &[S]) -> S {
        let total: S = parameters.iter().map(|x| x.exp()).sum();
        parameters[choices[0]] - total.ln()
    }

    fn mode(&self, parameters: &[f64], choices: &mut [usize], _coordinates: &mut [f64]) {
        choices[0] = (0..3).max_by(|&a, &b| parameters[a].total_cmp(&parameters[b])).unwrap_or(0);
    }
}

const NORMALS: [f64; 8] = [0.4, -0.3, -0.7, 0.2, 1.0, 0.1, -1.0, 0.5];
const HYBRID: [f64; 6] = [0.4, -0.3, 0.7, -1.2, 1.0, 0.1];
const LOGITS: [f64; 6] = [0.4, -0.3, 0.7, -1.2, 1.0, 0.1];

#[test]
fn a_normal_written_by_a_user_is_the_librarys() {
    let (own, known) = (Scored::new(OwnNormal), Normal::new(2, -5.0, 2.0));
    let draws = drawn(&own, &NORMALS, 6);
    let same = evaluated(&known, &NORMALS, &draws);
    assert_close(&draws.log_pi, &same.log_pi, 1e-12, "log density");
    assert_close(&draws.dlog_pi_du, &same.dlog_pi_du, 1e-12, "derivative");
    let mut signal = Signal::new(2, 6, 2);
    stream("signal").fill_normal(&mut signal.score);
    signal.state_weight = vec![0.7, -1.3];
    let (mut got, mut want) = ([f64::NAN; 8], [f64::NAN; 8]);
    own.backward(&NORMALS, &draws, &signal, &mut got);
    Head::<f64>::backward(&known, &NORMALS, &same, &signal, &mut want);
    assert_close(&got, &want, 1e-12, "gradient");
}

#[test]
fn a_choice_written_by_a_user_is_the_librarys() {
    let (own, known) = (Scored::new(OwnChoice), Categorical::new(3));
    assert_calculus(&own, &LOGITS);
    let draws = drawn(&own, &LOGITS, 50);
    let mut log_pi = [0.0; 6];
    known.log_probabilities(&LOGITS, &mut log_pi);
    for (k, &choice) in draws.choices.iter().enumerate() {
        assert!((draws.log_pi[k] - log_pi[k / 50 * 3 + choice]).abs() < 1e-13);
    }
    assert_draws_follow_density(&own, &LOGITS[..3], &Grid::even(0.0, 1.0, 1));
    let mut placed = room(&own, 2, 50);
    placed.choices.clone_from(&draws.choices);
    own.place(&LOGITS, &mut placed);
    assert_eq!(placed.log_pi, draws.log_pi);
    assert_nan_shows(&own, &LOGITS[..3]);
}

#[test]
fn choices_and_coordinates_of_one_action() {
    let own = Scored::new(Hybrid::default());
    // Fine, as a Laplace density has a kink.
    let grid = Grid::even(-40.0, 40.0, 400_000);
    grid.assert_normalised(&own, &HYBRID[..3]);
    assert_draws_follow_density(&own, &HYBRID[..3], &grid);
    let entropy = own.entropy(&HYBRID[..3]).unwrap();
    assert!((entropy - grid.entropy(&own, &HYBRID[..3])).abs() < 1e-6);
    let mut mode = room(&own, 2, 1);
    own.mode(&HYBRID, &mut mode);
    assert_eq!((&mode.choices[..], &mode.action[..]), (&[1, 0][..], &[0.7, 1.0][..]));
    let mut draws = room(&own, 2, 4000);
    own.choose(&HYBRID, &mut stream("choices"), &mut draws);
    let seen: usize = draws.choices[..4000].iter().sum();
    let p = 1.0 / (1.0 + (-0.4f64).exp());
    assert!((seen as f64 / 4000.0 - p).abs() < 5.0 * (p * (1.0 - p) / 4000.0).sqrt());
}

#[test]
fn a_score_written_by_hand_is_used_and_is_the_derived_one() {
    let (by_hand, derived) = (Hybrid { by_hand: true }, Scored::new(Hybrid::default()));
    let draws = drawn(&derived, &HYBRID[..3], 20);
    let mut signal = Signal::new(1, 20, 1);
    for k in 0..20 {
        let (choices, coordinates) = (&draws.choices[k..=k], &draws.u[k..=k]);
        let (mut own, mut other) = ([f64::NAN; 3], [f64::NAN; 3]);
        assert!(by_hand.score(&HYBRID[..3], choices, coordinates, &mut own));
        derived.derived_score(&HYBRID[..3], choices, coordinates, &mut other);
        assert_close(&own, &other, 1e-13, "score");
        signal.score[k] = 0.3 + k as f64;
    }
    let (mut got, mut want) = ([f64::NAN; 3], [f64::NAN; 3]);
    Scored::new(by_hand).backward(&HYBRID[..3], &draws, &signal, &mut got);
    derived.backward(&HYBRID[..3], &draws, &signal, &mut want);
    assert_close(&got, &want, 1e-12, "gradient");
}

/// The sampler of `Hybrid` panics if it is given what is no number.
#[test]
fn parameters_that_are_no_numbers_show_and_are_never_passed_on() {
    let own = Scored::new(Hybrid::default());
    assert_nan_shows(&own, &HYBRID[..3]);
    let infinite = drawn(&own, &[f64::INFINITY, 0.0, 0.0], 2);
    assert!(infinite.log_pi.iter().all(|x| x.is_nan()) && infinite.choices == [0, 0]);
    assert!(own.entropy(&[f64::NAN, 0.0, 0.0]).unwrap().is_nan());
    assert_survives::<f32>(&own, &[80.0, 30.0, -1e6, -80.0, 1e-20, 0.0]);
}

#[test]
fn an_action_of_weight_zero_asks_for_nothing_though_it_be_impossible() {
    let own = Scored::new(OwnNormal);
    let mut draws = drawn(&own, &NORMALS[..4], 2);
    draws.u[..2].fill(f64::INFINITY);
    let mut signal = Signal::new(1, 2, 2);
    signal.score = vec![0.0, 1.0];
    let mut gradient = [f64::NAN; 4];
    own.backward(&NORMALS[..4], &draws, &signal, &mut gradient);
    assert!(gradient.iter().all(|x| x.is_finite()), "{gradient:?}");
}
