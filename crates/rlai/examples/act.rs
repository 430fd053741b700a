//! Plays a trained policy, without the program: `cargo run --release --example act -- RUN_FOLDER`.
//!
//! A folder to try it on: `rlai train --env Pendulum-v1 --steps 10000 --out runs/pendulum`.

use std::error::Error;

use rlai::Policy;
use rlai::env::{Action, make_builtin};
use rlai::random::Key;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args().nth(1).ok_or("usage: act RUN_FOLDER")?;
    let policy = Policy::load(dir)?;
    let id = policy.env().to_owned();
    let mut task = make_builtin(&id)
        .ok_or_else(|| format!("{id} is not built into the library; see rlai-mujoco"))?;
    let mut observation = vec![0.0; policy.observation_dimension()];
    task.reset(&mut Key::from_seed(0).stream("environment"), &mut observation)?;
    let mut total = 0.0;
    loop {
        let action = policy.act(&observation);
        let step = task.step(Action::F32(&action), &mut observation)?;
        total += step.reward;
        if step.ended() {
            break;
        }
    }
    println!("{id}: return {total:.1}");
    Ok(())
}
