//! What is not to the byte what was written, or does not fit, is refused with the reason.

use std::fs;

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn a_file_of_any_bytes_is_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        genuine_prefix in 0usize..200,
    ) {
        let sample = Sample::new();
        let mut bytes = bytes;
        let prefix = genuine_prefix.min(bytes.len()).min(sample.bytes.len());
        bytes[..prefix].copy_from_slice(&sample.bytes[..prefix]);
        if bytes != sample.bytes {
            sample.refusal_of_forged(&bytes);
        }
    }
}

#[test]
fn the_bytes_of_a_segment_are_as_documented() {
    let sample = Sample::new();
    let header = concat!(
        r#"{"first":0,"rows":6,"observation":2,"action":3,"#,
        r#""columns":["observation","action","log_density","reward","kind"]}"#
    );
    assert_eq!(sample.header(), header);
    let mut bytes = b"rlaiSEG\n\x01\0\0\0".to_vec();
    bytes.extend((header.len() as u32).to_le_bytes());
    bytes.extend(header.as_bytes());
    let rows = contents(&sample.buffer);
    assert_eq!(rows.len(), 7, "six final rows and the open one");
    for column in [0..2, 2..5, 5..6, 6..7] {
        for (numbers, _) in &rows[..6] {
            numbers[column.clone()].iter().for_each(|bits| bytes.extend(bits.to_le_bytes()));
        }
    }
    bytes.extend([1, 1, 0, 1, 2, 1]);
    assert_eq!(sample.bytes, bytes);
    assert_eq!(sample.info.bytes, bytes.len() as u64);
    assert_eq!(sample.info.blake3, blake3::hash(&bytes).to_hex().to_string());
}

#[test]
fn every_flipped_bit_is_refused() {
    let sample = Sample::new();
    let name = sample.info.file_name();
    let columns = 16 + sample.header().len();
    let kinds = sample.bytes.len() - 6;
    for i in 0..sample.bytes.len() {
        for bit in [0, 1, 7] {
            let mut bytes = sample.bytes.clone();
            bytes[i] ^= 1 << bit;
            let said = sample.refusal(&bytes, sample.info.clone());
            assert!(said.contains("BLAKE3") && said.contains(&name), "{i}: {said}");
            // What the file says of itself is refused whatever the hash; numbers may be anything.
            if !(columns..kinds).contains(&i) {
                sample.refusal_of_forged(&bytes);
            }
        }
    }
    sample.restore(sample.info.clone()).unwrap();
}

#[test]
fn a_file_of_another_length_is_refused() {
    let sample = Sample::new();
    for length in 0..sample.bytes.len() {
        let said = sample.refusal(&sample.bytes[..length], sample.info.clone());
        assert!(said.contains(&format!("{length} bytes")), "{said}");
        let said = sample.refusal_of_forged(&sample.bytes[..length]);
        assert!(said.contains(&sample.info.file_name()), "{said}");
    }
    let longer = [&sample.bytes[..], b"\0"].concat();
    sample.refusal(&longer, sample.info.clone());
    assert!(sample.refusal_of_forged(&longer).contains("do not hold 6 rows"));
}

