//! Facts on their way to the core. Keeps only the newest per object, so that its size is bounded by how much there is and never by
//! how much happens. Never blocks longer than a map lookup, and never drops the last word on anything.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::fact::{Fact, MetricsNews, News};
use crate::domain::id::{EnvironmentId, Key, Kind};

/// Above this many slots an emptied mailbox gives its memory back.
const KEPT_CAPACITY: usize = 1024;

/// The mailbox: many sources put, one core takes.
pub struct Mailbox {
    waiting: Mutex<Waiting>,
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Waiting {
    /// In order of first arrival. None where a fact stood that a newer one was not to replace in its place.
    facts: VecDeque<Option<Fact>>,
    /// How many of them are there.
    count: usize,
    /// Place of each topic, counted from the first fact ever put.
    places: HashMap<Topic, u64>,
    /// How many facts have been taken.
    taken: u64,
    /// The newest connection of each environment.
    epochs: HashMap<EnvironmentId, u32>,
}

/// What a fact is about; a newer one on the same topic replaces the older.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Topic {
    Object(EnvironmentId, Key),
    Reading(EnvironmentId, Kind),
    Health(EnvironmentId),
    Metrics(EnvironmentId, Metric),
}

/// What a metrics server spoke of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Metric {
    Link,
    Measured(Key),
    Fleet(Arc<str>),
    Alerts,
    Burn(Key),
    Collector,
    Recorded,
    Templates(Key),
}

impl Metric {
    fn of(news: &MetricsNews) -> Self {
        match news {
            MetricsNews::Link(_) => Self::Link,
            MetricsNews::Measured(measured) => Self::Measured(measured.key.clone()),
            MetricsNews::Fleet(fleet) => Self::Fleet(Arc::clone(&fleet.signal)),
            MetricsNews::Alerts(_) => Self::Alerts,
            MetricsNews::Burn(reading) => Self::Burn(reading.key.clone()),
            MetricsNews::Collector(_) => Self::Collector,
            MetricsNews::Recorded(_) => Self::Recorded,
            MetricsNews::Templates(key, _) => Self::Templates(key.clone()),
        }
    }
}

impl Topic {
    fn of(fact: &Fact) -> Self {
        match &fact.news {
            News::Is(object) => Self::Object(fact.environment, object.key()),
            News::Gone(key) => Self::Object(fact.environment, key.clone()),
            News::Reading(kind, _) => Self::Reading(fact.environment, *kind),
            News::Health(_) => Self::Health(fact.environment),
            News::Metrics(news) => Self::Metrics(fact.environment, Metric::of(news)),
        }
    }
}

