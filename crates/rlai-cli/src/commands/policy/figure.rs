//! The densities as a figure.

use std::path::Path;

use super::density::Density;
use super::report::{Described, Report};
use crate::error::Failure;
use crate::figures::{Curve, Figure};
use crate::run_folder::write_whole;

/// How a figure is written, by the ending of its file.
#[derive(Clone, Copy, Debug)]
pub enum Ending {
    Svg,
    Png,
}

impl Ending {
    /// The ending of the file that the setting `name` names.
    ///
    /// # Errors
    /// Another ending.
    pub fn of(name: &str, path: &Path) -> Result<Self, Failure> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            _ => Err(Failure::input(format!(
                "{name} = \"{}\": a file that ends in .svg or .png",
                path.display()
            ))),
        }
    }

    /// The figure as the file holds it.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn draw(self, figure: &Figure) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Svg => Ok(figure.to_svg().into_bytes()),
            Self::Png => figure.to_png().map_err(Failure::running),
        }
    }
}

/// Draws every density, and what is optimal.
///
/// # Errors
/// Policies without a density of one coordinate; a file that cannot be written.
pub fn write(path: &Path, ending: Ending, title: &str, report: &Report<'_>) -> Result<(), Failure> {
    let curves = curves(report)?;
    let figure = Figure {
        title: title.to_owned(),
        x_label: "action".to_owned(),
        y_label: "density".to_owned(),
        caption: caption(report),
        curves,
        x_range: report.range,
        ..Figure::default()
    };
    write_whole(path, &ending.draw(&figure)?)
        .map_err(|error| Failure::running(format!("cannot write {}: {error}", path.display())))
}

fn curves(report: &Report<'_>) -> Result<Vec<Curve>, Failure> {
    let drawn = |policy: &Described| match &policy.density {
        Some(density) => Ok(Curve {
            label: policy.label.clone(),
            line: points(density, &density.density),
            ..Curve::default()
        }),
        None => Err(Failure::input(
            "figure: only a box of one coordinate has a density that can be drawn",
        )),
    };
    let mut curves = report.policies.iter().map(drawn).collect::<Result<Vec<_>, _>>()?;
    if let Some(optimal) = &report.optimal {
        let [line, reward] =
            [&optimal.density.density, &optimal.reward].map(|y| points(&optimal.density, y));
        let area =
            |line: &[(f64, f64)]| line.iter().map(|(_, y)| (y.min(0.0), y.max(0.0))).collect();
        curves.push(Curve {
            label: format!("optimal at {}", optimal.temperature),
            band: area(&line),
            line,
            ..Curve::default()
        });
        curves.push(Curve {
            label: "reward".to_owned(),
            singles: vec![reward],
            ..Curve::default()
        });
    }
    Ok(curves)
}

fn points(density: &Density, y: &[f64]) -> Vec<(f64, f64)> {
    density.action.iter().copied().zip(y.iter().copied()).collect()
}

fn caption(report: &Report<'_>) -> String {
    let observation: Vec<String> = report.observation.iter().map(f64::to_string).collect();
    let optimal = match &report.optimal {
        None => String::new(),
        Some(optimal) => format!(
            " Shaded: exp(reward/{0})/Z, the optimal policy at temperature {0}; thin: the reward.",
            optimal.temperature
        ),
    };
    let observation = observation.join(", ");
    format!("Densities of the action in {} at observation ({observation}).{optimal}", report.env)
}
