//! The polls of one environment: all rollouts at once, the targets in full, and what changes slowly. Each has a pace of its own; a server that
//! is away is asked less and less often, and never by all at the same moment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt, stream};
use jiff::SignedDuration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::aim::{Aim, Look};
use super::batch::{When, send};
use super::fleet::Fleets;
use super::server::Server;
use super::standing::{Poll, Standing};
use super::trouble::Trouble;
use crate::domain::fact::{MetricsNews, News};
use crate::domain::signal::{Signal, Target};
use crate::source::{Post, Wish};

/// Longest wait for a server that is away.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// A selection that moves through a list should not begin queries for every row it passes.
const SETTLING: Duration = Duration::from_millis(150);
/// Most targets that are measured.
const MOST_TARGETS: usize = 32;
/// Targets at once.
const ABREAST: usize = 3;
/// How often the log says what the server was asked.
const ACCOUNT: Duration = Duration::from_mins(5);

/// What the polls of one environment share.
pub struct Polls {
    /// Who is asked.
    pub server: Arc<Server>,
    /// Who is told.
    pub post: Post,
    /// How the server is doing.
    pub standing: Standing,
    /// From one poll to the next.
    pub interval: Duration,
}

/// When the next poll is due.
pub struct Rhythm {
    interval: Duration,
    failures: u32,
}

impl Rhythm {
    /// One that has not failed yet.
    pub fn new(interval: Duration) -> Self {
        Self { interval, failures: 0 }
    }

    /// How long to wait after a poll: about the interval, or longer each time while it fails.
    pub fn next(&mut self, outcome: &Result<(), Trouble>) -> Duration {
        let Err(trouble) = outcome else {
            self.failures = 0;
            return self.interval.mul_f64(0.95 + 0.1 * fastrand::f64());
        };
        let wait = self.interval.saturating_mul(1 << self.failures.min(8)).min(LONGEST_WAIT.max(self.interval));
        self.failures += 1;
        let wait = wait.mul_f64(0.75 + 0.25 * fastrand::f64());
        wait.max(trouble.wait().unwrap_or_default().min(LONGEST_WAIT))
    }
}

/// The sum of all that is wished changed in this way, or the time is over; None when nobody wishes anything any more.
pub async fn pause(wish: &mut watch::Receiver<Wish>, wait: Duration, woken: impl FnMut(&Wish) -> bool) -> Option<()> {
    tokio::select! {
        () = sleep(wait) => Some(()),
        changed = wish.wait_for(woken) => changed.is_ok().then_some(()),
    }
}

impl Polls {
    /// All rollouts at once, and whether the server is there.
    pub async fn fleet(&self, signals: &[Signal], region: Option<&str>, mut wish: watch::Receiver<Wish>) {
        let mut fleets = Fleets::new(signals, region);
        let mut rhythm = Rhythm::new(self.interval);
        let mut told: Vec<Box<str>> = Vec::new();
        let (mut counted, mut account) = (self.server.tally().read(), Instant::now());
        loop {
            let asked = wish.borrow().reconnects;
            let outcome = self.fleet_once(&mut fleets, &mut told).await;
            if let Err(trouble) = &outcome {
                self.standing.down(self.server.now(), trouble);
            }
            if account.elapsed() > ACCOUNT {
                let now = self.server.tally().read();
                tracing::info!("metrics: {}", now.since(counted));
                (counted, account) = (now, Instant::now());
            }
            let wait = rhythm.next(&outcome);
            if pause(&mut wish, wait, |wish| wish.reconnects != asked).await.is_none() {
                return;
            }
            if wish.borrow().reconnects != asked {
                self.server.reconnect().await;
                rhythm = Rhythm::new(self.interval);
            }
        }
    }

    async fn fleet_once(&self, fleets: &mut Fleets, told: &mut Vec<Box<str>>) -> Result<(), Trouble> {
        if fleets.is_empty() {
            let (_, millis) = send(&self.server, "vector(1)", When::At(None)).await?;
            self.standing.up(Poll::Fleet, self.server.now(), millis, None);
            return Ok(());
        }
        let found = fleets.poll(&self.server).await?;
        for fleet in found.fleets {
            self.post.put(News::Metrics(MetricsNews::Fleet(Arc::new(fleet))));
        }
        for text in found.refused {
            if !told.contains(&text) {
                tracing::warn!("the metrics server refuses a grouped query: {text}");
                told.push(text);
            }
        }
        self.standing.up(Poll::Fleet, self.server.now(), found.millis, found.sampled);
        Ok(())
    }

