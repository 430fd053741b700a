//! `rlai setup`: what is fetched on first use, fetched ahead of time.

use crate::error::Failure;

/// Fetch and verify MuJoCo and the models ahead of time
///
/// They are looked for in MUJOCO_DIR, in the cache (RLAI_CACHE, else the system's cache folder) and
/// in installed Python packages, and otherwise fetched once with pip.
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Fetches what is missing.
///
/// # Errors
/// Bad environment when something cannot be had.
pub fn run(_args: Args) -> Result<(), Failure> {
    let installation =
        rlai_mujoco::setup(&mut |line| line_err!("{line}")).map_err(Failure::input)?;
    line_out!("MuJoCo {}: {}", rlai_mujoco::VERSION, installation.library.display());
    line_out!("models: {} of {0}", installation.models.len());
    Ok(())
}
