//! `rlai train`: one run.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::ValueEnum;
use rlai::Trainer;
use rlai::checkpoint::CheckpointError;
use rlai::env::Environment;
use rlai::train::{Learner, StopReason, TrainConfig, TrainError, TrajectoryTrainer};

use crate::display::{Display, Watch};
use crate::error::Failure;
use crate::recorder::Recorder;
use crate::run_folder::{self, FolderState, RunFolder, RunResult};
use crate::settings::{NumberOrWord, Settings};
use crate::source::Source;
use crate::spec::{Method, RunSpec};
use crate::text::{decimal, duration, thousands};
use crate::{dataset, signals, tasks};

/// Train a policy
///
/// Settings come from flags, then from --config, then from defaults; a flag --like-this is the
/// key like_this of the file. The run's folder holds run.toml (all settings and versions),
/// metrics.jsonl, checkpoint/ (the networks) and, once the run has finished, result.json.
#[derive(clap::Args, Debug)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  rlai train --env Pendulum-v1 --steps 10000
  rlai train --env HalfCheetah-v5 --objective forward-kl --samples 16 --seed 1
  rlai train --env Hopper-v5 --steps 1e6 --print-config > hopper.toml
  rlai train --config hopper.toml --seed 2 --json > result.json
  rlai train --env Pendulum-v1 --objective awac --dataset played.npz --steps 20000"
)]
pub struct Args {
    #[command(flatten)]
    settings: Settings,
    /// TOML file with settings
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    config: Option<PathBuf>,
    /// Print all settings as a TOML file and do nothing else
    #[arg(long, help_heading = "Output")]
    print_config: bool,
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

/// Trains, and leaves a run's folder.
///
/// # Errors
/// Bad input, a run that failed, or a signal.
pub fn run(args: Args) -> Result<(), Failure> {
    let spec = args.check()?;
    if args.print_config {
        print_out!("{}", spec.to_reusable_toml());
        return Ok(());
    }
    if let Some(result) = already_finished(&spec)? {
        line_err!("already finished: {}", spec.out.display());
        return args.report(&result, &spec.out);
    }
    let stop = signals::stop_flag()?;
    if args.progress.is_some() {
        signals::stop_at_end_of_input(&stop);
    }
    let trainer = build(&spec)?;
    if let Some(note) = spec.note().filter(|_| !args.quiet) {
        line_err!("note: {note}");
    }
    let result = train(trainer, &spec, args.display(&spec), &stop)?;
    args.report(&result, &spec.out)?;
    if result.status == STOPPED { Err(Failure::Stopped) } else { Ok(()) }
}

const FINISHED: &str = "finished";
const STOPPED: &str = "stopped";

impl Args {
    fn check(&self) -> Result<RunSpec, Failure> {
        let Some(path) = &self.config else {
            return RunSpec::check(&self.settings).map_err(Failure::input);
        };
        let file = Source::read(path)?;
        let mut from_file = file.settings(&[], &[])?;
        if self.settings.temperature.is_some() {
            // A temperature that was typed replaces whatever the file says of tuning it.
            from_file.initial_temperature = None;
            (from_file.target_entropy, from_file.target_kl) = (None, None);
            from_file.temperature_loss = None;
            if let Some(NumberOrWord::Number(_)) = self.settings.temperature {
                from_file.temperature_learning_rate = None;
            }
        }
        // One target that was typed replaces the other.
        if self.settings.target_kl.is_some() {
            from_file.target_entropy = None;
        }
        if self.settings.target_entropy.is_some() {
            from_file.target_kl = None;
        }
        let settings = self.settings.over(&from_file);
        RunSpec::check(&settings).map_err(|error| {
            let typed = self.settings.to_table().contains_key(error.key);
            if typed { Failure::input(error) } else { file.refuse_setting(&[], &error) }
        })
    }

    fn display(&self, spec: &RunSpec) -> Display {
        match self.progress {
            Some(ProgressFormat::Json) => Display::Events,
            None if self.quiet => Display::Quiet,
            None => Display::for_people(spec.method.steps()),
        }
    }

