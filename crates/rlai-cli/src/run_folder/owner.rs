//! The one process that writes to a run, and whether it lives.
//!
//! On Linux a process is known by its id, the time of its start, the boot and the namespace of ids, all
//! from `/proc`: an id that was given to another process later is not taken for the owner. No clock that
//! people set is asked: clocks jump. Where start times are counted from another boot (in a time namespace),
//! or there is no `/proc`, a lock that the owner holds on a file of its attempt tells whether it lives,
//! which only local file systems do reliably.
//!
//! Slurm starts a run a second time when it has lost sight of the first, which may live: the owner names
//! its job, and the one that Slurm started in its place may take the run over.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use rlai::files;
use serde::{Deserialize, Serialize};

use crate::slurm_job::SlurmJob;

/// Name of its file.
pub const OWNER: &str = "owner.json";
/// The file that the owner holds locked.
pub const LOCK: &str = "owner.lock";

/// Largest file of an owner that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// Who writes to a run: the content of `owner.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Name of its machine.
    pub host: String,
    /// Which start of that machine it was; none where that cannot be told.
    pub boot_id: Option<String>,
    /// In which space its id counts: containers have their own.
    pub pid_namespace: Option<String>,
    /// From which boot it counts time: containers may have their own. None in an older program's file, and
    /// where that cannot be told.
    #[serde(default)]
    pub time_namespace: Option<String>,
    /// Id of the process.
    pub pid: u32,
    /// When the process started, in clock ticks since the boot; none where that cannot be told.
    pub start_time: Option<u64>,
    /// Its job, if Slurm started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slurm: Option<SlurmJob>,
    /// The attempt that it made.
    pub attempt: u64,
    /// It has ended and said so: anybody may go on with the run.
    pub released: bool,
}

/// What has become of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Life {
    /// It writes.
    Alive,
    /// It ended without a word.
    Dead,
    /// It ended, and gave the run free.
    Released,
    /// It is, or was, where this process cannot look, or where Slurm has lost sight of it.
    Elsewhere,
}

impl Owner {
    /// This process.
    pub fn this(attempt: u64) -> Self {
        let pid = std::process::id();
        Self {
            host: host(),
            boot_id: line_of("/proc/sys/kernel/random/boot_id"),
            pid_namespace: namespace("pid"),
            time_namespace: namespace("time"),
            pid,
            start_time: start_time(pid),
            slurm: SlurmJob::this(),
            attempt,
            released: false,
        }
    }

    /// The owner that the attempt in this folder names; none if it cannot be told.
    pub fn read(attempt: &Path) -> Option<Self> {
        serde_json::from_slice(&files::read(&attempt.join(OWNER), LARGEST).ok()?).ok()
    }

    /// A short name that no other process has, on any machine.
    pub fn mark(&self) -> String {
        blake3::hash(self.to_text().as_bytes()).to_hex()[..12].to_owned()
    }

    /// The text of its file.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain values") + "\n"
    }

    /// What has become of it; `attempt` is its folder.
    pub fn life(&self, attempt: &Path) -> Life {
        self.life_as_seen_by(&Self::this(0), attempt)
    }

    fn life_as_seen_by(&self, here: &Self, attempt: &Path) -> Life {
        if self.released {
            return Life::Released;
        }
        if self.host != here.host {
            return Life::Elsewhere;
        }
        if self.boot_id != here.boot_id {
            return Life::Dead;
        }
        if self.pid_namespace != here.pid_namespace {
            return Life::Elsewhere;
        }
        let locked = || is_locked(&attempt.join(LOCK));
        let alive = match self.start_time {
            Some(_) if self.counts_time_unlike(here) => {
                let there = start_time(self.pid).is_some();
                // Where files cannot be locked, a process of its id may be the owner, or a later one.
                return match (there, locked()) {
                    (false, _) => Life::Dead,
                    (true, true) => Life::Alive,
                    (true, false) => Life::Elsewhere,
                };
            }
            Some(time) => start_time(self.pid) == Some(time),
            None => locked(),
        };
        let replaced = |(theirs, ours): (&SlurmJob, &SlurmJob)| ours.replaces(theirs);
        match alive {
            false => Life::Dead,
            true if self.slurm.as_ref().zip(here.slurm.as_ref()).is_some_and(replaced) => {
                Life::Elsewhere
            }
            true => Life::Alive,
        }
    }

    /// Whether one process shows two start times to the two.
    fn counts_time_unlike(&self, here: &Self) -> bool {
        let both = self.time_namespace.as_ref().zip(here.time_namespace.as_ref());
        both.is_some_and(|(one, other)| one != other)
    }
}

fn line_of(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|line| !line.is_empty())
}

