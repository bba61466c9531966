//! Guards as the cockpit knows them: those that were armed here, which it shows what it sees, and those of others, as their Leases tell. It
//! decides nothing for them: [`crate::domain::guard`] does.

mod banner;
mod dialog;
mod rows;
mod sight;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use banner::Banner;
pub(super) use banner::cancel;
pub use dialog::{Kind, Order as GuardDialog};
pub(super) use dialog::{key, mouse, open, paste};
pub(super) use rows::page;
pub use sight::sight;

use super::commands;
use super::effect::Effect;
use super::environment::Environment;
use super::notice::Tone;
use super::state::{Env, State, Toast};
use crate::domain::action::Seen;
use crate::domain::guard::{End, Guarding, Sight, State as Stage, Status, Told};
use crate::domain::id::{EnvironmentId, Key};
use crate::domain::object::Lease;

/// How often a guard is shown what is seen.
const PACE: SignedDuration = SignedDuration::from_secs(1);
/// How long the warning about leaving stands.
const LEAVING: SignedDuration = SignedDuration::from_secs(10);
/// Seconds after the end of its Lease for which a guard of others is still shown as on watch.
const GRACE: i64 = 5;

/// What the core wants of guards.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// Arm one.
    Arm {
        /// Tells it from others.
        number: u64,
        /// Where.
        environment: EnvironmentId,
        /// What was seen when it was decided.
        seen: Box<Seen>,
        /// Why.
        reason: String,
        /// Whether it is armed although guards of this version were cancelled.
        over_cancel: bool,
    },
    /// Show one what is seen.
    Show(u64, Box<Sight>),
    /// Take one away that was armed here; another one may take over.
    Disarm(u64),
    /// Cancel one that was armed here, and with it all of the same version.
    Cancel(u64),
    /// Cancel those of others.
    CancelOthers {
        /// Where.
        environment: EnvironmentId,
        /// What was seen when it was decided.
        seen: Box<Seen>,
        /// Why.
        reason: String,
    },
}

/// A guard that was armed here.
#[derive(Clone, Debug)]
pub struct Mine {
    /// Tells it from others.
    pub number: u64,
    /// Where.
    pub environment: EnvironmentId,
    /// The release, with the version that it is bound to.
    pub seen: Seen,
    /// Since when, by the local clock.
    pub since: Timestamp,
    /// Where it is; None until it has said so.
    pub status: Option<Status>,
    shown: Option<Timestamp>,
}

/// A guard of whoever it is, as its Lease tells.
#[derive(Clone, Debug)]
pub struct Known {
    guarding: Guarding,
    version: Box<str>,
    /// When its Lease changed last, by the local clock.
    changed: Timestamp,
}

/// The guards of others in one environment, by release.
#[derive(Debug, Default)]
pub struct Others(HashMap<Key, Known>);

/// The guards that were armed here.
#[derive(Debug, Default)]
pub struct Guards {
    mine: Vec<Mine>,
    leaving: Option<Timestamp>,
    /// Whether one came or went since their releases were last named to those who measure.
    changed: bool,
}

/// A guard on the screen.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Whether it runs in this process.
    pub here: bool,
    /// Whose it is: `dana@laptop`.
    pub owner: String,
    /// Word of its state.
    pub state: Box<str>,
    /// Seconds until it takes the release back, while it counts down.
    pub left: Option<i64>,
    /// What speaks against the release.
    pub evidence: Box<str>,
    /// Seconds for which it has been on watch.
    pub age: Option<i64>,
}

impl Others {
    /// A Lease is there.
    pub(super) fn put(&mut self, lease: &Arc<Lease>, now: Timestamp) {
        let Some(guarding) = Guarding::of(lease) else { return };
        let key = guarding.key.clone();
        let version = lease.metadata.resource_version.as_str().into();
        let same = self.0.get(&key).filter(|known| known.version == version);
        let changed = same.map_or(now, |known| known.changed);
        self.0.insert(key, Known { guarding, version, changed });
    }

