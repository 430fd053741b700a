//! A mixture's forward and reverse KL against gradients made apart from this code, by quadrature and by
//! every estimator that serves branches.

use rlai::distribution::{BranchForm, Draws, Head, Mixture};
use rlai::estimator::{
    ActionEstimator, Duals, ForwardKl, Origin, Particles, ReverseKlBranches,
    ReverseKlChoiceAndPath, ReverseKlScore, Signal,
};
use rlai::random::Key;
use serde_json::Value;

/// The problem: parameters, temperature and gradients in the order of a head's parameters.
struct Problem {
    row: Vec<f64>,
    alpha: f64,
    log_z: f64,
    forward: Vec<f64>,
    reverse: Vec<f64>,
}

fn problem() -> Problem {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/estimators.json");
    let text = std::fs::read_to_string(path).expect("golden/estimators.json is committed");
    let all: Value = serde_json::from_str(&text).expect("it is JSON");
    let block = &all["mixture_branching_1d"];
    let numbers = |value: &Value| -> Vec<f64> {
        let list = value.as_array().expect("a list").iter();
        list.map(|number| number.as_f64().expect("a number")).collect()
    };
    // From [logits, means, log stds] to each branch's mean and log std after the logits.
    let ordered = |all: Vec<f64>| [0, 1, 2, 4, 3, 5].map(|i| all[i]).to_vec();
    let parameters = ["logits", "means", "log_stds"].map(|key| numbers(&block["params"][key]));
    let number = |key: &str| block[key].as_f64().expect("a number");
    Problem {
        row: ordered(parameters.concat()),
        alpha: number("alpha"),
        log_z: number("log_Z"),
        forward: ordered(numbers(&block["g_fkl"])),
        reverse: ordered(numbers(&block["g_rkl"])),
    }
}

fn head(form: BranchForm) -> Mixture {
    Mixture::new(2, 1, -20.0, 2.0).unsquashed().with_form(form)
}

const FORMS: [BranchForm; 2] = [BranchForm::Marginal, BranchForm::Joint];

/// Q and its derivative: the formula of the file.
fn q(a: f64) -> (f64, f64) {
    let bump = |height: f64, centre: f64, width: f64| {
        let value = height * (-(a - centre).powi(2) / width).exp();
        (value, -2.0 * (a - centre) / width * value)
    };
    let (first, second) = (bump(1.5, 1.2, 0.5), bump(1.0, -1.0, 0.3));
    (first.0 + second.0 - 0.05 * a * a, first.1 + second.1 - 0.1 * a)
}

/// Draws at these points and branches.
fn at(row: &[f64], points: &[f64], branches: &[usize]) -> Draws<f64> {
    let mut draws = Draws::with_choices(1, points.len(), 1, 1);
    draws.u.copy_from_slice(points);
    draws.choices.copy_from_slice(branches);
    head(BranchForm::Marginal).evaluate(row, &mut draws);
    draws
}

/// Every point of the trapezoid rule that the file names, once in each branch: draws, log weights of the
/// rule, and log densities `log p(z) + log pi(u|z)`.
fn quadrature(row: &[f64]) -> (Draws<f64>, f64, Vec<f64>) {
    let count = 48_001;
    let points: Vec<f64> = (0..count).map(|i| -12.0 + 0.0005 * f64::from(i)).collect();
    let branches = [vec![0; points.len()], vec![1; points.len()]].concat();
    let draws = at(row, &points.repeat(2), &branches);
    let mut log_branches = [0.0; 2];
    head(BranchForm::Marginal).log_branches(row, &mut log_branches);
    let log_joint = |i: usize| {
        let (z, noise) = (branches[i], draws.noise[i]);
        let constant = 0.5 * (2.0 * std::f64::consts::PI).ln();
        log_branches[z] - 0.5 * noise * noise - row[3 + 2 * z] - constant
    };
    let log_joints = (0..branches.len()).map(log_joint).collect();
    (draws, 0.0005f64.ln(), log_joints)
}

