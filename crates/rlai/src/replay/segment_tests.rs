use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::segment_list::Plan;
use super::*;
use crate::checkpoint::CheckpointError;
use crate::random::{Key, Stream};

const OBSERVATION: usize = 2;
const ACTION: usize = 3;

/// What a buffer is told, and what happens to the process.
#[derive(Clone, Copy, Debug)]
enum Event {
    Begin,
    /// A transition; a new episode where none is being played.
    Step(End),
    /// A checkpoint that is on disk.
    Checkpoint,
    /// A checkpoint whose segment was written, but not its manifest.
    LostCheckpoint,
    /// The process dies and goes on from its last checkpoint.
    Kill,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    None,
    Terminated,
    Truncated,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => Just(Event::Begin),
        12 => Just(Event::Step(End::None)),
        2 => Just(Event::Step(End::Terminated)),
        2 => Just(Event::Step(End::Truncated)),
        2 => Just(Event::Checkpoint),
        1 => Just(Event::LostCheckpoint),
        2 => Just(Event::Kill),
    ]
}

/// Numbers that follow from `counter`, the odd ones among them too.
fn number(counter: u64, place: u64) -> f32 {
    match (counter * 7 + place) % 23 {
        0 => f32::from_bits(0x7fc0_1234),
        1 => -0.0,
        2 => f32::NEG_INFINITY,
        3 => f32::from_bits(1),
        _ => counter as f32 + place as f32 / 16.0,
    }
}

fn numbers<const N: usize>(counter: u64, from: u64) -> [f32; N] {
    std::array::from_fn(|i| number(counter, from + i as u64))
}

/// Tells `buffer` the `counter`-th thing.
fn tell(buffer: &mut ReplayBuffer, counter: u64, event: Event) {
    let Event::Step(end) = event else {
        return buffer.begin(&numbers::<OBSERVATION>(counter, 0));
    };
    if !buffer.open {
        buffer.begin(&numbers::<OBSERVATION>(counter, 0));
    }
    buffer.push(&Transition {
        action: &numbers::<ACTION>(counter, 2),
        log_density: number(counter, 5),
        reward: number(counter, 6),
        terminated: end == End::Terminated,
        truncated: end == End::Truncated,
        next_observation: &numbers::<OBSERVATION>(counter, 7),
    });
}

/// Everything held, oldest first, as bits.
fn contents(buffer: &ReplayBuffer) -> Vec<(Vec<u32>, u8)> {
    let rows = (0..buffer.held).map(|i| buffer.row_after(buffer.start, i));
    let row = |row: usize| {
        let actions = row * ACTION..(row + 1) * ACTION;
        let seen = &buffer.observations[buffer.observation_range(row)];
        let others = [buffer.log_densities[row], buffer.rewards[row]];
        let numbers = seen.iter().chain(&buffer.actions[actions]).chain(&others);
        (numbers.map(|x| x.to_bits()).collect(), buffer.kinds[row] as u8)
    };
    rows.map(row).collect()
}

fn drawn(buffer: &ReplayBuffer, stream: &mut Stream, n_step: usize) -> Vec<u32> {
    let mut batch = Batch::default();
    if !buffer.is_empty() {
        buffer.sample(stream, 5, n_step, 0.9, &mut batch);
    }
    let Batch { observations, actions, log_densities, rewards, discounts, next_observations } =
        &batch;
    [observations, actions, log_densities, rewards, discounts, next_observations]
        .into_iter()
        .flatten()
        .map(|x| x.to_bits())
        .collect()
}

/// A run that keeps checkpoints, the way a trainer does.
struct Run {
    folder: TempDir,
    sizes: (usize, Option<usize>),
    buffer: ReplayBuffer,
    /// As they are on disk: the text of both.
    manifest: (String, String),
    /// What it was told since then.
    since: Vec<(u64, Event)>,
}

