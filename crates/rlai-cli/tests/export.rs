//! `rlai export`: every format holds what `metrics.jsonl` holds.

mod common;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use common::{Room, complaint};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::{Value, json};

const STUDY: &str = "
name = \"tiny\"
seeds = 2
[base]
env = \"Pendulum-v1\"
steps = 300
learning_starts = 100
hidden = [8]
batch = 8
evaluate_every = 150
evaluation_episodes = 2
log_every = 100
[[variant]]
name = \"zero\"
[[variant]]
name = \"forward\"
objective = \"forward-kl\"
samples = 4
";

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A run and a study, in the order in which they are exported.
fn runs(room: &Room) -> Vec<(&'static str, Vec<Value>)> {
    room.write("s.toml", STUDY);
    room.train(&["--out=one", "--objective=mpo"]);
    room.ok(&["study", "run", "s.toml", "--out=tiny"]);
    [
        ("one", "one"),
        ("tiny/zero/seed0", "tiny/zero/seed0"),
        ("tiny/zero/seed1", "tiny/zero/seed1"),
        ("tiny/forward/seed0", "tiny/forward/seed0"),
        ("tiny/forward/seed1", "tiny/forward/seed1"),
    ]
    .map(|(name, dir)| (name, lines(&room.path(dir).join("metrics.jsonl"))))
    .into()
}

#[test]
fn csv_has_a_row_for_every_line() {
    let room = Room::new();
    let runs = runs(&room);
    let told: Value = serde_json::from_str(&room.ok(&[
        "export",
        "one",
        "tiny",
        "one",
        "--format=csv",
        "--out=all.csv",
        "--json",
    ]))
    .unwrap();
    let expected: Vec<_> =
        runs.iter().flat_map(|(name, lines)| lines.iter().map(move |l| (*name, l))).collect();
    assert_eq!((&told["runs"], &told["rows"]), (&5.into(), &expected.len().into()));
    let text = fs::read_to_string(room.path("all.csv")).unwrap();
    let mut rows = text.lines().map(|row| row.split(',').collect::<Vec<_>>());
    let header = rows.next().unwrap();
    assert_eq!(
        header[..8],
        ["study", "variant", "run", "env", "objective", "seed", "kind", "step"]
    );
    let rows: Vec<_> = rows.collect();
    assert_eq!(rows.len(), expected.len());
    for (row, (name, line)) in rows.iter().zip(expected) {
        assert_eq!((row.len(), row[2], row[3]), (header.len(), name, "Pendulum-v1"));
        let in_study = name.contains('/');
        assert_eq!(row[0], if in_study { "tiny" } else { "" });
        assert_eq!(row[1], if in_study { name.split('/').nth(1).unwrap() } else { "" });
        assert_eq!(row[5], if name.ends_with("seed1") { "1" } else { "0" });
        assert_eq!(row[6], line["kind"].as_str().unwrap());
        let known: BTreeSet<&str> = header.iter().copied().collect();
        assert!(line.as_object().unwrap().keys().all(|key| known.contains(key.as_str())));
        for (column, text) in header.iter().zip(row).skip(7) {
            let parsed: Vec<f64> =
                text.split(' ').filter(|x| !x.is_empty()).map(|x| x.parse().unwrap()).collect();
            let value = match &line[*column] {
                Value::Array(list) => list.iter().map(|x| x.as_f64().unwrap()).collect(),
                value => value.as_f64().into_iter().collect::<Vec<_>>(),
            };
            assert_eq!(parsed, value, "{name}, {column}");
        }
    }
}

