//! A compiled model, shared by every environment of its task.

use std::ffi::{CString, c_char};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

use super::library::{Library, RawModel};
use super::log::quietly;
use super::{Data, offsets};

/// Why a model file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// MuJoCo refused the file.
    #[error("{path}: MuJoCo cannot load this model: {message}", path = path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// What MuJoCo said.
        message: String,
    },
    /// The library's structs are not laid out as the pinned headers say.
    #[error(
        "this libmujoco does not keep its {0} where version {version} does: it cannot be used",
        version = super::VERSION
    )]
    Layout(&'static str),
}

/// Sizes of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Positions.
    pub nq: usize,
    /// Velocities.
    pub nv: usize,
    /// Controls.
    pub nu: usize,
    /// Bodies, the world included.
    pub nbody: usize,
}

/// An `mjModel`: read-only after loading.
pub struct Model {
    pub(super) library: &'static Library,
    pub(super) raw: NonNull<RawModel>,
    sizes: Sizes,
}

// SAFETY: the model is never written to after loading, and MuJoCo's functions take it as const.
unsafe impl Send for Model {}
// SAFETY: as above.
unsafe impl Sync for Model {}

impl Model {
    /// Compiles the model file at `path` and checks that its fields lie where they are expected.
    ///
    /// # Errors
    /// When MuJoCo refuses the file or the layout differs.
    pub fn load(library: &'static Library, path: &Path) -> Result<Arc<Self>, ModelError> {
        let raw = load_xml(library, path)
            .map_err(|message| ModelError::Load { path: path.to_owned(), message })?;
        // SAFETY: the offsets belong to the version that `Library::open` checked.
        let sizes = unsafe {
            let size = |offset| raw.byte_add(offset).cast::<i64>().read() as usize;
            Sizes {
                nq: size(offsets::MODEL_NQ),
                nv: size(offsets::MODEL_NV),
                nu: size(offsets::MODEL_NU),
                nbody: size(offsets::MODEL_NBODY),
            }
        };
        let model = Arc::new(Self { library, raw, sizes });
        model.check_sizes()?;
        Data::new(Arc::clone(&model)).check_layout()?;
        Ok(model)
    }

    fn check_sizes(&self) -> Result<(), ModelError> {
        for (state, size) in [
            (offsets::STATE_QPOS, self.sizes.nq),
            (offsets::STATE_QVEL, self.sizes.nv),
            (offsets::STATE_CTRL, self.sizes.nu),
        ] {
            // SAFETY: the model is alive; the function only reads it.
            let actual = unsafe { (self.library.state_size)(self.raw.as_ptr(), state) };
            if usize::try_from(actual) != Ok(size) {
                return Err(ModelError::Layout("sizes"));
            }
        }
        Ok(())
    }

    /// The model's sizes.
    pub fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// Seconds of one simulation step.
    pub fn timestep(&self) -> f64 {
        // SAFETY: the model is alive and holds a double there.
        unsafe { self.raw.byte_add(offsets::MODEL_TIMESTEP).cast::<f64>().read() }
    }

    /// Default positions, `[nq]`.
    pub fn default_positions(&self) -> &[f64] {
        self.array(offsets::MODEL_QPOS0, self.sizes.nq)
    }

    /// Masses of the bodies, `[nbody]`.
    pub fn masses(&self) -> &[f64] {
        self.array(offsets::MODEL_BODY_MASS, self.sizes.nbody)
    }

    fn array(&self, offset: usize, length: usize) -> &[f64] {
        // SAFETY: at the offset lies a pointer to `length` doubles that live as long as the model
        // and are not written to; for length zero the pointer is not looked at.
        unsafe {
            let start = self.raw.byte_add(offset).cast::<*const f64>().read();
            if length == 0 { &[] } else { std::slice::from_raw_parts(start, length) }
        }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: the model came from `mj_loadXML`; every `Data` holds an `Arc` of it, so none is
        // left.
        unsafe { (self.library.delete_model)(self.raw.as_ptr()) }
    }
}

fn load_xml(library: &Library, path: &Path) -> Result<NonNull<RawModel>, String> {
    let file = path.to_str().and_then(|text| CString::new(text).ok());
    let file = file.ok_or_else(|| "its path is not valid text".to_owned())?;
    let mut message = [0u8; 1024];
    let room = message.len() as i32;
    // SAFETY: `file` is a C string, no virtual file system is given, and `message` has the room
    // that is stated.
    let model = quietly(|| unsafe {
        let buffer = message.as_mut_ptr().cast::<c_char>();
        (library.load_xml)(file.as_ptr(), std::ptr::null(), buffer, room)
    });
    NonNull::new(model).ok_or_else(|| {
        let end = message.iter().position(|&byte| byte == 0).unwrap_or(message.len());
        String::from_utf8_lossy(&message[..end]).trim().to_owned()
    })
}
