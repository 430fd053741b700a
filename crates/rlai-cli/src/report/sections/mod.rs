//! The parts of a report, in their order.

mod clock;
mod curves;
mod diagnostics;
mod differences;
mod overall;
mod pairs;
mod returns;
mod robustness;
mod runs;
mod thresholds;
mod variation;

pub use curves::csv as curves_csv;

use super::context::Context;
use super::section::Section;

/// Every part that has something to say.
pub fn all(context: &Context<'_>) -> Vec<Section> {
    let parts = [
        returns::section,
        curves::section,
        overall::section,
        pairs::section,
        thresholds::section,
        robustness::section,
        clock::section,
        diagnostics::section,
        variation::section,
        runs::section,
    ];
    parts.iter().filter_map(|part| part(context)).collect()
}
