//! Hashes and sizes put right in manifests, so that what they say besides is looked at.

use rlai::checkpoint::{TensorView, parameters_blake3};
use serde_json::{Value, json};

/// BLAKE3 in hexadecimal.
fn hash(bytes: &[u8]) -> Value {
    json!(blake3::hash(bytes).to_hex().as_str())
}

/// A manifest's text with its own hash.
fn text(mut manifest: Value) -> Option<Vec<u8>> {
    let written = |manifest: &Value| Some(serde_json::to_string_pretty(manifest).ok()? + "\n");
    *manifest.get_mut("blake3")? = json!("");
    let own = hash(written(&manifest)?.as_bytes());
    manifest["blake3"] = own;
    Some(written(&manifest)?.into_bytes())
}

/// The manifest of a policy that has these parameters, and the name of their file.
pub fn policy(manifest: &[u8], parameters: &[u8]) -> Option<(Vec<u8>, String)> {
    let mut manifest: Value = serde_json::from_slice(manifest).ok()?;
    let name = format!("parameters-{}.safetensors", &blake3::hash(parameters).to_hex()[..16]);
    let file = manifest.get_mut("file")?.as_object_mut()?;
    let tensors = tensors_blake3(file.get("tensors")?, parameters).unwrap_or_default();
    file.insert("name".to_owned(), json!(name));
    file.insert("bytes".to_owned(), json!(parameters.len()));
    file.insert("blake3".to_owned(), hash(parameters));
    file.insert("parameters_blake3".to_owned(), json!(tensors));
    Some((text(manifest)?, name))
}

/// The hash of the tensors that a manifest lists, where the file has them.
fn tensors_blake3(listed: &Value, file: &[u8]) -> Option<String> {
    let (length, rest) = file.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (header, data) = rest.split_at_checked(length)?;
    let header: Value = serde_json::from_slice(header).ok()?;
    let mut owned = Vec::new();
    for tensor in listed.as_array()? {
        let name = tensor.get("name")?.as_str()?;
        let offset =
            |i: usize| Some(header.get(name)?.get("data_offsets")?.get(i)?.as_u64()? as usize);
        let bytes = data.get(offset(0)?..offset(1)?)?;
        let numbers = bytes.as_chunks::<4>().0.iter().map(|&number| f32::from_le_bytes(number));
        let axis = |axis: &Value| Some(axis.as_u64()? as usize);
        let shape: Option<Vec<usize>> = tensor.get("shape")?.as_array()?.iter().map(axis).collect();
        owned.push((name.to_owned(), shape?, numbers.collect::<Vec<f32>>()));
    }
    let views = owned.iter().map(|(name, shape, data)| TensorView {
        name: name.clone(),
        shape: shape.clone(),
        data,
    });
    Some(parameters_blake3(&views.collect::<Vec<_>>()))
}

/// The manifest of a run with these files in its folder, and with this segment.
pub fn run(manifest: &[u8], files: &[(&str, &[u8])], segment: &[u8]) -> Option<Vec<u8>> {
    let mut manifest: Value = serde_json::from_slice(manifest).ok()?;
    let record = |(name, bytes): &(&str, &[u8])| json!({ "name": name, "bytes": bytes.len(), "blake3": hash(bytes) });
    *manifest.get_mut("files")? = files.iter().map(record).collect();
    if let Some(info) = manifest.pointer_mut("/replay/segments/0") {
        *info = self::segment(info.take(), segment);
    }
    text(manifest)
}

/// What is known of a segment, with its size and its hash.
pub fn segment(mut info: Value, bytes: &[u8]) -> Value {
    if let Some(info) = info.as_object_mut() {
        info.insert("bytes".to_owned(), json!(bytes.len()));
        info.insert("blake3".to_owned(), hash(bytes));
    }
    info
}
