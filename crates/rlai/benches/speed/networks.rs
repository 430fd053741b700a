use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput};
use rlai::critic::{Networks, TwinCritic};
use rlai::env::ActionShape;
use rlai::nn::{MatRef, Mlp, ProductShape, Team, Weights, multiply, product};
use rlai::random::Key;
use rlai::train::{Objective, TrainConfig, work};

use crate::synthetic::{HALF_CHEETAH, Sizes, stream};

const HUMANOID: Sizes = Sizes { observation: 348, action: 17 };

fn normals(count: usize) -> Vec<f32> {
    let mut values = vec![0.0; count];
    stream("normals").fill_normal(&mut values);
    values
}

/// The larger products of an update on both tasks, by the kernels that networks use and by `gemm`; rates are in floating-point operations a second.
pub fn products(criterion: &mut Criterion) {
    let mut shapes: Vec<ProductShape> = vec![];
    for Sizes { observation, action } in [HALF_CHEETAH, HUMANOID] {
        let config = TrainConfig::defaults(Objective::ReverseKl, action);
        for shape in work::product_shapes(&config, observation, &ActionShape::of_box(action)) {
            if !shapes.contains(&shape) {
                shapes.push(shape);
            }
        }
    }
    let mut group = criterion.benchmark_group("product");
    for ProductShape { rows, inner, cols, transposed } in shapes {
        let (a, b) = (normals(rows * inner), normals(inner * cols));
        let mut c = vec![0.0; rows * cols];
        let left = if transposed {
            MatRef::new(&a, inner, rows).transposed()
        } else {
            MatRef::new(&a, rows, inner)
        };
        let name = format!("{rows}x{inner}{}x{cols}", if transposed { "t" } else { "" });
        group.throughput(Throughput::Elements(2 * (rows * inner * cols) as u64));
        let right = || MatRef::new(black_box(&b[..]), inner, cols);
        group.bench_function(format!("{name} own"), |bencher| {
            bencher.iter(|| multiply(&mut c, left, right()));
        });
        group.bench_function(format!("{name} gemm"), |bencher| {
            bencher.iter(|| product(&mut c, left, right(), false));
        });
    }
    group.finish();
}

/// Networks of a single layer, and the whole policy and critic, both ways.
pub fn layers(criterion: &mut Criterion) {
    let rows = 256;
    let mut group = criterion.benchmark_group("layers");
    for widths in [&[23, 256][..], &[256, 256], &[256, 1], &[17, 256, 256, 12], &[23, 256, 256, 1]]
    {
        let net = Mlp::new(widths);
        let weights = Weights::new(&net, &net.initialise::<f32>(&mut stream("parameters")));
        let (input, d_output) = (normals(rows * net.inputs()), normals(rows * net.outputs()));
        let mut room = net.activations(rows);
        let mut gradient = vec![0.0; net.parameter_count()];
        let name = widths.iter().map(usize::to_string).collect::<Vec<_>>().join("-");
        group.bench_function(format!("{name}/forward"), |bencher| {
            bencher.iter(|| net.forward(weights.parameters(), black_box(&input), &mut room));
        });
        group.bench_function(format!("{name}/backward"), |bencher| {
            let d_output = black_box(&d_output);
            net.forward(weights.parameters(), &input, &mut room);
            bencher.iter_batched_ref(
                || room.clone(),
                |room| net.backward(&weights, &input, d_output, &mut gradient, room),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// Both critics at N actions in each of 256 states, alone and with the gradient in the action.
pub fn critics(criterion: &mut Criterion) {
    let (states, Sizes { observation, action }) = (256, HALF_CHEETAH);
    let critic =
        TwinCritic::<f32>::new(observation, action, &[256, 256], states, &Key::from_seed(0));
    let seen = normals(states * observation);
    let mut group = criterion.benchmark_group("critics");
    for samples in [1, 16] {
        let actions = normals(states * samples * action);
        let mut room = critic.value_room(states, samples);
        let mut q = vec![0.0; states * samples];
        let mut dq_da = vec![0.0; actions.len()];
        let mut value = |gradient: Option<&mut [f32]>| {
            let (alone, current) = (Team::default(), Networks::Current);
            critic.values(&alone, current, &seen, &actions, &mut room, &mut q, gradient);
        };
        group.bench_function(format!("N={samples}/values"), |bencher| {
            bencher.iter(|| value(None));
        });
        group.bench_function(format!("N={samples}/values and gradient"), |bencher| {
            bencher.iter(|| value(Some(&mut dq_da)));
        });
    }
    group.finish();
}
