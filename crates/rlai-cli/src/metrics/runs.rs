//! The runs in folders that somebody named: a run's own, or a study's.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Failure;
use crate::run_folder::RUN;
use crate::source::Source;
use crate::study::Plan;

use super::{Line, Lines, metrics_of};

/// A study's file in its folder.
const STUDY: &str = "study.toml";

/// A run that has metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its name among those that were asked for: no other has it. Made of names of folders.
    pub name: String,
    /// Name of its study, if it is part of one.
    pub study: Option<String>,
    /// Name of its variant in the study.
    pub variant: Option<String>,
    /// Name of its variant for people.
    pub variant_label: Option<String>,
    /// Task.
    pub env: String,
    /// Objective.
    pub objective: String,
    /// Seed.
    pub seed: u64,
    /// Its settings, as `run.toml` has them.
    pub settings: toml::Table,
    /// Its folder.
    pub dir: PathBuf,
    /// Its metrics.
    pub metrics: PathBuf,
}

/// All runs in the folders, in the order of the folders; of a study in that of its variants, and by seed.
/// Runs that have written nothing yet are left out, and told.
///
/// # Errors
/// A folder that is neither a run nor a study; no run that has metrics.
pub fn runs_in(dirs: &[PathBuf]) -> Result<Vec<Run>, Failure> {
    let mut runs = Vec::new();
    let mut seen = BTreeSet::new();
    let mut names = BTreeSet::new();
    for dir in dirs {
        // `.` has a name too.
        let real = fs::canonicalize(dir).map_err(|error| {
            Failure::input(format!("cannot read the folder {}: {error}", dir.display()))
        })?;
        if !seen.insert(real.clone()) {
            continue;
        }
        let name = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let alone = dirs.len() == 1;
        let unique = unique(&mut names, name);
        if real.join(RUN).is_file() {
            runs.extend(Run::read(unique, dir, None)?);
        } else {
            let prefix = if alone { String::new() } else { format!("{unique}/") };
            runs.extend(of_study(dir, &prefix)?);
        }
    }
    leave_out_twins(&mut runs);
    if runs.is_empty() {
        return Err(Failure::input("no run there has written metrics yet"));
    }
    Ok(runs)
}

/// A run that was named alone and is part of a study that was named too counts as the study's.
fn leave_out_twins(runs: &mut Vec<Run>) {
    let place = |run: &Run| fs::canonicalize(&run.dir).ok();
    let of_studies: BTreeSet<PathBuf> =
        runs.iter().filter(|run| run.study.is_some()).filter_map(place).collect();
    runs.retain(|run| {
        let twin = run.study.is_none() && place(run).is_some_and(|dir| of_studies.contains(&dir));
        if twin {
            line_err!("note: {} is part of a study that is there too", run.dir.display());
        }
        !twin
    });
}

/// The name, with a number where it is taken.
fn unique(taken: &mut BTreeSet<String>, name: String) -> String {
    let numbered = (2..).map(|i| format!("{name}-{i}"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name));
    let free = free.unwrap_or(name);
    taken.insert(free.clone());
    free
}

/// What a run knows of its study.
struct Place<'a> {
    study: &'a str,
    variant: &'a str,
    label: &'a str,
}

fn of_study(dir: &Path, prefix: &str) -> Result<Vec<Run>, Failure> {
    let path = dir.join(STUDY);
    if !path.is_file() {
        let dir = dir.display();
        return Err(Failure::input(format!(
            "{dir} is neither a run ({RUN}) nor a study ({STUDY})"
        )));
    }
    let source = Source::read(&path)?;
    let text = |table: &toml::Table, key: &str| Some(table.get(key)?.as_str()?.to_owned());
    let study = text(&source.table, "name").unwrap_or_default();
    let mut runs = Vec::new();
    for (name, label) in variants(&source, dir) {
        let place = Place { study: &study, variant: &name, label: &label };
        for (seed, folder) in seeds(&dir.join(&name)) {
            runs.extend(Run::read(format!("{prefix}{name}/seed{seed}"), &folder, Some(&place))?);
        }
    }
    Ok(runs)
}

