//! Whether the signals that were over their limit when somebody went back are inside it again, and how many requests failed meanwhile.
//! Rests on samples that were taken after the traffic was off; says nothing while there are none.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::page::{Row, Sign};
use super::marks::span;
use crate::domain::action::gates::arithmetic;
use crate::domain::duration::clock;
use crate::domain::series::Series;
use crate::domain::signal::{Judgement, Measured, SignalKind, Track, TrackSeries, Unit, Verdict};

/// How long it is looked for, in seconds: windows of queries reach back for minutes.
const LOOKED_FOR: i64 = 900;

/// Signals that were broken, and whether they are well again.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovery {
    /// Their names.
    pub broken: Vec<Arc<str>>,
    /// When all of them were seen inside their limits, by the local clock.
    pub at: Option<Timestamp>,
    /// Requests that failed between the key and then, at least; None where nobody counts them.
    pub failed: Option<f64>,
    /// What is still missing, and whether that is known.
    missing: Option<(Sign, String)>,
    over: bool,
}

impl Recovery {
    /// From what is broken now; None if nothing is.
    pub(super) fn of(judgements: &[Judgement]) -> Option<Self> {
        let broken = judgements.iter().filter(|judgement| judgement.verdict == Verdict::Breach);
        let broken: Vec<_> = broken.map(|judgement| judgement.name.clone()).collect();
        (!broken.is_empty()).then_some(Self { broken, at: None, failed: None, missing: None, over: false })
    }

    /// Whether there is still something to see.
    pub(super) fn is_open(&self) -> bool {
        !self.over && self.at.is_none()
    }

    /// Nobody looks any more.
    pub(super) fn close(&mut self) {
        self.over = true;
    }

    /// Looks at the signals as they are known now. Says that they are well, the first time.
    pub(super) fn look(
        &mut self,
        judgements: &[Judgement],
        measured: Option<&Measured>,
        (pressed, off): (Timestamp, Option<Timestamp>),
        now: Timestamp,
    ) -> Option<String> {
        if !self.is_open() {
            return None;
        }
        let errors = judgements.iter().find(|judgement| judgement.kind == SignalKind::Errors);
        if let Some(count) = errors.zip(measured).and_then(|(errors, measured)| failed(errors, measured, (pressed, now))) {
            self.failed = Some(self.failed.map_or(count, |before| before.max(count)));
        }
        let off = off?;
        self.over = now.duration_since(off).as_secs() >= LOOKED_FOR;
        self.missing = self.broken.iter().find_map(|name| missing(judgements.iter().find(|one| one.name == *name), name, off));
        if self.missing.is_some() {
            return None;
        }
        self.at = Some(now);
        Some(self.words())
    }

    /// `errors inside its limit again`.
    pub(super) fn words(&self) -> String {
        let its = if self.broken.len() == 1 { "its limit" } else { "their limits" };
        format!("{} inside {its} again", self.broken.join(", "))
    }

    /// The last mark of a way back.
    pub(super) fn row(&self, pressed: Timestamp, off: Option<Timestamp>) -> Option<Row> {
        if let Some(at) = self.at {
            let row = Row::words("", format!("recovered: {}", self.words())).signed(Sign::Good);
            return Some(Row { right: span(pressed, at), ..row });
        }
        off?;
        let (sign, words) =
            self.missing.clone().unwrap_or((Sign::Running, format!("{} not measured since", self.broken.join(", "))));
        Some(if self.over {
            Row::words("", format!("not seen to recover within {}: {words}", clock(LOOKED_FOR))).signed(Sign::Unknown)
        } else {
            Row::words("", format!("recovered: {words}")).signed(sign)
        })
    }
}

/// What is missing of one signal: what users get has to be inside its limit, by a sample that is newer than the end of the bad traffic.
fn missing(judgement: Option<&Judgement>, name: &str, off: Timestamp) -> Option<(Sign, String)> {
    let Some(judgement) = judgement else { return Some((Sign::Unknown, format!("{name} no data"))) };
    // With the canary out of the traffic, stable is what users get.
    let value = judgement.stable.or(judgement.value).filter(|value| !value.is_nan());
    let Some(value) = value else { return Some((Sign::Unknown, arithmetic(judgement))) };
    if judgement.sampled.is_none_or(|sampled| sampled <= off) {
        return Some((Sign::Running, format!("{name}: no sample since the traffic is off")));
    }
    if judgement.limit.holds(value) {
        return None;
    }
    let limit = judgement.unit.show(judgement.limit.threshold);
    Some((Sign::Running, format!("{name} {}, {} {limit} wanted", judgement.unit.show(value), judgement.limit.comparator)))
}

/// Requests that failed in a span of time, as far as their rates are known; None if they are not.
fn failed(errors: &Judgement, measured: &Measured, span: (Timestamp, Timestamp)) -> Option<f64> {
    let part = match errors.unit {
        Unit::Ratio => 1.0,
        Unit::Percent => 0.01,
        Unit::Seconds | Unit::Milliseconds | Unit::PerSecond | Unit::Plain | Unit::Named(_) => return None,
    };
    let (_, tracks) = measured.signals.iter().find(|(name, _)| *name == errors.name)?;
    // All of them together would be counted twice.
    let apart = tracks.iter().any(|series| series.track != Track::All);
    let counted = tracks.iter().filter(|series| !apart || series.track != Track::All);
    let each: Vec<f64> = counted.filter_map(|series| failed_of(series, span)).collect();
    (!each.is_empty()).then(|| each.iter().sum::<f64>() * part)
}

