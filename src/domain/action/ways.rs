//! The ways back for a Rollout, the quickest safe one first. *Safe* is where stable is, or a revision that is known to have been
//! stable; never "the second highest revision". Where nobody knows, somebody has to choose, by image.

use std::collections::HashSet;

use super::allowed::{is_aborted, is_under_way};
use super::offer::{Offer, Subject, Sync};
use super::plan::{Do, Plan, Step, Target, Until};
use super::verb::Verb;
use crate::domain::belongings::{pod_hash, revision};
use crate::domain::object::{ReplicaSet, Rollout};
use crate::domain::phase::{desired, promoted};
use crate::domain::release::Way;
use crate::domain::signs::{never_reconciled, signs};

/// How long Argo CD's automatic sync is paused, in minutes.
pub const SYNC_PAUSE: u32 = 60;
/// Old ReplicaSets that a Rollout keeps unless it says otherwise.
const HISTORY: i64 = 10;
/// Pods need about this long to start where none has been seen starting, in seconds.
const START: i64 = 30;

/// The abort alone.
pub(super) fn abort(rollout: &Rollout, subject: &Subject<'_>) -> Plan {
    let stable = subject.stable();
    let mut plan = Plan {
        verb: Verb::Abort,
        effect: format!("abort {}", subject.newest()).into(),
        steps: abort_steps(rollout, subject),
        after: after(subject, &stable).into(),
        left: Some("the template stays: it remains Degraded until it is rolled back, retried or changed".into()),
        target: stable_target(rollout, subject),
        draft: None,
        advances: false,
    };
    if let Some(owner) = owner_undoes(subject) {
        plan.left = Some(owner);
    }
    plan
}

/// All ways back, or why there is none.
pub(super) fn ways(rollout: &Rollout, subject: &Subject<'_>, to: Option<i64>) -> Result<Offer, String> {
    if never_reconciled(rollout) || rollout.status.current_pod_hash.is_empty() {
        return Err("no controller has looked at it yet: there is no revision to go back to".to_owned());
    }
    if let Some(number) = to {
        return to_revision(rollout, subject, number);
    }
    if rollout.status.stable_rs.is_empty() {
        return Err("it is the first deployment: there is no revision to go back to".to_owned());
    }
    if is_under_way(rollout) {
        return Ok(under_way(rollout, subject));
    }
    after_promotion(rollout, subject)
}

/// What a tool that manages the object does about a changed template.
pub(super) fn owner_undoes(subject: &Subject<'_>) -> Option<Box<str>> {
    let owner = subject.release.managed_by.as_ref()?;
    let tool = tool_words(owner.tool);
    Some(
        match subject.memory.owner.sync {
            Sync::Automatic => format!("{tool} ({}) syncs by itself: it writes Git's template again", owner.name),
            Sync::Manual => format!("{tool} ({}) syncs when told: then it writes Git's template again", owner.name),
            Sync::Unknown => format!("{tool} ({}) may sync by itself: then it writes Git's template again", owner.name),
        }
        .into(),
    )
}

pub(super) fn tool_words(tool: &str) -> &str {
    match tool {
        "argocd" => "Argo CD",
        "flux" => "Flux",
        "helm" => "Helm",
        other => other,
    }
}

/// In the middle of a release.
fn under_way(rollout: &Rollout, subject: &Subject<'_>) -> Offer {
    let owned = subject.release.managed_by.is_some() && subject.memory.owner.sync != Sync::Manual;
    let aborted = is_aborted(rollout, &signs(rollout));
    let only_abort = (!aborted).then(|| {
        let mut plan = abort(rollout, subject);
        plan.verb = Verb::RollBack;
        plan.effect = "roll back".into();
        if owned {
            plan.left = owner_undoes(subject).map(|words| format!("the template; stays Degraded on purpose. {words}").into());
        }
        plan
    });
    let restored = stable_set(rollout, subject).map(|set| restored(rollout, subject, set, aborted));
    let mut plans = Vec::new();
    if owned {
        plans.extend(only_abort);
        plans.extend(draft(rollout, subject));
        plans.extend(sync_paused(subject, restored.as_ref()));
        plans.extend(restored.map(|mut plan| {
            plan.left =
                Some("its own promise: the tool would ship the same version again, as a new canary that is not aborted".into());
            if let Some(words) = owner_undoes(subject) {
                plan.left = Some(format!("{words}, which ships {} again as a new, un-aborted canary", subject.newest()).into());
            }
            plan
        }));
    } else {
        plans.extend(restored);
        plans.extend(only_abort);
    }
    Offer { choose: false, plans }
}

