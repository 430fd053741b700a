//! `study run` and `study resume` under the engine `slurm`: submit what is missing, and wait if asked to.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::go::{self, Options};
use crate::error::Failure;
use crate::report;
use crate::signals;
use crate::study::slurm::{self, Choice, Round};
use crate::study::{Coordinator, Outcome, Plan, Report, folder};
use crate::text::{in_shell, times};

/// How often a study that is waited for is looked at.
const PAUSE: Duration = Duration::from_secs(5);
/// How often it is told how it stands if nothing changes.
const SILENCE: Duration = Duration::from_secs(600);

/// Submits whatever of the `selected` runs is missing.
///
/// # Errors
/// Slurm refuses or cannot be asked; with --wait also runs that failed, or a signal.
pub fn go(plan: &Plan, selected: &[usize], options: &Options) -> Result<(), Failure> {
    slurm::check_installed()?;
    let coordinator = folder::claim(plan, options.take_over)?;
    let stop = signals::stop_flag()?;
    let round = Round::look(plan, selected)?;
    tell_held(plan, &round);
    line_err!("{}", standing(plan, &round));
    round.submit(plan)?;
    let mut told = BTreeSet::new();
    tell_new(round.notes(plan), &mut told);
    if !options.wait {
        let dir = in_shell(&plan.out);
        line_err!("look: rlai study status {dir}; submit what is lost: rlai study resume {dir}");
        return Ok(());
    }
    wait(plan, selected, (&stop, &coordinator), &mut told)?;
    let outcomes: Vec<Outcome> =
        Round::unasked(plan, selected).standings.into_iter().map(Outcome::of).collect();
    let report = Report::write(plan, &outcomes, report::Options::default(), None)?;
    go::show(&report, options.json)
}

/// Checks the study and prints what would be submitted, and how; nothing is created.
///
/// # Errors
/// Bad input.
pub fn dry_run(plan: &Plan, options: &Options) -> Result<(), Failure> {
    let selected = options.selection.of(plan)?;
    folder::check(plan)?;
    plan.check_surroundings()?;
    let round = Round::look(plan, &selected).unwrap_or_else(|failure| {
        line_err!("note: {failure}");
        Round::unasked(plan, &selected)
    });
    let submissions = round.submissions(plan)?;
    for submission in &submissions {
        let words: Vec<String> = submission.arguments.iter().map(|word| shown(word)).collect();
        line_out!("# sbatch {}", words.join(" "));
        for (task, name) in &submission.names {
            line_out!("# {task} {name}");
        }
        print_out!("{}", submission.script);
    }
    if submissions.is_empty() {
        line_err!("nothing to submit: {}", standing(plan, &round));
    }
    Ok(())
}

/// A word as a shell would read it, on one line.
fn shown(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=.,:%@/+".contains(c);
    match word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''").replace('\n', "'$'\\n''")),
    }
}

/// Looks at the study until nothing of it is queued or running, and submits again whatever was lost.
fn wait(
    plan: &Plan,
    selected: &[usize],
    (stop, coordinator): (&AtomicBool, &Coordinator),
    told: &mut BTreeSet<String>,
) -> Result<(), Failure> {
    let mut last = (String::new(), Instant::now());
    loop {
        if sleep(stop) {
            line_err!("stopped waiting; jobs go on: rlai study status {}", in_shell(&plan.out));
            return Err(Failure::Stopped);
        }
        coordinator.fence().map_err(Failure::running)?;
        let round = match Round::look(plan, selected) {
            Ok(round) => round,
            Err(failure) => {
                tell_new(vec![failure.to_string()], told);
                continue;
            }
        };
        let line = standing(plan, &round);
        if line != last.0 || last.1.elapsed() >= SILENCE {
            line_err!("{line}");
            last = (line, Instant::now());
        }
        tell_new(round.notes(plan), told);
        // The first submission has passed: what Slurm refuses now it may take the next time.
        if let Err(failure) = round.submit(plan) {
            tell_new(vec![format!("{failure}; it is tried again")], told);
        }
        let goes_on =
            |choice: &Choice| matches!(choice, Choice::Submit | Choice::Queued | Choice::Busy);
        if round.count(goes_on) == 0 {
            tell_held(plan, &round);
            return Ok(());
        }
    }
}

/// Sleeps until the next look; true if it was asked to stop.
fn sleep(stop: &AtomicBool) -> bool {
    let start = Instant::now();
    while start.elapsed() < PAUSE {
        if stop.load(Ordering::Relaxed) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    stop.load(Ordering::Relaxed)
}

fn standing(plan: &Plan, round: &Round) -> String {
    let queued = round.count(|choice| *choice == Choice::Queued);
    let running = round.running().min(queued);
    let parts = [
        (round.count(|choice| *choice == Choice::Finished), "finished"),
        (running, "running"),
        (queued - running, "queued"),
        (round.count(|choice| *choice == Choice::Submit), "to submit"),
        (round.count(|choice| *choice == Choice::Busy), "at work outside of Slurm"),
        (round.count(|choice| matches!(choice, Choice::Held(_))), "held"),
        (round.count(|choice| *choice == Choice::Refused), "refused"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, what)| format!("{count} {what}")).collect();
    format!("{}: {} runs: {}", plan.name, round.choices.len(), parts.join(", "))
}

fn tell_held(plan: &Plan, round: &Round) {
    for (index, choice) in &round.choices {
        let Choice::Held(count) = choice else { continue };
        let run = &plan.runs[*index];
        let reason = round.standings[*index].reason.as_deref().unwrap_or("it ended without a word");
        line_err!(
            "held: {} failed {}, not submitted again (--max-attempts): {}; logs are in {}",
            plan.label(run),
            times(*count),
            reason.lines().next().unwrap_or_default(),
            plan.out.join(slurm::FOLDER).display()
        );
    }
}

/// Tells what was not told before.
fn tell_new(notes: Vec<String>, told: &mut BTreeSet<String>) {
    for note in notes {
        if told.insert(note.clone()) {
            line_err!("note: {note}");
        }
    }
}
