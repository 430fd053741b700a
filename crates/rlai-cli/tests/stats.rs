//! `rlai stats`: algorithms compared by their runs in a file.

mod common;

use common::Room;
use serde_json::Value;

const SCORES: &str = "\
algorithm,task,seed,score
sac,Hopper-v5,0,10
sac,Hopper-v5,1,12
sac,Hopper-v5,2,11
sac,Hopper-v5,3,13
sac,Hopper-v5,4,9
sac,Ant-v5,0,100
sac,Ant-v5,1,110
sac,Ant-v5,2,90
sac,Ant-v5,3,105
new,Hopper-v5,0,14
new,Hopper-v5,1,15
new,Hopper-v5,2,16
new,Hopper-v5,3,13
new,Hopper-v5,4,17
new,Ant-v5,0,120
new,Ant-v5,1,130
new,Ant-v5,2,115
new,Ant-v5,3,95
";

/// Straight lines to 100: a run of `rate` is at rate * step / 100.
fn curves(runs: &[(&str, u32, f64)]) -> String {
    let mut text = String::from("variant,env,seed,step,return\n");
    for (name, seed, rate) in runs {
        for step in [0, 100, 200, 300, 400] {
            let value = rate * f64::from(step) / 100.0;
            text.push_str(&format!("{name},line,{seed},{step},{value}\n"));
        }
    }
    text
}

fn room(text: &str) -> Room {
    let room = Room::new();
    room.write("runs.csv", text);
    room
}

fn json(room: &Room, more: &[&str]) -> Value {
    let arguments = [&["stats", "runs.csv", "--json", "--repetitions=2000"], more].concat();
    serde_json::from_str(&room.ok(&arguments)).unwrap()
}

fn close(value: &Value, expected: f64) {
    let value = value.as_f64().unwrap();
    assert!((value - expected).abs() < 1e-9, "{value}, not {expected}");
}

#[test]
fn aggregates_pairs_and_tests_are_those_worked_out_by_hand() {
    let report = json(&room(SCORES), &[]);
    assert_eq!(report["algorithms"], serde_json::json!(["sac", "new"]));
    assert_eq!(report["runs"], serde_json::json!([4, 5]));
    let (sac, new) = (&report["aggregates"][0], &report["aggregates"][1]);
    close(&sac["mean"]["value"], (11.0 + 101.25) / 2.0);
    close(&new["median"]["value"], (15.0 + 115.0) / 2.0);
    assert!(sac["optimality_gap"].is_null(), "of normalised scores alone");
    let pair = &report["pairs"][0];
    assert_eq!((&pair["x"], &pair["y"]), (&"new".into(), &"sac".into()));
    // On Hopper 24.5 of 25 (13 is a tie), on Ant 13 of 16: only 95 loses, to 100, 110 and 105.
    close(&pair["probability_of_improvement"]["value"], (24.5 / 25.0 + 13.0 / 16.0) / 2.0);
    let hopper = &pair["welch"][0];
    // Both variances are 2.5, so that t is 4 / sqrt(2.5 / 5 + 2.5 / 5), with 8 degrees of freedom.
    close(&hopper["t"], 4.0);
    close(&hopper["degrees"], 8.0);
    close(&hopper["difference"]["value"], 4.0);
    assert!((hopper["p"].as_f64().unwrap() - 0.003_95).abs() < 5e-6);
    let answer = pair["answer"].as_str().unwrap();
    assert!(answer.starts_with("new is better than sac"), "{answer}");
    assert!(answer.contains("(exact permutation test, p = "), "{answer}");
    assert!(pair["exact"] == true && pair["p"].as_f64().unwrap() < 0.01);
}

#[test]
fn a_seed_gives_the_same_report_and_another_one_other_intervals() {
    let room = room(SCORES);
    let one = json(&room, &["--seed=3"]);
    assert_eq!(json(&room, &["--seed=3"]), one);
    let other = json(&room, &["--seed=4"]);
    assert_eq!(other["aggregates"][0]["mean"]["value"], one["aggregates"][0]["mean"]["value"]);
    assert_ne!(other["aggregates"][0]["mean"], one["aggregates"][0]["mean"]);
    let of =
        |interval: &str| json(&room, &["--interval", interval])["aggregates"][0]["mean"].clone();
    let (percentile, basic) = (of("percentile"), of("basic"));
    let value = percentile["value"].as_f64().unwrap();
    close(&basic["low"], 2.0 * value - percentile["high"].as_f64().unwrap());
    assert_ne!(of("bca"), of("bc"));
    let wide = json(&room, &["--level=0.99"])["aggregates"][0]["mean"].clone();
    assert!(wide["low"].as_f64().unwrap() < percentile["low"].as_f64().unwrap());
}

