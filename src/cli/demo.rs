//! `pilothouse demo`: the cockpit on an embedded world, or that world alone for other clients. Both run on the same
//! servers and files; nothing of the demo reaches into the cockpit.

use std::io::Write;
use std::time::Duration;

use serde_json::json;

use super::{Common, Exit, Failure, cockpit};
use crate::config::{Files, Settings, Tier};
use crate::demo::{self, Options, Running, Scenario};
use crate::tui;

const EXAMPLES: &str = "Examples:
  pilothouse demo                                     the cockpit on a canary in the middle of its steps
  pilothouse demo --scenario stuck --speed 10         an image that cannot be pulled, ten times as fast
  pilothouse demo --serve                             a Kubernetes API and a Prometheus; prints where they are
  pilothouse demo --serve --rollouts 10000 --churn 1000";

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// What goes on in the world
    #[arg(long, value_enum, default_value_t, value_name = "NAME")]
    pub scenario: Scenario,
    /// The same seed makes the same world
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// How fast the world's clock runs; 0 stops it, then only POST /_world/advance?seconds=N moves it
    #[arg(long, default_value_t = 1.0, value_name = "X", value_parser = speed)]
    pub speed: f64,
    /// How much of its story the world has behind it when it starts, in seconds
    #[arg(long, default_value_t = 0.0, value_name = "SECONDS", value_parser = seconds)]
    pub at: f64,
    /// That many more rollouts in prod, which no controller looks after
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub rollouts: usize,
    /// How many ReplicaSets each of those has
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub replicasets: usize,
    /// How many changes a second those see
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u32).range(..=100_000))]
    pub churn: u32,
    /// Only serve, without a terminal, until interrupted; prints one JSON line that says where
    #[arg(long)]
    pub serve: bool,
    /// Port on 127.0.0.1 of the first environment, the next has the next one, then come those of metrics; 0 takes free ones
    #[arg(long, default_value_t = 0, value_name = "P", requires = "serve")]
    pub port: u16,
}

impl Arguments {
    /// The world that was asked for.
    pub fn options(&self) -> Options {
        Options {
            scenario: self.scenario,
            seed: self.seed,
            speed: self.speed,
            origin: None,
            at: Duration::from_secs_f64(self.at),
            rollouts: self.rollouts,
            replica_sets: self.replicasets,
            churn: self.churn,
            port: self.port,
        }
    }
}

/// Starts the world, and the cockpit on it or the line that says where it is.
pub fn run(arguments: &Arguments, common: &Common) -> Result<Exit, Failure> {
    if !arguments.serve {
        tui::check_terminal().map_err(|error| Failure::Usage(error.to_string()))?;
    }
    let world = demo::start(&arguments.options()).map_err(|error| Failure::Refused(format!("The demo did not start: {error}.")))?;
    let files = world.write_files()?;
    if arguments.serve {
        return serve(&world, &files);
    }
    cockpit::open(&settings(&files, common)?, common)
}

/// The world's environments, production first on the screen, with the user's own looks and keys.
fn settings(files: &demo::Files, common: &Common) -> Result<Settings, Failure> {
    let mut settings = Files::find(Some(&files.config()))?.settings()?;
    settings.ui = common.files()?.settings()?.ui;
    // What is done in a demo is no part of the user's own record, and goes with its world.
    (settings.demo, settings.state) = (true, files.folder().join("state"));
    let dearest = settings.environments.iter().position(|environment| environment.tier == Tier::Prod);
    settings.start_environment = dearest.unwrap_or_default();
    common.chosen(settings)
}

/// Prints the line, and serves until somebody interrupts. The files go with `files`.
fn serve(world: &Running, files: &demo::Files) -> Result<Exit, Failure> {
    let interrupted = interruption()?;
    let each = |urls: &[String]| -> serde_json::Map<_, _> {
        world.environments.iter().zip(urls).map(|(name, url)| (name.clone(), url.clone().into())).collect()
    };
    let line = json!({
        "version": 1, "kubeconfig": files.kubeconfig(), "kubernetes": each(&world.urls), "prometheus": each(&world.prometheus_urls),
        "token": world.token, "config": files.config(),
    });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    drop(out);
    interrupted.wait()?;
    Ok(Exit::Done)
}

/// Waits for SIGINT, SIGTERM or SIGHUP; listens from the moment it is made.
struct Interruption {
    runtime: tokio::runtime::Runtime,
    told: tokio::sync::oneshot::Receiver<()>,
}

fn interruption() -> std::io::Result<Interruption> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (tell, told) = tokio::sync::oneshot::channel();
    let (mut interrupt, mut terminate, mut hang_up) = {
        let _entered = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?)
    };
    runtime.spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
        // The receiver lives until it is told.
        let _ = tell.send(());
    });
    Ok(Interruption { runtime, told })
}

impl Interruption {
    fn wait(self) -> std::io::Result<()> {
        self.runtime.block_on(self.told).map_err(std::io::Error::other)
    }
}

fn speed(text: &str) -> Result<f64, String> {
    number(text, 0.0..=1000.0)
}

fn seconds(text: &str) -> Result<f64, String> {
    number(text, 0.0..=86_400.0)
}

fn number(text: &str, range: std::ops::RangeInclusive<f64>) -> Result<f64, String> {
    let fits = text.parse().ok().filter(|number| range.contains(number));
    fits.ok_or_else(|| format!("a number from {} to {}", range.start(), range.end()))
}
