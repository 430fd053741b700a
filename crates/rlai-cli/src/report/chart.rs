//! Charts of curves.

use super::axis::{Axis, TICK_SIZE};
use super::drawing::{Anchor, Drawing, Ink, Shape, shortened, text_width, wrap};
use super::svg::dash;

/// Most points of a line: more than a screen shows. The table of the figure has them all.
const MOST_POINTS: usize = 240;
/// Most thin lines of a chart: beyond, nobody could follow one.
pub const MOST_SINGLES: usize = 40;
/// Height of the plot for its width.
const ASPECT: f64 = 0.55;
const TITLE_SIZE: u32 = 15;
const LEGEND_SIZE: u32 = 13;
const LEGEND_ROW: f64 = 20.0;
/// Width of a legend's line and the room beside it.
const SWATCH: f64 = 34.0;

/// One curve with what is known of its spread.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Name in the legend.
    pub label: String,
    /// Number of its colour and kind of line.
    pub number: usize,
    /// The line.
    pub line: Vec<(f64, f64)>,
    /// Lower and upper end at each point of the line; empty for none.
    pub band: Vec<(f64, f64)>,
    /// Thin lines behind it: single runs.
    pub singles: Vec<Vec<(f64, f64)>>,
    /// Thin dotted lines: runs that have not finished.
    pub open: Vec<Vec<(f64, f64)>>,
}

/// Curves over one axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// Its name.
    pub title: String,
    /// What the x axis counts.
    pub x_label: String,
    /// What the y axis counts.
    pub y_label: String,
    /// What it shows, in words.
    pub description: String,
    /// The curves.
    pub series: Vec<Series>,
    /// Ends of the x axis; otherwise from 0 to where the curves end.
    pub x_range: Option<(f64, f64)>,
    /// Ends of the y axis; otherwise those of the curves.
    pub y_range: Option<(f64, f64)>,
}

impl Chart {
    /// Whether there is anything to see.
    pub fn is_empty(&self) -> bool {
        self.series.iter().all(|it| it.line.is_empty() && it.open.iter().all(Vec::is_empty))
    }

    /// Draws it in this width, with a caption beneath where there is one.
    pub fn draw(&self, width: f64, caption: &str) -> Drawing {
        let mut drawing = Drawing {
            width,
            title: self.title.clone(),
            description: self.description.clone(),
            ..Drawing::default()
        };
        let mut y = heading(&mut drawing, &self.title);
        y = self.legend(&mut drawing, y);
        drawing.text((14.0, y + 16.0), &self.y_label, TICK_SIZE, Anchor::Start, Ink::Muted);
        let (left, right, top) = (62.0, width - 14.0, y + 26.0);
        let bottom = top + (right - left) * ASPECT;
        let x_axis = Axis::even(self.x_ends(), (left, right));
        let y_axis = Axis::even(self.y_ends(), (bottom, top));
        x_axis.draw_grid(&mut drawing, top, bottom);
        x_axis.draw_below(&mut drawing, bottom, &self.x_label);
        y_axis.draw_left(&mut drawing, left, right);
        self.curves(&mut drawing, &x_axis, &y_axis);
        finish(&mut drawing, bottom + 44.0, caption);
        drawing
    }

