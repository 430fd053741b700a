//! An event file of TensorBoard that grows with a run.
//!
//! It is at every time what `rlai export` would write of the attempt's metrics: after a resume it begins with the
//! lines that the attempt took over, so that it needs no other file, and those of earlier attempts go.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::PathBuf;

use crate::error::Failure;
use crate::export::{EVENTS, Events};
use crate::metrics::{Line, lines_of};
use crate::run_folder::{Attempt, RUN};
use crate::source::Source;

/// The event file of an attempt.
pub struct LiveEvents {
    path: PathBuf,
    events: Events<BufWriter<File>>,
}

impl LiveEvents {
    /// Begins the attempt's file with the run's settings, as its `run.toml` has them, and the lines of metrics that
    /// are there.
    ///
    /// # Errors
    /// Lines that cannot be read; a file system that refuses.
    pub fn begin(attempt: &Attempt) -> Result<Self, Failure> {
        let settings = Source::read(&attempt.run().join(RUN))?.table;
        let path = attempt.folder().join(EVENTS);
        let failed = |error: io::Error| Failure::running(unwritten(&path, &error));
        let file = File::create(&path).map_err(failed)?;
        let mut events = Events::begin(BufWriter::new(file)).map_err(failed)?;
        events.settings(&settings).map_err(failed)?;
        let metrics = attempt.metrics();
        let unreadable =
            |error| Failure::running(format!("cannot read {}: {error}", metrics.display()));
        for line in lines_of(&metrics).map_err(unreadable)? {
            events.line(&line.map_err(unreadable)?).map_err(failed)?;
        }
        events.flush().map_err(failed)?;
        attempt.remove_earlier(EVENTS);
        Ok(Self { path, events })
    }

    /// Adds a line of metrics, which whoever watches sees at once.
    ///
    /// # Errors
    /// A file system that refuses.
    pub fn add(&mut self, line: &str) -> io::Result<()> {
        let line = Line::parse(line.as_bytes()).map_err(io::Error::other)?;
        let written = self.events.line(&line).and_then(|()| self.events.flush());
        written.map_err(|error| io::Error::new(error.kind(), unwritten(&self.path, &error)))
    }
}

fn unwritten(path: &std::path::Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}
