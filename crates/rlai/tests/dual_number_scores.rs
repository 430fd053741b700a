//! Hand-written scores against derivatives by dual numbers of a log density written once, over a generic
//! number: each built-in distribution over coordinates, defined a second time as a user would.

use std::f64::consts::{LN_2, PI};

use rlai::distribution::{Beta, Distribution, Draws, Head, Normal, Number, Scored, TanhNormal};
use rlai::estimator::Signal;
use rlai::random::{Key, Stream};

const DIMENSION: usize = 3;
const SAMPLES: usize = 4;
const STATES: usize = 2;

/// Which density of one coordinate, given its two parameters.
#[derive(Clone, Copy, Debug)]
enum Own {
    Normal,
    TanhNormal,
    Beta,
}

fn log_normal<S: Number>(mean: S, log_std: S, x: S) -> S {
    let z = (x - mean) / log_std.exp();
    -z * z * 0.5 - log_std - 0.5 * (2.0 * PI).ln()
}

/// Stirling's series, eight steps up.
fn ln_gamma<S: Number>(x: S) -> S {
    let below: S = (0..8).map(|i| (x + f64::from(i)).ln()).sum();
    let z = x + 8.0;
    let r = z.recip();
    let r2 = r * r;
    let series = r * (r2 * (r2 * (r2 * (-1.0 / 1680.0) + 1.0 / 1260.0) - 1.0 / 360.0) + 1.0 / 12.0);
    (z - 0.5) * z.ln() - z + 0.5 * (2.0 * PI).ln() + series - below
}

impl Own {
    fn of_coordinate<S: Number>(self, first: S, second: S, action: S) -> S {
        match self {
            Own::Normal => log_normal(first, second, action),
            Own::TanhNormal => {
                log_normal(first, second, action.atanh()) - (-action * action + 1.0).ln()
            }
            Own::Beta => {
                let [a, b] = [first, second].map(|raw| raw.exp().ln_1p() + 1.0);
                let x = action * 0.5 + 0.5;
                let log_beta = ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
                (a - 1.0) * x.ln() + (b - 1.0) * (-x + 1.0).ln() - log_beta - LN_2
            }
        }
    }
}

impl Distribution for Own {
    fn name(&self) -> &str {
        "own"
    }

    fn parameters(&self) -> usize {
        2 * DIMENSION
    }

    fn coordinates(&self) -> usize {
        DIMENSION
    }

    fn sample(&self, _: &[f64], _: &mut Stream, _: &mut [usize], _: &mut [f64]) {
        unreachable!("the built-in distributions draw");
    }

    fn log_density<S: Number>(&self, parameters: &[S], _: &[usize], action: &[S]) -> S {
        let (first, second) = parameters.split_at(DIMENSION);
        (0..DIMENSION).map(|j| self.of_coordinate(first[j], second[j], action[j])).sum()
    }

    fn mode(&self, _: &[f64], _: &mut [usize], _: &mut [f64]) {
        unreachable!("no mode is asked for");
    }
}

fn assert_close(got: &[f64], want: &[f64], what: &str) {
    for (got, want) in got.iter().zip(want) {
        let error = (got - want).abs() / want.abs().max(1.0);
        assert!(error < 1e-9, "{what}: {got} against {want}");
    }
}

/// Density, its derivative and the gradient of the parameters, of equal actions.
fn assert_same(head: &dyn Head<f64>, own: Own) {
    let mut stream = Key::from_seed(21).stream("scores");
    let mut parameters = vec![0.0; STATES * 2 * DIMENSION];
    stream.fill_normal(&mut parameters);
    parameters.iter_mut().for_each(|x| *x *= 0.5);
    let mut draws = Draws::new(STATES, SAMPLES, DIMENSION);
    head.draw(&parameters, &mut stream, &mut draws);
    let mut signal = Signal::new(STATES, SAMPLES, DIMENSION);
    stream.fill_normal(&mut signal.score);
    signal.state_weight = vec![0.7, -1.3];

    let second = Scored::new(own);
    let mut again = Draws { u: draws.action.clone(), ..draws.clone() };
    second.evaluate(&parameters, &mut again);
    let mut slopes = again.dlog_pi_du.clone();
    if head.is_squashed() {
        draws.through_tanh(&mut slopes);
    }
    assert_close(&draws.log_pi, &again.log_pi, head.name());
    assert_close(&draws.dlog_pi_du, &slopes, head.name());
    let mut gradients = [vec![f64::NAN; parameters.len()], vec![f64::NAN; parameters.len()]];
    head.backward(&parameters, &draws, &signal, &mut gradients[0]);
    second.backward(&parameters, &again, &signal, &mut gradients[1]);
    assert_close(&gradients[0], &gradients[1], head.name());
}

#[test]
fn the_tanh_normals_score_is_the_derivative_of_its_log_density() {
    assert_same(&TanhNormal::new(DIMENSION, -20.0, 2.0), Own::TanhNormal);
}

#[test]
fn so_is_the_normals() {
    assert_same(&Normal::new(DIMENSION, -20.0, 2.0), Own::Normal);
}

#[test]
fn so_is_the_betas() {
    assert_same(&Beta::new(DIMENSION), Own::Beta);
}
