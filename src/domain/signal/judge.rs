//! The verdict on a signal: its series is replayed from the beginning, so that nothing has to be remembered, and two programs that see the
//! same series say the same. What nobody measured decides nothing: a gap neither makes a breach nor ends one, and the newest value has
//! to be there and new, or there is no verdict that lets anything through.

use jiff::Timestamp;

use super::requests::{self, Traffic};
use super::{Expression, Judgement, Limit, Origin, Signal, Track, TrackSeries, Verdict};
use crate::domain::duration::clock;
use crate::domain::series::{Series, decimal};

/// What a verdict depends on besides the series. All times are by the local clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The time now.
    pub now: Timestamp,
    /// Since when the traffic has had its present weight; None at rest, when every window tells of the same.
    pub began: Option<Timestamp>,
    /// Since when this version has been there, if that is known. What was measured before tells of another one.
    pub appeared: Option<Timestamp>,
    /// Seconds after which a sample is too old to tell anything.
    pub stale_after: u32,
    /// How many pods of a track there are, where that is known.
    pub pods: Vec<(Track, u32)>,
}

impl Context {
    /// At a moment, of a release at rest.
    pub fn at(now: Timestamp, stale_after: u32) -> Self {
        Self { now, began: None, appeared: None, stale_after, pods: Vec::new() }
    }
}

/// The verdict on a signal by what was measured of its tracks: on the canary where there is one, else on what there is.
///
/// The order: no data, breach, low traffic, too early, warning, pass. Too little traffic is a breach all the same where chance does not explain it.
pub fn judge(signal: &Signal, series: &[TrackSeries], context: &Context) -> Judgement {
    let judged = judged(series);
    let stable = series.iter().find(|one| one.track == Track::Stable && judged.is_some_and(|judged| judged.track != Track::Stable));
    let (finding, breached) = judged.map_or_else(
        || (Finding::none("nothing was measured"), 0),
        |judged| {
            let replay = replay(signal, judged, context);
            (find(signal, judged, replay, context), replay.over.unwrap_or_default())
        },
    );
    let traffic = judged.and_then(|judged| traffic(signal, judged));
    let end = judged.and_then(|judged| judged.value.end());
    let requests = traffic.zip(end).and_then(|(traffic, end)| traffic.within(end));
    let value = |one: &TrackSeries| one.value.last().map(decimal).filter(|value| value.is_finite());
    Judgement {
        name: signal.name.clone(),
        kind: signal.kind,
        verdict: finding.verdict,
        gate: signal.gate,
        track: judged.map_or(Track::Canary, |judged| judged.track),
        value: judged.and_then(value),
        stable: stable.and_then(value),
        limit: signal.limit,
        unit: signal.unit.clone(),
        breached,
        sampled: judged.and_then(|judged| judged.sampled),
        requests,
        resolution: requests::scale(signal).and(requests).filter(|requests| *requests >= 1.0).map(f64::recip),
        usable_in: finding.usable_in,
        pods: judged.and_then(|judged| judged.pods.zip(expected(judged.track, context))),
        why: finding.why,
    }
}

/// The track on which a verdict is; None if nothing was measured.
pub fn judged(series: &[TrackSeries]) -> Option<&TrackSeries> {
    series.iter().find(|one| one.track != Track::Stable).or_else(|| series.first())
}

/// The verdict that one value would be, without a history: a breach that has to last is a warning at most. `rate` is in requests a second.
pub fn at_a_glance(signal: &Signal, value: f64, rate: Option<f64>) -> Verdict {
    if !value.is_finite() {
        return Verdict::NoData;
    }
    let over = !signal.limit.holds(value);
    let few = rate.is_some_and(|rate| requests::too_few(signal, rate));
    match (over, few) {
        (_, true) => Verdict::LowTraffic,
        (true, false) if signal.lasting == 0 => Verdict::Breach,
        (true, false) => Verdict::Warn,
        (false, false) if signal.limit.is_near(value) => Verdict::Warn,
        (false, false) => Verdict::Pass,
    }
}

/// A verdict with its reason.
struct Finding {
    verdict: Verdict,
    why: Option<Box<str>>,
    usable_in: Option<u32>,
}

impl Finding {
    fn new(verdict: Verdict, why: impl Into<Box<str>>) -> Self {
        Self { verdict, why: Some(why.into()), usable_in: None }
    }

    fn none(why: impl Into<Box<str>>) -> Self {
        Self::new(Verdict::NoData, why)
    }
}

fn find(signal: &Signal, judged: &TrackSeries, replay: Replay, context: &Context) -> Finding {
    let value = match newest(judged, context.now, context.stale_after) {
        Ok(value) => value,
        Err(why) => return Finding::none(why),
    };
    if matches!(signal.origin, Origin::Recorded(_)) {
        // Nobody said what would be too much: it is there and new, and that is all.
        return Finding { verdict: Verdict::Pass, why: None, usable_in: None };
    }
    let end = judged.value.end().unwrap_or(context.now);
    let traffic = traffic(signal, judged);
    let Some(enough) = requests::enough(signal, traffic.as_ref(), end) else { return Finding::none("the traffic is unknown") };
    let counts = enough.is_enough() || requests::is_significant(signal, traffic.as_ref(), end, value);
    if replay.confirmed && counts {
        let over = !signal.limit.of_series().holds(value);
        let why = (!over).then(|| "within its limit, but not far enough yet".into());
        return Finding { verdict: Verdict::Breach, why, usable_in: None };
    }
    let early = too_early(signal, end, context);
    if let requests::Enough::No { why } = enough {
        let since = context.began.map(|began| seconds_between(began, end));
        let later = requests::usable_in(signal, traffic.as_ref(), end, since);
        let usable_in = later.map(|later| later.max(early.map_or(0, |(left, _)| left)));
        return Finding { usable_in, ..Finding::new(Verdict::LowTraffic, why) };
    }
    if let Some((left, why)) = early {
        return Finding { usable_in: Some(left), ..Finding::new(Verdict::TooEarly, why) };
    }
    within(signal, judged, replay, value, context)
}

