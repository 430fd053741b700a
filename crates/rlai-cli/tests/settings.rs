//! Flags, files and defaults.

mod common;

use common::Room;

fn printed(room: &Room, arguments: &[&str]) -> toml::Table {
    let head = ["train", "--env", "Pendulum-v1", "--print-config"];
    room.ok(&[&head[..], arguments].concat()).parse().unwrap()
}

/// Every flag of a setting with a value that is not its default.
const FLAGS: &[(&str, &str)] = &[
    ("--env", "HalfCheetah-v5"),
    ("--objective", "forward-kl"),
    ("--samples", "4"),
    ("--steps", "2_000"),
    ("--learning-starts", "77"),
    ("--seed", "5"),
    ("--out", "elsewhere"),
    ("--init-from", "somewhere"),
    ("--buffer", "1e4"),
    ("--threads", "2"),
    ("--batch", "64"),
    ("--updates-per-step", "2"),
    ("--gamma", "0.9"),
    ("--polyak", "0.01"),
    ("--learning-rate", "1e-3"),
    ("--policy-learning-rate", "1e-4"),
    ("--temperature-learning-rate", "1e-5"),
    ("--learning-rate-schedule", "linear"),
    ("--hidden", "64,32"),
    ("--n-step", "3"),
    ("--max-gradient-norm", "10"),
    ("--critic-target", "classic"),
    ("--temperature", "0.2"),
    ("--initial-temperature", "0.5"),
    ("--temperature-loss", "alpha"),
    ("--target-entropy", "-0.5"),
    ("--log-std-min", "-5"),
    ("--log-std-max", "1"),
    ("--policy", "beta"),
    ("--exploration", "pink"),
    ("--default-policy", "gaussian"),
    ("--checkpoint-every", "321"),
    ("--keep-checkpoints", "3"),
    ("--evaluate-every", "123"),
    ("--evaluation-episodes", "3"),
    ("--log-every", "10"),
];

/// The one flag that belongs to no objective but to a number of samples.
const PARETO_K: [&str; 3] = ["--objective=forward-kl", "--samples=32", "--pareto-k"];

/// Flags that belong to an objective or a policy: the objective and what else they need, the flag, a value
/// that is not its default.
const ESTIMATOR_FLAGS: &[(&str, &str, &str)] = &[
    ("forward-kl", "--control-variate", "true"),
    ("forward-kl", "--tempering", "0.3"),
    ("forward-kl --tempering=ess", "--tempering-ess", "0.25"),
    ("forward-kl", "--truncation", "true"),
    ("forward-kl", "--proposal", "shifted"),
    ("forward-kl", "--proposal-uniform", "0.25"),
    ("forward-kl", "--proposal-replay", "true"),
    ("forward-kl", "--noise", "latin-hypercube"),
    ("mixed-kl", "--mixed-share", "0.2"),
    ("alpha-divergence", "--divergence-order", "0.7"),
    ("awac", "--advantage-temperature", "0.3"),
    ("mpo", "--mpo-weights", "1e-9"),
    ("mpo", "--mpo-mean", "0.02"),
    ("mpo", "--mpo-scale", "0.02"),
    ("mpo", "--dual-learning-rate", "0.02"),
    ("mpo", "--target-policy-period", "7"),
    ("mpo --policy=mixture", "--mpo-choice", "0.02"),
    ("mpo --policy=histogram", "--mpo-choice", "0.02"),
    ("mpo --policy=mixture", "--mpo-scale", "0.02"),
    ("mpo --policy=mixture", "--mpo-mean", "0.02"),
    ("mpo --policy=beta", "--mpo-mean", "0.02"),
    ("forward-kl", "--policy", "normal"),
    ("forward-kl", "--policy", "histogram"),
    ("forward-kl --policy=mixture", "--branches", "3"),
    ("forward-kl --policy=mixture", "--joint", "true"),
    ("reverse-kl --policy=mixture", "--joint", "true"),
    ("forward-kl --policy=histogram", "--bins", "5"),
    ("forward-kl", "--log-std-min", "0.1"),
    ("forward-kl", "--log-std-max", "-0.1"),
    ("forward-kl --policy=mixture", "--log-std-max", "-0.1"),
    ("forward-kl", "--initial-mean", "0.5"),
    ("forward-kl --policy=normal", "--initial-mean", "0.5"),
    ("forward-kl --policy=mixture", "--initial-log-std", "-1"),
    ("forward-kl", "--normalise-observations", "true"),
    ("forward-kl", "--exploration", "pink"),
    ("forward-kl --policy=beta", "--exploration", "pink"),
    ("forward-kl --exploration=ornstein-uhlenbeck", "--exploration-theta", "0.5"),
    ("forward-kl --exploration=repeat", "--exploration-steps", "3"),
    ("forward-kl", "--default-policy", "gaussian"),
    ("forward-kl --temperature=0.2", "--default-policy", "average"),
    ("forward-kl --temperature=0.2", "--default-policy", "last-update"),
    ("awac --critic-target=soft", "--default-policy", "gaussian"),
    ("forward-kl --default-policy=gaussian", "--default-policy-mean", "0.3"),
    ("forward-kl --default-policy=gaussian", "--default-policy-sd", "0.2"),
    ("forward-kl --temperature=0.2 --default-policy=average", "--default-policy-rate", "0.5"),
    ("forward-kl --temperature=0.2 --default-policy=last-update", "--default-policy-period", "5"),
    ("forward-kl", "--target-kl", "0.5"),
    ("forward-kl --default-policy=gaussian", "--target-kl", "0.5"),
];

