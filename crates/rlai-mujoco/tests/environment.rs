//! What every MuJoCo task promises as an environment.

mod support;

use rlai::env::{Action, Environment, StepError, TaskInfo};
use rlai::random::Key;

/// The task with its time limit, or none where no libmujoco can be had.
fn make(id: &str) -> Option<Box<dyn Environment>> {
    support::make(id)?;
    rlai_mujoco::make(id).map(|made| made.expect("its model was loaded a moment ago"))
}

fn observation_of(task: &dyn Environment) -> Vec<f64> {
    vec![f64::NAN; task.observation_space().dimension()]
}

#[test]
fn every_listed_task_can_be_made_and_is_what_the_list_says() {
    let tasks = rlai_mujoco::tasks();
    assert_eq!(tasks.len(), 10);
    for info in tasks {
        let Some(mut task) = make(&info.id) else { return };
        assert_eq!(TaskInfo::of(task.as_ref()), info);
        let mut observation = observation_of(task.as_ref());
        task.reset(&mut Key::from_seed(0).stream("environment"), &mut observation).unwrap();
        assert!(observation.iter().all(|value| value.is_finite()), "{} fills all", info.id);
    }
}

#[test]
fn an_unknown_task_is_none() {
    assert!(rlai_mujoco::make("HalfCheetah-v3").is_none());
    assert!(rlai_mujoco::make_unlimited("halfcheetah-v5").is_none());
}

#[test]
fn an_episode_is_truncated_after_1000_steps_and_never_terminates_in_half_cheetah() {
    let Some(mut task) = make("HalfCheetah-v5") else { return };
    let mut observation = observation_of(task.as_ref());
    task.reset(&mut Key::from_seed(1).stream("environment"), &mut observation).unwrap();
    for t in 1..=1000 {
        let step = task.step(Action::F32(&[0.3; 6]), &mut observation).unwrap();
        assert!(!step.terminated);
        assert_eq!(step.truncated, t == 1000, "step {t}");
    }
}

#[test]
fn resets_are_drawn_from_the_stream() {
    let Some(mut task) = make("Hopper-v5") else { return };
    let mut reset = |seed| {
        let mut observation = observation_of(task.as_ref());
        task.reset(&mut Key::from_seed(seed).stream("environment"), &mut observation).unwrap();
        observation
    };
    let first = reset(1);
    assert_eq!(first, reset(1));
    assert_ne!(first, reset(2));
    // The default state is height 1.25 and zero elsewhere; the noise is within 0.005.
    assert!((first[0] - 1.25).abs() <= 5e-3);
    assert!(first[1..].iter().all(|value| value.abs() <= 5e-3 && *value != 0.0), "{first:?}");
}

#[test]
fn velocities_of_half_cheetah_start_normal() {
    let Some(mut task) = make("HalfCheetah-v5") else { return };
    let mut random = Key::from_seed(3).stream("environment");
    let mut observation = observation_of(task.as_ref());
    let mut velocities = Vec::new();
    for _ in 0..500 {
        task.reset(&mut random, &mut observation).unwrap();
        assert!(observation[..8].iter().all(|position| position.abs() <= 0.1));
        velocities.extend_from_slice(&observation[8..]);
    }
    let n = velocities.len() as f64;
    let variance = velocities.iter().map(|v| v * v).sum::<f64>() / n;
    // The variance of a squared normal number is twice its squared variance.
    assert!((variance - 0.01).abs() < 5.0 * 0.01 * (2.0 / n).sqrt(), "{variance}");
    assert!(velocities.iter().any(|v| v.abs() > 0.2), "not a uniform distribution");
}

#[test]
fn equal_actions_give_equal_bits_on_every_thread() {
    let play = || {
        let mut task = make("Ant-v5")?;
        let mut observation = observation_of(task.as_ref());
        task.reset(&mut Key::from_seed(5).stream("environment"), &mut observation).unwrap();
        let mut total = 0.0;
        for t in 0..200 {
            let action = [(f64::from(t) * 0.3).sin(); 8];
            total += task.step(Action::F64(&action), &mut observation).unwrap().reward;
        }
        Some((total.to_bits(), observation))
    };
    let threads: Vec<_> = (0..3).map(|_| std::thread::spawn(play)).collect();
    let results: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(results.iter().all(|result| *result == results[0]));
}

#[test]
fn states_and_actions_that_do_not_fit_are_refused() {
    let Some(mut task) = support::make("Walker2d-v4") else { return };
    let mut observation = observation_of(task.as_ref());
    let refused = |result: Result<(), StepError>, text: &str| match result {
        Err(StepError::State(message)) => assert!(message.contains(text), "{message}"),
        other => panic!("{other:?}"),
    };
    refused(task.set_state(&[0.0; 8], &[0.0; 9], &mut observation), "8 values: 9 expected");
    refused(task.set_state(&[0.0; 9], &[0.0; 1], &mut observation), "1 values: 9 expected");
    let mut qvel = [0.0; 9];
    qvel[3] = f64::NAN;
    refused(task.set_state(&[0.0; 9], &qvel, &mut observation), "qvel[3] = NaN");
    let step = task.step(Action::F32(&[0.0; 5]), &mut observation);
    refused(step.map(drop), "5 coordinates: 6 expected");
}

#[test]
fn a_silent_reset_of_mujoco_is_an_error() {
    let Some(mut task) = support::make("HalfCheetah-v5") else { return };
    let mut observation = observation_of(task.as_ref());
    let unstable = |result: Result<_, StepError>| matches!(result, Err(StepError::Unstable(_)));

    task.set_state(&[0.0; 9], &[1e12; 9], &mut observation).unwrap();
    assert!(unstable(task.step(Action::F32(&[0.0; 6]), &mut observation)), "huge velocity");

    task.set_state(&[0.0; 9], &[0.0; 9], &mut observation).unwrap();
    assert!(
        unstable(task.step(Action::F32(&[f32::NAN; 6]), &mut observation)),
        "NaN in the action"
    );

    task.set_state(&[0.0; 9], &[0.0; 9], &mut observation).unwrap();
    let step = task.step(Action::F32(&[0.0; 6]), &mut observation);
    assert!(step.is_ok(), "a new start is stable again");
}

#[test]
fn mujoco_writes_no_log_file() {
    if make("HalfCheetah-v5").is_some() {
        assert!(!std::path::Path::new("MUJOCO_LOG.TXT").exists());
    }
}
