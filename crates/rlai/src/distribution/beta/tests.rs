use num_dual::{Dual64, DualNum};
use statrs::distribution::Continuous;
use statrs::function::gamma::{digamma, ln_gamma};

use super::*;
use crate::distribution::testing::*;

const PARAMETERS: [f64; 8] = [0.4, -1.3, 1.7, 0.2, 4.0, 0.1, -1.0, 9.5];
const ROW: [f64; 2] = [1.3, -0.4];
const NEW: [f64; 2] = [0.2, 2.1];

/// A beta distribution whose draws know their noise, which those of the real one do not.
#[derive(Debug)]
struct Noted(Beta);

impl Head<f64> for Noted {
    fn name(&self) -> &str {
        Head::<f64>::name(&self.0)
    }

    fn shape(&self) -> &ActionShape {
        Head::<f64>::shape(&self.0)
    }

    fn parameters_per_state(&self) -> usize {
        Head::<f64>::parameters_per_state(&self.0)
    }

    fn abilities(&self) -> Abilities {
        Head::<f64>::abilities(&self.0)
    }

    fn draw(&self, parameters: &[f64], random: &mut Stream, draws: &mut Draws<f64>) {
        self.0.draw(parameters, random, draws);
        let mut noted = draws.clone();
        self.0.evaluate(parameters, &mut noted);
        draws.noise = noted.noise;
    }

    fn choose(&self, _parameters: &[f64], _random: &mut Stream, _draws: &mut Draws<f64>) {}

    fn place(&self, parameters: &[f64], draws: &mut Draws<f64>) {
        self.0.place(parameters, draws);
    }

    fn evaluate(&self, parameters: &[f64], draws: &mut Draws<f64>) {
        self.0.evaluate(parameters, draws);
    }

    fn mode(&self, parameters: &[f64], draws: &mut Draws<f64>) {
        self.0.mode(parameters, draws);
    }

    fn entropy(&self, row: &[f64]) -> Option<f64> {
        self.0.entropy(row)
    }

    fn backward(
        &self,
        parameters: &[f64],
        draws: &Draws<f64>,
        signal: &Signal<f64>,
        gradient: &mut [f64],
    ) {
        self.0.backward(parameters, draws, signal, gradient);
    }

    fn log_branches(&self, row: &[f64], log_branches: &mut [f64]) {
        self.0.log_branches(row, log_branches);
    }

    fn kl_from(&self, old: &[f64], new: &[f64]) -> TrustRegion<f64> {
        self.0.kl_from(old, new)
    }

    fn add_kl_gradient(
        &self,
        old: &[f64],
        new: &[f64],
        weights: TrustRegion<f64>,
        state_weight: &[f64],
        gradient: &mut [f64],
    ) {
        self.0.add_kl_gradient(old, new, weights, state_weight, gradient);
    }
}

/// Covers densities that fall like exp(-2 |u|).
fn grid() -> Grid {
    Grid::even(-20.0, 20.0, 8000)
}

fn ln_gamma_of(x: Dual64) -> Dual64 {
    Dual64::new(ln_gamma(x.re), x.eps * digamma(x.re))
}

#[test]
fn derivatives_are_those_of_the_density_and_of_the_draws() {
    assert_calculus(&Noted(Beta::new(2)), &PARAMETERS);
    assert_dual_scores(&Beta::new(2), &PARAMETERS[..4], |parameters, u, _| {
        let shape = |i: usize| parameters[i].exp().ln_1p() + 1.0;
        let term = |j: usize| {
            let (a, b, x) = (shape(j), shape(2 + j), u[j].tanh() * 0.5 + 0.5);
            let log_beta = ln_gamma_of(a) + ln_gamma_of(b) - ln_gamma_of(a + b);
            (a - 1.0) * x.ln() + (b - 1.0) * (-x + 1.0).ln() - log_beta - LN_2
        };
        term(0) + term(1)
    });
}

