//! `rlai lab estimators` as people and programs meet it.

mod common;

use std::path::Path;

use common::Room;
use serde_json::Value;

fn measured(room: &Room, arguments: &[&str]) -> Value {
    let printed = room.ok(&[&["lab", "estimators", "--json"], arguments].concat());
    assert_eq!(printed.lines().count(), 1, "one object, nothing else");
    serde_json::from_str(&printed).unwrap()
}

/// All numbers of nested arrays.
fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(flat).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

fn process(room: &Room) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/process.json");
    room.write("process.json", &std::fs::read_to_string(path).unwrap());
}

#[test]
fn json_holds_every_number_of_a_point() {
    let room = Room::new();
    process(&room);
    let exact: Value =
        serde_json::from_str(&room.ok(&["lab", "exact", "process.json", "--json"])).unwrap();
    let report = measured(
        &room,
        &[
            "--mdp=process.json",
            "--estimator=reverse-kl-trajectory,forward-kl",
            "--trajectories=4,8",
            "--samples=8",
            "--repetitions=200",
            "--seed=7",
        ],
    );
    assert_eq!((&report["seed"], &report["repetitions"]), (&7.into(), &200.into()));
    let points = report["points"].as_array().unwrap();
    assert_eq!(points.len(), 4);
    for point in points {
        let estimator = point["estimator"].as_str().unwrap();
        let truth = if estimator == "forward-kl" { "g_fkl" } else { "g_rkl" };
        for (got, want) in flat(&point["exact"]).iter().zip(flat(&exact[truth])) {
            assert!((got - want).abs() < 1e-12, "{estimator}");
        }
        let (mean, bias) = (flat(&point["mean"]), flat(&point["bias"]));
        let errors = flat(&point["standard_error"]);
        assert_eq!((mean.len(), point["mean"].as_array().unwrap().len()), (6, 3));
        for ((mean, bias), exact) in mean.iter().zip(&bias).zip(flat(&point["exact"])) {
            assert!((mean - exact - bias).abs() < 1e-12);
        }
        let number = |key: &str| point[key].as_f64().unwrap();
        let squares: f64 = bias.iter().map(|bias| bias * bias).sum();
        let total = squares + number("variance") * 199.0 / 200.0;
        assert!((number("mean_squared_error") - total).abs() < 1e-9 * total);
        let noise: f64 = errors.iter().map(|error| error * error).sum();
        assert!((noise - number("variance") / 200.0).abs() < 1e-9 * noise);
        for cosine in ["cosine", "mean_cosine"] {
            assert!((-1.0..=1.0 + 1e-12).contains(&number(cosine)));
        }
        assert!(number("seconds") > 0.0 && number("effective_sample_size") >= 1.0);
        assert_eq!(point["repetitions"], 200);
        assert_eq!(point["horizon"], 4);
        assert_eq!(point.get("samples").is_some(), estimator == "forward-kl");
        assert_eq!(point.get("baseline").is_some(), estimator != "forward-kl");
        let fair = estimator == "reverse-kl-trajectory";
        let within = bias.iter().zip(&errors).all(|(bias, error)| bias.abs() < 5.0 * error);
        assert!(!fair || within, "unbiased: {point}");
    }
}

