//! MuJoCo's messages go to the program's own log, never to a file in the working directory.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_void};

use super::offsets;

/// MuJoCo's `mjfLogHandler`.
pub(super) type LogHandler = unsafe extern "C" fn(*const c_void);

thread_local! {
    static LOADING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `load` with MuJoCo's warnings taken down to the debug level: they speak of the pinned
/// models' deprecated attributes, which no user of them can change.
pub(super) fn quietly<T>(load: impl FnOnce() -> T) -> T {
    LOADING.set(true);
    let result = load();
    LOADING.set(false);
    result
}

/// Hands one message of MuJoCo to `tracing`.
///
/// # Safety
/// `message` points at an `mjLogMessage` of the pinned version.
pub(super) unsafe extern "C" fn forward_to_tracing(message: *const c_void) {
    // SAFETY: the offsets are those of `mjLogMessage`, whose subject is a C string within it.
    let (level, text) = unsafe {
        let level = message.byte_add(offsets::LOG_LEVEL).cast::<c_int>().read();
        let subject = message.byte_add(offsets::LOG_SUBJECT).cast::<c_char>();
        (level, CStr::from_ptr(subject).to_string_lossy())
    };
    match level {
        offsets::LOG_ERROR => tracing::error!(target: "mujoco", "{text}"),
        offsets::LOG_WARNING if !LOADING.get() => tracing::warn!(target: "mujoco", "{text}"),
        _ => tracing::debug!(target: "mujoco", "{text}"),
    }
}
