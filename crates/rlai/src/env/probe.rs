use super::classic::snapshot_of;
use super::{Action, BoxSpace, EnvError, Environment, Space, Step, StepError};
use crate::random::Stream;

/// What the reward of a [`Probe`] depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeKind {
    /// One step, rewarded by 1: is a value learned at all?
    Constant,
    /// One step, rewarded by the observation, -1 or 1: is it looked at?
    Observation,
    /// Two steps, observed as 0 and 1, of which the second is rewarded by 1: is there a bootstrap?
    Delay,
    /// One step, rewarded by the action's score: does the policy improve?
    Action,
    /// One step, rewarded by the observation, -1 or 1, times the action's score: both together?
    Both,
}

impl ProbeKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Constant, Self::Observation, Self::Delay, Self::Action, Self::Both];

    /// Its name in a task's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Observation => "observation",
            Self::Delay => "delay",
            Self::Action => "action",
            Self::Both => "both",
        }
    }
}

/// The actions of a [`Probe`], each with a score from -1 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeSpace {
    /// One coordinate `a` in `[-1, 1]`; the score is `a`.
    Box,
    /// Two choices; the score of 0 is -1, that of 1 is 1.
    Discrete,
    /// Two choices and three, `(c, d)`; the score is the mean of `2c - 1` and `d - 1`.
    Factored,
    /// Two choices and a coordinate in `[-1, 1]`, `(c, a)`; the score is the mean of `2c - 1` and `a`.
    Hybrid,
}

impl ProbeSpace {
    /// Every space.
    pub const ALL: [Self; 4] = [Self::Box, Self::Discrete, Self::Factored, Self::Hybrid];

    /// Its name in a task's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Box => "box",
            Self::Discrete => "discrete",
            Self::Factored => "factored",
            Self::Hybrid => "hybrid",
        }
    }

    /// The actions.
    pub fn space(self) -> Space {
        let coordinates = BoxSpace::uniform(1, -1.0, 1.0);
        match self {
            Self::Box => Space::Box(coordinates),
            Self::Discrete => Space::Discrete(2),
            Self::Factored => Space::Factored(vec![2, 3]),
            Self::Hybrid => Space::Hybrid { choices: 2, coordinates },
        }
    }

    /// The score of an action; none if it is no action of the space.
    fn score(self, action: Action<'_>) -> Option<f64> {
        let sign = |choice: usize| if choice == 1 { 1.0 } else { -1.0 };
        let inside = |a: f64| (-1.0..=1.0).contains(&a).then_some(a);
        Some(match (self, action) {
            (Self::Box, Action::F32(&[a])) => inside(f64::from(a))?,
            (Self::Box, Action::F64(&[a])) => inside(a)?,
            (Self::Discrete, Action::Discrete(choice @ 0..2)) => sign(choice),
            (Self::Factored, Action::Factored(&[c @ 0..2, d @ 0..3])) => {
                (sign(c) + d as f64 - 1.0) / 2.0
            }
            (Self::Hybrid, Action::Hybrid { choice: c @ 0..2, coordinates: &[a] }) => {
                (sign(c) + inside(f64::from(a))?) / 2.0
            }
            _ => return None,
        })
    }

    /// The entropy in nats of the uniform policy, which is the largest: log of the number of choices, and
    /// log 2 for a coordinate of the length 2.
    fn largest_entropy(self) -> f64 {
        match self {
            Self::Box | Self::Discrete => 2.0f64.ln(),
            Self::Factored => 6.0f64.ln(),
            Self::Hybrid => 4.0f64.ln(),
        }
    }
}

/// A task so small that its Q is known, `probe:KIND:SPACE`: what fails on it names what is broken.
///
/// [`ProbeKind`] says what is rewarded, [`ProbeSpace`] what the actions are; the names are theirs, such as
/// `probe:delay:discrete`. The observation is one number in `[-1, 1]`; where the kind says nothing of it,
/// it is 1, and the observation after the last step is 0. Every episode terminates, after two steps in
/// [`ProbeKind::Delay`] and after one otherwise.
///
/// After Andy Jones, "Debugging Reinforcement Learning Systems" (2021), whose probe environments isolate
/// value loss, backpropagation, discounting, and the policy's update in turn.
#[derive(Clone, Debug)]
pub struct Probe {
    id: String,
    kind: ProbeKind,
    actions: ProbeSpace,
    observation: f64,
    observation_space: BoxSpace,
    action_space: Space,
}

impl Probe {
    /// The probe of this kind and these actions.
    pub fn new(kind: ProbeKind, actions: ProbeSpace) -> Self {
        Self {
            id: format!("probe:{}:{}", kind.name(), actions.name()),
            kind,
            actions,
            observation: 1.0,
            observation_space: BoxSpace::uniform(1, -1.0, 1.0),
            action_space: actions.space(),
        }
    }

