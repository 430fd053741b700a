//! Default policies, measured: what training says of KL(pi || pi_0) is held against the two saved
//! networks, read and evaluated here.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use rlai::Trainer;
use rlai::distribution::{Draws, SharedHead};
use rlai::env::{ActionShape, Environment, make_probe};
use rlai::estimator::{ActionEstimator, Duals, ForwardKl, Mpo, Origin, Particles, Signal};
use rlai::nn::Mlp;
use rlai::random::Key;
use rlai::train::{
    DefaultPolicy, Objective, Observer, Schedule, Temperature, TemperatureTarget, TrainConfig,
    TrainingMetrics,
};

/// The reward is the observation, -1 or 1, times the action's score from -1 to 1; an episode is a step.
const BOX: &str = "probe:both:box";
const CHOICES: &str = "probe:both:discrete";
const STATES: [f64; 2] = [-1.0, 1.0];

fn make(task: &str) -> Box<dyn Environment> {
    make_probe(task).unwrap().unwrap()
}

fn config(task: &str, objective: Objective) -> TrainConfig {
    let mut config = TrainConfig::for_actions(objective, &make(task).action_space().into());
    if !objective.lists_actions() {
        config.samples = 8;
    }
    (config.hidden, config.batch) = (vec![16], 32);
    (config.steps, config.learning_starts, config.log_every) = (2_500, 200, 250);
    (config.critic_learning_rate, config.policy_learning_rate) = (3e-3, 3e-3);
    config.temperature_learning_rate = 1e-2;
    config.learning_rate_schedule = Schedule::Linear;
    (config.evaluate_every, config.evaluation_episodes) = (2_500, 1);
    config
}

#[derive(Default)]
struct Lines(Vec<TrainingMetrics>);

impl Observer for Lines {
    fn training(&mut self, metrics: &TrainingMetrics) -> std::io::Result<()> {
        self.0.push(metrics.clone());
        Ok(())
    }
}

impl Lines {
    /// KL(pi || pi_0) as training saw it in its last tenth.
    fn told(&self) -> f64 {
        self.0.last().and_then(|line| line.default_policy_kl).expect("a default policy")
    }
}

fn train(task: &str, config: TrainConfig, dir: &Path) -> Lines {
    let mut trainer = Trainer::new(config, make(task), make(task)).unwrap();
    let mut lines = Lines::default();
    trainer.run(&mut lines, &AtomicBool::new(false)).unwrap();
    trainer.save(dir).unwrap();
    lines
}

/// A saved policy, put together from the checkpoint's parts.
struct Saved {
    net: Mlp,
    parameters: Vec<f64>,
    head: SharedHead<f64>,
    /// Mean and variance of the observation, by which the policy sees it.
    seen: (f64, f64),
}

impl Saved {
    fn read(dir: &Path) -> Self {
        let (manifest, tensors) = rlai::checkpoint::read(dir).unwrap();
        let network = manifest.network("policy").unwrap();
        let parameters = tensors.parameters(network).unwrap();
        let shape = ActionShape {
            factors: manifest.factors.clone(),
            coordinates: manifest.action_dimension,
        };
        let number = |name: &str| f64::from(tensors.get(name, &[1]).unwrap()[0]);
        let seen = if manifest.normalises_observations {
            (number("observation_mean"), number("observation_variance"))
        } else {
            (0.0, 1.0)
        };
        Self {
            seen,
            net: Mlp::new(&network.widths),
            parameters: parameters.into_iter().map(f64::from).collect(),
            head: manifest.policy.head(&shape).unwrap(),
        }
    }

    fn row(&self, state: f64) -> Vec<f64> {
        let mut room = self.net.activations(1);
        let (mean, variance) = self.seen;
        let seen = [(state - mean) / variance.sqrt()];
        self.net.forward(&self.parameters, &seen, &mut room);
        room.output().to_vec()
    }

