//! Which releases are looked at closely: the one under the cursor once it rests, and those in trouble. Each costs watches, so there
//! are few of them, and who is looked at stays so while it is in trouble.

use jiff::{SignedDuration, Timestamp};

use super::cluster::Cluster;
use super::effect::{Effect, Subject};
use super::state::State;
use crate::domain::id::{EnvironmentId, Key};
use crate::domain::object::{Rollout, Selector};

/// Releases looked at at once.
pub const MOST: usize = 16;
/// How long the cursor has to rest on a release before it is looked at.
const REST: SignedDuration = SignedDuration::from_millis(250);
/// How often those in trouble are looked for, at most.
const PACE: SignedDuration = SignedDuration::from_secs(1);

/// What is looked at now.
#[derive(Debug, Default)]
pub struct Look {
    environment: Option<EnvironmentId>,
    subjects: Vec<Subject>,
    cursor: Option<Key>,
    rests: Option<Timestamp>,
    looked: Option<Timestamp>,
    order: u64,
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
    let paced = look.looked.is_none_or(|looked| now.duration_since(looked).abs() >= PACE);
    if !(moved || elsewhere || rested || (look.rests.is_none() && paced && order != look.order)) {
        return Vec::new();
    }
    look.cursor = cursor;
    (look.rests, look.looked, look.order) = (None, Some(now), order);
    turn(state)
}

fn turn(state: &mut State) -> Vec<Effect> {
    let shown = state.shown;
    let before = if state.look.environment == Some(shown) { std::mem::take(&mut state.look.subjects) } else { Vec::new() };
    let subjects = choose(&state.environment().cluster, state.look.cursor.as_ref(), &before);
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

/// The one under the cursor, those looked at so far that are still in trouble, and others in trouble by name.
fn choose(cluster: &Cluster, cursor: Option<&Key>, before: &[Subject]) -> Vec<Subject> {
    let in_trouble = |key: &Key| cluster.glance(key).is_some_and(|glance| glance.needs_person);
    let mut keys: Vec<&Key> = cursor.into_iter().collect();
    let kept = before.iter().map(|subject| &subject.key).filter(|key| Some(*key) != cursor && in_trouble(key));
    keys.extend(kept.take(MOST - keys.len()));
    if keys.len() < MOST {
        let others = cluster.glances().filter(|(key, glance)| glance.needs_person && !keys.contains(key));
        let mut others: Vec<_> = others.map(|(key, _)| key).collect();
        others.sort_unstable_by(|a, b| a.name.cmp(&b.name).then_with(|| a.namespace.cmp(&b.namespace)));
        keys.extend(others.into_iter().take(MOST - keys.len()));
    }
    let mut subjects: Vec<_> = keys.into_iter().filter_map(|key| subject(cluster, key)).collect();
    // The order means nothing: another cursor among the same releases is no other wish.
    subjects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    subjects
}

fn subject(cluster: &Cluster, key: &Key) -> Option<Subject> {
    let meta = cluster.meta(key)?;
    let selector = cluster.rollout(key).map(|rollout| selector(rollout)).unwrap_or_default();
    Some(Subject { key: key.clone(), uid: meta.uid.clone(), selector })
}

/// The pods of a rollout as a label selector: as it is wanted, else as the controller last wrote it.
fn selector(rollout: &Rollout) -> String {
    let wanted = rollout.spec.selector.as_ref().map(text).filter(|text| !text.is_empty());
    wanted.unwrap_or_else(|| rollout.status.selector.to_string())
}

/// A selector in the API's text form.
fn text(selector: &Selector) -> String {
    let labels = selector.match_labels.iter().map(|(key, value)| format!("{key}={value}"));
    let expressions = selector.match_expressions.iter().map(|rule| {
        let (key, values) = (&rule.key, rule.values.join(","));
        match &*rule.operator {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_string(),
        }
    });
    labels.chain(expressions).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::fact::{News, Object};
    use crate::domain::id::Kind;
    use crate::domain::object::{Meta, Requirement, RolloutStatus};

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
        let first = choose(&cluster, Some(&cursor), &[]);
        assert_eq!((first.len(), names(&first)[0], names(&first)[15]), (MOST, "calm", "s34"));
        put(&mut cluster, "a-new-one", "Degraded");
        assert_eq!(names(&choose(&cluster, Some(&cursor), &first)), names(&first));
        put(&mut cluster, "s30", "Healthy");
        let next = choose(&cluster, None, &first);
        assert_eq!((names(&next)[0], names(&next)[15], next.len()), ("a-new-one", "s35", MOST));
        assert!(!names(&next).contains(&"s30") && !names(&next).contains(&"calm"));
    }

    #[test]
    fn selectors_as_the_api_takes_them() {
        let rule = |operator: &str, values: &[&str]| Requirement {
            key: "tier".into(),
            operator: operator.into(),
            values: values.iter().map(|value| Box::from(*value)).collect(),
        };
        let expressions = vec![rule("In", &["a", "b"]), rule("NotIn", &["c"]), rule("Exists", &[]), rule("DoesNotExist", &[])];
        let selector = Selector { match_labels: [("app", "web")].into_iter().collect(), match_expressions: expressions };
        assert_eq!(text(&selector), "app=web,tier in (a,b),tier notin (c),tier,!tier");
    }
}
