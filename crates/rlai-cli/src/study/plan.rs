//! From a study's file to the runs that it asks for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Value;

use crate::error::Failure;
use crate::run_folder::{self, FolderState};
use crate::settings::Settings;
use crate::source::{Place, Source};
use crate::spec::RunSpec;
use crate::training;

const KEYS: [&str; 6] = ["name", "title", "description", "seeds", "base", "variant"];
/// Keys of a variant that are no settings.
const VARIANT_KEYS: [&str; 2] = ["name", "label"];

/// A checked study.
pub struct Plan {
    /// Name, which is also that of its folder.
    pub name: String,
    /// Title of its figures.
    pub title: String,
    /// The file as it was read.
    pub text: String,
    /// Folder of the study.
    pub out: PathBuf,
    /// The configurations that are compared.
    pub variants: Vec<Variant>,
    /// All runs, in the order in which they are started.
    pub runs: Vec<PlannedRun>,
}

/// Most runs of a study: beyond it a file is taken for a mistake.
const MOST_RUNS: usize = 10_000;

/// A configuration that runs with several seeds.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Name, which is also that of its folder.
    pub name: String,
    /// Name in tables and figures.
    pub label: String,
    /// Task.
    pub env: String,
    /// Episodes behind each point of its curve.
    pub evaluation_episodes: usize,
}

/// One run of a study.
#[derive(Clone, Debug)]
pub struct PlannedRun {
    /// Index of its variant.
    pub variant: usize,
    /// Seed.
    pub seed: u64,
    /// Its name for people.
    pub label: String,
    /// What it is.
    pub spec: RunSpec,
}

#[derive(Deserialize)]
struct Head {
    name: String,
    title: Option<String>,
    #[serde(default)]
    description: String,
    seeds: Seeds,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a number of seeds or a list of seeds")]
enum Seeds {
    Count(i64),
    List(Vec<i64>),
}

#[derive(Deserialize)]
struct VariantHead {
    name: String,
    label: Option<String>,
}

impl Plan {
    /// Reads and checks a whole study; nothing is created. Tasks are made once, so that whatever
    /// they lack is told now.
    ///
    /// # Errors
    /// Whatever is wrong in the file, with its line, or in the folders that it names.
    pub fn read(path: &Path, out: Option<PathBuf>) -> Result<Self, Failure> {
        let source = Source::read(path)?;
        source.check_keys(&[], &KEYS.map(str::to_owned))?;
        let head: Head = source.read_table(&[], &["base", "variant"])?;
        check_name(&source, &[key("name")], &head.name)?;
        let seeds = head.seeds.checked().map_err(|why| source.refuse(&[key("seeds")], why))?;
        let out = out.unwrap_or_else(|| Path::new("runs").join(&head.name));
        if out.to_str().is_none() {
            return Err(Failure::input(format!("out = {out:?}: a path that is valid UTF-8")));
        }
        let parts = read_variants(&source)?;
        let runs = parts.len() * seeds.len();
        if runs > MOST_RUNS {
            let why = format!(
                "{} variants of {} seeds are {runs} runs: at most {MOST_RUNS}",
                parts.len(),
                seeds.len()
            );
            return Err(source.refuse(&[key("seeds")], why));
        }
        let base = read_base(&source)?;
        let mut plan = Self {
            title: head.title.unwrap_or_else(|| match head.description.as_str() {
                "" => head.name.clone(),
                description => description.trim().to_owned(),
            }),
            name: head.name,
            text: source.text().to_owned(),
            out,
            variants: Vec::new(),
            runs: Vec::new(),
        };
        for (i, (variant, settings)) in parts.into_iter().enumerate() {
            plan.add_variant(&source, i, variant, &settings.over(&base), &seeds)?;
        }
        // Seeds first: early on every variant has been seen once.
        plan.runs.sort_by_key(|run| seeds.iter().position(|&seed| seed == run.seed));
        plan.check_surroundings()?;
        Ok(plan)
    }

    fn add_variant(
        &mut self,
        source: &Source,
        index: usize,
        head: VariantHead,
        settings: &Settings,
        seeds: &[u64],
    ) -> Result<(), Failure> {
        let place = [key("variant"), Place::Index(index)];
        let label = head.label.unwrap_or_else(|| head.name.clone());
        for &seed in seeds {
            let of_run = Settings {
                seed: Some(seed as i64),
                threads: Some(1),
                out: Some(self.out.join(&head.name).join(format!("seed{seed}"))),
                ..Settings::default()
            };
            let spec = RunSpec::check(&of_run.over(settings)).map_err(|error| {
                let in_variant = source.has(&[&place[..], &[key(error.key)]].concat());
                let place = if in_variant { &place[..] } else { &[key("base")] };
                source.refuse_setting(place, &error)
            })?;
            let label = format!("{label}, seed {seed}");
            self.runs.push(PlannedRun { variant: index, seed, label, spec });
        }
        let spec = &self.runs[self.runs.len() - 1].spec;
        self.variants.push(Variant {
            name: head.name,
            label,
            // As it was written: figures and tables show it.
            env: settings.env.clone().unwrap_or_else(|| spec.env.clone()),
            evaluation_episodes: spec.method.evaluation_episodes(),
        });
        Ok(())
    }

