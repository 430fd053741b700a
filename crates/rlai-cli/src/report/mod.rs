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
mod scale;
mod section;
mod sections;
mod study;
mod svg;
mod table;

pub use answer::Answer;
pub use band::Band;
pub use context::Options;
pub use drawing::{Anchor, Drawing, Ink, Shape};
pub use svg::light;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::error::Failure;
use crate::figures::raster;
use crate::run_folder::write_whole;
use crate::study::{Outcome, Plan};
use context::Context;
use section::{Figure, Section};
use study::Study;
use svg::{Place, svg};

/// The page.
pub const PAGE: &str = "report.html";
/// The folder of figures and tables.
const FOLDER: &str = "report";
/// Learning curves, which lie in the study's folder itself.
const CURVES: &str = "learning-curves";
/// Endings of what the folder holds.
const ENDINGS: [&str; 5] = ["svg", "png", "csv", "md", "tex"];

/// What was written.
pub struct Written {
    /// The answer.
    pub answer: Answer,
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
    let page = plan.out.join(PAGE);
    let unwritten = |error: io::Error| {
        Failure::running(format!("cannot write the report in {}: {error}", plan.out.display()))
    };
    clear(&plan.out.join(FOLDER)).map_err(unwritten)?;
    let text = page::html(&study, &answer, &sections);
    write_whole(&page, text.as_bytes()).map_err(unwritten)?;
    let curves = sections::curves_csv(&context);
    write_whole(&plan.out.join(CURVES).with_extension("csv"), curves.as_bytes())
        .map_err(unwritten)?;
    let figures = write_figures(&plan.out, &sections).map_err(unwritten)?;
    write_tables(&plan.out.join(FOLDER), &sections).map_err(unwritten)?;
    Ok(Written { answer, figures, page })
}

/// The method of this name or label.
fn find_baseline(study: &Study, name: Option<&str>) -> Result<usize, Failure> {
    let Some(name) = name else { return Ok(0) };
    let is = |method: &study::Method| {
        method.label == name
            || method.base_label == name
            || method.names.iter().any(|it| it == name || it.split('/').next() == Some(name))
    };
    study.methods.iter().position(is).ok_or_else(|| {
        let labels: Vec<&str> = study.methods.iter().map(|method| &method.label[..]).collect();
        Failure::input(format!("baseline = {name:?}: one of {}", labels.join(", ")))
    })
}

/// Makes the folder, without what an earlier report left there.
fn clear(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let ours = path.extension().is_some_and(|ending| ENDINGS.iter().any(|it| *it == ending));
        if ours && path.is_file() {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Every figure as SVG and PNG; where the learning curves are.
fn write_figures(out: &Path, sections: &[Section]) -> io::Result<Vec<PathBuf>> {
    let figures: Vec<&Figure> = sections.iter().flat_map(|section| &section.figures).collect();
    // What can be made again at any time need not outlive a crash of the machine.
    let write = |figure: &Figure, ending: &str, bytes: &[u8]| {
        let name = format!("{}.{ending}", figure.stem);
        match figure.stem.starts_with(CURVES) {
            true => write_whole(&out.join(name), bytes),
            false => fs::write(out.join(FOLDER).join(name), bytes),
        }
    };
    figures.par_iter().try_for_each(|figure| {
        let drawing = figure.for_file();
        write(figure, "svg", svg(&drawing, Place::File).as_bytes())?;
        write(figure, "png", &raster(&drawing).map_err(io::Error::other)?)
    })?;
    let curves = figures.iter().filter(|figure| figure.stem.starts_with(CURVES));
    let paths = curves.flat_map(|figure| {
        ["svg", "png"].map(|ending| out.join(format!("{}.{ending}", figure.stem)))
    });
    Ok(paths.collect())
}

/// Every table as CSV, Markdown and LaTeX.
fn write_tables(folder: &Path, sections: &[Section]) -> io::Result<()> {
    for (stem, table) in sections.iter().flat_map(|section| &section.tables) {
        let write =
            |ending: &str, text: String| fs::write(folder.join(format!("{stem}.{ending}")), text);
        write("csv", table.csv())?;
        write("md", table.markdown())?;
        write("tex", table.latex())?;
    }
    Ok(())
}
