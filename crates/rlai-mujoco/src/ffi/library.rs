//! The opened library and its functions.

use std::ffi::{c_char, c_int, c_void};
use std::path::{Path, PathBuf};

use super::log::{LogHandler, forward_to_tracing};
use super::{VERSION, offsets};

/// An `mjModel` of the library.
pub(super) type RawModel = c_void;
/// An `mjData` of the library.
pub(super) type RawData = c_void;

/// A function of a model and its data.
pub(super) type OnData = unsafe extern "C" fn(*const RawModel, *mut RawData);

/// Why a libmujoco cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The dynamic linker refused the file.
    #[error("{path}: not a library that can be opened here: {source}", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the dynamic linker said.
        source: libloading::Error,
    },
    /// Another version of MuJoCo.
    #[error("{path}: MuJoCo {found} found, {VERSION} wanted", path = path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
    },
}

/// An opened libmujoco of the pinned version.
pub struct Library {
    pub(super) load_xml:
        unsafe extern "C" fn(*const c_char, *const c_void, *mut c_char, c_int) -> *mut RawModel,
    pub(super) delete_model: unsafe extern "C" fn(*mut RawModel),
    pub(super) make_data: unsafe extern "C" fn(*const RawModel) -> *mut RawData,
    pub(super) delete_data: unsafe extern "C" fn(*mut RawData),
    pub(super) reset_data: OnData,
    pub(super) forward: OnData,
    pub(super) step: OnData,
    pub(super) rne_post_constraint: OnData,
    pub(super) state_size: unsafe extern "C" fn(*const RawModel, c_int) -> c_int,
    pub(super) get_state: unsafe extern "C" fn(*const RawModel, *const RawData, *mut f64, c_int),
    pub(super) set_state: unsafe extern "C" fn(*const RawModel, *mut RawData, *const f64, c_int),
    // Keeps the code mapped that the pointers above lead to.
    _handle: libloading::Library,
}

impl Library {
    /// Opens the library at `path` and routes its messages to `tracing`.
    ///
    /// # Errors
    /// When the file is not a library, lacks a function, or is another version of MuJoCo.
    pub fn open(path: &Path) -> Result<Self, LibraryError> {
        let open_error = |source| LibraryError::Open { path: path.to_owned(), source };
        // SAFETY: the file is either the pinned library, verified by its hash, or one that the user
        // points at as a MuJoCo library; MuJoCo's initialisers have no preconditions.
        let handle = unsafe { libloading::Library::new(path) }.map_err(open_error)?;
        check_version(&handle, path)?;
        // SAFETY: `mju_setLogHandler` takes a handler and returns the previous one; the handler is
        // a plain function that lives as long as the program.
        unsafe {
            let set: unsafe extern "C" fn(LogHandler) -> *const c_void =
                symbol(&handle, b"mju_setLogHandler").map_err(open_error)?;
            set(forward_to_tracing);
        }
        // SAFETY: the version matches, so these functions have the pinned headers' signatures.
        unsafe { Self::bind(handle) }.map_err(open_error)
    }

    /// # Safety
    /// `handle` is a libmujoco of the pinned version.
    unsafe fn bind(handle: libloading::Library) -> Result<Self, libloading::Error> {
        // SAFETY: the field types above are the functions' signatures in the pinned headers.
        unsafe {
            Ok(Self {
                load_xml: symbol(&handle, b"mj_loadXML")?,
                delete_model: symbol(&handle, b"mj_deleteModel")?,
                make_data: symbol(&handle, b"mj_makeData")?,
                delete_data: symbol(&handle, b"mj_deleteData")?,
                reset_data: symbol(&handle, b"mj_resetData")?,
                forward: symbol(&handle, b"mj_forward")?,
                step: symbol(&handle, b"mj_step")?,
                rne_post_constraint: symbol(&handle, b"mj_rnePostConstraint")?,
                state_size: symbol(&handle, b"mj_stateSize")?,
                get_state: symbol(&handle, b"mj_getState")?,
                set_state: symbol(&handle, b"mj_setState")?,
                _handle: handle,
            })
        }
    }
}

fn check_version(handle: &libloading::Library, path: &Path) -> Result<(), LibraryError> {
    // SAFETY: `mj_version` has had this signature in every release of MuJoCo.
    let version = unsafe {
        let mj_version: unsafe extern "C" fn() -> c_int = symbol(handle, b"mj_version")
            .map_err(|source| LibraryError::Open { path: path.to_owned(), source })?;
        mj_version()
    };
    if version == offsets::VERSION {
        Ok(())
    } else {
        Err(LibraryError::Version { path: path.to_owned(), found: readable(version) })
    }
}

/// The version as people write it. Since 3.5 the number is `major * 10^6 + minor * 10^3 + patch`,
/// before that three decimal digits.
fn readable(version: c_int) -> String {
    if version < 1000 {
        format!("{}.{}.{}", version / 100, version / 10 % 10, version % 10)
    } else {
        format!("{}.{}.{}", version / 1_000_000, version / 1000 % 1000, version % 1000)
    }
}

/// # Safety
/// `T` is the function's type.
unsafe fn symbol<T: Copy>(
    handle: &libloading::Library,
    name: &[u8],
) -> Result<T, libloading::Error> {
    // SAFETY: promised by the caller.
    unsafe { handle.get::<T>(name).map(|symbol| *symbol) }
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn versions_read_as_people_write_them() {
        assert_eq!(readable(3_017_000), "3.17.0");
        assert_eq!(readable(337), "3.3.7");
    }
}
