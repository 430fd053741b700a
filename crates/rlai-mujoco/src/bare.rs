//! The simulator without a task around it: what a step cannot do without, as the yardstick of a task's own.

use crate::assets::AssetError;
use crate::ffi::Data;
use crate::registry;

/// The simulation of a task, stepped without a look at it.
pub struct Bare {
    data: Data,
    frame_skip: usize,
}

impl Bare {
    /// The simulation of the task with this name; none if there is no such task.
    ///
    /// # Errors
    /// When MuJoCo or the task's model cannot be had.
    pub fn new(id: &str) -> Option<Result<Self, AssetError>> {
        let of = |(model, frame_skip)| Self { data: Data::new(model), frame_skip };
        registry::model(id).map(|found| found.map(of))
    }

    /// Goes on from where the task was, given its snapshot (and whatever its wrappers keep behind it).
    ///
    /// # Panics
    /// When the snapshot is another task's.
    pub fn restore(&mut self, snapshot: &[f64]) {
        let size = self.data.snapshot_size();
        self.data.restore(&snapshot[..size]);
    }

    /// Its state, as the task's own snapshot.
    pub fn snapshot(&self) -> Vec<f64> {
        self.data.snapshot()
    }

    /// `mj_step` as often as the task does, then `mj_rnePostConstraint`.
    ///
    /// # Panics
    /// When the number of controls is wrong.
    pub fn step(&mut self, control: &[f64]) {
        self.data.ctrl_mut().copy_from_slice(control);
        for _ in 0..self.frame_skip {
            self.data.step();
        }
        self.data.compute_body_forces();
    }
}