    /// The probe of this name; none if the name does not begin with `probe:`.
    ///
    /// # Errors
    /// [`EnvError::Probe`] when the kind or the space is none of the names.
    pub fn named(id: &str) -> Option<Result<Self, EnvError>> {
        let rest = id.strip_prefix("probe:")?;
        let (kind, space) = rest.split_once(':').unwrap_or((rest, ""));
        let kind = ProbeKind::ALL.into_iter().find(|one| one.name() == kind);
        let space = ProbeSpace::ALL.into_iter().find(|one| one.name() == space);
        Some(match (kind, space) {
            (Some(kind), Some(space)) => Ok(Self::new(kind, space)),
            _ => Err(EnvError::Probe { id: id.to_owned() }),
        })
    }

    /// The exact Q of an action where this is observed, with the best policy after it.
    ///
    /// # Errors
    /// When the action is none of the task's.
    pub fn q(&self, observation: f64, action: Action<'_>, gamma: f64) -> Result<f64, StepError> {
        self.soft_q(observation, action, gamma, 0.0)
    }

    /// The exact soft Q, `r + gamma V'` with `V' = max over pi of E[Q'] + alpha entropy(pi)`, densities
    /// taken over `[-1, 1]`.
    ///
    /// It differs from [`Probe::q`] in the first step of [`ProbeKind::Delay`] alone, where it is `gamma (1 +
    /// alpha log K)` over K choices: every action of the second step is as good, so the best policy is
    /// uniform. A coordinate in `[-1, 1]` counts like two choices.
    ///
    /// # Errors
    /// As [`Probe::q`].
    pub fn soft_q(
        &self,
        observation: f64,
        action: Action<'_>,
        gamma: f64,
        alpha: f64,
    ) -> Result<f64, StepError> {
        let is_first = self.kind == ProbeKind::Delay && observation == 0.0;
        let next = 1.0 + alpha * self.actions.largest_entropy();
        Ok(self.reward(observation, action)? + if is_first { gamma * next } else { 0.0 })
    }

    /// The best undiscounted return of an episode that begins with this observation.
    pub fn best_return(&self, first_observation: f64) -> f64 {
        match self.kind {
            ProbeKind::Observation => first_observation,
            _ => 1.0,
        }
    }

    fn reward(&self, observation: f64, action: Action<'_>) -> Result<f64, StepError> {
        let score = self.actions.score(action).ok_or_else(|| {
            let (id, space) = (&self.id, &self.action_space);
            StepError::State(format!("{id} takes an action of {space}, not {action:?}"))
        })?;
        Ok(match self.kind {
            ProbeKind::Constant => 1.0,
            ProbeKind::Observation | ProbeKind::Delay => observation,
            ProbeKind::Action => score,
            ProbeKind::Both => observation * score,
        })
    }
}

impl Environment for Probe {
    fn id(&self) -> &str {
        &self.id
    }

    fn observation_space(&self) -> &BoxSpace {
        &self.observation_space
    }

    fn action_space(&self) -> &Space {
        &self.action_space
    }

