//! The polls of what changes slowly: alerts, budgets, collectors. A server that has no such thing is no worse for it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::burn::Burns;
use super::polls::{Polls, Rhythm, pause};
use super::trouble::Trouble;
use super::{alerts, collector, recorded};
use crate::domain::fact::{MetricsNews, News};
use crate::domain::signal::{Alerts, Target};
use crate::domain::slo::{Collector, Slo};
use crate::source::Wish;

/// From one look at alerts to the next.
const ALERTS: Duration = Duration::from_secs(30);
/// From one look at budgets or collectors to the next.
const SLOW: Duration = Duration::from_mins(1);
/// So often nothing is found before nothing is expected.
const PATIENT: u32 = 3;
/// From one look to the next, where nothing is expected.
const SELDOM: Duration = Duration::from_mins(5);

impl Polls {
    /// The alerts.
    pub async fn alerts(&self, mut wish: watch::Receiver<Wish>) {
        let mut rhythm = Rhythm::new(ALERTS.max(self.interval));
        let mut told = Vec::new();
        loop {
            let asked = wish.borrow().reconnects;
            let found = alerts::read(&self.server).await;
            let outcome = found.as_ref().map(|_| ()).map_err(Trouble::clone);
            let alerts = found.unwrap_or_else(|trouble| Alerts::Unread(trouble.to_string().into()));
            self.post.put(News::Metrics(MetricsNews::Alerts(alerts)));
            tell(&mut told, "alerts", &outcome);
            if pause(&mut wish, rhythm.next(&outcome), |wish| wish.reconnects != asked).await.is_none() {
                return;
            }
        }
    }

    /// The collectors.
    pub async fn collectors(&self, mut wish: watch::Receiver<Wish>) {
        let (mut told, mut in_vain) = (Vec::new(), 0_u32);
        loop {
            let asked = wish.borrow().reconnects;
            let outcome = collector::read(&self.server).await;
            let wait = match &outcome {
                Ok(collector) => {
                    self.post.put(News::Metrics(MetricsNews::Collector(*collector)));
                    in_vain = if *collector == Collector::default() { in_vain.saturating_add(1) } else { 0 };
                    if in_vain > PATIENT { SELDOM } else { SLOW }
                }
                Err(_) => SLOW,
            };
            tell(&mut told, "collectors", &outcome.map(drop));
            let wait = wait.mul_f64(0.95 + 0.1 * fastrand::f64());
            if pause(&mut wish, wait, |wish| wish.reconnects != asked).await.is_none() {
                return;
            }
        }
    }

    /// The signals that rules record.
    pub async fn recorded(&self, mut wish: watch::Receiver<Wish>) {
        let mut rhythm = Rhythm::new(SELDOM);
        let mut told = Vec::new();
        loop {
            let asked = wish.borrow().reconnects;
            let outcome = recorded::signals(&self.server).await.map(|signals| {
                self.post.put(News::Metrics(MetricsNews::Recorded(signals.into())));
            });
            tell(&mut told, "recording rules", &outcome);
            let wait = if outcome.is_ok() { rhythm.next(&outcome) } else { SLOW };
            if pause(&mut wish, wait, |wish| wish.reconnects != asked).await.is_none() {
                return;
            }
        }
    }

    /// The budgets of the targets that want it: by what the configuration promises, else by what rules record.
    pub async fn burns(&self, slo: Option<&Slo>, mut wish: watch::Receiver<Wish>) {
        let mut burns = Burns::default();
        let mut rhythm = Rhythm::new(SLOW);
        let mut told = Vec::new();
        let (mut known, mut next) = (Vec::new(), Instant::now());
        loop {
            let targets: Vec<_> = wish.borrow_and_update().targets.iter().filter(|target| target.slo).cloned().collect();
            let now = Instant::now();
            burns.keep(&targets);
            let mut outcome = Ok(());
            let mut found = slo.is_some();
            let name = |target: &Target| (target.key.clone(), target.hash.clone());
            // What is new is read now, everything when it is its turn.
            let turn = now >= next;
            for target in targets.iter().filter(|target| turn || !known.contains(&name(target))) {
                let read = match slo {
                    Some(slo) => burns.read(&self.server, target, slo).await,
                    None => burns.recorded(&self.server, target).await,
                };
                match read {
                    Ok(reading) => {
                        found |= reading.recorded.is_some();
                        self.post.put(News::Metrics(MetricsNews::Burn(reading.into())));
                    }
                    Err(trouble) => {
                        outcome = Err(trouble);
                        break;
                    }
                }
            }
            tell(&mut told, "budgets", &outcome);
            if turn || outcome.is_err() {
                // Where no rule records what is promised, one seldom begins to.
                let least = if found || outcome.is_err() { Duration::ZERO } else { SELDOM };
                next = now + rhythm.next(&outcome).max(least);
            }
            known = targets.iter().map(name).collect();
            let wait = next.saturating_duration_since(Instant::now()).max(Duration::from_millis(500));
            let other = |wish: &Wish| wish.targets.iter().any(|target| target.slo && !known.contains(&name(target)));
            if pause(&mut wish, wait, other).await.is_none() {
                return;
            }
        }
    }
}

/// Says in the log what went wrong, each thing once.
fn tell(told: &mut Vec<String>, what: &str, outcome: &Result<(), Trouble>) {
    if let Err(trouble) = outcome {
        let text = trouble.to_string();
        if !told.contains(&text) && told.len() < 16 {
            tracing::warn!("metrics: {what} cannot be read: {text}");
            told.push(text);
        }
    }
}