#[test]
fn the_density_is_a_betas_and_draws_follow_it() {
    for row in [ROW, NEW, [-30.0, -30.0], [-3.0, 6.0]] {
        let draws = drawn(&Beta::new(1), &row, 20);
        let [a, b] = row.map(|raw: f64| 1.0 + raw.exp().ln_1p());
        let known = statrs::distribution::Beta::new(a, b).unwrap();
        let density = |action: &f64| known.ln_pdf(0.5 + 0.5 * action) - LN_2;
        let want: Vec<f64> = draws.action.iter().map(density).collect();
        assert_close(&draws.log_pi, &want, 1e-11, "log density");
        grid().assert_normalised(&Beta::new(1), &row);
        assert_draws_follow_density(&Beta::new(1), &row, &grid());
    }
}

#[test]
fn entropy_and_divergence_are_integrals_of_the_density() {
    let head = Beta::new(1);
    for (old, new) in [(ROW, NEW), (NEW, ROW), ([-30.0, -2.0], [3.0, 5.0])] {
        let entropy = head.entropy(&old).unwrap();
        assert!((entropy - grid().entropy(&head, &old)).abs() < 1e-10, "{old:?}");
        let exact = grid().kl(&head, &old, &new);
        assert!((exact - total_kl(&head, &old, &new)).abs() < 1e-10, "{old:?}");
        let kl = head.kl_from(&old, &new);
        assert_eq!((kl.scale, kl.choice), (0.0, 0.0));
    }
}

/// The density of u is the action's times the derivative of tanh.
#[test]
fn the_mode_is_the_top_in_u_and_the_mean_of_the_action() {
    let head = Beta::new(1);
    for row in [ROW, NEW] {
        let mut mode = Draws::new(1, 1, 1);
        head.mode(&row, &mut mode);
        let mean = grid().expectation(&head, &row, |draws, k| draws.action[k]);
        assert!((mode.action[0] - mean).abs() < 1e-12);
        let there = evaluated(&head, &row, &mode);
        assert!((there.dlog_pi_du[0] - 2.0 * there.action[0]).abs() < 1e-12);
    }
}

#[test]
fn no_gradient_passes_the_clamp() {
    let head = Beta::new(1);
    let row = [2e4, 3.0];
    let draws = drawn(&head, &row, 4);
    let mut signal = Signal::new(1, 4, 1);
    signal.score = vec![1.0, 0.3, -0.2, 2.0];
    let mut gradient = [f64::NAN; 2];
    head.backward(&row, &draws, &signal, &mut gradient);
    assert!(gradient[0] == 0.0 && gradient[1] != 0.0);
}

#[test]
fn extreme_parameters_stay_numbers_and_nan_shows() {
    let extreme = [1e30, -1e30, 0.0, 80.0, -90.0, 1e5, -90.0, -1e30];
    assert_survives::<f64>(&Noted(Beta::new(2)), &extreme);
    assert_survives::<f32>(&Beta::new(2), &extreme.map(|x| x as f32));
    assert_nan_shows(&Beta::new(2), &PARAMETERS[..4]);
}

/// Far out, where the action is rounded to an edge.
#[test]
fn density_and_gradient_keep_their_precision_at_the_edges() {
    let head = Beta::new(1);
    for u in [-60.0f32, -12.0, 12.0, 60.0] {
        let mut draws = Draws::new(1, 1, 1);
        draws.u[0] = u;
        head.evaluate(&[0.3f32, 1.2], &mut draws);
        let [a, b] = [0.3f32, 1.2].map(|raw| 1.0 + f64::from(raw).exp().ln_1p());
        let log_beta = ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
        // The larger of x and 1 - x is 1 to within exp(-24).
        let (shape, slope) = if u < 0.0 { (a, 1.0) } else { (b, -1.0) };
        let want = (shape - 1.0) * -2.0 * f64::from(u.abs()) - log_beta - LN_2;
        assert!((f64::from(draws.log_pi[0]) - want).abs() < 1e-6 * want.abs(), "{u}");
        let want = slope * 2.0 * (shape - 1.0);
        assert!((f64::from(draws.dlog_pi_du[0]) - want).abs() < 1e-6, "{u}");
    }
}
