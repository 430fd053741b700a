//! A figure as text: curves in Braille dots, names below.

use std::sync::Arc;

use kuva::backend::terminal::TerminalBackend;
use kuva::plot::{LinePlot, ScatterPlot};
use kuva::render::layout::{Layout, TickFormat};
use kuva::render::plots::Plot;
use kuva::render::render::{Primitive, Scene, render_multiple};
use kuva::render::theme::Theme;

use super::{Curve, Figure, tick};

/// Colours that can be read on black and on white, as far apart as that allows; after Okabe and Ito.
const COLOURS: [(u8, u8, u8); 7] = [
    (0, 140, 220),
    (225, 110, 0),
    (0, 165, 115),
    (215, 100, 170),
    (200, 160, 0),
    (120, 120, 230),
    (140, 140, 140),
];

/// Pixels of a scene for a column and a row.
const CELL: (f64, f64) = (8.0, 16.0);
/// Pixels of a Braille dot, of which a cell has two in a row and four in a column.
const DOT: f64 = 4.0;
/// Rows of a chart, and of one of several.
const ROWS: usize = 20;
const FEWER_ROWS: usize = 11;

/// Where a figure is shown.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Characters in a row.
    pub columns: usize,
    /// Whether colours are shown.
    pub colours: bool,
}

impl Figure {
    /// The figure as text. Where there are colours all curves share a chart; where there are none each has its
    /// own with the same axes. `notes` say something of each curve behind its label.
    pub fn to_terminal(&self, screen: Screen, notes: &[String]) -> String {
        let label = |i: usize| {
            let text = format!("{}  {}", self.curves[i].label, notes.get(i).map_or("", |x| x));
            text.replace(char::is_control, "\u{fffd}")
        };
        let title = self.title.replace(char::is_control, "\u{fffd}");
        let mut text = format!("  {title}\n");
        let all: Vec<usize> = (0..self.curves.len()).collect();
        if screen.colours {
            text.push_str(&self.chart(&all, screen, ROWS));
            for &i in &all {
                let (r, g, b) = colour(i);
                text.push_str(&format!("  \x1b[38;2;{r};{g};{b}m━━\x1b[0m {}\n", label(i)));
            }
        } else {
            let rows = if all.len() == 1 { ROWS } else { FEWER_ROWS };
            for &i in &all {
                text.push_str(&format!("  {}\n", label(i)));
                text.push_str(&without_colours(&self.chart(&[i], screen, rows)));
            }
        }
        text
    }

    fn chart(&self, curves: &[usize], screen: Screen, rows: usize) -> String {
        let scene = self.small_scene(curves, screen.columns, rows);
        let text = TerminalBackend::new(screen.columns, rows).render_scene(&scene);
        let lines = text.trim_end_matches("\x1b[0m").lines().map(str::trim_end);
        lines.map(|line| format!("{line}\n")).collect()
    }

    fn small_scene(&self, curves: &[usize], columns: usize, rows: usize) -> Scene {
        let plots: Vec<Plot> = curves.iter().flat_map(|&i| lines(&self.curves[i], i)).collect();
        let [(left, right), (low, high)] = self.ends();
        let layout = Layout::auto_from_plots(&plots)
            .with_theme(Theme::dark())
            .with_width(columns as f64 * CELL.0)
            .with_height(rows as f64 * CELL.1)
            .with_x_label(self.x_label.clone())
            .with_tick_format(TickFormat::Custom(Arc::new(tick)))
            .with_show_grid(false)
            .with_term_rows(rows as u32)
            .with_x_axis_min(left)
            .with_x_axis_max(right)
            .with_y_axis_min(low)
            .with_y_axis_max(high);
        let mut scene = render_multiple(plots, layout);
        for element in &mut scene.elements {
            if let Primitive::PolyLine { points, .. } = element {
                tilt(points);
            }
        }
        scene
    }

    /// Ends of both axes over all curves, the same for every chart.
    fn ends(&self) -> [(f64, f64); 2] {
        let points = || self.curves.iter().flat_map(|curve| drawn(curve).into_iter().flatten());
        let range = |of: fn(&(f64, f64)) -> f64| {
            let finite = points().map(of).filter(|value| value.is_finite());
            finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            })
        };
        let (left, right) = range(|point| point.0);
        let x = if right > left { (left.min(0.0), right) } else { (0.0, right.abs().max(1.0)) };
        let (low, high) = range(|point| point.1);
        let size = low.abs().max(high.abs());
        let room = match size {
            // The library's axes know no smaller steps.
            ..1e-12 => 1.0,
            // A constant, but for the last digits.
            _ if high - low < 1e-9 * size => 0.1 * size,
            _ => 0.04 * (high - low),
        };
        [x, if low <= high { (low - room, high + room) } else { (0.0, 1.0) }]
    }
}

/// A curve's line, or where it has none the single runs; in a terminal there is no room for both.
fn drawn(curve: &Curve) -> Vec<&[(f64, f64)]> {
    let ends = curve.line.is_empty();
    if ends { curve.singles.iter().map(Vec::as_slice).collect() } else { vec![&curve.line] }
}

