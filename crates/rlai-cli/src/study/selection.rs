//! Which runs of a study are meant: `--only` and `--seeds`.

use std::collections::BTreeSet;

use glob::Pattern;

use super::plan::{Plan, PlannedRun};
use crate::error::Failure;

/// Part of a study's runs.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Selection {
    /// Only variants whose name this pattern matches, * and ? as in file names; again for more
    #[arg(long, value_name = "PATTERN")]
    only: Vec<String>,
    /// Only these seeds: a list 0,2,5 or a range 0..3, which is 0, 1 and 2
    #[arg(long, value_name = "SEEDS", allow_hyphen_values = true)]
    seeds: Option<String>,
}

impl Selection {
    /// The indices of the runs that are meant, in the plan's order.
    ///
    /// # Errors
    /// A pattern or a list that means no run.
    pub fn of(&self, plan: &Plan) -> Result<Vec<usize>, Failure> {
        let patterns = self.patterns(plan)?;
        let seeds = self.seeds.as_deref().map(|text| chosen_seeds(text, plan)).transpose()?;
        let wanted = |run: &PlannedRun| {
            let name = &plan.variants[run.variant].name;
            (patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(name)))
                && seeds.as_ref().is_none_or(|seeds| seeds.contains(&run.seed))
        };
        Ok((0..plan.runs.len()).filter(|&index| wanted(&plan.runs[index])).collect())
    }

    fn patterns(&self, plan: &Plan) -> Result<Vec<Pattern>, Failure> {
        let mut patterns = Vec::with_capacity(self.only.len());
        for text in &self.only {
            let bad = |why: String| Failure::input(format!("only = {text:?}: {why}"));
            let pattern = Pattern::new(text).map_err(|error| bad(error.to_string()))?;
            if !plan.variants.iter().any(|variant| pattern.matches(&variant.name)) {
                let names: Vec<&str> =
                    plan.variants.iter().take(8).map(|variant| variant.name.as_str()).collect();
                let more = if plan.variants.len() > names.len() { ", ..." } else { "" };
                return Err(bad(format!("no variant has such a name: {}{more}", names.join(", "))));
            }
            patterns.push(pattern);
        }
        Ok(patterns)
    }
}

fn chosen_seeds(text: &str, plan: &Plan) -> Result<BTreeSet<u64>, Failure> {
    let seeds = parse_seeds(text).ok_or_else(|| {
        Failure::input(format!("seeds = {text:?}: a list such as 0,2,5 or a range such as 0..3"))
    })?;
    let known: BTreeSet<u64> = plan.runs.iter().map(|run| run.seed).collect();
    match seeds.iter().find(|seed| !known.contains(seed)) {
        Some(seed) => {
            Err(Failure::input(format!("seeds = {text:?}: {seed} is no seed of the study")))
        }
        None => Ok(seeds),
    }
}

fn parse_seeds(text: &str) -> Option<BTreeSet<u64>> {
    // No study has more seeds than this.
    const MOST: u64 = 10_000;
    let seeds: BTreeSet<u64> = match text.split_once("..") {
        Some((from, to)) => {
            let (from, to): (u64, u64) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
            (from..to.min(from.saturating_add(MOST))).collect()
        }
        None => text.split(',').map(|seed| seed.trim().parse().ok()).collect::<Option<_>>()?,
    };
    (!seeds.is_empty()).then_some(seeds)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::source::Source;

    fn plan() -> Plan {
        let text = "name = \"s\"\nseeds = [0, 1, 7]\n[base]\nenv = \"CartPole-v1\"\n\
                    [[variant]]\nname = \"reverse\"\n[[variant]]\nname = \"forward\"\n\
                    [grid]\nbuffer = [50, 100]\n";
        let source = Source::parse(Path::new("s.toml"), text.to_owned()).unwrap();
        Plan::parse(&source, None).unwrap()
    }

    fn chosen(only: &[&str], seeds: Option<&str>) -> Result<Vec<String>, String> {
        let plan = plan();
        let selection = Selection {
            only: only.iter().map(|&pattern| pattern.to_owned()).collect(),
            seeds: seeds.map(str::to_owned),
        };
        let indices = selection.of(&plan).map_err(|failure| failure.to_string())?;
        Ok(indices.into_iter().map(|index| plan.run_name(&plan.runs[index])).collect())
    }

    #[test]
    fn patterns_and_seeds_choose_runs() {
        assert_eq!(chosen(&[], None).unwrap().len(), 12);
        let runs = chosen(&["forward*"], Some("0..2")).unwrap();
        let expected = [
            "forward/buffer=50/seed0",
            "forward/buffer=100/seed0",
            "forward/buffer=50/seed1",
            "forward/buffer=100/seed1",
        ];
        assert_eq!(runs, expected);
        assert_eq!(chosen(&["*buffer=50"], Some("7")).unwrap().len(), 2);
        assert_eq!(chosen(&["forward*", "*=50"], Some("1,7")).unwrap().len(), 6);
    }

    #[test]
    fn what_chooses_nothing_is_refused() {
        let told = chosen(&["back*"], None).unwrap_err();
        assert!(told.contains("only = \"back*\"") && told.contains("reverse/buffer=50"), "{told}");
        assert!(chosen(&["[z"], None).is_err());
        for (seeds, message) in [
            ("3", "3 is no seed of the study"),
            ("0..3", "2 is no seed of the study"),
            ("all", "a list such as"),
            ("3..3", "a list such as"),
            ("0,-1", "a list such as"),
            ("0..99999999999", "2 is no seed"),
        ] {
            let told = chosen(&[], Some(seeds)).unwrap_err();
            assert!(told.contains(message), "{seeds}: {told}");
        }
    }
}
