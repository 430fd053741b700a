//! `rlai env`: the tasks.

mod check;
pub mod rollout;

use comfy_table::{Table, presets};
use rlai::env::{BoxSpace, Space, TaskInfo};
use serde_json::{Value, json};

use crate::error::Failure;
use crate::tasks;

/// List tasks, check one, or replay actions in one
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    List(ListArgs),
    Check(check::Args),
    Rollout(rollout::Args),
}

/// Name every task with its spaces
#[derive(clap::Args, Debug)]
struct ListArgs {
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Runs the subcommand.
///
/// # Errors
/// Bad input, or a check or a rollout that failed.
pub fn run(args: Args) -> Result<(), Failure> {
    match args.command {
        Command::List(args) => {
            list(args.json);
            Ok(())
        }
        Command::Check(args) => check::run(args),
        Command::Rollout(args) => rollout::run(args),
    }
}

fn list(as_json: bool) {
    let tasks = tasks::all();
    if as_json {
        let tasks: Vec<Value> = tasks.iter().map(task_json).collect();
        line_out!("{}", json!({ "tasks": tasks }));
        return;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["task", "observation", "action", "episode"]);
    for task in &tasks {
        let limit = task.time_limit.map_or("no limit".to_owned(), |limit| format!("{limit} steps"));
        table.add_row([
            task.id.clone(),
            task.observation.to_string(),
            task.action.to_string(),
            limit,
        ]);
    }
    line_out!("{}", table.trim_fmt());
    line_out!(
        "\nFrom files: tabular:FILE.json, grid:FILE.txt (and -stationary). Probes: probe:KIND:SPACE, such as probe:delay:box."
    );
}

fn task_json(task: &TaskInfo) -> Value {
    json!({
        "id": task.id,
        "observation": space_json(&task.observation),
        "action": match &task.action {
            Space::Box(space) => space_json(space),
            Space::Discrete(choices) => json!({ "choices": choices }),
            Space::Factored(factors) => json!({ "factors": factors }),
            Space::Hybrid { choices, coordinates } => {
                json!({ "choices": choices, "coordinates": space_json(coordinates) })
            }
        },
        "time_limit": task.time_limit,
    })
}

/// JSON has no infinity: the bounds of an unbounded space are null.
fn space_json(space: &BoxSpace) -> Value {
    let bounds = |values: &Vec<f64>| space.is_bounded().then(|| values.clone());
    json!({
        "dimension": space.dimension(),
        "low": bounds(&space.low),
        "high": bounds(&space.high),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unbounded_space_has_null_for_bounds() {
        let space = space_json(&BoxSpace::unbounded(3));
        assert_eq!(space, json!({ "dimension": 3, "low": null, "high": null }));
        let space = space_json(&BoxSpace::uniform(2, -1.0, 1.0));
        assert_eq!(space, json!({ "dimension": 2, "low": [-1.0, -1.0], "high": [1.0, 1.0] }));
    }
}
