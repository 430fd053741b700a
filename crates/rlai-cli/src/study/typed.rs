//! What was typed beside a study's file, and replaces what its `[engine]` table says.

use serde::{Deserialize, Serialize};

use super::engine::{Engine, EngineSettings, MOST_JOBS};
use crate::error::Failure;
use crate::settings::whole_number;

/// Settings of the engine that a command may be given.
#[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Typed {
    /// What starts the runs: local or slurm [default: as in the study's file]
    #[arg(long, value_name = "NAME", hide_possible_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
    /// Runs at the same time [default: as in the file, or as many as the cores hold]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs: Option<i64>,
    /// How often a run may fail before it is no longer started [default: as in the file, or 5]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<i64>,
}

impl Typed {
    /// Nothing was typed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// These where they say something, `below` elsewhere.
    pub fn over(self, below: Self) -> Self {
        Self {
            engine: self.engine.or(below.engine),
            jobs: self.jobs.or(below.jobs),
            max_attempts: self.max_attempts.or(below.max_attempts),
        }
    }

    /// What was typed replaces what is there; the rest stays.
    ///
    /// # Errors
    /// A number out of bounds.
    pub fn apply(&self, settings: &mut EngineSettings) -> Result<(), Failure> {
        let number = |name: &str, value: i64, most: i64| match (1..=most).contains(&value) {
            true => Ok(value as usize),
            false => Err(Failure::input(format!("{name} = {value}: from 1 to {most}"))),
        };
        if let Some(engine) = self.engine {
            settings.engine = engine;
        }
        if let Some(jobs) = self.jobs {
            settings.jobs = Some(number("jobs", jobs, MOST_JOBS)?);
        }
        if let Some(attempts) = self.max_attempts {
            settings.max_attempts = number("max_attempts", attempts, 1000)?;
        }
        Ok(())
    }
}