    fn reset(&mut self, random: &mut Stream, observation: &mut [f64]) -> Result<(), StepError> {
        self.observation = match self.kind {
            ProbeKind::Constant | ProbeKind::Action => 1.0,
            ProbeKind::Delay => 0.0,
            ProbeKind::Observation | ProbeKind::Both => [-1.0, 1.0][random.below(2)],
        };
        observation.fill(self.observation);
        Ok(())
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<Step, StepError> {
        let reward = self.reward(self.observation, action)?;
        let terminated = self.kind != ProbeKind::Delay || self.observation == 1.0;
        self.observation = if terminated { 0.0 } else { 1.0 };
        observation.fill(self.observation);
        Ok(Step { reward, terminated, truncated: false })
    }

    fn snapshot(&self) -> Option<Vec<f64>> {
        Some(vec![self.observation])
    }

    fn restore(
        &mut self,
        snapshot: &[f64],
        _random: &mut Stream,
        observation: &mut [f64],
    ) -> Result<(), StepError> {
        let [seen] = snapshot_of(&self.id, snapshot)?;
        if ![-1.0, 0.0, 1.0].contains(&seen) {
            return Err(StepError::State(format!("{} never shows {seen}", self.id)));
        }
        self.observation = seen;
        observation.fill(seen);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    const GAMMA: f64 = 0.9;

    fn probes() -> impl Iterator<Item = Probe> {
        let all = ProbeKind::ALL.into_iter();
        all.flat_map(|kind| ProbeSpace::ALL.map(|space| Probe::new(kind, space)))
    }

    /// Some actions of a space, those with the best and the worst score among them.
    fn actions(space: ProbeSpace) -> Vec<Action<'static>> {
        match space {
            ProbeSpace::Box => {
                vec![Action::F32(&[-1.0]), Action::F32(&[0.25]), Action::F64(&[1.0])]
            }
            ProbeSpace::Discrete => vec![Action::Discrete(0), Action::Discrete(1)],
            ProbeSpace::Factored => {
                [&[0, 0], &[0, 2], &[1, 1], &[1, 2]].map(|one| Action::Factored(one)).to_vec()
            }
            ProbeSpace::Hybrid => [(0, &[-1.0]), (0, &[0.5]), (1, &[1.0])]
                .map(|(choice, coordinates)| Action::Hybrid { choice, coordinates })
                .to_vec(),
        }
    }

    /// Plays an action, then the best one for as long as the episode lasts.
    fn discounted_return(probe: &mut Probe, action: Action<'_>) -> f64 {
        let mut seen = [0.0];
        let mut step = probe.step(action, &mut seen).unwrap();
        let (mut total, mut discount) = (step.reward, 1.0);
        while !step.terminated {
            discount *= GAMMA;
            let before = probe.snapshot().unwrap();
            let mut best = f64::NEG_INFINITY;
            for action in actions(probe.actions) {
                let mut random = Key::from_seed(0).stream("environment");
                probe.restore(&before, &mut random, &mut seen).unwrap();
                step = probe.step(action, &mut seen).unwrap();
                best = best.max(step.reward);
            }
            total += discount * best;
        }
        total
    }

    #[test]
    fn play_confirms_every_q() {
        let mut random = Key::from_seed(1).stream("environment");
        for mut probe in probes() {
            let mut firsts = Vec::new();
            for _ in 0..20 {
                for action in actions(probe.actions) {
                    let mut seen = [9.0];
                    probe.reset(&mut random, &mut seen).unwrap();
                    firsts.push(seen[0]);
                    let q = probe.q(seen[0], action, GAMMA).unwrap();
                    let played = discounted_return(&mut probe, action);
                    assert!((q - played).abs() < 1e-15, "{} {action:?}: {q}, {played}", probe.id());
                }
            }
            let sees_both = firsts.contains(&-1.0) && firsts.contains(&1.0);
            let both = [ProbeKind::Observation, ProbeKind::Both];
            assert_eq!(sees_both, both.contains(&probe.kind), "{}", probe.id());
        }
    }

    #[test]
    fn the_best_return_is_that_of_the_best_action() {
        for probe in probes() {
            let first = if probe.kind == ProbeKind::Delay { 0.0 } else { 1.0 };
            for seen in [first, -first] {
                let is_seen = matches!(probe.kind, ProbeKind::Observation | ProbeKind::Both);
                if seen < 0.0 && !is_seen {
                    continue;
                }
                let q = |action| probe.q(seen, action, 1.0).unwrap();
                let best = actions(probe.actions).into_iter().map(q).fold(-9.0, f64::max);
                assert_eq!(best, probe.best_return(seen), "{} {seen}", probe.id());
            }
        }
    }

    /// The value of the second step again, as alpha log of a sum over actions, for choices.
    #[test]
    fn the_soft_value_of_a_delay_is_a_log_sum() {
        let alpha = 0.3;
        for space in ProbeSpace::ALL {
            let probe = Probe::new(ProbeKind::Delay, space);
            let choices: usize = probe.action_space().factors().iter().product();
            let volume = if probe.action_space().coordinates().is_some() { 2.0 } else { 1.0 };
            let value = alpha * (choices as f64 * volume * (1.0f64 / alpha).exp()).ln();
            let action = actions(space)[0];
            let soft = probe.soft_q(0.0, action, GAMMA, alpha).unwrap();
            assert!((soft - GAMMA * value).abs() < 1e-14, "{soft} against {}", GAMMA * value);
            assert_eq!(probe.soft_q(1.0, action, GAMMA, alpha).unwrap(), 1.0);
            assert_eq!(probe.q(0.0, action, GAMMA).unwrap(), GAMMA);
        }
    }

    #[test]
    fn names_find_their_probe_and_others_are_refused() {
        for probe in probes() {
            let named = Probe::named(probe.id()).unwrap().unwrap();
            assert_eq!((named.kind, named.actions), (probe.kind, probe.actions));
        }
        assert!(Probe::named("Pendulum-v1").is_none());
        let error = Probe::named("probe:constant:sphere").unwrap().unwrap_err().to_string();
        assert!(error.contains("box, discrete, factored, hybrid"), "{error}");
        assert!(Probe::named("probe:constant").unwrap().is_err());
    }

    #[test]
    fn actions_of_another_space_are_refused() {
        for mut probe in probes() {
            let own = probe.actions;
            for other in ProbeSpace::ALL.into_iter().filter(|&other| other != own) {
                assert!(probe.step(actions(other)[0], &mut [0.0]).is_err());
            }
            let (pair, hybrid) = ([2, 0], Action::Hybrid { choice: 0, coordinates: &[2.0] });
            for action in
                [Action::F32(&[f32::NAN]), Action::Discrete(2), Action::Factored(&pair), hybrid]
            {
                assert!(probe.step(action, &mut [0.0]).is_err());
                assert!(probe.q(1.0, action, GAMMA).is_err());
            }
        }
    }
}
