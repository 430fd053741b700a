use proptest::prelude::*;

use super::*;
use crate::nn::fused::{Start, plain};
use crate::nn::{MatRef, Scalar};
use crate::random::Key;

/// Shapes around the tiles' edges, and their numbers.
#[derive(Debug, Clone)]
struct Case {
    m: usize,
    inner: usize,
    n: usize,
    transposed: (bool, bool),
    start: usize,
    finish: usize,
    seed: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let sizes = (1usize..40, 0usize..70, 1usize..80);
    (sizes, any::<(bool, bool)>(), 0usize..3, 0usize..5, any::<u64>()).prop_map(
        |((m, inner, n), transposed, start, finish, seed)| Case {
            m,
            inner,
            n,
            transposed,
            start,
            finish,
            seed,
        },
    )
}

/// Random numbers of one precision, and the same ones in another.
struct Data<T> {
    left: Vec<T>,
    right: Vec<T>,
    starts: Vec<T>,
    units: Vec<T>,
    weights: Vec<T>,
    rows: Vec<usize>,
}

impl Data<f32> {
    fn new(case: &Case) -> Self {
        let mut stream = Key::from_seed(case.seed).stream("kernel");
        let mut random = |count: usize| {
            let mut numbers = vec![0.0f32; count];
            stream.fill_normal(&mut numbers);
            numbers
        };
        let Case { m, inner, n, .. } = *case;
        Self {
            left: random(m * inner),
            right: random(inner * n),
            starts: random(m * n),
            units: random(m * n),
            weights: random(n),
            rows: (0..m).map(|i| (i * 7 + 3) % m).collect(),
        }
    }

    fn widened(&self) -> Data<f64> {
        let widen = |numbers: &[f32]| numbers.iter().map(|&x| f64::from(x)).collect();
        Data {
            left: widen(&self.left),
            right: widen(&self.right),
            starts: widen(&self.starts),
            units: widen(&self.units),
            weights: widen(&self.weights),
            rows: self.rows.clone(),
        }
    }
}

/// What a job leaves behind.
#[derive(Debug, Clone, PartialEq)]
struct Left<T> {
    result: Vec<T>,
    sums: Vec<T>,
    output: Vec<T>,
}

