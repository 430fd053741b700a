//! Charts of values with their intervals.

use rlai_stats::Estimate;
use rlai_stats::threshold::Bound;

use super::axis::Axis;
use super::chart::{finish, heading};
use super::drawing::{Anchor, Drawing, Ink, Shape, shortened, wrap};

const LABEL_SIZE: u32 = 13;
const LINE: f64 = 16.0;
/// Height of an interval beneath its label.
const BAR: f64 = 22.0;

/// A value and its interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// What it is of.
    pub label: String,
    /// Number of its colour.
    pub number: usize,
    /// The value, and an interval where there is one. Ends may be infinite.
    pub value: f64,
    /// Where it is known only to lie beyond a number, that one.
    pub bound: Option<Bound>,
    /// The interval's ends.
    pub interval: Option<(f64, f64)>,
    /// Where the value may lie if there is no difference.
    pub null: Option<(f64, f64)>,
}

impl Row {
    /// Of an estimate.
    pub fn new(label: &str, number: usize, estimate: &Estimate, has_interval: bool) -> Self {
        let interval = has_interval.then_some((estimate.low, estimate.high));
        Self { label: label.to_owned(), number, value: estimate.value, interval, ..Self::default() }
    }
}

/// Values with intervals over one axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Intervals {
    /// Its name.
    pub title: String,
    /// What the axis counts.
    pub x_label: String,
    /// What it shows, in words.
    pub description: String,
    /// The values, from the top.
    pub rows: Vec<Row>,
    /// A number that means no difference.
    pub mark: Option<f64>,
    /// Ends of the axis; otherwise those of the intervals.
    pub range: Option<(f64, f64)>,
    /// Whether the axis is even in the logarithm.
    pub logarithmic: bool,
}

impl Intervals {
    /// Draws it in this width, with a caption beneath where there is one.
    pub fn draw(&self, width: f64, caption: &str) -> Drawing {
        let mut drawing = Drawing {
            width,
            title: self.title.clone(),
            description: self.description.clone(),
            ..Drawing::default()
        };
        let top = heading(&mut drawing, &self.title) + 6.0;
        let labels: Vec<Vec<String>> =
            self.rows.iter().map(|row| label_lines(&row.label, width)).collect();
        let height = |lines: &Vec<String>| LINE * lines.len() as f64 + BAR;
        let bottom = top + labels.iter().map(height).sum::<f64>() + 8.0;
        let axis = self.axis((20.0, width - 20.0));
        axis.draw_below(&mut drawing, bottom, &self.x_label);
        let mut y = top;
        for (row, lines) in self.rows.iter().zip(&labels) {
            for (i, line) in lines.iter().enumerate() {
                let at = (20.0, y + 14.0 + LINE * i as f64);
                drawing.text(at, line, LABEL_SIZE, Anchor::Start, Ink::Text);
            }
            y += height(lines);
            self.draw_behind(&mut drawing, &axis, y);
            draw_row(&mut drawing, &axis, row, y - BAR + 10.0);
        }
        finish(&mut drawing, bottom + 44.0, caption);
        drawing
    }

    /// The grid and the mark behind the interval that ends at height `bottom`: no line runs through a label.
    fn draw_behind(&self, drawing: &mut Drawing, axis: &Axis, bottom: f64) {
        let top = bottom - BAR + 1.0;
        axis.draw_grid(drawing, top, bottom);
        if let Some(mark) = self.mark.filter(|mark| axis.holds(*mark)) {
            let x = axis.at(mark);
            drawing.shapes.push(Shape::Line {
                points: vec![(x, top), (x, bottom)],
                ink: Ink::Muted,
                width: 1.5,
                dash: "5 3",
                opacity: 1.0,
            });
        }
    }

    fn axis(&self, pixels: (f64, f64)) -> Axis {
        if let Some(range) = self.range {
            return Axis::even(range, pixels);
        }
        let ends = self.rows.iter().flat_map(|row| {
            let both = |pair: Option<(f64, f64)>| pair.map_or([row.value; 2], |(a, b)| [a, b]);
            let bound = row.bound.map_or(row.value, |(Bound::Above(at) | Bound::Below(at))| at);
            [[bound; 2], both(row.interval), both(row.null)].concat()
        });
        let shown = ends.chain(self.mark).filter(|x| x.is_finite());
        match self.logarithmic {
            false => {
                let (low, high) = shown
                    .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
                let room = (high - low) * 0.06;
                Axis::even((low - room, high + room), pixels)
            }
            true => {
                // A ratio of a hundred is as good as infinite.
                let shown = shown.filter(|x| *x > 0.0).map(|x| x.clamp(0.01, 100.0));
                let (low, high) = shown.fold((0.8f64, 1.25f64), |(l, h), x| (l.min(x), h.max(x)));
                Axis::logarithmic((low / 1.1, high * 1.1), pixels)
            }
        }
    }
}

