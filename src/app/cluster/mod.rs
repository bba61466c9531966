//! One environment's objects as the sources told them, and of each release the few facts that a list sorts and counts by.
//! A change costs a few map look-ups, whatever the number of objects; a whole row is worked out only when it is asked for.
//! Never drops what was known because a connection broke: only `Gone` removes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::belongings::Belongings;
use crate::domain::fact::{Health, Link, News, Object, Reading};
use crate::domain::flagger;
use crate::domain::id::{Key, Kind};
use crate::domain::object::{Canary, Meta, Rollout};
use crate::domain::phase::phase;
use crate::domain::release::{self, Phase, Release, WaitingFor};
use crate::domain::signs::{lacks_pods, signs, waiting_for};
use crate::domain::why;

/// Where a release stands in the list: those that need a person first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rank {
    /// A person has to do something.
    NeedsPerson,
    /// It is on its way.
    Moving,
    /// Nothing is going on.
    #[default]
    Calm,
}

/// What a list needs of every release, worked out when the release changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// Its phase.
    pub phase: Phase,
    /// Whom it waits for.
    pub waiting_for: Option<WaitingFor>,
    /// Whether it waits for a person, failed, cannot start its pods, or could not be read: somebody has to look.
    pub needs_person: bool,
    /// Whether something is under way.
    pub moving: bool,
    /// Place in the default order.
    pub rank: Rank,
    /// Whether something in the object could not be read.
    pub odd: bool,
}

/// The objects of one environment.
#[derive(Debug)]
pub struct Cluster {
    rows: HashMap<Key, Row>,
    others: HashMap<Key, Object>,
    owned: HashMap<Box<str>, Vec<Object>>,
    readings: HashMap<Kind, Reading>,
    health: Health,
    changed: HashSet<Key>,
    order: u64,
    /// How many pods are known.
    pods: usize,
}

#[derive(Debug)]
struct Row {
    subject: Subject,
    glance: Glance,
}

#[derive(Debug)]
enum Subject {
    Rollout(Arc<Rollout>),
    Canary(Arc<Canary>),
}

impl Subject {
    fn meta(&self) -> &Meta {
        match self {
            Self::Rollout(rollout) => &rollout.metadata,
            Self::Canary(canary) => &canary.metadata,
        }
    }

    /// Shares with what it was before what has not changed since.
    fn keep(&mut self, before: &Self) {
        match (self, before) {
            (Self::Rollout(rollout), Self::Rollout(before)) => {
                if let Some(rollout) = Arc::get_mut(rollout) {
                    rollout.keep(before);
                }
            }
            (Self::Canary(canary), Self::Canary(before)) => {
                if let Some(canary) = Arc::get_mut(canary) {
                    canary.metadata.keep(&before.metadata);
                }
            }
            (Self::Rollout(_), Self::Canary(_)) | (Self::Canary(_), Self::Rollout(_)) => {}
        }
    }

    /// What a list needs of it; `stuck` if its pods are known not to start.
    fn glance(&self, stuck: bool) -> Glance {
        let (phase, waiting_for, odd) = match self {
            Self::Rollout(rollout) => {
                let phase = phase(rollout);
                (phase, waiting_for(&signs(rollout), phase), rollout.odd.is_some())
            }
            Self::Canary(canary) => (flagger::phase_and_message(canary).0, flagger::waiting_for(canary), canary.odd.is_some()),
        };
        let needs_person = odd || stuck || phase == Phase::Degraded || waiting_for == Some(WaitingFor::Person);
        let moving = matches!(phase, Phase::Progressing | Phase::Paused) || waiting_for.is_some();
        let rank = match (needs_person, moving) {
            (true, _) => Rank::NeedsPerson,
            (false, true) => Rank::Moving,
            (false, false) => Rank::Calm,
        };
        Glance { phase, waiting_for, needs_person, moving, rank, odd }
    }
}

