//! The program's eyes in a test: real sources over the real wire, and everything they said, as a core would keep it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use pilothouse::config::{Environment, Namespaces, Settings, StartScreen, Tier, Ui, Write};
use pilothouse::domain::fact::{Health, Link, News, Object, Reading};
use pilothouse::domain::id::{EnvironmentId, Key, Kind};
use pilothouse::source::{Order, Subject};
use pilothouse::wire::{self, Running};

/// What is known of one environment.
#[derive(Debug, Default)]
pub struct Seen {
    pub objects: BTreeMap<Key, Object>,
    pub readings: BTreeMap<Kind, Reading>,
    pub health: Option<Health>,
    /// Everything that was gone, in order.
    pub gone: Vec<Key>,
    pub epoch: u32,
}

impl Seen {
    pub fn names(&self, kind: Kind, namespace: &str) -> Vec<&str> {
        let here = self.objects.keys().filter(|key| key.kind == kind && &*key.namespace == namespace);
        here.map(|key| &*key.name).collect()
    }

    /// Namespace and name, and resource version, in order.
    pub fn versions(&self, kind: Kind) -> Vec<(String, String)> {
        let all = self.objects.iter().filter(|(key, _)| key.kind == kind);
        all.map(|(key, object)| (key.to_string(), object.meta().resource_version.to_string())).collect()
    }

    pub fn count(&self, kind: Kind) -> usize {
        self.objects.keys().filter(|key| key.kind == kind).count()
    }

    pub fn has(&self, kind: Kind, namespace: &str, name: &str) -> bool {
        self.objects.contains_key(&Key::new(kind, namespace, name))
    }

    pub fn replicas(&self, namespace: &str, name: &str) -> Option<i64> {
        match self.objects.get(&Key::new(Kind::Rollout, namespace, name)) {
            Some(Object::Rollout(rollout)) => rollout.spec.replicas,
            _ => None,
        }
    }

    pub fn odd(&self, namespace: &str, name: &str) -> Option<&str> {
        match self.objects.get(&Key::new(Kind::Rollout, namespace, name)) {
            Some(Object::Rollout(rollout)) => rollout.odd.as_deref(),
            _ => None,
        }
    }

    pub fn is(&self, kind: Kind, reading: &Reading) -> bool {
        self.readings.get(&kind) == Some(reading)
    }

    pub fn live(&self, kind: Kind) -> bool {
        self.is(kind, &Reading::Live)
    }

    pub fn denied(&self, kind: Kind) -> Option<&str> {
        match self.readings.get(&kind) {
            Some(Reading::Denied(text)) => Some(text),
            _ => None,
        }
    }

    pub fn failing(&self, kind: Kind) -> Option<&str> {
        match self.readings.get(&kind) {
            Some(Reading::Failing(text)) => Some(text),
            _ => None,
        }
    }

    pub fn up(&self) -> bool {
        matches!(self.health.as_ref().map(|health| &health.state), Some(Link::Up { .. }))
    }

    pub fn down(&self) -> Option<&str> {
        match self.health.as_ref().map(|health| &health.state) {
            Some(Link::Down { reason }) => Some(reason),
            _ => None,
        }
    }
}

pub struct Eyes {
    running: Running,
    wakes: Receiver<()>,
    seen: Vec<Seen>,
}

impl Eyes {
    pub fn open(environments: Vec<Environment>) -> Self {
        let ui = Ui {
            theme: "dark".into(),
            keymap: "default".into(),
            ascii: false,
            mouse: false,
            reduced_motion: true,
            start_screen: StartScreen::Bridge,
            bell: false,
        };
        let seen = environments.iter().map(|_| Seen::default()).collect();
        let settings = Settings { ui, environments, ..Settings::default() };
        let (wake, wakes) = channel();
        let running = wire::start(&settings, move || {
            let _ = wake.send(());
        })
        .unwrap();
        Self { running, wakes, seen }
    }

    /// Eyes on one environment: all namespaces of a kubeconfig's context.
    pub fn on(kubeconfig: &Path, context: Option<&str>) -> Self {
        Self::open(vec![environment(kubeconfig, context, Namespaces::All)])
    }

    pub fn seen(&self) -> &Seen {
        &self.seen[0]
    }

    pub fn look(&self, subjects: Vec<Subject>) {
        self.running.order(Order::Look { environment: EnvironmentId(0), subjects });
    }

    pub fn reconnect(&self) {
        self.running.order(Order::Reconnect(EnvironmentId(0)));
    }

    /// Takes in what has been said, for that long.
    pub fn watch(&mut self, time: Duration) {
        let begun = Instant::now();
        while let Some(left) = time.checked_sub(begun.elapsed()) {
            self.take_in();
            let _ = self.wakes.recv_timeout(left.min(Duration::from_millis(50)));
        }
    }

    /// Takes in what is said until it fits; gives how long that took.
    pub fn until(&mut self, limit: Duration, what: &str, fits: impl Fn(&Seen) -> bool) -> Duration {
        self.until_in(0, limit, what, fits)
    }

    pub fn until_in(&mut self, environment: usize, limit: Duration, what: &str, fits: impl Fn(&Seen) -> bool) -> Duration {
        let begun = Instant::now();
        loop {
            self.take_in();
            if fits(&self.seen[environment]) {
                return begun.elapsed();
            }
            assert!(begun.elapsed() < limit * patience(), "not within {limit:?}: {what}; {}", self.summary(environment));
            let _ = self.wakes.recv_timeout(Duration::from_millis(20));
        }
    }

    /// Takes in what is said for that long, while it always fits.
    pub fn always(&mut self, time: Duration, what: &str, fits: impl Fn(&Seen) -> bool) {
        let begun = Instant::now();
        while begun.elapsed() < time {
            self.take_in();
            assert!(fits(self.seen()), "no longer: {what}; {}", self.summary(0));
            let _ = self.wakes.recv_timeout(Duration::from_millis(20));
        }
    }

    fn summary(&self, environment: usize) -> String {
        let seen = &self.seen[environment];
        let names: Vec<String> = seen.objects.keys().take(30).map(|key| format!("{} {key}", key.kind)).collect();
        format!("{:?}, {:?}, {} objects: {names:?}", seen.health, seen.readings, seen.objects.len())
    }

    fn take_in(&mut self) {
        loop {
            let facts = self.running.mailbox.take(64);
            if facts.is_empty() {
                return;
            }
            for fact in facts {
                let seen = &mut self.seen[usize::from(fact.environment.0)];
                assert!(fact.epoch >= seen.epoch, "an older connection speaks");
                seen.epoch = fact.epoch;
                match fact.news {
                    News::Is(object) => drop(seen.objects.insert(object.key(), object)),
                    News::Gone(key) => {
                        seen.objects.remove(&key);
                        seen.gone.push(key);
                    }
                    News::Reading(kind, reading) => drop(seen.readings.insert(kind, reading)),
                    News::Health(health) => seen.health = Some(health),
                    News::Metrics(_) => {}
                }
            }
        }
    }
}

pub fn environment(kubeconfig: &Path, context: Option<&str>, namespaces: Namespaces) -> Environment {
    Environment {
        name: "test".into(),
        context: context.map(str::to_owned),
        kubeconfig: vec![kubeconfig.to_owned()],
        namespaces,
        tier: Tier::Dev,
        write: Write::Never,
        ..Environment::current()
    }
}

/// Limits in tests are those of the product; a machine that is busy with other things may take a multiple of them.
fn patience() -> u32 {
    std::env::var("PILOTHOUSE_TEST_PATIENCE").ok().and_then(|text| text.parse().ok()).unwrap_or(2)
}