    /// The targets, at once when they change and then in turn.
    pub async fn targets(&self, mut wish: watch::Receiver<Wish>) {
        let mut aims: Vec<Aim> = Vec::new();
        let mut rhythm = Rhythm::new(self.interval);
        let (mut before, mut next): (Vec<Target>, _) = (Vec::new(), Instant::now());
        loop {
            let (targets, reconnects) = {
                let wish = wish.borrow_and_update();
                (wish.targets.clone(), wish.reconnects)
            };
            let now = Instant::now();
            self.aim(&mut aims, &targets);
            // What has changed is looked at now, everything when it is its turn.
            let turn = now >= next;
            let others = if turn { Vec::new() } else { aims.extract_if(.., |aim| before.contains(&aim.target)).collect() };
            let outcome = self.look(&mut aims).await;
            aims.extend(others);
            if let Err(trouble) = &outcome {
                self.standing.down(self.server.now(), trouble);
            }
            if turn || outcome.is_err() {
                next = now + rhythm.next(&outcome);
            }
            before.clone_from(&targets);
            let other = |wish: &Wish| wish.targets != targets || wish.reconnects != reconnects;
            let changed = tokio::select! {
                () = sleep_until(next), if !targets.is_empty() => false,
                changed = wish.wait_for(other) => match changed {
                    Ok(_) => true,
                    Err(_) => return,
                },
            };
            if changed {
                sleep(SETTLING).await;
            }
        }
    }

    /// Aims at these targets and no others.
    fn aim(&self, aims: &mut Vec<Aim>, targets: &[Target]) {
        let interval = u32::try_from(self.interval.as_secs()).unwrap_or(u32::MAX);
        aims.retain(|aim| targets.iter().take(MOST_TARGETS).any(|target| target.key == aim.target.key));
        for target in targets.iter().take(MOST_TARGETS) {
            match aims.iter_mut().find(|aim| aim.target.key == target.key) {
                Some(aim) => aim.turn(target.clone(), interval),
                None => aims.push(Aim::new(target.clone(), interval)),
            }
        }
    }

    async fn look(&self, aims: &mut Vec<Aim>) -> Result<(), Trouble> {
        if aims.is_empty() {
            return Ok(());
        }
        self.server.greet().await;
        let away = Arc::new(Mutex::new(None));
        let looks = std::mem::take(aims).into_iter().map(|aim| look(aim, Arc::clone(&self.server), Arc::clone(&away)));
        let mut looks = stream::iter(looks.collect::<Vec<_>>()).buffered(ABREAST);
        let (mut millis, mut sampled) = (0, None);
        while let Some((aim, found)) = looks.next().await {
            aims.push(aim);
            let Some(found) = found else { continue };
            millis = found.millis.max(millis);
            sampled = found.sampled.max(sampled);
            self.post.put(News::Metrics(MetricsNews::Measured(Arc::new(found.measured))));
        }
        if let Some(trouble) = taken(&away) {
            return Err(trouble);
        }
        self.standing.up(Poll::Targets, self.server.now(), millis, sampled);
        Ok(())
    }
}

/// One look at a target. When the server is away for one, nobody else need wait for it.
async fn look(mut aim: Aim, server: Arc<Server>, away: Arc<Mutex<Option<Trouble>>>) -> (Aim, Option<Look>) {
    if away.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
        return (aim, None);
    }
    match aim.look(&server).await {
        Ok(look) => (aim, Some(look)),
        Err(trouble) => {
            away.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(trouble);
            (aim, None)
        }
    }
}

fn taken(away: &Mutex<Option<Trouble>>) -> Option<Trouble> {
    away.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// A length of time that is none where it is negative.
pub fn positive(length: SignedDuration) -> Duration {
    Duration::try_from(length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_away_is_asked_less_and_less_often() {
        let mut rhythm = Rhythm::new(Duration::from_secs(15));
        let away = Err(Trouble::down("x"));
        let waits: Vec<u64> = (0..8).map(|_| rhythm.next(&away).as_secs()).collect();
        assert!(waits[0] >= 11 && waits[0] <= 15 && waits[7] >= 45 && waits[7] <= 60, "{waits:?}");
        let asked = Err(Trouble::Down { text: "429".into(), wait: Some(Duration::from_secs(58)) });
        assert!(Rhythm::new(Duration::from_secs(1)).next(&asked).as_secs() >= 58);
        let wait = rhythm.next(&Ok(()));
        assert!(wait > Duration::from_secs(14) && wait < Duration::from_secs(16));
    }
}
