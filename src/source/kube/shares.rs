//! What many objects say alike is kept once: namespaces, and the steps of canaries. Changes nothing that an object says.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use crate::domain::fact::Object;
use crate::domain::object::CanaryStrategy;

/// Values that are looked through for those that nobody has any more, at least.
const FEWEST: usize = 64;

/// What the objects of one watch share.
#[derive(Default)]
pub struct Shares {
    namespaces: Pool<str>,
    canaries: Pool<CanaryStrategy>,
}

impl Shares {
    /// Lets an object that was just decoded share what others have said before it.
    pub fn share(&mut self, object: &mut Object) {
        if let Some(meta) = object.meta_mut() {
            self.namespaces.share(&mut meta.namespace);
        }
        if let Object::Rollout(rollout) = object
            && let Some(spec) = Arc::get_mut(rollout).and_then(|rollout| Arc::get_mut(&mut rollout.spec))
            && let Some(canary) = &mut spec.strategy.canary
        {
            self.canaries.share(canary);
        }
    }
}

/// Values by what they say.
struct Pool<T: ?Sized> {
    values: HashSet<Arc<T>>,
    /// At so many values those are dropped that nobody has any more.
    full: usize,
}

impl<T: ?Sized> Default for Pool<T> {
    fn default() -> Self {
        Self { values: HashSet::new(), full: FEWEST }
    }
}

impl<T: ?Sized + Eq + Hash> Pool<T> {
    fn share(&mut self, value: &mut Arc<T>) {
        if let Some(known) = self.values.get(value) {
            value.clone_from(known);
            return;
        }
        if self.values.len() >= self.full {
            self.values.retain(|known| Arc::strong_count(known) > 1);
            self.full = FEWEST.max(self.values.len() * 2);
        }
        self.values.insert(Arc::clone(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Kind;
    use crate::source::kube::envelope::object;

    fn rollout(namespace: &str, weight: usize) -> Object {
        let text = format!(
            r#"{{"metadata":{{"namespace":"{namespace}"}},"spec":{{"strategy":{{"canary":{{"steps":[{{"setWeight":{weight}}}]}}}}}}}}"#
        );
        object(Kind::Rollout, &text).unwrap()
    }

    fn parts(object: &Object) -> (&Arc<str>, &Arc<CanaryStrategy>) {
        let Object::Rollout(rollout) = object else { panic!("{object:?}") };
        (&rollout.metadata.namespace, rollout.spec.strategy.canary.as_ref().unwrap())
    }

    #[test]
    fn equal_parts_become_one_and_others_stay_apart() {
        let mut shares = Shares::default();
        let mut all = [rollout("a", 10), rollout("a", 10), rollout("b", 20)];
        let before = format!("{all:?}");
        for object in &mut all {
            shares.share(object);
        }
        assert_eq!(format!("{all:?}"), before);
        let [(namespace, canary), (same, equal), (other, different)] = all.each_ref().map(parts);
        assert!(Arc::ptr_eq(namespace, same) && Arc::ptr_eq(canary, equal));
        assert!(!Arc::ptr_eq(namespace, other) && !Arc::ptr_eq(canary, different));
    }

    #[test]
    fn what_nobody_has_any_more_is_dropped() {
        let mut shares = Shares::default();
        let mut kept = rollout("a", 0);
        shares.share(&mut kept);
        for weight in 1..10 * FEWEST {
            shares.share(&mut rollout("a", weight));
        }
        assert!(shares.canaries.values.len() <= FEWEST);
        let mut again = rollout("a", 0);
        shares.share(&mut again);
        assert!(Arc::ptr_eq(parts(&kept).1, parts(&again).1));
    }
}