fn backward(form: BranchForm, row: &[f64], draws: &Draws<f64>, signal: &Signal<f64>) -> Vec<f64> {
    let mut gradient = vec![f64::NAN; row.len()];
    head(form).backward(row, draws, signal, &mut gradient);
    gradient
}

fn assert_golden(got: &[f64], want: &[f64], what: &str) {
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() < 1e-6, "{what}, parameter {i}: {got} against {want}");
    }
}

/// `-p*(a)` on every point, shared among the branches by their responsibilities: where a score is that
/// of branch and action these are the target's own; the marginal's does not look at the branch.
#[test]
fn forward_kl_by_quadrature() {
    let problem = problem();
    let (draws, log_width, log_joints) = quadrature(&problem.row);
    let mut signal = Signal::new(1, log_joints.len(), 1);
    for (i, score) in signal.score.iter_mut().enumerate() {
        let log_target = q(draws.u[i]).0 / problem.alpha - problem.log_z;
        *score = -(log_target + log_joints[i] - draws.log_pi[i] + log_width).exp();
    }
    for form in FORMS {
        let gradient = backward(form, &problem.row, &draws, &signal);
        assert_golden(&gradient, &problem.forward, &format!("{form:?}"));
    }
}

/// Particles at these draws, and room for Q.
struct Valued {
    q: Vec<f64>,
    dq_du: Vec<f64>,
    origins: Vec<Origin>,
}

impl Valued {
    fn new(draws: &Draws<f64>, origin: Origin) -> Self {
        let (q, dq_du) = draws.action.iter().map(|&a| q(a)).unzip();
        Self { q, dq_du, origins: vec![origin; draws.log_pi.len()] }
    }

    fn signal(
        &self,
        estimator: &dyn ActionEstimator<f64>,
        draws: &Draws<f64>,
        log_base: &[f64],
        alpha: f64,
    ) -> Signal<f64> {
        let samples = draws.log_pi.len();
        let particles = Particles {
            samples,
            origins: &self.origins,
            log_pi: &draws.log_pi,
            log_pi_0: None,
            log_base,
            q: &self.q,
            dq_du: Some(&self.dq_du),
            dl_du: Some(&draws.dlog_pi_du),
            value: None,
        };
        let mut signal = Signal::new(1, samples, 1);
        estimator.signal(&particles, &Duals::temperature(alpha), &mut signal);
        signal
    }
}

/// With quadrature's points as the draws of each branch the estimator's gradient is exact.
#[test]
fn reverse_kl_by_quadrature_within_every_branch() {
    let problem = problem();
    let (draws, log_width, log_joints) = quadrature(&problem.row);
    let log_base: Vec<f64> = log_joints.iter().map(|log| log + log_width).collect();
    let valued = Valued::new(&draws, Origin::Proposal);
    let signal = valued.signal(&ReverseKlBranches, &draws, &log_base, problem.alpha);
    let gradient = backward(BranchForm::Marginal, &problem.row, &draws, &signal);
    let in_nats: Vec<f64> = gradient.iter().map(|g| g / problem.alpha).collect();
    assert_golden(&in_nats, &problem.reverse, "reverse KL");
    // The baseline stands for nothing: without it the gradient is the same.
    let mut plain = signal.clone();
    for (i, choice) in plain.choice.iter_mut().enumerate() {
        *choice = log_base[i].exp() * (problem.alpha * draws.log_pi[i] - valued.q[i]);
    }
    assert_golden(
        &backward(BranchForm::Marginal, &problem.row, &draws, &plain),
        &gradient,
        "baseline",
    );
}

