//! Drawings as SVG: text as text, with title and description.

use std::fmt::Write;

use super::drawing::{Anchor, Drawing, Ink, Shape};
use super::html::escape;

/// Colours of series on white paper that people with any kind of colour vision tell apart (Okabe and Ito
/// 2008), yellow darkened to be seen on it.
pub const LIGHT: [&str; 8] =
    ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C6D00", "#000000"];
/// The same on a dark page.
pub const DARK: [&str; 8] =
    ["#4FA8E0", "#F5863A", "#2FC79B", "#E3A1C6", "#9AD7F7", "#F2BB3D", "#CDB04A", "#FFFFFF"];
/// Every eight series another kind of line.
pub const DASHES: [&str; 4] = ["", "7 4", "2 3", "9 3 2 3"];

/// The dashes of a series.
pub fn dash(series: usize) -> &'static str {
    DASHES[series / LIGHT.len() % DASHES.len()]
}

/// Where an SVG goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// Into a file of its own: white paper, light colours.
    File,
    /// Into a page that has the colours as custom properties; ids begin with this.
    Page(&'a str),
}

impl Place<'_> {
    /// A colour as it is written.
    fn colour(self, ink: Ink) -> String {
        match (self, ink) {
            (Self::Page(_), Ink::Text) => "currentColor".to_owned(),
            (Self::Page(_), Ink::Muted) => "var(--muted)".to_owned(),
            (Self::Page(_), Ink::Axis) => "var(--axis)".to_owned(),
            (Self::Page(_), Ink::Grid) => "var(--grid)".to_owned(),
            (Self::Page(_), Ink::Series(i)) => format!("var(--series-{})", i % LIGHT.len()),
            (Self::File, ink) => light(ink).to_owned(),
        }
    }
}

/// A colour on white paper.
pub fn light(ink: Ink) -> &'static str {
    match ink {
        Ink::Text => "#222222",
        Ink::Muted => "#555555",
        Ink::Axis => "#888888",
        Ink::Grid => "#e6e6e6",
        Ink::Series(i) => LIGHT[i % LIGHT.len()],
    }
}

/// The SVG of a drawing.
pub fn svg(drawing: &Drawing, place: Place<'_>) -> String {
    let (w, h) = (number(drawing.width), number(drawing.height));
    let mut out = String::new();
    let id = match place {
        Place::File => "figure",
        Place::Page(id) => id,
    };
    let size = match place {
        Place::File => format!(" width=\"{w}\" height=\"{h}\""),
        Place::Page(_) => String::new(),
    };
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\"{size} viewBox=\"0 0 {w} {h}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-description\" font-family=\"DejaVu Sans, Verdana, sans-serif\">\n\
         <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-description\">{}</desc>\n",
        escape(&drawing.title),
        escape(&drawing.description)
    );
    if place == Place::File {
        let _ = writeln!(out, "<rect width=\"{w}\" height=\"{h}\" fill=\"#ffffff\"/>");
    }
    for shape in &drawing.shapes {
        push(&mut out, shape, place);
    }
    out.push_str("</svg>\n");
    out
}

fn push(out: &mut String, shape: &Shape, place: Place<'_>) {
    match shape {
        Shape::Line { points, ink, width, dash, opacity } => {
            let _ = write!(
                out,
                "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"",
                place.colour(*ink),
                number(*width)
            );
            if !dash.is_empty() {
                let _ = write!(out, " stroke-dasharray=\"{dash}\"");
            }
            if *opacity < 1.0 {
                let _ = write!(out, " stroke-opacity=\"{}\"", number(*opacity));
            }
            let _ = writeln!(out, " points=\"{}\"/>", listed(points));
        }
        Shape::Area { points, ink, opacity } => {
            let (fill, opacity) = (place.colour(*ink), number(*opacity));
            let points = listed(points);
            let _ = writeln!(
                out,
                "<polygon fill=\"{fill}\" fill-opacity=\"{opacity}\" points=\"{points}\"/>"
            );
        }
        Shape::Dot { at, radius, ink } => {
            let (x, y, r, fill) = (number(at.0), number(at.1), number(*radius), place.colour(*ink));
            let _ = writeln!(out, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" fill=\"{fill}\"/>");
        }
        Shape::Text { at, text, size, anchor, bold, ink } => {
            let (x, y) = (number(at.0), number(at.1));
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            let weight = if *bold { " font-weight=\"bold\"" } else { "" };
            let _ = writeln!(
                out,
                "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{}\"{weight}>{}</text>",
                place.colour(*ink),
                escape(text)
            );
        }
    }
}

fn listed(points: &[(f64, f64)]) -> String {
    let mut out = String::with_capacity(points.len() * 12);
    for (i, (x, y)) in points.iter().enumerate() {
        let space = if i == 0 { "" } else { " " };
        let _ = write!(out, "{space}{},{}", number(*x), number(*y));
    }
    out
}

/// To a hundredth of a pixel.
fn number(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    // No minus before a zero.
    format!("{}", rounded + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawing() -> Drawing {
        let mut drawing = Drawing {
            width: 100.0,
            height: 50.0,
            title: "a < b".to_owned(),
            description: "\"both\" & more".to_owned(),
            ..Drawing::default()
        };
        drawing.text((1.0, 2.0), "<script>", 12, Anchor::Start, Ink::Series(9));
        drawing.rule((0.0, 0.0), (1.0 / 3.0, -0.001), Ink::Grid);
        drawing
    }

    #[test]
    fn text_is_text_and_is_escaped() {
        let svg = svg(&drawing(), Place::File);
        for part in [
            "<title id=\"figure-title\">a &lt; b</title>",
            "<desc id=\"figure-description\">&quot;both&quot; &amp; more</desc>",
            ">&lt;script&gt;</text>",
            "points=\"0,0 0.33,0\"",
            "fill=\"#D55E00\"",
        ] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
    }

    #[test]
    fn a_page_gives_the_colours() {
        let svg = svg(&drawing(), Place::Page("f1"));
        assert!(svg.contains("var(--series-1)") && svg.contains("var(--grid)"), "{svg}");
        assert!(svg.contains("f1-title") && !svg.contains('#'), "{svg}");
    }
}