impl Default for Cluster {
    fn default() -> Self {
        let health = Health { at: Timestamp::UNIX_EPOCH, state: Link::Connecting, clock_skew_ms: 0 };
        Self {
            rows: HashMap::new(),
            others: HashMap::new(),
            owned: HashMap::new(),
            readings: HashMap::new(),
            health,
            changed: HashSet::new(),
            order: 0,
            pods: 0,
        }
    }
}

impl Cluster {
    /// Takes in one piece of news.
    pub fn apply(&mut self, news: News) {
        match news {
            News::Is(Object::Rollout(rollout)) => self.put_row(Kind::Rollout, Subject::Rollout(rollout)),
            News::Is(Object::Canary(canary)) => self.put_row(Kind::Canary, Subject::Canary(canary)),
            News::Is(object) => self.put_other(object),
            News::Gone(key) if matches!(key.kind, Kind::Rollout | Kind::Canary) => self.remove_row(&key),
            News::Gone(key) => self.remove_other(&key),
            News::Reading(kind, reading) => {
                self.readings.insert(kind, reading);
            }
            News::Health(health) => self.health = health,
            // No object says it: see `Metrics`.
            News::Metrics(_) => {}
        }
    }

    /// All releases, in no particular order.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.rows.keys()
    }

    /// Number of releases.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no releases.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What a list needs of a release.
    pub fn glance(&self, key: &Key) -> Option<&Glance> {
        self.rows.get(key).map(|row| &row.glance)
    }

    /// All releases with what a list needs of them, in no particular order.
    pub fn glances(&self) -> impl Iterator<Item = (&Key, &Glance)> {
        self.rows.iter().map(|(key, row)| (key, &row.glance))
    }

    /// A whole row, worked out now, at a moment of the cluster's clock.
    pub fn release(&self, key: &Key, now: Timestamp) -> Option<Release> {
        let row = self.rows.get(key)?;
        let belongings = self.belongings(key);
        Some(match &row.subject {
            Subject::Rollout(rollout) => release::of_rollout(rollout, &belongings, now),
            Subject::Canary(canary) => release::of_canary(canary, &belongings, now),
        })
    }

    /// Metadata of a release: labels, owners, age.
    pub fn meta(&self, key: &Key) -> Option<&Meta> {
        self.rows.get(key).map(|row| row.subject.meta())
    }

    /// A Rollout.
    pub fn rollout(&self, key: &Key) -> Option<&Arc<Rollout>> {
        match &self.rows.get(key)?.subject {
            Subject::Rollout(rollout) => Some(rollout),
            Subject::Canary(_) => None,
        }
    }

    /// A Flagger Canary.
    pub fn canary(&self, key: &Key) -> Option<&Arc<Canary>> {
        match &self.rows.get(key)?.subject {
            Subject::Canary(canary) => Some(canary),
            Subject::Rollout(_) => None,
        }
    }

    /// Releases whose pods have been missing for a while, by the cluster's clock.
    pub fn lacking(&self, now: Timestamp) -> impl Iterator<Item = &Key> {
        let lacks = move |row: &Row| match &row.subject {
            Subject::Rollout(rollout) => lacks_pods(rollout, now),
            Subject::Canary(_) => false,
        };
        self.rows.iter().filter(move |(_, row)| row.glance.moving && lacks(row)).map(|(key, _)| key)
    }

    /// Everything that belongs to a release, as far as it is read. Shares the objects, copies none.
    pub fn belongings(&self, key: &Key) -> Belongings {
        self.rows.get(key).map(|row| self.belongings_of(&row.subject.meta().uid)).unwrap_or_default()
    }

    fn belongings_of(&self, uid: &str) -> Belongings {
        let mut all = Belongings::default();
        self.collect(uid, &mut all);
        let experiments: Vec<_> = all.experiments.iter().map(|experiment| experiment.metadata.uid.clone()).collect();
        for uid in &experiments {
            self.collect(uid, &mut all);
        }
        let sets = all.replica_sets.iter().map(|set| &set.metadata.uid);
        let second: Vec<_> = sets.chain(all.analysis_runs.iter().map(|run| &run.metadata.uid)).cloned().collect();
        for uid in &second {
            self.collect(uid, &mut all);
        }
        let pods: Vec<_> = all.pods.iter().map(|pod| pod.metadata.uid.clone()).collect();
        for uid in &pods {
            self.collect(uid, &mut all);
        }
        all
    }

    /// How far reading a kind has come.
    pub fn reading(&self, kind: Kind) -> &Reading {
        self.readings.get(&kind).unwrap_or(&Reading::Loading)
    }

    /// How the connection is doing.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Releases that appeared, vanished or changed, they themselves or what belongs to them, since this was last asked.
    pub fn take_changed(&mut self) -> HashSet<Key> {
        std::mem::take(&mut self.changed)
    }

    /// Rises whenever a release appears, vanishes or gets another [`Glance`]: a list sorted at an equal number is still in order.
    pub fn order(&self) -> u64 {
        self.order
    }

    fn collect(&self, uid: &str, all: &mut Belongings) {
        for object in self.owned.get(uid).into_iter().flatten() {
            add(all, object);
        }
    }

    fn put_row(&mut self, kind: Kind, mut subject: Subject) {
        let meta = subject.meta();
        let key = Key { kind, namespace: meta.namespace.clone(), name: meta.name.clone() };
        if let Some(before) = self.rows.get(&key) {
            subject.keep(&before.subject);
        }
        let glance = subject.glance(self.is_stuck(&subject));
        let before = self.rows.insert(key.clone(), Row { subject, glance });
        if before.is_none_or(|before| before.glance != glance) {
            self.order += 1;
        }
        self.changed.insert(key);
    }

    /// Whether a release is under way and its new pods are known not to start.
    fn is_stuck(&self, subject: &Subject) -> bool {
        let Subject::Rollout(rollout) = subject else { return false };
        let moves = self.pods > 0 && matches!(phase(rollout), Phase::Progressing | Phase::Paused);
        moves && why::cannot_start(rollout, &self.belongings_of(&rollout.metadata.uid))
    }

    /// Looks at a release again after what belongs to it changed.
    fn judge(&mut self, key: &Key) {
        let glance = self.rows.get(key).map(|row| row.subject.glance(self.is_stuck(&row.subject)));
        if let Some((row, glance)) = self.rows.get_mut(key).zip(glance)
            && row.glance != glance
        {
            row.glance = glance;
            self.order += 1;
        }
    }

    fn remove_row(&mut self, key: &Key) {
        if self.rows.remove(key).is_some() {
            self.order += 1;
            self.changed.insert(key.clone());
        }
    }

    fn put_other(&mut self, object: Object) {
        let Some(key) = key_of(&object) else { return };
        let is_pod = key.kind == Kind::Pod;
        if let Some(before) = self.others.insert(key, object.clone()) {
            self.disown(&before);
        } else {
            self.pods += usize::from(is_pod);
        }
        let release = self.release_of(&object);
        if let Some(owner) = owner_of(&object) {
            let owned = self.owned.entry(owner.uid.into()).or_default();
            // Most have two or three: room for eight would be wasted ten thousand times.
            owned.reserve_exact(1);
            owned.push(object);
        }
        self.mark(release, is_pod);
    }

    fn remove_other(&mut self, key: &Key) {
        if let Some(object) = self.others.remove(key) {
            let is_pod = key.kind == Kind::Pod;
            self.pods -= usize::from(is_pod);
            self.disown(&object);
            let release = self.release_of(&object);
            self.mark(release, is_pod);
        }
    }

    fn disown(&mut self, object: &Object) {
        let Some(owner) = owner_of(object) else { return };
        let Some(owned) = self.owned.get_mut(owner.uid) else { return };
        owned.retain(|other| !is_same(other, object));
        if owned.is_empty() {
            self.owned.remove(owner.uid);
        }
    }

    /// Marks a release as changed because what belongs to it did: a pod, or what may own some.
    fn mark(&mut self, release: Option<Key>, is_pod: bool) {
        let Some(key) = release else { return };
        if is_pod || self.pods > 0 {
            self.judge(&key);
        }
        self.changed.insert(key);
    }

    /// The release at the top of the chain of owners. A chain is four long at most: experiment, set, pod, event.
    pub fn release_of(&self, object: &Object) -> Option<Key> {
        let mut object = object;
        for _ in 0..5 {
            let owner = owner_of(object)?;
            let kind = OWNERS.into_iter().find(|kind| kind.name() == owner.kind)?;
            let key = Key::new(kind, owner.namespace, owner.name);
            if self.rows.get(&key).is_some_and(|row| *row.subject.meta().uid == *owner.uid) {
                return Some(key);
            }
            object = self.others.get(&key)?;
        }
        None
    }
}