fn failed_of(series: &TrackSeries, (from, until): (Timestamp, Timestamp)) -> Option<f64> {
    let traffic: &Series = series.traffic.as_ref()?;
    let step = f64::from(series.value.step);
    let points = series.value.points().filter(|(at, _)| *at >= from && *at <= until);
    let each: Vec<f64> =
        points.filter_map(|(at, ratio)| Some(f64::from(ratio?) * f64::from(traffic.value_at(at)?) * step)).collect();
    (!each.is_empty()).then(|| each.iter().sum())
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::domain::id::{Key, Kind};
    use crate::domain::signal::{Comparator, Limit};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + seconds.seconds()
    }

    fn errors(verdict: Verdict, value: Option<f64>, stable: Option<f64>, sampled: i64) -> Judgement {
        Judgement {
            name: "errors".into(),
            kind: SignalKind::Errors,
            verdict,
            gate: true,
            track: Track::Canary,
            value,
            stable,
            limit: Limit { comparator: Comparator::Less, threshold: 0.01 },
            unit: Unit::Ratio,
            breached: 0,
            sampled: Some(at(sampled)),
            requests: None,
            resolution: None,
            usable_in: None,
            pods: None,
            why: None,
        }
    }

    fn recovery() -> Recovery {
        Recovery::of(&[errors(Verdict::Breach, Some(0.018), Some(0.002), 0)]).unwrap()
    }

    fn words(recovery: &Recovery) -> String {
        recovery.row(at(0), Some(at(10))).unwrap().words
    }

    #[test]
    fn recovered_is_what_a_newer_sample_shows() {
        let mut recovery = recovery();
        let broken = [errors(Verdict::Breach, Some(0.018), Some(0.002), 8)];
        assert_eq!(recovery.look(&broken, None, (at(0), None), at(9)), None, "the traffic is not off");
        assert_eq!(recovery.look(&broken, None, (at(0), Some(at(10))), at(12)), None);
        assert_eq!(words(&recovery), "recovered: errors: no sample since the traffic is off");
        let still = [errors(Verdict::Breach, Some(0.012), None, 20)];
        assert_eq!(recovery.look(&still, None, (at(0), Some(at(10))), at(21)), None);
        assert_eq!(words(&recovery), "recovered: errors 1.2%, < 1% wanted");
        assert_eq!(recovery.look(&[], None, (at(0), Some(at(10))), at(22)), None);
        assert_eq!(words(&recovery), "recovered: errors no data");
        let well = [errors(Verdict::LowTraffic, Some(0.5), Some(0.002), 30)];
        let said = recovery.look(&well, None, (at(0), Some(at(10))), at(31));
        assert_eq!(said.as_deref(), Some("errors inside its limit again"));
        let row = recovery.row(at(0), Some(at(10))).unwrap();
        assert_eq!((row.words.as_str(), row.right.as_str()), ("recovered: errors inside its limit again", "0:31"));
        assert_eq!(recovery.look(&well, None, (at(0), Some(at(10))), at(32)), None, "once");
    }

    #[test]
    fn what_never_recovers_is_said_and_no_longer_looked_at() {
        let mut recovery = recovery();
        assert_eq!(recovery.look(&[], None, (at(0), Some(at(10))), at(910)), None);
        assert_eq!(words(&recovery), "not seen to recover within 15:00: errors no data");
        assert!(!recovery.is_open());
        assert_eq!(Recovery::of(&[errors(Verdict::Warn, Some(0.009), None, 0)]), None);
    }

    #[test]
    fn failed_requests_are_counted_from_their_rates_and_gaps_are_none() {
        let series = |track, values: [f32; 4], traffic: [f32; 4]| TrackSeries {
            track,
            value: Series::new(at(0), 10, values),
            traffic: Some(Series::new(at(0), 10, traffic)),
            sampled: None,
            pods: None,
            refused: None,
        };
        let canary = series(Track::Canary, [0.1, 0.1, f32::NAN, 0.1], [100.0; 4]);
        let stable = series(Track::Stable, [0.0, 0.01, 0.0, 0.0], [200.0; 4]);
        let all = series(Track::All, [1.0; 4], [1000.0; 4]);
        let measured = Measured {
            key: Key::new(Kind::Rollout, "shop", "gateway"),
            uid: "u".into(),
            hash: "h".into(),
            asked: at(40),
            signals: vec![("errors".into(), vec![canary, stable, all])],
            notes: Vec::new(),
        };
        let count = failed(&errors(Verdict::Breach, None, None, 0), &measured, (at(5), at(30))).unwrap();
        // From 10 s on: 10 % of 100/s and 1 % of 200/s for 10 s, a gap, and 10 % of 100/s for 10 s.
        assert!((count - 220.0).abs() < 0.1, "{count}");
        let other = Judgement { unit: Unit::Seconds, ..errors(Verdict::Breach, None, None, 0) };
        assert_eq!(failed(&other, &measured, (at(0), at(30))), None);
    }
}
