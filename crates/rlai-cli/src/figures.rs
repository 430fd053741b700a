//! Figures, drawn by `kuva` and known to the rest of the program only through this module.

mod terminal;

use std::sync::Arc;

use kuva::backend::png::PngBackend;
use kuva::backend::svg::SvgBackend;
use kuva::plot::legend::{LegendEntry, LegendPosition, LegendShape};
use kuva::plot::{BandPlot, LinePlot, ScatterPlot};
use kuva::render::color::Color;
use kuva::render::layout::{Layout, TickFormat};
use kuva::render::plots::Plot;
use kuva::render::render::{PathData, Primitive, Scene, TextAnchor, render_multiple};
use kuva::render::theme::Theme;

use crate::report::{Anchor, Drawing, Ink, Shape, light};
use crate::text::thousands;

pub use terminal::Screen;

/// Colours that people with any kind of colour vision tell apart (Okabe and Ito, 2008), in the order
/// in which they are given to curves; black comes last.
const COLOURS: [&str; 8] =
    ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C6D00", "#000000"];

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 430.0;
const TEXT: &str = "#333333";
const CAPTION_SIZE: u32 = 12;
const CAPTION_LINE: f64 = 17.0;
/// Characters of a caption's line at [`CAPTION_SIZE`] in [`WIDTH`].
const CAPTION_CHARACTERS: usize = 112;
/// Characters from which a title is long.
const LONG_TITLE: usize = 46;
/// Pixels of a PNG for one of the figure.
const PNG_SCALE: f32 = 2.0;

/// One curve with what is known of its spread.
#[derive(Clone, Debug, Default)]
pub struct Curve {
    /// Name in the legend.
    pub label: String,
    /// Points of the line: x and y.
    pub line: Vec<(f64, f64)>,
    /// Lower and upper end of the band at each point; empty for none.
    pub band: Vec<(f64, f64)>,
    /// Thin lines behind it, one for each repetition.
    pub singles: Vec<Vec<(f64, f64)>>,
}

/// How an axis is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Evenly.
    #[default]
    Linear,
    /// Evenly in the logarithm; points that have none are left out.
    Logarithmic,
}

/// A figure of curves over a count (steps, samples), with a caption below.
#[derive(Clone, Debug, Default)]
pub struct Figure {
    /// Title.
    pub title: String,
    /// Name and unit of the x axis.
    pub x_label: String,
    /// Name and unit of the y axis.
    pub y_label: String,
    /// What is drawn, and from how much.
    pub caption: String,
    /// The curves.
    pub curves: Vec<Curve>,
    /// Division of the x axis; an even one begins at 0, unless its ends are told.
    pub x_scale: Scale,
    /// Ends of an even x axis.
    pub x_range: Option<(f64, f64)>,
    /// Division of the y axis.
    pub y_scale: Scale,
    /// Whether the points of the lines are marked.
    pub markers: bool,
}

impl Figure {
    /// The figure as SVG text.
    pub fn to_svg(&self) -> String {
        SvgBackend::new().render_scene(&self.scene())
    }

