//! How a version of a service does its work: how often it fails, how long it takes, how much of its processor it needs.

use std::sync::Arc;

/// Upper bounds of the histograms' buckets, in seconds; above them there is only infinity.
pub const BOUNDS: [f64; 13] = [0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0];
/// Buckets with that of infinity.
pub const BUCKETS: usize = BOUNDS.len() + 1;

/// Durations are spread log-normally, this widely.
const SPREAD: f64 = 0.5;
/// The 95th percentile of the standard normal distribution.
const NORMAL_95: f64 = 1.644_853_626_951_472;

/// How a version does its work.
#[derive(Clone, Debug, PartialEq)]
pub struct Behaviour {
    /// Share of the requests that fail, 0 to 1.
    pub errors: f64,
    /// The durations of its requests.
    pub durations: Arc<Durations>,
    /// Share of its processor that it uses whatever it is asked, 0 to 1; none if it depends on that.
    pub saturation: Option<f64>,
}

/// A log-normal distribution of durations, with what histograms need of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Durations {
    /// The 95th percentile, in seconds.
    pub p95: f64,
    /// The mean, in seconds.
    pub mean: f64,
    /// The share of the requests that take no longer than each bound, the last one all of them.
    pub shares: [f64; BUCKETS],
}

impl Durations {
    /// Those with this 95th percentile, in seconds.
    pub fn new(p95: f64) -> Self {
        let middle = p95.max(1e-6).ln() - NORMAL_95 * SPREAD;
        let mut shares = [1.0; BUCKETS];
        for (share, bound) in shares.iter_mut().zip(BOUNDS) {
            *share = normal((bound.ln() - middle) / SPREAD);
        }
        Self { p95, mean: (middle + SPREAD * SPREAD / 2.0).exp(), shares }
    }
}

/// The cumulative standard normal distribution (Abramowitz and Stegun 26.2.17, error below 7.5e-8).
fn normal(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let series = t * (0.319_381_530 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt() * series;
    if x < 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these numbers come out exactly")]
mod tests {
    use super::*;

    #[test]
    fn shares_rise_to_all_and_the_percentile_is_where_it_was_put() {
        let durations = Durations::new(0.5);
        assert!(durations.shares.is_sorted() && durations.shares[13] == 1.0);
        let half_second = BOUNDS.iter().position(|bound| *bound == 0.5).unwrap();
        assert!((durations.shares[half_second] - 0.95).abs() < 1e-6, "{:?}", durations.shares);
        assert!((normal(0.0) - 0.5).abs() < 1e-7 && (normal(-1.96) - 0.025).abs() < 1e-4);
    }
}
