//! The runs that a study's file asks for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::engine::EngineSettings;
use super::file;
use super::reference::Reference;
use super::typed::Typed;
use crate::error::Failure;
use crate::run_folder::{self, FolderState};
use crate::source::Source;
use crate::spec::RunSpec;
use crate::text::setting;
use crate::training;

/// A checked study.
#[derive(Debug)]
pub struct Plan {
    /// Name, which is also that of its folder.
    pub name: String,
    /// Title of its figures.
    pub title: String,
    /// What its file says of it beside the title; may be empty.
    pub description: String,
    /// The file as it was read.
    pub text: String,
    /// Folder of the study.
    pub out: PathBuf,
    /// What starts its runs.
    pub engine: EngineSettings,
    /// What of that its folder remembers beside the file: what was typed at `study run`.
    pub typed: Typed,
    /// Reference scores by task.
    pub references: BTreeMap<String, Reference>,
    /// The configurations that are compared: every variant with every combination of the grid.
    pub variants: Vec<Variant>,
    /// All runs, in the order in which they are started: seeds first, so that early on every variant
    /// has been seen once.
    pub runs: Vec<PlannedRun>,
}

/// A configuration that runs with several seeds.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Name, which is also that of its folder: `NAME`, `NAME/key=value,...` or `key=value,...`.
    pub name: String,
    /// Name in tables and figures.
    pub label: String,
    /// Label of the `[[variant]]` alone, without the grid's part.
    pub base_label: String,
    /// Keys of the grid with their values in words, in the order of the file; empty without a grid.
    pub grid: Vec<(String, String)>,
    /// Task.
    pub env: String,
    /// Episodes behind each point of its curve.
    pub evaluation_episodes: usize,
    /// Its first run; the others differ in seed and folder.
    first: RunSpec,
}

/// One run of a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedRun {
    /// Index of its variant.
    pub variant: usize,
    /// Seed.
    pub seed: u64,
}

impl Variant {
    /// A variant whose first run is `first`.
    pub(super) fn new(
        (name, base_label): (String, String),
        grid: Vec<(String, String)>,
        first: RunSpec,
    ) -> Self {
        // The task is told beside the label wherever there are several.
        let besides: Vec<String> = grid
            .iter()
            .filter(|(key, _)| key != "env")
            .map(|(key, value)| setting(key, value))
            .collect();
        let label = match (base_label.is_empty(), besides.is_empty()) {
            (true, true) => name.clone(),
            (true, false) => besides.join(", "),
            (false, true) => base_label.clone(),
            (false, false) => format!("{base_label}, {}", besides.join(", ")),
        };
        Self {
            name,
            label,
            base_label,
            grid,
            env: crate::tasks::shown(&first.env),
            evaluation_episodes: first.method.evaluation_episodes(),
            first,
        }
    }

    /// Its label, with the task where that is the grid's.
    pub fn full_label(&self) -> String {
        match self.grid.iter().find(|(key, _)| key == "env") {
            Some((_, task)) => format!("{}, {task}", self.label),
            None => self.label.clone(),
        }
    }

    /// Its first run: whatever does not depend on the seed is that of all.
    pub fn first(&self) -> &RunSpec {
        &self.first
    }
}

impl Plan {
    /// Checks a study's file for itself, in time and memory that no file makes large: more runs or
    /// variants than anybody means are refused before they are made.
    ///
    /// # Errors
    /// Whatever is wrong in the file, with its line.
    pub fn parse(source: &Source, out: Option<PathBuf>) -> Result<Self, Failure> {
        file::parse(source, out)
    }

    /// Whatever a run would be refused for is found here: one run of each variant is made ready, and
    /// the folder of every run is looked at.
    ///
    /// # Errors
    /// What a run lacks, or a folder that holds something else.
    pub fn check_surroundings(&self) -> Result<(), Failure> {
        for variant in &self.variants {
            training::check_buildable(&variant.first)?;
        }
        for run in &self.runs {
            self.check_folder(run)?;
        }
        Ok(())
    }

    /// A run that was interrupted goes on; another run and foreign files are left alone.
    fn check_folder(&self, run: &PlannedRun) -> Result<(), Failure> {
        let spec = self.spec(run);
        match run_folder::inspect(&spec.out, &spec)? {
            FolderState::Free | FolderState::Finished(_) | FolderState::Unfinished => Ok(()),
            held => Err(training::refused_in_study(&spec.out, &held)),
        }
    }

    /// What a run is.
    pub fn spec(&self, run: &PlannedRun) -> RunSpec {
        self.variants[run.variant].first.with_seed(run.seed, self.folder(run))
    }

    /// Where a run lies.
    pub fn folder(&self, run: &PlannedRun) -> PathBuf {
        self.out.join(self.run_name(run))
    }

    /// The folder of a run within the study's: `VARIANT/seedK`. No other run has it, whatever becomes
    /// of the study's file.
    pub fn run_name(&self, run: &PlannedRun) -> String {
        format!("{}/seed{}", self.variants[run.variant].name, run.seed)
    }

    /// A run's name for people.
    pub fn label(&self, run: &PlannedRun) -> String {
        format!("{}, seed {}", self.variants[run.variant].full_label(), run.seed)
    }

    /// The run of this name ([`Self::run_name`]).
    pub fn find(&self, name: &str) -> Option<&PlannedRun> {
        let (variant, seed) = name.rsplit_once("/seed")?;
        let is = |run: &&PlannedRun| {
            self.variants[run.variant].name == variant && run.seed.to_string() == seed
        };
        self.runs.iter().find(is)
    }
}
