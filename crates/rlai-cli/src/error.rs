//! How a command fails: what it tells and with which exit code.

use std::fmt::Display;
use std::process::ExitCode;

/// Why a command did not end well. Every command returns `Result<(), Failure>`.
#[derive(Debug)]
pub enum Failure {
    /// Bad input or environment; nothing was created or changed. Exit code 2.
    Input(anyhow::Error),
    /// Failed while running. Exit code 1.
    Running(anyhow::Error),
    /// Stopped by a signal; what was learned is saved. Exit code 75.
    Stopped,
}

impl Failure {
    /// Bad input, told by a message or an error.
    pub fn input(reason: impl Display) -> Self {
        Self::Input(anyhow::anyhow!("{reason:#}"))
    }

    /// A failure while running, told by a message or an error.
    pub fn running(reason: impl Display) -> Self {
        Self::Running(anyhow::anyhow!("{reason:#}"))
    }

    /// The exit code that `rlai --help` documents.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Running(_) => 1,
            Self::Input(_) => 2,
            Self::Stopped => 75,
        })
    }
}

impl Display for Failure {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Input(reason) | Self::Running(reason) => write!(out, "{reason:#}"),
            Self::Stopped => write!(out, "stopped by a signal"),
        }
    }
}