fn lines(curve: &Curve, index: usize) -> Vec<Plot> {
    let (r, g, b) = colour(index);
    let line = |points: &[(f64, f64)]| {
        let line = LinePlot::new().with_data(points.iter().copied());
        Plot::Line(line.with_color(format!("#{r:02x}{g:02x}{b:02x}")).with_stroke_width(1.0))
    };
    let dot = |points: &[(f64, f64)]| {
        let dot = ScatterPlot::new().with_data(points.iter().copied());
        Plot::Scatter(dot.with_color(format!("#{r:02x}{g:02x}{b:02x}")).with_size(CELL.0 / 2.0))
    };
    drawn(curve)
        .into_iter()
        .map(|points| if points.len() == 1 { dot(points) } else { line(points) })
        .collect()
}

/// The library draws lines whose ends differ by less than half a pixel in one direction as those of axes,
/// a column or a row thick. Points of curves are moved inside of their dots, so that none of theirs do.
fn tilt(points: &mut [(f64, f64)]) {
    for i in 1..points.len() {
        let (x, y) = points[i - 1];
        points[i] = (apart(x, points[i].0), apart(y, points[i].1));
    }
}

/// A coordinate in the dot of `to` that is not near `from`.
fn apart(from: f64, to: f64) -> f64 {
    if (to - from).abs() >= 0.55 {
        return to;
    }
    let dot = (to / DOT).floor() * DOT;
    let (low, high) = (dot + 0.2 * DOT, dot + 0.8 * DOT);
    if from - low > high - from { low } else { high }
}

fn colour(index: usize) -> (u8, u8, u8) {
    COLOURS[index % COLOURS.len()]
}

/// The text without escape sequences, of which there are only those of colours.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split('\x1b');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        plain.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    plain.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(curves: Vec<Vec<(f64, f64)>>) -> Figure {
        let curve = |(i, line)| Curve { label: format!("curve {i}"), line, ..Curve::default() };
        Figure {
            title: "q".to_owned(),
            x_label: "steps".to_owned(),
            curves: curves.into_iter().enumerate().map(curve).collect(),
            ..Figure::default()
        }
    }

    fn is_braille(c: char) -> bool {
        ('\u{2801}'..='\u{28ff}').contains(&c)
    }

    #[test]
    fn a_chart_is_as_wide_as_the_screen_and_shows_every_curve() {
        let rising = (0..50).map(|i| (f64::from(i), f64::from(i))).collect();
        let flat = (0..50).map(|i| (f64::from(i), 25.0)).collect();
        let figure = figure(vec![rising, flat]);
        let notes = ["49 at 49".to_owned(), "25 at 49".to_owned()];
        for columns in [40, 80, 160] {
            let text = figure.to_terminal(Screen { columns, colours: false }, &notes);
            assert!(!text.contains('\x1b'));
            assert!(text.lines().all(|line| line.chars().count() <= columns), "{text}");
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest > columns - 8, "{text}");
            for words in ["curve 0  49 at 49", "curve 1  25 at 49", "steps", "  q\n"] {
                assert!(text.contains(words), "{words}: {text}");
            }
            // One chart each; the flat curve is as much of dots as the other.
            let (first, second) = text.split_once("curve 1").unwrap();
            for chart in [first, second] {
                let dots = chart.chars().filter(|&c| is_braille(c)).count();
                assert!(dots > columns / 3, "{dots}: {chart}");
            }
        }
        let text = figure.to_terminal(Screen { columns: 80, colours: true }, &notes);
        for (r, g, b) in &COLOURS[..2] {
            assert!(text.contains(&format!("\x1b[38;2;{r};{g};{b}m")), "{text:?}");
        }
    }

    #[test]
    fn one_point_is_seen_and_labels_cannot_command_the_terminal() {
        let mut figure = figure(vec![vec![(10.0, 1.0)]]);
        figure.curves[0].label = "\x1b[31mred".to_owned();
        let text = figure.to_terminal(Screen { columns: 60, colours: false }, &[]);
        assert!(text.chars().any(is_braille) && !text.contains('\x1b'), "{text}");
        figure.curves.clear();
        assert!(figure.to_terminal(Screen { columns: 60, colours: true }, &[]).contains("q"));
    }

    #[test]
    fn a_constant_stands_in_the_middle() {
        for value in [7.0, -3e-9, -1e-200, 0.0, 3e250] {
            let figure = figure(vec![vec![(0.0, value), (10.0, value)]]);
            let [_, (low, high)] = figure.ends();
            assert!(low < value && value < high, "{value}: {low} to {high}");
            let text = figure.to_terminal(Screen { columns: 80, colours: false }, &[]);
            assert!(text.chars().filter(|&c| is_braille(c)).count() > 40, "{text}");
        }
    }

    #[test]
    fn tilted_lines_stay_where_they_are() {
        for flat in [7.0, 8.0, 7.999] {
            let mut points: Vec<_> = (0..1000).map(|i| (f64::from(i) * 0.1, flat)).collect();
            tilt(&mut points);
            for (i, pair) in points.windows(2).enumerate() {
                let (dx, dy) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
                assert!(dx.abs() >= 0.5 && dy.abs() >= 0.5, "{i}: {pair:?}");
                let (x, y) = ((i + 1) as f64 * 0.1, flat);
                let dot = |value: f64| (value / DOT).floor();
                assert_eq!((dot(pair[1].0), dot(pair[1].1)), (dot(x), dot(y)));
            }
        }
    }
}
