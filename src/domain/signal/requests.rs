//! How many requests a value rests on, and whether they are enough to tell anything. A rate of one error in three requests is no rate.

use jiff::{SignedDuration, Timestamp};

use super::{Comparator, Expression, Signal, SignalKind, Template, Unit};
use crate::domain::series::Series;

/// Requests below which a percentile tells nothing: the slowest twentieth of fewer is not one whole request.
const QUANTILE: f64 = 20.0;
/// Standard deviations on either side that hold 95 % of a normal distribution.
pub(super) const Z: f64 = 1.96;

/// Requests of one track over time.
pub(super) struct Traffic<'a> {
    series: &'a Series,
    /// Seconds over which they are counted.
    window: u32,
    /// Whether each value is already the mean over the window.
    averaged: bool,
}

impl<'a> Traffic<'a> {
    pub fn of(signal: &'a Signal, series: &'a Series) -> Self {
        let total = match (&signal.traffic, &signal.expression) {
            (Some(traffic), _) => Some(traffic),
            (None, Expression::Ratio { total, .. }) => Some(total),
            (None, Expression::Value(query)) if signal.kind == SignalKind::Traffic => Some(query),
            (None, Expression::Value(_)) => None,
        };
        Self { series, window: signal.window, averaged: total.is_none_or(|query: &Template| query.uses("window")) }
    }

    /// Requests within the window that ends at a moment: the mean rate over it times its length, or else the sum of the rates in it. None if
    /// nobody knows.
    pub fn within(&self, end: Timestamp) -> Option<f64> {
        let rate = f64::from(self.series.value_at(end)?);
        let requests = if self.averaged { rate * f64::from(self.window) } else { self.sum(end) };
        requests.is_finite().then_some(requests.max(0.0))
    }

    fn rate(&self, end: Timestamp) -> Option<f64> {
        self.series.value_at(end).map(f64::from).filter(|rate| rate.is_finite())
    }

    fn sum(&self, end: Timestamp) -> f64 {
        let start = end.checked_sub(SignedDuration::from_secs(self.window.into())).unwrap_or(Timestamp::MIN);
        let rates = self.series.points().filter(|(moment, _)| *moment > start && *moment <= end).filter_map(|(_, rate)| rate);
        rates.map(f64::from).sum::<f64>() * f64::from(self.series.step)
    }
}

/// Whether requests are enough to tell something.
pub(super) enum Enough {
    Yes,
    No {
        /// How many there are of how many.
        why: String,
    },
}

impl Enough {
    pub fn is_enough(&self) -> bool {
        matches!(self, Self::Yes)
    }
}

/// Whether there are enough requests in the window that ends at a moment. None if that cannot be said, although it has to be.
pub(super) fn enough(signal: &Signal, traffic: Option<&Traffic<'_>>, end: Timestamp) -> Option<Enough> {
    let needed = needed(signal);
    let Some(traffic) = traffic else {
        // Where nobody counts requests, only a demand for some has to know.
        return (signal.min_traffic <= 0.0).then_some(Enough::Yes);
    };
    if needed.is_none() && signal.min_traffic <= 0.0 {
        return Some(Enough::Yes);
    }
    let (rate, requests) = (traffic.rate(end)?, traffic.within(end)?);
    if rate < signal.min_traffic {
        let show = |rate: f64| Unit::PerSecond.show(rate);
        return Some(Enough::No { why: format!("{} of {}", show(rate), show(signal.min_traffic)) });
    }
    let needed = needed.unwrap_or_default();
    // A millionth less is a matter of rounding.
    if requests < needed * (1.0 - 1e-6) {
        return Some(Enough::No { why: format!("{requests:.0} of {needed:.0} requests") });
    }
    Some(Enough::Yes)
}

/// Whether a rate that holds over a window is too little to tell anything.
pub(super) fn too_few(signal: &Signal, rate: f64) -> bool {
    rate < signal.min_traffic || needed(signal).is_some_and(|needed| rate * f64::from(signal.window) < needed * (1.0 - 1e-6))
}

