//! One run of a study: a child process of this program.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use rlai::checkpoint::attempts;

use super::standing::{RunStanding, State};
use crate::display::{Event, Standing};
use crate::run_folder::{self, FolderState, Owner, RunFailure, RunResult};
use crate::spec::RunSpec;

/// How a run of a study ended.
pub enum Outcome {
    /// With this result.
    Finished(Box<RunResult>),
    /// Not, and why.
    Failed(String),
    /// Its folder holds something else, and what.
    Refused(String),
    /// By the study, which was told to stop.
    Stopped,
    /// Not at all so far.
    Open(State),
}

impl Outcome {
    /// What the files of a run tell.
    pub fn of(standing: RunStanding) -> Self {
        match (standing.state, standing.result, standing.reason) {
            (State::Finished, Some(result), _) => Self::Finished(result),
            (State::Failed, _, Some(reason)) => Self::Failed(reason),
            (State::Refused, _, reason) => Self::Refused(reason.unwrap_or_default()),
            (state, ..) => Self::Open(state),
        }
    }
}

/// How often a running child is looked after.
const PATIENCE: Duration = Duration::from_millis(100);
/// Exit code of a run that was stopped.
const STOPPED: i32 = 75;

/// How a child process is started.
pub struct Process<'a> {
    /// Whether it takes over a run of another machine.
    pub take_over: bool,
    /// Where its configuration lies while it runs: what a killed study leaves there the next one removes.
    pub room: &'a Path,
}

/// Runs `run` in a child process and tells `show` how it stands. Closing the child's standard input
/// asks it to stop: that also happens when this process dies, however it dies.
pub fn work(
    run: &RunSpec,
    process: &Process<'_>,
    stop: &AtomicBool,
    show: &mut dyn FnMut(&Standing),
) -> Outcome {
    let outcome = attempt(run, process, stop, show);
    outcome.unwrap_or_else(|error| Outcome::Failed(format!("cannot run it: {error}")))
}

fn attempt(
    run: &RunSpec,
    process: &Process<'_>,
    stop: &AtomicBool,
    show: &mut dyn FnMut(&Standing),
) -> std::io::Result<Outcome> {
    let mut config = tempfile::Builder::new().suffix(".toml").tempfile_in(process.room)?;
    config.write_all(run.to_toml().as_bytes())?;
    let mut child = spawn(config.path(), process.take_over)?;
    let events = listen(&mut child);
    let complaints = collect_complaints(&mut child);
    let lifeline = child.stdin.take();
    attend(&events, lifeline, stop, show);
    let status = child.wait()?;
    let complaints = complaints.and_then(|thread| thread.join().ok()).unwrap_or_default();
    let outcome = outcome(run, status, &complaints, stop);
    if let Outcome::Failed(reason) = &outcome {
        leave_reason(&run.out, child.id(), reason);
    }
    Ok(outcome)
}

/// A process that was killed could not say why it failed: its study does.
fn leave_reason(run: &Path, pid: u32, reason: &str) {
    let Some((_, attempt)) = attempts(run).into_iter().next() else { return };
    let silent = |owner: &Owner| owner.pid == pid && !owner.released;
    if Owner::read(&attempt).as_ref().is_some_and(silent) && RunFailure::read(&attempt).is_none() {
        RunFailure::leave(&attempt, reason);
    }
}

fn spawn(config: &Path, take_over: bool) -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("train").arg("--config").arg(config).args(["--progress", "json"]);
    if take_over {
        command.arg("--take-over");
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Ctrl-C reaches a terminal's whole process group; the study alone shall hear it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn()
}

/// Reads the child's events on a thread; the channel closes when the child does.
fn listen(child: &mut Child) -> Receiver<Event> {
    let (sender, receiver) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let Ok(event) = serde_json::from_str(&line) else { continue };
                if sender.send(event).is_err() {
                    break;
                }
            }
        });
    }
    receiver
}

fn collect_complaints(child: &mut Child) -> Option<JoinHandle<String>> {
    let mut errors = child.stderr.take()?;
    Some(std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is still worth telling.
        let _ = errors.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }))
}

fn attend(
    events: &Receiver<Event>,
    lifeline: Option<ChildStdin>,
    stop: &AtomicBool,
    show: &mut dyn FnMut(&Standing),
) {
    let mut lifeline = lifeline;
    loop {
        if stop.load(Ordering::Relaxed) {
            lifeline = None;
        }
        match events.recv_timeout(PATIENCE) {
            Ok(Event::Progress(standing)) => show(&standing),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    drop(lifeline);
}

fn outcome(run: &RunSpec, status: ExitStatus, complaints: &str, stop: &AtomicBool) -> Outcome {
    // One that was killed may have left its result before.
    if let Ok(FolderState::Finished(result)) = run_folder::inspect(&run.out, run) {
        return Outcome::Finished(result);
    }
    if status.success() {
        return Outcome::Failed("it ended well but left no result".to_owned());
    }
    match status.code() {
        Some(STOPPED) if stop.load(Ordering::Relaxed) => Outcome::Stopped,
        Some(STOPPED) => Outcome::Failed("it was stopped from outside".to_owned()),
        _ => Outcome::Failed(reason(complaints, status)),
    }
}

/// What the child said from its error on, or all it said at the end.
fn reason(complaints: &str, status: ExitStatus) -> String {
    let text = complaints.trim();
    match text.rfind("error: ") {
        Some(at) => text[at + "error: ".len()..].to_owned(),
        None => {
            let lines: Vec<&str> = text.lines().collect();
            let last = lines[lines.len().saturating_sub(5)..].join("\n");
            if last.is_empty() { format!("{status}") } else { format!("{status}: {last}") }
        }
    }
}
