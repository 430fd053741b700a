//! What an agent has learned, to disk and back.

use std::path::Path;

use super::duals::LOG_ALPHA;
use super::normaliser::Normaliser;
use super::{Agent, Policy};
use crate::checkpoint::{
    self, CheckpointError, Manifest, Network, TensorView, Tensors, parameters_blake3,
};
use crate::distribution::{PolicyKind, SharedHead};
use crate::env::{ActionShape, BoxSpace};
use crate::nn::Mlp;

const POLICY: &str = "policy";
const CRITICS: [&str; 2] = ["critic_0", "critic_1"];
/// The running normalisation of observations: how many, their means, their variances.
const NORMALISER: [&str; 3] = ["observation_count", "observation_mean", "observation_variance"];
const TARGETS: [&str; 2] = ["target_critic_0", "target_critic_1"];

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
        let normaliser = self.normaliser.as_ref().map(Normaliser::parts);
        let mut tensors = self.tensors(&manifest.networks, &duals)?;
        tensors.extend(normaliser_views(normaliser.as_ref()));
        checkpoint::write(dir, &manifest, &tensors)
    }

    /// Takes over networks, targets and duals (not the temperature if this agent's is fixed) from `dir`, a
    /// run's folder or its checkpoint. Optimisers and random streams start anew.
    ///
    /// # Errors
    /// When they cannot be read, or are of other shapes than this agent's.
    pub fn load(&mut self, dir: &Path) -> Result<(), CheckpointError> {
        let (manifest, tensors) = checkpoint::read(&checkpoint::folder_of(dir))?;
        if let Some(reason) = self.difference(&manifest) {
            return Err(CheckpointError::Inconsistent(reason));
        }
        if manifest.normalises_observations != self.normaliser.is_some() {
            let reason = "observations are normalised there and not here, or here and not there";
            return Err(CheckpointError::Inconsistent(reason.to_owned()));
        }
        let normaliser = read_normaliser(&manifest, &tensors)?;
        let policy = tensors.parameters(&network(POLICY, &self.actor.net))?;
        let of_pair = |names: [&str; 2], tensors: &Tensors| {
            let [one, two] = names.map(|name| network(name, self.critic.net()));
            Ok::<_, CheckpointError>([tensors.parameters(&one)?, tensors.parameters(&two)?])
        };
        let critics = of_pair(CRITICS, &tensors)?;
        let targets = of_pair(TARGETS, &tensors)?;
        tensors.get(LOG_ALPHA, &[])?;
        if let Some((old_policy, _)) = &mut self.old_policy {
            old_policy.copy_from_slice(&policy);
        }
        self.default_policy.restart(&policy);
        self.normaliser = normaliser;
        self.actor.set_parameters(&policy);
        for (index, (critic, target)) in critics.into_iter().zip(targets).enumerate() {
            self.critic.set_parameters(index, &critic, &target);
        }
        let stored =
            |name: &str| tensors.get(name, &[]).ok().and_then(|values| values.first().copied());
        self.duals.restore(&self.config, stored);
        Ok(())
    }

    /// Hash of all that [`Agent::save`] saves: equal runs have equal ones.
    pub fn parameters_blake3(&self) -> String {
        let duals = self.duals.logarithms(self.config.objective);
        let normaliser = self.normaliser.as_ref().map(Normaliser::parts);
        let views = self.tensors(&self.networks(), &duals);
        let mut views = views.expect("the shapes were read off the networks themselves");
        views.extend(normaliser_views(normaliser.as_ref()));
        parameters_blake3(&views)
    }

    /// The policy as it stands, for the task of this name and action box: to the bit the one that
    /// [`Policy::load`] gives after [`Agent::save`].
    pub fn policy(&self, env: &str, action: &BoxSpace) -> Policy {
        Policy::new(
            self.manifest(env, action, 0),
            self.actor.net.clone(),
            self.actor.head.clone(),
            self.actor.parameters().to_vec(),
            self.normaliser.as_ref().map(Normaliser::as_stored),
        )
    }

    /// Why the networks of a checkpoint are none of this agent's.
    fn difference(&self, manifest: &Manifest) -> Option<String> {
        let (theirs, ours, shape) = (&manifest.policy, &self.config.policy, self.action_shape());
        let differ = |what: &str, theirs: &dyn std::fmt::Debug, ours: &dyn std::fmt::Debug| {
            let (theirs, ours) = (format!("{theirs:?}"), format!("{ours:?}"));
            (theirs != ours).then(|| format!("its {what} is {theirs}, here it is {ours}"))
        };
        let own = self.own_name();
        let built_in = own.is_none();
        differ("distribution", &manifest.own_distribution, &own)
            .or_else(|| {
                differ("policy", &theirs.kind.name(), &ours.kind.name()).filter(|_| built_in)
            })
            .or_else(|| {
                let mixed = built_in && ours.kind == PolicyKind::Mixture;
                differ("number of branches", &theirs.branches, &ours.branches).filter(|_| mixed)
            })
            .or_else(|| {
                let binned = built_in && ours.kind == PolicyKind::Histogram;
                differ("number of bins", &theirs.bins, &ours.bins).filter(|_| binned)
            })
            .or_else(|| differ("number of choices", &manifest.factors, &shape.factors))
            .or_else(|| {
                let (theirs, ours) = (manifest.action_dimension, shape.coordinates);
                differ("action's dimension", &theirs, &ours)
            })
            .or_else(|| {
                let (theirs, ours) = (manifest.observation_dimension, self.actor.net.inputs());
                differ("observation's dimension", &theirs, &ours)
            })
    }

    /// The name of the distribution, if it is somebody's own.
    fn own_name(&self) -> Option<String> {
        self.own_distribution.then(|| self.actor.head.name().to_owned())
    }

    fn networks(&self) -> Vec<Network> {
        let critics = CRITICS.iter().chain(&TARGETS).map(|name| network(name, self.critic.net()));
        std::iter::once(network(POLICY, &self.actor.net)).chain(critics).collect()
    }

    fn manifest(&self, env: &str, action: &BoxSpace, step: u64) -> Manifest {
        let shape = self.actor.head.shape();
        Manifest {
            env: env.to_owned(),
            step,
            observation_dimension: self.actor.net.inputs(),
            action_dimension: shape.coordinates,
            action_low: action.low.clone(),
            action_high: action.high.clone(),
            factors: shape.factors.clone(),
            policy: self.config.policy,
            own_distribution: self.own_name(),
            normalises_observations: self.normaliser.is_some(),
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

type NormaliserParts = (f32, Vec<f32>, Vec<f32>);

fn normaliser_views(parts: Option<&NormaliserParts>) -> Vec<TensorView<'_>> {
    let Some((count, mean, variance)) = parts else { return Vec::new() };
    let view =
        |name: &str, shape: Vec<usize>, data| TensorView { name: name.to_owned(), shape, data };
    let width = vec![mean.len()];
    vec![
        view(NORMALISER[0], vec![], std::slice::from_ref(count)),
        view(NORMALISER[1], width.clone(), mean),
        view(NORMALISER[2], width, variance),
    ]
}

fn read_normaliser(
    manifest: &Manifest,
    tensors: &Tensors,
) -> Result<Option<Normaliser>, CheckpointError> {
    if !manifest.normalises_observations {
        return Ok(None);
    }
    let width = [manifest.observation_dimension];
    let count = tensors.get(NORMALISER[0], &[])?[0];
    let (mean, variance) =
        (tensors.get(NORMALISER[1], &width)?, tensors.get(NORMALISER[2], &width)?);
    if count < 0.0 || variance.iter().any(|&variance| variance < 0.0) {
        let reason = "a count or a variance of observations is negative";
        return Err(CheckpointError::Inconsistent(reason.to_owned()));
    }
    Ok(Some(Normaliser::from_parts(count, mean, variance)))
}

impl Policy {
    /// The policy of `dir`, a run's folder or its checkpoint.
    ///
    /// # Errors
    /// When there is none, it is damaged, or it is a distribution of somebody's own
    /// ([`Policy::load_with`]).
    pub fn load(dir: impl AsRef<Path>) -> Result<Self, CheckpointError> {
        let folder = checkpoint::folder_of(dir.as_ref());
        let (manifest, tensors) = checkpoint::read(&folder)?;
        if let Some(name) = &manifest.own_distribution {
            return Err(CheckpointError::Inconsistent(format!(
                "{}: its policy is of the distribution {name}, which is none of the built-in ones: \
                 load it with Policy::load_with",
                folder.display()
            )));
        }
        let shape = ActionShape {
            factors: manifest.factors.clone(),
            coordinates: manifest.action_dimension,
        };
        let head = manifest.policy.head(&shape).map_err(|reason| {
            let (folder, kind) = (folder.display(), manifest.policy.kind.name());
            CheckpointError::Inconsistent(format!("{folder}: policy {kind}: {reason}"))
        })?;
        Self::from_checkpoint(&folder, manifest, &tensors, head)
    }

    /// As [`Policy::load`], of any distribution: `head` is the one that it was trained with.
    ///
    /// # Errors
    /// When there is none, it is damaged, or it was trained with another distribution.
    pub fn load_with(
        dir: impl AsRef<Path>,
        head: SharedHead<f32>,
    ) -> Result<Self, CheckpointError> {
        let folder = checkpoint::folder_of(dir.as_ref());
        let (manifest, tensors) = checkpoint::read(&folder)?;
        let shape = ActionShape {
            factors: manifest.factors.clone(),
            coordinates: manifest.action_dimension,
        };
        let built_in = manifest.policy.head::<f32>(&shape).map(|head| head.name().to_owned());
        let stored = manifest.own_distribution.clone().or(built_in.ok());
        if stored.as_deref() != Some(head.name()) {
            let (folder, name) = (folder.display(), stored.unwrap_or_default());
            return Err(CheckpointError::Inconsistent(format!(
                "{folder}: its policy is of the distribution {name}, not {}",
                head.name()
            )));
        }
        Self::from_checkpoint(&folder, manifest, &tensors, head)
    }

    fn from_checkpoint(
        folder: &Path,
        manifest: Manifest,
        tensors: &Tensors,
        head: SharedHead<f32>,
    ) -> Result<Self, CheckpointError> {
        let shape = manifest.network(POLICY)?;
        let parameters = tensors.parameters(shape)?;
        let normaliser = read_normaliser(&manifest, tensors)?;
        let ends = (shape.widths.first().copied(), shape.widths.last().copied());
        let (inputs, outputs) = (manifest.observation_dimension, head.parameters_per_state());
        let actions = (&manifest.factors, manifest.action_dimension);
        let fits = actions == (&head.shape().factors, head.shape().coordinates);
        if !fits || ends != (Some(inputs), Some(outputs)) {
            let reason = format!(
                "{}: the policy's widths {:?} do not fit {inputs} observations and {outputs} parameters of actions",
                folder.display(),
                shape.widths
            );
            return Err(CheckpointError::Inconsistent(reason));
        }
        let net = Mlp::new(&shape.widths);
        Ok(Self::new(manifest, net, head, parameters, normaliser))
    }
}