/// Kinds that own others, releases first.
const OWNERS: [Kind; 6] = [Kind::Rollout, Kind::Canary, Kind::ReplicaSet, Kind::Pod, Kind::AnalysisRun, Kind::Experiment];

struct OwnedBy<'a> {
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
    uid: &'a str,
}

fn meta_of(object: &Object) -> &Meta {
    match object {
        Object::Rollout(object) => &object.metadata,
        Object::Canary(object) => &object.metadata,
        Object::ReplicaSet(object) => &object.metadata,
        Object::Pod(object) => &object.metadata,
        Object::AnalysisRun(object) => &object.metadata,
        Object::Experiment(object) => &object.metadata,
        Object::Event(object) => &object.metadata,
        Object::Lease(object) => &object.metadata,
    }
}

/// The name of an object that belongs to a release; None for a release.
fn key_of(object: &Object) -> Option<Key> {
    let kind = match object {
        Object::Rollout(_) | Object::Canary(_) | Object::Lease(_) => return None,
        Object::ReplicaSet(_) => Kind::ReplicaSet,
        Object::Pod(_) => Kind::Pod,
        Object::AnalysisRun(_) => Kind::AnalysisRun,
        Object::Experiment(_) => Kind::Experiment,
        Object::Event(_) => Kind::Event,
    };
    let meta = meta_of(object);
    Some(Key { kind, namespace: meta.namespace.clone(), name: meta.name.clone() })
}