/// What training does with a flag is another matter than that it is read: two short runs differ.
#[test]
fn every_flag_of_an_estimator_changes_its_key_and_what_is_learned() {
    let room = Room::new();
    for (objective, flag, value) in ESTIMATOR_FLAGS {
        let objective = format!("--objective={objective}");
        let flags: Vec<&str> = objective.split(' ').collect();
        let changed = format!("{flag}={value}");
        let with_flag = [&flags[..], &[&changed]].concat();
        let key = flag.trim_start_matches("--").replace('-', "_");
        let (before, after) = (printed(&room, &flags), printed(&room, &with_flag));
        assert_ne!(before.get(&key), after.get(&key), "{flag}");
        assert_ne!(hash(&room, &flags), hash(&room, &with_flag), "{flag} with {objective}");
    }
}

/// Hash of what a few updates on Pendulum learn.
fn hash(room: &Room, flags: &[&str]) -> String {
    let out = format!("--out=run{}", flags.concat());
    let short = ["train", "--env=Pendulum-v1", "--steps=120", "--learning-starts=100", "--json"];
    let small = ["--hidden=8", "--batch=8", "--samples=8", "--evaluation-episodes=1", "--quiet"];
    let text = room.ok(&[&short[..], &small, &[&out], flags].concat());
    let result: serde_json::Value = serde_json::from_str(&text).unwrap();
    result["parameters_blake3"].as_str().unwrap().to_owned()
}

#[test]
fn every_flag_changes_its_key() {
    let room = Room::new();
    let defaults = printed(&room, &[]);
    for (flag, value) in FLAGS {
        let key = flag.trim_start_matches("--").replace('-', "_");
        let arguments = ["train", "--env=Pendulum-v1", "--print-config", flag, value];
        let arguments = if *flag == "--env" {
            &["train", "--print-config", flag, value][..]
        } else {
            &arguments
        };
        let changed: toml::Table = room.ok(arguments).parse().unwrap();
        assert_ne!(changed.get(&key), defaults.get(&key), "{flag}");
    }
    let kept = |flag: &str| printed(&room, &[flag])["keep_replay"].as_bool();
    assert_eq!((kept("--keep-replay"), kept("--keep-replay=false")), (Some(true), Some(false)));
    let variate = ["--objective=forward-kl", "--control-variate"];
    assert_eq!(printed(&room, &variate)["control_variate"].as_bool(), Some(true));
}

#[test]
fn pareto_k_is_measured_when_asked_for_and_changes_nothing_else() {
    let room = Room::new();
    assert_eq!(printed(&room, &PARETO_K)["pareto_k"].as_bool(), Some(true));
    let line = |out: &str, flags: &[&str]| {
        let small = ["train", "--env=Pendulum-v1", "--steps=120", "--learning-starts=100"];
        let head = [&small[..], &["--hidden=8", "--batch=8", "--log-every=60", "--quiet"]].concat();
        room.ok(&[&head[..], flags, &[&format!("--out={out}")]].concat());
        let text = std::fs::read_to_string(room.path(&format!("{out}/metrics.jsonl"))).unwrap();
        let last = text.lines().rfind(|line| line.contains("\"train\"")).unwrap();
        serde_json::from_str::<serde_json::Value>(last).unwrap()
    };
    let (with, without) = (line("with", &PARETO_K), line("without", &PARETO_K[..2]));
    assert!(with["pareto_k"].as_f64().is_some_and(|k| (-1.0..3.0).contains(&k)), "{with}");
    assert!(without.get("pareto_k").is_none());
    assert_eq!(with["policy_gradient_norm"], without["policy_gradient_norm"]);
}