/// A label on at most two lines.
fn label_lines(label: &str, width: f64) -> Vec<String> {
    let most = ((width - 40.0) / (f64::from(LABEL_SIZE) * 0.58)) as usize;
    let mut lines = wrap(label, most);
    if lines.len() > 2 {
        let rest = lines.split_off(1).join(" ");
        lines.push(rest);
    }
    lines.iter().map(|line| shortened(line, most)).collect()
}

fn draw_row(drawing: &mut Drawing, axis: &Axis, row: &Row, y: f64) {
    let ink = Ink::Series(row.number);
    if let Some((low, high)) = row.null {
        let (a, b) = (axis.at(low), axis.at(high));
        let points = vec![(a, y - 7.0), (b, y - 7.0), (b, y + 7.0), (a, y + 7.0)];
        drawing.shapes.push(Shape::Area { points, ink: Ink::Muted, opacity: 0.25 });
    }
    if let Some((low, high)) = row.interval {
        let (points, dash) = (vec![(axis.at(low), y), (axis.at(high), y)], "");
        drawing.shapes.push(Shape::Line { points, ink, width: 4.0, dash, opacity: 0.55 });
        // What goes on beyond the axis ends in an arrow.
        if !axis.holds(high) {
            let x = axis.at(high);
            let points = vec![(x + 9.0, y), (x - 1.0, y - 6.0), (x - 1.0, y + 6.0)];
            drawing.shapes.push(Shape::Area { points, ink, opacity: 0.55 });
        }
        if !axis.holds(low) {
            let x = axis.at(low);
            let points = vec![(x - 9.0, y), (x + 1.0, y - 6.0), (x + 1.0, y + 6.0)];
            drawing.shapes.push(Shape::Area { points, ink, opacity: 0.55 });
        }
    }
    if let Some(bound) = row.bound {
        draw_bound(drawing, axis, bound, (y, ink));
    } else if axis.holds(row.value) {
        drawing.shapes.push(Shape::Dot { at: (axis.at(row.value), y), radius: 5.0, ink });
    }
}

/// A triangle at the number, and a thin line to that end of the axis.
fn draw_bound(drawing: &mut Drawing, axis: &Axis, bound: Bound, (y, ink): (f64, Ink)) {
    let (at, end, side) = match bound {
        Bound::Above(at) => (axis.at(at), axis.at(f64::INFINITY), 1.0),
        Bound::Below(at) => (axis.at(at), axis.at(f64::NEG_INFINITY), -1.0),
    };
    let (points, dash) = (vec![(at, y), (end, y)], "2 3");
    drawing.shapes.push(Shape::Line { points, ink, width: 1.5, dash, opacity: 1.0 });
    let points = vec![(at + 9.0 * side, y), (at, y - 6.0), (at, y + 6.0)];
    drawing.shapes.push(Shape::Area { points, ink, opacity: 1.0 });
}

#[cfg(test)]
mod tests {
    use super::super::svg::{Place, svg};
    use super::*;

    #[test]
    fn infinite_ends_become_arrows_and_values_dots() {
        let row = Row {
            label: "a".to_owned(),
            number: 0,
            value: 2.0,
            interval: Some((0.5, f64::INFINITY)),
            null: Some((0.9, 1.1)),
            ..Row::default()
        };
        let chart = Intervals { rows: vec![row], logarithmic: true, ..Intervals::default() };
        let svg = svg(&chart.draw(480.0, ""), Place::File);
        assert_eq!(svg.matches("<circle").count(), 1);
        // The null range and one arrow.
        assert_eq!(svg.matches("<polygon").count(), 2);
        // Neither a number beyond the axis nor one that is not known has a dot.
        let beyond = [f64::INFINITY, 0.0].map(|value| Row { value, ..Row::default() });
        let chart = Intervals { rows: beyond.to_vec(), logarithmic: true, ..Intervals::default() };
        assert!(!self::svg(&chart.draw(480.0, ""), Place::File).contains("<circle"));
        let bounds = [Bound::Above(1.2), Bound::Below(0.9)];
        let rows = bounds.map(|bound| Row { bound: Some(bound), ..Row::default() }).to_vec();
        let chart = Intervals { rows, logarithmic: true, ..Intervals::default() };
        let svg = self::svg(&chart.draw(480.0, ""), Place::File);
        assert_eq!((svg.matches("<circle").count(), svg.matches("<polygon").count()), (0, 2));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
