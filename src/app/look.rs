//! Which releases are looked at closely: the one under the cursor once it rests, those in trouble, and those whose pods do not come.
//! Each costs watches, so there are few of them, and who is looked at stays so while it is in trouble.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::cluster::Cluster;
use super::effect::{Effect, Subject};
use super::state::State;
use crate::domain::id::{EnvironmentId, Key};
use crate::domain::object::Rollout;

/// Releases looked at at once.
pub const MOST: usize = 16;
/// How long the cursor has to rest on a release before it is looked at.
const REST: SignedDuration = SignedDuration::from_millis(250);
/// How often those in trouble are looked for, at most.
const PACE: SignedDuration = SignedDuration::from_secs(1);
/// How many of those whose pods do not come are looked at at once. What is found out about them puts them among those in trouble.
const LACKING: usize = 4;
/// How often those are looked for: time alone puts a release among them.
const SEARCH: SignedDuration = SignedDuration::from_secs(5);
/// How long they are looked at before it is the turn of others.
const TURN: SignedDuration = SignedDuration::from_secs(15);

/// What is looked at now.
#[derive(Debug, Default)]
pub struct Look {
    environment: Option<EnvironmentId>,
    subjects: Vec<Subject>,
    cursor: Option<Key>,
    rests: Option<Timestamp>,
    looked: Option<Timestamp>,
    order: u64,
    /// Those whose pods do not come and whose turn it is, by name; and since when.
    lacking: Vec<Key>,
    turned: Option<Timestamp>,
    searched: Option<Timestamp>,
}

impl Look {
    /// When something is to be looked at that is not yet; None if nothing waits.
    pub fn wakes(&self) -> Option<Timestamp> {
        self.rests
    }
}

/// Looks around, and says what changed.
pub(super) fn look(state: &mut State) -> Vec<Effect> {
    let now = state.now;
    let cursor = state.subject().cloned();
    let opened = matches!(state.screen, super::Screen::Detail(_));
    let order = state.environment().cluster.order();
    let look = &mut state.look;
    let moved = cursor != look.cursor;
    let elsewhere = look.environment != Some(state.shown);
    if moved && !elsewhere && !opened {
        look.cursor = cursor;
        look.rests = now.checked_add(REST).ok();
        return Vec::new();
    }
    let rested = look.rests.is_some_and(|rests| now >= rests);
    let since = |moment: Option<Timestamp>, pace| moment.is_none_or(|moment| now.duration_since(moment).abs() >= pace);
    let searches = since(look.searched, SEARCH);
    let changed = searches || (order != look.order && since(look.looked, PACE));
    if !(moved || elsewhere || rested || (look.rests.is_none() && changed)) {
        return Vec::new();
    }
    look.cursor = cursor;
    (look.rests, look.looked, look.order) = (None, Some(now), order);
    if searches || elsewhere {
        search(state);
    }
    turn(state)
}

/// Looks for those whose pods do not come.
fn search(state: &mut State) {
    let (now, environment) = (state.now, state.environment());
    let lacking: Vec<&Key> = environment.cluster.lacking(environment.cluster_time(now)).collect();
    let over = state.look.turned.is_none_or(|turned| now.duration_since(turned).abs() >= TURN);
    let lacking = take_turns(lacking, &state.look.lacking, over);
    let look = &mut state.look;
    if over {
        look.turned = Some(now);
    }
    (look.lacking, look.searched) = (lacking, Some(now));
}

/// Those whose turn it is: as before as long as that is not over, and then those that follow by name.
fn take_turns(mut lacking: Vec<&Key>, before: &[Key], over: bool) -> Vec<Key> {
    let stays = |key: &Key| !over && before.contains(key);
    let follows = |key: &Key| before.last().is_none_or(|last| by_name(key, last) == Ordering::Greater);
    let order = |a: &&Key, b: &&Key| {
        let (first, second) = (stays(b).cmp(&stays(a)), follows(b).cmp(&follows(a)));
        first.then(second).then_with(|| by_name(a, b))
    };
    if lacking.len() > LACKING {
        lacking.select_nth_unstable_by(LACKING, order);
        lacking.truncate(LACKING);
    }
    lacking.sort_unstable_by(|a, b| follows(b).cmp(&follows(a)).then_with(|| by_name(a, b)));
    lacking.into_iter().cloned().collect()
}

fn by_name(a: &Key, b: &Key) -> Ordering {
    a.name.cmp(&b.name).then_with(|| a.namespace.cmp(&b.namespace))
}

fn turn(state: &mut State) -> Vec<Effect> {
    let shown = state.shown;
    let before = if state.look.environment == Some(shown) { std::mem::take(&mut state.look.subjects) } else { Vec::new() };
    let (cursor, lacking) = (state.look.cursor.as_ref(), &state.look.lacking);
    let subjects = choose(&state.environment().cluster, cursor, &before, lacking);
    let mut effects = Vec::new();
    if let Some(left) = state.look.environment.filter(|left| *left != shown) {
        effects.push(Effect::Look { environment: left, subjects: Vec::new() });
    }
    if subjects != before || state.look.environment != Some(shown) {
        effects.push(Effect::Look { environment: shown, subjects: subjects.clone() });
    }
    state.look.environment = Some(shown);
    state.look.subjects = subjects;
    effects
}

