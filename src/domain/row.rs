//! Works out a [`Release`] from a Rollout and what belongs to it. Each value by its own module; here they only meet.

use jiff::Timestamp;

use super::belongings::{Belongings, REVISION, revision};
use super::id::{Key, Kind};
use super::managed::managed_by;
use super::object::Rollout;
use super::phase::{desired, phase_and_message, promoted};
use super::release::{Phase, Release, Replicas, Way};
use super::signs::{Sign, condition, signs, until, waiting_for};
use super::{step, tag, weight, why};

/// What a Rollout and its belongings say at a moment of the cluster's clock.
pub fn of_rollout(rollout: &Rollout, belongings: &Belongings, now: Timestamp) -> Release {
    let (meta, status) = (&rollout.metadata, &rollout.status);
    let (phase, message) = phase_and_message(rollout);
    let signs = signs(rollout);
    let waiting_for = waiting_for(&signs, phase);
    let numbered =
        |hash: &str| belongings.replica_set_with(&meta.uid, hash).map(|set| revision(&set.metadata)).filter(|number| *number > 0);
    let own_number = meta.annotation(REVISION).and_then(|text| text.parse().ok());
    Release {
        key: Key { kind: Kind::Rollout, namespace: meta.namespace.clone(), name: meta.name.clone() },
        uid: (*meta.uid).into(),
        way: way(rollout),
        phase,
        message,
        step: step::step_at(rollout),
        weight: weight::weight(rollout, belongings),
        shown_weight: weight::shown(rollout, belongings),
        revision: own_number.or_else(|| numbered(&status.current_pod_hash)),
        stable_revision: numbered(&status.stable_rs),
        aborted: signs.contains(&Sign::Aborted) || status.abort,
        promoted: promoted(rollout),
        promoting_full: status.promote_full,
        waiting_for,
        until: until(rollout, belongings, waiting_for),
        next_weight: weight::next(rollout),
        images: tag::images(rollout, belongings),
        replicas: Replicas {
            desired: desired(rollout),
            current: status.replicas,
            updated: status.updated_replicas,
            ready: status.ready_replicas,
            available: status.available_replicas,
        },
        since: since(rollout, phase),
        managed_by: managed_by(meta),
        why: why::of_rollout(rollout, belongings, now),
        odd: rollout.odd.clone(),
    }
}

fn way(rollout: &Rollout) -> Way {
    match (&rollout.spec.strategy.canary, &rollout.spec.strategy.blue_green) {
        (Some(_), _) => Way::Canary,
        (None, Some(_)) => Way::BlueGreen,
        (None, None) => Way::Unknown,
    }
}

/// The start of the present state, as near as the status tells it: of the pause, of the abort, else of the last progress.
fn since(rollout: &Rollout, phase: Phase) -> Option<Timestamp> {
    let status = &rollout.status;
    let pause = || status.pause_conditions.iter().flatten().find_map(|pause| pause.start_time);
    let changed =
        |kind| condition(rollout, kind).and_then(|condition| condition.last_update_time.or(condition.last_transition_time));
    match phase {
        Phase::Paused => pause().or_else(|| changed("Paused")),
        Phase::Degraded => status.aborted_at.or_else(|| changed("InvalidSpec")).or_else(|| changed("Progressing")),
        Phase::Healthy | Phase::Progressing | Phase::Unknown => changed("Progressing"),
    }
}
