//! Quantiles of classic histograms: counts of what is not above a bound, the bound in the label `le`.

use std::collections::HashMap;

use super::Sample;
use super::labels::Labels;
use super::number::read;

/// The label with a bucket's upper bound.
const BOUND: &str = "le";

#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    bound: f64,
    count: f64,
}

/// `histogram_quantile`: one value for each histogram among the samples, in the order in which they come; what has no bound
/// is left out.
pub fn quantiles(q: f64, samples: Vec<Sample>) -> Vec<Sample> {
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut histograms: Vec<(Labels, Vec<Bucket>)> = Vec::new();
    let names = [BOUND.to_owned()];
    for sample in samples {
        let Some(bound) = read(sample.labels.get(BOUND)) else { continue };
        let labels = sample.labels.without(&names);
        let place = *places.entry(labels.clone()).or_insert_with(|| {
            histograms.push((labels, Vec::new()));
            histograms.len() - 1
        });
        if let Some((_, buckets)) = histograms.get_mut(place) {
            buckets.push(Bucket { bound, count: sample.value });
        }
    }
    histograms.into_iter().map(|(labels, buckets)| Sample { labels, value: quantile(q, buckets) }).collect()
}

/// The value below which the share `q` of the observations lies, linear within a bucket; the lowest begins at 0 (`bucketQuantile` of
/// Prometheus 2).
fn quantile(q: f64, buckets: Vec<Bucket>) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if !(0.0..=1.0).contains(&q) {
        return if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let buckets = in_order(buckets);
    let [.., below, last] = buckets.as_slice() else { return f64::NAN };
    if last.bound != f64::INFINITY || last.count == 0.0 {
        return f64::NAN;
    }
    let mut rank = q * last.count;
    let place = buckets.iter().take(buckets.len() - 1).position(|bucket| bucket.count >= rank);
    let Some((place, bucket)) = place.and_then(|place| Some((place, buckets.get(place)?))) else { return below.bound };
    let Some(before) = place.checked_sub(1).and_then(|before| buckets.get(before)) else {
        return if bucket.bound <= 0.0 { bucket.bound } else { bucket.bound * (rank / bucket.count) };
    };
    rank -= before.count;
    before.bound + (bucket.bound - before.bound) * (rank / (bucket.count - before.count))
}

/// Buckets by bound, those of one bound added up, and none with less than the one below it: counters are not read at one
/// moment.
fn in_order(mut buckets: Vec<Bucket>) -> Vec<Bucket> {
    buckets.sort_by(|a, b| a.bound.total_cmp(&b.bound));
    let mut merged: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        match merged.last_mut() {
            #[expect(clippy::float_cmp, reason = "one bound is written in one way, or in two that are read as the same")]
            Some(last) if last.bound == bucket.bound => last.count += bucket.count,
            _ => merged.push(bucket),
        }
    }
    let mut most = merged.first().map_or(0.0, |bucket| bucket.count);
    for bucket in &mut merged {
        if bucket.count > most {
            most = bucket.count;
        } else if bucket.count < most {
            bucket.count = most;
        }
    }
    merged
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these numbers come out exactly")]
mod tests {
    use super::*;

    fn buckets(counts: &[(f64, f64)]) -> Vec<Bucket> {
        counts.iter().map(|(bound, count)| Bucket { bound: *bound, count: *count }).collect()
    }

    #[test]
    fn it_is_linear_within_a_bucket() {
        let all = [(0.1, 50.0), (0.2, 90.0), (f64::INFINITY, 100.0)];
        assert!((quantile(0.7, buckets(&all)) - 0.15).abs() < 1e-12);
        assert!((quantile(0.25, buckets(&all)) - 0.05).abs() < 1e-12);
        assert!((quantile(0.99, buckets(&all)) - 0.2).abs() < 1e-12, "above the last bound nothing is known");
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert!(quantile(0.5, buckets(&[(0.1, 0.0), (f64::INFINITY, 0.0)])).is_nan());
        assert!(quantile(0.5, buckets(&[(0.1, 1.0), (0.2, 2.0)])).is_nan(), "without an upper end");
        assert!(quantile(0.5, buckets(&[(f64::INFINITY, 2.0)])).is_nan());
        assert_eq!(quantile(1.5, Vec::new()), f64::INFINITY);
    }

    #[test]
    fn a_bucket_that_was_read_too_early_counts_as_the_one_below() {
        let all = [(0.1, 50.0), (0.2, 40.0), (f64::INFINITY, 100.0)];
        assert!((quantile(0.5, buckets(&all)) - 0.1).abs() < 1e-12);
    }
}
