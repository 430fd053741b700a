//! One attempt at a run, from its configuration to its result: what `train` and `resume` do.

mod build;
mod going_on;

pub use build::{build_new as build, check_buildable};
pub use going_on::{open, open_without_replay};

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use rlai::train::{Learner, StopReason, TrainError};

use crate::display::{Display, Watch};
use crate::error::Failure;
use crate::recorder::{Recorder, Resumed};
use crate::run_folder::{self, Attempt, FolderState, Made, RESULT, RunResult};
use crate::signals::{self, OnSignal};
use crate::slurm_job::SlurmJob;
use crate::spec::RunSpec;
use crate::text::{decimal, duration, in_shell, thousands};

const FINISHED: &str = "finished";
const STOPPED: &str = "stopped";
/// How long a run of a study waits for the one before it, which ends when its study does.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a run behaves, whatever it learns.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Manner {
    /// After a signal and its checkpoint: stop, or wait to be ended, for cluster engines that start
    /// only those runs again that they ended themselves; in a job of Slurm whose time is almost over
    /// it is queued again
    #[arg(
        long,
        value_name = "stop|wait",
        default_value = "stop",
        hide_possible_values = true,
        help_heading = "Files"
    )]
    on_signal: OnSignal,
    /// Go on with a run that a process on another machine was writing, and may still be
    #[arg(long, help_heading = "Files")]
    take_over: bool,
    /// No progress; errors only
    #[arg(long, help_heading = "Output")]
    quiet: bool,
    /// Print the result as one JSON object on standard output
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Where progress goes: `json` writes events for the study that started this run
    #[arg(long, hide = true)]
    progress: Option<ProgressFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ProgressFormat {
    Json,
}

/// What a run is to become of what its folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// It is new, or goes on where it stood.
    NewOrUnfinished,
    /// It has finished, and goes on to more steps.
    Further,
}

/// Trains to the end of the run, or to a signal; leaves a run's folder.
///
/// # Errors
/// Bad input, a run that failed, or a signal.
pub fn train(spec: &RunSpec, start: Start, manner: &Manner) -> Result<(), Failure> {
    let begun = match (start, run_folder::inspect(&spec.out, spec)?) {
        (Start::Further, _) | (_, FolderState::Unfinished) => true,
        (_, FolderState::Free) => false,
        (_, FolderState::Finished(result)) => {
            line_err!("already finished: {}", spec.out.display());
            remove_unkept(&result, &spec.out);
            return manner.report(&result, &spec.out);
        }
        (_, held) => return Err(refused_folder(&spec.out, &held)),
    };
    if start == Start::Further {
        check_replay_kept(&spec.out)?;
    }
    let stop = signals::stop_flag_for(manner.on_signal)?;
    if manner.progress.is_some() {
        signals::stop_at_end_of_input(&stop);
    }
    if begun {
        manner.wait_for_owner(&spec.out, &stop)?;
    }
    // Its study has ended before it began: another may be at the run by now.
    if manner.progress.is_some() && stop.load(Ordering::Relaxed) {
        return Err(Failure::Stopped);
    }
    let (learner, from) = going_on::prepare(spec)?;
    if start == Start::Further && from.is_none() && spec.out.join(RESULT).exists() {
        let dir = spec.out.display();
        let why = "has finished and left no checkpoint from which it could go on";
        return Err(Failure::input(format!("{dir}: the run {why}")));
    }
    manner.announce(spec, from.as_ref());
    let made = match begun {
        true => None,
        false => Some(run_folder::record(spec, &run_folder::versions(&spec.env))?),
    };
    let recorder = begin(spec, start, manner, from.as_ref(), made.as_ref())?;
    let result = run_to_end(spec, recorder, learner, &stop)?;
    manner.report(&result, &spec.out)?;
    match (result.status == STOPPED, manner.on_signal) {
        (false, _) => Ok(()),
        (true, OnSignal::Stop) => Err(Failure::Stopped),
        (true, OnSignal::Wait) => {
            line_err!("saved; waiting to be ended (--on-signal wait)");
            match SlurmJob::this() {
                Some(job) => job.wait_for_the_end(),
                None => signals::wait_for_the_end(),
            }
        }
    }
}

/// Removes the replay of a finished run that shall not keep it, unless that was done.
pub fn remove_unkept(result: &RunResult, dir: &Path) {
    if !result.replay_kept {
        run_folder::remove_replays(dir);
    }
}

