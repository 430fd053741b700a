//! `rlai export`: metrics for other programs.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::error::Failure;
use crate::export::{Table, write_csv, write_parquet, write_tensorboard};
use crate::text::thousands;

/// Write the metrics of runs and studies as CSV, Parquet or TensorBoard event files
///
/// Every line of metrics.jsonl becomes a row with the study, variant, task, objective and seed that it is
/// of. Of a run that has not finished, the newest lines are taken; it may go on meanwhile.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai export runs/Pendulum-v1-reverse-kl-seed0 --format csv --out metrics.csv
  rlai export runs/first-look runs/mine --format parquet --out metrics.parquet
  rlai export runs/first-look --format tensorboard --out board
  tensorboard --logdir board")]
pub struct Args {
    /// Folders of runs and of studies
    #[arg(value_name = "DIR", required = true)]
    dirs: Vec<PathBuf>,
    /// How it is written
    #[arg(long, value_name = "FORMAT")]
    format: Format,
    /// File that ends in .csv or .parquet; for tensorboard a folder, which gets one for each run
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// A table as text
    Csv,
    /// A table with types
    Parquet,
    /// Event files
    Tensorboard,
}

/// Exports.
///
/// # Errors
/// Bad input, or a file that cannot be written.
pub fn run(args: Args) -> Result<(), Failure> {
    check_out(&args.out, args.format)?;
    let table = Table::of(&args.dirs)?;
    let written = match args.format {
        Format::Csv => write_csv(&table, &args.out),
        Format::Parquet => write_parquet(&table, &args.out),
        Format::Tensorboard => write_tensorboard(&table, &args.out),
    }?;
    if args.json {
        line_out!("{}", serde_json::to_string(&written).map_err(Failure::running)?);
        return Ok(());
    }
    let runs = if written.runs == 1 { "run" } else { "runs" };
    let (count, rows, out) = (written.runs, thousands(written.rows), args.out.display());
    line_out!("{count} {runs}, {rows} lines: {out}");
    Ok(())
}

/// Nothing of a run is ever overwritten: its own files end otherwise.
fn check_out(out: &Path, format: Format) -> Result<(), Failure> {
    let refused = |what| Err(Failure::input(format!("out = \"{}\": {what}", out.display())));
    let ending = match format {
        Format::Csv => "csv",
        Format::Parquet => "parquet",
        Format::Tensorboard if out.exists() && !out.is_dir() => {
            return refused("a folder for the event files".to_owned());
        }
        Format::Tensorboard => return Ok(()),
    };
    if out.extension().is_none_or(|given| given != ending) {
        return refused(format!("a file that ends in .{ending}"));
    }
    if out.is_dir() {
        return refused("a file, and this is a folder".to_owned());
    }
    match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() && !parent.is_dir() => {
            refused(format!("there is no folder {}", parent.display()))
        }
        _ => Ok(()),
    }
}