/// Abort, then stable's template, so that it ends healthy.
fn restored(rollout: &Rollout, subject: &Subject<'_>, set: &ReplicaSet, aborted: bool) -> Plan {
    let target = target(rollout, set);
    let mut steps = if aborted { lift_hold(rollout) } else { abort_steps(rollout, subject) };
    steps.push(restore_step(set, &format!("restore the template of rev {}: ends healthy", target.revision)));
    steps.push(Step::wait(Until::Stable(target.hash.clone()), ""));
    Plan {
        verb: Verb::RollBack,
        effect: "roll back".into(),
        after: after(subject, &format!("rev {}", target.revision)).into(),
        left: None,
        target: Some(target),
        steps,
        draft: None,
        advances: false,
    }
}

/// Argo CD's sync is paused first, so that the restored template stays.
fn sync_paused(subject: &Subject<'_>, restored: Option<&Plan>) -> Option<Plan> {
    let (namespace, application) = subject.memory.owner.application.clone()?;
    if subject.memory.owner.sync != Sync::Automatic {
        return None;
    }
    let mut plan = restored?.clone();
    let words = format!("pause the automatic sync of {application} (owed: turn it on again within {SYNC_PAUSE} min)");
    // Traffic first: a sync that cannot be paused must not hold up the abort.
    let place = plan.steps.iter().position(|step| matches!(step.does, Do::Restore { .. })).unwrap_or(plan.steps.len());
    plan.steps.insert(place, Step::new(Do::PauseSync { namespace, application }, words));
    plan.left = Some("Git still has the bad version: revert it before the sync is turned on again".into());
    Some(plan)
}

/// The text of the revert in Git.
fn draft(rollout: &Rollout, subject: &Subject<'_>) -> Option<Plan> {
    let owner = subject.release.managed_by.as_ref()?;
    let set = stable_set(rollout, subject)?;
    let (target, key) = (target(rollout, set), subject.key());
    let bad = rollout.spec.template.as_ref().map(|template| images(&template.spec.containers)).unwrap_or_default();
    let why = subject.release.why.as_deref().unwrap_or("operator decision");
    let from = if bad.is_empty() { subject.newest() } else { bad };
    let text = format!(
        "Revert {} to {}\n\n{} {key}: {from} -> {}\nkept by {} {}\n\n{why}\n",
        key.name,
        target.images,
        key.kind,
        target.images,
        tool_words(owner.tool),
        owner.name
    );
    Some(Plan {
        verb: Verb::RollBack,
        effect: "copy the revert for Git".into(),
        steps: Vec::new(),
        after: "nothing is changed here; Git gets stable's image back when this is merged".into(),
        left: None,
        target: Some(target),
        draft: Some(text.into()),
        advances: false,
    })
}

/// The newest revision is stable: back to one that was stable before.
fn after_promotion(rollout: &Rollout, subject: &Subject<'_>) -> Result<Offer, String> {
    let uid = &rollout.metadata.uid;
    let mut others: Vec<&ReplicaSet> = subject.belongings.replica_sets_of(uid);
    others.retain(|set| pod_hash(&set.metadata) != &*rollout.status.stable_rs && !pod_hash(&set.metadata).is_empty());
    if others.is_empty() {
        return Err("no earlier revision is left in the cluster (or its ReplicaSets cannot be read)".to_owned());
    }
    let known = stable_before(rollout, subject);
    others.sort_by_key(|set| {
        (known.iter().position(|hash| **hash == *pod_hash(&set.metadata)).unwrap_or(usize::MAX), -revision(&set.metadata))
    });
    let told = others.first().is_some_and(|set| known.iter().any(|hash| **hash == *pod_hash(&set.metadata)));
    // Where no ReplicaSet has been deleted yet, the only other one is what was stable before.
    let kept = rollout.spec.revision_history_limit.unwrap_or(HISTORY);
    let certain = told || (others.len() == 1 && kept > 1);
    let mut plans = Vec::new();
    for set in others {
        plans.extend(undo(rollout, subject, set));
    }
    Ok(Offer { choose: !certain, plans })
}