/// A value of a row as metrics have it.
fn value(row: &Row, name: &str) -> Value {
    let (_, field) = row.get_column_iter().find(|(column, _)| *column == name).unwrap();
    match field {
        Field::Null => Value::Null,
        Field::Str(text) => text.clone().into(),
        Field::ULong(value) => (*value).into(),
        Field::Double(value) => (*value).into(),
        Field::ListInternal(list) => list
            .elements()
            .iter()
            .map(|x| if let Field::Double(x) = x { (*x).into() } else { Value::Null })
            .collect(),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn parquet_has_the_same_with_types() {
    let room = Room::new();
    let runs = runs(&room);
    room.ok(&["export", "one", "tiny", "--format=parquet", "--out=all.parquet"]);
    let file = SerializedFileReader::new(File::open(room.path("all.parquet")).unwrap()).unwrap();
    let rows: Vec<Row> = file.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    let expected: Vec<_> =
        runs.iter().flat_map(|(name, lines)| lines.iter().map(move |l| (*name, l))).collect();
    assert_eq!(rows.len(), expected.len());
    for (row, (name, line)) in rows.iter().zip(expected) {
        assert_eq!(value(row, "run"), *name);
        for (key, expected) in line.as_object().unwrap() {
            let found = value(row, key);
            match expected {
                Value::Number(number) => assert_eq!(found.as_f64(), number.as_f64(), "{key}"),
                other => assert_eq!(found, *other, "{key}"),
            }
        }
    }
    let row = rows.iter().find(|row| value(row, "kind") == "train").unwrap();
    assert_eq!(value(row, "returns"), Value::Null);
    assert_eq!(value(&rows[0], "study"), Value::Null);
}

/// CRC-32C bit by bit, as RFC 3720 has it.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 }
        })
    })
}

/// The records of an event file, each held against its checksums.
fn records(mut bytes: &[u8]) -> Vec<&[u8]> {
    let masked =
        |bytes: &[u8]| crc32c(bytes).rotate_left(17).wrapping_add(0xa282_ead8).to_le_bytes();
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        assert_eq!(bytes[8..12], masked(&bytes[..8]));
        let (record, rest) = bytes[12..].split_at(length);
        assert_eq!(rest[..4], masked(record));
        records.push(record);
        bytes = &rest[4..];
    }
    records
}

#[test]
fn event_files_have_an_event_for_every_line() {
    let room = Room::new();
    let runs = runs(&room);
    room.ok(&["export", "one", "tiny", "--format=tensorboard", "--out=board"]);
    let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|here| here == part);
    for (name, lines) in &runs {
        let bytes = fs::read(room.path("board").join(name).join("events.out.tfevents.0.rlai"));
        let bytes = bytes.unwrap();
        let records = records(&bytes);
        assert_eq!(records.len(), lines.len() + 2, "{name}");
        assert!(records[0].ends_with(b"brain.Event:2"));
        assert!(holds(records[1], b"hparams") && holds(records[1], b"Pendulum-v1"));
        for (record, line) in records[2..].iter().zip(lines) {
            // Field 1, a double: the time.
            assert_eq!(record[0], 0x09);
            let time = f64::from_le_bytes(record[1..9].try_into().unwrap());
            assert_eq!(Some(time), line["time_seconds"].as_f64());
            let kind = line["kind"].as_str().unwrap();
            for (key, value) in line.as_object().unwrap() {
                let Some(value) = value.as_f64() else { continue };
                let tag = format!("{kind}/{key}");
                // Field 1, the tag; field 2, a float.
                let scalar = [tag.as_bytes(), &[0x15], &(value as f32).to_le_bytes()].concat();
                let left_out = ["step", "time_seconds"].contains(&key.as_str());
                assert_ne!(holds(record, &scalar), left_out, "{name}: {tag}");
            }
        }
    }
}

