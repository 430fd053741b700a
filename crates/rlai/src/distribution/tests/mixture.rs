use super::*;
use crate::distribution::testing::*;
use num_dual::{Dual64, DualNum};

/// Two states of two branches in two dimensions.
const WIDE: [f64; 20] = [
    0.3, -0.2, 0.6, -0.1, -0.4, 0.2, -0.8, 0.5, -0.1, -0.6, //
    -0.7, 0.4, 0.1, 0.3, -0.9, -0.3, -0.2, 0.9, 0.1, -0.5,
];
/// Of three branches in one.
const NARROW: [f64; 9] = [0.3, -0.2, 0.1, 0.6, -0.4, -0.8, -0.1, 0.2, -1.2];
const OTHER: [f64; 9] = [-0.5, 0.6, 0.0, 0.1, -0.7, -0.4, 0.2, 0.9, -0.8];

fn wide() -> Mixture {
    Mixture::new(2, 2, -5.0, 2.0)
}

fn narrow() -> Mixture {
    Mixture::new(3, 1, -5.0, 2.0)
}

fn forms(head: &Mixture) -> [Mixture; 2] {
    [BranchForm::Marginal, BranchForm::Joint].map(|form| head.clone().with_form(form))
}

/// Density of one branch by its definition.
fn density(component: &[Dual64], u: &[Dual64], squashed: bool) -> Dual64 {
    let dimension = u.len();
    let mut density = Dual64::from(1.0);
    for j in 0..dimension {
        let sd = component[dimension + j].exp();
        let z = (u[j] - component[j]) / sd;
        let normal = (-z * z * 0.5).exp() / sd / (2.0 * std::f64::consts::PI).sqrt();
        let action = u[j].tanh();
        density *= if squashed { normal / (-action * action + 1.0) } else { normal };
    }
    density
}

/// `p(z) pi(a|z)` of every branch.
fn joint(row: &[Dual64], u: &[Dual64], branches: usize, squashed: bool) -> Vec<Dual64> {
    let (logits, components) = row.split_at(branches);
    let total: Dual64 = logits.iter().map(|logit| logit.exp()).sum();
    let terms = logits.iter().zip(components.chunks_exact(2 * u.len()));
    terms.map(|(logit, own)| logit.exp() / total * density(own, u, squashed)).collect()
}

#[test]
fn derivatives_agree_with_finite_differences() {
    for head in [wide(), wide().unsquashed()] {
        assert_calculus(&head, &WIDE);
    }
    assert_calculus(&narrow(), &[NARROW, OTHER].concat());
}

#[test]
fn densities_and_scores_agree_with_dual_numbers() {
    for squashed in [true, false] {
        let pick = |head: Mixture| if squashed { head } else { head.unsquashed() };
        let marginal = |branches: usize| {
            move |row: &[Dual64], u: &[Dual64], _: &[usize]| {
                joint(row, u, branches, squashed).into_iter().sum::<Dual64>().ln()
            }
        };
        assert_dual_scores(&pick(wide()), &WIDE[..10], marginal(2));
        assert_dual_scores(&pick(narrow()), &NARROW, marginal(3));
    }
}

/// The gradient of a score on one particle.
fn score(head: &Mixture, row: &[f64], draws: &Draws<f64>, particle: usize) -> Vec<f64> {
    let samples = draws.log_pi.len();
    let mut signal = Signal::new(1, samples, Head::<f64>::shape(head).coordinates);
    signal.score[particle] = 1.0;
    let mut gradient = vec![f64::NAN; row.len()];
    head.backward(row, draws, &signal, &mut gradient);
    gradient
}

/// The joint form's score is that of branch and action, and its mean over the responsibilities the
/// marginal's.
#[test]
fn the_joint_forms_score_has_the_marginals_mean() {
    let [marginal, by_branch] = forms(&narrow());
    let mut draws = drawn(&marginal, &NARROW, 20);
    for k in 0..20 {
        let u = [Dual64::from(draws.u[k])];
        let mut mean = vec![0.0; NARROW.len()];
        for z in 0..3 {
            draws.choices[k] = z;
            let got = score(&by_branch, &NARROW, &draws, k);
            let derivative = |i: usize| {
                let mut row = NARROW.map(Dual64::from);
                row[i] = row[i].derivative();
                joint(&row, &u, 3, true)[z].ln().eps
            };
            let want: Vec<f64> = (0..NARROW.len()).map(derivative).collect();
            assert_close(&got, &want, 1e-10, "score of branch and action");
            let all = joint(&NARROW.map(Dual64::from), &u, 3, true);
            let responsible = all[z].re / all.iter().map(|p| p.re).sum::<f64>();
            mean.iter_mut().zip(got).for_each(|(m, g)| *m += responsible * g);
        }
        assert_close(&mean, &score(&marginal, &NARROW, &draws, k), 1e-12, "mean");
    }
}

#[test]
fn densities_integrate_to_one() {
    for head in [narrow(), narrow().unsquashed()] {
        Grid::even(-12.0, 12.0, 4000).assert_normalised(&head, &NARROW);
    }
    Grid::even(-9.0, 9.0, 300).assert_normalised(&wide(), &WIDE[..10]);
}