/// The owner of an object, by which it is filed; of an event, what it is about.
fn owner_of(object: &Object) -> Option<OwnedBy<'_>> {
    let meta = meta_of(object);
    let (kind, name, uid): (&str, &str, &str) = if let Object::Event(event) = object {
        let about = &event.involved_object;
        (&about.kind, &about.name, &about.uid)
    } else {
        let owner = meta.controller().or_else(|| meta.owner_references.first())?;
        (&owner.kind, &owner.name, &owner.uid)
    };
    (!uid.is_empty()).then_some(OwnedBy { kind, namespace: &meta.namespace, name, uid })
}

fn add(owned: &mut Belongings, object: &Object) {
    match object {
        Object::Rollout(_) | Object::Canary(_) | Object::Lease(_) => {}
        Object::ReplicaSet(object) => owned.replica_sets.push(object.clone()),
        Object::Pod(object) => owned.pods.push(object.clone()),
        Object::AnalysisRun(object) => owned.analysis_runs.push(object.clone()),
        Object::Experiment(object) => owned.experiments.push(object.clone()),
        Object::Event(object) => owned.events.push(object.clone()),
    }
}

/// Whether two are one and the same object in memory.
fn is_same(a: &Object, b: &Object) -> bool {
    std::ptr::eq(meta_of(a), meta_of(b))
}

#[cfg(test)]
mod tests;
