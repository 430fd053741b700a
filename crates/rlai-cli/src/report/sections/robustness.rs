//! What is left under other values of a setting: of the size of the buffer, or of whatever the grid varies.

use rlai_stats::robustness::{Sensitivity, retention};
use rlai_stats::{Estimate, Scores, area};

use super::differences;
use crate::report::answer::seeds;
use crate::report::compare::FEWEST_RUNS;
use crate::report::context::{Context, REPETITIONS, interval_limits};
use crate::report::intervals::{Intervals, Row};
use crate::report::section::{Figure, Section, file_part};
use crate::report::study::Method;
use crate::report::table::{Cell, Table};
use crate::text::{readable_value, setting, thousands};

/// Two settings of a method that differ in one key alone.
pub(super) struct Change {
    /// The key.
    pub key: String,
    /// Its values: the changed one and the usual one, the largest.
    pub values: (String, String),
    /// Number of the method with the changed value.
    pub changed: usize,
    /// Number of the method with the usual one.
    pub usual: usize,
}

impl Change {
    /// The change in words, and what else the grid sets: `buffer 1,000 for 50,000, gamma = 0.9`.
    pub fn name(&self, methods: &[Method]) -> String {
        let (changed, usual) = &self.values;
        let rest = methods[self.changed].grid.iter().filter(|(key, _)| *key != self.key);
        let rest: String = rest.map(|(key, value)| format!(", {}", setting(key, value))).collect();
        format!("{} {} for {}{rest}", self.key, readable_value(changed), readable_value(usual))
    }
}

/// The same change in a candidate and a baseline.
struct Measured<'a> {
    change: &'a Change,
    tasks: Vec<usize>,
    retention: Option<Estimate>,
    runs: usize,
}

/// A figure and tables for each key of the grid whose values are numbers.
pub fn section(context: &Context<'_>) -> Option<Section> {
    let methods = &context.study.methods;
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in methods.iter().flat_map(|method| &method.grid) {
        if !keys.contains(&&key[..]) {
            keys.push(key);
        }
    }
    let mut section = Section::new("robustness", "Robustness");
    let changes: Vec<(&str, Vec<Change>)> =
        keys.into_iter().map(|key| (key, changes(methods, key))).collect();
    let differences = differences::all(context, &changes);
    for (key, changes) in &changes {
        add(context, key, changes, &mut section);
        section.table(
            &format!("difference-in-differences-{}", file_part(key)),
            differences::table(context, key, &differences),
        );
    }
    if section.tables.is_empty() {
        return None;
    }
    section.text.insert(
        0,
        format!(
            "Scores here are areas under learning curves: the mean {} over all steps, so that how fast a method \
             learns counts too; curves are not smoothed for them. Retention: the mean score with the changed value \
             over that with the largest. Difference in differences: what the change does to the candidate, less \
             what it does to the baseline. It takes a t test of the four means at 0.05, corrected for all such rows \
             of this page, to say that the change favours one; where Welch's test at 0.05 shows that it costs the \
             other something, the favoured one is called more robust.",
            context.scale.unit()
        ),
    );
    section.table("sensitivity", sensitivity(context));
    Some(section)
}

/// Every pair of methods that differ in `key` alone, the one with the largest value as the usual one.
fn changes(methods: &[Method], key: &str) -> Vec<Change> {
    let value =
        |method: &Method| method.grid.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
    let rest = |method: &Method| -> Vec<(String, String)> {
        method.grid.iter().filter(|(k, _)| k != key).cloned().collect()
    };
    let parsed = |text: &str| text.replace('_', "").parse::<f64>().ok().filter(|x| x.is_finite());
    let mut changes = Vec::new();
    for (i, method) in methods.iter().enumerate() {
        let Some(own) = value(method) else { continue };
        let Some(size) = parsed(&own) else { continue };
        let alike = methods
            .iter()
            .enumerate()
            .filter(|(_, other)| other.base == method.base && rest(other) == rest(method));
        let sized = alike.filter_map(|(j, other)| {
            let text = value(other)?;
            Some((parsed(&text)?, j, text))
        });
        let Some((largest, j, text)) = sized.max_by(|a, b| a.0.total_cmp(&b.0)) else { continue };
        if largest > size {
            changes.push(Change { key: key.to_owned(), values: (own, text), changed: i, usual: j });
        }
    }
    changes
}