/// Sets the job up and gives it to `run`.
fn with_job<T: Scalar>(
    case: &Case,
    data: &Data<T>,
    run: impl FnOnce(Fused<'_, T>, &mut [T]),
) -> Left<T> {
    let Case { m, inner, n, transposed, start, finish, .. } = *case;
    let shaped = |data, rows, cols, transposed: bool| {
        if transposed {
            MatRef::new(data, cols, rows).transposed()
        } else {
            MatRef::new(data, rows, cols)
        }
    };
    let nan = |count: usize| vec![T::nan(); count];
    let mut after = Left { result: nan(m * n), sums: nan(n), output: nan(m) };
    let Left { result, sums, output } = &mut after;
    if finish == 3 {
        result.copy_from_slice(&data.units);
    }
    let size = 3;
    let job = Fused {
        left: shaped(&data.left, m, inner, transposed.0),
        right: shaped(&data.right, inner, n, transposed.1),
        start: match start {
            0 => Start::Zero,
            1 => Start::Row(&data.starts[..n]),
            _ => Start::Grouped { rows: &data.starts[..m.div_ceil(size) * n], size },
        },
        finish: match finish {
            0 => Finish::Keep,
            1 => Finish::Relu,
            2 => Finish::Gate { activations: &data.units, rows: &data.rows },
            3 => Finish::GateInPlace { sums },
            _ => Finish::ReluDot {
                weights: &data.weights,
                bias: T::from_f64(0.5),
                output,
                keep: true,
            },
        },
    };
    run(job, result);
    after
}

fn fast(case: &Case, data: &Data<f32>) -> Left<f32> {
    with_job(case, data, |mut job, result| assert!(run(&mut job, result), "this CPU has vectors"))
}

proptest! {
    /// The plain passes in double precision are another implementation altogether. Sums of up to 80
    /// products of standard normal numbers, then of up to 80 of those.
    #[test]
    fn equals_the_plain_passes(case in cases()) {
        let data = Data::new(&case);
        let (got, want) = (fast(&case, &data), with_job(&case, &data.widened(), plain));
        for (got, want) in [(&got.result, &want.result), (&got.sums, &want.sums), (&got.output, &want.output)] {
            for (&got, &want) in got.iter().zip(want) {
                let near = (f64::from(got) - want).abs() < 2e-4 * (1.0 + want.abs());
                prop_assert!(near || (got.is_nan() && want.is_nan()), "{got} for {want}");
            }
        }
    }

    /// Every element is one chain of fused multiply-adds, bit for bit.
    #[test]
    fn is_one_chain_whatever_the_tiles(case in cases()) {
        let case = Case { start: case.start.min(1), finish: 0, ..case };
        let data = Data::new(&case);
        let got = fast(&case, &data).result;
        let Case { m, inner, n, transposed, start, .. } = case;
        for i in 0..m {
            for j in 0..n {
                let mut sum = if start == 1 { data.starts[j] } else { 0.0 };
                for k in 0..inner {
                    let left = data.left[if transposed.0 { k * m + i } else { i * inner + k }];
                    let right = data.right[if transposed.1 { j * inner + k } else { k * n + j }];
                    sum = left.mul_add(right, sum);
                }
                prop_assert_eq!(got[i * n + j].to_bits(), sum.to_bits());
            }
        }
    }
}

/// The same with every start and finish, against the plain passes.
#[test]
fn long_and_wide_jobs_equal_the_plain_passes() {
    for (start, finish) in (0..3).flat_map(|start| (0..5).map(move |finish| (start, finish))) {
        for (inner, n, transposed) in [(1100, 40, (false, true)), (530, 530, (true, false))] {
            let case = Case { m: 50, inner, n, transposed, start, finish, seed: 5 };
            let data = Data::new(&case);
            let (got, want) = (fast(&case, &data), with_job(&case, &data.widened(), plain));
            for (got, want) in
                [(&got.result, &want.result), (&got.sums, &want.sums), (&got.output, &want.output)]
            {
                for (&got, &want) in got.iter().zip(want) {
                    // Sums of up to 1,100 products of standard normal numbers, then of up to 530 of those.
                    let near = (f64::from(got) - want).abs() < 1e-2 + 1e-4 * want.abs();
                    assert!(near || (got.is_nan() && want.is_nan()), "{case:?}: {got} for {want}");
                }
            }
        }
    }
}

/// Inner dimensions of several pieces, right factors whose panels are copied.
#[test]
fn long_and_wide_products_are_the_same_chains() {
    for (m, inner, n, transposed) in [
        (60, 1100, 40, (false, false)),
        (50, 600, 530, (true, false)),
        (49, 520, 33, (false, true)),
    ] {
        let case = Case { m, inner, n, transposed, start: 1, finish: 0, seed: 3 };
        let data = Data::new(&case);
        let got = fast(&case, &data).result;
        for (i, j) in [(0, 0), (m - 1, n - 1), (m / 2, n / 3)] {
            let mut sum = data.starts[j];
            for k in 0..inner {
                let left = data.left[if transposed.0 { k * m + i } else { i * inner + k }];
                let right = data.right[if transposed.1 { j * inner + k } else { k * n + j }];
                sum = left.mul_add(right, sum);
            }
            assert_eq!(got[i * n + j].to_bits(), sum.to_bits(), "{m} {inner} {n} at {i} {j}");
        }
    }
}

/// Gating by what the result held gives what gating by another place does, also where the inner dimension would
/// else go by in pieces.
#[test]
fn gating_in_place_is_gating() {
    for (m, inner, n) in [(60, 1100, 40), (50, 600, 530), (13, 7, 33), (1, 1, 1)] {
        let case = Case { m, inner, n, transposed: (false, false), start: 0, finish: 2, seed: 12 };
        let data = Data { rows: (0..m).collect(), ..Data::new(&case) };
        let (apart, in_place) = (fast(&case, &data), fast(&Case { finish: 3, ..case }, &data));
        assert_eq!(apart.result, in_place.result, "{m} {inner} {n}");
        let mut sums = vec![0.0; n];
        crate::nn::column_sums(&apart.result, &mut sums);
        assert_eq!(sums, in_place.sums);
    }
}

/// Narrower vectors, as other CPUs have them, give the same bits.
#[cfg(target_arch = "x86_64")]
#[test]
fn the_width_of_vectors_changes_nothing() {
    let Some(narrow) = pulp::x86::V3::try_new() else { return };
    for finish in 0..5 {
        for (m, n) in [(29, 77), (64, 64), (1, 5)] {
            let case =
                Case { m, inner: 37, n, transposed: (false, true), start: 2, finish, seed: 9 };
            let data = Data::new(&case);
            let of_narrow = with_job(&case, &data, |mut job, result| {
                let mut scratch = Scratch::default();
                let run = Run { job: &mut job, result, scratch: &mut scratch };
                assert!(Simd::vectorize(narrow, run));
            });
            let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            let wide = fast(&case, &data);
            assert_eq!(bits(&wide.result), bits(&of_narrow.result), "{finish} {m} {n}");
            assert_eq!(bits(&wide.sums), bits(&of_narrow.sums));
            assert_eq!(bits(&wide.output), bits(&of_narrow.output));
        }
    }
}

/// A number that is none stays one, so that it is noticed.
#[test]
fn nan_is_not_clipped() {
    let (left, right) = ([f32::NAN, 1.0], [1.0f32; 2]);
    for finish in [Finish::Keep, Finish::Relu] {
        let (left, right) = (MatRef::new(&left, 2, 1), MatRef::new(&right, 1, 2));
        let mut result = [0.0; 4];
        Fused { left, right, start: Start::Zero, finish }.run(&mut result);
        assert!(result[0].is_nan() && result[1].is_nan() && result[2] == 1.0);
    }
}

/// Columns that do not exist, beside infinite ones, count nothing.
#[test]
fn infinite_activations_reach_the_output_once() {
    for n in [1, 5, 8, 16, 24, 33, 40] {
        for (left, expected) in [(f32::INFINITY, 0.5), (-f32::INFINITY, f32::INFINITY)] {
            let (left, right, weights) = ([left], vec![-1.0f32; n], vec![1.0f32; n]);
            let (mut result, mut output) = (vec![0.0; n], [f32::NAN]);
            let job = Fused {
                left: MatRef::new(&left, 1, 1),
                right: MatRef::new(&right, 1, n),
                start: Start::Zero,
                finish: Finish::ReluDot {
                    weights: &weights,
                    bias: 0.5,
                    output: &mut output,
                    keep: false,
                },
            };
            job.run(&mut result);
            assert_eq!(output[0], expected, "{n}");
        }
    }
}

/// Without rows there is no gradient, and it is written all the same.
#[test]
fn no_rows_have_sums_of_zero() {
    let mut sums = [f32::NAN; 3];
    let job = Fused {
        left: MatRef::new(&[], 0, 2),
        right: MatRef::new(&[1.0f32; 6], 2, 3),
        start: Start::Zero,
        finish: Finish::GateInPlace { sums: &mut sums },
    };
    job.run(&mut []);
    assert_eq!(sums, [0.0; 3]);
}
