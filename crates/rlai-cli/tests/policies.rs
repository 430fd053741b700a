//! Policies, default policies and exploration through the program: what is refused, what is read back,
//! what can be played.

mod common;

use std::fs;

use common::Room;
use serde_json::Value;

const SMALL: &[&str] = &[
    "train",
    "--json",
    "--quiet",
    "--steps=140",
    "--learning-starts=100",
    "--hidden=8",
    "--batch=8",
    "--evaluate-every=70",
    "--evaluation-episodes=1",
    "--log-every=70",
];

fn train(room: &Room, more: &[&str]) -> Value {
    serde_json::from_str(&room.ok(&[SMALL, more].concat())).unwrap()
}

/// Every kind of policy, with what belongs to it.
const POLICIES: [&[&str]; 10] = [
    &["--env=Pendulum-v1", "--policy=tanh-normal", "--log-std-max=1", "--initial-mean=0.3"],
    &["--env=Pendulum-v1", "--policy=normal", "--exploration=pink", "--initial-log-std=-1"],
    &["--env=Pendulum-v1", "--policy=beta", "--objective=mpo", "--mpo-mean=0.02"],
    &["--env=Pendulum-v1", "--policy=mixture", "--branches=3", "--objective=reverse-kl-branches"],
    &["--env=Pendulum-v1", "--policy=mixture", "--joint", "--objective=mpo", "--mpo-choice=0.1"],
    &["--env=Pendulum-v1", "--policy=histogram", "--bins=5", "--objective=forward-kl"],
    &["--env=CartPole-v1", "--exploration=repeat", "--exploration-steps=2"],
    &["--env=CartPole-v1", "--policy=categorical", "--objective=mpo", "--mpo-choice=0.02"],
    &["--env=probe:both:factored", "--objective=forward-kl"],
    &["--env=MoveAndStrength-v0", "--policy=hybrid", "--exploration=ornstein-uhlenbeck"],
];

/// Every default policy; `default` is the folder of a run.
const DEFAULT_POLICIES: [&[&str]; 5] = [
    &["--default-policy=gaussian", "--default-policy-mean=0.2", "--target-kl=0.4"],
    &[
        "--default-policy=average",
        "--default-policy-rate=0.01",
        "--objective=forward-kl",
        "--temperature=0.2",
    ],
    &[
        "--default-policy=last-update",
        "--default-policy-period=2",
        "--normalise-observations",
        "--temperature=0.2",
    ],
    &["--default-policy=default", "--objective=forward-kl-dreg", "--samples=4"],
    &["--default-policy=default", "--objective=awac", "--critic-target=soft"],
];

/// Without what may depend on the machine.
fn metrics(room: &Room, run: &str) -> Vec<Value> {
    let text = fs::read_to_string(room.path(run).join("metrics.jsonl")).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    for line in &mut lines {
        let line = line.as_object_mut().unwrap();
        line.retain(|field, _| !field.contains("time") && !field.contains("second"));
    }
    lines
}

/// Trains; trains again what the run's own file says, with two threads.
fn check_round_trip(room: &Room, flags: &[&str]) {
    let first = train(room, &[flags, &["--out=first"]].concat());
    let again = room.ok(&[
        "train",
        "--config=first/run.toml",
        "--out=again",
        "--threads=2",
        "--json",
        "--quiet",
    ]);
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(first["parameters_blake3"], again["parameters_blake3"], "{flags:?}");
    assert_eq!(metrics(room, "first"), metrics(room, "again"), "{flags:?}");
    let kept = |run: &str| -> toml::Table {
        let text = fs::read_to_string(room.path(run).join("run.toml")).unwrap();
        let mut table: toml::Table = text.parse().unwrap();
        assert!(table.remove("out").is_some() && table.remove("threads").is_some());
        table
    };
    assert_eq!(kept("first"), kept("again"), "{flags:?}");
    let fields = metrics(room, "first");
    let documented =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md")).unwrap();
    for field in fields.iter().flat_map(|line| line.as_object().unwrap().keys()) {
        assert!(documented.contains(&format!("`{field}`")), "{field}");
    }
}

#[test]
fn a_runs_own_file_read_back_is_the_same_run_for_every_policy() {
    for flags in POLICIES {
        check_round_trip(&Room::new(), flags);
    }
}