/// Requests within a window without which a value tells nothing. With `n` requests an error ratio moves in steps of `1/n`: where one step is
/// more than the limit, a single failure decides. None where it is not about requests.
fn needed(signal: &Signal) -> Option<f64> {
    match signal.kind {
        SignalKind::Latency => Some(QUANTILE),
        SignalKind::Errors => tolerated(signal).map(|part| if part > 0.0 { part.recip() } else { 1.0 }),
        SignalKind::Saturation | SignalKind::Traffic | SignalKind::Other => None,
    }
}

/// The part of the requests that may fail; None where the signal is no ratio of failures.
fn tolerated(signal: &Signal) -> Option<f64> {
    let part = signal.limit.threshold / scale(signal)?;
    match signal.limit.comparator {
        Comparator::Less | Comparator::AtMost => Some(part),
        Comparator::Greater | Comparator::AtLeast => Some(1.0 - part),
        Comparator::Equal => None,
    }
}

/// What the value of an error ratio is when everything fails: 1, or 100 in percent. None for what is none.
pub(super) fn scale(signal: &Signal) -> Option<f64> {
    failure_scale(signal.kind, &signal.unit)
}

pub(super) fn failure_scale(kind: SignalKind, unit: &Unit) -> Option<f64> {
    if kind != SignalKind::Errors {
        return None;
    }
    match unit {
        Unit::Ratio | Unit::Plain => Some(1.0),
        Unit::Percent => Some(100.0),
        Unit::Seconds | Unit::Milliseconds | Unit::PerSecond | Unit::Named(_) => None,
    }
}

/// Whether an error ratio is over its limit by more than chance explains, however few requests there were: the lower end of its 95 % interval is.
pub(super) fn is_significant(signal: &Signal, traffic: Option<&Traffic<'_>>, end: Timestamp, value: f64) -> bool {
    let (Some(scale), Some(tolerated)) = (scale(signal), tolerated(signal)) else { return false };
    let Some(requests) = traffic.and_then(|traffic| traffic.within(end)).filter(|requests| *requests >= 1.0) else { return false };
    let part = (value / scale).clamp(0.0, 1.0);
    let failed = match signal.limit.comparator {
        Comparator::Less | Comparator::AtMost | Comparator::Equal => part,
        Comparator::Greater | Comparator::AtLeast => 1.0 - part,
    };
    lower_bound(failed, requests) > tolerated
}

/// Lower end of the 95 % interval of a ratio seen in `count` tries (E. B. Wilson, "Probable inference, the law of succession, and statistical
/// inference", 1927).
fn lower_bound(ratio: f64, count: f64) -> f64 {
    let z2 = Z * Z;
    let middle = ratio + z2 / (2.0 * count);
    let spread = Z * (ratio * (1.0 - ratio) / count + z2 / (4.0 * count * count)).sqrt();
    (middle - spread) / (1.0 + z2 / count)
}

/// Seconds until there are enough requests if they come as they have since the step began, so many seconds ago; None if there never will be,
/// or if nobody can say.
pub(super) fn usable_in(signal: &Signal, traffic: Option<&Traffic<'_>>, end: Timestamp, since: Option<u32>) -> Option<u32> {
    let since = since.filter(|since| (1..signal.window).contains(since))?;
    let requests = traffic?.within(end).filter(|requests| *requests > 0.0)?;
    let rate = requests / f64::from(since);
    let needed = (needed(signal).unwrap_or_default() / rate).max(f64::from(since));
    if rate < signal.min_traffic || needed > f64::from(signal.window) {
        return None;
    }
    let left = (needed - f64::from(since)).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the window, which is a u32")]
    Some(left as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_tries_leave_much_open() {
        // Values of R's prop.test(…, correct = FALSE).
        for (ratio, count, expected) in [(0.5, 10.0, 0.2366), (0.1, 20.0, 0.0279), (1.0, 3.0, 0.4385), (0.0, 50.0, 0.0)] {
            assert!((lower_bound(ratio, count) - expected).abs() < 5e-4, "{ratio} of {count}: {}", lower_bound(ratio, count));
        }
    }
}
