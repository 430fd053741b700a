//! A replay buffer's rows by sequence number, and the way back from disk.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ring::Kind;
use super::segment::{self, Columns, ColumnsMut};
use super::{ReplayBuffer, SegmentInfo};
use crate::checkpoint::CheckpointError;

/// What a replay buffer is besides its final rows: its sizes, its counters and the row that waits for
/// its action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    capacity: usize,
    /// Rows of the ring: the capacity and what the time limit asks for.
    rows: usize,
    observation_dimension: usize,
    action_dimension: usize,
    /// Rows ever appended, less those taken back.
    appended: u64,
    /// The newest of them that are held.
    held: usize,
    /// Transitions among those.
    len: usize,
    /// The observation that waits for its action, `[O]`, as the numbers' bits: JSON has no way to write
    /// all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open_observation: Option<Vec<u32>>,
}

impl Tail {
    /// Refuses numbers that no buffer of these sizes can have.
    fn check(&self) -> Result<(), CheckpointError> {
        let open = usize::from(self.open_observation.is_some());
        // Half of the numbers there are: so counting on never overflows.
        let counted = self.appended <= u64::MAX / 2 && self.held as u64 <= self.appended;
        let fits = self.held <= self.rows && self.len <= self.capacity;
        if !counted || !fits || self.held < open {
            return Err(inconsistent(format!(
                "{} rows of {} appended, {} transitions and {open} open row: no buffer of {} \
                 transitions in {} rows",
                self.held, self.appended, self.len, self.capacity, self.rows
            )));
        }
        match &self.open_observation {
            Some(seen) if seen.len() != self.observation_dimension => Err(inconsistent(format!(
                "the open observation has {} numbers, expected {}",
                seen.len(),
                self.observation_dimension
            ))),
            _ => Ok(()),
        }
    }

    /// Sequence numbers of the final rows held.
    fn final_rows(&self) -> Range<u64> {
        let end = self.appended - u64::from(self.open_observation.is_some());
        self.appended - self.held as u64..end
    }
}

impl ReplayBuffer {
    /// Sequence numbers of the rows from `since` on that are held and final.
    ///
    /// Rows are counted from 0 in the order in which they were appended. The newest one of an episode
    /// that is still being played is not final: it waits for its action. Every other row stays as it is
    /// until it is overwritten.
    pub fn new_rows(&self, since: u64) -> Range<u64> {
        let end = self.appended - u64::from(self.open);
        since.max(self.oldest()).min(end)..end
    }

    /// Sequence number of the oldest row held.
    fn oldest(&self) -> u64 {
        self.appended - self.held as u64
    }

    /// All that a checkpoint needs beside the final rows.
    pub fn tail(&self) -> Tail {
        let open = self.open.then(|| &self.observations[self.observation_range(self.newest_row())]);
        Tail {
            capacity: self.capacity,
            rows: self.rows,
            observation_dimension: self.observation_dimension,
            action_dimension: self.action_dimension,
            appended: self.appended,
            held: self.held,
            len: self.len,
            open_observation: open.map(|seen| seen.iter().map(|x| x.to_bits()).collect()),
        }
    }

    /// Writes the rows with these sequence numbers to a file of their own in `folder`, whole or not at
    /// all.
    ///
    /// # Errors
    /// Rows that are not held, or not final; none; a file system that refuses.
    pub fn write_segment(
        &self,
        rows: Range<u64>,
        folder: &Path,
    ) -> Result<SegmentInfo, CheckpointError> {
        let held = self.new_rows(0);
        if rows.is_empty() || rows.start < held.start || rows.end > held.end {
            let reason = "of replay cannot be written: the final rows held are";
            return Err(inconsistent(format!("rows {rows:?} {reason} {held:?}")));
        }
        let runs = self.runs(&rows);
        let numbers = [&self.observations, &self.actions, &self.log_densities, &self.rewards];
        let widths = self.widths();
        let columns = Columns {
            numbers: std::array::from_fn(|column| {
                let width = widths[column];
                runs.clone().map(|run| &numbers[column][run.start * width..run.end * width])
            }),
            kinds: runs.clone().map(|run| &self.kinds[run]),
        };
        segment::write(folder, rows.start, widths, &columns)
    }

    /// Places in the ring of rows that are held: those up to its end, and those from its beginning.
    fn runs(&self, rows: &Range<u64>) -> [Range<usize>; 2] {
        let first = self.row_after(self.start, (rows.start - self.oldest()) as usize);
        let count = (rows.end - rows.start) as usize;
        let before_end = count.min(self.rows - first);
        [first..first + before_end, 0..count - before_end]
    }

