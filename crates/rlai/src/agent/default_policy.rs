//! The default policy pi_0, relative to which a policy's cost in nats is counted.

use super::Policy;
use super::normaliser::Normaliser;
use crate::distribution::{Draws, Head, SharedHead};
use crate::nn::{Activations, Buffer, Mlp, Scalar, buffer};
use crate::train::{self, ConfigError};

/// Where log pi_0 comes from.
pub(super) enum DefaultPolicy<T> {
    /// log pi_0 = 0 everywhere.
    Uniform,
    /// A normal density of each coordinate of the action, whatever the state, and choices alike.
    Gaussian { mean: T, sd: T, log_choices: T },
    /// Another policy.
    Network(Box<Network<T>>),
}

/// A policy network that is not trained by the update, and how it follows the one that is.
pub(super) struct Network<T> {
    net: Mlp,
    head: SharedHead<T>,
    parameters: Buffer<T>,
    /// What its observations are normalised by: it may be another's.
    normaliser: Option<Normaliser>,
    follow: Follow,
}

/// How a default policy moves.
#[derive(Clone, Copy)]
enum Follow {
    /// Not at all.
    Never,
    /// This share of the way to the policy, after every update.
    Average(f64),
    /// It is the policy of some updates ago.
    Every { period: u64, age: u64 },
}

impl<T: Scalar> DefaultPolicy<T> {
    /// `own` is the policy that is trained; `loaded` the policy of a run, where that is asked for.
    pub(super) fn new(
        wanted: &train::DefaultPolicy,
        own: (&Mlp, &SharedHead<T>, &[T]),
        loaded: Option<Loaded<T>>,
    ) -> Self {
        let (net, head, parameters) = own;
        let following = |follow| {
            Self::Network(Box::new(Network {
                net: net.clone(),
                head: head.clone(),
                parameters: buffer(parameters),
                normaliser: None,
                follow,
            }))
        };
        match *wanted {
            train::DefaultPolicy::Uniform => Self::Uniform,
            train::DefaultPolicy::Gaussian { mean, sd } => {
                let choices = head.shape().factors.iter().map(|&count| (count as f64).ln());
                let log_choices = T::from_f64(-choices.sum::<f64>());
                Self::Gaussian { mean: T::from_f64(mean), sd: T::from_f64(sd), log_choices }
            }
            train::DefaultPolicy::Average { rate } => following(Follow::Average(rate)),
            train::DefaultPolicy::LastUpdate { period } => {
                following(Follow::Every { period, age: 0 })
            }
            train::DefaultPolicy::Run(_) => {
                let Loaded { net, head, parameters, normaliser } =
                    loaded.expect("the policy of a run is loaded before");
                let follow = Follow::Never;
                let parameters = buffer(&parameters);
                Self::Network(Box::new(Network { net, head, parameters, normaliser, follow }))
            }
        }
    }

    /// Moves after the policy, whose parameters are now `policy`.
    pub(super) fn follow(&mut self, policy: &[T]) {
        let Self::Network(network) = self else { return };
        match &mut network.follow {
            Follow::Never => {}
            Follow::Average(rate) => {
                crate::nn::move_towards(&mut network.parameters, policy, T::from_f64(*rate));
            }
            Follow::Every { period, age } => {
                *age += 1;
                if *age >= *period {
                    network.parameters.copy_from_slice(policy);
                    *age = 0;
                }
            }
        }
    }

    /// Parameters and updates since they were copied, of one that follows the policy.
    pub(super) fn following(&self) -> Option<(&[T], u64)> {
        let Self::Network(network) = self else { return None };
        match network.follow {
            Follow::Never => None,
            Follow::Average(_) => Some((&network.parameters, 0)),
            Follow::Every { age, .. } => Some((&network.parameters, age)),
        }
    }

    /// The same, to be overwritten; the age is none for one that has none.
    pub(super) fn following_mut(&mut self) -> Option<(&mut [T], Option<&mut u64>)> {
        let Self::Network(network) = self else { return None };
        match &mut network.follow {
            Follow::Never => None,
            Follow::Average(_) => Some((&mut network.parameters, None)),
            Follow::Every { age, .. } => Some((&mut network.parameters, Some(age))),
        }
    }

    /// Takes over the policy, where it is made of it.
    pub(super) fn restart(&mut self, policy: &[T]) {
        let Self::Network(network) = self else { return };
        if !matches!(network.follow, Follow::Never) {
            network.parameters.copy_from_slice(policy);
        }
    }

    /// Room to look at `samples` draws in each of `states` states.
    pub(super) fn room(&self, states: usize, samples: usize) -> Option<DefaultRoom<T>> {
        let network = match self {
            Self::Uniform => return None,
            Self::Gaussian { .. } => None,
            Self::Network(network) => Some(NetworkRoom {
                activations: network.net.activations(states),
                inputs: vec![T::zero(); states * network.net.inputs()],
                draws: Draws::with_choices(
                    states,
                    samples,
                    network.head.shape().coordinates,
                    network.head.choices_per_draw(),
                ),
            }),
        };
        Some(DefaultRoom { log_pi_0: vec![T::zero(); states * samples], network })
    }

