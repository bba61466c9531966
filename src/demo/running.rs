//! A world at work: its threads, its ports, and the files by which clients find it. All of it ends with [`Running`].

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::clock::Clock;
use super::crowd::Crowd;
use super::prometheus::Metrics;
use super::server::port::{bind, serve};
use super::server::{self, Api};
use super::world::{Place, World};
use super::{Environment, Options, Scenario, scenario};

/// How often the crowd changes.
const CHURN: Duration = Duration::from_millis(20);
/// In the scenarios of outages: how long the API is there, and how long it is away.
const OUTAGE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(20));

/// Why a world did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No threads, or no port.
    #[error("the world cannot listen on 127.0.0.1 port {port}: {source}")]
    Listen {
        /// The port that was asked for; 0 for any.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
    /// No random token.
    #[error("the system gives no random numbers for the world's token: {0}")]
    Random(getrandom::Error),
}

/// A world that serves requests until it is dropped.
pub struct Running {
    /// The names of the environments, which are those of the kubeconfig's contexts.
    pub environments: Vec<String>,
    /// The URL of each environment's API.
    pub urls: Vec<String>,
    /// The URL of each environment's Prometheus.
    pub prometheus_urls: Vec<String>,
    /// The bearer token that every API of Kubernetes wants.
    pub token: String,
    world: Arc<World>,
    runtime: Option<Runtime>,
}

/// The files of a world, in a folder of their own that goes with them.
pub struct Files {
    folder: tempfile::TempDir,
}

/// Starts a world on threads of its own, wherever it is called from. It has run for `options.at` when this returns.
///
/// # Errors
/// When the ports are taken.
pub fn start(options: &Options) -> Result<Running, Error> {
    let at = SignedDuration::try_from(options.at).unwrap_or(SignedDuration::ZERO);
    let origin = options.origin.unwrap_or_else(|| wall_clock() - at);
    let token = token()?;
    let environments = settled(options, origin);
    let names: Vec<String> = environments.iter().map(|(environment, _)| environment.name.clone()).collect();
    // The clock stands while the past is made up, which may take longer than it lasted.
    let world = World::new(Clock::new(origin, 0.0), environments, &token);
    world.pass(options.at);
    world.run_at(options.speed);
    let world = Arc::new(world);
    let failed = |source| Error::Listen { port: options.port, source };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("world").enable_all().build().map_err(failed)?;
    let count = world.places.len();
    let open = |number: usize| {
        let offset = u16::try_from(number).unwrap_or_default();
        let port = if options.port == 0 { 0 } else { options.port.saturating_add(offset) };
        let listener = runtime.block_on(bind(port)).map_err(|source| Error::Listen { port, source })?;
        let url = format!("http://{}", listener.local_addr().map_err(failed)?);
        Ok((listener, url))
    };
    let (mut urls, mut prometheus_urls) = (Vec::new(), Vec::new());
    for index in 0..count {
        let (listener, url) = open(index)?;
        urls.push(url);
        runtime.spawn(serve(Arc::new(Api::new(world.clone(), index)), listener));
    }
    for index in 0..count {
        let (listener, url) = open(count + index)?;
        prometheus_urls.push(url);
        runtime.spawn(serve(Arc::new(Metrics { world: world.clone(), index, since: origin }), listener));
    }
    let looped = world.clone();
    runtime.spawn(async move { looped.run().await });
    if options.churn > 0 {
        runtime.spawn(churn(world.clone(), options.churn));
    }
    match options.scenario {
        Scenario::Outage => drop(runtime.spawn(outages(world.clone(), |place| &place.outage))),
        Scenario::MetricsOutage => drop(runtime.spawn(outages(world.clone(), |place| &place.metrics.outage))),
        _ => {}
    }
    Ok(Running { environments: names, urls, prometheus_urls, token, world, runtime: Some(runtime) })
}

impl Running {
    /// The world's time.
    pub fn now(&self) -> Timestamp {
        self.world.now()
    }

    /// Lets world time pass, and returns when everything that follows has happened. Blocks: not for async code, which
    /// posts to `/_world/advance`.
    pub fn advance(&self, step: Duration) {
        if let Some(runtime) = &self.runtime {
            runtime.block_on(self.world.advance(step));
        }
    }

