//! A figure as text: curves in Braille dots, names below.

use std::sync::Arc;

use kuva::backend::terminal::TerminalBackend;
use kuva::plot::LinePlot;
use kuva::render::layout::{Layout, TickFormat};
use kuva::render::plots::Plot;
use kuva::render::render::{Scene, render_multiple};
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
        let mut text = String::new();
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
        render_multiple(plots, layout)
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
        let room = 0.04 * (high - low).max(1e-9 * low.abs().max(1e-3));
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
    drawn(curve).into_iter().map(line).collect()
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
