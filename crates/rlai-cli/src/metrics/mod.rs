//! What `metrics.jsonl` tells, read back: line by line, or from the end. The recorder writes it;
//! `docs/metrics.md` describes it.

mod line;
mod place;
mod read;
mod runs;
mod tail;

pub use line::{EvaluationLine, Fields, Line, TrainLine};
pub use place::metrics_of;
pub use read::{Lines, MetricsError, lines_of};
pub use runs::{Run, runs_in};
pub use tail::{Latest, latest, latest_of};

/// Bytes of the longest line that is read: one evaluation of some 800,000 episodes.
pub const LONGEST_LINE: usize = 16 << 20;
