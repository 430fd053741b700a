//! `rlai env check`: does a task keep the contract of environments?

use comfy_table::{Table, presets};
use rlai::env::{CheckOptions, Finding, Outcome, check};
use serde_json::{Value, json};

use crate::error::Failure;
use crate::tasks;

/// Most steps of one check.
const MOST_STEPS: i64 = 1_000_000;

/// Check a task's contract with random actions
///
/// Plays two instances and tells what holds: observations lie in their space, rewards are finite, ends
/// are one of terminated and truncated, the time limit holds, equal seeds give equal episodes, a reset
/// restarts, and a snapshot, where offered, is the whole state.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Exits with 1 if a check fails.

Examples:
  rlai env check CartPole-v1
  rlai env check grid:examples/grid.txt --seed 3 --json")]
pub struct Args {
    /// Task, as `rlai env list` names it; also tabular:FILE.json, grid:FILE.txt and probe:KIND:SPACE
    #[arg(value_name = "ID")]
    env: String,
    /// Seed of the task and of the actions
    #[arg(long, value_name = "K", default_value_t = 0, allow_negative_numbers = true)]
    seed: i64,
    /// Steps to play
    #[arg(long, value_name = "N", default_value_t = 2000, allow_negative_numbers = true)]
    steps: i64,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Checks the task and prints a line a check.
///
/// # Errors
/// Bad input; a check that failed.
pub fn run(args: Args) -> Result<(), Failure> {
    if !(1..=MOST_STEPS).contains(&args.steps) {
        return Err(Failure::input(format!("steps = {}: from 1 to {MOST_STEPS}", args.steps)));
    }
    let seed = u64::try_from(args.seed)
        .map_err(|_| Failure::input(format!("seed = {}: at least 0", args.seed)))?;
    let options = CheckOptions { seed, steps: args.steps as usize };
    let (one, other) = (tasks::make_env(&args.env)?, tasks::make_env(&args.env)?);
    let findings = check(one, other, &options);
    if args.json {
        line_out!("{}", to_json(&args.env, &findings));
    } else {
        line_out!("{}", table(&findings).trim_fmt());
    }
    let failed = findings.iter().filter(|finding| finding.outcome == Outcome::Fail).count();
    if failed > 0 {
        let reason = format!("{}: {failed} of {} checks failed", args.env, findings.len());
        return Err(Failure::running(reason));
    }
    Ok(())
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::Skip => "skip",
    }
}

fn table(findings: &[Finding]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["check", "result", "what was seen"]);
    for finding in findings {
        table.add_row([finding.check, word(finding.outcome), &finding.detail]);
    }
    table
}

fn to_json(env: &str, findings: &[Finding]) -> Value {
    let checks = findings.iter().map(|finding| {
        let outcome = word(finding.outcome);
        json!({ "check": finding.check, "result": outcome, "detail": finding.detail })
    });
    json!({ "env": env, "checks": checks.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_become_rows_and_objects() {
        let detail = "step 3: the reward is inf".to_owned();
        let findings = [Finding { check: "rewards", outcome: Outcome::Fail, detail }];
        let text = table(&findings).to_string();
        assert!(text.contains("rewards") && text.contains("fail") && text.contains("step 3"));
        let json = to_json("Task-v0", &findings);
        assert_eq!(json["checks"][0]["result"], "fail");
    }
}