    /// The figure as PNG, two pixels for one.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn to_png(&self) -> Result<Vec<u8>, String> {
        PngBackend::new().with_scale(PNG_SCALE).render_scene(&self.scene())
    }

    fn scene(&self) -> Scene {
        let plots = self.plots();
        let grouped = TickFormat::Custom(Arc::new(tick));
        let mut layout = Layout::auto_from_plots(&plots)
            .with_theme(theme())
            .with_width(WIDTH)
            .with_height(HEIGHT)
            .with_title(self.title.clone())
            .with_x_label(self.x_label.clone())
            .with_y_label(self.y_label.clone())
            .with_tick_format(grouped)
            .with_title_size(self.title_size())
            .with_label_size(14)
            .with_tick_size(12)
            .with_body_size(13)
            .with_legend_entries(self.legend())
            .with_legend_position(LegendPosition::OutsideRightTop)
            .with_legend_box(false);
        layout = match self.x_scale {
            Scale::Linear => match self.x_range {
                Some((low, high)) => layout.with_x_axis_min(low).with_x_axis_max(high),
                None => layout.with_x_axis_min(0.0),
            },
            Scale::Logarithmic => {
                let (low, high) = self.logarithmic_range(|(x, _)| x);
                layout.with_log_x().with_x_axis_min(low).with_x_axis_max(high)
            }
        };
        if self.y_scale == Scale::Logarithmic {
            let (low, high) = self.logarithmic_range(|(_, y)| y);
            layout = layout.with_log_y().with_y_axis_min(low).with_y_axis_max(high);
        }
        let mut scene = render_multiple(plots, layout);
        self.add_caption(&mut scene);
        scene
    }

    /// A long title is smaller: it is centred above the plot, beside which the legend takes its room.
    fn title_size(&self) -> u32 {
        if self.title.chars().count() > LONG_TITLE { 14 } else { 17 }
    }

    /// The smallest and largest positive coordinate of all lines, with a margin: a whole decade more, as
    /// the library would draw, would leave most of the figure empty.
    fn logarithmic_range(&self, coordinate: fn((f64, f64)) -> f64) -> (f64, f64) {
        let points = self.curves.iter().flat_map(|curve| curve.line.iter().copied());
        let positive = points.map(coordinate).filter(|value| *value > 0.0 && value.is_finite());
        let (low, high) = positive
            .fold((f64::INFINITY, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return (1.0, 10.0);
        }
        let margin = (high / low).powf(0.05).max(1.1);
        (low / margin, high * margin)
    }

    /// What an axis can show of a line: on a logarithmic one nothing that is not positive.
    fn visible<'a>(&self, line: &'a [(f64, f64)]) -> impl Iterator<Item = (f64, f64)> + use<'a> {
        let (x, y) = (self.x_scale == Scale::Linear, self.y_scale == Scale::Linear);
        line.iter().copied().filter(move |point| (x || point.0 > 0.0) && (y || point.1 > 0.0))
    }

    /// All bands first, then single runs, then means: means are never hidden.
    fn plots(&self) -> Vec<Plot> {
        let coloured = || self.curves.iter().enumerate().map(|(i, curve)| (colour(i), curve));
        let bands =
            coloured().filter(|(_, curve)| !curve.band.is_empty()).map(|(colour, curve)| {
                let x = curve.line.iter().map(|(x, _)| *x);
                let (low, high): (Vec<f64>, Vec<f64>) = curve.band.iter().copied().unzip();
                Plot::Band(BandPlot::new(x, low, high).with_color(colour).with_opacity(0.16))
            });
        let singles = coloured().flat_map(|(colour, curve)| {
            let line = |points: &Vec<(f64, f64)>| thin(points, &faint(colour));
            curve.singles.iter().map(line).collect::<Vec<_>>()
        });
        let means = coloured().map(|(colour, curve)| {
            let line = LinePlot::new().with_data(self.visible(&curve.line));
            Plot::Line(line.with_color(colour).with_stroke_width(2.4))
        });
        let markers = coloured().filter(|_| self.markers).map(|(colour, curve)| {
            let points = ScatterPlot::new().with_data(self.visible(&curve.line));
            Plot::Scatter(points.with_color(colour).with_size(3.6))
        });
        bands.chain(singles).chain(means).chain(markers).collect()
    }

    fn legend(&self) -> Vec<LegendEntry> {
        let entry = |(i, curve): (usize, &Curve)| LegendEntry {
            label: curve.label.clone(),
            color: colour(i).to_owned(),
            shape: LegendShape::Line,
            dasharray: None,
        };
        self.curves.iter().enumerate().map(entry).collect()
    }

    fn add_caption(&self, scene: &mut Scene) {
        let lines = wrap(&self.caption, CAPTION_CHARACTERS);
        for (i, line) in lines.iter().enumerate() {
            scene.elements.push(Primitive::Text {
                x: 18.0,
                y: scene.height + 18.0 + CAPTION_LINE * i as f64,
                content: line.clone(),
                size: CAPTION_SIZE,
                anchor: TextAnchor::Start,
                rotate: None,
                bold: false,
                color: Some(TEXT.into()),
            });
        }
        scene.height += CAPTION_LINE * lines.len() as f64 + 22.0;
    }
}

fn theme() -> Theme {
    Theme {
        grid_color: "#e6e6e6".to_owned(),
        axis_color: "#888888".to_owned(),
        tick_color: "#888888".to_owned(),
        text_color: TEXT.to_owned(),
        ..Theme::light()
    }
}

fn colour(index: usize) -> &'static str {
    COLOURS[index % COLOURS.len()]
}

/// The colour mixed with white: lines have no opacity of their own.
fn faint(colour: &str) -> String {
    let channel = |at: usize| u8::from_str_radix(&colour[at..at + 2], 16).unwrap_or(0);
    let mixed = |at: usize| (0.45 * f64::from(channel(at)) + 0.55 * 255.0).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mixed(1), mixed(3), mixed(5))
}

fn thin(points: &[(f64, f64)], colour: &str) -> Plot {
    let line = LinePlot::new().with_data(points.iter().copied());
    Plot::Line(line.with_color(colour).with_stroke_width(0.9))
}

/// A drawing as PNG on white paper, two pixels for one.
///
/// # Errors
/// When it cannot be encoded.
pub fn raster(drawing: &Drawing) -> Result<Vec<u8>, String> {
    let mut scene = Scene::new(drawing.width, drawing.height);
    scene.elements = drawing.shapes.iter().map(primitive).collect();
    PngBackend::new().with_scale(PNG_SCALE).render_scene(&scene)
}

