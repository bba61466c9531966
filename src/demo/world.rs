//! The one world: a clock, the environments, and the loop that lets their controllers act. Every request goes through
//! here to the objects; nothing here waits while it holds them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};

use super::clock::Clock;
use super::crowd::Crowd;
use super::fault::Faults;
use super::metrics::{Metrics, Snapshot, Turn};
use super::requests::Requests;
use super::store::Store;
use super::{Environment, Knob, Reconcile, Resource};

/// A controller that wants to be called again at once is still let go on only this much later.
const LEAST_STEP: SignedDuration = SignedDuration::from_millis(10);
/// A watcher whose client does not read is waited for only so long.
const PATIENCE: Duration = Duration::from_secs(2);
/// Events are forgotten after this long, as in a real cluster.
const EVENTS_LIVE: SignedDuration = SignedDuration::from_hours(1);

/// The clock and all environments.
pub struct World {
    clock: Mutex<Clock>,
    /// Held by whoever lets time pass: the loop, or a request that moves the clock.
    driving: tokio::sync::Mutex<()>,
    changed: Notify,
    /// Milliseconds of the wall clock until the controllers see a change.
    lag: AtomicU64,
    /// The environments, in the order of the scenario.
    pub places: Vec<Place>,
}

/// One environment: its objects, and what is wrong with its API at the moment.
pub struct Place {
    /// Name of the environment.
    pub name: String,
    /// The bearer token of its API.
    pub token: String,
    /// Faults in force.
    pub faults: Faults,
    /// Its requests, counted.
    pub requests: Requests,
    /// How long its API is away, each time it is told.
    pub outage: watch::Sender<Duration>,
    /// The same three of its metrics' API.
    pub metrics: Door,
    /// Who watches it, and how far each has been told.
    pub watchers: Mutex<Vec<Weak<Told>>>,
    inhabitants: Mutex<Inhabitants>,
}

/// What is wrong with an API, and what it was asked.
#[derive(Debug)]
pub struct Door {
    /// Faults in force.
    pub faults: Faults,
    /// Its requests, counted.
    pub requests: Requests,
    /// How long it is away, each time it is told.
    pub outage: watch::Sender<Duration>,
}

impl Default for Door {
    fn default() -> Self {
        Self { faults: Faults::default(), requests: Requests::default(), outage: watch::Sender::new(Duration::ZERO) }
    }
}

/// How far a watcher has been told.
pub struct Told {
    /// The kind that it watches.
    pub resource: Resource,
    /// The version up to which everything has been handed to its connection.
    pub version: AtomicU64,
}

struct Inhabitants {
    store: Store,
    controller: Box<dyn Reconcile>,
    crowd: Crowd,
    metrics: Metrics,
    events_swept: Timestamp,
}

impl Inhabitants {
    /// Lets the metrics see what has become of the objects.
    fn measure(&mut self, now: Timestamp) {
        self.controller.take_told().into_iter().for_each(|turn| self.metrics.turn(turn, now));
        self.metrics.observe(&mut self.store);
    }
}

impl World {
    /// Puts environments under one clock.
    pub fn new(clock: Clock, environments: Vec<(Environment, Crowd)>, token: &str) -> Self {
        let now = clock.now();
        let place = |(environment, crowd): (Environment, Crowd)| Place {
            name: environment.name,
            token: token.to_owned(),
            faults: Faults::default(),
            requests: Requests::default(),
            outage: watch::Sender::new(Duration::ZERO),
            metrics: Door::default(),
            watchers: Mutex::default(),
            inhabitants: Mutex::new(Inhabitants {
                store: environment.store,
                controller: environment.controller,
                crowd,
                metrics: environment.metrics,
                events_swept: now,
            }),
        };
        let places = environments.into_iter().map(place).collect();
        Self {
            clock: Mutex::new(clock),
            driving: tokio::sync::Mutex::new(()),
            changed: Notify::new(),
            lag: AtomicU64::new(0),
            places,
        }
    }

    /// The world's time.
    pub fn now(&self) -> Timestamp {
        lock(&self.clock).now()
    }

    /// Looks at the objects of a place, or changes them; the controllers act on a change right afterwards.
    pub fn with<T>(&self, place: &Place, act: impl FnOnce(&mut Store) -> T) -> T {
        let now = self.now();
        let mut inhabitants = lock(&place.inhabitants);
        inhabitants.store.set_now(now);
        let answer = act(&mut inhabitants.store);
        if !inhabitants.store.is_settled() {
            self.changed.notify_one();
        }
        answer
    }

