//! Every task agrees with Gymnasium to the last bit.

mod golden;
mod support;

use rlai::env::Environment;

use crate::golden::Golden;

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn check(task: &mut dyn Environment, golden: &Golden, name: &str) {
    let width = task.action_space().as_box().expect("a box of actions").dimension();
    let mut observation = vec![0.0; task.observation_space().dimension()];
    let expected: Vec<_> = golden.observations.chunks_exact(observation.len()).collect();
    assert_eq!(expected.len(), golden.rewards.len() + 1, "{name}: one observation a step");

    task.set_state(&golden.qpos, &golden.qvel, &mut observation).unwrap();
    assert_eq!(bits(&observation), bits(expected[0]), "{name}: first observation");
    for t in 0..golden.rewards.len() {
        let step = task.step(golden.actions.row(t, width), &mut observation).unwrap();
        assert_eq!(bits(&observation), bits(expected[t + 1]), "{name}: observation {t}");
        assert_eq!(step.reward.to_bits(), golden.rewards[t].to_bits(), "{name}: reward {t}");
        assert_eq!(step.terminated, golden.terminated[t], "{name}: termination {t}");
        assert!(!step.truncated);
    }
}

/// Plays each golden rollout twice, so that nothing of the first may remain in the second.
fn check_family(family: &str) {
    for version in ["v5", "v4"] {
        let id = format!("{family}-{version}");
        let Some(mut task) = support::make(&id) else { return };
        for precision in ["float32", "float64"] {
            let golden = Golden::read(&id, precision);
            let name = format!("{id} {precision}");
            check(task.as_mut(), &golden, &name);
            check(task.as_mut(), &golden, &format!("{name} again"));
        }
    }
}

#[test]
fn hopper() {
    check_family("Hopper");
}

#[test]
fn walker2d() {
    check_family("Walker2d");
}

#[test]
fn half_cheetah() {
    check_family("HalfCheetah");
}

#[test]
fn ant() {
    check_family("Ant");
}

#[test]
fn humanoid() {
    check_family("Humanoid");
}
