//! Settings to running parts. The cockpit and the subcommands both start here. Touches no network before it returns, and waits for
//! nothing when it is dropped.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};

use crate::action::{Asked, Runner, Tell};
use crate::app::Chart;
use crate::config::Settings;
use crate::domain::action::{Act, Reviewed, Seen};
use crate::domain::guard::Rules;
use crate::domain::id::EnvironmentId;
use crate::domain::signal::Measured;
use crate::guard::{self, Armed, Means, Told, Watch};
use crate::source::kube::checkup::{self, Checkup};
use crate::source::prometheus::{self, preflight::Finding};
use crate::source::{Clock, Mailbox, Order, Sources};

/// Threads that read sockets and decode; the terminal has its own. With one, everything that is kept comes from one part of the
/// heap: with two, each leaves holes when objects change that only it can fill, 9 MB of them in a minute of 1,000 changes a second.
const THREADS: usize = 1;
/// Enough for a TLS handshake and a deeply nested object, far below the default of 2 MiB.
const STACK: usize = 1 << 20;
/// How long the guards of a process that ends may take to give their Leases back.
const FAREWELL: Duration = Duration::from_secs(3);
/// Name look-ups and credential plugins block. Enough that a dead environment's do not hold up another's.
const BLOCKING_THREADS: usize = 64;

/// The running parts. Dropping them stops everything, at once.
pub struct Running {
    /// What the sources have learned.
    pub mailbox: Arc<Mailbox>,
    sources: Sources,
    runner: Runner,
    rules: Rules,
    /// Guards that were armed here, by their numbers.
    guards: Mutex<HashMap<u64, Watch>>,
    runtime: Option<Runtime>,
    clock: Clock,
}

/// Starts the sources of every environment on threads of their own. `wake` is called from those threads when facts begin to wait.
pub fn start(settings: &Settings, wake: impl Fn() + Send + Sync + 'static) -> io::Result<Running> {
    let runtime = runtime()?;
    let mailbox = Arc::new(Mailbox::new(wake));
    let clock = clock();
    let sources = Sources::start(settings, &mailbox, &clock, runtime.handle());
    let runner = Runner::new(settings, clock.clone(), runtime.handle().clone());
    let (rules, guards) = (settings.guard.rules(), Mutex::default());
    Ok(Running { mailbox, sources, runner, rules, guards, runtime: Some(runtime), clock })
}

/// What carries acts out, without sources: for commands. Dropping the runtime stops it.
pub fn acting(settings: &Settings) -> io::Result<(Runtime, Runner)> {
    let runtime = runtime()?;
    let runner = Runner::new(settings, clock(), runtime.handle().clone());
    Ok((runtime, runner))
}

/// Looks at one environment once, for telling people how it is. Blocks for some seconds where a server is slow; None if there is no
/// such environment.
pub fn check(settings: &Settings, environment: EnvironmentId) -> io::Result<Option<Checkup>> {
    let Some(environment) = settings.environments.get(usize::from(environment.0)) else { return Ok(None) };
    let runtime = runtime()?;
    let checkup = runtime.block_on(checkup::check(environment, &clock()));
    runtime.shutdown_background();
    Ok(Some(checkup))
}

/// Looks at the metrics server of one environment once, as [`check`] does at its cluster; None if it has none.
pub fn check_metrics(settings: &Settings, environment: EnvironmentId) -> io::Result<Option<prometheus::checkup::Checkup>> {
    let Some(environment) = settings.environments.get(usize::from(environment.0)) else { return Ok(None) };
    let runtime = runtime()?;
    let checkup = runtime.block_on(prometheus::checkup::check(environment, &clock()));
    runtime.shutdown_background();
    Ok(checkup)
}

/// Looks whether the signals of one environment can find anything at its metrics server; None if it has none. The error is why the server
/// did not answer.
pub fn preflight(settings: &Settings, environment: EnvironmentId) -> io::Result<Option<Result<Preflight, String>>> {
    let Some(environment) = settings.environments.get(usize::from(environment.0)) else { return Ok(None) };
    let Some(how) = &environment.prometheus else { return Ok(None) };
    let runtime = runtime()?;
    let server = prometheus::Server::new(Arc::clone(how), environment.clone(), clock());
    let own = settings.services.iter().flat_map(|service| service.checks.iter());
    let signals: Vec<_> = environment.signals.iter().chain(own).cloned().collect();
    let found = runtime.block_on(async {
        let findings = prometheus::preflight::preflight(&server, &signals).await?;
        Ok(Preflight { findings, recorded: prometheus::preflight::recorded(&server).await? })
    });
    runtime.shutdown_background();
    Ok(Some(found.map_err(|trouble: prometheus::Trouble| trouble.to_string())))
}

