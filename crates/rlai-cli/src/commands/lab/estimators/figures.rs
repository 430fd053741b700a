//! Figures: a quantity over every list of sizes, and over time.

use std::path::Path;

use rlai::lab::measure::Measurement;
use serde_json::Value;

use super::Args;
use super::grid::{Grid, Job, distinct};
use super::measuring::Point;
use super::names::choices;
use super::table::{text, varying};
use crate::error::Failure;
use crate::figures::{Curve, Figure, Scale};
use crate::run_folder::write_whole;

/// What a figure shows on its y axis.
#[derive(Clone, Copy)]
pub struct Quantity {
    name: &'static str,
    label: &'static str,
    scale: Scale,
    of: fn(&Measurement) -> Option<f64>,
}

const QUANTITIES: [Quantity; 9] = [
    Quantity {
        name: "relative-error",
        label: "root mean squared error / |exact gradient|",
        scale: Scale::Logarithmic,
        of: |m| m.relative_error,
    },
    Quantity {
        name: "relative-bias",
        label: "|bias| / |exact gradient|",
        scale: Scale::Logarithmic,
        of: |m| (m.exact_norm() > 0.0).then(|| m.bias_norm() / m.exact_norm()),
    },
    Quantity {
        name: "variance",
        label: "variance of one gradient",
        scale: Scale::Logarithmic,
        of: |m| Some(m.variance),
    },
    Quantity {
        name: "standard-deviation",
        label: "standard deviation of one gradient",
        scale: Scale::Logarithmic,
        of: |m| Some(m.variance.sqrt()),
    },
    Quantity {
        name: "cosine",
        label: "cosine of mean and exact gradient",
        scale: Scale::Linear,
        of: |m| m.cosine,
    },
    Quantity {
        name: "mean-cosine",
        label: "cosine of one and the exact gradient",
        scale: Scale::Linear,
        of: |m| m.mean_cosine,
    },
    Quantity {
        name: "effective-sample-size",
        label: "effective sample size",
        scale: Scale::Logarithmic,
        of: |m| m.effective_sample_size,
    },
    Quantity {
        name: "state-effective-sample-size",
        label: "effective number of states a step",
        scale: Scale::Logarithmic,
        of: |m| m.state_effective_sample_size,
    },
    Quantity {
        name: "seconds",
        label: "seconds a gradient",
        scale: Scale::Logarithmic,
        of: |m| Some(m.seconds),
    },
];

/// What the figures will show.
///
/// # Errors
/// Unknown names, and figures without a folder.
pub fn quantities(args: &Args) -> Result<Vec<Quantity>, Failure> {
    if args.out.is_none() && (!args.show.is_empty() || args.title.is_some()) {
        return Err(Failure::input("--show and --title are for figures: they need --out"));
    }
    if args.show.is_empty() {
        return Ok(vec![QUANTITIES[0]]);
    }
    choices("show", &distinct(&args.show), &QUANTITIES.map(|quantity| (quantity.name, quantity)))
}

/// Refuses flags for figures where there will be none.
pub fn refuse_unseen(args: &Args, jobs: &[Job]) -> Result<(), Failure> {
    let keys = varying(jobs.iter().map(|job| &job.settings));
    let seen = AXES.iter().any(|(key, _, _)| keys.contains(key));
    if seen || (args.show.is_empty() && args.title.is_none()) {
        return Ok(());
    }
    let axes = AXES.map(|(key, _, _)| format!("--{}", key.replace('_', "-"))).join(", ");
    Err(Failure::input(format!(
        "--show and --title are for figures, which need an axis: two values for one of {axes}"
    )))
}

/// Sizes that can be an axis, with their names and scales.
const AXES: [(&str, &str, Scale); 6] = [
    ("samples", "N, actions a state", Scale::Logarithmic),
    ("trajectories", "M, trajectories", Scale::Logarithmic),
    ("state_samples", "M, states a step", Scale::Logarithmic),
    ("horizon", "T, steps of a trajectory", Scale::Linear),
    ("dimension", "d, dimensions of the action", Scale::Linear),
    ("target_width", "standard deviation of the target (policy: 1)", Scale::Linear),
];

/// Writes `QUANTITY-by-AXIS.svg` and `.png` for every axis with more than one value, and
/// `QUANTITY-by-time` where there is one. Returns how many figures there are.
///
/// # Errors
/// When they cannot be drawn or written.
pub fn write(
    folder: &Path,
    grid: &Grid,
    args: &Args,
    quantities: &[Quantity],
    points: &[Point],
) -> Result<usize, Failure> {
    let keys = varying(points.iter().map(|point| &point.settings));
    let axes: Vec<_> = AXES.into_iter().filter(|(key, _, _)| keys.contains(key)).collect();
    let mut drawn = 0;
    for quantity in quantities {
        for &(key, label, scale) in &axes {
            let x = |point: &Point| point.setting(key).and_then(Value::as_f64);
            let drawing = Drawing { grid, args, quantity, keys: &keys, axis: key, label, scale };
            drawn += usize::from(drawing.write(folder, points, &x)?);
        }
        // Over time each curve goes through the sizes that cost it.
        let cost = axes.iter().map(|(key, _, _)| *key).find(|key| !key.starts_with("target"));
        if let Some(along) = cost {
            let (axis, label, scale) = ("time", "microseconds a gradient", Scale::Logarithmic);
            let without: Vec<&str> = keys.iter().copied().filter(|key| *key != along).collect();
            let drawing = Drawing { grid, args, quantity, keys: &without, axis, label, scale };
            let x = |point: &Point| Some(1e6 * point.measured.seconds);
            drawn += usize::from(drawing.write(folder, points, &x)?);
        }
    }
    Ok(drawn)
}

