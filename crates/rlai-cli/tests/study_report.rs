//! `rlai study report` on studies with known numbers.

mod common;
#[path = "common/made.rs"]
mod made;

use std::fs;
use std::path::Path;

use common::{Room, complaint, listing};
use rlai_stats::{Bootstrap, Scores, aggregate, improvement};
use serde_json::Value;

const HEAD: &str = "
name = \"made\"
title = \"Reverse & forward\"
description = \"\"\"
Five seeds
<each>.

Nothing tuned.
\"\"\"

[base]
steps = 100
learning_starts = 50
hidden = [4]
batch = 4
evaluate_every = 100
evaluation_episodes = 1
env = \"Pendulum-v1\"
";

const TWO: &str = "
[[variant]]
name = \"reverse\"
label = \"reverse KL\"

[[variant]]
name = \"forward\"
label = \"forward KL\"
objective = \"forward-kl\"
samples = 2
";

/// Final returns by variant, of five seeds each.
const REVERSE: [f64; 5] = [-900.0, -500.0, -700.0, -600.0, -800.0];
const FORWARD: [f64; 5] = [-650.0, -450.0, -400.0, -550.0, -350.0];

/// From -1,200 straight to the last return, in ten evaluations.
fn rising(last: f64) -> made::Points {
    (1..=10).map(|i| (100 * i, -1200.0 + (last + 1200.0) * i as f64 / 10.0)).collect()
}

fn returns(variant: &str, seed: u64) -> made::Points {
    let finals = if variant.starts_with("reverse") { REVERSE } else { FORWARD };
    rising(finals[seed as usize % 5])
}