/// Mean and its standard error, parameter by parameter, of independent gradients.
fn mean_and_error(gradients: &[Vec<f64>]) -> (Vec<f64>, Vec<f64>) {
    let count = gradients.len() as f64;
    let mean_of = |i: usize| gradients.iter().map(|g| g[i]).sum::<f64>() / count;
    let mean: Vec<f64> = (0..gradients[0].len()).map(mean_of).collect();
    let error_of = |(i, mean): (usize, &f64)| {
        let squares: f64 = gradients.iter().map(|g| (g[i] - mean).powi(2)).sum();
        (squares / (count - 1.0) / count).sqrt()
    };
    let error = mean.iter().enumerate().map(error_of).collect();
    (mean, error)
}

fn assert_within_five(gradients: &[Vec<f64>], want: &[f64], what: &str) {
    let (mean, error) = mean_and_error(gradients);
    for (i, want) in want.iter().enumerate() {
        let allowed = 5.0 * error[i];
        assert!(allowed < 0.1, "{what}, parameter {i}: {allowed} shows nothing");
        assert!((mean[i] - want).abs() < allowed, "{what}, {i}: {} against {want}", mean[i]);
    }
}

const REPETITIONS: u64 = 20_000;

/// Four draws of the policy, again and again; the gradients in nats.
fn from_own_draws(estimator: &dyn ActionEstimator<f64>, form: BranchForm) -> Vec<Vec<f64>> {
    let problem = problem();
    let mut random = Key::from_seed(6).stream("draws");
    let one = |_| {
        let mut draws = Draws::with_choices(1, 4, 1, 1);
        head(form).draw(&problem.row, &mut random, &mut draws);
        let valued = Valued::new(&draws, Origin::Policy);
        let signal = valued.signal(estimator, &draws, &[-(4.0f64.ln()); 4], problem.alpha);
        let gradient = backward(form, &problem.row, &draws, &signal);
        gradient.iter().map(|g| g / problem.alpha).collect()
    };
    (0..REPETITIONS).map(one).collect()
}

#[test]
fn reverse_kl_of_own_draws_has_no_bias() {
    let estimators: [&dyn ActionEstimator<f64>; 3] = [
        &ReverseKlScore,
        &ReverseKlChoiceAndPath { stl: false },
        &ReverseKlChoiceAndPath { stl: true },
    ];
    for estimator in estimators {
        for form in FORMS {
            let gradients = from_own_draws(estimator, form);
            let what = format!("{}, {form:?}", estimator.name());
            assert_within_five(&gradients, &problem().reverse, &what);
        }
    }
}

/// The path alone is not enough: where the branch would go is missing.
#[test]
fn the_path_within_a_branch_alone_is_biased() {
    let plain = rlai::estimator::ReverseKlReparameterised;
    let (mean, error) = mean_and_error(&from_own_draws(&plain, BranchForm::Marginal));
    assert!((mean[0] - problem().reverse[0]).abs() > 10.0 * error[0], "{mean:?}");
}

/// Three draws of one branch and two of the other.
#[test]
fn reverse_kl_of_draws_from_every_branch_has_no_bias() {
    let problem = problem();
    let mut random = Key::from_seed(9).stream("draws");
    let mut log_branches = [0.0; 2];
    head(BranchForm::Marginal).log_branches(&problem.row, &mut log_branches);
    let branches = [0, 0, 0, 1, 1];
    let log_base = branches.map(|z| log_branches[z] - [3.0f64, 2.0][z].ln());
    let one = |_| {
        let mut draws = Draws::with_choices(1, 5, 1, 1);
        draws.choices.copy_from_slice(&branches);
        random.fill_normal(&mut draws.noise);
        head(BranchForm::Marginal).place(&problem.row, &mut draws);
        let valued = Valued::new(&draws, Origin::Proposal);
        let signal = valued.signal(&ReverseKlBranches, &draws, &log_base, problem.alpha);
        let gradient = backward(BranchForm::Marginal, &problem.row, &draws, &signal);
        gradient.iter().map(|g| g / problem.alpha).collect()
    };
    let gradients: Vec<Vec<f64>> = (0..REPETITIONS).map(one).collect();
    assert_within_five(&gradients, &problem.reverse, "reverse-kl-branches");
}

