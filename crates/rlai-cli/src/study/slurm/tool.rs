//! Slurm's programs, called with patience.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take: one whose controller is gone tries for a while.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a program printed.
///
/// # Errors
/// It is not there, takes too long or fails, in words.
pub fn output(program: &str, arguments: &[String]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Lists of array tasks are cut to 64 characters otherwise.
    command.env("SLURM_BITSTR_LEN", "0");
    let failed = |why: String| format!("{program}: {why}");
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let (out, err) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait().map_err(|error| failed(error.to_string()))? {
            Some(status) => break status,
            None if Instant::now() >= deadline => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed(format!("no answer in {} seconds", PATIENCE.as_secs())));
            }
            None => thread::sleep(Duration::from_millis(20)),
        }
    };
    let told = |reader: thread::JoinHandle<String>| reader.join().unwrap_or_default();
    let (out, err) = (told(out), told(err));
    match status.success() {
        true => Ok(out),
        false => Err(failed(match err.trim() {
            "" => status.to_string(),
            err => err.strip_prefix(&format!("{program}: ")).unwrap_or(err).to_owned(),
        })),
    }
}

fn collect(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            // What was read before an error is still worth telling.
            let _ = stream.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn output_and_complaints_are_kept_apart() {
        let shell = |text: &str| output("sh", &["-c".to_owned(), text.to_owned()]);
        assert_eq!(shell("echo told; echo else >&2").unwrap(), "told\n");
        assert_eq!(shell("echo 'sh: error: no' >&2; exit 3").unwrap_err(), "sh: error: no");
        assert!(shell("exit 3").unwrap_err().contains("exit status: 3"));
        assert!(
            output("rlai-no-such-program", &[]).unwrap_err().starts_with("rlai-no-such-program: ")
        );
    }
}
