//! `rlai lab exact`: the golden cases through the program, and input that is refused.

mod common;

use common::Room;
use serde_json::Value;

fn repository(file: &str) -> String {
    let path = format!("{}/../../{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("a committed file")
}

fn golden() -> Vec<Value> {
    let mut all: Value = serde_json::from_str(&repository("golden/estimators.json")).unwrap();
    serde_json::from_value(all["cases"].take()).unwrap()
}

/// The same shape, and every number within 1e-10 (relative above 1).
fn assert_close(got: &Value, want: &Value, what: &str) {
    match (got, want) {
        (Value::Array(got), Value::Array(want)) => {
            assert_eq!(got.len(), want.len(), "{what}");
            for (got, want) in got.iter().zip(want) {
                assert_close(got, want, what);
            }
        }
        _ => {
            let (got, want) = (got.as_f64().expect(what), want.as_f64().expect(what));
            let error = (got - want).abs() / want.abs().max(1.0);
            assert!(error < 1e-10, "{what}: {got} against {want}");
        }
    }
}

const KEYS: [&str; 17] = [
    "pi",
    "log_pO",
    "J_soft",
    "kl_reverse",
    "kl_forward",
    "g_rkl",
    "g_fkl",
    "qhat",
    "vhat",
    "q_soft_pi",
    "v_soft_pi",
    "q_classic_pi",
    "q_soft_opt",
    "v_soft_opt",
    "q_state_marginals",
    "posterior_state_marginals",
    "posterior_policy",
];

#[test]
fn golden_cases_key_by_key() {
    let room = Room::new();
    for mut case in golden() {
        case["gamma"] = 0.9.into();
        room.write("case.json", &case.to_string());
        let printed = room.ok(&["lab", "exact", "case.json", "--json"]);
        assert_eq!(printed.lines().count(), 1, "one object, nothing else");
        let exact: Value = serde_json::from_str(&printed).unwrap();
        for key in KEYS {
            assert_close(&exact[key], &case[key], key);
        }
        for key in ["J", "grad_J", "q_soft"] {
            assert_close(&exact["discounted"][key], &case["discounted"]["0.9"][key], key);
        }
        assert_eq!(exact.as_object().unwrap().len(), KEYS.len() + 1, "no other keys");
    }
}

#[test]
fn without_a_discount_there_is_no_discounted_block() {
    let room = Room::new();
    room.write("case.json", &golden()[0].to_string());
    let exact: Value =
        serde_json::from_str(&room.ok(&["lab", "exact", "case.json", "--json"])).unwrap();
    assert!(exact.get("discounted").is_none());
}

#[test]
fn tables_show_the_example_in_short() {
    let room = Room::new();
    room.write("process.json", &repository("examples/process.json"));
    let json: Value =
        serde_json::from_str(&room.ok(&["lab", "exact", "process.json", "--json"])).unwrap();
    let text = room.ok(&["lab", "exact", "process.json"]);
    assert!(text.starts_with("3 states, 2 actions, 4 steps, alpha = 0.5, Z0 = 1\n"), "{text}");
    for key in ["log_pO", "kl_reverse", "kl_forward", "J_soft"] {
        let number = format!("{:.6}", json[key].as_f64().unwrap());
        assert!(text.contains(&number), "{key}: {text}");
    }
    let gradient = format!("{:.6}", json["g_fkl"][2][1].as_f64().unwrap());
    assert!(text.contains(&gradient) && text.contains("mean steps, optimal"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");

    let mut long: Value = serde_json::from_str(&repository("examples/process.json")).unwrap();
    long["H"] = 100.into();
    room.write("long.json", &long.to_string());
    let text = room.ok(&["lab", "exact", "long.json"]);
    assert!(text.lines().count() < 80 && text.contains("and 288 more rows"), "{text}");
}

#[test]
fn bad_input_is_refused_with_its_place() {
    let process = repository("examples/process.json");
    let cases = [
        ("\"H\": 4,", "", "p.json:15:1: missing field `H`"),
        ("\"H\": 4,", "\"H\": 0,", "p.json: H = 0: from 1 to 1000000"),
        ("\"H\": 4,", "\"H\": 4e9,", "p.json:2:26: H: invalid type"),
        ("\"H\": 4,", "\"H\": 900000,", "p.json: H * S * A = 5400000: at most 1000000"),
        ("[0.7, 0.2, 0.1]", "[0.7, 0.2]", "p.json: P[0][0] has length 2: 3 (S) expected"),
        ("[0.7, 0.2, 0.1]", "[0.5, 0.25, 0.75]", "p.json: sum of P[0][0] = 1.5: at most"),
        ("[0.7, 0.2, 0.1]", "[0.7, 0.4, -0.1]", "p.json: P[0][0][2] = -0.1: a probability"),
        ("[0.7, 0.2, 0.1]", "[0.7, 0.2 0.1]", "p.json:7:16: P[0][0]: expected `,` or `]`"),
        ("[0.6, 0.4]", "[1, 0]", "p.json: pi0[2][1] = 0: a positive probability"),
        ("\"alpha\": 0.5", "\"alpha\": \"low\"", "p.json:3:16: alpha: invalid type: string"),
        ("\"alpha\": 0.5", "\"alpha\": -1", "p.json: alpha = -1: a positive number"),
        ("\"gamma\": 0.9", "\"gamma\": 9", "p.json: gamma = 9: from 0 to 1"),
    ];
    for (from, to, message) in cases {
        let room = Room::new();
        assert!(process.contains(from), "{from}");
        room.write("p.json", &process.replacen(from, to, 1));
        for arguments in [&["lab", "exact", "p.json"][..], &["lab", "exact", "p.json", "--json"]] {
            let complaint = room.refused(arguments);
            assert!(complaint.contains(&format!("error: {message}")), "{to}: {complaint}");
            assert_eq!(complaint.lines().count(), 1, "one clear line: {complaint}");
        }
    }
}

#[test]
fn files_that_cannot_be_a_process_are_refused() {
    let room = Room::new();
    assert!(room.refused(&["lab", "exact", "absent.json"]).contains("cannot read absent.json"));
    assert!(room.refused(&["lab", "exact", "."]).contains("cannot read ."));
    room.write("empty.json", "");
    assert!(room.refused(&["lab", "exact", "empty.json"]).contains("empty.json:1:0: EOF"));
    room.write("list.json", "[1, 2]");
    assert!(room.refused(&["lab", "exact", "list.json"]).contains("list.json:1:"));
    std::fs::write(room.path("bytes.json"), b"{\"S\": \xff\xfe}").unwrap();
    assert!(room.refused(&["lab", "exact", "bytes.json"]).contains("bytes.json:1:"));
    room.write("deep.json", &"[".repeat(100_000));
    assert!(room.refused(&["lab", "exact", "deep.json"]).contains("deep.json:1:"));
    assert!(room.refused(&["lab", "exact"]).contains("FILE.json"));
}

#[cfg(unix)]
#[test]
fn an_endless_file_is_refused() {
    let room = Room::new();
    let train = ["train", "--env=tabular:/dev/zero", "--objective=v-mpo"];
    for arguments in [&["lab", "exact", "/dev/zero"][..], &train] {
        let complaint = room.refused(arguments);
        assert!(complaint.contains("cannot read /dev/zero: no ordinary file"), "{complaint}");
    }
}
