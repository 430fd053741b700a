//! `rlai lab estimators`: bias, variance and cost of every estimator.

mod csv;
mod figures;
mod grid;
mod measuring;
mod names;
mod quadratic;
mod table;
mod tabular;

use std::path::PathBuf;

use crate::error::Failure;
use crate::settings::{NumberOrWord, number_or_word};

/// Measure bias, variance and cost of gradient estimators against the exact gradient
///
/// Every estimator's gradient is drawn again and again on a problem whose exact gradient is known: a
/// small decision process, or a Gaussian policy with a quadratic Q. Lists are crossed: a point for each
/// estimator, size and setting that it has a use for. All gradients are of divergences in nats.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rlai lab estimators --mdp examples/process.json --estimator forward-kl-trajectory --trajectories 2,8,32
  rlai lab estimators --random 1 --estimator all --horizon 2,4,8 --out estimators
  rlai lab estimators --problem quadratic --dimension 6,17 --estimator forward-kl,forward-kl-dreg \\
      --samples 8,32,128 --show relative-error,effective-sample-size --out dreg

Estimators on decision processes; the exact gradient is that of the divergence between trajectories:
  reverse-kl-trajectory, reverse-kl-reward-to-go             M trajectories; --baseline
  reverse-kl-score, reverse-kl-value-baseline,
  reverse-kl-all-actions                                     M states a step (--state-source), soft Q exact
  forward-kl-trajectory, forward-kl-trajectory-known-evidence   M trajectories, weighted
  forward-kl, forward-kl-all-actions                         M trajectories; --state-weights, --critic
  forward-kl-exact                                           nothing is drawn
and of the action's divergence to the optimal action, summed over the steps' states (q(s_t) for
uniform state weights, p(s_t|O) for others):
  jensen-shannon, alpha-divergence, mixed-kl                 M trajectories; --state-weights

Estimators on the quadratic problem, Q(a) = -|a - m|^2 / (2 s^2), policy N(0, I), alpha = 1:
  reverse-kl, reverse-kl-stl, reverse-kl-score, forward-kl, forward-kl-dreg, jensen-shannon,
  alpha-divergence, mixed-kl

Keys of --json: problem, seed, repetitions, points. A point has its estimator and settings; mean, exact,
bias (mean - exact) and standard_error of the mean, shaped [S][A], or [2][d] for mean and log standard
deviation; variance (trace of the covariance of one gradient) with variance_standard_error;
mean_squared_error, relative_error (its root over the exact gradient's length), cosine (of the mean
gradient), mean_cosine (of single ones), effective_sample_size, state_effective_sample_size,
repetitions, seconds (one gradient on one thread; the only number that a second run changes).")]
pub struct Args {
    /// Decision process from a JSON file (rlai lab exact --help tells how it is written)
    #[arg(long, value_name = "FILE.json", help_heading = "Problem")]
    mdp: Option<PathBuf>,
    /// Random decision process of this seed
    #[arg(long, value_name = "SEED", help_heading = "Problem")]
    random: Option<u64>,
    /// Random process: number of states [default: 3]
    #[arg(long, value_name = "S", help_heading = "Problem")]
    states: Option<usize>,
    /// Random process: number of actions [default: 2]
    #[arg(long, value_name = "A", help_heading = "Problem")]
    actions: Option<usize>,
    /// Steps T of a trajectory [default: the file's H, or 4]
    #[arg(long, value_name = "T,...", value_delimiter = ',', help_heading = "Problem")]
    horizon: Vec<usize>,
    /// The continuous test problem: quadratic
    #[arg(long, value_name = "NAME", help_heading = "Problem")]
    problem: Option<String>,
    /// Quadratic problem: dimensions of the action [default: 6]
    #[arg(long, value_name = "D,...", value_delimiter = ',', help_heading = "Problem")]
    dimension: Vec<usize>,
    /// Quadratic problem: mean of the target in each dimension [default: 0.6]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Problem")]
    target_mean: Option<f64>,
    /// Quadratic problem: standard deviation of the target [default: 0.8]
    #[arg(long, value_name = "X,...", value_delimiter = ',', help_heading = "Problem")]
    target_width: Vec<f64>,

