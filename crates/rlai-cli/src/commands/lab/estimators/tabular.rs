//! Points on decision processes.

use rlai::estimator::trajectory::Baseline;
use rlai::lab::measure::{
    Critic, StateSource, Tabular, TabularSettings, TabularStateWeights, TabularSubject,
};
use rlai::lab::{Process, RandomOptions, random_process};
use rlai::random::Key;
use serde_json::{Value, json};

use super::Args;
use super::grid::{Flags, Grid, Job, refused};
use super::names::{choices, estimators, weightings};
use crate::error::Failure;

/// Measured unless others are named.
const DEFAULTS: [Tabular; 6] = [
    Tabular::ReverseKlTrajectory,
    Tabular::ReverseKlRewardToGo,
    Tabular::ReverseKlScore,
    Tabular::ForwardKlTrajectory,
    Tabular::ForwardKl,
    Tabular::ForwardKlAllActions,
];

/// The points that the flags ask for.
pub fn read(args: &Args, flags: &Flags) -> Result<Grid, Failure> {
    let process = process(args, flags)?;
    let names = Tabular::ALL.map(|estimator| (estimator.name(), estimator));
    let chosen = estimators(&args.estimator, &names, &DEFAULTS)?;
    let mut jobs = Vec::new();
    for horizon in flags.list("horizon", &args.horizon, process.horizon(), true) {
        let mut spec = process.spec().clone();
        spec.horizon = horizon;
        let process = Process::new(spec)
            .map_err(|error| Failure::input(format!("--horizon = {horizon}: {error}")))?;
        for &estimator in &chosen {
            for (settings, tempering) in all_settings(args, flags, estimator)? {
                let subject = TabularSubject::new(&process, &settings).map_err(refused)?;
                if settings.is_degenerate(&process) {
                    flags.mark("allow-degenerate");
                }
                let stream = format!("lab/T{horizon}/M{}/N{}", settings.count, settings.samples);
                let settings = describe(&settings, &tempering, horizon);
                jobs.push(Job { settings, stream, subject: Box::new(subject) });
            }
        }
    }
    Ok(Grid { problem: problem(args, &process), summary: summary(args, &process), jobs })
}

fn problem(args: &Args, process: &Process) -> Vec<(&'static str, Value)> {
    let source = match (&args.mdp, args.random) {
        (Some(path), _) => ("mdp", json!(path)),
        (None, seed) => ("random", json!(seed)),
    };
    vec![
        source,
        ("states", json!(process.states())),
        ("actions", json!(process.actions())),
        ("alpha", json!(process.alpha())),
    ]
}

fn summary(args: &Args, process: &Process) -> String {
    let name = args.mdp.as_deref().and_then(std::path::Path::file_name);
    let what = match name {
        Some(name) => format!("Decision process {}", name.to_string_lossy()),
        None => "A random decision process".to_owned(),
    };
    format!("{what}: {} states, {} actions", process.states(), process.actions())
}

fn process(args: &Args, flags: &Flags) -> Result<Process, Failure> {
    let Some(seed) = args.random else {
        let path = args.mdp.as_deref().expect("one of the two was given");
        return Process::read(path).map_err(Failure::input);
    };
    flags.mark("states");
    flags.mark("actions");
    let (states, actions) = (args.states.unwrap_or(3), args.actions.unwrap_or(2));
    let horizon = args.horizon.iter().copied().max().unwrap_or(4);
    let sizes = [("states", states), ("actions", actions), ("horizon", horizon)];
    for (flag, size) in sizes {
        if !(1..=1_000).contains(&size) {
            return Err(Failure::input(format!("--{flag} = {size}: from 1 to 1000")));
        }
    }
    let cells = states * actions * horizon.max(states);
    if cells > Process::MAX_CELLS {
        let most = Process::MAX_CELLS;
        return Err(Failure::input(format!("a process of {cells} cells: at most {most}")));
    }
    let mut stream = Key::from_seed(seed).stream("lab/process");
    let horizon = args.horizon.first().copied().unwrap_or(4);
    Ok(random_process(&mut stream, states, actions, horizon, &RandomOptions::default()))
}

/// Every combination of settings that this estimator has a use for, with the name of its tempering.
fn all_settings(
    args: &Args,
    flags: &Flags,
    estimator: Tabular,
) -> Result<Vec<(TabularSettings, String)>, Failure> {
    let plain = TabularSettings {
        allow_degenerate: args.allow_degenerate,
        ..TabularSettings::new(estimator)
    };
    let mut all = Vec::new();
    for settings in sources(args, flags, plain)? {
        for settings in sizes(args, flags, settings) {
            for settings in shapes(args, flags, settings) {
                let forward = estimator == Tabular::ForwardKl;
                for (weighting, name) in weightings(args, flags, forward)? {
                    all.push((TabularSettings { weighting, ..settings }, name));
                }
            }
        }
    }
    Ok(all)
}

