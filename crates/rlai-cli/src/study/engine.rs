//! What a study's `[engine]` table asks for: where runs are started, how many, and how often.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::source::{Place, Source};

const TABLE: &str = "engine";
const KEYS: [&str; 9] = [
    "kind",
    "jobs",
    "threads",
    "max_attempts",
    "partition",
    "time",
    "account",
    "warn_seconds",
    "lines",
];
/// Most runs at a time.
pub const MOST_JOBS: i64 = 1024;

/// What starts the runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// This program, as processes on this machine.
    #[default]
    Local,
    /// Slurm, as a job array.
    Slurm,
}

/// The checked `[engine]` table. A study may hold settings of an engine that it does not use, so that
/// `--engine` alone chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineSettings {
    /// What starts the runs.
    pub engine: Engine,
    /// Runs at the same time; none: as many as there are cores, or as the cluster gives.
    pub jobs: Option<usize>,
    /// Cores of a run: threads of its training step, 1 or 2.
    pub threads: usize,
    /// How often a run may fail before it is no longer started again.
    pub max_attempts: usize,
    /// Slurm alone.
    pub slurm: SlurmSettings,
}

/// What Slurm is told of every job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlurmSettings {
    /// `--partition`.
    pub partition: Option<String>,
    /// `--time`, the limit of one job.
    pub time: Option<String>,
    /// `--account`.
    pub account: Option<String>,
    /// How long before the limit a run is warned.
    pub warn_seconds: u64,
    /// Lines of the job's script before the run is started.
    pub lines: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    kind: Option<String>,
    jobs: Option<i64>,
    threads: Option<i64>,
    max_attempts: Option<i64>,
    partition: Option<String>,
    time: Option<String>,
    account: Option<String>,
    warn_seconds: Option<i64>,
    lines: Vec<String>,
}

impl Default for SlurmSettings {
    fn default() -> Self {
        Self { partition: None, time: None, account: None, warn_seconds: 120, lines: Vec::new() }
    }
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            engine: Engine::Local,
            jobs: None,
            threads: 1,
            max_attempts: 5,
            slurm: SlurmSettings::default(),
        }
    }
}

impl EngineSettings {
    /// The table of a study's file, checked; defaults where there is none.
    ///
    /// # Errors
    /// The first refused key with its line, its value and what is allowed.
    pub fn read(source: &Source) -> Result<Self, Failure> {
        let place = [key(TABLE)];
        if !source.has(&place) {
            return Ok(Self::default());
        }
        source.check_keys(&place, &KEYS.map(str::to_owned))?;
        let raw: Raw = source.read_table(&place, &[])?;
        let at = |name: &str| [key(TABLE), key(name)];
        let number = |name: &str, value: Option<i64>, default: i64, most: i64| match value {
            None => Ok(default as usize),
            Some(value) if (1..=most).contains(&value) => Ok(value as usize),
            Some(value) => {
                Err(source.refuse(&at(name), format!("{name} = {value}: from 1 to {most}")))
            }
        };
        let jobs = raw.jobs.map(|jobs| number("jobs", Some(jobs), 1, MOST_JOBS)).transpose()?;
        let default = Self::default();
        let slurm = SlurmSettings {
            partition: word(source, "partition", raw.partition)?,
            time: word(source, "time", raw.time)?,
            account: word(source, "account", raw.account)?,
            warn_seconds: number("warn_seconds", raw.warn_seconds, 120, 3600)? as u64,
            lines: lines(source, raw.lines)?,
        };
        check_time(source, &slurm)?;
        Ok(Self {
            engine: engine(source, raw.kind.as_deref())?,
            jobs,
            threads: number("threads", raw.threads, default.threads as i64, 2)?,
            max_attempts: number("max_attempts", raw.max_attempts, 5, 1000)?,
            slurm,
        })
    }
}

fn engine(source: &Source, kind: Option<&str>) -> Result<Engine, Failure> {
    match kind {
        None | Some("local") => Ok(Engine::Local),
        Some("slurm") => Ok(Engine::Slurm),
        Some(other) => {
            let why = format!("kind = {other:?}: \"local\" or \"slurm\"");
            Err(source.refuse(&[key(TABLE), key("kind")], why))
        }
    }
}

/// One word of a command line: nothing that a shell or Slurm would read as more.
fn word(source: &Source, name: &str, value: Option<String>) -> Result<Option<String>, Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:,@+/".contains(c);
    let Some(text) = &value else { return Ok(None) };
    if (1..=200).contains(&text.len()) && text.chars().all(plain) && !text.starts_with('-') {
        return Ok(value);
    }
    let why = format!("{name} = {text:?}: 1 to 200 letters, digits or -_.:,@+/, not first a -");
    Err(source.refuse(&[key(TABLE), key(name)], why))
}

/// Refuses a limit that Slurm would not read, or within which a run would only ever be warned.
fn check_time(source: &Source, slurm: &SlurmSettings) -> Result<(), Failure> {
    let Some(time) = &slurm.time else { return Ok(()) };
    let refused =
        |why: String| source.refuse(&[key(TABLE), key("time")], format!("time = {time:?}: {why}"));
    if ["UNLIMITED", "INFINITE"].contains(&time.to_uppercase().as_str()) {
        return Ok(());
    }
    let forms = "minutes, [hours:]minutes:seconds, days-hours[:minutes[:seconds]] or UNLIMITED";
    let limit = limit_seconds(time).ok_or_else(|| refused(forms.to_owned()))?;
    if limit > slurm.warn_seconds {
        return Ok(());
    }
    let warn = slurm.warn_seconds;
    Err(refused(format!(
        "longer than warn_seconds, which is {warn}: runs are warned so long before it"
    )))
}