#[test]
fn forged_headers_are_refused_by_name() {
    let sample = Sample::new();
    let header = sample.header();
    let huge = "18446744073709551615";
    let forged = [
        (header.replace(r#""rows":6"#, &format!(r#""rows":{huge}"#)), "rows = 184467440737095"),
        (header.replace(r#""rows":6"#, r#""rows":5"#), "rows = 5, expected 6"),
        (header.replace(r#""rows":6"#, r#""rows":-6"#), "-6"),
        (header.replace(r#""rows":6"#, r#""rows":6.0"#), "floating point"),
        (header.replace(r#""rows":6"#, r#""rows":1e400"#), "header"),
        (header.replace(r#""action":3"#, r#""action":NaN"#), "header"),
        (header.replace(r#""action":3"#, r#""action":null"#), "header"),
        (header.replace(r#""action":3"#, r#""action":4"#), "action = 4, expected 3"),
        (header.replace(r#""action":3,"#, ""), "action"),
        (header.replace(r#""action":3"#, r#""action":3,"action":3"#), "duplicate"),
        (header.replace(r#""action":3"#, r#""action":3,"extra":3"#), "extra"),
        (header.replace(r#""observation":2"#, &format!(r#""observation":{huge}"#)), "observation"),
        (header.replace(r#""first":0"#, r#""first":1"#), "first = 1, expected 0"),
        (header.replace(r#""reward","kind""#, r#""kind","reward""#), "columns"),
        (header.replace(r#","kind""#, ""), "columns"),
        ("[".repeat(1000), "header"),
        (String::new(), "header"),
        (" ".repeat(2000), "a header of 2000 bytes"),
    ];
    for (text, expected) in forged {
        assert_ne!(text, header);
        let said = sample.refusal_of_forged(&sample.with_header(text.as_bytes()));
        assert!(said.contains(&sample.info.file_name()) && said.contains(expected), "{said}");
    }
    sample.refusal_of_forged(&sample.with_header(b"\xff\xfe{}"));
    let mut endless = sample.bytes.clone();
    endless[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(sample.refusal_of_forged(&endless).contains("a header of 4294967295 bytes"));
    let mut newer = sample.bytes.clone();
    newer[8] = 2;
    assert!(sample.refusal_of_forged(&newer).contains("version 2, this program reads 1"));
}

#[test]
fn rows_that_overflow_every_product_are_refused() {
    let sample = Sample::new();
    for rows in [u64::MAX, u64::MAX / 29, 1 << 40] {
        let text = sample.header().replace(r#""rows":6"#, &format!(r#""rows":{rows}"#));
        let bytes = sample.with_header(text.as_bytes());
        let blake3 = blake3::hash(&bytes).to_hex().to_string();
        sample.refusal(&bytes, SegmentInfo { first: 0, rows, bytes: bytes.len() as u64, blake3 });
    }
    // The same where the rows are wanted: a buffer that has room for them in principle.
    let tail = serde_json::to_string(&sample.buffer.tail()).unwrap();
    let tail = tail.replace(r#""appended":7"#, r#""appended":9"#);
    let tail = tail.replace(r#""held":7"#, r#""held":8"#);
    let info = SegmentInfo { rows: 8, ..sample.info.clone() };
    let tail = serde_json::from_str(&tail).unwrap();
    let error = empty(SIZES).restore([(sample.path(), info)], &tail).unwrap_err();
    assert!(error.to_string().contains("rows = 6, expected 8"), "{error}");
}

/// What is said of these files, in this order.
fn refused(files: Vec<(PathBuf, SegmentInfo)>, tail: &Tail) -> String {
    empty(SIZES).restore(files, tail).unwrap_err().to_string()
}

#[test]
fn files_that_do_not_follow_each_other_are_refused() {
    let sample = Sample::new();
    let folder = sample.folder.path();
    let tail = sample.buffer.tail();
    let file = |rows| {
        let info = sample.buffer.write_segment(rows, folder).unwrap();
        (folder.join(info.file_name()), info)
    };
    let (a, b, c) = (file(0..2), file(2..4), file(4..6));
    let whole = empty(SIZES).restore([a.clone(), b.clone(), c.clone()], &tail).unwrap();
    assert_eq!(contents(&whole), contents(&sample.buffer));
    let said = refused(vec![a.clone(), c.clone()], &tail);
    assert!(said.contains("rows 4..6 do not follow row 2"), "{said}");
    assert!(refused(vec![b.clone(), a.clone(), c.clone()], &tail).contains("do not follow row 0"));
    assert!(refused(vec![a.clone(), a.clone(), c.clone()], &tail).contains("rows 0..2"));
    assert!(refused(vec![a.clone(), b.clone()], &tail).contains("rows 4..6 of replay are in no"));
    assert!(refused(vec![a.clone(), b.clone(), c.clone(), c.clone()], &tail).contains("rows 4..6"));
    assert!(refused(vec![], &tail).contains("rows 0..6 of replay are in no segment"));
    // One file in the place of another.
    assert!(
        refused(vec![a.clone(), (a.0.clone(), b.1.clone()), c.clone()], &tail).contains("BLAKE3")
    );
    fs::remove_file(&b.0).unwrap();
    let said = refused(vec![a.clone(), b.clone(), c.clone()], &tail);
    assert!(said.starts_with("cannot read") && said.contains("replay-2-4.segment"), "{said}");
    fs::create_dir(&b.0).unwrap();
    assert!(refused(vec![a, b, c], &tail).contains("not a regular file"));
}

#[test]
fn a_buffer_of_other_sizes_or_in_use_cannot_go_on() {
    let sample = Sample::new();
    let files = || [(sample.path(), sample.info.clone())];
    let tail = sample.buffer.tail();
    let others = [
        (4, OBSERVATION, ACTION, Some(3), "capacity of 4"),
        (6, OBSERVATION, ACTION, Some(3), "capacity of 6"),
        (5, OBSERVATION, ACTION, None, "time limit of 7"),
        (5, 1, ACTION, Some(3), "observation of 1"),
        (5, OBSERVATION, 4, Some(3), "action of 4"),
    ];
    for (capacity, observation, action, limit, expected) in others {
        let other = ReplayBuffer::new(capacity, observation, action, limit).unwrap();
        let said = other.restore(files(), &tail).unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    }
    let mut used = empty(SIZES);
    tell(&mut used, 1, Event::Begin);
    assert!(used.restore(files(), &tail).unwrap_err().to_string().contains("new buffer only"));
}

#[test]
fn forged_counters_are_refused() {
    let sample = Sample::new();
    let text = serde_json::to_string(&sample.buffer.tail()).unwrap();
    let restore = |text: &str| -> Result<ReplayBuffer, String> {
        let tail = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let files = [(sample.path(), sample.info.clone())];
        empty(SIZES).restore(files, &tail).map_err(|error| error.to_string())
    };
    restore(&text).unwrap();
    let open = text.find(r#","open_observation""#).unwrap();
    let forged = [
        text.replace(r#""appended":7"#, r#""appended":18446744073709551615"#),
        text.replace(r#""appended":7"#, r#""appended":-7"#),
        text.replace(r#""appended":7"#, r#""appended":6"#),
        text.replace(r#""appended":7"#, r#""appended":0"#),
        text.replace(r#""held":7"#, r#""held":9"#),
        text.replace(r#""held":7"#, r#""held":6"#),
        text.replace(r#""held":7"#, r#""held":0"#),
        text.replace(r#""len":5"#, r#""len":4"#),
        text.replace(r#""len":5"#, r#""len":6"#),
        text.replace(r#""open_observation":["#, r#""open_observation":[0,"#),
        // Closed, the newest transition leads nowhere.
        format!("{}}}", &text[..open]).replace('7', "6"),
    ];
    for forged in forged {
        assert_ne!(forged, text);
        assert!(restore(&forged).is_err(), "{forged}");
    }
}

#[test]
fn only_rows_that_are_held_and_final_can_be_written() {
    let Sample { folder, mut buffer, .. } = Sample::new();
    for i in 0..4 {
        tell(&mut buffer, 200 + i, Event::Step(End::None));
    }
    let held = buffer.new_rows(0);
    assert_eq!(held.end, 10);
    assert!(held.start > 0, "the ring has gone round");
    assert_eq!(buffer.new_rows(8), 8..10);
    assert_eq!(buffer.new_rows(10), 10..10);
    assert_eq!(buffer.new_rows(u64::MAX), 10..10);
    let late = held.end + 1;
    for rows in [0..10, held.start..late, 5..5, late..5, u64::MAX - 1..u64::MAX] {
        let error = buffer.write_segment(rows, folder.path()).unwrap_err();
        assert!(error.to_string().contains("final rows held are"), "{error}");
    }
    let ahead = SegmentList::of(vec![info_of(0, 11)]);
    let said = ahead.extend(&buffer, folder.path()).unwrap_err().to_string();
    assert!(said.contains("end at row 11, the buffer's at 10"), "{said}");
}
