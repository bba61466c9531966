//! Whether a server is there: the smallest list, every few seconds. Also finds what no watch can tell by itself: that a permission is
//! gone although the watch stays open, and that a watch has fallen silent.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::DATE;
use http::{HeaderMap, Response};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use kube::client::Body;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::exchange::{ask, read};
use super::fault::{Cause, Fault};
use super::known::fingerprint;
use super::link::{Link, sample};
use super::scope::Place;
use crate::domain::fact::{Health, Link as State, News};
use crate::domain::id::Kind;
use crate::source::{Clock, Wish};

/// How long an answer may take.
pub const PATIENCE: Duration = Duration::from_secs(3);
/// Between two beats while the server is there.
const CALM: Duration = Duration::from_secs(4);
/// Between two beats while it is not.
const ANXIOUS: Duration = Duration::from_secs(1);
/// How long a change may be in flight before a watch that has not told it counts as silent.
const IN_FLIGHT: Duration = Duration::from_secs(2);
/// Between two beats when everything calls at once.
const SHORTEST: Duration = Duration::from_millis(300);
/// A server's wish to be left alone is granted up to this.
const LONGEST_PEACE: Duration = Duration::from_secs(30);

/// The heartbeat of one connection.
pub struct Pulse {
    link: Arc<Link>,
    clock: Clock,
    wish: watch::Receiver<Wish>,
    /// What is read whole; the first is what the heartbeat lists.
    places: Vec<Place>,
    /// What each place answered last.
    answers: HashMap<Place, Option<Cause>>,
    up: bool,
    skew: Skew,
    /// Counts beats, to take turns.
    beats: usize,
    suspicion: Option<Suspicion>,
}

/// What a beat asks for: the first object of a place, or one by its name.
type Target = (Place, Option<Arc<str>>);

/// A server has an object in another version than the watch has told: that may be in flight, so it is asked once more.
struct Suspicion {
    target: Target,
    name: (Arc<str>, Arc<str>),
    /// What the watch had told then.
    told: Option<u32>,
}

/// A list of metadata, as far as it is looked at.
#[derive(Deserialize)]
struct Sample {
    #[serde(default)]
    items: Option<Vec<serde_json::Value>>,
}

#[derive(Deserialize)]
struct SampleItem {
    metadata: SampleMeta,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SampleMeta {
    name: Arc<str>,
    namespace: Arc<str>,
    resource_version: String,
}

impl Pulse {
    /// The heartbeat of a connection that reads these places.
    pub fn new(link: Arc<Link>, clock: Clock, wish: watch::Receiver<Wish>, places: Vec<Place>) -> Self {
        let (answers, skew, beats) = (HashMap::new(), Skew::default(), 0);
        Self { link, clock, wish, places, answers, up: false, skew, beats, suspicion: None }
    }

    /// Beats until it is dropped.
    pub async fn run(mut self) {
        loop {
            let pause = self.beat().await;
            sleep(SHORTEST.min(pause)).await;
            tokio::select! {
                () = sleep(pause.saturating_sub(SHORTEST)) => {}
                () = self.link.alarm.notified() => {}
            }
        }
    }

    /// One beat; gives the wait until the next.
    async fn beat(&mut self) -> Duration {
        self.beats += 1;
        let Some((place, name)) = self.target() else { return CALM };
        let asked = Instant::now();
        let answer = self.ask(&place, name.as_deref()).await;
        let millis = u32::try_from(asked.elapsed().as_millis()).unwrap_or(u32::MAX);
        let cause = answer.as_ref().err().map(|fault| fault.cause);
        if cause == Some(Cause::Unauthorized) || cause == Some(Cause::Credentials) {
            self.link.rejected.notify_one();
        }
        let (state, pause) = match &answer {
            // A refusal is an answer: the server is there.
            Ok(_) | Err(Fault { cause: Cause::Forbidden | Cause::Missing, .. }) => (State::Up { millis }, CALM),
            Err(fault) => {
                (State::Down { reason: fault.line() }, fault.wait.map_or(ANXIOUS, |wait| wait.clamp(ANXIOUS, LONGEST_PEACE)))
            }
        };
        let up = matches!(state, State::Up { .. });
        let back = up && !self.up && self.beats > 1;
        self.up = up;
        self.link.post.put(News::Health(Health { at: self.clock.now(), state, clock_skew_ms: self.skew.millis() }));
        if !up {
            self.suspicion = None;
            return pause;
        }
        let silent = answer.is_ok_and(|sample| self.is_silent(sample, (place.clone(), name.clone())));
        let changed = name.is_none() && self.answers.insert(place.clone(), cause).is_some_and(|before| before != cause);
        let changed_elsewhere = self.look_elsewhere(&place).await;
        if silent {
            tracing::warn!("a watch has fallen silent; everything is listed again");
            self.link.list_again();
        } else if back || changed || changed_elsewhere {
            self.link.kick();
        }
        if self.suspicion.is_some() { IN_FLIGHT } else { pause }
    }

