use criterion::Criterion;
use rlai::env::{Action, Environment, Space, builtin_tasks, make_builtin};

use crate::synthetic::stream;

/// A step of each built-in task, its resets included. MuJoCo's: `cargo bench -p rlai-mujoco`.
pub fn environments(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("step");
    for task in builtin_tasks() {
        let mut env = make_builtin(&task.id).expect("a built-in task");
        let mut observation = vec![0.0; env.observation_space().dimension()];
        let mut random = stream("environment");
        let coordinates =
            vec![0.3f32; env.action_space().coordinates().map_or(0, |c| c.dimension())];
        let factors = match env.action_space() {
            Space::Factored(sizes) => vec![0; sizes.len()],
            _ => vec![],
        };
        let action = match env.action_space() {
            Space::Box(_) => Action::F32(&coordinates),
            Space::Discrete(_) => Action::Discrete(0),
            Space::Factored(_) => Action::Factored(&factors),
            Space::Hybrid { .. } => Action::Hybrid { choice: 0, coordinates: &coordinates },
        };
        env.reset(&mut random, &mut observation).expect("a task that starts");
        group.bench_function(&task.id, |bencher| {
            bencher.iter(|| {
                if env.step(action, &mut observation).expect("a task that goes on").ended() {
                    env.reset(&mut random, &mut observation).expect("a task that starts");
                }
            });
        });
    }
    group.finish();
}
