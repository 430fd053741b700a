//! `rlai study`: variants x seeds, compared in one figure.

mod dry_run;
mod go;
mod list;
mod on_slurm;
mod report;
mod resume;
mod run;
mod status;

use clap::Subcommand;
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use crate::error::Failure;

/// Compare variants over seeds
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai study run studies/first-look.toml
  rlai study status runs/first-look
  rlai study run --help               how a study's file is written")]
pub struct Args {
    #[command(subcommand)]
    command: StudyCommand,
}

#[derive(Subcommand, Debug)]
enum StudyCommand {
    Run(run::Args),
    Status(status::Args),
    Resume(resume::Args),
    Report(report::Args),
    List(list::Args),
}

/// Does what was asked of a study.
///
/// # Errors
/// Bad input, runs that failed, or a signal.
pub fn run(args: Args) -> Result<(), Failure> {
    match args.command {
        StudyCommand::Run(args) => run::run(&args),
        StudyCommand::Status(args) => status::run(&args),
        StudyCommand::Resume(args) => resume::run(&args),
        StudyCommand::Report(args) => report::run(&args),
        StudyCommand::List(args) => list::run(&args),
    }
}

/// A table without lines between its rows, of which there may be hundreds; numbers stand right.
fn table(header: &[&str], right: std::ops::RangeInclusive<usize>) -> Table {
    let line = LineStyle::none().fill('─').junction('─');
    let mut table = Table::new();
    table.load_style(TableStyle::new().top_border(line).header_separator(line).bottom_border(line));
    table.set_header(header.iter().copied());
    for column in right {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
