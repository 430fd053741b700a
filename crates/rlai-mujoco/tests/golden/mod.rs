//! Reading golden rollouts.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rlai::env::Action;

/// Actions in the precision of the file.
pub enum Actions {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Actions {
    /// Action `t` of a task with `width` coordinates.
    pub fn row(&self, t: usize, width: usize) -> Action<'_> {
        let range = t * width..(t + 1) * width;
        match self {
            Self::F32(values) => Action::F32(&values[range]),
            Self::F64(values) => Action::F64(&values[range]),
        }
    }
}

/// One golden file.
pub struct Golden {
    pub qpos: Vec<f64>,
    pub qvel: Vec<f64>,
    pub actions: Actions,
    pub observations: Vec<f64>,
    pub rewards: Vec<f64>,
    pub terminated: Vec<bool>,
}

impl Golden {
    pub fn read(task: &str, precision: &str) -> Self {
        let path = folder().join(format!("{task}-{precision}.npz"));
        let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut archive = zip::ZipArchive::new(file).unwrap();
        let mut read = |name: &str| array(&mut archive, name);
        let actions = read("actions");
        Self {
            qpos: floats(&read("qpos")),
            qvel: floats(&read("qvel")),
            actions: match precision {
                "float32" => Actions::F32(singles(&actions)),
                _ => Actions::F64(floats(&actions)),
            },
            observations: floats(&read("observations")),
            rewards: floats(&read("rewards")),
            terminated: data(&read("terminated")).iter().map(|&byte| byte != 0).collect(),
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/rollouts")
}

fn array(archive: &mut zip::ZipArchive<File>, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    archive.by_name(&format!("{name}.npy")).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

/// The data of a NumPy file of format 1: a length in two bytes at 8, a header of this length, raw
/// values in C order.
fn data(bytes: &[u8]) -> &[u8] {
    let header = u16::from_le_bytes([bytes[8], bytes[9]]);
    &bytes[10 + usize::from(header)..]
}

fn floats(bytes: &[u8]) -> Vec<f64> {
    data(bytes).as_chunks().0.iter().map(|&value| f64::from_le_bytes(value)).collect()
}

fn singles(bytes: &[u8]) -> Vec<f32> {
    data(bytes).as_chunks().0.iter().map(|&value| f32::from_le_bytes(value)).collect()
}
