//! What a comparison says, as a sentence.

use rlai_stats::{Estimate, Scores};

/// Whether a run of x is better than one of y, or how it is that nobody knows.
pub fn answer(names: [&String; 2], x: &Scores, y: &Scores, better: Estimate, level: f64) -> String {
    let [first, second] = names;
    if least_p(x, y) > 1.0 - level {
        return format!(
            "Too few runs to tell {first} from {second}: even if every run of one were better than every run \
             of the other, chance would do that with probability {:.2}.",
            least_p(x, y)
        );
    }
    let Estimate { value, low, high } = better;
    if low > 0.5 {
        said(first, second, [value, low, high])
    } else if high < 0.5 {
        said(second, first, [1.0 - value, 1.0 - high, 1.0 - low])
    } else {
        format!(
            "No difference between {first} and {second} is shown: a run of {first} scores higher with \
             probability {value:.2} [{low:.2}, {high:.2}], where 0.5 is no difference."
        )
    }
}

fn said(better: &str, other: &str, [value, low, high]: [f64; 3]) -> String {
    format!(
        "{better} is better than {other}: a run of it scores higher with probability {value:.2} \
         [{low:.2}, {high:.2}]."
    )
}

/// How likely the clearest outcome is by chance, either way: runs of each task in one order of all that there
/// are, every run of one above every run of the other.
fn least_p(x: &Scores, y: &Scores) -> f64 {
    let orders = |(x, y): (&[f64], &[f64])| {
        let (few, all) = (x.len().min(y.len()), x.len() + y.len());
        (0..few).map(|i| ((all - i) as f64 / (few - i) as f64).ln()).sum::<f64>()
    };
    (2.0 * (-x.iter().zip(y.iter()).map(orders).sum::<f64>()).exp()).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(runs: &[f64]) -> Scores {
        Scores::of_task(runs).unwrap()
    }

    #[test]
    fn chance_alone_may_separate_few_runs() {
        let p = |x: usize, y: usize| least_p(&of(&vec![1.0; x]), &of(&vec![0.0; y]));
        for (x, y, orders) in [(1, 1, 2.0), (3, 3, 20.0), (4, 4, 70.0), (5, 3, 56.0), (3, 5, 56.0)]
        {
            assert!((p(x, y) - 2.0 / orders).abs() < 1e-12, "{x}, {y}");
        }
        let two = Scores::new(vec![vec![1.0; 3], vec![1.0; 2]]).unwrap();
        assert!((least_p(&two, &two) - 2.0 / (20.0 * 6.0)).abs() < 1e-12);
    }

    #[test]
    fn the_sentence_names_the_better_one() {
        let (x, y) = (of(&[1.0; 5]), of(&[0.0; 5]));
        let told = |value: f64, low: f64, high: f64| {
            let better = Estimate { value, low, high };
            answer([&"new".to_owned(), &"old".to_owned()], &x, &y, better, 0.95)
        };
        let new = told(0.9, 0.75, 1.0);
        assert_eq!(
            new,
            "new is better than old: a run of it scores higher with probability 0.90 [0.75, 1.00]."
        );
        let old = told(0.1, 0.0, 0.25);
        assert_eq!(
            old,
            "old is better than new: a run of it scores higher with probability 0.90 [0.75, 1.00]."
        );
        assert!(told(0.6, 0.4, 0.8).starts_with("No difference between new and old is shown"));
        let few = answer(
            [&"new".to_owned(), &"old".to_owned()],
            &of(&[1.0; 3]),
            &of(&[0.0; 3]),
            Estimate { value: 1.0, low: 1.0, high: 1.0 },
            0.95,
        );
        assert!(
            few.starts_with("Too few runs to tell new from old") && few.ends_with("0.10."),
            "{few}"
        );
    }
}
