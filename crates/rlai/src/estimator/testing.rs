//! Particles made up for tests.

use super::{ActionEstimator, Duals, Origin, Particles, Signal};
use crate::nn::Scalar;
use crate::random::Key;

/// Where made-up particles come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Draws from the policy.
    Draws,
    /// All actions, once each.
    Enumerated,
    /// The replay's action, then draws from the policy.
    Replay,
}

/// Owned particles with action gradients and values.
#[derive(Clone, Debug)]
pub(super) struct Made<T> {
    pub origins: Vec<Origin>,
    pub log_pi: Vec<T>,
    pub log_base: Vec<T>,
    pub q: Vec<T>,
    pub dq_du: Vec<T>,
    pub dl_du: Vec<T>,
    pub value: Vec<T>,
}

impl<T: Scalar> Made<T> {
    /// B states of N particles in two dimensions, with normal numbers from `seed`.
    pub fn new(kind: Kind, states: usize, samples: usize, seed: u64) -> Self {
        let mut stream = Key::from_seed(seed).stream("particles");
        let mut normals = |count: usize| {
            let mut values = vec![T::zero(); count];
            stream.fill_normal(&mut values);
            values
        };
        let count = states * samples;
        let mut made = Self {
            origins: vec![Origin::Policy; samples],
            log_pi: normals(count),
            log_base: vec![T::from_f64(-(samples as f64).ln()); count],
            q: normals(count),
            dq_du: normals(2 * count),
            dl_du: normals(2 * count),
            value: normals(states),
        };
        match kind {
            Kind::Draws => {}
            Kind::Enumerated => made.enumerate(),
            Kind::Replay => made.put_replay_first(),
        }
        made
    }

    fn enumerate(&mut self) {
        let samples = self.origins.len();
        self.origins.fill(Origin::Enumerated);
        for row in self.log_pi.chunks_exact_mut(samples) {
            super::self_normalised_weights(row);
            row.iter_mut().for_each(|p| *p = p.ln());
        }
        self.log_base.clone_from(&self.log_pi);
    }

    fn put_replay_first(&mut self) {
        let samples = self.origins.len();
        self.origins[0] = Origin::Replay;
        self.log_base.fill(T::from_f64(-(samples as f64 - 1.0).ln()));
        self.log_base.iter_mut().step_by(samples).for_each(|base| *base = T::neg_infinity());
    }

    pub fn particles(&self) -> Particles<'_, T> {
        Particles {
            samples: self.origins.len(),
            origins: &self.origins,
            log_pi: &self.log_pi,
            log_pi_0: None,
            log_base: &self.log_base,
            q: &self.q,
            dq_du: Some(&self.dq_du),
            dl_du: Some(&self.dl_du),
            value: Some(&self.value),
        }
    }

    pub fn signal(&self, estimator: &dyn ActionEstimator<T>, duals: &Duals<T>) -> Signal<T> {
        let samples = self.origins.len();
        let mut signal = Signal::new(self.log_pi.len() / samples, samples, 2);
        estimator.signal(&self.particles(), duals, &mut signal);
        signal
    }
}

/// All entries within `tolerance` of each other, relative to the larger of 1 and the wanted.
pub(super) fn assert_close<T: Scalar>(got: &[T], want: &[T], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let (got, want) = (got.widen(), want.widen());
        let error = (got - want).abs() / want.abs().max(1.0);
        assert!(error < tolerance, "{what}, {i}: {got} against {want}");
    }
}
