//! `rlai study list`: the studies in a folder.

use std::path::{Path, PathBuf};

use comfy_table::Table;
use serde::Serialize;

use crate::error::Failure;
use crate::run_folder::{Life, RESULT};
use crate::source::Source;
use crate::study::{Plan, folder, owner};

/// List the studies in a folder and beneath it, and how many of their runs have finished
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai study list
  rlai study list /scratch/runs --json")]
pub struct Args {
    /// Folder to look in
    #[arg(value_name = "DIR", default_value = "runs")]
    dir: PathBuf,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listing {
    studies: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    out: PathBuf,
    name: Option<String>,
    runs: usize,
    /// Runs that have a result.
    finished: usize,
    /// A process on this machine runs it.
    running: bool,
    /// Why its file cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<String>,
}

/// Lists.
///
/// # Errors
/// No such folder.
pub fn run(args: &Args) -> Result<(), Failure> {
    if !args.dir.is_dir() {
        return Err(Failure::input(format!("{}: there is no such folder", args.dir.display())));
    }
    let studies: Vec<Entry> = folder::studies(&args.dir).iter().map(|dir| Entry::of(dir)).collect();
    if args.json {
        let text = serde_json::to_string(&Listing { studies }).map_err(Failure::running)?;
        line_out!("{text}");
    } else if studies.is_empty() {
        line_out!("no studies in {}", args.dir.display());
    } else {
        line_out!("{}", table(&studies));
    }
    Ok(())
}

impl Entry {
    /// Only whether there are results is looked at, not what they say: `study status` does.
    fn of(dir: &Path) -> Self {
        let running = owner(dir).is_some_and(|(_, life)| life == Life::Alive);
        let mut entry =
            Self { out: dir.to_owned(), name: None, runs: 0, finished: 0, running, damage: None };
        let plan = Source::read(&dir.join(folder::STUDY))
            .and_then(|source| Plan::parse(&source, Some(dir.to_owned())));
        match plan {
            Ok(plan) => {
                let has_result = |run: &&_| plan.folder(run).join(RESULT).is_file();
                entry.runs = plan.runs.len();
                entry.finished = plan.runs.iter().filter(has_result).count();
                entry.name = Some(plan.name);
            }
            Err(failure) => entry.damage = Some(failure.to_string()),
        }
        entry
    }

    fn state(&self) -> String {
        match (&self.damage, self.running) {
            (Some(damage), _) => damage.clone(),
            (None, true) => "running".to_owned(),
            (None, false) if self.finished == self.runs => "finished".to_owned(),
            (None, false) => "unfinished".to_owned(),
        }
    }
}

fn table(studies: &[Entry]) -> Table {
    let mut table = super::table(&["study", "folder", "finished", "state"], 2..=2);
    for entry in studies {
        let name = entry.name.clone().unwrap_or_else(|| "?".to_owned());
        let finished = format!("{} of {}", entry.finished, entry.runs);
        table.add_row([name, entry.out.display().to_string(), finished, entry.state()]);
    }
    table
}
