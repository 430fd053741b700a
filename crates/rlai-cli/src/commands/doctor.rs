//! `rlai doctor`: what is there, what is missing, and how to get it.

use rlai_mujoco::{FileState, FileStatus, Status};
use serde_json::{Value, json};

use crate::error::Failure;

/// Tell what is there, what is missing and how to get it
///
/// Nothing is fetched or changed. The exit code is 0 unless training on MuJoCo tasks could not work
/// even after `rlai setup`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Looks around and prints what there is.
///
/// # Errors
/// Bad environment when MuJoCo is neither there nor to be had.
pub fn run(args: Args) -> Result<(), Failure> {
    let status = rlai_mujoco::locate();
    let machine = Machine::look();
    if args.json {
        line_out!("{}", report_json(&status, &machine));
    } else {
        print_report(&status, &machine);
    }
    if status.is_ready() || status.can_be_fetched() { Ok(()) } else { Err(hopeless(&status)) }
}

/// What the numerics run on.
struct Machine {
    /// Cores that this process may use.
    cores: usize,
    /// CPU features that the matrix products choose from.
    features: Vec<&'static str>,
}

impl Machine {
    fn look() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { cores, features: cpu_features() }
    }

    /// The family of kernels that matrix products use here.
    fn kernels(&self) -> &'static str {
        let has = |feature| self.features.contains(&feature);
        if has("avx512f") {
            "AVX-512"
        } else if has("avx2") && has("fma") {
            "AVX2 and FMA"
        } else if has("neon") {
            "NEON"
        } else {
            "no vector instructions that the kernels know"
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn cpu_features() -> Vec<&'static str> {
    let features = [
        ("avx2", std::is_x86_feature_detected!("avx2")),
        ("fma", std::is_x86_feature_detected!("fma")),
        ("avx512f", std::is_x86_feature_detected!("avx512f")),
    ];
    features.into_iter().filter(|(_, here)| *here).map(|(name, _)| name).collect()
}

#[cfg(target_arch = "aarch64")]
fn cpu_features() -> Vec<&'static str> {
    vec!["neon"]
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn cpu_features() -> Vec<&'static str> {
    Vec::new()
}

fn print_report(status: &Status, machine: &Machine) {
    line_out!("rlai {}", env!("CARGO_PKG_VERSION"));
    line_out!("MuJoCo {}", rlai_mujoco::VERSION);
    for file in &status.files {
        line_out!("  {}: {}", file.name, state_text(file));
    }
    line_out!("cache: {}", cache_text(status));
    if let Some(folder) = &status.mujoco_dir {
        line_out!("MUJOCO_DIR: {}", folder.display());
    }
    line_out!("Python: {}", python_text(status));
    line_out!("CPU: {}, matrix products use {}", machine.features.join(" "), machine.kernels());
    line_out!("threads: {} (a run uses one or two)", machine.cores);
    if status.is_ready() {
        line_out!("everything is there");
    } else if status.can_be_fetched() {
        line_out!("to get what is missing: rlai setup (or just train: it is fetched on first use)");
    }
}

fn state_text(file: &FileStatus) -> String {
    match &file.state {
        FileState::Ready(path) => format!("ready, {}", path.display()),
        FileState::Corrupted(path) => {
            format!("{} is not the pinned file, it will be fetched again", path.display())
        }
        FileState::Missing => "missing".to_owned(),
        FileState::Unusable(error) => format!("unusable: {error}"),
    }
}

fn cache_text(status: &Status) -> String {
    match &status.cache {
        Ok(folder) => folder.display().to_string(),
        Err(error) => error.to_string(),
    }
}

fn python_text(status: &Status) -> String {
    match (&status.python, status.pip) {
        (Some(version), true) => format!("{version} with pip"),
        (Some(version), false) => format!("{version} without pip"),
        (None, _) => "none".to_owned(),
    }
}

fn report_json(status: &Status, machine: &Machine) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "ready": status.is_ready(),
        "can_be_fetched": status.can_be_fetched(),
        "mujoco": {
            "version": rlai_mujoco::VERSION,
            "pinned_for_this_machine": status.pinned,
            "mujoco_dir": status.mujoco_dir,
            "cache": status.cache.as_ref().ok(),
            "files": status.files.iter().map(file_json).collect::<Vec<_>>(),
        },
        "python": { "version": status.python, "pip": status.pip },
        "cpu": {
            "architecture": std::env::consts::ARCH,
            "features": machine.features,
            "kernels": machine.kernels(),
        },
        "threads": machine.cores,
    })
}

fn file_json(file: &FileStatus) -> Value {
    let (state, path, message) = match &file.state {
        FileState::Ready(path) => ("ready", Some(path), None),
        FileState::Corrupted(path) => ("corrupted", Some(path), None),
        FileState::Missing => ("missing", None, None),
        FileState::Unusable(error) => ("unusable", None, Some(error.to_string())),
    };
    json!({ "name": file.name, "state": state, "path": path, "message": message })
}

/// Why not even `rlai setup` helps.
fn hopeless(status: &Status) -> Failure {
    let unusable = status.files.iter().find_map(|file| match &file.state {
        FileState::Unusable(error) => Some(error.to_string()),
        _ => None,
    });
    let reason = unusable.unwrap_or_else(|| {
        format!(
            "MuJoCo {} is missing and there is no Python 3 with pip to fetch it: install one and \
             run `rlai setup`, or set MUJOCO_DIR to a folder that holds MuJoCo and the models",
            rlai_mujoco::VERSION
        )
    });
    Failure::input(reason)
}
