//! What a trajectory agent has learned, to disk and back.

use std::path::Path;

use super::{Regressor, TrajectoryAgent};
use crate::agent::Policy;
use crate::agent::persist::network;
use crate::checkpoint::{
    self, CheckpointError, Manifest, Network, TensorView, Tensors, parameters_blake3,
};
use crate::distribution::{PolicyKind, PolicySettings};
use crate::env::Space;
use crate::nn::Weights;

const POLICY: &str = "policy";
const VALUE: &str = "value";
const CRITIC: &str = "critic";
/// Names of what the outputs of the value networks are standardised by.
const STANDARDS: [&str; 2] = ["value_standard", "critic_standard"];

impl TrajectoryAgent {
    /// Saves networks and duals to `dir`; `action` is the task's own.
    ///
    /// # Errors
    /// When they cannot be written, or hold a number that is not finite.
    pub(crate) fn save(
        &self,
        dir: &Path,
        env: &str,
        action: &Space,
        step: u64,
    ) -> Result<(), CheckpointError> {
        let duals = self.duals.logarithms();
        let manifest = self.manifest(env, action, step);
        checkpoint::write(dir, &manifest, &self.tensors(&duals)?)
    }

    /// Takes over networks and duals (not the temperature if this agent's is fixed) from `dir`, a run's
    /// folder or its checkpoint. Optimisers and random streams start anew.
    ///
    /// # Errors
    /// When they cannot be read, or are of other shapes than this agent's.
    pub(crate) fn load(&mut self, dir: &Path) -> Result<(), CheckpointError> {
        let (_, tensors) = checkpoint::read(&checkpoint::folder_of(dir))?;
        let policy = tensors.parameters(&network(POLICY, &self.net))?;
        let regressors = [(VALUE, STANDARDS[0], &self.value), (CRITIC, STANDARDS[1], &self.critic)];
        let mut read = Vec::new();
        for (name, standard, regressor) in regressors {
            read.push(match regressor {
                Some(regressor) => Some(read_regressor(&tensors, name, standard, regressor)?),
                None => None,
            });
        }
        self.weights = Weights::new(&self.net, &policy);
        for (regressor, read) in [&mut self.value, &mut self.critic].into_iter().zip(read) {
            if let (Some(regressor), Some((parameters, standard))) = (regressor, read) {
                regressor.weights = Weights::new(&regressor.net, &parameters);
                regressor.standard = standard;
            }
        }
        let stored =
            |name: &str| tensors.get(name, &[]).ok().and_then(|values| values.first().copied());
        self.duals.restore(&self.config, stored);
        Ok(())
    }

    /// Hash of all that is saved: equal runs have equal ones.
    pub(crate) fn parameters_blake3(&self) -> String {
        let duals = self.duals.logarithms();
        let views = self.tensors(&duals);
        parameters_blake3(&views.expect("the shapes were read off the networks themselves"))
    }

    /// The policy as it stands, for the task of this name and these actions.
    pub(crate) fn policy(&self, env: &str, action: &Space) -> Policy {
        let manifest = self.manifest(env, action, 0);
        let head = manifest.policy.head(&action.into()).expect("a policy that it was made for");
        Policy::new(manifest, self.net.clone(), head, self.weights.parameters().to_vec(), None)
    }

    fn regressors(&self) -> impl Iterator<Item = (&'static str, &'static str, &Regressor)> {
        let value = self.value.iter().map(|net| (VALUE, STANDARDS[0], net));
        value.chain(self.critic.iter().map(|net| (CRITIC, STANDARDS[1], net)))
    }

    fn networks(&self) -> Vec<Network> {
        let regressors =
            self.regressors().map(|(name, _, regressor)| network(name, &regressor.net));
        std::iter::once(network(POLICY, &self.net)).chain(regressors).collect()
    }

    fn manifest(&self, env: &str, action: &Space, step: u64) -> Manifest {
        let (low, high) = action
            .coordinates()
            .map_or_else(Default::default, |space| (space.low.clone(), space.high.clone()));
        Manifest {
            env: env.to_owned(),
            step,
            observation_dimension: self.net.inputs(),
            action_dimension: low.len(),
            action_low: low,
            action_high: high,
            factors: action.factors(),
            policy: PolicySettings {
                kind: PolicyKind::default_for(&action.into()),
                log_std_min: self.config.log_std_min,
                log_std_max: self.config.log_std_max,
                ..PolicySettings::default()
            },
            own_distribution: None,
            normalises_observations: false,
            networks: self.networks(),
        }
    }

    fn tensors<'a>(
        &'a self,
        duals: &'a [(&'static str, [f32; 1])],
    ) -> Result<Vec<TensorView<'a>>, CheckpointError> {
        let mut views = network(POLICY, &self.net).views(self.weights.parameters())?;
        for (name, standard, regressor) in self.regressors() {
            views.extend(network(name, &regressor.net).views(regressor.weights.parameters())?);
            let (shape, data) = (vec![2], &regressor.standard[..]);
            views.push(TensorView { name: standard.to_owned(), shape, data });
        }
        for (name, logarithm) in duals {
            views.push(TensorView { name: (*name).to_owned(), shape: vec![], data: logarithm });
        }
        Ok(views)
    }
}

type Stored = (Vec<f32>, [f32; 2]);

fn read_regressor(
    tensors: &Tensors,
    name: &str,
    standard: &str,
    regressor: &Regressor,
) -> Result<Stored, CheckpointError> {
    let parameters = tensors.parameters(&network(name, &regressor.net))?;
    let numbers = tensors.get(standard, &[2])?;
    Ok((parameters, [numbers[0], numbers[1]]))
}