#[test]
fn and_for_every_default_policy() {
    let room = Room::new();
    train(&room, &["--env=Pendulum-v1", "--out=default", "--normalise-observations"]);
    for flags in DEFAULT_POLICIES {
        check_round_trip(&room, &[&["--env=Pendulum-v1"], flags].concat());
        let line = metrics(&room, "first").into_iter().rfind(|line| line["kind"] == "train");
        assert!(line.unwrap()["default_policy_kl"].is_f64(), "{flags:?}");
        for run in ["first", "again"] {
            fs::remove_dir_all(room.path(run)).unwrap();
        }
    }
}

/// The parameters that a policy is held to are part of the run.
#[test]
fn another_default_policy_in_the_same_folder_is_another_run() {
    let room = Room::new();
    let default = ["--env=Pendulum-v1", "--out=default"];
    train(&room, &default);
    let flags = ["--env=Pendulum-v1", "--default-policy=default", "--out=run"];
    let first = train(&room, &flags);
    assert_eq!(train(&room, &flags), first, "it has finished");
    fs::remove_dir_all(room.path("default")).unwrap();
    train(&room, &[&default[..], &["--seed=1"]].concat());
    let complaint = room.refused(&[SMALL, &flags].concat());
    assert!(complaint.contains("another run's result"), "{complaint}");
    let complaint = room.refused(&["train", "--config=run/run.toml", "--out=again"]);
    assert!(complaint.contains("the file that the run learns from has changed"), "{complaint}");
}

#[test]
fn every_kind_of_policy_can_be_played() {
    for flags in POLICIES {
        let room = Room::new();
        let trained = train(&room, &[flags, &["--out=run"]].concat());
        let play = |more: &[&str]| -> Value {
            let arguments = [&["evaluate", "run", "--json", "--episodes=2"], more].concat();
            serde_json::from_str(&room.ok(&arguments)).unwrap()
        };
        let mode = play(&[]);
        assert_eq!((&mode["step"], &mode["env"]), (&140.into(), &trained["env"]), "{flags:?}");
        assert_eq!(play(&[]), mode);
        let sampled = play(&["--sample"]);
        assert_eq!(play(&["--sample"]), sampled, "{flags:?}");
        let env = flags[0];
        let record = ["evaluate", "run", "--episodes=2", "--sample", "--record=played.npz"];
        if env != "--env=Pendulum-v1" {
            let complaint = room.refused(&record);
            assert!(complaint.contains("a data set holds actions of a box"), "{complaint}");
            continue;
        }
        room.ok(&record);
        assert_ne!(sampled["returns"], mode["returns"], "{flags:?}");
        // What one policy did another one learns from.
        let head = ["train", env, "--dataset=played.npz", "--objective=awac", "--out=learned"];
        let small = ["--steps=20", "--hidden=8", "--batch=8", "--evaluation-episodes=1"];
        room.ok(&[&head[..], &small, &["--policy=beta", "--quiet"]].concat());
    }
}

/// The manifest with `from` replaced, and the hash that belongs to it: that of the text without a hash.
fn forge(manifest: &str, from: &str, to: &str) -> String {
    let changed = manifest.replace(from, to);
    let (text, _) = changed.rsplit_once("\"blake3\": \"").unwrap();
    let whole = |hash: &str| format!("{text}\"blake3\": \"{hash}\"\n}}\n");
    whole(blake3::hash(whole("").as_bytes()).to_hex().as_str())
}

#[test]
fn a_damaged_or_unknown_policy_is_one_clear_error() {
    let room = Room::new();
    train(&room, &["--env=Pendulum-v1", "--out=run", "--policy=beta"]);
    let path = room.path("run/checkpoint/manifest.json");
    let whole = fs::read_to_string(&path).unwrap();
    let complain = |text: &str| {
        fs::write(&path, text).unwrap();
        let complaint = room.refused(&["evaluate", "run"]);
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        assert!(complaint.contains("run/checkpoint"), "{complaint}");
        let held = [SMALL, &["--env=Pendulum-v1", "--default-policy=run", "--out=held"]].concat();
        let complaint = room.refused(&held);
        assert!(complaint.contains("default_policy = run: "), "{complaint}");
        complaint
    };
    let unknown = complain(&whole.replace("\"beta\"", "\"gamma\""));
    assert!(unknown.contains("gamma") && unknown.contains("tanh-normal"), "{unknown}");
    let other = complain(&whole.replace("\"beta\"", "\"normal\""));
    assert!(other.contains("the text is not the one that was written"), "{other}");
    // Nor do a right hash and a known kind make a policy of it.
    let forged = complain(&forge(&whole, "\"beta\"", "\"categorical\""));
    assert!(forged.contains("policy categorical: needs choices and nothing else"), "{forged}");
    let forged = complain(&forge(&whole, "\"beta\"", "\"mixture\""));
    assert!(forged.contains("the policy's widths [3, 8, 2] do not fit"), "{forged}");
    complain(&whole[..whole.len() / 2]);
}

