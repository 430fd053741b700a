//! The engine `slurm`: runs of a study as tasks of job arrays.
//!
//! Slurm only hands out slots. Whether a run has finished is told by its files alone, since Slurm calls
//! runs failed that have saved themselves, starts others twice, and forgets them all after a while; what
//! it says of a run only explains. Whatever has no valid result and is neither queued nor running is
//! submitted again: that, and the claims on a run's folder, make every run end with one result.

mod choose;
mod explain;
mod queue;
mod record;
mod round;
mod script;
mod submit;
mod tool;

pub use choose::Choice;
pub use explain::Place;
pub use round::Round;

use std::fs;
use std::path::Path;

use super::plan::Plan;
use crate::error::Failure;
use record::Record;

/// The folder of submissions, scripts and logs in the study's.
pub const FOLDER: &str = "slurm";

/// Refuses before anything is created where there is no Slurm.
///
/// # Errors
/// Its programs are not there.
pub fn check_installed() -> Result<(), Failure> {
    for program in ["sbatch", "squeue"] {
        tool::output(program, &["--version".to_owned()]).map_err(|why| {
            Failure::input(format!(
                "engine = \"slurm\": Slurm's programs cannot be called here: {why}"
            ))
        })?;
    }
    Ok(())
}

/// Whether runs of the study were submitted to Slurm.
pub fn was_used(plan: &Plan) -> bool {
    Record::read(&plan.out).jobs().next().is_some()
}

/// What the names of a study's jobs begin with. The folder is part of it: a study may be run in several.
pub fn job_prefix(study: &str, out: &Path) -> String {
    let out = fs::canonicalize(out).unwrap_or_else(|_| out.to_owned());
    let hash = blake3::hash(out.as_os_str().as_encoded_bytes()).to_hex();
    format!("rlai.{study}.{}.", &hash[..8])
}
