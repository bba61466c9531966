//! One series as a function of time: samples at the moments at which its pod was scraped, none in between, none in the future.

use std::sync::Arc;

use super::behaviour::BUCKETS;
use super::family::{Class, MEMORY, What};
use super::pod::{Pod, Read, Track};
use super::service::{SCRAPE, Service, Span};
use super::traffic::chance;
use crate::demo::promql::labels::Labels;
use crate::demo::promql::series::{Point, Rise, STALE, Series};

/// What holds for all series of an environment.
#[derive(Debug)]
pub struct Conditions {
    /// The world's time, in milliseconds since 1970: there is nothing after it.
    pub now: i64,
    /// How far the metrics server's clock is ahead of the world's, in milliseconds.
    pub ahead: i64,
    /// When nobody took any samples.
    pub stopped: Vec<Span>,
}

/// One series of a pod.
#[derive(Clone, Debug)]
pub struct Line {
    pub conditions: Arc<Conditions>,
    pub service: Arc<Service>,
    pub pod: Arc<Pod>,
    /// When it had samples: from, and until before; a later end than now is none.
    pub spans: Arc<[(i64, i64)]>,
    pub labels: Labels,
    pub what: What,
}

/// When a pod had samples as a part of the track of this number, each time that it was one: from each beginning until before each end; `scraped` leaves out when it
/// could not be.
pub fn spans(service: &Service, pod: &Pod, number: usize, scraped: bool) -> Vec<(i64, i64)> {
    let Some((_, track)) = pod.tracks.get(number) else { return Vec::new() };
    let blind = if *track == Track::Canary { service.blind.as_slice() } else { &[] };
    let ends = pod.tracks.iter().skip(1).map(|(at, _)| *at).chain([pod.ended.unwrap_or(i64::MAX)]);
    let mut spans: Vec<_> =
        pod.tracks.iter().zip(ends).filter(|((_, of), _)| of == track).map(|((from, _), until)| (*from, until)).collect();
    for (hidden, again) in pod.hidden.iter().filter(|_| scraped).chain(blind) {
        let again = again.unwrap_or(i64::MAX);
        spans = spans.into_iter().flat_map(|(from, until)| [(from, until.min(*hidden)), (from.max(again), until)]).collect();
        spans.retain(|(from, until)| from < until);
    }
    spans
}

impl Line {
    /// The value at a moment of the world's time, if the series has one then.
    pub fn value(&self, at: i64) -> Option<f64> {
        if within(&self.service.nan, at) && !matches!(self.what, What::Up | What::Constant(_)) {
            return Some(f64::NAN);
        }
        let of = |class: Class, read: Read| read.well * class.well + read.failed * class.failed;
        let traffic = &self.service.traffic;
        let value = match self.what {
            What::Bucket(class, bucket) => {
                let count = of(class, self.pod.bucket(at, bucket, traffic)?).floor();
                // Nobody makes a counter of failures before the first one.
                if class.is_of_failures() && !self.has_failed(at, class) {
                    return None;
                }
                count
            }
            What::Sum(class, _) if class.is_of_failures() && !self.has_failed(at, class) => return None,
            What::Sum(class, factor) => of(class, self.pod.seconds(at, traffic)?) * factor,
            What::Processor => self.pod.processor(at),
            What::Memory => self.memory(at),
            What::Constant(value) => value,
            What::Up => f64::from(u8::from(!within(&self.pod.hidden, at))),
        };
        Some(value)
    }

    fn has_failed(&self, at: i64, class: Class) -> bool {
        let all = self.pod.bucket(at, BUCKETS - 1, &self.service.traffic);
        all.is_some_and(|read| (read.failed * class.failed).floor() >= 1.0)
    }