fn empty((capacity, limit): (usize, Option<usize>)) -> ReplayBuffer {
    ReplayBuffer::new(capacity, OBSERVATION, ACTION, limit).unwrap()
}

impl Run {
    fn new(sizes: (usize, Option<usize>)) -> Self {
        let buffer = empty(sizes);
        let manifest = (String::from("[]"), serde_json::to_string(&buffer.tail()).unwrap());
        Self { folder: tempfile::tempdir().unwrap(), sizes, buffer, manifest, since: Vec::new() }
    }

    fn segments(&self) -> SegmentList {
        serde_json::from_str(&self.manifest.0).unwrap()
    }

    /// Writes the new segment, and the manifest unless that is lost.
    fn checkpoint(&mut self, lost: bool) {
        let before = self.segments();
        let after = before.extend(&self.buffer, self.folder.path()).unwrap();
        if lost {
            return;
        }
        let dropped: Vec<_> = before.dropped_by(&after).map(SegmentInfo::file_name).collect();
        let text = |list: &SegmentList| serde_json::to_string(list).unwrap();
        self.manifest = (text(&after), serde_json::to_string(&self.buffer.tail()).unwrap());
        self.since.clear();
        assert!(dropped.iter().all(|name| self.folder.path().join(name).exists()));
        SegmentList::remove_unlisted(self.folder.path(), &[&after]);
        let files = fs::read_dir(self.folder.path()).unwrap().count();
        assert_eq!(files, after.segments().len());
    }

