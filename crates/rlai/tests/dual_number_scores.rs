//! Hand-written scores against derivatives by dual numbers of a log density written once, over a generic
//! number.

use num_dual::{Dual64, DualNum};
use rlai::distribution::{Draws, TanhNormal};
use rlai::estimator::Signal;
use rlai::random::Key;

const DIMENSION: usize = 3;
const SAMPLES: usize = 4;
const STATES: usize = 2;

/// Log density of `tanh(u)`, coordinates independent, by its definition.
fn log_density<D: DualNum<Primitive = f64> + Copy>(mean: &[D], log_std: &[D], u: &[D]) -> D {
    let half_log_2_pi = 0.5 * (2.0 * std::f64::consts::PI).ln();
    let mut total = D::from(0.0);
    for ((&mean, &log_std), &u) in mean.iter().zip(log_std).zip(u) {
        let z = (u - mean) / log_std.exp();
        let action = u.tanh();
        total += -z * z * 0.5 - log_std - half_log_2_pi - (-action * action + 1.0).ln();
    }
    total
}

/// Derivative of the log density of `u` with respect to variable `index` of `[mean, log_std, u]`.
fn derivative(parameters: &[f64], u: &[f64], index: usize) -> f64 {
    let mut variables: Vec<Dual64> = parameters.iter().chain(u).map(|&x| Dual64::from(x)).collect();
    variables[index] = variables[index].derivative();
    let (mean, rest) = variables.split_at(DIMENSION);
    let (log_std, u) = rest.split_at(DIMENSION);
    log_density(mean, log_std, u).eps
}

fn drawn() -> (TanhNormal, Vec<f64>, Draws<f64>, Signal<f64>) {
    let head = TanhNormal::new(DIMENSION, -20.0, 2.0);
    let mut stream = Key::from_seed(21).stream("scores");
    let mut parameters = vec![0.0; STATES * 2 * DIMENSION];
    stream.fill_normal(&mut parameters);
    parameters.iter_mut().for_each(|x| *x *= 0.5);
    let mut draws = Draws::new(STATES, SAMPLES, DIMENSION);
    stream.fill_normal(&mut draws.noise);
    head.sample(&parameters, &mut draws);
    let mut signal = Signal::new(STATES, SAMPLES, DIMENSION);
    stream.fill_normal(&mut signal.score);
    signal.state_weight = vec![0.7, -1.3];
    (head, parameters, draws, signal)
}

#[test]
fn the_tanh_normals_score_is_the_derivative_of_its_log_density() {
    let (head, parameters, draws, signal) = drawn();
    let mut gradient = vec![0.0; parameters.len()];
    head.backward(&parameters, &draws, &signal, &mut gradient);
    for state in 0..STATES {
        let row = &parameters[state * 2 * DIMENSION..][..2 * DIMENSION];
        for index in 0..2 * DIMENSION {
            let score_of = |particle: usize| {
                let u = &draws.u[particle * DIMENSION..][..DIMENSION];
                signal.score[particle] * derivative(row, u, index)
            };
            let particles = state * SAMPLES..(state + 1) * SAMPLES;
            let want = signal.state_weight[state] * particles.map(score_of).sum::<f64>();
            let got = gradient[state * 2 * DIMENSION + index];
            assert!((got - want).abs() < 1e-10 * want.abs().max(1.0), "{got} against {want}");
        }
    }
}

#[test]
fn so_are_its_density_and_its_derivative_in_u() {
    let (_, parameters, draws, _) = drawn();
    for particle in 0..STATES * SAMPLES {
        let row = &parameters[particle / SAMPLES * 2 * DIMENSION..][..2 * DIMENSION];
        let u = &draws.u[particle * DIMENSION..][..DIMENSION];
        let (mean, log_std) = row.split_at(DIMENSION);
        assert!((draws.log_pi[particle] - log_density(mean, log_std, u)).abs() < 1e-10);
        for j in 0..DIMENSION {
            let want = derivative(row, u, 2 * DIMENSION + j);
            let got = draws.dlog_pi_du[particle * DIMENSION + j];
            assert!((got - want).abs() < 1e-9 * want.abs().max(1.0), "{got} against {want}");
        }
    }
}