    /// A Lease of this name is gone.
    pub(super) fn remove(&mut self, lease: &Key) {
        self.0.retain(|key, _| key.namespace != lease.namespace || crate::domain::guard::lease_name(key) != *lease.name);
    }

    /// The guard of a release that is on watch, as far as is known at a moment of the local clock.
    fn on_watch(&self, key: &Key, now: Timestamp) -> Option<&Guarding> {
        let known = self.0.get(key).filter(|known| known.guarding.is_held())?;
        let silent = now.duration_since(known.changed).as_secs();
        (silent <= known.guarding.seconds.saturating_add(GRACE)).then_some(&known.guarding)
    }

    /// Who cancelled the guards of this version.
    fn cancelled(&self, key: &Key, hash: &str) -> Option<&str> {
        let known = self.0.get(key).filter(|known| *known.guarding.hash == *hash)?;
        known.guarding.posted.cancelled.as_deref()
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        self.0.keys()
    }
}

impl Guards {
    /// Those that were armed here.
    pub fn mine(&self) -> &[Mine] {
        &self.mine
    }

    fn of(&self, environment: EnvironmentId, key: &Key) -> Option<&Mine> {
        self.mine.iter().find(|mine| mine.environment == environment && mine.seen.key == *key)
    }
}

impl Mine {
    /// Whether it is on watch, or another one is and it stands by.
    fn stands_by(&self) -> bool {
        matches!(self.status.as_ref().map(|status| &status.state), Some(Stage::Standby { .. }))
    }
}

impl State {
    /// The guard of a release; one that was armed here before those of others.
    pub fn guard(&self, environment: &Environment, key: &Key) -> Option<Shown> {
        let others = environment.guards.on_watch(key, self.now);
        let mine = self.guards.of(environment.id, key);
        if let Some(mine) = mine.filter(|mine| others.is_none() || !mine.stands_by()) {
            let status = mine.status.as_ref();
            let left = match status.map(|status| &status.state) {
                Some(Stage::Countdown { until }) => Some(until.duration_since(self.now).as_secs().max(0)),
                _ => None,
            };
            return Some(Shown {
                here: true,
                owner: "this terminal".to_owned(),
                state: status.map_or("arming", |status| status.state.word()).into(),
                left,
                evidence: status.map(|status| status.evidence.clone()).unwrap_or_default(),
                age: Some(self.now.duration_since(mine.since).as_secs()),
            });
        }
        let cluster = environment.cluster_time(self.now);
        let guarding = others?;
        let left = guarding.posted.deadline.map(|deadline| deadline.duration_since(cluster).as_secs().max(0));
        Some(Shown {
            here: false,
            owner: guarding.owner.to_string(),
            state: guarding.posted.state.clone(),
            left: left.filter(|_| &*guarding.posted.state == "countdown"),
            evidence: guarding.posted.evidence.clone(),
            age: guarding.since.map(|since| cluster.duration_since(since).as_secs()),
        })
    }
}

impl Shown {
    /// `guard ● this terminal 8:12`, without its first word and mark.
    pub fn words(&self) -> String {
        let age = self.age.map(|age| format!(" {}", crate::domain::duration::clock(age))).unwrap_or_default();
        let state = match (&*self.state, self.left) {
            (_, Some(left)) => format!(" · takes it back in {}", crate::domain::duration::clock(left)),
            ("watching", None) => String::new(),
            ("blind", None) => " · BLIND".to_owned(),
            (state, None) => format!(" · {state}"),
        };
        format!("{}{age}{state}", self.owner)
    }
}