    /// Somewhat less than half of what there is, breathing with a period of its own.
    fn memory(&self, at: i64) -> f64 {
        let own = i64::try_from(chance(&self.pod.name) % 600_000).unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "less than a period")]
        let phase = at.rem_euclid(900_000 + own) as f64 / (900_000 + own) as f64;
        (MEMORY * (0.46 + 0.05 * (std::f64::consts::TAU * phase).sin())).floor()
    }

    /// The first scrape at this time or later.
    fn scrape_from(&self, at: i64) -> i64 {
        at + (self.pod.moment - at).rem_euclid(SCRAPE)
    }

    /// The last scrape at this time or before.
    fn scrape_until(&self, at: i64) -> i64 {
        at - (at - self.pod.moment).rem_euclid(SCRAPE)
    }

    /// The first of some scrapes at which there is a value; from there on there always is one.
    fn first_value(&self, first: i64, last: i64) -> i64 {
        let (mut before, mut after) = (0, (last - first) / SCRAPE);
        while before < after {
            let middle = before.midpoint(after);
            if self.value(first + middle * SCRAPE).is_some() {
                after = middle;
            } else {
                before = middle + 1;
            }
        }
        first + before * SCRAPE
    }

    fn is_taken(&self, at: i64) -> bool {
        at <= self.conditions.now && !within(&self.conditions.stopped, at)
    }

    /// The sample of a scrape, or that which says that the series has ended.
    fn sample(&self, at: i64, (from, until): (i64, i64)) -> Option<Point> {
        if !self.is_taken(at) || at < from {
            return None;
        }
        let shown = at + self.conditions.ahead;
        let value = if at < until { self.value(at) } else { None };
        // It has ended with its pod, or with the process that began to count anew.
        let ended =
            || if at < until { at - SCRAPE >= from && self.value(at - SCRAPE).is_some() } else { at == self.scrape_from(until) };
        value.or_else(|| ended().then(|| f64::from_bits(STALE))).map(|value| Point { at: shown, value })
    }
}

impl Series for Line {
    fn labels(&self) -> Labels {
        self.labels.clone()
    }

    fn points(&self, from: i64, to: i64, into: &mut Vec<Point>) {
        let (from, to) = (from - self.conditions.ahead, (to - self.conditions.ahead).min(self.conditions.now));
        for span in self.spans.iter() {
            let mut at = self.scrape_from(from.max(span.0));
            let end = if span.1 > to { to } else { to.min(self.scrape_from(span.1)) };
            while at <= end {
                into.extend(self.sample(at, *span));
                at += SCRAPE;
            }
        }
    }

    fn newest(&self, after: i64, to: i64) -> Option<Point> {
        let (after, to) = (after - self.conditions.ahead, (to - self.conditions.ahead).min(self.conditions.now));
        let last = self.spans.iter().rev().find(|span| self.scrape_from(span.0) <= to)?;
        let end = if last.1 > to { to } else { to.min(self.scrape_from(last.1)) };
        let mut at = self.scrape_until(end);
        while at > after {
            if let Some(point) = self.sample(at, *last) {
                return Some(point);
            }
            at -= SCRAPE;
        }
        None
    }

    fn rise(&self, from: i64, to: i64) -> Option<Rise> {
        let ahead = self.conditions.ahead;
        let (begin, end) = (from - ahead, (to - ahead).min(self.conditions.now));
        let touches = |span: &&(i64, i64)| span.0 <= end && span.1 >= begin;
        let mut spans = self.spans.iter().filter(touches);
        let (only, more) = (spans.next()?, spans.next().is_some());
        let disturbed = |spans: &[Span]| spans.iter().any(|(from, until)| *from <= end && until.is_none_or(|until| until >= begin));
        let simple = !more
            && !matches!(self.what, What::Memory | What::Up)
            && !disturbed(&self.conditions.stopped)
            && !disturbed(&self.service.nan)
            && !self.pod.began_anew(begin, end);
        let (first, last) = (self.scrape_from(begin.max(only.0)), self.scrape_until(end.min(only.1.saturating_sub(1))));
        // A counter of failures may begin within the window.
        let first = if simple && self.value(first).is_none() { self.first_value(first, last) } else { first };
        if simple && (last <= first || self.value(last).is_none()) {
            return None;
        }
        if !simple {
            let mut points = Vec::new();
            self.points(from, to, &mut points);
            points.retain(|point| !point.is_stale());
            return Rise::of(&points);
        }
        let point = |at: i64| self.value(at).map(|value| Point { at: at + ahead, value });
        let count = usize::try_from((last - first) / SCRAPE + 1).unwrap_or(0);
        Some(Rise { first: point(first)?, last: point(last)?, count, resets: 0.0 })
    }
}

/// A time is within one of some spans.
pub fn within(spans: &[Span], at: i64) -> bool {
    spans.iter().any(|(from, until)| *from <= at && until.is_none_or(|until| at < until))
}
