//! A task of one's own, checked and learned: `cargo run --release --example my_environment`.
//!
//! A point is pushed towards a place of its own; the nearer, the better. A task needs its name, its
//! spaces, `reset` and `step`.

use std::error::Error;
use std::sync::atomic::AtomicBool;

use rlai::env::{Action, BoxSpace, Environment, Outcome, Space, Step, StepError, TimeLimit, check};
use rlai::random::{Key, Stream};
use rlai::train::{Objective, Silent, TrainConfig, Trainer, play};

struct Push {
    seen: BoxSpace,
    push: Space,
    /// Where the point is, and where it should be.
    state: [f64; 2],
}

impl Environment for Push {
    fn id(&self) -> &str {
        "Push-v0"
    }
    fn observation_space(&self) -> &BoxSpace {
        &self.seen
    }
    fn action_space(&self) -> &Space {
        &self.push
    }
    fn reset(&mut self, random: &mut Stream, seen: &mut [f64]) -> Result<(), StepError> {
        self.state = [random.uniform(-1.0, 1.0), random.uniform(-1.0, 1.0)];
        seen.copy_from_slice(&self.state);
        Ok(())
    }
    fn step(&mut self, action: Action<'_>, seen: &mut [f64]) -> Result<Step, StepError> {
        self.state[0] = (self.state[0] + 0.3 * action.get(0)).clamp(-1.0, 1.0);
        seen.copy_from_slice(&self.state);
        let reward = -(self.state[0] - self.state[1]).abs();
        Ok(Step { reward, terminated: false, truncated: false })
    }
}

fn task() -> TimeLimit<Push> {
    let push = BoxSpace::uniform(1, -1.0, 1.0).into();
    let task = Push { seen: BoxSpace::uniform(2, -1.0, 1.0), push, state: [0.0; 2] };
    TimeLimit::new(task, 20)
}

fn main() -> Result<(), Box<dyn Error>> {
    for finding in check(task(), task(), &Default::default()) {
        println!("{:12} {:?}: {}", finding.check, finding.outcome, finding.detail);
        if finding.outcome == Outcome::Fail {
            return Err("the task breaks the contract".into());
        }
    }
    let mut config = TrainConfig::defaults(Objective::ForwardKl, 1);
    (config.hidden, config.threads) = (vec![32, 32], 1);
    (config.steps, config.learning_starts) = (4000, 500);
    let mut trainer = Trainer::new(config, Box::new(task()), Box::new(task()))?;
    let starts = || Key::from_seed(1).stream("starts");
    let before = play(&trainer.policy(), &mut task(), 50, &mut starts())?;
    trainer.run(&mut Silent, &AtomicBool::new(false))?;
    let after = play(&trainer.policy(), &mut task(), 50, &mut starts())?;
    println!("return before {:.2}, after {:.2}", before.return_mean, after.return_mean);
    Ok(())
}
