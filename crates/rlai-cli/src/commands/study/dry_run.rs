//! `rlai study run --dry-run`: what a study will take.

use comfy_table::Table;

use super::go::{self, Options};
use crate::error::Failure;
use crate::study::{Estimate, Plan, Variant, folder, of_all};
use crate::text::{duration, thousands};

/// Checks the study, measures its configurations, and tells; nothing is created.
///
/// # Errors
/// Bad input.
pub fn dry_run(plan: &Plan, options: &Options) -> Result<(), Failure> {
    let selected = options.selection.of(plan)?;
    folder::check(plan)?;
    plan.check_surroundings()?;
    let standings = of_all(plan);
    let jobs = go::jobs(plan);
    let tell = &mut |variant: &Variant| line_err!("measuring {}", variant.name);
    let estimate = Estimate::of(plan, &standings, &selected, jobs, tell);
    if options.json {
        line_out!("{}", serde_json::to_string(&estimate).map_err(Failure::running)?);
        return Ok(());
    }
    line_out!("{}", table(&estimate));
    for variant in &estimate.unmeasured {
        let reason = variant.reason.lines().next().unwrap_or_default();
        line_out!("{} cannot be measured, and is in no sum: {reason}", variant.name);
    }
    line_out!(
        "{} of {} runs to do, {} at a time: {} {}, {} of memory, {} of disk",
        estimate.runs,
        plan.runs.len(),
        estimate.jobs,
        if estimate.unmeasured.is_empty() { "about" } else { "more than" },
        duration(estimate.seconds),
        size(estimate.memory_bytes),
        size(estimate.disk_bytes)
    );
    line_out!("{}", estimate.how);
    Ok(())
}

fn table(estimate: &Estimate) -> Table {
    let header =
        ["variant", "runs", "steps/s", "time a run", "memory", "disk at work", "disk kept"];
    let mut table = super::table(&header, 1..=6);
    for variant in &estimate.variants {
        table.add_row([
            variant.name.clone(),
            variant.runs.to_string(),
            thousands((1.0 / variant.measure.step_seconds).round() as u64),
            duration(variant.run_seconds),
            size(variant.run_memory_bytes),
            size(variant.run_disk_bytes),
            size(variant.kept_bytes),
        ]);
    }
    for variant in &estimate.unmeasured {
        let unknown = std::iter::repeat_n("?".to_owned(), 5);
        table.add_row([variant.name.clone(), variant.runs.to_string()].into_iter().chain(unknown));
    }
    table
}

/// Bytes as people read them.
fn size(bytes: f64) -> String {
    // The sum of nothing is a zero with a minus.
    match bytes + 0.0 {
        bytes if bytes >= 1e10 => format!("{} GB", thousands((bytes / 1e9).round() as u64)),
        bytes if bytes >= 1e9 => format!("{:.1} GB", bytes / 1e9),
        bytes if bytes >= 1e6 => format!("{} MB", (bytes / 1e6).round()),
        bytes => format!("{} kB", (bytes / 1e3).round()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        let sizes = [1_500.0, 2.4e6, 1.25e9, 3.21e12].map(size);
        assert_eq!(size(std::iter::empty::<f64>().sum()), "0 kB");
        assert_eq!(sizes, ["2 kB", "2 MB", "1.2 GB", "3,210 GB"]);
    }
}