    /// Writes log pi_0 of every draw into the room and takes its derivative in `u`, given as that of log
    /// pi in `dl_du`, off it (an empty slice stays empty). `states` are the observations as the policy
    /// sees them, `raw_states` as the task gave them.
    pub(super) fn evaluate(
        &self,
        room: &mut DefaultRoom<T>,
        (states, raw_states): (&[T], &[T]),
        draws: &Draws<T>,
        squashed: bool,
        dl_du: &mut [T],
    ) {
        match self {
            Self::Uniform => {}
            Self::Gaussian { mean, sd, log_choices } => {
                gaussian(*mean, *sd, draws, squashed, &mut room.log_pi_0, dl_du);
                room.log_pi_0.iter_mut().for_each(|log_pi_0| *log_pi_0 += *log_choices);
            }
            Self::Network(network) => {
                let NetworkRoom { activations, inputs, draws: copy } =
                    room.network.as_mut().expect("made for a network");
                if let Some(normaliser) = &network.normaliser {
                    inputs.copy_from_slice(raw_states);
                    normaliser.normalise(inputs);
                } else if matches!(network.follow, Follow::Never) {
                    inputs.copy_from_slice(raw_states);
                } else {
                    inputs.copy_from_slice(states);
                }
                network.net.forward(&network.parameters, inputs, activations);
                copy.u.copy_from_slice(&draws.u);
                if !network.head.shape().factors.is_empty() {
                    copy.choices.copy_from_slice(&draws.choices);
                }
                network.head.evaluate(activations.output(), copy);
                room.log_pi_0.copy_from_slice(&copy.log_pi);
                for (dl_du, &derivative) in dl_du.iter_mut().zip(&copy.dlog_pi_du) {
                    *dl_du -= derivative;
                }
            }
        }
    }
}

/// The policy of a finished run, as a default policy uses it.
pub(super) struct Loaded<T> {
    net: Mlp,
    head: SharedHead<T>,
    parameters: Vec<T>,
    normaliser: Option<Normaliser>,
}

impl<T: Scalar> Loaded<T> {
    /// The policy of the run that is wanted as default policy, if one is, for a task of these observations
    /// and a policy of this distribution.
    pub(super) fn find(
        wanted: &train::DefaultPolicy,
        observation_dimension: usize,
        own: &dyn Head<T>,
    ) -> Result<Option<Self>, ConfigError> {
        let train::DefaultPolicy::Run(folder) = wanted else { return Ok(None) };
        let refused = |reason: String| ConfigError::new("default_policy", folder.display(), reason);
        let policy = Policy::load(folder).map_err(|error| refused(error.to_string()))?;
        let head = policy.head_of_precision::<T>().map_err(refused)?;
        let seen = policy.observation_dimension();
        if seen != observation_dimension || head.shape() != own.shape() {
            return Err(refused(format!(
                "a policy of this task's observations and actions: it was trained on {}",
                policy.env()
            )));
        }
        let has_path = |head: &dyn Head<T>| head.abilities().reparameterised;
        if has_path(own) && !has_path(&*head) {
            let (theirs, ours) = (head.name(), own.name());
            return Err(refused(format!(
                "a policy whose density has a slope everywhere: {theirs} can be the default of its own kind, not of {ours}"
            )));
        }
        if head.is_squashed() != own.is_squashed() {
            let (theirs, ours) = (head.name(), own.name());
            let allowed = "a policy that is squashed like the one that is trained";
            return Err(refused(format!("{allowed}, and {theirs} is not like {ours}")));
        }
        let parameters = policy.parameters().iter().map(|&x| T::from_f64(f64::from(x))).collect();
        let normaliser = policy.normaliser().cloned();
        Ok(Some(Self { net: policy.net().clone(), head, parameters, normaliser }))
    }
}

/// log pi_0 of a set of draws, and what it takes to know it.
pub(super) struct DefaultRoom<T> {
    pub(super) log_pi_0: Vec<T>,
    network: Option<NetworkRoom<T>>,
}

struct NetworkRoom<T> {
    activations: Activations<T>,
    inputs: Vec<T>,
    draws: Draws<T>,
}

