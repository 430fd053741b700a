//! `rlai inspect`: what a run, or one of its checkpoints, holds, and whether it is whole.

mod look;

use std::path::PathBuf;

use crate::error::Failure;
use look::{CheckpointReport, RunReport};

/// Tell what a run or a checkpoint holds, and whether it is whole
///
/// Every file that a checkpoint names is read and compared with its hash. Nothing is changed. The exit
/// code is 0 if all is whole, 1 if something is damaged, 2 if there is no run.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai inspect runs/Pendulum-v1-reverse-kl-seed0
  rlai inspect runs/Pendulum-v1-reverse-kl-seed0/attempt-1/checkpoints/000000010000 --json")]
pub struct Args {
    /// Folder of a run, or of a checkpoint
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Looks, and tells.
///
/// # Errors
/// No run there, or something that is damaged.
pub fn run(args: Args) -> Result<(), Failure> {
    let (text, json, damaged) = if look::is_checkpoint(&args.dir) {
        let report = CheckpointReport::of(&args.dir);
        (report.line(), serde_json::to_string(&report), usize::from(report.damage.is_some()))
    } else {
        let report = look_twice(&args.dir)?;
        (report.text(), serde_json::to_string(&report), report.damaged())
    };
    if args.json {
        line_out!("{}", json.map_err(Failure::running)?);
    } else {
        line_out!("{text}");
    }
    match damaged {
        0 => Ok(()),
        1 => Err(Failure::running(format!("{}: 1 thing is damaged", args.dir.display()))),
        count => {
            Err(Failure::running(format!("{}: {count} things are damaged", args.dir.display())))
        }
    }
}

/// How often a run is looked at before what is missing counts as damaged.
const LOOKS: usize = 20;

/// A run that is being written drops its oldest checkpoint and the segments that only this one needed:
/// what was listed a moment ago may be gone. What is damaged stays so.
fn look_twice(dir: &std::path::Path) -> Result<RunReport, Failure> {
    let mut report = RunReport::of(dir)?;
    for _ in 1..LOOKS {
        if report.damaged() == 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        report = RunReport::of(dir)?;
    }
    Ok(report)
}
