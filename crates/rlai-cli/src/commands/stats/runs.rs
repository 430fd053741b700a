//! Runs by algorithm and task, as they stand in a file.

use std::collections::{BTreeMap, HashMap};

use rlai_stats::{Curve, Runs};

use super::sheet::{Names, Sheet};

/// Of a file that has both the first counts: a study's variant may be another on each task.
const ALGORITHM: Names = &["algorithm", "variant"];
const TASK: Names = &["task", "env"];
const SEED: Names = &["seed"];
const SCORE: Names = &["score", "return", "return_mean"];
const STEP: Names = &["step"];

/// The seed of lines that are means over seeds, in the curves that `rlai study run` writes.
const SUMMARY: &str = "all";

/// What a run left.
#[derive(Clone, Debug, PartialEq)]
pub enum Results {
    /// One score a run.
    Scores(Vec<Runs<f64>>),
    /// A learning curve a run.
    Curves(Vec<Runs<Curve>>),
}

/// A file of runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Names, in the order of the file.
    pub algorithms: Vec<String>,
    /// Names, in the order of the file.
    pub tasks: Vec<String>,
    /// For each algorithm the runs of each task.
    pub results: Results,
}

/// Names by their number in the order in which they came.
#[derive(Default)]
struct Numbered {
    names: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Numbered {
    fn number(&mut self, name: &str) -> usize {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }
}

/// A point: step (0 where the file has none), score, line.
type Point = (f64, f64, u64);

/// The runs of one algorithm on one task, by seed.
type Seeds = BTreeMap<String, Vec<Point>>;

struct Columns {
    algorithm: usize,
    task: usize,
    seed: usize,
    score: usize,
    step: Option<usize>,
}

impl Columns {
    fn of(sheet: &Sheet<'_>) -> Result<Self, String> {
        Ok(Self {
            algorithm: match sheet.column(&ALGORITHM[..1])? {
                Some(column) => column,
                None => sheet.needed(ALGORITHM)?,
            },
            task: sheet.needed(TASK)?,
            seed: sheet.needed(SEED)?,
            score: sheet.needed(SCORE)?,
            step: sheet.column(STEP)?,
        })
    }
}

impl Table {
    /// Reads the file in `bytes`.
    ///
    /// # Errors
    /// What is wrong, by line, column and value.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut sheet = Sheet::new(bytes)?;
        let columns = Columns::of(&sheet)?;
        let (mut algorithms, mut tasks) = (Numbered::default(), Numbered::default());
        let mut cells: BTreeMap<(usize, usize), Seeds> = BTreeMap::new();
        while sheet.next()? {
            let seed = sheet.text(columns.seed)?;
            if seed == SUMMARY {
                continue;
            }
            let algorithm = algorithms.number(sheet.text(columns.algorithm)?);
            let task = tasks.number(sheet.text(columns.task)?);
            let point = point(&sheet, &columns)?;
            let seeds = cells.entry((algorithm, task)).or_default();
            match seeds.get_mut(seed) {
                Some(points) => points.push(point),
                None => drop(seeds.insert(seed.to_owned(), vec![point])),
            }
        }
        let (algorithms, tasks) = (algorithms.names, tasks.names);
        if algorithms.is_empty() {
            return Err("no runs: a line for each below the header".to_owned());
        }
        let results = results(cells, &algorithms, &tasks, columns.step.is_some())?;
        Ok(Self { algorithms, tasks, results })
    }
}

fn point(sheet: &Sheet<'_>, columns: &Columns) -> Result<Point, String> {
    let step = match columns.step {
        None => 0.0,
        Some(column) => match sheet.number(column)? {
            step if step >= 0.0 => step,
            _ => return Err(sheet.refuse(column, "at least 0")),
        },
    };
    Ok((step, sheet.number(columns.score)?, sheet.line()))
}

fn results(
    mut cells: BTreeMap<(usize, usize), Seeds>,
    algorithms: &[String],
    tasks: &[String],
    curves: bool,
) -> Result<Results, String> {
    let (mut scores_of, mut curves_of) = (Vec::new(), Vec::new());
    for (a, algorithm) in algorithms.iter().enumerate() {
        let (mut scores, mut lines) = (Vec::new(), Vec::new());
        for (t, task) in tasks.iter().enumerate() {
            let Some(seeds) = cells.remove(&(a, t)) else {
                return Err(format!(
                    "{algorithm} has no run on {task}: every algorithm on every task"
                ));
            };
            let runs = seeds.into_iter().map(|(seed, mut points)| {
                let what = format!("{algorithm} on {task}, seed {seed}");
                in_order(&what, &mut points, curves)?;
                Ok(points)
            });
            let runs = runs.collect::<Result<Vec<Vec<Point>>, String>>()?;
            match curves {
                true => {
                    lines.push(runs.iter().map(|points| curve(points)).collect::<Result<_, _>>()?)
                }
                false => scores.push(runs.iter().map(|points| points[0].1).collect()),
            }
        }
        let told = |error: rlai_stats::Error| error.to_string();
        match curves {
            true => curves_of.push(Runs::of(lines).map_err(told)?),
            false => scores_of.push(Runs::new(scores).map_err(told)?),
        }
    }
    Ok(if curves { Results::Curves(curves_of) } else { Results::Scores(scores_of) })
}

