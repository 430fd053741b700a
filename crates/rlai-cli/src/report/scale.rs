//! One scale for returns of different tasks.

use rlai_stats::{Result, Runs, Scores};

use super::study::Study;

/// What scores are counted in.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// Returns as they are: there is one task, without reference scores.
    Returns,
    /// The study's reference scores.
    References,
    /// The study's own baseline, for want of references.
    Baseline(String),
}

/// A scale for all tasks of a study.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    kind: Kind,
    /// What counts as 0 and as 1, by task; none where that has no meaning.
    ends: Vec<Option<(f64, f64)>>,
}

impl Scale {
    /// The study's references where every task has some; for one task without them returns as they are;
    /// otherwise the way of the baseline's runs from their first evaluation to their last, on average.
    pub fn of(study: &Study, baseline: usize) -> Self {
        let references: Vec<_> = study.tasks.iter().map(|task| task.reference).collect();
        if references.iter().all(Option::is_some) {
            return Self { kind: Kind::References, ends: references };
        }
        if study.tasks.len() == 1 {
            return Self { kind: Kind::Returns, ends: vec![Some((0.0, 1.0))] };
        }
        let way = |task| {
            let runs: Vec<_> =
                study.of(baseline, task).filter(|run| run.score().is_some()).collect();
            let mean = |values: Option<Vec<f64>>| {
                let values = values.filter(|values| !values.is_empty())?;
                Some(values.iter().sum::<f64>() / values.len() as f64)
            };
            let first = runs.iter().map(|run| Some(run.returns.first()?.1)).collect();
            let last = runs.iter().map(|run| run.score()).collect();
            let (low, high) = (mean(first)?, mean(last)?);
            (low.is_finite() && high.is_finite() && high > low).then_some((low, high))
        };
        let ends = (0..study.tasks.len()).map(way).collect();
        Self { kind: Kind::Baseline(study.methods[baseline].label.clone()), ends }
    }

    /// Whether a task has a scale.
    pub fn has(&self, task: usize) -> bool {
        self.ends[task].is_some()
    }

    /// A return on this scale; not a number where the task has none.
    pub fn apply(&self, task: usize, value: f64) -> f64 {
        self.ends[task].map_or(f64::NAN, |(low, high)| (value - low) / (high - low))
    }

    /// Scores of a method on these tasks.
    pub fn scores(&self, study: &Study, method: usize, tasks: &[usize]) -> Result<Scores> {
        let of = |&task: &usize| {
            study.scores(method, task).into_iter().map(|score| self.apply(task, score)).collect()
        };
        Scores::new(tasks.iter().map(of).collect())
    }

    /// Values of a method on these tasks, each moved to this scale.
    pub fn runs<T>(
        &self,
        tasks: &[usize],
        of: impl Fn(usize, &dyn Fn(f64) -> f64) -> Vec<T>,
    ) -> Result<Runs<T>> {
        Runs::of(tasks.iter().map(|&task| of(task, &|value| self.apply(task, value))).collect())
    }

    /// What an axis counts.
    pub fn unit(&self) -> &'static str {
        match self.kind {
            Kind::Returns => "return",
            Kind::References | Kind::Baseline(_) => "normalised return",
        }
    }

    /// Whether there is a score that counts as reached.
    pub fn is_normalised(&self) -> bool {
        self.kind != Kind::Returns
    }

    /// For beneath a figure: where the scale is made of the very runs that are shown.
    pub fn note(&self) -> String {
        match &self.kind {
            Kind::Returns | Kind::References => String::new(),
            Kind::Baseline(label) => format!(
                " 0 and 1 are the first and the last return of {label}, taken from the very runs shown here; \
                 intervals take them for fixed."
            ),
        }
    }

    /// What the scale is, in a sentence.
    pub fn explain(&self) -> String {
        match &self.kind {
            Kind::Returns => "Scores are returns.".to_owned(),
            Kind::References => {
                "Returns are normalised by the reference scores in the study's file: low is 0, high is 1."
                    .to_owned()
            }
            Kind::Baseline(label) => format!(
                "The study's file has no reference scores for every task, so returns are normalised by the \
                 baseline itself: the mean first evaluation of {label} is 0, its mean last one is 1. Such \
                 numbers cannot be compared with other studies."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::made;
    use super::*;

    #[test]
    fn references_count_if_every_task_has_them() {
        let mut study = made::study(&[("A", &[&[2.0, 4.0], &[8.0]]), ("B", &[&[6.0], &[4.0]])]);
        // The baseline rises from 0 to 3 and to 8.
        let own = Scale::of(&study, 0);
        assert_eq!((own.apply(0, 6.0), own.apply(1, 4.0)), (2.0, 0.5));
        assert!(own.explain().contains("the mean first evaluation of A is 0"));
        assert!(own.note().contains("of A, taken from the very runs shown here"));
        study.tasks[0].reference = Some((2.0, 4.0));
        assert_eq!(Scale::of(&study, 0), own);
        study.tasks[1].reference = Some((0.0, 16.0));
        let scale = Scale::of(&study, 0);
        assert_eq!(scale.note(), "");
        let scores = scale.scores(&study, 0, &[0, 1]).unwrap();
        assert_eq!((scores.task(0), scores.task(1)), (&[0.0, 1.0][..], &[0.5][..]));
    }

    #[test]
    fn one_task_needs_no_scale_and_one_that_never_rose_has_none() {
        let study = made::study(&[("A", &[&[2.0, 4.0]])]);
        assert_eq!(Scale::of(&study, 0).apply(0, 3.0), 3.0);
        let study = made::study(&[("A", &[&[2.0], &[-1.0]])]);
        let scale = Scale::of(&study, 0);
        assert!(scale.has(0) && !scale.has(1) && scale.apply(1, 1.0).is_nan());
    }
}
