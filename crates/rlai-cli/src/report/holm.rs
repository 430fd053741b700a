//! Several tests at once: one of many is small by chance.

/// p-values corrected for their number (Holm 1979).
pub fn holm(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let (mut corrected, mut least) = (vec![0.0; values.len()], 0.0f64);
    for (place, &i) in order.iter().enumerate() {
        least = least.max(values[i] * (values.len() - place) as f64).min(1.0);
        corrected[i] = least;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_corrects_the_smallest_most() {
        let corrected = holm(&[0.04, 0.01, 0.03]);
        for (got, expected) in corrected.iter().zip([0.06, 0.03, 0.06]) {
            assert!((got - expected).abs() < 1e-12);
        }
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
    }
}