impl Mailbox {
    /// An empty mailbox. `wake` is called, outside every lock, when it goes from empty to not empty.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { waiting: Mutex::default(), wake: Box::new(wake) }
    }

    /// Puts a fact. One on the same topic that still waits is replaced where it stands; one of an older connection is dropped.
    pub fn put(&self, fact: Fact) {
        let topic = Topic::of(&fact);
        let was_empty = {
            let mut waiting = self.lock();
            let of_connection = !matches!(fact.news, News::Metrics(_));
            if of_connection && !waiting.hears(fact.environment, fact.epoch) {
                return;
            }
            let was_empty = waiting.count == 0;
            waiting.put(topic, fact);
            was_empty
        };
        if was_empty {
            (self.wake)();
        }
    }

    /// Takes at most `max` facts, the longest waiting first.
    pub fn take(&self, max: usize) -> Vec<Fact> {
        let mut waiting = self.lock();
        let mut facts = Vec::with_capacity(max.min(waiting.count));
        while facts.len() < max
            && let Some(fact) = waiting.facts.pop_front()
        {
            waiting.taken += 1;
            facts.extend(fact);
        }
        waiting.count -= facts.len();
        for fact in &facts {
            waiting.places.remove(&Topic::of(fact));
        }
        if waiting.facts.is_empty() && waiting.facts.capacity() > KEPT_CAPACITY {
            waiting.facts.shrink_to(KEPT_CAPACITY);
            waiting.places.shrink_to(KEPT_CAPACITY);
        }
        facts
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.lock().count == 0
    }

    /// How many facts wait.
    pub fn len(&self) -> usize {
        self.lock().count
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Whether a connection still has a say. When a new one begins to speak, it takes over what the one before said last: that is
    /// still true, and whoever takes it must not think it out of date.
    fn hears(&mut self, environment: EnvironmentId, epoch: u32) -> bool {
        let newest = self.epochs.entry(environment).or_insert(epoch);
        if epoch > *newest {
            *newest = epoch;
            self.facts.iter_mut().flatten().filter(|fact| fact.environment == environment).for_each(|fact| fact.epoch = epoch);
        }
        epoch >= *newest
    }

    fn put(&mut self, topic: Topic, fact: Fact) {
        let place = self.places.get(&topic).and_then(|place| usize::try_from(place - self.taken).ok());
        let older = place.and_then(|place| self.facts.get_mut(place));
        // That all has been read must not be heard before what has been read.
        let overtakes = matches!(topic, Topic::Reading(..));
        match older {
            Some(older) if !overtakes => *older = Some(fact),
            older => {
                self.count += usize::from(older.is_none());
                older.map(Option::take);
                self.places.insert(topic, self.taken + self.facts.len() as u64);
                self.facts.push_back(Some(fact));
                if self.facts.len() > 2 * self.count + KEPT_CAPACITY {
                    self.close_up();
                }
            }
        }
    }

    /// Takes the places away where nothing stands any more.
    fn close_up(&mut self) {
        self.facts.retain(Option::is_some);
        let places = self.facts.iter().flatten().map(Topic::of).zip(self.taken..);
        self.places = places.collect();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::*;
    use crate::domain::fact::{Object, Reading};
    use crate::domain::object::{Meta, Rollout};

    fn is(name: &str, version: u32) -> Fact {
        let metadata = Meta { name: name.into(), generation: version.into(), ..Meta::default() };
        let rollout = Rollout { metadata, ..Rollout::default() };
        Fact { environment: EnvironmentId(0), epoch: 0, news: News::Is(Object::Rollout(Arc::new(rollout))) }
    }

    fn gone(name: &str) -> Fact {
        Fact { environment: EnvironmentId(0), epoch: 0, news: News::Gone(Key::new(Kind::Rollout, "", name)) }
    }

    /// Name, and the version if it is there.
    fn said(fact: &Fact) -> (String, Option<i64>) {
        match &fact.news {
            News::Is(Object::Rollout(rollout)) => (rollout.metadata.name.to_string(), Some(rollout.metadata.generation)),
            News::Gone(key) => (key.name.to_string(), None),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_newest_replaces_the_older_where_it_stands() {
        let mailbox = Mailbox::new(|| {});
        for fact in [is("a", 1), is("b", 1), is("a", 2), gone("b"), is("c", 1)] {
            mailbox.put(fact);
        }
        let facts: Vec<_> = mailbox.take(64).iter().map(said).collect();
        assert_eq!(facts, [("a".into(), Some(2)), ("b".into(), None), ("c".into(), Some(1))]);
        assert!(mailbox.is_empty());
    }

    #[test]
    fn that_all_is_read_is_heard_after_what_was_read() {
        let mailbox = Mailbox::new(|| {});
        let reading = |reading| Fact { news: News::Reading(Kind::Rollout, reading), ..is("", 0) };
        for fact in [reading(Reading::Loading), is("a", 1), reading(Reading::Live), is("b", 1)] {
            mailbox.put(fact);
        }
        assert_eq!(mailbox.len(), 3);
        let heard: Vec<_> = mailbox.take(2).into_iter().map(|fact| matches!(fact.news, News::Reading(..))).collect();
        assert_eq!((heard, mailbox.len()), (vec![false, true], 1));
    }

    #[test]
    fn it_wakes_once_until_it_is_emptied() {
        let wakes = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&wakes);
        let mailbox = Mailbox::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        mailbox.put(is("a", 1));
        mailbox.put(is("b", 1));
        assert_eq!(mailbox.take(1).len(), 1);
        mailbox.put(is("c", 1));
        assert_eq!(wakes.load(Ordering::Relaxed), 1);
        assert_eq!(mailbox.take(9).len(), 2);
        mailbox.put(is("c", 2));
        assert_eq!(wakes.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn an_older_connection_has_no_say() {
        let mailbox = Mailbox::new(|| {});
        mailbox.put(Fact { epoch: 2, ..is("a", 2) });
        mailbox.put(Fact { epoch: 1, ..gone("a") });
        mailbox.put(Fact { environment: EnvironmentId(1), epoch: 1, ..is("a", 7) });
        let facts: Vec<_> = mailbox.take(64).iter().map(said).collect();
        assert_eq!(facts, [("a".into(), Some(2)), ("a".into(), Some(7))]);
        mailbox.put(Fact { epoch: 2, ..is("b", 1) });
        mailbox.put(Fact { epoch: 3, ..is("c", 1) });
        assert!(mailbox.take(64).iter().all(|fact| fact.epoch == 3), "the last word of the connection before still counts");
    }

    #[test]
    fn memory_is_bounded_by_objects() {
        let mailbox = Mailbox::new(|| {});
        for version in 0..100_000 {
            mailbox.put(is(if version % 2 == 0 { "a" } else { "b" }, version));
        }
        assert!(mailbox.lock().facts.capacity() <= 8);
        for version in 0..100_000 {
            mailbox.put(Fact { news: News::Reading(Kind::Rollout, Reading::Live), ..is("", version) });
        }
        assert!(mailbox.lock().facts.len() <= KEPT_CAPACITY + 8 && mailbox.lock().places.len() == 3);
        mailbox.put(gone("a"));
        let facts: Vec<_> = mailbox.take(9).into_iter().map(|fact| fact.news).collect();
        assert!(matches!(facts.as_slice(), [News::Gone(_), News::Is(_), News::Reading(..)]), "{facts:?}");
    }

    proptest! {
        #[test]
        fn the_last_word_on_everything_arrives(acts in prop::collection::vec((0_usize..12, any::<bool>(), 0_usize..4), 0..400)) {
            let mailbox = Mailbox::new(|| {});
            let (mut wanted, mut got) = (BTreeMap::new(), BTreeMap::new());
            for (version, (name, there, take)) in acts.into_iter().enumerate() {
                let name = format!("svc-{name}");
                let fact = if there { is(&name, u32::try_from(version).unwrap()) } else { gone(&name) };
                wanted.insert(name, said(&fact).1);
                mailbox.put(fact);
                prop_assert!(mailbox.len() <= wanted.len());
                let taken = mailbox.take(take);
                prop_assert!(taken.len() <= take);
                got.extend(taken.iter().map(said));
            }
            got.extend(mailbox.take(usize::MAX).iter().map(said));
            prop_assert_eq!(got, wanted);
            let waiting = mailbox.lock();
            prop_assert!(waiting.places.is_empty() && waiting.facts.is_empty());
        }
    }
}