/// Baselines, states, state weights and critics.
fn sources(
    args: &Args,
    flags: &Flags,
    plain: TabularSettings,
) -> Result<Vec<TabularSettings>, Failure> {
    let estimator = plain.estimator;
    let weighted = estimator.has_state_weights();
    let baselines = choices("baseline", &args.baseline, &Baseline::ALL.map(|b| (b.name(), b)))?;
    let sources =
        choices("state-source", &args.state_source, &StateSource::ALL.map(|s| (s.name(), s)))?;
    let weights = TabularStateWeights::ALL.map(|weights| (weights.name(), weights));
    let weights = choices("state-weights", &args.state_weights, &weights)?;
    let critics = choices("critic", &args.critic, &Critic::ALL.map(|c| (c.name(), c)))?;
    let mut all = Vec::new();
    let has_baseline = estimator.has_baseline();
    for baseline in flags.list("baseline", &baselines, plain.baseline, has_baseline) {
        let reverse = estimator.is_marginal_reverse();
        for states in flags.list("state-source", &sources, plain.states, reverse) {
            for state_weights in
                flags.list("state-weights", &weights, plain.state_weights, weighted)
            {
                for critic in flags.list("critic", &critics, plain.critic, weighted) {
                    all.push(TabularSettings { baseline, states, state_weights, critic, ..plain });
                }
            }
        }
    }
    Ok(all)
}

/// N and M.
fn sizes(args: &Args, flags: &Flags, plain: TabularSettings) -> Vec<TabularSettings> {
    let (flag, given) = if plain.counts_trajectories() {
        ("trajectories", &args.trajectories)
    } else {
        ("state-samples", &args.state_samples)
    };
    let draws = plain.estimator.draws_actions();
    let drawn_states = plain.estimator != Tabular::ForwardKlExact;
    let mut all = Vec::new();
    for count in flags.list(flag, given, plain.count, drawn_states) {
        for samples in flags.list("samples", &args.samples, plain.samples, draws) {
            all.push(TabularSettings { count, samples, ..plain });
        }
    }
    all
}

/// Orders, shares and control variates.
fn shapes(args: &Args, flags: &Flags, plain: TabularSettings) -> Vec<TabularSettings> {
    let estimator = plain.estimator;
    let varied = estimator.has_control_variate();
    let (alpha, mixed) = (estimator == Tabular::AlphaDivergence, estimator == Tabular::MixedKl);
    let mut all = Vec::new();
    for order in flags.list("divergence-order", &args.divergence_order, plain.order, alpha) {
        for share in flags.list("mixed-share", &args.mixed_share, plain.share, mixed) {
            for control_variate in
                flags.list("control-variate", &args.control_variate, false, varied)
            {
                all.push(TabularSettings { order, share, control_variate, ..plain });
            }
        }
    }
    all
}

/// The settings that this estimator has a use for.
fn describe(s: &TabularSettings, tempering: &str, horizon: usize) -> Vec<(&'static str, Value)> {
    let estimator = s.estimator;
    let weighted = estimator.has_state_weights();
    let forward = estimator == Tabular::ForwardKl;
    let count = if s.counts_trajectories() { "trajectories" } else { "state_samples" };
    let all = [
        ("estimator", json!(estimator.name()), true),
        ("horizon", json!(horizon), true),
        (count, json!(s.count), estimator != Tabular::ForwardKlExact),
        ("samples", json!(s.samples), estimator.draws_actions()),
        ("baseline", json!(s.baseline.name()), estimator.has_baseline()),
        ("state_source", json!(s.states.name()), estimator.is_marginal_reverse()),
        ("state_weights", json!(s.state_weights.name()), weighted),
        ("critic", json!(s.critic.name()), weighted),
        ("tempering", json!(tempering), forward),
        ("truncation", json!(s.weighting.truncate), forward),
        ("control_variate", json!(s.control_variate), estimator.has_control_variate()),
        ("divergence_order", json!(s.order), estimator == Tabular::AlphaDivergence),
        ("mixed_share", json!(s.share), estimator == Tabular::MixedKl),
    ];
    all.into_iter().filter(|(_, _, used)| *used).map(|(key, value, _)| (key, value)).collect()
}