/// A finished run without its replay has nothing to learn from.
fn check_replay_kept(dir: &Path) -> Result<(), Failure> {
    if RunResult::read(dir).is_none_or(|result| result.replay_kept) {
        return Ok(());
    }
    Err(Failure::input(format!(
        "{}: the run has finished and its replay was not kept (keep_replay = false), without which it cannot \
         go on to more steps; train anew in another folder with --keep-replay",
        dir.display()
    )))
}

/// Why a folder is refused that holds neither this run nor nothing.
pub fn refused_folder(dir: &Path, held: &FolderState) -> Failure {
    refused(dir, held, true)
}

/// As [`refused_folder`], of a run that its study trains: alone it does not go on further, for studies keep
/// no replay.
pub fn refused_in_study(dir: &Path, held: &FolderState) -> Failure {
    refused(dir, held, false)
}

fn refused(dir: &Path, held: &FolderState, alone: bool) -> Failure {
    let (dir, word) = (dir.display(), in_shell(dir));
    match held {
        FolderState::OtherRun(differences) => {
            let lines: Vec<String> =
                differences.iter().map(|difference| format!("\n  {difference}")).collect();
            let further = alone && differences.len() == 1 && differences[0].key == "steps";
            let hint = match further {
                true => format!(", or go on further: rlai resume {word} --steps N"),
                false => String::new(),
            };
            Failure::input(format!(
                "out = \"{dir}\": the folder holds another run, which differs in{}\nchoose another \
                 folder{hint}",
                lines.concat()
            ))
        }
        _ => Failure::input(format!(
            "out = \"{dir}\": the folder holds something that is not a run; choose a folder that is empty \
             or does not exist"
        )),
    }
}

/// Makes this process the run's writer; of a run that was `made` just now nothing stays if it cannot.
fn begin(
    spec: &RunSpec,
    start: Start,
    manner: &Manner,
    from: Option<&Resumed>,
    made: Option<&Made>,
) -> Result<Recorder, Failure> {
    let attempt = Attempt::claim(&spec.out, manner.take_over).inspect_err(|_| {
        if let Some(made) = made {
            made.take_back();
        }
    })?;
    let random_steps = if spec.dataset.is_some() { 0 } else { spec.method.learning_starts() };
    let watch = Watch::new(manner.display(spec), random_steps);
    let mut recorder = Recorder::new(attempt, spec, watch, from)?;
    let recorded = record_what_it_is(spec, start).and_then(|()| match spec.tensorboard {
        true => recorder.begin_events(),
        false => Ok(()),
    });
    recorded.inspect_err(|failure| recorder.attempt().fail(failure))?;
    Ok(recorder)
}

fn record_what_it_is(spec: &RunSpec, start: Start) -> Result<(), Failure> {
    if start == Start::Further {
        let withdrawn = run_folder::withdraw(&spec.out);
        withdrawn.map_err(|error| {
            let dir = spec.out.display();
            Failure::running(format!("cannot take back the result in {dir}: {error}"))
        })?;
    }
    // Last: until now the folder was that of the shorter run, whenever this is interrupted.
    run_folder::record_anew(spec, &run_folder::versions(&spec.env))
}

fn run_to_end(
    spec: &RunSpec,
    mut recorder: Recorder,
    mut learner: Box<dyn Learner>,
    stop: &AtomicBool,
) -> Result<RunResult, Failure> {
    let ended = learner.run(&mut recorder, stop);
    recorder.end();
    let kept = match ended {
        Ok(reason) => keep(spec, &mut recorder, learner.as_ref(), reason),
        Err(error) => Err(what_is_kept(spec, &recorder, &error)),
    };
    match &kept {
        Ok(_) => recorder.attempt().release(),
        Err(failure) => recorder.attempt().fail(failure),
    }
    kept
}

