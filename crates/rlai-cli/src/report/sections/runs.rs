//! Every run.

use crate::report::context::Context;
use crate::report::drawing::shortened;
use crate::report::section::Section;
use crate::report::study::Standing;
use crate::report::table::{Cell, Table};

/// Letters of a reason that are shown.
const REASON: usize = 300;

/// A table of all runs.
pub fn section(context: &Context<'_>) -> Option<Section> {
    let mut section = Section::new("runs", "Runs");
    let mut table = Table::new(
        "Every run of the study. Steps are those of the last evaluation.",
        ["run", "task", "variant", "seed", "state", "steps", "final return", "reason"],
    );
    for run in &context.study.runs {
        let (state, reason) = match &run.standing {
            Standing::Finished => ("finished", Cell::Missing),
            Standing::Failed(reason) => ("failed", shortened(reason, REASON).into()),
            Standing::Refused(reason) => ("refused", shortened(reason, REASON).into()),
            Standing::Unfinished => ("unfinished", Cell::Missing),
            Standing::Missing => ("not started", Cell::Missing),
        };
        table.push([
            run.name.clone().into(),
            context.task(run.task).into(),
            context.label(run.method).into(),
            Cell::Text(run.seed.to_string()),
            state.into(),
            run.returns.last().map(|(step, _)| Cell::Count(*step as u64)).into(),
            run.score().into(),
            reason,
        ]);
    }
    section.table("runs", table);
    Some(section)
}