    /// What to ask for: what is suspicious, otherwise in turns the first Rollout of all, and each of those that are looked at.
    fn target(&self) -> Option<Target> {
        if let Some(suspicion) = &self.suspicion {
            return Some(suspicion.target.clone());
        }
        let mut place = self.places.first()?.clone();
        if place.namespace.is_none() {
            place.namespace = self.link.narrowed();
        }
        let wish = self.wish.borrow();
        let subjects: Vec<_> = wish.subjects.iter().filter(|subject| subject.key.kind == Kind::Rollout).collect();
        let turn = self.beats % (subjects.len() + 1);
        Some(match turn.checked_sub(1).and_then(|turn| subjects.get(turn)) {
            Some(subject) => {
                place.namespace = Some(subject.key.namespace.clone());
                (place, Some(subject.key.name.clone()))
            }
            None => (place, None),
        })
    }

    async fn ask(&mut self, place: &Place, name: Option<&str>) -> Result<Sample, Fault> {
        let request = sample(place, name)?;
        let sent = self.clock.now();
        let whole = async {
            let response = ask(&self.link.client, request, PATIENCE).await?;
            let date = date_of(&response);
            Ok((date, read(response).await?))
        };
        let (date, body) = timeout(PATIENCE, whole).await.map_err(|_| Fault::silent(PATIENCE))??;
        if let Some(date) = date {
            self.skew.learn(sent, self.clock.now(), date);
        }
        serde_json::from_slice(&body).map_err(|_| Fault::new(Cause::Garbled, "it answers, but not as Kubernetes does"))
    }

    /// Whether a watch has fallen silent: twice in a row it did not know what the server has, and told nothing in between.
    fn is_silent(&mut self, sample: Sample, target: Target) -> bool {
        let before = self.suspicion.take();
        let (place, name) = &target;
        if !self.link.readings.settled(place.kind) {
            return false;
        }
        let item = sample.items.unwrap_or_default().into_iter().next();
        // An odd one is nothing to compare with.
        let Ok(item) = item.map(SampleItem::deserialize).transpose() else { return false };
        let (name, version) = match (item, name, &place.namespace) {
            (Some(SampleItem { metadata }), _, _) => ((metadata.namespace, metadata.name), Some(metadata.resource_version)),
            (None, Some(name), Some(namespace)) => ((namespace.clone(), name.clone()), None),
            _ => return false,
        };
        let told = self.link.registry.told(place.kind, &name);
        if told == version.as_deref().map(fingerprint) {
            return false;
        }
        let silent = before.is_some_and(|before| before.name == name && before.told == told);
        self.suspicion = Some(Suspicion { target, name, told }).filter(|_| !silent);
        silent
    }

    /// Asks one of the other places, in turns, whether it may still be read, or may be read by now. Whether that has changed.
    async fn look_elsewhere(&mut self, except: &Place) -> bool {
        let others: Vec<&Place> = self.places.iter().filter(|place| *place != except && place.kind != Kind::Rollout).collect();
        let Some(place) = others.get(self.beats % others.len().max(1)).map(|place| (*place).clone()) else { return false };
        let answer = match self.ask(&place, None).await {
            Ok(_) => None,
            Err(fault) if matches!(fault.cause, Cause::Forbidden | Cause::Missing) => Some(fault.cause),
            Err(_) => return false,
        };
        self.answers.insert(place, answer).is_some_and(|before| before != answer)
    }
}

/// The time at which a server says it answered.
pub fn date_of(response: &Response<Body>) -> Option<Timestamp> {
    let headers: &HeaderMap = response.headers();
    let date = headers.get(DATE)?.to_str().ok()?;
    rfc2822::DateTimeParser::new().parse_timestamp(date).ok()
}

/// How far a server's clock is ahead. A `Date` is cut to whole seconds, so each answer only bounds it; many together bound it closely.
#[derive(Clone, Copy, Debug, Default)]
pub struct Skew(Option<(i64, i64)>);

impl Skew {
    /// A server said `date` between two moments of our clock.
    pub fn learn(&mut self, sent: Timestamp, received: Timestamp, date: Timestamp) {
        let date = date.as_millisecond();
        let new = (date - received.as_millisecond(), date + 1000 - sent.as_millisecond());
        let both = self.0.map(|old| (old.0.max(new.0), old.1.min(new.1)));
        // Where they contradict each other, one of the clocks was set.
        self.0 = both.filter(|(least, most)| least <= most).or(Some(new));
    }

    /// Milliseconds; 0 where both clocks may well be alike.
    pub fn millis(&self) -> i64 {
        match self.0 {
            Some((least, most)) if least > 0 || most < 0 => i64::midpoint(least, most),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
    }

    #[test]
    fn skew_is_bounded_more_closely_by_every_answer() {
        let mut skew = Skew::default();
        for (sent, server) in [(0, 7_300), (450, 7_750), (980, 8_280), (5_650, 12_950)] {
            skew.learn(at(sent), at(sent + 20), at(server / 1000 * 1000));
        }
        assert!((skew.millis() - 7_300).abs() < 250, "{}", skew.millis());
        skew.learn(at(9_000), at(9_020), at(9_000));
        assert_eq!(skew.millis(), 0, "the clock was set");
    }

    #[test]
    fn dates_are_read_as_http_writes_them() {
        let response = Response::builder().header(DATE, "Tue, 24 Nov 2026 01:22:23 GMT").body(Body::empty()).unwrap();
        assert_eq!(date_of(&response).unwrap().to_string(), "2026-11-24T01:22:23Z");
    }
}
