//! Event files of TensorBoard: a scalar for every number of a line, and the settings as hyperparameters.
//!
//! A file is a sequence of TFRecords: length, its checksum, an `Event`, its checksum; checksums are CRC-32C,
//! masked (TensorFlow, `lib/io/record_writer.h` and `util/event.proto`). Hyperparameters are what the plugin
//! `hparams` reads (TensorBoard, `plugins/hparams/plugin_data.proto`).

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crc::{CRC_32_ISCSI, Crc};

use super::protobuf::Message;
use super::table::{Table, Written, unwritten};
use crate::error::Failure;
use crate::metrics::{Line, Run};
use crate::run_folder::write_whole_with;

/// TensorBoard takes files for its own by `tfevents` in their names, and for their order the number.
pub const FILE: &str = "events.out.tfevents.0.rlai";

const CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Writes one folder for every run, with one event file.
///
/// # Errors
/// Lines that cannot be read, or a file that cannot be written.
pub fn write(table: &Table, out: &Path) -> Result<Written, Failure> {
    let mut written = Written { runs: table.runs.len(), rows: 0, files: Vec::new() };
    for (run, lines) in &table.runs {
        let folder = out.join(&run.name);
        fs::create_dir_all(&folder).map_err(|error| unwritten(&folder, &error))?;
        let path = folder.join(FILE);
        written.rows += write_run(run, *lines, &path)?;
        written.files.push(path);
    }
    Ok(written)
}

fn write_run(run: &Run, lines: u64, path: &Path) -> Result<u64, Failure> {
    let refused = |error: io::Error| unwritten(path, &error);
    let mut rows = 0;
    write_whole_with(path, refused, |file| {
        let mut events = Events::begin(BufWriter::new(file)).map_err(refused)?;
        events.settings(&run.settings).map_err(refused)?;
        run.each_line(lines, |line| {
            rows += u64::from(line.step().is_some());
            events.line(line).map_err(refused)
        })?;
        events.flush().map_err(refused)
    })?;
    Ok(rows)
}

/// An event file that is being written.
pub struct Events<W> {
    out: W,
    /// Seconds of the line before.
    time: f64,
}

impl<W: Write> Events<W> {
    /// Begins a file with its version.
    ///
    /// # Errors
    /// A file system that refuses; so for all that follows.
    pub fn begin(out: W) -> io::Result<Self> {
        let mut events = Self { out, time: 0.0 };
        let version = Message::default().double(1, 0.0).bytes(3, b"brain.Event:2");
        events.record(version)?;
        Ok(events)
    }

    /// A scalar for every number of the line. What the clock of the event shows are the seconds of training,
    /// so that equal runs have equal files but for these.
    pub fn line(&mut self, line: &Line) -> io::Result<()> {
        let Some(step) = line.step() else { return Ok(()) };
        self.time = line.value("time_seconds").unwrap_or(self.time);
        let mut summary = Message::default();
        for name in line.names().filter(|name| *name != "time_seconds") {
            if let Some(value) = line.value(name) {
                let tag = format!("{}/{name}", line.kind());
                let scalar = Message::default().bytes(1, tag.as_bytes()).float(2, value as f32);
                summary = summary.message(1, scalar);
            }
        }
        self.record(Message::default().double(1, self.time).whole(2, step).message(5, summary))
    }

    /// The settings of the run as its hyperparameters.
    pub fn settings(&mut self, settings: &toml::Table) -> io::Result<()> {
        let mut session = Message::default();
        for (name, value) in settings {
            let value = match value {
                toml::Value::Integer(value) => Message::default().double(2, *value as f64),
                toml::Value::Float(value) => Message::default().double(2, *value),
                toml::Value::String(value) => Message::default().bytes(3, value.as_bytes()),
                toml::Value::Boolean(value) => Message::default().whole(4, u64::from(*value)),
                toml::Value::Table(_) => continue,
                other => Message::default().bytes(3, other.to_string().as_bytes()),
            };
            let entry = Message::default().bytes(1, name.as_bytes()).message(2, value);
            session = session.message(1, entry);
        }
        self.hyperparameters("_hparams_/session_start_info", 3, session.double(5, 0.0))
    }

    /// Hands what was written to the file.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn hyperparameters(&mut self, tag: &str, field: u8, content: Message) -> io::Result<()> {
        let data = Message::default().whole(1, 0).message(field, content);
        let plugin = Message::default().bytes(1, b"hparams").message(2, data);
        let value = Message::default().bytes(1, tag.as_bytes());
        let value = value.message(9, Message::default().message(1, plugin));
        let summary = Message::default().message(1, value);
        self.record(Message::default().double(1, 0.0).message(5, summary))
    }

    fn record(&mut self, event: Message) -> io::Result<()> {
        let bytes = event.into_bytes();
        let length = (bytes.len() as u64).to_le_bytes();
        self.out.write_all(&length)?;
        self.out.write_all(&masked(&length).to_le_bytes())?;
        self.out.write_all(&bytes)?;
        self.out.write_all(&masked(&bytes).to_le_bytes())
    }
}

/// A checksum of bytes that may hold checksums.
fn masked(bytes: &[u8]) -> u32 {
    CHECKSUM.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standard() {
        // RFC 3720, B.4.
        assert_eq!(CHECKSUM.checksum(&[0; 32]), 0x8a91_36aa);
        assert_eq!(CHECKSUM.checksum(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(CHECKSUM.checksum(b"123456789"), 0xe306_9283);
        // Worked out by hand: (crc >> 15 | crc << 17) + 0xa282ead8.
        assert_eq!(masked(b"123456789"), 0xc78a_b0e5);
    }

    #[test]
    fn an_event_file_begins_with_its_version() {
        let events = Events::begin(Vec::new()).unwrap();
        // What TensorFlow's own writer begins with, but for the time: 24 bytes of Event.
        assert_eq!(events.out.len(), 8 + 4 + 24 + 4);
        assert_eq!(events.out[..8], 24u64.to_le_bytes());
        assert!(events.out[12..36].ends_with(b"\x1a\x0dbrain.Event:2"));
    }
}
