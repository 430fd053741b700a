//! What the tests of the program share: an empty folder in which `rlai` runs.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Settings of a run that takes part of a second.
pub const TINY: &[&str] = &[
    "--env=Pendulum-v1",
    "--steps=400",
    "--learning-starts=100",
    "--hidden=32,32",
    "--batch=32",
    "--evaluate-every=200",
    "--evaluation-episodes=2",
    "--log-every=100",
];

/// An empty folder.
pub struct Room {
    folder: TempDir,
}

impl Room {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rlai"));
        command.current_dir(self.folder.path()).args(arguments).stdin(Stdio::null());
        command
    }

    pub fn rlai(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// A command that must end well; what it printed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.rlai(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", complaint(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// `rlai train` with [`TINY`] settings and more.
    pub fn train(&self, more: &[&str]) -> Value {
        let arguments = [&["train", "--json"], TINY, more].concat();
        serde_json::from_str(&self.ok(&arguments)).unwrap()
    }

    /// A command that must be refused as bad input and create nothing; what it complained of.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let before = listing(self.folder.path());
        let output = self.rlai(arguments);
        let complaint = complaint(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {complaint}");
        assert!(output.stdout.is_empty());
        assert_eq!(listing(self.folder.path()), before, "{arguments:?} changed something");
        complaint
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path(name)).unwrap()).unwrap()
    }
}

pub fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every file below `folder` with its content.
pub fn listing(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.push((path.clone(), Vec::new()));
            files.extend(listing(&path));
        } else {
            files.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}

/// Waits until something holds; a minute is far more than it takes.
pub fn wait_until(holds: impl Fn() -> bool) {
    for _ in 0..3_000 {
        if holds() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("what was waited for did not happen");
}