    /// A kubeconfig with one context for each environment; the last one is the current.
    pub fn kubeconfig(&self) -> String {
        let each = || self.environments.iter().zip(&self.urls);
        // kubectl keeps tokens to itself on plain HTTP, so the URL carries it too.
        let server = |url: &str| format!("{url}{}{}", server::TOKEN_IN_PATH, self.token);
        let clusters: Vec<_> = each().map(|(name, url)| json!({ "name": name, "cluster": { "server": server(url) } })).collect();
        let contexts: Vec<_> = self
            .environments
            .iter()
            .map(|name| json!({ "name": name, "context": { "cluster": name, "user": "captain" } }))
            .collect();
        let user = json!({ "name": "captain", "user": { "token": self.token } });
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "clusters": clusters, "contexts": contexts, "users": [user],
            "current-context": self.environments.last(),
        });
        // JSON is YAML, and every client of Kubernetes reads it.
        format!("{config:#}\n")
    }

    /// A configuration of Pilothouse with these environments, read from a kubeconfig that was written there.
    pub fn config(&self, kubeconfig: &Path) -> String {
        let kubeconfig = json!(kubeconfig.to_string_lossy());
        let one = |(name, metrics): (&String, &String)| {
            let tier = if name.starts_with("prod") { "prod" } else { "stage" };
            format!(
                "[[environment]]\nname = \"{name}\"\ncontext = \"{name}\"\nkubeconfig = {kubeconfig}\ntier = \"{tier}\"\nnamespaces = \"all\"\n\
                 prometheus = {{ url = \"{metrics}\" }}\n"
            )
        };
        let environments: Vec<_> = self.environments.iter().zip(&self.prometheus_urls).map(one).collect();
        // The limit of latency is that of the analyses that the world's rollouts have. Its steps are short, so that what is judged has to
        // look back less far than it usually does, or it would always be too early.
        let signal = |(name, more): (&str, &str)| format!("[[signal]]\nname = \"{name}\"\nwindow = \"30s\"\n{more}\n");
        let signals: String = [("p95", "threshold = 0.5\n"), ("errors", "threshold = 0.02\n"), ("saturation", ""), ("traffic", "")]
            .map(signal)
            .concat();
        let signals = format!("[prometheus]\npreset = \"otel\"\ninterval = \"5s\"\n\n{signals}[slo]\nobjective = 0.99\n\n");
        format!("{signals}{}", environments.join("\n"))
    }

    /// Writes both to files that only this user can read.
    ///
    /// # Errors
    /// When the temporary folder cannot be written.
    pub fn write_files(&self) -> io::Result<Files> {
        // A temporary folder is made for its owner alone.
        let files = Files { folder: tempfile::Builder::new().prefix("pilothouse-demo-").tempdir()? };
        write_private(&files.kubeconfig(), &self.kubeconfig())?;
        write_private(&files.config(), &self.config(&files.kubeconfig()))?;
        Ok(files)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Files {
    /// The folder itself.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Path of the kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// Path of the configuration.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// The environments, with the crowd in the last of them.
fn settled(options: &Options, now: Timestamp) -> Vec<(Environment, Crowd)> {
    let environments = scenario::build(options, now);
    let last = environments.len();
    let settle = |(index, mut environment): (usize, Environment)| {
        let size = if index + 1 == last { options.rollouts } else { 0 };
        let seed = options.seed ^ (index as u64 + 1) << 32;
        let crowd = Crowd::settle_in(&mut environment.store, seed, size, options.replica_sets);
        (environment, crowd)
    };
    environments.into_iter().enumerate().map(settle).collect()
}

async fn churn(world: Arc<World>, per_second: u32) {
    let mut owed = 0.0;
    let mut ticks = tokio::time::interval(CHURN);
    loop {
        ticks.tick().await;
        owed += f64::from(per_second) * CHURN.as_secs_f64();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand at most, never negative")]
        let due = owed as usize;
        owed -= f64::from(u32::try_from(due).unwrap_or_default());
        world.churn(due);
    }
}

/// One of the APIs of the last environment is away again and again.
async fn outages(world: Arc<World>, door: fn(&Place) -> &watch::Sender<Duration>) {
    loop {
        tokio::time::sleep(OUTAGE.0).await;
        if let Some(place) = world.places.last() {
            door(place).send_replace(OUTAGE.1);
        }
        tokio::time::sleep(OUTAGE.1).await;
    }
}

fn token() -> Result<String, Error> {
    let mut bytes = [0_u8; 20];
    getrandom::fill(&mut bytes).map_err(Error::Random)?;
    let digit = |value: u8| char::from_digit(u32::from(value), 16);
    Ok(bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(digit).collect())
}

fn wall_clock() -> Timestamp {
    #[expect(
        clippy::disallowed_methods,
        reason = "the world's origin, so that its ages look right; everything else reads its clock"
    )]
    Timestamp::now()
}