fn refused(arguments: &[&str]) -> String {
    Room::new().refused(&[SMALL, arguments].concat())
}

#[test]
fn bad_values_are_refused_by_name_value_and_what_is_allowed() {
    let cases: &[(&[&str], &str)] = &[
        (
            &["--policy=gaussian"],
            "policy = \"gaussian\": tanh-normal, normal, beta, mixture, histogram, categorical or hybrid",
        ),
        (&["--policy=mixtur"], "did you mean mixture?"),
        (&["--policy=categorical"], "policy = \"categorical\": needs choices and nothing else"),
        (&["--policy=hybrid"], "policy = \"hybrid\": needs one choice, and a box"),
        (&["--policy=mixture", "--branches=1"], "branches = 1: from 2 to 100"),
        (&["--policy=mixture", "--branches=-3"], "branches = -3: from 2 to 100"),
        (&["--policy=histogram", "--bins=1", "--objective=forward-kl"], "bins = 1: from 2 to 1000"),
        (&["--initial-mean=11"], "initial_mean = 11: from -10 to 10"),
        (&["--initial-mean=nan"], "initial_mean = NaN: from -10 to 10"),
        (&["--initial-log-std=3"], "initial_log_std = 3: from log_std_min to log_std_max"),
        (&["--log-std-min=3"], "log_std_min = 3: at least -40, below log_std_max"),
        (
            &["--exploration=blue"],
            "exploration = \"blue\": white, pink, ornstein-uhlenbeck or repeat",
        ),
        (
            &["--exploration=ornstein-uhlenbeck", "--exploration-theta=1"],
            "exploration_theta = 1: above 0, below 1",
        ),
        (
            &["--exploration=repeat", "--exploration-steps=1"],
            "exploration_steps = 1: from 2 to 1000",
        ),
        (
            &["--exploration=repeat", "--exploration-steps=-2"],
            "exploration_steps = -2: from 2 to 1000",
        ),
        (
            &["--default-policy=nowhere"],
            "default_policy = \"nowhere\": uniform, gaussian, average or last-update, or the folder",
        ),
        (&["--default-policy=averag"], "did you mean average?"),
        (
            &["--default-policy=gaussian", "--default-policy-mean=20"],
            "default_policy_mean = 20: from -10 to 10",
        ),
        (
            &["--default-policy=gaussian", "--default-policy-sd=0"],
            "default_policy_sd = 0: from 0.001 to 1000",
        ),
        (
            &["--default-policy=average", "--default-policy-rate=0"],
            "default_policy_rate = 0: above 0, at most 1",
        ),
        (
            &["--default-policy=last-update", "--default-policy-period=0"],
            "default_policy_period = 0: at least 1",
        ),
        (
            &["--default-policy=last-update", "--default-policy-period=-1"],
            "default_policy_period = -1: at least 1",
        ),
        (&["--target-kl=0"], "target_kl = 0: a positive number of nats"),
        (&["--target-kl=-1"], "target_kl = -1: a positive number of nats"),
        (&["--normalise-observations=yes"], "--normalise-observations"),
        (&["--objective=mpo", "--policy=mixture", "--mpo-choice=0"], "mpo_choice = 0: a positive"),
    ];
    for (arguments, message) in cases {
        let complaint = refused(&[&["--env=Pendulum-v1"], *arguments].concat());
        assert!(complaint.contains(message), "{arguments:?}: {complaint}");
    }
}

