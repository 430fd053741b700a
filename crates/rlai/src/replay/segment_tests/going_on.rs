//! Whatever happens to a process, its buffer goes on; and what that costs.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::super::segment_list::Plan;
use super::*;
use crate::random::{Key, Stream};

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
        let dropped: Vec<_> = before.beyond(&after).map(SegmentInfo::file_name).collect();
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
        check_plans(ring, std::iter::repeat_n(checkpoints, times).flatten());
    }
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
            assert!(list.beyond(&next).count() <= 1);
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

/// Plans a checkpoint after each of these numbers of new rows, and holds every promise of
/// [`SegmentList`] against the plans.
fn check_plans(ring: u64, checkpoints: impl IntoIterator<Item = u64>) {
    let mut list = Vec::<SegmentInfo>::new();
    let (mut end, mut written, mut needed) = (0u64, 0, 0);
    for new in checkpoints {
        let before = end;
        end += new;
        let held = end.saturating_sub(ring)..end;
        let Plan { kept, rows } = SegmentList::of(list.clone()).plan(held.clone(), ring);
        let fresh = before.max(held.start)..end;
        let length = rows.end.saturating_sub(rows.start);
        assert!(length <= new + 2 * ring.div_ceil(128));
        list = list[kept].to_vec();
        if fresh.is_empty() {
            assert!(rows.is_empty());
        } else {
            list.push(info_of(rows.start, length));
            written += length;
            needed += fresh.end - fresh.start;
        }
        assert!(list.len() < 200, "{} files", list.len());
        // Together they hold all that is held, each row once.
        if let Some(first) = list.first() {
            assert!(first.first <= held.start && held.start < first.end());
        }
        assert!(list.windows(2).all(|pair| pair[0].end() == pair[1].first));
        assert_eq!(list.last().map_or(end, SegmentInfo::end), end);
    }
    let times = 1.0 + (ring.div_ceil(128) as f64).ln() / 1.5f64.ln();
    assert!(written as f64 <= needed as f64 * times, "{written} of {needed}");
}

#[test]
fn checkpoints_that_bring_less_and_less_do_not_pile_up() {
    for ring in [1_000, 100_000] {
        check_plans(ring, (1..ring / 250).rev());
        check_plans(ring, std::iter::repeat_n(1, 3000));
    }
}
