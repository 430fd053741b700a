//! The one process that runs a study: the same claims as on a run, in a folder of their own.

use std::fs;
use std::path::{Path, PathBuf};

use rlai::checkpoint::attempts;

use crate::error::Failure;
use crate::run_folder::{Attempt, Life, Owner};

/// Its folder in the study's.
pub const FOLDER: &str = ".coordinator";

/// This process, as the one that runs the study. It gives the study free when it is dropped.
#[derive(Debug)]
pub struct Coordinator(Attempt);

impl Coordinator {
    /// Makes this process the one that runs the study in `out`, whose folder is there.
    ///
    /// # Errors
    /// Another one lives, or cannot be asked and shall not be taken over.
    pub fn claim(out: &Path, take_over: bool) -> Result<Self, Failure> {
        check(out, take_over)?;
        let folder = out.join(FOLDER);
        fs::create_dir_all(&folder).map_err(|error| {
            Failure::input(format!("cannot create {}: {error}", folder.display()))
        })?;
        let attempt = Attempt::claim(&folder, take_over).map_err(|failure| {
            Failure::input(format!("{}: the study was not taken: {failure}", out.display()))
        })?;
        remove_earlier(&folder, attempt.folder());
        Ok(Self(attempt))
    }

    /// A folder of this process alone, which goes when the next one takes the study.
    pub fn folder(&self) -> &Path {
        self.0.folder()
    }

    /// Whether the study is still this process's.
    ///
    /// # Errors
    /// Another process has taken it over, or the folder is gone.
    pub fn fence(&self) -> Result<(), String> {
        let gone = "another process has taken this study over, or its folder was removed";
        self.0.fence().map_err(|_| gone.to_owned())
    }
}

impl Drop for Coordinator {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// Who runs a study, and what has become of it; none if nobody ever did.
pub fn owner(out: &Path) -> Option<(Owner, Life)> {
    let (_, folder) = newest(out)?;
    let owner = Owner::read(&folder)?;
    let life = owner.life(&folder);
    Some((owner, life))
}

fn newest(out: &Path) -> Option<(u64, PathBuf)> {
    attempts(&out.join(FOLDER)).into_iter().next()
}

/// Refuses a study that another process runs.
fn check(out: &Path, take_over: bool) -> Result<(), Failure> {
    let Some((owner, life)) = owner(out) else { return Ok(()) };
    let (dir, pid, host) = (out.display(), owner.pid, &owner.host);
    match life {
        Life::Dead | Life::Released => Ok(()),
        Life::Elsewhere if take_over => Ok(()),
        Life::Alive => Err(Failure::input(format!(
            "{dir}: process {pid} is running this study; end it first, or wait for it"
        ))),
        Life::Elsewhere => Err(Failure::input(format!(
            "{dir}: process {pid} on {host} may be running this study, which cannot be asked from here; if \
             it is gone, go on with --take-over"
        ))),
    }
}

/// Claims are numbered by those before; only the highest counts.
fn remove_earlier(folder: &Path, own: &Path) {
    for (_, earlier) in attempts(folder) {
        if earlier != own {
            let _ = fs::remove_dir_all(earlier);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_runs_a_study() {
        let out = tempfile::tempdir().unwrap();
        assert!(owner(out.path()).is_none());
        let first = Coordinator::claim(out.path(), false).unwrap();
        let refused = Coordinator::claim(out.path(), true).unwrap_err().to_string();
        assert!(refused.contains(&format!("process {} is running", std::process::id())));
        first.fence().unwrap();
        drop(first);
        assert_eq!(owner(out.path()).unwrap().1, Life::Released);
        let second = Coordinator::claim(out.path(), false).unwrap();
        assert_eq!(attempts(&out.path().join(FOLDER)).len(), 1);
        // As if it ran on another machine.
        let folder = newest(out.path()).unwrap().1;
        let elsewhere = Owner { host: "another".to_owned(), ..Owner::read(&folder).unwrap() };
        fs::write(folder.join("owner.json"), elsewhere.to_text()).unwrap();
        let refused = Coordinator::claim(out.path(), false).unwrap_err().to_string();
        assert!(refused.contains("on another") && refused.contains("--take-over"), "{refused}");
        let third = Coordinator::claim(out.path(), true).unwrap();
        assert!(second.fence().is_err());
        third.fence().unwrap();
    }
}
