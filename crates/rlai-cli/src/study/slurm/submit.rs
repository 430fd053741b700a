//! Job arrays of whatever is missing.

use std::path::{Path, PathBuf};

use super::record::Record;
use super::script::Script;
use super::{job_prefix, tool};
use crate::error::Failure;
use crate::study::Plan;

/// Slurm's own default, for where it cannot be asked.
const MAX_ARRAY_SIZE: usize = 1001;

/// One call of `sbatch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Its number.
    pub number: u64,
    /// What `sbatch` is told before the script's path.
    pub arguments: Vec<String>,
    /// The script's text.
    pub script: String,
    /// Indices of the array with the names of their runs.
    pub names: Vec<(usize, String)>,
}

/// The submissions of the plan's `runs`, by index, ascending; several where an array cannot hold them.
///
/// # Errors
/// This program does not know where it lies.
pub fn prepare(plan: &Plan, runs: &[usize], record: &Record) -> Result<Vec<Submission>, Failure> {
    let program = std::env::current_exe().map_err(Failure::running)?;
    let study = absolute(&plan.out)?;
    let arrays = split(runs, max_array_size()).into_iter().enumerate();
    let submission = |(place, (first, tasks)): (usize, (usize, Vec<usize>))| {
        let number = record.next() + place as u64;
        let script = Script {
            program: &program,
            study: &study,
            submission: number,
            threads: plan.engine.threads,
            settings: &plan.engine.slurm,
        };
        let name = format!("{}{number}", job_prefix(&plan.name, &plan.out));
        let run = |&task: &usize| (task, plan.run_name(&plan.runs[first + task]));
        Submission {
            number,
            arguments: script.arguments(&name, &tasks, plan.engine.jobs),
            script: script.text(),
            names: tasks.iter().map(run).collect(),
        }
    };
    Ok(arrays.map(submission).collect())
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().or_else(|_| std::path::absolute(path)).map_err(Failure::running)
}

/// Hands an array to Slurm; returns its id. Names and script are on disk before.
///
/// # Errors
/// Slurm refuses it, in its own words, or a file system does.
pub fn send(submission: &Submission, record: &Record) -> Result<String, Failure> {
    let failed = |error| Failure::running(format!("cannot record a submission: {error}"));
    let number = submission.number;
    let path = record.begin(number, &submission.names, &submission.script).map_err(failed)?;
    let mut arguments = submission.arguments.clone();
    arguments.push(path.display().to_string());
    let answer = tool::output("sbatch", &arguments).map_err(|why| {
        // Slurm may have taken what it did not answer: its tasks need their names.
        if !["timed out", "no answer"].iter().any(|words| why.contains(words)) {
            record.refused(number);
        }
        Failure::running(why)
    })?;
    let job = job_id(&answer)
        .ok_or_else(|| Failure::running(format!("sbatch: {answer:?}: not the id of a job")))?;
    record.taken(number, job).map_err(failed)?;
    Ok(job.to_owned())
}

/// Of `12` or `12;cluster`.
fn job_id(answer: &str) -> Option<&str> {
    let id = answer.trim().lines().last()?.split(';').next()?.trim();
    (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())).then_some(id)
}

/// Runs by array: an array's indices are smaller than `size`, and those of the first are the runs' own.
fn split(runs: &[usize], size: usize) -> Vec<(usize, Vec<usize>)> {
    let mut arrays: Vec<(usize, Vec<usize>)> = Vec::new();
    for &run in runs {
        let first = run / size * size;
        match arrays.last_mut() {
            Some((of, tasks)) if *of == first => tasks.push(run - first),
            _ => arrays.push((first, vec![run - first])),
        }
    }
    arrays
}

fn max_array_size() -> usize {
    let shown = tool::output("scontrol", &["show".to_owned(), "config".to_owned()]);
    shown.ok().and_then(|text| parse_max_array_size(&text)).unwrap_or(MAX_ARRAY_SIZE)
}

/// One more than the largest index; 0 switches arrays off.
fn parse_max_array_size(text: &str) -> Option<usize> {
    let line = text.lines().find(|line| line.trim_start().starts_with("MaxArraySize"))?;
    line.split_once('=')?.1.trim().parse().ok().filter(|&size| size > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn arrays_are_no_larger_than_allowed() {
        assert_eq!(split(&[], 10), []);
        assert_eq!(split(&[0, 3, 9], 10), [(0, vec![0, 3, 9])]);
        let runs: Vec<usize> = (0..2501).collect();
        let arrays = split(&runs, 1000);
        let sizes: Vec<(usize, usize)> =
            arrays.iter().map(|(first, tasks)| (*first, tasks.len())).collect();
        assert_eq!(sizes, [(0, 1000), (1000, 1000), (2000, 501)]);
        assert!(arrays.iter().all(|(_, tasks)| tasks.iter().all(|&task| task < 1000)));
        assert_eq!(split(&[9, 10, 31], 10), [(0, vec![9]), (10, vec![0]), (30, vec![1])]);
    }

    #[test]
    fn answers_of_slurm_are_read() {
        assert_eq!(job_id("12\n"), Some("12"));
        assert_eq!(job_id("12;cluster\n"), Some("12"));
        assert_eq!(job_id("sbatch: note\n12\n"), Some("12"));
        for answer in ["", "\n", "Submitted batch job 12", "-1", "12 13", ";x"] {
            assert_eq!(job_id(answer), None, "{answer:?}");
        }
        let config = "KillWait = 5 sec\nMaxArraySize            = 2001\nMaxJobCount = 5000\n";
        assert_eq!(parse_max_array_size(config), Some(2001));
        assert_eq!(parse_max_array_size("MaxArraySize = 0"), None);
        assert_eq!(parse_max_array_size("slurm_load_ctl_conf error"), None);
    }

    #[test]
    fn tasks_know_their_runs_by_name() {
        let text = "name = \"s\"\nseeds = 3\n[base]\nenv = \"CartPole-v1\"\n\
                    [[variant]]\nname = \"a\"\n[[variant]]\nname = \"b\"\n\
                    [engine]\nkind = \"slurm\"\njobs = 2";
        let source = Source::parse(Path::new("s.toml"), text.to_owned()).unwrap();
        let plan = Plan::parse(&source, None).unwrap();
        let out = tempfile::tempdir().unwrap();
        let record = Record::read(out.path());
        let submissions = prepare(&plan, &[1, 4], &record).unwrap();
        let [submission] = &submissions[..] else { panic!("{submissions:?}") };
        let names = [(1, "b/seed0".to_owned()), (4, "a/seed2".to_owned())];
        assert_eq!(submission.names, names);
        assert!(submission.arguments.contains(&"--array=1,4%2".to_owned()));
        let name = submission.arguments.iter().find(|argument| argument.starts_with("--job-name"));
        assert!(name.unwrap().starts_with("--job-name=rlai.s."), "{name:?}");
    }
}