/// What is to be said of a value that is known, rests on enough, and is no breach.
fn within(signal: &Signal, judged: &TrackSeries, replay: Replay, value: f64, context: &Context) -> Finding {
    if let Some(over) = replay.over {
        let why = format!("over for {} of {}", clock(over.into()), clock(signal.lasting.into()));
        return Finding::new(Verdict::Warn, why);
    }
    let unseen = judged.pods.zip(expected(judged.track, context)).filter(|(seen, there)| seen < there);
    if let Some((seen, there)) = unseen {
        return Finding::new(Verdict::Warn, format!("{seen} of {there} pods scraped"));
    }
    if signal.limit.of_series().is_near(value) {
        return Finding::new(Verdict::Warn, "near its limit");
    }
    Finding { verdict: Verdict::Pass, why: None, usable_in: None }
}

/// The newest value, if it is a number and its sample is new enough; else why there is none.
fn newest(judged: &TrackSeries, now: Timestamp, stale_after: u32) -> Result<f64, String> {
    if let Some(refused) = &judged.refused {
        return Err(refused.to_string());
    }
    let Some(sampled) = judged.sampled else { return Err("no series".to_owned()) };
    let age = now.duration_since(sampled).as_secs();
    if age > i64::from(stale_after) {
        return Err(format!("last sample {} ago", clock(age)));
    }
    match judged.value.last().map(f64::from) {
        Some(value) if value.is_finite() => Ok(value),
        Some(_) => Err("the value is infinite".to_owned()),
        None if judged.traffic.as_ref().and_then(Series::last) == Some(0.0) => Err("no requests".to_owned()),
        None => Err("the newest samples make no number".to_owned()),
    }
}

/// Seconds that are left until the window lies wholly within the step, and the same in words; None if it does.
fn too_early(signal: &Signal, end: Timestamp, context: &Context) -> Option<(u32, String)> {
    let since = seconds_between(context.began?, end);
    let left = signal.window.checked_sub(since).filter(|left| *left > 0)?;
    Some((left, format!("{} of {}", clock(since.into()), clock(signal.window.into()))))
}

fn seconds_between(start: Timestamp, end: Timestamp) -> u32 {
    u32::try_from(end.duration_since(start).as_secs().max(0)).unwrap_or(u32::MAX)
}

fn expected(track: Track, context: &Context) -> Option<u32> {
    context.pods.iter().find(|(of, _)| *of == track).map(|(_, count)| *count)
}

fn traffic<'a>(signal: &'a Signal, judged: &'a TrackSeries) -> Option<Traffic<'a>> {
    judged.traffic.as_ref().map(|series| Traffic::of(signal, series))
}

/// How far a breach has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Replay {
    /// Seconds for which it has been over its limit; None if it is not.
    pub over: Option<u32>,
    /// Whether that was long enough. From then on it has to come back by more than a hair.
    pub confirmed: bool,
}

impl Replay {
    /// One more value. None is a gap: nothing follows from it.
    fn follow(self, value: Option<f64>, signal: &Signal, limit: Limit, step: u32) -> Self {
        let Some(value) = value else { return self };
        let inside = if self.confirmed { limit.drawn_in(signal.hysteresis) } else { limit };
        if inside.holds(value) {
            return Self::default();
        }
        // The first value tells a moment; each further one also tells of the time since the one before it.
        let over = self.over.map_or(0, |over| over.saturating_add(step));
        Self { over: Some(over), confirmed: self.confirmed || over >= signal.lasting }
    }
}

/// Goes through a series to its end.
fn replay(signal: &Signal, judged: &TrackSeries, context: &Context) -> Replay {
    replays(signal, judged, context).last().map(|(_, replay, _)| replay).unwrap_or_default()
}

/// Goes through a series: each moment, how far a breach has come by then, and the value if there is one that counts. Values that rest on too
/// few requests, or on another version, are as good as gaps.
pub(super) fn replays<'a>(
    signal: &'a Signal,
    judged: &'a TrackSeries,
    context: &Context,
) -> impl Iterator<Item = (Timestamp, Replay, Option<f64>)> + 'a {
    let limit = signal.limit.of_series();
    let traffic = traffic(signal, judged);
    let from = context.appeared.map(|appeared| own_from(signal, appeared));
    let mut replay = Replay::default();
    judged.value.points().map(move |(moment, value)| {
        let counts = |value: &f64| {
            let enough = requests::enough(signal, traffic.as_ref(), moment).is_some_and(|enough| enough.is_enough());
            value.is_finite() && (enough || requests::is_significant(signal, traffic.as_ref(), moment, *value))
        };
        let own = from.is_none_or(|from| moment >= from);
        let value = value.map(f64::from).filter(|value| own && counts(value));
        replay = replay.follow(value, signal, limit, judged.value.step);
        (moment, replay, value)
    })
}

/// From when on values tell of this version alone. A query that names the version's pods never tells of another one.
fn own_from(signal: &Signal, appeared: Timestamp) -> Timestamp {
    let named = match &signal.expression {
        Expression::Value(query) => query.uses("pod_hash"),
        Expression::Ratio { bad, total } => bad.uses("pod_hash") && total.uses("pod_hash"),
    };
    let window = if named { 0 } else { signal.window };
    appeared.checked_add(jiff::SignedDuration::from_secs(window.into())).unwrap_or(appeared)
}