/// Saves and publishes what the run came to.
fn keep(
    spec: &RunSpec,
    recorder: &mut Recorder,
    learner: &dyn Learner,
    reason: StopReason,
) -> Result<RunResult, Failure> {
    // A run that has finished was saved at its last step: nothing is written a second time.
    let saved = recorder.save(learner);
    saved.map_err(|error| what_is_kept(spec, recorder, &TrainError::Io(error)))?;
    let status = match reason {
        StopReason::Finished => FINISHED,
        StopReason::Stopped => STOPPED,
    };
    let result = RunResult {
        status: status.to_owned(),
        env: spec.env.clone(),
        objective: spec.method.objective().to_owned(),
        seed: spec.method.seed(),
        out: spec.out.clone(),
        steps: learner.step(),
        final_return: recorder.evaluations().last().map(|last| last.return_mean),
        evaluations: recorder.evaluations().to_vec(),
        parameters_blake3: learner.parameters_blake3(),
        wall_time_seconds: recorder.seconds(),
        replay_kept: spec.keep_replay || !spec.has_replay(),
        versions: run_folder::versions(&spec.env),
    };
    if let (StopReason::Finished, Some((checkpoint, _))) = (reason, recorder.newest()) {
        let published = run_folder::publish(recorder.attempt(), checkpoint, &result);
        let published = published.map_err(|error| {
            let dir = spec.out.display();
            Failure::running(format!("cannot publish the result in {dir}: {error}"))
        })?;
        // Only now: until there is a result the run may have to go on.
        remove_unkept(&published, &spec.out);
        return Ok(published);
    }
    Ok(result)
}

/// Whether the run itself, which is the same each time, comes to the error.
fn is_of_the_run(error: &TrainError) -> bool {
    use TrainError::{BadNumber, Evaluation, Exact, NonFinite, Step};
    matches!(
        error,
        BadNumber { .. } | Evaluation { .. } | Exact { .. } | NonFinite { .. } | Step { .. }
    )
}

/// An error of a run with what it leaves: its last checkpoint, before which every number was finite.
fn what_is_kept(spec: &RunSpec, recorder: &Recorder, error: &TrainError) -> Failure {
    // A run that is another process's, or gone, has nothing to go on from.
    let Some((path, step)) = recorder.newest().filter(|_| recorder.attempt().fence().is_ok())
    else {
        return Failure::running(error);
    };
    let path = path.display();
    if is_of_the_run(error) {
        let kept = format!("the last good networks, of step {step}, are kept in {path}");
        let again =
            "the same run would come to the same again; another can start from them (--init-from)";
        return Failure::running(format!("{error}\n{kept}: {again}"));
    }
    Failure::running(format!(
        "{error}\nthe checkpoint of step {step} is kept in {path}; go on from it: rlai resume {}",
        in_shell(&spec.out)
    ))
}

impl Manner {
    /// Of a run that an engine starts for a study, and ends.
    pub fn of_engine(on_signal: OnSignal, take_over: bool) -> Self {
        Self { on_signal, take_over, ..Self::default() }
    }

    /// Refuses a run whose owner lives; in a study, only after the time that it takes to end.
    fn wait_for_owner(&self, dir: &Path, stop: &AtomicBool) -> Result<(), Failure> {
        let patience = if self.progress.is_some() { PATIENCE } else { Duration::ZERO };
        let start = Instant::now();
        loop {
            match run_folder::check_owner(dir, self.take_over) {
                Err(_) if stop.load(Ordering::Relaxed) => return Err(Failure::Stopped),
                Err(_) if start.elapsed() < patience => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                other => return other,
            }
        }
    }

    fn announce(&self, spec: &RunSpec, from: Option<&Resumed>) {
        if self.quiet {
            return;
        }
        match (from, spec.note()) {
            (Some(from), _) => {
                let step = thousands(from.found.manifest.step);
                line_err!("going on from step {step} of {}", thousands(spec.method.steps()));
            }
            (None, Some(note)) => line_err!("note: {note}"),
            (None, None) => {}
        }
    }

    fn display(&self, spec: &RunSpec) -> Display {
        match self.progress {
            Some(ProgressFormat::Json) => Display::Events,
            None if self.quiet => Display::Quiet,
            None => Display::for_people(spec.method.steps()),
        }
    }

    /// Tells of a result.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn report(&self, result: &RunResult, out: &Path) -> Result<(), Failure> {
        if self.json {
            let text = serde_json::to_string(result).map_err(Failure::running)?;
            line_out!("{text}");
        }
        if self.quiet || self.progress.is_some() {
            return Ok(());
        }
        let time = duration(result.wall_time_seconds);
        line_err!("{} after {} steps in {time}", result.status, thousands(result.steps));
        if let Some(last) = result.evaluations.last() {
            let (mean, sd) = (decimal(last.return_mean), decimal(last.return_sd));
            line_err!(
                "return {mean} ± {sd} (mean ± s.d. of episodes with the policy's mode, step {})",
                thousands(last.step)
            );
        }
        let word = in_shell(out);
        line_err!("networks in {}; play them: rlai evaluate {word}", out.display());
        if result.status == STOPPED {
            line_err!("go on: rlai resume {word}");
        }
        Ok(())
    }
}
