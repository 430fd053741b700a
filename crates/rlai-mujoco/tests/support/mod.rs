//! Telling apart "no MuJoCo here" from "MuJoCo is wrong".

use std::io::Write;

use rlai::env::Environment;
use rlai_mujoco::AssetError;

/// The task without time limit, or none where no libmujoco can be had. `RLAI_REQUIRE_MUJOCO=1` makes
/// that a failure.
pub fn make(id: &str) -> Option<Box<dyn Environment>> {
    match rlai_mujoco::make_unlimited(id).expect("a task of this name") {
        Ok(task) => Some(task),
        Err(error @ (AssetError::Missing { .. } | AssetError::Platform)) => {
            let required =
                std::env::var_os("RLAI_REQUIRE_MUJOCO").is_some_and(|value| value == "1");
            assert!(!required, "RLAI_REQUIRE_MUJOCO is set, but {error}");
            // Not by a macro, whose output a passing test would swallow.
            let reason = error.to_string();
            let reason = reason.lines().next().unwrap_or_default();
            let _ = writeln!(std::io::stderr(), "skipped: {reason}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}
