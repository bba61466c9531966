//! What a span of time came to: for those who ask whether a signal held all the time, and not only whether it holds now.

use jiff::Timestamp;

use super::judge::{judged, replays};
use super::{Comparator, Context, Limit, Signal, TrackSeries};
use crate::domain::series::{Series, decimal};

/// A signal over a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Moments at which there was a value.
    pub samples: u32,
    /// Seconds from one moment to the next.
    pub step: u32,
    /// Moments at which there was none.
    pub gaps: u32,
    /// The value that was farthest on the wrong side, or nearest to it, as the query returns it.
    pub worst: Option<f64>,
    /// Requests; None if nobody counted them.
    pub requests: Option<f64>,
    /// Seconds for which it was over its limit in a row, the longest time; gaps not counted.
    pub breached: u32,
    /// When a breach first counted as one, or was seen to go on.
    pub breach: Option<Timestamp>,
}

/// What a signal came to from a moment on, on the track that [`judge`](super::judge()) judges. What was before decides only how far a breach had come.
pub fn tally(signal: &Signal, series: &[TrackSeries], context: &Context, from: Timestamp) -> Tally {
    let Some(judged) = judged(series) else { return Tally::default() };
    let mut tally = Tally { step: judged.value.step, ..Tally::default() };
    for ((moment, replay, counted), value) in replays(signal, judged, context).zip(judged.value.values.iter().copied()) {
        if moment < from {
            continue;
        }
        if value.is_finite() {
            tally.samples = tally.samples.saturating_add(1);
            let value = decimal(value);
            tally.worst = Some(tally.worst.map_or(value, |worst| worse(signal.limit, worst, value)));
        } else {
            tally.gaps = tally.gaps.saturating_add(1);
        }
        if counted.is_some() {
            tally.breached = tally.breached.max(replay.over.unwrap_or_default());
            tally.breach = tally.breach.or(replay.confirmed.then_some(moment));
        }
    }
    Tally { requests: judged.traffic.as_ref().map(|traffic| requests(traffic, from)), ..tally }
}

/// Requests from a moment on: each rate is one of the step before it, as far as that step is part of the time.
fn requests(traffic: &Series, from: Timestamp) -> f64 {
    let seconds = |moment: Timestamp| moment.duration_since(from).as_secs_f64().clamp(0.0, f64::from(traffic.step));
    let rates = traffic.points().filter_map(|(moment, rate)| Some((seconds(moment), f64::from(rate?))));
    rates.filter(|(_, rate)| rate.is_finite()).fold(0.0, |sum, (seconds, rate)| sum + rate.max(0.0) * seconds)
}

/// The one of two values that is farther on the wrong side.
fn worse(limit: Limit, a: f64, b: f64) -> f64 {
    match limit.comparator {
        Comparator::Less | Comparator::AtMost => a.max(b),
        Comparator::Greater | Comparator::AtLeast => a.min(b),
        Comparator::Equal if (a - limit.threshold).abs() >= (b - limit.threshold).abs() => a,
        Comparator::Equal => b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signal::tests::{at, context, errors, series};

    #[test]
    fn a_span_remembers_what_is_over() {
        let signal = Signal { lasting: 30, ..errors() };
        let series = [series(&[0.02, 0.02, 0.02, 0.02, f32::NAN, 0.001, 0.03, 0.001], None)];
        let tally = |from| tally(&signal, &series, &context(&series[0]), at(from));
        let whole = tally(0);
        assert_eq!((whole.samples, whole.gaps, whole.worst, whole.requests), (7, 1, Some(0.03), Some(1050.0)));
        assert_eq!((whole.breached, whole.breach), (45, Some(at(30))));
        assert_eq!(tally(45).breach, Some(at(45)), "it went on");
        // A moment over the limit is no breach where it has to last.
        assert_eq!((tally(60).breach, tally(60).worst, tally(60).samples), (None, Some(0.03), 3));
    }
}
