//! One mark for every release of the list, most of which are only seen through the grouped queries. Such a value has no history: it is a hint
//! where to look, never what a gate decides by.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Metrics, standing};
use crate::domain::id::{Key, Kind};
use crate::domain::series::decimal;
use crate::domain::signal::{Context, Fleet, Judgement, Signal, SignalKind, Track, Unit, Verdict, at_a_glance, judge};

/// The worst gate of a release, for one cell of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// The signal's name.
    pub signal: Arc<str>,
    /// The verdict.
    pub verdict: Verdict,
    /// The newest value, as the query returns it; None if there is none.
    pub value: Option<f64>,
    /// What it counts.
    pub unit: Unit,
    /// Which track it is about.
    pub track: Track,
    /// Whether all was measured that a gate decides by. What is within its limits without that may still be too early to tell.
    pub whole: bool,
}

impl From<&Judgement> for Mark {
    fn from(judgement: &Judgement) -> Self {
        Self {
            signal: Arc::clone(&judgement.name),
            verdict: judgement.verdict,
            value: judgement.value,
            unit: judgement.unit.clone(),
            track: judgement.track,
            whole: true,
        }
    }
}

impl Metrics {
    /// The worst gate of a release: of what was measured in full, else by the grouped queries. None if nothing is known of it.
    pub fn mark(&self, key: &Key, now: Timestamp) -> Option<Mark> {
        if let Some(standing) = self.standings.get(key) {
            return standing.worst().map(Mark::from);
        }
        let signals = self.definitions.signals(key);
        let rate = signals.iter().find(|signal| signal.kind == SignalKind::Traffic);
        let rate = |track| rate.and_then(|traffic| self.fleet_value(&traffic.name, key, track));
        let marks = signals.iter().filter(|signal| signal.gate).filter_map(|signal| self.glance(signal, key, rate, now));
        // Of those that are equally bad the first.
        marks.reduce(|worst, next| if next.verdict > worst.verdict { next } else { worst })
    }

    /// The newest value of a signal in the grouped queries; None if there is none. Times are those of [`Fleet::asked`].
    pub fn fleet_value(&self, signal: &str, key: &Key, track: Track) -> Option<f64> {
        let fleet = self.fleets.get(signal)?;
        let named = |name: &str| find(fleet, &key.namespace, name, track).filter(|value| !value.is_nan());
        // Under Flagger stable is a workload of its own, and may be known by its name.
        let primary = || (key.kind == Kind::Canary).then(|| named(&format!("{}-primary", key.name))).flatten();
        named(self.definitions.query_name(key)).or_else(primary).map(decimal)
    }

    /// The verdict on each signal of a release by the grouped queries alone, in the order of its signals; *no data* where they say nothing. None
    /// where they say nothing at all.
    pub fn glances(&self, key: &Key, now: Timestamp) -> Option<Vec<Judgement>> {
        let signals = self.definitions.signals(key);
        let rate = signals.iter().find(|signal| signal.kind == SignalKind::Traffic);
        let rate = |track| rate.and_then(|traffic| self.fleet_value(&traffic.name, key, track));
        let marks: Vec<_> = signals.iter().map(|signal| self.glance(signal, key, rate, now)).collect();
        if marks.iter().all(Option::is_none) {
            return None;
        }
        let nothing = Context::at(now, self.definitions.stale_after);
        let judgements = signals.iter().zip(marks).map(|(signal, mark)| {
            let unknown = judge(signal, &[], &nothing);
            match mark {
                Some(mark) => Judgement { verdict: mark.verdict, value: mark.value, track: mark.track, why: None, ..unknown },
                None => unknown,
            }
        });
        Some(judgements.collect())
    }

    fn glance(&self, signal: &Signal, key: &Key, rate: impl Fn(Track) -> Option<f64>, now: Timestamp) -> Option<Mark> {
        let asked = self.fleets.get(&signal.name)?.asked;
        let tracks = [Track::Canary, Track::Stable, Track::All];
        let (track, value) = tracks.into_iter().find_map(|track| Some((track, self.fleet_value(&signal.name, key, track)?)))?;
        let old = now.duration_since(asked).as_secs() > i64::from(self.definitions.stale_after);
        let verdict = if old { Verdict::NoData } else { at_a_glance(signal, value, rate(track)) };
        Some(Mark { signal: Arc::clone(&signal.name), verdict, value: Some(value), unit: signal.unit.clone(), track, whole: false })
    }
}

/// The value of one track of one rollout; rows are in order.
fn find(fleet: &Fleet, namespace: &str, rollout: &str, track: Track) -> Option<f32> {
    let wanted = (namespace, rollout, track);
    let place = fleet.rows.binary_search_by(|row| -> Ordering { (&*row.namespace, &*row.rollout, row.track).cmp(&wanted) }).ok()?;
    fleet.rows.get(place).map(|row| row.value)
}

impl Metrics {
    /// The worst gate among verdicts, for those who have only those.
    pub fn worst(judgements: &[Judgement]) -> Option<&Judgement> {
        standing::worst(judgements)
    }
}