fn two(room: &Room) -> std::path::PathBuf {
    made::study(room, &format!("{HEAD}{TWO}"), 5, returns)
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

/// The fields of the first line of a CSV file that begins so, without quotes.
fn fields(csv: &str, start: &str) -> Vec<String> {
    let line = csv.lines().find(|line| line.starts_with(start));
    line.unwrap_or_else(|| panic!("{start}: {csv}")).split(',').map(str::to_owned).collect()
}

#[test]
fn the_answer_and_the_tables_are_those_of_the_statistics() {
    let room = Room::new();
    let out = two(&room);
    let told = room.ok(&["study", "report", "runs/made"]);
    let [x, y] = [FORWARD, REVERSE].map(|finals| Scores::of_task(&finals).unwrap());
    let bootstrap = Bootstrap { repetitions: 10_000, ..Bootstrap::default() };
    let p = improvement::estimate(&x, &y, &bootstrap).unwrap();
    // -650 beats three, -550 four, the others all five of the reverse KL runs.
    assert_eq!(p.value, 22.0 / 25.0);
    // U <= 3 or >= 22 in 2 (1 + 1 + 2 + 3) of the 252 ways to deal ten runs: 0.056.
    let finding = format!(
        "forward KL leads reverse KL, but these runs do not settle it. With 5 seeds on 1 task chance alone gives \
         such a lead too often (permutation test, p = 0.056), though the bootstrap interval of the probability \
         of improvement of forward KL, [{:.2}, {:.2}], does not hold 0.5.",
        p.low, p.high
    );
    assert!(p.low > 0.5 && told.contains(&finding), "{told}");
    assert!(told.contains("Difference in mean final return: +220.0 ("), "{told}");

    let page = read(out.join("report.html"));
    for paragraph in ["Five seeds\n&lt;each&gt;.", "Nothing tuned."] {
        let paragraph = format!("<p class=\"description\">{paragraph}</p>");
        assert!(page.contains(&paragraph), "{paragraph}");
    }
    let json: Value = serde_json::from_str(&read(out.join("study.json"))).unwrap();
    assert_eq!(json["description"], "Five seeds\n<each>.\n\nNothing tuned.");
    let pair = &json["comparisons"][0];
    assert_eq!((&pair["verdict"], &pair["seeds"]), (&"leaning".into(), &vec![5, 5].into()));
    assert_eq!(pair["probability_of_improvement"]["low"], p.low);
    assert!((pair["p"].as_f64().unwrap() - 14.0 / 252.0).abs() < 1e-12);
    assert_eq!(pair["p"], pair["p_corrected"]);
    assert!((pair["difference"]["value"].as_f64().unwrap() - 220.0).abs() < 1e-9);

    let csv = read(out.join("report/improvement.csv"));
    let row = fields(&csv, "forward KL,reverse KL,1,");
    assert_eq!(row[3..6], [p.value, p.low, p.high].map(|value| value.to_string()));
    let csv = read(out.join("report/aggregates.csv"));
    for (label, scores) in [("forward KL", &x), ("reverse KL", &y)] {
        let row = fields(&csv, &format!("{label},Interquartile mean,"));
        let iqm = bootstrap.estimate(scores, aggregate::interquartile_mean).unwrap();
        let value = row[2].parse::<f64>().unwrap();
        assert_eq!(value, iqm.value);
        // -900 .. -500 without a fifth at either end.
        assert_eq!(value, if label == "forward KL" { -1400.0 / 3.0 } else { -700.0 });
    }
    let csv = read(out.join("report/steps-to-threshold.csv"));
    // From -1,080 (all runs begin a tenth up the way, at -1,150 on average) to -700; half is -925. Straight
    // lines cross it where it lies on their way; the median run is that with the median end.
    let start =
        (-1200.0 * 5.0 + REVERSE.iter().map(|last| (last + 1200.0) / 10.0).sum::<f64>()) / 5.0;
    let half = start + 0.5 * (-700.0 - start);
    let row = fields(&csv, "Pendulum-v1,forward KL,reverse KL,50%,");
    assert!((row[4].parse::<f64>().unwrap() - half).abs() < 1e-9);
    let crossing = |last: f64| 1000.0 * (half + 1200.0) / (last + 1200.0);
    for (field, expected) in
        [("\"steps, candidate\"", crossing(-450.0)), ("\"steps, baseline\"", crossing(-700.0))]
    {
        let head: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
        let name = field.split(',').next().unwrap();
        let part = field.split(',').nth(1).unwrap();
        let at = (0..head.len()).find(|&i| head[i] == name && head[i + 1] == part).unwrap();
        // Two commas within quotes stand before the second of them.
        let at = at - head[..at].iter().filter(|cell| cell.starts_with('"')).count();
        assert!((row[at].parse::<f64>().unwrap() - expected).abs() < 1e-6, "{field}: {row:?}");
    }
    let csv = read(out.join("learning-curves.csv"));
    assert_eq!(csv.lines().count(), 1 + 2 * (10 + 5 * 10));
    let last = fields(&csv, "Pendulum-v1,forward,1000,all,");
    assert!((last[4].parse::<f64>().unwrap() - -480.0).abs() < 1e-9);
    assert_eq!(last[7], "bootstrap95");
    let csv = read(out.join("report/wall-clock.csv"));
    assert_eq!(fields(&csv, "Pendulum-v1,forward KL")[2..4], ["5", "102"]);
}

#[test]
fn a_table_is_readable_as_markdown() {
    let room = Room::new();
    let out = two(&room);
    room.ok(&["study", "report", "runs/made"]);
    assert_eq!(
        read(out.join("report/final-returns.md")),
        "| task | variant | seeds | mean | s.d. | median | lowest | highest |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n\
         | Pendulum-v1 | reverse KL | 5 | −700.0 | 158.1 | −700.0 | −900.0 | −500.0 |\n\
         | Pendulum-v1 | forward KL | 5 | −480.0 | 120.4 | −450.0 | −650.0 | −350.0 |\n\n\
         Final return: the mean of 1 episode with the policy's mode after the last step, one number a run (5 \
         seeds a variant). s.d.: over seeds, divisor n - 1. The last evaluation alone counts, not the best.\n"
    );
    let latex = read(out.join("report/final-returns.tex"));
    assert!(latex.contains("Pendulum-v1 & reverse KL & 5 & $-$700.0 & 158.1 &"), "{latex}");
}

#[test]
fn equal_runs_give_equal_bytes_without_times() {
    let (one, other) = (Room::new(), Room::new());
    let report = |room: &Room, seconds: f64| {
        let out = two(room);
        for seed in 0..5 {
            for variant in ["reverse", "forward"] {
                let path = out.join(format!("{variant}/seed{seed}/result.json"));
                let mut result: Value = serde_json::from_str(&read(&path)).unwrap();
                result["wall_time_seconds"] = (seconds + seed as f64).into();
                fs::write(&path, result.to_string()).unwrap();
                let path = out.join(format!("{variant}/seed{seed}/metrics.jsonl"));
                let metrics = read(&path)
                    .replace("\"time_seconds\":", &format!("\"time_seconds\":{seconds}"));
                fs::write(&path, metrics).unwrap();
            }
        }
        room.ok(&["study", "report", "runs/made", "--without-wall-clock"]);
        // What the program wrote; the runs themselves and who owned the study are not its report.
        let ours = |path: &Path| {
            let name = path.strip_prefix(&out).unwrap().to_string_lossy().into_owned();
            let is =
                ["report", "learning-curves", "study.json"].iter().any(|it| name.starts_with(it));
            is.then_some(name)
        };
        let files = listing(&out).into_iter();
        files.filter_map(|(path, bytes)| Some((ours(&path)?, bytes))).collect::<Vec<_>>()
    };
    let (first, second) = (report(&one, 1.0), report(&other, 7.0));
    assert!(first.len() > 30 && first.iter().any(|(name, _)| name == "report.html"));
    for ((name, a), (twin, b)) in first.iter().zip(&second) {
        assert!(name == twin && a == b, "{name}, {twin}");
    }
    assert_eq!(first.len(), second.len());
    assert!(!first.iter().any(|(name, _)| name.contains("wall-clock")));
    let page =
        String::from_utf8_lossy(&first.iter().find(|(name, _)| name == "report.html").unwrap().1);
    assert!(!page.contains(one.path("").to_str().unwrap()));
}

#[test]
fn runs_that_have_not_finished_are_told_and_in_no_number() {
    let room = Room::new();
    let out = two(&room);
    fs::remove_file(out.join("forward/seed0/result.json")).unwrap();
    fs::remove_dir_all(out.join("forward/seed1")).unwrap();
    let told = room.ok(&["study", "report", "runs/made"]);
    let warning = "Not all runs are in: of 10, 8 finished, 1 unfinished, 1 not started.";
    assert!(told.contains(warning), "{told}");
    let page = read(out.join("report.html"));
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(at(warning) < at("What these runs tell"));
    assert!(page.contains("Dotted lines: runs that have not finished"));
    assert!(page.contains("stroke-dasharray=\"1.5 3\""));
    let row = fields(&read(out.join("report/final-returns.csv")), "Pendulum-v1,forward KL");
    let mean: f64 = FORWARD[2..].iter().sum::<f64>() / 3.0;
    assert_eq!((&row[2][..], row[3].parse()), ("3 of 5", Ok(mean)));
    assert!(!read(out.join("learning-curves.csv")).contains("Pendulum-v1,forward,100,0,"));
    let report = room.json("runs/made/study.json");
    assert_eq!(report["status"], "unfinished");
    assert_eq!(report["answer"]["warnings"][0].as_str().unwrap().find(warning), Some(0));
}

#[test]
fn hostile_labels_stay_labels() {
    let label = "</title><script>alert('x')</script> & \\\"| $x_1$ \\\\";
    let variants = TWO.replace("forward KL", label);
    let room = Room::new();
    let out = made::study(&room, &format!("{HEAD}{variants}"), 3, returns);
    room.ok(&["study", "report", "runs/made"]);
    let page = read(out.join("report.html"));
    assert!(
        !page.contains("<script")
            && page.contains("&lt;/title&gt;&lt;script&gt;alert(&#39;x&#39;)")
    );
    for (_, bytes) in
        listing(&out).iter().filter(|(path, _)| path.extension().is_some_and(|it| it == "svg"))
    {
        let svg = String::from_utf8_lossy(bytes);
        assert!(!svg.contains("<script") && svg.matches("<svg").count() == 1);
    }
    assert!(read(out.join("report/final-returns.tex")).contains("\\$x\\_1\\$ \\textbackslash{}"));
    assert!(read(out.join("report/final-returns.md")).contains("\\|"));
}

#[test]
fn a_grid_over_the_buffer_shows_what_is_left() {
    let room = Room::new();
    let text = format!(
        "{HEAD}\n[grid]\nbuffer = [1_000, 50_000]\n{TWO}\n[reference.\"Pendulum-v1\"]\nlow = -1200\nhigh = 0\n"
    );
    // Reverse KL reaches 0.25 of the way with a small buffer and 0.5 with a large one, forward KL 0.5 and 0.6,
    // all runs within 0.02; areas under straight lines from a tenth of the way on are 0.55 of that less what
    // lies before.
    let out = made::study(&room, &text, 5, |variant, seed| {
        let end = match (variant.starts_with("reverse"), variant.contains("buffer=1000")) {
            (true, true) => 0.25,
            (true, false) => 0.5,
            (false, true) => 0.5,
            (false, false) => 0.6,
        };
        rising(-1200.0 + 1200.0 * (end + 0.01 * (seed as f64 - 2.0)))
    });
    room.ok(&["study", "report", "runs/made"]);
    let csv = read(out.join("report/retention-buffer.csv"));
    let number = |text: &str| text.parse::<f64>().unwrap();
    // Three commas within quotes stand before the number.
    let kept =
        |label: &str| number(&fields(&csv, &format!("\"{label}, buffer 1,000 for 50,000\""))[6]);
    let kept = ["reverse KL", "forward KL"].map(kept);
    assert!((kept[0] - 0.5).abs() < 1e-9 && (kept[1] - 5.0 / 6.0).abs() < 1e-9, "{csv}");
    // The area of a line that rises from 0.1 e at step 100 to e at step 1,000, flat before: e (0.1 0.1 + 0.9 0.55).
    let area = |end: f64| end * (0.01 + 0.495);
    let csv = read(out.join("report/difference-in-differences-buffer.csv"));
    let row = fields(&csv, "forward KL,reverse KL,\"buffer 1,000 for 50,000\",1,");
    let expected = (area(0.5) - area(0.6)) - (area(0.25) - area(0.5));
    assert!((number(&row[6]) - expected).abs() < 1e-9, "{csv}");
    assert!(number(&row[7]) > 0.0 && row[11] == "candidate more robust", "{csv}");
    assert!(
        read(out.join("report.html"))
            .contains("forward KL is better than reverse KL with buffer = 1,000.")
    );
}

#[test]
fn bad_options_are_refused_and_change_nothing() {
    let room = Room::new();
    two(&room);
    let refused = |arguments: &[&str], message: &str| {
        let told = room.refused(&[&["study", "report", "runs/made"], arguments].concat());
        assert!(told.contains(message), "{message}: {told}");
    };
    refused(&["--smooth=1"], "smooth = 1: at least 0, below 1");
    refused(&["--smooth=-0.5"], "smooth = -0.5");
    refused(&["--band=wide"], "possible values: bootstrap, half-sd, t, range");
    refused(&["--baseline=none"], "baseline = \"none\": one of reverse KL, forward KL");
    let told = room.ok(&["study", "report", "runs/made", "--baseline=forward", "--smooth=0.9"]);
    assert!(
        told.contains("reverse KL") && told.contains("Difference in mean final return: −220.0"),
        "{told}"
    );
}

#[test]
fn the_band_is_the_one_that_was_asked_for() {
    let room = Room::new();
    let out = two(&room);
    for (band, name) in [("half-sd", "half-sd"), ("t", "t95"), ("range", "range")] {
        room.ok(&["study", "report", "runs/made", "--band", band]);
        let row = fields(&read(out.join("learning-curves.csv")), "Pendulum-v1,reverse,1000,all,");
        let number = |i: usize| row[i].parse::<f64>().unwrap();
        assert_eq!(row[7], name);
        let sd = 25_000f64.sqrt();
        let half = match band {
            "half-sd" => sd / 2.0,
            "t" => 2.776_445_105_197_793_4 * sd / 5f64.sqrt(),
            _ => 200.0,
        };
        assert!(
            (number(6) - (-700.0 + half)).abs() < 1e-9
                && (number(5) - (-700.0 - half)).abs() < 1e-9
        );
    }
}

/// Two hundred runs; how long it takes is told with `--nocapture`, and asserted nowhere.
#[test]
fn many_runs_are_reported() {
    let room = Room::new();
    let text = format!("{HEAD}{TWO}").replace("env = \"Pendulum-v1\"\n", "")
        + "\n[grid]\nenv = [\"Pendulum-v1\", \"MountainCarContinuous-v0\"]\n";
    let out = made::study(&room, &text, 50, |variant, seed| {
        let end = if variant.starts_with("reverse") { 0.0 } else { 50.0 };
        let last = end + (seed * 37 % 50) as f64;
        (1..=200).map(|i| (1_000 * i, last * i as f64 / 200.0)).collect()
    });
    let started = std::time::Instant::now();
    let told = room.ok(&["study", "report", "runs/made"]);
    println!("{} runs: {:.2} s", 200, started.elapsed().as_secs_f64());
    assert!(
        told.contains("forward KL is better than reverse KL. With 50 seeds on 2 tasks"),
        "{told}"
    );
    let csv = read(out.join("report/runs.csv"));
    assert_eq!(csv.lines().filter(|line| line.contains(",finished,")).count(), 200);
    let page = read(out.join("report.html"));
    // So many thin lines would hide each other.
    assert!(!page.contains("Thin lines: single seeds"));
    assert!(page.len() < 2_000_000, "{}", page.len());
}

#[test]
fn a_failed_run_is_told_with_its_reason() {
    let room = Room::new();
    let text = format!("seeds = 2\n{HEAD}{TWO}")
        .replace("samples = 2\n", "samples = 2\nlearning_rate = 1e30\n");
    room.write("made.toml", &text);
    let output = room.rlai(&["study", "run", "made.toml"]);
    assert_eq!(output.status.code(), Some(1), "{}", complaint(&output));
    let page = read(room.path("runs/made/report.html"));
    for part in [
        "Not all runs are in: of 4, 2 finished, 2 failed.",
        "Runs failed.",
        "forward KL cannot be compared with reverse KL.",
        "No run of forward KL has finished.",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(
        read(room.path("runs/made/report/runs.csv"))
            .contains("forward/seed1,Pendulum-v1,forward KL,1,failed,")
    );
}
