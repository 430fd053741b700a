//! What a finished run shows: its metrics, its last checkpoint, and last of all its result.
//!
//! Several copies of a run may reach its end, on machines that share nothing but the folder. The result is
//! linked to its name, which works for one of them alone on every file system that has links; locks and
//! renames that do not replace are less reliable there.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use rlai::checkpoint::attempts;

use super::{Attempt, CHECKPOINT, METRICS, RESULT, RunResult, sync_folder, write_synced};

/// Links the attempt's metrics and its checkpoint into the run's folder, and then the result; returns the
/// result that the run has, which another copy may have published before.
///
/// # Errors
/// A higher attempt, or a file system that refuses.
pub fn publish(attempt: &Attempt, checkpoint: &Path, result: &RunResult) -> io::Result<RunResult> {
    attempt.fence()?;
    let run = attempt.run();
    // A copy that was fenced off while it published may have linked what its follower has removed.
    let published = run.join(RESULT).exists();
    if !(published && run.join(METRICS).exists() && run.join(CHECKPOINT).exists()) {
        link_metrics(attempt)?;
        link_checkpoint(attempt, checkpoint)?;
        sync_folder(run)?;
    }
    attempt.fence()?;
    let partial = attempt.partial(RESULT);
    write_synced(&partial, (serde_json::to_string_pretty(result)? + "\n").as_bytes())?;
    let first = link_new(&partial, &run.join(RESULT));
    remove(&partial)?;
    sync_folder(run)?;
    match first? {
        true => Ok(result.clone()),
        false => RunResult::read(run).ok_or_else(|| {
            io::Error::other(format!("{RESULT}: another copy published it, and it cannot be read"))
        }),
    }
}

/// Removes the replays of a run that has finished and shall not keep them. Whatever cannot be removed only
/// takes space.
pub fn remove_replays(run: &Path) {
    for (_, attempt) in attempts(run) {
        remove_whole(&attempt, "replay");
    }
}

/// Removes a folder of an attempt: under its name it is whole, also if this is interrupted.
pub(super) fn remove_whole(attempt: &Path, name: &str) {
    let (path, removed) = (attempt.join(name), attempt.join(format!("{name}.removed")));
    let _ = fs::rename(&path, &removed);
    let _ = fs::remove_dir_all(&removed);
}

/// Takes back what a finished run showed, since it goes on. The result goes first: without it nothing
/// else counts, wherever this is interrupted.
///
/// # Errors
/// A file system that refuses.
pub fn withdraw(run: &Path) -> io::Result<()> {
    remove(&run.join(RESULT))?;
    sync_folder(run)?;
    remove(&run.join(CHECKPOINT))?;
    remove(&run.join(METRICS))?;
    sync_folder(run)
}

/// Gives a file a second name, unless that is taken: then `false`.
fn link_new(from: &Path, to: &Path) -> io::Result<bool> {
    let Err(error) = fs::hard_link(from, to) else { return Ok(true) };
    // Over a network the answer may be lost, and the same request then fails: the link is there.
    if links(from) == Some(2) {
        return Ok(true);
    }
    if error.kind() == ErrorKind::AlreadyExists || to.exists() {
        return Ok(false);
    }
    // A file system without links.
    fs::rename(from, to).map(|()| true)
}

#[cfg(unix)]
fn links(path: &Path) -> Option<u64> {
    Some(std::os::unix::fs::MetadataExt::nlink(&fs::metadata(path).ok()?))
}

#[cfg(not(unix))]
fn links(_: &Path) -> Option<u64> {
    None
}

fn link_metrics(attempt: &Attempt) -> io::Result<()> {
    let (from, partial) = (attempt.metrics(), attempt.partial(METRICS));
    remove(&partial)?;
    fs::hard_link(&from, &partial).or_else(|_| fs::copy(&from, &partial).map(|_| ()))?;
    fs::rename(&partial, attempt.run().join(METRICS))?;
    // Two names of one file are not renamed to one: nothing happens.
    remove(&partial)
}