    /// Numbers a row of each column: observation, action, log density, reward.
    fn widths(&self) -> [usize; 4] {
        [self.observation_dimension, self.action_dimension, 1, 1]
    }

    /// Fills a buffer that is as it was made with what another of the same sizes held: from now on the
    /// two are alike to the bit, in what they draw and in what they drop.
    ///
    /// `segments` are those of the checkpoint, oldest first ([`SegmentList::files`]); files of which the
    /// ring had passed every row are not opened. Beyond the buffer's own memory, which is there already,
    /// this takes about a hundred kilobytes.
    ///
    /// [`SegmentList::files`]: super::SegmentList::files
    ///
    /// # Errors
    /// Another capacity, time limit or width than those of `tail`; a file that is not to the byte what
    /// was written; rows that are missing or could not have been written.
    pub fn restore(
        mut self,
        segments: impl IntoIterator<Item = (PathBuf, SegmentInfo)>,
        tail: &Tail,
    ) -> Result<Self, CheckpointError> {
        self.expect_sizes(tail)?;
        tail.check()?;
        let wanted = tail.final_rows();
        self.appended = wanted.start;
        for (path, info) in segments {
            if info.end() > wanted.start {
                self.append_segment(&path, &info, &wanted)?;
            }
        }
        if self.appended != wanted.end {
            let missing = self.appended..wanted.end;
            return Err(inconsistent(format!("rows {missing:?} of replay are in no segment")));
        }
        self.expect_order(tail.open_observation.is_some())?;
        if let Some(bits) = &tail.open_observation {
            let seen: Vec<f32> = bits.iter().map(|&bits| f32::from_bits(bits)).collect();
            self.append(&seen);
            self.open = true;
        }
        self.len = self.kinds.iter().filter(|&&kind| kind != Kind::Observation).count();
        if self.len == tail.len {
            return Ok(self);
        }
        let (found, said) = (self.len, tail.len);
        Err(inconsistent(format!("{found} transitions in replay, the checkpoint says {said}")))
    }

    /// Refuses to restore a buffer of other sizes, or into one that was used.
    fn expect_sizes(&self, tail: &Tail) -> Result<(), CheckpointError> {
        if self.appended != 0 || !self.kinds.is_empty() {
            return Err(inconsistent("replay can be restored into a new buffer only".to_owned()));
        }
        let sizes = [
            ("a capacity", self.capacity, tail.capacity),
            ("rows for its time limit", self.rows, tail.rows),
            ("an observation", self.observation_dimension, tail.observation_dimension),
            ("an action", self.action_dimension, tail.action_dimension),
        ];
        match sizes.into_iter().find(|(_, here, there)| here != there) {
            None => Ok(()),
            Some((what, here, there)) => Err(inconsistent(format!(
                "replay with {what} of {here} cannot go on from one of {there}"
            ))),
        }
    }

    /// Reads the rows of a segment that come next and are wanted. Nothing was dropped or overwritten
    /// yet: they lie one after the other from the ring's beginning on.
    fn append_segment(
        &mut self,
        path: &Path,
        info: &SegmentInfo,
        wanted: &Range<u64>,
    ) -> Result<(), CheckpointError> {
        let next = self.appended;
        // The ring may have passed some rows of the first segment.
        let follows = info.first == next || (next == wanted.start && info.first < next);
        if !follows || info.end() > wanted.end {
            let reason = format!("rows {}..{} do not follow row {next}", info.first, info.end());
            let reason = format!("{reason} up to {}", wanted.end);
            return Err(CheckpointError::damaged(path, reason));
        }
        let widths = self.widths();
        let mut into = ColumnsMut {
            numbers: [
                &mut self.observations,
                &mut self.actions,
                &mut self.log_densities,
                &mut self.rewards,
            ],
            kinds: &mut self.kinds,
        };
        segment::read(path, info, next - info.first, widths, &mut into)?;
        self.appended = info.end();
        self.held = (self.appended - wanted.start) as usize;
        Ok(())
    }

    /// Refuses rows in an order that no episodes have.
    fn expect_order(&self, open: bool) -> Result<(), CheckpointError> {
        let alone = self
            .kinds
            .windows(2)
            .position(|pair| pair[1] == Kind::Observation && pair[0] != Kind::Continues);
        if let Some(i) = alone {
            let row = self.oldest() + i as u64 + 1;
            let reason = "an observation alone that no transition leads to";
            return Err(inconsistent(format!("row {row} of replay: {reason}")));
        }
        if !open && self.kinds.last() == Some(&Kind::Continues) {
            return Err(inconsistent("replay ends with a transition to nowhere".to_owned()));
        }
        Ok(())
    }
}

fn inconsistent(reason: String) -> CheckpointError {
    CheckpointError::Inconsistent(reason)
}
