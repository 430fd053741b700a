//! `rlai plot`: what runs have written, as curves.

mod common;

use std::fs;

use common::{Room, complaint};
use serde_json::Value;

const STUDY: &str = "
name = \"tiny\"
seeds = 3
[base]
env = \"Pendulum-v1\"
steps = 300
learning_starts = 100
hidden = [8]
batch = 8
evaluate_every = 100
evaluation_episodes = 1
log_every = 100
[[variant]]
name = \"reverse\"
label = \"reverse KL\"
[[variant]]
name = \"forward\"
objective = \"forward-kl\"
samples = 4
";

fn curves(room: &Room, arguments: &[&str]) -> Value {
    let text = room.ok(&[&["plot", "--json"], arguments].concat());
    serde_json::from_str(&text).unwrap()
}

fn evaluations(room: &Room, run: &str) -> Vec<f64> {
    let result = room.json(&format!("{run}/result.json"));
    let points = result["evaluations"].as_array().unwrap();
    points.iter().map(|point| point["return_mean"].as_f64().unwrap()).collect()
}

fn column(curve: &Value, name: &str) -> Vec<f64> {
    let points = curve["points"].as_array().unwrap();
    points.iter().map(|point| point[name].as_f64().unwrap()).collect()
}

#[test]
fn a_run_is_a_curve_in_the_terminal() {
    let room = Room::new();
    room.train(&["--out=one"]);
    room.train(&["--out=two", "--seed=1"]);
    let text = room.ok(&["plot", "one"]);
    assert!(text.contains("return_mean") && text.contains("environment steps"), "{text}");
    let dots = |text: &str| text.chars().filter(|c| ('\u{2801}'..='\u{28ff}').contains(c)).count();
    assert!(dots(&text) > 10 && !text.contains('\x1b'), "{text}");
    let last = evaluations(&room, "one")[1];
    assert!(text.contains(&format!("one  {last:.1}")) || text.contains(&format!("one  {last:.0}")));

    let wide = |columns: &str| {
        let mut command = room.command(&["plot", "one", "two", "--field=q"]);
        let output = command.env("COLUMNS", columns).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| line.chars().count()).max().unwrap()
    };
    assert!(wide("60") <= 60 && wide("120") > 100 && wide("nonsense") <= 80);

    let coloured = |variables: &[(&str, &str)]| {
        let mut command = room.command(&["plot", "one", "two"]);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")]));
    assert!(!coloured(&[]));
}