#[test]
fn references_make_tasks_comparable() {
    let room = room(SCORES);
    room.write(
        "references.csv",
        "task,low,high\nAnt-v5,0,200\nWalker2d-v5,0,1\nHopper-v5,-10,30\n",
    );
    let report = json(&room, &["--normalise=references.csv"]);
    let sac = &report["aggregates"][0];
    close(&sac["mean"]["value"], ((11.0 + 10.0) / 40.0 + 101.25 / 200.0) / 2.0);
    close(&sac["optimality_gap"]["value"], 1.0 - sac["mean"]["value"].as_f64().unwrap());
    let by_range = json(&room, &["--normalise=min-max"]);
    close(&by_range["aggregates"][1]["mean"]["value"], (6.0 / 8.0 + 25.0 / 40.0) / 2.0);
    let text = room.ok(&["stats", "runs.csv", "--normalise=min-max", "--repetitions=200"]);
    assert!(text.contains("normalised by min-max") && text.contains("optimality gap"), "{text}");
    let of_these_runs = "min-max takes its references from these very runs:";
    assert!(text.contains(of_these_runs), "{text}");
    let text = room.ok(&["stats", "runs.csv", "--normalise=references.csv", "--repetitions=200"]);
    assert!(!text.contains(of_these_runs), "{text}");
}

#[test]
fn lines_are_compared_by_area_and_by_steps() {
    let runs: Vec<_> = (0..5)
        .flat_map(|seed| {
            [("slow", seed, 10.0 + f64::from(seed)), ("fast", seed, 20.0 + 2.0 * f64::from(seed))]
        })
        .collect();
    let room = room(&curves(&runs));
    let report = json(&room, &["--threshold=12,200"]);
    // The mean over 400 steps of a line is half of its end.
    close(&report["aggregates"][0]["mean"]["value"], 24.0);
    close(&json(&room, &["--score=last"])["aggregates"][0]["mean"]["value"], 48.0);
    let reached = &report["thresholds"][0];
    close(&reached["baseline_steps"]["median"], 100.0);
    close(&reached["ratio"]["value"], 2.0);
    close(&reached["fewer_steps"]["value"], 0.5);
    assert_eq!(reached["ratio"]["beyond_null"], true);
    let never = &report["thresholds"][1];
    assert!(never["baseline_steps"]["median"].is_null() && never["ratio"]["value"].is_null());
    assert_eq!(never["candidate_steps"]["reached"], 0);
    let gain = &report["returns"][0];
    close(&gain["step"], 400.0);
    close(&gain["ratio"]["value"], 2.0);
    // By default 25, 50, 75 and 95% of the baseline's way from 0 to 48.
    let usual = json(&room, &[]);
    let grid: Vec<f64> =
        (0..4).map(|i| usual["thresholds"][i]["threshold"].as_f64().unwrap()).collect();
    for (threshold, share) in grid.iter().zip([0.25, 0.5, 0.75, 0.95]) {
        assert!((threshold - 48.0 * share).abs() < 1e-9);
    }
    let turned = json(&room, &["--baseline=fast", "--threshold=12"]);
    assert_eq!(turned["algorithms"], serde_json::json!(["fast", "slow"]));
    close(&turned["thresholds"][0]["ratio"]["value"], 0.5);
    // Only the fast ones get to 60, at step 250; that the others were stopped at 400 is no certainty.
    let one = &json(&room, &["--threshold=60"])["thresholds"][0];
    assert!(one["ratio"]["value"].is_null() && one["ratio"]["below"].is_null(), "{one}");
    close(&one["ratio"]["above"], 1.6);
    close(&one["fewer_steps"]["above"], 0.375);
    assert!(one["ratio"]["low"].is_null() && one["ratio"]["beyond_null"] == false, "{one}");
    let turned = &json(&room, &["--baseline=fast", "--threshold=60"])["thresholds"][0];
    close(&turned["ratio"]["below"], 0.625);
    close(&turned["fewer_steps"]["below"], -0.6);
    let text = room.ok(&["stats", "runs.csv", "--threshold=60", "--repetitions=200"]);
    assert!(text.contains(">1.600 -") && text.contains(">0.375 -"), "{text}");
    let text = room.ok(&["stats", "runs.csv", "--threshold=12,200", "--repetitions=200"]);
    assert!(text.contains("never (0 of 5)") && text.contains("fast is better than slow"), "{text}");
}

