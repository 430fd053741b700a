use super::exact::{Nodes, alpha, forward, jensen_shannon, quadrature, reverse};
use super::*;
use crate::estimator::Divergence;
use crate::lab::measure::{Measurement, Plan, Refused, Subject, measure};

fn problem(dimension: usize, target_mean: f64, target_width: f64) -> QuadraticProblem {
    QuadraticProblem { dimension, target_mean, target_width }
}

fn run(
    problem: &QuadraticProblem,
    settings: &QuadraticSettings,
    repetitions: usize,
) -> Measurement {
    let subject = QuadraticSubject::new(problem, settings).unwrap();
    let plan = Plan { repetitions, seed: 1, stream: "test".to_owned(), threads: 2 };
    measure(&subject, &plan, &|_| {}).unwrap()
}

/// Both closed forms against the derivative of the divergence, and against quadrature.
#[test]
fn closed_forms_are_derivatives_and_agree_with_quadrature() {
    for (m, s) in [(0.6, 0.8), (0.1, 0.95), (-0.4, 0.5), (0.3, 1.4)] {
        // KL(N(a, b^2) || N(c, e^2)).
        let kl = |a: f64, b: f64, c: f64, e: f64| {
            (e / b).ln() + (b * b + (a - c).powi(2)) / (2.0 * e * e) - 0.5
        };
        let h = 1e-5;
        let slope = |f: &dyn Fn(f64) -> f64| (f(h) - f(-h)) / (2.0 * h);
        let numeric = [
            [slope(&|x| kl(m, s, x, 1.0)), slope(&|x| kl(m, s, 0.0, x.exp()))],
            [slope(&|x| kl(x, 1.0, m, s)), slope(&|x| kl(0.0, x.exp(), m, s))],
        ];
        for dimension in [1, 2, 3, 6, 17] {
            let problem = problem(dimension, m, s);
            for (i, closed) in [forward(&problem), reverse(&problem)].into_iter().enumerate() {
                let divergence = [Divergence::ForwardKl, Divergence::ReverseKl][i];
                let sums = quadrature(&problem, divergence);
                for j in 0..2 {
                    assert!((closed[j] - numeric[i][j]).abs() < 1e-8, "{m} {s}");
                    let what = format!("{dimension} {m} {s} {divergence:?} {j}");
                    assert!((closed[j] - sums[j]).abs() < 1e-9, "{what}: {closed:?} {sums:?}");
                }
            }
        }
    }
}

/// The affinity of two Gaussians has a closed form in any dimension.
#[test]
fn quadrature_finds_the_alpha_divergence_in_every_dimension() {
    for dimension in [1, 2, 3, 6, 17, 60] {
        for order in [0.2, 0.5, 0.9] {
            let (m, s) = (0.6f64, 0.8f64);
            let log_affinity = |mean: f64, log_std: f64| {
                let variance = order * s * s + (1.0 - order) * (2.0 * log_std).exp();
                let shift = order * (1.0 - order) * (m - mean).powi(2) / (2.0 * variance);
                order * s.ln() + (1.0 - order) * log_std - 0.5 * variance.ln() - shift
            };
            let whole = (dimension as f64 * log_affinity(0.0, 0.0)).exp();
            let h = 1e-5;
            let factor = whole / (order * (order - 1.0)) / (2.0 * h);
            let want = [
                factor * (log_affinity(h, 0.0) - log_affinity(-h, 0.0)),
                factor * (log_affinity(0.0, h) - log_affinity(0.0, -h)),
            ];
            let problem = problem(dimension, m, s);
            let got = quadrature(&problem, Divergence::Alpha(order));
            let closed = alpha(&problem, order).unwrap();
            for j in 0..2 {
                assert!((got[j] - want[j]).abs() < 1e-8, "{dimension} {order}: {got:?} {want:?}");
                let error = (closed[j] - want[j]).abs() / want[j].abs();
                assert!(error < 1e-7, "{dimension} {order}: {closed:?} {want:?}");
            }
        }
    }
}

fn assert_close(got: [f64; 2], want: [f64; 2], what: &str) {
    let size = want[0].abs().max(want[1].abs());
    for (got, want) in got.into_iter().zip(want) {
        assert!((got - want).abs() < 1e-9 * size, "{what}: {got} {want}");
    }
}

/// Orders 0 and 1 are both directions of KL, also where the target is out of the policy's sight.
#[test]
fn alpha_divergences_end_in_both_directions_of_kl() {
    for (dimension, m, s) in [(17, 0.6, 0.8), (400, 0.6, 0.8), (1000, 0.6, 0.8), (6, 10.0, 0.8)] {
        let problem = problem(dimension, m, s);
        let what = format!("{problem:?}");
        assert_close(alpha(&problem, 0.0).unwrap(), forward(&problem), &what);
        assert_close(alpha(&problem, 1.0).unwrap(), reverse(&problem), &what);
        for divergence in [Divergence::Alpha(0.0), Divergence::ForwardKl] {
            assert_close(quadrature(&problem, divergence), forward(&problem), &what);
        }
    }
}

