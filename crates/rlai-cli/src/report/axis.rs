//! The axes of a chart: where numbers lie, and which are told.

use super::drawing::{Anchor, Drawing, Ink, text_width};
use crate::figures::tick;

/// Height of tick labels.
pub const TICK_SIZE: u32 = 12;

/// An axis from one number to another, and the pixels that they lie at.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Axis {
    /// An even axis; ends that are equal or not finite are moved apart.
    pub fn even((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        let (low, high) = match (low, high) {
            (low, high) if !(low.is_finite() && high.is_finite()) => (0.0, 1.0),
            (low, high) if low < high => (low, high),
            (low, _) => (low - low.abs().max(1.0) * 0.1, low + low.abs().max(1.0) * 0.1),
        };
        Self { low, high, from, to, logarithmic: false }
    }

    /// An axis that is even in the logarithm; both ends above 0.
    pub fn logarithmic((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        Self { low, high, from, to, logarithmic: true }
    }

    /// The pixel of a number; beyond the axis that of its end.
    pub fn at(&self, value: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        let share = match self.logarithmic {
            true => (value / self.low).ln() / (self.high / self.low).ln(),
            false => (value - self.low) / (self.high - self.low),
        };
        self.from + (self.to - self.from) * share
    }

    /// Whether a number lies on it.
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Round numbers on the axis, about so many.
    pub fn ticks(&self, about: usize) -> Vec<f64> {
        match self.logarithmic {
            true => self.logarithmic_ticks(),
            false => self.even_ticks(about),
        }
    }

    fn even_ticks(&self, about: usize) -> Vec<f64> {
        let raw = (self.high - self.low) / about.max(1) as f64;
        let power = 10f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|it| it * power);
        let step = step.into_iter().find(|step| *step >= raw * 0.85).unwrap_or(10.0 * power);
        let (first, last) = ((self.low / step).ceil() as i64, (self.high / step).floor() as i64);
        (first..=last).take(50).map(|i| round(i as f64 * step, step)).collect()
    }

    fn logarithmic_ticks(&self) -> Vec<f64> {
        let decades = (self.low.log10().floor() as i32)..=(self.high.log10().ceil() as i32);
        let within = |digits: &[f64]| -> Vec<f64> {
            let all = decades
                .clone()
                .flat_map(|power| digits.iter().map(move |digit| digit * 10f64.powi(power)));
            all.filter(|value| self.holds(*value)).collect()
        };
        let choices: [&[f64]; 3] = [&[1.0], &[1.0, 2.0, 5.0], &[1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 7.0]];
        let enough = choices.iter().map(|digits| within(digits)).find(|ticks| ticks.len() >= 3);
        // So short an axis is nearly even.
        enough.unwrap_or_else(|| self.even_ticks(4))
    }

    /// Draws the grid lines of a horizontal axis from height `top` to `bottom`.
    pub fn draw_grid(&self, drawing: &mut Drawing, top: f64, bottom: f64) {
        for value in self.ticks(5) {
            drawing.rule((self.at(value), top), (self.at(value), bottom), Ink::Grid);
        }
    }

    /// Draws a horizontal axis at height `y`: its line, its numbers, its label.
    pub fn draw_below(&self, drawing: &mut Drawing, y: f64, label: &str) {
        let size = f64::from(TICK_SIZE);
        for value in self.ticks(5) {
            let x = self.at(value);
            let text = tick(value);
            let half = text_width(&text, TICK_SIZE) / 2.0 + 2.0;
            // Nothing sticks out of the drawing.
            let (x, anchor) = match x {
                x if x + half > drawing.width => (drawing.width - 2.0, Anchor::End),
                x if x < half => (2.0, Anchor::Start),
                x => (x, Anchor::Middle),
            };
            drawing.text((x, y + size + 4.0), &text, TICK_SIZE, anchor, Ink::Muted);
        }
        drawing.rule((self.from, y), (self.to, y), Ink::Axis);
        let middle = (self.from + self.to) / 2.0;
        let at = (middle, y + 2.0 * size + 12.0);
        drawing.text(at, label, TICK_SIZE + 1, Anchor::Middle, Ink::Text);
    }

    /// Draws a vertical axis at `x` with grid lines to `right`.
    pub fn draw_left(&self, drawing: &mut Drawing, x: f64, right: f64) {
        for value in self.ticks(6) {
            let y = self.at(value);
            drawing.rule((x, y), (right, y), Ink::Grid);
            drawing.text((x - 6.0, y + 4.0), &tick(value), TICK_SIZE, Anchor::End, Ink::Muted);
        }
        drawing.rule((x, self.from), (x, self.to), Ink::Axis);
    }
}

/// Without the last digits that multiplication leaves.
fn round(value: f64, step: f64) -> f64 {
    let digits = (3.0 - step.log10().floor()).clamp(0.0, 15.0) as i32;
    let power = 10f64.powi(digits);
    (value * power).round() / power + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_on_the_axis() {
        let ticks = |low, high| Axis::even((low, high), (0.0, 100.0)).ticks(5);
        assert_eq!(ticks(0.0, 1.0), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(ticks(-1_234.0, 310.0), [-1_000.0, -500.0, 0.0]);
        assert_eq!(ticks(3.0, 3.0).len(), 3);
        let ratio = Axis::logarithmic((0.4, 3.0), (0.0, 100.0));
        assert_eq!(ratio.ticks(5), [0.5, 1.0, 2.0]);
        let short = Axis::logarithmic((0.727, 1.375), (0.0, 100.0));
        assert_eq!(short.ticks(5), [0.8, 1.0, 1.2]);
        assert!(Axis::even((f64::NAN, 1.0), (0.0, 1.0)).ticks(5).len() > 2);
    }

    #[test]
    fn numbers_beyond_an_axis_stay_at_its_end() {
        let axis = Axis::even((0.0, 10.0), (20.0, 120.0));
        assert_eq!([axis.at(-5.0), axis.at(5.0), axis.at(f64::INFINITY)], [20.0, 70.0, 120.0]);
        let axis = Axis::logarithmic((0.1, 10.0), (0.0, 100.0));
        assert!((axis.at(1.0) - 50.0).abs() < 1e-9);
    }
}
