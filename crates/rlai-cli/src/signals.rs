//! Ctrl-C, termination and a closed terminal: asked once the program stops cleanly, asked twice at once.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::ValueEnum;
#[cfg(unix)]
use signal_hook::consts::SIGUSR1;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::Failure;

/// Exit code of a program that a second signal ended at once.
const KILLED: i32 = 130;

/// What a run does once a signal has made it save itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnSignal {
    /// It exits.
    #[default]
    Stop,
    /// It waits to be ended: some cluster engines start a run again only if they ended it themselves.
    Wait,
}

/// A flag that the first SIGINT, SIGTERM, SIGHUP or SIGUSR1 sets; a second one of the first three ends the
/// process. SIGUSR1, an early warning, is often followed by others and never ends it.
///
/// # Errors
/// When the system refuses the handlers.
pub fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    listen(&[SIGINT, SIGTERM, SIGHUP])
}

/// As [`stop_flag`]; a run that shall wait to be ended is not ended by a second SIGTERM, which comes
/// before what ends it.
///
/// # Errors
/// When the system refuses the handlers.
pub fn stop_flag_for(on_signal: OnSignal) -> Result<Arc<AtomicBool>, Failure> {
    match on_signal {
        OnSignal::Stop => stop_flag(),
        OnSignal::Wait => listen(&[SIGINT, SIGHUP]),
    }
}

/// A flag for all signals, of which a second one in `deadly` ends the process.
fn listen(deadly: &[i32]) -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let signals = [
        SIGINT,
        SIGTERM,
        SIGHUP,
        #[cfg(unix)]
        SIGUSR1,
    ];
    // Started by `nohup`, a run outlives its terminal.
    let signals = signals.into_iter().filter(|&signal| signal != SIGHUP || !is_ignored(SIGHUP));
    for signal in signals {
        // Handlers run in the order of their registration: this one sees only an earlier signal.
        let first = match deadly.contains(&signal) {
            true => {
                flag::register_conditional_shutdown(signal, KILLED, Arc::clone(&stop)).map(|_| ())
            }
            false => Ok(()),
        };
        first
            .and_then(|()| flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| Failure::running(format!("cannot listen for signals: {error}")))?;
    }
    #[cfg(unix)]
    survive_limits()?;
    Ok(stop)
}

/// A write beyond the largest file that is allowed (`ulimit -f`) becomes an error of that write.
#[cfg(unix)]
fn survive_limits() -> Result<(), Failure> {
    let unused = Arc::new(AtomicBool::new(false));
    let registered = flag::register(signal_hook::consts::SIGXFSZ, unused);
    let failed = |error| Failure::running(format!("cannot listen for signals: {error}"));
    registered.map(drop).map_err(failed)
}

/// Whether this process was started with the signal ignored, as far as the system tells.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Waits for whatever ends this process.
pub fn wait_for_the_end() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}

/// Ends this process when its standard input does.
pub fn end_with_input() {
    at_end_of_input(|| std::process::exit(KILLED));
}

/// Also sets `stop` when standard input ends: how a study stops its runs, and how runs notice that
/// their study is gone.
pub fn stop_at_end_of_input(stop: &Arc<AtomicBool>) {
    let stop = Arc::clone(stop);
    at_end_of_input(move || stop.store(true, Ordering::Relaxed));
}

fn at_end_of_input(act: impl FnOnce() + Send + 'static) {
    std::thread::spawn(move || {
        let mut sink = [0u8; 64];
        while matches!(std::io::stdin().read(&mut sink), Ok(count) if count > 0) {}
        act();
    });
}