/// Something was heard of a guard that was armed here.
pub(super) fn hear(state: &mut State, env: &Env, number: u64, told: Told) -> Vec<Effect> {
    let found = state.guards.mine.iter().enumerate().find(|(_, mine)| mine.number == number);
    let Some((place, mine)) = found else { return Vec::new() };
    let (environment, key) = (mine.environment, mine.seen.key.clone());
    match told {
        Told::Said(words) => {
            let tone = if words.starts_with("BLIND") || words.contains("taken back in") { Tone::Bad } else { Tone::Plain };
            if tone == Tone::Bad {
                commands::say(state, format!("guard of {}: {words}", key.name));
            }
            note(state, environment, key, tone, format!("guard here: {words}"));
            if tone == Tone::Bad && env.bell {
                return vec![Effect::Bell];
            }
        }
        Told::Now(status) => {
            if let Stage::Ended(end) = &status.state {
                commands::say(state, format!("guard of {}: {}", key.name, ended(end)));
                state.guards.end(place);
                return vec![Effect::ReadLedger];
            }
            if let Some(mine) = state.guards.mine.get_mut(place) {
                mine.status = Some(status);
            }
        }
        Told::Failed(why) => {
            state.guards.end(place);
            commands::say(state, why.clone());
            note(state, environment, key, Tone::Bad, why);
            return vec![Effect::ReadLedger];
        }
    }
    Vec::new()
}

fn note(state: &mut State, environment: EnvironmentId, key: Key, tone: Tone, words: String) {
    let now = state.now;
    if let Some(environment) = state.environments.get_mut(usize::from(environment.0)) {
        environment.notices.say(Some(key), tone, words, now);
    }
}

fn ended(end: &End) -> String {
    match end {
        End::Stable { blind: false } => "the version is stable; its work is done".to_owned(),
        End::Stable { blind: true } => "the version is stable, but nobody saw how well it was: it was blind".to_owned(),
        End::TookBack(outcome) => format!("took it back: {}", outcome.text()),
        End::Back => "it was taken back by somebody else".to_owned(),
        End::Other => "another version is on its way; it is not guarded".to_owned(),
        End::Gone => "the release is gone".to_owned(),
        End::Cancelled(by) => format!("cancelled: {by}"),
        End::Disarmed => "disarmed".to_owned(),
    }
}

/// The guards of others were cancelled, or not.
pub(super) fn cancelled(state: &mut State, done: Result<String, String>) -> Vec<Effect> {
    commands::say(state, done.unwrap_or_else(|why| why));
    vec![Effect::ReadLedger]
}

/// Shows the guards that were armed here what is seen, once a second, and has their releases measured whatever is on the screen.
pub(super) fn follow(state: &mut State) -> Vec<Effect> {
    let now = state.now;
    let mut effects = Vec::new();
    let mut guards = std::mem::take(&mut state.guards);
    if std::mem::take(&mut guards.changed) {
        for environment in &mut state.environments {
            let mine = guards.mine.iter().filter(|mine| mine.environment == environment.id);
            environment.metrics.keep(mine.map(|mine| mine.seen.key.clone()).collect());
        }
    }
    for mine in &mut guards.mine {
        let due = mine.shown.is_none_or(|shown| now.duration_since(shown).abs() >= PACE);
        let Some(environment) = state.environment_named(mine.environment).filter(|_| due) else { continue };
        mine.shown = Some(now);
        let seen = sight(environment, &mine.seen.key, now, &state.rules);
        effects.push(Effect::Guard(Box::new(Wish::Show(mine.number, Box::new(seen)))));
    }
    state.guards = guards;
    effects
}

/// Somebody wants to leave: with a guard armed here the first time warns, the second leaves.
pub(super) fn leave(state: &mut State) -> Vec<Effect> {
    let warned = state.guards.leaving.is_some_and(|until| state.now < until);
    let names: Vec<&str> = state.guards.mine.iter().map(|mine| &*mine.seen.key.name).collect();
    if names.is_empty() || warned {
        return vec![Effect::Quit];
    }
    let text = format!("a guard of {} runs in this terminal and ends with it: once more leaves", names.join(", "));
    let until = state.now.checked_add(LEAVING).unwrap_or(state.now);
    state.guards.leaving = Some(until);
    state.toast = Some(Toast { text, until });
    Vec::new()
}

impl Guards {
    fn end(&mut self, place: usize) {
        self.mine.remove(place);
        self.changed = true;
    }

    pub(super) fn begin(&mut self, number: u64, environment: EnvironmentId, seen: Seen, now: Timestamp) {
        self.changed = true;
        self.mine.push(Mine { number, environment, seen, since: now, status: None, shown: None });
    }
}