/// A link that stays right when the run's folder is moved.
fn link_checkpoint(attempt: &Attempt, checkpoint: &Path) -> io::Result<()> {
    let target = checkpoint.strip_prefix(attempt.run()).unwrap_or(checkpoint);
    let (partial, to) = (attempt.partial(CHECKPOINT), attempt.run().join(CHECKPOINT));
    remove(&partial)?;
    link_or_copy_folder(target, checkpoint, &partial)?;
    // A link replaces a link at once; a folder must go first.
    fs::rename(&partial, &to).or_else(|_| remove(&to).and_then(|()| fs::rename(&partial, &to)))
}

#[cfg(unix)]
fn link_or_copy_folder(target: &Path, _: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, to)
}

#[cfg(not(unix))]
fn link_or_copy_folder(_: &Path, from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Removes a file, a link or a folder, if it is there.
fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::run_folder::Owner;

    fn result(hash: &str) -> RunResult {
        RunResult {
            status: "finished".to_owned(),
            env: "CartPole-v1".to_owned(),
            objective: "reverse-kl-all-actions".to_owned(),
            seed: 0,
            out: "run".into(),
            steps: 10,
            final_return: None,
            evaluations: Vec::new(),
            parameters_blake3: hash.to_owned(),
            replay_kept: true,
            wall_time_seconds: 1.0,
            versions: BTreeMap::new(),
        }
    }

    fn ready(attempt: &Attempt) -> std::path::PathBuf {
        attempt.begin_metrics(None).unwrap();
        let checkpoint = attempt.folder().join("checkpoints").join("step-10");
        fs::create_dir_all(&checkpoint).unwrap();
        checkpoint
    }

    /// The same attempt as its follower sees it: by a process on another machine.
    fn from_afar(attempt: &Attempt) {
        let owner = Owner { host: "another".to_owned(), ..Owner::read(attempt.folder()).unwrap() };
        fs::write(attempt.folder().join("owner.json"), owner.to_text()).unwrap();
    }

    #[test]
    fn the_first_result_stays() {
        let run = tempfile::tempdir().unwrap();
        let first = Attempt::claim(run.path(), false).unwrap();
        let checkpoint = ready(&first);
        assert_eq!(publish(&first, &checkpoint, &result("one")).unwrap(), result("one"));
        from_afar(&first);
        let second = Attempt::claim(run.path(), true).unwrap();
        let other = ready(&second);
        assert_eq!(publish(&second, &other, &result("two")).unwrap(), result("one"));
        assert!(
            run.path()
                .join(CHECKPOINT)
                .canonicalize()
                .unwrap()
                .ends_with("attempt-1/checkpoints/step-10")
        );
        // A follower that has removed what was published puts its own there.
        fs::remove_dir_all(&checkpoint).unwrap();
        publish(&second, &other, &result("two")).unwrap();
        assert!(
            run.path()
                .join(CHECKPOINT)
                .canonicalize()
                .unwrap()
                .ends_with("attempt-2/checkpoints/step-10")
        );
        // One that is fenced off publishes nothing.
        let stopped = publish(&first, &checkpoint, &result("one")).unwrap_err().to_string();
        assert!(stopped.contains("taken this run over"), "{stopped}");
        let left = fs::read_dir(run.path()).unwrap().flatten();
        let left = left.filter(|entry| entry.file_name().to_string_lossy().starts_with('.'));
        assert_eq!(left.count(), 0);
    }

    #[test]
    fn a_link_whose_answer_was_lost_is_there() {
        let room = tempfile::tempdir().unwrap();
        let (from, to) = (room.path().join("partial"), room.path().join("result.json"));
        fs::write(&from, "ours").unwrap();
        assert!(link_new(&from, &to).unwrap());
        #[cfg(unix)]
        assert!(link_new(&from, &to).unwrap());
        let other = room.path().join("other");
        fs::write(&other, "theirs").unwrap();
        assert!(!link_new(&other, &to).unwrap());
        assert_eq!(fs::read_to_string(&to).unwrap(), "ours");
    }
}