fn host() -> String {
    let named = |key: &str| std::env::var(key).ok().filter(|name| !name.is_empty());
    line_of("/proc/sys/kernel/hostname")
        .or_else(|| named("HOSTNAME"))
        .or_else(|| named("COMPUTERNAME"))
        .unwrap_or_else(|| "unknown".to_owned())
}

fn namespace(kind: &str) -> Option<String> {
    Some(fs::read_link(format!("/proc/self/ns/{kind}")).ok()?.to_string_lossy().into_owned())
}

/// When a process started; none if there is no such process, or it has ended and only its exit code is
/// waited for.
fn start_time(pid: u32) -> Option<u64> {
    start_time_in(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The 22nd field of `/proc/PID/stat`. The second, the program's name, may hold blanks and brackets.
fn start_time_in(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    let ended = matches!(state, "Z" | "X" | "x");
    fields.nth(18)?.parse().ok().filter(|_| !ended)
}

fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 1 0 12345 1000 5";
        assert_eq!(start_time_in(stat), Some(12345));
        assert_eq!(start_time_in(&stat.replace(" S ", " Z ")), None);
        assert_eq!(start_time_in("42 (a"), None);
        let folder = tempfile::tempdir().unwrap();
        let this = Owner::this(1);
        let life = |owner: Owner| owner.life(folder.path());
        if this.start_time.is_some() {
            assert_eq!(life(this.clone()), Life::Alive);
            let later = this.start_time.map(|time| time + 1);
            assert_eq!(life(Owner { start_time: later, ..this.clone() }), Life::Dead);
        }
        assert_eq!(life(Owner { released: true, ..this.clone() }), Life::Released);
        assert_eq!(life(Owner { host: "another".to_owned(), ..this.clone() }), Life::Elsewhere);
        let boot_id = Some("another".to_owned());
        assert_eq!(life(Owner { boot_id, ..this.clone() }), Life::Dead);
        let pid_namespace = Some("another".to_owned());
        assert_eq!(life(Owner { pid_namespace, ..this.clone() }), Life::Elsewhere);
    }

    #[test]
    fn one_that_slurm_has_replaced_can_be_taken_over_though_it_lives() {
        let folder = tempfile::tempdir().unwrap();
        let job = |id: &str, restarts: u32, node: &str| {
            let slurm = SlurmJob { id: id.to_owned(), restarts, node: node.to_owned() };
            Owner { slurm: Some(slurm), ..Owner::this(1) }
        };
        let first = job("7", 0, "n1");
        // It holds its lock, for systems without `/proc`.
        let lock = File::create(folder.path().join(LOCK)).unwrap();
        lock.lock().unwrap();
        let seen_by = |here: Owner| first.life_as_seen_by(&here, folder.path());
        assert_eq!(seen_by(job("7", 1, "n2")), Life::Elsewhere);
        assert_eq!(seen_by(job("7", 1, "n1")), Life::Elsewhere);
        assert_eq!(seen_by(job("8", 0, "n1")), Life::Alive);
        assert_eq!(seen_by(Owner { slurm: None, ..Owner::this(1) }), Life::Alive);
        let dead = Owner { released: true, ..first.clone() };
        assert_eq!(dead.life_as_seen_by(&job("7", 1, "n2"), folder.path()), Life::Released);
    }

    #[test]
    fn in_another_time_namespace_a_lock_tells_who_lives() {
        let folder = tempfile::tempdir().unwrap();
        let this = Owner::this(1);
        if this.start_time.is_none() || this.time_namespace.is_none() {
            return;
        }
        let shifted = this.start_time.map(|time| time + 100_000);
        let time_namespace = Some("another".to_owned());
        let owner = Owner { start_time: shifted, time_namespace, ..this };
        assert_eq!(owner.life(folder.path()), Life::Elsewhere);
        let lock = File::create(folder.path().join(LOCK)).unwrap();
        assert_eq!(owner.life(folder.path()), Life::Elsewhere);
        lock.lock().unwrap();
        assert_eq!(owner.life(folder.path()), Life::Alive);
        // There is no such process, whoever holds the lock.
        assert_eq!(Owner { pid: u32::MAX, ..owner }.life(folder.path()), Life::Dead);
    }

    #[test]
    fn without_start_times_a_lock_tells_who_lives() {
        let folder = tempfile::tempdir().unwrap();
        let owner = Owner { start_time: None, ..Owner::this(1) };
        assert_eq!(owner.life(folder.path()), Life::Dead);
        let lock = File::create(folder.path().join(LOCK)).unwrap();
        assert_eq!(owner.life(folder.path()), Life::Dead);
        lock.lock().unwrap();
        assert_eq!(owner.life(folder.path()), Life::Alive);
    }
}
