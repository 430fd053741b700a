//! Updates for `tools/instructions.py` to count: nothing outside of [`measured_updates`] is counted.
//!
//! `instructions OBJECTIVE SAMPLES UPDATES`; given nothing, as by `cargo bench`, it does nothing.

#[path = "speed/synthetic.rs"]
mod synthetic;

use rlai::agent::Agent;
use rlai::replay::{Batch, ReplayBuffer};
use rlai::train::Objective;

use synthetic::{HALF_CHEETAH, stream};

const BATCH: usize = 256;

/// What is counted: its name switches the counting on and off.
#[inline(never)]
fn measured_updates(agent: &mut Agent<f32>, buffer: &ReplayBuffer, updates: usize) {
    update(agent, buffer, BATCH, updates);
}

fn update(agent: &mut Agent<f32>, buffer: &ReplayBuffer, size: usize, updates: usize) {
    let mut batch = Batch::new(size, HALF_CHEETAH.observation, HALF_CHEETAH.action);
    let mut random = stream("sampling");
    for _ in 0..updates {
        buffer.sample(&mut random, size, 1, 0.99, &mut batch);
        agent.update(&batch, 1.0).expect("finite numbers");
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [objective, samples, updates] = &arguments[..] else {
        println!("counted by tools/instructions.py");
        return;
    };
    let number = |text: &str| text.parse::<usize>().expect("a whole number");
    let (samples, updates) = (number(samples), number(updates));
    let objective = Objective::ALL.into_iter().find(|known| known.name() == objective);
    let objective = objective.expect("the name of an objective");
    let buffer = HALF_CHEETAH.replay(2_000);
    // What happens once in a process: features of the processor looked up, room for products. A small
    // batch does it too, and a simulated processor is slow.
    let mut small = HALF_CHEETAH.agent(objective, samples, 8);
    update(&mut small, &buffer, 8, 2);
    let mut agent = HALF_CHEETAH.agent(objective, samples, BATCH);
    measured_updates(&mut agent, &buffer, updates);
    assert!(agent.check_parameters().is_ok());
}
