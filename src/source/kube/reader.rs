//! One list and watch, for as long as it is wanted: reads everything, follows changes, and finds back by itself from whatever a server
//! or the way to it can do. Never polls, never keeps an object, and never says that something is gone unless a server said so.
//!
//! This is not kube's `watcher`: that one begins again forever after an HTTP 410, spins on a server that ends every watch at once,
//! cannot tell a server that does not answer from one that has nothing to say, and cannot go on from where another left off.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep;

use super::envelope::{Page, Said, object};
use super::exchange::{Lines, PATIENCE, ask, read};
use super::fault::{Cause, Fault};
use super::known::{Known, lock};
use super::link::{Kick, Link, changes, page, sample};
use super::pace::Pace;
use super::scope::{Place, Scope};
use super::shares::Shares;
use crate::domain::fact::{News, Reading};
use crate::domain::id::Kind;

/// Longest wait between attempts while a person watches.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How often a kind that is not installed is looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(15);
/// How often something refused is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(10);
/// A server's wish to be left alone is granted up to this.
const LONGEST_PEACE: Duration = Duration::from_mins(1);
/// In a streaming list something comes all the time, and nothing new for this long means that its end will not come either.
const QUIET: Duration = Duration::from_secs(5);
/// A watch is begun anew after a minute, more or less: that bounds how long a dead one can go unnoticed by everything else.
const WATCH: std::ops::Range<u64> = 50..70;
/// A watch that ends sooner counts as a failure.
const SHORT: Duration = Duration::from_secs(1);

/// Reads one scope.
pub struct Reader {
    /// Tells it from others of the same kind.
    id: u64,
    scope: Scope,
    link: Arc<Link>,
    known: Arc<Mutex<Known>>,
    shares: Shares,
    kicked: watch::Receiver<Kick>,
    /// How often it has been told to list everything again.
    lists: u64,
    /// Whether the context's own namespace may stand in for all of them.
    may_narrow: bool,
    /// That it does, and why.
    narrowed: Option<String>,
    /// Where the next watch goes on; None before the first list, and when the old version is of no use any more.
    version: Option<String>,
    /// Whether the list comes as a stream, or in pages.
    streams: bool,
    /// Whether everything has been seen once.
    live: bool,
    pace: Pace,
}

impl Reader {
    /// A reader that has read nothing yet. What its place knows from before stays known.
    pub fn new(id: u64, scope: Scope, link: Arc<Link>, may_narrow: bool) -> Self {
        let known = link.registry.of(&scope.place);
        let kicked = link.kicks.subscribe();
        let lists = kicked.borrow().lists;
        let may_narrow = may_narrow && scope.place.namespace.is_none();
        let (narrowed, version, streams, live, pace) = (None, None, true, false, Pace::default());
        let shares = Shares::default();
        Self { id, scope, link, known, shares, kicked, lists, may_narrow, narrowed, version, streams, live, pace }
    }

    /// Reads until it is aborted.
    pub async fn run(mut self) {
        loop {
            self.heed();
            let begun = Instant::now();
            let mut opened = false;
            let pause = match self.turn(&mut opened).await {
                Ok(()) if begun.elapsed() < SHORT => self.pace.next(LONGEST_WAIT),
                Ok(()) => {
                    self.pace.reset();
                    Duration::ZERO
                }
                Err(fault) => {
                    if opened && begun.elapsed() >= LONGEST_WAIT {
                        self.pace.reset();
                    }
                    self.recover(&fault, opened)
                }
            };
            tokio::select! {
                () = sleep(pause) => {}
                _ = self.kicked.changed() => {}
            }
        }
    }

    /// Does what the last kick said. A watch that fell silent is followed by a list in pages: a stream could be just as silent.
    fn heed(&mut self) {
        let lists = self.kicked.borrow_and_update().lists;
        if lists != self.lists {
            self.lists = lists;
            self.version = None;
            self.streams = false;
        }
    }

