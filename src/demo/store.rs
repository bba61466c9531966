//! The objects of one environment and every rule that holds for all of them: versions, identities, generations,
//! owners, finalizers, history. It knows nothing of HTTP, and it has no clock and no chance of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use tokio::sync::watch;

use super::history::{Change, History};
use super::managed::{self, Author};
use super::part::{Part, Write, merged};
use super::resource::Resource;
use super::status::Status;
use super::stored::{INSTANCE, Snapshot, Stored, owners};

/// The version that an empty store has: the first object gets the next one.
const FIRST_VERSION: u64 = 1000;

/// How many seconds a pod may take to come to its end.
const POD_GRACE: i64 = 30;

type Name = (String, String);

/// What happened to an object, for the controllers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It is new.
    Created,
    /// It is different.
    Changed,
    /// It is gone.
    Deleted,
}

/// One entry of the change feed.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Its kind.
    pub resource: Resource,
    /// What happened.
    pub what: What,
    /// The object after the change; its last state if it is gone.
    pub object: Arc<Value>,
}

/// All objects of one environment.
#[derive(Debug)]
pub struct Store {
    now: Timestamp,
    version: u64,
    seed: u64,
    issued: u64,
    random: fastrand::Rng,
    objects: Vec<BTreeMap<Name, Stored>>,
    histories: Vec<History>,
    owned: BTreeMap<String, BTreeSet<(Resource, Name)>>,
    feed: Vec<Changed>,
    touched: BTreeSet<(Resource, Name)>,
}

impl Store {
    /// An empty store. The same seed gives the same identities in the same order.
    pub fn new(seed: u64, now: Timestamp) -> Self {
        Self {
            now,
            version: FIRST_VERSION,
            seed,
            issued: 0,
            random: fastrand::Rng::with_seed(seed),
            objects: Resource::ALL.iter().map(|_| BTreeMap::new()).collect(),
            histories: Resource::ALL.iter().map(|_| History::new(FIRST_VERSION)).collect(),
            owned: BTreeMap::new(),
            feed: Vec::new(),
            touched: BTreeSet::new(),
        }
    }

    /// The world's time as of the last [`Store::set_now`].
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The same as objects carry it.
    fn stamp(&self) -> String {
        self.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Moves the time that new objects and events carry.
    pub fn set_now(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// The newest version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The one source of chance.
    pub fn random(&mut self) -> &mut fastrand::Rng {
        &mut self.random
    }

    /// An object; `namespace` is empty for kinds without namespaces.
    pub fn get(&self, resource: Resource, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.stored(resource, namespace, name).map(move |stored| stored.value(resource))
    }

    /// An object with its bytes.
    pub fn stored(&self, resource: Resource, namespace: &str, name: &str) -> Option<&Stored> {
        self.objects[resource as usize].get(&(namespace.to_owned(), name.to_owned()))
    }

    /// All objects of a kind, of one namespace or of all, sorted by namespace and name.
    pub fn list(&self, resource: Resource, namespace: Option<&str>) -> impl Iterator<Item = Arc<Value>> {
        self.all(resource, namespace).map(move |stored| stored.value(resource))
    }

    /// The same with their bytes.
    pub fn all(&self, resource: Resource, namespace: Option<&str>) -> impl Iterator<Item = &Stored> {
        let start = (namespace.unwrap_or_default().to_owned(), String::new());
        let wanted = namespace.map(str::to_owned);
        let range = self.objects[resource as usize].range(start..);
        range.take_while(move |((namespace, _), _)| wanted.as_ref().is_none_or(|w| w == namespace)).map(|(_, stored)| stored)
    }

    /// The objects of a kind that the object with this uid owns, sorted by namespace and name.
    pub fn list_owned(&self, resource: Resource, uid: &str) -> Vec<Arc<Value>> {
        let owned = self.owned.get(uid).into_iter().flatten().filter(|(r, _)| *r == resource);
        owned.filter_map(|(r, (namespace, name))| self.get(*r, namespace, name)).collect()
    }

    /// Adds an object, status and all. A `metadata.generateName` gets its random end; a new object keeps a
    /// `creationTimestamp` that it brings, so that a scenario can have a past.
    ///
    /// # Errors
    /// `AlreadyExists`, `Invalid` without a name, `NotFound` for a namespace that is not there.
    pub fn create(&mut self, resource: Resource, object: Value) -> Result<Arc<Value>, Status> {
        let write = Write { part: Part::Whole, dry_run: false, author: Author::Controller };
        self.insert(resource, object, write).map(|stored| stored.value(resource))
    }

    /// As [`Store::create`], with the bytes, under somebody's name, and perhaps only tried out.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub fn insert(&mut self, resource: Resource, mut object: Value, write: Write<'_>) -> Result<Stored, Status> {
        let at = self.name_for(resource, &mut object)?;
        let about = resource.about();
        object["apiVersion"] = resource.api_version().into();
        object["kind"] = about.kind.into();
        let (uid, version) = (self.uid(self.issued + 1), self.version + 1);
        let created = self.stamp();
        let metadata = &mut object["metadata"];
        metadata["uid"] = uid.into();
        metadata["resourceVersion"] = version.to_string().into();
        if metadata["creationTimestamp"].as_str().is_none_or(str::is_empty) {
            metadata["creationTimestamp"] = created.into();
        }
        if about.generation && metadata["generation"].is_null() {
            metadata["generation"] = 1.into();
        }
        managed::note(resource, &Value::Null, &mut object, (write.author, ""), &self.stamp());
        let stored = Stored::new(object, version);
        if !write.dry_run {
            self.issued += 1;
            self.commit(resource, at, Some(stored.clone()), &stored);
        }
        Ok(stored)
    }

    /// Changes an object in place. A change that changes nothing makes no new version. Identity stays as it is whatever
    /// `change` does; the generation rises when something outside of metadata and status changed.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn edit(&mut self, resource: Resource, at: (&str, &str), change: impl FnOnce(&mut Value)) -> Result<Arc<Value>, Status> {
        self.edit_as(resource, at, Author::Controller, change)
    }