#[test]
fn a_number_that_is_called_like_a_column_has_one_of_its_own() {
    let room = Room::new();
    room.train(&["--out=run", "--seed=3"]);
    // As a later version may write it.
    let path = room.path("run/metrics.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"kind\":", "\"seed\":7.5,\"run\":0.25,\"kind\":")).unwrap();
    let count = text.lines().count();

    room.ok(&["export", "run", "--format=csv", "--out=all.csv"]);
    let csv = fs::read_to_string(room.path("all.csv")).unwrap();
    let header: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    assert_eq!(header.iter().collect::<BTreeSet<_>>().len(), header.len(), "{header:?}");
    let at = |name: &str| header.iter().position(|column| *column == name).unwrap();
    for row in csv.lines().skip(1).map(|row| row.split(',').collect::<Vec<_>>()) {
        let of = ["run", "seed", "metrics_run", "metrics_seed"].map(|name| row[at(name)]);
        assert_eq!(of, ["run", "3", "0.25", "7.5"]);
    }

    room.ok(&["export", "run", "--format=parquet", "--out=all.parquet"]);
    let file = SerializedFileReader::new(File::open(room.path("all.parquet")).unwrap()).unwrap();
    let rows: Vec<Row> = file.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), count);
    for row in &rows {
        let names: Vec<&String> = row.get_column_iter().map(|(name, _)| name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
        let of = ["run", "seed", "metrics_run", "metrics_seed"].map(|name| value(row, name));
        assert_eq!(of, [json!("run"), json!(3), json!(0.25), json!(7.5)]);
    }

    // Tags have their kind before them: there is nothing that they could be taken for.
    room.ok(&["export", "run", "--format=tensorboard", "--out=board"]);
    let bytes = fs::read(room.path("board/run/events.out.tfevents.0.rlai")).unwrap();
    for record in &records(&bytes)[2..] {
        let tags = |tag: &[u8]| record.windows(tag.len()).filter(|here| *here == tag).count();
        assert_eq!(tags(b"train/seed") + tags(b"evaluation/seed"), 1);
    }
}

#[test]
fn a_run_that_is_being_written_is_exported_as_far_as_it_is() {
    let room = Room::new();
    room.train(&["--out=run"]);
    let (run, whole) = (room.path("run"), fs::read(room.path("run/metrics.jsonl")).unwrap());
    // As if it had been killed while it wrote its last line in its second attempt.
    for name in ["metrics.jsonl", "result.json", "checkpoint"] {
        fs::remove_file(run.join(name)).unwrap();
    }
    fs::create_dir(run.join("attempt-2")).unwrap();
    fs::write(run.join("attempt-2/metrics.jsonl"), &whole[..whole.len() - 20]).unwrap();
    let count = whole.iter().filter(|&&byte| byte == b'\n').count();
    let output = room.rlai(&["export", "run", "--format=csv", "--out=a.csv"]);
    assert!(output.status.success(), "{}", complaint(&output));
    let told = complaint(&output);
    assert!(told.contains(&format!("line {count} is not whole")), "{told}");
    assert_eq!(fs::read_to_string(room.path("a.csv")).unwrap().lines().count(), count);

    // A damaged line in the middle is no end.
    let mut damaged = whole;
    damaged[3] = b'\n';
    fs::write(run.join("attempt-2/metrics.jsonl"), damaged).unwrap();
    let told = room.refused(&["export", "run", "--format=csv", "--out=b.csv"]);
    assert!(told.contains("metrics.jsonl: line 1: "), "{told}");
    // Nothing written yet.
    fs::remove_dir_all(run.join("attempt-1")).unwrap();
    fs::remove_dir_all(run.join("attempt-2")).unwrap();
    let told = room.refused(&["export", "run", "--format=csv", "--out=b.csv"]);
    assert!(told.contains("no run there has written metrics yet"), "{told}");
}

#[test]
fn bad_input_is_told_and_changes_nothing() {
    let room = Room::new();
    room.train(&["--out=run"]);
    fs::create_dir(room.path("empty")).unwrap();
    fs::create_dir(room.path("folder.csv")).unwrap();
    for (arguments, told) in [
        (["run", "--format=csv", "--out=run/metrics.jsonl"], "a file that ends in .csv"),
        (["run", "--format=parquet", "--out=a.csv"], "a file that ends in .parquet"),
        (["run", "--format=csv", "--out=folder.csv"], "a file, and this is a folder"),
        (["run", "--format=csv", "--out=none/a.csv"], "there is no folder none"),
        (["run", "--format=tensorboard", "--out=run/run.toml"], "a folder for the event files"),
        (["run", "--format=excel", "--out=a.csv"], "possible values: csv, parquet, tensorboard"),
        (["empty", "--format=csv", "--out=a.csv"], "neither a run (run.toml) nor a study"),
        (["nowhere", "--format=csv", "--out=a.csv"], "cannot read the folder nowhere"),
    ] {
        let complaint = room.refused(&[&["export"], &arguments[..]].concat());
        assert!(complaint.contains(told), "{arguments:?}: {complaint}");
    }
}
