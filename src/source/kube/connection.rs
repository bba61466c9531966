//! One connection at work: the heartbeat and a reader per scope, kept in step with what is wished.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::OptionFuture;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use super::client::Connected;
use super::known::Registry;
use super::link::Link;
use super::pulse::Pulse;
use super::reader::Reader;
use super::scope::{Place, Scope, close, whole};
use super::templates::Templates;
use crate::config::Namespaces;
use crate::domain::fact::{News, Reading};
use crate::source::{Clock, Post, Wish};

/// A selection that moves through a list should not begin watches for every row it passes.
const SETTLING: Duration = Duration::from_millis(150);
/// Credentials are renewed this long before they end.
const MARGIN: Duration = Duration::from_mins(1);
/// A connection that lived this long counts as a good one.
const GOOD: Duration = Duration::from_mins(1);
/// A reader that crashed is started again after this.
const CRASHED: Duration = Duration::from_secs(5);

/// Why a connection ended.
pub enum End {
    /// There is nobody left to serve.
    Closed,
    /// Somebody asked for a new one.
    Reconnect,
    /// Its credentials are about to end.
    Expired,
    /// The server no longer takes its credentials, but did so for a good while.
    Lasted,
    /// The server does not take its credentials.
    Rejected,
}

/// One connection.
pub struct Connection {
    link: Arc<Link>,
    clock: Clock,
    valid_until: Option<Timestamp>,
    readers: JoinSet<()>,
    running: HashMap<Scope, (u64, AbortHandle)>,
    may_narrow: bool,
    /// Whether readers that begin now say that they do.
    pub announces: bool,
    /// Whether there are metrics, and somebody wants to know what the controller judges by.
    pub measured: bool,
    /// Counts readers.
    next: u64,
}

impl Connection {
    /// A connection over which nothing is read yet.
    pub fn new(connected: Connected, post: Post, clock: Clock, registry: Arc<Registry>) -> Self {
        let Connected { client, namespace, valid_until } = connected;
        let link = Arc::new(Link::new(client, post, namespace, registry));
        Self {
            link,
            clock,
            valid_until,
            readers: JoinSet::new(),
            running: HashMap::new(),
            may_narrow: false,
            announces: true,
            measured: false,
            next: 0,
        }
    }

    /// Reads what is wished until something ends it. `asked` is the number of reconnects that this connection answers.
    pub async fn serve(mut self, namespaces: &Namespaces, wish: &mut watch::Receiver<Wish>, asked: u32) -> End {
        self.may_narrow = *namespaces == Namespaces::All;
        let namespaces: Vec<Option<Arc<str>>> = match namespaces {
            Namespaces::All => vec![None],
            Namespaces::Some(names) => names.iter().map(|name| Some(name.as_str().into())).collect(),
        };
        let begun = Instant::now();
        let whole = whole(&namespaces);
        let places = whole.iter().map(|scope| scope.place.clone()).collect();
        let pulse = Pulse::new(Arc::clone(&self.link), self.clock.clone(), wish.clone(), places).run();
        tokio::pin!(pulse);
        let templates = self.measured.then(|| Templates::new(Arc::clone(&self.link), wish.clone()).run());
        let templates = OptionFuture::from(templates);
        tokio::pin!(templates);
        let expiry = sleep(self.until_expiry());
        tokio::pin!(expiry);
        let mut apply_at = Some(Instant::now());
        let end = loop {
            tokio::select! {
                () = &mut pulse => {}
                Some(()) = &mut templates, if self.measured => {}
                () = &mut expiry, if self.valid_until.is_some() => break End::Expired,
                () = self.link.rejected.notified() => break if begun.elapsed() > GOOD { End::Lasted } else { End::Rejected },
                changed = wish.changed() => {
                    if changed.is_err() {
                        break End::Closed;
                    }
                    if wish.borrow_and_update().reconnects != asked {
                        break End::Reconnect;
                    }
                    apply_at.get_or_insert(Instant::now() + SETTLING);
                }
                () = sleep_until(apply_at.unwrap_or_else(Instant::now)), if apply_at.is_some() => {
                    apply_at = None;
                    let wanted = whole.iter().cloned().chain(close(&wish.borrow().subjects)).collect();
                    self.apply(wanted).await;
                }
                Some(ended) = self.readers.join_next_with_id() => {
                    if let Err(error) = ended && !error.is_cancelled() {
                        self.crashed(error.id());
                        apply_at.get_or_insert(Instant::now() + CRASHED);
                    }
                }
            }
        };
        // Until the last reader is gone, it could still speak for this connection.
        self.readers.shutdown().await;
        end
    }

    fn until_expiry(&self) -> Duration {
        let left = self.valid_until.map(|until| until.duration_since(self.clock.now()));
        left.and_then(|left| Duration::try_from(left).ok()).unwrap_or_default().saturating_sub(MARGIN).max(CRASHED)
    }

    /// Ends the readers that are not wanted, begins those that are missing, and leaves the others alone.
    async fn apply(&mut self, wanted: HashSet<Scope>) {
        let unwanted: Vec<Scope> = self.running.keys().filter(|scope| !wanted.contains(*scope)).cloned().collect();
        for scope in unwanted {
            if let Some((id, reader)) = self.running.remove(&scope) {
                reader.abort();
                while !reader.is_finished() {
                    tokio::task::yield_now().await;
                }
                self.link.readings.set(scope.place.kind, id, None);
            }
        }
        let places: HashSet<&Place> = wanted.iter().map(|scope| &scope.place).collect();
        for place in self.link.registry.places().iter().filter(|place| !places.contains(place)) {
            for key in self.link.registry.leave(place) {
                self.link.post.put(News::Gone(key));
            }
        }
        for scope in wanted {
            if !self.running.contains_key(&scope) {
                self.next += 1;
                let reader = Reader::new(self.next, scope.clone(), Arc::clone(&self.link), self.may_narrow);
                if self.announces {
                    self.link.readings.set(scope.place.kind, self.next, Some(Reading::Loading));
                }
                let handle = self.readers.spawn(reader.run());
                self.running.insert(scope, (self.next, handle));
            }
        }
        self.announces = true;
    }

    /// A reader panicked: that is a fault of ours and no reason to stop the others.
    fn crashed(&mut self, task: Id) {
        let scope = self.running.iter().find(|(_, (_, reader))| reader.id() == task).map(|(scope, _)| scope.clone());
        if let Some((scope, (id, _))) = scope.and_then(|scope| self.running.remove_entry(&scope)) {
            let text = format!("reading {} crashed; it is begun anew", scope.place.kind.plural());
            self.link.readings.set(scope.place.kind, id, Some(Reading::Failing(text)));
        }
    }
}