#[test]
fn settings_that_would_do_nothing_are_refused() {
    let pendulum: &[(&[&str], &str)] = &[
        (&["--branches=3"], "branches = 3: without effect with policy = \"tanh-normal\""),
        (&["--joint"], "joint = true: without effect with policy = \"tanh-normal\""),
        (&["--bins=3"], "bins = 3: without effect with policy = \"tanh-normal\""),
        (&["--policy=beta", "--log-std-min=-3"], "log_std_min = -3: without effect with policy"),
        (
            &["--policy=beta", "--initial-mean=0.1"],
            "initial_mean = 0.1: not with policy = \"beta\"",
        ),
        (
            &["--policy=beta", "--initial-log-std=-1"],
            "initial_log_std = -1: not with policy = \"beta\"",
        ),
        (
            &["--policy=histogram", "--objective=forward-kl", "--initial-mean=0.1"],
            "not with policy = \"histogram\"",
        ),
        (
            &["--policy=mixture", "--joint", "--objective=reverse-kl-branches"],
            "joint = true: without effect with reverse-kl-branches",
        ),
        (
            &["--policy=mixture", "--joint", "--objective=reverse-kl-stl"],
            "joint = true: without effect with reverse-kl-stl",
        ),
        (&["--policy=mixture", "--joint", "--objective=awr"], "joint = true: not with awac or awr"),
        (
            &["--policy=mixture", "--samples=1"],
            "samples = 1: at least 2 for a policy with branches",
        ),
        (
            &["--policy=mixture", "--branches=5", "--objective=reverse-kl-branches", "--samples=4"],
            "samples = 4: at least 5, one for each branch",
        ),
        (
            &["--exploration=repeat", "--objective=forward-kl", "--proposal-replay"],
            "proposal_replay = true: only with exploration = \"white\"",
        ),
        (&["--exploration-theta=0.1"], "exploration_theta = 0.1: only with exploration = \"ornst"),
        (&["--exploration=pink", "--exploration-steps=3"], "exploration_steps = 3: only with"),
        (&["--default-policy-mean=0.1"], "only with default_policy = \"gaussian\""),
        (
            &["--default-policy=average", "--default-policy-sd=0.1"],
            "only with default_policy = \"g",
        ),
        (&["--default-policy=gaussian", "--default-policy-rate=0.1"], "only with default_policy ="),
        (&["--default-policy=average", "--default-policy-period=3"], "only with default_policy ="),
        (
            &["--default-policy=average", "--objective=mpo"],
            "default_policy = \"average\": without effect: the objective has no temperature",
        ),
        (&["--temperature=0.2", "--target-kl=0.1"], "target_kl = 0.1: only with temperature"),
        (&["--target-entropy=-1", "--target-kl=0.1"], "target_kl = 0.1: not beside target_entropy"),
        (&["--objective=mpo", "--target-kl=0.1"], "target_kl = 0.1: without effect"),
        (&["--objective=mpo", "--mpo-choice=0.1"], "mpo_choice = 0.1: without effect with policy"),
        (
            &["--objective=mpo", "--policy=beta", "--mpo-scale=0.1"],
            "mpo_scale = 0.1: without effect with policy = \"beta\"",
        ),
        (
            &["--policy=beta", "--objective=forward-kl", "--proposal=shifted"],
            "proposal = \"shifted\": only with policy = \"tanh-normal\", not \"beta\"",
        ),
        (
            &["--policy=mixture", "--objective=forward-kl", "--proposal-uniform=0.1"],
            "proposal_uniform = 0.1: only with policy",
        ),
        (
            &["--policy=normal", "--objective=forward-kl", "--noise=latin-hypercube"],
            "noise = \"latin-hypercube\": only with policy",
        ),
    ];
    let cart_pole: &[(&[&str], &str)] = &[
        (
            &["--policy=beta"],
            "policy = \"beta\": needs a box of actions; choices take \"categorical\"",
        ),
        (&["--log-std-min=-3"], "log_std_min = -3: without effect with policy = \"categorical\""),
        (&["--initial-mean=0.1"], "initial_mean = 0.1: not with policy = \"categorical\""),
        (&["--exploration=pink"], "exploration = \"pink\": \"white\" or \"repeat\""),
        (
            &["--default-policy=gaussian"],
            "default_policy = \"gaussian\": another one: these actions",
        ),
        (&["--samples=3"], "samples = 3: 2 with reverse-kl-all-actions, which lists all actions"),
        (&["--objective=reverse-kl"], "needs a path from the parameters to the action"),
        (
            &["--objective=mpo", "--mpo-mean=0.1"],
            "mpo_mean = 0.1: without effect with policy = \"categorical\"",
        ),
        (&["--objective=mpo", "--mpo-scale=0.1"], "mpo_scale = 0.1: without effect with policy"),
        (
            &["--objective=forward-kl", "--proposal-replay"],
            "proposal_replay = true: only with policy = \"tanh-normal\"",
        ),
    ];
    let hybrid: &[(&[&str], &str)] = &[
        (&["--branches=3"], "branches = 3: without effect with policy = \"hybrid\""),
        (&["--objective=forward-kl-dreg"], "the whole action, which hybrid has not"),
    ];
    for (env, cases) in [
        ("--env=Pendulum-v1", pendulum),
        ("--env=CartPole-v1", cart_pole),
        ("--env=MoveAndStrength-v0", hybrid),
    ] {
        for (arguments, message) in cases {
            let complaint = refused(&[&[env], *arguments].concat());
            assert!(complaint.contains(message), "{arguments:?}: {complaint}");
        }
    }
}

