//! An attempt at a run: the folder of one writer, which owns the run as long as no higher one exists.

use std::fs::{self, File};
use std::io::ErrorKind::{NotADirectory, NotFound};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rlai::checkpoint::attempts;
use rlai::files;

use super::failure::RunFailure;
use super::owner::{LOCK, Life, OWNER, Owner};
use super::publish::remove_whole;
use super::{METRICS, sync_folder, write_synced, write_whole};
use crate::error::Failure;

/// The folder in which this process writes.
#[derive(Debug)]
pub struct Attempt {
    run: PathBuf,
    folder: PathBuf,
    owner: Owner,
    /// Held as long as this process lives.
    _lock: File,
}

/// Whether this process may write to the run in `run`; if not, why.
///
/// # Errors
/// The owner lives, or cannot be asked and shall not be taken over.
pub fn check_owner(run: &Path, take_over: bool) -> Result<(), Failure> {
    let Some((number, folder)) = attempts(run).into_iter().next() else { return Ok(()) };
    let dir = run.display();
    let Some(owner) = Owner::read(&folder) else {
        let why = format!(
            "{dir}: who writes there cannot be told (attempt-{number}/{OWNER} is missing or damaged); \
             if nobody does, go on with --take-over"
        );
        return if take_over { Ok(()) } else { Err(Failure::input(why)) };
    };
    let (pid, host) = (owner.pid, &owner.host);
    match owner.life(&folder) {
        Life::Dead | Life::Released => Ok(()),
        Life::Elsewhere if take_over => Ok(()),
        Life::Alive => Err(Failure::input(format!(
            "{dir}: process {pid} is writing this run; end it first, or wait for it"
        ))),
        Life::Elsewhere => Err(Failure::input(format!(
            "{dir}: process {pid} on {host} may be writing this run, which cannot be asked from here; if it \
             is gone, go on with --take-over"
        ))),
    }
}

impl Attempt {
    /// Makes the next attempt at the run in `run`, which is from then on this process's. The folder
    /// appears with its owner in it: of two processes one succeeds.
    ///
    /// # Errors
    /// Another process lives, or was faster; a file system that refuses.
    pub fn claim(run: &Path, take_over: bool) -> Result<Self, Failure> {
        check_owner(run, take_over)?;
        let number = attempts(run).first().map_or(1, |(number, _)| number.saturating_add(1));
        let folder = run.join(format!("attempt-{number}"));
        let owner = Owner::this(number);
        let partial = run.join(format!(".attempt-{number}-{}", owner.mark()));
        let claimed = prepare(&partial, &owner)
            .and_then(|lock| appear(&partial, &folder, &owner).map(|()| lock));
        let refused =
            |error| Failure::input(format!("cannot create {}: {error}", folder.display()));
        let lock = claimed.map_err(|error| {
            let _ = fs::remove_dir_all(&partial);
            if folder.exists() {
                let dir = run.display();
                return Failure::input(format!("{dir}: another process has just taken this run"));
            }
            refused(error)
        })?;
        sync_folder(run).map_err(|error| {
            // It is this process's, and nothing is in it yet.
            let _ = fs::remove_dir_all(&folder);
            refused(error)
        })?;
        let attempt = Self { run: run.to_owned(), folder, owner, _lock: lock };
        // For people: what counts lies in the attempt.
        let _ = attempt.show_owner(&attempt.owner);
        Ok(attempt)
    }

    /// A name in the run's folder that no other attempt uses, for what is not whole yet.
    pub fn partial(&self, name: &str) -> PathBuf {
        self.run.join(format!(".{name}-{}", self.owner.attempt))
    }