#[test]
fn the_quadratic_problem_has_rows_for_mean_and_log_std() {
    let room = Room::new();
    let report = measured(
        &room,
        &[
            "--problem=quadratic",
            "--dimension=3",
            "--target-mean=-0.5",
            "--target-width=0.5,1",
            "--estimator=forward-kl,reverse-kl",
            "--repetitions=50",
        ],
    );
    let points = report["points"].as_array().unwrap();
    assert_eq!(points.len(), 4);
    assert_eq!(flat(&points[0]["exact"]), [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
    assert_eq!(flat(&points[1]["exact"]), [2.0, 2.0, 2.0, 3.0, 3.0, 3.0]);
    assert_eq!(points[0]["proposal"], "policy");
    assert!(points[1].get("proposal").is_none());
}

/// Whoever has a use for it has it in the report, and no point is there twice.
#[test]
fn control_variates_are_recorded_and_points_are_distinct() {
    let room = Room::new();
    let arguments = [
        "--random=1",
        "--estimator=forward-kl,jensen-shannon,alpha-divergence,mixed-kl,forward-kl",
        "--control-variate=false,true,false",
        "--samples=4,4",
        "--repetitions=2",
    ];
    let report = measured(&room, &arguments);
    let points = report["points"].as_array().unwrap();
    let told = |name: &str| -> Vec<Option<bool>> {
        let mine = points.iter().filter(|point| point["estimator"] == name);
        mine.map(|point| point["control_variate"].as_bool()).collect()
    };
    for name in ["forward-kl", "jensen-shannon", "alpha-divergence"] {
        assert_eq!(told(name), [Some(false), Some(true)], "{name}");
    }
    assert_eq!(told("mixed-kl"), [None]);
    assert_eq!(points.len(), 7);
}

#[test]
fn a_folder_without_figures_is_told_as_such() {
    let room = Room::new();
    let told = |more: &[&str]| {
        let common = ["lab", "estimators", "--random=1", "--repetitions=2", "--out=made"];
        let output = room.rlai(&[&common, more].concat());
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(told(&[]), "points, nothing to draw: made\n");
    assert_eq!(told(&["--trajectories=2,4"]), "points and figures: made\n");
}

/// But for the time, numbers depend on the seed alone.
#[test]
fn threads_change_no_number() {
    let room = Room::new();
    let run = |more: &[&str]| {
        let all = ["--random=3", "--estimator=all", "--samples=4", "--repetitions=60"];
        let mut report = measured(&room, &[&all, more].concat());
        for point in report["points"].as_array_mut().unwrap() {
            point["seconds"] = Value::Null;
        }
        report
    };
    let one = run(&["--threads=1"]);
    assert_eq!(one["points"].as_array().unwrap().len(), 13);
    assert_eq!(one, run(&["--threads=3"]));
    assert_ne!(one["points"], run(&["--seed=1"])["points"]);
}

/// A point does not depend on what else is measured.
#[test]
fn more_estimators_and_sizes_change_nothing() {
    let room = Room::new();
    let common = ["--random=3", "--repetitions=40", "--trajectories=4"];
    let alone = measured(&room, &[&common[..], &["--estimator=forward-kl-trajectory"]].concat());
    let more = ["--estimator=forward-kl,forward-kl-trajectory", "--samples=2,4", "--horizon=4,6"];
    let among = measured(&room, &[&common[..], &more].concat());
    let same = among["points"]
        .as_array()
        .unwrap()
        .iter()
        .find(|point| point["estimator"] == "forward-kl-trajectory" && point["horizon"] == 4);
    assert_eq!(same.unwrap()["mean"], alone["points"][0]["mean"]);
}

#[test]
fn a_folder_gets_points_and_figures() {
    let room = Room::new();
    let arguments = [
        "--random=1",
        "--estimator=forward-kl-trajectory,reverse-kl-trajectory",
        "--trajectories=2,8",
        "--horizon=2,3",
        "--repetitions=50",
        "--show=relative-error,effective-sample-size",
        "--out=made",
        "--title=A title",
    ];
    let text = room.ok(&[&["lab", "estimators"], &arguments[..]].concat());
    assert!(text.contains("forward-kl-trajectory") && text.contains("cosine"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
    let csv = std::fs::read_to_string(room.path("made/points.csv")).unwrap();
    assert!(csv.starts_with("estimator,horizon,trajectories,"), "{csv}");
    assert_eq!(csv.lines().count(), 9);
    let columns = |line: &str| line.split(',').count();
    assert!(csv.lines().all(|line| columns(line) == columns(csv.lines().next().unwrap())));
    for quantity in ["relative-error", "effective-sample-size"] {
        for axis in ["trajectories", "horizon", "time"] {
            let svg = std::fs::read_to_string(room.path(&format!("made/{quantity}-by-{axis}.svg")));
            assert!(svg.unwrap().contains("A title"));
            let png = std::fs::read(room.path(&format!("made/{quantity}-by-{axis}.png"))).unwrap();
            assert!(png.starts_with(b"\x89PNG"));
        }
    }
}

#[test]
fn what_cannot_be_measured_is_refused_and_nothing_is_created() {
    let cases = [
        (&["--samples=4"][..], "exactly one of --mdp, --random and --problem"),
        (&["--random=1", "--problem=quadratic"], "exactly one of"),
        (&["--problem=cubic"], "--problem = cubic: quadratic"),
        (&["--mdp=absent.json"], "cannot read absent.json"),
        (&["--random=1", "--estimator=forward-kll"], "did you mean forward-kl?"),
        (&["--random=1", "--estimator=reverse-kl"], "are choices, which have no gradient"),
        (&["--problem=quadratic", "--estimator=forward-kl-exact"], "takes a decision process"),
        (&["--random=1", "--estimator=forward-kl", "--samples=1"], "a single sample is always 1"),
        (
            &["--random=1", "--estimator=forward-kl-trajectory", "--trajectories=1"],
            "a single trajectory is always 1",
        ),
        (&["--random=1", "--estimator=mixed-kl", "--samples=1"], "the mean of the other samples"),
        (&["--random=1", "--estimator=forward-kl", "--samples=4,0"], "--samples = 0: at least 1"),
        (
            &["--random=1", "--estimator=forward-kl-trajectory", "--samples=4"],
            "--samples: none of these estimators",
        ),
        (&["--random=1", "--tempering-ess=0.5"], "--tempering-ess: none of these"),
        (&["--random=1", "--tempering=2"], "--tempering = 2: none, alpha, ess, or a power"),
        (&["--random=1", "--state-weights=twist"], "did you mean twisted?"),
        (&["--random=1", "--horizon=0"], "--horizon = 0"),
        (&["--random=1", "--states=100000"], "--states = 100000: from 1 to 1000"),
        (&["--random=1", "--samples=99999999999"], "at most 10000000 in one gradient"),
        (&["--random=1", "--repetitions=1"], "--repetitions = 1: from 2 to"),
        (&["--random=1", "--threads=0"], "--threads = 0: at least 1"),
        (&["--random=-1"], "--random"),
        (&["--random=1", "--allow-degenerate"], "--allow-degenerate: none of these estimators"),
        (
            &["--random=1", "--baseline=none,value", "--show=variance"],
            "--show and --title are for figures, which need an axis",
        ),
        (&["--random=1", "--samples=4,4", "--title=A"], "two values for one of --samples"),
        (
            &["--problem=quadratic", "--estimator=jensen-shannon", "--dimension=2,1000"],
            "--dimension = 1000: jensen-shannon's exact gradient is lost in rounding",
        ),
        (&["--random=1", "--show=error"], "--show = error: relative-error"),
        (&["--problem=quadratic", "--dimension=0"], "--dimension = 0: from 1 to 1000"),
        (&["--problem=quadratic", "--target-width=nan"], "--target-width = NaN"),
        (
            &["--problem=quadratic", "--estimator=forward-kl-dreg", "--proposal=shifted"],
            "--proposal = shifted: forward-kl-dreg needs independent draws of the policy",
        ),
        (
            &["--problem=quadratic", "--estimator=forward-kl", "--proposal=target-policy"],
            "meets no older policy",
        ),
        (
            &["--problem=quadratic", "--estimator=alpha-divergence", "--divergence-order=2"],
            "--divergence-order = 2: from 0 to 1",
        ),
    ];
    for (arguments, message) in cases {
        let room = Room::new();
        for out in [&["--out=made"][..], &["--out=made", "--json"]] {
            let complaint = room.refused(&[&["lab", "estimators"], arguments, out].concat());
            assert!(complaint.contains(message), "{arguments:?}: {complaint}");
        }
    }
    let complaint = Room::new().refused(&["lab", "estimators", "--random=1", "--title=A"]);
    assert!(complaint.contains("they need --out"), "{complaint}");
}

/// It must be possible to see that forward KL with one sample says nothing.
#[test]
fn a_single_sample_is_shown_on_request() {
    let room = Room::new();
    let report = measured(
        &room,
        &[
            "--random=1",
            "--estimator=forward-kl",
            "--samples=1",
            "--allow-degenerate",
            "--repetitions=2000",
        ],
    );
    let point = &report["points"][0];
    for (mean, error) in flat(&point["mean"]).iter().zip(flat(&point["standard_error"])) {
        assert!(mean.abs() < 5.0 * error, "{mean} {error}");
    }
    let size = |key: &str| flat(&point[key]).iter().map(|x| x * x).sum::<f64>().sqrt();
    assert!(size("bias") > 0.9 * size("exact"), "all of the gradient is missing");
}
