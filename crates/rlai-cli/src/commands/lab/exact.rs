//! `rlai lab exact`: divergences, gradients and values of a decision process in a file.

use std::path::PathBuf;

use comfy_table::{CellAlignment, Table, presets};
use rlai::lab::{Exact, Process};

use crate::error::Failure;

/// Print both divergences, their gradients and all values of a small decision process
///
/// Exact, by dynamic programming. q is the distribution of the policy's trajectories, p(.|O) that of
/// the optimal ones; gradients are with respect to the policy's logits and are to be descended. Tables
/// show the first states and steps; --json prints everything.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai lab exact examples/process.json
  rlai lab exact examples/process.json --json > exact.json

A process's file, with S states, A actions and H steps:
  {
    \"S\": 2, \"A\": 2, \"H\": 3,
    \"alpha\": 0.5,                      temperature, in units of the reward
    \"Z0\": 1,                           p(optimal | s, a) = exp(r(s,a) / alpha) / Z0
    \"rho0\": [0.5, 0.5],                first state
    \"P\": [[[0.7, 0.3], [0.1, 0.9]],    next state, [S, A, S]; a row that sums to less
          [[0.4, 0.6], [0.2, 0.7]]],   than 1 ends the trajectory with what it lacks
    \"r\": [[-1, -0.2], [-0.5, -2]],     reward, [S, A]
    \"pi0\": [[0.5, 0.5], [0.3, 0.7]],   default policy, [S, A]
    \"phi\": [[0.4, 0], [0, 0.7]],       logits of the policy, [S, A]
    \"gamma\": 0.9                       optional: adds discounted forms
  }

Keys of --json: log_pO, J_soft (expected reward - alpha log(pi/pi0)), kl_reverse = KL(q || p(.|O)),
kl_forward = KL(p(.|O) || q), g_rkl and g_fkl (their gradients), qhat and vhat (exact inference, in
units of alpha), q_soft_pi, v_soft_pi, q_classic_pi (the policy's), q_soft_opt, v_soft_opt,
q_state_marginals, posterior_state_marginals, posterior_policy, pi; discounted: J, grad_J, q_soft.")]
pub struct Args {
    /// JSON file of the process
    #[arg(value_name = "FILE.json")]
    file: PathBuf,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Reads the process and prints what is known of it.
///
/// # Errors
/// Bad input.
pub fn run(args: &Args) -> Result<(), Failure> {
    let process = Process::read(&args.file).map_err(Failure::input)?;
    let exact = Exact::new(&process);
    if args.json {
        line_out!("{}", serde_json::to_string(&exact).map_err(Failure::running)?);
    } else {
        print(&process, &exact);
    }
    Ok(())
}

/// Rows of a table before the rest is left to `--json`.
const ROWS: usize = 12;

fn print(process: &Process, exact: &Exact) {
    let spec = process.spec();
    line_out!(
        "{} states, {} actions, {} steps, alpha = {}, Z0 = {}\n",
        spec.states,
        spec.actions,
        spec.horizon,
        spec.alpha,
        spec.z0
    );
    show("Trajectories: q of the policy, p(.|O) optimal", &["", "value"], scalars(process, exact));
    let gradients = ["state", "action", "pi", "pi0", "grad KL(q || p)", "grad KL(p || q)"];
    show("Gradients with respect to the logits", &gradients, gradient_rows(process, exact));
    let values = ["state", "action", "p*", "Qhat", "soft Q", "classic Q", "optimal soft Q"];
    show(
        "First step: optimal policy p*; Qhat in units of alpha, the others in units of the reward",
        &values,
        value_rows(process, exact),
    );
    show("States at each step", &["step", "state", "q", "p(.|O)"], state_rows(process, exact));
}

type Row = Vec<String>;

fn show(title: &str, header: &[&str], rows: Vec<Row>) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    let left_out = rows.len().saturating_sub(ROWS);
    table.add_rows(rows.into_iter().take(ROWS));
    // A column without a title holds names.
    for (column, title) in table.column_iter_mut().zip(header) {
        let names = title.is_empty();
        let alignment = if names { CellAlignment::Left } else { CellAlignment::Right };
        column.set_cell_alignment(alignment);
    }
    line_out!("{title}\n{}", table.trim_fmt());
    if left_out > 0 {
        line_out!("and {left_out} more rows: --json prints everything");
    }
    line_out!("");
}

fn scalars(process: &Process, exact: &Exact) -> Vec<Row> {
    let steps: f64 = exact.state_marginals.values().iter().sum();
    let optimal: f64 = exact.posterior_state_marginals.values().iter().sum();
    let mut rows = vec![
        ("log p(O)", exact.log_evidence),
        ("reverse KL(q || p(.|O))", exact.reverse_kl),
        ("forward KL(p(.|O) || q)", exact.forward_kl),
        ("soft return of the policy", exact.soft_return),
    ];
    if process.may_terminate() {
        rows.push(("mean steps of the policy", steps));
        rows.push(("mean steps, optimal", optimal));
    }
    if let Some(discounted) = &exact.discounted {
        rows.push(("discounted soft return", discounted.soft_return));
    }
    rows.into_iter().map(|(name, value)| vec![name.to_owned(), digits(value)]).collect()
}

fn gradient_rows(process: &Process, exact: &Exact) -> Vec<Row> {
    per_action(process, |s, a| {
        vec![
            exact.pi[[s, a]],
            process.log_pi_0(s, a).exp(),
            exact.reverse_gradient[[s, a]],
            exact.forward_gradient[[s, a]],
        ]
    })
}

fn value_rows(process: &Process, exact: &Exact) -> Vec<Row> {
    let tables = [
        &exact.posterior_policy,
        &exact.q_hat,
        &exact.q_soft,
        &exact.q_classic,
        &exact.q_soft_optimal,
    ];
    per_action(process, |s, a| tables.iter().map(|table| table[[0, s, a]]).collect())
}

/// A row for each state and action.
fn per_action(process: &Process, numbers: impl Fn(usize, usize) -> Vec<f64>) -> Vec<Row> {
    let cells = (0..process.states()).flat_map(|s| (0..process.actions()).map(move |a| (s, a)));
    cells.map(|(s, a)| numbered([s, a], &numbers(s, a))).collect()
}

/// A row for each step and state.
fn state_rows(process: &Process, exact: &Exact) -> Vec<Row> {
    let cells = (0..process.horizon()).flat_map(|t| (0..process.states()).map(move |s| (t, s)));
    let row = |(t, s)| {
        let shares = [exact.state_marginals[[t, s]], exact.posterior_state_marginals[[t, s]]];
        numbered([t, s], &shares)
    };
    cells.map(row).collect()
}

fn numbered(indices: [usize; 2], numbers: &[f64]) -> Row {
    let indices = indices.iter().map(ToString::to_string);
    indices.chain(numbers.iter().map(|&number| digits(number))).collect()
}

/// Six digits after the point, or an exponent where these would say little or be many.
fn digits(number: f64) -> String {
    if number == 0.0 || (1e-4..1e7).contains(&number.abs()) {
        format!("{number:.6}")
    } else {
        format!("{number:.6e}")
    }
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn numbers_of_any_size_are_short() {
        assert_eq!(digits(0.0), "0.000000");
        assert_eq!(digits(-1.25), "-1.250000");
        assert_eq!(digits(1e-9), "1.000000e-9");
        assert_eq!(digits(-1.5e45), "-1.500000e45");
    }
}
