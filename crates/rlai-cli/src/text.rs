//! Small things about text that several commands need.

use std::fmt::Arguments;
use std::io::Write;
use std::path::Path;

/// Writes to standard output. A reader that has seen enough (`| head`) is no error: the program ends
/// quietly. Anything else that keeps the output from being written ends it with exit code 1.
pub fn write_out(text: Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    match out.write_fmt(text).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => {
            write_err(format_args!("error: cannot write to standard output: {error}\n"));
            std::process::exit(1)
        }
    }
}

/// Writes to standard error. A run is worth more than what is told about it: if nobody can be told, it
/// goes on.
pub fn write_err(text: Arguments<'_>) {
    let _ = std::io::stderr().lock().write_fmt(text);
}

/// As `eprintln!`, but never a reason to stop.
macro_rules! line_err {
    ($($text:tt)*) => { $crate::text::write_err(format_args!("{}\n", format_args!($($text)*))) };
}

/// As `print!`, but a closed pipe ends the program quietly.
macro_rules! print_out {
    ($($text:tt)*) => { $crate::text::write_out(format_args!($($text)*)) };
}

/// As `println!`, but a closed pipe ends the program quietly.
macro_rules! line_out {
    ($($text:tt)*) => { $crate::text::write_out(format_args!("{}\n", format_args!($($text)*))) };
}

/// `a, b or c`.
pub fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// No name is as long, in bytes, nor is what somebody meant to be one.
const LONGEST_TYPO: usize = 100;

/// ` (did you mean NAME?)` for the nearest name, or nothing where none is near.
pub fn did_you_mean(given: &str, names: &[&str]) -> String {
    // The comparison takes time and memory for each letter of the one with each of the other.
    if given.len() > LONGEST_TYPO {
        return String::new();
    }
    let lower = given.to_lowercase();
    let similarity =
        |name: &str| strsim::normalized_damerau_levenshtein(&lower, &name.to_lowercase());
    let nearest = names.iter().rev().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    match nearest {
        Some(name) if similarity(name) >= 0.4 => format!(" (did you mean {name}?)"),
        _ => String::new(),
    }
}

/// `1234567` as `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `once`, `3 times`.
pub fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

/// A setting in words, its value as people read it: long whole numbers with thousands separators.
pub fn setting(key: &str, value: &str) -> String {
    format!("{key} = {}", readable_value(value))
}

/// A setting's value as people read it.
pub fn readable_value(value: &str) -> String {
    match value.parse::<u64>() {
        Ok(number) if number >= 1_000 => thousands(number),
        _ => value.to_owned(),
    }
}

/// A path as a word of a shell's command: quoted where it holds more than letters that no shell looks at.
pub fn in_shell(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "-_./,=+:@%".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// A number to one decimal place, its whole part with thousands separators.
pub fn decimal(number: f64) -> String {
    if !number.is_finite() {
        return number.to_string();
    }
    let tenths = (number.abs() * 10.0).round() as u64;
    let sign = if number < 0.0 && tenths > 0 { "-" } else { "" };
    format!("{sign}{}.{}", thousands(tenths / 10), tenths % 10)
}

/// `75` seconds as `1 min 15 s`.
pub fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s:02} s"),
        (h, m, _) => format!("{h} h {m:02} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_of_settings_are_grouped_and_nothing_else() {
        assert_eq!(setting("buffer", "1000000"), "buffer = 1,000,000");
        assert_eq!(setting("buffer", "1000"), "buffer = 1,000");
        assert_eq!(setting("batch", "256"), "batch = 256");
        assert_eq!(setting("hidden", "256x256"), "hidden = 256x256");
        assert_eq!(setting("learning-rate", "0.00003"), "learning-rate = 0.00003");
    }

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        for (path, word) in [
            ("runs/Hopper-v5,buffer=1000/seed0", "runs/Hopper-v5,buffer=1000/seed0"),
            ("my runs/a", "'my runs/a'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("", "''"),
        ] {
            assert_eq!(in_shell(Path::new(path)), word);
        }
    }

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000), "1,000");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(decimal(-1234.56), "-1,234.6");
        assert_eq!(decimal(-0.01), "0.0");
        assert_eq!(decimal(0.96), "1.0");
    }

    #[test]
    fn only_a_near_name_is_suggested() {
        let names = ["HalfCheetah-v5", "Hopper-v5"];
        assert_eq!(did_you_mean("HalfCheeta-v5", &names), " (did you mean HalfCheetah-v5?)");
        assert_eq!(did_you_mean("halfcheetah", &names), " (did you mean HalfCheetah-v5?)");
        assert_eq!(did_you_mean("zzzzzzzzzzzzzzz", &names), "");
        assert_eq!(did_you_mean(&"Hopper-v5".repeat(1_000_000), &names), "");
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(59.4), "59 s");
        assert_eq!(duration(75.0), "1 min 15 s");
        assert_eq!(duration(3_700.0), "1 h 01 min");
    }
}
