//! From a study's file to its [`Plan`].

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Value;

use super::engine::EngineSettings;
use super::grid::{self, Grid};
use super::plan::{Plan, PlannedRun, Variant};
use super::reference;
use super::typed::Typed;
use crate::error::Failure;
use crate::settings::Settings;
use crate::source::{Place, Source};
use crate::spec::{RunSpec, is_of_trajectories};

const KEYS: [&str; 9] =
    ["name", "title", "description", "seeds", "base", "grid", "variant", "reference", "engine"];
/// Tables with readers of their own.
const TABLES: [&str; 5] = ["base", "grid", "variant", "reference", "engine"];
/// Keys of a variant that are no settings.
const VARIANT_KEYS: [&str; 2] = ["name", "label"];
/// What the study itself decides, and where.
const OWN: [(&str, &str); 3] = [
    ("seed", "a study's seeds are its key `seeds`"),
    ("threads", "cores of a run are `threads` in [engine]"),
    ("out", "a study's folder is set with --out"),
];

/// Most runs of a study: beyond it a file is taken for a mistake.
const MOST_RUNS: usize = 10_000;
/// Most configurations, each of which is checked and kept.
const MOST_VARIANTS: usize = 1_000;

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

/// A `[[variant]]`, or what stands for one where there is only a grid.
#[derive(Default)]
struct Part {
    index: Option<usize>,
    name: String,
    label: String,
    settings: Settings,
}

/// Reads and checks a study's file.
pub(super) fn parse(source: &Source, out: Option<PathBuf>) -> Result<Plan, Failure> {
    source.check_keys(&[], &KEYS.map(str::to_owned))?;
    let head: Head = source.read_table(&[], &TABLES)?;
    check_name(source, &[key("name")], &head.name)?;
    let seeds = head.seeds.checked().map_err(|why| source.refuse(&[key("seeds")], why))?;
    let out = out.unwrap_or_else(|| Path::new("runs").join(&head.name));
    if out.to_str().is_none() {
        return Err(Failure::input(format!("out = {out:?}: a path that is valid UTF-8")));
    }
    let engine = EngineSettings::read(source)?;
    check_size(source, seeds.len())?;
    let grid = Grid::read(source, &OWN)?;
    let parts = read_variants(source, &grid)?;
    let base = read_base(source, &grid)?;
    let description = head.description.trim();
    let mut plan = Plan {
        // A description alone is the title.
        title: head.title.clone().unwrap_or_else(|| match description {
            "" => head.name.clone(),
            description => description.to_owned(),
        }),
        description: head.title.as_ref().map_or("", |_| description).to_owned(),
        name: head.name,
        text: source.text().to_owned(),
        out,
        engine,
        typed: Typed::default(),
        references: reference::read(source)?,
        variants: Vec::new(),
        runs: Vec::new(),
    };
    for part in &parts {
        add_variants(&mut plan, source, part, &base, &grid, seeds[0])?;
    }
    let on = |task: &str| plan.variants.iter().any(|variant| variant.env == task);
    reference::check_used(source, &plan.references, on)?;
    // Seeds first: early on every variant has been seen once.
    for &seed in &seeds {
        plan.runs.extend((0..plan.variants.len()).map(|variant| PlannedRun { variant, seed }));
    }
    Ok(plan)
}

/// Refuses more than anybody means, before any of it is made.
fn check_size(source: &Source, seeds: usize) -> Result<(), Failure> {
    let (parts, grid) = (variant_count(source)?, grid::count(source));
    let variants = parts.saturating_mul(grid.unwrap_or(1));
    let what = match grid {
        None => format!("{variants} variants"),
        Some(combinations) => format!("{parts} variants x {combinations} combinations"),
    };
    let runs = variants.saturating_mul(seeds);
    if runs > MOST_RUNS {
        let why = format!("{what} of {seeds} seeds are {runs} runs: at most {MOST_RUNS}");
        return Err(source.refuse(&[key("seeds")], why));
    }
    if variants > MOST_VARIANTS {
        let at = if grid.is_none() { "variant" } else { "grid" };
        return Err(source.refuse(&[key(at)], format!("{what}: at most {MOST_VARIANTS}")));
    }
    Ok(())
}

