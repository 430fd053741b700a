//! Points on the quadratic problem.

use rlai::lab::measure::{
    Quadratic, QuadraticBaseline, QuadraticProblem, QuadraticSettings, QuadraticSubjects,
};
use rlai::proposal::{Noise, Proposal, Source};
use serde_json::{Value, json};

use super::Args;
use super::grid::{Flags, Grid, Job, refused};
use super::names::{choices, estimators, weightings};
use crate::error::Failure;

/// Measured unless others are named.
const DEFAULTS: [Quadratic; 5] = [
    Quadratic::ReverseKl,
    Quadratic::ReverseKlStl,
    Quadratic::ReverseKlScore,
    Quadratic::ForwardKl,
    Quadratic::ForwardKlDreg,
];

/// The points that the flags ask for.
pub fn read(args: &Args, flags: &Flags) -> Result<Grid, Failure> {
    let names = Quadratic::ALL.map(|estimator| (estimator.name(), estimator));
    let chosen = estimators(&args.estimator, &names, &DEFAULTS)?;
    flags.mark("target-mean");
    let mut jobs = Vec::new();
    for dimension in flags.list("dimension", &args.dimension, 6, true) {
        let plain = QuadraticProblem::new(dimension);
        let target_mean = args.target_mean.unwrap_or(plain.target_mean);
        let width = plain.target_width;
        for target_width in flags.list("target-width", &args.target_width, width, true) {
            let problem = QuadraticProblem { dimension, target_mean, target_width };
            let subjects = QuadraticSubjects::new(&problem);
            for &estimator in &chosen {
                for (settings, tempering) in all_settings(args, flags, estimator)? {
                    let subject = subjects.subject(&settings).map_err(refused)?;
                    if settings.is_degenerate(&problem) {
                        flags.mark("allow-degenerate");
                    }
                    let stream = format!("lab/d{dimension}/N{}", settings.samples);
                    let settings = describe(&settings, &tempering, &problem);
                    jobs.push(Job { settings, stream, subject: Box::new(subject) });
                }
            }
        }
    }
    let mean = args.target_mean.unwrap_or(QuadraticProblem::new(1).target_mean);
    let problem = vec![("name", json!("quadratic")), ("target_mean", json!(mean))];
    let summary = format!("Quadratic Q, policy N(0, I), target mean {mean}");
    Ok(Grid { problem, summary, jobs })
}

/// Every combination of settings that this estimator has a use for, with the name of its tempering.
fn all_settings(
    args: &Args,
    flags: &Flags,
    estimator: Quadratic,
) -> Result<Vec<(QuadraticSettings, String)>, Failure> {
    let plain = QuadraticSettings {
        samples: 16,
        allow_degenerate: args.allow_degenerate,
        ..QuadraticSettings::new(estimator)
    };
    let baselines = choices("baseline", &args.baseline, &BASELINES)?;
    let score = estimator == Quadratic::ReverseKlScore;
    let mut all = Vec::new();
    for samples in flags.list("samples", &args.samples, plain.samples, true) {
        for baseline in flags.list("baseline", &baselines, plain.baseline, score) {
            for proposal in proposals(args, flags, estimator)? {
                let settings = QuadraticSettings { samples, baseline, proposal, ..plain };
                for settings in shapes(args, flags, settings) {
                    let forward = estimator == Quadratic::ForwardKl;
                    for (weighting, name) in weightings(args, flags, forward)? {
                        all.push((QuadraticSettings { weighting, ..settings }, name));
                    }
                }
            }
        }
    }
    Ok(all)
}

/// Proposals. An estimator that needs draws of the policy gets only these from a list that has them;
/// from another list it gets everything, and refuses it with its reason.
fn proposals(args: &Args, flags: &Flags, estimator: Quadratic) -> Result<Vec<Proposal>, Failure> {
    let sources = choices("proposal", &args.proposal, &Source::ALL.map(|s| (s.name(), s)))?;
    let noises = choices("noise", &args.noise, &Noise::ALL.map(|noise| (noise.name(), noise)))?;
    let takes = estimator.takes_proposals();
    let narrowed = |own: bool| !takes && own;
    let mut all = Vec::new();
    for source in flags.list("proposal", &sources, Source::Policy, true) {
        if source != Source::Policy && narrowed(sources.contains(&Source::Policy)) {
            continue;
        }
        for noise in flags.list("noise", &noises, Noise::Independent, true) {
            if noise != Noise::Independent && narrowed(noises.contains(&Noise::Independent)) {
                continue;
            }
            flags.mark("proposal-uniform");
            let uniform = args.proposal_uniform.unwrap_or(0.0);
            all.push(Proposal { source, uniform, replay: false, noise });
        }
    }
    Ok(all)
}

/// Orders, shares and control variates.
fn shapes(args: &Args, flags: &Flags, plain: QuadraticSettings) -> Vec<QuadraticSettings> {
    let estimator = plain.estimator;
    let (alpha, mixed) = (estimator == Quadratic::AlphaDivergence, estimator == Quadratic::MixedKl);
    let varied = estimator.takes_proposals();
    let mut all = Vec::new();
    for order in flags.list("divergence-order", &args.divergence_order, plain.order, alpha) {
        for share in flags.list("mixed-share", &args.mixed_share, plain.share, mixed) {
            for control_variate in
                flags.list("control-variate", &args.control_variate, false, varied)
            {
                all.push(QuadraticSettings { order, share, control_variate, ..plain });
            }
        }
    }
    all
}

const BASELINES: [(&str, QuadraticBaseline); 3] = [
    ("none", QuadraticBaseline::None),
    ("leave-one-out", QuadraticBaseline::LeaveOneOut),
    ("value", QuadraticBaseline::Value),
];

/// The settings that this estimator has a use for.
fn describe(
    s: &QuadraticSettings,
    tempering: &str,
    problem: &QuadraticProblem,
) -> Vec<(&'static str, Value)> {
    let estimator = s.estimator;
    let (takes, forward) = (estimator.takes_proposals(), estimator == Quadratic::ForwardKl);
    let baseline = BASELINES.iter().find(|(_, baseline)| *baseline == s.baseline);
    let all = [
        ("estimator", json!(estimator.name()), true),
        ("dimension", json!(problem.dimension), true),
        ("target_width", json!(problem.target_width), true),
        ("samples", json!(s.samples), true),
        ("baseline", json!(baseline.map(|(name, _)| name)), estimator == Quadratic::ReverseKlScore),
        ("proposal", json!(s.proposal.source.name()), takes),
        ("proposal_uniform", json!(s.proposal.uniform), takes),
        ("noise", json!(s.proposal.noise.name()), takes),
        ("tempering", json!(tempering), forward),
        ("truncation", json!(s.weighting.truncate), forward),
        ("control_variate", json!(s.control_variate), takes),
        ("divergence_order", json!(s.order), estimator == Quadratic::AlphaDivergence),
        ("mixed_share", json!(s.share), estimator == Quadratic::MixedKl),
    ];
    all.into_iter().filter(|(_, _, used)| *used).map(|(key, value, _)| (key, value)).collect()
}
