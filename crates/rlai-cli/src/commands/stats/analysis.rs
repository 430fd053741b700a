//! What is worked out from the runs.

use rlai_stats::{
    Aggregates, Better, Bootstrap, Curve, Estimate, Method, Runs, Scores, Welch, area, improvement,
    power, threshold,
};
use serde::Serialize;

use crate::text::did_you_mean;

use super::answer::{answer, too_few};
use super::references::References;
use super::runs::{Results, Table};
use super::speed::{self, AtStep, ToThreshold};
use super::{Args, CurveScore};

/// Names that are told where one is wrong.
const MOST_NAMES: usize = 20;

/// Everything that is told.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Names, the baseline first.
    pub algorithms: Vec<String>,
    pub tasks: Vec<String>,
    /// Fewest and most runs of a task.
    pub runs: [usize; 2],
    pub settings: Settings,
    pub aggregates: Vec<OfAlgorithm>,
    pub pairs: Vec<Pair>,
    pub detectable: Option<f64>,
    pub thresholds: Vec<ToThreshold>,
    /// Tasks on which the baseline does not rise, so that there are no usual thresholds.
    #[serde(skip)]
    pub flat: Vec<String>,
    pub returns: Vec<AtStep>,
}

#[derive(Debug, Serialize)]
pub struct Settings {
    pub score: &'static str,
    pub normalise: Option<String>,
    pub smoothing: f64,
    pub interval: &'static str,
    pub level: f64,
    pub repetitions: usize,
    pub seed: u64,
}

/// A value with its interval, where it has one.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Interval {
    pub value: f64,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

impl Interval {
    /// Of the bootstrap, which knows none of so few runs as one or two.
    fn of(it: Estimate, fewest: usize) -> Self {
        let known = |end: f64| Some(end).filter(|_| fewest >= threshold::FEWEST);
        Self { value: it.value, low: known(it.low), high: known(it.high) }
    }

    /// Where all runs of one are above all of the other, resamples are too: that is no certainty.
    fn of_probability(it: Estimate, fewest: usize) -> Self {
        match it.value > 0.0 && it.value < 1.0 {
            true => Self::of(it, fewest),
            false => Self { value: it.value, low: None, high: None },
        }
    }
}

/// The least number of runs of a task.
pub fn fewest(scores: &Scores) -> usize {
    scores.iter().map(<[f64]>::len).min().unwrap_or(0)
}

#[derive(Debug, Serialize)]
pub struct OfAlgorithm {
    pub algorithm: String,
    pub mean: Interval,
    pub median: Interval,
    pub interquartile_mean: Interval,
    /// To 1, of normalised scores alone.
    pub optimality_gap: Option<Interval>,
}

#[derive(Debug, Serialize)]
pub struct Pair {
    pub x: String,
    pub y: String,
    pub probability_of_improvement: Interval,
    /// Of the permutation test of that probability, and whether over all labellings.
    pub p: f64,
    pub exact: bool,
    /// Of Welch's test over all tasks, which has to agree where numbers of runs are unequal.
    pub welch_p: Option<f64>,
    pub welch: Vec<OfTask>,
    pub answer: String,
    /// Why no outcome of so few runs would have been an answer.
    #[serde(skip)]
    pub too_few: Option<String>,
}

/// Welch's test on one task; nothing where it is not defined.
#[derive(Debug, Serialize)]
pub struct OfTask {
    pub task: String,
    pub difference: Option<Interval>,
    pub t: Option<f64>,
    pub degrees: Option<f64>,
    pub p: Option<f64>,
}