#[test]
fn a_study_is_a_curve_a_variant() {
    let room = Room::new();
    room.write("s.toml", STUDY);
    room.ok(&["study", "run", "s.toml"]);
    let report = curves(&room, &["runs/tiny"]);
    let found = report["curves"].as_array().unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!((&found[0]["label"], &found[1]["label"]), (&"reverse KL".into(), &"forward".into()));
    for (curve, variant) in found.iter().zip(["reverse", "forward"]) {
        let seeds: Vec<Vec<f64>> =
            (0..3).map(|k| evaluations(&room, &format!("runs/tiny/{variant}/seed{k}"))).collect();
        assert_eq!((&curve["runs"], &curve["interval"]), (&3.into(), &"bootstrap95".into()));
        assert_eq!(column(curve, "step"), [100.0, 200.0, 300.0]);
        for (i, mean) in column(curve, "y").into_iter().enumerate() {
            let expected = seeds.iter().map(|seed| seed[i]).sum::<f64>() / 3.0;
            assert!((mean - expected).abs() < 1e-9 * expected.abs());
        }
        let (low, high) = (column(curve, "low"), column(curve, "high"));
        assert!(low.iter().zip(&high).all(|(low, high)| low < high));
    }
    // Over time every seed has its own points: the mean of their times is where they are drawn.
    let over_time = curves(&room, &["runs/tiny", "--x=time_seconds"]);
    let x = column(&over_time["curves"][0], "x");
    assert!(x.windows(2).all(|pair| pair[0] < pair[1]) && x[2] < 60.0);
    assert_eq!(column(&over_time["curves"][0], "y"), column(&found[0], "y"));

    room.ok(&["plot", "runs/tiny", "--out=c.svg", "--smooth=0.5", "--title=Of all"]);
    let svg = fs::read_to_string(room.path("c.svg")).unwrap();
    for text in ["Of all", "reverse KL", "forward", "environment steps", "95% confidence"] {
        assert!(svg.contains(text), "{text}");
    }
    room.ok(&["plot", "runs/tiny", "--field=critic_loss", "--out=c.png"]);
    assert!(fs::read(room.path("c.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn a_run_that_has_just_begun_cuts_no_other() {
    let room = Room::new();
    room.write("s.toml", STUDY);
    room.ok(&["study", "run", "s.toml"]);
    let whole = curves(&room, &["runs/tiny"]);
    // As if the third seed were still at its first evaluation.
    let third = room.path("runs/tiny/reverse/seed2");
    fs::remove_file(third.join("result.json")).unwrap();
    let metrics = fs::read_to_string(third.join("metrics.jsonl")).unwrap();
    let first = metrics
        .lines()
        .take_while(|line| !line.contains("\"step\":200"))
        .fold(String::new(), |text, line| text + line + "\n");
    fs::write(third.join("metrics.jsonl"), first).unwrap();
    let report = curves(&room, &["runs/tiny"]);
    let (now, before) = (&report["curves"][0], &whole["curves"][0]);
    assert_eq!((&now["runs"], &now["unfinished"]), (&2.into(), &1.into()));
    assert_eq!(column(now, "step"), column(before, "step"));
    assert_ne!(column(now, "y"), column(before, "y"));
    assert_eq!(report["curves"][1], whole["curves"][1]);
    let told = String::from_utf8(room.command(&["plot", "runs/tiny"]).output().unwrap().stdout);
    assert!(told.unwrap().contains("2 finished, 1 not and in no mean"));
    room.ok(&["plot", "runs/tiny", "--out=c.svg"]);
    assert!(fs::read_to_string(room.path("c.svg")).unwrap().contains("1 of them not finished"));
}

#[test]
fn smoothing_is_the_exponential_average_of_reports() {
    let room = Room::new();
    room.train(&["--out=one"]);
    let plain = column(&curves(&room, &["one"])["curves"][0], "y");
    assert_eq!(plain, evaluations(&room, "one"));
    let smooth = column(&curves(&room, &["one", "--smooth=0.75"])["curves"][0], "y");
    assert_eq!(smooth[0], plain[0]);
    let mut average = plain[0];
    for (&x, &drawn) in plain.iter().zip(&smooth) {
        average = 0.75 * average + 0.25 * x;
        assert!((drawn - average).abs() < 1e-9 * average.abs());
    }
    // Reports smooth alike: one definition.
    let curve = rlai_stats::Curve::new((0..plain.len()).map(|i| i as f64).collect(), plain);
    assert_eq!(curve.unwrap().smoothed(0.75).unwrap().values(), smooth);
}

#[test]
fn bad_input_is_told_and_changes_nothing() {
    let room = Room::new();
    room.train(&["--out=run", "--objective=mpo"]);
    room.train(&["--out=other"]);
    fs::create_dir(room.path("empty")).unwrap();
    for (arguments, told) in [
        (["run", "--field=entorpy"], "no such number (did you mean entropy?); there are "),
        (["run", "--field=alpha"], "it holds no number, only null"),
        (["run", "--smooth=1"], "smooth = 1: from 0 to below 1"),
        (["run", "--smooth=nan"], "smooth = NaN: from 0 to below 1"),
        (["run", "--x=steps"], "possible values: step, time_seconds"),
        (["run", "--out=run/run.toml"], "a file that ends in .svg or .png"),
        (["empty", "--smooth=0"], "neither a run (run.toml) nor a study"),
    ] {
        let complaint = room.refused(&[&["plot"], &arguments[..]].concat());
        assert!(complaint.contains(told), "{arguments:?}: {complaint}");
    }
    // What only some have is drawn, and of the others it is told.
    let output = room.rlai(&["plot", "run", "other", "--field=eta"]);
    assert!(output.status.success());
    assert!(complaint(&output).contains("note: other has no eta"), "{}", complaint(&output));
}
