//! The figure in the terminal.

use std::env;
use std::io::IsTerminal;

use super::curves::Drawn;
use crate::figures::{Figure, Screen};

/// Columns where nobody tells how many there are.
const WIDTH: usize = 80;
/// Fewest columns in which numbers and curves have room.
const NARROWEST: usize = 40;
/// More columns make no curve clearer.
const WIDEST: usize = 160;

/// The figure as text, as wide as the terminal, with the names of the curves below it.
pub fn show(figure: &Figure, curves: &[Drawn]) -> String {
    let screen = screen();
    let mean = |curve: &Drawn| match (curve.runs, curve.unfinished) {
        (1, 0) => String::new(),
        (runs, 0) => format!(", mean of {runs} runs"),
        (runs, more) => format!(", {runs} finished, {more} not and in no mean"),
    };
    let last = |curve: &Drawn| match curve.points.last() {
        Some(point) => format!("{} at {}{}", short(point.y), short(point.x), mean(curve)),
        None => "no step that all of its runs have".to_owned(),
    };
    let notes: Vec<String> = curves.iter().map(last).collect();
    figure.to_terminal(screen, &notes)
}

fn screen() -> Screen {
    let columns = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let measured = || {
        terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0))
    };
    let columns = columns.or_else(measured).unwrap_or(WIDTH);
    Screen { columns: columns.clamp(NARROWEST, WIDEST), colours: colours() }
}

/// As no-color.org and bixense.com/clicolors ask.
fn colours() -> bool {
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let forced =
        env::var_os("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
    !set("NO_COLOR") && (forced || std::io::stdout().is_terminal())
}

/// A number to five digits.
fn short(value: f64) -> String {
    let size = value.abs();
    match value {
        0.0 => "0".to_owned(),
        _ if !(1e-3..1e7).contains(&size) => format!("{value:.3e}"),
        _ => {
            let decimals = (4 - size.log10().floor() as i32).max(0) as usize;
            let text = format!("{value:.decimals$}");
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (10_000.0, "10000"),
            (-1560.9622, "-1561"),
            (0.012345678, "0.012346"),
            (2.5, "2.5"),
            (1.25e-9, "1.250e-9"),
            (3e12, "3.000e12"),
        ] {
            assert_eq!(short(value), text);
        }
    }
}
