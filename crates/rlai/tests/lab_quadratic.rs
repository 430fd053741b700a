//! Known numbers of the quadratic problem: policy N(0, I), target N(0.6, 0.8^2 I), alpha 1.

use rlai::estimator::{Tempering, Weighting};
use rlai::lab::measure::{
    Measurement, Plan, Quadratic, QuadraticProblem, QuadraticSettings, QuadraticSubject, measure,
};
use rlai::proposal::{Noise, Proposal, Source};

fn run(
    problem: &QuadraticProblem,
    settings: &QuadraticSettings,
    repetitions: usize,
) -> Measurement {
    let subject = QuadraticSubject::new(problem, settings).unwrap();
    let plan = Plan { repetitions, seed: 11, stream: "known".to_owned(), threads: 2 };
    measure(&subject, &plan, &|_| {}).unwrap()
}

fn settings(estimator: Quadratic, samples: usize) -> QuadraticSettings {
    QuadraticSettings { samples, ..QuadraticSettings::new(estimator) }
}

/// Standard deviation of one gradient, and its standard error.
fn deviation(measured: &Measurement) -> (f64, f64) {
    let deviation = measured.variance.sqrt();
    (deviation, measured.variance_standard_error / (2.0 * deviation))
}

/// A printed number, known to its last digit and from as many repetitions as this measurement.
fn assert_printed(got: f64, error: f64, printed: f64, last_digit: f64, what: &str) {
    let allowed = 5.0 * std::f64::consts::SQRT_2 * error + 0.51 * last_digit;
    assert!((got - printed).abs() < allowed, "{what}: {got} against {printed} within {allowed}");
}

/// Forward KL with one thing changed.
fn family(name: &str, samples: usize) -> QuadraticSettings {
    let plain = settings(Quadratic::ForwardKl, samples);
    let proposal = Proposal::default();
    match name {
        "iid" => plain,
        "w - 1/N" => QuadraticSettings { control_variate: true, ..plain },
        "latin hypercube" => QuadraticSettings {
            proposal: Proposal { noise: Noise::LatinHypercube, ..proposal },
            ..plain
        },
        "truncation" => QuadraticSettings {
            weighting: Weighting { truncate: true, ..Weighting::default() },
            ..plain
        },
        "power 1/2" => QuadraticSettings {
            weighting: Weighting { tempering: Tempering::Fixed(0.5), truncate: false },
            ..plain
        },
        "shifted" => QuadraticSettings {
            proposal: Proposal { source: Source::Shifted, ..proposal },
            ..plain
        },
        _ => panic!("{name}"),
    }
}

/// Relative root mean squared error and mean cosine of a single gradient, and the effective sample size.
#[test]
fn weight_families_and_proposals_have_the_known_errors() {
    const NAMES: [&str; 6] =
        ["iid", "w - 1/N", "latin hypercube", "truncation", "power 1/2", "shifted"];
    let table = [
        (
            1,
            32,
            23.0,
            1.0,
            [0.57, 0.40, 0.09, 0.57, 0.66, 0.45],
            [0.89, 0.95, 1.0, 0.89, 0.78, 0.93],
        ),
        (
            6,
            32,
            6.7,
            0.1,
            [1.06, 0.99, 0.98, 0.92, 0.80, 0.63],
            [0.68, 0.71, 0.73, 0.69, 0.66, 0.85],
        ),
        (
            6,
            128,
            20.0,
            1.0,
            [0.60, 0.56, 0.56, 0.54, 0.55, 0.31],
            [0.87, 0.88, 0.89, 0.87, 0.85, 0.96],
        ),
        (
            17,
            32,
            3.0,
            0.1,
            [1.71, 1.67, 1.69, 1.40, 1.19, 1.02],
            [0.41, 0.42, 0.42, 0.44, 0.46, 0.71],
        ),
        (
            17,
            128,
            5.1,
            0.1,
            [1.37, 1.35, 1.36, 0.92, 0.78, 0.53],
            [0.57, 0.57, 0.58, 0.66, 0.69, 0.88],
        ),
        (
            17,
            1024,
            15.0,
            1.0,
            [0.82, 0.81, 0.82, 0.47, 0.49, 0.19],
            [0.79, 0.79, 0.79, 0.89, 0.91, 0.98],
        ),
    ];
    for (dimension, samples, size, digit, errors, cosines) in table {
        let repetitions = if samples == 1024 { 300 } else { 2_000 };
        for ((name, error), cosine) in NAMES.iter().zip(errors).zip(cosines) {
            let measured =
                run(&QuadraticProblem::new(dimension), &family(name, samples), repetitions);
            let what = format!("d = {dimension}, N = {samples}, {name}");
            let got = measured.relative_error.unwrap();
            let square = measured.variance_standard_error / measured.exact_norm().powi(2);
            assert_printed(got, square / (2.0 * got), error, 0.01, &what);
            // A cosine of standard deviation at most 0.45.
            let spread = 0.45 / (repetitions as f64).sqrt();
            assert_printed(measured.mean_cosine.unwrap(), spread, cosine, 0.01, &what);
            if *name == "iid" {
                let spread = 0.5 * size / (repetitions as f64).sqrt();
                let got = measured.effective_sample_size.unwrap();
                assert_printed(got, spread, size, digit, &format!("{what}: ESS"));
            }
        }
    }
}

