//! One target, measured again and again: the whole span once, then only what is new.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::batch::{Ask, Said, When, ask};
use super::plan::{Line, Plan, Value, step};
use super::server::Server;
use super::strip::{Span, Strip};
use super::trouble::Trouble;
use crate::domain::signal::{Measured, Target, TrackSeries};

/// So many of the newest values are asked for again: samples may come late.
const AGAIN: i64 = 4;
/// A query that was refused is tried again after this.
const REFUSED: Duration = Duration::from_mins(5);
/// Most values of one query: what servers give at most, and far more than is drawn.
const MOST_PLACES: i64 = 11_000;
/// Most notes about one target.
const MOST_NOTES: usize = 8;

/// A target with what is known of it.
pub struct Aim {
    /// What is aimed at.
    pub target: Target,
    plan: Plan,
    step: u32,
    strips: HashMap<Box<str>, Strip>,
    refused: HashMap<Box<str>, (Instant, Box<str>)>,
}

/// What one look at a target found.
pub struct Look {
    /// For the core.
    pub measured: Measured,
    /// How long the slowest request took, in milliseconds.
    pub millis: u32,
    /// The newest sample of all.
    pub sampled: Option<Timestamp>,
}

impl Aim {
    /// A target of which nothing is known.
    pub fn new(target: Target, interval: u32) -> Self {
        let (plan, step) = (Plan::new(&target), step(target.span, interval));
        Self { target, plan, step, strips: HashMap::new(), refused: HashMap::new() }
    }

    /// Another target in its place: what the same queries said still holds.
    pub fn turn(&mut self, target: Target, interval: u32) {
        if self.target == target {
            return;
        }
        let next = Self::new(target, interval);
        let old = std::mem::replace(self, next);
        if old.step == self.step {
            let wanted = |text: &str| self.plan.ranges.iter().any(|ask| *ask.text == *text);
            self.strips = old.strips.into_iter().filter(|(text, _)| wanted(text)).collect();
        }
        self.refused = old.refused;
    }

    /// Measures what is new until now.
    pub async fn look(&mut self, server: &Server) -> Result<Look, Trouble> {
        let skew = server.skew().unwrap_or_default();
        let now = server.now().saturating_add(skew).unwrap_or(Timestamp::MAX);
        let last = now.as_second().div_euclid(i64::from(self.step));
        let span = Span { first: last - i64::from(self.target.span / self.step), last };
        self.measure(server, span, skew).await
    }

    /// Measures between two moments of the local clock.
    pub async fn between(&mut self, server: &Server, start: Timestamp, end: Timestamp, step: u32) -> Result<Look, Trouble> {
        let skew = server.skew().unwrap_or_default();
        let place = |moment: Timestamp, step: i64| moment.saturating_add(skew).unwrap_or(moment).as_second().div_euclid(step);
        let length = end.duration_since(start).as_secs().max(1);
        let step = i64::from(step.max(1)).max(length / MOST_PLACES + 1);
        self.step = u32::try_from(step).unwrap_or(u32::MAX);
        self.measure(server, Span { first: place(start, step), last: place(end, step) }, skew).await
    }

    async fn measure(&mut self, server: &Server, span: Span, skew: SignedDuration) -> Result<Look, Trouble> {
        self.refused.retain(|_, (since, _)| since.elapsed() < REFUSED);
        let asked = server.now();
        let (mut notes, mut millis) = (Vec::new(), 0);
        for (from, asks) in self.due(span) {
            let step = i64::from(self.step);
            let heard = ask(server, &asks, When::Over(from * step, span.last * step, self.step)).await?;
            millis = heard.millis.max(millis);
            add(&mut notes, &heard.notes);
            self.take(&asks, heard.said, span, from);
        }
        let known: Vec<Ask> = self.plan.instants.iter().filter(|ask| !self.refused.contains_key(&ask.text)).cloned().collect();
        let heard = ask(server, &known, When::At(None)).await?;
        millis = heard.millis.max(millis);
        let mut now = HashMap::new();
        for (ask, said) in known.into_iter().zip(heard.said) {
            match said {
                Ok(series) => {
                    now.extend(series.first().and_then(|(_, values)| values.last()).map(|(_, value)| (ask.text, *value)));
                }
                Err(text) => {
                    self.refused.insert(ask.text, (Instant::now(), text));
                }
            }
        }
        add(&mut notes, &heard.notes);
        let signals = self.target.signals.iter().zip(&self.plan.signals).map(|(signal, lines)| {
            let lines = lines.iter().map(|line| self.series(line, span, skew, &now));
            (Arc::clone(&signal.name), lines.collect::<Vec<_>>())
        });
        let signals: Vec<_> = signals.collect();
        let sampled = signals.iter().flat_map(|(_, lines)| lines).filter_map(|line| line.sampled).max();
        let Target { key, uid, hash, .. } = self.target.clone();
        Ok(Look { measured: Measured { key, uid, hash, asked, signals, notes }, millis, sampled })
    }