/// The one under the cursor, those looked at so far that are still in trouble, others in trouble by name, and those whose pods do
/// not come.
fn choose(cluster: &Cluster, cursor: Option<&Key>, before: &[Subject], lacking: &[Key]) -> Vec<Subject> {
    let in_trouble = |key: &Key| cluster.glance(key).is_some_and(|glance| glance.needs_person);
    let mut keys: Vec<&Key> = cursor.into_iter().collect();
    let kept = before.iter().map(|subject| &subject.key).filter(|key| Some(*key) != cursor && in_trouble(key));
    keys.extend(kept.take(MOST - keys.len()));
    if keys.len() < MOST {
        let others = cluster.glances().filter(|(key, glance)| glance.needs_person && !keys.contains(key));
        let mut others: Vec<_> = others.map(|(key, _)| key).collect();
        others.sort_unstable_by(|a, b| by_name(a, b));
        keys.extend(others.into_iter().take(MOST - keys.len()));
    }
    for key in lacking {
        if keys.len() < MOST && !keys.contains(&key) {
            keys.push(key);
        }
    }
    let mut subjects: Vec<_> = keys.into_iter().filter_map(|key| subject(cluster, key)).collect();
    // The order means nothing: another cursor among the same releases is no other wish.
    subjects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    subjects
}

fn subject(cluster: &Cluster, key: &Key) -> Option<Subject> {
    let meta = cluster.meta(key)?;
    let selector = cluster.rollout(key).map(|rollout| selector(rollout).to_owned()).unwrap_or_default();
    Some(Subject { key: key.clone(), uid: (*meta.uid).into(), selector })
}

/// The pods of a rollout as a label selector: as it is wanted, else as the controller last wrote it. The controller's own leaves out
/// the preview of a blue-green one.
pub fn selector(rollout: &Rollout) -> &str {
    if rollout.spec.selector.is_empty() { &rollout.status.selector } else { &rollout.spec.selector }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::fact::{News, Object};
    use crate::domain::id::Kind;
    use crate::domain::object::{Meta, RolloutStatus};

    fn put(cluster: &mut Cluster, name: &str, phase: &str) {
        let metadata = Meta { namespace: "shop".into(), name: name.into(), uid: name.into(), ..Meta::default() };
        let status = RolloutStatus {
            phase: phase.into(),
            selector: format!("app={name}").into(),
            current_pod_hash: "a".into(),
            stable_rs: "a".into(),
            ..RolloutStatus::default()
        };
        cluster.apply(News::Is(Object::Rollout(Arc::new(Rollout { metadata, status, ..Rollout::default() }))));
    }

    fn names(subjects: &[Subject]) -> Vec<&str> {
        subjects.iter().map(|subject| &*subject.key.name).collect()
    }

    #[test]
    fn who_is_looked_at_stays_while_it_is_in_trouble() {
        let mut cluster = Cluster::default();
        for number in 20..40 {
            put(&mut cluster, &format!("s{number}"), "Degraded");
        }
        put(&mut cluster, "calm", "Healthy");
        let cursor = Key::new(Kind::Rollout, "shop", "calm");
        let first = choose(&cluster, Some(&cursor), &[], &[]);
        assert_eq!((first.len(), names(&first)[0], names(&first)[15]), (MOST, "calm", "s34"));
        put(&mut cluster, "a-new-one", "Degraded");
        assert_eq!(names(&choose(&cluster, Some(&cursor), &first, &[])), names(&first));
        put(&mut cluster, "s30", "Healthy");
        let lacking = [Key::new(Kind::Rollout, "shop", "calm")];
        let next = choose(&cluster, None, &first, &lacking);
        assert_eq!((names(&next)[0], names(&next)[15], next.len()), ("a-new-one", "s35", MOST));
        assert!(!names(&next).contains(&"s30") && !names(&next).contains(&"calm"));
    }
    #[test]
    fn those_whose_pods_do_not_come_take_turns() {
        let all: Vec<_> = ["a", "b", "c", "d", "e", "f"].map(|name| Key::new(Kind::Rollout, "shop", name)).into();
        let turn =
            |lacking: &[usize], before: &[Key], over| take_turns(lacking.iter().map(|place| &all[*place]).collect(), before, over);
        let letters = |keys: &[Key]| keys.iter().map(|key| key.name.to_string()).collect::<String>();
        let first = turn(&[5, 4, 3, 2, 1, 0], &[], true);
        assert_eq!(letters(&first), "abcd");
        assert_eq!(letters(&turn(&[0, 1, 2, 3, 4, 5], &first, false)), "abcd");
        let second = turn(&[0, 1, 2, 3, 4, 5], &first, true);
        assert_eq!(letters(&second), "efab");
        assert_eq!(letters(&turn(&[0, 1, 2, 3, 4, 5], &second, true)), "cdef");
        assert_eq!(letters(&turn(&[0, 4, 2], &second, true)), "cea");
    }

    #[test]
    fn those_whose_pods_do_not_come_have_the_places_that_are_left() {
        let mut cluster = Cluster::default();
        put(&mut cluster, "broken", "Degraded");
        put(&mut cluster, "slow", "Progressing");
        let lacking: Vec<_> = ["broken", "slow", "gone"].map(|name| Key::new(Kind::Rollout, "shop", name)).into();
        assert_eq!(names(&choose(&cluster, None, &[], &lacking)), ["broken", "slow"]);
    }
}
