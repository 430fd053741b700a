//! Bad input: one clear error, exit code 2, nothing created and nothing changed.

mod common;

use common::Room;

fn refused(arguments: &[&str]) -> String {
    Room::new().refused(&[&["train"], arguments].concat())
}

fn refused_on_pendulum(arguments: &[&str]) -> String {
    refused(&[&["--env", "Pendulum-v1"], arguments].concat())
}

#[test]
fn unknown_names_come_with_the_nearest() {
    assert!(refused(&["--env", "HalfCheeta-v5"]).contains("did you mean HalfCheetah-v5?"));
    assert!(refused(&["--env", "pendulum"]).contains("did you mean Pendulum-v1?"));
    let objective = refused_on_pendulum(&["--objective", "forwrad-kl"]);
    assert!(
        objective
            .contains("reverse-kl-score, reverse-kl-branches, reverse-kl-all-actions, forward-kl"),
        "{objective}"
    );
    assert!(objective.contains("did you mean forward-kl?"), "{objective}");
    assert!(refused(&[]).contains("`rlai env list`"));
}

#[test]
fn numbers_are_refused_by_name_value_and_what_is_allowed() {
    let cases: &[(&[&str], &str)] = &[
        (&["--steps", "0"], "steps = 0: at least 1"),
        (&["--steps", "-5"], "steps = -5: at least 1"),
        (&["--samples", "0"], "samples = 0: at least 1"),
        (&["--objective", "forward-kl", "--samples", "1"], "samples = 1: at least 2"),
        (&["--learning-rate", "-3e-4"], "learning_rate = -0.0003: a positive number"),
        (&["--policy-learning-rate", "-1"], "policy_learning_rate = -1"),
        (&["--temperature-learning-rate", "nan"], "temperature_learning_rate = NaN"),
        (&["--seed", "-1"], "seed = -1: at least 0"),
        (&["--learning-starts", "-1"], "learning_starts = -1: at least 0"),
        (&["--buffer", "0"], "buffer = 0"),
        (&["--threads", "3"], "threads = 3: 1 or 2"),
        (&["--hidden", "32,-8"], "hidden = -8"),
        (&["--gamma", "1.5"], "gamma = 1.5: from 0 to 1"),
        (&["--temperature", "hot"], "temperature = \"hot\": \"auto\" or a number"),
        (&["--temperature", "-0.2"], "temperature = -0.2"),
        (&["--max-gradient-norm", "-1"], "max_gradient_norm = -1"),
        (&["--critic-target", "sofd"], "soft, classic or soft-optimal (did you mean soft?)"),
        (&["--control-variate"], "control_variate = true: only with objective"),
        (
            &["--temperature=0.2", "--temperature-learning-rate=1e-3"],
            "temperature_learning_rate = 0.001: only with temperature = \"auto\"",
        ),
        (&["--temperature=0.2", "--target-entropy=-1"], "target_entropy = -1: only with"),
        (&["--steps", "many"], "--steps"),
        (
            &["--steps=200001", "--evaluate-every=1"],
            "evaluate_every = 1: at least 2 with steps = 200001: at most 200,000 evaluations",
        ),
    ];
    for (arguments, message) in cases {
        let complaint = refused_on_pendulum(arguments);
        assert!(complaint.contains(message), "{arguments:?}: {complaint}");
    }
}