fn primitive(shape: &Shape) -> Primitive {
    let colour = |ink: Ink| light(ink).into();
    match shape {
        Shape::Line { points, ink, width, dash, opacity } => Primitive::PolyLine {
            points: points.clone(),
            stroke: if *opacity < 1.0 { faint(light(*ink)).as_str().into() } else { colour(*ink) },
            stroke_width: *width,
            stroke_dasharray: (!dash.is_empty()).then(|| (*dash).to_owned()),
        },
        Shape::Area { points, ink, opacity } => {
            let corner = |(x, y): &(f64, f64)| format!("{x:.2} {y:.2}");
            let corners: Vec<String> = points.iter().map(corner).collect();
            Primitive::Path(Box::new(PathData {
                d: format!("M {} Z", corners.join(" L ")),
                fill: Some(colour(*ink)),
                stroke: Color::None,
                stroke_width: 0.0,
                opacity: Some(*opacity),
                stroke_dasharray: None,
            }))
        }
        Shape::Dot { at, radius, ink } => Primitive::Circle {
            cx: at.0,
            cy: at.1,
            r: *radius,
            fill: colour(*ink),
            fill_opacity: None,
            stroke: None,
            stroke_width: None,
        },
        Shape::Text { at, text, size, anchor, bold, ink } => Primitive::Text {
            x: at.0,
            y: at.1,
            content: text.clone(),
            size: *size,
            anchor: match anchor {
                Anchor::Start => TextAnchor::Start,
                Anchor::Middle => TextAnchor::Middle,
                Anchor::End => TextAnchor::End,
            },
            rotate: None,
            bold: *bold,
            color: Some(colour(*ink)),
        },
    }
}

/// Ticks with thousands separators, a true minus sign and three decimals at most; far from 1 as powers of ten.
pub fn tick(value: f64) -> String {
    let sign = if value < 0.0 { "\u{2212}" } else { "" };
    let size = value.abs();
    if size > 0.0 && size < 1e-3 || size >= 1e9 {
        // Ticks are sums of steps, with errors in their last digits.
        let rounded = format!("{size:.4e}").parse().unwrap_or(size);
        return format!("{sign}{rounded:e}").replace("e-", "e\u{2212}");
    }
    let thousandths = (size * 1000.0).round();
    let whole = thousands((thousandths / 1000.0) as u64);
    match (thousandths % 1000.0) / 1000.0 {
        0.0 => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}{}", fraction.to_string().trim_start_matches('0')),
    }
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_grouped() {
        assert_eq!(tick(12_000.0), "12,000");
        assert_eq!(tick(-1_500.0), "\u{2212}1,500");
        assert_eq!(tick(0.25), "0.25");
        assert_eq!(tick(-12.5), "\u{2212}12.5");
        assert_eq!(tick(0.1 + 0.2), "0.3");
        assert_eq!(tick(1_999.9999999), "2,000");
        assert_eq!(tick(1_234.005), "1,234.005");
        assert_eq!(tick(-3.0000000000000004e-5), "\u{2212}3e\u{2212}5");
        assert_eq!(tick(1e300), "1e300");
        assert_eq!(tick(2e-5), "2e\u{2212}5");
        assert_eq!(tick(0.0), "0");
    }

    #[test]
    fn a_logarithmic_axis_fits_what_is_positive() {
        let line = vec![(1.0, 0.0), (10.0, 0.01), (100.0, 1.0)];
        let figure = Figure {
            curves: vec![Curve { line, ..Curve::default() }],
            y_scale: Scale::Logarithmic,
            ..Figure::default()
        };
        let (low, high) = figure.logarithmic_range(|(_, y)| y);
        assert!((0.005..0.01).contains(&low) && (1.0..2.0).contains(&high));
        assert_eq!(figure.visible(&figure.curves[0].line).count(), 2);
        assert_eq!(Figure::default().logarithmic_range(|(x, _)| x), (1.0, 10.0));
    }

    #[test]
    fn captions_are_wrapped_and_keep_every_word() {
        let text = "one two three four five";
        let lines = wrap(text, 9);
        assert!(lines.iter().all(|line| line.len() <= 9));
        assert_eq!(lines.join(" "), text);
    }

    #[test]
    fn a_figure_shows_labels_caption_and_every_curve() {
        let line = vec![(0.0, -5.0), (1_000.0, 3.0)];
        let curve = |label: &str| Curve {
            label: label.to_owned(),
            line: line.clone(),
            band: vec![(-6.0, -4.0), (2.0, 4.0)],
            singles: vec![line.clone()],
        };
        let figure = Figure {
            title: "A title".to_owned(),
            x_label: "steps".to_owned(),
            y_label: "return".to_owned(),
            caption: "What is drawn.".to_owned(),
            curves: vec![curve("first"), curve("second")],
            ..Figure::default()
        };
        let svg = figure.to_svg();
        for text in ["A title", "steps", "return", "What is drawn.", "first", "second", "1,000"] {
            assert!(svg.contains(text), "{text}");
        }
        let svg = svg.to_lowercase();
        assert!(COLOURS[..2].iter().all(|colour| svg.contains(&colour.to_lowercase())));
        assert!(figure.to_png().unwrap().starts_with(b"\x89PNG"));
    }
}
