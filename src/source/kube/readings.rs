//! One word per kind from many watches: what the screen says about reading it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::known::lock;
use crate::domain::fact::{News, Reading};
use crate::domain::id::Kind;
use crate::source::Post;

/// The states of all watches of a connection, by kind.
pub struct Readings {
    post: Post,
    watches: Mutex<BTreeMap<Kind, Watches>>,
}

#[derive(Default)]
struct Watches {
    by_watch: BTreeMap<u64, Reading>,
    said: Option<Reading>,
}

impl Readings {
    /// Nothing is read yet.
    pub fn new(post: Post) -> Self {
        Self { post, watches: Mutex::default() }
    }

    /// A watch is in this state now; None when it has ended. The core hears of it if the kind as a whole is in another than before.
    pub fn set(&self, kind: Kind, watch: u64, reading: Option<Reading>) {
        let mut kinds = lock(&self.watches);
        let watches = kinds.entry(kind).or_default();
        match reading {
            Some(reading) => watches.by_watch.insert(watch, reading),
            None => watches.by_watch.remove(&watch),
        };
        let worst = watches.by_watch.values().max_by_key(|reading| gravity(reading));
        if let Some(worst) = worst
            && watches.said.as_ref() != Some(worst)
        {
            watches.said = Some(worst.clone());
            self.post.put(News::Reading(kind, worst.clone()));
        }
    }

    /// Whether everything of a kind has been seen and is being followed.
    pub fn settled(&self, kind: Kind) -> bool {
        let kinds = lock(&self.watches);
        kinds.get(&kind).is_some_and(|watches| matches!(watches.said, Some(Reading::Live | Reading::Narrowed(_))))
    }
}

/// Which of several states is the one to show.
fn gravity(reading: &Reading) -> u8 {
    match reading {
        Reading::Live => 0,
        Reading::NotInstalled => 1,
        Reading::Narrowed(_) => 2,
        Reading::Loading => 3,
        Reading::Denied(_) => 4,
        Reading::Failing(_) => 5,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::id::EnvironmentId;
    use crate::source::Mailbox;

    #[test]
    fn the_gravest_state_is_said_and_said_once() {
        let mailbox = Arc::new(Mailbox::new(|| {}));
        let post = Post::new(Arc::clone(&mailbox), EnvironmentId(0));
        let readings = Readings::new(post);
        let said = || mailbox.take(9).into_iter().map(|fact| format!("{:?}", fact.news)).collect::<Vec<_>>();
        readings.set(Kind::Pod, 1, Some(Reading::Loading));
        readings.set(Kind::Pod, 2, Some(Reading::Live));
        assert_eq!(said(), ["Reading(Pod, Loading)"]);
        readings.set(Kind::Pod, 2, Some(Reading::Live));
        assert!(said().is_empty());
        readings.set(Kind::Pod, 1, Some(Reading::Denied("no".into())));
        assert_eq!(said(), ["Reading(Pod, Denied(\"no\"))"]);
        readings.set(Kind::Pod, 1, None);
        assert_eq!(said(), ["Reading(Pod, Live)"]);
        readings.set(Kind::Pod, 2, None);
        assert!(said().is_empty());
    }
}