/// Curves of 400 steps against one of 200: nobody knows who would have been where afterwards.
#[test]
fn curves_are_cut_where_the_shortest_one_ends() {
    let rates = [10.0, 11.0, 12.0];
    let runs: Vec<_> = (0..3)
        .flat_map(|seed| ["long", "short"].map(|name| (name, seed, rates[seed as usize])))
        .collect();
    let unequal: String = curves(&runs)
        .lines()
        .filter(|line| !(line.starts_with("short") && line.split(',').nth(3) > Some("200")))
        .map(|line| format!("{line}\n"))
        .collect();
    let room = room(&unequal);
    let report = json(&room, &["--threshold=15,30", "--score=last"]);
    for algorithm in report["aggregates"].as_array().unwrap() {
        close(&algorithm["mean"]["value"], 22.0);
    }
    close(&report["thresholds"][0]["ratio"]["value"], 1.0);
    let beyond = &report["thresholds"][1];
    assert_eq!(
        (&beyond["baseline_steps"]["reached"], &beyond["candidate_steps"]["reached"]),
        (&0.into(), &0.into())
    );
    assert!(beyond["ratio"]["value"].is_null() && beyond["ratio"]["beyond_null"] == false);
    // Of the baseline's way up to the common end, not to its own.
    close(&json(&room, &[])["thresholds"][1]["threshold"], 11.0);
}

#[test]
fn few_runs_have_no_intervals_and_no_null_range() {
    let of = |runs: u32| {
        let runs: Vec<_> = (0..runs)
            .flat_map(|seed| {
                let rate = 10.0 + f64::from(seed);
                [("slow", seed, rate), ("fast", seed, 5.0 * rate)]
            })
            .collect();
        room(&curves(&runs))
    };
    for runs in [1, 2] {
        let room = of(runs);
        let report = json(&room, &["--threshold=12"]);
        for key in ["low", "high"] {
            assert!(report["aggregates"][0]["mean"][key].is_null(), "{runs}");
            assert!(report["pairs"][0]["probability_of_improvement"][key].is_null());
        }
        for ratio in [&report["thresholds"][0]["ratio"], &report["returns"][0]["ratio"]] {
            close(&ratio["value"], 5.0);
            for key in ["low", "high", "null_low", "null_high"] {
                assert!(ratio[key].is_null(), "{runs}: {key}");
            }
            assert_eq!(ratio["beyond_null"], false);
        }
        let text = room.ok(&["stats", "runs.csv", "--level=0.995", "--repetitions=200"]);
        assert!(text.contains("99.5% intervals"), "{text}");
        assert!(text.contains("too few for an interval over seeds"), "{text}");
        assert!(text.contains("Too few runs to tell fast from slow"), "{text}");
    }
    let report = json(&of(5), &["--threshold=12"]);
    assert!(report["aggregates"][0]["mean"]["low"].is_number());
    assert!(report["thresholds"][0]["ratio"]["null_high"].is_number());
    assert_eq!(report["thresholds"][0]["ratio"]["beyond_null"], true);
    let better = &report["pairs"][0]["probability_of_improvement"];
    assert!(better["value"] == 1.0 && better["low"].is_null(), "no certainty of five runs");
    close(&report["pairs"][0]["p"], 2.0 / 252.0);
    let text = of(5).ok(&["stats", "runs.csv", "--repetitions=200"]);
    assert!(text.contains("with probability 1.00 (exact permutation test, p = 0.0079)"), "{text}");
    assert!(text.contains("Bootstrap intervals of so few runs are too narrow"), "{text}");
}

