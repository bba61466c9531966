//! Kubernetes as a source: one environment's connection, what is read over it, and how it is doing. Each environment has tasks of its
//! own; whatever happens to one is a state of that one.

pub mod checkup;
pub mod client;
mod connection;
mod envelope;
pub mod exchange;
mod expiry;
pub mod fault;
mod known;
pub mod kubeconfig;
mod link;
pub mod pace;
pub mod proxy;
mod pulse;
mod reader;
mod readings;
mod scope;
mod shares;
mod templates;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use self::client::Connected;
use self::connection::{Connection, End};
use self::fault::{Cause, Fault};
use self::known::Registry;
use self::pace::Pace;
pub use self::pulse::{Skew, date_of};
use super::{Clock, Post, Wish};
use crate::config::Environment;
use crate::domain::fact::{Health, Link, News};

/// Longest wait between two attempts to get a connection at all.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A credential plugin that takes longer is waiting for somebody.
const PLUGIN: Duration = Duration::from_secs(8);

/// The context that an environment's kubeconfig leads to, None inside a cluster; else, in one line, why it leads nowhere. Reads
/// files and asks nobody.
pub fn context(environment: &Environment) -> Result<Option<String>, String> {
    kubeconfig::load(environment).map(|access| access.context).map_err(|fault| fault.line())
}

/// Serves one environment until nobody wishes anything of it any more.
pub async fn run(environment: Environment, post: Post, clock: Clock, wish: watch::Receiver<Wish>) {
    let registry = Arc::default();
    let mut host = Host { environment, post, clock, wish, registry, pace: Pace::default(), announces: true };
    host.say(Link::Connecting);
    while host.serve().await.is_some() {
        host.post = host.post.next();
    }
}

/// One environment, over all its connections.
struct Host {
    environment: Environment,
    post: Post,
    clock: Clock,
    wish: watch::Receiver<Wish>,
    registry: Arc<Registry>,
    pace: Pace,
    /// Whether the next connection is news: not if it only follows one that ended by itself.
    announces: bool,
}

impl Host {
    /// One connection from its making to its end. None when there is nobody left to serve.
    async fn serve(&mut self) -> Option<()> {
        let asked = self.wish.borrow_and_update().reconnects;
        let end = match self.connect().await {
            Ok(connected) => {
                let mut connection = Connection::new(connected, self.post.clone(), self.clock.clone(), Arc::clone(&self.registry));
                connection.announces = self.announces;
                connection.measured = self.environment.prometheus.is_some();
                connection.serve(&self.environment.namespaces, &mut self.wish, asked).await
            }
            Err(fault) => {
                self.say(Link::Down { reason: fault.line() });
                End::Rejected
            }
        };
        self.announces = false;
        match end {
            End::Closed => return None,
            End::Reconnect => self.begin_anew(),
            End::Expired => {}
            End::Lasted => self.pace.reset(),
            End::Rejected => {
                let wait = self.pace.next(LONGEST_WAIT);
                let asked_anew = self.wish.wait_for(|wish| wish.reconnects != asked);
                if timeout(wait, asked_anew).await.is_ok_and(|wish| wish.is_ok()) {
                    self.begin_anew();
                }
            }
        }
        Some(())
    }

    /// Somebody asked for a new connection: what failed before does not count.
    fn begin_anew(&mut self) {
        self.pace.reset();
        self.announces = true;
        self.say(Link::Connecting);
    }

    /// Reads the kubeconfig and builds a client, both where blocking is allowed: a plugin may take its time.
    async fn connect(&self) -> Result<Connected, Fault> {
        let environment = self.environment.clone();
        let access = spawn_blocking(move || kubeconfig::load(&environment)).await.map_err(|error| crashed(&error))??;
        let plugin = access.plugin.clone();
        let building = spawn_blocking(move || client::build(access));
        tokio::pin!(building);
        let asked = self.wish.borrow().reconnects;
        let mut wish = self.wish.clone();
        loop {
            tokio::select! {
                built = &mut building => return built.map_err(|error| crashed(&error))?,
                () = sleep(PLUGIN) => {
                    let name = plugin.as_ref().map_or("the kubeconfig", |plugin| plugin.command.as_str());
                    self.say(Link::Down { reason: format!("still waiting for credentials from `{name}`") });
                }
                // It cannot be stopped, but it need not be waited for.
                _ = wish.wait_for(|wish| wish.reconnects != asked) => return Err(Fault::new(Cause::Credentials, "asked for anew")),
            }
        }
    }

    fn say(&self, state: Link) {
        self.post.put(News::Health(Health { at: self.clock.now(), state, clock_skew_ms: 0 }));
    }
}

fn crashed(error: &tokio::task::JoinError) -> Fault {
    Fault::new(Cause::Credentials, &format!("reading the kubeconfig failed: {error}"))
}
