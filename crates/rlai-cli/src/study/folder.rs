//! The folder of a study: what makes it one, and how its plan is found again.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rlai::files;
use serde::{Deserialize, Serialize};

use super::coordinator::{self, Coordinator};
use super::plan::Plan;
use super::typed::Typed;
use crate::error::Failure;
use crate::run_folder::write_whole;
use crate::source::{LARGEST_FILE, Source};

/// The study as it was read.
pub const STUDY: &str = "study.toml";
/// Where it was started from.
const ORIGIN: &str = "origin.json";

/// The content of `origin.json`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Origin {
    /// The folder from which relative paths in the study are taken.
    working_directory: PathBuf,
    /// What was typed at `study run` beside the file.
    #[serde(default, skip_serializing_if = "Typed::is_empty")]
    typed: Typed,
}

/// The plan of a study that is named by its file or by its folder, checked for itself. With a folder this
/// process moves to where the study was started, so that its relative paths mean what they meant.
///
/// # Errors
/// What is wrong in the file; a folder that is not a study's.
pub fn open(path: &Path, out: Option<PathBuf>) -> Result<Plan, Failure> {
    if !path.is_dir() {
        return Plan::parse(&Source::read(path)?, out);
    }
    let file = path.join(STUDY);
    if !file.is_file() {
        let dir = path.display();
        return Err(Failure::input(format!("{dir} is not a study's folder: it holds no {STUDY}")));
    }
    if out.is_some() {
        return Err(Failure::input("out: only with a study's file; a folder is its own"));
    }
    let source = Source::read(&file)?;
    let folder = move_to_origin(path)?;
    Plan::parse(&source, Some(folder))
}

/// As [`open`], of a study that was started: what was typed then still holds.
///
/// # Errors
/// As [`open`]; a remembered number out of bounds.
pub fn reopen(path: &Path) -> Result<Plan, Failure> {
    let mut plan = open(path, None)?;
    let Some(origin) = Origin::read(&plan.out) else { return Ok(plan) };
    origin.typed.apply(&mut plan.engine).map_err(|failure| {
        Failure::input(format!("{}: {failure}", plan.out.join(ORIGIN).display()))
    })?;
    plan.typed = origin.typed;
    Ok(plan)
}

/// The plan of a study that is to run as is typed now, which its folder will remember. Of a study that is named
/// by its folder, what was typed before holds too.
///
/// # Errors
/// As [`reopen`]; a typed number out of bounds.
pub fn open_to_run(path: &Path, out: Option<PathBuf>, typed: &Typed) -> Result<Plan, Failure> {
    let mut plan = match path.is_dir() && out.is_none() {
        true => reopen(path)?,
        false => open(path, out)?,
    };
    typed.apply(&mut plan.engine)?;
    plan.typed = typed.clone().over(plan.typed);
    Ok(plan)
}

impl Origin {
    /// That of the study in `dir`; none if there is none that can be read.
    fn read(dir: &Path) -> Option<Self> {
        let text = files::read(&dir.join(ORIGIN), LARGEST_FILE).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

/// Moves to where the study in `dir` was started; its folder as seen from there.
fn move_to_origin(dir: &Path) -> Result<PathBuf, Failure> {
    let Some(origin) = Origin::read(dir) else { return Ok(dir.to_owned()) };
    let there = origin.working_directory;
    if std::env::current_dir().is_ok_and(|here| here == there) {
        return Ok(dir.to_owned());
    }
    let whole = fs::canonicalize(dir)
        .map_err(|error| Failure::input(format!("cannot find {}: {error}", dir.display())))?;
    if std::env::set_current_dir(&there).is_err() {
        line_err!(
            "note: {} was started in {}, which is gone: relative paths are taken from here",
            dir.display(),
            there.display()
        );
    }
    Ok(whole)
}

/// A folder that holds something must be that of this study: of one whose variants all stand in the
/// plan, so that no figure of another study is overwritten.
///
/// # Errors
/// It is another's, or cannot be read.
pub fn check(plan: &Plan) -> Result<(), Failure> {
    let dir = plan.out.display();
    let refused = |held: &str| {
        let why = format!("out = \"{dir}\": the folder holds {held}; choose another --out");
        Err(Failure::input(why))
    };
    match fs::read_dir(&plan.out) {
        Ok(mut entries) => {
            // A study that was killed before it had its file may have left what is its own.
            if entries.all(|entry| entry.is_ok_and(|entry| is_ours(&entry.file_name()))) {
                return Ok(());
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::input(format!("out = \"{dir}\": {error}"))),
    }
    let path = plan.out.join(STUDY);
    let text = match files::read_text(&path, LARGEST_FILE) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return refused("something that is not a study");
        }
        Err(error) => return Err(Failure::input(format!("{}: {error}", path.display()))),
    };
    let recorded = Source::parse(&path, text).and_then(|source| Plan::parse(&source, None));
    let recorded = match recorded {
        Ok(recorded) => recorded,
        Err(failure) => return refused(&format!("a study that cannot be read ({failure})")),
    };
    let known = |name: &str| plan.variants.iter().any(|variant| variant.name == name);
    match recorded.variants.iter().find(|variant| !known(&variant.name)) {
        Some(variant) => refused(&format!("another study, with a variant {:?}", variant.name)),
        None => Ok(()),
    }
}

fn is_ours(name: &OsStr) -> bool {
    name == coordinator::FOLDER || name.to_string_lossy().starts_with(ORIGIN)
}

/// Creates the study's folder and makes it this process's.
///
/// # Errors
/// Another process runs the study; a folder that cannot be written.
pub fn claim(plan: &Plan, take_over: bool) -> Result<Coordinator, Failure> {
    let dir = plan.out.display();
    let refused = |error| Failure::input(format!("cannot use the folder {dir}: {error}"));
    fs::create_dir_all(&plan.out).map_err(refused)?;
    let coordinator = Coordinator::claim(&plan.out, take_over)?;
    let here = std::env::current_dir().map_err(refused)?;
    let origin = Origin { working_directory: here, typed: plan.typed.clone() };
    let origin = serde_json::to_string_pretty(&origin).map_err(Failure::input)? + "\n";
    write_whole(&plan.out.join(ORIGIN), origin.as_bytes()).map_err(refused)?;
    // Last: it makes the folder a study's.
    write_whole(&plan.out.join(STUDY), plan.text.as_bytes()).map_err(refused)?;
    Ok(coordinator)
}

/// The studies in `root` and beneath it, sorted. A study's own folders are not looked into.
pub fn studies(root: &Path) -> Vec<PathBuf> {
    const DEEPEST: usize = 6;
    let mut found = Vec::new();
    let mut waiting = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        if folder.join(STUDY).is_file() {
            found.push(folder);
            continue;
        }
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        // Links may lead in circles.
        let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|t| t.is_dir()));
        if depth < DEEPEST {
            waiting.extend(folders.map(|entry| (entry.path(), depth + 1)));
        }
    }
    found.sort();
    found
}