    /// One list, if one is needed, and one watch. Ends well when the server ends the watch, or when it is to be begun anew.
    async fn turn(&mut self, opened: &mut bool) -> Result<(), Fault> {
        if self.narrowed.is_some() && self.may_read_all().await {
            self.narrow(None);
        }
        let limit = Duration::from_secs(fastrand::u64(WATCH));
        let mut lines = None;
        if self.version.is_none() {
            if self.streams {
                lines = Some(self.list_by_stream(limit).await?);
            } else {
                self.list_by_pages().await?;
            }
        }
        let mut lines = match lines {
            Some(lines) => lines,
            None => Lines::open(&self.link.client, changes(&self.place(), self.version.as_deref(), limit)?).await?,
        };
        *opened = true;
        self.live = true;
        self.say(self.narrowed.clone().map_or(Reading::Live, Reading::Narrowed));
        self.follow(&mut lines, limit + QUIET).await
    }

    /// Takes changes in until the watch ends.
    async fn follow(&mut self, lines: &mut Lines, patience: Duration) -> Result<(), Fault> {
        loop {
            let line = tokio::select! {
                line = lines.next(patience) => line?,
                _ = self.kicked.changed() => return Ok(()),
            };
            let Some(line) = line else { return Ok(()) };
            match Said::read(&line)? {
                Said::There(text) => {
                    self.there(text, true);
                }
                Said::Gone(text) => self.gone(text),
                Said::Mark { version, .. } => {
                    self.version = Some(version).filter(|version| !version.is_empty()).or(self.version.take());
                }
            }
        }
    }

    /// Reads everything as the beginning of a watch; gives the watch.
    async fn list_by_stream(&mut self, limit: Duration) -> Result<Lines, Fault> {
        let mut lines = Lines::open(&self.link.client, changes(&self.place(), None, limit)?).await?;
        lock(&self.known).begin();
        let mut newest = Instant::now();
        while newest.elapsed() < QUIET {
            let Some(line) = lines.next(QUIET).await? else {
                return Err(Fault::new(Cause::Garbled, "the list ended in the middle"));
            };
            match Said::read(&line)? {
                Said::There(text) => {
                    if self.there(text, false) {
                        newest = Instant::now();
                    }
                }
                Said::Gone(text) => self.gone(text),
                Said::Mark { version, complete: true } => {
                    self.listed(version);
                    return Ok(lines);
                }
                Said::Mark { .. } => {}
            }
        }
        Err(Fault::new(Cause::Refused, "this server's list has no end"))
    }

    /// Reads everything in pages, each shown as it arrives.
    async fn list_by_pages(&mut self) -> Result<(), Fault> {
        let kind = self.scope.place.kind;
        lock(&self.known).begin();
        let mut next = None;
        loop {
            let body = read(ask(&self.link.client, page(&self.place(), next.take())?, PATIENCE).await?).await?;
            let page = Page::read(kind, &body)?;
            for text in page.items() {
                self.there(text, false);
            }
            let meta = page.metadata.unwrap_or_default();
            next = meta.next.filter(|next| !next.is_empty());
            if next.is_none() {
                let version = meta.resource_version.filter(|version| !version.is_empty());
                let version = version.ok_or_else(|| Fault::new(Cause::Garbled, "a list without a version cannot be followed"))?;
                self.listed(version);
                return Ok(());
            }
        }
    }

    /// The list is complete: what it lacks is gone.
    fn listed(&mut self, version: String) {
        self.version = Some(version);
        let gone = lock(&self.known).end();
        self.withdraw(gone);
    }

    /// An object is there. Whether it is new in this list.
    fn there(&mut self, text: &str, follow: bool) -> bool {
        let kind = self.scope.place.kind;
        let mut object = match object(kind, text) {
            Ok(object) => object,
            Err(error) => {
                tracing::warn!(%kind, %error, "an object that cannot be read at all");
                return false;
            }
        };
        let meta = object.meta();
        if follow && !meta.resource_version.is_empty() {
            self.version = Some(meta.resource_version.to_string());
        }
        if !self.scope.takes(&object) {
            let known = lock(&self.known).forget(&meta.namespace, &meta.name);
            if known {
                self.withdraw(vec![(meta.namespace.clone(), meta.name.clone())]);
            }
            return true;
        }
        self.shares.share(&mut object);
        let meta = object.meta();
        let new = lock(&self.known).see(meta.namespace.clone(), meta.name.clone(), &meta.resource_version);
        self.link.post.put(News::Is(object));
        new
    }