    /// Estimators, or all [default: the commonest ones of the problem]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', help_heading = "Estimators")]
    estimator: Vec<String>,
    /// N, actions drawn in each state [default: 16]
    #[arg(long, value_name = "N,...", value_delimiter = ',', help_heading = "Estimators")]
    samples: Vec<usize>,
    /// M, trajectories [default: 16]
    #[arg(long, value_name = "M,...", value_delimiter = ',', help_heading = "Estimators")]
    trajectories: Vec<usize>,
    /// M, states drawn at each step apart from trajectories [default: 16]
    #[arg(long, value_name = "M,...", value_delimiter = ',', help_heading = "Estimators")]
    state_samples: Vec<usize>,
    /// Reverse KL by scores: none, leave-one-out or value (exact) [default: leave-one-out]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', help_heading = "Estimators")]
    baseline: Vec<String>,
    /// Reverse KL over drawn states: independent, or those of trajectories, where the first action is
    /// the one taken [default: independent]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', help_heading = "Estimators")]
    state_source: Vec<String>,
    /// Other divergences: uniform, full-trajectory, twisted, particle-smoothing or posterior (states
    /// drawn from p(s_t|O) itself) [default: uniform]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', help_heading = "Estimators")]
    state_weights: Vec<String>,
    /// Their values: qhat (exact inference), soft or classic (of the policy) [default: qhat]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', help_heading = "Estimators")]
    critic: Vec<String>,
    /// Forward KL: power of the weights: none, a number up to 1, alpha or ess [default: none]
    #[arg(long, value_name = "none|X|alpha|ess,...", value_delimiter = ',', value_parser = number_or_word, help_heading = "Estimators")]
    tempering: Vec<NumberOrWord>,
    /// Tempering ess: effective sample size to keep, as a share of N [default: 0.5]
    #[arg(long, value_name = "X", help_heading = "Estimators")]
    tempering_ess: Option<f64>,
    /// Forward KL: cut weights at sqrt(N) times their mean [default: false]
    #[arg(long, value_name = "BOOL,...", value_delimiter = ',', help_heading = "Estimators")]
    truncation: Vec<bool>,
    /// Forward KL and f-divergences: subtract each sample's own weight in the policy [default: false]
    #[arg(long, value_name = "BOOL,...", value_delimiter = ',', help_heading = "Estimators")]
    control_variate: Vec<bool>,
    /// Alpha-divergence: order, from 0 (forward KL) to 1 (reverse KL) [default: 0.5]
    #[arg(long, value_name = "X,...", value_delimiter = ',', help_heading = "Estimators")]
    divergence_order: Vec<f64>,
    /// Mixed KL: share of forward KL, 0 to 1 [default: 0.5]
    #[arg(long, value_name = "X,...", value_delimiter = ',', help_heading = "Estimators")]
    mixed_share: Vec<f64>,
    /// Quadratic problem: policy, or shifted (half of the actions moved along the gradient of Q)
    /// [default: policy]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', help_heading = "Estimators")]
    proposal: Vec<String>,
    /// Quadratic problem: share of the actions drawn uniformly from the box of the squashed action
    /// [default: 0]
    #[arg(long, value_name = "X", help_heading = "Estimators")]
    proposal_uniform: Option<f64>,
    /// Quadratic problem: independent, latin-hypercube or low-discrepancy [default: independent]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', help_heading = "Estimators")]
    noise: Vec<String>,
    /// Allow self-normalised weights of a single particle, whose expected gradient says nothing
    #[arg(long, help_heading = "Estimators")]
    allow_degenerate: bool,

    /// Gradients drawn for each point
    #[arg(long, value_name = "R", default_value_t = 1000, help_heading = "Measuring")]
    repetitions: usize,
    /// Seed of all random numbers
    #[arg(long, value_name = "K", default_value_t = 0, help_heading = "Measuring")]
    seed: u64,
    /// Threads; they change no number [default: all cores]
    #[arg(long, value_name = "THREADS", help_heading = "Measuring")]
    threads: Option<usize>,

    /// Write points.csv and figures over every list of sizes into this folder
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,
    /// What figures show: relative-error, relative-bias, variance, standard-deviation, cosine,
    /// mean-cosine, effective-sample-size, state-effective-sample-size or seconds
    /// [default: relative-error]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', help_heading = "Output")]
    show: Vec<String>,
    /// Title of the figures
    #[arg(long, value_name = "TEXT", help_heading = "Output")]
    title: Option<String>,
    /// Print one JSON object on standard output
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// Measures and reports.
///
/// # Errors
/// Bad input, before anything is measured or created; failures while writing.
pub fn run(args: &Args) -> Result<(), Failure> {
    let quantities = figures::quantities(args)?;
    let grid = grid::read(args)?;
    if let Some(folder) = &args.out {
        let shown = folder.display();
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::input(format!("cannot create {shown}: {error}")))?;
    }
    let points = measuring::measure_all(&grid, args)?;
    let mut drawn = 0;
    if let Some(folder) = &args.out {
        csv::write(folder, &points)?;
        drawn = figures::write(folder, &grid, args, &quantities, &points)?;
    }
    if args.json {
        let report = measuring::Report::new(&grid, args, &points);
        line_out!("{}", serde_json::to_string(&report).map_err(Failure::running)?);
    } else {
        table::print(&grid, &points);
        if let Some(folder) = &args.out {
            let made = if drawn > 0 { "points and figures" } else { "points, nothing to draw" };
            line_err!("{made}: {}", folder.display());
        }
    }
    Ok(())
}
