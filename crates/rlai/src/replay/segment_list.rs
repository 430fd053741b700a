use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::segment::is_file_name;
use super::{ReplayBuffer, SegmentInfo};
use crate::checkpoint::{CheckpointError, durable};

/// A segment is small while it holds less than this share of the ring.
const SHARE: u64 = 128;

/// The segments that hold the final rows of a replay buffer, oldest first.
///
/// Part of a checkpoint. A list is a value: [`extend`](Self::extend) makes the next one and leaves this
/// one, and all files that it names, as they are. So an attempt that fails, or is killed, before its
/// list is on disk has changed nothing.
///
/// # How many files, and what they cost
/// A segment is small while it has fewer than 1/128 of the ring's rows. When rows are written, the
/// newest segments that are small and have less than twice as many rows as the file to be written are
/// written anew as part of it, from memory. So there are at most 129 others, and the small ones halve
/// from one to the next: fewer than 200 files in all. A row that is written again is so as part of a
/// file at least 3/2 as long, until that is no longer small: at most `1 + log_1.5(rows / 128)` times,
/// and not at all where checkpoints bring 1/128 of the ring or more. No checkpoint writes more than its
/// new rows and 1/64 of the ring.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SegmentList {
    segments: Vec<SegmentInfo>,
}

/// Which segments the next list keeps, and which rows its new one holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) kept: Range<usize>,
    pub(super) rows: Range<u64>,
}

impl SegmentList {
    /// The segments, oldest first.
    pub fn segments(&self) -> &[SegmentInfo] {
        &self.segments
    }

    /// The segments with their files' places, as [`ReplayBuffer::restore`] takes them.
    pub fn files(&self, folder: &Path) -> impl Iterator<Item = (PathBuf, SegmentInfo)> {
        self.segments.iter().map(|info| (folder.join(info.file_name()), info.clone()))
    }

    /// The list after a checkpoint of `buffer`: writes the rows that became final since this list was
    /// made to one new file in `folder`, which is made if there is none.
    ///
    /// Segments of this list that are not in the next one are needed no longer, once that is on disk:
    /// the ring has passed all of their rows, or they became part of the new one.
    ///
    /// # Errors
    /// A file system that refuses, or a list of more rows than the buffer ever had.
    pub fn extend(&self, buffer: &ReplayBuffer, folder: &Path) -> Result<Self, CheckpointError> {
        let held = buffer.new_rows(0);
        if self.end() > held.end {
            let reason = "segments of replay end at row";
            let reason = format!("{reason} {}, the buffer's at {}", self.end(), held.end);
            return Err(CheckpointError::Inconsistent(reason));
        }
        let Plan { kept, rows } = self.plan(held, buffer.rows as u64);
        let mut segments = self.segments[kept].to_vec();
        if !rows.is_empty() {
            fs::create_dir_all(folder).map_err(CheckpointError::io("make the folder", folder))?;
            segments.push(buffer.write_segment(rows, folder)?);
        }
        Ok(Self { segments })
    }

    /// Puts the segments in `from` into the folder `to` as well, which is made if there is none, for a
    /// writer that is to go on there. Files never change, so they are linked; they are copied where the
    /// file system has no links.
    ///
    /// # Errors
    /// A file system that refuses.
    pub fn adopt(&self, from: &Path, to: &Path) -> Result<(), CheckpointError> {
        fs::create_dir_all(to).map_err(CheckpointError::io("make the folder", to))?;
        for (path, info) in self.files(from) {
            let name = info.file_name();
            if from == to || fs::hard_link(&path, to.join(&name)).is_ok() {
                continue;
            }
            let mut file = durable::open(&path)?;
            durable::write_with(to, &name, |copy| io::copy(&mut file, copy))?;
        }
        durable::sync_folder(to).map_err(CheckpointError::io("sync", to))
    }

    /// The segments of this list that are not in `other`: against the list before it those that are new,
    /// against the next one those that it does without.
    pub fn beyond<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a SegmentInfo> {
        self.segments.iter().filter(|info| !other.segments.contains(info))
    }

    /// Removes the segments in `folder` that none of these lists names, and what interrupted writers
    /// left. To be called when the lists' checkpoints are on disk.
    ///
    /// Whatever cannot be removed only takes space.
    pub fn remove_unlisted(folder: &Path, lists: &[&Self]) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        let listed = |name: &str| {
            let mut infos = lists.iter().flat_map(|list| &list.segments);
            infos.any(|info| info.file_name() == name)
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if is_file_name(name.strip_suffix(".tmp").unwrap_or(name)) && !listed(name) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// The sequence number after the last row.
    fn end(&self) -> u64 {
        self.segments.last().map_or(0, SegmentInfo::end)
    }

    /// What comes next where the final rows `held` are in a ring of `ring` rows.
    pub(super) fn plan(&self, held: Range<u64>, ring: u64) -> Plan {
        let passed = self.segments.partition_point(|info| info.end() <= held.start);
        let mut kept = passed..self.segments.len();
        let mut rows = self.end().max(held.start)..held.end;
        if rows.is_empty() {
            return Plan { kept, rows };
        }
        while let Some(last) = self.segments[kept.clone()].last() {
            let small = last.rows < ring.div_ceil(SHARE);
            if !small || last.rows >= 2 * (rows.end - rows.start) {
                break;
            }
            rows.start = last.first.max(held.start);
            kept.end -= 1;
        }
        Plan { kept, rows }
    }

    #[cfg(test)]
    pub(super) fn of(segments: Vec<SegmentInfo>) -> Self {
        Self { segments }
    }
}