    fn report(&self, result: &RunResult, out: &Path) -> Result<(), Failure> {
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
        line_err!("networks in {0}; play them: rlai evaluate {0}", out.display());
        Ok(())
    }
}

fn already_finished(spec: &RunSpec) -> Result<Option<RunResult>, Failure> {
    let dir = spec.out.display();
    let refused = match run_folder::inspect(&spec.out, spec)? {
        FolderState::Free => return Ok(None),
        FolderState::Finished(result) => return Ok(Some(*result)),
        FolderState::Unfinished => "a run that did not finish",
        FolderState::OtherRun => "another run's result",
        FolderState::Foreign => "something that is not a run",
    };
    Err(Failure::input(format!(
        "out = \"{dir}\": the folder holds {refused}; choose a folder that is empty or does not exist"
    )))
}

/// Everything that can be wrong about a run is found here, before its folder is created.
pub fn build(spec: &RunSpec) -> Result<Box<dyn Learner>, Failure> {
    let env = tasks::make_env(&spec.env)?;
    let evaluation_env = tasks::make_env(&spec.env)?;
    match &spec.method {
        Method::Actions(config) => {
            let config = config.clone();
            let mut trainer = match &spec.dataset {
                None => Trainer::new(config, env, evaluation_env).map_err(refused)?,
                Some(path) => offline(path, config, env, evaluation_env)?,
            };
            initialise(spec, |dir| trainer.initialise_from(dir))?;
            Ok(Box::new(trainer))
        }
        Method::Trajectories(config) => {
            let mut trainer =
                TrajectoryTrainer::new(config.clone(), env, evaluation_env).map_err(refused)?;
            initialise(spec, |dir| trainer.initialise_from(dir))?;
            Ok(Box::new(trainer))
        }
    }
}

fn refused(error: TrainError) -> Failure {
    if error.is_input() { Failure::input(error) } else { Failure::running(error) }
}

/// A run that learns from the data set in a file.
fn offline(
    path: &Path,
    config: TrainConfig,
    env: Box<dyn Environment>,
    evaluation_env: Box<dyn Environment>,
) -> Result<Trainer, Failure> {
    let bad = |reason: String| Failure::input(format!("dataset = {path:?}: {reason}"));
    let dataset = dataset::read(path).map_err(|error| bad(format!("{error:#}")))?;
    match Trainer::from_dataset(config, &dataset, env, evaluation_env) {
        Err(TrainError::Dataset(error)) => Err(bad(error.to_string())),
        made => made.map_err(refused),
    }
}

fn initialise(
    spec: &RunSpec,
    load: impl FnOnce(&Path) -> Result<(), CheckpointError>,
) -> Result<(), Failure> {
    let Some(dir) = &spec.init_from else { return Ok(()) };
    load(dir).map_err(|error| Failure::input(format!("init_from = \"{}\": {error}", dir.display())))
}

fn train(
    mut trainer: Box<dyn Learner>,
    spec: &RunSpec,
    display: Display,
    stop: &AtomicBool,
) -> Result<RunResult, Failure> {
    let versions = run_folder::versions(&spec.env);
    let folder = RunFolder::create(spec, &versions)?;
    let random_steps = if spec.dataset.is_some() { 0 } else { spec.method.learning_starts() };
    let watch = Watch::new(display, random_steps);
    let mut recorder = Recorder::new(folder.clone(), watch).map_err(Failure::running)?;
    let ended = trainer.run(&mut recorder, stop);
    recorder.end();
    let reason = ended.map_err(|error| keep_last_good(trainer.as_ref(), &folder, &error))?;
    let mut result = RunResult {
        status: FINISHED.to_owned(),
        env: spec.env.clone(),
        objective: spec.method.objective().to_owned(),
        seed: spec.method.seed(),
        out: spec.out.clone(),
        steps: trainer.step(),
        final_return: recorder.evaluations().last().map(|last| last.return_mean),
        evaluations: recorder.evaluations().to_vec(),
        parameters_blake3: trainer.parameters_blake3(),
        wall_time_seconds: recorder.seconds(),
        versions,
    };
    match reason {
        StopReason::Finished => folder.finish(&result).map_err(Failure::running)?,
        StopReason::Stopped => {
            trainer.save(&folder.checkpoint()).map_err(Failure::running)?;
            result.status = STOPPED.to_owned();
        }
    }
    Ok(result)
}

/// A number that is not finite may have diverged for a while before it was found: then the last
/// checkpoint is what is good, and stays. After any other failure the networks are saved as they are.
fn keep_last_good(trainer: &dyn Learner, folder: &RunFolder, error: &TrainError) -> Failure {
    let dir = folder.checkpoint();
    let diverged = matches!(error, TrainError::NonFinite { .. });
    let saved = if diverged { None } else { trainer.save(&dir).ok() };
    let kept = match (saved, rlai::Policy::load(&dir)) {
        (Some(()), _) => format!("the networks of step {} are kept", trainer.step()),
        (None, Ok(policy)) => {
            format!("the last good networks, of step {}, are kept", policy.step())
        }
        (None, Err(error)) => return Failure::running(format!("no networks were kept: {error}")),
    };
    Failure::running(format!("{error}\n{kept} in {}", dir.display()))
}
