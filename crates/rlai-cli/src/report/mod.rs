//! The report of a study: an answer in words, figures, tables, and one page that holds them all.
//!
//! [`Study`] is what the runs have left; [`Context`] compares them; `sections/` make the parts; the rest
//! writes them. The same runs give the same bytes.

mod answer;
mod axis;
mod band;
mod chart;
mod compare;
mod context;
mod drawing;
mod holm;
mod html;
mod intervals;
#[cfg(test)]
mod made;
mod page;
mod pair;
mod scale;
mod section;
mod sections;
mod study;
mod svg;
mod table;
mod weight;
mod writing;

pub use answer::Answer;
pub use band::{Band, Kind, Mean};
pub use context::Options;
pub use drawing::{Anchor, Drawing, Ink, Shape};
pub use pair::Pair;
pub use svg::light;
pub use writing::put;

use std::io;
use std::path::PathBuf;

use crate::error::Failure;
use crate::study::{Outcome, Plan};
use context::Context;
use study::Study;

/// What was written.
pub struct Written {
    /// The answer.
    pub answer: Answer,
    /// What it rests on.
    pub comparisons: Vec<Pair>,
    /// Figures of learning curves.
    pub figures: Vec<PathBuf>,
    /// The page.
    pub page: PathBuf,
}

/// Makes the report of a study and writes it to its folder. `baseline` names the variant that others are
/// compared with; without it it is the first.
///
/// # Errors
/// A baseline that is none of the variants; a file that cannot be written.
pub fn write(
    plan: &Plan,
    outcomes: &[Outcome],
    options: Options,
    baseline: Option<&str>,
) -> Result<Written, Failure> {
    let study = Study::read(plan, outcomes);
    let baseline = find_baseline(&study, baseline)?;
    let context = Context::new(&study, baseline, options);
    let answer = Answer::new(&study, &context.scale, &context.comparisons);
    let sections = sections::all(&context);
    let text = page::html(&study, &answer, &sections);
    let curves = sections::curves_csv(&context);
    let unwritten = |error: io::Error| {
        Failure::running(format!("cannot write the report in {}: {error}", plan.out.display()))
    };
    let files = writing::write(&plan.out, &text, &curves, &sections).map_err(unwritten)?;
    let comparisons = context.comparisons.iter().map(|it| Pair::of(&study, it)).collect();
    Ok(Written { answer, comparisons, figures: files.figures, page: files.page })
}

/// The method of this name or, if none has it, of this label, or the first of a `[[variant]]` of either.
fn find_baseline(study: &Study, name: Option<&str>) -> Result<usize, Failure> {
    let Some(name) = name else { return Ok(0) };
    let named = |method: &study::Method| method.names.iter().any(|it| it == name);
    let within =
        |method: &study::Method| method.names.iter().any(|it| it.split('/').next() == Some(name));
    let find = |is: &dyn Fn(&study::Method) -> bool| study.methods.iter().position(is);
    let found = find(&named)
        .or_else(|| find(&within))
        .or_else(|| find(&|method| method.label == name))
        .or_else(|| find(&|method| method.base_label == name));
    found.ok_or_else(|| {
        let labels: Vec<&str> = study.methods.iter().map(|method| &method.label[..]).collect();
        Failure::input(format!("baseline = {name:?}: one of {}", labels.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_baselines_go_before_labels() {
        let runs: &[&[f64]] = &[&[1.0]];
        let mut study = made::study(&[("sac", runs), ("new", runs), ("other", runs)]);
        for (method, name) in study.methods.iter_mut().zip(["a/n=1", "sac", "b"]) {
            method.names = vec![name.to_owned()];
        }
        let find = |name| find_baseline(&study, name).ok();
        // The first is labelled so, but the second has this name.
        assert_eq!(find(Some("sac")), Some(1));
        assert_eq!(find(Some("a")), Some(0));
        assert_eq!(find(Some("other")), Some(2));
        assert_eq!((find(None), find(Some("c"))), (Some(0), None));
    }
}
