//! The files of a report.
//!
//! Two may be made at the same time, by hand and by the study that ends: each file is made under a name of its
//! process and renamed, and what an earlier report left is removed after all are written.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::section::{Figure, Section};
use super::svg::{Place, svg};
use crate::figures::raster;

/// The page.
const PAGE: &str = "report.html";
/// The folder of figures and tables.
const FOLDER: &str = "report";
/// Learning curves, which lie in the study's folder itself.
const CURVES: &str = "learning-curves";
/// Endings of what the folder holds.
const ENDINGS: [&str; 5] = ["svg", "png", "csv", "md", "tex"];

/// Where what was written lies.
pub struct Files {
    /// Figures of learning curves.
    pub figures: Vec<PathBuf>,
    /// The page.
    pub page: PathBuf,
}

/// Writes everything into a study's folder.
///
/// # Errors
/// When the file system refuses.
pub fn write(out: &Path, page: &str, curves: &str, sections: &[Section]) -> io::Result<Files> {
    let folder = out.join(FOLDER);
    fs::create_dir_all(&folder)?;
    let page_path = out.join(PAGE);
    put(&page_path, page.as_bytes())?;
    put(&out.join(CURVES).with_extension("csv"), curves.as_bytes())?;
    let figures = write_figures(out, sections)?;
    let tables = write_tables(&folder, sections)?;
    let written: BTreeSet<&PathBuf> = figures.iter().chain(&tables).collect();
    remove_others(&folder, &ENDINGS, "", &written)?;
    remove_others(out, &["svg", "png"], CURVES, &written)?;
    let is_curves = |path: &PathBuf| path.parent() == Some(out);
    let figures = figures.iter().filter(|path| is_curves(path)).cloned().collect();
    Ok(Files { figures, page: page_path })
}

/// Writes a file whole, whoever else writes it at the same time. What can be made again at any time need not
/// outlive a crash of the machine, so it is not synced.
///
/// # Errors
/// When the file system refuses.
pub fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = path.with_file_name(format!(".{name}.{}.partial", std::process::id()));
    let written = fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, path));
    written.inspect_err(|_| {
        let _ = fs::remove_file(&partial);
    })
}

/// Every figure as SVG and PNG.
fn write_figures(out: &Path, sections: &[Section]) -> io::Result<Vec<PathBuf>> {
    let figures: Vec<&Figure> = sections.iter().flat_map(|section| &section.figures).collect();
    let write = |figure: &Figure| {
        let folder = match figure.stem.starts_with(CURVES) {
            true => out.to_owned(),
            false => out.join(FOLDER),
        };
        let paths = ["svg", "png"].map(|ending| folder.join(format!("{}.{ending}", figure.stem)));
        let drawing = figure.for_file();
        put(&paths[0], svg(&drawing, Place::File).as_bytes())?;
        put(&paths[1], &raster(&drawing).map_err(io::Error::other)?)?;
        Ok(paths)
    };
    let paths: Vec<[PathBuf; 2]> =
        figures.par_iter().map(|figure| write(figure)).collect::<io::Result<_>>()?;
    Ok(paths.into_iter().flatten().collect())
}

/// Every table as CSV, Markdown and LaTeX.
fn write_tables(folder: &Path, sections: &[Section]) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for (stem, table) in sections.iter().flat_map(|section| &section.tables) {
        for (ending, text) in
            [("csv", table.csv()), ("md", table.markdown()), ("tex", table.latex())]
        {
            let path = folder.join(format!("{stem}.{ending}"));
            put(&path, text.as_bytes())?;
            paths.push(path);
        }
    }
    Ok(paths)
}

/// Removes what an earlier report left: files whose name begins and ends so, and which this one did not write.
fn remove_others(
    folder: &Path,
    endings: &[&str],
    start: &str,
    written: &BTreeSet<&PathBuf>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let begins = path.file_name().is_some_and(|it| it.to_string_lossy().starts_with(start));
        let ends = path.extension().is_some_and(|ending| endings.iter().any(|it| *it == ending));
        if !(begins && ends) || written.contains(&path) || !path.is_file() {
            continue;
        }
        match fs::remove_file(&path) {
            // Another report was quicker.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::context::{Context, Options};
    use super::super::{made, sections};
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn report(out: &Path, methods: &[made::Made<'_>]) {
        let study = made::study(methods);
        let sections = sections::all(&Context::new(&study, 0, Options::default()));
        write(out, "page", "curves", &sections).unwrap();
    }

    #[test]
    fn what_an_earlier_report_left_is_removed() {
        let out = tempfile::tempdir().unwrap();
        let one: &[&[f64]] = &[&[1.0, 2.0]];
        let two: &[&[f64]] = &[&[1.0, 2.0], &[1.0, 2.0]];
        report(out.path(), &[("A", one), ("B", one)]);
        assert!(out.path().join("learning-curves.svg").exists());
        fs::write(out.path().join("report/notes.txt"), "mine").unwrap();
        report(out.path(), &[("A", two), ("B", two)]);
        let curves = "learning-curves-T0.png learning-curves-T0.svg learning-curves-T1.png \
                      learning-curves-T1.svg learning-curves.csv";
        let found: Vec<String> =
            names(out.path()).into_iter().filter(|it| it.starts_with("learning")).collect();
        assert_eq!(found.join(" "), curves);
        let found = names(&out.path().join("report"));
        assert!(found.contains(&"percentiles-T0.svg".to_owned()), "{found:?}");
        assert!(!found.contains(&"percentiles.svg".to_owned()), "{found:?}");
        assert!(found.contains(&"notes.txt".to_owned()), "{found:?}");
    }
}