#[test]
fn every_key_has_a_flag_in_this_test() {
    let room = Room::new();
    let mut keys: Vec<String> =
        printed(&room, &["--init-from=x", "--out=x"]).keys().cloned().collect();
    keys.extend(printed(&room, &["--dataset=x"]).keys().cloned());
    let mut flags: Vec<String> =
        FLAGS.iter().map(|(flag, _)| flag.trim_start_matches("--").replace('-', "_")).collect();
    flags.extend(["dataset", "keep_replay", "pareto_k"].map(str::to_owned));
    for (objective, flag, value) in ESTIMATOR_FLAGS {
        let objective = format!("--objective={objective}");
        let given = format!("{objective} {flag}={value}");
        keys.extend(printed(&room, &given.split(' ').collect::<Vec<_>>()).keys().cloned());
        flags.push(flag.trim_start_matches("--").replace('-', "_"));
    }
    keys.sort();
    keys.dedup();
    flags.sort();
    flags.dedup();
    assert_eq!(keys, flags);
}

#[test]
fn a_printed_configuration_means_the_same_again() {
    let room = Room::new();
    for arguments in [
        &["--objective=forward-kl", "--temperature=0.1", "--max-gradient-norm=5"][..],
        &["--learning-rate=1e-3", "--seed=9", "--out=x"],
        &[
            "--objective=forward-kl",
            "--tempering=ess",
            "--proposal=shifted",
            "--noise=latin-hypercube",
        ],
        &["--objective=mpo", "--mpo-mean=0.02"],
        &["--objective=awac", "--critic-target=soft"],
    ] {
        let head = ["train", "--env=Pendulum-v1", "--print-config"];
        let first = room.ok(&[&head[..], arguments].concat());
        room.write("c.toml", &first);
        assert_eq!(room.ok(&["train", "--config=c.toml", "--print-config"]), first);
    }
}

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
    let room = Room::new();
    room.write(
        "c.toml",
        "env = \"Pendulum-v1\"\nsteps = 5_000\ngamma = 0.9\nmax_gradient_norm = 1\n",
    );
    let arguments =
        ["train", "--config=c.toml", "--print-config", "--gamma=0.8", "--max-gradient-norm=none"];
    let table: toml::Table = room.ok(&arguments).parse().unwrap();
    assert_eq!(table["gamma"].as_float(), Some(0.8));
    assert_eq!(table["steps"].as_integer(), Some(5_000));
    assert_eq!(table["batch"].as_integer(), Some(256));
    assert_eq!(table["max_gradient_norm"].as_str(), Some("none"));
}

#[test]
fn one_learning_rate_sets_those_that_are_not_set() {
    let table = printed(&Room::new(), &["--learning-rate=1e-3", "--policy-learning-rate=1e-4"]);
    assert_eq!(table["learning_rate"].as_float(), Some(1e-3));
    assert_eq!(table["policy_learning_rate"].as_float(), Some(1e-4));
    assert_eq!(table["temperature_learning_rate"].as_float(), Some(1e-3));
}

#[test]
fn learning_starts_depends_on_the_task_and_never_exceeds_the_steps_unasked() {
    let room = Room::new();
    let starts = |arguments: &[&str]| {
        let arguments = [&["train", "--print-config"], arguments].concat();
        let table: toml::Table = room.ok(&arguments).parse().unwrap();
        table["learning_starts"].as_integer().unwrap()
    };
    assert_eq!(starts(&["--env=Pendulum-v1"]), 1_000);
    assert_eq!(starts(&["--env=HalfCheetah-v5"]), 10_000);
    assert_eq!(starts(&["--env=HalfCheetah-v5", "--steps=500"]), 500);
}

/// A printed configuration leaves to follow what follows from task, objective or seed.
#[test]
fn a_printed_configuration_serves_other_seeds_and_tasks() {
    let room = Room::new();
    let table = printed(&room, &["--env=Hopper-v5", "--steps=1e6"]);
    assert!(!table.contains_key("out"), "the folder follows from the seed");
    assert_eq!(table["target_entropy"].as_str(), Some("auto"));
    room.write("hopper.toml", &table.to_string());
    let other = printed(&room, &["--config=hopper.toml", "--env=Ant-v5", "--temperature=0.2"]);
    assert_eq!(other["env"].as_str(), Some("Ant-v5"));
    assert_eq!(other["temperature"].as_float(), Some(0.2));
    assert_eq!(printed(&room, &["--env=Hopper-v5", "--out=here"])["out"].as_str(), Some("here"));
}

/// A reader that has seen enough is no error.
#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let room = Room::new();
    for arguments in [vec!["env", "list"], vec!["train", "--env=Pendulum-v1", "--print-config"]] {
        let mut child = room
            .command(&arguments)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        assert!(output.status.success(), "{arguments:?}");
    }
}

/// A full disk under the output is told, and no run is lost because nobody can be told of it.
#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written() {
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    let room = Room::new();
    let output = room.command(&["env", "list", "--json"]).stdout(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write to standard output"));
    let train = [&["train"], common::TINY, &["--out=run"]].concat();
    let status = room.command(&train).stderr(full()).status().unwrap();
    assert!(status.success());
    assert!(room.path("run/result.json").exists());
}