fn add(context: &Context<'_>, key: &str, changes: &[Change], section: &mut Section) {
    let measured: Vec<Measured<'_>> =
        changes.iter().filter_map(|change| measure(context, change)).collect();
    if measured.is_empty() {
        return;
    }
    let label = |it: &Measured<'_>| {
        let (changed, usual) = &it.change.values;
        let base = &context.study.methods[it.change.changed];
        let rest = base.grid.iter().filter(|(k, _)| k != key).map(|(k, v)| setting(k, v));
        let named = (!base.base_label.is_empty()).then(|| base.base_label.clone());
        let parts = named.into_iter().chain(rest).chain([format!(
            "{key} {} for {}",
            readable_value(changed),
            readable_value(usual)
        )]);
        parts.collect::<Vec<_>>().join(", ")
    };
    let rows = measured.iter().filter_map(|it| {
        Some(Row::new(&label(it), it.change.changed, &it.retention?, it.runs >= FEWEST_RUNS))
    });
    let intervals = Intervals {
        title: format!("Retention under other values of {key}"),
        x_label: "area under the curve, changed / largest value".to_owned(),
        description: format!(
            "What is left of the area under the curve under other values of {key}."
        ),
        rows: rows.collect(),
        mark: Some(1.0),
        ..Intervals::default()
    };
    let fewest = || measured.iter().map(|it| it.runs);
    let least = fewest().min().unwrap_or(0);
    let method = match fewest().any(|runs| runs >= FEWEST_RUNS) {
        false => String::new(),
        true => format!(
            " Intervals: 95%, stratified bootstrap, {} resamples, percentiles.",
            thousands(REPETITIONS as u64)
        ),
    };
    let caption = format!(
        "Mean area with the changed value over that with the largest; at least {} of each.{method}{} \
         Retention has no value where the mean area with the largest value is not above 0.{}",
        seeds((least, least)),
        interval_limits(fewest()),
        context.scale.note()
    );
    let stem = format!("retention-{}", file_part(key));
    section.figures.extend(Figure::intervals(&stem, intervals, caption));
    let mut table = Table::new(
        &format!(
            "Retention of the area under the curve under other values of {key}.{}",
            interval_limits(fewest())
        ),
        ["setting", "tasks", "seeds", "retention"],
    );
    for it in &measured {
        let ends = it.retention.filter(|_| it.runs >= FEWEST_RUNS).map(|it| (it.low, it.high));
        let retention = Cell::Estimate(it.retention.map(|it| it.value), ends);
        table.push([label(it).into(), it.tasks.len().into(), it.runs.into(), retention]);
    }
    section.table(&stem, table);
}

fn measure<'a>(context: &Context<'_>, change: &'a Change) -> Option<Measured<'a>> {
    let tasks = tasks(context, &[change.changed, change.usual]);
    let changed = areas(context, change.changed, &tasks)?;
    let usual = areas(context, change.usual, &tasks)?;
    let runs = changed.iter().chain(usual.iter()).map(<[f64]>::len).min().unwrap_or(0);
    let retention = retention(&changed, &usual, &context.bootstrap).ok();
    Some(Measured { change, tasks, retention, runs })
}

pub(super) fn tasks(context: &Context<'_>, methods: &[usize]) -> Vec<usize> {
    let shared = context.study.shared_tasks(methods);
    shared.into_iter().filter(|&task| context.scale.has(task)).collect()
}

/// Areas under the curves, never smoothed, up to the last step of the shortest, on the common scale.
pub(super) fn areas(context: &Context<'_>, method: usize, tasks: &[usize]) -> Option<Scores> {
    let of = |&task: &usize| {
        let curves = context.plain_curves(method, task)?;
        let ends = context.methods().flat_map(|other| context.finished(other, task));
        let until =
            ends.filter_map(|run| Some(run.returns.last()?.0)).fold(f64::INFINITY, f64::min);
        let area = |curve| Some(context.scale.apply(task, area::under(curve, until).ok()?));
        curves.iter().map(area).collect::<Option<Vec<f64>>>()
    };
    Scores::new(tasks.iter().map(of).collect::<Option<_>>()?).ok()
}

/// How much tuning for each task would gain, for each `[[variant]]` of several settings on several tasks.
fn sensitivity(context: &Context<'_>) -> Table {
    let mut table = Table::new(
        "Sensitivity: what tuning for each task apart would gain over the best single setting, in the mean \
         area (Adkins, Bowling and White 2024); lower is less sensitive. No interval is known, and it is biased \
         upwards: the best of several means of few seeds is in part the luckiest, and more so where each task \
         has its own best, so that settings that are all alike seem sensitive too.",
        ["variant", "best single setting", "tuned once", "tuned for each task", "sensitivity"],
    );
    let methods = &context.study.methods;
    let bases = methods.iter().map(|method| method.base).max().map_or(0, |last| last + 1);
    for base in 0..bases {
        let settings: Vec<usize> =
            context.methods().filter(|&method| methods[method].base == base).collect();
        let tasks = tasks(context, &settings);
        if settings.len() < 2 || tasks.len() < 2 {
            continue;
        }
        let Some(it) = sensitivity_of(context, &settings, &tasks) else { continue };
        table.push([
            methods[settings[0]].base_label.clone().into(),
            methods[settings[it.setting]].label.clone().into(),
            it.tuned_once.into(),
            it.tuned_per_task.into(),
            it.phi().into(),
        ]);
    }
    table
}

fn sensitivity_of(
    context: &Context<'_>,
    settings: &[usize],
    tasks: &[usize],
) -> Option<Sensitivity> {
    let scores: Option<Vec<Scores>> =
        settings.iter().map(|&method| areas(context, method, tasks)).collect();
    let means: Vec<Vec<f64>> = scores?.iter().map(Scores::task_means).collect();
    let of_task = |task: usize| means.iter().map(|means| means[task]).collect();
    Sensitivity::of(&(0..tasks.len()).map(of_task).collect::<Vec<_>>()).ok()
}