#[test]
fn what_would_be_rounding_is_refused() {
    let order = |problem, order| alpha(&problem, order).map_err(|refused| refused.to_string());
    let near = order(problem(1000, 0.6, 0.8), 0.5).unwrap();
    assert!(near[0] < -1e-30 && near[0] > -1e-28, "{near:?}");
    let far = order(problem(100, 10.0, 1.0), 0.5).unwrap_err();
    assert!(far.starts_with("dimension = 100: alpha-divergence's exact gradient"), "{far}");
    let far = jensen_shannon(&problem(1000, 0.6, 0.8)).unwrap_err().to_string();
    assert!(far.starts_with("dimension = 1000: jensen-shannon's exact gradient"), "{far}");
    assert!(jensen_shannon(&problem(200, 0.6, 0.8)).unwrap().iter().all(|cell| *cell != 0.0));
}

#[test]
fn the_quadrature_looks_only_where_there_is_mass() {
    for (dimension, m, s) in [(13, 0.0, 0.05), (13, 0.0, 20.0), (2, 10.0, 0.05), (1000, 10.0, 0.05)]
    {
        let nodes = Nodes::new(&problem(dimension, m, s));
        assert!(nodes.axis.len() <= 4_600, "{dimension} {m} {s}: {}", nodes.axis.len());
        assert!(nodes.radial.len() <= 13_000, "{dimension} {m} {s}: {}", nodes.radial.len());
    }
}

#[test]
fn a_problem_is_integrated_once() {
    let subjects = QuadraticSubjects::new(&QuadraticProblem::new(2));
    let exact = |samples: usize| {
        let new = QuadraticSettings::new(Quadratic::JensenShannon);
        subjects.subject(&QuadraticSettings { samples, ..new }).unwrap().exact().to_vec()
    };
    subjects.jensen_shannon.set(Ok([1.0, 2.0])).unwrap();
    assert_eq!((exact(4), exact(8)), (vec![1.0, 1.0, 2.0, 2.0], vec![1.0, 1.0, 2.0, 2.0]));
}

/// In one dimension by a plain sum, with finite differences of the divergence itself.
#[test]
fn quadrature_finds_the_jensen_shannon_divergence() {
    let value = |mean: f64, log_std: f64| {
        let density = |x: f64, m: f64, s: f64| {
            (-0.5 * ((x - m) / s).powi(2)).exp() / (s * (2.0 * std::f64::consts::PI).sqrt())
        };
        let term = |i: usize| {
            let x = -12.0 + 0.01 * i as f64;
            let (p, q) = (density(x, 0.6, 0.8), density(x, mean, log_std.exp()));
            let mixture = 0.5 * (p + q);
            let part = |p: f64| if p > 0.0 { 0.5 * p * (p / mixture).ln() } else { 0.0 };
            0.01 * (part(p) + part(q))
        };
        (0..=2_400).map(term).sum::<f64>()
    };
    let h = 1e-4;
    let want = [
        (value(h, 0.0) - value(-h, 0.0)) / (2.0 * h),
        (value(0.0, h) - value(0.0, -h)) / (2.0 * h),
    ];
    let got = quadrature(&QuadraticProblem::new(1), Divergence::JensenShannon);
    assert!((got[0] - want[0]).abs() < 1e-7 && (got[1] - want[1]).abs() < 1e-7, "{got:?} {want:?}");
}

/// Every coordinate's bias within five standard errors.
fn assert_unbiased(measured: &Measurement, what: &str) {
    let cells = measured.bias.values().iter().zip(measured.standard_error.values());
    for (bias, error) in cells {
        assert!(bias.abs() < 5.0 * error, "{what}: bias {bias}, standard error {error}");
    }
}

#[test]
fn reverse_kl_is_unbiased_in_every_form() {
    for dimension in [1, 6] {
        let problem = QuadraticProblem::new(dimension);
        for estimator in [Quadratic::ReverseKl, Quadratic::ReverseKlStl, Quadratic::ReverseKlScore]
        {
            let all =
                [QuadraticBaseline::LeaveOneOut, QuadraticBaseline::Value, QuadraticBaseline::None];
            let chosen = if estimator == Quadratic::ReverseKlScore { &all[..] } else { &all[..1] };
            for &baseline in chosen {
                let new = QuadraticSettings::new(estimator);
                let settings = QuadraticSettings { samples: 4, baseline, ..new };
                let measured = run(&problem, &settings, 4_000);
                assert_unbiased(&measured, &format!("{estimator:?} {baseline:?} {dimension}"));
            }
        }
    }
}

