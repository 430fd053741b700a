//! What the tests of the program share: an empty folder in which `rlai` runs.
#![allow(dead_code)]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

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

/// A command that runs on, and is ended when the test is: nothing of it stays.
pub struct Running(Child);

impl Running {
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    pub fn signal(&self, name: &str) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Ends it at once, by SIGKILL where there is that, as dropping it does.
    pub fn kill(self) {}

    /// Waits for its end; a minute is far more than it takes.
    pub fn end(mut self) -> Output {
        for _ in 0..6_000 {
            if self.has_ended() {
                let mut output =
                    Output { status: self.0.wait().unwrap(), stdout: vec![], stderr: vec![] };
                self.0.stdout.take().unwrap().read_to_end(&mut output.stdout).unwrap();
                self.0.stderr.take().unwrap().read_to_end(&mut output.stderr).unwrap();
                return output;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("it hangs");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Room {
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// The step of a run's newest checkpoint.
    pub fn newest_step(&self, run: &str) -> Option<u64> {
        let newest = rlai::checkpoint::candidates_of_run(&self.path(run)).into_iter().next()?;
        newest.file_name()?.to_str()?.parse().ok()
    }

    /// Lines of metrics without what may depend on the machine.
    pub fn timeless_metrics(&self, run: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path(run).join("metrics.jsonl")).unwrap();
        let timeless = |line: &str| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let fields = line.as_object_mut().unwrap();
            fields.retain(|field, _| !field.contains("time") && !field.contains("second"));
            line
        };
        text.lines().map(timeless).collect()
    }

    /// Asserts that two runs came to the same, to the last bit.
    pub fn same(&self, run: &str, other: &str, what: &str) {
        let result = |run: &str| self.json(&format!("{run}/result.json"));
        let (one, two) = (result(run), result(other));
        for field in ["parameters_blake3", "evaluations", "steps"] {
            assert_eq!(one[field], two[field], "{what}: {field}");
        }
        assert_eq!(self.timeless_metrics(run), self.timeless_metrics(other), "{what}");
    }
}
