//! How long each part of a training step takes, on one thread, with HalfCheetah's sizes (17 observed
//! numbers, 6 action coordinates, networks of 256x256, batches of 256) unless a name says otherwise.

mod environments;
mod estimators;
mod networks;
mod replay;
mod synthetic;
mod updates;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};

/// Short: all of them together take some minutes.
fn brief() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(20)
}

criterion_group!(
    name = parts;
    config = brief();
    targets =
        networks::products,
        networks::layers,
        networks::critics,
        estimators::estimators,
        replay::replay,
        environments::environments
);
criterion_group!(name = whole; config = brief(); targets = updates::updates);
criterion_main!(parts, whole);
