//! What a comparison says, as a sentence.

use rlai_stats::{Better, Scores, aggregate, permutation};

use super::analysis::{Interval, fewest, told};
use super::table;

/// Runs of each that a claim takes on every task: one alone says nothing about others of its kind.
const FEWEST: usize = 2;
/// What rounding may add to a share of labellings.
const SLACK: f64 = 1e-12;

/// Whether a run of x is better than one of y, by the permutation test, or how it is that nobody knows.
pub fn answer(
    names: [&String; 2],
    [x, y]: [&Scores; 2],
    better: Interval,
    test: Better,
    level: f64,
) -> Result<String, String> {
    let [first, second] = names;
    if let Some(why) = too_few([x, y], level)? {
        return Ok(format!("Too few runs to tell {first} from {second}: {why}."));
    }
    let most = 1.0 - level + SLACK;
    let means = aggregate::mean(x) - aggregate::mean(y);
    let Interval { value, low, high } = better;
    let turned = |end: Option<f64>| end.map(|end| 1.0 - end);
    Ok(match test.p() <= most {
        true if value > 0.5 => said([first, second], means, Interval { value, low, high }, test),
        true => {
            let (low, high) = (turned(high), turned(low));
            said([second, first], -means, Interval { value: 1.0 - value, low, high }, test)
        }
        false => format!(
            "No difference between {first} and {second} is shown: a run of {first} scores higher with \
             probability {}, where 0.5 is no difference ({}).",
            probability(better),
            tested(test)
        ),
    })
}

/// Why no outcome of so few runs would tell two algorithms apart; none where some would.
pub fn too_few([x, y]: [&Scores; 2], level: f64) -> Result<Option<String>, String> {
    if fewest(x).min(fewest(y)) < FEWEST {
        let needed = permutation::fewest_runs(x.tasks(), 1.0 - level);
        return Ok(Some(format!("that takes at least {needed} of each on every task")));
    }
    let least = permutation::least_p(x, y).map_err(told)?;
    Ok((least > 1.0 - level + SLACK).then(|| {
        format!(
            "even if every run of one were better than every run of the other, chance would do that with \
             probability {}",
            table::p(least)
        )
    }))
}

/// `means`: the mean score of the better one less that of the other, which may be the higher one all the same.
fn said([better, other]: [&str; 2], means: f64, of: Interval, test: Better) -> String {
    let though = if means < 0.0 { ", though its mean score is lower" } else { "" };
    format!(
        "{better} is better than {other}{though}: a run of it scores higher with probability {} ({}).",
        probability(of),
        tested(test)
    )
}

fn probability(of: Interval) -> String {
    let interval = of.low.zip(of.high).map(|(low, high)| format!(" [{low:.2}, {high:.2}]"));
    format!("{:.2}{}", of.value, interval.unwrap_or_default())
}

fn tested(test: Better) -> String {
    let exact = if test.permutation.exact { "exact " } else { "" };
    let welch =
        test.welch.map(|p| format!("; Welch's for unequal numbers of runs, p = {}", table::p(p)));
    format!(
        "{exact}permutation test, p = {}{}",
        table::p(test.permutation.p),
        welch.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(x: &[&[f64]], y: &[&[f64]], level: f64) -> String {
        let of = |tasks: &[&[f64]]| {
            Scores::new(tasks.iter().map(|task| task.to_vec()).collect()).unwrap()
        };
        let (x, y) = (of(x), of(y));
        let test = Better::test(&x, &y, 0).unwrap();
        let better = Interval { value: test.permutation.value, low: Some(0.51), high: Some(0.75) };
        answer([&"new".to_owned(), &"old".to_owned()], [&x, &y], better, test, level).unwrap()
    }

    const HIGH: [f64; 5] = [10.0, 11.0, 12.0, 13.0, 14.0];
    const LOW: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 5.0];

    #[test]
    fn the_sentence_names_the_better_one() {
        assert_eq!(
            told(&[&HIGH], &[&LOW], 0.95),
            "new is better than old: a run of it scores higher with probability 1.00 [0.51, 0.75] (exact \
             permutation test, p = 0.0079)."
        );
        assert_eq!(
            told(&[&LOW], &[&HIGH], 0.95),
            "old is better than new: a run of it scores higher with probability 1.00 [0.25, 0.49] (exact \
             permutation test, p = 0.0079)."
        );
    }

    /// Four of 25 pairs are lost, which 24 of 252 labellings do: whatever the interval says.
    #[test]
    fn the_test_decides_and_not_the_interval() {
        let (x, y) = ([10.0, 9.0, 8.0, 7.0, 3.5], [1.0, 2.0, 3.0, 4.0, 5.0]);
        let known = told(&[&x], &[&y], 0.95);
        assert!(
            known.starts_with("new is better than old"),
            "2 of 25 lost, as in 8 of 252: {known}"
        );
        let x = [10.0, 9.0, 8.0, 7.0, 1.5];
        let y = [1.0, 2.0, 3.0, 4.0, 5.0];
        let unknown = told(&[&x], &[&y], 0.95);
        assert!(unknown.starts_with("No difference between new and old is shown"), "{unknown}");
        assert!(unknown.ends_with("(exact permutation test, p = 0.0952)."), "{unknown}");
        assert!(told(&[&x], &[&y], 0.9).starts_with("new is better than old"));
    }

    #[test]
    fn a_better_one_may_have_the_lower_mean() {
        let lost = [-900.0, 10.0, 11.0, 12.0, 13.0, 14.0];
        let known = told(&[&lost], &[&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], 0.9);
        assert!(
            known.starts_with("new is better than old, though its mean score is lower: a run"),
            "{known}"
        );
        let known = told(&[&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], &[&lost], 0.9);
        assert!(known.starts_with("old is better than new, though its mean score"), "{known}");
    }

    #[test]
    fn too_few_runs_tell_nothing() {
        let few = told(&[&HIGH[..3]], &[&LOW[..3]], 0.95);
        assert!(few.starts_with("Too few runs to tell new from old") && few.ends_with("0.1000."));
        assert!(told(&[&HIGH[..3]], &[&LOW[..3]], 0.9).starts_with("new is better than old"));
        let one = told(&[&HIGH[..1]; 7], &[&LOW[..1]; 7], 0.95);
        assert!(one.ends_with("at least 2 of each on every task."), "{one}");
        let one = told(&[&HIGH[..1]], &[&LOW[..1]], 0.95);
        assert!(one.ends_with("at least 4 of each on every task."), "{one}");
        // Four wild runs below all of twelve: the permutation test alone would say that the twelve are better.
        let wild = [-60.0, 0.9, -0.5, -0.6];
        let calm: Vec<f64> = (0..12).map(|i| 1.0 + 0.1 * f64::from(i)).collect();
        let uneven = told(&[&calm], &[&wild], 0.95);
        assert!(uneven.starts_with("No difference between new and old is shown"), "{uneven}");
        let tests = "p = 0.0011; Welch's for unequal numbers of runs, p = 0.3";
        assert!(uneven.contains(tests), "{uneven}");
        assert!(told(&[&calm[..4]], &[&wild], 0.95).starts_with("new is better"));
        let two = told(&[&HIGH[..2]; 3], &[&LOW[..2]; 3], 0.95);
        assert!(two.starts_with("new is better") && two.contains("p = 0.0093"), "2 of 6^3: {two}");
        let uneven = told(&[&HIGH, &HIGH[..1]], &[&LOW, &LOW], 0.95);
        assert!(uneven.starts_with("Too few runs"), "{uneven}");
    }
}