    /// KL(self || other), mean over both states: over choices exactly, else from draws, with its standard
    /// error.
    fn kl_to(&self, other: &Self) -> (f64, f64) {
        let mut random = Key::from_seed(4).stream("draws");
        let (mut mean, mut variance) = (0.0, 0.0);
        for state in STATES {
            let (own, theirs) = (self.row(state), other.row(state));
            let choices = self.head.shape().only_choices();
            let (dimension, factors) =
                (self.head.shape().coordinates, self.head.choices_per_draw());
            let samples = choices.unwrap_or(4_000);
            let mut draws = Draws::with_choices(1, samples, dimension, factors);
            match choices {
                Some(_) => draws.choices.iter_mut().enumerate().for_each(|(i, choice)| *choice = i),
                None => self.head.draw(&own, &mut random, &mut draws),
            }
            self.head.evaluate(&own, &mut draws);
            let log_pi = draws.log_pi.clone();
            other.head.evaluate(&theirs, &mut draws);
            let weight = |l: f64| if choices.is_some() { l.exp() } else { 1.0 / samples as f64 };
            let terms = || log_pi.iter().zip(&draws.log_pi).map(|(&l, l_0)| (weight(l), l - l_0));
            let kl: f64 = terms().map(|(w, l)| w * l).sum();
            mean += 0.5 * kl;
            if choices.is_none() {
                let spread: f64 = terms().map(|(w, l)| w * (l - kl).powi(2)).sum();
                variance += 0.25 * spread / samples as f64;
            }
        }
        (mean, variance.sqrt())
    }
}

/// Trains a policy that is to be the default of others: a middling one, which sees observations otherwise
/// than they do.
fn default_policy(task: &str, objective: Objective, dir: &Path) -> (Saved, DefaultPolicy) {
    let mut config = config(task, objective);
    config.temperature = Temperature::Fixed(2.0);
    config.normalise_observations = true;
    train(task, config, dir);
    (Saved::read(dir), DefaultPolicy::Run(dir.to_owned()))
}

const PAIRS: [(&str, Objective); 4] = [
    (BOX, Objective::ReverseKl),
    (BOX, Objective::ForwardKl),
    (CHOICES, Objective::ReverseKlAllActions),
    (CHOICES, Objective::ForwardKlAllActions),
];

#[test]
fn a_policy_stays_the_nearer_to_a_loaded_one_the_more_a_nat_costs() {
    let folder = tempfile::tempdir().unwrap();
    for (task, objective) in PAIRS {
        let dir = folder.path().join(format!("{task}-{}", objective.name()));
        let (pi_0, default_policy) = default_policy(task, objective, &dir.join("default"));
        let mut last = f64::INFINITY;
        for alpha in [0.25, 0.5, 1.0, 4.0] {
            let mut config = config(task, objective);
            config.default_policy = default_policy.clone();
            config.temperature = Temperature::Fixed(alpha);
            let own = dir.join(alpha.to_string());
            let lines = train(task, config, &own);
            let (kl, error) = Saved::read(&own).kl_to(&pi_0);
            let told = lines.told();
            println!("{task} {} {alpha}: {kl} +- {error}, told {told}", objective.name());
            assert!(kl > 0.0 && kl + 5.0 * error < last, "{task} {alpha}: {kl} after {last}");
            assert!((told - kl).abs() < 0.1 * kl + 5.0 * error + 0.01, "{task}: {told}, {kl}");
            if task == CHOICES {
                let known = known_kl(&pi_0, alpha);
                assert!((kl - known).abs() < 0.05 * known + 0.002, "{alpha}: {kl}, {known}");
            }
            last = kl - 5.0 * error;
        }
    }
}

/// Over choices the best policy is known: `pi_0 exp(r/alpha)/Z`, r being the state for the second choice and
/// its negative for the first.
fn known_kl(pi_0: &Saved, alpha: f64) -> f64 {
    let of_state = |&state: &f64| {
        let row = pi_0.row(state);
        let total = row[0].exp() + row[1].exp();
        let prior = [row[0].exp() / total, row[1].exp() / total];
        let bonus = [-state / alpha, state / alpha];
        let z = prior[0] * bonus[0].exp() + prior[1] * bonus[1].exp();
        (0..2).map(|k| prior[k] * bonus[k].exp() / z * (bonus[k] - z.ln())).sum::<f64>()
    };
    STATES.iter().map(of_state).sum::<f64>() / 2.0
}

/// The measured divergence is the wanted one within a tenth.
#[test]
fn a_wanted_divergence_from_a_loaded_policy_is_met() {
    let folder = tempfile::tempdir().unwrap();
    for (task, objective) in PAIRS {
        let dir = folder.path().join(format!("{task}-{}", objective.name()));
        let (pi_0, default_policy) = default_policy(task, objective, &dir.join("default"));
        for kappa in [0.05, 0.2] {
            let mut config = config(task, objective);
            config.default_policy = default_policy.clone();
            let target = TemperatureTarget::Kl(kappa);
            config.temperature = Temperature::Tuned { initial: 1.0, target };
            let own = dir.join(kappa.to_string());
            train(task, config, &own);
            let (kl, error) = Saved::read(&own).kl_to(&pi_0);
            println!("{task} {} {kappa}: {kl} +- {error}", objective.name());
            assert!((kl / kappa - 1.0).abs() < 0.1 + 5.0 * error / kappa, "{task}: {kl}, {kappa}");
        }
    }
}