    /// The same in somebody's name.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn edit_as(
        &mut self,
        resource: Resource,
        (namespace, name): (&str, &str),
        author: Author<'_>,
        change: impl FnOnce(&mut Value),
    ) -> Result<Arc<Value>, Status> {
        let mut object = match self.get(resource, namespace, name) {
            Some(object) => Arc::unwrap_or_clone(object),
            None => return Err(Status::not_found(resource, name)),
        };
        change(&mut object);
        let write = Write { part: Part::Whole, dry_run: false, author };
        self.put(resource, (namespace, name), object, write).map(|stored| stored.value(resource))
    }

    /// Replaces the status of an object.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn update_status(
        &mut self,
        resource: Resource,
        (namespace, name): (&str, &str),
        status: Value,
    ) -> Result<Arc<Value>, Status> {
        self.edit(resource, (namespace, name), |object| object["status"] = status)
    }

    /// Replaces the status of an object with spec and status, without reading the rest of it. For many a second; an
    /// object that is not there stays away.
    pub fn edit_status(&mut self, resource: Resource, (namespace, name): (&str, &str), change: impl FnOnce(&Value) -> Value) {
        let version = self.version + 1;
        if let Some(stored) = self.stored(resource, namespace, name).and_then(|stored| stored.with_status(version, change)) {
            self.commit(resource, (namespace.to_owned(), name.to_owned()), Some(stored.clone()), &stored);
        }
    }

    /// Applies a JSON merge patch to the whole object, status and metadata included.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn patch(&mut self, resource: Resource, (namespace, name): (&str, &str), patch: &Value) -> Result<Arc<Value>, Status> {
        self.edit(resource, (namespace, name), |object| json_patch::merge(object, patch))
    }

    /// Writes a new state of a part of an object.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn put(
        &mut self,
        resource: Resource,
        (namespace, name): (&str, &str),
        wanted: Value,
        write: Write<'_>,
    ) -> Result<Stored, Status> {
        let Some(before) = self.stored(resource, namespace, name).cloned() else {
            return Err(Status::not_found(resource, name));
        };
        if !wanted.is_object() {
            return Err(Status::bad_request(format!("a {} must be an object", resource.about().kind)));
        }
        let was = before.value(resource);
        let mut object = merged(resource, &was, wanted, write.part);
        // Who applies what is there already becomes one of its managers.
        if object != *was || matches!(write.author, Author::Apply(..)) {
            let through = if write.part == Part::Scale { "scale" } else { "" };
            managed::note(resource, &was, &mut object, (write.author, through), &self.stamp());
        }
        if object == *was {
            return Ok(before);
        }
        let version = self.version + 1;
        object["metadata"]["resourceVersion"] = version.to_string().into();
        let stored = Stored::new(object, version);
        if !write.dry_run {
            let is = stored.value(resource);
            let ending = is["metadata"]["deletionGracePeriodSeconds"].as_i64().is_some_and(|grace| grace > 0);
            let done = is["metadata"]["deletionTimestamp"].is_string() && !has_finalizers(&is) && !ending;
            self.commit(resource, (namespace.to_owned(), name.to_owned()), (!done).then(|| stored.clone()), &stored);
            if done {
                self.collect(&stored.value(resource));
            }
        }
        Ok(stored)
    }

    /// Deletes an object and what it owns. One with finalizers is only marked until the last of them is removed, and a pod
    /// until it is deleted once more: it has to come to its end first.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete(&mut self, resource: Resource, (namespace, name): (&str, &str)) -> Result<Arc<Value>, Status> {
        let Some(before) = self.get(resource, namespace, name) else { return Err(Status::not_found(resource, name)) };
        let marked = before["metadata"]["deletionTimestamp"].is_string();
        let runs = resource == Resource::Pod && before["metadata"]["labels"][INSTANCE].is_null();
        if has_finalizers(&before) || (runs && !marked) {
            let grace = if runs { POD_GRACE } else { 0 };
            let end = (self.now + SignedDuration::from_secs(grace)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            return self.edit(resource, (namespace, name), |object| {
                if !marked {
                    object["metadata"]["deletionTimestamp"] = end.into();
                    object["metadata"]["deletionGracePeriodSeconds"] = grace.into();
                }
            });
        }
        let mut object = Value::clone(&before);
        object["metadata"]["resourceVersion"] = (self.version + 1).to_string().into();
        let stored = Stored::new(object, self.version + 1);
        self.commit(resource, (namespace.to_owned(), name.to_owned()), None, &stored);
        self.collect(&stored.value(resource));
        if resource == Resource::Namespace {
            self.empty_namespace(name);
        }
        Ok(stored.value(resource))
    }

    /// Deletes an object and leaves what it owns, without an owner.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete_orphaning(&mut self, resource: Resource, at: (&str, &str)) -> Result<Arc<Value>, Status> {
        let Some(object) = self.get(resource, at.0, at.1) else { return Err(Status::not_found(resource, at.1)) };
        let uid = text(&object, "uid").to_owned();
        for (r, (namespace, name)) in self.owned.get(&uid).cloned().unwrap_or_default() {
            drop(self.edit(r, (&namespace, &name), |owned| disown(owned, &uid)));
        }
        self.delete(resource, at)
    }

    /// What changed since the last call, oldest first. Events are not among it, nor what
    /// another instance looks after.
    pub fn take_changes(&mut self) -> Vec<Changed> {
        std::mem::take(&mut self.feed)
    }

    /// The rollouts, pods and canaries that changed since the last call, each once, by namespace and name; also those that
    /// another instance looks after, and those that are gone.
    pub fn take_touched(&mut self) -> BTreeSet<(Resource, (String, String))> {
        std::mem::take(&mut self.touched)
    }

    /// Nothing has changed since the last [`Store::take_changes`].
    pub fn is_settled(&self) -> bool {
        self.feed.is_empty()
    }

    /// The tail of a kind's changes.
    pub fn history(&self, resource: Resource) -> &History {
        &self.histories[resource as usize]
    }

    /// Wakes when a kind changes.
    pub fn subscribe(&self, resource: Resource) -> watch::Receiver<u64> {
        self.history(resource).subscribe()
    }

    /// Forgets the history of every kind, as a compaction does.
    pub fn compact(&mut self) {
        let version = self.version;
        self.histories.iter_mut().for_each(|history| history.compact(version));
    }

    fn name_for(&mut self, resource: Resource, object: &mut Value) -> Result<Name, Status> {
        if !object.is_object() {
            return Err(Status::bad_request(format!("a {} must be an object", resource.about().kind)));
        }
        if !object["metadata"].is_object() {
            object["metadata"] = Map::new().into();
        }
        let metadata = &mut object["metadata"];
        if let (None, Some(prefix)) = (metadata["name"].as_str().filter(|name| !name.is_empty()), metadata["generateName"].as_str())
        {
            let end: String = (0..5).map(|_| char::from(SAFE[self.random.usize(..SAFE.len())])).collect();
            metadata["name"] = format!("{prefix}{end}").into();
        }
        let namespaced = resource.about().namespaced;
        if !namespaced && let Some(metadata) = metadata.as_object_mut() {
            metadata.remove("namespace");
        }
        let at = (text(object, "namespace").to_owned(), text(object, "name").to_owned());
        if at.1.is_empty() {
            return Err(Status::invalid(resource, "", "metadata.name", "Required value: name or generateName is required"));
        }
        if namespaced && self.stored(Resource::Namespace, "", &at.0).is_none() {
            return Err(Status::not_found(Resource::Namespace, &at.0));
        }
        if self.objects[resource as usize].contains_key(&at) {
            return Err(Status::already_exists(resource, &at.1));
        }
        Ok(at)
    }

    fn uid(&self, number: u64) -> String {
        let mut chance = fastrand::Rng::with_seed(self.seed.rotate_left(32) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (high, low) = (chance.u64(..), chance.u64(..));
        let (a, b, c) = (high >> 32, (high >> 16) & 0xffff, high & 0xfff);
        format!("{a:08x}-{b:04x}-4{c:03x}-{:04x}-{:012x}", 0x8000 | (low >> 50), low & 0xffff_ffff_ffff)
    }

    /// The one place where the store changes: `state` is what is there from now on, `last` what watchers are told.
    fn commit(&mut self, resource: Resource, at: Name, state: Option<Stored>, last: &Stored) {
        self.version += 1;
        let gone = state.is_none();
        if matches!(resource, Resource::Rollout | Resource::Pod | Resource::Canary) {
            self.touched.insert((resource, at.clone()));
        }
        self.index(resource, &at, last.owners(), gone);
        let table = &mut self.objects[resource as usize];
        let before = match state {
            Some(stored) => table.insert(at, stored.kept()),
            None => table.remove(&at),
        };
        let what = match (&before, gone) {
            (_, true) => What::Deleted,
            (None, false) => What::Created,
            (Some(_), false) => What::Changed,
        };
        if let Some(before) = before.as_ref().filter(|before| before.owners() != last.owners()) {
            for uid in before.owners().iter().filter(|uid| !last.owners().contains(uid)) {
                forget_owned(&mut self.owned, uid, resource, &before.snapshot);
            }
        }
        let before = before.map(|before| before.snapshot);
        self.histories[resource as usize].push(Change { version: self.version, before, after: last.snapshot.clone(), gone });
        // Nobody acts on events, nor on what another instance looks after.
        if resource != Resource::Event && last.snapshot.label(INSTANCE).is_none() {
            self.feed.push(Changed { resource, what, object: last.value(resource) });
        }
    }

    fn index(&mut self, resource: Resource, at: &Name, owners: &[String], gone: bool) {
        for uid in owners {
            if gone {
                if let Some(owned) = self.owned.get_mut(uid) {
                    owned.remove(&(resource, at.clone()));
                }
            } else if let Some(owned) = self.owned.get_mut(uid) {
                owned.insert((resource, at.clone()));
            } else {
                self.owned.insert(uid.clone(), BTreeSet::from([(resource, at.clone())]));
            }
        }
    }

    /// Deletes what only a deleted object owned.
    fn collect(&mut self, owner: &Value) {
        let uid = text(owner, "uid");
        for (resource, (namespace, name)) in self.owned.remove(uid).unwrap_or_default() {
            let others = self.get(resource, &namespace, &name).is_some_and(|owned| owners(&owned).any(|other| other != uid));
            if others {
                drop(self.edit(resource, (&namespace, &name), |owned| disown(owned, uid)));
            } else {
                drop(self.delete(resource, (&namespace, &name)));
            }
        }
    }

    fn empty_namespace(&mut self, namespace: &str) {
        for resource in Resource::ALL.into_iter().filter(|resource| resource.about().namespaced) {
            let names: Vec<String> = self.all(resource, Some(namespace)).map(|stored| stored.snapshot.name.clone()).collect();
            for name in names {
                drop(self.delete(resource, (namespace, &name)));
            }
        }
    }
}

/// The letters of generated names: no vowels, nothing that looks like another.
const SAFE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

fn forget_owned(owned: &mut BTreeMap<String, BTreeSet<(Resource, Name)>>, uid: &str, resource: Resource, at: &Snapshot) {
    if let Some(set) = owned.get_mut(uid) {
        set.remove(&(resource, (at.namespace.clone(), at.name.clone())));
    }
}

fn has_finalizers(object: &Value) -> bool {
    object["metadata"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty())
}

fn disown(object: &mut Value, uid: &str) {
    if let Some(references) = object["metadata"]["ownerReferences"].as_array_mut() {
        references.retain(|reference| reference["uid"] != uid);
    }
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object["metadata"][key].as_str().unwrap_or_default()
}
