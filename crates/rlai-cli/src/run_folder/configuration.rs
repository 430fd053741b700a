//! `run.toml`: what the run is, and whether another configuration is the same run.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::{self, Display};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rlai::checkpoint::attempts;
use rlai::files;

use super::{RUN, sync_folder, write_whole};
use crate::error::Failure;
use crate::settings::Settings;
use crate::source::LARGEST_FILE;
use crate::spec::{RunSpec, made_whole, only_moved};

/// What `run.toml` is called until it is whole.
const PARTIAL: &str = ".run.toml-";
/// Where a run lies, how many threads it may use, how often it is saved, what stays of it and who may watch it
/// change nothing about it.
const FREE: [&str; 6] =
    ["out", "threads", "checkpoint_every", "keep_checkpoints", "keep_replay", "tensorboard"];

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
/// make them no two, nor two places of the same files.
pub fn differences(recorded: &Settings, wanted: &Settings) -> Vec<Difference> {
    let moved = only_moved(recorded, wanted);
    let [recorded, wanted] = [recorded, wanted].map(|settings| made_whole(settings).to_table());
    let shown = |value: &toml::Value| value.as_float().map_or(value.to_string(), |x| x.to_string());
    let mut keys: Vec<&String> = recorded.keys().chain(wanted.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .filter(|key| !FREE.contains(&key.as_str()) && !moved.contains(&key.as_str()))
        .filter(|key| recorded.get(*key) != wanted.get(*key))
        .map(|key| Difference {
            key: key.clone(),
            recorded: recorded.get(key).map(shown),
            wanted: wanted.get(key).map(shown),
        })
        .collect()
}

/// A run's folder that was made just now, with all that did not exist before.
#[derive(Debug)]
pub struct Made {
    /// The run's folder.
    run: PathBuf,
    /// Of it and those that it lies in, the ones that were made, the innermost first.
    folders: Vec<PathBuf>,
}

/// Creates the folder of a new run and its `run.toml`, whole, unless there is one: of two programs one
/// succeeds.
///
/// # Errors
/// When it cannot be created, or another program was faster.
pub fn record(spec: &RunSpec, versions: &BTreeMap<String, String>) -> Result<Made, Failure> {
    let dir = &spec.out;
    let text = text(spec, versions);
    let made = Made { run: dir.clone(), folders: missing(dir) };
    let claimed = fs::create_dir_all(dir).and_then(|()| claim(dir, text.as_bytes()));
    if let Err(error) = claimed {
        made.remove_folders();
        let dir = dir.display();
        return Err(match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Failure::input(format!("{dir}: another process has just begun this run"))
            }
            _ => Failure::input(format!("cannot create the run's folder {dir}: {error}")),
        });
    }
    Ok(made)
}

impl Made {
    /// Takes back what [`record`] did, unless somebody works on the run already. A folder that was there
    /// before it stays.
    pub fn take_back(&self) {
        if attempts(&self.run).is_empty() && fs::remove_file(self.run.join(RUN)).is_ok() {
            self.remove_folders();
        }
    }

    fn remove_folders(&self) {
        for folder in &self.folders {
            // One that is not empty is somebody else's too; those around it are not either.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Of a folder and those that it lies in, the ones that are not there, the innermost first.
fn missing(dir: &Path) -> Vec<PathBuf> {
    let named = dir.ancestors().filter(|folder| !folder.as_os_str().is_empty());
    named.take_while(|folder| !folder.exists()).map(Path::to_owned).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn on(env: &str, input: Option<&str>) -> Settings {
        let input_blake3 = input.map(str::to_owned);
        Settings { env: Some(env.to_owned()), input_blake3, ..Settings::default() }
    }

    fn keys(recorded: &Settings, wanted: &Settings) -> Vec<String> {
        differences(recorded, wanted).into_iter().map(|difference| difference.key).collect()
    }

    #[test]
    fn files_that_moved_make_no_other_run_and_other_files_do() {
        let (here, there) =
            (on("tabular:/a/p.json", Some("x")), on("tabular:/b/q.json", Some("x")));
        assert_eq!(keys(&here, &there), [""; 0]);
        for other in [
            on("tabular:/b/q.json", None),
            on("tabular-stationary:/b/q.json", Some("x")),
            on("grid:/b/q.json", Some("x")),
            on("CartPole-v1", Some("x")),
        ] {
            assert!(keys(&here, &other).contains(&"env".to_owned()), "{other:?}");
        }
        let changed = on("tabular:/b/q.json", Some("y"));
        assert_eq!(keys(&here, &changed), ["env", "input_blake3"]);
        assert_eq!(keys(&on("tabular:/a", None), &on("tabular:/b", None)), ["env"]);
        let from = |dataset: &str, default_policy: &str| Settings {
            dataset: Some(dataset.into()),
            default_policy: Some(default_policy.to_owned()),
            init_from: Some("same".into()),
            ..on("Pendulum-v1", Some("x"))
        };
        assert_eq!(keys(&from("/a/d", "/a/run"), &from("/b/d", "/b/run")), [""; 0]);
        assert_eq!(keys(&from("/a/d", "/a/run"), &from("/b/d", "average")), ["default_policy"]);
        let without = Settings { dataset: None, ..from("/a/d", "/a/run") };
        assert_eq!(keys(&from("/a/d", "/a/run"), &without), ["dataset"]);
        // What its networks start from is not among what is hashed.
        let started = Settings { init_from: Some("other".into()), ..from("/a/d", "/a/run") };
        assert_eq!(keys(&from("/a/d", "/a/run"), &started), ["init_from"]);
    }

    #[test]
    fn what_is_taken_back_is_what_was_made() {
        let room = tempfile::tempdir().unwrap();
        let path = |name: &str| room.path().join(name);
        let spec = |out: &str| {
            let out = Some(path(out));
            RunSpec::check(&Settings { out, ..on("Pendulum-v1", None) }).unwrap()
        };
        let none = BTreeMap::new();
        record(&spec("a/b/c"), &none).unwrap().take_back();
        assert!(!path("a").exists());
        // The user's own empty folder, and what somebody else put beside the run.
        fs::create_dir(path("own")).unwrap();
        record(&spec("own"), &none).unwrap().take_back();
        assert!(path("own").exists() && fs::read_dir(path("own")).unwrap().next().is_none());
        let made = record(&spec("own/x/y"), &none).unwrap();
        fs::write(path("own/x/note"), "").unwrap();
        made.take_back();
        assert!(path("own/x/note").exists() && !path("own/x/y").exists());
        // Another program's run stays, with its folder; so does a folder that could not be filled.
        record(&spec("theirs/run"), &none).unwrap();
        record(&spec("theirs/run"), &none).unwrap_err();
        assert!(path("theirs/run").join(RUN).exists());
        let long = format!("d/e/{}", "x".repeat(300));
        record(&spec(&long), &none).unwrap_err();
        assert!(!path("d").exists());
    }
}