    /// What a gate of a place answers, if anybody ever said so.
    pub fn gate(&self, place: &Place, name: &str) -> Option<u16> {
        lock(&place.inhabitants).controller.gate(name)
    }

    /// Turns a knob of a place.
    pub fn turn(&self, place: &Place, knob: Knob) {
        lock(&place.inhabitants).controller.turn(knob);
    }

    /// The metrics of a place as they are now.
    pub fn metrics(&self, place: &Place) -> Snapshot {
        let now = self.now();
        let mut inhabitants = lock(&place.inhabitants);
        inhabitants.store.set_now(now);
        inhabitants.measure(now);
        inhabitants.metrics.snapshot(now)
    }

    /// How many milliseconds the clock of a place's metrics server is ahead of the world's.
    pub fn metrics_ahead(&self, place: &Place) -> i64 {
        lock(&place.inhabitants).metrics.ahead()
    }

    /// Tells the metrics of a place something that no object says.
    pub fn tell_metrics(&self, place: &Place, turn: Turn) {
        let now = self.now();
        let mut inhabitants = lock(&place.inhabitants);
        inhabitants.store.set_now(now);
        inhabitants.measure(now);
        inhabitants.metrics.turn(turn, now);
    }

    /// Lets `step` pass, and returns when everything that follows has happened and the watchers have been told of it.
    pub async fn advance(&self, step: Duration) {
        let driving = self.driving.lock().await;
        self.pass(step);
        drop(driving);
        let patience = tokio::time::Instant::now() + PATIENCE;
        while self.places.iter().any(is_behind) && tokio::time::Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// As [`World::advance`], before the loop runs.
    pub fn pass(&self, step: Duration) {
        let target = self.now() + SignedDuration::try_from(step).unwrap_or(SignedDuration::ZERO);
        loop {
            let wake = self.settle();
            let now = self.now();
            if now >= target {
                break;
            }
            let next = wake.map_or(target, |wake| wake.max(now + LEAST_STEP).min(target));
            lock(&self.clock).set(next);
        }
    }

    /// Lets the controllers see changes only after a while of the wall clock, as real ones do. What moves the clock does not
    /// wait for that.
    pub fn lag_by(&self, lag: Duration) {
        self.lag.store(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Lets the clock go on from where it is at another speed.
    pub fn run_at(&self, speed: f64) {
        let mut clock = lock(&self.clock);
        *clock = Clock::new(clock.now(), speed);
    }

    /// The world's loop: lets the controllers act on changes and when their time has come. Never returns.
    pub async fn run(&self) {
        loop {
            let wake = {
                let _driving = self.driving.lock().await;
                self.settle().and_then(|wake| lock(&self.clock).wait_for(wake))
            };
            let rest = async {
                match wake {
                    Some(wait) => tokio::time::sleep(wait.max(Duration::from_millis(1))).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.changed.notified() => tokio::time::sleep(Duration::from_millis(self.lag.load(Ordering::Relaxed))).await,
                () = rest => {}
            }
        }
    }

    /// Lets `count` rollouts of the crowd of each place change.
    pub fn churn(&self, count: usize) {
        let now = self.now();
        for place in &self.places {
            let mut inhabitants = lock(&place.inhabitants);
            let Inhabitants { store, crowd, .. } = &mut *inhabitants;
            store.set_now(now);
            crowd.change(store, count);
            inhabitants.measure(now);
        }
    }

    /// The time at which some controller wants to act next.
    fn settle(&self) -> Option<Timestamp> {
        let now = self.now();
        let settle = |place: &Place| {
            let mut inhabitants = lock(&place.inhabitants);
            let Inhabitants { store, controller, events_swept, .. } = &mut *inhabitants;
            store.set_now(now);
            if now.duration_since(*events_swept) > SignedDuration::from_mins(1) {
                *events_swept = now;
                store.expire_events(now - EVENTS_LIVE);
            }
            let wake = controller.settle(store, now);
            inhabitants.measure(now);
            wake
        };
        self.places.iter().filter_map(settle).min()
    }
}

/// Some watcher has not been told everything yet.
fn is_behind(place: &Place) -> bool {
    let mut watchers = lock(&place.watchers);
    watchers.retain(|watcher| watcher.strong_count() > 0);
    let told: Vec<_> = watchers.iter().filter_map(Weak::upgrade).collect();
    drop(watchers);
    let store = &lock(&place.inhabitants).store;
    told.iter().any(|told| told.version.load(Ordering::Relaxed) < store.history(told.resource).latest())
}

/// A panic of one request must not take the world with it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
