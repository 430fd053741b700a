use serde::Serialize;

use crate::error::Failure;

use super::case::{Case, Sizes, Work};
use super::measure::{Rates, bar, one_run};
use super::phases::{self, PhaseReport, Phases};
use super::spread::{Spread, median};
use super::{Effort, SHORTEST_RUN};

/// What was measured. Rates are medians over the runs; `spread` has the least and the most of each.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    sizes: Sizes,
    threads: usize,
    runs: usize,
    seconds_of_a_run: f64,
    env_steps_per_second: f64,
    updates_per_second: f64,
    gflop_per_update: f64,
    gemm_gflops: f64,
    fraction_of_gemm_limit: f64,
    /// Share of the cores' time that the training steps had, where the system tells: less than 1 where others ran
    /// too, and then the fraction is too low.
    #[serde(skip_serializing_if = "Option::is_none")]
    share_of_cores: Option<f64>,
    spread: Spreads,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<Vec<PhaseReport>>,
    peak_rss_mb: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Spreads {
    env_steps_per_second: Spread,
    updates_per_second: Spread,
    gemm_gflops: Spread,
    fraction_of_gemm_limit: Spread,
}

impl Spreads {
    fn of(rates: &[Rates], work: &Work) -> Self {
        let fraction = |run: &Rates| run.updates * work.gflop / run.gemm_gflops;
        Self {
            env_steps_per_second: Spread::of(rates.iter().map(|run| run.steps)),
            updates_per_second: Spread::of(rates.iter().map(|run| run.updates)),
            gemm_gflops: Spread::of(rates.iter().map(|run| run.gemm_gflops)),
            fraction_of_gemm_limit: Spread::of(rates.iter().map(fraction)),
        }
    }
}

/// Measures one configuration.
///
/// # Errors
/// A task that cannot be had, or a training step that fails.
pub fn run(case: &Case, effort: Effort, profile: bool, json: bool) -> Result<(), Failure> {
    let work = case.work()?;
    let seconds = effort.seconds_of_a_run(effort.runs, SHORTEST_RUN)?;
    let (bar, mut rates, mut phases) = (bar(effort.runs), vec![], Phases::default());
    for _ in 0..effort.runs {
        let run = one_run(case, &work, seconds, profile)?;
        phases.merge(&run.phases);
        rates.push(run);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let spread = Spreads::of(&rates, &work);
    let report = Report {
        sizes: case.sizes(),
        threads: case.config.threads,
        runs: effort.runs,
        seconds_of_a_run: seconds,
        env_steps_per_second: spread.env_steps_per_second.median,
        updates_per_second: spread.updates_per_second.median,
        gflop_per_update: work.gflop,
        gemm_gflops: spread.gemm_gflops.median,
        fraction_of_gemm_limit: spread.fraction_of_gemm_limit.median,
        share_of_cores: share_of_cores(&rates),
        spread,
        profile: profile.then(|| phases.report()),
        peak_rss_mb: peak_rss_mb(),
    };
    if json {
        line_out!("{}", serde_json::to_string(&report).map_err(Failure::running)?);
    } else {
        report.print();
    }
    Ok(())
}

impl Report {
    fn print(&self) {
        line_out!("{} · threads {}", self.sizes, self.threads);
        Spread::print_heading(self.runs, self.seconds_of_a_run);
        self.spread.env_steps_per_second.print("environment steps", 1, " /s");
        self.spread.updates_per_second.print("updates", 1, " /s");
        self.spread.gemm_gflops.print("matrix products", 1, " GFLOP/s");
        self.spread.fraction_of_gemm_limit.print("fraction of limit", 3, "");
        line_out!("{:<20}{:>10.3} GFLOP an update", "needed work", self.gflop_per_update);
        if let Some(share) = self.share_of_cores.filter(|&share| share < BUSY) {
            let (name, taken) = ("cores", 100.0 * (1.0 - share));
            line_out!(
                "{name:<20}{taken:>9.0}% of their time went to others: the fraction is too low"
            );
        }
        if let Some(peak) = self.peak_rss_mb {
            line_out!("{:<20}{peak:>10.0} MB", "peak memory");
        }
        if let Some(profile) = &self.profile {
            phases::print(profile);
        }
    }
}

/// Below this share of the cores' time others are to be told of.
const BUSY: f64 = 0.95;

/// The median over the runs.
fn share_of_cores(rates: &[Rates]) -> Option<f64> {
    let shares: Option<Vec<f64>> = rates.iter().map(|run| run.share_of_cores).collect();
    shares.map(|shares| median(&shares).min(1.0))
}

/// The most memory the process ever held, in 10^6 bytes, where the system tells.
fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}
