//! Which objects a watch has told the core about, so that what is missing from a new list can be said to be gone. Outlives the
//! connection: a new one begins with what the old one knew.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::scope::Place;
use crate::domain::id::{Key, Kind};

/// Namespace and name.
type Name = (Arc<str>, Arc<str>);

/// The objects of one place.
#[derive(Default)]
pub struct Known {
    marks: HashMap<Name, Mark>,
    /// Counts lists.
    list: u32,
}

struct Mark {
    /// The list it was last seen in or after.
    list: u32,
    /// Fingerprint of its resource version.
    version: u32,
}

impl Known {
    /// A new list begins.
    pub fn begin(&mut self) {
        self.list = self.list.wrapping_add(1);
    }

    /// The object is there. Whether it was unknown in this list so far.
    pub fn see(&mut self, namespace: Arc<str>, name: Arc<str>, version: &str) -> bool {
        let mark = Mark { list: self.list, version: fingerprint(version) };
        self.marks.insert((namespace, name), mark).is_none_or(|before| before.list != self.list)
    }

    /// The object is gone. Whether it was known.
    pub fn forget(&mut self, namespace: &Arc<str>, name: &Arc<str>) -> bool {
        self.marks.remove(&(namespace.clone(), name.clone())).is_some()
    }

    /// The list is complete: gives what was known before and is not in it.
    pub fn end(&mut self) -> Vec<Name> {
        let list = self.list;
        let gone: Vec<Name> = self.marks.iter().filter(|(_, mark)| mark.list != list).map(|(name, _)| name.clone()).collect();
        for name in &gone {
            self.marks.remove(name);
        }
        gone
    }

    /// Forgets everything and gives what it was.
    pub fn clear(&mut self) -> Vec<Name> {
        std::mem::take(&mut self.marks).into_keys().collect()
    }

    /// Whether the object is known.
    pub fn has(&self, name: &Name) -> bool {
        self.marks.contains_key(name)
    }

    /// Fingerprint of the version in which the object was last seen.
    fn told(&self, name: &Name) -> Option<u32> {
        self.marks.get(name).map(|mark| mark.version)
    }
}

/// Few bits of a version: enough to see that it is another.
pub fn fingerprint(version: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    version.hash(&mut hasher);
    (hasher.finish() >> 32) as u32
}

/// All places of an environment.
#[derive(Default)]
pub struct Registry(Mutex<HashMap<Place, Arc<Mutex<Known>>>>);

impl Registry {
    /// What is known of a place.
    pub fn of(&self, place: &Place) -> Arc<Mutex<Known>> {
        Arc::clone(lock(&self.0).entry(place.clone()).or_default())
    }

    /// Those that no other place of the kind knows too: only they are gone for the core.
    pub fn known_nowhere_else(&self, place: &Place, names: Vec<Name>) -> Vec<Key> {
        let others = self.others(place);
        let elsewhere = |name: &Name| others.iter().any(|known| lock(known).has(name));
        names
            .into_iter()
            .filter(|name| !elsewhere(name))
            .map(|(namespace, name)| Key { kind: place.kind, namespace, name })
            .collect()
    }

    /// Forgets a place that is no longer read; gives what is gone for the core with it.
    pub fn leave(&self, place: &Place) -> Vec<Key> {
        let known = lock(&self.0).remove(place);
        let names = known.map(|known| lock(&known).clear()).unwrap_or_default();
        self.known_nowhere_else(place, names)
    }

    /// Every place that is known.
    pub fn places(&self) -> Vec<Place> {
        lock(&self.0).keys().cloned().collect()
    }

    /// Fingerprint of the version in which an object was last seen anywhere.
    pub fn told(&self, kind: Kind, name: &Name) -> Option<u32> {
        let places = lock(&self.0);
        places.iter().filter(|(place, _)| place.kind == kind).find_map(|(_, known)| lock(known).told(name))
    }

    fn others(&self, place: &Place) -> Vec<Arc<Mutex<Known>>> {
        let places = lock(&self.0);
        let others = places.iter().filter(|(other, _)| other.kind == place.kind && *other != place);
        others.map(|(_, known)| Arc::clone(known)).collect()
    }
}

/// Locks, whatever happened to another holder.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Name {
        ("shop".into(), name.into())
    }

    fn see(known: &mut Known, name: &str, version: &str) -> bool {
        known.see("shop".into(), name.into(), version)
    }

    #[test]
    fn what_a_new_list_lacks_is_gone() {
        let mut known = Known::default();
        known.begin();
        assert!(see(&mut known, "a", "1") && see(&mut known, "b", "1") && !see(&mut known, "a", "2"));
        assert_eq!(known.end(), []);
        known.begin();
        see(&mut known, "b", "3");
        assert_eq!(known.end(), [name("a")]);
        assert_eq!((known.told(&name("b")), known.told(&name("a"))), (Some(fingerprint("3")), None));
    }

    #[test]
    fn an_object_in_two_places_is_gone_only_when_it_has_left_both() {
        let registry = Registry::default();
        let place = |labels: &str| Place { labels: labels.into(), ..Place::new(Kind::Pod, None) };
        for labels in ["a", "b"] {
            see(&mut lock(&registry.of(&place(labels))), "pod", "1");
        }
        assert_eq!(registry.leave(&place("a")), []);
        assert_eq!(registry.leave(&place("b")), [Key::new(Kind::Pod, "shop", "pod")]);
    }
}