/// A variant with every combination of the grid.
fn add_variants(
    plan: &mut Plan,
    source: &Source,
    part: &Part,
    base: &Settings,
    grid: &Grid,
    seed: u64,
) -> Result<(), Failure> {
    let settings = part.settings.over(base);
    for index in 0..grid.combinations() {
        let combination = grid.combination(source, index)?;
        let name = match (part.name.as_str(), combination.name.as_str()) {
            (name, "") => name.to_owned(),
            ("", name) => name.to_owned(),
            (variant, name) => format!("{variant}/{name}"),
        };
        let out = plan.out.join(&name).join(format!("seed{seed}"));
        let settings = of_run(plan, combination.settings.over(&settings), seed, out);
        let spec = RunSpec::check(&settings).map_err(|error| {
            if let Some(at) = combination.place(error.key) {
                return source.refuse(&at, &error);
            }
            let own = part.index.map(|index| [key("variant"), Place::Index(index)]);
            match own {
                Some(place) if source.has(&[&place[..], &[key(error.key)]].concat()) => {
                    source.refuse_setting(&place, &error)
                }
                _ => source.refuse_setting(&[key("base")], &error),
            }
        })?;
        let names = (name, part.label.clone());
        plan.variants.push(Variant::new(names, combination.values, spec));
    }
    Ok(())
}

/// The settings of a run with those that are the study's own.
fn of_run(plan: &Plan, settings: Settings, seed: u64, out: PathBuf) -> Settings {
    // Objectives on trajectories train on one thread, and have no such setting.
    let has_threads = !is_of_trajectories(&settings);
    let of_study = Settings {
        seed: Some(seed as i64),
        threads: has_threads.then_some(plan.engine.threads as i64),
        out: Some(out),
        ..Settings::default()
    };
    of_study.over(&settings)
}

/// What every run has unless it says otherwise. A study of many runs has no room for their replays.
fn read_base(source: &Source, grid: &Grid) -> Result<Settings, Failure> {
    let place = [key("base")];
    let of_studies = Settings { keep_replay: Some(false), ..Settings::default() };
    if !source.has(&place) {
        return Ok(of_studies);
    }
    let base = source.settings(&place, &[])?;
    refuse_own_keys(source, &place, &base, grid)?;
    Ok(base.over(&of_studies))
}

/// How many variants the file has; one without a name where there is only a grid.
fn variant_count(source: &Source) -> Result<usize, Failure> {
    match source.table.get("variant") {
        Some(Value::Array(variants)) if !variants.is_empty() => Ok(variants.len()),
        Some(_) => Err(source.refuse(&[key("variant")], "variants are tables: [[variant]]")),
        None if source.has(&[key("grid")]) => Ok(1),
        None => Err(source.refuse(&[], "no [[variant]]: at least one is needed, or a [grid]")),
    }
}

fn read_variants(source: &Source, grid: &Grid) -> Result<Vec<Part>, Failure> {
    if !source.has(&[key("variant")]) {
        return Ok(vec![Part::default()]);
    }
    let mut names = BTreeSet::new();
    let mut variants = Vec::new();
    for i in 0..variant_count(source)? {
        let place = [key("variant"), Place::Index(i)];
        let settings = source.settings(&place, &VARIANT_KEYS)?;
        let head: VariantHead = source.read_table(&place, &[])?;
        let at_name = [&place[..], &[key("name")]].concat();
        check_name(source, &at_name, &head.name)?;
        if !names.insert(head.name.to_lowercase()) {
            let why = format!("name = {:?}: another variant has this name", head.name);
            return Err(source.refuse(&at_name, why));
        }
        refuse_own_keys(source, &place, &settings, grid)?;
        let label = head.label.unwrap_or_else(|| head.name.clone());
        variants.push(Part { index: Some(i), name: head.name, label, settings });
    }
    Ok(variants)
}

/// Refuses what the study itself decides, and what the grid would override.
fn refuse_own_keys(
    source: &Source,
    place: &[Place],
    settings: &Settings,
    grid: &Grid,
) -> Result<(), Failure> {
    for name in settings.to_table().keys() {
        let at = [place, &[key(name)]].concat();
        if let Some((_, why)) = OWN.iter().find(|(own, _)| own == name) {
            return Err(source.refuse(&at, format!("{name} has no place here: {why}")));
        }
        if grid.sets(name) {
            return Err(source.refuse(&at, format!("{name}: without effect, [grid] sets it too")));
        }
    }
    Ok(())
}

/// Names become folders.
fn check_name(source: &Source, place: &[Place], name: &str) -> Result<(), Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.=+".contains(c);
    let lower = name.to_lowercase();
    let taken = ["study.", "learning-curves", "report", "slurm"];
    // A study's own name is that of a folder where nothing is taken.
    let is_variant = place.len() > 1;
    let fits = (1..=64).contains(&name.len())
        && name.chars().all(plain)
        && !name.starts_with('.')
        && !(is_variant && taken.iter().any(|taken| lower.starts_with(taken)));
    if fits {
        return Ok(());
    }
    let allowed = "1 to 64 letters, digits or -_.=+, since it names a folder (a label may be anything); not \
         study.*, learning-curves*, report* or slurm*, which are a study's own files";
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
