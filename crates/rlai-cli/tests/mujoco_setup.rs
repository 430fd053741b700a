//! Fetching MuJoCo where it cannot be fetched: one clear error, exit code 2, nothing changed.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

const RLAI: &str = env!("CARGO_BIN_EXE_rlai");

/// A machine whose search path holds only the programs in `bin`, with a cache folder of its own.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(machine.path("bin")).unwrap();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A Python whose `pip download` runs these lines.
    fn with_python(self, download: &str) -> Self {
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in\n--version) echo Python 3.12.1;;\n\
             *'pip --version') echo pip 24;;\n*'pip download'*) {download};;\n*) exit 1;;\nesac\n"
        );
        let program = self.path("bin/python3");
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn rlai(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(RLAI);
        command.args(arguments).current_dir(self.folder.path());
        command.env("PATH", self.path("bin")).env("RLAI_CACHE", self.path("cache"));
        command.env_remove("MUJOCO_DIR");
        if self.path("mujoco").exists() {
            command.env("MUJOCO_DIR", self.path("mujoco"));
        }
        command.output().unwrap()
    }

    /// What `rlai setup` tells when it is refused.
    fn refusal(&self) -> String {
        let output = self.rlai(&["setup"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    }
}

#[test]
fn without_python_both_ways_out_are_named_and_nothing_is_created() {
    let machine = Machine::new();
    let message = machine.refusal();
    assert!(message.contains("no Python 3"), "{message}");
    assert!(message.contains("install Python 3 with pip"), "{message}");
    assert!(message.contains("set MUJOCO_DIR to a folder that holds libmujoco.so.3.17.0"));
    assert!(!machine.path("cache").exists());
}

#[test]
fn what_pip_says_is_told() {
    let machine = Machine::new().with_python("echo 'ERROR: no network' >&2; exit 1");
    let message = machine.refusal();
    assert!(message.contains("python3 -m pip download: ERROR: no network"), "{message}");
    assert!(!machine.path("cache").exists());
}

#[test]
fn a_download_that_is_not_the_pinned_one_is_refused_and_the_cache_stays() {
    let bogus = "echo bogus > mujoco-3.17.0-any.whl; echo bogus > gymnasium-1.4.0-any.whl";
    let machine = Machine::new().with_python(bogus);
    let library = machine.path("cache/mujoco-3.17.0/libmujoco.so.3.17.0");
    fs::create_dir_all(library.parent().unwrap()).unwrap();
    fs::write(&library, "corrupted").unwrap();
    let message = machine.refusal();
    assert!(message.contains("the wheel of mujoco 3.17.0: SHA-256"), "{message}");
    assert!(message.contains("the file is refused"), "{message}");
    assert_eq!(fs::read_to_string(&library).unwrap(), "corrupted");
    assert_eq!(fs::read_dir(machine.path("cache")).unwrap().count(), 1);
}

#[test]
fn another_version_in_the_users_folder_is_refused_with_both_versions() {
    let machine = Machine::new().with_python("exit 1");
    fs::create_dir_all(machine.path("mujoco/lib")).unwrap();
    let message = machine.refusal();
    assert!(message.contains("holds no libmujoco.so.3.17.0"), "{message}");
    fs::write(machine.path("mujoco/lib/libmujoco.so.3.3.2"), "").unwrap();
    let message = machine.refusal();
    assert!(message.contains("is MuJoCo 3.3.2, 3.17.0 wanted"), "{message}");
    assert!(!machine.path("cache").exists());
}

#[test]
fn the_doctor_fails_only_where_setup_could_not_help() {
    let doctor = |machine: &Machine| {
        let output = machine.rlai(&["doctor", "--json"]);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["ready"], false);
        assert!(!machine.path("cache").exists(), "the doctor changes nothing");
        (output.status.code(), report["can_be_fetched"].as_bool())
    };
    assert_eq!(doctor(&Machine::new()), (Some(2), Some(false)));
    assert_eq!(doctor(&Machine::new().with_python("exit 1")), (Some(0), Some(true)));
}
