//! What an agent has learned, to disk and back.

use std::path::{Path, PathBuf};

use super::duals::LOG_ALPHA;
use super::{Agent, Policy};
use crate::checkpoint::{
    self, CheckpointError, Manifest, Network, TensorView, Tensors, parameters_blake3,
};
use crate::env::BoxSpace;
use crate::nn::Mlp;

const POLICY: &str = "policy";
const CRITICS: [&str; 2] = ["critic_0", "critic_1"];
const TARGETS: [&str; 2] = ["target_critic_0", "target_critic_1"];

/// The folder that holds the checkpoint of `dir`, a run's folder or a checkpoint's own.
pub(in crate::agent) fn checkpoint_folder(dir: &Path) -> PathBuf {
    let inner = dir.join("checkpoint");
    if inner.is_dir() { inner } else { dir.to_owned() }
}

pub(in crate::agent) fn network(name: &str, net: &Mlp) -> Network {
    let first = net.inputs();
    let widths = std::iter::once(first).chain(net.layers().iter().map(|layer| layer.outputs));
    Network { name: name.to_owned(), widths: widths.collect() }
}

impl Agent<f32> {
    /// Saves networks, targets and duals to `dir`; `action` is the task's own box.
    ///
    /// # Errors
    /// When they cannot be written, or hold a number that is not finite.
    pub fn save(
        &self,
        dir: &Path,
        env: &str,
        action: &BoxSpace,
        step: u64,
    ) -> Result<(), CheckpointError> {
        let duals = self.duals.logarithms(self.config.objective);
        let manifest = self.manifest(env, action, step);
        checkpoint::write(dir, &manifest, &self.tensors(&manifest.networks, &duals)?)
    }

    /// Takes over networks, targets and duals (not the temperature if this agent's is fixed) from `dir`, a
    /// run's folder or its checkpoint. Optimisers and random streams start anew.
    ///
    /// # Errors
    /// When they cannot be read, or are of other shapes than this agent's.
    pub fn load(&mut self, dir: &Path) -> Result<(), CheckpointError> {
        let (_, tensors) = checkpoint::read(&checkpoint_folder(dir))?;
        let policy = tensors.parameters(&network(POLICY, &self.actor.net))?;
        let of_pair = |names: [&str; 2], tensors: &Tensors| {
            let [one, two] = names.map(|name| network(name, self.critic.net()));
            Ok::<_, CheckpointError>([tensors.parameters(&one)?, tensors.parameters(&two)?])
        };
        let critics = of_pair(CRITICS, &tensors)?;
        let targets = of_pair(TARGETS, &tensors)?;
        tensors.get(LOG_ALPHA, &[])?;
        if let Some((old_policy, _)) = &mut self.old_policy {
            old_policy.clone_from(&policy);
        }
        self.actor.set_parameters(policy);
        for (index, (critic, target)) in critics.into_iter().zip(targets).enumerate() {
            self.critic.set_parameters(index, critic, target);
        }
        let stored =
            |name: &str| tensors.get(name, &[]).ok().and_then(|values| values.first().copied());
        self.duals.restore(&self.config, stored);
        Ok(())
    }

    /// Hash of all that [`Agent::save`] saves: equal runs have equal ones.
    pub fn parameters_blake3(&self) -> String {
        let duals = self.duals.logarithms(self.config.objective);
        let views = self.tensors(&self.networks(), &duals);
        parameters_blake3(&views.expect("the shapes were read off the networks themselves"))
    }

    /// The policy as it stands, for the task of this name and action box.
    pub fn policy(&self, env: &str, action: &BoxSpace) -> Policy {
        Policy::new(
            self.manifest(env, action, 0),
            self.actor.net.clone(),
            self.actor.parameters().to_vec(),
        )
    }

    fn networks(&self) -> Vec<Network> {
        let critics = CRITICS.iter().chain(&TARGETS).map(|name| network(name, self.critic.net()));
        std::iter::once(network(POLICY, &self.actor.net)).chain(critics).collect()
    }

    fn manifest(&self, env: &str, action: &BoxSpace, step: u64) -> Manifest {
        let (log_std_min, log_std_max) = self.actor.head.log_std_bounds();
        Manifest {
            env: env.to_owned(),
            step,
            observation_dimension: self.actor.net.inputs(),
            action_dimension: self.actor.head.action_dimension(),
            action_low: action.low.clone(),
            action_high: action.high.clone(),
            choices: None,
            log_std_min,
            log_std_max,
            networks: self.networks(),
        }
    }

    fn tensors<'a>(
        &'a self,
        networks: &[Network],
        duals: &'a [(&'static str, [f32; 1])],
    ) -> Result<Vec<TensorView<'a>>, CheckpointError> {
        let parameters = [
            self.actor.parameters(),
            self.critic.parameters(0),
            self.critic.parameters(1),
            self.critic.target_parameters(0),
            self.critic.target_parameters(1),
        ];
        let mut views = Vec::new();
        for (network, parameters) in networks.iter().zip(parameters) {
            views.extend(network.views(parameters)?);
        }
        for (name, logarithm) in duals {
            views.push(TensorView { name: (*name).to_owned(), shape: vec![], data: logarithm });
        }
        Ok(views)
    }
}

impl Policy {
    /// The policy of `dir`, a run's folder or its checkpoint.
    ///
    /// # Errors
    /// When there is none, or it is damaged.
    pub fn load(dir: impl AsRef<Path>) -> Result<Self, CheckpointError> {
        let folder = checkpoint_folder(dir.as_ref());
        let (manifest, tensors) = checkpoint::read(&folder)?;
        let shape = manifest.network(POLICY)?;
        let parameters = tensors.parameters(shape)?;
        let ends = (shape.widths.first().copied(), shape.widths.last().copied());
        let outputs = manifest.choices.unwrap_or(2 * manifest.action_dimension);
        let inputs = manifest.observation_dimension;
        if ends != (Some(inputs), Some(outputs)) {
            let reason = format!(
                "{}: the policy's widths {:?} do not fit {inputs} observations and {outputs} parameters of actions",
                folder.display(),
                shape.widths
            );
            return Err(CheckpointError::Inconsistent(reason));
        }
        let net = Mlp::new(&shape.widths);
        Ok(Self::new(manifest, net, parameters))
    }
}