/// Settings of playing beside a data set, a start beside the networks of another run, a default policy
/// of other actions or another kind.
#[test]
fn settings_that_do_not_go_with_the_files_are_refused() {
    let room = Room::new();
    train(&room, &["--env=Pendulum-v1", "--out=tanh"]);
    train(&room, &["--env=Pendulum-v1", "--out=seen", "--normalise-observations"]);
    room.ok(&["evaluate", "tanh", "--sample", "--record=played.npz", "--episodes=1"]);
    let refused = |flags: &[&str]| room.refused(&[&["train", "--out=run"], flags].concat());
    let offline = ["--env=Pendulum-v1", "--objective=awac", "--dataset=played.npz"];
    for (flag, message) in [
        ("--exploration=pink", "exploration = \"pink\": without effect: with a data set"),
        ("--normalise-observations", "normalise_observations = true: not with a data set"),
    ] {
        let complaint = refused(&[&offline[..], &[flag]].concat());
        assert!(complaint.contains(message), "{complaint}");
    }
    let pendulum = "--env=Pendulum-v1";
    for (flags, message) in [
        (
            &[pendulum, "--init-from=tanh", "--initial-mean=0.1"][..],
            "initial_mean = 0.1: without effect beside init_from",
        ),
        (
            &[pendulum, "--init-from=tanh", "--initial-log-std=-1"],
            "initial_log_std = -1: without effect beside init_from",
        ),
        (&[pendulum, "--init-from=tanh", "--policy=beta"], "a policy of another distribution"),
        (&[pendulum, "--init-from=seen"], "observations are normalised there and not here"),
        (
            &[pendulum, "--default-policy=tanh", "--policy=normal"],
            "default_policy = tanh: a policy that is squashed like the one that is trained",
        ),
        (
            &["--env=CartPole-v1", "--default-policy=tanh"],
            "default_policy = tanh: a policy of this task's observations and actions",
        ),
        (&[pendulum, "--default-policy=."], "default_policy = .: "),
    ] {
        let complaint = refused(flags);
        assert!(complaint.contains(message), "{flags:?}: {complaint}");
    }
}

/// What the temperature is tuned to can be typed over what a file says.
#[test]
fn a_typed_target_replaces_that_of_the_file() {
    let room = Room::new();
    let printed = |flags: &[&str]| -> toml::Table {
        room.ok(&[&["train", "--print-config"], flags].concat()).parse().unwrap()
    };
    room.write("kl.toml", "env = \"Pendulum-v1\"\ntarget_kl = 0.3\n");
    room.write("entropy.toml", "env = \"Pendulum-v1\"\ntarget_entropy = -0.3\n");
    assert_eq!(printed(&["--config=kl.toml"])["target_kl"].as_float(), Some(0.3));
    let entropy = printed(&["--config=kl.toml", "--target-entropy=-0.5"]);
    assert_eq!(entropy["target_entropy"].as_float(), Some(-0.5));
    assert!(!entropy.contains_key("target_kl"));
    let kl = printed(&["--config=entropy.toml", "--target-kl=0.1"]);
    assert_eq!(kl["target_kl"].as_float(), Some(0.1));
    assert!(!kl.contains_key("target_entropy"));
    let fixed = printed(&["--config=kl.toml", "--temperature=0.2"]);
    assert!(!fixed.contains_key("target_kl"));
}