    fn show_owner(&self, owner: &Owner) -> io::Result<()> {
        let partial = self.partial(OWNER);
        write_synced(&partial, owner.to_text().as_bytes())?;
        fs::rename(partial, self.run.join(OWNER))
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The run's folder.
    pub fn run(&self) -> &Path {
        &self.run
    }

    /// Where its metrics are written.
    pub fn metrics(&self) -> PathBuf {
        self.folder.join(METRICS)
    }

    /// Refuses to go on if the run is no longer this process's.
    ///
    /// # Errors
    /// A higher attempt exists, or the folder is gone.
    pub fn fence(&self) -> io::Result<()> {
        self.exists()?;
        match attempts(&self.run).into_iter().next() {
            Some((number, _)) if number > self.owner.attempt => {
                let run = self.run.display();
                Err(io::Error::other(format!(
                    "{run}: another process has taken this run over (attempt-{number}); this one stops and \
                     writes nothing more"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Refuses to write where nobody would find it.
    ///
    /// # Errors
    /// The folder is gone.
    pub fn exists(&self) -> io::Result<()> {
        // A folder that is being removed may hold what was written meanwhile, but not this.
        match fs::metadata(self.folder.join(OWNER)) {
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => {
                let folder = self.folder.display();
                Err(io::Error::other(format!(
                    "{folder}, or part of it, was removed while the run was writing to it"
                )))
            }
            // What else is wrong there, the write itself will tell.
            _ => Ok(()),
        }
    }

    /// Begins the metrics of this attempt with the first `bytes` of those in the file `from`, on disk
    /// before this returns. Also their hash.
    ///
    /// # Errors
    /// A file that cannot be read or is shorter; a file system that refuses.
    pub fn begin_metrics(
        &self,
        from: Option<(&Path, u64)>,
    ) -> Result<(File, blake3::Hasher), Failure> {
        let path = self.metrics();
        let failed = |error: io::Error| {
            Failure::running(format!("cannot write {}: {error}", path.display()))
        };
        let mut lines = Vec::new();
        if let Some((from, bytes)) = from {
            let unreadable = |error| format!("cannot read {}: {error}", from.display());
            let file = files::open(from).map_err(|error| Failure::running(unreadable(error)))?;
            let read = file.take(bytes).read_to_end(&mut lines);
            read.map_err(|error| Failure::running(unreadable(error)))?;
            if (lines.len() as u64) < bytes {
                let why = format!("{} bytes, where its checkpoint names {bytes}", lines.len());
                return Err(Failure::running(unreadable(io::Error::other(why))));
            }
        }
        write_whole(&path, &lines).map_err(failed)?;
        let file = File::options().append(true).open(&path).map_err(failed)?;
        let mut hash = blake3::Hasher::new();
        hash.update(&lines);
        Ok((file, hash))
    }

    /// Says that this process has ended, and why, for whoever looks at the run later.
    pub fn fail(&self, failure: &Failure) {
        // First: others wait for it, and on a full disk there may be room for one of the two.
        self.release();
        if self.fence().is_ok() {
            RunFailure::leave(&self.folder, &failure.to_string());
        }
    }

    /// Says that this process has ended, so that any other may go on at once, from another machine too.
    pub fn release(&self) {
        if self.fence().is_err() {
            return;
        }
        let owner = Owner { released: true, ..self.owner.clone() };
        // Where it cannot be said, the process id tells it here, and --take-over elsewhere.
        let _ = write_whole(&self.folder.join(OWNER), owner.to_text().as_bytes());
        let _ = self.show_owner(&owner);
    }

    /// Removes a file of earlier attempts that this one has anew. One that cannot be removed only takes space.
    pub fn remove_earlier(&self, name: &str) {
        for (_, folder) in self.earlier() {
            let _ = fs::remove_file(folder.join(name));
        }
    }

    fn earlier(&self) -> impl Iterator<Item = (u64, PathBuf)> {
        let own = self.owner.attempt;
        attempts(&self.run).into_iter().filter(move |(number, _)| *number < own)
    }

    /// Removes the checkpoints of earlier attempts once this one has enough of its own. Their metrics
    /// stay.
    pub fn prune_earlier(&self, keep: usize) {
        let of = |folder: &Path| rlai::checkpoint::candidates(&folder.join("checkpoints")).len();
        if of(&self.folder) < keep {
            return;
        }
        for (_, folder) in self.earlier() {
            for name in ["checkpoints", "replay"] {
                // Whatever cannot be removed only takes space.
                remove_whole(&folder, name);
            }
        }
    }
}

/// Gives an attempt its name, which fails if another has it. Over a network the answer may be lost: whose
/// it is stands in it.
fn appear(partial: &Path, folder: &Path, owner: &Owner) -> io::Result<()> {
    match fs::rename(partial, folder) {
        Err(_) if Owner::read(folder).as_ref() == Some(owner) => Ok(()),
        other => other,
    }
}

/// A folder with its owner, under a name that nobody looks for.
fn prepare(partial: &Path, owner: &Owner) -> io::Result<File> {
    let _ = fs::remove_dir_all(partial);
    fs::create_dir(partial)?;
    let lock = File::create(partial.join(LOCK))?;
    // Where files cannot be locked, `/proc` must tell.
    let _ = lock.try_lock();
    write_synced(&partial.join(OWNER), owner.to_text().as_bytes())?;
    sync_folder(partial)?;
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_attempt_fences_off_the_lower_one() {
        let run = tempfile::tempdir().unwrap();
        let first = Attempt::claim(run.path(), false).unwrap();
        first.fence().unwrap();
        let refused = Attempt::claim(run.path(), true).unwrap_err().to_string();
        assert!(
            refused.contains(&format!("process {} is writing", std::process::id())),
            "{refused}"
        );
        // As if it ran on another machine.
        let owner = Owner { host: "another".to_owned(), ..first.owner.clone() };
        fs::write(first.folder.join(OWNER), owner.to_text()).unwrap();
        let refused = Attempt::claim(run.path(), false).unwrap_err().to_string();
        assert!(refused.contains("on another") && refused.contains("--take-over"), "{refused}");
        let second = Attempt::claim(run.path(), true).unwrap();
        assert!(second.folder().ends_with("attempt-2"));
        let stopped = first.fence().unwrap_err().to_string();
        assert!(stopped.contains("taken this run over (attempt-2)"), "{stopped}");
        // One that was fenced off says nothing more.
        first.release();
        assert_eq!(Owner::read(second.folder()).unwrap().life(second.folder()), Life::Alive);
        second.release();
        assert!(Attempt::claim(run.path(), false).unwrap().folder().ends_with("attempt-3"));
    }

    #[test]
    fn of_two_that_claim_at_once_one_succeeds() {
        let run = tempfile::tempdir().unwrap();
        let (ours, theirs) = (Owner::this(1), Owner { pid: 1, ..Owner::this(1) });
        assert_ne!(ours.mark(), theirs.mark());
        let folder = run.path().join("attempt-1");
        let partial = |owner: &Owner| run.path().join(owner.mark());
        let _locks = [&ours, &theirs].map(|owner| prepare(&partial(owner), owner).unwrap());
        appear(&partial(&theirs), &folder, &theirs).unwrap();
        appear(&partial(&ours), &folder, &ours).unwrap_err();
        // One whose answer was lost asks again.
        appear(&partial(&theirs), &folder, &theirs).unwrap();
        assert_eq!(Owner::read(&folder).unwrap(), theirs);
    }

    #[test]
    fn an_owner_that_cannot_be_read_is_not_taken_for_dead() {
        let run = tempfile::tempdir().unwrap();
        fs::create_dir(run.path().join("attempt-1")).unwrap();
        let refused = Attempt::claim(run.path(), false).unwrap_err().to_string();
        assert!(refused.contains("cannot be told"), "{refused}");
        Attempt::claim(run.path(), true).unwrap();
    }

    /// Where there are no start times, the lock of the attempt itself tells who lives.
    #[test]
    fn an_attempt_is_locked_as_long_as_its_process_has_it() {
        let run = tempfile::tempdir().unwrap();
        let attempt = Attempt::claim(run.path(), false).unwrap();
        let owner = Owner { start_time: None, ..attempt.owner.clone() };
        fs::write(attempt.folder.join(OWNER), owner.to_text()).unwrap();
        assert_eq!(owner.life(&attempt.folder), Life::Alive);
        let refused = Attempt::claim(run.path(), true).unwrap_err().to_string();
        assert!(refused.contains("is writing this run"), "{refused}");
        drop(attempt);
        assert!(Attempt::claim(run.path(), false).unwrap().folder().ends_with("attempt-2"));
    }

    #[test]
    fn a_removed_folder_is_told() {
        let run = tempfile::tempdir().unwrap();
        let attempt = Attempt::claim(run.path(), false).unwrap();
        fs::remove_file(attempt.folder().join(OWNER)).unwrap();
        assert!(attempt.fence().unwrap_err().to_string().contains("was removed"));
    }
}
