//! `run.toml`: what the run is, and whether another configuration is the same run.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::{self, Display};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use rlai::checkpoint::attempts;
use rlai::files;

use super::{RUN, sync_folder, write_whole};
use crate::error::Failure;
use crate::settings::Settings;
use crate::source::LARGEST_FILE;
use crate::spec::{RunSpec, made_whole};

/// What `run.toml` is called until it is whole.
const PARTIAL: &str = ".run.toml-";
/// Where a run lies, how many threads it may use, how often it is saved and what stays of it change nothing
/// about it.
const FREE: [&str; 5] = ["out", "threads", "checkpoint_every", "keep_checkpoints", "keep_replay"];

/// A key on which two configurations differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key.
    pub key: String,
    /// Its value in the folder; none if it is not set there.
    pub recorded: Option<String>,
    /// Its value now.
    pub wanted: Option<String>,
}

impl Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
        let what = match self.key.as_str() {
            "input_blake3" => "input_blake3 (the files that it learns from)",
            key => key,
        };
        write!(out, "{what}: {} there, {} here", shown(&self.recorded), shown(&self.wanted))
    }
}

/// How two resolved configurations differ in what makes them one run or two. Two spellings of one path
/// make them no two.
pub fn differences(recorded: &Settings, wanted: &Settings) -> Vec<Difference> {
    let [recorded, wanted] = [recorded, wanted].map(|settings| made_whole(settings).to_table());
    let shown = |value: &toml::Value| value.as_float().map_or(value.to_string(), |x| x.to_string());
    let mut keys: Vec<&String> = recorded.keys().chain(wanted.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .filter(|key| !FREE.contains(&key.as_str()) && recorded.get(*key) != wanted.get(*key))
        .map(|key| Difference {
            key: key.clone(),
            recorded: recorded.get(key).map(shown),
            wanted: wanted.get(key).map(shown),
        })
        .collect()
}

/// Creates the folder of a new run and its `run.toml`, whole, unless there is one: of two programs one
/// succeeds.
///
/// # Errors
/// When it cannot be created, or another program was faster.
pub fn record(spec: &RunSpec, versions: &BTreeMap<String, String>) -> Result<(), Failure> {
    let dir = &spec.out;
    let text = text(spec, versions);
    fs::create_dir_all(dir).and_then(|()| claim(dir, text.as_bytes())).map_err(|error| {
        // Only an empty folder goes: it was this run's.
        let _ = fs::remove_dir(dir);
        Failure::input(format!("cannot create the run's folder {}: {error}", dir.display()))
    })
}

/// Takes back what [`record`] did, unless somebody works on the run already.
pub fn unrecord(dir: &Path) {
    if attempts(dir).is_empty() {
        let _ = fs::remove_file(dir.join(RUN)).and_then(|()| fs::remove_dir(dir));
    }
}

/// Replaces `run.toml` if what it says is no longer so.
///
/// # Errors
/// When it cannot be written.
pub fn record_anew(spec: &RunSpec, versions: &BTreeMap<String, String>) -> Result<(), Failure> {
    let path = spec.out.join(RUN);
    let without_place = |settings: &Settings| {
        let mut table = settings.to_table();
        // A folder that was moved, and another number of threads for once, need no record.
        table.remove("out");
        table.remove("threads");
        table
    };
    let there = files::read_text(&path, LARGEST_FILE);
    let recorded = there.ok().and_then(|there| toml::from_str(&there).ok());
    if recorded.is_some_and(|old| without_place(&old) == without_place(&spec.to_settings())) {
        return Ok(());
    }
    write_whole(&path, text(spec, versions).as_bytes())
        .map_err(|error| Failure::running(format!("cannot write {}: {error}", path.display())))
}

/// Whether a file of this name is what a program left that was killed before there was a run.
pub(super) fn is_partial(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with(PARTIAL)
}

fn text(spec: &RunSpec, versions: &BTreeMap<String, String>) -> String {
    let versions = toml::to_string(versions).expect("a table of strings");
    spec.to_toml() + "\n[versions]\n" + &versions
}

fn claim(dir: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(PARTIAL).tempfile_in(dir)?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(dir.join(RUN)).map_err(|error| error.error)?;
    sync_folder(dir)
}
