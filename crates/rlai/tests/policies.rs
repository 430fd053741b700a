//! Every distribution with every objective over actions: each pair is built and trained, or refused with
//! the reason that `docs/policies.md` gives. `RLAI_OVERWRITE=1` writes the tables of that file anew.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rlai::distribution::{Distribution, Number, PolicyKind, Scored, SharedHead};
use rlai::env::{ActionShape, make_probe};
use rlai::random::Stream;
use rlai::train::{Objective, Observer, TrainConfig, TrainingMetrics};
use rlai::{Policy, Trainer};

/// A distribution of one coordinate of a user's own; its parameters are `[mean, log scale]`.
#[derive(Debug)]
struct Laplace;

impl Distribution for Laplace {
    fn name(&self) -> &str {
        "laplace"
    }

    fn parameters(&self) -> usize {
        2
    }

    fn coordinates(&self) -> usize {
        1
    }

    fn sample(&self, row: &[f64], random: &mut Stream, _: &mut [usize], action: &mut [f64]) {
        let sign = if random.unit() < 0.5 { -1.0 } else { 1.0 };
        action[0] = row[0] + sign * row[1].exp() * random.gamma(1.0);
    }

    fn log_density<S: Number>(&self, row: &[S], _: &[usize], action: &[S]) -> S {
        -(action[0] - row[0]).abs() / row[1].exp() - row[1] - 2.0f64.ln()
    }

    fn mode(&self, row: &[f64], _: &mut [usize], action: &mut [f64]) {
        action[0] = row[0];
    }
}

/// A coin of a user's own: one of two choices, by the logit of the second.
#[derive(Debug)]
struct Coin;

impl Distribution for Coin {
    fn name(&self) -> &str {
        "coin"
    }

    fn parameters(&self) -> usize {
        1
    }

    fn coordinates(&self) -> usize {
        0
    }

    fn factors(&self) -> &[usize] {
        &[2]
    }

    fn sample(&self, row: &[f64], random: &mut Stream, choices: &mut [usize], _: &mut [f64]) {
        choices[0] = usize::from(random.unit() < 1.0 / (1.0 + (-row[0]).exp()));
    }

    fn log_density<S: Number>(&self, row: &[S], choices: &[usize], _: &[S]) -> S {
        let logit = if choices[0] == 1 { row[0] } else { -row[0] };
        -((-logit).exp() + 1.0).ln()
    }

    fn mode(&self, row: &[f64], choices: &mut [usize], _: &mut [f64]) {
        choices[0] = usize::from(row[0] > 0.0);
    }
}

/// A column of the table.
struct Column {
    title: &'static str,
    task: &'static str,
    /// What the program is told; none for a user's own distribution.
    built_in: Option<(PolicyKind, bool)>,
}

const fn built_in(title: &'static str, task: &'static str, kind: PolicyKind) -> Column {
    Column { title, task, built_in: Some((kind, false)) }
}

const COLUMNS: [Column; 11] = [
    built_in("tanh-normal", "probe:both:box", PolicyKind::TanhNormal),
    built_in("normal", "probe:both:box", PolicyKind::Normal),
    built_in("beta", "probe:both:box", PolicyKind::Beta),
    built_in("mixture", "probe:both:box", PolicyKind::Mixture),
    Column {
        title: "mixture, joint",
        task: "probe:both:box",
        built_in: Some((PolicyKind::Mixture, true)),
    },
    built_in("histogram", "probe:both:box", PolicyKind::Histogram),
    built_in("categorical", "probe:both:discrete", PolicyKind::Categorical),
    built_in("categorical, several choices", "probe:both:factored", PolicyKind::Categorical),
    built_in("hybrid", "probe:both:hybrid", PolicyKind::Hybrid),
    Column { title: "own, coordinates", task: "probe:both:box", built_in: None },
    Column { title: "own, one choice", task: "probe:both:discrete", built_in: None },
];

impl Column {
    fn shape(&self) -> ActionShape {
        make_probe(self.task).unwrap().unwrap().action_space().into()
    }

    fn own(&self) -> SharedHead<f32> {
        if self.task == "probe:both:box" {
            Arc::new(Scored::new(Laplace))
        } else {
            Arc::new(Scored::new(Coin))
        }
    }

    fn head(&self) -> SharedHead<f32> {
        match self.built_in {
            None => self.own(),
            Some(_) => {
                self.config(Objective::ForwardKl).policy.head(&self.shape()).expect("it fits")
            }
        }
    }

    fn config(&self, objective: Objective) -> TrainConfig {
        let mut config = TrainConfig::for_actions(objective, &self.shape());
        if let Some((kind, joint)) = self.built_in {
            (config.policy.kind, config.policy.joint) = (kind, joint);
            if !objective.lists_actions() {
                config.samples = objective.default_samples_of(kind);
            }
        }
        (config.hidden, config.batch) = (vec![8], 8);
        (config.steps, config.learning_starts, config.log_every) = (STEPS, 8, STEPS);
        (config.evaluate_every, config.evaluation_episodes) = (STEPS, 1);
        config
    }