    /// An object is gone, or no longer one that is looked for.
    fn gone(&mut self, text: &str) {
        let Ok(object) = object(self.scope.place.kind, text) else { return };
        let meta = object.meta();
        if !meta.resource_version.is_empty() && self.version.is_some() {
            self.version = Some(meta.resource_version.to_string());
        }
        if lock(&self.known).forget(&meta.namespace, &meta.name) {
            self.withdraw(vec![(meta.namespace.clone(), meta.name.clone())]);
        }
    }

    /// Tells the core what is gone, unless another watch still has it.
    fn withdraw(&self, names: Vec<(Arc<str>, Arc<str>)>) {
        for key in self.link.registry.known_nowhere_else(&self.scope.place, names) {
            self.link.post.put(News::Gone(key));
        }
    }

    /// Says what went wrong and decides how to go on; gives the wait until then.
    fn recover(&mut self, fault: &Fault, opened: bool) -> Duration {
        tracing::debug!(kind = %self.scope.place.kind, fault = %fault.line(), "reading stopped");
        let about_listing = matches!(fault.cause, Cause::Refused | Cause::Garbled | Cause::Silent | Cause::Broken | Cause::Expired);
        if self.version.is_none() && about_listing {
            // Whichever way of listing failed, the other one may work; that a server knows no streams is nothing to talk about.
            self.streams = !self.streams;
            if fault.cause == Cause::Refused && !self.streams {
                return Duration::ZERO;
            }
        }
        match fault.cause {
            Cause::Missing => {
                self.version = None;
                self.live = false;
                let gone = lock(&self.known).clear();
                self.withdraw(gone);
                self.say(Reading::NotInstalled);
                return LOOK_AGAIN;
            }
            Cause::Forbidden if self.may_narrow && self.narrowed.is_none() => {
                self.narrow(Some(format!("only namespace {} can be read: {}", self.link.namespace, fault.text)));
                return Duration::ZERO;
            }
            Cause::Forbidden => {
                self.say(Reading::Denied(fault.text.clone()));
                return ASK_AGAIN;
            }
            Cause::Expired | Cause::Garbled | Cause::Refused => self.version = None,
            Cause::Unauthorized | Cause::Credentials => self.link.rejected.notify_one(),
            Cause::Unreachable | Cause::Silent | Cause::Broken | Cause::Busy => self.link.alarm.notify_one(),
        }
        let wait = self.pace.next(LONGEST_WAIT);
        // A first break, and a version that is too old, are mended before anybody could read about them.
        if !opened && fault.cause != Cause::Expired && (!self.live || self.pace.failures() > 1) {
            self.say(Reading::Failing(fault.line()));
        }
        fault.wait.map_or(wait, |asked| asked.clamp(wait, LONGEST_PEACE))
    }

    /// Reads the context's namespace instead of everything, or everything again. What is out of sight then is withdrawn by the next list.
    fn narrow(&mut self, why: Option<String>) {
        self.narrowed = why;
        self.version = None;
        if self.scope.place.kind == Kind::Rollout {
            self.link.narrow(self.narrowed.is_some().then(|| self.link.namespace.clone()));
        }
    }

    async fn may_read_all(&self) -> bool {
        let Ok(request) = sample(&self.scope.place, None) else { return false };
        ask(&self.link.client, request, PATIENCE).await.is_ok()
    }

    /// Where it reads now.
    fn place(&self) -> Place {
        let mut place = self.scope.place.clone();
        if self.narrowed.is_some() {
            place.namespace = Some(self.link.namespace.clone());
        }
        place
    }

    fn say(&self, reading: Reading) {
        self.link.readings.set(self.scope.place.kind, self.id, Some(reading));
    }
}
