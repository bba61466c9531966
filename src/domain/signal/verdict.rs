//! What is to be thought of a signal, and what that rests on. Only two of the verdicts let a promotion through.

use std::cmp::Ordering;

use jiff::Timestamp;

use super::requests::failure_scale;
use super::{Limit, SignalKind, Track, Unit};
use crate::domain::duration::clock;
use std::sync::Arc;

/// What is to be thought of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Well within its limit.
    Pass,
    /// Within, but not by much.
    Warn,
    /// Its window still reaches back before the step: it tells of another weight.
    TooEarly,
    /// Too few requests to tell.
    LowTraffic,
    /// Nothing is known now.
    NoData,
    /// Over its limit.
    Breach,
}

impl Verdict {
    /// Whether a promotion may go on.
    pub fn lets_through(self) -> bool {
        matches!(self, Self::Pass | Self::Warn)
    }

    /// As JSON says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::TooEarly => "too_early",
            Self::LowTraffic => "low_traffic",
            Self::NoData => "no_data",
            Self::Breach => "breach",
        }
    }

    /// As people say it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Pass => "ok",
            Self::Warn => "warn",
            Self::TooEarly => "too early",
            Self::LowTraffic => "low traffic",
            Self::NoData => "no data",
            Self::Breach => "breach",
        }
    }
}

/// The verdict on one signal of one rollout, with what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The signal's name.
    pub name: Arc<str>,
    /// Which of the golden signals it is.
    pub kind: SignalKind,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether it stops a promotion.
    pub gate: bool,
    /// Which track it is about.
    pub track: Track,
    /// The newest value of that track, as the query returns it; None if there is none.
    pub value: Option<f64>,
    /// The newest value of stable; None if there is none, or if tracks are not told apart.
    pub stable: Option<f64>,
    /// What the value is held against.
    pub limit: Limit,
    /// What it counts.
    pub unit: Unit,
    /// Seconds for which it has been over its limit, gaps not counted; 0 if it is not.
    pub breached: u32,
    /// When the sample was taken that the value rests on, by the local clock.
    pub sampled: Option<Timestamp>,
    /// Requests seen within the window.
    pub requests: Option<f64>,
    /// The smallest error rate that so many requests could show, as a part of 1; only of error ratios.
    pub resolution: Option<f64>,
    /// Seconds until there can be a usable verdict, if all goes on as it does; None if there is one, or nobody can say.
    pub usable_in: Option<u32>,
    /// Pods whose metrics were seen, and pods that there are, where both are known.
    pub pods: Option<(u32, u32)>,
    /// Why it is so, in a few words without the value: `last sample 2:10 ago`, `0:40 of 5:00`, `1 of 2 pods scraped`.
    pub why: Option<Box<str>>,
}

impl Judgement {
    /// What the verdict rests on, in a line: `errors 1.8% > 1% for 3:12`, `p95 412ms < 1.5s`, `errors too early 0:40 of 5:00`.
    pub fn sentence(&self) -> String {
        let show = |value| self.unit.show(value);
        let limit = show(self.limit.threshold);
        let compared = self.value.map(|value| format!("{} {} {limit}", show(value), self.relation(value)));
        let why = self.why.as_deref().map_or(String::new(), |why| format!(", {why}"));
        match (self.verdict, compared) {
            (Verdict::Pass, Some(_)) if !self.gate => format!("{} {}", self.name, self.value.map(show).unwrap_or_default()),
            (Verdict::Breach, Some(compared)) if self.breached > 0 => {
                format!("{} {compared} for {}{why}", self.name, clock(self.breached.into()))
            }
            (Verdict::Pass | Verdict::Warn | Verdict::Breach, Some(compared)) => format!("{} {compared}{why}", self.name),
            (verdict, _) => {
                format!("{} {} {}", self.name, verdict.words(), self.why.as_deref().unwrap_or_default()).trim_end().to_owned()
            }
        }
    }

    /// Whether it is of all versions together and held against nothing: then it is shown, and is neither good nor bad.
    pub fn is_only_shown(&self) -> bool {
        self.verdict == Verdict::Pass && self.track == Track::All && self.limit.is_open()
    }

    /// How a value really compares with the limit.
    fn relation(&self, value: f64) -> &'static str {
        if self.limit.holds(value) {
            return self.limit.comparator.sign();
        }
        match value.partial_cmp(&self.limit.threshold) {
            Some(Ordering::Greater) => ">",
            Some(Ordering::Less) => "<",
            Some(Ordering::Equal) | None => "=",
        }
    }

    /// What its value is when everything fails: 1, or 100 in percent. None where it is no ratio of failures.
    pub fn failure_scale(&self) -> Option<f64> {
        failure_scale(self.kind, &self.unit)
    }
}