/// Back to a revision that somebody named.
fn to_revision(rollout: &Rollout, subject: &Subject<'_>, number: i64) -> Result<Offer, String> {
    let sets = subject.belongings.replica_sets_of(&rollout.metadata.uid);
    let found = sets.iter().find(|set| revision(&set.metadata) == number);
    let Some(set) = found else {
        let have: Vec<String> = sets.iter().map(|set| revision(&set.metadata).to_string()).collect();
        return Err(format!("there is no revision {number}; there is {}", have.join(", ")));
    };
    let hash = pod_hash(&set.metadata);
    if hash == &*rollout.status.current_pod_hash && !promoted(rollout) {
        return Err(format!("revision {number} is the one that is on its way"));
    }
    if hash == &*rollout.status.current_pod_hash {
        return Err(format!("revision {number} is the one that runs"));
    }
    if hash == &*rollout.status.stable_rs {
        let aborted = is_aborted(rollout, &signs(rollout));
        let mut plan = restored(rollout, subject, set, aborted);
        plan.left = owner_undoes(subject);
        return Ok(Offer { choose: false, plans: vec![plan] });
    }
    Ok(Offer { choose: false, plans: undo(rollout, subject, set) })
}

/// The template of an earlier revision; where its steps would be gone through again, first with the full promotion that spares them.
fn undo(rollout: &Rollout, subject: &Subject<'_>, set: &ReplicaSet) -> Vec<Plan> {
    let target = target(rollout, set);
    let (number, hash) = (target.revision, target.hash.clone());
    let quick = is_quick(rollout, subject, set);
    let steps_again = !quick && !crate::domain::step::steps(rollout).is_empty();
    let pauses_again = !quick && rollout.spec.strategy.blue_green.is_some();
    let mut steps = Vec::new();
    if !promoted(rollout) && !is_aborted(rollout, &signs(rollout)) {
        steps.extend(abort_steps(rollout, subject));
    } else {
        steps.extend(lift_hold(rollout));
    }
    steps.push(restore_step(set, &format!("write the template of rev {number} ({}){}", target.images, starting(&target, subject))));
    steps.push(Step::wait(Until::Current(hash.clone()), ""));
    let mut plan = Plan {
        verb: Verb::RollBack,
        effect: "roll back".into(),
        after: format!("{} serves until rev {number} has its pods", subject.stable()).into(),
        left: owner_undoes(subject),
        target: Some(target),
        steps,
        draft: None,
        advances: false,
    };
    if !steps_again && !pauses_again {
        plan.steps.push(Step::wait(Until::Stable(hash), if quick { "its steps are skipped: it was stable lately" } else { "" }));
        return vec![plan];
    }
    let mut slow = plan.clone();
    slow.effect = "roll back through all steps".into();
    slow.after = format!("rev {number} goes through all steps and analyses; {} serves meanwhile", subject.stable()).into();
    plan.steps.push(Step::new(Do::PromoteFull, format!("promote rev {number} to 100 % as soon as it is observed")));
    plan.steps.push(Step::wait(Until::Stable(hash), ""));
    vec![plan, slow]
}

/// The abort, with what has to go with it.
fn abort_steps(rollout: &Rollout, subject: &Subject<'_>) -> Vec<Step> {
    let full = if rollout.status.promote_full { ", and end the full promotion" } else { "" };
    let stable = subject.stable();
    let traffic = match subject.release.way {
        Way::BlueGreen if *rollout.status.blue_green.active_selector == *rollout.status.stable_rs => {
            format!("{stable} keeps all traffic")
        }
        Way::BlueGreen => format!("traffic to {stable} at once"),
        _ if is_routed(rollout) => format!("traffic to {stable} at once"),
        _ => format!("its pods go, those of {stable} come back"),
    };
    let mut steps = vec![Step::new(Do::Abort, format!("abort {}{full}: {traffic}", subject.newest()))];
    steps.extend(lift_hold(rollout));
    steps.push(Step::wait(Until::TrafficBack, ""));
    steps
}

/// A held rollout does not scale, so the hold is lifted after the abort, never before.
fn lift_hold(rollout: &Rollout) -> Vec<Step> {
    if rollout.spec.paused { vec![Step::new(Do::Hold(false), "lift the hold, so that pods can be scaled")] } else { Vec::new() }
}

fn restore_step(set: &ReplicaSet, words: &str) -> Step {
    let hash = pod_hash(&set.metadata).into();
    Step::new(Do::Restore { hash, set: (*set.metadata.name).into() }, words)
}

fn is_routed(rollout: &Rollout) -> bool {
    rollout.spec.strategy.canary.as_ref().is_some_and(|canary| canary.traffic_routing.is_some())
}

/// Who serves afterwards, with how many pods.
fn after(subject: &Subject<'_>, whom: &str) -> String {
    let target = match subject.object {
        super::offer::Either::Rollout(rollout) => stable_target(rollout, subject),
        super::offer::Either::Canary(_) => None,
    };
    let Some(target) = target else { return format!("{whom}: all traffic") };
    format!("{whom}  {}  all traffic, {}", target.images, pods_words(&target, subject))
}

