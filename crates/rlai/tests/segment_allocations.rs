//! Reading a replay segment takes a fixed amount of memory, whatever the file says of itself.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rlai::replay::{ReplayBuffer, SegmentInfo, Tail, Transition};

thread_local! {
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, adding up what each thread asks of it.
struct Counting;

// SAFETY: all calls go to the system's allocator unchanged; the counter is a plain thread-local number
// without a destructor, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.with(|bytes| bytes.set(bytes.get() + layout.size()));
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        BYTES.with(|bytes| bytes.set(bytes.get() + size));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `alloc` or `realloc` above with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// More than a header, its parsed form and an error's text; less than the smallest of the genuine files.
const LIMIT: usize = 32 * 1024;
const OBSERVATION: usize = 8;
const STEPS: usize = 4000;

fn new_buffer() -> ReplayBuffer {
    ReplayBuffer::new(STEPS, OBSERVATION, 1, None).unwrap()
}

fn full_buffer() -> ReplayBuffer {
    let mut buffer = new_buffer();
    buffer.begin(&[0.5; OBSERVATION]);
    for i in 0..STEPS {
        buffer.push(&Transition {
            action: &[0.25],
            log_density: -1.0,
            reward: i as f32,
            terminated: false,
            truncated: false,
            next_observation: &[i as f32; OBSERVATION],
        });
    }
    buffer
}

/// Bytes that restoring asked for beside the buffer's own, and whether it was refused.
fn asked_for(path: &Path, info: &SegmentInfo, tail: &Tail) -> (usize, bool) {
    let buffer = new_buffer();
    let file: (PathBuf, SegmentInfo) = (path.to_owned(), info.clone());
    let before = BYTES.with(Cell::get);
    let restored = buffer.restore([file], tail);
    let asked = BYTES.with(Cell::get) - before;
    (asked, restored.is_err())
}

#[test]
fn a_whole_file_is_read_into_the_memory_that_the_buffer_has() {
    let folder = tempfile::tempdir().unwrap();
    let buffer = full_buffer();
    let info = buffer.write_segment(buffer.new_rows(0), folder.path()).unwrap();
    assert!(info.bytes > 4 * LIMIT as u64);
    let path = folder.path().join(info.file_name());
    let (asked, refused) = asked_for(&path, &info, &buffer.tail());
    // The open row's observation is on its way as a copy.
    assert!(!refused && asked < LIMIT, "{asked} bytes");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_forged_file_takes_no_more(
        rows in prop_oneof![Just(u64::MAX), Just(STEPS as u64), any::<u64>()],
        width in prop_oneof![Just(u64::MAX), Just(OBSERVATION as u64), any::<u64>()],
        length in prop_oneof![3 => Just(None), 1 => any::<u32>().prop_map(Some)],
        columns in prop_oneof![
            Just(r#""observation","action","log_density","reward","kind""#.to_owned()),
            // Escaped in an error, each of these characters takes several.
            "[\u{80}-\u{9f}]{0,200}".prop_map(|name| format!("{name:?}").replace("\\u", "u")),
            (0usize..600).prop_map(|n| "\"\",".repeat(n) + "\"\""),
            (0usize..900).prop_map(|n| "[".repeat(n)),
        ],
        data in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let tail = full_buffer().tail();
        let header = format!(
            r#"{{"first":0,"rows":{rows},"observation":{width},"action":1,"columns":[{columns}]}}"#
        );
        let length = length.unwrap_or(header.len() as u32).to_le_bytes();
        let bytes =
            [b"rlaiSEG\n\x01\0\0\0", &length[..], header.as_bytes(), &data[..]].concat();
        let path = folder.path().join("forged");
        fs::write(&path, &bytes).unwrap();
        // The buffer wants these rows, and the hash is right.
        let info = SegmentInfo {
            first: 0,
            rows: STEPS as u64,
            bytes: bytes.len() as u64,
            blake3: blake3::hash(&bytes).to_hex().to_string(),
        };
        let (asked, refused) = asked_for(&path, &info, &tail);
        prop_assert!(refused);
        prop_assert!(asked < LIMIT, "{asked} bytes");
    }
}
