//! What a metrics source says, as a test hears it: sources on a runtime of their own, and the newest of everything.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use pilothouse::config::metrics::{Address, Credentials, Prometheus};
use pilothouse::config::{Environment, Settings};
use pilothouse::domain::fact::{MetricsNews, News};
use pilothouse::domain::id::{EnvironmentId, Key, Kind};
use pilothouse::domain::signal::analysis_template::Understood;
use pilothouse::domain::signal::{Alerts, Fleet, Measured, MetricsLink, Recorded, Signal, Target, Track, Variables, preset};
use pilothouse::domain::slo::{BurnReading, Collector, Slo};
use pilothouse::source::{Clock, Mailbox, Order, Sources};
pub use pilothouse::wire::now;
use tokio::runtime::Runtime;

pub struct Ears {
    mailbox: Arc<Mailbox>,
    pub sources: Sources,
    pub heard: Heard,
    runtime: Option<Runtime>,
}

/// The newest of everything.
#[derive(Default)]
pub struct Heard {
    pub link: Option<MetricsLink>,
    pub links: Vec<MetricsLink>,
    pub fleets: BTreeMap<String, Arc<Fleet>>,
    pub measured: BTreeMap<String, Arc<Measured>>,
    pub alerts: Option<Alerts>,
    pub burns: BTreeMap<String, Arc<BurnReading>>,
    pub collector: Option<Collector>,
    pub recorded: Arc<[Recorded]>,
    pub templates: BTreeMap<String, Arc<Understood>>,
}

/// A server at this address, asked every second.
pub fn prometheus(url: &str) -> Prometheus {
    Prometheus {
        address: Address::Url(url.to_owned()),
        post: true,
        headers: BTreeMap::new(),
        parameters: BTreeMap::new(),
        credentials: Credentials::None,
        ca: None,
        identity: None,
        interval: SignedDuration::from_secs(1),
        timeout: SignedDuration::from_secs(1),
        stale_after: SignedDuration::from_secs(90),
        labels: ["namespace", "job", "track"].map(str::to_owned),
    }
}

/// An environment whose cluster is nowhere, with this server.
pub fn environment(prometheus: Prometheus, signals: &[Signal]) -> Environment {
    Environment {
        name: "prod".to_owned(),
        kubeconfig: vec!["/nowhere/kubeconfig".into()],
        prometheus: Some(Arc::new(prometheus)),
        signals: signals.into(),
        ..Environment::current()
    }
}

pub fn otel() -> Vec<Signal> {
    preset("otel", ["namespace", "job", "track"]).unwrap()
}

/// The signals that a configuration makes, for tests that write some.
pub fn signals(text: &str) -> Vec<Signal> {
    pilothouse::config::resolve::resolve(Path::new("test.toml"), text, None).unwrap().signals.to_vec()
}

/// A canary of the gateway beside its stable version, over ten minutes.
pub fn target(signals: &[Signal]) -> Target {
    let of = |track: Track, hash: &str| {
        let pairs =
            [("service", "gateway"), ("namespace", "shop"), ("workload", "gateway"), ("stable_hash", "old"), ("region", "")];
        let variables = pairs.into_iter().fold(Variables::default(), |all, (name, value)| all.with(name, value));
        (
            track,
            variables
                .with("pod_hash", hash)
                .with("track", track.name())
                .with("track_service", &format!("gateway-{}", track.name())),
        )
    };
    Target {
        key: Key::new(Kind::Rollout, "shop", "gateway"),
        uid: "u".into(),
        hash: "new".into(),
        signals: signals.into(),
        tracks: vec![of(Track::Canary, "new"), of(Track::Stable, "old")],
        span: 600,
        slo: false,
    }
}

impl Ears {
    pub fn on(environment: Environment, slo: Option<Slo>) -> Self {
        Self::with_clock(environment, slo, SignedDuration::ZERO)
    }

    /// With a clock that is ahead of this machine's.
    pub fn with_clock(environment: Environment, slo: Option<Slo>, ahead: SignedDuration) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mailbox = Arc::new(Mailbox::new(|| {}));
        let clock = Clock::new(move || now() + ahead);
        let settings = Settings { environments: vec![environment], slo, ..Settings::default() };
        let sources = Sources::start(&settings, &mailbox, &clock, runtime.handle());
        Self { mailbox, sources, heard: Heard::default(), runtime: Some(runtime) }
    }

    pub fn measure(&self, targets: Vec<Target>) {
        self.sources.order(Order::Measure { environment: EnvironmentId(0), targets });
    }

    pub fn reconnect(&self) {
        self.sources.order(Order::Reconnect(EnvironmentId(0)));
    }

    pub fn chart(&self, target: Target, span: (Timestamp, Timestamp, u32)) -> Result<Measured, String> {
        let (send, receive) = mpsc::channel();
        self.sources.chart(EnvironmentId(0), target, span, move |answer| send.send(answer).unwrap());
        receive.recv_timeout(Duration::from_secs(20)).expect("a chart is answered")
    }

    pub fn listen(&mut self) {
        for fact in self.mailbox.take(usize::MAX) {
            let News::Metrics(news) = fact.news else { continue };
            match news {
                MetricsNews::Link(link) => {
                    self.heard.links.push(link.clone());
                    self.heard.link = Some(link);
                }
                MetricsNews::Measured(measured) => {
                    self.heard.measured.insert(measured.key.name.to_string(), measured);
                }
                MetricsNews::Fleet(fleet) => {
                    self.heard.fleets.insert(fleet.signal.to_string(), fleet);
                }
                MetricsNews::Alerts(alerts) => self.heard.alerts = Some(alerts),
                MetricsNews::Burn(burn) => {
                    self.heard.burns.insert(burn.key.name.to_string(), burn);
                }
                MetricsNews::Collector(collector) => self.heard.collector = Some(collector),
                MetricsNews::Recorded(recorded) => self.heard.recorded = recorded,
                MetricsNews::Templates(key, understood) => {
                    self.heard.templates.insert(key.name.to_string(), understood);
                }
            }
        }
    }

    pub fn until(&mut self, within: Duration, what: &str, right: impl Fn(&Heard) -> bool) {
        let begun = Instant::now();
        loop {
            self.listen();
            if right(&self.heard) {
                return;
            }
            assert!(begun.elapsed() < within, "not heard within {within:?}: {what}; link: {:?}", self.heard.link);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn for_a_while(&mut self, time: Duration) {
        std::thread::sleep(time);
        self.listen();
    }
}

impl Heard {
    pub fn up(&self) -> bool {
        matches!(self.link, Some(MetricsLink::Up { .. }))
    }

    pub fn down(&self) -> Option<&str> {
        match &self.link {
            Some(MetricsLink::Down { reason, .. }) => Some(reason),
            _ => None,
        }
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