#[test]
fn combinations_that_make_no_sense_are_refused_with_the_reason() {
    let cases: &[(&[&str], &str)] = &[
        (
            &["--objective=reverse-kl", "--proposal=shifted"],
            "proposal = \"shifted\": not with objective = \"reverse-kl\", which needs independent \
             samples of the current policy",
        ),
        (
            &["--objective=forward-kl-dreg", "--noise=latin-hypercube"],
            "noise = \"latin-hypercube\": not with objective = \"forward-kl-dreg\"",
        ),
        (
            &["--objective=mpo", "--proposal-uniform=0.1"],
            "which draws its samples from the target policy",
        ),
        (&["--objective=awac", "--proposal-replay"], "which takes its actions from replay"),
        (
            &["--objective=forward-kl", "--samples=2", "--proposal=shifted", "--proposal-replay"],
            "samples = 2: enough that every part of the proposal gets one",
        ),
        (&["--objective=forward-kl", "--proposal-uniform=1"], "proposal_uniform = 1: from 0 to"),
        (&["--objective=forward-kl", "--tempering=0"], "tempering = 0: "),
        (&["--objective=forward-kl", "--tempering=hot"], "tempering = \"hot\": "),
        (
            &["--objective=forward-kl", "--tempering-ess=0.3"],
            "tempering_ess = 0.3: only with tempering = \"ess\"",
        ),
        (
            &["--objective=forward-kl", "--tempering=ess", "--tempering-ess=2"],
            "tempering_ess = 2: a share of the samples",
        ),
        (&["--truncation"], "truncation = true: only with objective = \"forward-kl\""),
        (&["--mixed-share=0.1"], "mixed_share = 0.1: only with objective = mixed-kl"),
        (&["--objective=mixed-kl", "--mixed-share=2"], "mixed_share = 2: from 0 to 1"),
        (&["--divergence-order=0.1"], "divergence_order = 0.1: only with"),
        (&["--advantage-temperature=2"], "only with objective = awac or awr"),
        (
            &["--objective=awr", "--advantage-temperature=0"],
            "advantage_temperature = 0: a positive",
        ),
        (&["--mpo-mean=1"], "mpo_mean = 1: only with objective = mpo"),
        (&["--objective=mpo", "--mpo-scale=-1"], "mpo_scale = -1: a positive number"),
        (&["--target-policy-period=5"], "target_policy_period = 5: only with objective = \"mpo\""),
        (
            &["--objective=mpo", "--target-policy-period=-5"],
            "target_policy_period = -5: at least 1",
        ),
        (
            &["--objective=mpo", "--temperature-learning-rate=1e-3"],
            "temperature_learning_rate = 0.001: without effect: the objective has no temperature",
        ),
        (
            &["--objective=mpo", "--temperature=0.2"],
            "temperature = 0.2: without effect: the objective has no temperature",
        ),
        (&["--objective=forward-kl-dreg", "--samples=1"], "samples = 1: at least 2"),
        (
            &["--critic-target=soft-optimal"],
            "critic_target = \"soft-optimal\": only with at least 2 samples",
        ),
        (&["--objective=awac", "--batch=2"], "batch = 2: at least 4 for awac"),
        (
            &["--objective=forward-kl", "--samples=8", "--tempering=ess", "--tempering-ess=0.125"],
            "tempering_ess = 0.125: a share of the samples",
        ),
        (&["--pareto-k"], "pareto_k = true: only with at least 25 samples"),
        (
            &["--objective=forward-kl-all-actions"],
            "objective = \"forward-kl-all-actions\": lists all actions, and those of tanh-normal",
        ),
    ];
    for (arguments, message) in cases {
        let complaint = refused_on_pendulum(arguments);
        assert!(complaint.contains(message), "{arguments:?}: {complaint}");
    }
}

#[test]
fn a_file_is_refused_with_its_line() {
    let cases = [
        (
            "env = \"Pendulum-v1\"\nstepz = 5\n",
            "c.toml:2:1: unknown key \"stepz\" (did you mean steps?)",
        ),
        ("env = \"Pendulum-v1\"\n\nsteps = \"many\"\n", "c.toml:3:1: steps: "),
        ("env = \"Pendulum-v1\"\nsteps = 0\n", "c.toml:2:1: steps = 0: at least 1"),
        ("env = \"Pendulum-v1\"\ngamma = [\n", "c.toml:"),
        ("env = \"Pendulum-v1\"\nhidden = 3\n", "c.toml:2:1: hidden: "),
        ("env = \"Pendulum\"\n", "c.toml:1:1: env = \"Pendulum\""),
    ];
    for (text, message) in cases {
        let room = Room::new();
        room.write("c.toml", text);
        let complaint = room.refused(&["train", "--config", "c.toml"]);
        assert!(complaint.contains(message), "{text}: {complaint}");
    }
    assert!(refused(&["--config", "absent.toml"]).contains("cannot read absent.toml"));
}

#[test]
fn a_typed_value_is_not_blamed_on_the_file() {
    let room = Room::new();
    room.write("c.toml", "env = \"Pendulum-v1\"\nsteps = 100\n");
    let complaint = room.refused(&["train", "--config", "c.toml", "--steps", "0"]);
    assert_eq!(complaint.trim(), "error: steps = 0: at least 1");
}

#[test]
fn a_folder_that_holds_something_else_stays_as_it_is() {
    let room = Room::new();
    std::fs::create_dir(room.path("out")).unwrap();
    room.write("out/notes.txt", "mine");
    room.write("file", "mine");
    let train = ["train", "--env", "Pendulum-v1", "--out"];
    let complaint = room.refused(&[&train[..], &["out"]].concat());
    assert!(complaint.contains("out = \"out\": the folder holds something that is not a run"));
    room.refused(&[&train[..], &["file"]].concat());
}

#[test]
fn networks_that_are_not_there_or_do_not_fit_are_refused() {
    let complaint = refused_on_pendulum(&["--init-from", "nowhere"]);
    assert!(complaint.contains("init_from = \"nowhere\""), "{complaint}");
    let room = Room::new();
    room.train(&["--out=small"]);
    let complaint = room.refused(&["train", "--env=Pendulum-v1", "--init-from=small"]);
    assert!(complaint.contains("init_from = \"small\""), "{complaint}");
    assert!(room.refused(&["evaluate", "nowhere"]).contains("nowhere"));
    assert!(room.refused(&["evaluate", "small", "--episodes", "0"]).contains("episodes = 0"));
    assert!(room.refused(&["evaluate", "small", "--seed", "-1"]).contains("seed = -1"));
}

#[cfg(unix)]
#[test]
fn a_path_that_is_no_text_is_refused() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let room = Room::new();
    let mut command = room.command(&["train", "--env=Pendulum-v1", "--out"]);
    let output = command.arg(OsStr::from_bytes(b"run\xff")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(common::complaint(&output).contains("valid UTF-8"));
    assert!(common::listing(&room.path(".")).is_empty());
}
