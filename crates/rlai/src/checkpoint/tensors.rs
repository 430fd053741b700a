use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use safetensors::tensor::Metadata;
use safetensors::{Dtype, View};

use super::manifest::{TensorShape, element_count};
use super::{CheckpointError, Manifest, Network};

/// A named tensor of single-precision numbers, held by someone else.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorView<'a> {
    /// Name, unique in a checkpoint.
    pub name: String,
    /// Length of every axis; `[]` is a single number.
    pub shape: Vec<usize>,
    /// The numbers, row-major.
    pub data: &'a [f32],
}

/// The tensors of a checkpoint, in the order in which they were written.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensors {
    tensors: Vec<Tensor>,
}

#[derive(Clone, Debug, PartialEq)]
struct Tensor {
    name: String,
    shape: Vec<usize>,
    data: Vec<f32>,
}

impl Tensors {
    /// All of the tensors, in order.
    pub fn views(&self) -> Vec<TensorView<'_>> {
        let views = self.tensors.iter().map(|Tensor { name, shape, data }| TensorView {
            name: name.clone(),
            shape: shape.clone(),
            data,
        });
        views.collect()
    }

    /// The numbers of one tensor.
    ///
    /// # Errors
    /// There is no tensor of this name, or it has another shape.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<&[f32], CheckpointError> {
        let found = self.tensors.iter().find(|tensor| tensor.name == name);
        expect_shape(name, shape, found.map(|tensor| tensor.shape.as_slice()))?;
        Ok(found.map_or(&[], |tensor| &tensor.data))
    }

    /// A network's flat parameter vector: for each layer its weights and then its bias.
    ///
    /// # Errors
    /// A tensor of the network is missing or has another shape.
    pub fn parameters(&self, network: &Network) -> Result<Vec<f32>, CheckpointError> {
        let mut parameters = Vec::new();
        for (name, shape) in network.tensors() {
            parameters.extend_from_slice(self.get(&name, &shape)?);
        }
        Ok(parameters)
    }
}

fn expect_shape(
    name: &str,
    wanted: &[usize],
    found: Option<&[usize]>,
) -> Result<(), CheckpointError> {
    let reason = match found {
        Some(found) if found == wanted => return Ok(()),
        Some(found) => format!("tensor {name} has shape {found:?}, expected {wanted:?}"),
        None => format!("tensor {name} is missing (expected shape {wanted:?})"),
    };
    Err(CheckpointError::Inconsistent(reason))
}

/// Refuses tensors that are not finite, or that do not fit together or to the manifest.
pub(super) fn check(
    manifest: &Manifest,
    tensors: &[TensorView<'_>],
) -> Result<(), CheckpointError> {
    manifest.check()?;
    let mut shapes = HashMap::new();
    for TensorView { name, shape, data } in tensors {
        if element_count(shape) != Some(data.len()) {
            let reason = format!("tensor {name}: {} numbers in shape {shape:?}", data.len());
            return Err(CheckpointError::Inconsistent(reason));
        }
        if let Some(i) = data.iter().position(|value| !value.is_finite()) {
            let reason = format!("tensor {name}: number {i} is {}, not finite", data[i]);
            return Err(CheckpointError::Inconsistent(reason));
        }
        if shapes.insert(name.as_str(), shape.as_slice()).is_some() {
            return Err(CheckpointError::Inconsistent(format!("two tensors are named {name}")));
        }
    }
    for network in &manifest.networks {
        for (name, shape) in network.tensors() {
            expect_shape(&name, &shape, shapes.get(name.as_str()).copied())?;
        }
    }
    Ok(())
}

/// BLAKE3, in hexadecimal, over the tensors' names, shapes and little-endian bytes in this order.
///
/// Names and shapes are preceded by their lengths, so no two lists of tensors are hashed alike.
pub fn parameters_blake3(tensors: &[TensorView<'_>]) -> String {
    let mut hasher = blake3::Hasher::new();
    let count = |hasher: &mut blake3::Hasher, count: usize| {
        hasher.update(&(count as u64).to_le_bytes());
    };
    for TensorView { name, shape, data } in tensors {
        count(&mut hasher, name.len());
        hasher.update(name.as_bytes());
        count(&mut hasher, shape.len());
        shape.iter().for_each(|&length| count(&mut hasher, length));
        hasher.update(&little_endian(data));
    }
    hasher.finalize().to_hex().to_string()
}

fn little_endian(data: &[f32]) -> Vec<u8> {
    data.iter().flat_map(|value| value.to_le_bytes()).collect()
}

impl View for &TensorView<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(little_endian(self.data))
    }

    fn data_len(&self) -> usize {
        size_of_val(self.data)
    }
}

/// The bytes of a safetensors file. Equal tensors give equal bytes.
pub(crate) fn encode(tensors: &[TensorView<'_>]) -> Result<Vec<u8>, CheckpointError> {
    // One entry only: a map of several would be written in a random order.
    let about = HashMap::from([("format".to_owned(), "rlai-parameters".to_owned())]);
    let named = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor));
    safetensors::serialize(named, Some(about))
        .map_err(|error| CheckpointError::Inconsistent(error.to_string()))
}

/// Reads the tensors of a safetensors file, which must be exactly those `expected`.
pub(crate) fn decode(bytes: &[u8], expected: &[TensorShape]) -> Result<Tensors, CheckpointError> {
    let inconsistent = |reason: String| CheckpointError::Inconsistent(reason);
    let (header, data) = split_header(bytes).ok_or_else(|| {
        inconsistent("no safetensors file: it ends before its header does".to_owned())
    })?;
    let metadata: Metadata = serde_json::from_slice(header)
        .map_err(|error| inconsistent(format!("safetensors header: {error}")))?;
    if metadata.data_len() != data.len() {
        let reason =
            format!("{} bytes of tensors, the header says {}", data.len(), metadata.data_len());
        return Err(inconsistent(reason));
    }
    let expected_names: HashSet<_> = expected.iter().map(|tensor| tensor.name.as_str()).collect();
    if expected_names.len() < expected.len() {
        return Err(inconsistent("two tensors of the manifest have one name".to_owned()));
    }
    let names = metadata.offset_keys();
    if let Some(name) = names.iter().find(|name| !expected_names.contains(name.as_str())) {
        return Err(inconsistent(format!("tensor {name} is not in the manifest")));
    }
    let tensors = expected.iter().map(|TensorShape { name, shape }| {
        let info = metadata.info(name);
        expect_shape(name, shape, info.map(|info| info.shape.as_slice()))?;
        let info = info.filter(|info| info.dtype == Dtype::F32);
        let data = info.and_then(|info| data.get(info.data_offsets.0..info.data_offsets.1));
        let data = data.ok_or_else(|| inconsistent(format!("tensor {name} is not of type F32")))?;
        let (numbers, _) = data.as_chunks::<4>();
        let data = numbers.iter().map(|&number| f32::from_le_bytes(number)).collect();
        Ok(Tensor { name: name.clone(), shape: shape.clone(), data })
    });
    Ok(Tensors { tensors: tensors.collect::<Result<_, _>>()? })
}

/// The header and the data of a safetensors file.
fn split_header(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    // The crate's own entry point adds up sizes that the file claims, which may overflow; so only its
    // parser of the header is used, and its result is compared with the bytes that there are.
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}
