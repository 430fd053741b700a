//! Everything that a simulation goes on from, as plain numbers.

use super::{Data, Model, offsets};

impl Model {
    /// Numbers that MuJoCo keeps for these parts of the state.
    fn state_size(&self, parts: i32) -> usize {
        // SAFETY: the model is alive; the function only reads it.
        let size = unsafe { (self.library.state_size)(self.raw.as_ptr(), parts) };
        usize::try_from(size).expect("no size is negative")
    }
}

impl Data {
    /// Numbers of a [`snapshot`](Self::snapshot).
    pub fn snapshot_size(&self) -> usize {
        let sizes = self.model.sizes();
        let computed: usize = Self::COMPUTED.iter().map(|(_, length)| length(sizes)).sum();
        self.model.state_size(offsets::STATE_INTEGRATION) + computed
    }

    /// MuJoCo's whole state (time, positions, velocities, activations, history, warm start, controls,
    /// applied forces, mocap bodies, plugins), then what it computed in the last step and tasks read.
    ///
    /// The second part is not a function of the first one: a step ends by moving the state, so what was
    /// computed belongs to the state before that (under Runge-Kutta, to its last stage), and forces on the
    /// bodies are zero after a reset. It could not be had back by computing it again.
    pub fn snapshot(&self) -> Vec<f64> {
        let sizes = self.model.sizes();
        let mut snapshot = self.get_state(offsets::STATE_INTEGRATION);
        for &(offset, length) in Self::COMPUTED {
            snapshot.extend(self.array(offset, length(sizes)));
        }
        snapshot
    }

    /// Goes on from a [`snapshot`](Self::snapshot) of the same model; whatever happened before is
    /// forgotten.
    ///
    /// # Panics
    /// When the snapshot has another length.
    pub fn restore(&mut self, snapshot: &[f64]) {
        assert_eq!(snapshot.len(), self.snapshot_size(), "numbers of a snapshot");
        self.reset();
        let sizes = self.model.sizes();
        let parts = offsets::STATE_INTEGRATION;
        let (state, mut computed) = snapshot.split_at(self.model.state_size(parts));
        // SAFETY: the data was made for this model, and MuJoCo reads as many numbers as there are.
        unsafe {
            let model = self.model.raw.as_ptr();
            (self.model.library.set_state)(model, self.raw.as_ptr(), state.as_ptr(), parts);
        }
        for &(offset, length) in Self::COMPUTED {
            let (values, rest) = computed.split_at(length(sizes));
            self.array_mut(offset, length(sizes)).copy_from_slice(values);
            computed = rest;
        }
    }

    /// These parts of MuJoCo's state.
    pub(super) fn get_state(&self, parts: i32) -> Vec<f64> {
        let mut state = vec![0.0; self.model.state_size(parts)];
        // SAFETY: the data was made for this model, and the vector has the room that MuJoCo writes to.
        unsafe {
            let model = self.model.raw.as_ptr();
            (self.model.library.get_state)(model, self.raw.as_ptr(), state.as_mut_ptr(), parts);
        }
        state
    }
}
