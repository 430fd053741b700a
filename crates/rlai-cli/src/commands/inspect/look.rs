//! What is found in the folders of runs and checkpoints.

use std::fs;
use std::path::{Path, PathBuf};

use rlai::checkpoint::{attempts, candidates};
use rlai::files;
use serde::Serialize;

use crate::error::Failure;
use crate::run_folder::{
    CHECKPOINT, LARGEST_RESULT, Life, METRICS, Owner, RESULT, RUN, RunFailure, RunResult,
};
use crate::settings::Settings;
use crate::source::Source;
use crate::text::{in_shell, thousands};
use crate::training;

/// A checkpoint, and whether it is whole.
#[derive(Debug, Serialize)]
pub struct CheckpointReport {
    /// Its folder.
    pub path: PathBuf,
    /// Environment steps done, as its name says.
    pub step: Option<u64>,
    /// Bytes of its own files and of the replay that it needs; none where that cannot be told.
    pub bytes: Option<u64>,
    /// Segments of the replay, and rows in them; none without a replay.
    pub replay_segments: Option<usize>,
    /// Rows in those segments.
    pub replay_rows: Option<u64>,
    /// False where the run has finished without keeping its replay: all else is whole, but it cannot go on.
    pub replay_kept: bool,
    /// Lines of metrics that belong to it end at this byte.
    pub metrics_bytes: Option<u64>,
    /// What is damaged; nothing where every hash is right.
    pub damage: Option<String>,
}

/// One writer of a run, with its checkpoints.
#[derive(Debug, Serialize)]
pub struct AttemptReport {
    /// Its number.
    pub number: u64,
    /// Its process; none where that cannot be told.
    pub owner: Option<Owner>,
    /// Whether that lives.
    pub life: Option<Life>,
    /// Why it failed; none if it did not, or nobody could say.
    pub failure: Option<String>,
    /// Its checkpoints, the newest first.
    pub checkpoints: Vec<CheckpointReport>,
}

/// A run, and how to go on with it.
#[derive(Debug, Serialize)]
pub struct RunReport {
    /// Its folder.
    pub dir: PathBuf,
    /// Its task, objective, seed and steps in one line.
    pub configuration: String,
    /// It has a result.
    pub finished: bool,
    /// Steps of the whole run.
    pub steps: Option<i64>,
    /// Steps of the newest checkpoint that is whole.
    pub step: Option<u64>,
    /// Its writers, the newest first.
    pub attempts: Vec<AttemptReport>,
    /// What is damaged outside of checkpoints.
    pub damage: Vec<String>,
    /// What to do next.
    pub next: String,
}

/// Whether the folder is a checkpoint's own.
pub fn is_checkpoint(dir: &Path) -> bool {
    !dir.join(RUN).exists() && (dir.join("run.json").exists() || dir.join("state.json").exists())
}

impl CheckpointReport {
    /// Opens and verifies a checkpoint.
    pub fn of(path: &Path) -> Self {
        let resolved = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let name = resolved.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut report = Self {
            path: path.to_owned(),
            step: name.parse().ok(),
            bytes: None,
            replay_segments: None,
            replay_rows: None,
            replay_kept: replay_kept(&resolved),
            metrics_bytes: None,
            damage: None,
        };
        let open = if report.replay_kept { training::open } else { training::open_without_replay };
        match open(&resolved) {
            Err(reason) => report.damage = Some(reason),
            Ok((found, memory, _)) => {
                let manifest = &found.manifest;
                report.step = Some(manifest.step);
                report.metrics_bytes = Some(memory.metrics_bytes);
                let own: u64 = manifest.files.iter().map(|file| file.bytes).sum();
                let replay = manifest.replay.as_ref().filter(|_| report.replay_kept);
                let segments = replay.map(|replay| replay.segments.segments());
                report.replay_segments = segments.map(<[_]>::len);
                report.replay_rows = segments.map(|all| all.iter().map(|one| one.rows).sum());
                let replay: u64 = segments.unwrap_or_default().iter().map(|one| one.bytes).sum();
                report.bytes = Some(own + replay);
            }
        }
        report
    }

    /// For people.
    pub fn line(&self) -> String {
        let step = self.step.map_or("?".to_owned(), thousands);
        let path = self.path.display();
        if let Some(damage) = &self.damage {
            return format!("step {step}  DAMAGED: {damage}  {path}");
        }
        let size = self.bytes.map(size).unwrap_or_default();
        let replay = match (self.replay_segments, self.replay_rows) {
            _ if !self.replay_kept => ", replay not kept".to_owned(),
            (Some(segments), Some(rows)) => {
                format!(", replay: {} rows in {segments} files", thousands(rows))
            }
            _ => String::new(),
        };
        format!("step {step}  whole, {size}{replay}  {path}")
    }
}

/// Whether the run of a checkpoint's folder has kept its replay, or not yet had to.
fn replay_kept(checkpoint: &Path) -> bool {
    let run = checkpoint.ancestors().nth(3).and_then(RunResult::read);
    run.is_none_or(|result| result.replay_kept)
}

impl AttemptReport {
    fn of(number: u64, folder: &Path) -> Self {
        let owner = Owner::read(folder);
        let life = owner.as_ref().map(|owner| owner.life(folder));
        let checkpoints = candidates(&folder.join("checkpoints"));
        let checkpoints = checkpoints.iter().map(|path| CheckpointReport::of(path)).collect();
        let failure = RunFailure::read(folder).map(|failure| failure.reason);
        Self { number, owner, life, failure, checkpoints }
    }

