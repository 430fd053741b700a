//! `rlai plot`: curves of what runs have written, in the terminal or as a figure.

mod curves;
mod screen;
mod series;

use std::path::PathBuf;

use clap::ValueEnum;
use serde::Serialize;

use crate::commands::policy::Ending;
use crate::error::Failure;
use crate::figures::Figure;
use crate::metrics::runs_in;
use crate::run_folder::write_whole;

use curves::Drawn;
use series::{Series, Wanted};

/// Draw what runs have written, in the terminal or as a figure
///
/// One curve for each run; of a study one for each variant: the mean over its seeds that have finished,
/// with a band, at the steps that all of them have (over all seeds, where none has finished). Runs that
/// have not finished are drawn as far as they are.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai plot runs/Pendulum-v1-reverse-kl-seed0
  rlai plot runs/one runs/two --field entropy --smooth 0.9
  rlai plot runs/first-look --x time_seconds --out curves.svg

--field takes any number of docs/metrics.md. NO_COLOR turns colours off, CLICOLOR_FORCE=1 turns them
on; COLUMNS sets the width.")]
pub struct Args {
    /// Folders of runs and of studies
    #[arg(value_name = "DIR", required = true)]
    dirs: Vec<PathBuf>,
    /// What is drawn: a number of the lines of training or of evaluations
    #[arg(long, value_name = "NAME", default_value = "return_mean")]
    field: String,
    /// Over what it is drawn
    #[arg(long, value_name = "NAME", default_value = "step")]
    x: Axis,
    /// Weight of the past in an exponential moving average, from 0, as they are, to below 1
    #[arg(long, value_name = "W", default_value_t = 0.0, allow_hyphen_values = true)]
    smooth: f64,
    /// Draw into this file, .svg or .png, and not in the terminal
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Title [default: the field]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Print the curves as one JSON object on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
enum Axis {
    /// Environment steps
    Step,
    /// Seconds of training
    TimeSeconds,
}

impl Axis {
    fn label(self) -> &'static str {
        match self {
            Self::Step => "environment steps",
            Self::TimeSeconds => "seconds of training",
        }
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    field: &'a str,
    x: Axis,
    smooth: f64,
    out: Option<&'a PathBuf>,
    curves: &'a [Drawn],
}

/// Draws.
///
/// # Errors
/// Bad input, or a file that cannot be written.
pub fn run(args: Args) -> Result<(), Failure> {
    if !(0.0..1.0).contains(&args.smooth) {
        return Err(Failure::input(format!("smooth = {}: from 0 to below 1", args.smooth)));
    }
    let ending = args.out.as_deref().map(|out| Ending::of("out", out)).transpose()?;
    let wanted = Wanted { field: &args.field, x: args.x, smooth: args.smooth };
    let series = Series::of(runs_in(&args.dirs)?, &wanted)?;
    let curves = curves::join(&series);
    let figure = figure(&args, &curves);
    if let (Some(out), Some(ending)) = (&args.out, ending) {
        let bytes = ending.draw(&figure)?;
        write_whole(out, &bytes).map_err(|error| {
            Failure::running(format!("cannot write {}: {error}", out.display()))
        })?;
    }
    if args.json {
        let Args { field, x, smooth, out, .. } = &args;
        let report = Report { field, x: *x, smooth: *smooth, out: out.as_ref(), curves: &curves };
        line_out!("{}", serde_json::to_string(&report).map_err(Failure::running)?);
    } else if let Some(out) = &args.out {
        line_out!("figure: {}", out.display());
    } else {
        print_out!("{}", screen::show(&figure, &curves));
    }
    Ok(())
}

fn figure(args: &Args, curves: &[Drawn]) -> Figure {
    let smoothed = match args.smooth {
        0.0 => String::new(),
        weight => format!(", exponential moving average, weight {weight}"),
    };
    Figure {
        title: args.title.clone().unwrap_or_else(|| format!("{}{smoothed}", args.field)),
        x_label: args.x.label().to_owned(),
        y_label: args.field.clone(),
        caption: curves::caption(curves),
        curves: curves.iter().map(Drawn::to_curve).collect(),
        // A line of one point cannot be seen.
        markers: curves.iter().any(|curve| curve.points.len() == 1),
        ..Figure::default()
    }
}