    /// Entries beside each other as far as they fit; returns where it ends.
    fn legend(&self, drawing: &mut Drawing, top: f64) -> f64 {
        let (mut x, mut y) = (14.0, top + 6.0);
        for series in &self.series {
            let most = ((drawing.width - 28.0 - SWATCH) / (f64::from(LEGEND_SIZE) * 0.58)) as usize;
            let label = shortened(&series.label, most);
            let width = SWATCH + text_width(&label, LEGEND_SIZE) + 16.0;
            if x > 14.0 && x + width > drawing.width - 10.0 {
                (x, y) = (14.0, y + LEGEND_ROW);
            }
            drawing.shapes.push(Shape::Line {
                points: vec![(x, y + 6.0), (x + 26.0, y + 6.0)],
                ink: Ink::Series(series.number),
                width: 3.0,
                dash: dash(series.number),
                opacity: 1.0,
            });
            drawing.text((x + SWATCH, y + 11.0), &label, LEGEND_SIZE, Anchor::Start, Ink::Text);
            x += width;
        }
        y + LEGEND_ROW
    }

    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.series.iter().flat_map(|series| {
            let thin = series.singles.iter().chain(&series.open).flatten();
            series.line.iter().chain(thin).copied()
        })
    }

    fn x_ends(&self) -> (f64, f64) {
        let most = self.points().map(|(x, _)| x).fold(0.0, f64::max);
        self.x_range.unwrap_or((0.0, most))
    }

    fn y_ends(&self) -> (f64, f64) {
        let bands = self.series.iter().flat_map(|it| &it.band).flat_map(|&(low, high)| [low, high]);
        let all = self.points().map(|(_, y)| y).chain(bands).filter(|y| y.is_finite());
        let (low, high) = all
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
        let room = (high - low) * 0.04;
        self.y_range.unwrap_or((low - room, high + room))
    }

    /// Bands first, then single runs, then lines: what matters most is never hidden.
    fn curves(&self, drawing: &mut Drawing, x: &Axis, y: &Axis) {
        let place = |&(a, b): &(f64, f64)| (x.at(a), y.at(b));
        for series in self.series.iter().filter(|series| !series.band.is_empty()) {
            let ends = || {
                thinned(&series.line, MOST_POINTS)
                    .into_iter()
                    .zip(thinned(&series.band, MOST_POINTS))
            };
            let upper = ends().map(|((at, _), (_, high))| (x.at(at), y.at(high)));
            let lower = ends().rev().map(|((at, _), (low, _))| (x.at(at), y.at(low)));
            let points = upper.chain(lower).collect();
            let ink = Ink::Series(series.number);
            drawing.shapes.push(Shape::Area { points, ink, opacity: 0.18 });
        }
        let mut line = |points: &[(f64, f64)], number, width, dash, opacity| {
            let points: Vec<_> = thinned(points, MOST_POINTS).iter().map(place).collect();
            if let [only] = points[..] {
                let ink = Ink::Series(number);
                drawing.shapes.push(Shape::Dot { at: only, radius: width + 1.0, ink });
            } else if !points.is_empty() {
                let ink = Ink::Series(number);
                drawing.shapes.push(Shape::Line { points, ink, width, dash, opacity });
            }
        };
        for series in &self.series {
            let dotted = series.open.iter().map(|points| (points, "1.5 3"));
            for (points, dash) in series.singles.iter().map(|points| (points, "")).chain(dotted) {
                line(points, series.number, 1.0, dash, 0.5);
            }
        }
        for series in &self.series {
            line(&series.line, series.number, 2.6, dash(series.number), 1.0);
        }
    }
}

/// A chart's name at its top; returns where it ends.
pub fn heading(drawing: &mut Drawing, title: &str) -> f64 {
    // Bold letters are wider.
    let most = ((drawing.width - 28.0) / (f64::from(TITLE_SIZE) * 0.68)) as usize;
    let lines = wrap(title, most);
    let step = f64::from(TITLE_SIZE) * 1.3;
    for (i, line) in lines.iter().enumerate() {
        drawing.shapes.push(Shape::Text {
            at: (14.0, 22.0 + step * i as f64),
            text: shortened(line, most),
            size: TITLE_SIZE,
            anchor: Anchor::Start,
            bold: true,
            ink: Ink::Text,
        });
    }
    30.0 + step * lines.len().saturating_sub(1) as f64
}

/// Writes the caption and sets the height.
pub fn finish(drawing: &mut Drawing, bottom: f64, caption: &str) {
    drawing.height = bottom;
    if !caption.is_empty() {
        let width = drawing.width - 28.0;
        let height = drawing.paragraph((14.0, bottom + 14.0), caption, 11, width);
        drawing.height += height + 16.0;
    }
}

/// Every so many points of a line, about `most` of them, its last one always.
pub fn thinned<T: Copy>(points: &[T], most: usize) -> Vec<T> {
    let every = points.len().div_ceil(most).max(1);
    let last = points.len().saturating_sub(1);
    let kept = points.iter().enumerate().filter(|(i, _)| i % every == 0 || *i == last);
    kept.map(|(_, point)| *point).collect()
}

#[cfg(test)]
mod tests {
    use super::super::svg::{Place, svg};
    use super::*;

    fn series(label: &str, number: usize) -> Series {
        let line = vec![(0.0, -5.0), (1_000.0, 3.0)];
        let (band, singles) = (vec![(-6.0, -4.0), (2.0, 4.0)], vec![line.clone()]);
        Series { label: label.to_owned(), number, line, band, singles, open: Vec::new() }
    }

    #[test]
    fn a_chart_shows_labels_caption_and_every_curve() {
        let chart = Chart {
            title: "A title".to_owned(),
            x_label: "steps".to_owned(),
            y_label: "return".to_owned(),
            series: vec![series("first", 0), series("second", 1), series("ninth", 8)],
            ..Chart::default()
        };
        let svg = svg(&chart.draw(480.0, "What is drawn."), Place::File);
        for text in ["A title", "steps", "return", "What is drawn.", "first", "second", "1,000"] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(svg.contains("#0072B2") && svg.contains("#D55E00"));
        // The ninth has the first colour and other dashes.
        assert_eq!(svg.matches("stroke-dasharray=\"7 4\"").count(), 2);
    }

    #[test]
    fn long_lines_are_thinned_and_keep_their_ends() {
        let points: Vec<usize> = (0..1_001).collect();
        let kept = thinned(&points, MOST_POINTS);
        assert!(kept.len() <= MOST_POINTS + 1);
        assert_eq!((kept[0], kept[kept.len() - 1]), (0, 1_000));
        assert_eq!(thinned(&[1, 2, 3], 3), [1, 2, 3]);
    }
}
