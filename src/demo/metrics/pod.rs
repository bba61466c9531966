//! One pod's life as its counters know it: pieces of time in which its share of the traffic and its behaviour were the same,
//! each with what had been counted before it. From that any counter is known at any time.

use std::sync::Arc;

use super::behaviour::{BUCKETS, Behaviour};
use super::traffic::Traffic;
use crate::demo::promql::number::seconds;

/// The processor that a pod may use, in cores: the default of its namespace's LimitRange.
pub const CORES: f64 = 0.5;
/// A pod that is asked nothing still uses so much of its processor.
const IDLE: f64 = 0.12;
/// A pod with its fair part of the traffic uses so much more.
const FAIR: f64 = 0.3;

/// Which part of a release a pod belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track {
    /// The version that is tried.
    Canary,
    /// The version that serves.
    Stable,
}

impl Track {
    /// As the label `track` says it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::Stable => "stable",
        }
    }
}

/// What has been counted of some requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counts {
    /// Requests that took no longer than each bound; the last one is all of them.
    pub buckets: [f64; BUCKETS],
    /// Seconds that all of them took.
    pub seconds: f64,
}

impl Counts {
    const NONE: Self = Self { buckets: [0.0; BUCKETS], seconds: 0.0 };

    /// These and some requests more.
    fn plus(mut self, requests: f64, behaviour: &Behaviour) -> Self {
        for (bucket, share) in self.buckets.iter_mut().zip(&behaviour.durations.shares) {
            *bucket += requests * share;
        }
        self.seconds += requests * behaviour.durations.mean;
        self
    }
}

/// A piece of time in which nothing changed but the counters.
#[derive(Clone, Debug)]
struct Piece {
    from: i64,
    /// Share of the service's traffic.
    share: f64,
    /// Cores in use.
    cores: f64,
    behaviour: Arc<Behaviour>,
    /// Counted before: requests that went well, those that failed, and seconds of the processor.
    well: Counts,
    failed: Counts,
    used: f64,
}

/// How a pod is from a time on.
#[derive(Clone, Debug)]
pub struct Load {
    /// Its share of the service's traffic.
    pub share: f64,
    /// Its share of what would be fair: 1 if all pods are asked as much.
    pub fairness: f64,
    /// How it does its work.
    pub behaviour: Arc<Behaviour>,
}

/// One pod.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its name.
    pub name: Arc<str>,
    /// The short hash of its template.
    pub hash: Arc<str>,
    /// Its address and port.
    pub instance: Arc<str>,
    /// What it was part of, and since when; in milliseconds since 1970.
    pub tracks: Vec<(i64, Track)>,
    /// When it went; none while it is there.
    pub ended: Option<i64>,
    /// When its counters began anew.
    pub resets: Vec<i64>,
    /// When it could not be scraped; the last may be open.
    pub hidden: Vec<(i64, Option<i64>)>,
    /// Its moment within the scrape interval, in milliseconds.
    pub moment: i64,
    pieces: Vec<Piece>,
}

/// A counter of a pod, as far as it is not of the requests' kind alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Read {
    /// Requests that went well.
    pub well: f64,
    /// Requests that failed.
    pub failed: f64,
}

impl Pod {
    /// A pod that serves from a time on.
    pub fn new(name: &str, hash: &str, instance: &str, moment: i64) -> Self {
        Self {
            name: name.into(),
            hash: hash.into(),
            instance: instance.into(),
            tracks: Vec::new(),
            ended: None,
            resets: Vec::new(),
            hidden: Vec::new(),
            moment,
            pieces: Vec::new(),
        }
    }

    /// What it is part of now.
    pub fn track(&self) -> Option<Track> {
        self.tracks.last().map(|(_, track)| *track)
    }

    /// From `at` on it is part of this and under this load. A time that has been written stays as it is.
    pub fn go_on(&mut self, at: i64, track: Track, load: &Load, traffic: &Traffic) {
        if self.track() != Some(track) {
            self.tracks.push((at, track));
        }
        let behaviour = &load.behaviour;
        let used = behaviour.saturation.unwrap_or((IDLE + FAIR * load.fairness).min(0.98));
        let cores = CORES * used;
        #[expect(clippy::float_cmp, reason = "the same numbers come of the same objects")]
        let same = |piece: &Piece| piece.share == load.share && piece.cores == cores && *piece.behaviour == **behaviour;
        if self.pieces.last().is_some_and(same) {
            return;
        }
        let (well, failed, used) = match self.pieces.last() {
            None => (Counts::NONE, Counts::NONE, 0.0),
            Some(_) => (self.counted(at, false, traffic), self.counted(at, true, traffic), self.processor(at)),
        };
        self.pieces.push(Piece { from: at, share: load.share, cores, behaviour: behaviour.clone(), well, failed, used });
    }

