//! What users type, and what it means.

use rlai::estimator::{Tempering, Weighting};
use rlai::lab::measure::{Quadratic, Tabular};

use super::Args;
use super::grid::{Flags, distinct};
use crate::error::Failure;
use crate::settings::NumberOrWord;
use crate::text::{did_you_mean, listed};

/// The choice of every name in a list.
pub fn choices<T: Copy>(
    flag: &str,
    given: &[String],
    all: &[(&'static str, T)],
) -> Result<Vec<T>, Failure> {
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    let find = |given: &String| {
        all.iter().find(|(name, _)| name == given).map(|(_, choice)| *choice).ok_or_else(|| {
            let hint = did_you_mean(given, &names);
            Failure::input(format!("--{flag} = {given}: {}{hint}", listed(&names)))
        })
    };
    given.iter().map(find).collect()
}

/// Estimators by name, each once: those of the problem, all of them for `all`, `defaults` for none.
pub fn estimators<T: Copy + PartialEq>(
    given: &[String],
    all: &[(&'static str, T)],
    defaults: &[T],
) -> Result<Vec<T>, Failure> {
    if given.is_empty() {
        return Ok(defaults.to_vec());
    }
    if given.iter().any(|name| name == "all") {
        return Ok(all.iter().map(|(_, estimator)| *estimator).collect());
    }
    let elsewhere = given.iter().find_map(|name| {
        let known = all.iter().any(|(other, _)| other == name);
        (!known).then(|| reason_elsewhere(name)).flatten()
    });
    match elsewhere {
        Some(reason) => Err(Failure::input(reason)),
        None => Ok(distinct(&choices("estimator", given, all)?)),
    }
}

/// Why an estimator of the other problem has no place in this one.
fn reason_elsewhere(name: &str) -> Option<String> {
    let reason = match name {
        "reverse-kl" | "reverse-kl-stl" | "forward-kl-dreg" => {
            "the actions of a decision process are choices, which have no gradient; \
             reverse-kl-score, reverse-kl-all-actions and forward-kl need none"
        }
        _ if Quadratic::ALL.iter().any(|estimator| estimator.name() == name) => {
            "not on decision processes"
        }
        _ if Tabular::ALL.iter().any(|estimator| estimator.name() == name) => {
            "the quadratic problem has one state and a continuum of actions: \
             it takes a decision process, --mdp or --random"
        }
        _ => return None,
    };
    Some(format!("--estimator = {name}: {reason}"))
}

/// The weights of forward KL: all combinations of tempering and truncation.
pub fn weightings(
    args: &Args,
    flags: &Flags,
    useful: bool,
) -> Result<Vec<(Weighting, String)>, Failure> {
    let none = NumberOrWord::Word("none".to_owned());
    let mut all = Vec::new();
    for tempering in flags.list("tempering", &args.tempering, none, useful) {
        let (tempering, name) = read_tempering(&tempering, args, flags)?;
        for truncate in flags.list("truncation", &args.truncation, false, useful) {
            all.push((Weighting { tempering, truncate }, name.clone()));
        }
    }
    Ok(all)
}

fn read_tempering(
    given: &NumberOrWord,
    args: &Args,
    flags: &Flags,
) -> Result<(Tempering, String), Failure> {
    let allowed = "none, alpha, ess, or a power above 0 and at most 1";
    let refused = |value: &dyn std::fmt::Display| {
        Err(Failure::input(format!("--tempering = {value}: {allowed}")))
    };
    let tempering = match given {
        NumberOrWord::Number(power) if *power > 0.0 && *power <= 1.0 => Tempering::Fixed(*power),
        NumberOrWord::Number(power) => return refused(power),
        NumberOrWord::Word(word) => match word.as_str() {
            "none" => Tempering::None,
            "alpha" => Tempering::Alpha,
            "ess" => {
                flags.mark("tempering-ess");
                let share = args.tempering_ess.unwrap_or(0.5);
                if !(share > 0.0 && share <= 1.0) {
                    let message = format!("--tempering-ess = {share}: above 0 and at most 1");
                    return Err(Failure::input(message));
                }
                Tempering::EffectiveSampleSize(share)
            }
            _ => return refused(word),
        },
    };
    let name = match given {
        NumberOrWord::Number(power) => power.to_string(),
        NumberOrWord::Word(word) => word.clone(),
    };
    Ok((tempering, name))
}
