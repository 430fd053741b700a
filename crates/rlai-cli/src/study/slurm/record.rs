//! What was submitted: which task of which array is which run.
//!
//! Names of runs do not change when variants are added to a study; places do. So each submission leaves
//! the names of its tasks, from which a task finds its run and `status` finds a run's task.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rlai::files;

use super::FOLDER;
use super::script::names_file;
use crate::run_folder::write_whole;

/// Most bytes of a submission's names: those of the longest paths of the largest study.
const LARGEST: u64 = 1 << 26;

/// All submissions of a study.
#[derive(Debug, Default)]
pub struct Record {
    folder: PathBuf,
    /// Names of runs by task, by submission; with the array's id, where Slurm took it.
    submissions: BTreeMap<u64, (BTreeMap<u64, String>, Option<String>)>,
}

impl Record {
    /// What the study in `out` has submitted; what cannot be read is left out.
    pub fn read(out: &Path) -> Self {
        let folder = out.join(FOLDER);
        let mut submissions = BTreeMap::new();
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let number =
                name.strip_prefix("submission-").and_then(|name| name.strip_suffix(".runs"));
            let Some(number) = number.and_then(|number| number.parse().ok()) else { continue };
            let Ok(text) = files::read_text(&entry.path(), LARGEST) else { continue };
            let job = files::read_text(&folder.join(job_file(number)), LARGEST).ok();
            let job = job.map(|job| job.trim().to_owned());
            submissions.insert(number, (parse_names(&text), job));
        }
        Self { folder, submissions }
    }

    /// The run of a task.
    pub fn name(&self, submission: u64, task: u64) -> Option<&str> {
        Some(self.submissions.get(&submission)?.0.get(&task)?.as_str())
    }

    /// How often a run was submitted.
    pub fn count(&self, run: &str) -> usize {
        let taken = self.submissions.values().filter(|(_, job)| job.is_some());
        taken.filter(|(names, _)| names.values().any(|name| name == run)).count()
    }

    /// The last array and task that a run was submitted as, with the submission.
    pub fn last(&self, run: &str) -> Option<(u64, &str, u64)> {
        self.submissions.iter().rev().find_map(|(&number, (names, job))| {
            let (&task, _) = names.iter().find(|(_, name)| *name == run)?;
            Some((number, job.as_deref()?, task))
        })
    }

    /// The arrays that Slurm took.
    pub fn jobs(&self) -> impl Iterator<Item = &str> {
        self.submissions.values().filter_map(|(_, job)| job.as_deref())
    }

    /// The number of the next submission.
    pub fn next(&self) -> u64 {
        self.submissions.keys().next_back().map_or(1, |last| last + 1)
    }

    /// Begins a submission: its tasks' names are on disk before Slurm may start any.
    ///
    /// # Errors
    /// Another process has this number; a file system that refuses.
    pub fn begin(
        &self,
        number: u64,
        names: &[(usize, String)],
        script: &str,
    ) -> io::Result<PathBuf> {
        fs::create_dir_all(&self.folder)?;
        let mut file = File::create_new(self.folder.join(names_file(number)))?;
        for (task, name) in names {
            writeln!(file, "{task} {name}")?;
        }
        file.sync_all()?;
        let path = self.folder.join(script_file(number));
        write_whole(&path, script.as_bytes())?;
        Ok(path)
    }

    /// Slurm took a submission as this array.
    ///
    /// # Errors
    /// A file system that refuses.
    pub fn taken(&self, number: u64, job: &str) -> io::Result<()> {
        write_whole(&self.folder.join(job_file(number)), format!("{job}\n").as_bytes())
    }

    /// Slurm refused a submission.
    pub fn refused(&self, number: u64) {
        for name in [names_file(number), script_file(number)] {
            let _ = fs::remove_file(self.folder.join(name));
        }
    }
}

fn script_file(submission: u64) -> String {
    format!("submission-{submission}.sh")
}

fn job_file(submission: u64) -> String {
    format!("submission-{submission}.job")
}

fn parse_names(text: &str) -> BTreeMap<u64, String> {
    let line = |line: &str| {
        let (task, name) = line.split_once(' ')?;
        Some((task.parse().ok()?, name.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn submissions_are_remembered_by_name() {
        let out = tempfile::tempdir().unwrap();
        let names = |list: &[(usize, &str)]| -> Vec<(usize, String)> {
            list.iter().map(|&(task, name)| (task, name.to_owned())).collect()
        };
        let record = Record::read(out.path());
        assert_eq!((record.next(), record.count("v/seed0")), (1, 0));
        record.begin(1, &names(&[(0, "v/seed0"), (7, "w/x=1, y/seed7")]), "#!/bin/bash\n").unwrap();
        record.begin(1, &names(&[(0, "v/seed0")]), "").unwrap_err();
        record.taken(1, "41").unwrap();
        let record = Record::read(out.path());
        record.begin(2, &names(&[(3, "v/seed0")]), "").unwrap();
        // It was interrupted before Slurm answered.
        let record = Record::read(out.path());
        assert_eq!(record.next(), 3);
        assert_eq!(record.name(1, 7), Some("w/x=1, y/seed7"));
        assert_eq!((record.name(2, 3), record.name(2, 0)), (Some("v/seed0"), None));
        assert_eq!((record.count("v/seed0"), record.count("w/x=1, y/seed7")), (1, 1));
        assert_eq!(record.last("v/seed0"), Some((1, "41", 0)));
        assert_eq!(record.jobs().collect::<Vec<_>>(), ["41"]);
        record.refused(2);
        assert_eq!(Record::read(out.path()).next(), 2);
        fs::write(out.path().join(FOLDER).join("submission-9.runs"), b"x\n\xff 1\n").unwrap();
        assert_eq!(Record::read(out.path()).next(), 2);
    }
}
