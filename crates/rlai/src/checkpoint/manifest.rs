use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{CheckpointError, TensorView, parameters_blake3};
use crate::distribution::PolicySettings;

/// The format that this version writes and reads.
pub const FORMAT_VERSION: u32 = 2;

const KIND: &str = "rlai-parameters";
/// Most choices, coordinates and numbers in an observation that a manifest may speak of: products of three
/// such numbers can be counted.
const MOST: usize = 1 << 20;

/// What a checkpoint's parameters are for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The task's name with its version.
    pub env: String,
    /// Environment steps of training behind the parameters.
    pub step: u64,
    /// O, numbers in an observation.
    pub observation_dimension: usize,
    /// A, numbers in an action.
    pub action_dimension: usize,
    /// `[A]`: lower bounds of the task's action box, to which `[-1, 1]^A` is mapped.
    pub action_low: Vec<f64>,
    /// `[A]`: its upper bounds.
    pub action_high: Vec<f64>,
    /// K of each discrete factor of an action.
    pub factors: Vec<usize>,
    /// The policy's distribution.
    pub policy: PolicySettings,
    /// The name of the policy's distribution, where it is none of the built-in ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_distribution: Option<String>,
    /// Whether the policy sees observations normalised.
    pub normalises_observations: bool,
    /// The shapes of all networks.
    pub networks: Vec<Network>,
}

/// A multilayer perceptron's name and shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// What its tensors' names begin with.
    pub name: String,
    /// Widths: input, hidden layers, output.
    pub widths: Vec<usize>,
}

impl Network {
    /// Names and shapes of its tensors, in the order of its flat parameter vector.
    pub(super) fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let layers = self.widths.windows(2).enumerate();
        layers
            .flat_map(|(i, pair)| {
                let weight = (format!("{}.{i}.weight", self.name), pair.to_vec());
                [weight, (format!("{}.{i}.bias", self.name), vec![pair[1]])]
            })
            .collect()
    }

    /// The tensors of this network, cut from its flat parameter vector.
    ///
    /// # Errors
    /// A vector of another length than the shape asks for.
    pub fn views<'a>(&self, parameters: &'a [f32]) -> Result<Vec<TensorView<'a>>, CheckpointError> {
        let mut rest = parameters;
        let mut views = Vec::new();
        let wrong = || {
            let (name, widths, len) = (&self.name, &self.widths, parameters.len());
            inconsistent(format!("network {name}: {len} parameters do not fit widths {widths:?}"))
        };
        for (name, shape) in self.tensors() {
            let count = element_count(&shape).ok_or_else(wrong)?;
            let (data, after) = rest.split_at_checked(count).ok_or_else(wrong)?;
            views.push(TensorView { name, shape, data });
            rest = after;
        }
        if rest.is_empty() { Ok(views) } else { Err(wrong()) }
    }
}

impl Manifest {
    /// The network of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn network(&self, name: &str) -> Result<&Network, CheckpointError> {
        let found = self.networks.iter().find(|network| network.name == name);
        found.ok_or_else(|| inconsistent(format!("the checkpoint has no network named {name}")))
    }

    /// Refuses numbers that no policy can have.
    pub(super) fn check(&self) -> Result<(), CheckpointError> {
        let actions = self.action_dimension;
        let bounds = self.action_low.iter().zip(&self.action_high);
        if self.env.is_empty() {
            return Err(inconsistent("env is empty".into()));
        }
        if self.observation_dimension == 0 || (actions == 0 && self.factors.is_empty()) {
            let reason = "observation_dimension = 0, or neither action_dimension nor factors";
            return Err(inconsistent(reason.into()));
        }
        let counts = [self.factors.len(), actions, self.observation_dimension];
        let largest = self.factors.iter().chain(&counts).max();
        if self.factors.contains(&0) || largest > Some(&MOST) {
            let (factors, seen) = (&self.factors, self.observation_dimension);
            return Err(inconsistent(format!(
                "factors = {factors:?}, action_dimension = {actions}, observation_dimension = {seen}: each of them from 1 to {MOST}"
            )));
        }
        if self.action_low.len() != actions || self.action_high.len() != actions {
            return Err(inconsistent(format!(
                "action_low and action_high have {} and {} numbers, and action_dimension = {actions}",
                self.action_low.len(),
                self.action_high.len()
            )));
        }
        if let Some((low, high)) =
            bounds.into_iter().find(|(low, high)| !is_interval(**low, **high))
        {
            return Err(inconsistent(format!(
                "action box: [{low}, {high}] is no bounded interval"
            )));
        }
        self.policy.check().map_err(inconsistent)?;
        self.networks.iter().try_for_each(|network| {
            let Network { name, widths } = network;
            if widths.len() < 2 || widths.contains(&0) {
                return Err(inconsistent(format!("network {name}: widths {widths:?}")));
            }
            Ok(())
        })
    }
}