#[test]
fn the_curves_of_a_study_are_read_as_they_are() {
    let room = Room::new();
    let study = "name = \"two\"\nseeds = 2\n[base]\nenv = \"Pendulum-v1\"\nsteps = 300\nlearning_starts = 100\n\
                 hidden = [8]\nbatch = 8\nevaluate_every = 100\nevaluation_episodes = 1\n\
                 [[variant]]\nname = \"a\"\n[[variant]]\nname = \"b\"\nobjective = \"forward-kl\"\nsamples = 4\n";
    room.write("two.toml", study);
    room.ok(&["study", "run", "two.toml", "--json"]);
    let arguments = ["stats", "runs/two/learning-curves.csv", "--json", "--repetitions=200"];
    let report: Value = serde_json::from_str(&room.ok(&arguments)).unwrap();
    assert_eq!(report["algorithms"], serde_json::json!(["a", "b"]));
    assert_eq!(report["runs"], serde_json::json!([2, 2]));
    assert!(report["pairs"][0]["answer"].as_str().unwrap().starts_with("Too few runs"));
}

#[test]
fn what_is_wrong_in_a_file_is_told_by_line_column_and_value() {
    const HEAD: &str = "algorithm,task,seed,score\n";
    let cases = [
        ("a,t,0,much\n", "runs.csv: line 2: score = \"much\": a finite number"),
        ("a,t,0,1\na,t,0,1\n", "runs.csv: lines 2 and 3: a on t, seed 0 stands there twice"),
        ("a,t,0,1\nb,u,0,1\n", "runs.csv: a has no run on u: every algorithm on every task"),
        ("a,t,0,1,9\n", "runs.csv: line 2: 5 fields: 4, as in the header"),
        ("", "runs.csv: no runs"),
    ];
    for (lines, complaint) in cases {
        let told = room(&format!("{HEAD}{lines}")).refused(&["stats", "runs.csv"]);
        assert!(told.contains(complaint), "{told}");
    }
    let told = room("algorithm,task,seed,points\n").refused(&["stats", "runs.csv"]);
    assert!(told.contains("line 1: no column score, return or return_mean"), "{told}");
    let told = Room::new().refused(&["stats", "none.csv"]);
    assert!(told.contains("cannot read none.csv"), "{told}");
    let start = room("algorithm,task,seed,step,score\na,t,0,0,1\n").refused(&["stats", "runs.csv"]);
    assert!(start.contains("a curve on t ends at step 0"), "{start}");
}

#[test]
fn flags_are_refused_by_name_value_and_what_is_allowed() {
    let room = room(SCORES);
    room.write("few.csv", "task,low,high\nAnt-v5,0,1\n");
    room.write("flat.csv", "task,low,high\nAnt-v5,1,1\n");
    room.write("upside-down.csv", "task,low,high\nAnt-v5,0,1\nHopper-v5,30,-10\n");
    room.write("equal.csv", "algorithm,task,seed,score\na,t,0,5\nb,t,0,5\n");
    let cases: &[(&[&str], &str)] = &[
        (&["--level=95"], "level = 95: above 0 and below 1"),
        (&["--repetitions=10"], "repetitions = 10: from 100 to 10000000"),
        (&["--repetitions=-1"], "repetitions = -1: at least 100"),
        (&["--seed=-1"], "seed = -1: at least 0"),
        (&["--smoothing=0.5"], "smoothing = 0.5: only with a column step"),
        (&["--threshold=5"], "threshold = 5: only with a column step"),
        (&["--baseline=sca"], "baseline = \"sca\": an algorithm of the file (did you mean sac?)"),
        (&["--normalise=few.csv"], "few.csv: no line for task Hopper-v5"),
        (&["--normalise=flat.csv"], "flat.csv: line 2: high = \"1\": above low, which is 1"),
        (
            &["--normalise=upside-down.csv"],
            "upside-down.csv: line 3: high = \"-10\": above low, which is 30",
        ),
        (&["--normalise=none.csv"], "cannot read none.csv"),
        (&["--interval=exact"], "percentile, basic, bc, bca"),
    ];
    for (arguments, complaint) in cases {
        let told = room.refused(&[&["stats", "runs.csv"], *arguments].concat());
        assert!(told.contains(complaint), "{arguments:?}: {told}");
    }
    let told = room.refused(&["stats", "equal.csv", "--normalise=min-max"]);
    assert!(told.contains("normalise = min-max: all scores on t are 5"), "{told}");
    let room = self::room(&curves(&[("one", 0, 1.0)]));
    let told = room.refused(&["stats", "runs.csv", "--smoothing=1"]);
    assert!(told.contains("smoothing = 1: at least 0, below 1"), "{told}");
    let told = room.refused(&["stats", "runs.csv", "--threshold=nan"]);
    assert!(told.contains("threshold = NaN: a finite number"), "{told}");
}
