//! Python as a source: packages that are already installed, and pip.
//!
//! Nothing of a package is imported or run; files are read, and trusted for their hash only.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::pins::{WHEELS, Wheel};

/// A Python 3 on this machine.
pub(super) struct Python {
    program: &'static str,
    /// What it calls itself, "Python 3.12.4".
    pub(super) version: String,
}

/// Prints the folder that holds each package named in the arguments.
const FIND_PACKAGES: &str = "import importlib.util, os, sys\n\
    for name in sys.argv[1:]:\n    \
        spec = importlib.util.find_spec(name)\n    \
        for place in (spec.submodule_search_locations or []) if spec else []:\n        \
            print(os.path.dirname(place))\n";

impl Python {
    /// The first Python 3 on the search path.
    pub(super) fn find() -> Option<Self> {
        ["python3", "python"].into_iter().find_map(|program| {
            let output =
                Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
            let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            let usable = output.status.success() && version.starts_with("Python 3");
            usable.then_some(Self { program, version })
        })
    }

    /// Whether it has pip.
    pub(super) fn has_pip(&self) -> bool {
        self.run(Path::new("/"), &["-m", "pip", "--version"])
            .is_ok_and(|output| output.status.success())
    }

    /// The `site-packages` folders that hold one of the pinned packages.
    pub(super) fn package_folders(&self) -> Vec<PathBuf> {
        let mut arguments = vec!["-c", FIND_PACKAGES];
        arguments.extend(WHEELS.map(|wheel| wheel.project));
        // Run outside of the working directory, whose files Python would otherwise import.
        let Ok(folder) = tempfile::tempdir() else { return Vec::new() };
        let Ok(output) = self.run(folder.path(), &arguments) else { return Vec::new() };
        String::from_utf8_lossy(&output.stdout).lines().map(PathBuf::from).collect()
    }

    /// Has pip put the wheels into `folder`, which must be an empty one.
    ///
    /// # Errors
    /// What pip said.
    pub(super) fn download(&self, wheels: &[&Wheel], folder: &Path) -> Result<(), String> {
        let requirements = folder.join("requirements.txt");
        std::fs::write(&requirements, requirements_text(wheels)).map_err(|e| e.to_string())?;
        // The fixed interface pins one file, whatever Python runs pip.
        let fixed = "-m pip download --no-deps --only-binary=:all: --require-hashes --no-input --retries 2 \
             --disable-pip-version-check --python-version 3.11 --implementation cp --abi cp311 \
             --platform manylinux_2_28_x86_64 --dest . -r requirements.txt";
        let arguments: Vec<&str> = fixed.split_whitespace().collect();
        let output = self.run(folder, &arguments).map_err(|error| error.to_string())?;
        if output.status.success() { Ok(()) } else { Err(self.complaint(&output)) }
    }

    fn run(&self, folder: &Path, arguments: &[&str]) -> std::io::Result<Output> {
        Command::new(self.program)
            .args(arguments)
            .current_dir(folder)
            .env("PIP_REQUIRE_VIRTUALENV", "0")
            .stdin(Stdio::null())
            .output()
    }

    /// The lines of pip's errors that say what went wrong.
    fn complaint(&self, output: &Output) -> String {
        let text = String::from_utf8_lossy(&output.stderr);
        let mut lines: Vec<&str> = text.lines().filter(|line| line.contains("ERROR")).collect();
        if lines.is_empty() {
            lines.extend(text.lines().last());
        }
        format!("{} -m pip download: {}", self.program, lines.join("; "))
    }
}

fn requirements_text(wheels: &[&Wheel]) -> String {
    wheels
        .iter()
        .map(|wheel| {
            format!("{}=={} --hash=sha256:{}\n", wheel.project, wheel.version, wheel.sha256)
        })
        .collect()
}