#[test]
fn draws_follow_the_density() {
    let grid = Grid::even(-12.0, 12.0, 8000);
    assert_draws_follow_density(&narrow(), &NARROW, &grid);
    let draws = drawn(&narrow(), &NARROW, 20_000);
    let mut log_branches = [0.0; 3];
    narrow().log_branches(&NARROW, &mut log_branches);
    let expected = log_branches.map(|log_p: f64| 20_000.0 * log_p.exp());
    let mut seen = [0.0; 3];
    draws.choices.iter().for_each(|&z| seen[z] += 1.0);
    assert_chi_square(&seen, &expected);
}

/// Without equal means or scales the parts of a normal are no divergence: either moves alone here.
#[test]
fn the_trust_region_bounds_the_divergence_of_the_action() {
    let (head, grid) = (narrow(), Grid::even(-14.0, 14.0, 6000));
    let (mut shifted, mut scaled) = (OTHER, OTHER);
    for z in 0..3 {
        shifted[4 + 2 * z] = NARROW[4 + 2 * z];
        scaled[3 + 2 * z] = NARROW[3 + 2 * z];
    }
    for new in [shifted, scaled] {
        // The joint divergence by the chain rule, each branch as a mixture of its own.
        let single = Mixture::new(1, 1, -5.0, 2.0);
        let (mut logs, mut new_logs) = ([0.0; 3], [0.0; 3]);
        head.log_branches(&NARROW, &mut logs);
        head.log_branches(&new, &mut new_logs);
        let of_branch = |z: usize| {
            let row = |all: &[f64; 9]| [0.0, all[3 + 2 * z], all[4 + 2 * z]];
            let own = grid.kl(&single, &row(&NARROW), &row(&new));
            logs[z].exp() * (logs[z] - new_logs[z] + own)
        };
        let joint: f64 = (0..3).map(of_branch).sum();
        let bound = total_kl(&head, &NARROW, &new);
        assert!((bound - joint).abs() < 1e-8, "{bound} against {joint}");
        let marginal = grid.kl(&head, &NARROW, &new);
        assert!(marginal > 0.0 && marginal < bound, "{marginal} is not below {bound}");
    }
}

#[test]
fn a_single_branch_is_the_tanh_normal() {
    let (single, normal) = (Mixture::new(1, 2, -5.0, 2.0), TanhNormal::new(2, -5.0, 2.0));
    let row = [1.7, 0.4, -0.3, -0.7, 0.2];
    let draws = drawn(&single, &row, 9);
    let same = evaluated(&normal, &row[1..], &draws);
    assert_close(&draws.log_pi, &same.log_pi, 1e-12, "log pi");
    assert_close(&draws.dlog_pi_du, &same.dlog_pi_du, 1e-12, "dlog pi/du");
    let (a, b) = (Head::kl_from(&single, &row, &[0.1, 0.2, 0.2, 0.1, 0.0]), [0.2, 0.2, 0.1, 0.0]);
    assert_eq!(a, TanhNormal::kl_from(&normal, &row[1..], &b));
}

#[test]
fn extremes_and_what_is_no_number() {
    let far = [1e4, -1e4, 50.0, -50.0, -99.0, 99.0, -50.0, 50.0, 99.0, -99.0];
    let near = [-1e4, 1e4, -50.0, 50.0, -99.0, -99.0, 50.0, 50.0, 99.0, 99.0];
    let equal = [0.0, 0.0, 50.0, -50.0, -99.0, -99.0, 50.0, -50.0, 99.0, 99.0];
    let rows = [far, near, equal, far].concat();
    let single: Vec<f32> = rows.iter().map(|&x| x as f32).collect();
    let head = Mixture::new(2, 2, -20.0, 2.0);
    for head in forms(&head).iter().chain(&forms(&head.clone().unsquashed())) {
        assert_survives(head, &rows);
        assert_survives(head, &single);
    }
    assert_nan_shows(&narrow(), &NARROW);
}

#[test]
fn no_gradient_passes_the_clamp() {
    let row = [0.2, -0.1, 0.3, -9.0, -0.4, 9.0];
    for head in forms(&Mixture::new(2, 1, -1.0, 1.0)) {
        let draws = drawn(&head, &row, 8);
        let mut signal = Signal::new(1, 8, 1);
        signal.score = vec![1.0, 0.3, -2.0, 0.7, 1.1, -0.2, 0.4, 0.9];
        signal.action.clone_from(&signal.score);
        signal.has_action = true;
        let mut gradient = [f64::NAN; 6];
        head.backward(&row, &draws, &signal, &mut gradient);
        assert!(gradient[2] != 0.0 && gradient[4] != 0.0);
        assert_eq!([gradient[3], gradient[5]], [0.0; 2]);
    }
}

#[test]
fn the_mode_is_the_densest_mean_and_the_start_is_spread() {
    // The second branch is less likely, but far narrower.
    let row = [0.5, 0.0, 1.0, 0.5, -1.0, -3.0];
    let mut mode = room::<f64>(&Mixture::new(2, 1, -5.0, 2.0), 1, 1);
    Mixture::new(2, 1, -5.0, 2.0).mode(&row, &mut mode);
    assert_eq!((mode.choices[0], mode.u[0], mode.action[0]), (1, -1.0, (-1.0f64).tanh()));
    let start: Vec<f64> = narrow().starting_at(0.5, 0.0).expect("it has means");
    assert_eq!(start, [0.0, 0.0, 0.0, -0.5, 0.0, 0.5, 0.0, 1.5, 0.0]);
}