/// Puts a run's points in order; no two of them may be at one step.
fn in_order(what: &str, points: &mut [Point], curves: bool) -> Result<(), String> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some(twice) = points.windows(2).find(|pair| pair[0].0 == pair[1].0) else {
        return Ok(());
    };
    let at = if curves { format!(", step {}", twice[0].0) } else { String::new() };
    let (first, second) = (twice[0].2.min(twice[1].2), twice[0].2.max(twice[1].2));
    Err(format!("lines {first} and {second}: {what}{at} stands there twice"))
}

fn curve(points: &[Point]) -> Result<Curve, String> {
    let (steps, scores) = points.iter().map(|point| (point.0, point.1)).unzip();
    Curve::new(steps, scores).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Table::parse(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn scores_stand_by_algorithm_and_task_in_the_order_of_the_file() {
        let text = "seed,task,algorithm,score,note\n1, B ,x,2,\n0,B,x,1.5,\n0,A,x,-3,\n0,A,y,4,\n\n0,B,y,5,";
        let table = Table::parse(text.as_bytes()).unwrap();
        assert_eq!(
            (table.algorithms, table.tasks),
            (vec!["x".into(), "y".into()], vec!["B".into(), "A".into()])
        );
        let Results::Scores(scores) = table.results else { panic!("no steps") };
        assert_eq!((scores[0].task(0), scores[0].task(1)), (&[1.5, 2.0][..], &[-3.0][..]));
        assert_eq!((scores[1].task(0), scores[1].task(1)), (&[5.0][..], &[4.0][..]));
    }

    #[test]
    fn curves_are_put_in_order_and_means_of_a_study_left_out() {
        let text =
            "env,variant,step,seed,return_mean,low\nE,v,200,0,5,\nE,v,100,all,9,1\nE,v,100,0,4,\n";
        let Results::Curves(curves) = Table::parse(text.as_bytes()).unwrap().results else {
            panic!()
        };
        assert_eq!(curves[0].task(0), [Curve::new(vec![100.0, 200.0], vec![4.0, 5.0]).unwrap()]);
    }

    #[test]
    fn what_is_wrong_is_told_by_line_column_and_value() {
        const HEAD: &str = "algorithm,task,seed,score\n";
        let cases = [
            ("a,t,0,much", "line 2: score = \"much\": a finite number"),
            ("a,t,0,1\na,t,1,inf", "line 3: score = \"inf\": a finite number"),
            ("a,t,0,1\n,t,1,1", "line 3: algorithm = \"\": a name"),
            ("a,t,0", "line 2: 3 fields: 4, as in the header"),
            ("a,t,0,1\nb,t,0,1\na,t,0,2", "lines 2 and 4: a on t, seed 0 stands there twice"),
            ("a,t,0,1\nb,u,0,1", "a has no run on u: every algorithm on every task"),
            ("", "no runs: a line for each below the header"),
        ];
        for (lines, complaint) in cases {
            assert_eq!(refused(&format!("{HEAD}{lines}")), complaint);
        }
        assert_eq!(refused(""), "line 1: a header with the columns' names");
        let near = refused("algoritm,task,seed,score\n");
        assert!(
            near.starts_with("line 1: no column algorithm or variant (did you mean algorithm?)"),
            "{near}"
        );
        assert_eq!(
            refused("algorithm,task,env,seed,score\n"),
            "line 1: columns task and env: one of them"
        );
        let curve = "algorithm,task,seed,step,score\n";
        assert_eq!(refused(&format!("{curve}a,t,0,-1,1")), "line 2: step = \"-1\": at least 0");
        let twice = refused(&format!("{curve}a,t,0,5,1\na,t,0,5.0,2"));
        assert_eq!(twice, "lines 2 and 3: a on t, seed 0, step 5 stands there twice");
        assert_eq!(
            Table::parse(b"algorithm,task,seed,score\na,\xff,0,1").unwrap_err(),
            "line 2, field 2: text in UTF-8"
        );
    }
}