    /// The queries that are to be asked, by the place from which on.
    fn due(&mut self, span: Span) -> Vec<(i64, Vec<Ask>)> {
        let mut due: Vec<(i64, Vec<Ask>)> = Vec::new();
        for ask in &self.plan.ranges {
            let strip = self.strips.entry(ask.text.clone()).or_insert_with(|| Strip::new(self.step));
            let tail = strip.last().zip(strip.first()).filter(|(_, first)| *first <= span.first).map(|(last, _)| last - AGAIN);
            let from = tail.unwrap_or(span.first).clamp(span.first, span.last);
            if self.refused.contains_key(&ask.text) {
                continue;
            }
            match due.iter_mut().find(|(other, _)| *other == from) {
                Some((_, asks)) => asks.push(ask.clone()),
                None => due.push((from, vec![ask.clone()])),
            }
        }
        due
    }

    /// Lays what was heard over what was known.
    fn take(&mut self, asks: &[Ask], all: Vec<Said>, span: Span, from: i64) {
        for (ask, said) in asks.iter().zip(all) {
            let strip = self.strips.entry(ask.text.clone()).or_insert_with(|| Strip::new(self.step));
            strip.frame(span);
            strip.clear_from(from);
            if let Err(text) = lay(strip, said) {
                self.strips.remove(&ask.text);
                self.refused.insert(ask.text.clone(), (Instant::now(), text));
            }
        }
    }

    fn series(&self, line: &Line, span: Span, skew: SignedDuration, now: &HashMap<Box<str>, f64>) -> TrackSeries {
        let mut nothing = Strip::new(self.step);
        nothing.frame(span);
        let text = |place: usize| self.plan.ranges.get(place).map_or("", |ask| &*ask.text);
        let strip = |place: usize| self.strips.get(text(place)).filter(|strip| strip.last() == Some(span.last));
        let refused = |place: usize| self.refused.get(text(place)).map(|(_, said)| said.clone());
        let (value, said) = match &line.value {
            Err(text) => (nothing.series(skew), Some(text.clone())),
            Ok(Value::One(place)) => (strip(*place).unwrap_or(&nothing).series(skew), refused(*place)),
            Ok(Value::Ratio(bad, total)) => {
                let all = strip(*total).unwrap_or(&nothing);
                let said = refused(*total).or_else(|| refused(*bad));
                // A query for bad ones that is refused says nothing about how many there are.
                let ratio =
                    if said.is_some() { nothing.values().to_vec() } else { Strip::ratio(strip(*bad).unwrap_or(&nothing), all) };
                (all.with(ratio, skew), said)
            }
        };
        let instant = |place: &usize| {
            let ask = self.plan.instants.get(*place)?;
            now.get(&ask.text).copied().filter(|value| value.is_finite())
        };
        // What rests on several series is as old as the oldest of them; one that does not exist is an alternative to another.
        let newest = line.newest.iter().filter_map(instant).reduce(f64::min);
        let sampled = newest.and_then(|seconds| moment(seconds, skew));
        let pods = line.counts.and_then(|[pods, instances]| instant(&pods).or_else(|| instant(&instances)));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count; too large a one is cut to the largest"
        )]
        let pods = pods.map(|count| count as u32);
        let traffic = line.traffic.and_then(strip).map(|strip| strip.series(skew));
        TrackSeries { track: line.track, value, traffic, sampled, pods, refused: said }
    }
}

/// Adds what is new, as long as there is room.
pub fn add(notes: &mut Vec<Box<str>>, more: &[Box<str>]) {
    for note in more {
        if notes.len() < MOST_NOTES && !notes.contains(note) {
            notes.push(note.clone());
        }
    }
}

/// A moment of the server's clock by the local one.
pub fn moment(seconds: f64, skew: SignedDuration) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a moment; what is out of range is no moment")]
    let millis = (seconds * 1000.0) as i64;
    Timestamp::from_millisecond(millis).ok()?.checked_sub(skew).ok()
}

/// Lays what a query said on its strip. Several series are fine as long as only one of them has a value at a time: then they followed each
/// other, as when labels change.
fn lay(strip: &mut Strip, said: Said) -> Result<(), Box<str>> {
    let series = said?;
    let count = series.len();
    for (_, values) in series {
        for (at, value) in values {
            if strip.set(at, value) {
                return Err(format!("it returns {count} series and not one: put sum(…), max(…) or the like around it").into());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::prometheus::answer::Labels;

    #[test]
    fn series_may_follow_each_other_but_not_stand_side_by_side() {
        let mut strip = Strip::new(15);
        strip.frame(Span { first: 0, last: 3 });
        let series = |values: &[(f64, f64)]| (Labels::new(), values.to_vec());
        lay(&mut strip, Ok(vec![series(&[(0.0, 1.0)]), series(&[(15.0, 2.0)])])).unwrap();
        strip.clear_from(0);
        let both = lay(&mut strip, Ok(vec![series(&[(0.0, 1.0)]), series(&[(0.0, 2.0)])])).unwrap_err();
        assert!(both.starts_with("it returns 2 series and not one"), "{both}");
        assert_eq!(lay(&mut strip, Err("no".into())), Err("no".into()));
    }

    #[test]
    fn moments_are_told_by_the_local_clock() {
        let at = moment(1_800_000_300.5, SignedDuration::from_secs(300)).unwrap();
        assert_eq!(at.as_millisecond(), 1_800_000_000_500);
        assert_eq!(moment(f64::MAX, SignedDuration::ZERO), None);
    }
}