fn is_interval(low: f64, high: f64) -> bool {
    low.is_finite() && high.is_finite() && low < high
}

fn inconsistent(reason: String) -> CheckpointError {
    CheckpointError::Inconsistent(reason)
}

/// Number of elements of a shape, if it can be counted.
pub(super) fn element_count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, &width| product.checked_mul(width))
}

/// A tensor's name and shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TensorShape {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
}

/// What is known of the file of the tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParameterFile {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) blake3: String,
    /// In the order in which they were given; the file sorts them.
    pub(super) tensors: Vec<TensorShape>,
    /// [`parameters_blake3`] of these tensors.
    pub(super) parameters_blake3: String,
}

/// `manifest.json`, field by field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    pub(super) format_version: u32,
    pub(super) kind: String,
    pub(super) rlai_version: String,
    pub(super) policy: Manifest,
    pub(super) file: ParameterFile,
    /// Hash of this manifest with this field empty.
    pub(super) blake3: String,
}

/// The fields that every version has.
#[derive(Deserialize)]
struct Header {
    format_version: u64,
    kind: String,
}

impl Stored {
    /// The name of the manifest's file.
    pub(super) const FILE: &'static str = "manifest.json";

    /// The manifest of these tensors, which `bytes` hold.
    pub(super) fn new(manifest: &Manifest, tensors: &[TensorView<'_>], bytes: &[u8]) -> Self {
        let blake3 = blake3::hash(bytes).to_hex().to_string();
        let shapes = tensors
            .iter()
            .map(|tensor| TensorShape { name: tensor.name.clone(), shape: tensor.shape.clone() });
        Self {
            format_version: FORMAT_VERSION,
            kind: KIND.to_owned(),
            rlai_version: env!("CARGO_PKG_VERSION").to_owned(),
            policy: manifest.clone(),
            file: ParameterFile {
                name: format!("parameters-{}.safetensors", &blake3[..16]),
                bytes: bytes.len() as u64,
                tensors: shapes.collect(),
                parameters_blake3: parameters_blake3(tensors),
                blake3,
            },
            blake3: String::new(),
        }
    }

    /// The text of the file, its own hash included.
    pub(super) fn to_text(&self) -> Result<String, CheckpointError> {
        let text = |stored: &Self| {
            let text = serde_json::to_string_pretty(stored);
            text.map(|text| text + "\n").map_err(|error| inconsistent(error.to_string()))
        };
        let mut stored = Self { blake3: String::new(), ..self.clone() };
        stored.blake3 = blake3::hash(text(&stored)?.as_bytes()).to_hex().to_string();
        text(&stored)
    }

    /// Reads and checks the text of the manifest at `path`.
    pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Self, CheckpointError> {
        let malformed =
            |error: serde_json::Error| CheckpointError::damaged(path, error.to_string());
        let header: Header = serde_json::from_slice(bytes).map_err(malformed)?;
        if header.kind != KIND {
            let reason = format!("kind {:?}, and only {KIND:?} can be read here", header.kind);
            return Err(CheckpointError::damaged(path, reason));
        }
        if header.format_version != u64::from(FORMAT_VERSION) {
            let (found, known) = (header.format_version, FORMAT_VERSION);
            return Err(CheckpointError::Version { path: path.to_owned(), found, known });
        }
        let stored: Self = serde_json::from_slice(bytes).map_err(malformed)?;
        // Comparing the whole text leaves no byte uncovered, blanks included.
        if stored.to_text()?.as_bytes() != bytes {
            return Err(CheckpointError::damaged(
                path,
                "its checksum does not fit: the text is not the one that was written",
            ));
        }
        stored.policy.check().map_err(|error| error.in_file(path))?;
        stored.file.check().map_err(|error| error.in_file(path))?;
        Ok(stored)
    }
}

impl ParameterFile {
    /// Refuses names that could lead out of the folder.
    fn check(&self) -> Result<(), CheckpointError> {
        if is_parameter_file(&self.name) {
            return Ok(());
        }
        Err(inconsistent(format!("{:?} is no name of a file of parameters", self.name)))
    }
}

/// Whether a checkpoint may have given a file this name.
pub(super) fn is_parameter_file(name: &str) -> bool {
    let digits =
        name.strip_prefix("parameters-").and_then(|rest| rest.strip_suffix(".safetensors"));
    digits.is_some_and(|digits| {
        digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}
