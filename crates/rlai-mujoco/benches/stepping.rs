//! What every task's step costs beside the simulator alone, `frame_skip` times `mj_step` and
//! `mj_rnePostConstraint`: `cargo bench -p rlai-mujoco [-- STEPS]`.
//!
//! Both go through the same states with the same actions, in turns, each first in every second step. The task
//! is what a training loop steps: actions rescaled from [-1,1], time limit, checks, observation, reward. Exits
//! with 1 if a median is more than 5% and more than 2 microseconds above the simulator's, with 77 if MuJoCo
//! cannot be had.

use std::process::ExitCode;
use std::time::Instant;

use rlai::env::{Action, Environment, Rescaled};
use rlai::random::Key;
use rlai_mujoco::{AssetError, Bare};

const ALLOWED_SHARE: f64 = 0.05;
const ALLOWED_MICROSECONDS: f64 = 2.0;

/// Medians in microseconds.
struct Times {
    task: f64,
    simulator: f64,
}

impl Times {
    fn extra(&self) -> f64 {
        self.task - self.simulator
    }

    fn is_allowed(&self) -> bool {
        self.extra() <= ALLOWED_MICROSECONDS.max(ALLOWED_SHARE * self.simulator)
    }
}

fn main() -> ExitCode {
    let steps = std::env::args().skip(1).find_map(|text| text.parse().ok()).unwrap_or(2_000);
    println!("{:<16}{:>10}{:>14}{:>12}", "median, us", "task", "simulator", "more");
    let mut good = true;
    for task in rlai_mujoco::tasks() {
        let times = match measure(&task.id, steps) {
            Ok(times) => times,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::from(77);
            }
        };
        let verdict = if times.is_allowed() { "" } else { "  too much" };
        let share = 100.0 * times.extra() / times.simulator;
        println!(
            "{:<16}{:>10.2}{:>14.2}{:>6.2} {share:>4.1}%{verdict}",
            task.id,
            times.task,
            times.simulator,
            times.extra()
        );
        good &= times.is_allowed();
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn measure(id: &str, steps: usize) -> Result<Times, AssetError> {
    let mut task = Rescaled::new(rlai_mujoco::make(id).expect("a task of this name")?)
        .expect("a box of actions");
    let mut simulator = Bare::new(id).expect("a task of this name")?;
    let key = Key::from_seed(0);
    let (mut starts, mut actions) = (key.stream("environment"), key.stream("actions"));
    let mut observation = vec![0.0; task.observation_space().dimension()];
    let mut action = vec![0.0f32; task.action_space().coordinates().map_or(0, |c| c.dimension())];
    let limit = task.task_box().high[0] as f32;
    let (mut of_task, mut of_simulator) = (Vec::with_capacity(steps), Vec::with_capacity(steps));
    let mut ended = true;
    for step in 0..steps {
        if ended {
            task.reset(&mut starts, &mut observation).expect("a task that starts");
            simulator.restore(&task.snapshot().expect("a task of MuJoCo has snapshots"));
        }
        action.fill_with(|| actions.uniform(-1.0, 1.0) as f32);
        let control: Vec<f64> = action.iter().map(|&a| to_box(a, limit)).collect();
        let mut play = || {
            let (seconds, step) = timed(|| task.step(Action::F32(&action), &mut observation));
            of_task.push(seconds);
            ended = step.expect("a task that goes on").ended();
        };
        if step % 2 == 0 {
            play();
            of_simulator.push(timed(|| simulator.step(&control)).0);
        } else {
            of_simulator.push(timed(|| simulator.step(&control)).0);
            play();
        }
    }
    let same = task.snapshot().expect("a task of MuJoCo has snapshots");
    assert!(same.starts_with(&simulator.snapshot()), "both went through the same states");
    Ok(Times { task: median(of_task), simulator: median(of_simulator) })
}

/// As [`Rescaled`] does for a box of plus or minus `limit`.
fn to_box(a: f32, limit: f32) -> f64 {
    f64::from((-limit + 0.5 * (a + 1.0) * (limit + limit)).clamp(-limit, limit))
}

fn timed<R>(work: impl FnOnce() -> R) -> (f64, R) {
    let start = Instant::now();
    let result = work();
    (start.elapsed().as_secs_f64(), result)
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    1e6 * seconds[seconds.len() / 2]
}
