//! Where the metrics of a run are.

use std::path::{Path, PathBuf};

use rlai::checkpoint::attempts;

use crate::run_folder::METRICS;

/// The metrics of the run in `run`: those that it shows when it has finished, or of its newest attempt that
/// has any; none where nothing has been written yet.
pub fn metrics_of(run: &Path) -> Option<PathBuf> {
    let shown = run.join(METRICS);
    if shown.is_file() {
        return Some(shown);
    }
    let of_attempts = attempts(run).into_iter().map(|(_, folder)| folder.join(METRICS));
    of_attempts.into_iter().find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_newest_attempt_counts_until_the_run_has_finished() {
        let run = tempfile::tempdir().unwrap();
        let path = |name: &str| run.path().join(name);
        assert_eq!(metrics_of(run.path()), None);
        for attempt in ["attempt-1", "attempt-2", "attempt-10", "attempt-11"] {
            fs::create_dir(path(attempt)).unwrap();
        }
        for attempt in ["attempt-1", "attempt-2", "attempt-10"] {
            fs::write(path(attempt).join(METRICS), "").unwrap();
        }
        assert_eq!(metrics_of(run.path()), Some(path("attempt-10").join(METRICS)));
        fs::write(path(METRICS), "").unwrap();
        assert_eq!(metrics_of(run.path()), Some(path(METRICS)));
    }
}