/// The variants of a study with their labels, a grid's combinations each. Of a study that can no longer be run,
/// because a file is gone or moved that it learns from, those that it names.
fn variants(source: &Source, dir: &Path) -> Vec<(String, String)> {
    if let Ok(plan) = Plan::parse(source, Some(dir.to_owned())) {
        let variants = plan.variants.iter();
        return variants.map(|variant| (variant.name.clone(), variant.full_label())).collect();
    }
    let text = |table: &toml::Table, key: &str| Some(table.get(key)?.as_str()?.to_owned());
    let variants = source.table.get("variant").and_then(toml::Value::as_array);
    let named = |variant: &toml::Table| {
        let name = text(variant, "name")?;
        Some((name.clone(), text(variant, "label").unwrap_or(name)))
    };
    variants.into_iter().flatten().filter_map(|variant| named(variant.as_table()?)).collect()
}

/// The folders of runs in that of a variant, by seed.
fn seeds(variant: &Path) -> Vec<(u64, PathBuf)> {
    let entries = fs::read_dir(variant).into_iter().flatten().flatten();
    let seed = |path: PathBuf| {
        let seed = path.file_name()?.to_str()?.strip_prefix("seed")?.parse().ok()?;
        path.join(RUN).is_file().then_some((seed, path))
    };
    let mut seeds: Vec<_> = entries.filter_map(|entry| seed(entry.path())).collect();
    seeds.sort();
    seeds
}

impl Run {
    /// The run in `dir`; none if it has no metrics yet.
    fn read(name: String, dir: &Path, place: Option<&Place<'_>>) -> Result<Option<Self>, Failure> {
        let settings = Source::read(&dir.join(RUN))?.table;
        let Some(metrics) = metrics_of(dir) else {
            line_err!("note: {} has no metrics yet", dir.display());
            return Ok(None);
        };
        let text = |key: &str| settings.get(key).and_then(toml::Value::as_str).map(str::to_owned);
        let seed = settings.get("seed").and_then(toml::Value::as_integer);
        Ok(Some(Self {
            name,
            study: place.map(|place| place.study.to_owned()),
            variant: place.map(|place| place.variant.to_owned()),
            variant_label: place.map(|place| place.label.to_owned()),
            env: text("env").unwrap_or_default(),
            objective: text("objective").unwrap_or_default(),
            seed: seed.and_then(|seed| u64::try_from(seed).ok()).unwrap_or_default(),
            dir: dir.to_owned(),
            metrics,
            settings,
        }))
    }

    /// Shows the first `most` lines of its metrics; a torn last one is told of. How many were shown.
    ///
    /// # Errors
    /// A line that is damaged, or what `show` says.
    pub fn each_line(
        &self,
        most: u64,
        mut show: impl FnMut(&Line) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let failed = |why: &dyn std::fmt::Display| {
            Failure::input(format!("{}: {why}", self.metrics.display()))
        };
        let mut lines: Lines<_> = super::lines_of(&self.metrics).map_err(|error| failed(&error))?;
        let mut count = 0;
        while count < most
            && let Some(line) = lines.next()
        {
            show(&line.map_err(|error| failed(&error))?)?;
            count += 1;
        }
        if let Some(torn) = lines.torn() {
            let (path, line, bytes) = (self.metrics.display(), torn.line, torn.bytes);
            line_err!("note: {path}: line {line} is not whole ({bytes} bytes), and left out");
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut taken = BTreeSet::new();
        let names =
            ["run", "run", "run-2", "other"].map(|name| unique(&mut taken, name.to_owned()));
        assert_eq!(names, ["run", "run-2", "run-2-2", "other"]);
    }
}