    fn trainer(&self, objective: Objective) -> Result<Trainer, String> {
        let (config, env) = (self.config(objective), || make_probe(self.task).unwrap().unwrap());
        let made = match self.built_in {
            Some(_) => Trainer::new(config, env(), env()),
            None => Trainer::with_distribution(config, self.own(), env(), env()),
        };
        made.map_err(|error| error.to_string())
    }
}

const STEPS: u64 = 48;

#[derive(Default)]
struct LastLine(TrainingMetrics);

impl Observer for LastLine {
    fn training(&mut self, metrics: &TrainingMetrics) -> std::io::Result<()> {
        self.0 = metrics.clone();
        Ok(())
    }
}

/// Trains for some dozens of updates: the policy moves, and nothing stops being a number.
fn check_training(mut trainer: Trainer, pair: &str) {
    // The network's weights are part of what a policy shows of itself.
    let weights = |policy: Policy| format!("{policy:?}");
    let (before, mut last) = (weights(trainer.policy()), LastLine::default());
    trainer.run(&mut last, &AtomicBool::new(false)).unwrap_or_else(|e| panic!("{pair}: {e}"));
    assert_eq!(trainer.updates(), STEPS - 8, "{pair}");
    assert_ne!(weights(trainer.policy()), before, "{pair}: the policy did not move");
    let norm = last.0.policy_gradient_norm.expect("updates were made");
    assert!(norm > 0.0 && norm.is_finite(), "{pair}: {norm}");
    trainer.agent().check_parameters().unwrap();
}

/// The message with placeholders for the two names; put back, they must give the message.
fn reason(message: &str, objective: Objective, distribution: &str) -> String {
    let (quoted, plain) = (format!("{:?}", objective.name()), format!(" {distribution} "));
    let with = format!(" with {},", objective.name());
    let template = message
        .replace(&quoted, "\"OBJECTIVE\"")
        .replace(&with, " with OBJECTIVE,")
        .replace(&plain, " POLICY ");
    let back = template.replace("OBJECTIVE", objective.name()).replace("POLICY", distribution);
    assert_eq!(back, message);
    template
}

/// Objective by distribution, with the reasons beneath.
fn works() -> String {
    let mut reasons: Vec<String> = Vec::new();
    let mut table = String::from("| objective |");
    COLUMNS.iter().for_each(|column| write!(table, " {} |", column.title).unwrap());
    table += &format!("\n|---|{}\n", ":-:|".repeat(COLUMNS.len()));
    for objective in Objective::ALL {
        write!(table, "| `{}` |", objective.name()).unwrap();
        for column in &COLUMNS {
            let pair = format!("{} with {}", column.title, objective.name());
            let cell = match column.trainer(objective) {
                Ok(trainer) => {
                    check_training(trainer, &pair);
                    "✓".to_owned()
                }
                Err(message) => {
                    let reason = reason(&message, objective, column.head().name());
                    let known = reasons.iter().position(|known| *known == reason);
                    let at = known.unwrap_or_else(|| {
                        reasons.push(reason);
                        reasons.len() - 1
                    });
                    format!("{}", at + 1)
                }
            };
            write!(table, " {cell} |").unwrap();
        }
        table.push('\n');
    }
    table.push('\n');
    for (i, reason) in reasons.iter().enumerate() {
        writeln!(table, "{}. `{reason}`", i + 1).unwrap();
    }
    table
}

/// What each distribution can do, as it says itself.
fn offers() -> String {
    let mut table = String::from(
        "| distribution | name in messages | closed entropy | path to the action | branches | trust \
         region | base noise | told start |\n|---|---|:-:|:-:|:-:|:-:|:-:|:-:|\n",
    );
    for column in &COLUMNS {
        let head = column.head();
        let able = head.abilities();
        let mark = |has: bool| if has { "✓" } else { "" };
        let entropy = head.entropy(&vec![0.0; head.parameters_per_state()]).is_some();
        let start = head.starting_at(0.0, 0.0).is_some();
        writeln!(
            table,
            "| {} | `{}` | {} | {} | {} | {} | {} | {} |",
            column.title,
            head.name(),
            mark(entropy),
            mark(able.reparameterised),
            mark(able.branches.is_some()),
            mark(able.trust_region),
            mark(able.base_noise && head.shape().coordinates > 0),
            mark(start),
        )
        .unwrap();
    }
    table
}

/// The text with what lies between the two marks of this name replaced.
fn replaced(text: &str, name: &str, by: &str) -> String {
    let (begin, end) = (format!("<!-- {name}: generated -->\n"), format!("<!-- {name}: end -->"));
    let (before, rest) = text.split_once(&begin).expect("the mark of the beginning");
    let (_, after) = rest.split_once(&end).expect("the mark of the end");
    format!("{before}{begin}\n{by}\n{end}{after}")
}

#[test]
fn the_documented_table_is_what_happens() {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policies.md"));
    let written = std::fs::read_to_string(&path).unwrap();
    let found = replaced(&replaced(&written, "offers", &offers()), "objectives", &works());
    if std::env::var_os("RLAI_OVERWRITE").is_some() {
        return std::fs::write(&path, found).unwrap();
    }
    for (line, (found, written)) in found.lines().zip(written.lines()).enumerate() {
        assert_eq!(found, written, "line {} of {}", line + 1, path.display());
    }
    assert_eq!(found, written, "RLAI_OVERWRITE=1 writes {} anew", path.display());
}