    /// A bucket of the requests at a time; that of all of them is the last one. None before the pod served.
    pub fn bucket(&self, at: i64, bucket: usize, traffic: &Traffic) -> Option<Read> {
        let of = |at: i64| {
            let piece = self.piece(at)?;
            let requests = piece.share * traffic.requests(piece.from, at);
            let share = piece.behaviour.durations.shares.get(bucket).copied().unwrap_or(1.0);
            let (errors, known) = (piece.behaviour.errors, |counts: &Counts| counts.buckets.get(bucket).copied().unwrap_or(0.0));
            Some(Read {
                well: known(&piece.well) + requests * (1.0 - errors) * share,
                failed: known(&piece.failed) + requests * errors * share,
            })
        };
        self.since_reset(at, of)
    }

    /// Seconds that the requests took, at a time.
    pub fn seconds(&self, at: i64, traffic: &Traffic) -> Option<Read> {
        let of = |at: i64| {
            let piece = self.piece(at)?;
            let seconds = piece.share * traffic.requests(piece.from, at) * piece.behaviour.durations.mean;
            let errors = piece.behaviour.errors;
            Some(Read { well: piece.well.seconds + seconds * (1.0 - errors), failed: piece.failed.seconds + seconds * errors })
        };
        self.since_reset(at, of)
    }

    /// Seconds of the processor, at a time. That is the kernel's counter: it does not begin anew with the program's.
    pub fn processor(&self, at: i64) -> f64 {
        self.piece(at).map_or(0.0, |piece| piece.used + piece.cores * seconds(at - piece.from))
    }

    /// Some of its requests failed.
    pub fn ever_failed(&self) -> bool {
        self.pieces.iter().any(|piece| piece.behaviour.errors > 0.0)
    }

    /// The counters began anew within a time.
    pub fn began_anew(&self, from: i64, to: i64) -> bool {
        self.resets.iter().any(|reset| *reset > from && *reset <= to)
    }

    fn since_reset(&self, at: i64, of: impl Fn(i64) -> Option<Read>) -> Option<Read> {
        let now = of(at)?;
        let reset = self.resets.iter().rev().find(|reset| **reset <= at);
        Some(match reset.and_then(|reset| of(*reset)) {
            None => now,
            Some(before) => Read { well: now.well - before.well, failed: now.failed - before.failed },
        })
    }

    fn counted(&self, at: i64, failed: bool, traffic: &Traffic) -> Counts {
        let Some(piece) = self.piece(at) else { return Counts::NONE };
        let requests = piece.share * traffic.requests(piece.from, at);
        let errors = piece.behaviour.errors;
        if failed {
            piece.failed.plus(requests * errors, &piece.behaviour)
        } else {
            piece.well.plus(requests * (1.0 - errors), &piece.behaviour)
        }
    }

    fn piece(&self, at: i64) -> Option<&Piece> {
        let after = self.pieces.partition_point(|piece| piece.from <= at);
        self.pieces.get(after.checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::behaviour::Durations;
    use super::*;

    fn load(share: f64, errors: f64) -> Load {
        let behaviour = Behaviour { errors, durations: Arc::new(Durations::new(0.2)), saturation: None };
        Load { share, fairness: 1.0, behaviour: Arc::new(behaviour) }
    }

    #[test]
    fn counters_go_on_where_the_load_changes() {
        let traffic = Traffic::new(100.0, 3);
        let mut pod = Pod::new("web-1", "abc", "10.0.0.1:8080", 0);
        let start = 1_767_600_000_000;
        pod.go_on(start, Track::Canary, &load(0.1, 0.0), &traffic);
        pod.go_on(start + 60_000, Track::Canary, &load(0.5, 0.2), &traffic);
        let all = BUCKETS - 1;
        assert_eq!(pod.bucket(start - 1, all, &traffic), None);
        let before = pod.bucket(start + 60_000, all, &traffic).unwrap();
        let wanted = 0.1 * traffic.requests(start, start + 60_000);
        assert!((before.well - wanted).abs() < 1e-6 && before.failed == 0.0, "{before:?} {wanted}");
        let after = pod.bucket(start + 120_000, all, &traffic).unwrap();
        let more = 0.5 * traffic.requests(start + 60_000, start + 120_000);
        assert!((after.failed - 0.2 * more).abs() < 1e-6 && (after.well - wanted - 0.8 * more).abs() < 1e-6, "{after:?}");
        assert!(pod.bucket(start + 120_000, 0, &traffic).unwrap().well < after.well);
        pod.resets.push(start + 90_000);
        let anew = pod.bucket(start + 120_000, all, &traffic).unwrap();
        assert!(anew.well < after.well && pod.began_anew(start + 80_000, start + 100_000));
    }
}
