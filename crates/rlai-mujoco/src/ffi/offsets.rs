//! Where MuJoCo 3.17.0 keeps what the tasks read, in bytes from the start of the struct.
//!
//! Written by `tools/mujoco_offsets.py` from the headers of the pinned wheel: do not edit.
//! The numbers hold for 64-bit platforms where `long` has 64 bits.

/// Number of positions, `i64`.
pub const MODEL_NQ: usize = 0;

/// Number of velocities, `i64`.
pub const MODEL_NV: usize = 8;

/// Number of controls, `i64`.
pub const MODEL_NU: usize = 16;

/// Number of bodies, the world included, `i64`.
pub const MODEL_NBODY: usize = 48;

/// Length of one simulation step in seconds, `f64`.
pub const MODEL_TIMESTEP: usize = 792;

/// Pointer to the default positions, `[nq]`.
pub const MODEL_QPOS0: usize = 1792;

/// Pointer to the masses, `[nbody]`.
pub const MODEL_BODY_MASS: usize = 1944;

/// Warning counters, an array of `mjWarningStat`.
pub const DATA_WARNING: usize = 160_264;

/// Simulation time in seconds, `f64`.
pub const DATA_TIME: usize = 160_648;

/// Pointer to the positions, `[nq]`.
pub const DATA_QPOS: usize = 160_688;

/// Pointer to the velocities, `[nv]`.
pub const DATA_QVEL: usize = 160_696;

/// Pointer to the controls, `[nu]`.
pub const DATA_CTRL: usize = 160_736;

/// Pointer to the body frames' positions, `[nbody, 3]`.
pub const DATA_XPOS: usize = 160_840;

/// Pointer to the bodies' centres of mass, `[nbody, 3]`.
pub const DATA_XIPOS: usize = 160_864;

/// Pointer to the bodies' inertia about the centre of mass, `[nbody, 10]`.
pub const DATA_CINERT: usize = 160_976;

/// Pointer to the bodies' velocities about the centre of mass, `[nbody, 6]`.
pub const DATA_CVEL: usize = 161_280;

/// Pointer to the actuator forces in joint space, `[nv]`.
pub const DATA_QFRC_ACTUATOR: usize = 161_408;

/// Pointer to the external forces on the bodies, `[nbody, 6]`.
pub const DATA_CFRC_EXT: usize = 161_464;

/// What `mj_version()` returns for these headers.
pub const VERSION: i32 = 3_017_000;

/// Selects the positions in `mj_getState`.
pub const STATE_QPOS: i32 = 2;

/// Selects the velocities in `mj_getState`.
pub const STATE_QVEL: i32 = 4;

/// Selects the controls in `mj_getState`.
pub const STATE_CTRL: i32 = 64;

/// Selects everything that the next step depends on in `mj_getState` and `mj_setState`.
pub const STATE_INTEGRATION: i32 = 16_383;

/// Bytes of one warning counter.
pub const WARNING_SIZE: usize = 8;

/// Where a counter holds its count, `i32`.
pub const WARNING_NUMBER: usize = 4;

/// Index of the warning for a bad position.
pub const BAD_QPOS: usize = 3;

/// Index of the warning for a bad velocity.
pub const BAD_QVEL: usize = 4;

/// Index of the warning for a bad acceleration.
pub const BAD_QACC: usize = 5;

/// Index of the warning for a bad control.
pub const BAD_CTRL: usize = 6;

/// Where a log message holds its level, `i32`.
pub const LOG_LEVEL: usize = 0;

/// Where a log message holds its text, a C string.
pub const LOG_SUBJECT: usize = 8;

/// Log level of a warning.
pub const LOG_WARNING: i32 = 2;

/// Log level of an error.
pub const LOG_ERROR: i32 = 3;