fn pods_words(target: &Target, subject: &Subject<'_>) -> String {
    let missing = target.desired - target.available;
    if missing <= 0 {
        return format!("{} pods ready, none to start", target.available);
    }
    format!("{} of {} pods ready, {missing} to start{}", target.available, target.desired, about(subject))
}

fn starting(target: &Target, subject: &Subject<'_>) -> String {
    let missing = target.desired - target.available;
    if missing <= 0 { String::new() } else { format!(": {missing} pods to start{}", about(subject)) }
}

/// How long pods of this release took to become ready, the slowest of those that are.
fn about(subject: &Subject<'_>) -> String {
    let took = subject.belongings.pods.iter().filter_map(|pod| {
        let ready = pod.status.conditions.iter().find(|condition| *condition.kind == *"Ready" && *condition.status == *"True")?;
        let begun = pod.metadata.creation_timestamp?;
        Some(ready.last_transition_time?.duration_since(begun).as_secs()).filter(|seconds| *seconds >= 0)
    });
    match took.max() {
        Some(seconds) => format!(", about {}", crate::domain::duration::age(seconds.max(1))),
        None => format!(", {} or more", crate::domain::duration::age(START)),
    }
}

fn stable_set<'a>(rollout: &Rollout, subject: &Subject<'a>) -> Option<&'a ReplicaSet> {
    subject.belongings.replica_set_with(&rollout.metadata.uid, &rollout.status.stable_rs)
}

fn stable_target(rollout: &Rollout, subject: &Subject<'_>) -> Option<Target> {
    stable_set(rollout, subject).map(|set| target(rollout, set))
}

fn target(rollout: &Rollout, set: &ReplicaSet) -> Target {
    Target {
        revision: revision(&set.metadata),
        hash: pod_hash(&set.metadata).into(),
        images: images(&set.spec.template.spec.containers).into(),
        available: set.status.available_replicas,
        desired: desired(rollout),
    }
}

pub(super) fn images(containers: &[crate::domain::object::Container]) -> String {
    containers.iter().map(|container| container.image.rsplit('/').next().unwrap_or_default()).collect::<Vec<_>>().join(", ")
}

/// Pod hashes that were stable before the one of now, newest first: from the controller's own events, and from the ledger.
fn stable_before(rollout: &Rollout, subject: &Subject<'_>) -> Vec<Box<str>> {
    let completed = subject.belongings.events.iter().filter(|event| *event.reason == *"RolloutCompleted");
    let completed = completed.filter(|event| event.involved_object.uid == rollout.metadata.uid);
    let told = completed.filter_map(|event| Some((event.at()?, completed_hash(&event.message)?)));
    let remembered = subject.memory.stable_before.iter().map(|one| (one.at, &*one.hash));
    let mut all: Vec<_> = told.chain(remembered).filter(|(_, hash)| *hash != &*rollout.status.stable_rs).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.0));
    let mut seen = HashSet::new();
    all.into_iter().filter(|(_, hash)| seen.insert(*hash)).map(|(_, hash)| hash.into()).collect()
}

/// The hash in `Rollout completed update to revision 3 (6f4c): …`.
fn completed_hash(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("Rollout completed update to revision ")?;
    rest.split_once('(')?.1.split_once(')').map(|(hash, _)| hash).filter(|hash| !hash.is_empty())
}

/// Whether the controller itself would skip the steps: within `rollbackWindow` with pods left, or a blue-green ReplicaSet that is
/// still inside its scale-down delay.
fn is_quick(rollout: &Rollout, subject: &Subject<'_>, set: &ReplicaSet) -> bool {
    let stands = set.status.replicas > 0;
    if rollout.spec.strategy.blue_green.is_some() {
        let deadline = set.metadata.annotation("scale-down-deadline").and_then(|text| text.parse::<jiff::Timestamp>().ok());
        return stands && deadline.is_some_and(|deadline| deadline > subject.now);
    }
    let Some(window) = rollout.spec.rollback_window.as_ref().map(|window| window.revisions).filter(|window| *window > 0) else {
        return false;
    };
    let Some(stable) = stable_set(rollout, subject) else { return false };
    let (old, new) = (set.metadata.creation_timestamp, stable.metadata.creation_timestamp);
    let between = subject.belongings.replica_sets_of(&rollout.metadata.uid).into_iter();
    let between = between.filter(|other| other.metadata.creation_timestamp > old && other.metadata.creation_timestamp < new);
    stands && old < new && i64::try_from(between.count()).unwrap_or(i64::MAX) < window
}