/// Where the default policy is uniform the divergence is from the normalised uniform distribution: log 2
/// less the entropy, on a box of length 2 and over two choices alike.
#[test]
fn a_wanted_divergence_from_the_uniform_policy_is_met() {
    let folder = tempfile::tempdir().unwrap();
    for (task, objective) in PAIRS {
        let kappa = 0.25;
        let mut config = config(task, objective);
        let target = TemperatureTarget::Kl(kappa);
        config.temperature = Temperature::Tuned { initial: 1.0, target };
        let lines = train(task, config, folder.path());
        let kl = 2.0f64.ln() - lines.0.last().unwrap().entropy.unwrap();
        assert!((kl - kappa).abs() < 0.03, "{task} {}: {kl}", objective.name());
    }
}

/// The last update's policy as default: at every update pi_0 is the policy itself, so the log ratio of the
/// update's own samples is zero (to rounding), and what is left of forward KL's weights is softmax(Q/alpha).
#[test]
fn the_last_updates_policy_makes_forward_kl_the_update_of_mpo() {
    let folder = tempfile::tempdir().unwrap();
    for task in [BOX, CHOICES] {
        let mut config = config(task, Objective::ForwardKl);
        (config.steps, config.log_every) = (400, 50);
        config.temperature = Temperature::Fixed(0.3);
        config.default_policy = DefaultPolicy::LastUpdate { period: 1 };
        let lines = train(task, config.clone(), folder.path());
        let told = |lines: &Lines| -> Vec<f64> {
            lines.0.iter().filter_map(|line| line.default_policy_kl).collect()
        };
        assert!(told(&lines).len() >= 4, "{task}");
        assert!(told(&lines).iter().all(|kl| kl.abs() < 1e-6), "{task}: {:?}", told(&lines));
        config.default_policy = DefaultPolicy::LastUpdate { period: 50 };
        let lines = train(task, config, folder.path());
        assert!(told(&lines).iter().all(|kl| kl.abs() > 1e-5), "{task}: {:?}", told(&lines));
    }
    let (log_pi, q) = ([-0.3, -2.0, 0.4, -1.1], [0.7f64, -0.2, 0.1, 1.3]);
    let alpha = 0.6;
    let particles = Particles {
        samples: 4,
        origins: &[Origin::Policy; 4],
        log_pi: &log_pi,
        log_pi_0: Some(&log_pi),
        log_base: &[-(4.0f64.ln()); 4],
        q: &q,
        dq_du: None,
        dl_du: None,
        value: None,
    };
    let signal_of = |estimator: &dyn ActionEstimator<f64>, duals: Duals<f64>| {
        let mut signal = Signal::new(1, 4, 1);
        estimator.signal(&particles, &duals, &mut signal);
        signal.score
    };
    let forward = signal_of(&ForwardKl::default(), Duals::temperature(alpha));
    let mpo = signal_of(&Mpo, Duals { eta: alpha, ..Duals::temperature(9.0) });
    let total: f64 = q.iter().map(|q| (q / alpha).exp()).sum();
    for k in 0..4 {
        let weight = (q[k] / alpha).exp() / total;
        assert!((forward[k] + weight).abs() < 1e-14 && (mpo[k] + weight).abs() < 1e-14);
    }
}

/// The faster a moving average follows, the nearer the policy is to it; where it goes all the way it is
/// the last update's policy; and once the policy stands still every average has come there.
#[test]
fn a_moving_average_follows_the_policy() {
    let folder = tempfile::tempdir().unwrap();
    for task in [BOX, CHOICES] {
        let run = |default_policy| {
            let mut config = config(task, Objective::ForwardKl);
            config.temperature = Temperature::Fixed(0.3);
            config.default_policy = default_policy;
            train(task, config, folder.path())
        };
        let largest = |lines: &Lines| {
            lines.0.iter().filter_map(|line| line.default_policy_kl).fold(0.0, f64::max)
        };
        let [slow, middle, fast] = [0.003, 0.03, 0.3].map(|rate| {
            let lines = run(DefaultPolicy::Average { rate });
            (largest(&lines), lines.told())
        });
        println!("{task}: {slow:?} {middle:?} {fast:?}");
        assert!(slow.0 > 2.0 * middle.0 && middle.0 > 2.0 * fast.0, "{task}");
        assert!(fast.1 < 1e-3 && fast.1 < 0.2 * slow.0, "{task}: {fast:?}");
        let at_once = run(DefaultPolicy::Average { rate: 0.999 });
        assert!(largest(&at_once).abs() < 1e-4, "{task}: {}", largest(&at_once));
    }
}
