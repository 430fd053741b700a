//! Studies made for tests.

use super::study::{Method, Run, Standing, Study, Task};

/// A method with final returns by task and seed.
pub type Made<'a> = (&'a str, &'a [&'a [f64]]);

/// A study of methods on as many tasks as the first has; each run rises from 0 to its final return.
pub fn study(methods: &[Made<'_>]) -> Study {
    let tasks = methods[0].1.len();
    let mut runs = Vec::new();
    for (method, (_, finals)) in methods.iter().enumerate() {
        for (task, finals) in finals.iter().enumerate() {
            for (seed, &last) in finals.iter().enumerate() {
                runs.push(run((method, task, seed as u64), last));
            }
        }
    }
    let method = |(base, (label, _)): (usize, &Made<'_>)| Method {
        label: (*label).to_owned(),
        names: vec![(*label).to_owned()],
        base,
        base_label: (*label).to_owned(),
        grid: Vec::new(),
    };
    Study {
        name: "made".to_owned(),
        title: "Made runs".to_owned(),
        description: String::new(),
        tasks: (0..tasks).map(|i| Task { name: format!("T{i}"), reference: None }).collect(),
        methods: methods.iter().enumerate().map(method).collect(),
        runs,
        beyond: Vec::new(),
        episodes: (10, 10),
    }
}

/// A finished run with two evaluations.
pub fn run((method, task, seed): (usize, usize, u64), last: f64) -> Run {
    Run {
        name: format!("m{method}/seed{seed}"),
        method,
        task,
        seed,
        standing: Standing::Finished,
        returns: vec![(100.0, 0.0), (200.0, last)],
        seconds: Vec::new(),
        effective_sample_size: Vec::new(),
        entropy: Vec::new(),
        wall_time: None,
        damage: None,
    }
}
