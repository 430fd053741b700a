//! Ctrl-C, termination and a closed terminal: asked once the program stops cleanly, asked twice at once.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::Failure;

/// Exit code of a program that a second signal ended at once.
const KILLED: i32 = 130;

/// A flag that the first SIGINT, SIGTERM or SIGHUP sets; a second signal ends the process.
///
/// # Errors
/// When the system refuses the handlers.
pub fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // Handlers run in the order of their registration: this one sees only an earlier signal.
        flag::register_conditional_shutdown(signal, KILLED, Arc::clone(&stop))
            .and_then(|_| flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| Failure::running(format!("cannot listen for signals: {error}")))?;
    }
    Ok(stop)
}

/// Also sets `stop` when standard input ends: how a study stops its runs, and how runs notice that
/// their study is gone.
pub fn stop_at_end_of_input(stop: &Arc<AtomicBool>) {
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        let mut sink = [0u8; 64];
        while matches!(std::io::stdin().read(&mut sink), Ok(count) if count > 0) {}
        stop.store(true, Ordering::Relaxed);
    });
}