    /// Whatever a run would be refused for is found here: one run of each variant is made ready.
    fn check_surroundings(&self) -> Result<(), Failure> {
        for variant in 0..self.variants.len() {
            if let Some(run) = self.runs.iter().find(|run| run.variant == variant) {
                training::check_buildable(&run.spec)?;
            }
        }
        for run in &self.runs {
            check_folder(run)?;
        }
        Ok(())
    }

    /// The names of the variants that a study's text describes; none if it cannot be read.
    pub fn variant_names(text: &str) -> Vec<String> {
        let table: toml::Table = toml::from_str(text).unwrap_or_default();
        let variants = table.get("variant").and_then(Value::as_array).cloned().unwrap_or_default();
        let name = |variant: &Value| Some(variant.get("name")?.as_str()?.to_owned());
        variants.iter().filter_map(name).collect()
    }
}

/// A run that was interrupted goes on; another run and foreign files are left alone.
fn check_folder(run: &PlannedRun) -> Result<(), Failure> {
    match run_folder::inspect(&run.spec.out, &run.spec)? {
        FolderState::Free | FolderState::Finished(_) | FolderState::Unfinished => Ok(()),
        held => Err(training::refused_folder(&run.spec.out, &held)),
    }
}

fn read_base(source: &Source) -> Result<Settings, Failure> {
    let place = [key("base")];
    if !source.has(&place) {
        return Ok(Settings::default());
    }
    let base = source.settings(&place, &[])?;
    refuse_own_keys(source, &place, &base)?;
    Ok(base)
}

fn read_variants(source: &Source) -> Result<Vec<(VariantHead, Settings)>, Failure> {
    let place = [key("variant")];
    let count = match source.table.get("variant") {
        Some(Value::Array(variants)) if !variants.is_empty() => variants.len(),
        Some(_) => return Err(source.refuse(&place, "variants are tables: [[variant]]")),
        None => return Err(source.refuse(&[], "no [[variant]]: at least one is needed")),
    };
    let mut names = BTreeSet::new();
    let mut variants = Vec::with_capacity(count);
    for i in 0..count {
        let place = [key("variant"), Place::Index(i)];
        let settings = source.settings(&place, &VARIANT_KEYS)?;
        let head: VariantHead = source.read_table(&place, &[])?;
        let at_name = [&place[..], &[key("name")]].concat();
        check_name(source, &at_name, &head.name)?;
        if !names.insert(head.name.to_lowercase()) {
            let why = format!("name = {:?}: another variant has this name", head.name);
            return Err(source.refuse(&at_name, why));
        }
        refuse_own_keys(source, &place, &settings)?;
        variants.push((head, settings));
    }
    Ok(variants)
}

/// What the study itself decides.
fn refuse_own_keys(source: &Source, place: &[Place], settings: &Settings) -> Result<(), Failure> {
    let own = [
        ("seed", settings.seed.is_some(), "a study's seeds are its key `seeds`"),
        ("threads", settings.threads.is_some(), "a study gives each run one thread"),
        ("out", settings.out.is_some(), "a study's folder is set with --out"),
    ];
    for (name, set, why) in own {
        if set {
            let at = [place, &[key(name)]].concat();
            return Err(source.refuse(&at, format!("{name} has no place here: {why}")));
        }
    }
    Ok(())
}

/// Names become folders.
fn check_name(source: &Source, place: &[Place], name: &str) -> Result<(), Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.=+".contains(c);
    let taken = name.starts_with("study.") || name.starts_with("learning-curves");
    let fits = (1..=64).contains(&name.len())
        && name.chars().all(plain)
        && !name.starts_with('.')
        && !taken;
    if fits {
        return Ok(());
    }
    let allowed = "1 to 64 letters, digits or -_.=+, since it names a folder (a label may be anything); not \
         study.* or learning-curves*, which are a study's own files";
    Err(source.refuse(place, format!("name = {name:?}: {allowed}")))
}

impl Seeds {
    fn checked(self) -> Result<Vec<u64>, String> {
        let seeds: Vec<i64> = match self {
            Self::Count(count) if !(1..=1_000).contains(&count) => {
                return Err(format!("seeds = {count}: from 1 to 1000 seeds, or a list of seeds"));
            }
            Self::Count(count) => (0..count).collect(),
            Self::List(list) => list,
        };
        let mut seen = BTreeSet::new();
        if seeds.is_empty() {
            return Err("seeds = []: at least one".to_owned());
        }
        for &seed in &seeds {
            if seed < 0 || !seen.insert(seed) {
                return Err(format!("seeds: {seed}: distinct numbers, at least 0"));
            }
        }
        Ok(seeds.into_iter().map(|seed| seed as u64).collect())
    }
}

fn key(name: &str) -> Place {
    Place::Key(name.to_owned())
}