/// A normal density of every coordinate of the action. Its constants are kept: log pi_0 is a density.
fn gaussian<T: Scalar>(
    mean: T,
    sd: T,
    draws: &Draws<T>,
    squashed: bool,
    log_pi_0: &mut [T],
    dl_du: &mut [T],
) {
    let dimension = draws.action.len() / log_pi_0.len();
    let constant = sd.ln() + T::from_f64(0.5 * (2.0 * std::f64::consts::PI).ln());
    for (log_pi_0, action) in log_pi_0.iter_mut().zip(draws.action.chunks_exact(dimension)) {
        let of = |&a: &T| {
            let z = (a - mean) / sd;
            -T::from_f64(0.5) * z * z - constant
        };
        *log_pi_0 = action.iter().map(of).sum();
    }
    for (dl_du, &a) in dl_du.iter_mut().zip(&draws.action) {
        let slope = if squashed { (T::one() - a) * (T::one() + a) } else { T::one() };
        *dl_du += (a - mean) / (sd * sd) * slope;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::TanhNormal;
    use crate::random::Key;
    use std::sync::Arc;

    fn draws(head: &TanhNormal, row: &[f64]) -> Draws<f64> {
        let mut draws = Draws::new(1, 4, 2);
        Key::from_seed(1).stream("noise").fill_normal(&mut draws.noise);
        head.sample(row, &mut draws);
        draws
    }

    fn own(seed: u64) -> (Mlp, SharedHead<f64>, Vec<f64>) {
        let net = Mlp::new(&[3, 5, 4]);
        let parameters = net.initialise(&mut Key::from_seed(seed).stream("net"));
        (net, Arc::new(TanhNormal::new(2, -20.0, 2.0)), parameters)
    }

    #[test]
    fn a_gaussian_default_by_its_formula_and_its_derivative() {
        let head = TanhNormal::new(2, -20.0, 2.0);
        let row = [0.2, -0.1, -0.5, 0.1];
        let base = draws(&head, &row);
        let (mean, sd) = (0.3, 0.7);
        let log_pi_0 = |u: &[f64]| -> f64 {
            let density = |u: &f64| {
                let z = (u.tanh() - mean) / sd;
                -0.5 * z * z - f64::ln(sd) - 0.5 * (2.0 * std::f64::consts::PI).ln()
            };
            u.iter().map(density).sum()
        };
        let net = own(1);
        let wanted = train::DefaultPolicy::Gaussian { mean, sd };
        let policy = DefaultPolicy::new(&wanted, (&net.0, &net.1, &net.2), None);
        let mut room = policy.room(1, 4).unwrap();
        let mut dl_du = vec![0.0; 8];
        policy.evaluate(&mut room, (&[], &[]), &base, true, &mut dl_du);
        for k in 0..4 {
            let u = &base.u[2 * k..2 * k + 2];
            assert!((room.log_pi_0[k] - log_pi_0(u)).abs() < 1e-12);
            for j in 0..2 {
                let at = |h: f64| {
                    let mut moved = [u[0], u[1]];
                    moved[j] += h;
                    log_pi_0(&moved)
                };
                let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
                assert!((dl_du[2 * k + j] + slope).abs() < 1e-8);
            }
        }
    }

    #[test]
    fn a_following_policy_is_an_average_or_an_earlier_one() {
        let (net, head, parameters) = own(1);
        let moved: Vec<f64> = parameters.iter().map(|x| x + 1.0).collect();
        let check = |wanted, updates: usize, expected: f64| {
            let own = (&net, &head, &parameters[..]);
            let mut policy = DefaultPolicy::new(&wanted, own, None);
            for _ in 0..updates {
                policy.follow(&moved);
            }
            let DefaultPolicy::Network(network) = &policy else { panic!("a network") };
            for (now, before) in network.parameters.iter().zip(&parameters) {
                assert!((now - before - expected).abs() < 1e-12, "{wanted:?} {updates}");
            }
        };
        check(train::DefaultPolicy::Average { rate: 0.25 }, 1, 0.25);
        check(train::DefaultPolicy::Average { rate: 0.25 }, 2, 0.4375);
        check(train::DefaultPolicy::LastUpdate { period: 3 }, 2, 0.0);
        check(train::DefaultPolicy::LastUpdate { period: 3 }, 3, 1.0);
    }

    /// Log densities of the same actions under other parameters.
    #[test]
    fn a_network_evaluates_the_same_actions() {
        let (net, head, parameters) = own(4);
        let wanted = train::DefaultPolicy::LastUpdate { period: 1 };
        let policy = DefaultPolicy::new(&wanted, (&net, &head, &parameters), None);
        let plain = TanhNormal::new(2, -20.0, 2.0);
        let base = draws(&plain, &[0.2, -0.1, -0.5, 0.1]);
        let state = [0.3, -0.8, 1.0];
        let mut room = policy.room(1, 4).unwrap();
        let mut dl_du = base.dlog_pi_du.clone();
        policy.evaluate(&mut room, (&state, &[9.0; 3]), &base, true, &mut dl_du);
        let mut activations = net.activations(1);
        net.forward(&parameters, &state, &mut activations);
        let mut expected = base.clone();
        plain.evaluate(activations.output(), &mut expected);
        assert_eq!(room.log_pi_0, expected.log_pi);
        let slopes = base.dlog_pi_du.iter().zip(&expected.dlog_pi_du);
        assert!(dl_du.iter().zip(slopes).all(|(&dl, (own, other))| dl == own - other));
    }
}
