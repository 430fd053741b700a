//! From flags to the points that are measured, all of them checked.

use std::cell::RefCell;
use std::collections::BTreeSet;

use rlai::lab::measure::{Refused, Subject};
use serde_json::Value;

use super::{Args, quadratic, tabular};
use crate::error::Failure;

/// Everything that will be measured.
pub struct Grid {
    /// What the problem is, for the report.
    pub problem: Vec<(&'static str, Value)>,
    /// The same in a few words, for captions.
    pub summary: String,
    /// One for each point.
    pub jobs: Vec<Job>,
}

/// A point that will be measured.
pub struct Job {
    /// The estimator and the settings that it has a use for, by their names.
    pub settings: Vec<(&'static str, Value)>,
    /// Name of its random numbers: the same for all estimators at the same sizes.
    pub stream: String,
    /// The estimator on its problem.
    pub subject: Box<dyn Subject>,
}

/// Reads the flags.
///
/// # Errors
/// Whatever cannot be measured, and flags that would have no effect.
pub fn read(args: &Args) -> Result<Grid, Failure> {
    let problems = [args.mdp.is_some(), args.random.is_some(), args.problem.is_some()];
    if problems.iter().filter(|&&given| given).count() != 1 {
        return Err(Failure::input("exactly one of --mdp, --random and --problem is needed"));
    }
    if args.threads == Some(0) {
        return Err(Failure::input("--threads = 0: at least 1"));
    }
    let flags = Flags::default();
    let grid = match args.problem.as_deref() {
        Some("quadratic") => quadratic::read(args, &flags)?,
        Some(other) => {
            return Err(Failure::input(format!("--problem = {other}: quadratic")));
        }
        None => tabular::read(args, &flags)?,
    };
    flags.refuse_unused(args)?;
    args.check_repetitions(&grid.jobs)?;
    super::figures::refuse_unseen(args, &grid.jobs)?;
    Ok(grid)
}

/// What a list names, each once.
pub fn distinct<T: Clone + PartialEq>(given: &[T]) -> Vec<T> {
    let mut all: Vec<T> = Vec::new();
    for value in given {
        if !all.contains(value) {
            all.push(value.clone());
        }
    }
    all
}

/// Lists of flags, with what is known of their use.
#[derive(Default)]
pub struct Flags {
    used: RefCell<BTreeSet<&'static str>>,
}

impl Flags {
    /// The values of a flag for an estimator, each once: the default alone if it has no use for the flag, or if
    /// none was given.
    pub fn list<T: Clone + PartialEq>(
        &self,
        flag: &'static str,
        given: &[T],
        default: T,
        useful: bool,
    ) -> Vec<T> {
        if !useful {
            return vec![default];
        }
        self.mark(flag);
        if given.is_empty() { vec![default] } else { distinct(given) }
    }

    /// Notes that a flag has an effect.
    pub fn mark(&self, flag: &'static str) {
        self.used.borrow_mut().insert(flag);
    }

    fn refuse_unused(&self, args: &Args) -> Result<(), Failure> {
        let used = self.used.borrow();
        match args.given().into_iter().find(|flag| !used.contains(flag)) {
            None => Ok(()),
            Some(flag) => Err(Failure::input(format!(
                "--{flag}: none of these estimators on this problem has a use for it"
            ))),
        }
    }
}

impl Args {
    /// Flags that were given and that not every estimator or problem has a use for.
    fn given(&self) -> Vec<&'static str> {
        let flags = [
            ("states", self.states.is_some()),
            ("actions", self.actions.is_some()),
            ("horizon", !self.horizon.is_empty()),
            ("dimension", !self.dimension.is_empty()),
            ("target-mean", self.target_mean.is_some()),
            ("target-width", !self.target_width.is_empty()),
            ("samples", !self.samples.is_empty()),
            ("trajectories", !self.trajectories.is_empty()),
            ("state-samples", !self.state_samples.is_empty()),
            ("baseline", !self.baseline.is_empty()),
            ("state-source", !self.state_source.is_empty()),
            ("state-weights", !self.state_weights.is_empty()),
            ("critic", !self.critic.is_empty()),
            ("tempering", !self.tempering.is_empty()),
            ("tempering-ess", self.tempering_ess.is_some()),
            ("truncation", !self.truncation.is_empty()),
            ("control-variate", !self.control_variate.is_empty()),
            ("divergence-order", !self.divergence_order.is_empty()),
            ("mixed-share", !self.mixed_share.is_empty()),
            ("proposal", !self.proposal.is_empty()),
            ("proposal-uniform", self.proposal_uniform.is_some()),
            ("noise", !self.noise.is_empty()),
            ("allow-degenerate", self.allow_degenerate),
        ];
        flags.into_iter().filter(|&(_, given)| given).map(|(flag, _)| flag).collect()
    }
}

/// A refusal of the library as the program tells it.
pub fn refused(refused: Refused) -> Failure {
    Failure::input(format!("--{refused}"))
}