    fn kill(&mut self) {
        let tail = serde_json::from_str(&self.manifest.1).unwrap();
        let files: Vec<_> = self.segments().files(self.folder.path()).collect();
        self.buffer = empty(self.sizes).restore(files, &tail).unwrap();
        for &(counter, event) in &self.since {
            tell(&mut self.buffer, counter, event);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn a_killed_run_has_the_buffer_of_the_one_that_was_not(
        capacity in prop_oneof![Just(1usize), 2usize..14, 150usize..300],
        limit in prop_oneof![Just(None), (1usize..6).prop_map(Some)],
        n_step in 1usize..5,
        repeats in 1u64..12,
        events in prop::collection::vec(event(), 1..120),
    ) {
        let mut whole = empty((capacity, limit));
        let mut run = Run::new((capacity, limit));
        let streams = || Key::from_seed(1).stream("replay");
        let (mut of_whole, mut of_run) = (streams(), streams());
        let mut counter = 0;
        for event in events {
            match event {
                Event::Checkpoint => run.checkpoint(false),
                Event::LostCheckpoint => run.checkpoint(true),
                Event::Kill => run.kill(),
                // Larger buffers are to go round as well.
                _ => for _ in 0..if capacity < 100 { 1 } else { repeats } {
                    counter += 1;
                    tell(&mut whole, counter, event);
                    tell(&mut run.buffer, counter, event);
                    run.since.push((counter, event));
                },
            }
            prop_assert_eq!(whole.tail(), run.buffer.tail());
            prop_assert_eq!(contents(&whole), contents(&run.buffer));
            let ours = drawn(&whole, &mut of_whole, n_step);
            prop_assert_eq!(ours, drawn(&run.buffer, &mut of_run, n_step));
        }
    }

    #[test]
    fn the_number_of_files_and_what_is_written_are_bounded(
        ring in 3u64..100_000,
        checkpoints in prop::collection::vec(
            prop_oneof![3 => 0u64..20, 2 => 0u64..2_000, 1 => 0u64..150_000],
            1..300,
        ),
        times in 1usize..5,
    ) {
        let mut list = Vec::<SegmentInfo>::new();
        let (mut end, mut written, mut needed) = (0u64, 0, 0);
        for new in std::iter::repeat_n(checkpoints, times).flatten() {
            let before = end;
            end += new;
            let held = end.saturating_sub(ring)..end;
            let Plan { kept, rows } = SegmentList::of(list.clone()).plan(held.clone(), ring);
            let fresh = before.max(held.start)..end;
            let length = rows.end.saturating_sub(rows.start);
            prop_assert!(length <= new + 2 * ring.div_ceil(128));
            list = list[kept].to_vec();
            if fresh.is_empty() {
                prop_assert!(rows.is_empty());
            } else {
                list.push(info_of(rows.start, length));
                written += length;
                needed += fresh.end - fresh.start;
            }
            prop_assert!(list.len() < 200, "{} files", list.len());
            // Together they hold all that is held, each row once.
            if let Some(first) = list.first() {
                prop_assert!(first.first <= held.start && held.start < first.end());
            }
            prop_assert!(list.windows(2).all(|pair| pair[0].end() == pair[1].first));
            prop_assert_eq!(list.last().map_or(end, SegmentInfo::end), end);
        }
        let times = 1.0 + (ring.div_ceil(128) as f64).ln() / 1.5f64.ln();
        prop_assert!(written as f64 <= needed as f64 * times, "{written} of {needed}");
    }

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

fn info_of(first: u64, rows: u64) -> SegmentInfo {
    SegmentInfo { first, rows, bytes: 0, blake3: String::new() }
}

/// A segment of six final rows of every kind, and the buffer that it was written from.
struct Sample {
    folder: TempDir,
    buffer: ReplayBuffer,
    info: SegmentInfo,
    bytes: Vec<u8>,
}

const SIZES: (usize, Option<usize>) = (5, Some(3));

impl Sample {
    fn new() -> Self {
        let mut buffer = empty(SIZES);
        for (i, end) in [End::None, End::Truncated, End::None, End::Terminated, End::None]
            .into_iter()
            .enumerate()
        {
            tell(&mut buffer, 100 + i as u64, Event::Step(end));
        }
        let folder = tempfile::tempdir().unwrap();
        let info = buffer.write_segment(0..6, folder.path()).unwrap();
        let bytes = fs::read(folder.path().join(info.file_name())).unwrap();
        Self { folder, buffer, info, bytes }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(self.info.file_name())
    }

    fn restore(&self, info: SegmentInfo) -> Result<ReplayBuffer, CheckpointError> {
        empty(SIZES).restore([(self.path(), info)], &self.buffer.tail())
    }

    /// What is said of a file of these bytes, with the name of the file.
    fn refusal(&self, bytes: &[u8], info: SegmentInfo) -> String {
        fs::write(self.path(), bytes).unwrap();
        let text = self.restore(info).expect_err("a forged file").to_string();
        fs::write(self.path(), &self.bytes).unwrap();
        text
    }

    /// The same where size and hash are those of the forged file.
    fn refusal_of_forged(&self, bytes: &[u8]) -> String {
        let blake3 = blake3::hash(bytes).to_hex().to_string();
        self.refusal(bytes, SegmentInfo { bytes: bytes.len() as u64, blake3, ..self.info.clone() })
    }

    /// The bytes with another header.
    fn with_header(&self, header: &[u8]) -> Vec<u8> {
        let length = (header.len() as u32).to_le_bytes();
        [&self.bytes[..12], &length, header, &self.bytes[16 + self.header().len()..]].concat()
    }

    fn header(&self) -> &str {
        let length = u32::from_le_bytes(self.bytes[12..16].try_into().unwrap());
        std::str::from_utf8(&self.bytes[16..16 + length as usize]).unwrap()
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

#[test]
fn an_episode_of_no_transitions_takes_its_number_back() {
    let mut buffer = empty((8, None));
    tell(&mut buffer, 1, Event::Step(End::None));
    assert_eq!(buffer.new_rows(0), 0..1);
    tell(&mut buffer, 2, Event::Begin);
    assert_eq!(buffer.new_rows(0), 0..2, "the abandoned episode's last observation is final now");
    tell(&mut buffer, 3, Event::Begin);
    assert_eq!((buffer.new_rows(0), buffer.appended), (0..2, 3));
    tell(&mut buffer, 4, Event::Step(End::Terminated));
    assert_eq!(buffer.new_rows(0), 0..3);
}

#[test]
fn a_checkpoint_costs_what_is_new_and_drops_what_has_passed() {
    let sizes = (1000, None);
    let folder = tempfile::tempdir().unwrap();
    let (mut buffer, mut list) = (empty(sizes), SegmentList::default());
    let row = 4 * (OBSERVATION + ACTION + 2) as u64 + 1;
    for counter in 0..3000u64 {
        tell(&mut buffer, counter, Event::Step(End::None));
        if counter % 100 == 99 {
            let next = list.extend(&buffer, folder.path()).unwrap();
            let newest = next.segments().last().unwrap();
            assert_eq!((newest.end(), newest.rows), (counter + 1, 100));
            assert!(newest.bytes < 100 * row + 250);
            assert!(list.dropped_by(&next).count() <= 1);
            list = next;
            SegmentList::remove_unlisted(folder.path(), &[&list]);
        }
    }
    // 1000 final rows are held beside the open one.
    assert_eq!(buffer.new_rows(0), 2000..3000);
    assert_eq!(list.segments().len(), 10);
    assert_eq!(list, list.extend(&buffer, folder.path()).unwrap(), "nothing is new");
}

#[test]
fn only_segments_that_no_list_names_are_removed() {
    let sample = Sample::new();
    let folder = sample.folder.path();
    let list = SegmentList::of(vec![sample.info.clone()]);
    let other = sample.buffer.write_segment(1..3, folder).unwrap();
    let strangers = ["replay-1.segment", "replay-01-2.segment", "replay-1-2.segments", "x.tmp"];
    let leftovers = ["replay-7-9.segment", "replay-0-6.segment.tmp", "replay-2-3.segment.tmp"];
    for name in strangers.iter().chain(&leftovers) {
        fs::write(folder.join(name), "").unwrap();
    }
    let there = |name: &str| Path::exists(&folder.join(name));
    SegmentList::remove_unlisted(folder, &[&list, &SegmentList::of(vec![other.clone()])]);
    assert!(there(&sample.info.file_name()) && there(&other.file_name()));
    assert!(strangers.iter().all(|name| there(name)));
    assert!(!leftovers.iter().any(|name| there(name)));
    SegmentList::remove_unlisted(folder, &[&list]);
    assert!(there(&sample.info.file_name()) && !there(&other.file_name()));
}

#[test]
fn another_folder_adopts_the_segments_and_outlives_the_first() {
    let sample = Sample::new();
    let (from, other) = (sample.folder.path(), tempfile::tempdir().unwrap());
    let to = other.path().join("attempt");
    let infos = [0..2, 2..6].map(|rows| sample.buffer.write_segment(rows, from).unwrap());
    let list = SegmentList::of(infos.to_vec());
    list.adopt(from, from).unwrap();
    list.adopt(from, &to).unwrap();
    // What an interrupted attempt left in the way is replaced, and the original is not touched.
    fs::remove_file(to.join(infos[1].file_name())).unwrap();
    fs::write(to.join(infos[1].file_name()), "other").unwrap();
    list.adopt(from, &to).unwrap();
    empty(SIZES).restore(list.files(from), &sample.buffer.tail()).unwrap();
    SegmentList::remove_unlisted(from, &[]);
    assert_eq!(fs::read_dir(from).unwrap().count(), 0);
    let restored = empty(SIZES).restore(list.files(&to), &sample.buffer.tail()).unwrap();
    assert_eq!(contents(&restored), contents(&sample.buffer));
    let said = list.adopt(from, &other.path().join("third")).unwrap_err().to_string();
    assert!(said.contains("cannot read") && said.contains(&infos[0].file_name()), "{said}");
}