/// Seconds of a time limit as Slurm reads it.
fn limit_seconds(time: &str) -> Option<u64> {
    let (days, clock) = match time.split_once('-') {
        Some((days, clock)) => (Some(days.parse::<u64>().ok()?), clock),
        None => (None, time),
    };
    let parts: Vec<u64> =
        clock.split(':').map(|part| part.parse().ok()).collect::<Option<Vec<u64>>>()?;
    let (hours, minutes, seconds) = match (days, &parts[..]) {
        (Some(_), &[hours]) => (hours, 0, 0),
        (Some(_), &[hours, minutes]) => (hours, minutes, 0),
        (_, &[hours, minutes, seconds]) => (hours, minutes, seconds),
        (None, &[minutes, seconds]) => (0, minutes, seconds),
        (None, &[minutes]) => (0, minutes, 0),
        _ => return None,
    };
    let hours = days.unwrap_or(0).checked_mul(24)?.checked_add(hours)?;
    let minutes = hours.checked_mul(60)?.checked_add(minutes)?;
    minutes.checked_mul(60)?.checked_add(seconds)
}

fn lines(source: &Source, lines: Vec<String>) -> Result<Vec<String>, Failure> {
    let broken = |line: &String| line.contains(['\n', '\r', '\0']);
    match lines.iter().position(broken) {
        None => Ok(lines),
        Some(index) => {
            let at = [key(TABLE), key("lines"), Place::Index(index)];
            let why = format!("lines: {:?}: one line each", lines[index]);
            Err(source.refuse(&at, why))
        }
    }
}

fn key(name: &str) -> Place {
    Place::Key(name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(text: &str) -> Result<EngineSettings, String> {
        let source = Source::parse(Path::new("s.toml"), text.to_owned()).unwrap();
        EngineSettings::read(&source).map_err(|failure| failure.to_string())
    }

    #[test]
    fn what_is_not_said_is_one_core_a_run_on_this_machine() {
        let default = read("").unwrap();
        assert_eq!(default, EngineSettings::default());
        assert_eq!((default.engine, default.threads, default.jobs), (Engine::Local, 1, None));
        assert_eq!(read("[engine]").unwrap(), default);
    }

    #[test]
    fn every_key_is_read() {
        let text = "[engine]\nkind = \"slurm\"\njobs = 40\nthreads = 2\nmax_attempts = 7\n\
                    partition = \"cpu\"\ntime = \"12:00:00\"\naccount = \"lab\"\n\
                    warn_seconds = 300\nlines = [\"module load x\", \"export A=1\"]";
        let read = read(text).unwrap();
        assert_eq!((read.engine, read.jobs, read.threads), (Engine::Slurm, Some(40), 2));
        assert_eq!(read.max_attempts, 7);
        assert_eq!(read.slurm.partition.as_deref(), Some("cpu"));
        assert_eq!(read.slurm.time.as_deref(), Some("12:00:00"));
        assert_eq!(read.slurm.account.as_deref(), Some("lab"));
        assert_eq!(read.slurm.warn_seconds, 300);
        assert_eq!(read.slurm.lines, ["module load x", "export A=1"]);
    }

    #[test]
    fn limits_are_read_as_slurm_reads_them() {
        for (time, seconds) in [
            ("90", 5400),
            ("2:30", 150),
            ("12:00:00", 43_200),
            ("1-12", 129_600),
            ("1-00:30", 88_200),
            ("2-01:02:03", 176_523),
        ] {
            assert_eq!(limit_seconds(time), Some(seconds), "{time}");
        }
        for time in
            ["", "-", "1-", "a", "1:2:3:4", "1.5", "99999999999999999999", "999999999999999999-1"]
        {
            assert_eq!(limit_seconds(time), None, "{time}");
        }
        assert!(read("[engine]\ntime = \"unlimited\"").is_ok());
    }

    #[test]
    fn every_refusal_names_its_line() {
        let cases = [
            ("kind = \"pbs\"", "s.toml:2:1: kind = \"pbs\": \"local\" or \"slurm\""),
            ("jobs = 0", "s.toml:2:1: jobs = 0: from 1 to 1024"),
            ("threads = 3", "s.toml:2:1: threads = 3: from 1 to 2"),
            ("max_attempts = 0", "s.toml:2:1: max_attempts = 0: from 1 to 1000"),
            ("partition = \"a b\"", "s.toml:2:1: partition = \"a b\""),
            ("time = \"--wrap=x\"", "s.toml:2:1: time = \"--wrap=x\""),
            ("time = \"soon\"", "s.toml:2:1: time = \"soon\": minutes, [hours:]"),
            (
                "time = \"2:00\"",
                "s.toml:2:1: time = \"2:00\": longer than warn_seconds, which is 120",
            ),
            ("account = \"$(rm x)\"", "s.toml:2:1: account = \"$(rm x)\""),
            ("partition = \"a;b\"", "s.toml:2:1: partition = \"a;b\""),
            ("partition = \"a\\nb\"", "s.toml:2:1: partition = \"a\\nb\""),
            ("warn_seconds = 0", "s.toml:2:1: warn_seconds = 0: from 1 to 3600"),
            ("lines = [\"a\", \"b\\nc\"]", "s.toml:2:15: lines: \"b\\nc\": one line each"),
            ("job = 1", "s.toml:2:1: unknown key \"job\" (did you mean jobs?)"),
            ("jobs = \"many\"", "s.toml:2:1: jobs: invalid type"),
        ];
        for (line, message) in cases {
            let told = read(&format!("[engine]\n{line}")).unwrap_err();
            assert!(told.starts_with(message), "{line}: {told}");
        }
    }
}
