//! `rlai train` with objectives on whole trajectories.

mod common;

use std::fs;
use std::process::Stdio;

use common::Room;
use serde_json::Value;

const TINY: &[&str] = &[
    "--env=CartPole-v1",
    "--steps=1000",
    "--trajectories=4",
    "--hidden=16",
    "--evaluate-every=500",
    "--evaluation-episodes=2",
    "--log-every=250",
];

const PROCESS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/processes/a2-h6.json");

const OBJECTIVES: [&str; 6] = [
    "reverse-kl-trajectory",
    "reverse-kl-reward-to-go",
    "reverse-kl-marginal",
    "forward-kl-trajectory",
    "forward-kl-marginal",
    "v-mpo",
];

fn train(room: &Room, more: &[&str]) -> Value {
    let arguments = [&["train", "--json"], TINY, more].concat();
    serde_json::from_str(&room.ok(&arguments)).unwrap()
}

fn refused(more: &[&str]) -> String {
    Room::new().refused(&[&["train"], TINY, more].concat())
}

fn metrics(room: &Room, run: &str) -> Vec<Value> {
    let text = fs::read_to_string(room.path(run).join("metrics.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A study sets the cores of a run, which these objectives have no use for.
#[test]
fn objectives_on_trajectories_and_on_actions_are_one_study() {
    let room = Room::new();
    let base = "env = \"CartPole-v1\"\nsteps = 1000\nhidden = [8]\nevaluate_every = 500\n";
    let variants: String = OBJECTIVES
        .iter()
        .map(|name| {
            format!("[[variant]]\nname = \"{name}\"\nobjective = \"{name}\"\ntrajectories = 4\n")
        })
        .collect();
    let text = format!(
        "name = \"s\"\nseeds = 1\n[base]\n{base}{variants}[[variant]]\nname = \"actions\"\nobjective = \
         \"reverse-kl-all-actions\"\nlearning_starts = 950\n"
    );
    room.write("s.toml", &text);
    let dry: Value =
        serde_json::from_str(&room.ok(&["study", "run", "s.toml", "--dry-run", "--json"])).unwrap();
    assert!(dry["runs"] == 7 && dry["unmeasured"].is_null(), "{dry}");
    room.ok(&["study", "run", "s.toml"]);
    let alone = ["train", "--json", "--env=CartPole-v1", "--objective=v-mpo", "--steps=1000"];
    let more = ["--trajectories=4", "--hidden=8", "--evaluate-every=500", "--out=alone"];
    let alone: Value = serde_json::from_str(&room.ok(&[&alone[..], &more].concat())).unwrap();
    let result = fs::read_to_string(room.path("runs/s/v-mpo/seed0/result.json")).unwrap();
    let result: Value = serde_json::from_str(&result).unwrap();
    assert_eq!(result["parameters_blake3"], alone["parameters_blake3"]);
}

#[test]
fn every_objective_runs_on_choices_boxes_and_processes_and_documents_its_fields() {
    let documented =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md")).unwrap();
    let process = format!("--env=tabular:{PROCESS}");
    for objective in OBJECTIVES {
        let room = Room::new();
        let name = format!("--objective={objective}");
        for (run, env) in [("a", "--env=CartPole-v1"), ("b", "--env=Pendulum-v1"), ("c", &process)]
        {
            let out = format!("--out={run}");
            let result = train(&room, &[&out, &name, env]);
            assert_eq!(result["status"], "finished");
            assert_eq!(result["steps"], 1000);
            assert_eq!(result["objective"], objective);
            let lines = metrics(&room, run);
            let steps: Vec<_> = lines.iter().filter(|l| l["kind"] == "train").collect();
            assert_eq!(steps.len(), 4, "{objective} {env}");
            let fields = lines.iter().flat_map(|line| line.as_object().unwrap().keys());
            for field in fields {
                assert!(documented.contains(&format!("`{field}`")), "{field}");
            }
        }
        let last = metrics(&room, "c").into_iter().rfind(|line| line["kind"] == "train").unwrap();
        assert!(last["exact_forward_kl"].as_f64().unwrap() > 0.8, "{last}");
        let played: Value =
            serde_json::from_str(&room.ok(&["evaluate", "a", "--json", "--episodes=3"])).unwrap();
        assert_eq!(played["returns"].as_array().unwrap().len(), 3);
    }
}

#[test]
fn a_printed_configuration_gives_the_same_run() {
    let room = Room::new();
    let more = ["--objective=forward-kl-marginal", "--state-weights=twisted"];
    let printed = room.ok(&[&["train", "--print-config"], TINY, &more].concat());
    assert!(!printed.contains("buffer") && !printed.contains("mpo"), "{printed}");
    room.write("run.toml", &printed);
    let first = train(&room, &[&["--out=a"], &more[..]].concat());
    let again: Value =
        serde_json::from_str(&room.ok(&["train", "--config=run.toml", "--out=b", "--json"]))
            .unwrap();
    assert_eq!(first["parameters_blake3"], again["parameters_blake3"]);
    let started = train(&room, &[&["--out=c", "--init-from=a"], &more[..]].concat());
    assert_ne!(started["parameters_blake3"], first["parameters_blake3"]);
}

#[test]
fn combinations_without_sense_are_refused_with_the_reason() {
    let cases: &[(&[&str], &str)] = &[
        (&["--objective=forward-kl-trajectory", "--trajectories=1"], "expected gradient is zero"),
        (&["--objective=v-mpo", "--trajectories=-3"], "trajectories = -3: at least 1"),
        (&["--objective=v-mpo", "--buffer=100"], "buffer = 100: without effect with v-mpo"),
        (&["--objective=v-mpo", "--samples=4"], "samples = 4: without effect"),
        (&["--objective=v-mpo", "--log-std-min=-3"], "without effect with v-mpo on CartPole-v1"),
        (&["--objective=forward-kl-trajectory", "--gamma=0.9"], "gamma = 0.9: without effect"),
        (&["--objective=reverse-kl-trajectory", "--gamma=0.9"], "gamma = 0.9: without effect"),
        (
            &["--objective=reverse-kl-reward-to-go", "--baseline=none", "--value-updates=3"],
            "value_updates = 3: without effect",
        ),
        (
            &["--objective=forward-kl-trajectory", "--values=learned"],
            "values = \"learned\": without",
        ),
        (
            &["--objective=v-mpo", "--temperature=0.1", "--temperature-learning-rate=0.1"],
            "temperature_learning_rate = 0.1: only with temperature = \"auto\"",
        ),
        (
            &["--objective=reverse-kl-marginal", "--state-weights=twisted"],
            "reverse KL's states are the policy's own",
        ),
        (
            &["--objective=forward-kl-marginal", "--state-weights=twisty"],
            "uniform, full-trajectory, twisted or particle-smoothing (did you mean twisted?)",
        ),
        (&["--objective=forward-kl-marginal", "--values=exact"], "CartPole-v1 is not tabular"),
        (&["--objective=reverse-kl-trajectory", "--policy-updates=2"], "drew the trajectories"),
        (&["--objective=v-mpp"], "did you mean v-mpo?"),
        (&["--objective=forward-kl"], "trajectories = 4: only with an objective on"),
        (
            &["--objective=v-mpo", "--policy=categorical"],
            "policy = \"categorical\": without effect",
        ),
        (&["--objective=v-mpo", "--default-policy=average"], "without effect with v-mpo"),
        (&["--objective=v-mpo", "--normalise-observations"], "normalise_observations = true: with"),
        (&["--objective=v-mpo", "--target-kl=0.1"], "target_kl = 0.1: without effect with v-mpo"),
        (&["--objective=v-mpo", "--mpo-choice=0.1"], "mpo_choice = 0.1: without effect"),
        (
            &["--env=Pendulum-v1", "--objective=reverse-kl"],
            "trajectories = 4: only with an objective on",
        ),
        (&["--env=tabular:absent.json", "--objective=v-mpo"], "absent.json"),
    ];
    for (arguments, message) in cases {
        let complaint = refused(arguments);
        assert!(complaint.contains(message), "{arguments:?}: {complaint}");
    }
    let process = format!("--env=tabular:{PROCESS}");
    let exact = ["--objective=forward-kl-marginal", "--values=exact", "--value-updates=3"];
    let complaint = refused(&[&[&process[..]], &exact[..]].concat());
    assert!(complaint.contains("value_updates = 3: without effect"), "{complaint}");
    let complaint = refused(&[&process, "--objective=v-mpo", "--target-entropy=0.1"]);
    assert!(complaint.contains("the task brings its own"), "{complaint}");
    let complaint =
        refused(&[&process, "--objective=forward-kl-marginal", "--values=exact", "--gamma=0.9"]);
    assert!(complaint.contains("gamma = 0.9: 1 with values"), "{complaint}");
    let room = Room::new();
    room.write("bad.json", "{\"S\": 1}");
    let complaint =
        room.refused(&["train", "--env=tabular:bad.json", "--objective=reverse-kl-trajectory"]);
    assert!(complaint.contains("bad.json") && complaint.contains("missing field"), "{complaint}");
}

#[test]
fn settings_of_values_are_taken_wherever_values_are_learned() {
    let room = Room::new();
    for objective in [
        &["--objective=reverse-kl-trajectory", "--baseline=value"][..],
        &["--objective=reverse-kl-reward-to-go", "--baseline=value"],
        &["--objective=reverse-kl-marginal"],
        &["--objective=forward-kl-marginal", "--state-weights=full-trajectory"],
        &["--objective=v-mpo"],
    ] {
        let more = ["--gamma=0.9", "--value-updates=3", "--values=learned", "--print-config"];
        let printed = room.ok(&[&["train"], TINY, objective, &more].concat());
        assert!(printed.contains("gamma = 0.9") && printed.contains("value_updates = 3"));
    }
    let fixed = ["--objective=v-mpo", "--temperature=0.1", "--print-config"];
    let printed = room.ok(&[&["train"], TINY, &fixed].concat());
    assert!(!printed.contains("temperature_learning_rate"), "{printed}");
    room.write("fixed.toml", &printed);
    assert_eq!(room.ok(&["train", "--config=fixed.toml", "--print-config"]), printed);
}

#[test]
fn a_process_file_brings_its_temperature_and_a_folder_its_stem() {
    let room = Room::new();
    fs::copy(PROCESS, room.path("walk.json")).unwrap();
    room.ok(&[
        "train",
        "--env=tabular-stationary:walk.json",
        "--objective=v-mpo",
        "--steps=200",
        "--quiet",
    ]);
    let run = "runs/tabular-stationary-walk-v-mpo-seed0";
    let text = fs::read_to_string(room.path(run).join("run.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    assert_eq!(table["temperature"].as_float(), Some(0.5));
    assert_eq!(table["gamma"].as_float(), Some(1.0));
    assert!(table["versions"].get("mujoco").is_none());
    assert!(room.ok(&["evaluate", run]).contains("tabular-stationary:walk.json"));
}

#[test]
fn a_printed_configuration_serves_another_process() {
    let room = Room::new();
    let text = fs::read_to_string(PROCESS).unwrap();
    room.write("one.json", &text);
    room.write("other.json", &format!("{text}\n"));
    let marginal = "--objective=reverse-kl-marginal";
    let printed = room.ok(&["train", "--env=tabular:one.json", marginal, "--print-config"]);
    room.write("c.toml", &printed);
    let other = ["train", "--config=c.toml", "--env=tabular:other.json", "--print-config"];
    assert_eq!(room.ok(&other), printed.replace("one.json", "other.json"));
}

#[test]
fn a_run_whose_trajectories_may_not_fit_says_so() {
    let room = Room::new();
    let noted = |env: &str, trajectories: &str, more: &[&str]| {
        let run = format!("--out={env}-{trajectories}-{}", more.len());
        let head = ["train", env, trajectories, &run, "--objective=v-mpo", "--steps=1000"];
        let small = ["--hidden=4", "--evaluation-episodes=1"];
        let output = room.rlai(&[&head[..], &small, more].concat());
        assert!(output.status.success(), "{}", common::complaint(&output));
        common::complaint(&output).contains("of up to 200 steps each may not end within")
    };
    assert!(noted("--env=Pendulum-v1", "--trajectories=16", &[]));
    assert!(!noted("--env=Pendulum-v1", "--trajectories=16", &["--quiet"]));
    assert!(!noted("--env=Pendulum-v1", "--trajectories=5", &[]));
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_the_networks_and_says_so() {
    let room = Room::new();
    let long = ["--objective=v-mpo", "--steps=30000000", "--out=run", "--json"];
    let mut command = room.command(&[&["train"], TINY, &long].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let metrics = room.path("run/attempt-1/metrics.jsonl");
    common::wait_until(|| fs::metadata(&metrics).is_ok_and(|file| file.len() > 0));
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(75));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["status"], "stopped");
    let played = room.ok(&["evaluate", "run", "--json", "--episodes=1"]);
    let played: Value = serde_json::from_str(&played).unwrap();
    assert_eq!(played["step"], printed["steps"]);
}
