//! A distribution of one's own as policy: a sampler and a log density, and no calculus.
//!
//! `cargo run --release --example my_distribution`

use std::f64::consts::PI;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rlai::distribution::{Distribution, Number, Scored};
use rlai::env::{Action, BoxSpace, Environment, Space, Step, StepError};
use rlai::random::{Key, Stream};
use rlai::train::{Objective, Silent, Temperature, TrainConfig, TrainError, Trainer};

/// A von Mises distribution of a direction, `pi` times the action: log density `x cos + y sin - log
/// constant`. On a circle there is no edge, as a squashed normal would have.
#[derive(Debug)]
struct VonMises;

impl Distribution for VonMises {
    fn name(&self) -> &str {
        "von-mises"
    }

    fn parameters(&self) -> usize {
        2
    }

    fn coordinates(&self) -> usize {
        1
    }

    /// The rejection sampler of Best and Fisher (1979): no path leads through it to the parameters.
    fn sample(&self, xy: &[f64], random: &mut Stream, _: &mut [usize], action: &mut [f64]) {
        let kappa = xy[0].hypot(xy[1]);
        let tau = 1.0 + (1.0 + 4.0 * kappa * kappa).sqrt();
        let q = 2.0 * kappa / tau;
        let cosine = loop {
            let z = (PI * random.unit()).cos();
            let cosine = (q + z) / (1.0 + q * z);
            let (c, uniform) = (0.5 * tau - kappa * cosine, random.unit());
            if uniform < c * (2.0 - c) || (c / uniform).ln() + 1.0 >= c {
                break cosine.clamp(-1.0, 1.0);
            }
        };
        let sign = if random.unit() < 0.5 { -1.0 } else { 1.0 };
        let direction = xy[1].atan2(xy[0]) + sign * cosine.acos();
        action[0] = direction.sin().atan2(direction.cos()) / PI;
    }

    /// The constant is the mean of `exp(x cos + y sin)` all the way round, from 32 points.
    fn log_density<S: Number>(&self, xy: &[S], _: &[usize], action: &[S]) -> S {
        let energy = |direction: S| xy[0] * direction.cos() + xy[1] * direction.sin();
        let largest = xy[0].re().hypot(xy[1].re());
        let point = |i| S::from(f64::from(i) * PI / 16.0);
        let total: S = (0..32).map(|i| (energy(point(i)) - largest).exp()).sum();
        energy(action[0] * PI) - largest - (total / 16.0).ln()
    }

    fn mode(&self, xy: &[f64], _: &mut [usize], action: &mut [f64]) {
        action[0] = xy[1].atan2(xy[0]) / PI;
    }
}

/// A compass: one step, rewarded by the cosine of the angle between the direction asked for and taken.
struct Compass {
    observations: BoxSpace,
    actions: Space,
    wanted: f64,
}

impl Environment for Compass {
    fn id(&self) -> &str {
        "Compass-v0"
    }

    fn observation_space(&self) -> &BoxSpace {
        &self.observations
    }

    fn action_space(&self) -> &Space {
        &self.actions
    }

    fn reset(&mut self, random: &mut Stream, observation: &mut [f64]) -> Result<(), StepError> {
        self.wanted = random.uniform(-PI, PI);
        observation.copy_from_slice(&[self.wanted.cos(), self.wanted.sin()]);
        Ok(())
    }

    fn step(&mut self, action: Action<'_>, _: &mut [f64]) -> Result<Step, StepError> {
        let reward = (PI * action.get(0) - self.wanted).cos();
        Ok(Step { reward, terminated: true, truncated: false })
    }
}

fn compass() -> Box<dyn Environment> {
    let actions = Space::Box(BoxSpace::uniform(1, -1.0, 1.0));
    Box::new(Compass { observations: BoxSpace::uniform(2, -1.0, 1.0), actions, wanted: 0.0 })
}

/// At temperature 0.2 the optimal policy is a von Mises distribution of concentration 1/0.2 around the
/// wanted direction, whose mean reward is 0.893.
fn main() -> Result<(), TrainError> {
    for objective in [Objective::ForwardKl, Objective::ReverseKlScore] {
        let mut config = TrainConfig::defaults(objective, 1);
        (config.steps, config.learning_starts, config.samples) = (4000, 500, 8);
        (config.batch, config.hidden) = (64, vec![32, 32]);
        (config.critic_learning_rate, config.policy_learning_rate) = (3e-3, 1e-3);
        config.temperature = Temperature::Fixed(0.2);
        let head = Arc::new(Scored::new(VonMises));
        let mut trainer = Trainer::with_distribution(config, head, compass(), compass())?;
        trainer.run(&mut Silent, &AtomicBool::new(false))?;

        let (policy, mut random) = (trainer.policy(), Key::from_seed(1).stream("test"));
        let (mut drawn, mut steered, count) = (0.0, 0.0, 1000);
        for _ in 0..count {
            let wanted = random.uniform(-PI, PI);
            let seen = [wanted.cos(), wanted.sin()];
            let of = |action: f32| (PI * f64::from(action) - wanted).cos() / f64::from(count);
            steered += of(policy.act(&seen)[0]);
            drawn += of(policy.sample(&seen, &mut random).expect("finite parameters").numbers()[0]);
        }
        println!("{:16} mean reward {steered:.3}, of draws {drawn:.3}", objective.name());
        assert!(steered > 0.99, "the direction is found");
        assert!((drawn - 0.893).abs() < 0.04, "and the width that belongs to the temperature");
    }
    Ok(())
}