/// One figure.
struct Drawing<'a> {
    grid: &'a Grid,
    args: &'a Args,
    quantity: &'a Quantity,
    /// Settings that tell curves apart, the axis perhaps among them.
    keys: &'a [&'a str],
    axis: &'a str,
    label: &'a str,
    scale: Scale,
}

impl Drawing<'_> {
    /// Writes the figure, if it has a curve.
    fn write(
        &self,
        folder: &Path,
        points: &[Point],
        x: &dyn Fn(&Point) -> Option<f64>,
    ) -> Result<bool, Failure> {
        let curves = self.curves(points, x);
        if curves.is_empty() {
            return Ok(false);
        }
        let title = format!("{} against {}", words(self.quantity.name), words(self.axis));
        let figure = Figure {
            title: self.args.title.clone().unwrap_or(title),
            x_label: self.label.to_owned(),
            y_label: self.quantity.label.to_owned(),
            caption: self.caption(points),
            curves,
            x_scale: self.scale,
            y_scale: self.quantity.scale,
            markers: true,
            ..Figure::default()
        };
        let name = format!("{}-by-{}", self.quantity.name, self.axis.replace('_', "-"));
        let png = figure.to_png().map_err(Failure::running)?;
        for (ending, bytes) in [("svg", figure.to_svg().into_bytes()), ("png", png)] {
            let path = folder.join(format!("{name}.{ending}"));
            write_whole(&path, &bytes).map_err(|error| {
                Failure::running(format!("cannot write {}: {error}", path.display()))
            })?;
        }
        Ok(true)
    }

    /// Points that differ in nothing but the axis are a curve.
    fn curves(&self, points: &[Point], x: &dyn Fn(&Point) -> Option<f64>) -> Vec<Curve> {
        let mut curves: Vec<Curve> = Vec::new();
        for point in points {
            let (Some(x), Some(y)) = (x(point), (self.quantity.of)(&point.measured)) else {
                continue;
            };
            let label = self.curve_label(point);
            let place = curves.iter().position(|curve| curve.label == label);
            let place = place.unwrap_or_else(|| {
                curves.push(Curve { label, ..Curve::default() });
                curves.len() - 1
            });
            curves[place].line.push((x, y));
        }
        for curve in &mut curves {
            curve.line.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        curves.retain(|curve| curve.line.len() > 1);
        curves
    }

    /// What tells this point's curve from the others.
    fn curve_label(&self, point: &Point) -> String {
        let keys = self.keys.iter().filter(|key| **key != self.axis);
        let parts: Vec<String> = keys.filter_map(|key| label(key, point.setting(key)?)).collect();
        if parts.is_empty() { point.estimator().to_owned() } else { parts.join(", ") }
    }

    fn caption(&self, points: &[Point]) -> String {
        let repetitions = points.first().map_or(0, |point| point.measured.repetitions);
        let problem = &self.grid.summary;
        format!(
            "{problem}{}. Each point: {repetitions} gradients of the divergence in nats, against the \
             exact one; at the same sizes all estimators see the same random numbers.",
            self.constants(points)
        )
    }

    /// Sizes that are the same in all points that have them.
    fn constants(&self, points: &[Point]) -> String {
        let mut told = Vec::new();
        for (key, value) in points.iter().flat_map(|point| &point.settings) {
            let is_size = SYMBOLS.iter().any(|(name, _)| name == key);
            let part = label(key, value).filter(|_| is_size && !self.keys.contains(key));
            if let Some(part) = part.filter(|part| !told.contains(part)) {
                told.push(part);
            }
        }
        told.iter().map(|part| format!(", {part}")).collect()
    }
}

/// A setting as a curve's label tells it: nothing for what is usual.
fn label(key: &str, value: &Value) -> Option<String> {
    if let Some((_, symbol)) = SYMBOLS.iter().find(|(name, _)| *name == key) {
        return Some(format!("{symbol} = {}", text(value)));
    }
    let value = text(value);
    Some(match (key, value.as_str()) {
        (_, "false" | "none" | "independent") | ("proposal", "policy") => {
            return (key == "baseline").then(|| "no baseline".to_owned());
        }
        ("truncation", _) => "truncated".to_owned(),
        ("control_variate", _) => "control variate".to_owned(),
        ("tempering", "ess" | "alpha") => format!("tempered by {value}"),
        ("tempering", _) => format!("power {value}"),
        ("proposal" | "baseline", _) => format!("{value} {key}"),
        _ => value,
    })
}

/// How sizes are called in labels.
const SYMBOLS: [(&str, &str); 8] = [
    ("samples", "N"),
    ("trajectories", "M"),
    ("state_samples", "M"),
    ("horizon", "T"),
    ("dimension", "d"),
    ("target_width", "target width"),
    ("divergence_order", "order"),
    ("mixed_share", "share"),
];

fn words(name: &str) -> String {
    name.replace(['_', '-'], " ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::label;

    #[test]
    fn labels_tell_what_is_unusual() {
        let told = |key, value| label(key, &value).unwrap_or_default();
        assert_eq!(told("estimator", json!("forward-kl")), "forward-kl");
        assert_eq!(told("samples", json!(4)), "N = 4");
        assert_eq!(told("truncation", json!(false)), "");
        assert_eq!(told("truncation", json!(true)), "truncated");
        assert_eq!(told("tempering", json!("none")), "");
        assert_eq!(told("tempering", json!("0.5")), "power 0.5");
        assert_eq!(told("proposal", json!("policy")), "");
        assert_eq!(told("proposal", json!("shifted")), "shifted proposal");
        assert_eq!(told("noise", json!("independent")), "");
        assert_eq!(told("baseline", json!("none")), "no baseline");
        assert_eq!(told("baseline", json!("value")), "value baseline");
    }
}