/// Self-normalised forward KL on draws of a wider mixture: the policy's own tails are thinner than the
/// target's, and its weights have no variance. Its bias is known to the first order in 1/N,
/// `E_mu[w^2 (h - E h)]/N` with w = p*/mu and h the score, and taken off.
#[test]
fn forward_kl_of_draws_has_the_bias_that_is_known() {
    let problem = problem();
    let wide = [0.0, 0.0, 1.0, 0.6, -1.0, 0.6];
    let samples = 100;
    let (grid, log_width, log_joints) = quadrature(&problem.row);
    let mu = at(&wide, &grid.u, &grid.choices);
    let mut signal = Signal::new(1, grid.u.len(), 1);
    let mut square = 0.0;
    for (i, score) in signal.score.iter_mut().enumerate() {
        let log_target = q(grid.u[i]).0 / problem.alpha - problem.log_z;
        // Each point is there once for each branch: shared by responsibility, as above.
        let log_share = log_joints[i] - grid.log_pi[i] + log_width;
        *score = (2.0 * log_target - mu.log_pi[i] + log_share).exp();
        square += *score;
    }
    let second = backward(BranchForm::Marginal, &problem.row, &grid, &signal);
    // The gradient is -E h, so E h is minus the golden value.
    let bias = |i: usize| (second[i] + square * problem.forward[i]) / samples as f64;
    let want: Vec<f64> = (0..6).map(|i| problem.forward[i] + bias(i)).collect();
    let mut random = Key::from_seed(12).stream("draws");
    let mut errors = Vec::new();
    for form in FORMS {
        let one = |_| {
            let mut draws = Draws::with_choices(1, samples, 1, 1);
            head(form).draw(&wide, &mut random, &mut draws);
            let log_mu = draws.log_pi.clone();
            take_responsible_branches(&problem.row, &mut draws, &mut random);
            let log_n = (samples as f64).ln();
            let bases = draws.log_pi.iter().zip(&log_mu).map(|(pi, mu)| pi - mu - log_n);
            let log_base: Vec<f64> = bases.collect();
            let valued = Valued::new(&draws, Origin::Proposal);
            let estimator = ForwardKl::default();
            let signal = valued.signal(&estimator, &draws, &log_base, problem.alpha);
            backward(form, &problem.row, &draws, &signal)
        };
        let gradients: Vec<Vec<f64>> = (0..REPETITIONS).map(one).collect();
        errors.push(mean_and_error(&gradients).1);
        assert_within_five(&gradients, &want, &format!("forward KL, {form:?}"));
    }
    assert!(bias(0).abs() > 10.0 * errors[0][0], "the bias must be seen: {}", bias(0));
    let higher = errors[0].iter().zip(&errors[1]).all(|(marginal, joint)| marginal < joint);
    assert!(higher, "a branch that is drawn adds variance: {errors:?}");
}

/// The branch of an action that another policy drew, from this policy's responsibilities.
fn take_responsible_branches(
    row: &[f64],
    draws: &mut Draws<f64>,
    random: &mut rlai::random::Stream,
) {
    let of_branch = [0, 1].map(|z| at(row, &draws.u, &vec![z; draws.u.len()]));
    let mut log_branches = [0.0; 2];
    head(BranchForm::Marginal).log_branches(row, &mut log_branches);
    for k in 0..draws.u.len() {
        let density = |z: usize| {
            let noise = of_branch[z].noise[k];
            (log_branches[z] - 0.5 * noise * noise - row[3 + 2 * z]).exp()
        };
        let (first, second) = (density(0), density(1));
        draws.choices[k] = usize::from(random.unit() * (first + second) >= first);
    }
    head(BranchForm::Marginal).evaluate(row, draws);
}