/// With e the noise, `b = 1/s^2` and `c = m/s^2` the gradient of one sample is `b e - c` for the mean and
/// `b e^2 - c e - 1` for the log standard deviation: variances `b^2` and `2 b^2 + c^2`.
#[test]
fn the_variance_of_the_pathwise_gradient_is_the_one_by_hand() {
    let problem = problem(3, 0.6, 0.8);
    let settings = QuadraticSettings { samples: 1, ..QuadraticSettings::new(Quadratic::ReverseKl) };
    let measured = run(&problem, &settings, 40_000);
    let (slope, shift) = (1.0f64 / 0.64, 0.6f64 / 0.64);
    let exact = 3.0 * (3.0 * slope * slope + shift * shift);
    let off = (measured.variance - exact).abs() / measured.variance_standard_error;
    assert!(off < 5.0, "{} against {exact}", measured.variance);
}

#[test]
fn a_single_sample_has_expectation_zero() {
    let problem = QuadraticProblem::new(2);
    let settings = QuadraticSettings { samples: 1, ..QuadraticSettings::new(Quadratic::ForwardKl) };
    let refused: Refused = QuadraticSubject::new(&problem, &settings).err().unwrap();
    assert!(refused.to_string().contains("samples = 1: forward-kl divides"), "{refused}");
    let allowed = QuadraticSettings { allow_degenerate: true, ..settings };
    let measured = run(&problem, &allowed, 4_000);
    for (mean, error) in measured.mean.values().iter().zip(measured.standard_error.values()) {
        assert!(mean.abs() < 5.0 * error, "{mean} {error}");
    }
    assert!(measured.bias_norm() > 0.5, "all of the gradient is missing");
    let pathwise = QuadraticSettings { estimator: Quadratic::ForwardKlDreg, ..allowed };
    assert!(run(&problem, &pathwise, 100).mean.values().iter().all(|&mean| mean == 0.0));
}

#[test]
fn self_normalised_divergences_come_to_their_exact_gradients() {
    let problem = QuadraticProblem::new(2);
    for estimator in [
        Quadratic::ForwardKl,
        Quadratic::ForwardKlDreg,
        Quadratic::JensenShannon,
        Quadratic::AlphaDivergence,
        Quadratic::MixedKl,
    ] {
        let bias = |samples: usize| {
            let new = QuadraticSettings::new(estimator);
            let settings = QuadraticSettings { samples, control_variate: true, ..new };
            let measured = run(&problem, &settings, 4_000);
            (measured.bias_norm(), measured.bias_noise(), measured.exact_norm())
        };
        let ((few, _, size), (many, noise, _)) = (bias(4), bias(256));
        assert!(many < 0.02 * size + 5.0 * noise, "{estimator:?}: {many} of {size}, {noise}");
        assert!(many < 0.25 * few || few < 5.0 * noise, "{estimator:?}: {few} to {many}");
    }
}

#[test]
fn what_cannot_work_is_refused_with_its_reason() {
    use crate::proposal::{Noise, Proposal, Source};
    let plain = QuadraticSettings::new(Quadratic::ForwardKlDreg);
    let shifted = Proposal { source: Source::Shifted, ..Proposal::default() };
    let stratified = Proposal { noise: Noise::LatinHypercube, ..Proposal::default() };
    let cases = [
        (
            QuadraticSettings { proposal: shifted, ..plain },
            "proposal = shifted: forward-kl-dreg needs",
        ),
        (
            QuadraticSettings { proposal: stratified, ..plain },
            "noise = latin-hypercube: forward-kl",
        ),
        (QuadraticSettings { order: 2.0, ..plain }, "divergence-order = 2: from 0 to 1"),
        (QuadraticSettings { samples: 0, ..plain }, "samples = 0: at least 1"),
    ];
    for (settings, message) in cases {
        let refused = QuadraticSubject::new(&QuadraticProblem::new(2), &settings).err().unwrap();
        assert!(refused.to_string().starts_with(message), "{refused}");
    }
    let flat = problem(2, 0.0, 0.0);
    let refused = QuadraticSubject::new(&flat, &plain).err().unwrap();
    assert!(refused.to_string().starts_with("target-width = 0: from"), "{refused}");
}

#[test]
fn numbers_do_not_depend_on_threads() {
    let subject = QuadraticSubject::new(
        &QuadraticProblem::new(3),
        &QuadraticSettings::new(Quadratic::ForwardKl),
    )
    .unwrap();
    assert_eq!(subject.shape(), [2, 3]);
    let run = |threads: usize, seed: u64| {
        let plan = Plan { repetitions: 101, seed, stream: "threads".to_owned(), threads };
        Measurement { seconds: 0.0, ..measure(&subject, &plan, &|_| {}).unwrap() }
    };
    assert_eq!(run(1, 3), run(3, 3));
    assert_ne!(run(1, 3).mean, run(1, 4).mean);
}