/// What a metrics server knows of the signals of an environment.
pub struct Preflight {
    /// What was found out about each query.
    pub findings: Vec<Finding>,
    /// What it records that may be of use, a line each.
    pub recorded: Vec<String>,
}

/// The threads on which sources run.
fn runtime() -> io::Result<Runtime> {
    // An error means that a provider is installed already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Builder::new_multi_thread()
        .worker_threads(THREADS)
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_stack_size(STACK)
        .thread_keep_alive(Duration::from_secs(2))
        .thread_name("source")
        .enable_all()
        .build()
}

/// The wall clock, for those below who may not read it themselves.
#[expect(clippy::disallowed_methods, reason = "the one place where sources get their time from")]
fn clock() -> Clock {
    Clock::new(Timestamp::now)
}

/// The time now, for commands that look once.
pub fn now() -> Timestamp {
    clock().now()
}

impl Running {
    /// Hands a wish of the core on. Never blocks.
    pub fn order(&self, order: Order) {
        self.sources.order(order);
    }

    /// Measures a rollout over a span of time in the background.
    pub fn chart(&self, chart: Chart, answer: impl FnOnce(Result<Measured, String>) + Send + 'static) {
        self.sources.chart(chart.environment, chart.target, (chart.start, chart.end, chart.step), answer);
    }

    /// Carries an act out in the background; see [`Runner::act`].
    pub fn act(&self, act: Act, tell: Tell) {
        self.runner.act(act, tell);
    }

    /// Asks in the background what a dialog has to know.
    pub fn review(&self, asked: Asked, answer: impl FnOnce(Reviewed) + Send + 'static) {
        self.runner.review(asked, answer);
    }

    /// What carries acts out.
    pub fn runner(&self) -> &Runner {
        &self.runner
    }

    /// What guards need.
    pub fn means(&self) -> Means {
        Means { runner: self.runner.clone(), clock: self.clock.clone() }
    }

    /// When guards act.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Arms a guard under a number; what is heard of it goes to `tell`. The error says why it is not armed.
    pub fn arm(&self, number: u64, armed: Armed, tell: impl Fn(Told) + Send + Sync + 'static) -> Result<(), String> {
        let watch = guard::arm(&self.means(), armed, Arc::new(tell))?;
        let mut guards = self.guards.lock().unwrap_or_else(PoisonError::into_inner);
        guards.retain(|_, watch| !watch.is_over());
        guards.insert(number, watch);
        Ok(())
    }

    /// Tells a guard something, if it is still there.
    pub fn with_guard(&self, number: u64, tell: impl FnOnce(&Watch)) {
        if let Some(watch) = self.guards.lock().unwrap_or_else(PoisonError::into_inner).get(&number) {
            tell(watch);
        }
    }

    /// Cancels the guards of others in the background.
    pub fn cancel_guards(
        &self,
        environment: EnvironmentId,
        seen: Seen,
        reason: String,
        answer: impl FnOnce(Result<String, String>) + Send + 'static,
    ) {
        let means = self.means();
        let cancel = async move { answer(guard::cancel(&means, environment, &seen, &reason).await) };
        self.runner.runtime().spawn(cancel);
    }

    /// Takes away all guards that were armed here, and waits a moment until their Leases are given back: others can take over at once.
    pub fn disarm_all(&self) {
        let guards = std::mem::take(&mut *self.guards.lock().unwrap_or_else(PoisonError::into_inner));
        if guards.is_empty() {
            return;
        }
        let end = guards.into_values().map(|watch| async move {
            watch.disarm();
            watch.over().await;
        });
        self.wait_for(FAREWELL, async { drop(futures::future::join_all(end).await) });
    }

    /// Runs something to its end, for as long as `limit` allows.
    pub fn wait_for(&self, limit: Duration, end: impl Future<Output = ()>) {
        if let Some(runtime) = &self.runtime {
            // Whether it ended in time: there is nobody left to tell.
            let _ = runtime.block_on(async { tokio::time::timeout(limit, end).await });
        }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A hung look-up or credential plugin must not hold up the way back to the shell.
            runtime.shutdown_background();
        }
    }
}
