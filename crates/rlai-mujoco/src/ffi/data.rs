//! The state of one simulation.

use std::ptr::NonNull;
use std::sync::Arc;

use super::library::RawData;
use super::model::{Model, ModelError, Sizes};
use super::offsets;

/// MuJoCo met a number that it cannot go on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instability {
    /// A position, a velocity or an acceleration was not finite or too large: MuJoCo put the whole
    /// state back to its default without a word.
    Reset(&'static str),
    /// A control was not finite or too large: MuJoCo replaced all of them by zero.
    Control,
}

/// An `mjData` together with its model.
pub struct Data {
    pub(super) model: Arc<Model>,
    pub(super) raw: NonNull<RawData>,
}

// SAFETY: the data belongs to this value alone, MuJoCo keeps no thread-local reference to it, and
// the model may be shared.
unsafe impl Send for Data {}

/// Where an array lies, and its length in a model of these sizes.
pub(super) type Array = (usize, fn(Sizes) -> usize);

/// A method for each array, and the list of all of them.
macro_rules! arrays {
    ($(#[$about:meta])* $list:ident;
     $($(#[$doc:meta])* $name:ident: $offset:ident, $length:expr;)*) => {
        $(#[$about])*
        pub(super) const $list: &[Array] = &[$((offsets::$offset, $length)),*];

        $(
            $(#[$doc])*
            pub fn $name(&self) -> &[f64] {
                let length: fn(Sizes) -> usize = $length;
                self.array(offsets::$offset, length(self.model.sizes()))
            }
        )*
    };
}

impl Data {
    /// A simulation of `model` in its default state.
    ///
    /// # Panics
    /// When there is no memory for it.
    pub fn new(model: Arc<Model>) -> Self {
        // SAFETY: the model is alive.
        let raw = unsafe { (model.library.make_data)(model.raw.as_ptr()) };
        let raw = NonNull::new(raw).expect("memory for a simulation");
        Self { model, raw }
    }

    /// The model that is simulated.
    pub fn model(&self) -> &Model {
        &self.model
    }

    arrays! {
        /// What is given to MuJoCo, in the order of its own state.
        GIVEN;
        /// Positions, `[nq]`.
        qpos: DATA_QPOS, |sizes| sizes.nq;
        /// Velocities, `[nv]`.
        qvel: DATA_QVEL, |sizes| sizes.nv;
        /// Controls as they were given, `[nu]`.
        ctrl: DATA_CTRL, |sizes| sizes.nu;
    }

    arrays! {
        /// What MuJoCo computes in a step and tasks read after it.
        COMPUTED;
        /// Positions of the bodies' frames in metres, `[nbody, 3]`.
        xpos: DATA_XPOS, |sizes| 3 * sizes.nbody;
        /// Positions of the bodies' centres of mass in metres, `[nbody, 3]`.
        xipos: DATA_XIPOS, |sizes| 3 * sizes.nbody;
        /// Inertia of the bodies about the centre of mass, `[nbody, 10]`.
        cinert: DATA_CINERT, |sizes| 10 * sizes.nbody;
        /// Velocities of the bodies about the centre of mass, `[nbody, 6]`.
        cvel: DATA_CVEL, |sizes| 6 * sizes.nbody;
        /// Forces of the actuators in joint space, `[nv]`.
        qfrc_actuator: DATA_QFRC_ACTUATOR, |sizes| sizes.nv;
        /// External forces on the bodies, `[nbody, 6]`.
        cfrc_ext: DATA_CFRC_EXT, |sizes| 6 * sizes.nbody;
    }

    /// Positions, to be written.
    pub fn qpos_mut(&mut self) -> &mut [f64] {
        self.array_mut(offsets::DATA_QPOS, self.model.sizes().nq)
    }

    /// Velocities, to be written.
    pub fn qvel_mut(&mut self) -> &mut [f64] {
        self.array_mut(offsets::DATA_QVEL, self.model.sizes().nv)
    }

    /// Controls, to be written.
    pub fn ctrl_mut(&mut self) -> &mut [f64] {
        self.array_mut(offsets::DATA_CTRL, self.model.sizes().nu)
    }

    /// Simulated time in seconds.
    pub fn time(&self) -> f64 {
        // SAFETY: the data is alive and holds a double there.
        unsafe { self.raw.byte_add(offsets::DATA_TIME).cast::<f64>().read() }
    }

    /// Puts everything back to the default, the solver's warm start included.
    pub fn reset(&mut self) {
        self.call(self.model.library.reset_data);
    }

    /// Computes everything that follows from the state, without moving time.
    pub fn forward(&mut self) {
        self.call(self.model.library.forward);
    }

    /// Moves time by one step.
    pub fn step(&mut self) {
        self.call(self.model.library.step);
    }

    /// Computes the forces on the bodies, contacts included.
    pub fn compute_body_forces(&mut self) {
        self.call(self.model.library.rne_post_constraint);
    }

    /// Whether MuJoCo met a bad number since the last [`reset`](Self::reset).
    pub fn instability(&self) -> Option<Instability> {
        let checks = [
            (offsets::BAD_QPOS, Instability::Reset("position")),
            (offsets::BAD_QVEL, Instability::Reset("velocity")),
            (offsets::BAD_QACC, Instability::Reset("acceleration")),
            (offsets::BAD_CTRL, Instability::Control),
        ];
        checks.into_iter().find(|(index, _)| self.warnings(*index) > 0).map(|(_, kind)| kind)
    }

    fn warnings(&self, index: usize) -> i32 {
        let counter = offsets::DATA_WARNING + index * offsets::WARNING_SIZE;
        // SAFETY: the index is one of MuJoCo's warnings, whose counters lie in this array.
        unsafe { self.raw.byte_add(counter + offsets::WARNING_NUMBER).cast::<i32>().read() }
    }

    fn call(&self, function: super::library::OnData) {
        // SAFETY: the data was made for this model and both are alive; callers hold `&mut self`.
        unsafe { function(self.model.raw.as_ptr(), self.raw.as_ptr()) }
    }

    pub(super) fn array(&self, offset: usize, length: usize) -> &[f64] {
        // SAFETY: at the offset lies a pointer to `length` doubles in the data's own buffer, which
        // only `&mut self` methods write to.
        unsafe { std::slice::from_raw_parts(self.pointer(offset), length) }
    }

    pub(super) fn array_mut(&mut self, offset: usize, length: usize) -> &mut [f64] {
        // SAFETY: as in `array`, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.pointer(offset), length) }
    }

    fn pointer(&self, offset: usize) -> *mut f64 {
        // SAFETY: the offset is that of a pointer in `mjData`.
        unsafe { self.raw.byte_add(offset).cast::<*mut f64>().read() }
    }

    /// Checks that what is written through the offsets is what MuJoCo reads.
    pub(super) fn check_layout(mut self) -> Result<(), ModelError> {
        let wrong = |what| Err(ModelError::Layout(what));
        self.reset();
        if self.qpos() != self.model.default_positions() {
            return wrong("default positions");
        }
        self.step();
        if self.time() != self.model.timestep() {
            return wrong("time step");
        }
        let written = self.write_distinct_numbers();
        let parts = offsets::STATE_QPOS | offsets::STATE_QVEL | offsets::STATE_CTRL;
        let state = self.get_state(parts);
        if !written.starts_with(&state) {
            return wrong("state");
        }
        let snapshot = self.snapshot();
        self.reset();
        self.restore(&snapshot);
        let is_restored = self.time() == self.model.timestep()
            && self.get_state(parts) == state
            && self.read_all() == written
            && self.snapshot() == snapshot;
        if is_restored { Ok(()) } else { wrong("whole state") }
    }

    /// Writes other numbers to all arrays, so that none can lie where another does; returns them,
    /// positions, velocities and controls first.
    fn write_distinct_numbers(&mut self) -> Vec<f64> {
        let sizes = self.model.sizes();
        let mut written = 0.0;
        for &(offset, length) in Self::GIVEN.iter().chain(Self::COMPUTED) {
            for value in self.array_mut(offset, length(sizes)) {
                written += 1.0;
                *value = written;
            }
        }
        (1..=written as usize).map(|number| number as f64).collect()
    }

    /// All arrays one after another.
    fn read_all(&self) -> Vec<f64> {
        let sizes = self.model.sizes();
        let arrays = Self::GIVEN.iter().chain(Self::COMPUTED);
        arrays.flat_map(|&(offset, length)| self.array(offset, length(sizes))).copied().collect()
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        // SAFETY: the data came from `mj_makeData` and is not used afterwards.
        unsafe { (self.model.library.delete_data)(self.raw.as_ptr()) }
    }
}