impl Report {
    /// Of the runs in a file.
    pub fn of(mut table: Table, args: &Args, bootstrap: &Bootstrap) -> Result<Self, String> {
        baseline_first(&mut table, args.baseline.as_deref())?;
        let mut curves = smoothed_curves(&table.results, args)?;
        if let Some(curves) = &mut curves {
            check_ends(&table, curves, args.score)?;
            *curves = speed::cut(&table, curves)?;
        }
        let mut scores = scores(&table.results, curves.as_deref(), args.score)?;
        if let Some(given) = &args.normalise {
            let references = References::of(given, &table.tasks, &scores)?;
            let normalise = |scores: &Scores| scores.normalised(&references.low, &references.high);
            scores = scores.iter().map(normalise).collect::<Result<_, _>>().map_err(told)?;
        }
        let lengths = || scores.iter().flat_map(|scores| scores.iter().map(<[f64]>::len));
        let runs = [lengths().min().unwrap_or(0), lengths().max().unwrap_or(0)];
        let (thresholds, returns) = match &curves {
            None => (Vec::new(), Vec::new()),
            Some(curves) => (
                speed::to_thresholds(&table, curves, &args.threshold, bootstrap)?,
                speed::at_the_end(&table, curves, bootstrap)?,
            ),
        };
        let has_threshold = |task: &&String| thresholds.iter().any(|it| it.task == **task);
        let several = curves.is_some() && table.algorithms.len() > 1;
        let flat = table.tasks.iter().filter(|task| several && !has_threshold(task));
        Ok(Self {
            flat: flat.cloned().collect(),
            runs,
            settings: settings(args, bootstrap, curves.is_some()),
            aggregates: aggregates(&table.algorithms, &scores, args, bootstrap)?,
            pairs: pairs(&table, &scores, bootstrap)?,
            detectable: detectable(runs[0], 1.0 - bootstrap.level),
            thresholds,
            returns,
            algorithms: table.algorithms,
            tasks: table.tasks,
        })
    }
}

/// The difference that the permutation test finds on one task. With many runs it is that of the t test but for
/// 2%, and takes longer to work out.
fn detectable(runs: usize, significance: f64) -> Option<f64> {
    match runs {
        ..=power::MOST_BY_PERMUTATION => {
            power::detectable_by_permutation(runs, significance, 0.8).ok().flatten()
        }
        _ => power::detectable(runs, significance, 0.8).ok(),
    }
}

/// What the library says.
pub fn told(error: rlai_stats::Error) -> String {
    error.to_string()
}

fn settings(args: &Args, bootstrap: &Bootstrap, curves: bool) -> Settings {
    Settings {
        score: match (curves, args.score) {
            (false, _) => "score",
            (true, CurveScore::Area) => "area",
            (true, CurveScore::Last) => "last",
        },
        normalise: args.normalise.clone(),
        smoothing: args.smoothing,
        interval: match bootstrap.method {
            Method::Percentile => "percentile",
            Method::Basic => "basic",
            Method::BiasCorrected => "bc",
            Method::Bca => "bca",
        },
        level: bootstrap.level,
        repetitions: bootstrap.repetitions,
        seed: bootstrap.seed,
    }
}

fn baseline_first(table: &mut Table, name: Option<&str>) -> Result<(), String> {
    let Some(name) = name else { return Ok(()) };
    let Some(at) = table.algorithms.iter().position(|algorithm| algorithm == name) else {
        let names: Vec<&str> = table.algorithms.iter().map(String::as_str).collect();
        let near = did_you_mean(name, &names);
        let more = if names.len() > MOST_NAMES { ", ..." } else { "" };
        let some = names[..names.len().min(MOST_NAMES)].join(", ");
        return Err(format!("baseline = {name:?}: an algorithm of the file{near}: {some}{more}"));
    };
    table.algorithms[..=at].rotate_right(1);
    match &mut table.results {
        Results::Scores(scores) => scores[..=at].rotate_right(1),
        Results::Curves(curves) => curves[..=at].rotate_right(1),
    }
    Ok(())
}

/// The file's curves, smoothed; none of a file of scores, which leaves nothing for flags of curves to do.
fn smoothed_curves(results: &Results, args: &Args) -> Result<Option<Vec<Runs<Curve>>>, String> {
    let curves = match results {
        Results::Curves(curves) => curves,
        Results::Scores(_) if args.smoothing != 0.0 => {
            return Err(format!("smoothing = {}: only with a column step", args.smoothing));
        }
        Results::Scores(_) if !args.threshold.is_empty() => {
            return Err(format!("threshold = {}: only with a column step", args.threshold[0]));
        }
        Results::Scores(_) => return Ok(None),
    };
    let smooth = |runs: &Runs<Curve>| {
        let task = |curves: &[Curve]| {
            curves.iter().map(|curve| curve.smoothed(args.smoothing)).collect::<Result<Vec<_>, _>>()
        };
        Runs::of(runs.iter().map(task).collect::<Result<_, _>>()?)
    };
    Ok(Some(curves.iter().map(smooth).collect::<Result<_, _>>().map_err(told)?))
}