    fn text(&self) -> String {
        let owner = match (&self.owner, self.life) {
            (Some(owner), Some(life)) => {
                let what = match life {
                    Life::Alive => "is writing",
                    Life::Dead => "ended without a word",
                    Life::Released => "has ended",
                    Life::Elsewhere => "cannot be asked from here",
                };
                format!("process {} on {} {what}", owner.pid, owner.host)
            }
            _ => "its process cannot be told".to_owned(),
        };
        let mut text = format!("attempt {}: {owner}", self.number);
        if let Some(failure) = &self.failure {
            text.push_str("\n  failed: ");
            text.push_str(failure.lines().next().unwrap_or_default());
        }
        if self.checkpoints.is_empty() {
            text.push_str("\n  no checkpoints");
        }
        for checkpoint in &self.checkpoints {
            text.push_str("\n  ");
            text.push_str(&checkpoint.line());
        }
        text
    }
}

impl RunReport {
    /// Looks at a run.
    ///
    /// # Errors
    /// There is none.
    pub fn of(dir: &Path) -> Result<Self, Failure> {
        let path = dir.join(RUN);
        if !path.is_file() {
            let dir = dir.display();
            return Err(Failure::input(format!("{dir} is neither a run nor a checkpoint of one")));
        }
        let mut damage = Vec::new();
        let settings = Source::read(&path).and_then(|source| source.settings(&[], &[]));
        let settings = settings.unwrap_or_else(|failure| {
            damage.push(failure.to_string());
            Settings::default()
        });
        let attempts: Vec<AttemptReport> = attempts(dir)
            .iter()
            .map(|(number, folder)| AttemptReport::of(*number, folder))
            .collect();
        let finished = dir.join(RESULT).exists();
        if finished {
            damage.extend(damage_of_result(dir));
        }
        let whole = attempts.iter().flat_map(|attempt| &attempt.checkpoints);
        let whole = whole.filter(|checkpoint| checkpoint.damage.is_none());
        let mut report = Self {
            dir: dir.to_owned(),
            configuration: configuration(&settings),
            finished,
            steps: settings.steps,
            step: whole.filter_map(|checkpoint| checkpoint.step).max(),
            attempts,
            damage,
            next: String::new(),
        };
        report.next = report.next();
        Ok(report)
    }

    /// How many things are damaged.
    pub fn damaged(&self) -> usize {
        let checkpoints = self.attempts.iter().flat_map(|attempt| &attempt.checkpoints);
        self.damage.len() + checkpoints.filter(|checkpoint| checkpoint.damage.is_some()).count()
    }

    fn next(&self) -> String {
        let dir = in_shell(&self.dir);
        let newest = self.attempts.first();
        let any = self.attempts.iter().any(|attempt| !attempt.checkpoints.is_empty());
        match (newest.and_then(|attempt| attempt.life), self.step) {
            _ if self.finished && RunResult::read(&self.dir).is_some_and(|r| !r.replay_kept) => {
                "finished; its replay was not kept (keep_replay = false): it cannot go on further"
                    .to_owned()
            }
            _ if self.finished => {
                format!("finished; further: rlai resume {dir} --steps N (more than it has)")
            }
            (Some(Life::Alive), _) => "it is being trained".to_owned(),
            (_, None) if any => {
                "none of its checkpoints can be used: restore their files from a copy, or start anew in \
                 another folder"
                    .to_owned()
            }
            (Some(Life::Elsewhere), _) => {
                format!("if its process is gone, go on: rlai resume {dir} --take-over")
            }
            (_, Some(step)) => format!("go on from step {}: rlai resume {dir}", thousands(step)),
            (_, None) => format!("begin: rlai resume {dir}"),
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let state = if self.finished { "finished" } else { "not finished" };
        let mut lines = vec![format!("{}: {}, {state}", self.dir.display(), self.configuration)];
        lines.extend(self.attempts.iter().map(AttemptReport::text));
        lines.extend(self.damage.iter().map(|damage| format!("DAMAGED: {damage}")));
        lines.push(self.next.clone());
        lines.join("\n")
    }
}

/// What is wrong with what a finished run shows.
fn damage_of_result(dir: &Path) -> Vec<String> {
    let mut damage = Vec::new();
    let path = dir.join(RESULT);
    let text = files::read(&path, LARGEST_RESULT).map_err(|error| error.to_string());
    let result = text.and_then(|text| {
        serde_json::from_slice::<RunResult>(&text).map_err(|error| error.to_string())
    });
    if let Err(error) = result {
        damage.push(format!("{}: {error}", path.display()));
    }
    if !dir.join(METRICS).is_file() {
        damage.push(format!("{} is missing", dir.join(METRICS).display()));
    }
    if let Err(error) = rlai::Policy::load(dir.join(CHECKPOINT)) {
        damage.push(error.to_string());
    }
    damage
}

fn configuration(settings: &Settings) -> String {
    let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "?".to_owned());
    let number = |value: Option<i64>| value.map_or("?".to_owned(), |n| thousands(n.max(0) as u64));
    format!(
        "{}, {}, seed {}, {} steps",
        word(&settings.env),
        word(&settings.objective),
        number(settings.seed),
        number(settings.steps)
    )
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", thousands(bytes / 1_000_000)),
    }
}
