//! What a figure is made of, before it becomes SVG or pixels.

/// What something is drawn with: a page shows it in its own light or dark colours, a file in light ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Text.
    Text,
    /// Text that matters less.
    Muted,
    /// Axes.
    Axis,
    /// Grid lines.
    Grid,
    /// The colour of a series, by its number.
    Series(usize),
}

/// Where a text's point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// At its beginning.
    Start,
    /// In its middle.
    Middle,
    /// At its end.
    End,
}

/// One thing that is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A line through points.
    Line {
        /// The points.
        points: Vec<(f64, f64)>,
        /// Its colour.
        ink: Ink,
        /// Its width.
        width: f64,
        /// Lengths of its dashes and gaps; empty for none.
        dash: &'static str,
        /// From 0, not seen, to 1.
        opacity: f64,
    },
    /// A filled polygon.
    Area {
        /// Its corners.
        points: Vec<(f64, f64)>,
        /// Its colour.
        ink: Ink,
        /// From 0, not seen, to 1.
        opacity: f64,
    },
    /// A filled circle.
    Dot {
        /// Its middle.
        at: (f64, f64),
        /// Its radius.
        radius: f64,
        /// Its colour.
        ink: Ink,
    },
    /// A text.
    Text {
        /// Its point.
        at: (f64, f64),
        /// What it says.
        text: String,
        /// Height of its letters.
        size: u32,
        /// Where its point is.
        anchor: Anchor,
        /// Whether it is bold.
        bold: bool,
        /// Its colour.
        ink: Ink,
    },
}

/// A figure that is ready to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawing {
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
    /// Its name, for those who do not see it too.
    pub title: String,
    /// What it shows, for those who do not see it.
    pub description: String,
    /// What is drawn, in this order.
    pub shapes: Vec<Shape>,
}

impl Drawing {
    /// Adds a thin line of a grid or an axis.
    pub fn rule(&mut self, from: (f64, f64), to: (f64, f64), ink: Ink) {
        let (points, dash) = (vec![from, to], "");
        self.shapes.push(Shape::Line { points, ink, width: 1.0, dash, opacity: 1.0 });
    }

    /// Adds a text.
    pub fn text(&mut self, at: (f64, f64), text: &str, size: u32, anchor: Anchor, ink: Ink) {
        let (text, bold) = (text.to_owned(), false);
        self.shapes.push(Shape::Text { at, text, size, anchor, bold, ink });
    }

    /// Adds a text whose lines are broken, and returns the height that they take.
    pub fn paragraph(&mut self, at: (f64, f64), text: &str, size: u32, width: f64) -> f64 {
        let characters = (width / (f64::from(size) * LETTER)) as usize;
        let lines = wrap(text, characters.max(10));
        let step = f64::from(size) * 1.35;
        for (i, line) in lines.iter().enumerate() {
            self.text((at.0, at.1 + step * i as f64), line, size, Anchor::Start, Ink::Text);
        }
        step * lines.len() as f64
    }
}

/// The usual width of a letter, of its height.
const LETTER: f64 = 0.58;

/// About how wide a text is.
pub fn text_width(text: &str, size: u32) -> f64 {
    text.chars().count() as f64 * f64::from(size) * LETTER
}

/// Breaks a text into lines of at most so many characters, between words.
pub fn wrap(text: &str, characters: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= characters => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A text of at most so many characters, its end cut if need be.
pub fn shortened(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    text.chars().take(characters.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_every_word_and_labels_their_beginning() {
        let text = "one two three four five";
        let lines = wrap(text, 9);
        assert!(lines.iter().all(|line| line.len() <= 9));
        assert_eq!(lines.join(" "), text);
        assert_eq!(shortened("forward", 7), "forward");
        assert_eq!(shortened("forward KL", 7), "forwar…");
    }
}