fn scores(
    results: &Results,
    curves: Option<&[Runs<Curve>]>,
    score: CurveScore,
) -> Result<Vec<Scores>, String> {
    let curves = match (results, curves) {
        (Results::Scores(scores), _) => return Ok(scores.clone()),
        (Results::Curves(curves), None) => curves,
        (_, Some(curves)) => curves,
    };
    let of_algorithm = |runs: &Runs<Curve>| {
        let of_task = |(task, lines): (usize, &[Curve])| {
            let end = speed::common_end(curves, task);
            lines.iter().map(|curve| one_score(curve, end, score)).collect()
        };
        Scores::new(runs.iter().enumerate().map(of_task).collect::<Result<_, _>>()?)
    };
    curves.iter().map(of_algorithm).collect::<Result<_, _>>().map_err(told)
}

/// A curve that ends where it begins has no area.
fn check_ends(table: &Table, curves: &[Runs<Curve>], score: CurveScore) -> Result<(), String> {
    let ends_at_once = |&task: &usize| speed::common_end(curves, task) <= 0.0;
    match (0..table.tasks.len()).find(ends_at_once) {
        Some(task) if score == CurveScore::Area => {
            let task = &table.tasks[task];
            Err(format!(
                "score = area: a curve on {task} ends at step 0, where there is no area yet"
            ))
        }
        _ => Ok(()),
    }
}

fn one_score(curve: &Curve, end: f64, score: CurveScore) -> Result<f64, rlai_stats::Error> {
    match score {
        CurveScore::Area => area::under(curve, end),
        CurveScore::Last => Ok(curve.last().1),
    }
}

fn aggregates(
    names: &[String],
    scores: &[Scores],
    args: &Args,
    bootstrap: &Bootstrap,
) -> Result<Vec<OfAlgorithm>, String> {
    let one = |(name, scores): (&String, &Scores)| {
        let of = Aggregates::of(scores, 1.0, bootstrap).map_err(told)?;
        let interval = |it: Estimate| Interval::of(it, fewest(scores));
        Ok(OfAlgorithm {
            algorithm: name.clone(),
            mean: interval(of.mean),
            median: interval(of.median),
            interquartile_mean: interval(of.interquartile_mean),
            optimality_gap: args.normalise.is_some().then(|| interval(of.optimality_gap)),
        })
    };
    names.iter().zip(scores).map(one).collect()
}

/// Every algorithm against every one before it.
fn pairs(table: &Table, scores: &[Scores], bootstrap: &Bootstrap) -> Result<Vec<Pair>, String> {
    let mut pairs = Vec::new();
    for y in 0..scores.len() {
        for x in y + 1..scores.len() {
            let (of_x, of_y) = (&scores[x], &scores[y]);
            let better = improvement::estimate(of_x, of_y, bootstrap).map_err(told)?;
            let better = Interval::of_probability(better, fewest(of_x).min(fewest(of_y)));
            let test = Better::test(of_x, of_y, bootstrap.seed).map_err(told)?;
            let names = [&table.algorithms[x], &table.algorithms[y]];
            pairs.push(Pair {
                x: names[0].clone(),
                y: names[1].clone(),
                probability_of_improvement: better,
                p: test.permutation.p,
                exact: test.permutation.exact,
                welch_p: test.welch,
                welch: welch(table, of_x, of_y, bootstrap.level),
                answer: answer(names, [of_x, of_y], better, test, bootstrap.level)?,
                too_few: too_few([of_x, of_y], bootstrap.level)?,
            });
        }
    }
    Ok(pairs)
}

fn welch(table: &Table, x: &Scores, y: &Scores, level: f64) -> Vec<OfTask> {
    let one = |(i, task): (usize, &String)| {
        let test = Welch::test(x.task(i), y.task(i), level).ok();
        let difference = |it: Welch| {
            let (low, high) = (Some(it.low), Some(it.high));
            Interval { value: it.difference, low, high }
        };
        OfTask {
            task: task.clone(),
            difference: test.map(difference),
            t: test.map(|it| it.t),
            degrees: test.map(|it| it.degrees),
            p: test.map(|it| it.p),
        }
    };
    table.tasks.iter().enumerate().map(one).collect()
}