/// Same mean, far less noise where the target is nearly as wide as the policy.
#[test]
fn doubly_reparameterised_forward_kl_has_the_known_deviations() {
    let far = |dimension| QuadraticProblem::new(dimension);
    let near = |dimension| QuadraticProblem {
        target_mean: 0.1,
        target_width: 0.95,
        ..QuadraticProblem::new(dimension)
    };
    let known = [
        (far(17), 128, 3.32, 1.05, 0.01, 2.5),
        (near(17), 128, 0.621, 0.070, 0.001, 6.0),
        (far(6), 32, 1.60, 0.52, 0.01, 2.5),
        (near(6), 32, 0.686, 0.076, 0.001, 6.0),
    ];
    for (problem, samples, score, pathwise, digit, ratio) in known {
        let one = run(&problem, &settings(Quadratic::ForwardKl, samples), 2_000);
        let two = run(&problem, &settings(Quadratic::ForwardKlDreg, samples), 2_000);
        let ((a, a_error), (b, b_error)) = (deviation(&one), deviation(&two));
        assert_printed(a, a_error, score, digit, &format!("{problem:?} score"));
        assert_printed(b, b_error, pathwise, digit, &format!("{problem:?} DReG"));
        assert!(a > ratio * b, "{a} against {b}");
        for (i, (x, y)) in one.mean.values().iter().zip(two.mean.values()).enumerate() {
            let error = one.standard_error.values()[i] + two.standard_error.values()[i];
            assert!((x - y).abs() < 5.0 * error, "same mean: {x} {y} {error}");
        }
    }
}

#[test]
fn doubly_reparameterised_forward_kl_is_worse_for_a_narrow_target() {
    for (dimension, target_width) in [(1, 0.2), (1, 0.4), (6, 0.4)] {
        let problem = QuadraticProblem { target_width, ..QuadraticProblem::new(dimension) };
        let one = run(&problem, &settings(Quadratic::ForwardKl, 32), 2_000);
        let two = run(&problem, &settings(Quadratic::ForwardKlDreg, 32), 2_000);
        assert!(two.variance > 2.0 * one.variance, "{problem:?}");
    }
}

#[test]
fn sticking_the_landing_has_the_known_deviations() {
    let near = QuadraticProblem { dimension: 17, target_mean: 0.1, target_width: 0.95 };
    for (problem, plain, stuck) in [(QuadraticProblem::new(17), 1.04, 0.49), (near, 0.70, 0.08)] {
        for (estimator, known) in [(Quadratic::ReverseKl, plain), (Quadratic::ReverseKlStl, stuck)]
        {
            let measured = run(&problem, &settings(estimator, 128), 2_000);
            let (got, error) = deviation(&measured);
            assert_printed(got, error, known, 0.01, &format!("{problem:?} {estimator:?}"));
        }
    }
}

#[test]
fn reverse_kl_of_the_same_samples_has_the_known_errors() {
    let problem = QuadraticProblem::new(17);
    for (estimator, known) in [
        (Quadratic::ReverseKl, 0.23),
        (Quadratic::ReverseKlScore, 0.65),
        (Quadratic::ForwardKl, 1.36),
    ] {
        let measured = run(&problem, &settings(estimator, 128), 2_000);
        let got = measured.relative_error.unwrap();
        let square = measured.variance_standard_error / measured.exact_norm().powi(2);
        assert_printed(got, square / (2.0 * got), known, 0.01, &format!("{estimator:?}"));
    }
}

/// Averaging takes variance away, not bias: the direction of the mean stays good for few samples.
#[test]
fn directions_of_mean_gradients_are_the_known_ones() {
    for (samples, known) in [(32, 0.973), (128, 0.990)] {
        let settings = settings(Quadratic::ForwardKl, samples);
        let measured = run(&QuadraticProblem::new(17), &settings, 4_000);
        let noise = (measured.bias_noise() / measured.exact_norm()).powi(2);
        let got = measured.cosine.unwrap();
        assert!((got - known).abs() < 0.01 + noise, "N = {samples}: {got} against {known}");
    }
}

#[test]
fn a_shifted_mixture_keeps_the_effective_sample_size() {
    let problem = QuadraticProblem::new(17);
    let size = |name| run(&problem, &family(name, 1024), 200).effective_sample_size.unwrap();
    let (plain, shifted) = (size("iid"), size("shifted"));
    assert!((130.0..155.0).contains(&shifted) && shifted > 5.0 * plain, "{plain} {shifted}");
}
